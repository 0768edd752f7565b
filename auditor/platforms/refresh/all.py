"""Rebuild every table of data/, or say which of them are out of date.

    python auditor/platforms/refresh/all.py            # write them all
    python auditor/platforms/refresh/all.py --check     # say of each whether it is up to date; 1 where one is not

Each script beside this one has a table or two of its own, and says in its docstring what it needs: pip and APT, with
the package index and the Debian mirror that the machine is set up for.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def scripts() -> list[Path]:
    """Every other script of this directory, in the order of their names; what they share begins with `_`."""
    return sorted(path for path in HERE.glob("*.py") if path.name != Path(__file__).name and path.name[0] != "_")


def main() -> int:
    """Run them one after the other; all of them, whatever one of them says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = ["--check"] if parser.parse_args().check else []
    failed = []
    for script in scripts():
        print(f"{script.name}: ", end="", flush=True)
        if subprocess.run([sys.executable, str(script), *options], check=False).returncode:
            failed.append(script.name)
    if failed:
        print(f"out of date or not built: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
