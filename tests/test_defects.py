"""Wheels with one planted defect each, made by real compilers and linkers: found exactly, and the good twins are clean.

`fixtures_crate/defects` has the recipes and builds them; the wheels are kept in tests/wheels/defects.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from auditor import Severity, audit, read_wheel
from auditor.facts.binary import ElfDetail
from fixtures_crate.defects.__main__ import FOLDERS
from fixtures_crate.defects.recipes import DEFECTS, GOOD, good
from fixtures_crate.defects.workbench import DEBIAN_PACKAGES, MissingProgramsError, Workbench, packed, program_version
from tests.cli.command import REPOSITORY, WHEELS, environment

if TYPE_CHECKING:
    from pathlib import Path

    from auditor import Report
    from auditor.facts.wheel import WheelFacts
    from fixtures_crate.defects.model import Defect, Recipe

KEPT = WHEELS / "defects"
MANIFEST: Any = json.loads((KEPT / "manifest.json").read_text(encoding="utf-8"))
ON_LINUX = (sys.platform, platform.machine(), platform.libc_ver()[0]) == ("linux", "x86_64", "glibc")
GLIBC = tuple(int(part) for part in re.findall(r"\d+", platform.libc_ver()[1])) if ON_LINUX else ()
only_linux = pytest.mark.skipif(not ON_LINUX, reason="the wheels are for Linux on x86_64")
every_defect = pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.recipe.identifier)
every_good = pytest.mark.parametrize("recipe", GOOD, ids=lambda recipe: recipe.identifier)

ALL = [(folder, recipe) for folder, recipes in FOLDERS.items() for recipe in recipes]
LOCAL = [(folder, recipe) for folder, recipe in ALL if recipe.programs == ("gcc",)]
"""What the compiler of the machine that runs the tests builds alone."""
SENTENCES: dict[str, str | None] = {
    "newer-glibc": "version `GLIBC_2.38' not found" if GLIBC < (2, 38) else None,
    "absolute-rpath": None,
    "missing-library": "libvendored.so.1: cannot open shared object file",
    "undefined-symbol": "undefined symbol: vendored_answer",
    "executable-stack": "cannot enable executable stack" if GLIBC >= (2, 41) else None,
    "text-relocations": None,
    "wrong-init": "does not define module export function (PyInit__core)",
    "outside-limited-api": "undefined symbol: PyUnicode_AsUnicode" if sys.version_info >= (3, 12) else None,
    "newer-limited-api": None,
    "other-machine": "cannot open shared object file",
    "musl-in-manylinux": "libc.so: ",
}
"""Linux defect -> what the loader of this machine says when the module is imported; None if it imports here.

