"""The digests and sizes of RECORD against the contents of the members."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING

from auditor.rules.record.paths import REWRITE, canonical, exempt, rows_of
from auditor.rules.record.table import row_evidence
from auditor.rules.rule import ERROR, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.archive import Member
    from auditor.facts.dist_info import RecordRow
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_WEAK = frozenset({"md5", "sha1", "sha224"})
_URLSAFE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_ALGORITHMS = frozenset(hashlib.algorithms_guaranteed) - {"shake_128", "shake_256"}


@rule("record-hash-mismatch", severity=ERROR, since="0.1")
def record_hash_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A file's digest is not the one in RECORD.

    **What it checks.** The digest of each member's content against its row, for every algorithm that hashlib always
    has. Where the content does not match its CRC either, `zip-crc` speaks of it.

    **Why it matters.** The specification has installers refuse the wheel: `wheel unpack`, pnpm, Nix and `installer`
    with validation do, pip and uv do not look. Whoever does look takes it for tampering.

    **How to fix.** A step changed files after RECORD was written (strip, patchelf, signing, editing WHEEL). Use tools
    that repack (`auditwheel`, `delocate`), or `python -m wheel pack` behind that step. To mend the wheel that is there,
    `unzip` it into an empty directory and pack that: `wheel unpack` refuses it, for this very reason.

    **References.** Binary distribution format, The .dist-info directory.
    """
    members = {member.name: member for member in wheel.files()}
    wrong = []
    for row in wheel.record.rows if wheel.record else ():
        member = members.get(row.path) or members.get(canonical(row.path))
        evidence = _mismatch(row, member) if member is not None else None
        if evidence is not None:
            wrong.append(evidence)
    if wrong:
        what = (
            f"the content of `{wrong[0].member}` is" if len(wrong) == 1 else f"the contents of {len(wrong)} files are"
        )
        yield Hit(
            message=f"{what} not what RECORD says",
            help=REWRITE,
            member=wrong[0].member if len(wrong) == 1 else None,
            evidence=tuple(wrong[:_SHOWN]),
        )


def _mismatch(row: RecordRow, member: Member) -> Evidence | None:
    """The evidence that a row's digest is not the member's; None where it is, or where neither can be had."""
    algorithm, _, text = row.hash.partition("=")
    real = member.digest(algorithm)
    if real is None or not text or member.content_crc != member.crc:
        return None
    try:
        claimed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    except (binascii.Error, ValueError):
        return None
    if len(claimed) != len(real) or claimed == real:
        return None
    expected = base64.urlsafe_b64encode(bytes.fromhex(real)).rstrip(b"=").decode()
    return Evidence(
        text=f"`{member.name}`: RECORD has {row.hash}, the content {algorithm}={expected}", member=member.name
    )


def _hashed(wheel: WheelFacts) -> list[RecordRow]:
    """The rows that need a hash: all but RECORD's own and those of its signatures."""
    own = exempt(wheel)
    return [row for row in rows_of(wheel) if canonical(row.path) not in own]


@rule("record-hash-missing", severity=ERROR, since="0.1")
def record_hash_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A row of RECORD has no hash.

    **What it checks.** Every row but RECORD's own has a hash.

    **Why it matters.** The specification has installers refuse the wheel; those that verify do.

    **How to fix.** Write RECORD with a build backend or `python -m wheel pack`.

    **References.** Binary distribution format, The .dist-info directory.
    """
    names = {member.name for member in wheel.files()}
    rows = [row for row in _hashed(wheel) if not row.hash and canonical(row.path) in names]
    if rows:
        what = f"`{rows[0].path}` has" if len(rows) == 1 else f"{len(rows)} rows have"
        yield Hit(message=f"{what} no hash in RECORD", help=REWRITE, evidence=row_evidence(rows))


@rule("record-hash-weak", severity=ERROR, since="0.1")
def record_hash_weak(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A row of RECORD has a weak hash.

    **What it checks.** The algorithm of each hash is SHA-256 or better; MD5 and SHA-1 are not permitted.

    **Why it matters.** The specification has installers refuse the wheel; those that verify do.

    **How to fix.** Write RECORD with a current build backend.

    **References.** Binary distribution format, The .dist-info directory.
    """
    rows = [row for row in _hashed(wheel) if row.hash.partition("=")[0].lower() in _WEAK]
    if rows:
        algorithms = ", ".join(sorted({row.hash.partition("=")[0] for row in rows}))
        what = f"`{rows[0].path}` has" if len(rows) == 1 else f"{len(rows)} rows have"
        yield Hit(
            message=f"{what} a hash by {algorithms}; SHA-256 is the least that is permitted",
            help="write RECORD with SHA-256",
            evidence=tuple(
                Evidence(text=f"line {row.line}: `{row.path[:200]}`, {row.hash[:200]}") for row in rows[:_SHOWN]
            ),
        )


