"""Family `native`: clean modules for each tag, legal oddities, passengers (`binary-foreign`), shipped wheels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auditor import audit
from auditor.findings import Severity
from auditor.platforms import cpython_symbols
from tests.builders import (
    OUTSIDE_STABLE_ABI,
    BuiltWheel,
    PeExport,
    PeSpec,
    clean_elf,
    clean_macho,
    clean_pe,
    clean_slices,
    extension_name,
    extension_wheel,
)
from tests.rules.machine_helpers import (
    ARM_LINUX,
    ARM_WINDOWS,
    HYBRID,
    INTEL_MAC,
    IPHONE,
    LINUX,
    LINUX_NAME,
    MACOS,
    MUSL,
    UNIVERSAL,
    WINDOWS,
    WINDOWS_32,
)
from tests.rules.native_helpers import (
    assert_silent,
    dll,
    dylib,
    elf_library,
    elf_program,
    elf_wheel,
    judged,
    loud,
    native,
    params,
    pe_wheel,
    plain_wheel,
    static_program,
    with_files,
)

TAGS = {
    "manylinux1": "cp311-cp311-manylinux1_x86_64",
    "manylinux_2_17-x86_64": LINUX,
    "manylinux_2_5-i686": "cp311-cp311-manylinux_2_5_i686",
    "manylinux_2_17-aarch64": ARM_LINUX,
    "manylinux_2_17-armv7l": "cp311-cp311-manylinux_2_17_armv7l",
    "manylinux_2_17-ppc64le": "cp311-cp311-manylinux_2_17_ppc64le",
    "manylinux_2_17-s390x": "cp311-cp311-manylinux_2_17_s390x",
    "manylinux_2_31-riscv64": "cp311-cp311-manylinux_2_31_riscv64",
    "manylinux_2_36-loongarch64": "cp311-cp311-manylinux_2_36_loongarch64",
    "linux-armv7l": "cp311-cp311-linux_armv7l",
    "linux-armv6l": "cp311-cp311-linux_armv6l",
    "musllinux-x86_64": MUSL,
    "musllinux-i686": "cp311-cp311-musllinux_1_2_i686",
    "musllinux-armv7l": "cp311-cp311-musllinux_1_2_armv7l",
    "abi3-linux": "cp38-abi3-manylinux_2_17_x86_64",
    "free-threaded-linux": "cp313-cp313t-manylinux_2_17_x86_64",
    "abi3t-linux": "cp315-abi3t-manylinux_2_17_x86_64",
    "abi3-and-abi3t-linux": "cp315-abi3.abi3t-manylinux_2_17_x86_64",
    "two-names-of-one-glibc": "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64",
    "two-glibcs": "cp311-cp311-manylinux_2_17_x86_64.manylinux_2_28_x86_64",
    "macos-arm64": MACOS,
    "macos-x86_64": INTEL_MAC,
    "macos-universal2": UNIVERSAL,
    "macos-abi3": "cp39-abi3-macosx_10_9_universal2",
    "windows-amd64": WINDOWS,
    "windows-arm64": ARM_WINDOWS,
    "windows-32": WINDOWS_32,
    "windows-abi3": "cp38-abi3-win_amd64",
    "windows-abi3t": "cp315-abi3t-win_amd64",
    "windows-free-threaded": "cp313-cp313t-win_amd64",
    "iphone": IPHONE,
    "simulator-arm64": "cp313-cp313-ios_13_0_arm64_iphonesimulator",
    "simulator-x86_64": "cp313-cp313-ios_13_0_x86_64_iphonesimulator",
    "android-arm64": "cp313-cp313-android_24_arm64_v8a",
    "android-x86_64": "cp313-cp313-android_24_x86_64",
}


def test_what_a_clean_module_takes_beyond_the_stable_abi() -> None:
    """Every CPython that is known exports the symbol for which a clean module could not be an abi3 one."""
    for windows in (True, False):
        assert cpython_symbols.exported_by(OUTSIDE_STABLE_ABI, windows=windows) == cpython_symbols.builds()
    assert cpython_symbols.stable(OUTSIDE_STABLE_ABI) is None


@pytest.mark.parametrize("tags", params(TAGS))
def test_a_clean_module_is_clean_for_each_tag(tags: str) -> None:
    """A module that is built for its tag gives no finding of these families but the hint at a wider tag."""
    assert_silent(extension_wheel(tags))


def test_a00_and_a54_good_twins_are_clean() -> None:
    """The wheels that the planted defects started from give nothing at all."""
    elsewhere = ("cp311-cp311-macosx_10_9_universal2", "cp313-cp313-android_24_arm64_v8a")
    stable = ("cp38-abi3-manylinux_2_17_x86_64", "cp315-abi3.abi3t-manylinux_2_17_x86_64", "cp38-abi3-win_amd64")
    for tags in (LINUX, ARM_LINUX, MUSL, *elsewhere, *stable, "cp313-cp313-win_amd64", "cp313-cp313t-win_amd64"):
        report = judged(extension_wheel(tags))
        assert [(one.rule, one.message) for one in report.findings] == []
        assert report.not_judged == ()


CLEAN = {
    "empty-plain-so-is-no-module": with_files(LINUX, {"demo/placeholder.so": b""}),
    "pyd-text-in-a-linux-wheel": with_files(LINUX, {"demo/notes.pyd": b"text"}),
    "static-archive-and-object": with_files(LINUX, {"demo/lib/libx.a": b"!<arch>\n", "demo/x.o": b"\x7fEL"}),
    "static-program-in-scripts": plain_wheel(
        "py3-none-manylinux_2_17_x86_64", {"demo-1.0.data/scripts/tool": static_program()}
    ),
    "module-for-both-machines-in-two-files": with_files(
        "cp311-cp311-manylinux_2_17_aarch64.manylinux_2_17_x86_64",
        {extension_name(LINUX): clean_elf(LINUX)},
    ),
    "modules-for-two-systems": plain_wheel(
        "cp311-cp311-macosx_11_0_arm64.win_amd64",
        {extension_name(MACOS): clean_macho(MACOS), extension_name(WINDOWS): clean_pe(WINDOWS)},
    ),
    "armv7-binary-under-armv6-tag": extension_wheel("cp311-cp311-linux_armv6l"),
    "32-and-64-bit-libraries-under-both-tags": plain_wheel(
        "py3-none-win32.win_amd64",
        {"demo/foo32.dll": dll("foo32.dll", machine="i386"), "demo/foo64.dll": dll("foo64.dll")},
    ),
    "fat-slice-beyond-the-tag": with_files(INTEL_MAC, {}, binary=clean_slices("cp311-cp311-macosx_10_9_universal2")),
    "arm64x-in-a-win_arm64-wheel": pe_wheel(ARM_WINDOWS, load_config=HYBRID),
    "program-that-brings-libpython": plain_wheel(
        LINUX,
        {
            LINUX_NAME: clean_elf(LINUX),
            "demo/tool": elf_program(needed=("libc.so.6", "libpython3.11.so.1.0"), runpath="$ORIGIN/lib"),
            "demo/lib/libpython3.11.so.1.0": elf_library("libpython3.11.so.1.0"),
        },
    ),
    "mingw-build": pe_wheel(
        WINDOWS,
        imports={"python311.dll": ("PyModule_Create2",), "msvcrt.dll": ("memcpy",), "KERNEL32.dll": ("Sleep",)},
        linker_version=(2, 40),
    ),
    "debug-companion-elsewhere": with_files(
        LINUX, {"demo/.debug/_core.debug": replace(clean_elf(ARM_LINUX), file_type=4)}
    ),
}


@pytest.mark.parametrize("wheel", params(CLEAN))
def test_unusual_wheels_that_are_legal(wheel: BuiltWheel) -> None:
    """What is unusual and loads nonetheless, or is not loaded at all, gives no finding."""
    assert_silent(wheel)


FOREIGN = {
    "windows-launcher-in-a-pure-wheel": plain_wheel(
        "py3-none-any", {"demo/gui-amd64.exe": PeSpec(is_dll=False, imports={"KERNEL32.dll": ("Sleep",)})}
    ),
    "device-code": with_files(LINUX, {"demo/kernels/sm_90.cubin": elf_library("x", machine=190, file_type=2)}),
    "device-code-alone": plain_wheel(
        "py3-none-manylinux_2_17_x86_64", {"demo/kernels/gfx942.hsaco": elf_library("x", machine=224)}
    ),
    "library-for-another-machine": with_files(
        LINUX, {"demo/native/aarch64/libfoo.so": elf_library("libfoo.so", ARM_LINUX)}
    ),
    "alien-library-with-a-fitting-twin": elf_wheel(
        LINUX,
        needed=("libc.so.6", "libfoo.so.1"),
        runpath="$ORIGIN/../demo.libs",
        files={
            "demo.libs/libfoo.so.1": elf_library("libfoo.so.1"),
            "demo/macos/libfoo.so.1": dylib("libfoo.so.1", "arm64"),
        },
    ),
    "windows-module-beside-a-linux-one": with_files(
        LINUX,
        {"demo/_win.cp311-win_amd64.pyd": replace(clean_pe(WINDOWS), exports=(PeExport(symbol="PyInit__win"),))},
    ),
}


@pytest.mark.parametrize("wheel", params(FOREIGN))
def test_passengers_are_an_info(wheel: BuiltWheel) -> None:
    """A binary of another platform that nothing loads is said as an info, and as nothing else."""
    report = judged(wheel)
    assert [(one.rule, one.severity) for one in native(report)] == [("binary-foreign", Severity.INFO)]
    assert loud(report) == []


def test_a16_a_module_in_a_wheel_for_any_platform() -> None:
    """`native-in-any` speaks alone: neither the passenger's info nor a rule about the module joins it."""
    report = judged(plain_wheel("py3-none-any", {LINUX_NAME: clean_elf(LINUX)}))
    assert [one.rule for one in report.findings] == ["native-in-any"]


