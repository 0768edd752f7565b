"""The release against the one before: who was served and is no longer, by less, or from a newer system on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from auditor.judge import judge_release
from auditor.platforms.stated import Floors, oldest_macos
from auditor.release import group, summary_of_name
from auditor.settings import Settings
from tests.builders import WheelSpec, replace
from tests.rules.helpers import assert_house_style
from tests.rules.release_helpers import SDIST, Release, pythons, tagged

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.facts.release import ReleaseFacts, WheelSummary
    from auditor.findings import Finding

LINUX, NEWER_LINUX, ARM_LINUX = "manylinux_2_17_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_aarch64"
MUSL, MAC, INTEL_MAC = "musllinux_1_2_x86_64", "macosx_11_0_arm64", "macosx_10_9_x86_64"
WINDOWS, ARM_WINDOWS = "win_amd64", "win_arm64"
USUAL = (LINUX, ARM_LINUX, MUSL, MAC, INTEL_MAC, WINDOWS)
PURE = tagged("py3-none-any")
RULE = "release-floor-raised"


def everywhere(*names: str, platforms: tuple[str, ...] = USUAL) -> list[WheelSpec]:
    """A wheel for each of these interpreters on each of the usual platforms."""
    return [one for platform in platforms for one in pythons(platform, *names)]


def summary(tags: str, version: str = "1.0", **changes: Any) -> WheelSummary:
    """The summary of a wheel of these tags."""
    found = summary_of_name(f"demo-{version}-{tags}.whl")
    assert found is not None
    return structs.replace(found, described=True, **changes)


def release(*tag_sets: str, version: str = "1.0", **changes: Any) -> ReleaseFacts:
    """The release of wheels of these tags."""
    (found,) = group(summary(one, version, **changes) for one in tag_sets)
    return found


def told(now: ReleaseFacts, previous: ReleaseFacts | None = None, settings: Settings | None = None) -> list[Finding]:
    """What the rule says of a release."""
    outcome = judge_release(now, settings or Settings(), previous=previous)
    assert not outcome.broken, outcome.not_judged
    found = [one for one in outcome.findings if one.rule == RULE]
    assert_house_style(found)
    return found


ALL = everywhere("cp311", "cp312")
STABLE = [tagged(f"cp39-abi3-{one}") for one in USUAL]
Table = dict[str, tuple[list[WheelSpec], list[WheelSpec], tuple[str, ...]]]
CHANGES: Table = {
    "nothing": (ALL, ALL, ()),
    "more than before": (ALL, everywhere("cp310", "cp311", "cp312"), ()),
    "a stable wheel in place of many": (ALL, STABLE, ()),
    "an older glibc": (pythons(NEWER_LINUX, "cp312"), pythons(LINUX, "cp312"), ()),
    "another wheel for newer systems": (
        pythons(LINUX, "cp312"),
        [*pythons(LINUX, "cp312"), *pythons(NEWER_LINUX, "cp312")],
        (),
    ),
    "pure before and now": ([PURE], [PURE], ()),
    "native wheels beside a pure one": ([PURE], [PURE, *ALL], ()),
    "a pure wheel in place of one for an interpreter that is not shown by itself": (
        [tagged("pp39-none-any"), PURE],
        [PURE],
        (),
    ),
    "the oldest macOS that the Python itself is for": (
        pythons(INTEL_MAC, "cp312", "cp314"),
        [*pythons("macosx_10_13_x86_64", "cp312"), *pythons("macosx_10_15_x86_64", "cp314")],
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
        [one for one in ALL if (one.python, one.platform) != ("cp311", MUSL)],
        ("`musllinux_x86_64` has no wheel for CPython 3.11, as `0.9` had",),
    ),
    "glibc": (
        ALL,
        [*everywhere("cp311", "cp312", platforms=USUAL[1:]), *pythons(NEWER_LINUX, "cp311", "cp312")],
        ("the wheels for `manylinux_x86_64` need glibc 2.28; those of `0.9` needed glibc 2.17",),
    ),
    "glibc of one Python": (
        pythons(LINUX, "cp311", "cp312"),
        [*pythons(LINUX, "cp311"), *pythons(NEWER_LINUX, "cp312")],
        ("the wheels for CPython 3.12 on `manylinux_x86_64` need glibc 2.28; those of `0.9` needed glibc 2.17",),
    ),
    "glibc of every Python, of some by more": (
        pythons(LINUX, "cp311", "cp312"),
        [*pythons(NEWER_LINUX, "cp311"), *pythons("manylinux_2_34_x86_64", "cp312")],
        ("CPython 3.11 on `manylinux_x86_64` need glibc 2.28", "CPython 3.12 on `manylinux_x86_64` need glibc 2.34"),
    ),
    "glibc of other Pythons on another machine": (
        everywhere("cp311", "cp312", platforms=(LINUX, ARM_LINUX)),
        [
            *pythons(NEWER_LINUX, "cp311"),
            *pythons(LINUX, "cp312"),
            *pythons(ARM_LINUX, "cp311"),
            *pythons("manylinux_2_28_aarch64", "cp312"),
        ],
        (
            "for CPython 3.11 on `manylinux_x86_64` need glibc 2.28",
            "for CPython 3.12 on `manylinux_aarch64` need glibc",
        ),
    ),
    "glibc, and one Python falls back": (
        pythons(LINUX, "cp311", "cp312"),
        [*pythons(NEWER_LINUX, "cp311", "cp312"), tagged("cp312-none-any")],
        (
            "for CPython 3.11 on `manylinux_x86_64` need glibc 2.28; those of `0.9` needed glibc 2.17",
            "for CPython 3.12 on `manylinux_x86_64` need glibc 2.28; those of `0.9` needed glibc 2.17; older",
        ),
    ),
    "macOS": (
        pythons(MAC, "cp312"),
        pythons("macosx_14_0_arm64", "cp312"),
        ("the wheels for `macos_arm64` need macOS 14.0; those of `0.9` needed macOS 11.0",),
    ),
    "macOS on Intel": (
        pythons(INTEL_MAC, "cp311", "cp312", "cp314"),
        pythons("macosx_10_15_x86_64", "cp311", "cp312", "cp314"),
        ("CPython 3.11 and 3.12 on `macos_x86_64` need macOS 10.15; those of `0.9` needed macOS 10.9",),
    ),
    "musl on two machines": (
        [tagged(f"cp39-abi3-musllinux_1_1_{arch}") for arch in ("x86_64", "aarch64")],
        [tagged(f"cp39-abi3-musllinux_1_2_{arch}") for arch in ("x86_64", "aarch64")],
        ("for `musllinux_x86_64`, `musllinux_aarch64` need musl 1.2; those of `0.9` needed musl 1.1",),
    ),
    "Android": (
        [tagged("cp313-cp313-android_21_arm64_v8a")],
        [tagged("cp313-cp313-android_24_arm64_v8a")],
        ("the wheels for `android_arm64_v8a` need API level 24; those of `0.9` needed API level 21",),
    ),
    "a pure wheel becomes platform wheels": (
        [PURE],
        [tagged(f"py3-none-{one}") for one in (*USUAL, ARM_WINDOWS, "win32")],
        ("`musllinux_aarch64`, which `0.9` had wheels for, has none",),
    ),
    "a pure wheel in place of all": (
        ALL,
        [PURE],
        ("and 2 more fall back to the pure wheel for CPython 3.11 and 3.12, which `0.9` had wheels of the platform",),
    ),
    "a native wheel beside the pure one": (
        [*ALL, PURE],
        [*everywhere("cp311", "cp312", platforms=USUAL[:-1]), *pythons(WINDOWS, "cp311"), PURE],
        ("`win_amd64` falls back to the pure wheel for CPython 3.12, which `0.9` had wheels of the platform for",),
    ),
    "the older wheel beside the pure one": (
        [*pythons(LINUX, "cp312"), PURE],
        [*pythons(NEWER_LINUX, "cp312"), PURE],
        ("need glibc 2.28; those of `0.9` needed glibc 2.17; older systems fall back to the pure wheel",),
    ),
    "PyPy of another ABI": (
        [tagged(f"pp311-pypy311_pp73-{MAC}")],
        [tagged(f"pp311-pypy311_pp80-{MAC}")],
        ("`macos_arm64` has no wheel for PyPy 3.11-pp73, as `0.9` had",),
    ),
    "PyPy of another ABI beside CPython": (
        [tagged(f"pp311-pypy311_pp73-{one}") for one in (LINUX, MAC)],
        [tagged(f"pp311-pypy311_pp73-{LINUX}"), tagged(f"pp311-pypy311_pp80-{MAC}"), *pythons(MAC, "cp311")],
        ("`macos_arm64` has no wheel for PyPy 3.11-pp73, as `0.9` had",),
    ),
    "GraalPy of another release": (
        [tagged(f"graalpy312-graalpy250_312_native-{LINUX}"), *pythons(LINUX, "cp312")],
        [tagged(f"graalpy312-graalpy251_312_native-{LINUX}"), *pythons(LINUX, "cp312")],
        ("`manylinux_x86_64` has no wheel for GraalPy 3.12-250, as `0.9` had",),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_who_is_no_longer_served_is_told(name: str, tmp_path: Path) -> None:
    """Against the previous release, whatever it served and this one does not is told, and nothing else."""
    before, now, expected = CHANGES[name]
    previous = [replace(one, version="0.9") for one in before]
    report = Release(wheels=now, previous=previous).audit(tmp_path)
    found = [one for one in report.findings if one.rule == RULE]
    assert len(found) == len(expected), [one.message for one in found]
    for finding, words in zip(found, expected, strict=True):
        assert words in finding.message
        assert finding.severity.value == "warning"
        assert finding.evidence


EXCLUDED: dict[str, tuple[list[WheelSpec], list[WheelSpec], list[tuple[str, str]]]] = {
    "of a pure wheel": (
        [PURE],
        [replace(PURE, headers={"Requires-Python": ">=3.10"})],
        [("info", "`Requires-Python` excludes CPython 3.8 and 3.9, which `0.9` had wheels for")],
    ),
    "on every platform": (
        pythons(LINUX, "cp310", "cp311", headers={"Requires-Python": ">=3.10"}),
        pythons(LINUX, "cp311", headers={"Requires-Python": ">=3.11"}),
        [("info", "`Requires-Python` excludes CPython 3.10, which `0.9` had wheels for")],
    ),
    "with the only wheel of a platform": (
        [*pythons(LINUX, "cp310", "cp311"), *pythons(WINDOWS, "cp310")],
        pythons(LINUX, "cp311", headers={"Requires-Python": ">=3.11"}),
        [("info", "`Requires-Python` excludes CPython 3.10, which `0.9` had wheels for")],
    ),
    "and another is lost": (
        pythons(LINUX, "cp310", "cp311", "cp312"),
        pythons(LINUX, "cp311", headers={"Requires-Python": ">=3.11"}),
        [
            ("warning", "`manylinux_x86_64` has no wheel for CPython 3.12, as `0.9` had"),
            ("info", "`Requires-Python` excludes CPython 3.10, which `0.9` had wheels for"),
        ],
    ),
}


@pytest.mark.parametrize("name", EXCLUDED)
def test_pythons_that_the_metadata_excludes_are_an_info(name: str, tmp_path: Path) -> None:
    """Who raises `Requires-Python` means to drop these Pythons; what is lost beside them stays a warning."""
    before, now, expected = EXCLUDED[name]
    report = Release(wheels=now, previous=[replace(one, version="0.9") for one in before]).audit(tmp_path)
    found = [one for one in report.findings if one.rule == RULE]
    assert [(one.severity.value, one.message) for one in found] == expected


def test_what_excludes_a_python_is_shown() -> None:
    """The evidence has `Requires-Python` of both releases, and what each platform had."""
    before = release(f"cp310-abi3-{LINUX}", version="0.9")
    (found,) = told(release(f"cp312-abi3-{LINUX}", requires_python=">=3.12"), before)
    assert [one.text for one in found.evidence] == [
        "`Requires-Python: >=3.12`; in `0.9` no `Requires-Python`",
        f"CPython 3.10 and 3.11 on `manylinux_x86_64` had `demo-0.9-cp310-abi3-{LINUX}.whl`",
    ]


def test_the_wheels_at_the_floors_are_shown() -> None:
    """The evidence names the wheel that serves the oldest systems, not the one that newer systems get, once a pair."""
    newer = (f"cp39-abi3-{NEWER_LINUX}", "cp39-abi3-manylinux_2_34_x86_64")
    before = release(*newer, f"cp39-abi3-{LINUX}", f"cp38-cp38-{LINUX}", version="0.9")
    (found,) = told(release(*newer, f"cp38-cp38-{NEWER_LINUX}", "py3-none-any"), before)
    assert [one.text for one in found.evidence] == [
        (
            f"CPython 3.8 on `manylinux_x86_64`: `demo-1.0-cp38-cp38-{NEWER_LINUX}.whl` (glibc 2.28), before"
            f" `demo-0.9-cp38-cp38-{LINUX}.whl` (glibc 2.17)"
        ),
        (
            "CPython 3.9, 3.10, 3.11, 3.12, 3.13, 3.14 and 3.15 on `manylinux_x86_64`:"
            f" `demo-1.0-cp39-abi3-{NEWER_LINUX}.whl` (glibc 2.28), before"
            f" `demo-0.9-cp39-abi3-{LINUX}.whl` (glibc 2.17)"
        ),
    ]
    assert {one.version for one in found.evidence} == {"2.28"}


def test_what_a_python_falls_back_from_is_shown() -> None:
    """The evidence names the wheel that there was and the pure one that is left, with the Pythons that share them."""
    before = release("cp314-abi3-win_amd64", "py3-none-any", version="0.9")
    (found,) = told(release("py3-none-any"), before)
    assert [one.text for one in found.evidence] == [
        "CPython 3.14 and 3.15 on `win_amd64` had `demo-0.9-cp314-abi3-win_amd64.whl`, has `demo-1.0-py3-none-any.whl`"
    ]


@pytest.mark.parametrize(
    ("before", "now", "lost"),
    [((SDIST,), (), True), ((SDIST,), (SDIST,), False), ((), (), False), ((), (SDIST,), False)],
)
def test_a_source_distribution_that_is_missing_now_is_told(
    before: tuple[str, ...], now: tuple[str, ...], lost: bool
) -> None:
    """Where the previous release had one and this one has none, it is a warning; else nothing is said here."""
    then = structs.replace(release("py3-none-any", version="0.9"), sdists=before)
    found = told(structs.replace(release("py3-none-any"), sdists=now), then)
    expected = [("there is no source distribution, as `0.9` had", "warning")] if lost else []
    assert [(one.message, one.severity.value) for one in found] == expected


@pytest.mark.parametrize(
    ("before", "now", "told_of"),
    [(0, 3, True), (2, 3, True), (1, 2, True), (3, 3, False), (3, 2, False), (0, 1, False)],
)
def test_a_higher_processor_level_is_told(before: int, now: int, told_of: bool) -> None:
    """Binaries that declare a higher x86-64 level than before are told; the baseline is no level."""
    tags = f"cp39-abi3-{LINUX}"
    found = told(release(tags, x86_level=now), release(tags, version="0.9", x86_level=before))
    assert [one.message for one in found] == (
        [f"the binaries for `manylinux_x86_64` need x86-64-v{now}; those of `0.9` did not"] if told_of else []
    )


def test_what_is_not_known_of_the_previous_release_is_not_held_against_this_one() -> None:
    """Where only the file names are known, neither the metadata nor the processor's level was ever lower."""
    (previous,) = group([structs.replace(summary("py3-none-any", "0.9"), described=False)])
    assert told(release("py3-none-any", requires_python=">=3.12", x86_level=3), previous) == []


