"""The rules on names, modes, dates and the size of an archive: what each says, and what it lets pass."""

from __future__ import annotations

import pytest

from auditor.findings import PyPIAnswer, Severity
from auditor.platforms import pypi
from tests.builders import (
    DEMO,
    CentralFields,
    LocalFields,
    Member,
    WheelSpec,
    ZipEntry,
    build_wheel,
    build_zip,
    replace,
    wheel_entries,
)
from tests.differential.anomalies import ROWS
from tests.rules.helpers import assert_house_style, evidence, findings, only, report

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
LINUX = "manylinux_2_17_x86_64"
MACOS = "macosx_11_0_arm64"
WINDOWS = "win_amd64"


def named(*names: str, platform: str = "any") -> WheelSpec:
    """The demo wheel with files of these names."""
    return replace(DEMO, platform=platform, members={**DEMO.members, **dict.fromkeys(names, b"x")})


def moded(mode: int, name: str = "demo/a.txt") -> WheelSpec:
    """The demo wheel with a file of this mode."""
    return replace(DEMO, members={**DEMO.members, name: Member(content=b"x", mode=mode)})


def folder(mode: int = 0o40755, content: bytes = b"", name: str = "demo/") -> WheelSpec:
    """The demo wheel with an entry for a directory."""
    return replace(DEMO, extra_entries=(ZipEntry(name=name, mode=mode, content=content, method=0),))


def dated(date: int, time: int = 0) -> WheelSpec:
    """The demo wheel with a file of this DOS date and time."""
    member = Member(content=b"x", local=LocalFields(date=date, time=time), central=CentralFields(date=date, time=time))
    return replace(DEMO, members={**DEMO.members, "demo/a.txt": member})


def source(text: str, name: str = "demo/a.py") -> WheelSpec:
    """The demo wheel with a file that holds this text."""
    return replace(DEMO, members={**DEMO.members, name: text.encode()})


CLEAN: dict[str, tuple[str, WheelSpec]] = {
    "unsafe: plain": ("zip-path-unsafe", DEMO),
    "unsafe: two dots in a name": ("zip-path-unsafe", named("demo/a..b", "demo/..a", "demo/a..", platform=LINUX)),
    "unsafe: three dots": ("zip-path-unsafe", named("demo/.../a", platform=LINUX)),
    "unsafe: a colon later": ("zip-path-unsafe", named("demo/a:b", platform=LINUX)),
    "noncanonical: hidden files": ("zip-path-noncanonical", named("demo/.a", "demo/a.")),
    "noncanonical: directories": ("zip-path-noncanonical", folder()),
    "windows: names that only begin as a device": (
        "zip-path-windows",
        named("demo/nul_test.py", "demo/auxiliary/a.py", "demo/com10.py", "demo/com.py", "demo/console.py"),
    ),
    "windows: devices for Linux": ("zip-path-windows", named("demo/aux/a.py", "demo/con.py", platform=LINUX)),
    "windows: forbidden for macOS": ("zip-path-windows", named("demo/a:b ", 'demo/"', platform=MACOS)),
    "windows: a drive is another fault": ("zip-path-windows", named("C:/a.py")),
    "windows: spaces within": ("zip-path-windows", named("demo/a b.txt", "demo/ a.txt", "demo/.hidden")),
    "collision: distinct": ("zip-path-collision", named("demo/a.py", "demo/b.py", "demo/a.pyi")),
    "collision: case on Linux": ("zip-path-collision", named("demo/a.py", "demo/A.py", platform=LINUX)),
    "collision: composition on Linux": ("zip-path-collision", named("demo/\xe4", "demo/a\u0308", platform=LINUX)),
    "collision: a directory entry": ("zip-path-collision", folder()),
    "collision: a name that begins as another": ("zip-path-collision", named("demo/a", "demo/ab/c", "demo/a.b/c")),
    "collision: accents": ("zip-path-collision", named("demo/e", "demo/\xe9")),
    "too long: 200": ("zip-path-too-long", named("demo/" + "a" * 195)),
    "too long: for Linux": ("zip-path-too-long", named("demo/" + "a" * 240, platform=LINUX)),
    "special: mode 0": ("zip-special-file", moded(0)),
    "special: permissions without a type": ("zip-special-file", moded(0o644)),
    "special: program": ("zip-special-file", moded(0o100755)),
    "special: directory": ("zip-special-file", folder()),
    "special: directory of mode 0": ("zip-special-file", folder(0)),
    "permissions: mode 0": ("zip-permissions", moded(0)),
    "permissions: 644 without a type": ("zip-permissions", moded(0o644)),
    "permissions: 644": ("zip-permissions", moded(0o100644)),
    "permissions: 664": ("zip-permissions", moded(0o100664)),
    "permissions: 755": ("zip-permissions", moded(0o100755)),
    "permissions: 400": ("zip-permissions", moded(0o100400)),
    "permissions: 600": ("zip-permissions", moded(0o100600)),
    "permissions: a setgid directory": ("zip-permissions", folder(0o42755)),
    "permissions: a link": ("zip-permissions", moded(0o120777)),
    "order: plain": ("zip-dist-info-order", DEMO),
    "order: no dist-info": ("zip-dist-info-order", replace(DEMO, dist_info="other")),
    "timestamps: 1980": ("zip-timestamps", dated(0x21)),
    "timestamps: the last second": ("zip-timestamps", dated(127 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29)),
    "timestamps: a leap day": ("zip-timestamps", dated(20 << 9 | 2 << 5 | 29)),
    "obfuscated: one mark alone": ("source-obfuscated", source("# ---BEGIN " + "PYE FILE---")),
    "obfuscated: the name of the tool": ("source-obfuscated", source("# __pyar" + "mor__ is not used")),
    "obfuscated: in a text": ("source-obfuscated", source("__pyar" + "mor_enter__", "demo/a.txt")),
    "too large: plain": ("zip-too-large", DEMO),
    "polyglot: plain": ("zip-polyglot", DEMO),
}


