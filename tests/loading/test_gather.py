"""Which files of a wheel some extension module or program loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.archive.reader import read_wheel
from auditor.rules.context import Context
from tests.builders import extension_name
from tests.rules.native_helpers import elf_library, elf_program, elf_wheel, plain_wheel

if TYPE_CHECKING:
    from tests.builders import BuiltWheel

TAGS = "cp311-cp311-manylinux_2_17_x86_64"


def reached(wheel: BuiltWheel) -> dict[str, bool]:
    """Whether each native file is loaded by a module or a program, by member."""
    (resolution,) = Context(read_wheel(wheel.data, filename=wheel.filename)).resolutions
    return {image.member: image.reached for image in resolution.images}


def test_reach_follows_the_needs() -> None:
    """A module reaches what it needs and what that needs, by file name or SONAME, and nothing else."""
    wheel = elf_wheel(
        TAGS,
        needed=("libone.so.1",),
        runpath="$ORIGIN/../demo.libs",
        files={
            "demo.libs/libone.so.1": elf_library("libone.so.1", needed=("libtwo.so",), runpath="$ORIGIN"),
            "demo.libs/libtwo.so": elf_library("LIBTWO.so", needed=("libone.so.1",)),
            "demo.libs/libthree.so": elf_library("libthree.so", needed=("libtwo.so",)),
        },
    )
    assert reached(wheel) == {
        extension_name(TAGS): True,
        "demo.libs/libone.so.1": True,
        "demo.libs/libtwo.so": True,
        "demo.libs/libthree.so": False,
    }


def test_programs_are_roots() -> None:
    """A program reaches its libraries as a module does."""
    files = {
        "demo/tool": elf_program(needed=("libone.so",), runpath="$ORIGIN"),
        "demo/libone.so": elf_library("libone.so"),
    }
    assert reached(plain_wheel("py3-none-manylinux_2_17_x86_64", files)) == dict.fromkeys(files, True)
