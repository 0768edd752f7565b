"""PyPI's list of platform tags, against the cases of its own tests and those that were tried on it."""

from __future__ import annotations

import itertools

import pytest

from auditor.platforms.promise import parse_platform
from auditor.platforms.pypi import MACOS_MAJORS, accepts_platform, nearest

ACCEPTED = (
    *("any", "win32", "win_amd64", "win_ia64", "win_arm64"),
    *("manylinux1_i686", "manylinux1_x86_64", "manylinux2010_i686", "manylinux2010_x86_64"),
    *(f"manylinux2014_{arch}" for arch in ("i686", "x86_64", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x")),
    *("manylinux_2_5_i686", "manylinux_2_12_x86_64", "manylinux_2_17_aarch64", "manylinux_2_17_armv7l"),
    *("manylinux_2_17_ppc64", "manylinux_2_17_ppc64le", "manylinux_2_39_riscv64", "manylinux_3_0_s390x"),
    "musllinux_1_1_x86_64",
    *(f"macosx_10_5_{arch}" for arch in ("ppc", "ppc64", "i386", "intel", "fat", "fat3", "fat64", "universal")),
    *("macosx_10_13_x86_64", "macosx_11_0_x86_64", "macosx_10_15_arm64", "macosx_15_0_universal2", "macosx_26_0_arm64"),
    *(
        f"ios_{version}_{device}"
        for version in ("13_0", "15_4")
        for device in ("arm64_iphoneos", "arm64_iphonesimulator", "x86_64_iphonesimulator")
    ),
    *(f"android_27_{abi}" for abi in ("armeabi_v7a", "arm64_v8a", "x86", "x86_64")),
    *("macosx_10_6_intel", "macosx_10_9_intel", "macosx_10_9_x86_64", "macosx_10_10_intel", "macosx_10_10_x86_64"),
    "pyemscripten_2026_0_wasm32",
    *("linux_armv6l", "linux_armv7l", "win_AMD64", "ios_13_0_x86_64_iphoneos"),
)
REFUSED = (
    *("linux_x86_64", "macosx_9_2_x86_64", "macosx_11_2_arm64", "macosx_16_2_arm64", "macosx_10_15_amd64"),
    *("macosx_27_0_arm64", "macosx_16_0_arm64", "macosx_26_1_arm64", "macosx_11_0_fat32", "macosx_10_9_fat32"),
    *("manylinux_2_17_loongarch64", "manylinux_2_17_armv6l", "musllinux_1_2_armv6l", "musllinux_1_2_ppc64"),
    *("manylinux2014_riscv64", "manylinux1_aarch64", "manylinux2010_ppc64", "linux_aarch64", "linux_i686"),
    *("pyodide_2024_0_wasm32", "emscripten_3_1_58_wasm32", "wasi_0_0_0_wasm32"),
    *("freebsd_14_1_release_amd64", "win_arm32", "", "anything", "android_27_mips", "ios_13_0_arm64"),
)


@pytest.mark.parametrize("tag", ACCEPTED)
def test_pypi_accepts(tag: str) -> None:
    """PyPI takes every tag that its own tests upload."""
    assert accepts_platform(tag)


@pytest.mark.parametrize("tag", REFUSED)
def test_pypi_refuses(tag: str) -> None:
    """PyPI refuses every tag that its own tests see refused."""
    assert not accepts_platform(tag)


@pytest.mark.parametrize(
    "tag", ["ios_13_0_arm64_iphoneos_junk", "pyemscripten_2026_0_wasm32_junk", "manylinux_\u0662_17_x86_64", "win32\n"]
)
def test_what_slips_past_pypis_prefixes_is_no_tag(tag: str) -> None:
    """PyPI's expressions take a prefix and any digit for a whole tag; that is not counted on."""
    assert not accepts_platform(tag)


def test_macos_majors_have_minor_zero() -> None:
    """Above macOS 10 every known major is taken with the minor 0, and with no other."""
    for major, minor in itertools.product(MACOS_MAJORS, range(3)):
        assert accepts_platform(f"macosx_{major}_{minor}_arm64") is (minor == 0)


@pytest.mark.parametrize("tag", REFUSED)
def test_advice_names_only_tags_that_pypi_takes(tag: str) -> None:
    """What is advised in place of a refused tag is never refused itself."""
    advice = nearest(parse_platform(tag))
    assert advice
    assert not advice.endswith(".")
    quoted = advice.split("`")[1::2]
    tags = [text for text in quoted if text.startswith(("manylinux", "musllinux", "macosx", "win_", "linux_"))]
    for text in tags:
        assert accepts_platform(text.replace("_N_", "_17_")), text
