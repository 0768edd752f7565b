"""PE: what Windows would find in each layout of a wheel. Its real loader is asked in tests/loaders/test_windows.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from auditor import Severity, audit
from auditor.archive.reader import read_wheel
from auditor.loading.model import Origin
from auditor.rules.context import Context
from tests.builders import PeExport, PeSpec, build_pe, build_wheel, clean_pe, replace
from tests.builders.extension import extension_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.loading.model import Image
    from tests.builders import BuiltWheel

TAGS = "cp311-cp311-win_amd64"
MODULE = "demo/_core.cp311-win_amd64.pyd"
HELPER = b"import os\nos.add_dll_directory(os.path.join(os.path.dirname(__file__), '..', 'demo.libs'))\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a module imports, the other files of the wheel, and the rule that finds the fault."""

    imports: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    delay: Mapping[str, tuple[str | int, ...]] = field(default_factory=dict)
    files: Mapping[str, PeSpec | bytes] = field(default_factory=dict)
    rule: str | None = None
    severity: Severity = Severity.ERROR
    tags: str = TAGS
    requires: str | None = None
    init: bytes = b""


def dll(name: str, *exports: str | PeExport, **imports: tuple[str, ...]) -> PeSpec:
    """A DLL with exports; its imports by the DLL's name without suffix."""
    return PeSpec(
        dll_name=name,
        imports={"KERNEL32.dll": ("Sleep",), **{f"{other}.dll": names for other, names in imports.items()}},
        exports=tuple(PeExport(symbol=one) if isinstance(one, str) else one for one in exports),
    )


FOO = dll("foo.dll", "foo")
CASES: Mapping[str, Case] = {
    "beside-the-module": Case(imports={"foo.dll": ("foo",)}, files={"demo/foo.dll": FOO}),
    "another-case-of-the-name": Case(imports={"FOO.DLL": ("foo",)}, files={"demo/Foo.dll": FOO}),
    "name-without-a-suffix": Case(imports={"foo": ("foo",)}, files={"demo/foo.dll": FOO}),
    "in-another-directory": Case(
        imports={"foo.dll": ("foo",)}, files={"demo.libs/foo.dll": FOO}, rule="library-unreachable"
    ),
    "in-another-directory-with-a-helper": Case(
        imports={"foo.dll": ("foo",)}, files={"demo.libs/foo.dll": FOO}, init=HELPER
    ),
    "nowhere": Case(imports={"nowhere.dll": ("foo",)}, rule="library-unresolved"),
    "delay-loaded-and-nowhere": Case(
        delay={"nowhere.dll": ("foo",)}, rule="library-unresolved", severity=Severity.WARNING
    ),
    "system": Case(imports={"ADVAPI32.dll": ("RegOpenKeyExW",), "WS2_32.dll": (1,)}),
    "api-set": Case(imports={"api-ms-win-crt-runtime-l1-1-0.dll": ("_initterm",), "ext-ms-win-x-l1-1-0.dll": ("x",)}),
    "runtime-of-python": Case(imports={"VCRUNTIME140.dll": ("memcpy",), "VCRUNTIME140_1.dll": ("__x",)}),
    "runtime-that-python-has-not": Case(imports={"MSVCP140.dll": ("x",)}, rule="windows-runtime-missing"),
    "library-of-a-library-beside-it": Case(
        imports={"foo.dll": ("foo",)},
        files={"demo/foo.dll": dll("foo.dll", "foo", bar=("bar",)), "demo/bar.dll": dll("bar.dll", "bar")},
    ),
    "library-of-a-library-in-its-own-directory": Case(
        imports={"foo.dll": ("foo",)},
        files={"demo/foo.dll": dll("foo.dll", "foo", bar=("bar",)), "demo/sub/bar.dll": dll("bar.dll", "bar")},
        rule="library-unreachable",
    ),
    "export-renamed": Case(
        imports={"foo.dll": ("foo",)}, files={"demo/foo.dll": dll("foo.dll", "fuu")}, rule="symbol-unresolved"
    ),
    "export-of-another-case": Case(
        imports={"foo.dll": ("Foo",)}, files={"demo/foo.dll": FOO}, rule="symbol-unresolved"
    ),
    "delay-loaded-export-renamed": Case(delay={"foo.dll": ("foo",)}, files={"demo/foo.dll": dll("foo.dll", "fuu")}),
    "ordinal": Case(imports={"foo.dll": (1,)}, files={"demo/foo.dll": dll("foo.dll", PeExport(symbol=None))}),
    "ordinal-of-a-name": Case(imports={"foo.dll": (1,)}, files={"demo/foo.dll": FOO}),
    "ordinal-of-nothing": Case(imports={"foo.dll": (7,)}, files={"demo/foo.dll": FOO}, rule="symbol-unresolved"),
    "forwarded": Case(
        imports={"foo.dll": ("foo",)},
        files={
            "demo/foo.dll": dll("foo.dll", PeExport(symbol="foo", forwarder="bar.real"), bar=("real",)),
            "demo/bar.dll": dll("bar.dll", "real"),
        },
    ),
    "forwarded-to-nothing": Case(
        imports={"foo.dll": ("foo",)},
        files={
            "demo/foo.dll": dll("foo.dll", PeExport(symbol="foo", forwarder="bar.real"), bar=("other",)),
            "demo/bar.dll": dll("bar.dll", "other"),
        },
        rule="symbol-unresolved",
    ),
    "forwarded-to-windows": Case(
        imports={"foo.dll": ("foo",)},
        files={"demo/foo.dll": dll("foo.dll", PeExport(symbol="foo", forwarder="KERNEL32.Sleep"))},
    ),
    "driver": Case(imports={"nvcuda.dll": ("cuInit",)}),
    "of-a-dependency": Case(imports={"c10.dll": ("x",)}, init=HELPER, requires="torch"),
    "of-no-dependency": Case(imports={"c10.dll": ("x",)}, init=HELPER, rule="library-unresolved"),
    "python-before-3.8-looks-in-path": Case(
        imports={"foo.dll": ("foo",)}, files={"demo.libs/foo.dll": FOO}, tags="cp37-cp37m-win_amd64"
    ),
}


