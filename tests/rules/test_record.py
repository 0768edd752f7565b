"""The rules that hold RECORD against the archive, both ways."""

from __future__ import annotations

import base64
import hashlib

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.builders import DEMO, ElfImport, Member, WheelSpec, ZipEntry, clean_elf, extension_spec, record_row, replace
from tests.builders.zipraw import CentralFields, LocalFields
from tests.rules.helpers import assert_house_style, evidence, findings, only, report, rules_hit

PATH = "demo/__init__.py"
CONTENT = b'"""A demo."""\n'
RECORD = "demo-1.0.dist-info/RECORD"


def rows(changes: dict[str, str | None]) -> WheelSpec:
    """The demo wheel with changed rows in RECORD."""
    return replace(DEMO, record_rows=changes)


def hashed(algorithm: str, *, size: str = "14") -> str:
    """A correct row with another algorithm."""
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, CONTENT).digest()).rstrip(b"=").decode()
    return f"{PATH},{algorithm}={digest},{size}"


LEGAL = {
    "plain": DEMO,
    "no row for RECORD": rows({RECORD: None}),
    "signature without a row": replace(
        DEMO, members={**DEMO.members, "demo-1.0.dist-info/RECORD.jws": Member(content=b"{}", recorded=False)}
    ),
    "signature with a row": replace(DEMO, members={**DEMO.members, "demo-1.0.dist-info/RECORD.p7s": b"x"}),
    "directory entries without rows": replace(
        DEMO, extra_entries=(ZipEntry(name="demo/", mode=0o40755), ZipEntry(name="demo/empty/", mode=0o40755))
    ),
    "quoted path": replace(DEMO, members={**DEMO.members, 'demo/a,"b".txt': b"x"}),
    "path with spaces": replace(DEMO, members={**DEMO.members, "demo/a b.txt": b"x"}),
    "path that is not ASCII": replace(DEMO, members={**DEMO.members, "demo/\u00e4.txt": b"x"}),
    "empty file": replace(DEMO, members={**DEMO.members, "demo/py.typed": b""}),
    "sha384": rows({PATH: hashed("sha384")}),
    "sha512": rows({PATH: hashed("sha512")}),
    "md5": rows({PATH: hashed("md5")}),
    "padded digest": rows({PATH: record_row(PATH, CONTENT).replace(",14", "=,14")}),
    "no hash": rows({PATH: f"{PATH},,"}),
    "data directory": replace(DEMO, members={**DEMO.members, "demo-1.0.data/scripts/demo": b"#!python\n"}),
    "ZIP64": replace(DEMO, members={PATH: Member(content=CONTENT, zip64=True)}),
    "CRLF": replace(DEMO, record=None, members=DEMO.members),
    "file that is stored": replace(DEMO, members={PATH: Member(content=CONTENT, method=0)}),
}
LEGAL["CRLF"] = replace(
    DEMO,
    license_text=None,
    metadata=b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
    wheel_file=b"Wheel-Version: 1.0\nTag: py3-none-any\n",
    record="\r\n".join(
        (
            record_row(PATH, CONTENT),
            record_row("demo-1.0.dist-info/METADATA", b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"),
            record_row("demo-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\nTag: py3-none-any\n"),
            f"{RECORD},,",
            "",
        )
    ),
)


@pytest.mark.parametrize("wheel", LEGAL.values(), ids=LEGAL.keys())
def test_no_rule_here_speaks_of_a_legal_record(wheel: WheelSpec) -> None:
    """None of these rules speaks of a RECORD that names each file as the archive has it."""
    assert not rules_hit(wheel, "record") & {
        "record-missing",
        "record-file-not-listed",
        "record-file-absent",
        "record-path-noncanonical",
        "record-hash-mismatch",
    }


def test_a37_a_wheel_without_record_is_one_error() -> None:
    """A missing RECORD is an error with its path, and its rows are not missed one by one."""
    wheel = replace(DEMO, record=None)
    finding = only(wheel, rule="record-missing")
    assert f"`{RECORD}`" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)
    assert rules_hit(wheel, "record") == {"record-missing"}


def test_a04_a_binary_that_record_does_not_list_is_found_and_judged() -> None:
    """A file behind RECORD's back is an error, and what it needs is judged like that of any other."""
    tags = "cp311-cp311-manylinux_2_17_x86_64"
    spec = extension_spec(tags)
    (member,) = (name for name in spec.members if name.endswith(".so"))
    wheel = replace(spec, record_rows={member: None})
    finding = only(wheel, rule="record-file-not-listed")
    assert finding.member == member
    assert f"`{member}` is in the archive and not in RECORD" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.MAIL)
    elf = clean_elf(tags)
    newer = ElfImport(symbol="arc4random", library="libc.so.6", version="GLIBC_2.36")
    hidden = replace(
        extension_spec(tags, binary=replace(elf, imports=(*elf.imports, newer))), record_rows={member: None}
    )
    assert {"glibc-newer-than-tag", "record-file-not-listed"} <= rules_hit(hidden)


def test_many_unlisted_files_are_one_finding() -> None:
    """Many files are counted in one message, named in the evidence, and in the order of their names."""
    extra = {f"demo/{letter}.txt": Member(content=b"x", recorded=False) for letter in "cab"}
    finding = only(replace(DEMO, members={**DEMO.members, **extra}), rule="record-file-not-listed")
    assert "3 files are" in finding.message
    assert finding.member is None
    assert [one.member for one in finding.evidence] == ["demo/a.txt", "demo/b.txt", "demo/c.txt"]


