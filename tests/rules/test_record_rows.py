"""The rules on RECORD as a file and on its hashes, sizes and paths."""

from __future__ import annotations

import base64
import hashlib

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.builders import DEMO, Member, WheelSpec, record_row, replace
from tests.rules.helpers import assert_house_style, evidence, findings, only, report, rules_hit

PATH = "demo/__init__.py"
CONTENT = b'"""A demo."""\n'
RECORD = "demo-1.0.dist-info/RECORD"
GOOD = record_row(PATH, CONTENT)


def row(text: str | None, path: str = PATH) -> WheelSpec:
    """The demo wheel with another row."""
    return replace(DEMO, record_rows={path: text})


def hashed(algorithm: str) -> str:
    """A correct row with another algorithm."""
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, CONTENT).digest()).rstrip(b"=").decode()
    return f"{PATH},{algorithm}={digest},14"


def whole(change: tuple[str, str]) -> WheelSpec:
    """The demo wheel with a change in the text of RECORD."""
    from tests.builders import wheel_entries

    (content,) = (entry.content for entry in wheel_entries(DEMO) if str(entry.name) == RECORD)
    return replace(DEMO, record=content.decode().replace(*change).encode("utf-8", "surrogateescape"))


CLEAN = {
    "plain": DEMO,
    "CRLF": whole(("\n", "\r\n")),
    "quoted": whole((PATH, f'"{PATH}"')),
    "no last line end": whole((f"{RECORD},,\n", f"{RECORD},,")),
    "no size": row(GOOD.replace(",14", ",")),
    "sha384": row(hashed("sha384")),
    "sha512": row(hashed("sha512")),
    "blake2b": row(hashed("blake2b")),
    "sha3": row(hashed("sha3_256")),
    "comma in a path": replace(DEMO, members={**DEMO.members, "demo/a,b.txt": b"x"}),
    "not ASCII": replace(DEMO, members={**DEMO.members, "demo/ä.txt": b"x"}),
    "hidden file": replace(DEMO, members={**DEMO.members, "demo/.hidden": b"x", ".top": b"y"}),
    "dots in a name": replace(DEMO, members={**DEMO.members, "demo/a..b": b"x", "demo/...": b"y"}),
    "only one row less": replace(DEMO, members={PATH: Member(content=CONTENT)}),
}


@pytest.mark.parametrize("wheel", CLEAN.values(), ids=CLEAN.keys())
def test_a_legal_record_is_clean(wheel: WheelSpec) -> None:
    """A RECORD in any permitted form has no finding of the family."""
    assert not rules_hit(wheel, "record")


