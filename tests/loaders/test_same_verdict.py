"""The verdict is the same from any host: wheel-audit itself, run by CPython 3.11 for Windows in Wine, and run here.

Its dependencies there are the wheels for Windows of the versions that are installed here. One process audits, `--jobs
1`: a pool of processes (`concurrent.futures` alone, without a line of this project) hangs now and then under Wine 8.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor.report.formats import FORMATS
from tests.builders import WheelSpec, build_wheel
from tests.cli.command import REPOSITORY, WHEELS, wheel_audit
from tests.loaders import windows
from tests.loaders.fetch import WINDOWS
from tests.loaders.model import loader_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from subprocess import CompletedProcess

pytestmark = pytest.mark.wine
FOLDERS = ("bad", "good", "defects/bad", "defects/good")
TEN = (
    "good/my_extension-0.1.0-cp311-cp311-manylinux2014_aarch64.manylinux_2_17_aarch64.whl",
    "good/my_extension-0.1.0-cp311-cp311-musllinux_1_2_x86_64.whl",
    "good/my_extension-0.1.0-cp39-abi3-macosx_10_12_universal2.macosx_10_12_x86_64.macosx_11_0_arm64.whl",
    "good/my_extension-0.1.0-cp313-cp313-win_arm64.whl",
    "good/my_extension-0.1.0-cp39-abi3-win_amd64.whl",
    "bad/my_extension-0.1.0-cp313-cp313-win_amd64.whl",
    "defects/bad/newer_glibc-1.0-cp39-abi3-manylinux_2_17_x86_64.whl",
    "defects/bad/stale_signature-1.0-cp311-cp311-macosx_11_0_arm64.whl",
    "defects/bad/mingw_runtime-1.0-cp311-cp311-win_amd64.whl",
    "defects/good/good_macos_universal2-1.0-cp311-cp311-macosx_10_12_universal2.whl",
)
WIN = "my_extension-0.1.0-cp313-cp313-win_amd64.whl"
BAD_PIPE = """
import subprocess, sys
for arguments in (["--jobs", "1", "bad"], ["--format", "json", "--jobs", "1", "bad"], ["rules"], ["--help"]):
    command = [sys.executable, "-m", "auditor", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read()
        print(process.wait(), said)
"""
"""Windows has both ends of the pipe: its way to say that nobody reads is its own."""


@pytest.fixture(scope="module")
def python311() -> Iterator[Path]:
    """The folder of CPython for Windows, with what wheel-audit needs."""
    folder = loader_folder(WINDOWS, "python3 dev.py wine DIR")
    assert (folder / "site").exists(), "fetched by an older version: python3 dev.py wine DIR"
    with windows.kept_running(folder):
        yield folder


def on_windows(
    folder: Path, *arguments: str, working: Path = WHEELS, variables: Mapping[str, str] | None = None
) -> CompletedProcess[bytes]:
    """Run wheel-audit under that Python."""
    paths = (folder / "site", REPOSITORY)
    done = windows.run_module(folder, "-m", "auditor", *arguments, working=working, paths=paths, variables=variables)
    assert b"Traceback" not in done.stderr, done.stderr
    return done


def test_the_json_is_the_same_but_for_the_paths(python311: Path) -> None:
    """Of all shipped wheels, judged as releases too: the same bytes, but for backslashes in `path`; the same status."""
    arguments = ("--format", "json", "--jobs", "1", *FOLDERS)
    here, there = wheel_audit(*arguments, folder=WHEELS), on_windows(python311, *arguments)
    assert (here.status, there.returncode, there.stderr) == (1, 1, b"")
    spelled = there.stdout.decode("ascii")
    paths = [wheel["path"] for wheel in json.loads(here.output)["wheels"]]
    assert len(paths) >= 50
    for path in paths:
        spelled = spelled.replace(json.dumps(path.replace("/", "\\")), json.dumps(path))
    assert spelled == here.output


@pytest.mark.parametrize("wheel", TEN, ids=[Path(one).stem for one in TEN])
def test_one_wheel_is_the_same_bytes(wheel: str, python311: Path) -> None:
    """A wheel of any system, its path given as here: the same JSON to the byte, and the same status."""
    here = wheel_audit("--format", "json", wheel, folder=WHEELS)
    there = on_windows(python311, "--format", "json", wheel)
    assert (there.returncode, there.stdout, there.stderr) == (here.status, here.raw, b"")


@pytest.mark.parametrize("wheel", TEN[::3], ids=[Path(one).stem for one in TEN[::3]])
def test_the_facts_are_the_same(wheel: str, python311: Path) -> None:
    """What is read of a wheel is the same to the byte, before any judgement."""
    assert on_windows(python311, "facts", wheel).stdout == wheel_audit("facts", wheel, folder=WHEELS).raw


def test_every_report_is_the_same(python311: Path, tmp_path: Path) -> None:
    """Every format, written to files of Windows: the same bytes as here."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        for wheel in TEN:
            shutil.copy(WHEELS / wheel, folder)
    names = sorted(Path(one).name for one in TEN)
    options = [f"--output={name}:report-{name}{one.suffix}" for name, one in FORMATS.items()]
    expected = wheel_audit("--jobs", "1", *options, *names, folder=here)
    answer = on_windows(python311, "--jobs", "1", *options, *names, working=there)
    assert (expected.status, answer.returncode, answer.stderr) == (1, 1, b"")
    for name, one in FORMATS.items():
        file = f"report-{name}{one.suffix}"
        assert (there / file).read_bytes() == (here / file).read_bytes(), name
    assert not list(there.glob(".*"))


def test_the_text_is_the_same_but_for_the_line_ends(python311: Path) -> None:
    """On standard output a person reads the same lines, with the line ends of Windows."""
    arguments = ("--jobs", "1", *TEN)
    there = on_windows(python311, *arguments)
    assert b"\r\n" in there.stdout
    assert there.stdout.decode("ascii").replace("\r\n", "\n") == wheel_audit(*arguments, folder=WHEELS).output


@pytest.mark.parametrize("encoding", ["cp437", "cp1252", "cp932", "utf-8"])
def test_any_code_page(encoding: str, python311: Path) -> None:
    """In every code page the JSON is the same bytes, and the dependency tree has no letter that it must escape."""
    variables = {"PYTHONIOENCODING": encoding}
    here = wheel_audit("--format", "json", TEN[5], folder=WHEELS)
    assert on_windows(python311, "--format", "json", TEN[5], variables=variables).stdout == here.raw
    tree = on_windows(python311, "facts", "--format", "text", TEN[5], variables=variables).stdout.decode(encoding)
    assert ("└── " in tree) is (encoding != "cp1252")
    assert ("`-- " in tree) is (encoding == "cp1252")
    assert "\\u25" not in tree


@pytest.mark.parametrize(
    "path",
    [
        f"bad\\{WIN}",
        f".\\BAD/{WIN.upper().replace('.WHL', '.whl')}",
        f"Z:{WHEELS}/bad/{WIN}",
        f"\\\\?\\Z:{WHEELS}\\bad\\{WIN}".replace("/", "\\"),
        f"Z:bad\\{WIN}",
        "bad\\*win_amd64.whl",
    ],
    ids=["backslashes", "another case", "a drive", "a long path", "a drive's directory", "a pattern"],
)
def test_paths_of_windows(path: str, python311: Path) -> None:
    """However Windows spells the path of a wheel, the wheel is audited, and the path is the only thing that differs."""
    here = json.loads(wheel_audit("--format", "json", f"bad/{WIN}", folder=WHEELS).output)["wheels"][0]
    answer = on_windows(python311, "--format", "json", path)
    assert answer.returncode == 1, answer.stderr
    (there,) = json.loads(answer.stdout)["wheels"]
    if there["filename"] == WIN:
        del here["path"], there["path"]
        assert there == here
    else:
        # The name is judged as it was given.
        assert there["filename"].lower() == WIN
        assert there["sha256"] == here["sha256"]


def test_one_file_under_several_spellings_is_audited_once(python311: Path) -> None:
    """A directory, and in it a wheel with a slash and in another case: as many reports as there are wheels."""
    answer = on_windows(python311, "--jobs", "1", "--format", "json", "bad", f"bad/{WIN}", f"BAD\\{WIN}")
    assert json.loads(answer.stdout)["summary"]["wheels"] == 3


def test_a_directory_is_read_in_the_same_order(python311: Path, tmp_path: Path) -> None:
    """Names in capitals come before the others, as here; a suffix in capitals is no wheel's, as here."""
    for name in ("Zeta", "alpha", "Beta"):
        build_wheel(WheelSpec(name=name)).write(tmp_path)
    (tmp_path / "other-1.0-py3-none-any.WHL").write_bytes(b"")
    here = wheel_audit("--format", "json", "--jobs", "1", ".", folder=tmp_path)
    there = on_windows(python311, "--format", "json", "--jobs", "1", ".", working=tmp_path)
    assert len(json.loads(here.output)["wheels"]) == 3
    assert there.stdout == here.raw


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("missing.whl", 2, "does not exist"),
        ("missing\\x.whl", 2, "does not exist"),
        ("missing\\*.whl", 2, "does not exist"),
        ("a<b>.whl", 2, "does not exist"),
        ("", 2, "does not exist"),
        ("Q:\\x.whl", 2, "does not exist"),
        ("\\\\server\\share\\x.whl", 2, "does not exist"),
        (f"bad\\{WIN}\\x.whl", 2, "does not exist"),
        ("..\\report\\", 2, "holds no `*.whl` file"),
        ("nul", 3, "it is a device, not a file"),
    ],
)
def test_paths_without_a_wheel(path: str, status: int, says: str, python311: Path) -> None:
    """What is no wheel's path ends as it does elsewhere, with one line."""
    answer = on_windows(python311, path)
    assert answer.returncode == status, answer.stderr
    (line,) = answer.stderr.decode("ascii").splitlines()
    assert line.startswith("error: ")
    assert line.endswith(says)


