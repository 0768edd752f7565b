"""Every public name in use, as a program with strict types would use it; and what `import auditor` costs."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import auditor
from auditor import (
    ALL_RULES,
    AuditError,
    BaselineEntry,
    ConfigError,
    Evidence,
    ExternalLibrary,
    Finding,
    Floors,
    Ignore,
    Matrix,
    MatrixCell,
    MatrixColumn,
    MatrixRow,
    NotJudged,
    NoWheelError,
    PathNotFoundError,
    Profile,
    PyPIAnswer,
    ReleaseReport,
    Report,
    Rule,
    Settings,
    Severity,
    Suppressed,
    UnknownRuleError,
    Unreadable,
    UnreadableError,
    UsageError,
    WheelFacts,
    __version__,
    audit,
    audit_release,
    judge,
    load_settings,
    matrices_of,
    matrix_of,
    read_wheel,
)
from tests.cli.command import REPOSITORY, TIMEOUT, environment, fixture

if TYPE_CHECKING:
    from pathlib import Path

BAD = fixture("cp313-cp313-win_amd64", "bad")

HEAVY = ("rich", "click", "pefile", "macholib", "elftools", "email.parser", "auditwheel", "trove_classifiers")
"""What `import auditor` must leave for later."""


def test_every_public_name_is_used_here() -> None:
    """This file uses all public names, and the package has no others that look public."""
    here = set(globals()) | {"__version__"}
    assert set(auditor.__all__) <= here
    assert auditor.__all__ == sorted(auditor.__all__)
    assert len(set(auditor.__all__)) == len(auditor.__all__)
    for name in auditor.__all__:
        assert getattr(auditor, name) is globals()[name]


def test_a_wheel_is_audited_from_a_path_bytes_and_a_file() -> None:
    """One call audits a wheel wherever its bytes are."""
    from_path: Report = audit(BAD)
    from_bytes: Report = audit(BAD.read_bytes(), filename=BAD.name)
    from_file: Report = audit(io.BytesIO(BAD.read_bytes()), filename=BAD.name, settings=Settings())
    assert from_path.findings == from_bytes.findings == from_file.findings
    finding: Finding = from_path.findings[0]
    severity: Severity = finding.severity
    answer: PyPIAnswer = finding.pypi
    evidence: tuple[Evidence, ...] = finding.evidence
    assert (severity, answer) == (Severity.ERROR, PyPIAnswer.ACCEPT)
    assert all(isinstance(one.text, str) for one in evidence)
    todays: Report = audit(BAD, settings=Settings(profile=Profile.PYPI))
    assert todays.verdict == "pass"
    unjudged: tuple[NotJudged, ...] = from_path.not_judged
    assert unjudged == ()


def test_several_wheels_are_audited_with_an_executor() -> None:
    """Any executor of `concurrent.futures` serves."""
    with ThreadPoolExecutor(max_workers=2) as executor:
        release: ReleaseReport = audit_release([BAD, str(BAD)], settings=Settings(), executor=executor)
    assert release.failed
    assert [report.filename for report in release.wheels] == [BAD.name, BAD.name]


def test_the_matrix_says_who_is_served() -> None:
    """The wheels of a release give a matrix: interpreters down, platforms across."""
    matrix: Matrix = matrix_of([BAD])
    assert matrices_of([BAD]) == (matrix,)
    columns: tuple[MatrixColumn, ...] = matrix.columns
    rows: tuple[MatrixRow, ...] = matrix.rows
    assert len(columns) == len(rows[0].cells)
    cell: MatrixCell | None = matrix.cell("cp313", "win_amd64")
    assert cell is not None
    assert cell.wheel == BAD.name
    assert matrix.cell("cp313", "beos") is matrix.cell("cp399", "win_amd64") is None


def test_settings_come_from_a_file_or_are_made(tmp_path: Path) -> None:
    """A file and a program can say the same; what both settings and reports hold has public names."""
    path = tmp_path / "wheel-audit.toml"
    path.write_text(
        "floors = { glibc = '2.28' }\nexternal-libraries = { libx = 'x' }\n"
        "[[per-file-ignores]]\nglob = '*.pyd'\nrules = ['python_abi']\nreason = 'tested'\n"
    )
    settings: Settings = load_settings(path)
    ignore = Ignore(rules=("python_abi",), reason="tested", glob="*.pyd")
    library = ExternalLibrary(library="libx", distribution="x")
    assert settings == Settings(floors=Floors(glibc=(2, 28)), external_libraries=(library,), per_file_ignores=(ignore,))
    entry = BaselineEntry(fingerprint="0" * 32, rule="zip-crc")
    release = audit_release([BAD], settings=Settings(baseline=(entry,)))
    unmatched: tuple[BaselineEntry, ...] = release.unmatched_baseline
    unreadable: tuple[Unreadable, ...] = release.unreadable
    assert (unmatched, unreadable) == ((entry,), ())


def test_facts_are_read_and_judged_in_two_steps() -> None:
    """What was read may be judged again under other settings, without reading it again."""
    facts: WheelFacts = read_wheel(BAD)
    settings = Settings(select=("python_abi", "layout"), ignore=("layout",), fail_on=Severity.WARNING)
    report = judge(facts, settings)
    suppressed: tuple[Suppressed, ...] = report.suppressed
    assert [one.finding.rule for one in suppressed] == ["wheel-tag-mismatch"]
    assert judge(facts).count(Severity.ERROR) == 2


def test_the_catalogue_can_be_read() -> None:
    """A program can list the rules with their documentation."""
    rule: Rule = ALL_RULES[0]
    assert rule.summary
    assert rule.documentation.startswith(rule.summary)
    assert repr(rule) == f"Rule({rule.name!r})"


def test_errors_have_one_base() -> None:
    """Whoever catches `AuditError` catches all that the library raises on purpose."""
    errors: tuple[type[AuditError], ...] = (
        UsageError,
        PathNotFoundError,
        NoWheelError,
        UnreadableError,
        UnknownRuleError,
        ConfigError,
    )
    assert all(issubclass(error, AuditError) for error in errors)
    assert {error.exit_status for error in errors} == {2, 3}


def test_the_version_is_text() -> None:
    """The version is there for programs to show."""
    assert __version__.count(".") == 2


def test_import_leaves_the_heavy_parts_for_later() -> None:
    """`import auditor` loads neither a binary reader nor a parser of texts nor a drawing library."""
    script = "import json, sys, auditor; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=environment(),
        capture_output=True,
        check=True,
        timeout=TIMEOUT,
    )
    loaded = set(json.loads(done.stdout))
    assert "auditor" in loaded
    assert not loaded & set(HEAVY)


def test_a_pure_wheel_loads_no_binary_reader() -> None:
    """A command that needs no binary reader loads none: `rules` stays quick."""
    script = "import sys; from auditor.cli.app import run; run(['rules']); print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, check=True, timeout=TIMEOUT
    )
    assert not set(done.stderr.decode().split()) & {"rich", "pefile", "macholib", "elftools", "email.parser"}


def test_the_package_is_typed() -> None:
    """The marker that tells type checkers to use the annotations is in the package."""
    assert (REPOSITORY / "auditor" / "py.typed").is_file()
