"""Family `tags`: platforms that PyPI refuses, that nobody looks for, that are no more or not yet, or that are mixed."""

from __future__ import annotations

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.rules.helpers import evidence, findings, only
from tests.rules.tags_helpers import LINUX, native, tagged

# ------------------------------------------------------------------------------------------------- platform-not-on-pypi


@pytest.mark.parametrize(
    ("platform", "advice"),
    [
        ("linux_x86_64", "auditwheel repair"),
        ("linux_aarch64", "auditwheel repair"),
        ("linux_loongarch64", "PyPI takes no wheels for `loongarch64`"),
        ("linux_mips64", "PyPI takes no wheels for `mips64`"),
        ("manylinux_2_36_loongarch64", "PyPI takes no wheels for `loongarch64` on this libc"),
        ("manylinux_2_17_armv6l", "`linux_armv6l` alone"),
        ("musllinux_1_2_ppc64", "PyPI takes no wheels for `ppc64` on this libc"),
        ("manylinux2014_riscv64", "`manylinux_2_31_riscv64`"),
        ("manylinux1_aarch64", "`manylinux_2_17_aarch64`"),
        ("macosx_9_2_x86_64", "MACOSX_DEPLOYMENT_TARGET"),
        ("macosx_11_2_arm64", "`macosx_11_0_arm64`"),
        ("macosx_26_1_arm64", "`macosx_26_0_arm64`"),
        ("macosx_16_2_arm64", "`macosx_15_0_arm64`"),
        ("macosx_27_0_arm64", "`macosx_26_0_arm64`"),
        ("macosx_10_15_amd64", "use x86_64"),
        ("macosx_11_0_aarch64", "use arm64"),
        ("macosx_10_9_fat32", "no architecture name"),
        ("pyodide_2024_0_wasm32", "pyemscripten_"),
        ("emscripten_3_1_58_wasm32", "pyemscripten_"),
        ("wasi_0_0_0_wasm32", "pyemscripten_"),
        ("win_arm32", "`win_arm64`"),
        ("freebsd_14_1_release_amd64", "publish an sdist"),
    ],
)
def test_a_platform_that_pypi_refuses_is_an_error_with_advice(platform: str, advice: str) -> None:
    """What PyPI refuses is an error; the help names the nearest tag that it takes, or the tool that gets there."""
    finding = only(tagged(f"cp311-cp311-{platform}"), rule="platform-not-on-pypi")
    assert f"`{platform}`" in finding.message
    assert advice in finding.help
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)
    assert "as of 20" in evidence(finding)


def test_each_platform_of_a_set_is_judged() -> None:
    """One refused member is enough for PyPI, and is the one that is named."""
    finding = only(tagged("cp311-cp311-linux_x86_64.win32"), rule="platform-not-on-pypi")
    assert "`linux_x86_64`" in finding.message


# ---------------------------------------------------------------------------- platform-unmatchable, platform-unreleased


