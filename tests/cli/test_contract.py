"""The command line as a contract (DESIGN.md, section 6): exit statuses, what goes to which stream, no traceback."""

from __future__ import annotations

import json
import os
import socket
from typing import TYPE_CHECKING

import click
import pytest

from auditor import ALL_RULES, __version__
from auditor.cli.audit import audit
from auditor.report.formats import FORMATS
from tests.builders import WheelSpec, ZipEntry, build_wheel, build_zip, extension_wheel
from tests.cli.command import WHEELS, fixture, wheel_audit

if TYPE_CHECKING:
    from pathlib import Path

GOOD = fixture("cp311-cp311-win_amd64")
BAD = fixture("cp313-cp313-win_amd64", "bad")
WARNED = WheelSpec(python="cp311", abi="none", platform="any")
"""A wheel whose only finding is the warning `tag-cp-none-any`."""


def test_a_clean_wheel_ends_with_0(tmp_path: Path) -> None:
    """A wheel without a finding ends with 0 and writes nothing to standard error."""
    clean = extension_wheel("cp311-cp311-win_amd64").write(tmp_path)
    outcome = wheel_audit(clean)
    assert (outcome.status, outcome.errors) == (0, "")
    assert outcome.output == f"ok    {clean}\n1 wheel audited, passed: 0 errors, 0 warnings, 0 infos\n"


def test_a_failing_wheel_ends_with_1() -> None:
    """A wheel with an error ends with 1, and the report is on standard output alone."""
    outcome = wheel_audit(BAD)
    assert (outcome.status, outcome.errors) == (1, "")
    assert "error[extension-suffix-mismatch]" in outcome.output


@pytest.mark.parametrize(
    ("arguments", "status"),
    [((), 0), (("--fail-on", "error"), 0), (("--fail-on", "warning"), 1), (("--fail-on", "never"), 0)],
)
def test_fail_on_decides_what_fails(arguments: tuple[str, ...], status: int, tmp_path: Path) -> None:
    """A warning fails a wheel only where --fail-on says so."""
    wheel = build_wheel(WARNED).write(tmp_path)
    outcome = wheel_audit(*arguments, wheel)
    assert "warning[tag-cp-none-any]" in outcome.output
    assert outcome.status == status


def test_fail_on_never_passes_errors() -> None:
    """With --fail-on never even an error ends with 0, and is still reported."""
    outcome = wheel_audit("--fail-on", "never", BAD)
    assert outcome.status == 0
    assert outcome.output.startswith("ok    ")
    assert "2 errors" in outcome.output


def test_fail_on_info_fails_for_anything(tmp_path: Path) -> None:
    """The option takes what the settings file takes: with `info` the least finding fails."""
    assert wheel_audit("--fail-on", "info", GOOD).status == 1
    (tmp_path / "wheel-audit.toml").write_text('fail-on = "info"')
    assert wheel_audit(GOOD, folder=tmp_path).status == 1
    assert wheel_audit("--fail-on", "info", "--ignore", "sbom-missing", GOOD).status == 0


def test_no_arguments_is_wrong_usage() -> None:
    """Without arguments nothing was audited, so the help goes to standard error and the status is 2."""
    outcome = wheel_audit()
    assert (outcome.status, outcome.output) == (2, "")
    assert outcome.errors.startswith("Usage: wheel-audit [OPTIONS] PATH...")


def test_an_unknown_option_is_wrong_usage() -> None:
    """An unknown option ends with 2 and names the option that it resembles."""
    outcome = wheel_audit("--fromat", "json", GOOD)
    assert (outcome.status, outcome.output) == (2, "")
    assert "--format" in outcome.errors


@pytest.mark.parametrize("arguments", [("--format", "xml"), ("--fail-on", "note"), ("--select", " , "), ("--quiet",)])
def test_wrong_option_values_are_wrong_usage(arguments: tuple[str, ...]) -> None:
    """A value that an option does not take ends with 2, and so does an option without a path."""
    paths = () if arguments == ("--quiet",) else (GOOD,)
    outcome = wheel_audit(*arguments, *paths)
    assert (outcome.status, outcome.output) == (2, "")
    assert "error: " in outcome.errors


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_an_unknown_rule_is_named_with_its_neighbour(option: str) -> None:
    """An unknown rule in --select or --ignore ends with 2 and suggests the nearest name."""
    outcome = wheel_audit(option, "glibc-newer-than-tags", GOOD)
    assert (outcome.status, outcome.output) == (2, "")
    assert outcome.errors == (
        "error: there is no rule or family `glibc-newer-than-tags`; did you mean `glibc-newer-than-tag`?"
        " (`wheel-audit rules` lists them)\n"
    )


