"""The crate of fixtures_crate, built here and now by maturin: clean as maturin tags it, red under any other promise.

Needs cargo and maturin. Where they are missing these tests fail: deselect them by `-m "not crate"`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor import Report, Severity, audit, read_wheel
from tests.cli.command import REPOSITORY
from tests.cli.command import environment as plain_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.crate

CRATE = REPOSITORY / "fixtures_crate"
PYTHON = f"cp{sys.version_info[0]}{sys.version_info[1]}"
NEXT_PYTHON = f"cp{sys.version_info[0]}{sys.version_info[1] + 1}"
ON_LINUX = sys.platform.startswith("linux")
only_linux = pytest.mark.skipif(not ON_LINUX, reason="the mistake is one of Linux tags")
# What must not reach the build from the environment of the tests.
_FOREIGN = ("RUSTFLAGS", "CARGO_BUILD", "CARGO_TARGET", "MATURIN", "PYO3", "PYTHON", "MACOSX_", "COVERAGE")


def program(name: str) -> str:
    """The path of a program, beside the interpreter or on PATH; the test fails where there is none."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.fail(f"`{name}` is missing: install cargo (rustup.rs) and maturin (`pip install maturin`)")
    return found


def build(folder: Path, *arguments: str, interpreter: str = sys.executable, destination: Path | None = None) -> Path:
    """The wheel that maturin builds in that folder with these arguments, for the running interpreter or another.

    It is copied to `destination`, or into the folder itself.
    """
    cargo, maturin = program("cargo"), program("maturin")
    crate, output = folder / "my_extension", folder / "wheels"
    if not crate.exists():
        shutil.copytree(CRATE, crate, ignore=shutil.ignore_patterns("target", "__pycache__"))
    shutil.rmtree(output, ignore_errors=True)
    home = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    environment["PATH"] = os.pathsep.join((str(Path(cargo).parent), environment.get("PATH", "")))
    environment["CARGO_TARGET_DIR"] = str(folder / "target")
    # Panic messages name the sources; these folders are the machine's own.
    environment["RUSTFLAGS"] = f"--remap-path-prefix={folder}=/build --remap-path-prefix={home}=/cargo"
    command = [maturin, "build", "--release", "--interpreter", interpreter, "--out", str(output), *arguments]
    done = subprocess.run(command, cwd=crate, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"maturin ended with {done.returncode}:\n{done.stderr}")
    (wheel,) = output.glob("*.whl")
    return Path(shutil.copy(wheel, destination or folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which the crate is built; what cargo makes is gone afterwards."""
    scratch = tmp_path_factory.mktemp("crate")
    yield scratch
    shutil.rmtree(scratch / "target", ignore_errors=True)


@pytest.fixture(scope="module")
def wheels(folder: Path) -> dict[str, Path]:
    """The wheel for this interpreter alone, and the wheel of the stable ABI."""
    return {"one": build(folder), "abi3": build(folder, "--features", "abi3")}


@only_linux
@pytest.mark.parametrize(("interpreter", "tag"), [("python3.13", "cp313-cp313-"), ("python3.14t", "cp314-cp314t-")])
def test_a_wheel_for_another_version_is_clean(folder: Path, interpreter: str, tag: str) -> None:
    """One wheel a version, GIL and free-threaded, is clean as maturin tags it; maturin needs no such interpreter."""
    wheel = build(folder, interpreter=interpreter)
    assert tag in wheel.name
    assert not [one for one in audit(wheel).findings if one.severity is not Severity.INFO]


def renamed(wheel: Path, python: str | None = None, abi: str | None = None, platform: str | None = None) -> Report:
    """The report on the wheel under a name with other tags."""
    distribution, version, *tags = wheel.stem.split("-")
    changed = [new or old for new, old in zip((python, abi, platform), tags, strict=True)]
    return audit(wheel, filename="-".join((distribution, version, *changed)) + ".whl")


def errors(report: Report) -> set[str]:
    """The rules of the errors."""
    return {finding.rule for finding in report.findings if finding.severity is Severity.ERROR}


@pytest.mark.parametrize("kind", ["one", "abi3"])
def test_what_maturin_builds_is_clean(kind: str, wheels: dict[str, Path]) -> None:
    """Under the tags that maturin chose there is neither an error nor a warning."""
    report = audit(wheels[kind])
    assert [finding for finding in report.findings if finding.severity is not Severity.INFO] == []
    assert (report.verdict, report.not_judged, report.broken) == ("pass", (), False)


def test_the_tags_are_those_that_were_asked_for(wheels: dict[str, Path]) -> None:
    """One wheel is for this interpreter alone, the other for Python 3.9 and later."""
    one, abi3 = read_wheel(wheels["one"]).name, read_wheel(wheels["abi3"]).name
    assert one is not None
    assert abi3 is not None
    assert (one.python, one.abi.rstrip("t")) == (PYTHON, PYTHON)
    assert (abi3.python, abi3.abi) == ("cp39", "abi3")


@pytest.mark.parametrize("kind", ["one", "abi3"])
def test_the_facts_are_those_of_the_crate(kind: str, wheels: dict[str, Path]) -> None:
    """There is one native file, and it exports the init function of `my_extension._core`."""
    (binary,) = read_wheel(wheels[kind]).binaries
    assert binary.member.startswith("my_extension/_core.")
    assert binary.problems == ()
    assert all("PyInit__core" in {one.symbol for one in part.exports} for part in binary.slices)


@only_linux
@pytest.mark.parametrize("kind", ["one", "abi3"])
def test_a_linux_tag_is_refused(kind: str, wheels: dict[str, Path]) -> None:
    """`linux_x86_64`, the tag of a build that nobody repaired, is not for PyPI."""
    machine = str(read_wheel(wheels[kind]).binaries[0].slices[0].arch)
    assert "platform-not-on-pypi" in errors(renamed(wheels[kind], platform=f"linux_{machine}"))


@only_linux
@pytest.mark.parametrize("kind", ["one", "abi3"])
def test_an_older_glibc_is_not_promised(kind: str, wheels: dict[str, Path]) -> None:
    """Built on a newer system, the wheel does not keep the promise of manylinux2014."""
    facts = read_wheel(wheels[kind])
    if facts.name is not None and "manylinux_2_17_" in facts.name.platform:
        pytest.skip("the system that runs the tests has glibc 2.17 itself")
    machine = str(facts.binaries[0].slices[0].arch)
    assert "glibc-newer-than-tag" in errors(renamed(wheels[kind], platform=f"manylinux2014_{machine}"))


def test_another_python_is_not_served(wheels: dict[str, Path]) -> None:
    """The wheel of this interpreter cannot be imported by the next one; that of the stable ABI can, and says so."""
    assert "extension-suffix-mismatch" in errors(renamed(wheels["one"], NEXT_PYTHON, NEXT_PYTHON))
    assert errors(renamed(wheels["abi3"], NEXT_PYTHON)) == set()


@pytest.mark.parametrize("kind", ["one", "abi3"])
def test_another_machine_is_not_served(kind: str, wheels: dict[str, Path]) -> None:
    """Tagged for another machine, the wheel is found out by the header of its binary."""
    name = read_wheel(wheels[kind]).name
    assert name is not None
    swaps = {"x86_64": "aarch64", "aarch64": "x86_64", "amd64": "arm64", "arm64": "x86_64"}
    (machine,) = {one for one in swaps if name.platform.endswith(f"_{one}")}
    platform = ".".join(one.replace(f"_{machine}", f"_{swaps[machine]}") for one in name.platform.split("."))
    platform = platform.replace("win_x86_64", "win_amd64")
    assert "binary-wrong-arch" in errors(renamed(wheels[kind], platform=platform))


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A defect that a Cargo feature or an argument of the linker plants in the crate."""

    arguments: tuple[str, ...]
    """Further arguments of maturin."""
    rule: str
    severity: Severity = Severity.ERROR
    shows: str
    """Words that message or evidence must hold."""
    refused: str | None = None
    """What the loader of this machine says at the import; None where it depends on the machine."""


def linked(*arguments: str) -> tuple[str, ...]:
    """Arguments that pass something to the linker for the crate alone, so that its dependencies are not built again."""
    return ("--", *(f"-Clink-arg=-Wl,{one}" for one in arguments))


PLANTED = {
    "wrong-init": Planted(
        arguments=("--features", "wrong-init"),
        rule="module-init-missing",
        shows="PyInit__kernel",
        refused="does not define module export function (PyInit__core)",
    ),
    "undefined-symbol": Planted(
        arguments=("--features", "undefined-symbol"),
        rule="symbol-unresolved",
        shows="vendored_answer",
        refused="undefined symbol: vendored_answer",
    ),
    "missing-library": Planted(
        # maturin would copy the library into the wheel; `warn` is what a build with an old setting does.
        arguments=("--features", "missing-library", "--auditwheel", "warn", "--", "-Lnative={folder}"),
        rule="library-outside-policy",
        shows="libvendored.so.1",
        refused="libvendored.so.1: cannot open shared object file",
    ),
    "outside-limited-api": Planted(
        arguments=("--features", "outside-limited-api,abi3"),
        rule="abi3-symbol-outside",
        shows="PyUnicode_AsUnicode",
        refused="undefined symbol: PyUnicode_AsUnicode" if sys.version_info >= (3, 12) else None,
    ),
    "absolute-rpath": Planted(
        arguments=linked("-rpath,/home/builder/.local/lib"),
        rule="rpath-unsafe",
        severity=Severity.WARNING,
        shows="/home/builder/.local/lib",
    ),
    "executable-stack": Planted(
        arguments=linked("-z,execstack"),
        rule="executable-stack",
        shows="PT_GNU_STACK",
    ),
}


@pytest.fixture(scope="module")
def library(folder: Path) -> Path:
    """The folder of `libvendored.so`, the library that a maintainer has and a user has not."""
    output = folder / "vendored"
    output.mkdir()
    source = CRATE / "c" / "vendored.c"
    command = ["gcc", "-shared", "-fPIC", "-Wl,-soname,libvendored.so.1", str(source), "-o", "libvendored.so"]
    subprocess.run(command, cwd=output, check=True)
    return output


def imported(wheel: Path, folder: Path) -> tuple[int, str]:
    """Exit status and words of an interpreter that imports the unpacked wheel, and adds 20 and 22 with it."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import my_extension; print(my_extension.sum_as_string(20, 22))"
    )
    command = [sys.executable, "-I", "-c", program, str(folder)]
    done = subprocess.run(command, env=plain_environment(), capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


@only_linux
@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_a_planted_defect_is_found_and_nothing_else(
    planted: Planted, folder: Path, library: Path, tmp_path: Path
) -> None:
    """The crate built with the defect has that one error or warning, and the real loader agrees where it can tell."""
    arguments = [argument.format(folder=library) for argument in planted.arguments]
    # Its name is that of the good wheel, which must not be overwritten.
    wheel = build(folder, *arguments, destination=tmp_path)
    loud = [one for one in audit(wheel).findings if one.severity is not Severity.INFO]
    assert [(one.rule, one.severity) for one in loud] == [(planted.rule, planted.severity)]
    (finding,) = loud
    assert finding.member is not None
    assert finding.member.startswith("my_extension/_core.")
    assert planted.shows in " ".join([finding.message, *(str(one) for one in finding.evidence)])
    if planted.refused is not None:
        status, said = imported(wheel, tmp_path / "unpacked")
        assert status == 1
        assert planted.refused in said


@pytest.mark.parametrize("kind", ["one", "abi3"])
def test_without_a_defect_it_is_imported(kind: str, wheels: dict[str, Path], tmp_path: Path) -> None:
    """The interpreter that runs the tests imports both wheels, and the module works."""
    assert imported(wheels[kind], tmp_path) == (0, "42")


@only_linux
def test_every_feature_is_tested() -> None:
    """Each feature of the crate but `abi3` plants a defect of the table, and BUILDING.md has a line for each."""
    text = (CRATE / "Cargo.toml").read_text(encoding="utf-8")
    features = {line.partition(" = ")[0] for line in text.partition("[features]")[2].splitlines() if " = [" in line}
    assert features - {"abi3"} == {name for name, planted in PLANTED.items() if "--features" in planted.arguments}
    documented = (CRATE / "BUILDING.md").read_text(encoding="utf-8")
    for name, planted in PLANTED.items():
        assert f"| `{name}` |" in documented
        assert f"| `{planted.rule}` |" in documented
