"""Settings files: where they are found, what they say, and that nothing in them is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from auditor import ConfigError, PathNotFoundError, Profile, Settings, Severity, load_settings
from auditor.config import MAX_CONFIG
from auditor.platforms.stated import Floors
from auditor.settings import DEFAULT, ExternalLibrary, Ignore

WHOLE = """
select = ["archive", "zip-crc"]
profile = "pypi"
fail-on = "warning"
size-limit = "150 MiB"

[ignore]
"debug-info" = "we ship it"
supply_chain = "not yet"

[severity]
"sbom-missing" = "warning"
linux = "info"

[floors]
glibc = "2.28"
musl = "1.2"
macos = "11.0"

[external-libraries]
"libcudart.so.*" = "nvidia-cuda-runtime-cu12"

[expected-matrix]
cp312 = ["manylinux_x86_64", "macos_arm64"]
cp313t = ["win_amd64"]

[[per-file-ignores]]
glob = "demo/vendor/**"
rules = ["rpath-unsafe"]
reason = "loaded by its full path"

[[per-file-ignores]]
wheel = "*-win_amd64.whl"
rules = ["windows", "linux"]
reason = "tested by hand"
"""
MEANT = Settings(
    select=("archive", "zip-crc"),
    ignore=("debug-info", "supply_chain"),
    reasons=(("debug-info", "we ship it"), ("supply_chain", "not yet")),
    severities=(("sbom-missing", Severity.WARNING), ("linux", Severity.INFO)),
    per_file_ignores=(
        Ignore(rules=("rpath-unsafe",), reason="loaded by its full path", glob="demo/vendor/**"),
        Ignore(rules=("windows", "linux"), reason="tested by hand", wheel="*-win_amd64.whl"),
    ),
    external_libraries=(ExternalLibrary(library="libcudart.so.*", distribution="nvidia-cuda-runtime-cu12"),),
    floors=Floors(glibc=(2, 28), musl=(1, 2), macos=(11, 0)),
    expected_matrix=(("cp312", ("manylinux_x86_64", "macos_arm64")), ("cp313t", ("win_amd64",))),
    size_limit=150 << 20,
    profile=Profile.PYPI,
    fail_on=Severity.WARNING,
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, and in it the current directory."""
    below = tmp_path / "repository" / "below"
    below.mkdir(parents=True)
    (below.parent / ".git").mkdir()
    monkeypatch.chdir(below)
    return below


def shared(text: str) -> str:
    """The same settings, as a pyproject.toml has them."""
    lines = []
    for line in ["[tool.wheel-audit]", *text.splitlines()]:
        if line.startswith("[") and not line.startswith("[tool."):
            brackets = "[[" if line.startswith("[[") else "["
            line = line.replace(brackets, f"{brackets}tool.wheel-audit.")  # noqa: PLW2901
        lines.append(line)
    return "\n".join(lines)


def test_everything_that_can_be_set(here: Path) -> None:
    """Both kinds of file say the same, with either kind of line end, and with a byte order mark."""
    (here / "own.toml").write_text(WHOLE)
    assert load_settings("own.toml") == MEANT
    assert load_settings(here / "own.toml") == MEANT
    (here / "pyproject.toml").write_bytes(b"\xef\xbb\xbf" + shared(WHOLE).replace("\n", "\r\n").encode())
    assert load_settings("pyproject.toml") == MEANT
    assert load_settings() == MEANT


def test_an_own_file_may_have_the_heading_of_the_shared_one(here: Path) -> None:
    """What a page shows for pyproject.toml works in wheel-audit.toml as well; half of it does not."""
    (here / "wheel-audit.toml").write_text(shared(WHOLE))
    assert load_settings() == load_settings("wheel-audit.toml") == MEANT
    (here / "wheel-audit.toml").write_text("[tool.wheel-audit]\nfail_on = 'error'")
    with pytest.raises(ConfigError) as wrong:
        load_settings()
    assert (wrong.value.key, wrong.value.suggestion) == ("tool.wheel-audit.fail_on", "fail-on")
    for text in (
        "profile = 'pypi'\n[tool.wheel-audit]\n",
        "[tool.other]",
        "tool = 1",
        "[tool.other]\n[tool.wheel-audit]",
    ):
        (here / "wheel-audit.toml").write_text(text)
        with pytest.raises(ConfigError, match="has the settings at its root, or all of them in") as wrong:
            load_settings()
        assert wrong.value.key == "tool"


