"""Who in a wheel needs whom, what may bring a library that is not there, and what a file is there for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.archive.reader import read_wheel
from auditor.rules.context import Context, Role
from auditor.rules.providers import Reach, external_reason, is_libpython, loader_names, reached_from
from tests.builders import BuiltWheel, ElfExport, clean_elf, clean_macho, extension_name, extension_wheel, replace
from tests.rules.native_helpers import (
    LOADS,
    dylib,
    elf_library,
    elf_program,
    elf_wheel,
    plain_wheel,
    static_program,
    with_files,
)

if TYPE_CHECKING:
    from auditor.facts.binary import Binary
    from tests.builders import NativeSpec

TAGS = "cp311-cp311-manylinux_2_17_x86_64"
MODULE = extension_name(TAGS)


def reach_of(wheel: BuiltWheel) -> tuple[dict[str, Binary], Reach]:
    """The binaries of a wheel by member, and what its modules and programs reach."""
    facts = read_wheel(wheel.data, filename=wheel.filename)
    return {binary.member: binary for binary in facts.binaries}, Reach(facts, Context(facts))


def test_reach_follows_the_needs() -> None:
    """A module reaches what it needs and what that needs, by file name or SONAME, and nothing else."""
    wheel = elf_wheel(
        TAGS,
        needed=("libone.so.1",),
        files={
            "demo.libs/libone-0a1b.so": elf_library("libone.so.1", needed=("libtwo.so",)),
            "demo.libs/libtwo.so": elf_library("LIBTWO.so", needed=("libone.so.1",)),
            "demo.libs/libthree.so": elf_library("libthree.so", needed=("libtwo.so",)),
        },
    )
    binaries, reach = reach_of(wheel)
    assert {name for name, binary in binaries.items() if reached_from(binary, reach)} == {
        MODULE,
        "demo.libs/libone-0a1b.so",
        "demo.libs/libtwo.so",
    }


def test_programs_are_roots() -> None:
    """A program reaches its libraries as a module does."""
    wheel = plain_wheel(
        "py3-none-manylinux_2_17_x86_64",
        {"demo/tool": elf_program(needed=("libone.so",)), "demo/libone.so": elf_library("libone.so")},
    )
    binaries, reach = reach_of(wheel)
    assert all(reached_from(binary, reach) for binary in binaries.values())


def test_loader_names() -> None:
    """A loader asks for a file by its base name or its own name, whatever their case."""
    wheel = with_files(TAGS, {"demo/libFoo.dylib": dylib("/DLC/demo/libBar.1.dylib", "arm64", "x86_64")})
    binaries, _ = reach_of(wheel)
    assert loader_names(binaries["demo/libFoo.dylib"]) == {"libfoo.dylib", "libbar.1.dylib"}


LIBPYTHON = {
    "libpython3.11.so.1.0": True,
    "libpython3.so": True,
    "libpython3.13t.so.1.0": True,
    "libpython3.13td.so.1.0": True,
    "libpython2.7.so.1.0": True,
    "libpython3.6m.dylib": True,
    "@rpath/libpython3.12.dylib": True,
    "/Library/Frameworks/Python.framework/Versions/3.11/Python": True,
    "@rpath/Python3.framework/Versions/3.9/Python3": True,
    "Python.framework/Python": True,
    "Python": True,
    "libpythonqt.so.1": False,
    "libpython-clj.so": False,
    "libboost_python311.so.1": False,
    "libpypy3.10-c.so": False,
    "PythonKit": False,
    "python311.dll": False,
}


@pytest.mark.parametrize(("name", "expected"), LIBPYTHON.items())
def test_is_libpython(name: str, expected: bool) -> None:
    """Python's own library is known by its name on Linux and macOS, and others of a similar name are not it."""
    assert is_libpython(name) is expected


DRIVERS = {
    "libcuda.so.1": True,
    "libnvidia-ml.so.1": True,
    "libOpenCL.so.1": True,
    "libcudart.so.12": False,
    "libcublas.so.12": False,
}


@pytest.mark.parametrize(("name", "expected"), DRIVERS.items())
def test_drivers_bring_their_libraries(name: str, expected: bool) -> None:
    """What comes with a device driver cannot be bundled; what the CUDA toolkit has can."""
    binaries, reach = reach_of(extension_wheel(TAGS))
    reason = external_reason(name, list(binaries.values()), reach)
    assert (reason is not None) is expected