@rule("record-hash-malformed", severity=ERROR, since="0.1")
def record_hash_malformed(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A hash in RECORD is not written as it should be.

    **What it checks.** Each hash is `algorithm=digest`, with an algorithm of hashlib and the digest in URL-safe Base64
    without padding, of the right length.

    **Why it matters.** What verifies takes the file for changed: hexadecimal digests were the usual mistake.

    **How to fix.** `base64.urlsafe_b64encode(digest).rstrip(b"=")`.

    **References.** Recording installed projects, The RECORD file.
    """
    found = [(row, problem) for row in _hashed(wheel) if row.hash and (problem := _malformed(row.hash))]
    if found:
        what = f"the hash of `{found[0][0].path}`" if len(found) == 1 else f"{len(found)} hashes"
        yield Hit(
            message=f"{what} in RECORD {'is' if len(found) == 1 else 'are'} malformed: {found[0][1]}",
            help="write `sha256=` and the digest in URL-safe Base64 without padding",
            evidence=tuple(
                Evidence(text=f"line {row.line}: {row.hash[:200]}: {problem}") for row, problem in found[:_SHOWN]
            ),
        )


def _malformed(text: str) -> str | None:
    """What is wrong with the spelling of a hash; None where nothing is."""
    algorithm, equals, digest = text.partition("=")
    if not equals:
        return "it has no `=` behind an algorithm"
    if algorithm not in _ALGORITHMS:
        return f"there is no algorithm `{algorithm[:80]}`"
    size = hashlib.new(algorithm).digest_size
    if re.fullmatch(rf"[0-9a-fA-F]{{{2 * size}}}", digest):
        return "it is hexadecimal"
    if digest.endswith("="):
        return "it has padding"
    if not _URLSAFE.fullmatch(digest):
        return "it is not URL-safe Base64"
    if len(digest) != -(-size * 4 // 3):
        return f"it has {len(digest)} characters where {-(-size * 4 // 3)} are due"
    return None


@rule("record-size-mismatch", severity=ERROR, since="0.1")
def record_size_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A size in RECORD is not the file's.

    **What it checks.** Each size is a number in base 10 and that of the content; an empty one says nothing.

    **Why it matters.** What verifies refuses the wheel; where the digest fits and the size does not, a tool wrote
    RECORD wrongly.

    **How to fix.** Write RECORD with a build backend or `python -m wheel pack`.

    **References.** Recording installed projects, The RECORD file.
    """
    members = {member.name: member for member in wheel.files()}
    wrong = []
    for row in _hashed(wheel):
        member = members.get(row.path) or members.get(canonical(row.path))
        if not row.size or member is None or member.inflated_size is None or member.content_crc != member.crc:
            continue
        numeric = row.size.isascii() and row.size.isdigit()
        if not numeric or int(row.size[:20]) != member.inflated_size:
            if numeric and _mismatch(row, member) is not None:
                continue  # the content differs: `record-hash-mismatch` says so
            text = f"line {row.line}: `{row.path}` has {member.inflated_size} bytes, RECORD says `{row.size[:80]}`"
            wrong.append(Evidence(text=text, member=member.name))
    if wrong:
        what = f"the size of `{wrong[0].member}`" if len(wrong) == 1 else f"{len(wrong)} sizes"
        yield Hit(
            message=f"{what} in RECORD {'is' if len(wrong) == 1 else 'are'} wrong",
            help=REWRITE,
            member=wrong[0].member if len(wrong) == 1 else None,
            evidence=tuple(wrong[:_SHOWN]),
        )


RULES = (
    record_hash_malformed,
    record_hash_mismatch,
    record_hash_missing,
    record_hash_weak,
    record_size_mismatch,
)
