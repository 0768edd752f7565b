"""Mach-O: which file dyld takes for each needed library, and which symbols it does not find there.

Two-level names bind a symbol to one library, by its place in the list of needed ones; flat look-ups take it from
whatever image has it, which is how extension modules get the C API from the interpreter.

Sources: dyld(1); <mach-o/loader.h>; dyld's Loader.cpp (search paths and their expansion).
"""

from __future__ import annotations

import functools
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.facts.binary import MachODetail, NeededKind
from auditor.loading.external import BEGINS_ELSEWHERE, DOUBT, LOADS, is_compiler_runtime, is_libpython
from auditor.loading.gather import ROOT_ROLES, Gathering
from auditor.loading.installed import Installed, Loaded, directories_of, not_found
from auditor.loading.layout import SITE_PACKAGES, Role
from auditor.loading.model import Library, Origin
from auditor.platforms import macos
from auditor.platforms.promise import System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Needed
    from auditor.loading.external import Surroundings
    from auditor.loading.layout import Layout
    from auditor.loading.model import Resolution
    from auditor.platforms.cpython import Interpreter
    from auditor.platforms.promise import PlatformPromise

_EXECUTABLE_DIRECTORY = "/prefix/bin"
"""What @executable_path stands for in a module: the interpreter's own directory."""


@dataclass(slots=True, eq=False)
class MachOProcess:
    """What one root brings into a process."""

    root: Installed
    loaded: list[Loaded[Installed]]

    @property
    def images(self) -> list[Installed]:
        """The wheel's own files, in the order of loading."""
        return [one.file for one in self.loaded]


