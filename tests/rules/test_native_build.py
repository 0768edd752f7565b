"""The rules on what a build left in native files: `debug-info`, `build-path-leak`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.findings import Severity
from tests.builders import replace
from tests.builders.extension import clean_macho
from tests.builders.macho import build_macho
from tests.rules.helpers import evidence, findings
from tests.rules.native_helpers import (
    Planted,
    assert_planted,
    elf_library,
    elf_wheel,
    macho_wheel,
    params,
    pe_wheel,
    plain_wheel,
)

if TYPE_CHECKING:
    from tests.builders import BuiltWheel

LINUX = "cp311-cp311-manylinux_2_17_x86_64"
MACOS = "cp311-cp311-macosx_10_12_x86_64"
WINDOWS = "cp311-cp311-win_amd64"
LINUX_MODULE = "demo/_core.cpython-311-x86_64-linux-gnu.so"
INFOS = frozenset({"abi3-possible"})
"""What the clean modules give besides: they take nothing but the stable ABI from CPython."""
MACOS_MODULE = "demo/_core.cpython-311-darwin.so"
WINDOWS_MODULE = "demo/_core.cp311-win_amd64.pyd"


def debugging(size: int, **more: bytes) -> dict[str, bytes]:
    """Sections with so many bytes of debugging information, and others."""
    return {".debug_info": bytes(size // 2), ".debug_str": bytes(size - size // 2), **more}


def macho_debugging(size: int) -> BuiltWheel:
    """A macOS wheel whose module has a `__DWARF` segment: its constants under another name."""
    file = build_macho(replace(clean_macho(MACOS), rodata=bytes(size)))
    names = (b"__const", b"__TEXT"), (b"__debug_info", b"__DWARF")
    before, after = (b"".join(name.ljust(16, b"\0") for name in pair) for pair in names)
    assert file.count(before) == 1
    return plain_wheel(MACOS, {MACOS_MODULE: file.replace(before, after)})


DEBUG_DIRTY = {
    "ELF": Planted(
        wheel=elf_wheel(LINUX, extra_sections=debugging(2_000_000)),
        rule="debug-info",
        member=LINUX_MODULE,
        severity=Severity.WARNING,
        infos=INFOS,
        says=("2.0 MB", "99 %"),
        shows={"text": "2.0 MB of 2.0 MB"},
    ),
    "just enough": Planted(
        wheel=elf_wheel(LINUX, extra_sections=debugging(1_000_000)),
        rule="debug-info",
        member=LINUX_MODULE,
        severity=Severity.WARNING,
        infos=INFOS,
    ),
    "compressed": Planted(
        wheel=elf_wheel(LINUX, extra_sections={".zdebug_info": bytes(1_000_000)}),
        rule="debug-info",
        member=LINUX_MODULE,
        severity=Severity.WARNING,
        infos=INFOS,
    ),
    "two files": Planted(
        wheel=elf_wheel(
            LINUX,
            extra_sections=debugging(600_000),
            files={"demo/libmore.so": elf_library("libmore.so", extra_sections=debugging(500_000))},
        ),
        rule="debug-info",
        member=None,
        severity=Severity.WARNING,
        infos=INFOS,
        says=("2 binaries hold 1.1 MB",),
        shows={"text": "600 kB", "member": LINUX_MODULE},
    ),
    "PE of MinGW": Planted(
        wheel=pe_wheel(WINDOWS, extra_sections={".debug_i": bytes(1_200_000)}),
        rule="debug-info",
        member=WINDOWS_MODULE,
        severity=Severity.WARNING,
        infos=INFOS,
    ),
    "Mach-O": Planted(
        wheel=macho_debugging(1_500_000), rule="debug-info", member=MACOS_MODULE, severity=Severity.WARNING, infos=INFOS
    ),
}


@pytest.mark.parametrize("case", params(DEBUG_DIRTY))
def test_much_debugging_information_is_a_warning(case: Planted) -> None:
    """A megabyte of it, and a tenth of the files, is one warning for the wheel, with its size."""
    assert_planted(case)


def test_some_debugging_information_is_an_info() -> None:
    """Between 100 kB and 1 MB the finding is an info."""
    (finding,) = findings(elf_wheel(LINUX, extra_sections=debugging(100_000)), rule="debug-info")
    assert finding.severity is Severity.INFO
    assert "100 kB" in finding.message


DEBUG_CLEAN = {
    "none": elf_wheel(LINUX),
    "little": elf_wheel(LINUX, extra_sections=debugging(99_999)),
    "a small part": elf_wheel(LINUX, rodata=b"x" * 19_000_000, extra_sections=debugging(2_000_000)),
    "symbol table": elf_wheel(LINUX, extra_sections={".symtab": bytes(2_000_000), ".strtab": bytes(2_000_000)}),
    "object file": elf_wheel(
        LINUX, files={"demo/part.o": elf_library("part.o", file_type=1, extra_sections=debugging(2_000_000))}
    ),
    "Windows without": pe_wheel(WINDOWS, extra_sections={".mydata": bytes(2_000_000)}),
}


@pytest.mark.parametrize("wheel", params(DEBUG_CLEAN))
def test_little_debugging_information_is_clean(wheel: BuiltWheel) -> None:
    """Symbol tables, object files and a small share of the files have no finding."""
    assert findings(wheel, rule="debug-info") == []


LEAK_DIRTY = {
    "Rust": Planted(
        wheel=elf_wheel(LINUX, rodata=b"/home/bob/demo/src/lib.rsassertion failed"),
        rule="build-path-leak",
        member=LINUX_MODULE,
        severity=Severity.WARNING,
        infos=INFOS,
        says=("`/home/bob`",),
        shows={"text": "`/home/bob/demo/src/lib.rs`"},
    ),
    "macOS": Planted(
        wheel=macho_wheel(MACOS, rodata=b"/Users/bob/demo/core.cpp\0"),
        rule="build-path-leak",
        member=MACOS_MODULE,
        severity=Severity.WARNING,
        infos=INFOS,
        says=("`/Users/bob`",),
    ),
    "Windows": Planted(
        wheel=pe_wheel(WINDOWS, rodata=b"\0C:\\Users\\Bob Doe\\demo\\core.cpp\0"),
        rule="build-path-leak",
        member=WINDOWS_MODULE,
        severity=Severity.WARNING,
        infos=INFOS,
        says=("`C:\\Users\\Bob Doe`",),
    ),
    "program database": Planted(
        wheel=pe_wheel(WINDOWS, pdb="C:\\Users\\bob\\demo\\target\\release\\deps\\core.pdb"),
        rule="build-path-leak",
        member=WINDOWS_MODULE,
        severity=Severity.WARNING,
        infos=INFOS,
    ),
    "one person among accounts": Planted(
        wheel=elf_wheel(LINUX, rodata=b"/home/runner/a.c\0/home/bob/b.c\0"),
        rule="build-path-leak",
        member=LINUX_MODULE,
        severity=Severity.WARNING,
        infos=INFOS,
        says=("`/home/bob`",),
    ),
}


@pytest.mark.parametrize("case", params(LEAK_DIRTY))
def test_a_home_directory_in_texts_is_a_warning(case: Planted) -> None:
    """A path to a source below a person's home directory is one warning for the wheel."""
    assert_planted(case)


