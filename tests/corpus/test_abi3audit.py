"""What is beyond the stable ABI, held against abi3audit over built and real wheels; each difference has a reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from abi3audit._audit import audit as abi3audit
from abi3audit._extract import WheelExtractor, WheelSpec

from auditor import audit
from tests.corpus.fetch import wanted
from tests.rules.test_python_symbols import CLEAN, DIRTY

if TYPE_CHECKING:
    from tests.builders import BuiltWheel

FOLDER = os.environ.get("WHEEL_AUDIT_CORPUS")
RULES = frozenset({"abi3-symbol-outside", "abi3-symbol-too-new"})
BUILT: dict[str, BuiltWheel] = {
    **{name: wheel for name, wheel in CLEAN.items() if "-abi3-" in wheel.filename},
    **{name: case.wheel for name, case in DIRTY.items() if "-abi3-" in case.wheel.filename},
}
EXPLAINED = {
    "weak-abi3": "a weak import that is not there is no fault",
    "name-that-no-python-has-abi3": "a name that no CPython ever exported is another library's",
    "own-library-has-it-abi3": "a library of the wheel that the module needs provides it",
    "exported-by-itself": "the file's own definition (abi3audit issue 111)",
    "entry-point-of-another-module": "PyModExport_ is the entry point of PEP 793, not a symbol of Python's",
    "abi3-requires-python-later": "Requires-Python keeps the wheel from the versions that lack it",
    "threaded-in-an-abi3-wheel": "`free-threaded-mismatch` says it",
    "too-new-for-the-lower-tag": "abi3audit takes the highest of several tags, and the lowest is promised as well",
}
"""Built wheel -> why the two differ on it."""
_OWN = (
    "`PyErr_SetFromOSErrnoWithSyscall` is psutil's own function, which the module itself exports (abi3audit issue 111)"
)
_LOWEST = "abi3audit takes the highest of several tags, cp310, and cp35 is promised as well"
_PSUTIL = "psutil-6.0.0-cp36-abi3-manylinux_2_12_{0}.manylinux2010_{0}.manylinux_2_17_{0}.manylinux2014_{0}.whl"
EXPLAINED_WHEELS = {
    _PSUTIL.format("i686"): _OWN,
    _PSUTIL.format("x86_64"): _OWN,
    "psutil-6.0.0-cp36-abi3-manylinux_2_17_aarch64.manylinux2014_aarch64.whl": _OWN,
    "shiboken2-5.15.2.1-5.15.2-cp35.cp36.cp37.cp38.cp39.cp310-abi3-macosx_10_13_intel.whl": _LOWEST,
    "shiboken2-5.15.2.1-5.15.2-cp35.cp36.cp37.cp38.cp39.cp310-abi3-manylinux1_x86_64.whl": _LOWEST,
}
"""Real wheel -> why the two differ on it."""


def theirs(path: Path) -> set[str]:
    """The symbols that abi3audit objects to."""
    found = set()
    for extractor in WheelExtractor(WheelSpec(str(path))):
        result = abi3audit(extractor)
        found |= {one.name for one in result.non_abi3_symbols}
        found |= {one.symbol.name for one in result.future_abi3_objects}
    return found


def ours(path: Path) -> set[str]:
    """The symbols that the two rules object to, at whatever severity."""
    findings = [one for one in audit(path).findings if one.rule in RULES]
    return {evidence.symbol for one in findings for evidence in one.evidence if evidence.symbol}


@pytest.mark.parametrize("name", BUILT)
def test_a_built_wheel_is_judged_alike(name: str, tmp_path: Path) -> None:
    """Both object to the same symbols of a built wheel, or the difference has its reason."""
    path = tmp_path / BUILT[name].filename
    path.write_bytes(BUILT[name].data)
    assert (ours(path) == theirs(path)) is (name not in EXPLAINED)


REAL = [
    row["filename"]
    for row in wanted(short=True)
    if "-abi3-" in row["filename"] and "wasm32" not in row["filename"]  # which abi3audit cannot read
]


@pytest.mark.corpus
@pytest.mark.skipif(
    FOLDER is None and not os.environ.get("CI"), reason="WHEEL_AUDIT_CORPUS names no folder: python3 dev.py corpus DIR"
)
@pytest.mark.parametrize("filename", REAL)
def test_a_real_wheel_is_judged_alike(filename: str) -> None:
    """Both object to the same symbols of a real wheel, or the difference has its reason."""
    assert FOLDER is not None, "in CI the short corpus is fetched first, and WHEEL_AUDIT_CORPUS names its folder"
    path = Path(FOLDER) / filename
    assert (ours(path) == theirs(path)) is (filename not in EXPLAINED_WHEELS)
