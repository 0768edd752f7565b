"""Rebuild data/stdlib_names.txt from the installed stdlib-list, which PyPI takes the names from as well.

    python auditor/platforms/refresh/stdlib_names.py           # write
    python auditor/platforms/refresh/stdlib_names.py --check    # say whether the committed table is up to date

Needs stdlib-list (`pip install stdlib-list`). A refresh proposes; a person reads the difference and commits it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import re
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
TABLE = DATA / "stdlib_names.txt"
PROVENANCE = DATA / "stdlib_names.provenance.json"


def build() -> str:
    """Every prefix of every dotted module name of every Python version, normalised, one a line."""
    import stdlib_list

    names = set()
    for version in stdlib_list.long_versions + stdlib_list.short_versions:
        for module in stdlib_list.stdlib_list(version):
            parts = module.split(".")
            names |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return "\n".join(sorted({re.sub(r"[-_.]+", "-", name).lower().strip("-") for name in names})) + "\n"


def main() -> int:
    """Write the table, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the table would change")
    arguments = parser.parse_args()
    text = build()
    if arguments.check:
        same = TABLE.read_text("ascii") == text
        print("up to date" if same else "differs from the installed stdlib-list")
        return 0 if same else 1
    TABLE.write_text(text, "ascii")
    provenance = {
        "source": "the lists of the stdlib-list distribution",
        "version": importlib.metadata.version("stdlib-list"),
        "licence": "MIT",
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "date": "2026-11-22",
        "rebuild": "python auditor/platforms/refresh/stdlib_names.py",
    }
    PROVENANCE.write_text(json.dumps(provenance, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
