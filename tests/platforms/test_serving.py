"""Interpreters and machines that the tags of a release name: rows, columns, and what is chosen at their edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from auditor.platforms.expected import compare
from auditor.platforms.serving import allows, build_matrix, comparable_matrices
from auditor.release import group, summary_of_name

if TYPE_CHECKING:
    from auditor.findings import Matrix


def matrix(*tag_sets: str, requires_python: str | None = None) -> Matrix:
    """The matrix of wheels of these tags."""
    found = [summary_of_name(f"demo-1.0-{one}.whl") for one in tag_sets]
    (release,) = group(structs.replace(one, requires_python=requires_python) for one in found if one)
    return build_matrix(release)


USUAL = [*(f"cp3{one}" for one in range(8, 16)), "cp313t", "cp314t", "cp315t", "pp310", "pp311"]


@pytest.mark.parametrize(
    ("tag_set", "more"),
    [
        ("py3-none-any", []),
        ("cp36-abi3-win_amd64", []),
        ("cp36-cp36m-win_amd64", ["cp36m"]),
        ("cp27-cp27mu-manylinux1_x86_64", ["cp27mu"]),
        ("cp316-cp316-win_amd64", ["cp316"]),
        ("cp37-cp37dm-linux_x86_64", []),
        ("cp312-cp312t-win_amd64", []),
        ("cp312-cp311-win_amd64", []),
        ("pp312-pypy312_pp73-win_amd64", ["pp312"]),
        ("pp312-pypy312_pp80-win_amd64", ["pp312-pp80"]),
        ("pp311-pypy311_pp80-win_amd64", ["pp311-pp80"]),
        ("graalpy312-graalpy250_312_native-win_amd64", ["graalpy312"]),
    ],
)
def test_a_tag_adds_the_interpreter_that_it_names(tag_set: str, more: list[str]) -> None:
    """The usual interpreters are always there; debug builds and what cannot be are never."""
    names = [row.interpreter for row in matrix(tag_set).rows]
    assert sorted(names) == sorted([*USUAL, *more])


def test_pypy_is_told_apart_by_its_abi() -> None:
    """The ABI of 7.3 has the plain name, whatever others there are; a wheel for one ABI serves no other."""
    old, new = "pp311-pypy311_pp73-manylinux_2_17_x86_64", "pp311-pypy311_pp80-macosx_11_0_arm64"
    for tag_sets in ((old,), (new,), (old, new)):
        served = matrix(*tag_sets)
        chosen = {
            (row.interpreter, cell.platform): cell.tag
            for row in served.rows
            for cell in row.cells
            if cell.tag is not None
        }
        expected = {("pp311", "manylinux_x86_64"): old, ("pp311-pp80", "macos_arm64"): new}
        assert chosen == {place: tag for place, tag in expected.items() if tag in tag_sets}


def test_pypy_is_shown_with_its_abi_where_there_are_several() -> None:
    """Beside a PyPy of another ABI the label of the plain one has its ABI too."""
    served = matrix("pp311-pypy311_pp80-win_amd64", "pp312-pypy312_pp73-win_amd64")
    assert [row.label for row in served.rows if row.label.startswith("PyPy")] == [
        "PyPy 3.10",
        "PyPy 3.11-pp73",
        "PyPy 3.11-pp80",
        "PyPy 3.12",
    ]


def test_graalpy_is_told_apart_by_its_release() -> None:
    """The newest release has the plain name, the others have theirs in it."""
    served = matrix(*(f"graalpy312-graalpy{one}_312_native-win_amd64" for one in (242, 250, 251)))
    assert [row.interpreter for row in served.rows if row.interpreter.startswith("graalpy")] == [
        "graalpy312-242",
        "graalpy312-250",
        "graalpy312",
    ]


def test_two_releases_are_compared_over_the_same_places() -> None:
    """The interpreters and machines of either are the rows and columns of both, under the same names."""
    old, new = "graalpy312-graalpy242_312_native-freebsd_14_amd64", "graalpy312-graalpy250_312_native-win_amd64"
    (before,), (now,) = (
        group([found for found in [summary_of_name(f"demo-{version}-{one}.whl")] if found])
        for version, one in (("0.9", old), ("1.0", new))
    )
    then, current = comparable_matrices(before, now)
    assert (then.version, current.version) == ("0.9", "1.0")
    assert [row.interpreter for row in then.rows] == [row.interpreter for row in current.rows]
    assert [one.name for one in then.columns] == [one.name for one in current.columns]
    for served, interpreter, platform, tag in (
        (then, "graalpy312-242", "freebsd_14_amd64", old),
        (current, "graalpy312", "win_amd64", new),
    ):
        cell = served.cell(interpreter, platform)
        assert cell is not None
        assert cell.tag == tag


def test_graalpy_gets_its_own_and_generic_wheels() -> None:
    """GraalPy takes its own wheel first, a generic one for its platform, and never one for CPython."""
    own = "graalpy312-graalpy250_312_native-win_amd64"
    served = matrix(own, "py3-none-macosx_11_0_arm64", "cp312-none-any", "cp312-cp312-manylinux_2_17_x86_64")
    chosen = {one.platform: one.tag for row in served.rows if row.interpreter == "graalpy312" for one in row.cells}
    assert {name: tag for name, tag in chosen.items() if tag} == {
        "win_amd64": own,
        "macos_arm64": "py3-none-macosx_11_0_arm64",
    }
    assert next(row.label for row in served.rows if row.interpreter == "graalpy312") == "GraalPy 3.12"


@pytest.mark.parametrize(
    ("platform", "columns"),
    [
        ("manylinux_2_31_riscv64", ["manylinux_riscv64"]),
        ("linux_armv7l", ["manylinux_armv7l"]),
        ("musllinux_1_1_s390x", ["musllinux_s390x"]),
        ("macosx_10_9_universal2", ["macos_arm64", "macos_x86_64"]),
        ("macosx_10_6_intel", ["macos_x86_64"]),
        ("macosx_10_4_ppc", ["macos_ppc"]),
        ("ios_13_0_arm64_iphonesimulator", ["ios_arm64_iphonesimulator"]),
        ("android_24_x86_64", ["android_x86_64"]),
        ("pyemscripten_2026_0_wasm32", ["pyemscripten_2026_0_wasm32"]),
        ("freebsd_14_amd64", ["freebsd_14_amd64"]),
    ],
)
def test_a_tag_names_its_columns(platform: str, columns: list[str]) -> None:
    """Each kind of machine is a column, whatever the version; the usual ones are shown beside."""
    served = matrix(f"cp313-cp313-{platform}")
    assert sorted(one.name for one in served.columns if one.named) == sorted(columns)
    usual = {"manylinux_x86_64", "macos_arm64", "macos_x86_64", "win_amd64", "musllinux_aarch64"}
    assert usual <= {one.name for one in served.columns}
    for name in columns:
        cell = served.cell("cp313", name)
        assert cell is not None
        assert cell.tag == f"cp313-cp313-{platform}"


@pytest.mark.parametrize(
    ("tag_sets", "platform", "floor"),
    [
        (("cp313-cp313-manylinux1_x86_64",), "manylinux_x86_64", (2, 5)),
        (("cp313-cp313-manylinux_2_17_x86_64.manylinux_2_28_x86_64",), "manylinux_x86_64", (2, 17)),
        (("cp313-cp313-manylinux_2_99_x86_64",), "manylinux_x86_64", (2, 99)),
        (("cp313-cp313-linux_x86_64",), "manylinux_x86_64", None),
        (("cp313-cp313-macosx_10_9_universal2",), "macos_arm64", (11, 0)),
        (("cp313-cp313-macosx_10_9_universal2",), "macos_x86_64", (10, 9)),
        (("cp313-cp313-macosx_11_0_arm64.macosx_14_0_arm64",), "macos_arm64", (11, 0)),
        (("cp313-cp313-musllinux_1_1_x86_64",), "musllinux_x86_64", (1, 1)),
        (("cp313-cp313-ios_13_4_arm64_iphoneos",), "ios_arm64_iphoneos", (13, 4)),
        (("cp313-cp313-android_24_arm64_v8a",), "android_arm64_v8a", (24, 0)),
        (("cp313-cp313-win_amd64",), "win_amd64", None),
        (("py3-none-any", "cp313-cp313-manylinux_2_28_x86_64"), "manylinux_x86_64", (2, 28)),
    ],
)
def test_the_floor_is_the_oldest_system(
    tag_sets: tuple[str, ...], platform: str, floor: tuple[int, int] | None
) -> None:
    """It is the oldest on which a wheel for that platform is chosen, counted as the machine counts."""
    cell = matrix(*tag_sets).cell("cp313", platform)
    assert cell is not None
    assert cell.floor == floor


def test_what_is_newer_than_known_is_shown_all_the_same() -> None:
    """A tag for a system that this version does not know is served there: that system may be released by now."""
    served = matrix("cp313-cp313-manylinux_2_99_x86_64", "cp313-cp313-macosx_99_0_arm64")
    cells = [served.cell("cp313", name) for name in ("manylinux_x86_64", "macos_arm64")]
    assert [cell.floor for cell in cells if cell is not None] == [(2, 99), (99, 0)]


@pytest.mark.parametrize(
    ("requires_python", "version", "allowed"),
    [
        (None, (3, 8), True),
        (">=3.8", (3, 8), True),
        (">=3.8.1", (3, 8), True),
        (">3.8", (3, 8), True),
        (">=3.9", (3, 8), False),
        ("<=3.12", (3, 12), True),
        ("<3.12", (3, 12), False),
        ("!=3.12.*", (3, 12), False),
        ("==3.12.4", (3, 12), True),
        ("not a specifier", (3, 8), True),
        (">=3.15.0rc1", (3, 15), True),
    ],
)
def test_a_python_is_allowed_where_one_of_its_releases_is(
    requires_python: str | None, version: tuple[int, int], allowed: bool
) -> None:
    """Requires-Python is asked of the patch releases, and one that is no specifier excludes nothing."""
    assert allows(requires_python, version) is allowed


def test_a_graalpy_may_be_expected() -> None:
    """An interpreter that no tag names can be expected, and gets what is for everybody."""
    found = summary_of_name("demo-1.0-py3-none-any.whl")
    assert found is not None
    (release,) = group([found])
    assert compare(release, {"graalpy312": ["win_amd64", "manylinux_x86_64"], "pp312": ["any"]}) == ()


@pytest.mark.parametrize(
    ("interpreter", "missing"), [("pp311", False), ("pp311-pp73", False), ("pp311-pp80", True), ("pp312", True)]
)
def test_a_pypy_may_be_expected_by_its_abi(interpreter: str, missing: bool) -> None:
    """Without an ABI it is that of 7.3, which may be named too; a wheel for one is none for another."""
    for mine, other, wrong in (("pp73", "pp80", missing), ("pp80", "pp73", interpreter != "pp311-pp80")):
        names = [f"demo-1.0-pp311-pypy311_{mine}-win_amd64.whl", f"demo-1.0-pp311-pypy311_{other}-win32.whl"]
        (release,) = group(one for one in map(summary_of_name, names) if one)
        assert bool(compare(release, {interpreter: ["win_amd64"]})) is wrong


def test_a_pypy_may_be_expected_by_both_names() -> None:
    """Two names of one interpreter that no tag names are one row, and each is answered."""
    found = summary_of_name("demo-1.0-cp312-cp312-win_amd64.whl")
    assert found is not None
    (release,) = group([found])
    missing = compare(release, {name: ["win_amd64"] for name in ("pp312", "pp312-pp73", "cp312")})
    assert [one.interpreter for one in missing] == ["pp312", "pp312-pp73"]
