"""ELF: which file ld.so takes for each needed library, and in which order it looks for symbols.

Each extension module, and each program, is loaded by itself into a process that holds nothing of the wheel, as the
first import would find it. Its libraries are taken breadth first, and that is the order of symbol lookup as well.

Sources: ld.so(8); glibc's elf/dl-load.c (`_dl_map_object`, `fillin_rpath`), elf/dl-deps.c, elf/dl-lookup.c; System V
ABI (gABI), Shared Object Dependencies.
"""

from __future__ import annotations

import functools
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.archive.names import is_vendored_name
from auditor.facts.binary import ElfDetail, NeededKind, SearchPathKind
from auditor.loading.external import BEGINS_ELSEWHERE, DOUBT, LOADS, is_compiler_runtime, is_driver, is_libpython, plain
from auditor.loading.gather import ROOT_ROLES
from auditor.loading.installed import Installed, Loaded, directories_of, not_found
from auditor.loading.layout import SITE_PACKAGES
from auditor.loading.model import Library, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Needed
    from auditor.loading.elf_platform import ElfPlatform
    from auditor.loading.external import Surroundings
    from auditor.loading.layout import Layout

_ORIGIN = re.compile(r"\$(?:ORIGIN(?![A-Za-z0-9_])|\{ORIGIN\})")
_ELSEWHERE = "its search path leads to another distribution"
_UNFILLED = "its search path leads to a directory in which the wheel has nothing"
MAX_LOADED = 4096
"""Libraries of one process: libtorch, with all of CUDA, comes to some 60."""


@dataclass(frozen=True, slots=True, eq=False)
class ElfObject(Installed):
    """An ELF file of the wheel."""

    detail: ElfDetail


@dataclass(slots=True, eq=False)
class Process:
    """What one root brings into a process."""

    root: ElfObject
    loaded: list[Loaded[ElfObject]]
    """In the order of loading, which is the order of symbol lookup."""
    system: dict[str, None]
    """The libraries of the platform that were loaded, in their order."""
    names: dict[str, ElfObject]
    """What is found under a name without being looked for: it is loaded already."""

    @property
    def objects(self) -> list[ElfObject]:
        """The wheel's own files."""
        return [one.file for one in self.loaded]


