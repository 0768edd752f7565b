"""The summary of one wheel: which of its files are modules, and what is known of a wheel that could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.archive.reader import read_wheel
from auditor.release import summarise, summary_of_name
from auditor.release.summary import MAX_SOURCES
from tests.builders import WheelSpec, build_wheel, extension_spec, replace

if TYPE_CHECKING:
    from auditor.facts.release import WheelSummary

FILENAME = "demo-1.0-py3-none-any.whl"


def summary(spec: WheelSpec) -> WheelSummary:
    """The summary of a wheel, by way of its bytes."""
    built = build_wheel(spec)
    found = summarise(read_wheel(built.data, filename=built.filename))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("demo/__init__.py", ("demo",)),
        ("demo/part.py", ("demo.part",)),
        ("demo/sub/__init__.py", ("demo.sub",)),
        ("single.py", ("single",)),
        ("demo/py.typed", ("demo/py.typed",)),
        ("demo-1.0.data/purelib/demo/part.py", ("demo.part",)),
        ("demo-1.0.data/platlib/demo/py.typed", ("demo/py.typed",)),
        ("demo-1.0.data/scripts/tool.py", ()),
        ("demo/part.pyi", ()),
        ("demo/two-words.py", ()),
        ("demo/a-b/part.py", ()),
        ("demo.libs/part.py", ()),
    ],
)
def test_sources_are_what_can_be_imported_and_the_marks_of_typed_packages(
    member: str, expected: tuple[str, ...]
) -> None:
    """A source is named as `import` names it, wherever in the wheel it lies; what cannot be imported is none."""
    assert summary(WheelSpec(members={member: b""})).sources == expected


def test_of_too_many_sources_none_is_kept() -> None:
    """Above the ceiling they are not known."""
    members: dict[str, bytes] = {f"demo/m{number}.py": b"" for number in range(MAX_SOURCES)}
    assert len(summary(WheelSpec(members=members)).sources or ()) == MAX_SOURCES
    assert summary(WheelSpec(members={**members, "demo/one_more.py": b""})).sources is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ()),
        (
            "[console_scripts]\nb = demo : main\na=demo:other\n[pytest11]\nc = demo\n",
            ("console_scripts: a = demo:other", "console_scripts: b = demo:main", "pytest11: c = demo"),
        ),
        ("a = demo:main\n", None),
    ],
)
def test_entry_points_are_in_one_spelling(text: str | None, expected: tuple[str, ...] | None) -> None:
    """They are sorted and without spaces that mean nothing; unknown where the file could not be read."""
    assert summary(WheelSpec(entry_points=text)).entry_points == expected


def test_a_native_file_makes_a_wheel_native() -> None:
    """Whatever the tags say."""
    spec = extension_spec("cp312-cp312-manylinux_2_17_x86_64")
    assert summary(spec).native
    assert not summary(replace(spec, members={"demo/__init__.py": b""})).native
    assert summary(replace(spec, members={"demo/__init__.py": b""})).listed


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_what_cannot_be_read_is_not_listed(content: bytes) -> None:
    """Of a file that is no archive the name is known, and no contents."""
    found = summarise(read_wheel(content, filename=FILENAME))
    assert found is not None
    assert (found.listed, found.native, found.packages) == (False, False, ())
    named = summary_of_name(FILENAME)
    assert named is not None
    assert not named.listed
