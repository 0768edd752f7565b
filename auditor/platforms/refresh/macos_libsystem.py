"""Rebuild data/macos_libsystem.txt.gz from the text stub of libSystem in the ziglang distribution.

    python auditor/platforms/refresh/macos_libsystem.py           # write
    python auditor/platforms/refresh/macos_libsystem.py --check    # say whether the committed table is up to date

Needs pip and the network (100 MB). Nothing of the distribution is run. A refresh proposes; a person reads the
difference and commits it.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from typing import TYPE_CHECKING

from auditor.platforms.refresh._tables import DATA, Table, download_wheel, refresh

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = DATA / "macos_libsystem.txt.gz"
SOURCE = "ziglang/lib/libc/darwin/libSystem.tbd"
SDK = "ziglang/lib/libc/darwin/SDKSettings.json"
ARCHS = {"x86_64-macos": "x86_64", "arm64-macos": "arm64", "arm64e-macos": "arm64"}
"""Target of the stub -> our architecture. The system's own files are arm64e, and serve arm64 programs."""
SYMBOLS = frozenset({"symbols", "weak-symbols", "thread-local-symbols"})
CLASSES = ("OBJC_CLASS_$_", "OBJC_METACLASS_$_")
_SECTION = re.compile(r"^(?P<section>[a-z-]+):|(?P<key>[a-z-]+):\s*\[(?P<rows>[^\]]*)\]", re.MULTILINE)


def exported(stub: str) -> Iterator[tuple[str, str]]:
    """(C name, architecture) of all that the libraries of a text stub export (TAPI text stub, version 4)."""
    for document in stub.split("\n--- !tapi-tbd"):
        section = ""
        targets: tuple[str, ...] = ()
        for match in _SECTION.finditer(document):
            if match["section"]:
                section = match["section"]
                continue
            rows = tuple(row.strip().strip("'\"") for row in match["rows"].split(",") if row.strip())
            if match["key"] == "targets":
                targets = rows
            elif section in {"exports", "reexports"}:
                names = list(_c_names(match["key"], rows))
                for arch in {ARCHS[target] for target in targets if target in ARCHS}:
                    yield from ((name, arch) for name in names)


def _c_names(key: str, rows: tuple[str, ...]) -> Iterator[str]:
    """The names in C, of one list of a stub. Directives to the linker (`$ld$hide$os10.4$_name`) are no symbols."""
    if key in SYMBOLS:
        yield from (row.removeprefix("_") for row in rows if not row.startswith("$ld$"))
    elif key == "objc-classes":
        yield from (prefix + row for row in rows for prefix in CLASSES)


def build(stub: str) -> str:
    """One line a symbol: its C name, then the architectures that export it, in order."""
    found: dict[str, set[str]] = {}
    for name, arch in exported(stub):
        found.setdefault(name, set()).add(arch)
    return "".join(f"{name} {' '.join(sorted(found[name]))}\n" for name in sorted(found))


def build_all(cache: Path) -> Iterator[Table]:
    """The table, from the newest ziglang."""
    wheel = download_wheel("ziglang", cache)
    with zipfile.ZipFile(wheel) as archive:
        sdk, source = json.loads(archive.read(SDK))["Version"], archive.read(SOURCE)
    provenance: dict[str, object] = {
        "source": f"{SOURCE} of the ziglang distribution: the text stub of libSystem and of all that it re-exports"
        f" in the SDK of macOS {sdk}",
        "version": wheel.name.split("-")[1],
        "licence": "MIT",
        "source_sha256": hashlib.sha256(source).hexdigest(),
    }
    yield Table(path=TABLE, text=build(source.decode("utf-8")), provenance=provenance)


if __name__ == "__main__":
    raise SystemExit(refresh(__file__, __doc__, build_all))
