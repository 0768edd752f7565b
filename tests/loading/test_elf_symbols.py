"""ELF: the simulated loader and the host's real one find the same symbols, at the same versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.builders import ElfExport, ElfImport, ElfVersionNeed, build_elf, clean_elf, extension_wheel, replace
from tests.loading.elf_layouts import FOO, INIT, Case, assert_the_loader_agrees, foo, image_of, library
from tests.loading.real import host_tag

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSIONED = (ElfImport(symbol="foo", library="libfoo.so.1", version="FOO_2"),)
CASES: Mapping[str, Case] = {
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


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_the_real_loader_agrees(case: Case, tmp_path: Path) -> None:
    """What dlopen does with the installed module is what the audit says of the wheel, by the one rule that fits."""
    assert_the_loader_agrees(case, tmp_path)


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
