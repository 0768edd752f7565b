"""`facts --format text`: the loading as a tree, and the same in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from auditor.archive.reader import read_wheel
from auditor.report.json import facts_document
from auditor.report.tree import render_tree
from auditor.rules.context import Context
from tests.builders import ElfExport, ElfImport, ElfSpec, build_elf, clean_elf, extension_wheel, replace

if TYPE_CHECKING:
    from tests.builders import BuiltWheel

TAGS = "cp311-cp311-manylinux_2_17_x86_64"
MODULE = "demo/_core.cpython-311-x86_64-linux-gnu.so"
INIT = {"demo/__init__.py": b""}
BAR = ElfSpec(soname="libbar.so.1", exports=(ElfExport(symbol="bar"),))
FOO = ElfSpec(
    soname="libfoo.so.1",
    needed=("libbar.so.1",),
    runpath="$ORIGIN",
    exports=(ElfExport(symbol="foo"),),
    imports=(ElfImport(symbol="bar"),),
)
FILES = {**INIT, "demo.libs/libfoo.so.1": build_elf(FOO), "demo.libs/libbar.so.1": build_elf(BAR)}


def wheel(**changes: Any) -> BuiltWheel:
    """A wheel whose module needs libfoo, which needs libbar."""
    module = replace(
        clean_elf(TAGS),
        needed=("libc.so.6", "libfoo.so.1"),
        runpath="$ORIGIN/../demo.libs",
        imports=(
            ElfImport(symbol="foo"),
            ElfImport(symbol="PyLong_FromLong"),
            ElfImport(symbol="strlen", library="libc.so.6", version="GLIBC_2.2.5"),
        ),
    )
    return extension_wheel(TAGS, binary=replace(module, **changes), members=FILES)


def tree(built: BuiltWheel, *, colour: bool = False) -> str:
    """The tree of a wheel."""
    facts = read_wheel(built.data, filename=built.filename)
    return render_tree(facts, Context(facts).resolutions, colour=colour)


def test_who_needs_whom() -> None:
    """Each library stands below who needs it, with where it was found and how many symbols come from it."""
    assert tree(wheel()) == (
        "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl\n"
        "\n"
        "on manylinux_2_17_x86_64 (x86_64)\n"
        f"{MODULE}  extension module\n"
        "├── libc.so.6  of the platform  1 symbol\n"
        "├── libfoo.so.1  in the wheel demo.libs/libfoo.so.1 (RUNPATH $ORIGIN/../demo.libs)  1 symbol\n"
        "│   └── libbar.so.1  in the wheel demo.libs/libbar.so.1 (RUNPATH $ORIGIN)  1 symbol\n"
        "└── Python's C API  of the interpreter  1 symbol\n"
    )


def test_what_is_not_there() -> None:
    """A library that is not found, and symbols that nobody provides, are said in the tree."""
    lines = tree(wheel(needed=("libc.so.6", "libfoo.so.1"), runpath=None, imports=(ElfImport(symbol="nobody"),)))
    assert "libfoo.so.1  in the wheel, where the loader does not look demo.libs/libfoo.so.1\n" in lines
    assert "└── nobody provides 1 symbol: nobody\n" in lines
    gone = tree(wheel(needed=("libgone-1a2b3c4d.so.1",)))
    assert "libgone-1a2b3c4d.so.1  NOT FOUND (looked in RUNPATH $ORIGIN/../demo.libs)\n" in gone


def test_a_library_is_drawn_once() -> None:
    """What a library needs is drawn where it is first met; a ring of libraries has an end."""
    ring = replace(BAR, needed=("libfoo.so.1",), runpath="$ORIGIN")
    files = {**FILES, "demo.libs/libbar.so.1": build_elf(ring)}
    built = extension_wheel(
        TAGS,
        binary=replace(clean_elf(TAGS), needed=("libfoo.so.1", "libbar.so.1"), runpath="$ORIGIN/../demo.libs"),
        members=files,
    )
    drawn = [line[: line.index("  ", line.index("─"))] for line in tree(built).splitlines()[4:]]
    assert drawn == [
        "├── libfoo.so.1",
        "│   └── libbar.so.1",
        "│       └── libfoo.so.1",
        "├── libbar.so.1",
        "├── libc.so.6",
        "└── Python's C API",
    ]


def test_a_library_that_nothing_loads() -> None:
    """A library beside the roots has a tree of its own, which says so."""
    files = {**INIT, "demo/libplug.so": build_elf(BAR)}
    assert "demo/libplug.so  shared library, which nothing in the wheel loads\n" in tree(
        extension_wheel(TAGS, members=files)
    )


def test_nothing_native() -> None:
    """A pure wheel says that there is nothing to draw."""
    from tests.builders import WheelSpec, build_wheel

    assert tree(build_wheel(WheelSpec())) == "demo-1.0-py3-none-any.whl\nnothing native for a promised platform\n"


@pytest.mark.parametrize("colour", [False, True])
def test_names_cannot_write_to_the_terminal(colour: bool) -> None:
    """Control characters of names are escaped."""
    text = tree(wheel(needed=("lib\x1b[2Jevil\n.so.1",)), colour=colour)
    assert "lib\\x1b[2Jevil\\n.so.1" in text
    assert ("\x1b[" in text) is colour


def test_json_has_it_whole() -> None:
    """The JSON document has the facts at the top, and below `loading` each promise with all of its images."""
    built = wheel()
    facts = read_wheel(built.data, filename=built.filename)
    document = json.loads(facts_document(facts, Context(facts).resolutions))
    assert document["name"]["platform"] == "manylinux_2_17_x86_64"
    (loading,) = document["loading"]
    assert loading["platforms"] == ["manylinux_2_17_x86_64"]
    images = {image["member"]: image for image in loading["images"]}
    assert set(images) == {MODULE, "demo.libs/libfoo.so.1", "demo.libs/libbar.so.1"}
    assert images[MODULE]["libraries"][1] == {
        "name": "libfoo.so.1",
        "origin": "wheel",
        "member": "demo.libs/libfoo.so.1",
        "how": "RUNPATH $ORIGIN/../demo.libs",
    }
