"""ELF files against what a kernel does to the segments that they load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import ElfDetail, Segment
from auditor.platforms.promise import System
from auditor.rules.rule import ERROR, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary, Slice
    from auditor.facts.wheel import WheelFacts
    from auditor.platforms.promise import PlatformPromise
    from auditor.rules.context import Context

_SHOWN = 20
_PT_LOAD = 1
_PF_X, _PF_W = 1, 2
_NO_TEXTREL_SINCE = 23
"""Android's linker refuses text relocations of 32-bit files from this API level on; of 64-bit files always."""
_NO_WRITABLE_CODE_SINCE = 26
"""Android's linker refuses segments that are writable and executable from this API level on."""
_KIB = 1024
_PAGES = {
    (System.LINUX, "aarch64"): 64 * _KIB,
    (System.LINUX, "loongarch64"): 16 * _KIB,
    (System.LINUX, "ppc64"): 64 * _KIB,
    (System.LINUX, "ppc64le"): 64 * _KIB,
    (System.ANDROID, "aarch64"): 16 * _KIB,
    (System.ANDROID, "x86_64"): 16 * _KIB,
}
"""The largest page, in bytes, of the kernels that are in use, where it is more than 4 KiB: the Linux kernel's
`Kconfig` of each architecture and the configurations of the distributions; Android's guide to page sizes."""


def _elf(context: Context) -> Iterator[tuple[PlatformPromise, Binary, Slice, ElfDetail]]:
    """The ELF files that the Linux and Android tags are about; a file once for each tag that names its machine."""
    return (
        (platform, binary, part, part.detail)
        for platform in context.on(System.LINUX, System.ANDROID)
        for binary, part in context.judged(platform)
        if isinstance(part.detail, ElfDetail)
    )


def _refused(platform: PlatformPromise, level: int) -> bool:
    """Whether the tag is for Android from an API level on: an app on it targets that level at least."""
    return platform.system is System.ANDROID and platform.version is not None and platform.version[0] >= level


def _subject(members: dict[str, Evidence], one: str, many: str) -> str:
    """The subject and the verb of a message about one or several files."""
    return f"`{next(iter(members))}` {one}" if len(members) == 1 else f"{len(members)} files {many}"


