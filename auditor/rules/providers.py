"""The names under which a loader asks for a file of the wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.facts.binary import Binary


def loader_names(binary: Binary) -> set[str]:
    """The names, in lower case, under which a loader may ask for the file: its base name and its own SONAME."""
    names = {binary.member.rpartition("/")[2].lower()}
    return names | {part.identity.rpartition("/")[2].lower() for part in binary.slices if part.identity}
