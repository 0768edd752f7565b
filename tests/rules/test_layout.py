"""The rules on the directories of a wheel and on its WHEEL file."""

from __future__ import annotations

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.builders import DEMO, LocalFields, Member, WheelSpec, ZipEntry, build_wheel, replace, wheel_entries
from tests.builders.wheel import BuiltWheel
from tests.builders.zipraw import CentralFields, build_zip
from tests.rules.helpers import assert_house_style, evidence, findings, not_judged, only, report, rules_hit

LINUX = "manylinux_2_17_x86_64"


def with_tags(tags: str, *lines: str) -> WheelSpec:
    """A wheel with these tags in its name and these Tag lines in WHEEL."""
    python, abi, platform = tags.split("-")
    return replace(DEMO, python=python, abi=abi, platform=platform, wheel_lines={"Tag": lines})


LEGAL = {
    "plain": DEMO,
    "build tag": replace(DEMO, build="1"),
    "local version": replace(DEMO, version="1.0+local.1"),
    "epoch": replace(DEMO, version="1!1.0"),
    "data directory": replace(DEMO, members={**DEMO.members, "demo-1.0.data/scripts/demo": b"#!python\n"}),
    "directory entries": replace(
        DEMO, extra_entries=(ZipEntry(name="demo/", mode=0o40755), ZipEntry(name="demo-1.0.dist-info/", mode=0o40755))
    ),
    "dist-info inside a package": replace(
        DEMO, members={**DEMO.members, "demo/vendor/other-2.0.dist-info/METADATA": b"Name: other\n"}
    ),
    "upper-case tags in WHEEL": with_tags("py3-none-any", "PY3-none-ANY"),
    "WHEEL with other fields": replace(DEMO, wheel_lines={"X-Other": "1"}),
    "WHEEL that ends in blank lines": replace(
        DEMO, wheel_file="Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n\n\n"
    ),
    "WHEEL with CRLF": replace(
        DEMO, wheel_file="Wheel-Version: 1.0\r\nGenerator: x\r\nRoot-Is-Purelib: true\r\nTag: py3-none-any\r\n"
    ),
    "tags in another order": with_tags("py2.py3-none-any", "py3-none-any", "py2-none-any"),
    "ZIP64": replace(DEMO, members={"demo/__init__.py": Member(content=b"", zip64=True)}),
}
"""Wheels that are unusual and in order."""


@pytest.mark.parametrize("wheel", LEGAL.values(), ids=LEGAL.keys())
def test_no_rule_on_layout_speaks_of_a_legal_wheel(wheel: WheelSpec) -> None:
    """Unusual wheels that the specification allows have no finding of the family."""
    assert not rules_hit(wheel, "layout")


@pytest.mark.parametrize(
    ("wheel", "words"),
    [
        (replace(DEMO, record=None, license_text=None, metadata=None, wheel_file=None), "no `.dist-info` directory"),
        (
            BuiltWheel(
                filename="demo-1.0-py3-none-any.whl",
                data=build_zip([replace(entry, name=f"demo-1.0/{entry.name!s}") for entry in wheel_entries(DEMO)]),
            ),
            "`demo-1.0/demo-1.0.dist-info` is not at the top",
        ),
        (
            BuiltWheel(
                filename="demo-1.0-py3-none-any.whl",
                data=build_zip([ZipEntry(name="demo-1.0.egg-info/PKG-INFO"), ZipEntry(name="x.dist-info.txt")]),
            ),
            "no `.dist-info` directory",
        ),
    ],
    ids=["absent", "one level too deep", "egg-info"],
)
def test_a_wheel_without_dist_info_is_one_error(wheel: WheelSpec | BuiltWheel, words: str) -> None:
    """Without a dist-info directory at the top there is one error, and none about each file that it lacks."""
    finding = only(wheel, rule="dist-info-missing")
    assert words in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)
    assert rules_hit(wheel, "layout", "record", "metadata") == {"dist-info-missing"}


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x03\x04"], ids=["empty file", "text", "truncated"])
def test_what_is_no_archive_lacks_no_dist_info(data: bytes) -> None:
    """A file that could not be opened is one finding of the archive and none of what it should have held."""
    wheel = BuiltWheel(filename="demo-1.0-py3-none-any.whl", data=data)
    assert not rules_hit(wheel, "layout", "record", "metadata")
    assert report(wheel).failed


@pytest.mark.parametrize(
    ("filename", "dist_info"),
    [
        ("demo-1.0-py3-none-any.whl", "Demo-1.0.dist-info"),
        ("demo-1.0-py3-none-any.whl", "demo-1.00.dist-info"),
        ("demo-2.0-py3-none-any.whl", "demo-1.0.dist-info"),
        ("other-1.0-py3-none-any.whl", "demo-1.0.dist-info"),
        ("demo_two-1.0-py3-none-any.whl", "demo-two-1.0.dist-info"),
    ],
)
def test_the_dist_info_is_spelled_as_the_file_name(filename: str, dist_info: str) -> None:
    """Any other spelling is an error that shows both: PyPI looks under the file name's."""
    finding = only(replace(DEMO, filename=filename, dist_info=dist_info), rule="dist-info-name-mismatch")
    assert f"`{dist_info}`" in finding.message
    assert f"`{'-'.join(filename.split('-')[:2])}.dist-info`" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)


def test_a_wheel_without_a_wheel_file_is_an_error() -> None:
    """A missing WHEEL is an error with its path, and no tags are missed in it."""
    wheel = replace(DEMO, wheel_file=None)
    finding = only(wheel, rule="wheel-file-missing")
    assert "`demo-1.0.dist-info/WHEEL`" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)
    assert rules_hit(wheel, "layout") == {"wheel-file-missing"}