def test_an_unknown_rule_without_a_neighbour_suggests_nothing() -> None:
    """A name that resembles no rule gets no suggestion."""
    outcome = wheel_audit("--select", "zzzzzz", GOOD)
    assert outcome.status == 2
    assert "did you mean" not in outcome.errors


def test_select_runs_these_rules_alone() -> None:
    """--select takes rules and families, repeated or separated by commas."""
    assert wheel_audit("--select", "linux,record", BAD).status == 0
    outcome = wheel_audit("--select", "linux", "--select", "wheel-tag-mismatch", BAD)
    assert outcome.status == 1
    assert "1 error," in outcome.output


def test_ignore_sets_findings_aside() -> None:
    """--ignore keeps findings out of the verdict, and the report says how many there were."""
    outcome = wheel_audit("--ignore", "python_abi, wheel-tag-mismatch", BAD)
    assert outcome.status == 0
    assert "2 findings suppressed (--verbose shows them)" in outcome.output


@pytest.mark.parametrize("path", ["missing.whl", "", "a" * 300 + ".whl", "file.txt/x.whl", "loop.whl"])
def test_a_path_that_does_not_exist_ends_with_2(path: str, tmp_path: Path) -> None:
    """A path at which nothing can be ends with 2: absent, empty, too long, below a file, a link to itself."""
    (tmp_path / "file.txt").write_text("a file")
    (tmp_path / "loop.whl").symlink_to("loop.whl")
    outcome = wheel_audit(path, folder=tmp_path)
    assert (outcome.status, outcome.output) == (2, "")
    assert outcome.errors == f"error: `{path}` does not exist\n"


def test_a_missing_path_ends_the_run_before_anything_is_read() -> None:
    """One missing path among others ends with 2, and no report is printed."""
    outcome = wheel_audit(BAD, "missing.whl")
    assert (outcome.status, outcome.output) == (2, "")


def test_a_directory_without_wheels_ends_with_2(tmp_path: Path) -> None:
    """A directory that holds no wheel is no success: nothing was audited."""
    (tmp_path / "project-1.0.tar.gz").write_bytes(b"")
    outcome = wheel_audit(tmp_path)
    assert (outcome.status, outcome.output) == (2, "")
    assert outcome.errors == f"error: the directory `{tmp_path}` holds no `*.whl` file\n"


def test_a_directory_stands_for_its_wheels() -> None:
    """Every wheel of a directory is audited, in the order of the names, and one failure fails the run."""
    outcome = wheel_audit("bad", GOOD, folder=WHEELS)
    lines = [line for line in outcome.output.splitlines() if line.startswith(("FAIL", "ok"))]
    expected = sorted(path.name for path in (WHEELS / "bad").iterdir())
    assert lines == [
        *(f"FAIL  {os.path.join('bad', name)}" for name in expected),  # noqa: PTH118
        f"ok    {GOOD}",
        "ok    the release my-extension 0.1.0",
    ]
    assert "4 wheels audited, 3 of 4 failed: 4 errors" in outcome.output
    assert outcome.status == 1


def test_a_wheel_named_twice_is_audited_once() -> None:
    """The same path given twice, or as part of a directory given too, is reported once."""
    outcome = wheel_audit("bad", os.path.join("bad", BAD.name), "bad", folder=WHEELS)  # noqa: PTH118
    assert "3 wheels audited" in outcome.output


def test_what_cannot_be_read_ends_with_3_after_the_rest(tmp_path: Path) -> None:
    """A directory that is named like a wheel cannot be read: the others are reported, then the status is 3."""
    (tmp_path / "demo-1.0-py3-none-any.whl").mkdir()
    extension_wheel("cp311-cp311-linux_x86_64").write(tmp_path)
    outcome = wheel_audit(".", folder=tmp_path)
    assert outcome.status == 3
    assert "error[platform-not-on-pypi]" in outcome.output
    assert outcome.errors == ("error: `demo-1.0-py3-none-any.whl` cannot be read: it is a directory, not a file\n")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in the file system are POSIX's")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    """A named pipe into which nobody writes is refused, and nothing is said to have passed."""
    os.mkfifo(tmp_path / "demo-1.0-py3-none-any.whl")
    for arguments in ((".",), ("facts", "demo-1.0-py3-none-any.whl")):
        outcome = wheel_audit(*arguments, folder=tmp_path)
        assert outcome.status == 3
        assert "it is a pipe, not a file" in outcome.errors
        assert "passed" not in outcome.output


