"""Shared by the tests of the family `linux`: modules that take versioned symbols, or need further libraries."""

from __future__ import annotations

from typing import Any

from tests.builders import (
    OUTSIDE_STABLE_ABI,
    BuiltWheel,
    ElfExport,
    ElfImport,
    ElfSpec,
    clean_elf,
    extension_name,
    replace,
)
from tests.rules.native_helpers import elf_library, elf_wheel

TAGS = "cp311-cp311-manylinux_2_17_x86_64"
ARM = "cp311-cp311-manylinux_2_17_aarch64"
MUSL = "cp311-cp311-musllinux_1_2_x86_64"
MODULE = extension_name(TAGS)
ARM_MODULE = extension_name(ARM)
MUSL_MODULE = extension_name(MUSL)
PYTHON = ElfImport(symbol=OUTSIDE_STABLE_ABI)
GENERIC = "bundled-soname-generic"
"""What is said of a library that is brought under its plain name, whatever else is right about it."""
LIBS = "$ORIGIN/../demo.libs"
"""Where a repaired module looks for what was copied into the wheel."""
MOVED = "_ZNSdC1EOSd"
"""The move constructor of `std::iostream`."""


def libc(symbol: str, version: str, *, library: str = "libc.so.6", weak: bool = False) -> ElfImport:
    """A symbol of a version node."""
    return ElfImport(symbol=symbol, library=library, version=version, weak=weak)


def cxx(symbol: str, version: str, *, library: str = "libstdc++.so.6", weak: bool = False) -> ElfImport:
    """A symbol of a library beside glibc."""
    return libc(symbol, version, library=library, weak=weak)


def offering(soname: str, *exports: ElfExport, tags: str = TAGS) -> ElfSpec:
    """A library that exports these symbols."""
    return replace(elf_library(soname, tags), exports=exports)


def asking(*imports: ElfImport, tags: str = TAGS) -> BuiltWheel:
    """A wheel whose module takes these symbols, and needs the libraries that they are of."""
    libraries = dict.fromkeys(("libc.so.6", *(one.library for one in imports if one.library)))
    return elf_wheel(tags, imports=(PYTHON, *imports), needed=tuple(libraries))


def needing(*libraries: str, tags: str = TAGS, **changes: Any) -> BuiltWheel:
    """A wheel whose module needs further libraries, and looks for them where a repaired one does."""
    return elf_wheel(tags, needed=(*clean_elf(tags).needed, *libraries), **{"runpath": LIBS, **changes})