EXCUSES = {
    "neighbour-in-site-packages": ("$ORIGIN/../nvidia/cublas/lib", {}, "another distribution"),
    "braces": ("${ORIGIN}/../other.libs", {}, "another distribution"),
    "own-directory": ("$ORIGIN/../demo.libs:$ORIGIN", {}, None),
    "system-directory": ("/usr/local/cuda/lib64", {}, None),
    "above-site-packages": ("$ORIGIN/../../../lib", {}, None),
    "unknown-token": ("$LIB/x", {}, None),
    "package-that-loads": ("$ORIGIN", LOADS, "loads libraries by itself"),
}


@pytest.mark.parametrize(
    ("runpath", "files", "expected"), [pytest.param(*case, id=name) for name, case in EXCUSES.items()]
)
def test_what_a_dependency_may_bring(runpath: str, files: dict[str, bytes], expected: str | None) -> None:
    """A search path into another distribution, or a package that loads by itself, excuses a missing library."""
    module = replace(clean_elf(TAGS), needed=("libfoo.so.1",), runpath=runpath)
    members: dict[str, NativeSpec | bytes] = {MODULE: module, "demo.libs/libbar.so": elf_library("libbar.so"), **files}
    binaries, reach = reach_of(plain_wheel(TAGS, members, headers={"Requires-Dist": "foo"}))
    reason = external_reason("libfoo.so.1", [binaries[MODULE]], reach)
    assert (reason is None) if expected is None else (reason is not None and expected in reason)


def test_without_a_dependency_nothing_is_excused() -> None:
    """Where the metadata names no dependency, none can bring anything."""
    module = replace(clean_elf(TAGS), needed=("libfoo.so.1",), runpath="$ORIGIN/../other")
    binaries, reach = reach_of(plain_wheel(TAGS, {MODULE: module, **LOADS}))
    assert external_reason("libfoo.so.1", [binaries[MODULE]], reach) is None
    binaries, reach = reach_of(plain_wheel(TAGS, {MODULE: module}, metadata=None))
    assert external_reason("libfoo.so.1", [binaries[MODULE]], reach) is None


ROLES = {
    "module": (MODULE, clean_elf(TAGS), Role.EXTENSION),
    "bare-module": ("demo/_core.so", clean_elf(TAGS), Role.EXTENSION),
    "module-in-a-directory-that-is-no-package": ("demo-x/_core.abi3.so", clean_elf(TAGS), Role.LIBRARY),
    "module-in-the-data-directory": ("demo-1.0.data/data/_core.abi3.so", clean_elf(TAGS), Role.LIBRARY),
    "module-without-slices": (MODULE, b"\x7fELF", Role.EXTENSION),
    "library": ("demo/libfoo.so", elf_library("libfoo.so"), Role.LIBRARY),
    "library-named-as-a-module": (MODULE, elf_library("libfoo.so"), Role.LIBRARY),
    "module-without-an-initialiser": (MODULE, replace(clean_elf(TAGS), exports=()), Role.EXTENSION),
    "program": ("demo/tool", elf_program(), Role.EXECUTABLE),
    "static-program": ("demo/tool", static_program(), Role.EXECUTABLE),
    "object-file": ("demo/x.o", replace(elf_library("x"), file_type=1), Role.OTHER),
    "bundle": ("demo/x.bundle", replace(clean_macho("cp311-cp311-macosx_11_0_arm64"), exports=()), Role.LIBRARY),
    "other-symbol": ("demo/foo.so", replace(elf_library("x"), exports=(ElfExport(symbol="PyInit_bar"),)), Role.LIBRARY),
}


@pytest.mark.parametrize(
    ("member", "binary", "expected"), [pytest.param(*case, id=name) for name, case in ROLES.items()]
)
def test_roles(member: str, binary: bytes, expected: Role) -> None:
    """What a binary is there for follows from its place, its name and what it exports and takes."""
    built = plain_wheel(TAGS, {member: binary})
    facts = read_wheel(built.data, filename=built.filename)
    assert Context(facts).roles[member] is expected


def test_dotted_names() -> None:
    """A module is called by its packages and its own name."""
    built = with_files(TAGS, {"top.abi3.so": replace(clean_elf(TAGS), exports=(ElfExport(symbol="PyInit_top"),))})
    modules = Context(read_wheel(built.data, filename=built.filename)).modules
    assert {one.dotted for one in modules.values()} == {"demo._core", "top"}


def test_a_context_without_a_wheel_name() -> None:
    """A file that is not named as a wheel promises nothing."""
    built = extension_wheel(TAGS)
    context = Context(read_wheel(built.data, filename="demo.zip"))
    assert (context.promises, context.platforms, context.interpreters) == ((), (), ())
