"""PE: which DLL Windows takes for each import, and which imported names it does not have.

CPython loads an extension module with LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR and LOAD_LIBRARY_SEARCH_DEFAULT_DIRS: Windows
looks in the directory of the module, beside python.exe, in what `os.add_dll_directory` named, and in System32; not in
PATH, and not in the directory of a library that needs another. What a process has loaded is found by its base name.

Sources: "Dynamic-link library search order" and LoadLibraryExW (Microsoft); CPython's Python/dynload_win.c (3.8 and
later); PE format, "Import Directory Table" and "Export Directory Table".
"""

from __future__ import annotations

import functools
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.archive.names import is_vendored_name
from auditor.facts.binary import NeededKind, PeDetail
from auditor.loading.external import BEGINS_ELSEWHERE, DOUBT, is_driver
from auditor.loading.gather import ROOT_ROLES, Gathering, Outcome
from auditor.loading.installed import Installed, not_found
from auditor.loading.layout import Role
from auditor.loading.model import Library, MissingSymbol, Origin
from auditor.platforms import windows
from auditor.platforms.promise import System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Import, Needed, Slice
    from auditor.loading.external import Surroundings
    from auditor.loading.layout import Layout
    from auditor.loading.model import Resolution
    from auditor.platforms.cpython import Interpreter
    from auditor.platforms.promise import PlatformPromise

_OTHER_PYTHONS = re.compile(r"libpypy3[\d.]*-c\.dll|python-native\.dll", re.ASCII)
"""The DLLs of PyPy and GraalPy."""
_STRICT_SINCE = (3, 8)
"""The first CPython that keeps Windows from looking in PATH (bpo-36085)."""
_PYTHON = "the directory of python.exe"
_MAX_FORWARDS = 8
"""Forwarders that lead to forwarders: Windows' own have two."""


@dataclass(frozen=True, slots=True, eq=False)
class _Image(Installed):
    """A PE file of the wheel."""

    names: dict[str, str | None]
    """Exported name, or `#ordinal` -> what it is forwarded to."""


@dataclass(slots=True)
class _Process:
    """What one root brings into a process."""

    root: _Image
    loaded: list[_Image]
    libraries: dict[str, list[Library]] = field(default_factory=dict)
    """What each image needs, by member."""
    by_name: dict[str, _Image] = field(default_factory=dict)


def resolve_pe(
    layout: Layout,
    surroundings: Surroundings,
    promises: tuple[PlatformPromise, ...],
    interpreters: tuple[Interpreter, ...],
) -> Iterator[Resolution]:
    """The loading of the PE files of a wheel on each Windows tag."""
    around = surroundings.on(System.WINDOWS)
    searches_path = bool(interpreters) and all(one.version < _STRICT_SINCE for one in interpreters)
    for promise in promises:
        if promise.system is not System.WINDOWS:
            continue
        loader = _Loader(layout, around, promise, searches_path=searches_path)
        if not loader.images:
            continue
        gathering = Gathering(around)
        for root in loader.roots():
            process = loader.load(root, gathering)
            for image in process.loaded:
                loader.bind(image, process, gathering.outcome(image.member))
        for image in loader.images:
            if not gathering.is_known(image.member):
                loader.load(image, gathering)
        yield gathering.resolution((promise,), promise.architectures[0])


def _exports(part: Slice) -> dict[str, str | None]:
    """All under which something can be imported: names, and every ordinal as `#12`."""
    names = {export.symbol: export.forward for export in part.exports}
    for export in part.exports:
        if export.ordinal is not None:
            names.setdefault(f"#{export.ordinal}", export.forward)
    return names


