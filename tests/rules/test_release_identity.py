"""The rules on what the wheels of a release have in common: tables of clean and of spoiled ones, from the files on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.judge import judge_release
from auditor.release import group, summary_of_name
from tests.builders import BuiltWheel, WheelSpec, replace
from tests.rules.release_helpers import (
    LINUX,
    MAC,
    SDIST,
    WINDOWS,
    Release,
    everywhere,
    only,
    said,
    tagged,
)

if TYPE_CHECKING:
    from pathlib import Path


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


SCRIPT = "[console_scripts]\ndemo = demo:main\n"
PLUGIN = "[pytest11]\ndemo = demo.plugin\n"


def commands(tags: str, text: str | None) -> WheelSpec:
    """A wheel with this entry_points.txt."""
    return tagged(tags, entry_points=text)


COMMANDS_AGREE: dict[str, list[WheelSpec]] = {
    "spaces, order and line ends": [
        commands(f"cp312-cp312-{LINUX}", SCRIPT + PLUGIN),
        commands(f"cp313-cp313-{LINUX}", SCRIPT + PLUGIN),
        commands(f"cp312-cp312-{WINDOWS}", PLUGIN + SCRIPT.replace(" = ", "=")),
        commands(f"cp313-cp313-{WINDOWS}", (SCRIPT + PLUGIN).replace("\n", "\r\n")),
    ],
    "a command for one Python": [
        commands(f"cp{one}-cp{one}-{platform}", SCRIPT + f"demo3.{one[1:]} = demo:main\n")
        for one in ("312", "313")
        for platform in (LINUX, WINDOWS)
    ],
    "a command for one platform": [
        commands(f"cp{one}-cp{one}-{platform}", text)
        for one in ("312", "313")
        for platform, text in ((LINUX, None), (WINDOWS, SCRIPT))
    ],
    "one that could not be read": [
        *(commands(f"cp{one}-cp{one}-{p}", SCRIPT) for one in ("312", "313") for p in (LINUX, MAC)),
        commands(f"cp312-cp312-{WINDOWS}", SCRIPT),
        commands(f"cp313-cp313-{WINDOWS}", "demo = demo:main\n"),
    ],
}
COMMANDS_DIFFER: dict[str, tuple[str | None, str]] = {
    "none in one wheel": (None, "nothing of it"),
    "one more in one wheel": (SCRIPT + "other = demo:other\n", "`console_scripts: other = demo:other`"),
    "another object in one wheel": (SCRIPT.replace(":main", ":run"), "`console_scripts: demo = demo:run`"),
}


@pytest.mark.parametrize("name", COMMANDS_AGREE)
def test_entry_points_that_agree_or_are_meant_are_left_alone(name: str, tmp_path: Path) -> None:
    """Spelling makes no difference, and what follows the Python or the platform is meant."""
    assert said(Release(wheels=COMMANDS_AGREE[name]).audit(tmp_path)) == []


@pytest.mark.parametrize("name", COMMANDS_DIFFER)
def test_entry_points_that_differ_are_told(name: str, tmp_path: Path) -> None:
    """A command that some wheel has or lacks for no reason is a warning that names the wheel."""
    text, words = COMMANDS_DIFFER[name]
    wheels = [commands(f"cp{one}-cp{one}-{p}", SCRIPT) for one in ("312", "313") for p in (LINUX, WINDOWS, MAC)]
    wheels[0] = replace(wheels[0], entry_points=text)
    finding = only(Release(wheels=wheels).audit(tmp_path), "release-metadata-disagrees")
    assert finding.message == "the wheels do not agree on `entry_points.txt`"
    assert finding.severity.value == "warning"
    (ours,) = [one.text for one in finding.evidence if f"`demo-1.0-cp312-cp312-{LINUX}.whl`" in one.text]
    assert words in ours


def test_entry_points_make_no_error_of_marked_requirements_and_no_warning_of_others(tmp_path: Path) -> None:
    """The severity is that of what resolvers read."""
    cases = (("pywin32; sys_platform == 'win32'", "warning"), ("pywin32", "error"))
    for number, (requirement, severity) in enumerate(cases):
        wheels = [commands(f"cp{one}-cp{one}-{p}", SCRIPT) for one in ("312", "313") for p in (LINUX, WINDOWS)]
        wheels[0] = replace(wheels[0], entry_points=None, headers={"Requires-Dist": requirement})
        (tmp_path / str(number)).mkdir()
        finding = only(Release(wheels=wheels).audit(tmp_path / str(number)), "release-metadata-disagrees")
        assert finding.message == "the wheels do not agree on `Requires-Dist`, `entry_points.txt`"
        assert finding.severity.value == severity


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


CONTAINED: dict[str, tuple[list[WheelSpec], str | None]] = {
    "one of two floors": (
        [
            tagged("cp312-cp312-manylinux_2_17_x86_64"),
            tagged("cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
        ],
        "cp312-cp312-manylinux_2_17_x86_64",
    ),
    "one of two machines": (
        [
            tagged("cp312-cp312-macosx_11_0_arm64"),
            tagged("cp312-cp312-macosx_10_13_universal2.macosx_10_13_x86_64.macosx_11_0_arm64"),
        ],
        "cp312-cp312-macosx_11_0_arm64",
    ),
    "another Python": (
        [
            tagged("cp313-cp313-manylinux_2_17_x86_64"),
            tagged("cp312-cp312-manylinux_2_17_x86_64"),
            tagged("cp313-cp313-manylinux_2_17_aarch64.manylinux_2_28_aarch64"),
            tagged("cp312-cp312-manylinux_2_17_aarch64.manylinux_2_28_aarch64"),
        ],
        None,
    ),
    "sets that overlap": (
        [
            tagged("cp312-cp312-manylinux_2_17_x86_64.manylinux_2_24_x86_64"),
            tagged("cp312-cp312-manylinux_2_24_x86_64.manylinux_2_28_x86_64"),
            tagged("cp312-cp312-manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
        ],
        None,
    ),
    "fewer Pythons": ([tagged("cp312-none-win_amd64"), tagged("cp312.cp313-none-win_amd64")], None),
}


@pytest.mark.parametrize("name", CONTAINED)
def test_a_wheel_that_serves_nothing_of_its_own_is_an_info(name: str, tmp_path: Path) -> None:
    """A wheel is told whose tags another one for the same Pythons has, all of them and more."""
    wheels, narrow = CONTAINED[name]
    report = Release(wheels=wheels).audit(tmp_path)
    assert said(report) == ([("release-tag-duplicate", "info")] if narrow else [])
    if narrow:
        assert report.findings[0].message.startswith(f"`demo-1.0-{narrow}.whl` serves no tag that `demo-1.0-")
        assert len(report.findings[0].evidence) == 2


def test_a_build_number_says_which_of_two_overlapping_wheels_to_leave_out(tmp_path: Path) -> None:
    """Where one of them wins everywhere, the other is the one to leave out."""
    wheels = [
        tagged("cp312-cp312-manylinux_2_17_x86_64", build="1"),
        tagged("cp312-cp312-manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
    ]
    finding = only(Release(wheels=wheels).audit(tmp_path), "release-tag-duplicate")
    assert "lower build number" in (finding.help or "")


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