@rule("text-relocations", severity=WARNING, since="0.1")
def text_relocations(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary must be changed in its code when it is loaded.

    **What it checks.** No ELF file has DT_TEXTREL, or DF_TEXTREL among its DT_FLAGS. Under an Android tag it is an
    error for 64-bit files, and for all from API level 23 on.

    **Why it matters.** The loader makes the code writable, writes addresses into it and makes it executable again.
    SELinux denies that where `execmod` is not allowed: "cannot restore segment prot after reloc: Permission denied".
    Android's linker refuses the file. The pages are no longer shared between processes.

    **How to fix.** Some object was compiled without `-fPIC`, or is assembler code with absolute addresses. Link with
    `-Wl,-z,text`, which names it; switch the assembler code off where it cannot be position-independent (FFmpeg and
    the like on i686).

    **Limits.** Believed is what the linker wrote. Not on RISC-V, where GNU ld leaves empty relocations (R_RISCV_NONE)
    behind and sets DT_TEXTREL for them: the two files with the tag among 569 of real wheels are of that kind.

    **References.** gABI, DT_TEXTREL; Android's "Changes for NDK developers", Text Relocations.
    """
    found: dict[str, Evidence] = {}
    refused = False
    arch = None
    for platform, binary, part, detail in _elf(context):
        if detail.text_relocations and part.arch != "riscv64":
            text = f"`{binary.member}` has DT_TEXTREL or DF_TEXTREL"
            found.setdefault(binary.member, Evidence(text=text, member=binary.member))
            always = platform.system is System.ANDROID and part.bits == 64
            refused = refused or always or _refused(platform, _NO_TEXTREL_SINCE)
            arch = part.arch
    if found:
        yield Hit(
            message=_subject(found, "needs", "need")
            + " text relocations: "
            + ("Android refuses them" if refused else "SELinux may refuse them"),
            help="compile every object with `-fPIC` and link with `-Wl,-z,text`, which names the culprit",
            member=next(iter(found)) if len(found) == 1 else None,
            arch=arch,
            evidence=tuple(found.values())[:_SHOWN],
            severity=ERROR if refused else None,
        )


@rule("writable-code", severity=WARNING, since="0.1")
def writable_code(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A segment of a binary is loaded writable and executable.

    **What it checks.** No PT_LOAD of an ELF file has the flags W and X. Under an Android tag from API level 26 on it
    is an error.

    **Why it matters.** A fault that overwrites memory can then write code. SELinux denies such mappings where
    `execmem` or `execmod` is not allowed, services that systemd starts with `MemoryDenyWriteExecute` too, and Android
    refuses the file from API level 26 on.

    **How to fix.** Look for `-Wl,-N`, `-Wl,--omagic`, a linker script without separate segments, a section that is
    both (`.section name,"awx"`), or a packer such as UPX. GNU ld from 2.39 on warns of it: "has a LOAD segment with
    RWX permissions".

    **References.** gABI, Program Header; Android's "Changes for NDK developers", Writable and Executable Segments.
    """
    found: dict[str, Evidence] = {}
    refused = False
    arch = None
    for platform, binary, part, detail in _elf(context):
        both = [one for one in detail.segments if one.type == _PT_LOAD and one.flags & _PF_W and one.flags & _PF_X]
        if both:
            text = f"`{binary.member}`: the segment at offset {both[0].offset:#x} has the flags W and X"
            found.setdefault(binary.member, Evidence(text=text, member=binary.member))
            refused = refused or _refused(platform, _NO_WRITABLE_CODE_SINCE)
            arch = part.arch
    if found:
        yield Hit(
            message=_subject(found, "has", "have")
            + " a segment that is both writable and executable"
            + (": Android refuses it" if refused else ""),
            help="keep code and data in segments of their own: look for `-Wl,-N`, a linker script, a packer",
            member=next(iter(found)) if len(found) == 1 else None,
            arch=arch,
            evidence=tuple(found.values())[:_SHOWN],
            severity=ERROR if refused else None,
        )


@rule("page-alignment", severity=WARNING, since="0.1")
def page_alignment(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary cannot be loaded on kernels with large pages.

    **What it checks.** Every PT_LOAD segment is aligned to the largest page of the kernels that are in use for the
    tag's machine: 64 KiB on aarch64 and 64-bit PowerPC, 16 KiB on loongarch64, 16 KiB on 64-bit Android. More is no
    fault (2 MiB on x86_64).

    **Why it matters.** Such a kernel maps whole pages alone. glibc refuses the file, "ELF load command alignment not
    page-aligned" or "ELF load command address/offset not page-aligned"; Android from version 15 on says "program
    alignment (4096) cannot be smaller than system page size (16384)". Kernels with 64 KiB pages are those of RHEL and
    Ubuntu for ppc64le, of RHEL 8 for aarch64, and the 64k variants for large aarch64 machines. Google Play takes no
    app that targets Android 15 with such a library.

    **How to fix.** Link with `-Wl,-z,max-page-size=65536`; for Android with 16384, the default from NDK r28 on. GNU
    ld does so by itself; look at other linkers, and at patchelf: older ones add segments with the page of the machine
    on which they run, where `--page-size 65536` helps.

    **Limits.** What a program assumes of the page when it runs (jemalloc) is not seen.

    **References.** gABI, p_align; glibc's elf/dl-load.c; Android's guide "Support 16 KB page sizes".
    """
    found: dict[str, Evidence] = {}
    page = 0
    arch = None
    for platform, binary, part, detail in _elf(context):
        due = _PAGES.get((platform.system, part.arch or ""))
        off = [one for one in detail.segments if due and not _fits(one, due)]
        if due and off:
            text = f"`{binary.member}`: the segment at offset {off[0].offset:#x} is aligned to {off[0].alignment:#x}"
            found.setdefault(binary.member, Evidence(text=f"{text}, and {due:#x} is due", member=binary.member))
            page, arch = due, part.arch
    if found:
        yield Hit(
            message=_subject(found, "is", "are") + f" not aligned for kernels with pages of {page // _KIB} KiB",
            help=f"link with `-Wl,-z,max-page-size={page}`, and give the same to `patchelf --page-size`",
            member=next(iter(found)) if len(found) == 1 else None,
            arch=arch,
            evidence=tuple(found.values())[:_SHOWN],
        )


def _fits(segment: Segment, page: int) -> bool:
    """Whether a segment can be mapped in pages of `page` bytes. An alignment of 0 says nothing (gABI, p_align)."""
    if segment.type != _PT_LOAD:
        return True
    return segment.alignment % page == 0 and (segment.address - segment.offset) % page == 0


RULES = (page_alignment, text_relocations, writable_code)
