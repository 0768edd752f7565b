"""Mach-O: which of an image's imports dyld does not find.

A named import must be exported by its library, or by one that this library re-exports. What macOS' own libraries
export cannot be told from release to release, so nothing is said of them. A flat import may come from any image of the
process: from the interpreter, from the wheel, from libSystem, or from a framework that is linked.

Sources: <mach-o/loader.h> (two-level namespace, LC_REEXPORT_DYLIB); <mach-o/fixup-chains.h>; dyld's Loader.cpp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import Lookup, NeededKind
from auditor.loading.layout import Role
from auditor.loading.model import MissingSymbol, Origin
from auditor.platforms.macos_symbols import is_libsystem, is_objective_c, libsystem_exports

if TYPE_CHECKING:
    from auditor.facts.binary import Import
    from auditor.loading.gather import Gathering, Outcome
    from auditor.loading.installed import Installed, Loaded
    from auditor.loading.macho import MachOLoader, MachOProcess
    from auditor.loading.model import Library
    from auditor.loading.python_api import PythonApi

_MAX_REEXPORTS = 16
"""How deep libraries that re-export libraries are followed."""
_QUIET = ("/usr/lib/libc++", "/usr/lib/libobjc")
"""System libraries whose C++ and Objective-C names no flat import of another kind is looked for in."""


class MachOSymbols:
    """Looks for the imports of every image in every process that it comes into."""

    def __init__(self, loader: MachOLoader, python: PythonApi) -> None:
        self._loader = loader
        self._python = python
        self._exports = {one: frozenset(export.symbol for export in one.part.exports) for one in loader.images}
        self._done: set[Installed] = set()

    def bind(self, process: MachOProcess, gathering: Gathering) -> None:
        """Look for the imports of all that one root brings into a process."""
        for one in process.loaded:
            complete = self._bind_image(one, process, gathering.outcome(one.file.member))
            if complete:
                self._done.add(one.file)

    def _bind_image(self, one: Loaded[Installed], process: MachOProcess, outcome: Outcome) -> bool:
        """Look for the imports of one image; whether all were found, so that it needs no second look."""
        if one.file in self._done:
            return True
        first = not outcome.providers
        libraries = {library.name: library for library in one.libraries}
        complete = True
        for wanted in one.file.part.imports:
            if wanted.lookup is Lookup.NAMED and wanted.library is not None:
                giver, missing = self._named(wanted, libraries, process)
            elif wanted.lookup is Lookup.FLAT or wanted.lookup is Lookup.MAIN:
                giver, missing = self._flat(wanted, one, process)
            else:
                continue  # the image itself, or whichever image coalesces it: there is always a definition
            if missing is not None and not wanted.weak:
                outcome.miss(missing, process.root.member)
                complete = False
            elif giver is not None and first:
                outcome.providers[giver] += 1
        return complete

    def _named(
        self, wanted: Import, libraries: dict[str, Library], process: MachOProcess
    ) -> tuple[str | None, MissingSymbol | None]:
        """Who gives a symbol that is bound to one library, or that this library does not have it."""
        library = libraries.get(wanted.library or "")
        if library is None or library.kind in {NeededKind.WEAK, NeededKind.LAZY}:
            return None, None
        if library.origin not in {Origin.WHEEL, Origin.PROCESS, Origin.UNREACHABLE} or library.member is None:
            return (library.name if library.origin is Origin.PLATFORM else None), None
        giver = self._loader.image_of(library.member)
        if giver is None or self._has(giver, wanted.symbol, process, _MAX_REEXPORTS) is not False:
            return library.member, None
        reason = f"`{library.member}` does not export it"
        return None, MissingSymbol(symbol=wanted.symbol, library=library.name, reason=reason)

    def _has(self, giver: Installed, symbol: str, process: MachOProcess, steps: int) -> bool | None:
        """Whether an image exports a symbol, or one that it re-exports does; None where that is not known."""
        if symbol in self._exports[giver]:
            return True
        loaded = next((one for one in process.loaded if one.file is giver), None)
        answer: bool | None = False
        for needed, library in zip(giver.part.needed, loaded.libraries if loaded else (), strict=False):
            if needed.kind is not NeededKind.REEXPORT:
                continue
            other = self._loader.image_of(library.member) if library.member else None
            found = self._has(other, symbol, process, steps - 1) if other is not None and steps else None
            if found:
                return True
            answer = None if found is None else answer
        return answer

    def _flat(
        self, wanted: Import, one: Loaded[Installed], process: MachOProcess
    ) -> tuple[str | None, MissingSymbol | None]:
        """Who gives a symbol that any image may have, or that no known one has it."""
        symbol = wanted.symbol
        if self._python.has(symbol) and process.root.role is not Role.EXECUTABLE:
            return "python", None
        for image in process.images:
            if symbol in self._exports[image]:
                return image.member, None
        if libsystem_exports(symbol, self._loader.arch) or is_objective_c(symbol):
            return "/usr/lib/libSystem.B.dylib", None
        if wanted.lookup is Lookup.MAIN:
            return None, None  # what else an interpreter exports is not known
        doubts = [
            library.name
            for member in process.loaded
            for library in member.libraries
            if library.origin is not Origin.WHEEL
            and not is_libsystem(library.name)
            and not library.name.startswith(_QUIET)
        ]
        elsewhere = [image for image in self._loader.images if symbol in self._exports[image]]
        reason = f"`{doubts[0]}` may have it" if doubts else "neither Python nor any linked library has it"
        if elsewhere:
            reason = f"`{elsewhere[0].member}` exports it, and is not among the libraries that are loaded"
        certain = not doubts and not elsewhere and one.file.role is not Role.LIBRARY
        return None, MissingSymbol(symbol=symbol, lookup=wanted.lookup, reason=reason, certain=certain)
