"""The matrix for people: rows that say the same are one, it fits the width, and nothing in a name is markup."""

from __future__ import annotations

import re

import pytest

from auditor.findings import Matrix, MatrixCell, MatrixColumn, MatrixRow
from auditor.platforms.serving import build_matrix
from auditor.release import group, summary_of_name
from auditor.release.files import sdist_of_name
from auditor.report.matrix import State, render_matrix_markdown, render_matrix_text, served_by, table

NAMES = (
    *(f"demo-1.0-cp39-abi3-{one}.whl" for one in ("manylinux_2_17_x86_64", "macosx_10_9_universal2", "win_amd64")),
    "demo-1.0-cp313-cp313t-manylinux_2_28_x86_64.whl",
    "demo-1.0-pp311-pypy311_pp73-win_amd64.whl",
    "demo-1.0-py3-none-android_24_arm64_v8a.whl",
)


def matrix(*names: str, sdist: bool = False, requires_python: str | None = None) -> Matrix:
    """The matrix of wheels of these names."""
    from msgspec import structs

    found = [summary_of_name(name) for name in names]
    sources = [sdist_of_name("demo-1.0.tar.gz")] if sdist else []
    (release,) = group(
        (structs.replace(one, requires_python=requires_python) for one in found if one), [one for one in sources if one]
    )
    return build_matrix(release)


TEXT = """\
demo 1.0: who is served

                         glibc      glibc    musl    musl     macOS      macOS      Windows
                         x86_64     aarch64  x86_64  aarch64  arm64      x86_64     amd64
CPython 3.8              -          -        -       -        -          -          -
CPython 3.9 to 3.15      2.17 abi3  -        -       -        11.0 abi3  10.9 abi3  yes abi3
CPython 3.13t            2.28       -        -       -        -          -          -
CPython 3.14t and 3.15t  -          -        -       -        -          -          -
PyPy 3.10                -          -        -       -        -          -          -
PyPy 3.11                -          -        -       -        -          -          yes

                         Windows  Windows  Android
                         win32    arm64    arm64_v8a
CPython 3.8              -        -        24 py3
CPython 3.9 to 3.15      -        -        24 py3
CPython 3.13t            -        -        24 py3
CPython 3.14t and 3.15t  -        -        24 py3
PyPy 3.10                -        -        24 py3
PyPy 3.11                -        -        24 py3

  a number is the oldest glibc, macOS or API level that a wheel installs on
  yes: a wheel, whatever the system's version
  abi3: one wheel for this and later Pythons
  py3 and the like: a wheel that binds to no Python's ABI
  -: nothing to install
"""


def test_the_text_as_a_whole() -> None:
    """Interpreters stand down, platforms across, in as many blocks as the width needs."""
    shown = render_matrix_text(matrix(*NAMES), width=100, wheels=False)
    assert shown == TEXT


@pytest.mark.parametrize("width", [10, 60, 80, 120, 400])
def test_no_line_is_wider_than_it_may_be(width: int) -> None:
    """Only a file name in one piece may be longer."""
    for line in render_matrix_text(matrix(*NAMES), width=width).splitlines():
        assert len(line) <= max(width, 40) or line.strip().endswith(".whl")


def test_the_files_follow_with_whom_they_serve() -> None:
    """Each wheel that somebody gets is named once, with its interpreters and platforms."""
    lines = render_matrix_text(matrix(*NAMES)).splitlines()
    place = lines.index("  demo-1.0-cp39-abi3-macosx_10_9_universal2.whl")
    assert lines[place + 1] == "      CPython 3.9 to 3.15 on macos_arm64, macos_x86_64"
    assert set(served_by(matrix(*NAMES))) == set(NAMES)
    assert matrix(*NAMES).chosen() == frozenset(NAMES)


def test_every_platform_and_several_runs() -> None:
    """A wheel for all platforms is said to be that, and interpreters that do not follow on each other are parted."""
    text = render_matrix_text(matrix("demo-1.0-py3-none-any.whl", "demo-1.0-cp312-cp312-win_amd64.whl"), width=300)
    assert "CPython 3.8 to 3.15, CPython 3.13t to 3.15t, PyPy 3.10 and 3.11 on every platform" in text
    assert "      CPython 3.12 on win_amd64" in text
    pure = render_matrix_text(matrix("demo-1.0-py3-none-any.whl"))
    assert "PyPy 3.10 and 3.11 on any" in pure


def test_a_source_distribution_and_requires_python_are_shown() -> None:
    """What can be built is `sdist`, and what the metadata excludes is empty."""
    shown = table(matrix("demo-1.0-cp312-cp312-win_amd64.whl", sdist=True, requires_python=">=3.12"))
    by_label = {line.label: line for line in shown.lines}
    assert {cell.state for cell in by_label["CPython 3.8 to 3.11"].cells} == {State.EXCLUDED}
    assert {cell.state for cell in by_label["CPython 3.13 to 3.15"].cells} == {State.SDIST}
    assert [cell.text for cell in by_label["CPython 3.12"].cells if cell.wheel] == ["yes"]
    assert shown.legend[-2:] == ("sdist: to be built from source", "empty: Requires-Python excludes it")
    assert len(table(matrix("demo-1.0-py3-none-any.whl"), collapse=False).lines) == 13


def test_colours_change_nothing_else() -> None:
    """Without its ANSI sequences the coloured text is the plain one."""
    served = matrix(*NAMES)
    coloured = render_matrix_text(served, colour=True)
    plain = re.sub("\x1b\\[[0-9;]*m", "", coloured)
    assert coloured != plain
    assert [line.rstrip() for line in plain.splitlines()] == render_matrix_text(served).splitlines()


def test_markdown_is_a_table() -> None:
    """A head, a rule, a line for each run of interpreters with as many cells, and the legend."""
    lines = render_matrix_markdown(matrix(*NAMES[:3])).splitlines()
    assert lines[0].startswith("| | glibc x86\\_64 | glibc aarch64 |")
    rows = [line for line in lines if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in rows}) == 1
    assert "| CPython 3.9 to 3.15 | 2.17 abi3 |" in rows[3]
    said = (
        "A number is the oldest glibc or macOS that a wheel installs on; yes: a wheel, whatever the system's version;"
    )
    assert lines[-1].startswith(f"{said} abi3:")


def test_names_are_no_markup() -> None:
    """What stands in a tag writes neither to the terminal nor into the table."""
    hostile = "a|b<i>\x1b[31m_"
    served = Matrix(
        project="demo",
        version="1.0",
        columns=(MatrixColumn(name=hostile, system="other", arch=hostile),),
        rows=(
            MatrixRow(
                interpreter="cp312",
                label="CPython 3.12",
                cells=(MatrixCell(platform=hostile, wheel=f"demo-{hostile}.whl", tag="cp312-cp312-x"),),
            ),
        ),
    )
    text, markdown = render_matrix_text(served), render_matrix_markdown(served)
    assert "\x1b" not in text + markdown
    assert "a\\|b\\<i\\>" in markdown


def test_nothing_to_show() -> None:
    """A matrix without rows is a title and a head."""
    assert render_matrix_text(Matrix(project="demo", version="1.0")) == "demo 1.0: who is served\n\n\n\n\n"
    assert render_matrix_markdown(Matrix(project="demo", version="1.0")).count("\n") == 2
