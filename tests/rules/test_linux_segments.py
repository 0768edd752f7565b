"""Family `linux`: ELF files against what kernels and loaders do to their segments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from auditor.findings import Severity
from tests.builders import BuiltWheel, ElfImport, build_elf, clean_elf, extension_name, replace
from tests.rules.helpers import findings, only
from tests.rules.native_helpers import (
    Planted,
    assert_planted,
    assert_silent,
    elf_library,
    elf_program,
    elf_wheel,
    params,
    plain_wheel,
    with_files,
)

if TYPE_CHECKING:
    from auditor.findings import Finding
    from tests.builders import ElfSpec

TAGS = "cp311-cp311-manylinux_2_17_x86_64"
ARM = "cp311-cp311-manylinux_2_17_aarch64"
RISCV = "cp313-cp313-manylinux_2_31_riscv64"
MUSL = "cp311-cp311-musllinux_1_2_x86_64"
ANDROID = "cp313-cp313-android_24_arm64_v8a"
ANDROID_X86 = "cp313-cp313-android_24_x86_64"
MODULE = extension_name(TAGS)


def tool(*, scripts: bool = True, **changes: Any) -> BuiltWheel:
    """A wheel with one program."""
    member = "demo-1.0.data/scripts/tool" if scripts else "demo/tool"
    return plain_wheel("py3-none-manylinux_2_17_x86_64", {member: elf_program(**changes)})


TEXTREL_CLEAN = {
    "position-independent": elf_wheel(TAGS),
    "empty-relocations-of-gnu-ld": elf_wheel(RISCV, textrel=True),
    "another-machine": plain_wheel(
        "py3-none-win_amd64", {"demo/linux-x86_64/libdemo.so": elf_library("libdemo.so", textrel=True)}
    ),
}
TEXTREL_DIRTY = {
    "module": Planted(
        wheel=elf_wheel(TAGS, textrel=True),
        rule="text-relocations",
        member=MODULE,
        arch="x86_64",
        severity=Severity.WARNING,
        says=(f"`{MODULE}` needs text relocations", "SELinux"),
        shows={"member": MODULE, "text": "DT_TEXTREL"},
    ),
    "old-tag-alone": Planted(
        wheel=elf_wheel(TAGS, extra_dynamic=((22, 0),)),
        rule="text-relocations",
        member=MODULE,
        severity=Severity.WARNING,
    ),
    "flag-alone": Planted(
        wheel=elf_wheel(TAGS, extra_dynamic=((30, 4),)),
        rule="text-relocations",
        member=MODULE,
        severity=Severity.WARNING,
    ),
    "musl": Planted(
        wheel=elf_wheel(MUSL, textrel=True),
        rule="text-relocations",
        member=extension_name(MUSL),
        severity=Severity.WARNING,
    ),
    "program": Planted(
        wheel=tool(textrel=True),
        rule="text-relocations",
        member="demo-1.0.data/scripts/tool",
        severity=Severity.WARNING,
    ),
    "two-files": Planted(
        wheel=elf_wheel(TAGS, textrel=True, files={"demo/libdemo.so": elf_library("libdemo.so", textrel=True)}),
        rule="text-relocations",
        member=None,
        severity=Severity.WARNING,
        says=("2 files need",),
        shows={"member": "demo/libdemo.so"},
    ),
    "android": Planted(
        wheel=elf_wheel(ANDROID, textrel=True),
        rule="text-relocations",
        member=extension_name(ANDROID),
        says=("Android refuses them",),
    ),
    "android-64-bit-of-any-level": Planted(
        wheel=elf_wheel("cp313-cp313-android_21_x86_64", textrel=True),
        rule="text-relocations",
        member=extension_name("cp313-cp313-android_21_x86_64"),
    ),
    "android-32-bit-from-23-on": Planted(
        wheel=elf_wheel("cp313-cp313-android_23_x86", textrel=True),
        rule="text-relocations",
        member=extension_name("cp313-cp313-android_23_x86"),
    ),
    "android-32-bit-below-23": Planted(
        wheel=elf_wheel("cp313-cp313-android_22_x86", textrel=True),
        rule="text-relocations",
        member=extension_name("cp313-cp313-android_22_x86"),
        severity=Severity.WARNING,
    ),
}
WRITABLE_CLEAN = {"code-alone": elf_wheel(TAGS), "android": elf_wheel("cp313-cp313-android_26_arm64_v8a")}
WRITABLE_DIRTY = {
    "module": Planted(
        wheel=elf_wheel(TAGS, writable_code=True),
        rule="writable-code",
        member=MODULE,
        arch="x86_64",
        severity=Severity.WARNING,
        says=("both writable and executable",),
        shows={"member": MODULE, "text": "offset 0x0"},
    ),
    "program": Planted(
        wheel=tool(scripts=False, writable_code=True),
        rule="writable-code",
        member="demo/tool",
        severity=Severity.WARNING,
    ),
    "two-files": Planted(
        wheel=elf_wheel(
            TAGS, writable_code=True, files={"demo/libdemo.so": elf_library("libdemo.so", writable_code=True)}
        ),
        rule="writable-code",
        member=None,
        severity=Severity.WARNING,
        says=("2 files have",),
    ),
    "android-below-26": Planted(
        wheel=elf_wheel("cp313-cp313-android_25_arm64_v8a", writable_code=True),
        rule="writable-code",
        member=extension_name("cp313-cp313-android_25_arm64_v8a"),
        severity=Severity.WARNING,
    ),
    "android-from-26-on": Planted(
        wheel=elf_wheel("cp313-cp313-android_26_arm64_v8a", writable_code=True),
        rule="writable-code",
        member=extension_name("cp313-cp313-android_26_arm64_v8a"),
        says=("Android refuses it",),
    ),
}


def aligned(tags: str, page: int) -> BuiltWheel:
    """A wheel whose module has this p_align."""
    return elf_wheel(tags, page=page)


PAGE_CLEAN = {
    "aarch64-64k": aligned(ARM, 0x10000),
    "aarch64-more": aligned(ARM, 0x20000),
    "x86_64-4k": aligned(TAGS, 0x1000),
    "x86_64-2m": aligned(TAGS, 0x200000),
    "i686-4k": aligned("cp311-cp311-manylinux_2_17_i686", 0x1000),
    "s390x-4k": aligned("cp311-cp311-manylinux_2_17_s390x", 0x1000),
    "riscv64-4k": aligned(RISCV, 0x1000),
    "armv7l-4k": aligned("cp311-cp311-manylinux_2_17_armv7l", 0x1000),
    "ppc64le-64k": aligned("cp311-cp311-manylinux_2_17_ppc64le", 0x10000),
    "loongarch64-16k": aligned("cp311-cp311-manylinux_2_36_loongarch64", 0x4000),
    "android-16k": aligned(ANDROID, 0x4000),
    "android-x86_64-16k": aligned(ANDROID_X86, 0x4000),
    "android-32-bit-4k": aligned("cp313-cp313-android_24_armeabi_v7a", 0x1000),
}


def mispaged(tags: str, page: int, due: str, *echoes: str) -> Planted:
    """What is said of a wheel whose module has too small a p_align."""
    return Planted(
        wheel=elf_wheel(tags, page=page),
        rule="page-alignment",
        member=extension_name(tags),
        severity=Severity.WARNING,
        says=(f"pages of {due}",),
        shows={"member": extension_name(tags), "text": f"{page:#x}"},
        echoes=frozenset(echoes),
    )


PAGE_DIRTY = {
    "aarch64-4k": mispaged(ARM, 0x1000, "64 KiB"),
    "aarch64-16k": mispaged(ARM, 0x4000, "64 KiB"),
    "musl-aarch64": mispaged("cp311-cp311-musllinux_1_2_aarch64", 0x1000, "64 KiB"),
    "ppc64le-4k": mispaged("cp311-cp311-manylinux_2_17_ppc64le", 0x1000, "64 KiB"),
    "ppc64-4k": mispaged("cp311-cp311-manylinux_2_17_ppc64", 0x1000, "64 KiB"),
    "loongarch64-4k": mispaged("cp311-cp311-manylinux_2_36_loongarch64", 0x1000, "16 KiB", "platform-not-on-pypi"),
    "android-4k": mispaged(ANDROID, 0x1000, "16 KiB"),
    "android-x86_64-4k": mispaged(ANDROID_X86, 0x1000, "16 KiB"),
    "two-files": Planted(
        wheel=elf_wheel(ARM, page=0x1000, files={"demo/libdemo.so": elf_library("libdemo.so", ARM, page=0x1000)}),
        rule="page-alignment",
        member=None,
        severity=Severity.WARNING,
        says=("2 files are",),
    ),
    "one-library-of-several": Planted(
        wheel=elf_wheel(ARM, files={"demo/libdemo.so": elf_library("libdemo.so", ARM, page=0x1000)}),
        rule="page-alignment",
        member="demo/libdemo.so",
        severity=Severity.WARNING,
    ),
}


@pytest.mark.parametrize("wheel", params({**TEXTREL_CLEAN, **WRITABLE_CLEAN, **PAGE_CLEAN}))
def test_segments_that_load_anywhere(wheel: BuiltWheel) -> None:
    """Code that stays as it is, in segments that fit the pages of the machine, is no fault."""
    assert {one.rule for one in findings_of(wheel)} == set()


def findings_of(wheel: BuiltWheel) -> list[Finding]:
    """What the three rules say about a wheel."""
    names = ("text-relocations", "writable-code", "page-alignment")
    return [finding for name in names for finding in findings(wheel, rule=name)]


@pytest.mark.parametrize("case", params(TEXTREL_DIRTY))
def test_text_relocations(case: Planted) -> None:
    """Either mark of text relocations is one finding: a warning, and an error where Android refuses the file."""
    assert_planted(case)


@pytest.mark.parametrize("case", params(WRITABLE_DIRTY))
def test_writable_code(case: Planted) -> None:
    """A segment that is writable and executable is one finding, an error under an Android tag from 26 on."""
    assert_planted(case)


@pytest.mark.parametrize("case", params(PAGE_DIRTY))
def test_page_alignment(case: Planted) -> None:
    """Segments that are aligned to less than the machine's largest page are one warning."""
    assert_planted(case)


