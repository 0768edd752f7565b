"""Where binaries tell the loader to look for libraries, against who may put one there."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from auditor.facts.binary import SearchPathKind
from auditor.facts.record import Fact
from auditor.platforms.promise import Libc, System
from auditor.rules.context import Role
from auditor.rules.floors import libc_of, promised_libc
from auditor.rules.rule import INFO, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Slice
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_WIDTH = 200
"""Characters of a path that a message shows."""
_BLANKS = re.compile(r"\s{5,}")
"""What a message shortens: tools that edit a path in place fill the rest of it with blanks."""
_ORIGIN = re.compile(r"\$(ORIGIN|\{ORIGIN\})(?=/|$)")
_TOKEN = re.compile(r"\$(?:\{\w*\}|\w*)", re.ASCII)
_MUSL_TOKENS = frozenset({"$ORIGIN", "${ORIGIN}"})
"""What musl expands; where there is another one it ignores the path (musl's ldso/dynlink.c, fixup_rpath)."""
_GLIBC_TOKENS = _MUSL_TOKENS | {"$LIB", "${LIB}", "$PLATFORM", "${PLATFORM}"}
"""What glibc's ld.so expands; it keeps any other as it is written (ld.so(8))."""
_SYSTEM = re.compile(r"(/usr)?/lib(32|64|x32)?(/.*)?", re.ASCII)
"""Where the loader looks by itself, and what the system's packages alone fill."""
_CONVENTIONAL = re.compile(r"/(usr|opt)(/.*)?", re.ASCII)
"""Where only an administrator installs."""
_EVERYBODYS = re.compile(r"/(private/)?(tmp|var/tmp|dev/shm)(/.*)?|/Users/Shared(/.*)?", re.ASCII)
"""Where every user of a machine may create a directory (Filesystem Hierarchy Standard; macOS)."""
_SITE_PACKAGES = ("lib", "python", "site-packages")
"""Where a wheel lands below the prefix of an environment, in as many steps (sysconfig, scheme `posix_prefix`)."""
_SCHEMES = {"purelib": _SITE_PACKAGES, "platlib": _SITE_PACKAGES, "scripts": ("bin",), "data": ()}
"""Where the parts of a `.data` directory land."""


class _Entry(Fact, frozen=True, kw_only=True):
    """One directory of a search path that should not be there."""

    member: str
    path: str
    kind: SearchPathKind
    why: str
    harmful: bool = True
    """Whether somebody else may put a library there; otherwise it only binds the wheel to a machine."""


@rule("rpath-unsafe", severity=WARNING, since="0.1")
def rpath_unsafe(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary looks for its libraries in a directory that does not belong to the wheel.

    **What it checks.** Each entry of DT_RUNPATH, or else of DT_RPATH, begins with `$ORIGIN` and stays within the
    environment. A fault is an empty entry or a relative one, which are the current directory or lie below it, a token
    that the loader does not expand, a directory of everybody's (`/tmp`), any other directory of the machine that it
    was built on, and a path that climbs out of the environment. On macOS a relative or a world-writable LC_RPATH, if
    something in the wheel is looked for by `@rpath`. An info is what only an administrator fills (`/usr/local`,
    `/opt`), and a path out of site-packages that ends within the environment.

    **Why it matters.** The search path comes before the system's directories. Who may write there, or into the
    directory in which Python is started, has his library loaded into the process instead of the true one. And what
    is found on the machine of the build alone is not found by the users.

    **How to fix.** Leave the path out when linking: `-Wl,-rpath`, `runtime_library_dirs`, `install_rpath`; with an
    interpreter of pyenv or conda it comes from Python's own linker flags, and `LDSHARED="gcc -shared"` keeps it away.
    `auditwheel repair` and delocate put right the path of a file for which they copy a library, and of no other. By
    hand: `patchelf --remove-rpath`, or `patchelf --set-rpath '$ORIGIN/../demo.libs'`. CMake leaves
    an empty entry behind where it changes the path upon installation: `patchelf --shrink-rpath`, or
    `CMAKE_BUILD_WITH_INSTALL_RPATH`. Shells and makefiles eat the `$` of `$ORIGIN`: quote it.

    **Limits.** Other distributions below site-packages are no fault (the `nvidia` ones do so on purpose). Harmless is
    an empty path as a whole, and an empty entry under musl. Absolute LC_RPATHs are common on macOS and left out, and
    so is an empty one. Android's linker takes absolute directories alone and is not looked at.

    **References.** ld.so(8), Rpath token expansion; glibc's elf/dl-load.c, fillin_rpath; dyld(1); CWE-426.
    """
    systems = {platform.system for platform in context.platforms}
    entries = [
        *(_elf_entries(wheel, context) if systems & {System.LINUX, System.ANY} else ()),
        *(_macho_entries(wheel, context) if systems & {System.MACOS, System.ANY} else ()),
    ]
    entries.sort(key=lambda one: not one.harmful)
    if entries:
        worst = entries[0]
        members = dict.fromkeys(one.member for one in entries)
        what = f"`{worst.member}`" if len(members) == 1 else f"{len(members)} files, such as `{worst.member}`,"
        look = "looks" if len(members) == 1 else "look"
        yield Hit(
            message=f"{what} {look} for libraries in {_quoted(worst)}: {worst.why}",
            help="keep only what begins with `$ORIGIN` (macOS: `@loader_path`): leave the rest out when linking, or use"
            " `patchelf --set-rpath`; `auditwheel repair` and delocate change it only where they copy a library",
            member=worst.member if len(members) == 1 else None,
            evidence=tuple(_evidence(one) for one in entries[:_SHOWN]),
            severity=None if worst.harmful else INFO,
        )


def _evidence(entry: _Entry) -> Evidence:
    """An entry in words."""
    text = f"the {entry.kind.value} of `{entry.member}` has {_quoted(entry)}: {entry.why}"
    return Evidence(text=text, member=entry.member)


def _quoted(entry: _Entry) -> str:
    """The directory as a message shows it."""
    path = _BLANKS.sub(" … ", entry.path.replace("`", "'"))[:_WIDTH]
    return f"`{path}`" if path else "the current directory"


def _elf_entries(wheel: WheelFacts, context: Context) -> Iterator[_Entry]:
    """The bad entries of ELF files. DT_RUNPATH takes the place of DT_RPATH (ld.so(8))."""
    promised = promised_libc(context)
    for binary, part, _ in wheel.elf_slices():
        if binary.problems or context.roles[binary.member] is Role.OTHER:
            continue
        libc = libc_of(part) or promised
        if libc is Libc.BIONIC:
            continue
        start = _directory(binary.member)
        for path, kind in _effective(part):
            found = _elf_fault(path, libc, start)
            if found is not None:
                why, harmful = found
                yield _Entry(member=binary.member, path=path, kind=kind, why=why, harmful=harmful)


def _effective(part: Slice) -> list[tuple[str, SearchPathKind]]:
    """The entries that the loader follows, each once; none where the path as a whole is empty."""
    runpath = [one for one in part.search_paths if one.kind is SearchPathKind.RUNPATH]
    entries = list(dict.fromkeys((one.path, one.kind) for one in runpath or part.search_paths))
    return [] if len(runpath or part.search_paths) == 1 and not entries[0][0] else entries


def _elf_fault(path: str, libc: Libc | None, start: tuple[str, ...] | None) -> tuple[str, bool] | None:
    """Why an entry should not be there and whether that is harmful; None where nothing is wrong with it."""
    if not path:
        return None if libc is Libc.MUSL else ("an empty entry means just that", True)
    known = _MUSL_TOKENS if libc is Libc.MUSL else _GLIBC_TOKENS
    unknown = [one.replace("`", "'")[:_WIDTH] for one in _TOKEN.findall(path) if one not in known]
    if unknown and libc is Libc.MUSL:
        return f"musl does not know `{unknown[0]}`, and ignores the whole search path", True
    if path.startswith("/"):
        return _absolute_fault(posixpath.normpath(path))
    if unknown:
        return f"ld.so does not expand `{unknown[0]}`", True
    origin = _ORIGIN.match(path)
    if origin is None:
        return "it is relative to the current directory", True
    return _climbing_fault(path[origin.end() :], start)


def _absolute_fault(path: str) -> tuple[str, bool] | None:
    """What is wrong with a directory of the machine."""
    if _EVERYBODYS.fullmatch(path):
        return "every user of the machine may put a library there", True
    if _SYSTEM.fullmatch(path):
        return None
    if _CONVENTIONAL.fullmatch(path):
        return "what is there differs from machine to machine", False
    return "a directory of the machine that it was built on", True


def _directory(member: str) -> tuple[str, ...] | None:
    """Where the directory of a member lands, from the prefix of the environment on; None where that is not known."""
    directories = member.split("/")[:-1]
    if not directories or not directories[0].endswith(".data"):
        return (*_SITE_PACKAGES, *directories)
    place = _SCHEMES.get(directories[1]) if len(directories) > 1 else None
    return None if place is None else (*place, *directories[2:])


def _climbing_fault(path: str, start: tuple[str, ...] | None) -> tuple[str, bool] | None:
    """What is wrong with a path below `$ORIGIN`, where the file lies in `start`."""
    if start is None:
        return None
    place = list(start)
    for step in path.split("/"):
        if step == "..":
            if not place:
                return "it climbs out of the environment that the wheel is installed into", True
            place.pop()
        elif step not in {"", "."}:
            place.append(step)
    if start[: len(_SITE_PACKAGES)] == _SITE_PACKAGES and tuple(place[: len(_SITE_PACKAGES)]) != _SITE_PACKAGES:
        return "it climbs out of site-packages, whose place in the environment differs", False
    return None


def _macho_entries(wheel: WheelFacts, context: Context) -> Iterator[_Entry]:
    """The dangerous LC_RPATHs, if anything in the wheel is looked for by them."""
    if not any(needed.name.startswith("@rpath/") for _, part, _ in wheel.macho_slices() for needed in part.needed):
        return
    seen: set[tuple[str, str]] = set()
    for binary, part, _ in wheel.macho_slices():
        if binary.problems or context.roles[binary.member] is Role.OTHER:
            continue
        for search in part.search_paths:
            why = _macho_fault(search.path)
            if why is not None and (binary.member, search.path) not in seen:
                seen.add((binary.member, search.path))
                yield _Entry(member=binary.member, path=search.path, kind=search.kind, why=why)


def _macho_fault(path: str) -> str | None:
    """Why an LC_RPATH is dangerous; None where it is not."""
    if path.startswith("/"):
        return "every user of the machine may put a library there" if _EVERYBODYS.fullmatch(path) else None
    if not path or re.match(r"@(loader_path|executable_path|rpath)(/|$)", path):
        return None
    return "it is relative to the current directory"


RULES = (rpath_unsafe,)