def test_a_home_directory_in_a_search_path_is_one_finding() -> None:
    """A search path into a home directory is the business of the rule on search paths alone."""
    wheel = elf_wheel(LINUX, runpath="$ORIGIN:/home/bob/demo/lib")
    assert findings(wheel, rule="build-path-leak") == []
    (finding,) = findings(wheel, rule="rpath-unsafe")
    assert "/home/bob/demo/lib" in finding.message + evidence(finding)


LEAK_CLEAN = {
    **{
        account: elf_wheel(LINUX, rodata=f"/home/{account}/demo/core.c\0".encode())
        for account in ("runner", "root", "builder", "buildozer", "vsts", "xmkbuilder", "gitlab-runner", "user", "qt")
    },
    "Windows runner": pe_wheel(WINDOWS, rodata=b"C:\\Users\\RUNNER~1\\a.c\0C:\\Users\\ContainerAdministrator\\a.c\0"),
    "shared folder": macho_wheel(MACOS, rodata=b"/Users/Shared/demo.c\0"),
    "no source": elf_wheel(LINUX, rodata=b"default: /home/bob/.config/demo.toml\0"),
    "other folders": elf_wheel(LINUX, rodata=b"/root/.cargo/a.rs\0/tmp/pip-x/a.c\0/project/a.c\0"),
    "copied library": elf_wheel(
        LINUX, files={"demo.libs/libx-12345678.so.1": elf_library("libx-12345678.so.1", rodata=b"/home/bob/x.c\0")}
    ),
    "object file": elf_wheel(
        LINUX, files={"demo/part.o": elf_library("part.o", file_type=1, rodata=b"/home/bob/x.c\0")}
    ),
    "usual search path": elf_wheel(LINUX, runpath="$ORIGIN/../demo.libs"),
}


@pytest.mark.parametrize("wheel", params(LEAK_CLEAN))
def test_accounts_of_machines_are_no_leak(wheel: BuiltWheel) -> None:
    """Accounts of CI services and containers, other folders and other texts are clean."""
    assert findings(wheel, rule="build-path-leak") == []