def test_the_file_is_found_upwards(here: Path) -> None:
    """The nearest file that has settings counts, the own one before the shared one, up to the repository's root."""
    assert load_settings() == DEFAULT
    above = here.parent
    (above.parent / "wheel-audit.toml").write_text('profile = "pypi"')
    assert load_settings() == DEFAULT
    (above / "pyproject.toml").write_text('[tool.wheel-audit]\nprofile = "strict"')
    assert load_settings().profile is Profile.STRICT
    (here / "pyproject.toml").write_text("[tool.other]\n[project]\n")
    assert load_settings().profile is Profile.STRICT
    (here / "pyproject.toml").write_text('[tool.wheel-audit]\nfail-on = "never"')
    assert load_settings() == Settings(fail_on=None)
    (here / "wheel-audit.toml").write_text('fail-on = "info"')
    assert load_settings() == Settings(fail_on=Severity.INFO)


def test_a_worktree_is_a_repository(here: Path) -> None:
    """What marks the root may be a file, as in a worktree."""
    (here / ".git").write_text("gitdir: elsewhere")
    (here.parent / "wheel-audit.toml").write_text('profile = "pypi"')
    assert load_settings() == DEFAULT


@pytest.mark.skipif(os.name != "posix", reason="only POSIX lets a current directory be deleted")
def test_no_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the current directory is gone there are no settings."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert load_settings() == DEFAULT


def test_ignores_without_reasons(here: Path) -> None:
    """A list of names will do; then the reason is that it is ignored."""
    (here / "wheel-audit.toml").write_text('ignore = ["debug-info"]')
    assert load_settings() == Settings(ignore=("debug-info",))


@pytest.mark.parametrize(
    ("written", "size"),
    [("7", 7), ('"7"', 7), ('"7 B"', 7), ('"7 kB"', 7000), ('"7MB"', 7_000_000), ('"1 GiB"', 1 << 30)],
)
def test_sizes(written: str, size: int, here: Path) -> None:
    """A size is a number of bytes or has a unit."""
    (here / "wheel-audit.toml").write_text(f"size-limit = {written}")
    assert load_settings().size_limit == size


WRONG = {
    "unknown key": ('ignroe = ["zip-crc"]', "ignroe", "there is no such setting; did you mean `ignore`?"),
    "underscore": ("fail_on = 'error'", "fail_on", "there is no such setting; did you mean `fail-on`?"),
    "no neighbour": ("zzzz = 1", "zzzz", "there is no such setting"),
    "unknown rule": (
        'select = ["zip-crcs"]',
        "select",
        "there is no rule or family `zip-crcs`; did you mean `zip-crc`?",
    ),
    "unknown family": ('ignore = ["linus"]', "ignore", "there is no rule or family `linus`; did you mean `linux`?"),
    "ignored in a table": ("ignore = { linus = 'x' }", "ignore", "did you mean `linux`?"),
    "no reason": ("ignore = { linux = ' ' }", "ignore.linux", "it is empty"),
    "reason of another type": ("ignore = { linux = true }", "ignore.linux", "is to be a text, and is a truth value"),
    "ignore of another type": ("ignore = 'linux'", "ignore", "it is to be a list or a table, and is a text"),
    "empty select": ("select = []", "select", "it is empty"),
    "select of another type": ("select = 'linux'", "select", "it is to be a list, and is a text"),
    "select of numbers": ("select = [1]", "select[0]", "it is to be a text, and is a number"),
    "severity": (
        "severity = { linux = 'warn' }",
        "severity.linux",
        "`warn` is none of error, warning, info; did you mean `warning`?",
    ),
    "severity of what": ("severity = { linus = 'info' }", "severity", "did you mean `linux`?"),
    "severity of another type": ("severity = 'info'", "severity", "it is to be a table, and is a text"),
    "profile": ("profile = 'strickt'", "profile", "did you mean `strict`?"),
    "fail-on": (
        "fail-on = 'errors'",
        "fail-on",
        "`errors` is none of error, warning, info, never; did you mean `error`?",
    ),
    "fail-on of another type": ("fail-on = 1979-05-27", "fail-on", "it is to be a text, and is a date or a time"),
    "floor": ("floors = { glibcc = '2.28' }", "floors.glibcc", "did you mean `glibc`?"),
    "floor as a number": ("floors = { glibc = 2.30 }", "floors.glibc", 'it is to be a version as text, such as "2.28"'),
    "floor as a tag": ("floors = { macos = '11' }", "floors.macos", "it is to be a version as text"),
    "size": ("size-limit = '10 parsecs'", "size-limit", "it is to be a number of bytes"),
    "size of nothing": ("size-limit = 0", "size-limit", "it is to be a number of bytes"),
    "size as a truth": ("size-limit = true", "size-limit", "it is to be a number of bytes"),
    "interpreter": ("expected-matrix = { python312 = ['any'] }", "expected-matrix", "the interpreter `python312`"),
    "platform": ("expected-matrix = { cp312 = ['linux'] }", "expected-matrix", "the platform `linux`"),
    "library": ("external-libraries = { libx = '' }", "external-libraries.libx", "it is empty"),
    "per-file of another type": (
        "per-file-ignores = { a = 1 }",
        "per-file-ignores",
        "an array of tables, and is a table",
    ),
    "per-file of texts": ("per-file-ignores = ['a']", "per-file-ignores[0]", "it is to be a table, and is a text"),
    "per-file without a reason": (
        "[[per-file-ignores]]\nglob = '*'\nrules = ['linux']",
        "per-file-ignores[0]",
        "it has no `reason`",
    ),
    "per-file without rules": (
        "[[per-file-ignores]]\nglob = '*'\nreason = 'x'",
        "per-file-ignores[0]",
        "it has no `rules`",
    ),
    "per-file without a place": (
        "[[per-file-ignores]]\nrules = ['linux']\nreason = 'x'",
        "per-file-ignores[0]",
        "neither a `glob`",
    ),
    "per-file of no rule": (
        "[[per-file-ignores]]\nglob = '*'\nrules = []\nreason = 'x'",
        "per-file-ignores[0].rules",
        "it is empty",
    ),
    "per-file key": ("[[per-file-ignores]]\nglobs = '*'", "per-file-ignores[0].globs", "did you mean `glob`?"),
}