WHEELS = Path(__file__).parents[1] / "wheels"
SPOILT = {
    "glibc": ("cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64", "glibc-newer-than-tag"),
    "universal2": ("cp311-cp311-macosx_11_0_universal2", "macos-arch-missing"),
    "renamed": ("cp313-cp313-win_amd64", "extension-suffix-mismatch"),
}


@pytest.mark.parametrize(("tags", "rule"), [pytest.param(*case, id=name) for name, case in SPOILT.items()])
def test_real_wheels_with_a_planted_defect(tags: str, rule: str) -> None:
    """Each wheel of the fixture crate that was spoilt gives the one error of these families that it was spoilt for."""
    report = audit(WHEELS / "bad" / f"my_extension-0.1.0-{tags}.whl")
    assert [(one.rule, one.severity) for one in native(report)] == [(rule, Severity.ERROR)]


@pytest.mark.parametrize("path", params({path.stem: path for path in sorted((WHEELS / "good").glob("*.whl"))}))
def test_real_wheels_without_a_defect(path: Path) -> None:
    """The good wheels of the fixture crate give nothing of these families, but that some could be abi3 wheels."""
    said = {one.rule for one in native(audit(path))}
    assert said == ({"abi3-possible"} if "-cp313-cp313-" in path.name else set())