ERROR, WARNING = Severity.ERROR, Severity.WARNING
ACCEPT, REJECT, MAIL, CRASH = PyPIAnswer.ACCEPT, PyPIAnswer.REJECT, PyPIAnswer.MAIL, PyPIAnswer.SERVER_ERROR
DIRTY: dict[str, tuple[str, WheelSpec, str, Severity, PyPIAnswer]] = {
    "latin-1": ("record-encoding", whole((PATH, "demo/\udce4")), "UTF-8", ERROR, REJECT),
    "mark": ("record-encoding", whole((GOOD, f"\ufeff{GOOD}")), "byte order mark", ERROR, MAIL),
    "blank line": ("record-syntax", whole((GOOD, f"\n{GOOD}")), "blank", ERROR, CRASH),
    "two fields": ("record-syntax", row(f"{PATH},sha256=x"), "2 fields", ERROR, ACCEPT),
    "four fields": ("record-syntax", row(f"{GOOD},x"), "4 fields", ERROR, ACCEPT),
    "NUL": ("record-syntax", row(f"{GOOD}\0"), "NUL", ERROR, ACCEPT),
    "same row twice": ("record-duplicate-row", row(f"{GOOD}\n{GOOD}"), f"`{PATH}` twice", WARNING, ACCEPT),
    "other row twice": (
        "record-duplicate-row",
        row(f"{GOOD}\n{record_row(PATH, b'x')}"),
        "with different digests",
        ERROR,
        ACCEPT,
    ),
    "dots": ("record-path-unsafe", row("../x,sha256=x,1", "x"), "`../x`", ERROR, MAIL),
    "dots with backslashes": ("record-path-unsafe", row("..\\x,sha256=x,1", "x"), "outside", ERROR, MAIL),
    "absolute": ("record-path-unsafe", row("/etc/x,sha256=x,1", "x"), "`/etc/x`", ERROR, MAIL),
    "drive": ("record-path-unsafe", row("C:/x,sha256=x,1", "x"), "`C:/x`", ERROR, MAIL),
    "not itself": ("record-self", row(None, RECORD), "does not list itself", WARNING, MAIL),
    "own digest": ("record-self", row(f"{RECORD},sha256={'A' * 43},", RECORD), "gives itself", WARNING, ACCEPT),
    "own size": ("record-self", row(f"{RECORD},,10", RECORD), "gives itself", WARNING, ACCEPT),
    "signature": (
        "record-signature-file",
        replace(DEMO, members={**DEMO.members, f"{RECORD}.jws": Member(content=b"{}", recorded=False)}),
        "RECORD.jws` is a deprecated signature",
        WARNING,
        ACCEPT,
    ),
    "listed signature": (
        "record-signature-file",
        replace(DEMO, members={**DEMO.members, f"{RECORD}.p7s": b"x"}),
        "RECORD lists it",
        WARNING,
        ACCEPT,
    ),
    "no hash": ("record-hash-missing", row(f"{PATH},,14"), f"`{PATH}` has no hash", ERROR, ACCEPT),
    "md5": ("record-hash-weak", row(hashed("md5")), "md5", ERROR, ACCEPT),
    "sha1": ("record-hash-weak", row(hashed("sha1")), "sha1", ERROR, ACCEPT),
    "sha224": ("record-hash-weak", row(hashed("sha224")), "sha224", ERROR, ACCEPT),
    **{
        f"hash {text[:12]}": ("record-hash-malformed", row(f"{PATH},{text},14"), words, ERROR, ACCEPT)
        for text, words in (
            ("sha256", "no `=`"),
            ("crc32=AAAA", "no algorithm `crc32`"),
            (f"sha256={'0' * 64}", "hexadecimal"),
            (f"sha256={'A' * 43}=", "padding"),
            (f"sha256={'+' * 43}", "not URL-safe"),
            (f"sha256={'A' * 42}", "42 characters where 43"),
            ("sha256=", "not URL-safe"),
        )
    },
    "size of another": ("record-size-mismatch", row(GOOD.replace(",14", ",15")), "is wrong", ERROR, ACCEPT),
    "size in words": ("record-size-mismatch", row(GOOD.replace(",14", ",x")), "is wrong", ERROR, ACCEPT),
    "negative size": ("record-size-mismatch", row(GOOD.replace(",14", ",-14")), "is wrong", ERROR, ACCEPT),
    "size in other digits": ("record-size-mismatch", row(GOOD.replace(",14", ",١٤")), "is wrong", ERROR, ACCEPT),
    "endless size": ("record-size-mismatch", row(GOOD.replace(",14", "," + "9" * 9000)), "is wrong", ERROR, ACCEPT),
}


@pytest.mark.parametrize(("rule", "wheel", "words", "severity", "pypi"), DIRTY.values(), ids=DIRTY.keys())
def test_each_fault_of_record(rule: str, wheel: WheelSpec, words: str, severity: Severity, pypi: PyPIAnswer) -> None:
    """Each fault is one finding, with PyPI's answer to it and no text without end."""
    finding = only(wheel, rule=rule)
    assert words in finding.message
    assert (finding.severity, finding.pypi) == (severity, pypi)
    assert len(evidence(finding)) < 2000
    assert_house_style([finding])


def test_signatures_need_no_hash() -> None:
    """Rows for RECORD's own signatures may be without a hash."""
    wheel = replace(
        DEMO, members={**DEMO.members, f"{RECORD}.jws": b"x"}, record_rows={f"{RECORD}.jws": f"{RECORD}.jws,,"}
    )
    assert not findings(wheel, rule="record-hash-missing")


def test_a_size_beside_a_wrong_digest_is_one_fault() -> None:
    """Where the content differs, its size does too, and the digest says so alone."""
    assert rules_hit(row(record_row(PATH, b"other content")), "record") == {"record-hash-mismatch"}


@pytest.mark.parametrize(
    "line", ["demo/gone/{}.py,sha256=x,1", "./demo/__init__.py,md5=0,{}", "../{},,", "demo/{}//x,sha1=AAAA,x"]
)
def test_a_record_of_many_rows_is_bounded(line: str) -> None:
    """A hundred thousand faulty rows are a few findings with counts."""
    text = "".join(f"{line.format(number)}\n" for number in range(100_000))
    found = [one for one in report(replace(DEMO, record=text)).findings if one.family == "record"]
    assert 0 < len(found) < 10
    assert all(len(one.evidence) <= 20 for one in found)
