"""The records that frame the archive: what stands between, beside and against the members."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from auditor.facts.archive import AnomalyKind
from auditor.platforms import pypi
from auditor.rules.archive.anomalies import AGAIN, BOUNDS, evidence_of, member_of, members, of, together
from auditor.rules.rule import ACCEPT, ERROR, REJECT, SERVER_ERROR, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.archive import Anomaly
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_DESCRIPTOR_MAX = 24
"""Bytes of the longest data descriptor, with a signature and sizes of eight bytes (APPNOTE 4.3.9)."""


@rule("zip-polyglot", severity=ERROR, pypi=REJECT, since="0.1")
def zip_polyglot(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The file also opens as a tar archive.

    **What it checks.** The first block is no valid tar header.

    **Why it matters.** A reader that goes by the first bytes unpacks other files than one that reads the ZIP
    archive: pip before 26.1 did. PyPI refuses the file.

    **How to fix.** Nothing builds such a file by accident: find out where it comes from.

    **References.** CVE-2026-3219; PyPI's archive checks.
    """
    for anomaly in of(wheel, AnomalyKind.TAR):
        yield Hit(
            message="the file is a ZIP archive and a tar archive at once: PyPI refuses it",
            help="find out where the file comes from: no build makes one like it",
            evidence=(evidence_of(anomaly),),
        )


