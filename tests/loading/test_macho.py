"""Mach-O: what dyld would find in each layout of a wheel, and LIEF's reading of what is bound to what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import lief
import pytest

from auditor import Severity, audit
from auditor.archive.reader import read_wheel
from auditor.loading.model import Origin
from auditor.rules.context import Context
from tests.builders import (
    LIBSYSTEM,
    MachoExport,
    MachoImport,
    MachoLibrary,
    MachoSpec,
    build_macho,
    build_wheel,
    clean_macho,
    extension_wheel,
    replace,
)
from tests.builders.extension import extension_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.loading.model import Image
    from tests.builders import BuiltWheel

TAGS = "cp311-cp311-macosx_11_0_arm64"
MODULE = "demo/_core.cpython-311-darwin.so"
INIT = {"demo/__init__.py": b""}
SYSTEM = "/usr/lib/libSystem.B.dylib"
GOOD = Path(__file__).parents[1] / "wheels" / "good"


def dylib(
    name: str, *exports: str, libraries: tuple[MachoLibrary, ...] = (), rpaths: tuple[str, ...] = ()
) -> MachoSpec:
    """A library with exports of that C name."""
    return MachoSpec(
        file_type="dylib",
        identity=MachoLibrary(name=name),
        libraries=(LIBSYSTEM, *libraries),
        rpaths=rpaths,
        exports=tuple(MachoExport(symbol=f"_{one}") for one in exports),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a module needs, the other files of the wheel, and the rule that finds the fault."""

    libraries: tuple[MachoLibrary | str, ...] = ()
    imports: tuple[MachoImport, ...] = ()
    rpaths: tuple[str, ...] = ()
    files: Mapping[str, MachoSpec | bytes] = field(default_factory=dict)
    rule: str | None = None
    severity: Severity = Severity.ERROR
    requires: str | None = None


FOO = {"demo/.dylibs/libfoo.1.dylib": dylib("/DLC/demo/.dylibs/libfoo.1.dylib", "foo")}
AT_FOO = "@loader_path/.dylibs/libfoo.1.dylib"
TAKE = (MachoImport(symbol="_foo", library=AT_FOO),)

CASES: Mapping[str, Case] = {
    "beside-the-loader": Case(libraries=(AT_FOO,), imports=TAKE, files=FOO),
    "not-where-the-loader-path-leads": Case(
        libraries=("@loader_path/libfoo.1.dylib",), files=FOO, rule="library-unreachable"
    ),
    "rpath-of-the-module": Case(libraries=("@rpath/libfoo.1.dylib",), rpaths=("@loader_path/.dylibs",), files=FOO),
    "second-rpath": Case(libraries=("@rpath/libfoo.1.dylib",), rpaths=("/opt/none", "@loader_path/.dylibs"), files=FOO),
    "rpath-without-an-rpath": Case(libraries=("@rpath/libfoo.1.dylib",), files=FOO, rule="library-unreachable"),
    "rpath-of-the-build": Case(
        libraries=("@rpath/libfoo.1.dylib",), rpaths=("/Users/runner/work",), files=FOO, rule="library-unreachable"
    ),
    "rpath-of-who-loaded-it": Case(
        libraries=("@rpath/libbar.dylib",),
        rpaths=("@loader_path/.dylibs",),
        files={
            **FOO,
            "demo/.dylibs/libbar.dylib": dylib(
                "@rpath/libbar.dylib", "bar", libraries=(MachoLibrary(name="@rpath/libfoo.1.dylib"),)
            ),
        },
    ),
    "rpath-with-a-library-in-the-wheel-nowhere": Case(
        libraries=("@rpath/libmissing.dylib",), rpaths=("@loader_path/.dylibs",), rule="library-unresolved"
    ),
    "homebrew": Case(libraries=("/opt/homebrew/opt/foo/lib/libfoo.1.dylib",), rule="library-unresolved"),
    "homebrew-with-a-copy-in-the-wheel": Case(
        libraries=("/opt/homebrew/opt/foo/lib/libfoo.1.dylib",), files=FOO, rule="library-unreachable"
    ),
    "weakly-linked-and-absent": Case(libraries=(MachoLibrary(name="@rpath/libmissing.dylib", kind="weak"),)),
    "framework-of-the-system": Case(
        libraries=("/System/Library/Frameworks/Accelerate.framework/Versions/A/Accelerate",),
        imports=(
            MachoImport(
                symbol="_cblas_dgemm", library="/System/Library/Frameworks/Accelerate.framework/Versions/A/Accelerate"
            ),
        ),
    ),
    "what-a-path-climbs-out-of": Case(libraries=("/usr/lib/../local/lib/libfoo.1.dylib",), rule="library-unresolved"),
    "export-renamed": Case(
        libraries=(AT_FOO,),
        imports=TAKE,
        files={"demo/.dylibs/libfoo.1.dylib": dylib("/DLC/demo/.dylibs/libfoo.1.dylib", "fuu")},
        rule="symbol-unresolved",
    ),
    "weak-import-of-nobody": Case(
        libraries=(AT_FOO,),
        imports=(MachoImport(symbol="_bar", library=AT_FOO, weak=True),),
        files=FOO,
    ),
    "symbol-of-a-re-exported-library": Case(
        libraries=("@loader_path/.dylibs/libumbrella.dylib",),
        imports=(MachoImport(symbol="_foo", library="@loader_path/.dylibs/libumbrella.dylib"),),
        files={
            **FOO,
            "demo/.dylibs/libumbrella.dylib": dylib(
                "/DLC/demo/.dylibs/libumbrella.dylib",
                libraries=(MachoLibrary(name="@loader_path/libfoo.1.dylib", kind="reexport"),),
            ),
        },
    ),
    "symbol-of-a-library-that-is-only-loaded": Case(
        libraries=("@loader_path/.dylibs/libumbrella.dylib",),
        imports=(MachoImport(symbol="_foo", library="@loader_path/.dylibs/libumbrella.dylib"),),
        files={
            **FOO,
            "demo/.dylibs/libumbrella.dylib": dylib(
                "/DLC/demo/.dylibs/libumbrella.dylib", libraries=(MachoLibrary(name="@loader_path/libfoo.1.dylib"),)
            ),
        },
        rule="symbol-unresolved",
    ),
    "flat-symbol-of-python": Case(imports=(MachoImport(symbol="_PyLong_FromLong"),)),
    "flat-symbol-of-libsystem": Case(imports=(MachoImport(symbol="_strlen"),)),
    "flat-symbol-of-objective-c": Case(imports=(MachoImport(symbol="_objc_msgSend"),)),
    "flat-symbol-of-a-library-of-the-wheel": Case(
        libraries=(AT_FOO,), imports=(MachoImport(symbol="_foo"),), files=FOO
    ),
    "flat-symbol-of-nobody": Case(
        imports=(MachoImport(symbol="_ldap_init_fd"),), rule="symbol-unresolved", severity=Severity.WARNING
    ),
    "flat-python-symbol-of-a-later-version": Case(
        imports=(MachoImport(symbol="_PyDict_GetItemRef"),), rule="python-symbol-unavailable"
    ),
    "another-distribution": Case(
        libraries=("@rpath/libtorch.dylib",), rpaths=("@loader_path/../torch/lib",), requires="torch"
    ),
}


