"""The built wheels of tests/wheels: the good ones are clean, the bad ones have their one fault, the facts agree."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from auditor import Severity, audit, read_wheel
from auditor.facts.binary import BinaryFormat, FileKind, MachODetail
from tests.cli.command import WHEELS

if TYPE_CHECKING:
    from pathlib import Path

    from auditor import Report, WheelFacts
    from auditor.facts.binary import Binary, Slice

MANIFEST: Any = json.loads((WHEELS / "manifest.json").read_text(encoding="utf-8"))
GOOD = sorted((WHEELS / "good").glob("*.whl"))
BAD = sorted((WHEELS / "bad").glob("*.whl"))
EXPECTED = {
    "glibc-newer-than-tag": ["glibc-newer-than-tag"],
    "universal2-without-x86_64": ["macos-arch-missing"],
    "renamed-to-cp313": ["extension-suffix-mismatch", "wheel-tag-mismatch"],
}
"""Recipe of a bad wheel -> the errors that it must have, and no others."""

every_good = pytest.mark.parametrize("wheel", GOOD, ids=lambda path: path.stem.removeprefix("my_extension-0.1.0-"))


def described(folder: str) -> dict[str, Any]:
    """The entries of the manifest by file name."""
    return {entry["filename"]: entry for entry in MANIFEST[folder]}


def errors(report: Report) -> list[str]:
    """The rules of the errors."""
    return [finding.rule for finding in report.findings if finding.severity is Severity.ERROR]


def the_module(facts: WheelFacts) -> Binary:
    """The one native file of the wheel."""
    (binary,) = facts.binaries
    assert not binary.problems
    return binary


def dotted(version: str) -> tuple[int, ...]:
    """A version as numbers."""
    return tuple(int(part) for part in re.findall(r"\d+", version))


def glibc_needed(part: Slice) -> tuple[int, ...]:
    """The newest glibc version that the slice imports a symbol of."""
    versions = [one.version for one in part.imports if one.version and one.version.startswith("GLIBC_")]
    return max(map(dotted, versions))


@pytest.mark.parametrize("folder", ["good", "bad"])
def test_the_files_are_those_of_the_manifest(folder: str) -> None:
    """Every wheel is described, every described wheel is there, and its bytes are those that were described."""
    files = {path.name: path.read_bytes() for path in (WHEELS / folder).iterdir()}
    entries = described(folder)
    assert set(files) == set(entries)
    for name, content in files.items():
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (entries[name]["sha256"], entries[name]["size"])


@pytest.mark.parametrize("folder", ["good", "bad"])
def test_the_manifest_names_no_machine(folder: str) -> None:
    """Scratch and home folders are replaced by variables."""
    assert not re.search(r"/(home|root|tmp|Users)/", json.dumps(MANIFEST[folder]))


@every_good
def test_a_good_wheel_is_clean(wheel: Path) -> None:
    """A wheel as maturin built it has neither an error nor a warning, and everything could be judged."""
    report = audit(wheel)
    assert [finding for finding in report.findings if finding.severity is not Severity.INFO] == []
    assert report.not_judged == ()
    assert (report.verdict, report.broken) == ("pass", False)
    assert report.sha256 == described("good")[wheel.name]["sha256"]


@pytest.mark.parametrize("wheel", BAD, ids=lambda path: described("bad")[path.name]["recipe"])
def test_a_bad_wheel_has_its_fault_and_no_other(wheel: Path) -> None:
    """Each planted defect is found, and nothing besides it is called an error or a warning."""
    report = audit(wheel)
    assert errors(report) == EXPECTED[described("bad")[wheel.name]["recipe"]]
    assert report.count(Severity.WARNING) == 0
    assert report.failed


def test_every_planted_defect_is_expected() -> None:
    """The table above has a line for each bad wheel."""
    assert set(EXPECTED) == {entry["recipe"] for entry in MANIFEST["bad"]}


@every_good
def test_the_name_is_read_as_it_is_spelled(wheel: Path) -> None:
    """Name, version and tags are those of the file name, and METADATA and WHEEL say the same."""
    facts = read_wheel(wheel)
    assert facts.name is not None
    assert f"{facts.name.prefix}-{facts.name.tag_set}.whl" == wheel.name
    assert facts.dist_info == "my_extension-0.1.0.dist-info"
    assert facts.anomalies == ()
    assert {member.name for member in facts.files()} >= {"my_extension/__init__.py", "my_extension/py.typed"}
    expanded = [f"{facts.name.python}-{facts.name.abi}-{one}" for one in facts.name.platform.split(".")]
    assert list(audit(wheel).tags) == expanded


@every_good
def test_the_module_is_what_the_tags_say(wheel: Path) -> None:
    """Format, file kind and exported init function are those of an extension module for the tags."""
    facts = read_wheel(wheel)
    binary = the_module(facts)
    tags = wheel.stem
    expected = BinaryFormat.PE if "win_" in tags else BinaryFormat.MACHO if "macosx" in tags else BinaryFormat.ELF
    assert binary.format is expected
    for part in binary.slices:
        assert part.kind in {FileKind.SHARED_LIBRARY, FileKind.BUNDLE}
        assert "PyInit__core" in {export.symbol for export in part.exports}
        assert "PyModuleDef_Init" in {one.symbol.replace("PyPy", "Py") for one in part.imports}
        assert (part.bits, part.little_endian) == (64, True)


@every_good
def test_the_machine_is_the_tags(wheel: Path) -> None:
    """The slices are exactly those that the platform tag promises."""
    platform = wheel.stem.rpartition("-")[2].partition(".")[0]
    machine = re.sub(r"^(win|[a-z]+_\d+_\d+|manylinux2014)_", "", platform)
    expected = ["x86_64", "arm64"] if "universal2" in platform else [machine]
    assert sorted(str(part.arch) for part in the_module(read_wheel(wheel)).slices) == sorted(expected)


@pytest.mark.parametrize("wheel", [path for path in GOOD if "macosx" in path.name], ids=lambda path: path.name[19:40])
def test_the_oldest_macos_is_the_tags(wheel: Path) -> None:
    """Each slice asks for the macOS of its tag: 10.12 on Intel, 11.0 on Apple silicon, and the latter is signed."""
    for part in the_module(read_wheel(wheel)).slices:
        assert part.minimum_os is not None
        assert (part.minimum_os.platform, part.minimum_os.version[:2]) == (
            "macos",
            (11, 0) if part.arch == "arm64" else (10, 12),
        )
        assert isinstance(part.detail, MachODetail)
        assert part.detail.signed or part.arch != "arm64"


@pytest.mark.parametrize("wheel", [path for path in GOOD if "manylinux" in path.name], ids=lambda path: path.name[19:])
def test_the_glibc_needed_is_within_the_tag(wheel: Path) -> None:
    """The newest glibc version that is imported is at most the tag's; built on the host it is exactly that."""
    promised = dotted(re.findall(r"manylinux_(\d+_\d+)_", wheel.name)[-1])
    for part in the_module(read_wheel(wheel)).slices:
        needed = glibc_needed(part)
        assert needed <= promised
        assert needed == promised or "2014" in wheel.name
        assert "libc.so.6" in {one.name for one in part.needed}