@rule("zip-too-large", severity=ERROR, pypi=REJECT, since="0.1")
def zip_too_large(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The file is larger than PyPI takes, or than the settings allow.

    **What it checks.** The wheel has at most 100 MiB, or what `size-limit` in the settings says.

    **Why it matters.** PyPI refuses the upload, often after half of a release is there.

    **How to fix.** Strip debug information, leave out test data, split the data into a package of its own; or ask
    PyPI for a higher limit, and state it as `size-limit`.

    **Limits.** A project's own limit cannot be told from the wheel.

    **References.** PyPI, Storage limits.
    """
    limit = context.size_limit or pypi.SIZE_MAX
    if wheel.size <= limit:
        return
    says = "PyPI takes" if context.size_limit is None else "the settings allow"
    default = f"PyPI's default limit is {pypi.SIZE_MAX >> 20} MiB as of {pypi.KNOWN_AT}"
    yield Hit(
        message=f"the wheel has {_mebibytes(wheel.size)}; {says} {_mebibytes(limit)}"
        + (" by default" if context.size_limit is None else ""),
        help="strip debug information, leave out data, or ask PyPI for a higher limit",
        # Up to the default limit the settings alone say no.
        pypi=REJECT if wheel.size > pypi.SIZE_MAX else ACCEPT,
        evidence=(Evidence(text=f"{wheel.size} bytes; {default}"),),
    )


def _mebibytes(size: int) -> str:
    """A size as people write it."""
    return f"{size / (1 << 20):.1f}".removesuffix(".0") + " MiB"


@rule("zip-stray-bytes", severity=ERROR, pypi=REJECT, since="0.1")
def zip_stray_bytes(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Bytes of the file belong to no record of the archive.

    **What it checks.** The records follow each other without a gap, from the first byte to the last.

    **Why it matters.** PyPI refuses the file ("Unknown record signature", "Trailing data"). uv refuses trailing bytes
    other than NULs everywhere, and gaps and prefixes where it streams; pip installs it.

    **How to fix.** Write the archive anew instead of changing it in place: tools that shrink a member or append to
    the file leave such bytes.

    **References.** PyPI blog, Preventing ZIP parser confusion attacks; uv 0.8.6.
    """
    for anomaly in of(wheel, AnomalyKind.STRAY_BYTES):
        if _is_descriptor(anomaly, wheel):
            continue
        yield Hit(
            message=f"{anomaly.detail}: PyPI refuses the file",
            help="write the archive anew: a tool changed it in place",
            evidence=(evidence_of(anomaly),),
        )


def _is_descriptor(stray: Anomaly, wheel: WheelFacts) -> bool:
    """Whether the bytes are a data descriptor that lies: `zip-data-descriptor` names its member."""
    place = stray.offset or 0
    before = [member for member in wheel.members if member.header_offset < place]
    behind = [member.header_offset for member in wheel.members if member.header_offset > place]
    if not before or not behind or min(behind) - place > _DESCRIPTOR_MAX:
        return False
    described = {anomaly.member for anomaly in of(wheel, AnomalyKind.DATA_DESCRIPTOR)}
    return max(before, key=lambda member: member.header_offset).name in described


@rule("zip-data-descriptor", severity=ERROR, pypi=REJECT, since="0.1")
def zip_data_descriptor(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member's sizes stand behind its data.

    **What it checks.** No member uses a data descriptor (flag bit 3).

    **Why it matters.** PyPI refuses every data descriptor. uv refuses a stored member with one where it streams.

    **How to fix.** Write the archive to a file that can be sought, not to a pipe: `zipfile` then goes back and
    fills the header.

    **References.** APPNOTE 4.3.9; PyPI's archive checks.
    """
    found = of(wheel, AnomalyKind.DATA_DESCRIPTOR)
    if found:
        yield Hit(
            message=f"{members(found, ' uses', ' use')} a data descriptor: PyPI refuses the wheel",
            help="write the archive to a seekable file, not to a pipe",
            member=member_of(found),
            evidence=together(found),
        )


@rule("zip-duplicate-member", severity=ERROR, pypi=REJECT, since="0.1")
def zip_duplicate_member(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The archive has the same name twice.

    **What it checks.** Each name stands in the central directory once.

    **Why it matters.** PyPI refuses the file. pip and uv install the last of them, `installer` refuses, and uv refuses
    while streaming where the contents differ: readers see different files.

    **How to fix.** Two steps of the build added the file: overlapping `include` patterns, or an old build directory.

    **References.** CVE-2025-54368; PyPI's archive checks.
    """
    by_name: dict[str, set[str | None]] = {}
    for member in wheel.members:
        by_name.setdefault(member.name, set()).add(member.digest("sha256"))
    found = of(wheel, AnomalyKind.DUPLICATE_MEMBER)
    if found:
        differ = [one.member for one in found if len(by_name.get(one.member or "", ())) > 1]
        contents = f"; {len(differ)} with different contents" if differ else "; their contents are equal"
        yield Hit(
            message=f"{members(found, ' is', ' are')} in the archive more than once{contents}",
            help="look for overlapping `include` patterns and for an old build directory",
            member=member_of(found),
            evidence=together(found),
        )


@rule("zip-hidden-member", severity=ERROR, pypi=REJECT, since="0.1")
def zip_hidden_member(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A local header that the central directory does not list.

    **What it checks.** Every local header belongs to a central entry.

    **Why it matters.** A reader that streams sees a member that others do not: PyPI refuses the file, and so does
    uv where it streams; pip does not see the member.

    **How to fix.** Write the archive anew: a tool removed the member from the directory alone.

    **References.** PyPI's archive checks; CVE-2025-54368.
    """
    # An entry with a wrong offset leaves its member behind: that is one fault, and `zip-missing-member` says it.
    lost = {anomaly.member for anomaly in of(wheel, AnomalyKind.MISSING_MEMBER)}
    found = [anomaly for anomaly in of(wheel, AnomalyKind.HIDDEN_MEMBER) if anomaly.member not in lost]
    if found:
        yield Hit(
            message=f"{members(found, ' has', ' have')} a local header and no entry in the central directory",
            help="write the archive anew: a tool removed the entry and left the data",
            member=member_of(found),
            evidence=together(found),
        )


@rule("zip-header-mismatch", severity=ERROR, pypi=REJECT, since="0.1")
def zip_header_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Local header and central entry of a member disagree.

    **What it checks.** Name, sizes, CRC, compression method and flags are the same in both.

    **Why it matters.** Readers that stream believe the one, readers that seek the other. PyPI refuses other names and
    sizes; uv refuses sizes, and CRC and method where it streams; pip refuses other names, and flags that decode a name
    otherwise.

    **How to fix.** Write the archive anew with a current tool.

    **References.** APPNOTE 4.3.7, 4.3.12; PyPI's archive checks.
    """
    # Where the content has another CRC than the central entry says, `zip-crc` reports it, with more consequence.
    wrong = {anomaly.member for anomaly in of(wheel, AnomalyKind.CRC)}
    mismatches = of(wheel, AnomalyKind.HEADER_MISMATCH)
    found = [one for one in mismatches if one.field != "CRC" or one.member not in wrong]
    if found:
        fields = dict.fromkeys(anomaly.field for anomaly in found)
        refused = BOUNDS & set(fields)
        yield Hit(
            message=f"{members(found, ' has', ' have')} another {' and '.join(str(one) for one in fields)} in the local"
            " header than in the central directory",
            help=AGAIN,
            member=member_of(found),
            evidence=together(found),
            pypi=REJECT if refused else ACCEPT,
        )


@rule("zip-overlap", severity=ERROR, pypi=REJECT, since="0.1")
def zip_overlap(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The data of two members overlap.

    **What it checks.** No byte belongs to two members, or to a member and the central directory.

    **Why it matters.** It is how a small file inflates without end. PyPI, uv and current Pythons refuse it.

    **How to fix.** No build makes such a file: find out where it comes from.

    **References.** CVE-2024-0450.
    """
    shared = _shared_headers(wheel)
    found = [anomaly for anomaly in of(wheel, AnomalyKind.OVERLAP) if anomaly.offset not in shared]
    if found:
        yield Hit(
            message=f"the data of {members(found)} overlaps with other records",
            help="find out where the file comes from: no build makes one like it",
            member=member_of(found),
            evidence=together(found),
        )


def _shared_headers(wheel: WheelFacts) -> set[int]:
    """Where several entries have one local header, and `zip-duplicate-member` or `zip-header-mismatch` says so."""
    counts = Counter(member.header_offset for member in wheel.members)
    return {offset for offset, count in counts.items() if count > 1}


@rule("zip-member-comment", severity=ERROR, pypi=REJECT, since="0.1")
def zip_member_comment(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member has a comment.

    **What it checks.** No central entry has a comment.

    **Why it matters.** PyPI refuses the file.

    **How to fix.** Write the archive without comments.

    **References.** APPNOTE 4.3.12; PyPI's archive checks.
    """
    found = of(wheel, AnomalyKind.MEMBER_COMMENT)
    if found:
        yield Hit(
            message=f"{members(found, ' has', ' have')} a comment in the central directory: PyPI refuses the wheel",
            help="write the archive without comments",
            member=member_of(found),
            evidence=together(found),
        )


@rule("zip-archive-comment", severity=WARNING, since="0.1")
def zip_archive_comment(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The archive has a comment.

    **What it checks.** The end record has no comment; one with the bytes 01 to 08, which an embedded archive has,
    is an error.

    **Why it matters.** PyPI and pip take it. uv refuses a comment with such bytes, for another archive may hide in it.

    **How to fix.** Write the archive without a comment.

    **References.** APPNOTE 4.3.16; uv 0.11.28.
    """
    for anomaly in of(wheel, AnomalyKind.ARCHIVE_COMMENT):
        control = anomaly.field == "control"
        yield Hit(
            message=f"{anomaly.detail}" + (", with bytes that make uv refuse it" if control else ""),
            help="write the archive without a comment",
            evidence=(evidence_of(anomaly),),
            severity=ERROR if control else WARNING,
        )


@rule("zip64-inconsistent", severity=ERROR, pypi=REJECT, since="0.1")
def zip64_inconsistent(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """ZIP64 records or fields contradict the rest.

    **What it checks.** Locator, ZIP64 end record and ZIP64 blocks are there where they are announced, have their
    lengths, and agree with the 32-bit fields that are no sentinels.

    **Why it matters.** PyPI refuses what it sees of this at the end of the file and in local headers; uv refuses
    all of it; pip's verdict depends on its Python.

    **How to fix.** Write the archive with a current tool.

    **References.** APPNOTE 4.3.14, 4.3.15, 4.5.3; CVE-2025-8291.
    """
    found = of(wheel, AnomalyKind.ZIP64)
    if found:
        # PyPI's walk sees local blocks of a wrong length or with another compressed size, and the end of the file.
        seen = {"local length", "local compressed size"}
        accepted = all(anomaly.member is not None and anomaly.field not in seen for anomaly in found)
        yield Hit(
            message=f"the archive's ZIP64 fields are inconsistent: {found[0].detail}",
            help="write the archive with a current tool: uv refuses it",
            member=member_of(found),
            evidence=together(found),
            pypi=ACCEPT if accepted else REJECT,
        )


@rule("zip-extra-field", severity=ERROR, pypi=REJECT, since="0.1")
def zip_extra_field(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An extra field is malformed, repeated, or gives the member another name.

    **What it checks.** Extra fields are chains of blocks; the ZIP64 and Unicode path blocks stand once; no Unicode
    path or comment block is there at all.

    **Why it matters.** PyPI refuses a malformed or repeated one in a local header. A Unicode path renames the
    member for some readers: pip on Python 3.12 installs it under the other name, uv refuses.

    **How to fix.** Write the archive with a current tool; Info-ZIP's `-UN=no` leaves such blocks out.

    **References.** APPNOTE 4.5.1, 4.6.8, 4.6.9.
    """
    found = of(wheel, AnomalyKind.EXTRA_FIELD, AnomalyKind.UNICODE_EXTRA)
    if found:
        local = any(one.kind is AnomalyKind.EXTRA_FIELD and one.field == "local" for one in found)
        yield Hit(
            message=f"{members(found, ' has', ' have')} an extra field that readers take differently",
            help="write the archive with a current tool, without Unicode path blocks",
            member=member_of(found),
            evidence=together(found),
            pypi=REJECT if local else ACCEPT,
        )


@rule("zip-version-needed", severity=ERROR, pypi=SERVER_ERROR, since="0.1")
def zip_version_needed(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member asks for a newer ZIP than any installer knows.

    **What it checks.** "Version needed to extract" is at most 6.3.

    **Why it matters.** pip, uv and installer refuse the wheel, and PyPI answers with a server error.

    **How to fix.** Write the archive with stored or deflated members alone: nothing more is needed.

    **References.** APPNOTE 4.4.3.
    """
    found = of(wheel, AnomalyKind.VERSION_NEEDED)
    if found:
        yield Hit(
            message=f"{members(found, ' asks', ' ask')} for a ZIP version above 6.3: no installer reads it",
            help="write the archive with a current tool",
            member=member_of(found),
            evidence=together(found),
        )


RULES = (
    zip64_inconsistent,
    zip_archive_comment,
    zip_data_descriptor,
    zip_duplicate_member,
    zip_extra_field,
    zip_header_mismatch,
    zip_hidden_member,
    zip_member_comment,
    zip_overlap,
    zip_polyglot,
    zip_stray_bytes,
    zip_too_large,
    zip_version_needed,
)
