"""Rebuild data/windows_dlls.txt.gz from the lists of the delvewheel distribution, which pip downloads.

    python auditor/platforms/refresh/windows_dlls.py           # write
    python auditor/platforms/refresh/windows_dlls.py --check    # say whether the committed table is up to date

Needs pip and the network. Nothing of the distribution is run: its lists are read as syntax. A refresh proposes; a
person reads the difference and commits it.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
TABLE = DATA / "windows_dlls.txt.gz"
PROVENANCE = DATA / "windows_dlls.provenance.json"
SOURCE = "delvewheel/_dll_list.py"
LISTS = {"ignore_names_x86": "win32", "ignore_names_x64": "amd64", "ignore_names_arm64": "arm64"}
"""The source's name of each list -> our name of the architecture."""


def download() -> tuple[str, bytes]:
    """The version of the newest delvewheel, and the file with its lists."""
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", directory, "delvewheel"], check=True)
        (wheel,) = Path(directory).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            return wheel.name.split("-")[1], archive.read(SOURCE)


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


def main() -> int:
    """Write the table, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the table would change")
    arguments = parser.parse_args()
    version, source = download()
    text = build(source.decode("utf-8"))
    if arguments.check:
        same = gzip.decompress(TABLE.read_bytes()).decode("ascii") == text
        print("up to date" if same else f"differs from the lists of delvewheel {version}")
        return 0 if same else 1
    packed = gzip.compress(text.encode("ascii"), compresslevel=9, mtime=0)
    TABLE.write_bytes(packed)
    provenance = {
        "source": f"{SOURCE} of the delvewheel distribution: the .dll and .drv files with exports that all installation"
        " discs put into System32: of Windows 7 SP1, 8, 8.1, 10 and 11 for x64 (win32: SysWOW64), 10 and 11 for arm64",
        "version": version,
        "licence": "MIT",
        "source_sha256": hashlib.sha256(source).hexdigest(),
        "sha256": hashlib.sha256(packed).hexdigest(),
        "date": "2026-11-22",
        "rebuild": "python auditor/platforms/refresh/windows_dlls.py",
    }
    PROVENANCE.write_text(json.dumps(provenance, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
