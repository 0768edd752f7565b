"""The command line: arguments and wiring. It decides nothing."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command and end the process with its exit status."""
    from auditor.cli.app import run

    sys.exit(run(sys.argv[1:]))