def with_alignment(spec: ElfSpec, alignment: int) -> bytes:
    """The file with another p_align in each PT_LOAD; addresses and offsets stay as they are."""
    content = bytearray(build_elf(spec))
    for row in range(64, 64 + 56 * int.from_bytes(content[56:58], "little"), 56):
        if int.from_bytes(content[row : row + 4], "little") == 1:
            content[row + 48 : row + 56] = alignment.to_bytes(8, "little")
    return bytes(content)


@pytest.mark.parametrize(("page", "alignment", "hit"), [(0x10000, 0, False), (0x1000, 0, True), (0x10000, 1, True)])
def test_segments_without_an_alignment(page: int, alignment: int, *, hit: bool) -> None:
    """An alignment of 0 leaves it to address and offset; one of 1 is a claim, and too small."""
    wheel = with_files(ARM, {}, binary=with_alignment(replace(clean_elf(ARM), page=page), alignment))
    assert bool(findings(wheel, rule="page-alignment")) is hit


def test_at_most_twenty_files_are_shown() -> None:
    """However many files have the fault, it is one finding with twenty of them, and the message counts all."""
    files = {f"demo/lib{number}.so": elf_library(f"lib{number}.so", textrel=True) for number in range(30)}
    finding = only(elf_wheel(TAGS, files=files), rule="text-relocations")
    assert finding.message.startswith("30 files need")
    assert len(finding.evidence) == 20


def test_a_plain_module_is_silent() -> None:
    """The clean module that the cases change has no fault at all."""
    assert_silent(elf_wheel(ARM))
    assert_silent(elf_wheel(ANDROID))
    assert ElfImport(symbol="memcpy", library="libc.so", version="LIBC") in clean_elf(ANDROID).imports