class MachOLoader:
    """dyld over the installed files of one wheel, on one architecture."""

    def __init__(self, layout: Layout, surroundings: Surroundings, promise: PlatformPromise, arch: str) -> None:
        self._layout = layout
        self._surroundings = surroundings
        self.arch = arch
        self.images = [
            Installed(binary, part, layout.roles[binary.member], place)
            for binary, part in layout.judged(promise)
            if isinstance(part.detail, MachODetail)
            and part.arch == arch
            and (place := layout.place(binary.member)) is not None
        ]
        self._by_member = {one.member: one for one in self.images}
        self._by_path = {one.path: one for one in self.images}
        self._by_name: dict[str, list[Installed]] = {}
        for one in self.images:
            for name in dict.fromkeys((posixpath.basename(one.path), posixpath.basename(one.part.identity or ""))):
                self._by_name.setdefault(name, []).append(one)

    def roots(self) -> list[Installed]:
        """What is imported or started."""
        return [one for one in self.images if one.role in ROOT_ROLES]

    def image_of(self, member: str) -> Installed | None:
        """The image of a member."""
        return self._by_member.get(member)

    def load(self, root: Installed, gathering: Gathering) -> MachOProcess:
        """Everything that comes into the process with `root`."""
        process = MachOProcess(root=root, loaded=[Loaded(root, None)])
        known = {root}
        gathering.begin(root.member, root.role)
        for one in process.loaded:  # grows while it is walked
            for needed in one.file.part.needed:
                library, found = self._find(one, needed, root)
                one.libraries.append(library)
                if found is not None and found not in known:
                    known.add(found)
                    process.loaded.append(Loaded(found, one))
            gathering.remember(one.file.member, one.file.role, one.libraries, root=root.member, root_role=root.role)
        return process

    def _find(self, asking: Loaded[Installed], needed: Needed, root: Installed) -> tuple[Library, Installed | None]:
        """Where one needed library is found."""
        name = needed.name
        searched: list[str] = []
        for spelled, path in self._places(asking, name, root):
            found = self._by_path.get(path)
            if found is not None:
                return _library(needed, Origin.WHEEL, spelled, found.member), found
            searched.append(spelled)
        if macos.is_system_path(name):
            removal = macos.removed_in(name)
            if removal is None or is_libpython(name):
                return _library(needed, Origin.PLATFORM, "macOS has it"), None
            return self._removed(needed, removal), None
        if is_libpython(name):
            return _library(needed, Origin.PYTHON, "it is Python's own library"), None
        return self._absent(asking, needed, tuple(dict.fromkeys(searched)) or (name,), root)

    def _removed(self, needed: Needed, removal: macos.Removal) -> Library:
        """A system library that newer releases no longer have."""
        first = ".".join(map(str, removal.version))
        return _library(needed, Origin.MISSING, f"macOS does not have it from {first} on: {removal.reason}")

    def _places(self, asking: Loaded[Installed], name: str, root: Installed) -> Iterator[tuple[str, str]]:
        """The paths that dyld tries for an install name, as spelled and as they are, below `/prefix`."""
        if not name.startswith("@rpath/"):
            path = self._expand(name, asking.file, root)
            if path is not None:
                yield name, path
            return
        rest = name.removeprefix("@rpath/")
        for one in asking.chain():
            for search in one.file.part.search_paths:
                directory = self._expand(search.path, one.file, root)
                suffix = "" if one is asking else f" of {one.file.member}"
                path = f"{directory}/{rest}" if directory is not None else f"{search.path}/{rest}"
                yield f"LC_RPATH {search.path}{suffix}", posixpath.normpath(path)

    def _expand(self, path: str, image: Installed, root: Installed) -> str | None:
        """A path with its first part expanded; None for one that leads to no place of the wheel."""
        executable = root.directory if root.role is Role.EXECUTABLE else _EXECUTABLE_DIRECTORY
        for prefix, directory in (("@loader_path", image.directory), ("@executable_path", executable)):
            if path == prefix or path.startswith(f"{prefix}/"):
                return posixpath.normpath(directory + path[len(prefix) :])
        return None

    def _absent(
        self, asking: Loaded[Installed], needed: Needed, searched: tuple[str, ...], root: Installed
    ) -> tuple[Library, Installed | None]:
        """What is to be said of a library that dyld would not find."""
        around = self._surroundings
        for twin in self._by_name.get(posixpath.basename(needed.name), []):
            if around.loads(twin.path):
                how = "Python code of the wheel names it, and may load it before"
                return _library(needed, Origin.PROCESS, how, twin.member, searched), twin
            # Followed all the same: one fault must not hide those behind it.
            return _library(needed, Origin.UNREACHABLE, None, twin.member, searched), twin
        if needed.kind in {NeededKind.WEAK, NeededKind.LAZY}:
            return _library(needed, Origin.UNKNOWN, "it may be absent", None, searched), None
        origin, why = self._from_elsewhere(asking, needed.name, root)
        return not_found(needed, origin, why, searched=searched), None

    def _from_elsewhere(self, asking: Loaded[Installed], name: str, root: Installed) -> tuple[Origin, str | None]:
        """Whether a required distribution may bring the library; if not, why it may be there all the same."""
        around = self._surroundings
        searched = list(self._searched(asking, name, root))
        outside = any(path.partition("/")[0] not in self._layout.top_levels for path in searched)
        directories = (posixpath.dirname(path) for path in searched)
        unfilled = (path for path in directories if f"{SITE_PACKAGES}/{path}" not in self._directories)
        filling = next((one for path in unfilled if (one := around.called_after(path))), None)
        own = name.startswith("@loader_path/") and not outside and filling is None
        if not around.requirements or own or is_compiler_runtime(name):
            return Origin.MISSING, None
        if outside or filling is not None:
            clue = "its search path leads to another distribution"
            return Origin.DEPENDENCY, around.brings(name, clue, () if outside or filling is None else (filling,))
        if around.helper(name) is not None:
            return Origin.DEPENDENCY, around.brings(name, LOADS)
        if around.begins_elsewhere(root.member):
            return Origin.DEPENDENCY, around.brings(name, BEGINS_ELSEWHERE)
        return Origin.MISSING, DOUBT if around.loads_libraries else None

    @functools.cached_property
    def _directories(self) -> frozenset[str]:
        return directories_of(self._layout)

    def _searched(self, asking: Loaded[Installed], name: str, root: Installed) -> Iterator[str]:
        """The paths below site-packages, from there on, at which dyld looks for a library that the wheel has not."""
        for _spelled, path in self._places(asking, name, root):
            if path.startswith(f"{SITE_PACKAGES}/"):
                yield path.removeprefix(f"{SITE_PACKAGES}/")


def _library(
    needed: Needed,
    origin: Origin,
    how: str | None,
    member: str | None = None,
    searched: tuple[str, ...] = (),
) -> Library:
    """The record of one needed library."""
    return Library(name=needed.name, kind=needed.kind, origin=origin, how=how, member=member, searched=searched)


def resolve_macho(
    layout: Layout,
    surroundings: Surroundings,
    promises: tuple[PlatformPromise, ...],
    interpreters: tuple[Interpreter, ...],
) -> Iterator[Resolution]:
    """The loading of the Mach-O files of a wheel, once for each architecture that a macOS tag promises."""
    from auditor.loading.macho_symbols import MachOSymbols
    from auditor.loading.python_api import PythonApi

    done: set[str] = set()
    around = surroundings.on(System.MACOS)
    for promise in promises:
        if promise.system is not System.MACOS:
            continue
        for arch in promise.architectures:
            loader = MachOLoader(layout, around, promise, arch)
            if arch in done or not loader.images:
                continue
            done.add(arch)
            gathering = Gathering(around)
            symbols = MachOSymbols(loader, PythonApi(interpreters))
            for root in loader.roots():
                symbols.bind(loader.load(root, gathering), gathering)
            for image in loader.images:
                if not gathering.is_known(image.member):
                    loader.load(image, gathering)
            same = tuple(one for one in promises if one.system is System.MACOS and arch in one.architectures)
            yield gathering.resolution(same, arch)
