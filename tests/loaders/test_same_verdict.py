"""The verdict is the same from any host: wheel-audit itself, run by CPython 3.11 for Windows in Wine, and run here.

Its dependencies there are the wheels for Windows of the versions that are installed here.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pip
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

    from tests.cli.command import Outcome

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
SCRIPT = """
import sys
from auditor.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""
DEADLY = """
import multiprocessing, os, sys, time

def watch(event, arguments):
    if event == "open" and multiprocessing.parent_process() is not None:
        name = os.path.basename(str(arguments[0]))
        if name.startswith("deadly"):
            os._exit(7)
        if name.startswith("slow"):
            open("begun-" + name, "w").close()
            time.sleep(250)

sys.addaudithook(watch)
"""
"""Where a process of ours opens a certain wheel it ends, or takes its time."""
INTERRUPTED = """
import glob, signal, sys, threading, time

def interrupt():
    while len(glob.glob("begun-*")) < 2:
        time.sleep(0.1)
    time.sleep(1)
    signal.raise_signal(signal.SIGINT)

if __name__ == "__main__":
    from auditor.cli import main

    threading.Thread(target=interrupt, daemon=True).start()
    main()
"""
SETTINGS = """
[tool.wheel-audit]
ignore = { "supply_chain" = "größe" }

[[tool.wheel-audit.per-file-ignores]]
glob = "GLOB"
rules = ["linux"]
reason = "loaded by its full path"
"""
BAD_PIPE = """
import subprocess, sys
for arguments in (["bad"], ["--format", "json", "bad"], ["rules"], ["--help"]):
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


def with_slashes(there: CompletedProcess[bytes], here: Outcome) -> str:
    """A JSON report from Windows, with the paths of the one from here."""
    spelled = there.stdout.decode("ascii")
    for wheel in json.loads(here.output)["wheels"]:
        spelled = spelled.replace(json.dumps(wheel["path"].replace("/", "\\")), json.dumps(wheel["path"]))
    return spelled


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_the_json_is_the_same_but_for_the_paths(jobs: str, python311: Path) -> None:
    """Of all shipped wheels, judged as releases too: the same bytes, but for backslashes in `path`; the same status.

    However many processes there are: those of Windows begin anew, from the module that was run.
    """
    arguments = ("--format", "json", "--jobs", jobs, *FOLDERS)
    here, there = wheel_audit(*arguments, folder=WHEELS), on_windows(python311, *arguments)
    assert (here.status, there.returncode, there.stderr) == (1, 1, b"")
    assert len(json.loads(here.output)["wheels"]) >= 50
    assert with_slashes(there, here) == here.output


def test_the_program_that_pip_writes(python311: Path, tmp_path: Path) -> None:
    """`wheel-audit.exe`, which is pip's launcher with a module behind it, says the same with several processes."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("__main__.py", SCRIPT)
    launcher = Path(pip.__file__).parent / "_vendor" / "distlib" / "t64.exe"
    shebang = f"#!Z:{python311 / 'python' / 'python.exe'}\n".replace("/", "\\")
    program = tmp_path / "wheel-audit.exe"
    program.write_bytes(launcher.read_bytes() + shebang.encode("ascii") + content.getvalue())
    arguments = ("--isolated", "--jobs", "2", "--format", "json", "bad", "good")
    code = f"import subprocess, sys; sys.exit(subprocess.call({[f'Z:{program}', *arguments]!r}))"
    paths = (python311 / "site", REPOSITORY)
    there = windows.run_module(python311, "-c", code, working=WHEELS, paths=paths)
    here = wheel_audit(*arguments, folder=WHEELS)
    assert (there.returncode, there.stderr) == (1, b"")
    assert with_slashes(there, here) == here.output


