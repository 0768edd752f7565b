"""What the audit says of Linux wheels is what glibc 2.31 does: ld.so of that release imports them, or refuses.

The wheels are tagged for exactly that glibc, so that an error of the audit and a failed import must coincide.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from auditor import Severity, audit
from tests.loaders import glibc
from tests.loaders.fetch import GLIBC
from tests.loaders.model import WHEELS, compile_c, errors, loader_folder, module_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.builders import BuiltWheel

pytestmark = pytest.mark.loader
TAGS = "cp39-abi3-manylinux_2_31_x86_64"
MODULE = "demo/_core.abi3.so"
GOOD_ABI3 = "my_extension-0.1.0-cp39-abi3-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
NEW_ABI3 = "my_extension-0.1.0-cp39-abi3-manylinux_2_34_x86_64.whl"
IMPORT = "import {}; print('imported')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """A bundled library with one function."""

    exports: str = "vendored"
    options: tuple[str, ...] = ()
    version: str | None = None
    """The symbol version of the function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A module built here with one thing changed, what the audit says of it, and what ld.so 2.31 does."""

    options: tuple[str, ...] = ()
    """Of the compiler; the module can be linked against libvendored.so.1 and libfirst.so.1, which needs it."""
    rule: str | None = None
    """The error; None where there is none."""
    says: str = ""
    """Words of the failed import."""
    bundled: Mapping[str, Library] = field(default_factory=dict)
    """By member."""
    linked: Library = field(default_factory=Library)
    """libvendored.so.1 as the linker sees it."""


VENDORED = ("-DTAKES=vendored", "-Wl,--no-as-needed", "-lvendored")
FIRST = ("-DTAKES=first", "-Wl,--no-as-needed", "-lfirst")
NEEDS_VENDORED = Library(exports="first", options=("-DCALLS=vendored", "-Wl,--no-as-needed", "-lvendored"))
LIBS = "-Wl,-rpath,$ORIGIN/../demo.libs"
ALONE = {"demo.libs/libvendored.so.1": Library()}
CHAIN = {**ALONE, "demo.libs/libfirst.so.1": NEEDS_VENDORED}
CANNOT_OPEN = "libvendored.so.1: cannot open shared object file"
ROWS = {
    "nothing more": Row(),
    "a symbol of the tag's glibc": Row(options=("-DTAKES=gettid",)),
    "an old version of a symbol": Row(options=("-DTAKES=clock_gettime",)),
    "closefrom of 2.34": Row(
        options=("-DTAKES=closefrom",), rule="glibc-newer-than-tag", says="`GLIBC_2.34' not found"
    ),
    "pthread_create, which moved in 2.34": Row(
        options=("-DTAKES=pthread_create",), rule="glibc-newer-than-tag", says="`GLIBC_2.34' not found"
    ),
    "a variable of 2.32": Row(
        options=("-DTAKES_DATA=__libc_single_threaded",),
        rule="glibc-newer-than-tag",
        says="`GLIBC_2.32' not found",
    ),
    "relative relocations": Row(
        options=("-DTAKES=gettid", "-Wl,-z,pack-relative-relocs"),
        rule="glibc-newer-than-tag",
        says="`GLIBC_ABI_DT_RELR' not found",
    ),
    "another library of the C library": Row(options=("-Wl,--no-as-needed", "-lm")),
    # Libraries.
    "a library that is nowhere": Row(options=VENDORED, rule="library-outside-policy", says=CANNOT_OPEN),
    "a bundled library on the search path": Row(options=(*VENDORED, LIBS), bundled=ALONE),
    "a bundled library beside the search path": Row(
        options=(*VENDORED, "-Wl,-rpath,$ORIGIN/../other.libs"),
        bundled=ALONE,
        rule="library-unreachable",
        says=CANNOT_OPEN,
    ),
    "a search path in braces": Row(options=(*VENDORED, "-Wl,-rpath,${ORIGIN}/../demo.libs"), bundled=ALONE),
    "a search path that begins with another token": Row(
        options=(*VENDORED, "-Wl,-rpath,$NOWHERE/../demo.libs"),
        bundled=ALONE,
        rule="library-unreachable",
        says=CANNOT_OPEN,
    ),
    "a chain of libraries by the module's DT_RPATH": Row(
        options=(*FIRST, LIBS, "-Wl,--disable-new-dtags"), bundled=CHAIN
    ),
    "a chain of libraries by the module's DT_RUNPATH": Row(
        options=(*FIRST, LIBS, "-Wl,--enable-new-dtags"),
        bundled=CHAIN,
        rule="library-unreachable",
        says=CANNOT_OPEN,
    ),
    "a chain of libraries, each with its DT_RUNPATH": Row(
        options=(*FIRST, LIBS, "-Wl,--enable-new-dtags"),
        bundled={
            **ALONE,
            "demo.libs/libfirst.so.1": replace(NEEDS_VENDORED, options=(*NEEDS_VENDORED.options, "-Wl,-rpath,$ORIGIN")),
        },
    ),
    # Symbols.
    "a symbol of a library's library": Row(
        options=("-DTAKES=vendored", "-Wl,--no-as-needed", "-lfirst", LIBS, "-Wl,--disable-new-dtags"), bundled=CHAIN
    ),
    "a symbol of nobody": Row(
        options=("-DTAKES=vendored",), rule="symbol-unresolved", says="undefined symbol: vendored"
    ),
    "a symbol of nobody, which may be absent": Row(options=("-DTAKES=vendored", "-DWEAKLY")),
    "a bundled library without the symbol": Row(
        options=(*VENDORED, LIBS),
        bundled={"demo.libs/libvendored.so.1": Library(exports="other")},
        rule="symbol-unresolved",
        says="undefined symbol: vendored",
    ),
    "a bundled library of the right version": Row(
        options=(*VENDORED, LIBS),
        linked=Library(version="V_1"),
        bundled={"demo.libs/libvendored.so.1": Library(version="V_1")},
    ),
    "a bundled library of another version": Row(
        options=(*VENDORED, LIBS),
        linked=Library(version="V_1"),
        bundled={"demo.libs/libvendored.so.1": Library(version="V_2")},
        rule="symbol-unresolved",
        says="version `V_1' not found",
    ),
    "a bundled library that defines no versions, which ld.so puts up with": Row(
        options=(*VENDORED, LIBS),
        linked=Library(version="V_1"),
        bundled={"demo.libs/libvendored.so.1": Library(options=("-DCALLS=getppid",))},
    ),
    "a bundled library without a version table": Row(
        options=(*VENDORED, LIBS),
        linked=Library(version="V_1"),
        bundled=ALONE,
        rule="symbol-unresolved",
        says="Inconsistency detected by ld.so",
    ),
    # Python.
    "a Python function newer than the tag": Row(
        options=("-DTAKES=PyModule_AddObjectRef",),
        rule="abi3-symbol-too-new",
        says="undefined symbol: PyModule_AddObjectRef",
    ),
    "another name than the file's": Row(
        options=("-DINIT=PyInit_other",), rule="module-init-missing", says="(PyInit__core)"
    ),
}


@pytest.fixture(scope="module")
def old_glibc() -> Path:
    """The folder of the older glibc."""
    return loader_folder(GLIBC, "python -m tests.loaders.fetch DIR")


def shared_library(soname: str, library: Library, folder: Path, link: Path) -> bytes:
    """A shared library in `folder`, linked against what `link` has."""
    folder.mkdir(parents=True, exist_ok=True)
    options = [f"-DEXPORTS={library.exports}", "-fPIC", f"-Wl,-soname,{soname}", f"-L{link}", *library.options]
    if library.version is not None:
        script = folder / "versions"
        script.write_text(f"{library.version} {{ global: {library.exports}; local: *; }};\n", "utf-8")
        options.append(f"-Wl,--version-script={script}")
    return compile_c("gcc", "library.c", folder / soname.removesuffix(".1"), *options)


def built(row: Row, folder: Path) -> BuiltWheel:
    """The wheel of a row."""
    link = folder / "link"
    shared_library("libvendored.so.1", row.linked, link, link)
    shared_library("libfirst.so.1", NEEDS_VENDORED, link, link)
    options = ["-fPIC", "-fvisibility=hidden", f"-L{link}", *row.options]
    content = compile_c("gcc", "module.c", folder / "_core.so", *options)
    files = {
        member: shared_library(PurePosixPath(member).name, library, folder / member, link)
        for member, library in row.bundled.items()
    }
    return module_wheel(TAGS, MODULE, content, files)


@pytest.mark.parametrize("name", ROWS)
def test_ld_so_does_what_the_audit_says(name: str, old_glibc: Path, tmp_path: Path) -> None:
    """A wheel without an error is imported by glibc 2.31; one with an error fails, and for that reason."""
    row = ROWS[name]
    wheel = built(row, tmp_path / "build")
    with zipfile.ZipFile(BytesIO(wheel.data)) as archive:
        archive.extractall(tmp_path / "site")
    answer = glibc.run_python(old_glibc, IMPORT.format("demo._core"), path=tmp_path / "site")
    assert answer.loaded is (row.rule is None), answer.output
    assert row.says in answer.output
    assert errors(wheel) == ({row.rule} if row.rule else set())


def imported(filename: str, old_glibc: Path, folder: Path) -> tuple[bool, str]:
    """Whether that glibc imports a shipped wheel, and what it says."""
    with zipfile.ZipFile(WHEELS / "good" / filename) as archive:
        archive.extractall(folder)
    answer = glibc.run_python(old_glibc, IMPORT.format("my_extension"), path=folder)
    return answer.loaded, answer.output


def test_the_fixture_for_old_systems_is_imported(old_glibc: Path, tmp_path: Path) -> None:
    """The crate's abi3 wheel for glibc 2.17 has no error, and glibc 2.31 imports it."""
    assert not audit(WHEELS / "good" / GOOD_ABI3).failed
    assert imported(GOOD_ABI3, old_glibc, tmp_path) == (True, "imported\n")


@pytest.mark.parametrize("platform", ["manylinux_2_31_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"])
def test_its_twin_from_a_new_system_fails_as_predicted(platform: str, old_glibc: Path, tmp_path: Path) -> None:
    """The same crate built on glibc 2.36 cannot be imported there, and under an older tag the audit says so."""
    content = (WHEELS / "good" / NEW_ABI3).read_bytes()
    report = audit(content, filename=f"my_extension-0.1.0-cp39-abi3-{platform}.whl")
    named = {one.rule: one for one in report.findings if one.severity is Severity.ERROR}
    assert "glibc-newer-than-tag" in named
    predicted = {one.version for one in named["glibc-newer-than-tag"].evidence}
    loaded, said = imported(NEW_ABI3, old_glibc, tmp_path)
    assert not loaded
    assert any(f"version `{version}' not found" in said for version in predicted)


def test_its_twin_keeps_the_promise_of_its_own_tag(old_glibc: Path) -> None:
    """Under its own tag, manylinux_2_34, which no glibc 2.31 matches, the same wheel has no error."""
    assert old_glibc.name == GLIBC
    assert not audit(WHEELS / "good" / NEW_ABI3).failed
