"""Rebuild data/windows_dlls.txt.gz from the lists of the delvewheel distribution, which pip downloads.

    python auditor/platforms/refresh/windows_dlls.py           # write
    python auditor/platforms/refresh/windows_dlls.py --check    # say whether the committed table is up to date

Needs pip and the network. Nothing of the distribution is run: its lists are read as syntax. A refresh proposes; a
person reads the difference and commits it.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import zipfile
from typing import TYPE_CHECKING

from auditor.platforms.refresh._tables import DATA, Table, download_wheel, refresh

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = DATA / "windows_dlls.txt.gz"
SOURCE = "delvewheel/_dll_list.py"
LISTS = {"ignore_names_x86": "win32", "ignore_names_x64": "amd64", "ignore_names_arm64": "arm64"}
"""The source's name of each list -> our name of the architecture."""


def build(source: str) -> str:
    """One line a DLL: its name in lower case, then the architectures whose stock Windows hold it, in order."""
    found: dict[str, set[str]] = {}
    seen = set()
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        arch = LISTS.get(statement.targets[0].id)
        if arch is not None:
            seen.add(arch)
            for name in ast.literal_eval(statement.value):
                found.setdefault(name.lower(), set()).add(arch)
    if seen != set(LISTS.values()):
        sys.exit(f"{SOURCE} has no list for {sorted(set(LISTS.values()) - seen)}")
    return "".join(f"{name} {' '.join(sorted(found[name]))}\n" for name in sorted(found))


def build_all(cache: Path) -> Iterator[Table]:
    """The table, from the newest delvewheel."""
    wheel = download_wheel("delvewheel", cache)
    with zipfile.ZipFile(wheel) as archive:
        source = archive.read(SOURCE)
    provenance: dict[str, object] = {
        "source": f"{SOURCE} of the delvewheel distribution: the .dll and .drv files with exports that all installation"
        " discs put into System32: of Windows 7 SP1, 8, 8.1, 10 and 11 for x64 (win32: SysWOW64), 10 and 11 for arm64",
        "version": wheel.name.split("-")[1],
        "licence": "MIT",
        "source_sha256": hashlib.sha256(source).hexdigest(),
    }
    yield Table(path=TABLE, text=build(source.decode("utf-8")), provenance=provenance)


if __name__ == "__main__":
    raise SystemExit(refresh(__file__, __doc__, build_all))