def test_a_process_that_ends_costs_its_wheel_alone(python311: Path, tmp_path: Path) -> None:
    """The others have their reports, and the status is 3."""
    for name in ("alpha", "beta", "deadly", "epsilon"):
        build_wheel(WheelSpec(name=name)).write(tmp_path)
    (tmp_path / "sitecustomize.py").write_text(DEADLY, "utf-8")
    paths = (python311 / "site", REPOSITORY, tmp_path)
    arguments = ("-m", "auditor", "--isolated", "--jobs", "2", "--format", "json", ".")
    there = windows.run_module(python311, *arguments, working=tmp_path, paths=paths)
    name = "deadly-1.0-py3-none-any.whl"
    message = f"error: `{name}` could not be audited: its process ended with status 7, "
    assert there.stderr.decode("ascii").startswith(message)
    assert there.returncode == 3
    found = [one["filename"].split("-")[0] for one in json.loads(there.stdout)["wheels"]]
    assert found == ["alpha", "beta", "epsilon"]


def test_control_c_with_several_processes(python311: Path, tmp_path: Path) -> None:
    """The command hears it while it waits, ends its processes, and says one line."""
    for name in ("slow", "slow_too"):
        build_wheel(WheelSpec(name=name)).write(tmp_path)
    (tmp_path / "sitecustomize.py").write_text(DEADLY, "utf-8")
    paths = (python311 / "site", REPOSITORY, tmp_path)
    arguments = ("-c", INTERRUPTED, "--isolated", "--jobs", "2", ".")
    there = windows.run_module(python311, *arguments, working=tmp_path, paths=paths)
    assert (there.returncode, there.stdout, there.stderr.split()) == (130, b"", [b"interrupted"])


def release(folder: Path) -> Path:
    """A directory with a release: wheels of one version, and its source distribution."""
    folder.mkdir(parents=True)
    for wheel in (WHEELS / "good").glob("*.whl"):
        shutil.copy(wheel, folder)
    (folder / "my_extension-0.1.0.tar.gz").write_bytes(b"")
    return folder


def test_a_release_is_the_same(python311: Path, tmp_path: Path) -> None:
    """With the source distribution, against the release before, and in every format the matrix."""
    release(tmp_path / "dist")
    for wheel in release(tmp_path / "previous").glob("*win*.whl"):
        (tmp_path / "dist" / wheel.name).unlink()
    for one in (tmp_path / "previous").iterdir():
        one.rename(one.with_name(one.name.replace("-0.1.0", "-0.0.9")))
    arguments = ("--format", "json", "--against", "previous", "dist")
    here, there = (wheel_audit(*arguments, folder=tmp_path), on_windows(python311, *arguments, working=tmp_path))
    assert (there.returncode, there.stderr) == (here.status, b"")
    assert with_slashes(there, here) == here.output
    assert "`win_amd64`, `win_arm64`, which `0.0.9` had wheels for, have none" in here.output
    (tmp_path / "previous.json").write_bytes(wheel_audit("--format", "json", "previous", folder=tmp_path).raw)
    arguments = ("--format", "json", "--against", "previous.json", "dist")
    assert with_slashes(on_windows(python311, *arguments, working=tmp_path), here) == here.output
    for name in ("markdown", "json", "html"):
        drawn = on_windows(python311, "matrix", "--format", name, "dist", working=tmp_path)
        assert drawn.stdout == wheel_audit("matrix", "--format", name, "dist", folder=tmp_path).raw
    text = on_windows(python311, "matrix", "dist", working=tmp_path).stdout.decode("cp1252").replace("\r\n", "\n")
    plain = wheel_audit("matrix", "dist", folder=tmp_path, variables={"PYTHONIOENCODING": "cp1252:backslashreplace"})
    assert text == plain.raw.decode("cp1252")


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
@pytest.mark.parametrize("glob", ["my_extension/**", "my_extension\\\\**"], ids=["slashes", "backslashes"])
def test_settings_are_the_same(glob: str, start: bytes, python311: Path, tmp_path: Path) -> None:
    """A pyproject.toml with line ends of Windows; a backslash in a glob is as little a separator there as here."""
    for wheel in (WHEELS / "bad").glob("*.whl"):
        shutil.copy(wheel, tmp_path)
    lines = SETTINGS.replace("GLOB", glob).replace("\n", "\r\n")
    (tmp_path / "pyproject.toml").write_bytes(start + lines.encode("utf-8"))
    here = wheel_audit("--format", "json", ".", folder=tmp_path)
    there = on_windows(python311, "--format", "json", ".", working=tmp_path)
    assert (there.returncode, there.stdout, there.stderr) == (here.status, here.raw, here.errors.encode())
    reasons = {one["reason"] for wheel in json.loads(here.output)["wheels"] for one in wheel["suppressed"]}
    assert reasons == {"größe", *(["loaded by its full path"] if "/" in glob else [])}