UNEVEN: dict[str, tuple[tuple[str, ...], str | None]] = {
    "one floor": (tuple(f"cp3{one}-cp3{one}-{LINUX}" for one in (11, 12, 13)), None),
    "newer Pythons begin later": (
        (f"cp311-cp311-{LINUX}", f"cp312-cp312-{NEWER_LINUX}", f"cp313-cp313-{NEWER_LINUX}"),
        None,
    ),
    "older Pythons begin later": ((f"cp311-cp311-{NEWER_LINUX}", f"cp312-cp312-{LINUX}", f"cp313-cp313-{LINUX}"), None),
    "the two lines are apart": (
        (f"cp312-cp312-{LINUX}", f"cp313-cp313t-{NEWER_LINUX}", f"cp314-cp314-{LINUX}"),
        None,
    ),
    "another wheel serves the older systems": (
        (f"cp311-cp311-{LINUX}", f"cp311-abi3-{LINUX}", f"cp312-cp312-{NEWER_LINUX}", f"cp313-cp313-{LINUX}"),
        None,
    ),
    "PyPy is no line": (
        (f"cp310-cp310-{LINUX}", f"pp311-pypy311_pp73-{NEWER_LINUX}", f"cp312-cp312-{LINUX}"),
        None,
    ),
    "Pythons that are no more": ((f"cp36-cp36m-{LINUX}", f"cp37-cp37m-{NEWER_LINUX}", f"cp38-cp38-{LINUX}"), None),
    "one in the middle": (
        (f"cp311-cp311-{LINUX}", f"cp312-cp312-{NEWER_LINUX}", f"cp313-cp313-{LINUX}"),
        (
            "the wheels for CPython 3.12 on `manylinux_x86_64` need glibc 2.28; those for older and for newer Pythons"
            " need less"
        ),
    ),
    "two on two machines": (
        tuple(
            f"cp3{one}-cp3{one}-manylinux_2_{28 if one in (11, 12) else 17}_{arch}"
            for one in (10, 11, 12, 13)
            for arch in ("x86_64", "aarch64")
        ),
        (
            "the wheels for CPython 3.11 and 3.12 on `manylinux_x86_64`, `manylinux_aarch64` need glibc 2.28; those for"
            " older and for newer Pythons need less"
        ),
    ),
    "one without the GIL": (
        (f"cp313-cp313t-{MAC}", "cp314-cp314t-macosx_14_0_arm64", f"cp315-cp315t-{MAC}"),
        (
            "the wheels for CPython 3.14t on `macos_arm64` need macOS 14.0; those for older and for newer Pythons need"
            " less"
        ),
    ),
}