class ElfLoader:
    """ld.so over the installed files of one wheel, on one platform."""

    def __init__(self, layout: Layout, surroundings: Surroundings, platform: ElfPlatform) -> None:
        self._layout = layout
        self._surroundings = surroundings
        self._platform = platform
        self.objects = list(self._find_objects())
        self._by_path = {one.path: one for one in self.objects}
        self._by_name: dict[str, list[ElfObject]] = {}
        for one in self.objects:
            for name in dict.fromkeys((posixpath.basename(one.path), one.part.identity or "")):
                self._by_name.setdefault(name, []).append(one)

    def _find_objects(self) -> Iterator[ElfObject]:
        for promise in self._platform.promises:
            for binary, part in self._layout.judged(promise):
                path = self._layout.place(binary.member)
                if path is not None and isinstance(part.detail, ElfDetail):
                    role = self._layout.roles[binary.member]
                    yield ElfObject(binary=binary, part=part, detail=part.detail, role=role, path=path)
            return  # the promises of one platform are for one architecture, and have the same files

    def roots(self) -> list[ElfObject]:
        """What is imported or started."""
        return [one for one in self.objects if one.role in ROOT_ROLES]

    def load(self, root: ElfObject) -> Process:
        """Everything that comes into the process with `root`, breadth first (elf/dl-deps.c)."""
        first = Loaded(file=root, loader=None)
        process = Process(root=root, loaded=[first], system={}, names={})
        by_object = {root: first}
        self._learn(process, root, posixpath.basename(root.path) if root.part.identity is None else root.part.identity)
        for one in process.loaded:  # grows while it is walked
            for needed in one.file.part.needed:
                library, found = self._find(one, needed, process)
                one.libraries.append(library)
                if found is None:
                    if library.origin in {Origin.PLATFORM, Origin.PYTHON}:
                        process.system[needed.name] = None
                    continue
                self._learn(process, found, needed.name)
                if found not in by_object and len(process.loaded) < MAX_LOADED:
                    by_object[found] = Loaded(file=found, loader=one)
                    process.loaded.append(by_object[found])
        return process

    def _learn(self, process: Process, found: ElfObject, name: str) -> None:
        """From now on the object is found under the name that was asked for and under its SONAME."""
        process.names.setdefault(name, found)
        if found.part.identity:
            process.names.setdefault(found.part.identity, found)

    def _find(self, asking: Loaded[ElfObject], needed: Needed, process: Process) -> tuple[Library, ElfObject | None]:
        """Where one needed library is found (elf/dl-load.c, `_dl_map_object`)."""
        name = needed.name
        if (already := process.names.get(name)) is not None:
            return _in_wheel(needed, already, "it is loaded already"), already
        if "/" in name:
            return self._by_slash(asking, needed)
        searched: list[str] = []
        for spelled, directory in self._search_paths(asking):
            found = self._by_path.get(f"{directory}/{name}") if directory is not None else None
            if found is not None:
                return _in_wheel(needed, found, spelled), found
            searched.append(spelled)
        why = self._platform.promised(name)
        if why is not None:
            origin = Origin.PYTHON if is_libpython(name) else Origin.PLATFORM
            return Library(name=name, kind=needed.kind, origin=origin, how=why), None
        return self._absent(asking, needed, tuple(dict.fromkeys(searched)))

    def _by_slash(self, asking: Loaded[ElfObject], needed: Needed) -> tuple[Library, ElfObject | None]:
        """A name with a slash is a path, and is looked for nowhere else."""
        path = self._expand(needed.name, asking.file)
        found = self._by_path.get(path) if path is not None else None
        if found is not None:
            return _in_wheel(needed, found, "its name is a path"), found
        return self._absent(asking, needed, (needed.name,))

    def _search_paths(self, asking: Loaded[ElfObject]) -> Iterator[tuple[str, str | None]]:
        """The directories in which ld.so looks before its cache, as spelled and as they are; None: not in the wheel.

        DT_RUNPATH is for the libraries of its own file alone, and sets DT_RPATH aside; DT_RPATH is for those of all
        that the file loads as well.
        """
        own = [one.path for one in asking.file.part.search_paths if one.kind is SearchPathKind.RUNPATH]
        if own:
            for path in own:
                yield f"RUNPATH {path}", self._expand(path, asking.file)
            return
        for one in asking.chain():
            paths = one.file.part.search_paths
            if any(path.kind is SearchPathKind.RUNPATH for path in paths):
                continue
            suffix = "" if one is asking else f" of {one.file.member}"
            for search in paths:
                yield f"RPATH {search.path}{suffix}", self._expand(search.path, one.file)

    def _expand(self, path: str, origin: ElfObject) -> str | None:
        """A directory below `/prefix`; None for any other. Unknown `$TOKENS` are left as they are, as ld.so does."""
        expanded = _ORIGIN.sub(lambda _: origin.directory, path)
        if not expanded.startswith("/prefix"):
            return None
        return posixpath.normpath(expanded)

    def _absent(
        self, asking: Loaded[ElfObject], needed: Needed, searched: tuple[str, ...]
    ) -> tuple[Library, ElfObject | None]:
        """What is to be said of a library that ld.so would not find.

        What the wheel has is followed all the same, so that one fault does not hide those behind it.
        """
        name = needed.name

        def library(origin: Origin, how: str | None = None, member: str | None = None) -> Library:
            return not_found(needed, origin, how, member=member, searched=searched)

        twins = self._by_name.get(posixpath.basename(name), [])
        for twin in twins:
            if self._surroundings.loads(twin.path) and twin.part.identity in {None, name}:
                how = "Python code of the wheel names it, and may load it before"
                return library(Origin.PROCESS, how, twin.member), twin
        if twins:
            return library(Origin.UNREACHABLE, None, twins[0].member), twins[0]
        if needed.kind is NeededKind.FILTER:
            return library(Origin.UNKNOWN, "an auxiliary library may be absent"), None
        if is_driver(name):
            return library(Origin.DRIVER, "it comes with a device driver"), None
        return library(*self._from_elsewhere(asking, name)), None

    def _from_elsewhere(self, asking: Loaded[ElfObject], name: str) -> tuple[Origin, str | None]:
        """Whether a required distribution may bring the library."""
        around = self._surroundings
        doubt = None
        if around.requirements and not is_compiler_runtime(name):
            searched = list(dict.fromkeys(self._searched(asking)))
            if self._leads_outside(searched):
                return Origin.DEPENDENCY, around.brings(name, _ELSEWHERE)
            directories = [] if is_vendored_name(name) else self._unfilled(searched)
            filling = next((one for path in directories if (one := around.called_after(path))), None)
            if filling is not None:
                return Origin.DEPENDENCY, around.brings(name, _ELSEWHERE, (filling,))
            if around.helper(name) is not None:
                return Origin.DEPENDENCY, around.brings(name, LOADS)
            if around.begins_elsewhere(_root(asking).member):
                return Origin.DEPENDENCY, around.brings(name, BEGINS_ELSEWHERE)
            packages = {path.partition("/")[0]: path for path in directories}
            siblings = tuple(one for path in packages.values() for one in around.siblings(path))
            if around.loads_libraries and not is_vendored_name(name):
                doubt = DOUBT
            elif siblings:
                doubt = around.brings(name, _UNFILLED, siblings)
        if self._platform.vague:
            return Origin.UNKNOWN, "the tag promises no library"
        return Origin.MISSING, doubt

    def _leads_outside(self, searched: list[str]) -> bool:
        """Whether a search path leads into a directory of site-packages that is not the wheel's own."""
        tops = (path.partition("/")[0] for path in searched)
        return any(top not in self._layout.top_levels and not self._is_of_the_repair(top) for top in tops)

    def _unfilled(self, searched: list[str]) -> list[str]:
        """The directories of the wheel's own packages that a search path leads to, and in which it has no file."""
        own = (path for path in searched if path.partition("/")[0] in self._layout.top_levels)
        return [path for path in own if f"{SITE_PACKAGES}/{path}" not in self._directories]

    def _searched(self, asking: Loaded[ElfObject]) -> Iterator[str]:
        """The directories of a search path that are below site-packages, from there on."""
        for _spelled, directory in self._search_paths(asking):
            if directory is not None and f"{directory}/".startswith(f"{SITE_PACKAGES}/"):
                yield directory[len(SITE_PACKAGES) + 1 :]

    @functools.cached_property
    def _directories(self) -> frozenset[str]:
        return directories_of(self._layout)

    def _is_of_the_repair(self, directory: str) -> bool:
        """Whether a directory is the one that auditwheel makes for this wheel's libraries, though it is not there.

        Newer releases name it after the distribution, `demo.libs`, older ones after the package, `.libs_demo`.
        """
        name = self._layout.wheel.name
        return directory.startswith(".libs_") or (
            name is not None and plain(directory) == plain(f"{name.distribution}.libs")
        )


def _in_wheel(needed: Needed, found: ElfObject, how: str) -> Library:
    """A library that is a file of the wheel."""
    return Library(name=needed.name, kind=needed.kind, origin=Origin.WHEEL, member=found.member, how=how)


def _root(asking: Loaded[ElfObject]) -> ElfObject:
    """What is imported or started, at the end of the chain."""
    *_, last = asking.chain()
    return last.file
