"""Family `native`: what cannot be read, is for another system, or for another machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.findings import Severity
from tests.builders import (
    Member,
    build_macho,
    build_pe,
    clean_elf,
    clean_macho,
    clean_pe,
    extension_name,
    extension_wheel,
)
from tests.rules.machine_helpers import (
    ARM_LINUX,
    ARM_WINDOWS,
    BROKEN_ELF,
    HYBRID,
    INTEL_MAC,
    IPHONE,
    LINUX,
    LINUX_NAME,
    MACOS,
    WINDOWS,
    WINDOWS_32,
    disguised,
    renamed,
)
from tests.rules.native_helpers import (
    INIT,
    Planted,
    assert_planted,
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
        wheel=renamed(LINUX, MACOS),
        rule="binary-wrong-format",
        member=extension_name(MACOS),
        says=("Mach-O", "manylinux_2_17_x86_64"),
    ),
    "mach-o-under-the-linux-name": Planted(
        wheel=disguised(LINUX, MACOS), rule="binary-wrong-format", member=LINUX_NAME
    ),
    "pe-under-its-own-name": Planted(
        wheel=renamed(LINUX, WINDOWS), rule="binary-wrong-format", member=extension_name(WINDOWS)
    ),
    "elf-in-a-mac-wheel": Planted(wheel=renamed(MACOS, LINUX), rule="binary-wrong-format", member=LINUX_NAME),
    "elf-in-a-windows-wheel": Planted(wheel=renamed(WINDOWS, LINUX), rule="binary-wrong-format", member=LINUX_NAME),
    "elf-under-the-windows-name": Planted(
        wheel=disguised(WINDOWS, LINUX), rule="binary-wrong-format", member=extension_name(WINDOWS)
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
        wheel=renamed(LINUX, ARM_LINUX),
        rule="binary-wrong-arch",
        member=extension_name(ARM_LINUX),
        arch="aarch64",
        shows={"text": "EM_AARCH64"},
    ),
    "a03-under-the-promised-name": Planted(
        wheel=disguised(LINUX, ARM_LINUX), rule="binary-wrong-arch", member=LINUX_NAME, arch="aarch64"
    ),
    "a42-x86_64-in-an-arm64-wheel": Planted(
        wheel=renamed(MACOS, INTEL_MAC),
        rule="binary-wrong-arch",
        member=extension_name(MACOS),
        arch="x86_64",
        shows={"text": "CPU_TYPE_X86_64"},
    ),
    "a51-arm64-in-a-win_amd64-wheel": Planted(
        wheel=renamed(WINDOWS, ARM_WINDOWS),
        rule="binary-wrong-arch",
        member=extension_name(ARM_WINDOWS),
        arch="arm64",
        shows={"text": "IMAGE_FILE_MACHINE_ARM64"},
    ),
    "a51-under-the-promised-name": Planted(
        wheel=disguised(WINDOWS, ARM_WINDOWS), rule="binary-wrong-arch", member=extension_name(WINDOWS)
    ),
    "amd64-in-a-win32-wheel": Planted(
        wheel=disguised(WINDOWS_32, WINDOWS), rule="binary-wrong-arch", member=extension_name(WINDOWS_32), arch="amd64"
    ),
    "amd64-in-a-win_arm64-wheel": Planted(
        wheel=disguised(ARM_WINDOWS, WINDOWS), rule="binary-wrong-arch", member=extension_name(ARM_WINDOWS)
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
        wheel=disguised(IPHONE, "cp313-cp313-ios_13_0_x86_64_iphonesimulator"),
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


def test_malformed_binaries_without_tags_of_a_system() -> None:
    """A broken binary in a pure wheel is a warning: no promised system loads it."""
    report = judged(plain_wheel("py3-none-any", {"demo/broken.so": BROKEN_ELF}))
    assert [(one.rule, one.severity) for one in native(report)] == [("binary-malformed", Severity.WARNING)]


def test_a_member_that_was_not_read_is_not_called_broken() -> None:
    """An empty directory entry with the name of a module is no module."""
    wheel = extension_wheel(LINUX, members={**INIT, "demo/_x.abi3.so/": Member(mode=0o040755)})
    assert "binary-malformed" not in {one.rule for one in judged(wheel).findings}
