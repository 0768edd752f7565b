"""PE files without the protections that Windows gives to those that ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import PeDetail
from auditor.platforms.promise import System
from auditor.rules.context import Role
from auditor.rules.rule import WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Slice
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_HIGH_ENTROPY_VA = 0x20
_DYNAMIC_BASE = 0x40
_NX_COMPAT = 0x100
_RELOCATIONS_STRIPPED = 0x1
_USER_SUBSYSTEMS = frozenset({2, 3})
"""IMAGE_SUBSYSTEM_WINDOWS_GUI and _CUI. Drivers and EFI files are not loaded into a process."""


@rule("windows-mitigations", severity=WARNING, since="0.1")
def windows_mitigations(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary lies at a fixed address, or runs what should be data.

    **What it checks.** Every x86 and x64 PE file lets Windows choose its address (`DYNAMIC_BASE`, and relocations that
    were not stripped), and every 32-bit program asks for data execution prevention (`NX_COMPAT`). Not judged are what
    has no effect or is not the file's to say: `NX_COMPAT` of a DLL, which has the protection of the program that loads
    it, and of a 64-bit program, which always has it; `HIGH_ENTROPY_VA` alone, which widens the choice of an address
    that is random already; ARM64, where Windows moves every image; .NET assemblies and files that import nothing,
    which hold resources.

    **Why it matters.** One module at a fixed address is enough: whoever finds an overflow anywhere in the process
    knows where to find code to jump to. Windows can be set to refuse an image without relocations, and two
    such images with the same address cannot be loaded together.

    **How to fix.** MSVC: `/DYNAMICBASE /NXCOMPAT`, the default since Visual Studio 2012. MinGW: binutils 2.36 or
    newer has them by default, older ones want `-Wl,--dynamicbase,--nxcompat,--high-entropy-va`.

    **Limits.** Of 62 wheels for Windows on PyPI, with 420 PE files, six have such a file: builds for Python 2.7, and
    one current project that is linked by an old GNU ld. `HIGH_ENTROPY_VA` alone is missing in one.

    **References.** PE format, DLL Characteristics; Microsoft, "/DYNAMICBASE", "/NXCOMPAT", "/HIGHENTROPYVA".
    """
    found: dict[str, tuple[str, ...]] = {}
    arch = None
    for platform in context.on(System.WINDOWS):
        for binary, part in context.judged(platform):
            missing = _missing(part, program=context.roles[binary.member] is Role.EXECUTABLE)
            if missing:
                found[binary.member] = missing
                arch = part.arch
    if found:
        kinds = " and ".join(sorted({kind for missing in found.values() for kind in missing}))
        what = f"`{next(iter(found))}` is" if len(found) == 1 else f"{len(found)} files are"
        yield Hit(
            message=f"{what} built without {kinds}",
            help="link with `/DYNAMICBASE /NXCOMPAT`, with GNU ld `--dynamicbase --nxcompat --high-entropy-va`",
            member=next(iter(found)) if len(found) == 1 else None,
            arch=arch,
            evidence=tuple(_evidence(wheel, member) for member in sorted(found)[:_SHOWN]),
        )


def _missing(part: Slice, *, program: bool) -> tuple[str, ...]:
    """The protections that a PE file lacks and would have use of."""
    detail = part.detail
    if not isinstance(detail, PeDetail) or detail.managed or detail.subsystem not in _USER_SUBSYSTEMS:
        return ()
    if part.arch not in {"win32", "amd64"} or not part.needed:
        return ()
    missing = []
    if not detail.dll_characteristics & _DYNAMIC_BASE or detail.characteristics & _RELOCATIONS_STRIPPED:
        missing.append("ASLR")
    if program and part.arch == "win32" and not detail.dll_characteristics & _NX_COMPAT:
        missing.append("DEP")
    return tuple(missing)


def _evidence(wheel: WheelFacts, member: str) -> Evidence:
    """What the headers of a file say, in words."""
    part, detail = next((part, detail) for binary, part, detail in wheel.pe_slices() if binary.member == member)
    flags = {"DYNAMIC_BASE": _DYNAMIC_BASE, "NX_COMPAT": _NX_COMPAT}
    if part.bits == 64:
        flags["HIGH_ENTROPY_VA"] = _HIGH_ENTROPY_VA
    absent = ", ".join(name for name, bit in flags.items() if not detail.dll_characteristics & bit)
    stripped = "relocations stripped" if detail.characteristics & _RELOCATIONS_STRIPPED else ""
    said = "; ".join(filter(None, (f"no {absent}" if absent else "", stripped)))
    linker = f"linker {detail.linker[0]}.{detail.linker[1]}"
    text = f"`{member}`: {said} (DllCharacteristics 0x{detail.dll_characteristics:04x}, {linker})"
    return Evidence(text=text, member=member)


RULES = (windows_mitigations,)