def build(case: Case) -> BuiltWheel:
    """The wheel of a case."""
    clean = clean_pe(case.tags)
    module = replace(clean, imports={**clean.imports, **case.imports}, delay_imports=dict(case.delay))
    files = {name: build_pe(one) if isinstance(one, PeSpec) else one for name, one in case.files.items()}
    headers = {"Requires-Dist": case.requires} if case.requires else {}
    members = {"demo/__init__.py": case.init, **files}
    return build_wheel(replace(extension_spec(case.tags, binary=module, members=members), headers=headers))


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_one_fault_is_one_finding(case: Case) -> None:
    """Each layout gives the one rule that fits, or none."""
    wheel = build(case)
    report = audit(wheel.data, filename=wheel.filename)
    assert not report.broken, report.not_judged
    families = {"loading", "windows", "native", "python_abi"}
    found = [
        (one.rule, one.severity)
        for one in report.findings
        if one.severity is not Severity.INFO and one.family in families
    ]
    assert found == ([(case.rule, case.severity)] if case.rule else []), [one.message for one in report.findings]


def test_the_name_in_an_export_table_is_no_files_name() -> None:
    """Windows looks for a DLL by its file's name: a copy under another name is not there, and is not loaded."""
    wheel = build(Case(imports={"foo.dll": ("foo",)}, files={"demo.libs/foo-0123456789abcdef.dll": FOO}))
    facts = read_wheel(wheel.data, filename=wheel.filename)
    context = Context(facts)
    assert "foo-0123456789abcdef.dll" in context.bundled
    assert "foo.dll" not in context.bundled
    (copy,) = (binary for binary in facts.binaries if binary.member.endswith(".dll"))
    assert not context.is_loaded(copy)


def image_of(wheel: BuiltWheel) -> Image:
    """What the loader says of the module."""
    (resolution,) = Context(read_wheel(wheel.data, filename=wheel.filename)).resolutions
    return next(image for image in resolution.images if image.member == MODULE)


def test_who_gives_the_symbols() -> None:
    """Imports are counted by the DLL or the file of the wheel that gives them."""
    image = image_of(build(CASES["beside-the-module"]))
    counts = {one.by: one.symbols for one in image.providers}
    assert counts["demo/foo.dll"] == 1
    assert counts["python311.dll"] == len(clean_pe(TAGS).imports["python311.dll"])


def test_a_helper_is_named() -> None:
    """A DLL that only Python code leads to says so."""
    image = image_of(build(CASES["in-another-directory-with-a-helper"]))
    library = next(one for one in image.libraries if one.name == "foo.dll")
    assert library.origin is Origin.PROCESS
    assert "adds directories" in (library.how or "")


@pytest.mark.parametrize("init", [b"", HELPER], ids=["plain", "with-a-helper"])
def test_a_program_also_looks_in_path(init: bytes) -> None:
    """What a program needs and the wheel has not may be in PATH: a warning that says so."""
    program = build_pe(PeSpec(is_dll=False, imports={"KERNEL32.dll": ("Sleep",), "OpenMaya.dll": ("x",)}))
    case = Case(files={"demo/tool.exe": program}, init=init)
    report = audit(build(case).data, filename=build(case).filename)
    (finding,) = [one for one in report.findings if one.family == "loading"]
    assert (finding.rule, finding.severity) == ("library-unresolved", Severity.WARNING)
    assert "PATH" in finding.message