UNREADABLE = {
    "encrypted": Member(local=LocalFields(flags=1), central=CentralFields(flags=1)),
    "unknown method": Member(method=99, payload=b"x"),
    "broken stream": Member(content=b"x" * 100, payload=b"\xff" * 20),
}


@pytest.mark.parametrize("member", UNREADABLE.values(), ids=UNREADABLE.keys())
@pytest.mark.parametrize(
    ("name", "rule"), [("WHEEL", "wheel-file-missing"), ("METADATA", "metadata-missing"), ("RECORD", "record-missing")]
)
def test_what_is_there_and_unreadable_is_not_missing(name: str, rule: str, member: Member) -> None:
    """A file that could not be read is not judged and not called absent: the archive's finding says why."""
    wheel = replace(DEMO, members={**DEMO.members, f"demo-1.0.dist-info/{name}": member})
    assert not findings(wheel, rule=rule)
    assert f"`demo-1.0.dist-info/{name}` is there" in not_judged(wheel, rule=rule)[0]
    assert report(wheel).failed


@pytest.mark.parametrize(
    ("tags", "lines", "severity", "words"),
    [
        ("py3-none-any", ("py2-none-any",), Severity.ERROR, "`py3-none-any`"),
        ("py2.py3-none-any", ("py3-none-any",), Severity.WARNING, "for Python 2, which the file name promises"),
        ("cp27-cp27m-win32", ("cp27-cp27mu-win32",), Severity.WARNING, "`cp27-cp27m-win32`"),
        (
            "py2.py3-none-any",
            ("cp311-none-any",),
            Severity.ERROR,
            "machines that the file name promises to serve: `py3",
        ),
        ("py3-none-any", ("py3-none-any", "py2-none-any"), Severity.WARNING, "`py2-none-any` is in WHEEL and not in"),
        ("cp311-cp311-win_amd64", ("cp310-cp310-win_amd64",), Severity.ERROR, "`cp311-cp311-win_amd64`"),
        (f"cp311-cp311-{LINUX}", ("cp311-cp311-manylinux_2_28_x86_64",), Severity.ERROR, LINUX),
        (f"cp313-none-{LINUX}", (f"cp313-cp313-{LINUX}",), Severity.ERROR, f"cp313-none-{LINUX}"),
        ("py3-none-any", (), Severity.ERROR, "no `Tag` line"),
        ("py3-none-any", ("py3-any",), Severity.ERROR, "no `Tag` line of WHEEL is a tag: `py3-any`"),
        (
            f"cp311-cp311-{LINUX}",
            ("cp311-cp311-linux_x86_64",),
            Severity.WARNING,
            "has other tags for the same machines",
        ),
        (f"cp38-abi3-{LINUX}", ("py3-none-any",), Severity.WARNING, "has other tags for the same machines"),
        (f"cp39-abi3-{LINUX}", (f"cp38-abi3-{LINUX}",), Severity.WARNING, "has other tags for the same machines"),
        (
            f"cp311-cp311-manylinux2014_x86_64.{LINUX}",
            ("cp311-cp311-manylinux2014_x86_64",),
            Severity.WARNING,
            "has other tags for the same machines",
        ),
        (
            "cp311-cp311-macosx_10_9_universal2",
            ("cp311-cp311-macosx_10_9_x86_64", "cp311-cp311-macosx_11_0_arm64"),
            Severity.WARNING,
            "has other tags for the same machines",
        ),
        (
            "cp311-cp311-macosx_10_9_universal2",
            ("cp311-cp311-macosx_10_9_x86_64",),
            Severity.ERROR,
            "macosx_10_9_universal2",
        ),
        (
            "cp36.cp37-cp36m.cp37m-win32",
            ("cp36-cp36m-win32", "cp37-cp37m-win32"),
            Severity.WARNING,
            "and 1 more are not in WHEEL",
        ),
    ],
)
def test_a06_tags_in_wheel_that_are_not_the_names(
    tags: str, lines: tuple[str, ...], severity: Severity, words: str
) -> None:
    """It is an error where a machine finds no tag of its own in WHEEL, a warning where each does."""
    finding = only(with_tags(tags, *lines), rule="wheel-tag-mismatch")
    assert words in finding.message
    assert (finding.severity, finding.pypi) == (severity, PyPIAnswer.FUTURE)
    assert finding.member == "demo-1.0.dist-info/WHEEL"
    for line in lines:
        if line.count("-") == 2 and line not in tags:
            assert f"`{line}` is in WHEEL and not in the file name" in evidence(finding) or len(lines) > 1


def test_tags_after_a_blank_line_are_read() -> None:
    """WHEEL files with a blank line inside, as scikit-build wrote them, have their tags all the same."""
    text = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\n\nTag: py3-none-any\n"
    assert not findings(replace(DEMO, wheel_file=text), rule="wheel-tag-mismatch")


def test_findings_on_layout_keep_the_house_style() -> None:
    """Every message of the family is worded as the others are, and says what to do."""
    wheels = (
        replace(DEMO, record=None, license_text=None, metadata=None, wheel_file=None),
        replace(DEMO, dist_info="Demo-1.0.dist-info"),
        replace(DEMO, wheel_file=None),
        with_tags("py3-none-any", "py2-none-any"),
    )
    found = [one for wheel in wheels for one in report(build_wheel(wheel)).findings if one.family == "layout"]
    assert_house_style(found)
    assert {one.rule for one in found} == {
        "dist-info-missing",
        "dist-info-name-mismatch",
        "wheel-file-missing",
        "wheel-tag-mismatch",
    }