@pytest.mark.parametrize("name", UNEVEN)
def test_a_python_that_begins_later_than_its_neighbours_is_an_info(name: str) -> None:
    """Without anything to compare with, a higher floor stands out only between two lower ones."""
    tag_sets, message = UNEVEN[name]
    found = told(release(*tag_sets))
    assert [(one.message, one.severity.value) for one in found] == ([(message, "info")] if message else [])


def test_the_neighbours_are_shown() -> None:
    """The evidence names the nearest wheels that begin earlier, on both sides."""
    (found,) = told(release(*UNEVEN["one in the middle"][0]))
    assert [one.text for one in found.evidence] == [
        (
            f"on `manylinux_x86_64` CPython 3.12: `demo-1.0-cp312-cp312-{NEWER_LINUX}.whl` (glibc 2.28),"
            f" CPython 3.11: `demo-1.0-cp311-cp311-{LINUX}.whl` (glibc 2.17),"
            f" CPython 3.13: `demo-1.0-cp313-cp313-{LINUX}.whl` (glibc 2.17)"
        )
    ]


def test_a_floor_is_told_once() -> None:
    """What is above the stated floor, or the previous one, is not told again for standing out."""
    uneven = UNEVEN["one in the middle"][0]
    before = release(*(one.replace("2_28", "2_17") for one in uneven), version="0.9")
    assert [one.severity.value for one in told(release(*uneven), before)] == ["warning"]
    stated = told(release(*uneven), settings=Settings(floors=Floors(glibc=(2, 17))))
    assert [one.severity.value for one in stated] == ["error"]
    same = release(*uneven, version="0.9")
    assert [one.severity.value for one in told(release(*uneven), same)] == ["info"]


@pytest.mark.parametrize(
    ("python", "macos"),
    [((3, 8), (10, 9)), ((3, 11), (10, 9)), ((3, 12), (10, 13)), ((3, 14), (10, 15)), ((3, 15), (10, 15))],
)
def test_a_python_has_an_oldest_macos(python: tuple[int, int], macos: tuple[int, int]) -> None:
    """It is that of python.org's installer."""
    assert oldest_macos(python) == macos


@pytest.mark.parametrize(("tag_sets", "severities"), [((), ["error"]), (("py3-none-any",), [])])
def test_a_stated_floor_is_kept_by_a_pure_wheel(tag_sets: tuple[str, ...], severities: list[str]) -> None:
    """Above the floor that the settings promise is an error, unless older systems get a pure wheel."""
    now = release(f"cp39-abi3-{NEWER_LINUX}", *tag_sets)
    found = told(now, settings=Settings(floors=Floors(glibc=(2, 17))))
    assert [one.severity.value for one in found] == severities
