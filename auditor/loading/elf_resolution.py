"""ELF: the loading of everything in a wheel, root by root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.loading.elf import ElfLoader
from auditor.loading.elf_platform import elf_platforms
from auditor.loading.elf_symbols import SymbolSearch
from auditor.loading.gather import Gathering
from auditor.loading.python_api import PythonApi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.loading.elf import ElfObject, Process
    from auditor.loading.external import Surroundings
    from auditor.loading.layout import Layout
    from auditor.loading.model import Resolution
    from auditor.platforms.cpython import Interpreter
    from auditor.platforms.promise import PlatformPromise


def resolve_elf(
    layout: Layout,
    surroundings: Surroundings,
    promises: tuple[PlatformPromise, ...],
    interpreters: tuple[Interpreter, ...],
) -> Iterator[Resolution]:
    """The loading of the ELF files of a wheel on each distinct Linux or Android promise."""
    for platform in elf_platforms(promises):
        around = surroundings.on(platform.promise.system)
        loader = ElfLoader(layout, around, platform)
        if not loader.objects:
            continue
        search = SymbolSearch(loader, platform, around, PythonApi(interpreters))
        gathering = Gathering(around)
        for root in loader.roots():
            search.search(_load(loader, root, gathering), gathering)
        # What is left is loaded by its path, if at all, and perhaps by a program that has symbols for it: where its
        # libraries are can be told, and nothing of its symbols.
        for one in _unneeded(loader, gathering):
            _load(loader, one, gathering)
        yield gathering.resolution(platform.promises, platform.promise.architectures[0])


def _load(loader: ElfLoader, root: ElfObject, gathering: Gathering) -> Process:
    """Load one root and remember what each image finds under it."""
    process = loader.load(root)
    gathering.begin(root.member, root.role)
    for one in process.loaded:
        gathering.remember(one.file.member, one.file.role, one.libraries, root=root.member, root_role=root.role)
    return process


def _unneeded(loader: ElfLoader, gathering: Gathering) -> Iterator[ElfObject]:
    """The libraries that no root loads: first those that no other one of them asks for."""
    rest = [one for one in loader.objects if not gathering.is_known(one.member)]
    asked = {needed.name for one in rest for needed in one.part.needed}
    tops = [one for one in rest if not {one.part.identity, one.path.rpartition("/")[2]} & asked]
    for one in (*tops, *rest):
        if not gathering.is_known(one.member):
            yield one
