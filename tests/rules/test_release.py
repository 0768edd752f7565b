"""The rules on a release as a set: for each a table of clean releases and one of spoiled ones, from the files on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from auditor.judge import judge_release
from auditor.release import group, summary_of_name
from tests.builders import BuiltWheel, Member, WheelSpec, extension_spec, replace
from tests.rules.helpers import assert_house_style
from tests.rules.release_helpers import SDIST, Release, only, pythons, said, tagged

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.facts.release import WheelSummary

LINUX, ARM_LINUX = "manylinux_2_17_x86_64", "manylinux_2_17_aarch64"
MUSL, MAC, INTEL_MAC = "musllinux_1_2_x86_64", "macosx_11_0_arm64", "macosx_10_9_x86_64"
WINDOWS, ARM_WINDOWS = "win_amd64", "win_arm64"
USUAL = (LINUX, ARM_LINUX, MUSL, MAC, INTEL_MAC, WINDOWS)
NEWER = ("cp310", "cp311", "cp312", "cp313", "cp314", "cp315")


def everywhere(*names: str, platforms: tuple[str, ...] = USUAL) -> list[WheelSpec]:
    """A wheel for each of these interpreters on each of the usual platforms."""
    return [one for platform in platforms for one in pythons(platform, *names)]


def without(wheels: list[WheelSpec], *left_out: str) -> list[WheelSpec]:
    """The wheels but for those of these tags."""
    kept = [one for one in wheels if f"{one.python}-{one.abi}-{one.platform}" not in left_out]
    assert len(kept) == len(wheels) - len(left_out)
    return kept


CLEAN: dict[str, Release] = {
    "a wheel a Python on every platform": Release(wheels=everywhere(*NEWER)),
    "one pure wheel": Release(wheels=[tagged("py3-none-any")]),
    "one stable wheel a platform": Release(wheels=[tagged(f"cp39-abi3-{one}") for one in USUAL]),
    "a stable wheel for old Pythons and one for new": Release(
        wheels=[tagged(f"cp{one}-abi3-{platform}") for platform in USUAL for one in ("38", "312")]
    ),
    "a universal wheel serves both Macs": Release(
        wheels=[*everywhere("cp312", platforms=(LINUX, WINDOWS)), tagged("cp312-cp312-macosx_10_13_universal2")]
    ),
    "a pure wheel fills what platform wheels leave": Release(
        wheels=[*pythons(LINUX, "cp312", "cp313"), *pythons(WINDOWS, "cp312"), tagged("py3-none-any")]
    ),
    "free-threaded builds everywhere": Release(wheels=everywhere("cp313", "cp314", "cp313t", "cp314t")),
    "no free-threaded builds and no PyPy": Release(wheels=everywhere("cp313", "cp314")),
    "PyPy where there is a PyPy": Release(
        wheels=[
            *everywhere("cp311", platforms=(LINUX, MUSL, WINDOWS)),
            *(tagged(f"pp311-pypy311_pp73-{one}") for one in (LINUX, WINDOWS)),
        ]
    ),
    "Windows on ARM begins with 3.11": Release(
        wheels=[*pythons(WINDOWS, "cp310", "cp311", "cp312"), *pythons(ARM_WINDOWS, "cp311", "cp312")]
    ),
    "programs without Python": Release(wheels=[tagged(f"py3-none-{one}") for one in USUAL]),
    "phones have one Python": Release(
        wheels=[*everywhere("cp312", "cp313", "cp314"), *pythons("ios_13_0_arm64_iphoneos", "cp313")]
    ),
    "Requires-Python excludes what is missing": Release(
        wheels=[
            *pythons(LINUX, "cp311", "cp312", headers={"Requires-Python": ">=3.11,<3.13"}),
            *pythons(WINDOWS, "cp311", "cp312", headers={"Requires-Python": ">=3.11,<3.13"}),
        ],
        sdists=(),
    ),
    "Pythons before 3.8 are not compared": Release(
        wheels=[tagged(f"cp36-cp36m-{LINUX}"), tagged(f"cp37-cp37m-{LINUX}"), tagged(f"cp36-cp36m-{WINDOWS}")]
    ),
    "a build of several glibc": Release(wheels=[*pythons(LINUX, "cp312"), *pythons("manylinux_2_28_x86_64", "cp312")]),
}
"""Releases of which nothing is said but, where there is none, of the source distribution."""


@pytest.mark.parametrize("name", CLEAN)
def test_a_good_release_is_left_alone(name: str, tmp_path: Path) -> None:
    """Nothing is said of a release that serves what it names."""
    report = CLEAN[name].audit(tmp_path)
    assert said(report, but=("release-sdist-missing",)) == []


GAPS: dict[str, tuple[Release, str, tuple[str, ...]]] = {
    "a Python in the middle": (
        Release(wheels=without(everywhere(*NEWER), f"cp312-cp312-{ARM_LINUX}")),
        "warning",
        ("`manylinux_aarch64` has no wheel for CPython 3.12,",),
    ),
    "the newest Python on one platform": (
        Release(wheels=without(everywhere(*NEWER), f"cp315-cp315-{WINDOWS}")),
        "warning",
        ("`win_amd64` has no wheel for CPython 3.15,",),
    ),
    "the newest Python on one platform alone": (
        Release(wheels=[*everywhere("cp313", "cp314"), *pythons(LINUX, "cp315")]),
        "warning",
        ("CPython 3.15, as `manylinux_x86_64` has", "and 1 more have no wheel"),
    ),
    "two platforms lack the same": (
        Release(wheels=without(everywhere(*NEWER), f"cp314-cp314-{MAC}", f"cp314-cp314-{INTEL_MAC}")),
        "warning",
        ("`macos_arm64`, `macos_x86_64` have no wheel for CPython 3.14,",),
    ),
    "a free-threaded build in the middle": (
        Release(
            wheels=without(everywhere("cp313", "cp314", "cp315", "cp313t", "cp314t", "cp315t"), f"cp314-cp314t-{MUSL}")
        ),
        "warning",
        ("`musllinux_x86_64` has no wheel for CPython 3.14t,",),
    ),
    "only the free-threaded build": (
        Release(wheels=[*everywhere("cp314", "cp314t", platforms=(LINUX, WINDOWS)), *pythons(MAC, "cp314t")]),
        "warning",
        ("`macos_arm64` has no wheel for CPython 3.14,",),
    ),
    "a stable wheel that begins too late in the middle": (
        Release(wheels=[tagged(f"cp39-abi3-{LINUX}"), *pythons(WINDOWS, "cp39"), tagged(f"cp312-abi3-{WINDOWS}")]),
        "warning",
        ("`win_amd64` has no wheel for CPython 3.10 and 3.11,",),
    ),
    "a platform that begins later": (
        Release(wheels=without(everywhere(*NEWER), f"cp310-cp310-{ARM_LINUX}", f"cp311-cp311-{ARM_LINUX}")),
        "info",
        ("`manylinux_aarch64` has no wheel for CPython 3.10 and 3.11,",),
    ),
    "no free-threaded build on one platform": (
        Release(wheels=[*everywhere("cp314"), *pythons(LINUX, "cp314t"), *pythons(WINDOWS, "cp314t")]),
        "info",
        ("CPython 3.14t",),
    ),
    "PyPy on one platform": (
        Release(wheels=[*everywhere("cp311", platforms=(LINUX, WINDOWS)), tagged(f"pp311-pypy311_pp73-{LINUX}")]),
        "info",
        ("`win_amd64` has no wheel for PyPy 3.11, as `manylinux_x86_64` has",),
    ),
}
"""Releases with one gap; the severity; words of the message."""


@pytest.mark.parametrize("name", GAPS)
def test_a_gap_is_told_once(name: str, tmp_path: Path) -> None:
    """A Python that one platform has and another lacks is one finding that names both."""
    release, severity, words = GAPS[name]
    finding = only(release.audit(tmp_path), "release-gap")
    assert finding.severity.value == severity
    assert all(one in finding.message for one in words), finding.message
    assert finding.evidence
    assert all(": none; on `" in one.text for one in finding.evidence)


EXPECTED_SERVED: dict[str, tuple[list[WheelSpec], dict[str, list[str]]]] = {
    "all of it": (everywhere("cp312"), {"cp312": ["manylinux_x86_64", "macos_arm64", "win_amd64"]}),
    "by the stable ABI": (
        [tagged(f"cp39-abi3-{one}") for one in USUAL],
        {"cp39": ["win_amd64"], "cp315": ["musllinux_x86_64"]},
    ),
    "a gap that is meant": ([*everywhere("cp312"), *pythons(LINUX, "cp313")], {"cp312": ["macos_x86_64"]}),
    "a floor": (pythons(LINUX, "cp312"), {"cp312": ["manylinux_2_28_x86_64", "manylinux_2_17_x86_64"]}),
    "a fallback below the floor": (
        [*pythons("manylinux_2_28_x86_64", "cp312"), tagged("py3-none-any")],
        {"cp312": ["manylinux_2_17_x86_64"]},
    ),
    "any": ([tagged("py3-none-any")], {"cp312": ["any"], "pp311": ["win_arm64", "ios_arm64_iphoneos"]}),
    "any beside platforms": ([*pythons(LINUX, "cp312"), tagged("py3-none-any")], {"cp312": ["any"]}),
    "an old Python": (
        [tagged(f"cp36-abi3-{one}", headers={"Requires-Python": ">=3.6"}) for one in (LINUX, WINDOWS)],
        {"cp36m": ["manylinux_x86_64"], "cp37m": ["win_amd64"]},
    ),
}
EXPECTED_MISSING: dict[str, tuple[list[WheelSpec], dict[str, list[str]], str]] = {
    "a platform without a wheel": (
        everywhere("cp312", platforms=(LINUX, WINDOWS)),
        {"cp312": ["manylinux_x86_64", "macos_arm64"]},
        "cp312 on macos_arm64",
    ),
    "a Python without a wheel": (everywhere("cp312"), {"cp313": ["win_amd64"]}, "cp313 on win_amd64"),
    "a platform that nobody builds for": (
        everywhere("cp312"),
        {"cp312": ["manylinux_s390x"]},
        "cp312 on manylinux_s390x",
    ),
    "a floor that is too high": (
        pythons("manylinux_2_28_x86_64", "cp312"),
        {"cp312": ["manylinux_2_17_x86_64"]},
        "cp312 on manylinux_2_17_x86_64",
    ),
    "any, and one platform lacks it": (everywhere("cp312"), {"cp312": ["any"]}, "cp312 on any"),
    "a phone": (everywhere("cp313"), {"cp313": ["android_arm64_v8a"]}, "cp313 on android_arm64_v8a"),
}


@pytest.mark.parametrize("name", EXPECTED_SERVED)
def test_an_expected_matrix_that_is_served_is_left_alone(name: str, tmp_path: Path) -> None:
    """Where the project states its matrix, nothing else is missed."""
    wheels, expected = EXPECTED_SERVED[name]
    assert said(Release(wheels=wheels, expected=expected).audit(tmp_path)) == []


@pytest.mark.parametrize("name", EXPECTED_MISSING)
def test_what_is_missing_of_an_expected_matrix_is_told(name: str, tmp_path: Path) -> None:
    """Every place of the stated matrix that no wheel serves is named."""
    wheels, expected, place = EXPECTED_MISSING[name]
    finding = only(Release(wheels=wheels, expected=expected).audit(tmp_path), "release-gap")
    assert f"1 place of the expected matrix without a wheel: `{place}`" in finding.message
    assert len(finding.evidence) == 1


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


REQUIRES = ("numpy >=1.20", "colorama; sys_platform == 'win32'", "PyYAML[fast] (<7,>=5)")
SAME: dict[str, dict[str, str | tuple[str, ...]]] = {
    "order, spaces, quotes and names": {
        "Requires-Dist": (
            'pyyaml [Fast] >=5,<7 ; python_version > "3"',
            'Colorama ; sys_platform=="win32"',
            "NumPy>=1.20",
        ),
    },
    "clauses of Requires-Python": {"Requires-Python": "<4, >=3.8"},
    "extras": {"Provides-Extra": ("Fast_Mode", "docs")},
    "other fields": {"Summary": "Another summary", "Keywords": "other"},
}
BASE: dict[str, dict[str, str | tuple[str, ...]]] = {
    "order, spaces, quotes and names": {
        "Requires-Dist": (
            "numpy >=1.20",
            "colorama; sys_platform == 'win32'",
            "PyYAML[fast] (<7,>=5); python_version>'3'",
        )
    },
    "clauses of Requires-Python": {"Requires-Python": ">=3.8,<4"},
    "extras": {"Provides-Extra": ("docs", "fast-mode")},
    "other fields": {},
}


@pytest.mark.parametrize("name", SAME)
def test_metadata_that_means_the_same_agrees(name: str, tmp_path: Path) -> None:
    """Spelling makes no disagreement, and neither do fields that no resolver reads."""
    wheels = [
        tagged(f"cp312-cp312-{LINUX}", headers=BASE[name]),
        tagged(f"cp312-cp312-{WINDOWS}", headers=SAME[name]),
    ]
    assert said(Release(wheels=wheels).audit(tmp_path)) == []


DISAGREE: dict[str, tuple[dict[str, str | tuple[str, ...] | None], str, str, str]] = {
    "a dependency without a marker": (
        {"Requires-Dist": (*REQUIRES, "pywin32")},
        "Requires-Dist",
        "error",
        "`pywin32`",
    ),
    "no dependencies at all": ({"Requires-Dist": None}, "Requires-Dist", "error", "nothing of it"),
    "a version": ({"Requires-Dist": ("numpy >=1.26", *REQUIRES[1:])}, "Requires-Dist", "error", "`numpy>=1.26`"),
    "a marked dependency": (
        {"Requires-Dist": (*REQUIRES, "pywin32; sys_platform == 'win32'")},
        "Requires-Dist",
        "warning",
        '`pywin32; sys_platform == "win32"`',
    ),
    "Requires-Python": ({"Requires-Python": ">=3.9"}, "Requires-Python", "error", "`>=3.9`"),
    "an extra": ({"Provides-Extra": "cuda"}, "Provides-Extra", "error", "`cuda`"),
}


@pytest.mark.parametrize("name", DISAGREE)
def test_metadata_that_disagrees_is_told(name: str, tmp_path: Path) -> None:
    """What one wheel states and another does not is the evidence; what they have in common is not."""
    headers, field, severity, words = DISAGREE[name]
    base: dict[str, str | tuple[str, ...] | None] = {"Requires-Dist": REQUIRES}
    wheels = [
        tagged(f"cp312-cp312-{LINUX}", headers=base),
        tagged(f"cp312-cp312-{MAC}", headers=base),
        tagged(f"cp312-cp312-{WINDOWS}", headers={**base, **headers}),
    ]
    finding = only(Release(wheels=wheels).audit(tmp_path), "release-metadata-disagrees")
    assert finding.message == f"the wheels do not agree on `{field}`"
    assert finding.severity.value == severity
    ours = [one.text for one in finding.evidence if "win_amd64" in one.text]
    assert words in ours[0]
    assert ("colorama" in ours[0]) is False


def test_what_is_no_specification_is_compared_as_it_is_written(tmp_path: Path) -> None:
    """Fields that no parser takes agree where they are the same but for spaces, and disagree otherwise."""
    broken: dict[str, str | tuple[str, ...] | None] = {
        "Requires-Dist": "not  a requirement",
        "Requires-Python": "three",
    }
    same = {**broken, "Requires-Dist": "not a  requirement"}
    other = {**broken, "Requires-Python": "four"}
    for number, (headers, told) in enumerate(((same, []), (other, ["release-metadata-disagrees"]))):
        wheels = [
            tagged(f"cp312-cp312-{LINUX}", headers=broken),
            tagged(f"cp312-cp312-{WINDOWS}", headers=headers),
        ]
        (tmp_path / str(number)).mkdir()
        report = Release(wheels=wheels).audit(tmp_path / str(number))
        assert [one.rule for one in report.findings if one.rule == "release-metadata-disagrees"] == told


def test_a_wheel_without_metadata_disagrees_with_nobody(tmp_path: Path) -> None:
    """What could not be read is no statement."""
    wheels = [
        *(tagged(f"cp312-cp312-{one}", headers={"Requires-Dist": "numpy"}) for one in (LINUX, MAC)),
        tagged(f"cp312-cp312-{WINDOWS}", metadata=None),
    ]
    assert said(Release(wheels=wheels).audit(tmp_path)) == []


DUPLICATES: dict[str, tuple[list[WheelSpec | BuiltWheel], str | None]] = {
    "another order": (
        [
            tagged("cp312-cp312-manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
            tagged("cp312-cp312-manylinux_2_28_x86_64.manylinux_2_17_x86_64"),
        ],
        "warning",
    ),
    "the older name": (
        [tagged("cp312-cp312-manylinux2014_x86_64"), tagged("cp312-cp312-manylinux_2_17_x86_64")],
        "warning",
    ),
    "capitals": ([tagged("cp312-cp312-win_amd64"), tagged("CP312-cp312-win_amd64")], "warning"),
    "build numbers": ([tagged("cp312-cp312-win_amd64"), tagged("cp312-cp312-win_amd64", build="1")], "info"),
    "one wider than the other": ([tagged("py3-none-any"), tagged("py2.py3-none-any")], None),
    "another floor": ([tagged("cp312-cp312-manylinux_2_17_x86_64"), tagged("cp312-cp312-manylinux_2_28_x86_64")], None),
}


@pytest.mark.parametrize("name", DUPLICATES)
def test_two_wheels_in_one_place_are_told(name: str, tmp_path: Path) -> None:
    """Wheels with the same expanded tags are named together; wheels that only overlap are not."""
    wheels, severity = DUPLICATES[name]
    report = Release(wheels=wheels).audit(tmp_path)
    assert said(report) == ([("release-tag-duplicate", severity)] if severity else [])
    if severity:
        assert "2 wheels serve the same tags" in report.findings[0].message


def test_wheels_without_tags_are_no_duplicates() -> None:
    """Where a variant label stands behind the tags, none of the parts is a tag."""
    names = [f"demo-1.0-cp312-cp312-win_amd64-{label}.whl" for label in ("x8664v3", "x8664v4")]
    (release,) = group(one for one in map(summary_of_name, names) if one)
    assert len(release.wheels) == 2
    assert "release-tag-duplicate" not in {one.rule for one in judge_release(release).findings}


def test_several_versions_are_told_once(tmp_path: Path) -> None:
    """Files of other versions beside the newest are named, and each version is judged by itself."""
    wheels = [
        *everywhere("cp312"),
        tagged(f"cp312-cp312-{LINUX}", version="0.9"),
        tagged("py3-none-any", version="1.0.dev1"),
    ]
    report = Release(wheels=wheels, sdists=(SDIST, "demo-0.9.tar.gz", "demo-1.0.dev1.tar.gz", "demo-0.1.tar.gz")).audit(
        tmp_path
    )
    (finding,) = report.findings
    assert finding.rule == "release-version-mixed"
    assert finding.message == "`demo 1.0`: beside the files of `1.0` lie those of `0.1`, `0.9`, `1.0.dev1`"
    assert report.matrix is None


def test_versions_are_compared_by_their_meaning(tmp_path: Path) -> None:
    """`1.0` and `1.0.0` are spelled differently and are two versions of a file name; `v1.0` is `1.0`."""
    report = Release(wheels=[tagged(f"cp312-cp312-{LINUX}"), tagged(f"cp312-cp312-{MAC}", version="01.0")]).audit(
        tmp_path
    )
    assert said(report) == []


def test_other_projects_are_other_releases(tmp_path: Path) -> None:
    """Wheels of several projects side by side are judged project by project."""
    wheels = [*everywhere("cp312"), tagged("py3-none-any", name="other", version="7")]
    report = Release(wheels=wheels, sdists=(SDIST, "other-7.tar.gz", "third-1.0.tar.gz")).audit(tmp_path)
    assert said(report) == []
    assert report.matrix is None


def compiled(tags: str, *modules: str, files: tuple[str, ...] = ("demo/__init__.py",)) -> WheelSpec:
    """A wheel with a clean extension module under each of these names."""
    spec = extension_spec(tags)
    (member,) = [name for name in spec.members if "_core" in name]
    members: dict[str, bytes | Member] = dict.fromkeys(files, b'"""A demo."""\n')
    members |= {member.replace("_core", one): spec.members[member] for one in modules}
    return replace(spec, members=members)


MODULES: dict[str, tuple[list[WheelSpec], str | None]] = {
    "the same": ([compiled(f"cp3{one}-cp3{one}-{p}", "_core") for one in (11, 12) for p in (LINUX, WINDOWS)], None),
    "an extension that failed on one": (
        [
            *(compiled(f"cp3{one}-cp3{one}-{p}", "_core") for one in (11, 12) for p in (LINUX, WINDOWS)),
            compiled(f"cp313-cp313-{WINDOWS}"),
            compiled(f"cp313-cp313-{LINUX}", "_core"),
        ],
        f"the extension module `demo._core` is missing from 1 of 6 wheels: `demo-1.0-cp313-cp313-{WINDOWS}.whl`",
    ),
    "an extension for Windows alone": (
        [
            *(compiled(f"cp3{one}-cp3{one}-{LINUX}", "_core") for one in (11, 12)),
            *(compiled(f"cp3{one}-cp3{one}-{WINDOWS}", "_core", "_winapi") for one in (11, 12)),
        ],
        None,
    ),
    "a backport for an old Python": (
        [
            *(compiled(f"cp39-cp39-{p}", "_core", "_backport") for p in (LINUX, WINDOWS)),
            *(compiled(f"cp312-cp312-{p}", "_core") for p in (LINUX, WINDOWS)),
        ],
        None,
    ),
    "a pure fallback": ([compiled(f"cp312-cp312-{LINUX}", "_core"), tagged("py3-none-any")], None),
    "a package that a platform lacks": (
        [
            *(compiled(f"cp3{one}-cp3{one}-{LINUX}", "_core") for one in (11, 12)),
            *(tagged(f"cp3{one}-cp3{one}-{WINDOWS}", members={"other.py": b""}) for one in (11, 12)),
        ],
        "the package `demo` is missing from 2 of 4 wheels:",
    ),
    "a module in one wheel alone": (
        [
            *(compiled(f"cp3{one}-cp3{one}-{p}", "_core") for one in (11, 12) for p in (LINUX, WINDOWS)),
            compiled(f"cp313-cp313-{LINUX}", "_core", files=("demo/__init__.py", "left_over.py")),
            compiled(f"cp313-cp313-{WINDOWS}", "_core"),
        ],
        f"the package `left_over` is in 1 of 6 wheels alone: `demo-1.0-cp313-cp313-{LINUX}.whl`",
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_that_differ_without_a_reason_are_told(name: str, tmp_path: Path) -> None:
    """A module that neither the platform nor the Python explains is told, with the wheels that differ."""
    wheels, words = MODULES[name]
    report = Release(wheels=wheels).audit(tmp_path)
    found = [one for one in report.findings if one.rule == "release-modules-differ"]
    assert [one.message for one in found if words is None or words not in one.message] == []
    assert len(found) == (0 if words is None else 1)


def summary(tags: str, version: str = "1.0", **changes: Any) -> WheelSummary:
    """The summary of a wheel of these tags."""
    found = summary_of_name(f"demo-{version}-{tags}.whl")
    assert found is not None
    return structs.replace(found, described=True, **changes)


MIXED: dict[str, tuple[list[WheelSummary], tuple[str, str] | None]] = {
    "two versions of PyO3": (
        [summary(f"cp39-abi3-{LINUX}", pyo3=("0.22.5",)), summary(f"cp39-abi3-{WINDOWS}", pyo3=("0.23.0",))],
        ("warning", "the wheels are built with 2 versions of PyO3: `0.22.5`, `0.23.0`"),
    ),
    "two versions of rustc": (
        [summary(f"cp39-abi3-{LINUX}", rustc=("1.90.0",)), summary(f"cp39-abi3-{MUSL}", rustc=("1.91.0",))],
        ("info", "the wheels are built with 2 versions of rustc: `1.90.0`, `1.91.0`"),
    ),
    "PyO3 tells more than rustc": (
        [
            summary(f"cp39-abi3-{LINUX}", pyo3=("0.22.5",), rustc=("1.90.0",)),
            summary(f"cp39-abi3-{MUSL}", pyo3=("0.23.0",), rustc=("1.91.0",)),
        ],
        ("warning", "PyO3"),
    ),
    "one version": ([summary(f"cp39-abi3-{one}", pyo3=("0.22.5",)) for one in USUAL], None),
    "a version and a commit": (
        [summary(f"cp39-abi3-{LINUX}", rustc=("1.90.0",)), summary(f"cp39-abi3-{WINDOWS}", rustc=("a" * 40,))],
        None,
    ),
    "no marks": ([summary(f"cp39-abi3-{LINUX}", pyo3=("0.22.5",)), summary(f"cp39-abi3-{WINDOWS}")], None),
    "two in one wheel": (
        [summary(f"cp39-abi3-{LINUX}", pyo3=("0.22.5", "0.23.0")), summary(f"cp39-abi3-{MAC}", pyo3=("0.22.5",))],
        None,
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_tools_that_differ_are_told(name: str) -> None:
    """Different versions of PyO3 are a warning, of rustc alone an info; what is not known is not compared."""
    wheels, expected = MIXED[name]
    (release,) = group(wheels)
    found = [one for one in judge_release(release).findings if one.rule == "release-pyo3-mixed"]
    assert [one.severity.value for one in found] == ([expected[0]] if expected else [])
    assert all(expected and expected[1] in one.message for one in found)
    assert_house_style(found)


ALL = everywhere("cp311", "cp312")
FLOORS: dict[str, tuple[list[WheelSpec], list[WheelSpec], tuple[str, ...]]] = {
    "nothing": (ALL, ALL, ()),
    "more than before": (ALL, everywhere("cp310", "cp311", "cp312"), ()),
    "a stable wheel in place of many": (ALL, [tagged(f"cp39-abi3-{one}") for one in USUAL], ()),
    "a pure wheel in place of all": (ALL, [tagged("py3-none-any")], ()),
    "an older glibc": (pythons("manylinux_2_28_x86_64", "cp312"), pythons(LINUX, "cp312"), ()),
    "another wheel for newer systems": (
        pythons(LINUX, "cp312"),
        [*pythons(LINUX, "cp312"), *pythons("manylinux_2_28_x86_64", "cp312")],
        (),
    ),
    "a fallback below a higher floor": (
        pythons(LINUX, "cp312"),
        [*pythons("manylinux_2_28_x86_64", "cp312"), tagged("py3-none-any")],
        (),
    ),
    "a platform": (
        ALL,
        everywhere("cp311", "cp312", platforms=USUAL[:-2]),
        ("`macos_x86_64`, `win_amd64`, which `0.9` had wheels for, have none",),
    ),
    "a Python": (
        ALL,
        everywhere("cp312"),
        ("and 2 more have no wheel for CPython 3.11, as `0.9` had",),
    ),
    "a Python on one platform": (
        ALL,
        without(ALL, f"cp311-cp311-{MUSL}"),
        ("`musllinux_x86_64` has no wheel for CPython 3.11, as `0.9` had",),
    ),
    "glibc": (
        ALL,
        [*everywhere("cp311", "cp312", platforms=USUAL[1:]), *pythons("manylinux_2_28_x86_64", "cp311", "cp312")],
        ("the wheels for `manylinux_x86_64` need glibc 2.28; those of `0.9` needed glibc 2.17",),
    ),
    "macOS": (
        pythons(MAC, "cp312"),
        pythons("macosx_14_0_arm64", "cp312"),
        ("the wheels for `macos_arm64` need macOS 14.0; those of `0.9` needed macOS 11.0",),
    ),
    "musl": (
        pythons("musllinux_1_1_x86_64", "cp312"),
        pythons(MUSL, "cp312"),
        ("the wheels for `musllinux_x86_64` need musl 1.2; those of `0.9` needed musl 1.1",),
    ),
    "a pure wheel becomes platform wheels": (
        [tagged("py3-none-any")],
        [tagged(f"py3-none-{one}") for one in (*USUAL, WINDOWS.replace("amd", "arm"), "win32")],
        ("`musllinux_aarch64`, which `0.9` had wheels for, has none",),
    ),
    "Requires-Python": (
        [tagged("py3-none-any")],
        [tagged("py3-none-any", headers={"Requires-Python": ">=3.10"})],
        ("`any` has no wheel for CPython 3.8 and 3.9, as `0.9` had",),
    ),
}


@pytest.mark.parametrize("name", FLOORS)
def test_who_is_no_longer_served_is_told(name: str, tmp_path: Path) -> None:
    """Against the previous release, whatever it served and this one does not is told, and nothing else."""
    before, now, expected = FLOORS[name]
    previous = [replace(one, version="0.9") for one in before]
    report = Release(wheels=now, previous=previous).audit(tmp_path)
    found = [one for one in report.findings if one.rule == "release-floor-raised"]
    assert len(found) == len(expected)
    for finding, words in zip(found, expected, strict=True):
        assert words in finding.message
        assert finding.severity.value == "warning"
        assert finding.evidence


@pytest.mark.parametrize(
    ("before", "now", "told"), [(0, 3, True), (2, 3, True), (1, 2, True), (3, 3, False), (3, 2, False), (0, 1, False)]
)
def test_a_higher_processor_level_is_told(before: int, now: int, told: bool) -> None:
    """Binaries that declare a higher x86-64 level than before are told; the baseline is no level."""
    tags = f"cp39-abi3-{LINUX}"
    (previous,) = group([summary(tags, "0.9", x86_level=before)])
    (release,) = group([summary(tags, x86_level=now)])
    found = [one for one in judge_release(release, previous=previous).findings if one.rule == "release-floor-raised"]
    assert [one.message for one in found] == (
        [f"the binaries for `manylinux_x86_64` need x86-64-v{now}; those of `0.9` did not"] if told else []
    )


def test_what_is_not_known_of_the_previous_release_is_not_held_against_this_one() -> None:
    """Where only the file names are known, neither the metadata nor the processor's level was ever lower."""
    (previous,) = group([structs.replace(summary("py3-none-any", "0.9"), described=False)])
    (release,) = group([summary("py3-none-any", requires_python=">=3.12", x86_level=3)])
    assert "release-floor-raised" not in {one.rule for one in judge_release(release, previous=previous).findings}