def test_a_reader_that_went_away(python311: Path) -> None:
    """A closed pipe leaves no word, and the status is the verdict's, though Windows says "Invalid argument"."""
    paths = (python311 / "site", REPOSITORY)
    answer = windows.run_module(python311, "-c", BAD_PIPE, working=WHEELS, paths=paths)
    assert answer.stdout.decode("ascii").splitlines() == ["1 b''", "1 b''", "0 b''", "0 b''"], answer.stderr


def test_the_output_goes_into_a_file_of_the_shell(python311: Path, tmp_path: Path) -> None:
    """`wheel-audit ... > FILE` in cmd.exe: the same JSON to the byte, no carriage return in it."""
    name = Path(TEN[5]).name
    shutil.copy(WHEELS / TEN[5], tmp_path)
    command = f" -m auditor --format json {name} > report.json"
    code = f"import subprocess, sys; sys.exit(subprocess.call('cmd /c \"' + sys.executable + {command!r} + '\"'))"
    paths = (python311 / "site", REPOSITORY)
    answer = windows.run_module(python311, "-c", code, working=tmp_path, paths=paths)
    here = wheel_audit("--format", "json", name, folder=tmp_path)
    assert (answer.returncode, answer.stdout, answer.stderr) == (1, b"", b"")
    assert (tmp_path / "report.json").read_bytes() == here.raw