def build(case: Case) -> BuiltWheel:
    """The wheel of a case."""
    libraries = tuple(MachoLibrary(name=one) if isinstance(one, str) else one for one in case.libraries)
    module = replace(clean_macho(TAGS), libraries=(LIBSYSTEM, *libraries), imports=case.imports, rpaths=case.rpaths)
    files = {name: build_macho(one) if isinstance(one, MachoSpec) else one for name, one in case.files.items()}
    headers = {"Requires-Dist": case.requires} if case.requires else {}
    return build_wheel(replace(extension_spec(TAGS, binary=module, members={**INIT, **files}), headers=headers))


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_one_fault_is_one_finding(case: Case) -> None:
    """Each layout gives the one rule that fits, or none."""
    wheel = build(case)
    report = audit(wheel.data, filename=wheel.filename)
    assert not report.broken, report.not_judged
    found = [(one.rule, one.severity) for one in report.findings if one.severity is not Severity.INFO]
    assert found == ([(case.rule, case.severity)] if case.rule else []), [one.message for one in report.findings]


def image_of(wheel: BuiltWheel) -> Image:
    """What the loader says of the module."""
    (resolution,) = Context(read_wheel(wheel.data, filename=wheel.filename)).resolutions
    return next(image for image in resolution.images if image.member == MODULE)


def test_a_library_of_another_distribution_is_named() -> None:
    """A search path into another distribution, and a requirement of that name: the record says whose it is."""
    (_system, library) = image_of(build(CASES["another-distribution"])).libraries
    assert library.origin is Origin.DEPENDENCY
    assert "`torch`" in (library.how or "")


def test_chained_fixups_and_opcodes_say_the_same() -> None:
    """The two ways of binding give the same resolution."""
    spec = replace(
        clean_macho(TAGS),
        libraries=(LIBSYSTEM, MachoLibrary(name=AT_FOO)),
        imports=(*TAKE, MachoImport(symbol="_strlen", library=SYSTEM), MachoImport(symbol="_PyLong_FromLong")),
    )
    files = {**INIT, "demo/.dylibs/libfoo.1.dylib": build_macho(FOO["demo/.dylibs/libfoo.1.dylib"])}
    images = [
        image_of(extension_wheel(TAGS, binary=replace(spec, fixups=fixups), members=files))
        for fixups in ("opcodes", "chained")
    ]
    assert images[0] == images[1]
    assert {one.by: one.symbols for one in images[0].providers} == {
        "demo/.dylibs/libfoo.1.dylib": 1,
        SYSTEM: 1,
        "python": 1,
    }


@pytest.mark.parametrize("path", sorted(GOOD.glob("*macosx*.whl")), ids=lambda path: path.name)
def test_lief_binds_the_same(path: Path) -> None:
    """For each slice of the real macOS wheels, as many symbols come from each library as LIEF binds to it."""
    facts = read_wheel(path)
    for resolution in Context(facts).resolutions:
        for image in resolution.images:
            with ZipFile(path) as archive:
                content = archive.read(image.member)
            expected = bound_by_lief(content, resolution.arch)
            found = {one.by: one.symbols for one in image.providers}
            python = found.pop("python")
            assert found == {name: count for name, count in expected.items() if name != "flat"}
            assert python == expected["flat"]


def bound_by_lief(content: bytes, arch: str) -> Counter[str]:
    """How many strong symbols LIEF binds to each library; `flat` for those that are looked up everywhere."""
    fat = lief.MachO.parse(list(content))
    assert fat is not None
    wanted = {"arm64": "ARM64", "x86_64": "X86_64"}[arch]
    binary = next(one for one in fat if one.header.cpu_type.name == wanted)
    pairs = set()
    for one in binary.bindings:
        symbol = one.symbol
        if symbol is None or one.weak_import:
            continue
        pairs.add((symbol.name, one.library.name if one.library is not None else "flat"))
    return Counter(library for _, library in pairs)
