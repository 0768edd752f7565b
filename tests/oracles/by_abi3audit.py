"""The stable ABI as abi3audit judges it, held against the names in our facts and abi3info's tables."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from abi3info import DATAS, FUNCTIONS
from abi3info.models import PyVersion, Symbol

from auditor.facts.binary import BinaryFormat
from tests.oracles.model import OracleError

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.facts.binary import Binary
    from tests.oracles.model import Fields


def read_wheel(wheel: Path) -> dict[str, Fields]:
    """The fields of each file that abi3audit looks at, by its name without folders. Raises OracleError."""
    command = [sys.executable, "-m", "abi3audit", "--report", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["specs"][str(wheel)]["wheel"]
    except (json.JSONDecodeError, KeyError) as error:
        raise OracleError(" ".join(done.stderr.split())[-300:]) from error
    return {
        one["name"]: {
            "outside the stable ABI": Counter((name,) for name in set(one["result"]["non_abi3_symbols"])),
            "newer in the stable ABI": Counter(one["result"]["future_abi3_objects"].items()),
        }
        for one in found
    }


def is_stable(wheel: Path) -> bool:
    """Whether the file name has the ABI tag abi3."""
    return "abi3" in wheel.name.split("-")[-2].split(".")


def baseline(wheel: Path) -> PyVersion:
    """The Python that the tags promise; of several the newest, as abi3audit has it."""
    tags = wheel.name.split("-")[-3].split(".")
    return max(PyVersion.parse_python_tag(tag) for tag in tags)


def our_fields(binary: Binary, oldest: PyVersion) -> Fields:
    """The same by our facts. ELF: exports too, for there abi3audit does not tell them from imports."""
    names = {one.symbol for part in binary.slices for one in part.imports}
    if binary.format is BinaryFormat.ELF:
        names |= {one.symbol for part in binary.slices for one in part.exports}
    outside, newer = set(), set()
    for name in names:
        known = FUNCTIONS.get(Symbol(name)) or DATAS.get(Symbol(name))
        if known is not None:
            if known.added > oldest:
                newer.add((name, str(known.added)))
        elif name.startswith(("Py", "_Py")) and not name.startswith("PyInit_"):
            outside.add((name,))
    return {"outside the stable ABI": Counter(outside), "newer in the stable ABI": Counter(newer)}
