"""Shared by the tests of the simulated ELF loader: layouts of a wheel, and the host's own loader over each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditor import Severity, audit
from auditor.archive.reader import read_wheel
from auditor.rules.context import Context
from tests.builders import ElfExport, ElfImport, ElfSpec, ElfVersionNeed, build_elf, extension_wheel
from tests.loading.real import host_tag, load, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from auditor.loading.model import Image
    from tests.builders import BuiltWheel

MODULE = "demo/_core.cpython-311-x86_64-linux-gnu.so"
INIT = {"demo/__init__.py": b""}
DATA = "demo-1.0.data"


def library(
    soname: str | None,
    *exports: str | ElfExport,
    needed: tuple[str, ...] = (),
    imports: tuple[ElfImport, ...] = (),
    **changes: Any,
) -> ElfSpec:
    """A shared library that exports symbols and needs nothing of the C library."""
    provided = tuple(ElfExport(symbol=one) if isinstance(one, str) else one for one in exports)
    return ElfSpec(soname=soname, exports=provided, needed=needed, imports=imports, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A module with what it needs, the other files of its wheel, and the rule that finds the fault."""

    needed: tuple[str, ...] = ()
    imports: tuple[ElfImport, ...] = ()
    runpath: str | None = None
    rpath: str | None = None
    files: Mapping[str, ElfSpec | bytes] = field(default_factory=dict)
    version_needs: tuple[ElfVersionNeed, ...] = ()
    rule: str | None = None
    """None where the module loads."""
    at: str = MODULE
    """Where the module lies."""


def foo(*exports: str | ElfExport, **changes: Any) -> ElfSpec:
    """The library that most cases need."""
    return library("libfoo.so.1", *(exports or ("foo",)), **changes)


FOO = (ElfImport(symbol="foo"),)


def build(case: Case) -> BuiltWheel:
    """The wheel of a case."""
    plain = ElfSpec(
        needed=case.needed,
        imports=case.imports,
        runpath=case.runpath,
        rpath=case.rpath,
        version_needs=case.version_needs,
        exports=(ElfExport(symbol="PyInit__core"),),
    )
    files = {name: build_elf(one) if isinstance(one, ElfSpec) else one for name, one in case.files.items()}
    return extension_wheel(host_tag(), binary=plain, member=case.at, members={**INIT, **files})


def predicted(wheel: BuiltWheel) -> set[str]:
    """The rules whose errors say that the wheel does not load."""
    report = audit(wheel.data, filename=wheel.filename)
    assert not report.broken, report.not_judged
    return {one.rule for one in report.findings if one.severity is Severity.ERROR}


def assert_the_loader_agrees(case: Case, folder: Path) -> None:
    """What dlopen does with the module, installed into the folder, is what the audit says by the one rule that fits."""
    wheel = build(case)
    path = case.at.removeprefix(f"{DATA}/platlib/")
    answer = load(unpack(wheel, folder) / path)
    assert (answer is not None) is (case.rule is not None), answer
    assert predicted(wheel) == ({case.rule} if case.rule else set()), answer


def image_of(wheel: BuiltWheel, member: str = MODULE) -> Image:
    """What the loader says of one file on the one promised platform."""
    (resolution,) = Context(read_wheel(wheel.data, filename=wheel.filename)).resolutions
    return next(image for image in resolution.images if image.member == member)
