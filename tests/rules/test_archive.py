"""The rules on the archive: what the readers found irregular, as findings with their consequence."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.builders import (
    DEMO,
    BuiltWheel,
    CentralFields,
    EndFields,
    LocalFields,
    Member,
    WheelSpec,
    ZipEntry,
    ZipLayout,
    build_wheel,
    replace,
)
from tests.rules.helpers import assert_house_style, evidence, findings, only, report, rules_hit

RULES = {
    "zip-not-zip",
    "zip-end-record",
    "zip-bomb",
    "zip-compression-method",
    "zip-encrypted",
    "zip-missing-member",
    "zip-crc",
    "zip-inflate-size",
}
"""The rules that are tested here."""
REJECT, SERVER_ERROR, ACCEPT = PyPIAnswer.REJECT, PyPIAnswer.SERVER_ERROR, PyPIAnswer.ACCEPT
FILENAME = "demo-1.0-py3-none-any.whl"


def holding(member: Member, name: str = "demo/a.txt") -> WheelSpec:
    """The demo wheel with one member more, or with a member in another's place."""
    return replace(DEMO, members={**DEMO.members, name: member})


def raw(data: bytes) -> BuiltWheel:
    """Any bytes under a wheel's name."""
    return BuiltWheel(filename=FILENAME, data=data)


LEGAL = {
    "plain": DEMO,
    "stored": holding(Member(content=b"x" * 100, method=0)),
    "empty stored": holding(Member(method=0)),
    "empty deflated": holding(Member(method=8)),
    "ZIP64 member": holding(Member(content=b"x", zip64=True)),
    "ZIP64 archive": replace(DEMO, layout=ZipLayout(zip64=True)),
    "directory entries": replace(DEMO, extra_entries=(ZipEntry(name="demo/", mode=0o40755, method=0),)),
    "deflated directory entry": replace(DEMO, extra_entries=(ZipEntry(name="demo/", mode=0o40755),)),
    "much repetition in a small file": holding(Member(content=bytes(8 << 20))),
    "another order in the directory": replace(DEMO, layout=ZipLayout(central_order=(4, 3, 2, 1, 0))),
    "UTF-8 flag on an ASCII name": holding(Member(local=LocalFields(flags=0x800), central=CentralFields(flags=0x800))),
}


@pytest.mark.parametrize("wheel", LEGAL.values(), ids=LEGAL.keys())
def test_no_rule_here_speaks_of_a_legal_archive(wheel: WheelSpec) -> None:
    """None of these rules speaks of archives that are unusual and in order."""
    assert not rules_hit(wheel) & RULES


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html><html></html>", "HTML page"),
        (b"\x1f\x8b\x08" + bytes(20), "gzip data"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\x7fELF" + bytes(60), "ELF binary"),
        (b"hello", "a text file"),
        (bytes(300), "begins with the bytes 00 00 00 00"),
    ],
    ids=["empty", "html", "gzip", "lfs", "elf", "text", "zeros"],
)
def test_what_is_no_archive_is_called_what_it_is(data: bytes, words: str) -> None:
    """A file that is no ZIP archive is one error that says what it looks like, and nothing else is judged."""
    finding = only(raw(data), rule="zip-not-zip")
    assert f"`{FILENAME}` is not a ZIP archive" in finding.message
    assert words in finding.message
    assert f"{len(data)} bytes" in evidence(finding)
    assert (finding.severity, finding.pypi) == (Severity.ERROR, REJECT)
    assert rules_hit(raw(data), "archive", "layout", "record", "metadata", "filename") == {"zip-not-zip"}


@pytest.mark.parametrize("keep", [30, 100, 400])
def test_a_truncated_archive_is_called_truncated(keep: int) -> None:
    """An archive without its end is an end record's fault with the place where the file ends."""
    finding = only(raw(build_wheel(DEMO).data[:keep]), rule="zip-end-record")
    assert "the archive is truncated" in finding.message
    assert f"byte {keep}" in evidence(finding)
    assert finding.evidence[0].offset == keep
    assert (finding.severity, finding.pypi) == (Severity.ERROR, REJECT)


