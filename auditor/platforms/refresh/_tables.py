"""What the scripts of this directory share: how a table of data/ is written with its provenance, or compared."""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DATA = Path(__file__).parent.parent / "data"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as it was built now."""

    path: Path
    """Where it lies: text, or `*.gz` for packed text."""
    text: str
    provenance: dict[str, object]
    """At least `source`, `version` and `licence`; the digest, the date and the command are added."""

    @property
    def provenance_path(self) -> Path:
        """`windows_dlls.txt.gz` -> `windows_dlls.provenance.json`."""
        return self.path.with_name(self.path.name.partition(".")[0] + ".provenance.json")


def is_packed(path: Path) -> bool:
    """Whether a table is packed, by its name."""
    return path.suffix == ".gz"


def committed_text(path: Path) -> str:
    """The text of the table that is there; empty where there is none yet."""
    if not path.exists():
        return ""
    content = path.read_bytes()
    return (gzip.decompress(content) if is_packed(path) else content).decode("utf-8")


def write(table: Table, script: Path) -> None:
    """Write a table and its provenance beside it. The same text gives the same bytes, and keeps its date."""
    entries = {
        **table.provenance,
        "sha256": hashlib.sha256(table.text.encode("utf-8")).hexdigest(),
        "date": dt.datetime.now(tz=dt.timezone.utc).date().isoformat(),
        "rebuild": f"python auditor/platforms/refresh/{script.name}",
    }
    if table.text == committed_text(table.path) and table.provenance_path.exists():
        entries["date"] = json.loads(table.provenance_path.read_bytes())["date"]
    content = table.text.encode("utf-8")
    table.path.write_bytes(gzip.compress(content, compresslevel=9, mtime=0) if is_packed(table.path) else content)
    table.provenance_path.write_text(json.dumps(entries, indent=2) + "\n", "utf-8")


def refresh(script: str, description: str | None, build: Callable[[Path], Iterable[Table]]) -> int:
    """The command line of a script: build its tables, and write or compare them.

    `build` is given a directory for what it downloads. Returns the exit status: 1 where `--check` finds a difference.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a table would change")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the downloads there, and use those that are")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        tables = list(build((arguments.cache or Path(temporary)).resolve()))
    differing = [table.path.name for table in tables if table.text != committed_text(table.path)]
    if not arguments.check:
        for table in tables:
            write(table, Path(script))
    print(f"{'differs' if arguments.check else 'changed'}: {', '.join(differing)}" if differing else "up to date")
    return 1 if arguments.check and differing else 0


def download_wheel(project: str, directory: Path) -> Path:
    """The newest wheel of a project for this machine, by pip; none is downloaded where the directory has one."""
    found = list(directory.glob(f"{project}-*.whl"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", str(directory), project], check=True)
        found = list(directory.glob(f"{project}-*.whl"))
    (wheel,) = found
    return wheel
