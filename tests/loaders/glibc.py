"""glibc 2.31 with its Python 3.9, run by the path of its ld.so beside the machine's own."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.loaders.model import Answer

if TYPE_CHECKING:
    from pathlib import Path

VERSION = (2, 31)
_LIBRARIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")


def run_python(root: Path, code: str, *, path: Path) -> Answer:
    """Run `code` under that glibc and Python, with `path` to import from."""
    program = [
        str(root / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
        "--library-path",
        ":".join(str(root / one) for one in _LIBRARIES),
        str(root / "usr/bin/python3.9"),
        *("-I", "-S", "-B", "-c"),
        f"import sys; sys.path.insert(0, {str(path)!r}); {code}",
    ]
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    return Answer(loaded=done.returncode == 0, output=done.stdout + done.stderr)
