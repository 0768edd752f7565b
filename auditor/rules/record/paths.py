"""The paths of RECORD against the members of the archive, both ways."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from auditor.rules.layout.core import unread_text
from auditor.rules.rule import ERROR, MAIL, REJECT, WARNING, Evidence, Hit, NotJudged, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.dist_info import RecordRow
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_CANONICAL = re.compile(r"(?![./])(?!.*(?:\\|//|/\.|/\Z))", re.DOTALL)
REWRITE = "write RECORD last, after everything that changes the wheel; `unzip` and `python -m wheel pack` write it anew"


def canonical(path: str) -> str:
    """A row's path as the archive would spell it: with slashes, without `.` and empty components."""
    if _CANONICAL.match(path):  # nearly all are, and there may be 400,000
        return path
    return posixpath.normpath(path.replace("\\", "/")) if path else path


def rows_of(wheel: WheelFacts) -> tuple[RecordRow, ...]:
    """The rows of RECORD."""
    return wheel.record.rows if wheel.record is not None else ()


def exempt(wheel: WheelFacts) -> frozenset[str]:
    """The files that need no row: RECORD has a rule of its own, its signatures must not be listed (PEP 815)."""
    return frozenset(f"{wheel.dist_info}/{name}" for name in ("RECORD", "RECORD.jws", "RECORD.p7s"))


@rule("record-missing", severity=ERROR, pypi=REJECT, since="0.1")
def record_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """There is no RECORD.

    **What it checks.** The dist-info directory of the file name holds a file `RECORD`.

    **Why it matters.** PyPI, pip, uv and installer refuse the wheel: without RECORD nothing can be uninstalled.

    **How to fix.** Use a build backend, or `python -m wheel pack` for a directory that you have changed by hand.

    **References.** Binary distribution format, The .dist-info directory.
    """
    if wheel.dist_info is None or wheel.record is not None:
        return
    unread = unread_text(wheel, "record-missing", "RECORD")
    if unread is not None:
        yield unread
    else:
        yield Hit(
            message=f"there is no `{wheel.dist_info}/RECORD`",
            help="pack the wheel with a build backend or `python -m wheel pack`: no installer takes it without RECORD",
        )


@rule("record-file-not-listed", severity=ERROR, pypi=MAIL, since="0.1")
def record_file_not_listed(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A file of the archive is not listed in RECORD.

    **What it checks.** Every member but RECORD and its signatures has a row; backslashes and case aside, which
    `record-path-noncanonical` reports.

    **Why it matters.** pip and uv install the file and leave it behind at uninstallation; the specification has
    installers refuse it, and pnpm, Bazel's and Nix's do. PyPI writes to the maintainers, and has announced to refuse.

    **How to fix.** Something added the file after RECORD was written. Write RECORD last.

    **References.** Binary distribution format, The .dist-info directory; PyPI blog, August 2025.
    """
    if wheel.record is None:
        return
    names = {canonical(member.name): member.name for member in wheel.files()}
    listed = {canonical(row.path) for row in rows_of(wheel)} | exempt(wheel)
    # Where the case alone differs, a row that names no file by its letters stands for the one that is alike.
    folded = {path.casefold() for path in listed - names.keys()}
    missing = sorted(names[path] for path in names.keys() - listed if path.casefold() not in folded)
    if missing:
        what = f"`{missing[0]}` is" if len(missing) == 1 else f"{len(missing)} files are"
        yield Hit(
            message=f"{what} in the archive and not in RECORD",
            help=REWRITE,
            member=missing[0] if len(missing) == 1 else None,
            evidence=tuple(Evidence(text=f"no row for `{name}`", member=name) for name in missing[:_SHOWN]),
        )


@rule("record-file-absent", severity=ERROR, pypi=MAIL, since="0.1")
def record_file_absent(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """RECORD lists a file that is not in the archive.

    **What it checks.** Every row names a member that is a file; a row for a directory names none.

    **Why it matters.** What verifies the wheel refuses it (`wheel unpack`, pnpm, Nix); PyPI writes to the maintainers,
    and has announced to refuse. It often shows that a file was lost on the way.

    **How to fix.** Find out whether the file is missing or the row is stale, and write RECORD last.

    **References.** Recording installed projects, The RECORD file.
    """
    names = {canonical(member.name).casefold() for member in wheel.files()}
    rows = [
        row for row in rows_of(wheel) if canonical(row.path).casefold() not in names and not _is_signature(row, wheel)
    ]
    if rows:
        paths = sorted({row.path for row in rows})
        what = f"`{paths[0]}`, which is" if len(paths) == 1 else f"{len(paths)} files that are"
        yield Hit(
            message=f"RECORD lists {what} not in the archive",
            help=REWRITE,
            evidence=tuple(Evidence(text=_absent(row, wheel)) for row in rows[:_SHOWN]),
        )


def _is_signature(row: RecordRow, wheel: WheelFacts) -> bool:
    """Whether the row is RECORD's own or a signature's, of which other rules speak."""
    return canonical(row.path) in exempt(wheel)


def _absent(row: RecordRow, wheel: WheelFacts) -> str:
    """Why a row names no file."""
    directory = canonical(row.path) + "/"
    if any(member.name.startswith(directory) for member in wheel.members):
        return f"line {row.line}: `{row.path}` is a directory, which has no row"
    return f"line {row.line}: there is no `{row.path}`"


@rule("record-path-noncanonical", severity=WARNING, pypi=MAIL, since="0.1")
def record_path_noncanonical(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """RECORD spells a path otherwise than the archive does.

    **What it checks.** No row has a backslash, `./` or `//`, or differs in case from the member that it means.

    **Why it matters.** The row matches no file on the systems where the spelling matters: uninstallation leaves files
    behind, and verifying installers refuse the wheel.

    **How to fix.** Write RECORD with forward slashes, as the archive has its names; the tool that wrote it ran on
    Windows and used the system's separator.

    **References.** Recording installed projects, The RECORD file.
    """
    names = {member.name for member in wheel.files()}
    folded = {name.casefold() for name in names}
    rows = [
        row
        for row in rows_of(wheel)
        if row.path not in names and canonical(row.path).casefold() in folded and not row.path.endswith("/")
    ]
    if rows:
        yield Hit(
            message=f"RECORD spells {len(rows)} {'path' if len(rows) == 1 else 'paths'} otherwise than the archive",
            help="write paths with `/` and as the archive spells them",
            evidence=tuple(Evidence(text=f"line {row.line}: `{row.path}`") for row in rows[:_SHOWN]),
        )


RULES = (record_file_absent, record_file_not_listed, record_missing, record_path_noncanonical)
