"""Rebuild data/stdlib_names.txt from the installed stdlib-list, which PyPI takes the names from as well.

    python auditor/platforms/refresh/stdlib_names.py           # write
    python auditor/platforms/refresh/stdlib_names.py --check    # say whether the committed table is up to date

Needs stdlib-list (`pip install stdlib-list`). A refresh proposes; a person reads the difference and commits it.
"""

from __future__ import annotations

import importlib.metadata
import re
from typing import TYPE_CHECKING

from auditor.platforms.refresh._tables import DATA, Table, refresh

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = DATA / "stdlib_names.txt"


def build() -> str:
    """Every prefix of every dotted module name of every Python version, normalised, one a line."""
    import stdlib_list

    names = set()
    for version in stdlib_list.long_versions + stdlib_list.short_versions:
        for module in stdlib_list.stdlib_list(version):
            parts = module.split(".")
            names |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return "\n".join(sorted({re.sub(r"[-_.]+", "-", name).lower().strip("-") for name in names})) + "\n"


def build_all(_cache: Path) -> Iterator[Table]:
    """The table, from what is installed: nothing is downloaded."""
    provenance: dict[str, object] = {
        "source": "the lists of the stdlib-list distribution",
        "version": importlib.metadata.version("stdlib-list"),
        "licence": "MIT",
    }
    yield Table(path=TABLE, text=build(), provenance=provenance)


if __name__ == "__main__":
    raise SystemExit(refresh(__file__, __doc__, build_all))
