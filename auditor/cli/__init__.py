"""The command line: arguments and wiring. It decides nothing."""

from __future__ import annotations

import sys

STATUS_INTERRUPTED = 130
"""What a shell says of a program that Control-C has ended: 128 and the number of the signal."""


def main() -> None:
    """Run the command and end the process with its exit status."""
    try:
        # The command's own modules load only now: Control-C may come here as well.
        from auditor.cli.app import run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        status = _interrupted()
    sys.exit(status)


def _interrupted() -> int:
    """Say that Control-C has ended the command; its exit status. What would say so for us may not be loaded."""
    try:  # noqa: SIM105 -- contextlib may not be loaded either
        sys.stderr.write("interrupted\n")
    except (OSError, ValueError, AttributeError):
        pass
    return STATUS_INTERRUPTED
