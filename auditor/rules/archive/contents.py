"""Whether the archive and its members can be read at all, and are what the archive declares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.archive import Anomaly, AnomalyKind
from auditor.rules.archive.anomalies import AGAIN, BOUNDS, evidence_of, member_of, members, names_of, of, together
from auditor.rules.rule import ACCEPT, ERROR, REJECT, SERVER_ERROR, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.findings import PyPIAnswer
    from auditor.rules.context import Context


def _read_by_pypi(name: str, wheel: WheelFacts) -> bool:
    """Whether PyPI reads the member of an upload: sources, and the parts of the dist-info that it looks at."""
    directory, slash, path = name.partition("/")
    if slash and directory == wheel.dist_info:
        return path in {"WHEEL", "RECORD", "METADATA", "entry_points.txt"} or path.startswith("licenses/")
    return name.lower().endswith((".py", ".pye"))


@rule("zip-not-zip", severity=ERROR, pypi=REJECT, since="0.1")
def zip_not_zip(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The file is not a ZIP archive.

    **What it checks.** The file has the end record of a ZIP archive, or at least begins with a local header.

    **Why it matters.** PyPI, pip and uv refuse it. Usually the file is something else under a wheel's name: an error
    page that a download stored, an sdist, a Git LFS pointer, an empty file that a full disk left.

    **How to fix.** Look at what the message says that the file is, and at the step that wrote it.

    **References.** APPNOTE 4.3.16.
    """
    for anomaly in of(wheel, AnomalyKind.NOT_A_ZIP):
        yield Hit(
            message=f"`{wheel.filename}` is not a ZIP archive: {anomaly.detail}",
            help="look at the step that wrote the file; no installer opens it",
            evidence=(Evidence(text=f"no end record in its {wheel.size} bytes", offset=anomaly.offset),),
        )