LONG = "/".join(letter * 100 for letter in "xyz")


@pytest.mark.parametrize("name", ["two spaces", "größe", "日本", LONG], ids=["spaces", "cp1252", "Japanese", "long"])
def test_directories_of_every_name(name: str, python311: Path, tmp_path: Path) -> None:
    """With spaces, letters outside the code page, more than 260 characters: the same report, printed and in files."""
    for folder in (tmp_path / "here", tmp_path / "there"):
        (folder / name).mkdir(parents=True)
        build_wheel(WheelSpec(members={"demo/größe_日本.pyc": b""})).write(folder / name)
    wheel = f"{name}/demo-1.0-py3-none-any.whl"
    files = [(one, f"{name}/report{FORMATS[one].suffix}") for one in ("html", "json", "markdown", "text")]
    arguments = [*(f"--output={one}:{file}" for one, file in files), "--verbose", wheel]
    here = wheel_audit(*arguments, folder=tmp_path / "here", variables={"PYTHONIOENCODING": "cp1252"})
    there = on_windows(python311, *arguments, working=tmp_path / "there")
    assert (there.returncode, there.stderr) == (here.status, b"")
    assert there.stdout.replace(b"\r\n", b"\n") == here.raw
    assert "größe_\\u65e5\\u672c.pyc".encode("cp1252") in here.raw
    for _, file in files:
        assert (tmp_path / "there" / file).read_bytes() == (tmp_path / "here" / file).read_bytes()
    there = on_windows(python311, "--format", "json", name, working=tmp_path / "there")
    here = wheel_audit("--format", "json", name, folder=tmp_path / "here")
    assert with_slashes(there, here) == here.output


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
    expected = wheel_audit(*options, *names, folder=here)
    answer = on_windows(python311, *options, *names, working=there)
    assert (expected.status, answer.returncode, answer.stderr) == (1, 1, b"")
    for name, one in FORMATS.items():
        file = f"report-{name}{one.suffix}"
        assert (there / file).read_bytes() == (here / file).read_bytes(), name
    assert not list(there.glob(".*"))


def test_the_text_is_the_same_but_for_the_line_ends(python311: Path) -> None:
    """On standard output a person reads the same lines, with the line ends of Windows."""
    there = on_windows(python311, *TEN)
    assert b"\r\n" in there.stdout
    assert there.stdout.decode("ascii").replace("\r\n", "\n") == wheel_audit(*TEN, folder=WHEELS).output


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
    answer = on_windows(python311, "--format", "json", "bad", f"bad/{WIN}", f"BAD\\{WIN}")
    assert json.loads(answer.stdout)["summary"]["wheels"] == 3


def test_a_directory_is_read_in_the_same_order(python311: Path, tmp_path: Path) -> None:
    """Names in capitals come before the others, as here; a suffix in capitals is no wheel's, as here."""
    for name in ("Zeta", "alpha", "Beta"):
        build_wheel(WheelSpec(name=name)).write(tmp_path)
    (tmp_path / "other-1.0-py3-none-any.WHL").write_bytes(b"")
    here = wheel_audit("--format", "json", ".", folder=tmp_path)
    there = on_windows(python311, "--format", "json", ".", working=tmp_path)
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