What imports here fails elsewhere: under glibc 2.41 (executable stack), under SELinux (text relocations), with another
Python; or it does harm in silence (search path). `newer-processor` and `linked-to-python` depend on the machine.
"""


def path_of(recipe: Recipe) -> Path:
    """The wheel that is kept."""
    (folder,) = (folder for folder, one in ALL if one is recipe)
    return KEPT / folder / recipe.filename


def native_files(recipe: Recipe) -> dict[str, str]:
    """The hashes of the native files in the wheel that is kept, by their path in the package."""
    (files,) = (entry["files"] for some in FOLDERS for entry in MANIFEST[some] if entry["recipe"] == recipe.identifier)
    return {path.partition("/")[2]: digest for path, digest in files.items()}


def loud(report: Report) -> list[tuple[str, str]]:
    """Rule and severity of each error and warning."""
    return [(one.rule, one.severity.value) for one in report.findings if one.severity is not Severity.INFO]


def described(facts: WheelFacts) -> list[dict[str, Any]]:
    """What is the same however new the compiler is."""
    return [
        {
            "file": (binary.member, binary.format, binary.problems),
            "machine": (part.arch, part.kind, part.identity),
            "minimum": part.minimum_os and (part.minimum_os.platform, part.minimum_os.version),
            "needed": [one.name for one in part.needed],
            "paths": [one.path for one in part.search_paths],
            "imports": sorted((one.symbol, one.version or "") for one in part.imports),
            "exports": sorted(one.symbol for one in part.exports),
            "stack": part.detail.executable_stack if isinstance(part.detail, ElfDetail) else None,
        }
        for binary in facts.binaries
        for part in binary.slices
    ]


def test_the_files_are_those_of_the_manifest() -> None:
    """Every wheel has its recipe and its entry, with the commands, and its bytes are those that were described."""
    for folder, recipes in FOLDERS.items():
        entries = {entry["recipe"]: entry for entry in MANIFEST[folder]}
        assert list(entries) == [recipe.identifier for recipe in recipes]
        assert {path.name for path in (KEPT / folder).iterdir()} == {recipe.filename for recipe in recipes}
        for recipe in recipes:
            content, entry = path_of(recipe).read_bytes(), entries[recipe.identifier]
            assert (hashlib.sha256(content).hexdigest(), len(content)) == (entry["sha256"], entry["size"])
            assert (entry["filename"], entry["commands"]) == (recipe.filename, list(recipe.commands))


def test_every_program_is_named() -> None:
    """The manifest has the version of every compiler and linker, and each can be installed by name."""
    programs = {program for _, recipe in ALL for program in recipe.programs}
    assert set(MANIFEST["tools"]) == programs - {"sed"}
    assert set(DEBIAN_PACKAGES) == programs - {"zig"}


@every_defect
def test_a_defect_is_found_and_nothing_else(defect: Defect) -> None:
    """The planted defect is the one error or warning, at its file, with what proves it in the evidence."""
    report = audit(path_of(defect.recipe))
    assert not report.broken, report.not_judged
    assert loud(report) == [(defect.rule, defect.severity)]
    (finding,) = (one for one in report.findings if one.rule == defect.rule)
    assert finding.member == defect.recipe.module
    assert finding.help
    shown = " ".join([finding.message, str(finding.arch), *(str(one) for one in finding.evidence)])
    assert finding.evidence
    for words in (defect.recipe.module, *defect.shows):
        assert words in shown


@every_good
def test_a_good_twin_is_clean(recipe: Recipe) -> None:
    """The same module without the defect has neither an error nor a warning, and everything could be judged."""
    report = audit(path_of(recipe))
    assert loud(report) == []
    assert (report.verdict, report.not_judged, report.broken) == ("pass", (), False)


@every_defect
def test_a_defect_has_its_twin(defect: Defect) -> None:
    """The twin has other bytes, or further files, in a wheel of the same tags."""
    twin = good(defect.twin)
    assert twin.tags == defect.recipe.tags
    assert native_files(twin) != native_files(defect.recipe)


@only_linux
@pytest.mark.parametrize("identifier", SENTENCES)
def test_the_loader_of_this_machine_says_the_same(identifier: str, tmp_path: Path) -> None:
    """A real interpreter refuses the module with the sentence one expects, or imports it."""
    (recipe,) = (one for one in FOLDERS["bad"] if one.identifier == identifier)
    status, said = imported(recipe, tmp_path)
    sentence = SENTENCES[identifier]
    if sentence is None:
        assert (status, said) == (0, "42")
    else:
        assert status == 1
        assert sentence in said
        assert "ImportError: " in said


@only_linux
@pytest.mark.parametrize("recipe", [one for one in GOOD if "linux" in one.tags], ids=lambda recipe: recipe.identifier)
def test_a_good_twin_is_imported(recipe: Recipe, tmp_path: Path) -> None:
    """A real interpreter imports the good twins and calls their function."""
    assert imported(recipe, tmp_path) == (0, "42")


def imported(recipe: Recipe, folder: Path) -> tuple[int, str]:
    """Exit status and words of an interpreter that imports the unpacked wheel, and adds 20 and 22 with it."""
    with zipfile.ZipFile(path_of(recipe)) as wheel:
        wheel.extractall(folder)
    program = (
        f"import sys; sys.path.insert(0, sys.argv[1]); import {recipe.package}; print({recipe.package}.add(20, 22))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(folder)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).strip()


@only_linux
@pytest.mark.crate
def test_what_gcc_makes_today_has_the_same_facts(tmp_path: Path) -> None:
    """The recipes for gcc alone, built now by this machine's compiler, give the facts of the wheels that are kept."""
    assert len(LOCAL) > 3
    assert_rebuilt(LOCAL, tmp_path)


@pytest.mark.slow
@pytest.mark.crate
def test_a_rebuild_has_the_same_facts(tmp_path: Path) -> None:
    """Every recipe, built again, gives the facts that are kept; with tools of the same versions, the same bytes."""
    assert_rebuilt(ALL, tmp_path)


def assert_rebuilt(recipes: list[tuple[str, Recipe]], folder: Path) -> None:
    """Build the recipes, and compare each with the wheel that is kept."""
    workbench = Workbench(root=folder)
    try:
        workbench.prepare(recipe for _, recipe in recipes)
    except MissingProgramsError as missing:
        pytest.fail(f"compilers are missing; on Debian 12: {missing}")
    programs = {program for _, recipe in recipes for program in recipe.programs} & set(MANIFEST["tools"])
    same = {program for program in programs if program_version(program) == MANIFEST["tools"][program]} | {"sed"}
    for kept, recipe in recipes:
        files = workbench.files(recipe)
        wheel = packed(recipe, files)
        assert described(read_wheel(wheel.data, filename=wheel.filename)) == described(read_wheel(path_of(recipe)))
        (entry,) = (one for one in MANIFEST[kept] if one["recipe"] == recipe.identifier)
        if same.issuperset(recipe.programs):
            assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == entry["files"]


def test_missing_compilers_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where programs are missing, the message is the command that installs all of them, and nothing is built."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramsError, match=r"apt-get install .*gcc gcc-mingw\S+ lld-14 llvm-14 sed$"):
        Workbench(root=tmp_path / "work").prepare(recipe for _, recipe in ALL)
    assert list(tmp_path.iterdir()) == []


def test_the_documentation_has_the_table() -> None:
    """BUILDING.md has a line for each defect, with its rule."""
    text = (REPOSITORY / "fixtures_crate" / "BUILDING.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \|.*\| `([a-z0-9-]+)` \|$", text, re.MULTILINE))
    assert {defect.recipe.identifier: defect.rule for defect in DEFECTS}.items() <= rows.items()