@pytest.mark.parametrize(
    ("end", "pypi"),
    [
        (EndFields(total_entries=2), REJECT),
        (EndFields(disk_entries=2), REJECT),
        (EndFields(disk=1), ACCEPT),
    ],
    ids=["count", "count of the disk", "disk"],
)
def test_a_wrong_end_record_is_an_error(end: EndFields, pypi: PyPIAnswer) -> None:
    """Counts that are wrong are refused by PyPI, disk numbers are not looked at."""
    found = findings(replace(DEMO, layout=ZipLayout(ends=(end,))), rule="zip-end-record")
    assert found
    assert {one.pypi for one in found} == {pypi}
    assert {one.severity for one in found} == {Severity.ERROR}


def test_an_archive_that_declares_a_bomb_is_one_error() -> None:
    """More than 64 MiB and more than 50 times the file is one finding, however many members lie beyond the bound."""
    content = bytes(24 << 20)
    members = {f"demo/{number}.bin": Member(content=content) for number in range(4)}
    finding = only(replace(DEMO, members={**DEMO.members, **members}), rule="zip-bomb")
    assert "times the file's size" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, REJECT)


def test_a_ceiling_is_reported_with_what_was_not_read() -> None:
    """A dist-info file beyond its ceiling is one error that says that it was not judged, and is not called missing."""
    name = "demo-1.0.dist-info/METADATA"
    huge = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\n" + bytes(9 << 20)
    wheel = holding(Member(content=huge), name)
    finding = only(wheel, rule="zip-bomb")
    assert "was not judged" in finding.message
    assert finding.member == name
    assert not findings(wheel, rule="metadata-missing")


@pytest.mark.parametrize("method", [12, 14, 93, 99])
def test_another_method_than_deflate_is_an_error(method: int) -> None:
    """bzip2, LZMA, Zstandard and AES are refused by PyPI; the member is named."""
    finding = only(holding(Member(content=b"x", method=method, payload=b"xyz")), rule="zip-compression-method")
    assert "`demo/a.txt` is compressed by a method other than deflate" in finding.message
    assert finding.member == "demo/a.txt"
    assert (finding.severity, finding.pypi) == (Severity.ERROR, REJECT)


def test_several_members_are_one_finding() -> None:
    """Two members with the same fault are counted in one message and named in the evidence."""
    members = {f"demo/{name}.txt": Member(method=12) for name in "ab"}
    finding = only(replace(DEMO, members={**DEMO.members, **members}), rule="zip-compression-method")
    assert "2 members are compressed" in finding.message
    assert finding.member is None
    assert [one.member for one in finding.evidence] == ["demo/a.txt", "demo/b.txt"]


@pytest.mark.parametrize("flag", [1 << 0, 1 << 5, 1 << 6], ids=["encrypted", "patched", "strong encryption"])
@pytest.mark.parametrize(
    ("name", "pypi"),
    [
        ("demo/a.txt", ACCEPT),
        ("demo/a.py", SERVER_ERROR),
        ("demo-1.0.dist-info/METADATA", SERVER_ERROR),
        ("demo-1.0.dist-info/licenses/COPYING", SERVER_ERROR),
    ],
)
def test_an_encrypted_member_is_an_error(name: str, pypi: PyPIAnswer, flag: int) -> None:
    """No installer reads an encrypted member; PyPI fails on those that it reads, and takes the others."""
    member = Member(content=b"x", local=LocalFields(flags=flag), central=CentralFields(flags=flag))
    finding = only(holding(member, name), rule="zip-encrypted")
    assert f"`{name}` is encrypted" in finding.message
    assert finding.member == name
    assert (finding.severity, finding.pypi) == (Severity.ERROR, pypi)


def test_a_member_that_is_not_there_is_an_error() -> None:
    """An entry without a local header is an error that names the member."""
    finding = only(holding(Member(content=b"x", central=CentralFields(offset=1))), rule="zip-missing-member")
    assert "`demo/a.txt` is listed in the central directory and not there" in finding.message
    assert finding.member == "demo/a.txt"
    assert (finding.severity, finding.pypi) == (Severity.ERROR, REJECT)


