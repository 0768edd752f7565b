"""Family `native`: what cannot be read, is for another system, or for another machine."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from auditor import audit
from auditor.findings import Severity
from auditor.platforms import cpython_symbols
from tests.builders import (
    OUTSIDE_STABLE_ABI,
    BuiltWheel,
    Member,
    PeExport,
    PeSpec,
    build_elf,
    build_macho,
    build_pe,
    clean_binary,
    clean_elf,
    clean_macho,
    clean_pe,
    clean_slices,
    extension_name,
    extension_wheel,
)
from tests.rules.native_helpers import (
    INIT,
    Planted,
    assert_planted,
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
    static_program_32,
    with_files,
)

LINUX = "cp311-cp311-manylinux_2_17_x86_64"
ARM_LINUX = "cp311-cp311-manylinux_2_17_aarch64"
MUSL = "cp311-cp311-musllinux_1_2_x86_64"
MACOS = "cp311-cp311-macosx_11_0_arm64"
INTEL_MAC = "cp311-cp311-macosx_10_9_x86_64"
UNIVERSAL = "cp311-cp311-macosx_10_9_universal2"
WINDOWS = "cp311-cp311-win_amd64"
ARM_WINDOWS = "cp311-cp311-win_arm64"
WINDOWS_32 = "cp311-cp311-win32"
IPHONE = "cp313-cp313-ios_13_0_arm64_iphoneos"

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


LINUX_NAME = extension_name(LINUX)
HYBRID = struct.pack("<I", 0x140).ljust(0xC8, b"\0") + struct.pack("<Q", 0x1234).ljust(0x78, b"\0")
"""A load configuration with CHPE metadata (Microsoft's `IMAGE_LOAD_CONFIG_DIRECTORY64`): ARM64EC, or ARM64X."""
BROKEN_ELF = build_elf(clean_elf(LINUX))[:200]
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


def _renamed(tags: str, other: str) -> BuiltWheel:
    """The module of other tags, under its own name, in a wheel of `tags`."""
    return extension_wheel(tags, binary=clean_binary(other), member=extension_name(other))


def _disguised(tags: str, other: str) -> BuiltWheel:
    """The module of other tags under the name that the interpreter looks for."""
    return extension_wheel(tags, binary=clean_binary(other))


MALFORMED = {
    "a60-truncated-elf": Planted(
        wheel=extension_wheel(LINUX, binary=BROKEN_ELF), rule="binary-malformed", member=LINUX_NAME
    ),
    "elf-of-four-bytes": Planted(
        wheel=extension_wheel(LINUX, binary=b"\x7fELF"), rule="binary-malformed", member=LINUX_NAME
    ),
    "truncated-mach-o": Planted(
        wheel=extension_wheel(MACOS, binary=build_macho(clean_macho(MACOS))[:300]),
        rule="binary-malformed",
        member=extension_name(MACOS),
    ),
    "truncated-pe": Planted(
        wheel=extension_wheel(WINDOWS, binary=build_pe(clean_pe(WINDOWS))[:400]),
        rule="binary-malformed",
        member=extension_name(WINDOWS),
    ),
    "git-lfs-pointer": Planted(
        wheel=with_files(LINUX, {"demo/_other.abi3.so": b"version https://git-lfs.github.com/spec/v1\n"}),
        rule="binary-malformed",
        member="demo/_other.abi3.so",
        says=("is no native binary",),
    ),
    "empty-module": Planted(
        wheel=with_files(LINUX, {"demo/_other.cpython-311-x86_64-linux-gnu.so": b""}),
        rule="binary-malformed",
        member="demo/_other.cpython-311-x86_64-linux-gnu.so",
        says=("is empty",),
    ),
    "empty-pyd": Planted(
        wheel=with_files(WINDOWS, {"demo/other.pyd": b""}), rule="binary-malformed", member="demo/other.pyd"
    ),
    "truncated-library": Planted(
        wheel=with_files(LINUX, {"demo/libfoo.so.1": BROKEN_ELF}), rule="binary-malformed", member="demo/libfoo.so.1"
    ),
    "truncated-program": Planted(
        wheel=with_files(LINUX, {"demo-1.0.data/scripts/tool": BROKEN_ELF}),
        rule="binary-malformed",
        member="demo-1.0.data/scripts/tool",
    ),
    "data-without-a-role": Planted(
        wheel=with_files(LINUX, {"demo/sample.bin": BROKEN_ELF}),
        rule="binary-malformed",
        member="demo/sample.bin",
        severity=Severity.WARNING,
    ),
    "library-among-the-tests": Planted(
        wheel=with_files(LINUX, {"demo/tests/broken.so": BROKEN_ELF}),
        rule="binary-malformed",
        member="demo/tests/broken.so",
        severity=Severity.WARNING,
    ),
    "library-of-another-system": Planted(
        wheel=with_files(LINUX, {"demo/broken.dll": build_pe(clean_pe(WINDOWS))[:400]}),
        rule="binary-malformed",
        member="demo/broken.dll",
        severity=Severity.WARNING,
    ),
    "broken-data-in-the-data-directory": Planted(
        wheel=with_files(LINUX, {"demo-1.0.data/data/share/sample.bin": BROKEN_ELF}),
        rule="binary-malformed",
        member="demo-1.0.data/data/share/sample.bin",
        severity=Severity.WARNING,
    ),
}
WRONG_FORMAT = {
    "mach-o-under-its-own-name": Planted(
        wheel=_renamed(LINUX, MACOS),
        rule="binary-wrong-format",
        member=extension_name(MACOS),
        says=("Mach-O", "manylinux_2_17_x86_64"),
    ),
    "mach-o-under-the-linux-name": Planted(
        wheel=_disguised(LINUX, MACOS), rule="binary-wrong-format", member=LINUX_NAME
    ),
    "pe-under-its-own-name": Planted(
        wheel=_renamed(LINUX, WINDOWS), rule="binary-wrong-format", member=extension_name(WINDOWS)
    ),
    "elf-in-a-mac-wheel": Planted(wheel=_renamed(MACOS, LINUX), rule="binary-wrong-format", member=LINUX_NAME),
    "elf-in-a-windows-wheel": Planted(wheel=_renamed(WINDOWS, LINUX), rule="binary-wrong-format", member=LINUX_NAME),
    "elf-under-the-windows-name": Planted(
        wheel=_disguised(WINDOWS, LINUX), rule="binary-wrong-format", member=extension_name(WINDOWS)
    ),
    "second-module-of-another-system": Planted(
        wheel=with_files(
            LINUX,
            {
                "demo/_mac.cpython-311-darwin.so": replace(
                    clean_macho(MACOS),
                    exports=(replace(clean_macho(MACOS).exports[0], symbol="_PyInit__mac"),),
                )
            },
        ),
        rule="binary-wrong-format",
        member="demo/_mac.cpython-311-darwin.so",
    ),
    "mach-o-alone-under-tags-for-two-systems": Planted(
        wheel=plain_wheel(
            "cp311-abi3-macosx_11_0_arm64.manylinux_2_17_x86_64", {"demo/_core.abi3.so": clean_macho(MACOS)}
        ),
        rule="binary-wrong-format",
        member="demo/_core.abi3.so",
        says=("manylinux_2_17_x86_64",),
        echoes=frozenset({"platform-mixed"}),
    ),
    "needed-library-of-another-system": Planted(
        wheel=elf_wheel(
            LINUX,
            needed=("libc.so.6", "libfoo.so.1"),
            files={"demo.libs/libfoo.so.1": dylib("libfoo.so.1", "arm64")},
        ),
        rule="binary-wrong-format",
        member="demo.libs/libfoo.so.1",
    ),
}
WRONG_ARCH = {
    "a03-aarch64-in-an-x86_64-wheel": Planted(
        wheel=_renamed(LINUX, ARM_LINUX),
        rule="binary-wrong-arch",
        member=extension_name(ARM_LINUX),
        arch="aarch64",
        shows={"text": "EM_AARCH64"},
    ),
    "a03-under-the-promised-name": Planted(
        wheel=_disguised(LINUX, ARM_LINUX), rule="binary-wrong-arch", member=LINUX_NAME, arch="aarch64"
    ),
    "a42-x86_64-in-an-arm64-wheel": Planted(
        wheel=_renamed(MACOS, INTEL_MAC),
        rule="binary-wrong-arch",
        member=extension_name(MACOS),
        arch="x86_64",
        shows={"text": "CPU_TYPE_X86_64"},
    ),
    "a51-arm64-in-a-win_amd64-wheel": Planted(
        wheel=_renamed(WINDOWS, ARM_WINDOWS),
        rule="binary-wrong-arch",
        member=extension_name(ARM_WINDOWS),
        arch="arm64",
        shows={"text": "IMAGE_FILE_MACHINE_ARM64"},
    ),
    "a51-under-the-promised-name": Planted(
        wheel=_disguised(WINDOWS, ARM_WINDOWS), rule="binary-wrong-arch", member=extension_name(WINDOWS)
    ),
    "amd64-in-a-win32-wheel": Planted(
        wheel=_disguised(WINDOWS_32, WINDOWS), rule="binary-wrong-arch", member=extension_name(WINDOWS_32), arch="amd64"
    ),
    "amd64-in-a-win_arm64-wheel": Planted(
        wheel=_disguised(ARM_WINDOWS, WINDOWS), rule="binary-wrong-arch", member=extension_name(ARM_WINDOWS)
    ),
    "machine-none-after-a-failed-strip": Planted(
        wheel=elf_wheel(LINUX, machine="none"), rule="binary-wrong-arch", member=LINUX_NAME, arch=None
    ),
    "needed-library-for-another-machine": Planted(
        wheel=elf_wheel(
            LINUX,
            needed=("libc.so.6", "libfoo.so.1"),
            files={"demo.libs/libfoo.so.1": elf_library("libfoo.so.1", ARM_LINUX)},
        ),
        rule="binary-wrong-arch",
        member="demo.libs/libfoo.so.1",
        arch="aarch64",
    ),
    "ctypes-library-for-another-machine": Planted(
        wheel=plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/libfoo.so": elf_library("libfoo.so", ARM_LINUX)}),
        rule="binary-wrong-arch",
        member="demo/libfoo.so",
        arch="aarch64",
    ),
    "one-machine-under-tags-for-two": Planted(
        wheel=extension_wheel("cp311-cp311-manylinux_2_17_aarch64.manylinux_2_17_x86_64"),
        rule="binary-wrong-arch",
        member=extension_name(ARM_LINUX),
        says=("manylinux_2_17_x86_64",),
    ),
    "simulator-build-in-an-iphone-wheel": Planted(
        wheel=_disguised(IPHONE, "cp313-cp313-ios_13_0_x86_64_iphonesimulator"),
        rule="binary-wrong-arch",
        member=extension_name(IPHONE),
        arch="x86_64",
    ),
    "arm64ec-in-a-win_arm64-wheel": Planted(
        wheel=pe_wheel(ARM_WINDOWS, machine="amd64", load_config=HYBRID),
        rule="binary-wrong-arch",
        member=extension_name(ARM_WINDOWS),
        arch="amd64",
    ),
    "program-that-rosetta-runs": Planted(
        wheel=plain_wheel(
            "py3-none-macosx_11_0_arm64",
            {"demo-1.0.data/scripts/tool": replace(clean_macho(INTEL_MAC), file_type="execute", exports=())},
        ),
        rule="binary-wrong-arch",
        member="demo-1.0.data/scripts/tool",
        severity=Severity.WARNING,
        arch="x86_64",
    ),
    "32-bit-program-on-64-bit-windows": Planted(
        wheel=plain_wheel("py3-none-win_amd64", {"demo/tool.exe": dll("tool.exe", machine="i386", is_dll=False)}),
        rule="binary-wrong-arch",
        member="demo/tool.exe",
        severity=Severity.WARNING,
        arch="win32",
    ),
    "static-32-bit-program-on-64-bit-linux": Planted(
        wheel=plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/tool": static_program_32()}),
        rule="binary-wrong-arch",
        member="demo/tool",
        severity=Severity.WARNING,
        arch="i686",
    ),
    "static-program-for-another-machine": Planted(
        wheel=plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/tool": static_program(183)}),
        rule="binary-wrong-arch",
        member="demo/tool",
        arch="aarch64",
    ),
    "dynamic-program-for-another-machine": Planted(
        wheel=plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/tool": elf_program(ARM_LINUX)}),
        rule="binary-wrong-arch",
        member="demo/tool",
        arch="aarch64",
    ),
}


@pytest.mark.parametrize("case", params(MALFORMED))
def test_binary_malformed(case: Planted) -> None:
    """What begins or is named as a native binary and cannot be read is one finding, without echoes."""
    assert_planted(case)


@pytest.mark.parametrize("case", params(WRONG_FORMAT))
def test_binary_wrong_format(case: Planted) -> None:
    """A module or needed library of another system is one error, whatever its suffix says."""
    assert_planted(case)


@pytest.mark.parametrize("case", params(WRONG_ARCH))
def test_binary_wrong_arch(case: Planted) -> None:
    """A binary for another machine than the tag's is one finding, whatever its suffix and needs say."""
    assert_planted(case)


def test_every_binary_of_another_machine_is_named() -> None:
    """Two modules for another machine are one finding, which names both."""
    other = replace(clean_elf(ARM_LINUX), exports=(replace(clean_elf(ARM_LINUX).exports[0], symbol="PyInit__more"),))
    wheel = with_files(
        LINUX,
        {"demo/_more.cpython-311-aarch64-linux-gnu.so": other},
        binary=clean_elf(ARM_LINUX),
        member=extension_name(ARM_LINUX),
    )
    (finding,) = loud(judged(wheel))
    assert (finding.rule, finding.member) == ("binary-wrong-arch", None)
    assert [one.member for one in finding.evidence] == [
        "demo/_core.cpython-311-aarch64-linux-gnu.so",
        "demo/_more.cpython-311-aarch64-linux-gnu.so",
    ]


def test_a16_a_module_in_a_wheel_for_any_platform() -> None:
    """`native-in-any` speaks alone: neither the passenger's info nor a rule about the module joins it."""
    report = judged(plain_wheel("py3-none-any", {LINUX_NAME: clean_elf(LINUX)}))
    assert [one.rule for one in report.findings] == ["native-in-any"]


def test_malformed_binaries_without_tags_of_a_system() -> None:
    """A broken binary in a pure wheel is a warning: no promised system loads it."""
    report = judged(plain_wheel("py3-none-any", {"demo/broken.so": BROKEN_ELF}))
    assert [(one.rule, one.severity) for one in native(report)] == [("binary-malformed", Severity.WARNING)]


def test_a_member_that_was_not_read_is_not_called_broken() -> None:
    """An empty directory entry with the name of a module is no module."""
    wheel = extension_wheel(LINUX, members={**INIT, "demo/_x.abi3.so/": Member(mode=0o040755)})
    assert "binary-malformed" not in {one.rule for one in judged(wheel).findings}


SPOILT = {
    "glibc": ("cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64", "glibc-newer-than-tag"),
    "universal2": ("cp311-cp311-macosx_11_0_universal2", "macos-arch-missing"),
    "renamed": ("cp313-cp313-win_amd64", "extension-suffix-mismatch"),
}
WHEELS = Path(__file__).parents[1] / "wheels"


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