class _Loader:
    """Windows over the installed files of one wheel."""

    def __init__(
        self, layout: Layout, surroundings: Surroundings, promise: PlatformPromise, *, searches_path: bool
    ) -> None:
        self._searches_path = searches_path
        self._surroundings = surroundings
        self._arch = promise.architectures[0]
        self.images = [
            _Image(binary, part, layout.roles[binary.member], place.lower(), _exports(part))
            for binary, part in layout.judged(promise)
            if isinstance(part.detail, PeDetail) and (place := layout.place(binary.member)) is not None
        ]
        self._by_member = {one.member: one for one in self.images}
        self._by_path = {one.path: one for one in self.images}
        self._by_name: dict[str, list[_Image]] = {}
        for one in self.images:
            self._by_name.setdefault(posixpath.basename(one.path), []).append(one)

    def roots(self) -> list[_Image]:
        """What is imported or started."""
        return [one for one in self.images if one.role in ROOT_ROLES]

    def load(self, root: _Image, gathering: Gathering) -> _Process:
        """Everything that comes into the process with `root`."""
        process = _Process(root=root, loaded=[root])
        process.by_name[posixpath.basename(root.path)] = root
        gathering.begin(root.member, root.role)
        for image in process.loaded:  # grows while it is walked
            libraries = process.libraries.setdefault(image.member, [])
            for needed in image.part.needed:
                library, found = self._find(needed, process)
                libraries.append(library)
                if found is not None and found not in process.loaded:
                    process.by_name.setdefault(posixpath.basename(found.path), found)
                    if needed.kind is not NeededKind.DELAY:
                        process.loaded.append(found)
            gathering.remember(image.member, image.role, libraries, root=root.member, root_role=root.role)
        return process

    def _find(self, needed: Needed, process: _Process) -> tuple[Library, _Image | None]:
        """Where one DLL is found."""
        name = needed.name.lower()
        name = name if "." in name else f"{name}.dll"

        def library(origin: Origin, how: str | None, found: _Image | None = None) -> tuple[Library, _Image | None]:
            member = found.member if found is not None else None
            return Library(name=needed.name, kind=needed.kind, origin=origin, how=how, member=member), found

        if windows.is_api_set(name):
            return library(Origin.PLATFORM, "an API set, which Windows maps to a DLL of its own")
        if name not in self._by_name and (windows.parse_python_dll(name) is not None or _OTHER_PYTHONS.fullmatch(name)):
            return library(Origin.PYTHON, "the interpreter itself")
        if (already := process.by_name.get(name)) is not None:
            return library(Origin.WHEEL, "it is loaded already", already)
        beside = self._by_path.get(f"{posixpath.dirname(process.root.path)}/{name}")
        if beside is not None:
            return library(Origin.WHEEL, f"it lies beside `{process.root.member}`", beside)
        # Which of the C runtimes a version of Python brings is the business of `windows-runtime-missing`.
        if name in windows.beside_python(_NEWEST, self._arch):
            return library(Origin.PYTHON, "it lies beside python.exe")
        if windows.is_system_dll(name, self._arch):
            return library(Origin.PLATFORM, "Windows has it in System32")
        return self._elsewhere(needed, name, process.root)

    def _elsewhere(self, needed: Needed, name: str, root: _Image) -> tuple[Library, _Image | None]:
        """A DLL that the loader does not find by itself."""
        around = self._surroundings
        beside = f"the directory of {root.member}"
        searched = (beside, "System32", "PATH") if root.role is Role.EXECUTABLE else (beside, _PYTHON, "System32")

        def library(origin: Origin, how: str | None = None, member: str | None = None) -> Library:
            return not_found(needed, origin, how, member=member, searched=searched)

        for twin in self._by_name.get(name, []):
            how = self._helped(root)
            if how is not None:
                return library(Origin.PROCESS, how, twin.member), twin
            return library(Origin.UNREACHABLE, None, twin.member), twin  # one fault must not hide those behind it
        if is_driver(name):
            return library(Origin.DRIVER, "it comes with a device driver"), None
        clue = self._helped(root)
        siblings = around.siblings(root.member)
        runtime = windows.runtime_family(name) or windows.is_debug_runtime(name)
        if runtime and not (siblings and windows.runtime_family(name) and self._is_split):
            return library(Origin.MISSING), None  # nobody means to take a compiler's runtime from a dependency
        split = bool(siblings) and clue is not None
        if root.role is Role.EXECUTABLE and not split:  # has PATH in its search, which a module never has
            return library(Origin.MISSING, "a program also looks in PATH"), None
        if clue is None:
            return library(Origin.MISSING), None
        if self._searches_path:
            return library(Origin.UNKNOWN, clue), None
        if around.requirements and (around.helper(name) or around.begins_elsewhere(root.member)):
            return library(Origin.DEPENDENCY, around.brings(name, clue, siblings if runtime else ())), None
        if is_vendored_name(name) or not around.requirements:
            return library(Origin.MISSING), None
        if siblings:
            return library(Origin.DEPENDENCY, around.brings(name, clue, siblings)), None
        return library(Origin.MISSING, DOUBT), None

    @functools.cached_property
    def _is_split(self) -> bool:
        """Whether something in the wheel needs a DLL that is no runtime, and that nothing at hand has.

        Where a requirement is named like the package, that DLL is what it is required for, and its runtime with it.
        """
        return any(
            needed.kind is not NeededKind.DELAY and self._is_nowhere(needed.name.lower())
            for image in self.images
            for needed in image.part.needed
        )

    def _is_nowhere(self, name: str) -> bool:
        """Whether a DLL of no known kind is neither in the wheel nor in Windows."""
        known = windows.runtime_family(name) or windows.is_debug_runtime(name) or windows.parse_python_dll(name)
        return not (
            known
            or name in self._by_name
            or is_driver(name)
            or is_vendored_name(name)
            or _OTHER_PYTHONS.fullmatch(name)
            or windows.is_system_dll(name, self._arch)
        )

    def _helped(self, root: _Image) -> str | None:
        """By what the search may be wider than Windows makes it; None where nothing tells of that."""
        if self._surroundings.loads_libraries:
            return "Python code of the wheel adds directories to the search, or loads libraries"
        if self._searches_path:
            return "Python before 3.8 looks in PATH as well"
        if self._surroundings.begins_elsewhere(root.member):
            return BEGINS_ELSEWHERE
        return None

    def bind(self, image: _Image, process: _Process, outcome: Outcome) -> None:
        """Look for what an image imports in the DLLs that were found for it."""
        if outcome.providers or outcome.missing:
            return  # the DLLs that it finds are the same under every root, but for those that are missing altogether
        found = {one.name.lower(): one for one in process.libraries[image.member]}
        for wanted in image.part.imports:
            library = found.get((wanted.library or "").lower())
            if library is None or wanted.delay:
                continue
            giver = self._giver(library)
            if giver is None:
                if library.origin in {Origin.PLATFORM, Origin.PYTHON}:
                    outcome.providers[library.name] += 1
                continue
            if self._has(giver, wanted.symbol, process, _MAX_FORWARDS):
                outcome.providers[giver.member] += 1
            else:
                outcome.miss(_missing(wanted, giver), process.root.member)

    def _giver(self, library: Library) -> _Image | None:
        """The file of the wheel that a DLL is."""
        if library.member is None or library.origin not in {Origin.WHEEL, Origin.PROCESS, Origin.UNREACHABLE}:
            return None
        return self._by_member.get(library.member)

    def _has(self, giver: _Image, symbol: str, process: _Process, steps: int) -> bool:
        """Whether a DLL exports a name or ordinal, through forwarders into other DLLs of the wheel as well."""
        if symbol not in giver.names:
            return False
        forward = giver.names[symbol]
        if forward is None or not steps:
            return True
        dll, _, target = forward.rpartition(".")
        other = process.by_name.get(f"{dll.lower()}.dll")
        return other is None or self._has(other, target, process, steps - 1)


def _missing(wanted: Import, giver: _Image) -> MissingSymbol:
    """A name that a DLL of the wheel does not export."""
    reason = f"`{giver.member}` does not export it"
    return MissingSymbol(symbol=wanted.symbol, library=wanted.library, reason=reason)


_NEWEST = (3, 13)
"""Any version that brings both of the C runtimes."""