def test_a_file_that_differs_in_case_from_a_listed_one_is_not_listed() -> None:
    """A row is for the file of its own spelling, where there is one."""
    wheel = replace(DEMO, members={**DEMO.members, "demo/Case.txt": Member(recorded=False), "demo/case.txt": b""})
    assert only(wheel, rule="record-file-not-listed").member == "demo/Case.txt"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("demo/gone.py", "there is no `demo/gone.py`"),
        ("demo", "`demo` is a directory"),
        ("demo/", "`demo/` is a directory"),
        ("../../bin/demo", "there is no `../../bin/demo`"),
        ("/etc/passwd", "there is no `/etc/passwd`"),
        ("", "there is no ``"),
    ],
)
def test_a_row_without_a_file_is_an_error(path: str, words: str) -> None:
    """A row that names no file of the archive is an error with its line."""
    wheel = rows({f"{path}#row": f"{path},sha256={'A' * 43},1"})
    finding = only(wheel, rule="record-file-absent")
    assert f"`{path}`" in finding.message
    assert words in evidence(finding)
    assert evidence(finding).startswith("line ")
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.MAIL)


def test_a_row_for_a_signature_that_is_gone_is_no_file_absent() -> None:
    """Signatures of RECORD have a rule of their own."""
    assert not findings(rows({"x": "demo-1.0.dist-info/RECORD.jws,,"}), rule="record-file-absent")


@pytest.mark.parametrize(
    "path",
    ["./demo/__init__.py", "demo//__init__.py", "demo\\__init__.py", "Demo/__init__.py", "demo/x/../__init__.py"],
)
def test_a_path_in_another_spelling_is_one_warning(path: str) -> None:
    """A spelling that still tells the file is a warning, and neither an unlisted file nor an absent one."""
    row = record_row(PATH, CONTENT).replace(PATH, path)
    wheel = rows({PATH: row})
    finding = only(wheel, rule="record-path-noncanonical")
    assert "1 path otherwise" in finding.message
    assert f"`{path}`" in evidence(finding)
    assert (finding.severity, finding.pypi) == (Severity.WARNING, PyPIAnswer.MAIL)
    assert rules_hit(wheel, "record") <= {"record-path-noncanonical", "record-path-unsafe"}


def test_backslashes_in_every_row_are_one_warning() -> None:
    """A RECORD written with the separator of Windows is one finding with a count."""
    extra = {"demo/a.py": b"1", "demo/b.py": b"2"}
    changes: dict[str, str | None] = {
        path: record_row(path, content).replace("/", "\\", 1) for path, content in extra.items()
    }
    finding = only(
        replace(DEMO, members={**DEMO.members, **extra}, record_rows=changes), rule="record-path-noncanonical"
    )
    assert "2 paths otherwise" in finding.message


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512", "sha1", "md5"])
def test_a05_a_digest_that_is_not_the_contents_is_an_error(algorithm: str) -> None:
    """A row whose digest is another content's is an error that shows both, whatever the algorithm."""
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, b"other").digest()).rstrip(b"=").decode()
    finding = only(rows({PATH: f"{PATH},{algorithm}={digest},14"}), rule="record-hash-mismatch")
    assert f"`{PATH}`" in finding.message
    assert finding.member == PATH
    assert f"{algorithm}={digest}" in evidence(finding)
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.ACCEPT)


def test_several_wrong_digests_are_one_finding() -> None:
    """Two wrong rows are counted in one finding."""
    wrong = {name: record_row(name, b"other") for name in (PATH, "demo-1.0.dist-info/WHEEL")}
    finding = only(rows(dict(wrong)), rule="record-hash-mismatch")
    assert "2 files" in finding.message
    assert finding.member is None


@pytest.mark.parametrize(
    "text", ["sha256=", "sha256=@@@@", "sha256=" + "0" * 64, "crc32=AAAA", "sha256", "sha256=AAAAA"]
)
def test_what_is_no_digest_is_no_mismatch(text: str) -> None:
    """A malformed or unknown hash is another rule's matter."""
    assert not findings(rows({PATH: f"{PATH},{text},14"}), rule="record-hash-mismatch")


def test_a_corrupt_member_is_one_finding() -> None:
    """Where the content does not match its CRC, that is the fault, and RECORD's digest its echo."""
    wrong = Member(content=b"content", local=LocalFields(crc=1), central=CentralFields(crc=1))
    wheel = replace(
        DEMO,
        members={**DEMO.members, "demo/a.txt": wrong},
        record_rows={"demo/a.txt": record_row("demo/a.txt", b"what was packed")},
    )
    assert rules_hit(wheel, "record", "archive") == {"zip-crc"}


def test_findings_on_record_keep_the_house_style() -> None:
    """Every message of the family is worded as the others are, and says what to do."""
    wheels = (
        replace(DEMO, record=None),
        rows({PATH: None}),
        rows({"gone": "gone,,"}),
        rows({PATH: record_row(PATH, b"other")}),
        rows({PATH: record_row(PATH, CONTENT).replace("/", "\\", 1)}),
    )
    found = [one for wheel in wheels for one in report(wheel).findings if one.family == "record"]
    assert_house_style(found)
    assert len({one.rule for one in found}) >= 5
