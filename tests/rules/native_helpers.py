"""Shared by the tests of the rules about native files: build a wheel, plant one defect, look at what is said of it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from auditor import audit
from auditor.findings import Severity
from tests.builders import (
    LIBSYSTEM,
    BuiltWheel,
    ElfSpec,
    MachoLibrary,
    MachoSpec,
    NativeSpec,
    PeExport,
    PeSpec,
    WheelSpec,
    build_native,
    build_wheel,
    clean_elf,
    clean_pe,
    clean_slices,
    extension_wheel,
    replace,
)
from tests.rules.helpers import assert_house_style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.findings import Finding, Report

FAMILIES = frozenset({"native", "python_abi", "linux", "macos", "windows", "loading"})
INIT = {"demo/__init__.py": b'"""A demo."""\n'}
LOADS = {"demo/__init__.py": b'import ctypes\nctypes.CDLL("library")\n'}
"""A package that loads libraries by itself."""
ANY = "?"
"""A member or architecture that a case does not state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A wheel with one defect, and all that may be said of it."""

    wheel: BuiltWheel
    rule: str
    member: str | None
    arch: str | None = ANY
    severity: Severity = Severity.ERROR
    says: tuple[str, ...] = ()
    """Words of the message."""
    shows: Mapping[str, str] = field(default_factory=dict)
    """Fields of one piece of evidence: `member`, `symbol`, `library`, `version`, or words of its `text`."""
    infos: frozenset[str] = frozenset()
    """Rules that may add an info of these families."""
    echoes: frozenset[str] = frozenset()
    """Rules of other families that warn of something else in the same wheel."""


def judged(wheel: BuiltWheel) -> Report:
    """The report on a wheel, by the whole path from its bytes."""
    return audit(wheel.data, filename=wheel.filename)


def loud(report: Report) -> list[Finding]:
    """The errors and warnings, of all families."""
    return [finding for finding in report.findings if finding.severity is not Severity.INFO]


def native(report: Report) -> list[Finding]:
    """What the rules about native files say, infos included."""
    return [finding for finding in report.findings if finding.family in FAMILIES]


def assert_silent(wheel: BuiltWheel) -> None:
    """No rule about native files says anything of the wheel."""
    report = judged(wheel)
    found = [(one.rule, one.message) for one in native(report)]
    assert found == [], found
    assert not report.broken, report.not_judged


def assert_planted(case: Planted) -> None:
    """The one defect gives the one finding, with its place and evidence, and nothing echoes it."""
    report = judged(case.wheel)
    assert not report.broken, report.not_judged
    found = [one for one in loud(report) if one.rule not in case.echoes]
    assert [(one.rule, one.severity) for one in found] == [(case.rule, case.severity)], [one.message for one in found]
    infos = {one.rule for one in native(report) if one.severity is Severity.INFO}
    assert infos <= case.infos, infos - case.infos
    (finding,) = found
    assert finding.member == case.member
    assert case.arch in {ANY, finding.arch}
    assert_house_style([finding])
    for words in case.says:
        assert words in finding.message
    assert finding.evidence
    if case.shows:
        assert any(_matches(evidence, case.shows) for evidence in finding.evidence), finding.evidence


def _matches(evidence: object, shows: Mapping[str, str]) -> bool:
    return all(
        value in getattr(evidence, name) if name == "text" else getattr(evidence, name) == value
        for name, value in shows.items()
    )


def params(cases: Mapping[str, object]) -> Iterable[Any]:
    """The cases of a table, each under its name."""
    return [pytest.param(case, id=name) for name, case in cases.items()]


def elf_wheel(tags: str, *, files: Mapping[str, NativeSpec | bytes] | None = None, **changes: Any) -> BuiltWheel:
    """A wheel with one clean ELF module in which `changes` are made, and with further files."""
    return with_files(tags, files or {}, binary=replace(clean_elf(tags), **changes))


def pe_wheel(tags: str, *, files: Mapping[str, NativeSpec | bytes] | None = None, **changes: Any) -> BuiltWheel:
    """A wheel with one clean PE module in which `changes` are made, and with further files."""
    return with_files(tags, files or {}, binary=replace(clean_pe(tags), **changes))


def macho_wheel(tags: str, *, files: Mapping[str, NativeSpec | bytes] | None = None, **changes: Any) -> BuiltWheel:
    """A wheel with one clean Mach-O module in which `changes` are made to each slice, and with further files."""
    slices = tuple(replace(thin, **changes) for thin in clean_slices(tags))
    return with_files(tags, files or {}, binary=slices if len(slices) > 1 else slices[0])


def with_files(
    tags: str,
    files: Mapping[str, NativeSpec | bytes],
    *,
    binary: NativeSpec | bytes | None = None,
    member: str | None = None,
) -> BuiltWheel:
    """A wheel with one extension module and further files."""
    members = {**INIT, **{name: build_native(content) for name, content in files.items()}}
    return extension_wheel(tags, binary=binary, member=member, members=members)


def plain_wheel(tags: str, files: Mapping[str, NativeSpec | bytes], **changes: Any) -> BuiltWheel:
    """A wheel of these tags and files alone."""
    python, abi, platform = tags.split("-")
    members = {**INIT, **{name: build_native(content) for name, content in files.items()}}
    return build_wheel(WheelSpec(python=python, abi=abi, platform=platform, members=members, **changes))


def elf_library(soname: str, tags: str = "cp311-cp311-manylinux_2_17_x86_64", **changes: Any) -> ElfSpec:
    """A shared library that takes nothing but `memcpy` from the C library."""
    clean = clean_elf(tags)
    imports = tuple(one for one in clean.imports if one.symbol == "memcpy")
    return replace(clean, soname=soname, imports=imports, exports=(), **changes)


def elf_program(tags: str = "cp311-cp311-manylinux_2_17_x86_64", **changes: Any) -> ElfSpec:
    """A program that is linked dynamically."""
    clean = clean_elf(tags)
    imports = tuple(one for one in clean.imports if one.symbol == "memcpy")
    return replace(clean, interp="/lib64/ld-linux-x86-64.so.2", file_type=2, imports=imports, exports=(), **changes)


def static_program(machine: int = 62, *, stack: int | None = None) -> bytes:
    """A program without a dynamic section, as Go links it (gABI, "ELF Header" and "Program Header")."""
    kinds = [(1, 5)] if stack is None else [(1, 5), (0x6474E551, stack)]
    size = 64 + 56 * len(kinds)
    header = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x400000 + size, 64, 0, 0, 64, 56, len(kinds), 0, 0, 0)
    rows = b"".join(
        struct.pack("<IIQQQQQQ", kind, flags, 0, 0x400000, 0x400000, size + 4, size + 4, 0x1000)
        for kind, flags in kinds
    )
    return header + rows + b"\xc3\0\0\0"


def static_program_32() -> bytes:
    """A 32-bit x86 program without a dynamic section."""
    header = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    header += struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0x8048054, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    return header + struct.pack("<IIIIIIII", 1, 0, 0x8048000, 0x8048000, 88, 88, 5, 0x1000) + b"\xc3\0\0\0"


def dylib(name: str, *archs: str, minos: str = "11.0", **changes: Any) -> NativeSpec:
    """A Mach-O library with a slice for each architecture."""
    slices = tuple(
        MachoSpec(
            cpu=arch,  # type: ignore[arg-type]
            file_type="dylib",
            identity=MachoLibrary(name=name),
            libraries=(LIBSYSTEM,),
            minos=minos,
            **changes,
        )
        for arch in archs
    )
    return slices if len(slices) > 1 else slices[0]


def bundling(tags: str, *names: str, files: Mapping[str, NativeSpec | bytes], **changes: Any) -> BuiltWheel:
    """A wheel for macOS whose module needs libraries that lie where delocate puts them."""
    libraries = (LIBSYSTEM, *(MachoLibrary(name=f"@loader_path/.dylibs/{name}") for name in names))
    return macho_wheel(tags, libraries=libraries, files=files, **changes)


def dll(name: str, *imports: str, **changes: Any) -> PeSpec:
    """A Windows library that takes something of each of the DLLs, and offers it as well."""
    wanted = {"KERNEL32.dll": ("Sleep",), **dict.fromkeys(imports, ("something",))}
    return PeSpec(**{"imports": wanted, "exports": (PeExport(symbol="something"),), "dll_name": name, **changes})
