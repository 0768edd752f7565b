"""The rules on Pythons that nothing serves, and on what is told elsewhere: from the files on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from auditor.judge import judge_release
from auditor.release import group
from tests.rules.release_helpers import (
    LINUX,
    MAC,
    NEWER,
    USUAL,
    WINDOWS,
    Release,
    everywhere,
    only,
    pythons,
    said,
    summary,
    tagged,
    without,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.builders import WheelSpec


def described(tags: str, *classified: str, requires: str | None = ">=3.8") -> WheelSpec:
    """A wheel with Requires-Python and classifiers."""
    classifiers = tuple(f"Programming Language :: Python :: {one}" for one in classified)
    return tagged(tags, headers={"Requires-Python": requires, "Classifier": classifiers})


UNSERVED: dict[str, tuple[list[WheelSpec], list[tuple[str, str]]]] = {
    "below the oldest wheel": (
        [described(f"cp310-abi3-{LINUX}"), described(f"cp310-abi3-{WINDOWS}")],
        [("warning", "for CPython 3.8 and 3.9, which")],
    ),
    "a classifier above the newest wheel": (
        [
            described(f"cp312-cp312-{LINUX}", "3.12", "3.15", requires=">=3.12"),
            described(f"cp312-cp312-{WINDOWS}", "3.12", "3.15", requires=">=3.12"),
        ],
        [("warning", "CPython 3.15, which"), ("info", "CPython 3.13 and 3.14, which")],
    ),
    "a bound above": (
        [described(f"cp312-cp312-{one}", requires=">=3.12,<3.14") for one in (LINUX, WINDOWS)],
        [("warning", "CPython 3.13, which")],
    ),
    "no bound above": (
        [described(f"cp{one}-cp{one}-{LINUX}", requires=">=3.12") for one in ("312", "313", "314")],
        [("info", "CPython 3.15, which")],
    ),
    "a hole": (
        [described(f"cp{one}-cp{one}-{LINUX}", requires=">=3.12") for one in ("312", "314", "315")],
        [("warning", "CPython 3.13, which")],
    ),
    "no Requires-Python": (
        [described(f"cp{one}-cp{one}-{LINUX}", "3.12", "3.13", requires=None) for one in ("312", "315")],
        [("warning", "CPython 3.13, which")],
    ),
    "no promise at all": ([described(f"cp{one}-cp{one}-{LINUX}", requires=None) for one in ("312", "315")], []),
    "all of them": ([described("py3-none-any", "3.8", "3.15"), described(f"cp312-cp312-{LINUX}", "3.8", "3.15")], []),
}


@pytest.mark.parametrize("name", UNSERVED)
def test_a_python_that_nothing_serves_is_told(name: str, tmp_path: Path) -> None:
    """A promised Python without a wheel is told where there is no source distribution, and only there."""
    wheels, expected = UNSERVED[name]
    (tmp_path / "a").mkdir()
    report = Release(wheels=wheels, sdists=()).audit(tmp_path / "a")
    told = [(one.severity.value, one.message) for one in report.findings if one.rule == "release-python-unserved"]
    assert [severity for severity, _ in told] == [severity for severity, _ in expected]
    for (_, message), (_, words) in zip(told, expected, strict=True):
        assert words in message
    (tmp_path / "b").mkdir()
    with_sdist = Release(wheels=wheels).audit(tmp_path / "b")
    assert "release-python-unserved" not in {one.rule for one in with_sdist.findings}


def test_a_missing_source_distribution_is_an_info(tmp_path: Path) -> None:
    """Without a file named as a source distribution of this version, that is told once."""
    wheels = [tagged(f"cp39-abi3-{one}", headers={"Requires-Python": ">=3.9"}) for one in USUAL]
    finding = only(Release(wheels=wheels, sdists=()).audit(tmp_path), "release-sdist-missing")
    assert finding.severity.value == "info"


def test_what_nobody_serves_is_told_once(tmp_path: Path) -> None:
    """Without a source distribution the Python that is missing everywhere is unserved, and that alone is said."""
    wheels = [described(f"cp{one}-cp{one}-{LINUX}", requires=">=3.12") for one in ("312", "314", "315")]
    report = Release(wheels=wheels, sdists=()).audit(tmp_path)
    assert said(report) == [("release-python-unserved", "warning"), ("release-sdist-missing", "info")]


def test_a_missing_python_that_nobody_promised_is_a_gap(tmp_path: Path) -> None:
    """Without a source distribution and without a promise the gap is told."""
    wheels = [described(f"cp{one}-cp{one}-{LINUX}", requires=None) for one in ("312", "314")]
    report = Release(wheels=wheels, sdists=()).audit(tmp_path)
    assert said(report) == [("release-gap", "warning"), ("release-sdist-missing", "info")]


def test_files_left_over_are_blamed_for_nothing_else(tmp_path: Path) -> None:
    """The few wheels that lie beside the many of another version lack what they lack: that they are there is told."""
    stray = [tagged(f"cp313-cp313-{one}", version="1.1.dev3") for one in (LINUX, WINDOWS)]
    stray += pythons(MAC, "cp312", version="1.1.dev3")
    report = Release(wheels=[*everywhere("cp312", "cp313"), *stray]).audit(tmp_path)
    assert said(report) == [("release-version-mixed", "warning")]


def test_an_older_version_that_is_named_by_another_is_left_alone() -> None:
    """Of a version that is told of as lying beside a newer one, what it lacks is not told; without that, it is."""
    wheels = [summary(f"cp{one}-cp{one}-{LINUX}", requires_python=">=3.10") for one in ("312", "314")]
    wheels.append(summary(f"cp312-cp312-{WINDOWS}", requires_python=">=3.10"))
    (release,) = group(wheels)
    expected = {"cp315": ["win_amd64"]}
    told = {one.rule for one in judge_release(release).findings}
    assert told == {"release-gap", "release-python-unserved", "release-sdist-missing"}
    assert {one.rule for one in judge_release(release, expected=expected).findings} > {"release-gap"}
    blamed = structs.replace(release, blamed=True)
    assert judge_release(blamed).findings == ()
    assert judge_release(blamed, expected=expected).findings == ()


def test_the_version_with_the_most_wheels_is_judged_although_others_lie_beside(tmp_path: Path) -> None:
    """One stale wheel hides no gap of the release."""
    wheels = [*without(everywhere(*NEWER), f"cp312-cp312-{WINDOWS}"), tagged(f"cp312-cp312-{LINUX}", version="0.9")]
    report = Release(wheels=wheels, sdists=()).audit(tmp_path)
    assert {one.rule for one in report.findings} >= {"release-gap", "release-sdist-missing", "release-version-mixed"}
