"""ELF: the simulated loader and the host's real one find the same libraries, in the same places."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.loading.model import ABSENT, Origin
from tests.builders import ElfExport, ElfSpec, build_wheel, extension_spec, replace
from tests.loading.elf_layouts import (
    DATA,
    INIT,
    MODULE,
    Case,
    assert_the_loader_agrees,
    build,
    foo,
    image_of,
    library,
    predicted,
)
from tests.loading.real import host_tag

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_the_real_loader_agrees(case: Case, tmp_path: Path) -> None:
    """What dlopen does with the installed module is what the audit says of the wheel, by the one rule that fits."""
    assert_the_loader_agrees(case, tmp_path)


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