@pytest.mark.skipif(os.name != "posix", reason="sockets in the file system and /dev/null are POSIX's")
def test_sockets_and_devices_are_no_files(tmp_path: Path) -> None:
    """A socket and a device are refused by what they are."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.whl"))
        outcome = wheel_audit("s.whl", os.devnull, folder=tmp_path)
    assert outcome.status == 3
    assert outcome.output.startswith("not audited: `s.whl` cannot be read: it is a socket, not a file\nnot audited: ")
    assert outcome.output.endswith("\n\nno wheel was audited\n")
    assert outcome.errors == (
        "error: `s.whl` cannot be read: it is a socket, not a file\n"
        f"error: `{os.devnull}` cannot be read: it is a device, not a file\n"
    )


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "zip-not-zip"),
        (b"<html><title>404</title></html>\n", "zip-not-zip"),
        (GOOD.read_bytes()[:5000], "zip-end-record"),
    ],
    ids=["empty", "text", "truncated"],
)
def test_what_is_no_archive_is_a_finding(content: bytes, rule: str, tmp_path: Path) -> None:
    """An empty, a foreign and a truncated file are findings of status 1, not errors of usage."""
    wheel = tmp_path / GOOD.name
    wheel.write_bytes(content)
    outcome = wheel_audit("--format", "json", wheel)
    assert (outcome.status, outcome.errors) == (1, "")
    (report,) = json.loads(outcome.output)["wheels"]
    assert rule in {finding["rule"] for finding in report["findings"]}


def test_a_file_without_the_suffix_is_audited(tmp_path: Path) -> None:
    """A file is taken whatever its name: that it is no wheel's name is a finding."""
    path = tmp_path / "wheel.zip"
    path.write_bytes(GOOD.read_bytes())
    outcome = wheel_audit(path)
    assert outcome.status == 1
    assert "error[filename-invalid]" in outcome.output


def test_a_path_that_looks_like_an_option_follows_two_dashes(tmp_path: Path) -> None:
    """What stands behind `--` is a path."""
    (tmp_path / "-v.whl").write_bytes(b"")
    outcome = wheel_audit("--", "-v.whl", folder=tmp_path)
    assert outcome.status == 1
    assert outcome.output.startswith("FAIL  -v.whl\n")


def test_the_audit_needs_no_name() -> None:
    """`wheel-audit PATH` is `wheel-audit audit PATH`, options first or last."""
    named = wheel_audit("audit", BAD, "--quiet")
    assert named == wheel_audit(BAD, "--quiet") == wheel_audit("-q", BAD)
    assert named.status == 1


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_everything(option: str) -> None:
    """The help names the options of the audit, the other commands and the exit statuses."""
    outcome = wheel_audit(option)
    assert (outcome.status, outcome.errors) == (0, "")
    assert outcome.output.startswith(
        "Usage: wheel-audit [OPTIONS] PATH...\n"
        "       wheel-audit matrix PATH... | facts WHEEL\n"
        "       wheel-audit explain RULE | rules | schema\n"
    )
    assert "Say whether wheels keep every promise" in outcome.output
    for option_of_audit in audit.params:
        assert isinstance(option_of_audit, click.Argument) or option_of_audit.opts[0] in outcome.output
    _, _, commands = outcome.output.partition("\nCommands:\n")
    commands, _, statuses = commands.partition("\nExit status:\n")
    assert [line.split()[0] for line in commands.splitlines() if line[:3].strip()] == [
        "explain",
        "facts",
        "matrix",
        "rules",
        "schema",
    ]
    assert [line.split()[0] for line in statuses.splitlines()] == ["0", "1", "2", "3", "130"]
    assert max(len(line) for line in outcome.output.splitlines()) <= 100


def test_help_of_a_command() -> None:
    """Every command explains itself."""
    for command in ("audit", "explain", "rules", "facts", "matrix", "schema"):
        outcome = wheel_audit(command, "--help")
        assert outcome.status == 0
        assert outcome.output.startswith(f"Usage: wheel-audit {command}")


def test_version() -> None:
    """--version names the program and its version."""
    outcome = wheel_audit("--version")
    assert (outcome.status, outcome.output) == (0, f"wheel-audit, version {__version__}\n")


def test_explain_prints_the_documentation() -> None:
    """`explain RULE` prints the head line and the whole documentation of the rule."""
    outcome = wheel_audit("explain", "glibc-newer-than-tag")
    assert outcome.status == 0
    assert outcome.output.startswith("glibc-newer-than-tag  (error; family linux; PyPI: accept; since 0.1)\n\n")
    for section in ("**What it checks.**", "**Why it matters.**", "**How to fix.**"):
        assert section in outcome.output