def test_the_musl_wheel_needs_no_glibc() -> None:
    """The musl wheel imports no versioned symbol and needs musl's library."""
    (wheel,) = (path for path in GOOD if "musllinux" in path.name)
    (part,) = the_module(read_wheel(wheel)).slices
    assert not any(one.version for one in part.imports)
    assert "libc.so" in {one.name for one in part.needed}


@pytest.mark.parametrize("wheel", [path for path in GOOD if "-win_" in path.name], ids=lambda path: path.name[19:])
def test_the_python_library_is_the_tags(wheel: Path) -> None:
    """A Windows module needs the DLL of the one Python that it is for, or the DLL of the stable ABI."""
    (part,) = the_module(read_wheel(wheel)).slices
    pythons = {one.name for one in part.needed if one.name.lower().startswith("python")}
    abi = wheel.stem.split("-")[3]
    assert pythons == {"python3.dll" if abi == "abi3" else f"python{abi.removeprefix('cp')}.dll"}


@pytest.mark.parametrize("wheel", [path for path in GOOD if "-win_" not in path.name], ids=lambda path: path.name[19:])
def test_no_other_module_links_python(wheel: Path) -> None:
    """On Linux and macOS the interpreter provides its symbols, and no library of it is needed."""
    for part in the_module(read_wheel(wheel)).slices:
        assert not any("python" in one.name.lower() for one in part.needed)


@every_good
def test_the_suffix_is_the_interpreters(wheel: Path) -> None:
    """The file name of the module is one that the promised interpreter imports."""
    binary = the_module(read_wheel(wheel))
    _, _, python, abi, platform = wheel.stem.split("-")
    name = binary.member.removeprefix("my_extension/_core")
    if abi == "abi3":
        assert name == (".pyd" if "win" in platform else ".abi3.so")
    elif "win" in platform:
        assert name == f".{abi}-{platform}.pyd"
    elif python.startswith("pp"):
        assert name.startswith(f".pypy{python.removeprefix('pp')}-")
    else:
        assert name.startswith(f".cpython-{abi.removeprefix('cp')}-")