@pytest.mark.parametrize(("text", "key", "problem"), WRONG.values(), ids=list(WRONG))
def test_what_is_not_understood_is_an_error(text: str, key: str, problem: str, here: Path) -> None:
    """An unknown key, name or word and a wrong type are errors that name file, key and the nearest known name."""
    (here / "wheel-audit.toml").write_text(text)
    with pytest.raises(ConfigError) as own:
        load_settings()
    assert (own.value.file, own.value.key, own.value.exit_status) == ("wheel-audit.toml", key, 2)
    assert str(own.value).startswith(f"`wheel-audit.toml`, `{key}`: ")
    assert problem in str(own.value)
    assert "None" not in str(own.value)
    (here / "wheel-audit.toml").unlink()
    (here.parent / "pyproject.toml").write_text(shared(text))
    with pytest.raises(ConfigError) as within:
        load_settings()
    file = os.path.join("..", "pyproject.toml")  # noqa: PTH118
    assert (within.value.file, within.value.key) == (file, f"tool.wheel-audit.{key}")
    assert within.value.suggestion == own.value.suggestion


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a = ", "it is no TOML: "),
        (b"a = 1\na = 2\n", "it is no TOML: "),
        (b"size-limit = " + b"9" * 5000, "it is no TOML: "),
        ("profile = 'pypi'".encode("utf-16"), "it is not UTF-8: "),
        (b"# \xff", "it is not UTF-8: "),
        (b"#" * (MAX_CONFIG + 1), "it has more than 1,048,576 bytes"),
        (b"a = " + b"[" * 100_000, "it is nested too deeply"),
        (b"\0", "it is no TOML: "),
    ],
)
def test_what_is_no_settings_file(content: bytes, problem: str, here: Path) -> None:
    """A file that cannot be read as TOML in UTF-8 is an error that says why."""
    for name in ("wheel-audit.toml", "pyproject.toml"):
        (here / name).write_bytes(content)
        with pytest.raises(ConfigError) as raised:
            load_settings()
        assert str(raised.value).startswith(f"`{name}`: {problem}")
        (here / name).unlink()


def test_named_files(here: Path) -> None:
    """A named file must be there, be a file, and have the table."""
    for path in ("missing.toml", "", "a\0b", os.path.join("file", "x.toml")):  # noqa: PTH118
        (here / "file").write_text("")
        with pytest.raises((PathNotFoundError, ConfigError)) as missing:
            load_settings(path)
        assert missing.value.exit_status == 2
    with pytest.raises(ConfigError, match="it is not a file"):
        load_settings(here)
    with pytest.raises(ConfigError, match="it is not a file"):
        load_settings(os.devnull)
    for text in ("", "[tool]", "tool = 1", "[tool.other]"):
        (here / "pyproject.toml").write_text(text)
        with pytest.raises(ConfigError, match=r"it has no table `\[tool.wheel-audit\]`"):
            load_settings("pyproject.toml")
        assert load_settings() == DEFAULT
    (here / "pyproject.toml").write_text("tool.wheel-audit = 1")
    with pytest.raises(ConfigError, match="it is to be a table, and is a number"):
        load_settings()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in the file system are POSIX's")
def test_a_pipe_does_not_hang(here: Path) -> None:
    """A pipe into which nobody writes is refused."""
    os.mkfifo(here / "wheel-audit.toml")
    with pytest.raises(ConfigError, match="it is not a file"):
        load_settings()


def test_what_may_not_be_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the system does not let us read is an error, not the default."""
    (here / "wheel-audit.toml").write_text("")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refused)
        with pytest.raises(ConfigError, match="it cannot be read: Permission denied"):
            load_settings()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "exists", refused)
        assert load_settings() == DEFAULT
