"""RECORD as a file: its encoding, its rows, and what it says of itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.rules.record.paths import canonical, rows_of
from auditor.rules.rule import ACCEPT, ERROR, MAIL, REJECT, SERVER_ERROR, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.dist_info import RecordRow
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_DRIVE = re.compile(r"[A-Za-z]:")
_ENCODING = ("it is not UTF-8", "it begins with a byte order mark")


def _problems(wheel: WheelFacts) -> tuple[str, ...]:
    """What kept the reader from taking RECORD as a table."""
    return wheel.record.problems if wheel.record is not None else ()


def row_evidence(rows: list[RecordRow], words: str = "") -> tuple[Evidence, ...]:
    """Rows with their lines."""
    return tuple(Evidence(text=f"line {row.line}: `{row.path[:200]}`{words}") for row in rows[:_SHOWN])


@rule("record-encoding", severity=ERROR, pypi=REJECT, since="0.1")
def record_encoding(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """RECORD is not UTF-8, or begins with a byte order mark.

    **What it checks.** The file is UTF-8 and begins with its first path.

    **Why it matters.** PyPI and every installer refuse another encoding. A byte order mark becomes a part of the first
    path, which then names no file.

    **How to fix.** Write RECORD as UTF-8 without a mark (in PowerShell `-Encoding utf8NoBOM`).

    **References.** Recording installed projects, The RECORD file.
    """
    problems = [one for one in _problems(wheel) if one.startswith(_ENCODING)]
    if problems:
        mark = all(one.startswith(_ENCODING[1]) for one in problems)
        yield Hit(
            message=f"RECORD cannot be read as it should: {problems[0]}",
            help="write RECORD as UTF-8 without a byte order mark",
            member=f"{wheel.dist_info}/RECORD",
            evidence=tuple(Evidence(text=problem) for problem in problems),
            pypi=MAIL if mark else REJECT,
        )


@rule("record-syntax", severity=ERROR, pypi=REJECT, since="0.1")
def record_syntax(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """RECORD is not a table of three columns.

    **What it checks.** Every line is CSV of three fields: path, hash, size.

    **Why it matters.** uv and installer refuse rows of another shape, pip stops at a blank line, PyPI refuses what
    is no CSV and answers a blank line with a server error.

    **How to fix.** Write RECORD with a CSV writer.

    **References.** Recording installed projects, The RECORD file.
    """
    problems = [one for one in _problems(wheel) if not one.startswith(_ENCODING)]
    if problems:
        answer = ACCEPT
        if any("is blank" in problem for problem in problems):
            answer = SERVER_ERROR
        elif any("is no CSV" in problem for problem in problems):
            answer = REJECT
        yield Hit(
            message=f"RECORD is not a table of three columns: {problems[0]}",
            help="write RECORD with a CSV writer, a row a file: path, hash, size",
            member=f"{wheel.dist_info}/RECORD",
            evidence=tuple(Evidence(text=problem) for problem in problems[:_SHOWN]),
            pypi=answer,
        )


@rule("record-duplicate-row", severity=WARNING, since="0.1")
def record_duplicate_row(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """RECORD lists a path twice.

    **What it checks.** Each path has one row. Two rows that differ are an error: one of them is wrong.

    **Why it matters.** Verifying tools take either row.

    **How to fix.** The archive has the file twice as a rule: see `zip-duplicate-member`.

    **References.** Recording installed projects, The RECORD file.
    """
    seen: dict[str, RecordRow] = {}
    again = []
    differ = False
    for row in rows_of(wheel):
        first = seen.setdefault(canonical(row.path), row)
        if first is not row:
            again.append(row)
            differ = differ or (first.hash, first.size) != (row.hash, row.size)
    if again:
        what = f"`{again[0].path}`" if len(again) == 1 else f"{len(again)} paths"
        yield Hit(
            message=f"RECORD lists {what} twice" + (", with different digests" if differ else ""),
            help="write RECORD from the archive, a row a file",
            evidence=row_evidence(again),
            severity=ERROR if differ else WARNING,
        )


@rule("record-path-unsafe", severity=ERROR, pypi=MAIL, since="0.1")
def record_path_unsafe(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A row of RECORD names a path outside of the wheel.

    **What it checks.** No row is absolute, begins with a drive, or has a `..` component.

    **Why it matters.** Uninstallers delete what RECORD names: uv before 0.11.6 deleted files outside of the
    environment.

    **How to fix.** Write paths relative to the wheel's root.

    **References.** GHSA-pjjw-68hj-v9mw; Recording installed projects, The RECORD file.
    """
    rows = [row for row in rows_of(wheel) if _unsafe(row.path)]
    if rows:
        yield Hit(
            message=f"RECORD names {len(rows)} {'path' if len(rows) == 1 else 'paths'} outside of the wheel:"
            f" `{rows[0].path[:200]}`",
            help="write paths relative to the wheel's root",
            evidence=row_evidence(rows),
        )


def _unsafe(path: str) -> bool:
    """Whether a path leads out of the wheel."""
    forward = path.replace("\\", "/")
    return forward.startswith("/") or _DRIVE.match(path) is not None or ".." in forward.split("/")


@rule("record-self", severity=WARNING, pypi=MAIL, since="0.1")
def record_self(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """RECORD does not list itself, or gives itself a digest.

    **What it checks.** RECORD has a row for itself, with empty hash and size.

    **Why it matters.** Uninstallers leave RECORD behind where it is not listed; a digest of a file inside itself is
    wrong by nature.

    **How to fix.** Add the row `{dist-info}/RECORD,,`.

    **References.** Recording installed projects, The RECORD file.
    """
    if wheel.record is None:
        return
    own = f"{wheel.dist_info}/RECORD"
    rows = [row for row in rows_of(wheel) if canonical(row.path) == own]
    if not rows:
        yield Hit(message="RECORD does not list itself", help=f"add the row `{own},,`", member=own)
    elif any(row.hash or row.size for row in rows):
        yield Hit(
            message="RECORD gives itself a digest or a size",
            help=f"leave both empty: `{own},,`",
            member=own,
            evidence=row_evidence(rows),
            pypi=ACCEPT,
        )


@rule("record-signature-file", severity=WARNING, since="0.1", must=True)
def record_signature_file(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The wheel has a signature of RECORD, which is deprecated.

    **What it checks.** There is no `RECORD.jws` and no `RECORD.p7s`; if there is, RECORD does not list it.

    **Why it matters.** PEP 815 has build tools leave them out: no installer ever looked at them.

    **How to fix.** Publish attestations (PEP 740) in their place.

    **References.** PEP 815.
    """
    names = [f"{wheel.dist_info}/{name}" for name in ("RECORD.jws", "RECORD.p7s")]
    found = [member.name for member in wheel.files() if member.name in names]
    if found:
        listed = [row for row in rows_of(wheel) if canonical(row.path) in found]
        yield Hit(
            message=f"`{found[0]}` is a deprecated signature" + (", and RECORD lists it" if listed else ""),
            help="leave it out; publish attestations in its place",
            member=found[0],
            evidence=row_evidence(listed),
        )


RULES = (
    record_duplicate_row,
    record_encoding,
    record_path_unsafe,
    record_self,
    record_signature_file,
    record_syntax,
)
