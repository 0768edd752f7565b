"""The rules on what the wheels of a release bring: tables of clean releases and of spoiled ones, from the files on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from auditor.judge import judge_release
from auditor.release import group, summary_of_name
from tests.builders import BuiltWheel, Member, WheelSpec, extension_spec, replace
from tests.rules.helpers import assert_house_style
from tests.rules.release_helpers import (
    LINUX,
    MAC,
    MUSL,
    USUAL,
    WINDOWS,
    Release,
    summary,
    tagged,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from auditor.facts.release import WheelSummary


def compiled(tags: str, *modules: str, files: tuple[str, ...] = ("demo/__init__.py",)) -> WheelSpec:
    """A wheel with a clean extension module under each of these names."""
    spec = extension_spec(tags)
    (member,) = [name for name in spec.members if "_core" in name]
    members: dict[str, bytes | Member] = dict.fromkeys(files, b'"""A demo."""\n')
    members |= {member.replace("_core", one): spec.members[member] for one in modules}
    return replace(spec, members=members)


INIT = "demo/__init__.py"
PAIRS = [(one, platform) for one in (11, 12, 13) for platform in (LINUX, WINDOWS)]


def sources(*files: str, but: tuple[str, ...] = (), module: str = "_core") -> list[WheelSpec]:
    """Three Pythons on two platforms with these files; the last wheel lacks some of them."""
    wheels = [compiled(f"cp3{one}-cp3{one}-{p}", module, files=(INIT, *files)) for one, p in PAIRS]
    last = tuple(one for one in (INIT, *files) if one not in but)
    one, platform = PAIRS[-1]
    return [*wheels[:-1], compiled(f"cp3{one}-cp3{one}-{platform}", module, files=last)]


LAST = f"`demo-1.0-cp313-cp313-{WINDOWS}.whl`"
SOURCES: dict[str, tuple[list[WheelSpec], str | None]] = {
    "a module": (
        sources("demo/part.py", but=("demo/part.py",)),
        f"the module `demo.part` is missing from 1 of 6 wheels: {LAST}",
    ),
    "a package and what is below": (
        sources("demo/sub/__init__.py", "demo/sub/part.py", but=("demo/sub/__init__.py", "demo/sub/part.py")),
        f"the 2 modules (`demo.sub` and others) are missing from 1 of 6 wheels: {LAST}",
    ),
    "the mark of a typed package": (
        sources("demo/py.typed", but=("demo/py.typed",)),
        f"the file `demo/py.typed` is missing from 1 of 6 wheels: {LAST}",
    ),
    "the mark and a module": (
        sources("demo/part.py", "demo/py.typed", but=("demo/part.py", "demo/py.typed")),
        f"the 2 files (`demo.part` and others) are missing from 1 of 6 wheels: {LAST}",
    ),
    "a module that is left over": (
        [*sources()[:-1], compiled(f"cp313-cp313-{WINDOWS}", "_core", files=(INIT, "demo/old.py"))],
        f"the module `demo.old` is in 1 of 6 wheels alone: {LAST}",
    ),
    "the main package": (
        [*sources()[:-1], compiled(f"cp313-cp313-{WINDOWS}", files=())],
        f"the package `demo` is missing from 1 of 6 wheels: {LAST}",
    ),
    "a module of one Python": (
        [
            *(compiled(f"cp3{one}-cp3{one}-{p}", "_core") for one, p in PAIRS if one != 13),
            *(compiled(f"cp313-cp313-{p}", "_core", files=(INIT, "demo/new.py")) for p in (LINUX, WINDOWS)),
        ],
        None,
    ),
    "a module of one platform": (
        [
            compiled(f"cp3{one}-cp3{one}-{p}", "_core", files=(INIT, "demo/w.py") if p == WINDOWS else (INIT,))
            for one, p in PAIRS
        ],
        None,
    ),
    "a module of the fallback": (
        [*sources(), tagged("py3-none-any", members={INIT: b"", "demo/slow.py": b""})],
        None,
    ),
    "an extension in the place of a source": (
        [
            *sources("demo/_fast.py")[:-1],
            compiled(f"cp313-cp313-{WINDOWS}", "_core", "_fast"),
        ],
        f"the extension module `demo._fast` is in 1 of 6 wheels alone: {LAST}",
    ),
    "an extension beside its source, and in its place": (
        [
            *(compiled(f"cp3{one}-cp3{one}-{p}", "_core", files=(INIT, "demo/_fast.py")) for one, p in PAIRS[:4]),
            compiled(f"cp313-cp313-{LINUX}", "_core", "_fast", files=(INIT, "demo/_fast.py")),
            compiled(f"cp313-cp313-{WINDOWS}", "_core", "_fast"),
        ],
        None,
    ),
    "a source and the extension from it": (
        [
            *(
                compiled(f"cp3{one}-cp3{one}-{p}", "_core", "_fast", files=(INIT, "demo/_fast.py"))
                for one, p in PAIRS[:-1]
            ),
            compiled(f"cp313-cp313-{WINDOWS}", "_core"),
        ],
        f"the extension module `demo._fast` is missing from 1 of 6 wheels: {LAST}",
    ),
    "what is no module": (
        sources("demo/two-words.py", "demo/a-b/c.py", but=("demo/two-words.py", "demo/a-b/c.py")),
        None,
    ),
}
"""Releases whose sources differ, or not; how the one message begins."""


def bare(tags: str, *modules: str) -> WheelSpec:
    """A wheel of these tags with extension modules at its top level, beside a package."""
    spec = compiled(tags, *modules)
    moved = {name if name == INIT else name.removeprefix("demo/"): content for name, content in spec.members.items()}
    return replace(spec, members=moved)


UNREADABLE = [BuiltWheel(filename=f"demo-1.0-cp313-cp313-{WINDOWS}.whl", data=data) for data in (b"", b"no archive")]
ECHOES: dict[str, tuple[list[WheelSpec | BuiltWheel], str | None]] = {
    "an empty file": ([*sources("demo/part.py")[:-1], UNREADABLE[0]], None),
    "a file that is no archive": ([*sources("demo/part.py")[:-1], UNREADABLE[1]], None),
    "no native file": ([*sources()[:-1], compiled(f"cp313-cp313-{WINDOWS}")], None),
    "no native file, and no source": (
        [*sources("demo/part.py")[:-1], compiled(f"cp313-cp313-{WINDOWS}")],
        f"the module `demo.part` is missing from 1 of 6 wheels: {LAST}",
    ),
    "a package of extensions beside a pure wheel": (
        [*(bare(f"cp3{one}-cp3{one}-{p}", "_core") for one, p in PAIRS), tagged("py3-none-any")],
        None,
    ),
    "a package of extensions beside a wheel without native files": (
        [*(bare(f"cp3{one}-cp3{one}-{p}", "_core") for one, p in PAIRS[:-1]), bare(f"cp313-cp313-{WINDOWS}")],
        None,
    ),
    "a package of extensions beside both": (
        [
            *(bare(f"cp3{one}-cp3{one}-{p}", "_core", "_more") for one, p in PAIRS[:-1]),
            bare(f"cp313-cp313-{WINDOWS}", "_core"),
            tagged("py3-none-any"),
        ],
        f"the package `_more` is missing from 1 of 6 wheels: {LAST}",
    ),
}
"""Releases with a wheel of which something else is told; what is to be said of the modules."""

MODULES: dict[str, tuple[list[WheelSpec], str | None]] = {
    "the same": ([compiled(f"cp3{one}-cp3{one}-{p}", "_core") for one in (11, 12) for p in (LINUX, WINDOWS)], None),
    "an extension that failed on one": (
        [
            *(compiled(f"cp3{one}-cp3{one}-{p}", "_core", "_fast") for one in (11, 12) for p in (LINUX, WINDOWS)),
            compiled(f"cp313-cp313-{WINDOWS}", "_fast"),
            compiled(f"cp313-cp313-{LINUX}", "_core", "_fast"),
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


MODULE_TABLES: dict[str, tuple[Sequence[WheelSpec | BuiltWheel], str | None]] = {**MODULES, **SOURCES, **ECHOES}


@pytest.mark.parametrize("name", MODULE_TABLES)
def test_modules_that_differ_without_a_reason_are_told(name: str, tmp_path: Path) -> None:
    """A module that neither the platform nor the Python explains is told, with the wheels that differ."""
    wheels, words = MODULE_TABLES[name]
    report = Release(wheels=wheels).audit(tmp_path)
    found = [one for one in report.findings if one.rule == "release-modules-differ"]
    assert [one.message for one in found if words is None or words not in one.message] == []
    assert len(found) == (0 if words is None else 1)


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


def test_a_wheel_with_too_many_sources_is_left_out() -> None:
    """What is not known of one wheel is neither missing from it nor compared with others."""
    known = [
        summary(f"cp3{one}-cp3{one}-{p}", listed=True, packages=("demo",), sources=("demo", "demo.part"))
        for one, p in PAIRS
    ]
    for lacking, told in ((None, 0), (("demo",), 1)):
        (release,) = group([*known[:-1], structs.replace(known[-1], sources=lacking)])
        found = [one for one in judge_release(release).findings if one.rule == "release-modules-differ"]
        assert len(found) == told


def test_wheels_without_tags_are_compared_by_their_sources_alone() -> None:
    """Where a variant label stands behind the tags, nobody knows which extension modules belong there."""
    shared: dict[str, Any] = {"listed": True, "native": True, "packages": ("demo",), "sources": ("demo",)}
    wheels = [
        structs.replace(one, extensions=(f"demo._{number}",), **shared)
        for number in range(2)
        if (one := summary_of_name(f"demo-1.0-cp312-cp312-win_amd64-x8664v{number}.whl")) is not None
    ]
    (release,) = group(wheels)
    outcome = judge_release(release)
    assert len(release.wheels) == 2
    assert not outcome.broken
    assert "release-modules-differ" not in {one.rule for one in outcome.findings}