def test_explain_of_a_family_lists_its_rules() -> None:
    """`explain FAMILY` lists the rules of that family and no other."""
    outcome = wheel_audit("explain", "linux")
    assert outcome.status == 0
    names = [line.split()[0] for line in outcome.output.splitlines()[1:]]
    assert names == [rule.name for rule in ALL_RULES if rule.family == "linux"]


def test_explain_of_an_unknown_rule() -> None:
    """`explain` of an unknown rule ends with 2 and suggests the nearest name."""
    outcome = wheel_audit("explain", "glibc-newer")
    assert (outcome.status, outcome.output) == (2, "")
    assert "did you mean `glibc-newer-than-tag`?" in outcome.errors
    assert wheel_audit("explain").status == 2


def test_rules_lists_every_rule() -> None:
    """`rules` prints a line a rule under its family, and as JSON the same rules."""
    text, rows = wheel_audit("rules"), wheel_audit("rules", "--format", "json")
    assert (text.status, rows.status) == (0, 0)
    listed = [line.split() for line in text.output.splitlines() if line.startswith("  ")]
    assert sorted((words[0], words[1]) for words in listed) == [(rule.name, rule.severity.value) for rule in ALL_RULES]
    assert json.loads(rows.output) == [
        {
            "rule": rule.name,
            "family": rule.family,
            "severity": rule.severity.value,
            "pypi": rule.pypi.value,
            "since": rule.since,
            "summary": rule.summary,
        }
        for rule in ALL_RULES
    ]


def test_facts_prints_what_was_read() -> None:
    """`facts WHEEL` prints the facts as JSON and judges nothing."""
    outcome = wheel_audit("facts", BAD)
    facts = json.loads(outcome.output)
    assert (outcome.status, outcome.errors) == (0, "")
    assert facts["name"]["python"] == "cp313"
    assert [binary["format"] for binary in facts["binaries"]] == ["pe"]
    assert outcome.raw == wheel_audit("facts", BAD).raw


def test_facts_of_what_cannot_be_read(tmp_path: Path) -> None:
    """`facts` ends with 2 where nothing is, and with 3 at a directory."""
    missing = wheel_audit("facts", "missing.whl", folder=tmp_path)
    assert (missing.status, missing.output) == (2, "")
    assert missing.errors == "error: `missing.whl` does not exist\n"
    directory = wheel_audit("facts", ".", folder=tmp_path)
    assert (directory.status, directory.output) == (3, "")


@pytest.mark.parametrize("format_", list(FORMATS))
def test_the_same_wheels_give_the_same_bytes(format_: str) -> None:
    """A report is a function of the wheels and the options: no clock, no hash seed, no time zone, no language."""
    seeds = ({"PYTHONHASHSEED": "1", "TZ": "UTC"}, {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LC_ALL": "C"})
    first, second = (wheel_audit("--format", format_, "bad", "good", variables=seed, folder=WHEELS) for seed in seeds)
    assert first.status == 1
    assert first.raw == second.raw


@pytest.mark.parametrize("format_", list(FORMATS))
def test_a_report_names_no_absolute_path(format_: str) -> None:
    """Of the machine a report names nothing but the paths as they were given."""
    outcome = wheel_audit("--verbose", "--format", format_, "bad", folder=WHEELS)
    assert str(WHEELS) not in outcome.output
    assert BAD.name in outcome.output


def test_quiet_leaves_out_what_passed(tmp_path: Path) -> None:
    """--quiet shows errors, warnings and the last line; --verbose all evidence and what was suppressed."""
    quiet = wheel_audit("--quiet", GOOD)
    assert quiet.output == "1 wheel audited, passed: 0 errors, 0 warnings, 1 info\n"
    wheel = build_wheel(WARNED).write(tmp_path)
    verbose = wheel_audit("--verbose", "--ignore", "tag-cp-none-any", wheel)
    assert "suppressed[tag-cp-none-any]: " in verbose.output
    assert "(`tag-cp-none-any` is ignored)" in " ".join(verbose.output.split())


def test_any_archive_gives_a_report(tmp_path: Path) -> None:
    """An archive that is no wheel at all is judged, not refused."""
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    path.write_bytes(build_zip((ZipEntry(name="a.txt", content=b"a"),)))
    outcome = wheel_audit(path)
    assert (outcome.status, outcome.errors) == (1, "")
