"""Shared by the tests of `auditor/rules/python_abi/modules.py`: the tags, and modules of any name."""

from __future__ import annotations

from tests.builders import (
    OUTSIDE_STABLE_ABI,
    BuiltWheel,
    ElfExport,
    ElfImport,
    ElfSpec,
    clean_elf,
    extension_name,
    extension_wheel,
    replace,
)

TAGS = "cp311-cp311-manylinux_2_17_x86_64"
MUSL = "cp311-cp311-musllinux_1_2_x86_64"
MAC = "cp311-cp311-macosx_11_0_arm64"
WINDOWS = "cp311-cp311-win_amd64"
ABI3 = "cp38-abi3-manylinux_2_17_x86_64"
MODULE = extension_name(TAGS)
PYTHON = ElfImport(symbol=OUTSIDE_STABLE_ABI)


def module(name: str, tags: str = TAGS) -> ElfSpec:
    """A module of that name."""
    return replace(clean_elf(tags), exports=(ElfExport(symbol=f"PyInit_{name}"),))


def named(tags: str, member: str) -> BuiltWheel:
    """The clean module of the tags under another name."""
    return extension_wheel(tags, member=member)
