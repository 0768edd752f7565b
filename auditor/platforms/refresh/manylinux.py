"""Rebuild data/manylinux.json from the policy file of an installed auditwheel.

    python auditor/platforms/refresh/manylinux.py           # write
    python auditor/platforms/refresh/manylinux.py --check    # say whether the committed table is up to date

Needs auditwheel (`pip install auditwheel`). A refresh proposes; a person reads the difference and commits it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data"
TABLE = DATA / "manylinux.json"
PROVENANCE = DATA / "manylinux.provenance.json"


def policy_file() -> Path:
    """The policy file of the installed auditwheel."""
    for file in importlib.metadata.files("auditwheel") or ():
        if file.name == "manylinux-policy.json":
            return Path(str(file.locate()))
    sys.exit("the installed auditwheel has no manylinux-policy.json")


def build(policies: list[dict[str, Any]]) -> dict[str, Any]:
    """The table: each policy with its glibc version, libraries, refused symbols and allowed symbol versions."""
    rows = []
    for policy in policies:
        if not policy["name"].startswith("manylinux_"):
            continue
        major, minor = policy["name"].removeprefix("manylinux_").split("_")
        rows.append(
            {
                "version": [int(major), int(minor)],
                "libraries": sorted(policy["lib_whitelist"]),
                "refused": {library: sorted(symbols) for library, symbols in sorted(policy["blacklist"].items())},
                "versions": {
                    arch: {space: sorted(nodes) for space, nodes in sorted(spaces.items()) if nodes}
                    for arch, spaces in sorted(policy["symbol_versions"].items())
                },
            }
        )
    return {"policies": sorted(rows, key=lambda row: row["version"])}


def main() -> int:
    """Write the table, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where the table would change")
    arguments = parser.parse_args()
    source = policy_file().read_bytes()
    text = json.dumps(build(json.loads(source)), separators=(",", ":"), sort_keys=True) + "\n"
    if arguments.check:
        same = TABLE.read_text("utf-8") == text
        print("up to date" if same else "differs from the installed auditwheel's policies")
        return 0 if same else 1
    TABLE.write_text(text, "utf-8")
    provenance = {
        "source": "auditwheel/policy/manylinux-policy.json of the auditwheel distribution",
        "version": importlib.metadata.version("auditwheel"),
        "licence": "MIT",
        "source_sha256": hashlib.sha256(source).hexdigest(),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "date": "2026-11-22",
        "rebuild": "python auditor/platforms/refresh/manylinux.py",
    }
    PROVENANCE.write_text(json.dumps(provenance, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
