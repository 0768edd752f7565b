"""Where the files of a wheel land, and what each native file is there for."""

from __future__ import annotations

import pytest

from auditor.archive.reader import read_wheel
from auditor.loading.layout import SITE_PACKAGES, Layout, Role
from auditor.rules.context import Context
from tests.builders import ElfExport, clean_elf, clean_macho, extension_name, extension_wheel, replace
from tests.rules.native_helpers import elf_library, elf_program, plain_wheel, static_program, with_files

TAGS = "cp311-cp311-manylinux_2_17_x86_64"
MODULE = extension_name(TAGS)
ROLES = {
    "module": (MODULE, clean_elf(TAGS), Role.EXTENSION),
    "bare-module": ("demo/_core.so", clean_elf(TAGS), Role.EXTENSION),
    "module-in-a-directory-that-is-no-package": ("demo-x/_core.abi3.so", clean_elf(TAGS), Role.LIBRARY),
    "module-in-the-data-directory": ("demo-1.0.data/data/_core.abi3.so", clean_elf(TAGS), Role.LIBRARY),
    "module-without-slices": (MODULE, b"\x7fELF", Role.EXTENSION),
    "library": ("demo/libfoo.so", elf_library("libfoo.so"), Role.LIBRARY),
    "library-named-as-a-module": (MODULE, elf_library("libfoo.so"), Role.LIBRARY),
    "module-without-an-initialiser": (MODULE, replace(clean_elf(TAGS), exports=()), Role.EXTENSION),
    "library-that-uses-python": (
        "demo/libfoo.abi3.so",
        replace(clean_elf(TAGS), soname="libfoo.abi3.so", exports=()),
        Role.EXTENSION,
    ),
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
    assert Layout(facts).roles[member] is expected


@pytest.mark.parametrize(
    ("needed", "expected"),
    [("libfoo.abi3.so", Role.LIBRARY), ("@rpath/LibFoo-1.so", Role.LIBRARY), ("libother.so", Role.EXTENSION)],
    ids=["by-its-file-name", "by-its-own-name", "another"],
)
def test_what_another_binary_needs_is_a_library(needed: str, expected: Role) -> None:
    """A file without an initialiser that others are linked to is a library, by whichever name they call it."""
    library = replace(clean_elf(TAGS), soname="libfoo-1.so", exports=())
    module = replace(clean_elf(TAGS), needed=("libc.so.6", needed))
    built = with_files(TAGS, {"demo/libfoo.abi3.so": library}, binary=module)
    layout = Layout(read_wheel(built.data, filename=built.filename))
    assert (layout.roles["demo/libfoo.abi3.so"], layout.roles[MODULE]) == (expected, Role.EXTENSION)


def test_dotted_names() -> None:
    """A module is called by its packages and its own name; a file `__init__` is the package itself."""
    names = {
        "top.abi3.so": "top",
        "demo/fast/__init__.abi3.so": "fast",
        "demo/more/__init__.so": "more",
        "__init__.abi3.so": "__init__",
    }
    files = {
        path: replace(clean_elf(TAGS), exports=(ElfExport(symbol=f"PyInit_{name}"),)) for path, name in names.items()
    }
    built = with_files(TAGS, files)
    modules = Layout(read_wheel(built.data, filename=built.filename)).modules
    assert {one.dotted for one in modules.values()} == {"demo._core", "top", "demo.fast", "demo.more", "__init__"}
    assert {path: modules[path].last for path in names} == names


def test_a_context_without_a_wheel_name() -> None:
    """A file that is not named as a wheel promises nothing."""
    built = extension_wheel(TAGS)
    context = Context(read_wheel(built.data, filename="demo.zip"))
    assert (context.promises, context.platforms, context.interpreters) == ((), (), ())


PLACES = {
    "demo/x.so": f"{SITE_PACKAGES}/demo/x.so",
    "demo-1.0.data/platlib/x.so": f"{SITE_PACKAGES}/x.so",
    "demo-1.0.data/purelib/demo/x.so": f"{SITE_PACKAGES}/demo/x.so",
    "demo-1.0.data/scripts/tool": "/prefix/bin/tool",
    "demo-1.0.data/data/lib/x.so": "/prefix/lib/x.so",
    "demo-1.0.data/headers/x.h": None,
}


@pytest.mark.parametrize(("member", "expected"), PLACES.items())
def test_places(member: str, expected: str | None) -> None:
    """Each part of the data directory goes where the install scheme has it; headers go where nothing is loaded."""
    built = extension_wheel(TAGS)
    assert Layout(read_wheel(built.data, filename=built.filename)).place(member) == expected
