"""Who in a wheel needs whom, and what may bring a library that is neither in the wheel nor promised.

A first cut of what the simulated loader will decide: by names alone, without search paths.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.rules.context import Role

if TYPE_CHECKING:
    from auditor.facts.binary import Binary
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_DRIVERS = re.compile(r"lib(cuda|nvidia-[\w-]+|nvcuvid|OpenCL|amdhip64|ze_loader|vulkan)\.so(\.\d+)*", re.ASCII)
"""Libraries that come with a device driver and cannot be bundled."""


_LIBPYTHON = re.compile(r"libpython\d[\d.]*[a-z]*\.(so|dylib)(\.[\d.]+)?", re.ASCII)


def is_libpython(name: str) -> bool:
    """Whether a needed library is CPython itself: `libpython3.11.so.1.0`, or the framework on macOS."""
    filename = name.rpartition("/")[2]
    framework = "/Python.framework/" in f"/{name}" or "/Python3.framework/" in f"/{name}"
    return _LIBPYTHON.fullmatch(filename) is not None or framework or name == "Python"


class Reach:
    """Which binaries of a wheel some extension module or executable loads, directly or through others."""

    def __init__(self, wheel: WheelFacts, context: Context) -> None:
        self.wheel = wheel
        self.context = context
        by_name: dict[str, list[Binary]] = {}
        for binary in wheel.binaries:
            for name in loader_names(binary):
                by_name.setdefault(name, []).append(binary)
        pending = [one for one in wheel.binaries if context.roles[one.member] in {Role.EXTENSION, Role.EXECUTABLE}]
        self.members = {binary.member for binary in pending}
        while pending:
            for part in pending.pop().slices:
                for needed in part.needed:
                    for other in by_name.get(needed.name.rpartition("/")[2].lower(), ()):
                        if other.member not in self.members:
                            self.members.add(other.member)
                            pending.append(other)


def loader_names(binary: Binary) -> set[str]:
    """The names, in lower case, under which a loader may ask for the file: its base name and its own SONAME."""
    names = {binary.member.rpartition("/")[2].lower()}
    return names | {part.identity.rpartition("/")[2].lower() for part in binary.slices if part.identity}


def reached_from(binary: Binary, reach: Reach) -> bool:
    """Whether an extension module or executable of the wheel loads this file, or it is one itself."""
    return binary.member in reach.members


def external_reason(library: str, binaries: list[Binary], reach: Reach) -> str | None:
    """Why `library` may be there at run time although the wheel does not bring it; None where nothing says so."""
    if _DRIVERS.fullmatch(library):
        return "it comes with a device driver"
    requires = reach.wheel.metadata.values("Requires-Dist") if reach.wheel.metadata else ()
    if not requires:
        return None
    if all(_looks_outside(binary, reach) for binary in binaries):
        return "its search path leads to another distribution, which a dependency may bring"
    if any(member.loads_libraries for member in reach.wheel.members):
        return "the package loads libraries by itself, and a dependency may bring it"
    return None


def _looks_outside(binary: Binary, reach: Reach) -> bool:
    """Whether a search path of the file leads into a directory of site-packages that is not the wheel's own."""
    installed = reach.context.installed_path(binary.member)
    if installed is None:
        return False
    own = {member.name.partition("/")[0] for member in reach.wheel.members}
    for part in binary.slices:
        for search in part.search_paths:
            target = _expand(search.path, installed.rpartition("/")[0])
            if target is not None and target.partition("/")[0] not in own:
                return True
    return False


def _expand(path: str, directory: str) -> str | None:
    """A search path below site-packages, with $ORIGIN expanded; None where it leads elsewhere."""
    match = re.match(r"(\$ORIGIN|\$\{ORIGIN\}|@loader_path)(?=/|$)", path)
    if match is None:
        return None
    parts = [part for part in directory.split("/") if part]
    for part in path[match.end() :].split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)