@rule("zip-end-record", severity=ERROR, pypi=REJECT, since="0.1")
def zip_end_record(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The archive's end record is missing or wrong.

    **What it checks.** There is one end record; its counts, size and offset are those of the central directory; it
    speaks of one disk. A file that begins as an archive and has no end record is truncated.

    **Why it matters.** PyPI and uv refuse wrong counts and offsets; pip reads on and may install something else.

    **How to fix.** A truncated file: upload or copy it again. Else write the archive with a current tool.

    **References.** APPNOTE 4.3.16; PyPI's archive checks.
    """
    for anomaly in of(wheel, AnomalyKind.TRUNCATED):
        yield Hit(
            message=f"the archive is truncated: {anomaly.detail}",
            help="copy or download the file again, or build it again; no installer opens it",
            evidence=(Evidence(text=f"the file ends at byte {wheel.size}", offset=wheel.size),),
        )
    for anomaly in of(wheel, AnomalyKind.END_RECORD):
        if anomaly.field == "offset" and _offset_is_explained(wheel):
            continue
        disk = anomaly.field == "disk"
        yield Hit(
            message=anomaly.detail,
            help="write the archive again with a current tool" + ("" if disk else ": PyPI and uv refuse it"),
            evidence=(evidence_of(anomaly),),
            pypi=ACCEPT if disk else REJECT,
        )


def _offset_is_explained(wheel: WheelFacts) -> bool:
    """Whether another finding says why the directory's offset is wrong: a prefix, or ZIP64 records that are."""
    prefixed = any(anomaly.offset == 0 for anomaly in of(wheel, AnomalyKind.STRAY_BYTES))
    uncounted = prefixed and any(member.header_offset == 0 for member in wheel.members)
    return uncounted or any(anomaly.member is None for anomaly in of(wheel, AnomalyKind.ZIP64))


@rule("zip-bomb", severity=ERROR, pypi=REJECT, since="0.1")
def zip_bomb(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The archive inflates to far more than its size, or breaks a ceiling of this tool.

    **What it checks.** The declared sizes add up to at most 64 MiB or 50 times the file; counts and sizes stay below
    named ceilings. What lies beyond a ceiling is not read, and that is said.

    **Why it matters.** PyPI refuses a ratio above 50. What was not read was not judged.

    **How to fix.** Keep large files of zeros or repeated data out of the wheel; make them at run time.

    **References.** PyPI's archive checks.
    """
    declared = sum(member.size for member in wheel.members)
    ceilings = of(wheel, AnomalyKind.CEILING)
    if declared > 64 << 20 and declared > 50 * wheel.size:
        yield Hit(
            message=f"the members declare {declared} bytes, {declared // max(wheel.size, 1)} times the file's size",
            help="PyPI refuses more than 50 times the size: make such data at run time",
            evidence=together(ceilings),
        )
        return
    for detail in dict.fromkeys(anomaly.detail for anomaly in ceilings):
        alike = [anomaly for anomaly in ceilings if anomaly.detail == detail]
        yield Hit(
            message=f"a ceiling was reached, and what lies beyond it was not judged: {detail}",
            help="no known wheel comes near: look at how the file was made",
            member=member_of(alike),
            evidence=together(alike),
        )


@rule("zip-compression-method", severity=ERROR, pypi=REJECT, since="0.1")
def zip_compression_method(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member is neither stored nor deflated.

    **What it checks.** The compression method of every member is 0 (stored) or 8 (deflated).

    **Why it matters.** PyPI refuses other methods; uv refuses bzip2 and LZMA; pip reads what its Python's `zipfile`
    happens to read.

    **How to fix.** Write the archive with deflate.

    **References.** APPNOTE 4.4.5; PyPI's archive checks.
    """
    found = of(wheel, AnomalyKind.COMPRESSION_METHOD)
    if found:
        yield Hit(
            message=f"{members(found, ' is', ' are')} compressed by a method other than deflate",
            help="write the archive with deflate: PyPI refuses the wheel, and older installers cannot read it",
            member=member_of(found),
            evidence=together(found),
        )


@rule("zip-encrypted", severity=ERROR, pypi=SERVER_ERROR, since="0.1")
def zip_encrypted(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member is encrypted or holds patch data.

    **What it checks.** Flag bits 0, 5, 6 and 13 of every member.

    **Why it matters.** pip, uv and installer refuse the wheel. PyPI takes it unless the member is one that it reads;
    then it answers with a server error.

    **How to fix.** Write the archive without a password.

    **References.** APPNOTE 4.4.4.
    """
    found = of(wheel, AnomalyKind.ENCRYPTED)
    if found:
        yield Hit(
            message=f"{members(found, ' is', ' are')} encrypted or patch data: no installer can read such a member",
            help="write the archive without encryption",
            member=member_of(found),
            evidence=together(found),
            pypi=SERVER_ERROR if any(_read_by_pypi(name, wheel) for name in names_of(found)) else ACCEPT,
        )


@rule("zip-missing-member", severity=ERROR, pypi=REJECT, since="0.1")
def zip_missing_member(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The central directory lists a member that is not there.

    **What it checks.** A local header lies at the offset of every central entry.

    **Why it matters.** PyPI, pip, uv and installer all fail on the member.

    **How to fix.** Build the wheel again.

    **References.** APPNOTE 4.3.12.
    """
    found = of(wheel, AnomalyKind.MISSING_MEMBER)
    if found:
        yield Hit(
            message=f"{members(found, ' is', ' are')} listed in the central directory and not there",
            help=AGAIN,
            member=member_of(found),
            evidence=together(found),
        )


@rule("zip-crc", severity=ERROR, since="0.1")
def zip_crc(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member's content does not match its CRC.

    **What it checks.** The CRC-32 of what each member inflates to, against the central directory's.

    **Why it matters.** The bytes are not those that were packed. pip, uv and installer refuse the wheel; PyPI takes it
    unless the member is a Python source or a part of the dist-info that it reads: then it shows an error without a
    text, or a server error.

    **How to fix.** Build again; compare the file with the one that the build made.

    **References.** APPNOTE 4.4.7.
    """
    found = of(wheel, AnomalyKind.CRC)
    if found:
        yield Hit(
            message=f"the content of {members(found)} does not match its CRC: pip and uv refuse to install it",
            help=AGAIN,
            member=member_of(found),
            evidence=together(found),
            pypi=_answer_to_crc(found, wheel),
        )


def _answer_to_crc(found: list[Anomaly], wheel: WheelFacts) -> PyPIAnswer:
    """What PyPI does about a wrong CRC: it notices in what it reads, and catches the error in a part of that."""
    read = [name for name in names_of(found) if _read_by_pypi(name, wheel)]
    if any(name.lower().endswith((".py", ".pye", "/wheel")) for name in read):
        return REJECT
    return SERVER_ERROR if read else ACCEPT


@rule("zip-inflate-size", severity=ERROR, since="0.1")
def zip_inflate_size(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member does not inflate to what is declared.

    **What it checks.** The compressed data is one deflate stream that ends where the member ends and gives as many
    bytes as the central directory declares.

    **Why it matters.** Readers disagree: pip and installer stop at the declared size, uv refuses the wheel, and a
    reader that takes the whole stream installs other bytes.

    **How to fix.** Build the wheel again with a current tool.

    **References.** APPNOTE 4.4.9; RFC 1951.
    """
    # Where the headers disagree about where the data is, that is the fault, and `zip-header-mismatch` says it.
    mismatches = of(wheel, AnomalyKind.HEADER_MISMATCH)
    elsewhere = {one.member for one in mismatches if one.field in BOUNDS}
    # The same where they disagree about the method, so that other bytes come out: `zip-crc` says that too.
    wrong = set(names_of(of(wheel, AnomalyKind.CRC)))
    elsewhere |= {one.member for one in mismatches if one.field == "method" and one.member in wrong}
    found = [one for one in of(wheel, AnomalyKind.INFLATE_SIZE, AnomalyKind.STREAM) if one.member not in elsewhere]
    broken = names_of(of(wheel, AnomalyKind.STREAM))
    if found:
        yield Hit(
            message=f"{members(found)} cannot be inflated to what the archive declares",
            help=AGAIN,
            member=member_of(found),
            evidence=together(found),
            pypi=SERVER_ERROR if any(_read_by_pypi(name, wheel) for name in broken) else ACCEPT,
        )


RULES = (
    zip_bomb,
    zip_compression_method,
    zip_crc,
    zip_encrypted,
    zip_end_record,
    zip_inflate_size,
    zip_missing_member,
    zip_not_zip,
)
