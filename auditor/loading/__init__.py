"""The simulated loader: what ld.so, dyld or Windows would find of what a wheel needs, and not find.

Nothing is run and nothing of the host is read: the facts of a wheel are laid out as an installer would lay them out,
and `auditor.platforms` says what stands around them. `resolve` is the way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import BinaryFormat

if TYPE_CHECKING:
    from auditor.loading.external import Surroundings
    from auditor.loading.layout import Layout
    from auditor.loading.model import Resolution
    from auditor.platforms.cpython import Interpreter
    from auditor.platforms.promise import PlatformPromise


def resolve(
    layout: Layout,
    surroundings: Surroundings,
    platforms: tuple[PlatformPromise, ...],
    interpreters: tuple[Interpreter, ...],
) -> tuple[Resolution, ...]:
    """The loading of everything native in a wheel, once for each distinct promise of its platform tags.

    Empty for a wheel without native files of a promised system. The loader of a system is imported only where the
    wheel has files of its format.
    """
    formats = {binary.format for binary in layout.wheel.binaries}
    found: list[Resolution] = []
    if BinaryFormat.ELF in formats:
        from auditor.loading.elf_resolution import resolve_elf

        found += resolve_elf(layout, surroundings, platforms, interpreters)
    if BinaryFormat.MACHO in formats:
        from auditor.loading.macho import resolve_macho

        found += resolve_macho(layout, surroundings, platforms, interpreters)
    if BinaryFormat.PE in formats:
        from auditor.loading.pe import resolve_pe

        found += resolve_pe(layout, surroundings, platforms, interpreters)
    return tuple(found)