@pytest.mark.parametrize(("rule", "wheel"), CLEAN.values(), ids=CLEAN)
def test_what_is_legal_is_let_pass(rule: str, wheel: WheelSpec) -> None:
    """A wheel that is clean, or odd and legal, has no finding of the rule."""
    assert findings(wheel, rule=rule) == []


DIRTY: dict[str, tuple[str, Severity, WheelSpec, str]] = {
    "unsafe: parent": ("zip-path-unsafe", ERROR, named("../a"), "`..` component"),
    "unsafe: parent within": ("zip-path-unsafe", ERROR, named("demo/../../a"), "`..` component"),
    "unsafe: parent at the end": ("zip-path-unsafe", ERROR, named("demo/.."), "`..` component"),
    "unsafe: parent by backslash": ("zip-path-unsafe", ERROR, named("demo\\..\\a"), "`..` component"),
    "unsafe: absolute": ("zip-path-unsafe", ERROR, named("/a"), "is absolute"),
    "unsafe: drive": ("zip-path-unsafe", ERROR, named("c:a"), "drive letter"),
    "unsafe: backslash for Linux": ("zip-path-unsafe", ERROR, named("demo\\a", platform=LINUX), "has a backslash"),
    "noncanonical: dot first": ("zip-path-noncanonical", ERROR, named("./a"), "`.` component"),
    "noncanonical: dot within": ("zip-path-noncanonical", ERROR, named("demo/./a"), "`.` component"),
    "noncanonical: slashes": ("zip-path-noncanonical", ERROR, named("demo//a"), "two slashes"),
    "noncanonical: empty": ("zip-path-noncanonical", ERROR, named(""), "is an empty name"),
    "noncanonical: two slashes at the end": (
        "zip-path-noncanonical",
        ERROR,
        folder(name="demo/b//"),
        "two slashes",
    ),
    "windows: device": ("zip-path-windows", WARNING, named("demo/nul"), "a device (`nul`)"),
    "windows: device with a suffix": ("zip-path-windows", WARNING, named("demo/Aux.tar.gz"), "a device"),
    "windows: device as a directory": ("zip-path-windows", WARNING, named("demo/aux/a.py"), "a device (`aux`)"),
    "windows: device with a number": ("zip-path-windows", WARNING, named("demo/LPT9.txt"), "a device"),
    "windows: device before a space": ("zip-path-windows", WARNING, named("demo/con .txt"), "a device"),
    "windows: dot at the end": ("zip-path-windows", WARNING, named("demo/a./b"), "ends in a dot"),
    "windows: space at the end": ("zip-path-windows", WARNING, named("demo/a "), "ends in a dot or a space"),
    **{
        f"windows: {character}": ("zip-path-windows", WARNING, named(f"demo/a{character}b"), "Windows forbids")
        for character in ':*?"<>|'
    },
    "windows: tag for Windows": ("zip-path-windows", WARNING, named("demo/nul", platform=WINDOWS), "a device"),
    "windows: tags for both": (
        "zip-path-windows",
        WARNING,
        named("demo/nul", platform=f"{LINUX}.{WINDOWS}"),
        "a device",
    ),
    "collision: case": ("zip-path-collision", ERROR, named("demo/a.py", "demo/A.py"), "`demo/A.py` and `demo/a.py`"),
    "collision: case of a directory": ("zip-path-collision", ERROR, named("demo/b/a", "demo/B/a"), "`demo/B/a`"),
    "collision: case on macOS": (
        "zip-path-collision",
        ERROR,
        named("demo/a.py", "demo/A.py", platform=MACOS),
        "`demo/A.py`",
    ),
    "collision: case on Linux and Windows": (
        "zip-path-collision",
        ERROR,
        named("demo/a.py", "demo/A.py", platform=f"{LINUX}.{WINDOWS}"),
        "`demo/A.py`",
    ),
    "collision: composition": ("zip-path-collision", ERROR, named("demo/\xe4", "demo/a\u0308"), "`demo/\xe4`"),
    "collision: composition and case": (
        "zip-path-collision",
        ERROR,
        named("demo/\xc4", "demo/a\u0308"),
        "`demo/\xc4`",
    ),
    "collision: sharp s": ("zip-path-collision", ERROR, named("demo/stra\xdfe", "demo/STRASSE"), "`demo/STRASSE`"),
    "collision: file and directory": (
        "zip-path-collision",
        ERROR,
        named("demo/a", "demo/a/b"),
        "`demo/a` and `demo/a/`",
    ),
    "collision: file and directory on Linux": (
        "zip-path-collision",
        ERROR,
        named("demo/a", "demo/a/b/c", platform=LINUX),
        "`demo/a` and `demo/a/`",
    ),
    "collision: file and directory but for case": (
        "zip-path-collision",
        ERROR,
        named("demo/a", "demo/A/b"),
        "`demo/a`",
    ),
    "collision: file and directory entry": (
        "zip-path-collision",
        ERROR,
        replace(named("demo/a"), extra_entries=(ZipEntry(name="demo/a/", mode=0o40755, method=0),)),
        "`demo/a` and `demo/a/`",
    ),
    "too long: 201": ("zip-path-too-long", WARNING, named("demo/" + "a" * 196), "has 201 characters"),
    "special: link": ("zip-special-file", ERROR, moded(0o120777), "symbolic link"),
    "special: pipe": ("zip-special-file", ERROR, moded(0o010644), "special file (mode 10644)"),
    "special: block device": ("zip-special-file", ERROR, moded(0o060644), "special file (mode 60644)"),
    "special: socket": ("zip-special-file", ERROR, moded(0o140644), "special file (mode 140644)"),
    "special: directory with content": ("zip-special-file", ERROR, folder(content=b"x"), "directory with content"),
    "permissions: setuid": ("zip-permissions", WARNING, moded(0o104755), "setuid or setgid (mode 4755)"),
    "permissions: setgid": ("zip-permissions", WARNING, moded(0o102755), "setuid or setgid (mode 2755)"),
    "permissions: writable by all": ("zip-permissions", WARNING, moded(0o100666), "written by anybody (mode 666)"),
    "permissions: unreadable": ("zip-permissions", WARNING, moded(0o100244), "read by its owner (mode 244)"),
    "permissions: none": ("zip-permissions", WARNING, moded(0o100000), "read by its owner (mode 000)"),
    "permissions: a directory writable by all": ("zip-permissions", WARNING, folder(0o40777), "written by anybody"),
    "timestamps: zero": ("zip-timestamps", INFO, dated(0), "has the date"),
    "timestamps: month 13": ("zip-timestamps", INFO, dated(1 << 9 | 13 << 5 | 1), "month"),
    "timestamps: 30 February": ("zip-timestamps", INFO, dated(20 << 9 | 2 << 5 | 30), "day"),
    "timestamps: second 60": ("zip-timestamps", INFO, dated(0x21, 30), "second"),
    "timestamps: hour 24": ("zip-timestamps", INFO, dated(0x21, 24 << 11), "hour"),
    **{
        f"obfuscated: {mark}": ("source-obfuscated", ERROR, source("__pyar" + f"mor_{mark}"), "PyArmor")
        for mark in ("_(__name__, __file__,", "enter__", "exit__", "assert__", "bcc__")
    },
    "obfuscated: between two marks": (
        "source-obfuscated",
        ERROR,
        source("---BEGIN " + "PYE FILE---\nabc\n---END " + "PYE FILE---", "demo/a.pye"),
        "SourceDefender",
    ),
}


