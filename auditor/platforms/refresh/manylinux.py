"""Rebuild data/manylinux.json from the policy file of an installed auditwheel.

    python auditor/platforms/refresh/manylinux.py           # write
    python auditor/platforms/refresh/manylinux.py --check    # say whether the committed table is up to date

Needs auditwheel (`pip install auditwheel`). A refresh proposes; a person reads the difference and commits it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.platforms.refresh._tables import DATA, Table, refresh

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = DATA / "manylinux.json"


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


def build_all(_cache: Path) -> Iterator[Table]:
    """The table, from what is installed: nothing is downloaded."""
    source = policy_file().read_bytes()
    provenance: dict[str, object] = {
        "source": "auditwheel/policy/manylinux-policy.json of the auditwheel distribution",
        "version": importlib.metadata.version("auditwheel"),
        "licence": "MIT",
        "source_sha256": hashlib.sha256(source).hexdigest(),
    }
    text = json.dumps(build(json.loads(source)), separators=(",", ":"), sort_keys=True) + "\n"
    yield Table(path=TABLE, text=text, provenance=provenance)


if __name__ == "__main__":
    raise SystemExit(refresh(__file__, __doc__, build_all))
