#!/usr/bin/env python3
"""Fetch the JSON Schema of SARIF 2.1.0 into a folder outside of the repository: python -m tests.report.fetch DIR

It is OASIS's own file, as the crate serde-sarif carries it; cargo (1.82 or later) brings the crate. What is there
already is left alone. Ends with 1, and says what is missing, where something is.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

CRATE, VERSION = "serde-sarif", "0.8.0"
SARIF_SCHEMA = "sarif-schema-2.1.0.json"
SHA256 = "af47e7b67f24efe74076621fd3a5fbe7398add9e84fe820c971219a385895cea"


def fetch(folder: Path) -> None:
    """Put the schema into the folder. Raises SystemExit where it cannot be had, or is not the one that we know."""
    target = folder / SARIF_SCHEMA
    if not target.exists():
        done = subprocess.run(["cargo", "info", f"{CRATE}@{VERSION}"], capture_output=True, text=True, check=False)
        home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
        found = sorted(home.glob(f"registry/src/*/{CRATE}-{VERSION}/src/schema.json"))
        if not found:
            sys.exit(f"cargo did not bring {CRATE} {VERSION}: {done.stderr.strip()[-500:]}")
        folder.mkdir(parents=True, exist_ok=True)
        target.write_bytes(found[0].read_bytes())
    if hashlib.sha256(target.read_bytes()).hexdigest() != SHA256:
        target.unlink()
        sys.exit(f"{SARIF_SCHEMA} of {CRATE} {VERSION} is not the one that is known")


if __name__ == "__main__":
    fetch(Path(sys.argv[1])) if len(sys.argv) == 2 else sys.exit(__doc__)