@pytest.mark.parametrize(("rule", "severity", "wheel", "words"), DIRTY.values(), ids=DIRTY)
def test_what_is_wrong_is_one_finding(rule: str, severity: Severity, wheel: WheelSpec, words: str) -> None:
    """A wheel with the fault has one finding of the rule that says what it is, and is worded as the others are."""
    finding = only(wheel, rule=rule)
    assert finding.severity is severity
    assert words in f"{finding.message}\n{evidence(finding)}"
    assert finding.pypi is (PyPIAnswer.REJECT if rule == "source-obfuscated" else PyPIAnswer.ACCEPT)
    assert_house_style([finding])


MANY = {
    "zip-path-unsafe": named("../a", "/b"),
    "zip-path-noncanonical": named("./a", "demo//b"),
    "zip-path-windows": named("demo/nul", "demo/aux"),
    "zip-path-too-long": named("demo/" + "a" * 240, "demo/" + "b" * 240),
    "zip-special-file": replace(DEMO, members={**moded(0o120777).members, "demo/b": Member(mode=0o120777)}),
    "zip-permissions": replace(DEMO, members={**moded(0o100666).members, "demo/b": Member(mode=0o100666)}),
    "zip-timestamps": replace(DEMO, members={**dated(0).members, "demo/b": dated(0).members["demo/a.txt"]}),
    "source-obfuscated": replace(
        DEMO, members={f"demo/{name}.py": ("__pyar" + "mor_enter__").encode() for name in "ab"}
    ),
}