@pytest.mark.parametrize(
    ("platform", "words", "advice"),
    [
        ("macosx_10_15_arm64", "arm64 Macs begin with macOS 11", "macosx_11_0_arm64"),
        ("macosx_10_3_x86_64", "10.4 to 10.16", "macosx_10_9"),
        ("macosx_10_17_x86_64", "10.4 to 10.16", "macosx_10_9"),
        ("macosx_10_6_ppc", "no `ppc` Python", "universal2"),
        ("macosx_11_0_ppc", "does not run `ppc` code", "arm64"),
        ("manylinux_2_4_x86_64", "begin at glibc 2.5", "manylinux_2_5_x86_64"),
        ("manylinux_2_12_aarch64", "begin at glibc 2.17", "manylinux_2_17_aarch64"),
        ("manylinux_2_12_riscv64", "begin at glibc 2.17", "manylinux_2_31_riscv64"),
        ("ios_11_0_arm64_iphoneos", "iOS 12.0", "ios_12_0"),
        ("ios_13_0_x86_64_iphoneos", "no iPhone", "iphonesimulator"),
        ("android_15_arm64_v8a", "API level 16", "android_16"),
        ("win_ia64", "since 2.7", "drop"),
    ],
)
def test_a_platform_that_nobody_looks_for_is_a_warning(platform: str, words: str, advice: str) -> None:
    """What PyPI takes and no installer looks for is a warning with the reason and the tag to use."""
    finding = only(tagged(f"cp311-cp311-{platform}"), rule="platform-unmatchable")
    assert words in finding.message
    assert advice in finding.help
    assert (finding.severity, finding.pypi) == (Severity.WARNING, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize(
    "platform",
    [
        "manylinux_2_5_i686",
        "manylinux_2_17_riscv64",
        "manylinux1_x86_64",
        "macosx_10_4_x86_64",
        "macosx_10_9_universal2",
        "macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64.macosx_10_10_intel.macosx_10_10_x86_64",
        "ios_12_0_arm64_iphonesimulator",
        "android_16_x86",
        "pyemscripten_2026_0_wasm32",
        "musllinux_1_0_x86_64",
        "linux_x86_64",  # PyPI refuses it, and that is enough
    ],
)
def test_a_platform_that_somebody_looks_for_is_clean(platform: str) -> None:
    """The oldest version that pip looks for is no warning, whatever uv does."""
    assert not findings(tagged(f"cp311-cp311-{platform}"), rule="platform-unmatchable")


@pytest.mark.parametrize(
    ("platform", "words"),
    [
        ("manylinux_2_99_x86_64", "newest glibc is 2."),
        ("manylinux_3_0_s390x", "newest glibc is 2."),
        ("musllinux_1_9_x86_64", "newest musl is 1.2"),
        ("macosx_99_0_arm64", "newest macOS is"),
        ("macosx_16_0_arm64", "15 is followed by 26"),
        ("ios_99_0_arm64_iphoneos", "newest iOS is"),
        ("android_999_x86_64", "newest Android's API is level"),
    ],
)
def test_a_platform_of_the_future_is_a_warning(platform: str, words: str) -> None:
    """A release that does not exist is a warning whose evidence has the date of what is known."""
    finding = only(tagged(f"cp311-cp311-{platform}"), rule="platform-unreleased")
    assert words in finding.message
    assert "as of 20" in evidence(finding)
    assert finding.severity is Severity.WARNING


# ------------------------------------------------------------------------------------------------------- platform-mixed


@pytest.mark.parametrize(
    "platform", ["win32.manylinux_2_17_x86_64", "macosx_11_0_arm64.win_amd64", "any.win32", "android_24_x86.win32"]
)
def test_a_set_of_several_systems_is_a_warning(platform: str) -> None:
    """Tags of several operating systems in one set are a warning that names them."""
    finding = only(tagged(f"py3-none-{platform}"), rule="platform-mixed")
    assert all(f"`{tag}`" in finding.message for tag in platform.split("."))
    assert finding.severity is Severity.WARNING


def test_two_c_libraries_are_a_warning_where_a_binary_is_linked() -> None:
    """A dynamically linked ELF file under manylinux and musllinux is a warning with the library that it needs."""
    wheel = native("cp311-cp311-manylinux_2_17_x86_64.musllinux_1_2_x86_64", like=f"cp311-cp311-{LINUX}")
    finding = only(wheel, rule="platform-mixed")
    assert "glibc and musl" in finding.message
    assert "needs `libc.so.6`" in evidence(finding)


@pytest.mark.parametrize(
    "platform",
    [
        "manylinux_2_17_x86_64.musllinux_1_2_x86_64",
        "win32.win_amd64",
        "win_amd64.win_ia64",
        "linux_x86_64.manylinux1_x86_64",
    ],
)
def test_one_system_is_not_mixed(platform: str) -> None:
    """Two C libraries without a linked binary, and several machines of one system, are no mixture."""
    assert not findings(tagged(f"py3-none-{platform}"), rule="platform-mixed")
