"""ELF: for each layout of a wheel, the simulated loader and the host's real one say the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from auditor import Severity, audit
from auditor.archive.reader import read_wheel
from auditor.loading.model import ABSENT, Origin
from auditor.rules.context import Context
from tests.builders import (
    ElfExport,
    ElfImport,
    ElfSpec,
    ElfVersionNeed,
    build_elf,
    build_wheel,
    clean_elf,
    extension_spec,
    extension_wheel,
    replace,
)
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
VERSIONED = (ElfImport(symbol="foo", library="libfoo.so.1", version="FOO_2"),)

CASES: Mapping[str, Case] = {
    # -- where a library is looked for
    "runpath": Case(needed=("libfoo.so.1",), runpath="$ORIGIN/../demo.libs", files={"demo.libs/libfoo.so.1": foo()}),
    "rpath": Case(needed=("libfoo.so.1",), rpath="$ORIGIN/../demo.libs", files={"demo.libs/libfoo.so.1": foo()}),
    "origin-in-braces": Case(
        needed=("libfoo.so.1",), runpath="${ORIGIN}/../demo.libs", files={"demo.libs/libfoo.so.1": foo()}
    ),
    "second-directory": Case(
        needed=("libfoo.so.1",), runpath="$ORIGIN/none:$ORIGIN/../demo.libs", files={"demo.libs/libfoo.so.1": foo()}
    ),
    "directory-with-a-slash-at-its-end": Case(
        needed=("libfoo.so.1",), runpath="$ORIGIN/../demo.libs/", files={"demo.libs/libfoo.so.1": foo()}
    ),
    "no-search-path": Case(needed=("libfoo.so.1",), files={"demo.libs/libfoo.so.1": foo()}, rule="library-unreachable"),
    "beside-the-module-without-a-path": Case(
        needed=("libfoo.so.1",), files={"demo/libfoo.so.1": foo()}, rule="library-unreachable"
    ),
    "wrong-directory": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN/../wrong.libs",
        files={"demo.libs/libfoo.so.1": foo()},
        rule="library-unreachable",
    ),
    "too-few-steps-up": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN/demo.libs",
        files={"demo.libs/libfoo.so.1": foo()},
        rule="library-unreachable",
    ),
    "unknown-token": Case(
        needed=("libfoo.so.1",),
        runpath="$HERE/../demo.libs",
        files={"demo.libs/libfoo.so.1": foo()},
        rule="library-unreachable",
    ),
    "origin-with-a-letter-behind": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGINS/../demo.libs",
        files={"demo.libs/libfoo.so.1": foo()},
        rule="library-unreachable",
    ),
    "absolute-path-of-the-build": Case(
        needed=("libfoo.so.1",),
        runpath="/nowhere/build/demo.libs",
        files={"demo.libs/libfoo.so.1": foo()},
        rule="library-unreachable",
    ),
    "runpath-sets-rpath-aside": Case(
        needed=("libfoo.so.1",),
        rpath="$ORIGIN/../demo.libs",
        runpath="$ORIGIN/none",
        files={"demo.libs/libfoo.so.1": foo()},
        rule="library-unreachable",
    ),
    "soname-is-not-the-file-name": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN/../demo.libs",
        files={"demo.libs/libfoo.so.1.2": foo()},
        rule="library-unreachable",
    ),
    "file-name-is-not-the-soname": Case(
        needed=("libfoo.so",), runpath="$ORIGIN/../demo.libs", files={"demo.libs/libfoo.so": foo()}
    ),
    "case-of-the-name": Case(
        needed=("libFoo.so.1",), runpath="$ORIGIN", files={"demo/libfoo.so.1": foo()}, rule="library-outside-policy"
    ),
    "deleted-library": Case(
        needed=("libfoo-1a2b3c4d.so.1",), runpath="$ORIGIN/../demo.libs", rule="library-unresolved"
    ),
    "library-of-no-system": Case(needed=("libnowhere.so.7",), rule="library-outside-policy"),
    "path-with-origin-in-the-need": Case(needed=("$ORIGIN/libfoo.so.1",), files={"demo/libfoo.so.1": foo()}),
    "path-in-the-need": Case(
        needed=("./libfoo.so.1",), files={"demo/libfoo.so.1": foo()}, runpath="$ORIGIN", rule="library-unreachable"
    ),
    "module-below-a-package": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN/../../demo.libs",
        files={"demo.libs/libfoo.so.1": foo(), "demo/sub/__init__.py": b""},
        at="demo/sub/_core.cpython-311-x86_64-linux-gnu.so",
    ),
    "module-in-platlib": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN/../demo.libs",
        files={"demo.libs/libfoo.so.1": foo()},
        at=f"{DATA}/platlib/{MODULE}",
    ),
    "library-in-purelib": Case(
        needed=("libfoo.so.1",), runpath="$ORIGIN/../demo.libs", files={f"{DATA}/purelib/demo.libs/libfoo.so.1": foo()}
    ),
    "library-in-data": Case(
        needed=("libfoo.so.1",), runpath="$ORIGIN/../../../../lib", files={f"{DATA}/data/lib/libfoo.so.1": foo()}
    ),
    "library-in-data-elsewhere": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN/../../../../lib64",
        files={f"{DATA}/data/lib/libfoo.so.1": foo()},
        rule="library-unreachable",
    ),
    # -- libraries of libraries
    "rpath-serves-the-libraries-of-a-library": Case(
        needed=("libfoo.so.1",),
        rpath="$ORIGIN/../demo.libs",
        files={
            "demo.libs/libfoo.so.1": foo(needed=("libbar.so.1",)),
            "demo.libs/libbar.so.1": library("libbar.so.1", "bar"),
        },
    ),
    "runpath-does-not": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN/../demo.libs",
        files={
            "demo.libs/libfoo.so.1": foo(needed=("libbar.so.1",)),
            "demo.libs/libbar.so.1": library("libbar.so.1", "bar"),
        },
        rule="library-unreachable",
    ),
    "runpath-of-its-own": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN/../demo.libs",
        files={
            "demo.libs/libfoo.so.1": foo(needed=("libbar.so.1",), runpath="$ORIGIN"),
            "demo.libs/libbar.so.1": library("libbar.so.1", "bar"),
        },
    ),
    "runpath-of-a-library-cuts-the-chain": Case(
        needed=("libfoo.so.1",),
        rpath="$ORIGIN/../demo.libs",
        files={
            "demo.libs/libfoo.so.1": foo(needed=("libbar.so.1",), runpath="$ORIGIN/none"),
            "demo.libs/libbar.so.1": library("libbar.so.1", "bar"),
        },
        rule="library-unreachable",
    ),
    "loaded-already-by-its-soname": Case(
        needed=("libbar.so.1", "libfoo.so.1"),
        runpath="$ORIGIN/../demo.libs",
        files={
            "demo.libs/libfoo.so.1": foo(needed=("libbar.so.1",)),
            "demo.libs/libbar.so.1": library("libbar.so.1", "bar"),
        },
    ),
    "loaded-already-under-another-file-name": Case(
        needed=("libbar-x.so", "libfoo.so.1"),
        runpath="$ORIGIN/../demo.libs",
        files={
            "demo.libs/libfoo.so.1": foo(needed=("libbar.so.1",)),
            "demo.libs/libbar-x.so": library("libbar.so.1", "bar"),
        },
    ),
    "libraries-that-need-each-other": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN/../demo.libs",
        files={
            "demo.libs/libfoo.so.1": foo(needed=("libbar.so.1",), runpath="$ORIGIN"),
            "demo.libs/libbar.so.1": library("libbar.so.1", "bar", needed=("libfoo.so.1",), runpath="$ORIGIN"),
        },
    ),
    "missing-below-a-library": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN/../demo.libs",
        files={"demo.libs/libfoo.so.1": foo(needed=("libnowhere.so.7",))},
        rule="library-outside-policy",
    ),
    # -- symbols
    "symbol-of-a-library": Case(
        needed=("libfoo.so.1",), imports=FOO, runpath="$ORIGIN", files={"demo/libfoo.so.1": foo()}
    ),
    "symbol-renamed": Case(
        needed=("libfoo.so.1",),
        imports=FOO,
        runpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo("fuu")},
        rule="symbol-unresolved",
    ),
    "symbol-of-nobody": Case(imports=(ElfImport(symbol="nobody_has_it"),), rule="symbol-unresolved"),
    "weak-symbol-of-nobody": Case(imports=(ElfImport(symbol="nobody_has_it", weak=True),)),
    "symbol-of-a-library-that-is-not-named": Case(
        imports=FOO, runpath="$ORIGIN", files={"demo/libfoo.so.1": foo()}, rule="symbol-unresolved"
    ),
    "symbol-of-a-library-of-a-library": Case(
        needed=("libbar.so.1",),
        imports=FOO,
        rpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo(), "demo/libbar.so.1": library("libbar.so.1", "bar", needed=("libfoo.so.1",))},
    ),
    "library-takes-a-symbol-of-the-module": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo("foo", imports=(ElfImport(symbol="PyInit__core"),))},
    ),
    "library-wants-a-symbol-of-nobody": Case(
        needed=("libfoo.so.1",),
        runpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo("foo", imports=(ElfImport(symbol="nobody_has_it"),))},
        rule="symbol-unresolved",
    ),
    "symbol-of-libc-without-a-version": Case(imports=(ElfImport(symbol="strlen"),)),
    "symbol-of-libm-that-the-interpreter-has-loaded": Case(imports=(ElfImport(symbol="cos"),)),
    "symbol-of-zlib-that-is-named": Case(needed=("libz.so.1",), imports=(ElfImport(symbol="inflate"),)),
    "symbol-of-the-loader": Case(imports=(ElfImport(symbol="__tls_get_addr"),)),
    "symbol-that-libc-has-not-at-this-version": Case(
        imports=(ElfImport(symbol="strlem", library="libc.so.6", version="GLIBC_2.2.5"),),
        needed=("libc.so.6",),
        rule="symbol-unresolved",
    ),
    "version-that-the-host-has-not": Case(
        imports=(ElfImport(symbol="strlen", library="libc.so.6", version="GLIBC_2.99"),),
        needed=("libc.so.6",),
        rule="glibc-newer-than-tag",
    ),
    "python-symbol": Case(imports=(ElfImport(symbol="PyLong_FromLong"),)),
    "python-symbol-of-a-later-version": Case(
        imports=(ElfImport(symbol="PyDict_GetItemRef"),), rule="python-symbol-unavailable"
    ),
    "python-symbol-of-an-earlier-version": Case(
        imports=(ElfImport(symbol="PyNode_New"),), rule="python-symbol-unavailable"
    ),
    "python-symbol-of-no-version": Case(imports=(ElfImport(symbol="PyLong_FromLung"),), rule="symbol-unresolved"),
    # -- versions of the wheel's own libraries
    "version-of-a-bundled-library": Case(
        needed=("libfoo.so.1",),
        imports=VERSIONED,
        runpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo(ElfExport(symbol="foo", version="FOO_2"))},
    ),
    "version-that-a-bundled-library-lacks": Case(
        needed=("libfoo.so.1",),
        imports=VERSIONED,
        runpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo(ElfExport(symbol="foo", version="FOO_1"))},
        rule="symbol-unresolved",
    ),
    "bundled-library-without-version-tables": Case(
        needed=("libfoo.so.1",),
        imports=VERSIONED,
        runpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo()},
        rule="symbol-unresolved",
    ),
    "bundled-library-that-only-needs-versions": Case(
        needed=("libfoo.so.1",),
        imports=VERSIONED,
        runpath="$ORIGIN",
        files={
            "demo/libfoo.so.1": foo(
                needed=("libc.so.6",),
                imports=(ElfImport(symbol="strlen", library="libc.so.6", version="GLIBC_2.2.5"),),
            )
        },
    ),
    "version-of-another-library-than-the-one-that-was-linked": Case(
        needed=("libbar.so.1", "libfoo.so.1"),
        imports=VERSIONED,
        runpath="$ORIGIN",
        files={
            "demo/libfoo.so.1": foo(ElfExport(symbol="none", version="FOO_2")),
            "demo/libbar.so.1": library("libbar.so.1", "foo"),
        },
    ),
    "bundled-library-without-versions-and-without-the-symbol": Case(
        needed=("libfoo.so.1",),
        imports=VERSIONED,
        runpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo("bar")},
        rule="symbol-unresolved",
    ),
    "symbol-at-another-version": Case(
        needed=("libfoo.so.1",),
        imports=VERSIONED,
        runpath="$ORIGIN",
        files={
            "demo/libfoo.so.1": foo(ElfExport(symbol="foo", version="FOO_1"), ElfExport(symbol="bar", version="FOO_2"))
        },
        rule="symbol-unresolved",
    ),
    "unversioned-want-of-a-versioned-library": Case(
        needed=("libfoo.so.1",),
        imports=FOO,
        runpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo(ElfExport(symbol="foo", version="FOO_1"))},
    ),
    "version-need-of-a-bundled-library-without-a-symbol": Case(
        needed=("libfoo.so.1",),
        version_needs=(ElfVersionNeed(library="libfoo.so.1", version="FOO_9"),),
        runpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo(ElfExport(symbol="foo", version="FOO_1"))},
        rule="symbol-unresolved",
    ),
    "weak-version-need": Case(
        needed=("libfoo.so.1",),
        version_needs=(ElfVersionNeed(library="libfoo.so.1", version="FOO_9", weak=True),),
        runpath="$ORIGIN",
        files={"demo/libfoo.so.1": foo(ElfExport(symbol="foo", version="FOO_1"))},
    ),
    "version-need-of-a-library-that-is-not-loaded": Case(
        version_needs=(ElfVersionNeed(library="libfoo.so.1", version="FOO_1"),), rule="version-need-without-library"
    ),
    "version-need-of-libm-that-the-interpreter-has-loaded": Case(
        version_needs=(ElfVersionNeed(library="libm.so.6", version="GLIBC_2.2.5"),)
    ),
    "version-need-of-the-loader": Case(
        version_needs=(ElfVersionNeed(library="ld-linux-x86-64.so.2", version="GLIBC_2.3"),)
    ),
    "version-need-of-a-part-of-glibc-that-nothing-loads": Case(
        version_needs=(ElfVersionNeed(library="libanl.so.1", version="GLIBC_2.2.5"),),
        rule="version-need-without-library",
    ),
    "version-need-of-libgcc-that-libstdc++-brings": Case(
        needed=("libstdc++.so.6",), version_needs=(ElfVersionNeed(library="libgcc_s.so.1", version="GCC_3.0"),)
    ),
    "version-need-of-libgcc-that-libz-does-not-bring": Case(
        needed=("libz.so.1",),
        version_needs=(ElfVersionNeed(library="libgcc_s.so.1", version="GCC_3.0"),),
        rule="version-need-without-library",
    ),
    "weak-need-of-a-version-that-the-host-has-not": Case(
        needed=("libc.so.6",), version_needs=(ElfVersionNeed(library="libc.so.6", version="GLIBC_2.99", weak=True),)
    ),
    "strong-symbol-at-a-weak-version-that-the-host-has-not": Case(
        needed=("libc.so.6",),
        imports=(ElfImport(symbol="strlen", library="libc.so.6", version="GLIBC_2.99", version_weak=True),),
        rule="symbol-unresolved",
    ),
}


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


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_the_real_loader_agrees(case: Case, tmp_path: Path) -> None:
    """What dlopen does with the installed module is what the audit says of the wheel, by the one rule that fits."""
    wheel = build(case)
    path = case.at.removeprefix(f"{DATA}/platlib/")
    answer = load(unpack(wheel, tmp_path) / path)
    assert (answer is not None) is (case.rule is not None), answer
    assert predicted(wheel) == ({case.rule} if case.rule else set()), answer


@pytest.mark.parametrize(
    ("directory", "rule"),
    [("demo.libs", "library-unresolved"), (".libs_demo", "library-unresolved"), ("other.libs", None)],
)
def test_a_repaired_library_that_was_deleted(directory: str, rule: str | None) -> None:
    """The directory that auditwheel makes is the wheel's own, though nothing is left in it; another's may bring it."""
    plain = ElfSpec(
        needed=("libfoo-1a2b3c4d.so.1",),
        runpath=f"$ORIGIN/../{directory}",
        exports=(ElfExport(symbol="PyInit__core"),),
    )
    spec = extension_spec(host_tag(), binary=plain, members=INIT)
    wheel = build_wheel(replace(spec, headers={"Requires-Dist": "other"}))
    assert predicted(wheel) == ({rule} if rule else set())


def image_of(wheel: BuiltWheel, member: str = MODULE) -> Image:
    """What the loader says of one file on the one promised platform."""
    (resolution,) = Context(read_wheel(wheel.data, filename=wheel.filename)).resolutions
    return next(image for image in resolution.images if image.member == member)


def test_how_a_library_was_found() -> None:
    """The record names the file, and the search path that led there."""
    image = image_of(build(CASES["runpath"]))
    (found,) = image.libraries
    assert (found.origin, found.member, found.how) == (
        Origin.WHEEL,
        "demo.libs/libfoo.so.1",
        "RUNPATH $ORIGIN/../demo.libs",
    )


def test_where_a_library_was_looked_for() -> None:
    """An absent library has the places that were searched, and the file that it would be."""
    image = image_of(build(CASES["wrong-directory"]))
    (absent,) = image.libraries
    assert absent.origin in ABSENT
    assert absent.searched == ("RUNPATH $ORIGIN/../wrong.libs",)
    assert absent.member == "demo.libs/libfoo.so.1"
    assert absent.roots == (MODULE,)


def test_who_gives_the_symbols() -> None:
    """The strong imports are counted by who gives them."""
    wheel = extension_wheel(
        host_tag(),
        binary=replace(
            clean_elf(host_tag()),
            needed=("libc.so.6", "libfoo.so.1"),
            runpath="$ORIGIN",
            imports=(
                *FOO,
                ElfImport(symbol="PyLong_FromLong"),
                ElfImport(symbol="strlen", library="libc.so.6", version="GLIBC_2.2.5"),
            ),
        ),
        members={**INIT, "demo/libfoo.so.1": build_elf(foo())},
    )
    image = image_of(wheel)
    assert {one.by: one.symbols for one in image.providers} == {"demo/libfoo.so.1": 1, "libc.so.6": 1, "python": 1}