@pytest.mark.parametrize("rule", MANY)
def test_several_members_are_one_finding(rule: str) -> None:
    """Two members with the same fault are counted in one message, and each is named in the evidence."""
    finding = only(MANY[rule], rule=rule)
    assert "2 members " in finding.message
    assert finding.member is None
    assert len({one.member for one in finding.evidence}) == 2
    assert_house_style([finding])


def test_several_collisions_are_one_finding() -> None:
    """The first pair of names is in the message, the others are counted and are evidence."""
    finding = only(named("demo/a", "demo/A", "demo/b", "demo/B"), rule="zip-path-collision")
    assert "`demo/A` and `demo/a` land on one file, and 1 more such pair" in finding.message
    assert len(finding.evidence) == 2


def test_a_dist_info_that_is_not_last_is_an_info() -> None:
    """A file behind the dist-info directory is worth knowing, whatever the order of the central directory."""
    entries = wheel_entries(DEMO)
    wheel = replace(build_wheel(DEMO), data=build_zip([*entries[1:], entries[0]]))
    finding = only(wheel, rule="zip-dist-info-order")
    assert (finding.severity, finding.pypi) == (INFO, PyPIAnswer.ACCEPT)
    assert_house_style([finding])
    order = replace(DEMO, layout=replace(DEMO.layout, central_order=(4, 3, 2, 1, 0)))
    assert not findings(order, rule="zip-dist-info-order")


@pytest.mark.parametrize(("more", "count"), [(0, 0), (-1, 1)])
def test_a_wheel_above_the_limit_of_pypi_is_an_error(more: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel of as many bytes as PyPI takes passes; with one byte more it is refused."""
    monkeypatch.setattr(pypi, "SIZE_MAX", len(build_wheel(DEMO).data) + more)
    found = findings(DEMO, rule="zip-too-large")
    assert len(found) == count
    assert_house_style(found)
    assert all((one.severity, one.pypi) == (ERROR, PyPIAnswer.REJECT) for one in found)


def test_a_wheel_that_is_a_tar_archive_too_is_an_error() -> None:
    """A file that tarfile takes as well is refused by PyPI."""
    finding = only(ROWS["54 zip and tar"].wheel, rule="zip-polyglot")
    assert (finding.severity, finding.pypi) == (ERROR, PyPIAnswer.REJECT)
    assert finding.evidence


@pytest.mark.parametrize("rule", ["zip-path-unsafe", "zip-path-noncanonical"])
def test_no_rule_on_names_fails_on_names_without_letters(rule: str) -> None:
    """Names of slashes, dots and nothing are judged without an exception."""
    for name in ("/", "//", ".", "..", "./", "../", "\\", " "):
        assert report(folder(name=name)).findings, (rule, name)