@pytest.mark.parametrize(
    ("name", "pypi"),
    [
        ("demo/a.txt", ACCEPT),
        ("demo/a.py", REJECT),
        ("demo/a.PYE", REJECT),
        ("demo-1.0.dist-info/WHEEL", REJECT),
        ("demo-1.0.dist-info/METADATA", SERVER_ERROR),
        ("demo-1.0.dist-info/entry_points.txt", SERVER_ERROR),
        ("other/dist-info/METADATA", ACCEPT),
    ],
)
def test_a_wrong_crc_is_an_error(name: str, pypi: PyPIAnswer) -> None:
    """A wrong CRC stops pip and uv; what PyPI does depends on whether it reads the member."""
    member = Member(content=b"Wheel-Version: 1.0\n", local=LocalFields(crc=7), central=CentralFields(crc=7))
    finding = only(holding(member, name), rule="zip-crc")
    assert f"`{name}`" in finding.message
    assert finding.member == name
    assert "00000007" in evidence(finding)
    assert (finding.severity, finding.pypi) == (Severity.ERROR, pypi)


@dataclass(frozen=True)
class Broken:
    """A member whose stream is not what is declared, and what PyPI does about it."""

    member: Member
    name: str
    words: str
    pypi: PyPIAnswer


def sized(size: int) -> tuple[LocalFields, CentralFields]:
    """Both headers with this size."""
    return LocalFields(size=size), CentralFields(size=size)


BROKEN = {
    "longer than declared": Broken(
        Member(content=b"x" * 100, local=sized(50)[0], central=sized(50)[1]), "demo/a.txt", "50 are declared", ACCEPT
    ),
    "shorter than declared": Broken(
        Member(content=b"x" * 100, local=sized(150)[0], central=sized(150)[1]), "demo/a.txt", "150 are declared", ACCEPT
    ),
    "no deflate stream": Broken(Member(content=b"x" * 100, payload=b"\xff" * 20), "demo/a.txt", "`demo/a.txt`", ACCEPT),
    "no deflate stream in what PyPI reads": Broken(
        Member(content=b"x" * 100, payload=b"\xff" * 20), "demo/a.py", "`demo/a.py`", SERVER_ERROR
    ),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_stream_that_is_not_what_is_declared_is_an_error(broken: Broken) -> None:
    """A member that inflates to something else is an error that names it, and no wrong digest besides."""
    wheel = holding(broken.member, broken.name)
    finding = only(wheel, rule="zip-inflate-size")
    assert f"`{broken.name}` cannot be inflated" in finding.message
    assert broken.words in evidence(finding)
    assert finding.member == broken.name
    assert (finding.severity, finding.pypi) == (Severity.ERROR, broken.pypi)


def test_findings_on_archives_keep_the_house_style() -> None:
    """Every message of these rules is worded as the others are, and says what to do."""
    encrypted = Member(content=b"x", local=LocalFields(flags=1), central=CentralFields(flags=1))
    wheels: list[WheelSpec | BuiltWheel] = [
        raw(b""),
        raw(build_wheel(DEMO).data[:100]),
        replace(DEMO, layout=ZipLayout(ends=(EndFields(total_entries=2),))),
        replace(DEMO, layout=ZipLayout(ends=(EndFields(disk=1),))),
        holding(Member(method=12)),
        holding(encrypted),
        holding(Member(central=CentralFields(offset=1))),
        holding(Member(content=b"x", local=LocalFields(crc=7), central=CentralFields(crc=7))),
        holding(Member(content=b"x" * 100, payload=b"\xff" * 20)),
        holding(Member(content=b"x: y\n" + bytes(9 << 20)), "demo-1.0.dist-info/METADATA"),
    ]
    found = [one for wheel in wheels for one in report(wheel).findings if one.rule in RULES]
    assert_house_style(found)
    assert {one.rule for one in found} == RULES
