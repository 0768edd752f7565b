"""What installers select, against `packaging.tags`: interpreters, impossible tags, coverage, platforms."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest

from auditor.platforms.coverage import covered, covers, covers_platform
from auditor.platforms.cpython import Interpreter, interpreters
from auditor.platforms.installers import unmatchable, unreleased
from auditor.platforms.promise import (
    AbiKind,
    Implementation,
    Promise,
    System,
    parse_abi,
    parse_platform,
    parse_python,
)
from auditor.platforms.pypi import accepts_platform
from auditor.rules.tags.interpreter import impossible
from tests.platforms import oracle

PLAIN = "manylinux_2_17_x86_64"


def promise(tag: str) -> Promise:
    """The promise of one tag."""
    python, abi, platform = tag.split("-")
    return Promise(python=parse_python(python), abi=parse_abi(abi), platform=parse_platform(platform))


PYTHONS = (
    *("py2", "py27", "py3", "py30", "py38", "py312", "py315", "cp3", "cp27", "cp31", "cp32", "cp36", "cp37", "cp38"),
    *("cp311", "cp312", "cp313", "cp314", "cp315", "cp313t", "pp3", "pp38", "pp310", "graalpy311"),
)
ABIS = (
    *("none", "abi3", "abi3t", "cp27m", "cp27mu", "cp32mu", "cp36m", "cp36mu", "cp37m", "cp37", "cp37dm", "cp38"),
    *("cp38m", "cp38d", "cp311", "cp312", "cp312t", "cp312d", "cp313", "cp313t", "cp313td", "cp314", "cp314t", "cp315"),
    *("cp315t", "pypy38_pp73", "pypy310_pp73", "graalpy242_311_native"),
)
TAGS = tuple(f"{python}-{abi}-{end}" for python, abi, end in itertools.product(PYTHONS, ABIS, ("any", PLAIN)))


def test_impossible_is_what_no_interpreter_of_packaging_selects() -> None:
    """A tag is called impossible exactly where no interpreter, however it was built, looks for it."""
    wrong = [
        tag
        for tag in TAGS
        # pip looks for abi3t from 3.2 on: `tag-abi3t-python-too-old` says why such a wheel is an error.
        if (impossible(promise(tag)) is None) is not oracle.ever_selected(tag, PLAIN)
    ]
    assert wrong == []


def test_interpreters_are_those_that_packaging_lets_select() -> None:
    """The interpreters of a tag are the released ones whose own tags hold it."""
    for tag in TAGS:
        one = promise(tag)
        # PyPy and GraalPy install generic wheels as well; a generic tag is judged by CPython alone.
        expected = {
            interpreter
            for interpreter in oracle.selecting(tag, PLAIN)
            if one.python.implementation is not Implementation.ANY
            or interpreter.implementation is Implementation.CPYTHON
        }
        if one.abi.kind is AbiKind.ABI3T and (one.python.version or (0, 0)) < (3, 15):
            assert interpreters(one) == (), tag
            continue
        if tag == "pp3-none-any":
            assert {interpreter.implementation for interpreter in expected} == {Implementation.PYPY}
            assert interpreters(one) == ()
            continue
        if one.python.version is not None and one.python.version < (3, 8) and one.python.tag.startswith("cp"):
            # The oracle has the released builds from 3.8 on; an exact tag names the one version.
            exact = one.abi.kind is not AbiKind.ABI3
            if exact and one.python.version != (2, 7):
                expected = set(interpreters(one))
                assert {interpreter.version for interpreter in expected} <= {one.python.version}, tag
        if tag == f"cp27-cp27m-{PLAIN}":
            expected = set(interpreters(promise(f"cp27-cp27mu-{PLAIN}")))  # narrow builds, as on Windows and macOS
        found = interpreters(one)
        assert len(found) == len(set(found)), tag
        assert set(found) == expected, tag


@pytest.mark.parametrize(
    "tag", [f"cp40-abi3-{PLAIN}", f"cp316-abi3-{PLAIN}", f"cp316-abi3t-{PLAIN}", "py4-none-any", "py28-none-any"]
)
def test_versions_that_do_not_exist_select_nothing(tag: str) -> None:
    """No released interpreter looks for a version that has not been released."""
    assert interpreters(promise(tag)) == ()


def test_interpreters_come_oldest_first() -> None:
    """Interpreters are sorted by version, and each knows how to be called."""
    found = interpreters(promise("py313-none-any"))
    assert [str(one) for one in found] == [
        "CPython 3.13",
        "CPython 3.13t",
        "CPython 3.14",
        "CPython 3.14t",
        "CPython 3.15",
        "CPython 3.15t",
    ]
    assert str(Interpreter(implementation=Implementation.PYPY, version=(3, 10))) == "PyPy 3.10"
    assert str(Interpreter(implementation=Implementation.GRAALPY, version=(3, 11))) == "GraalPy 3.11"


def test_older_interpreters_are_given_on_request() -> None:
    """With an older bound, the Pythons that are out of support are among those that a generic tag selects."""
    everything = interpreters(promise("py3-none-any"), oldest=(0, 0))
    assert everything[0].version == (3, 0)
    assert interpreters(promise(f"cp36-abi3-{PLAIN}"), oldest=(0, 0))[0].version == (3, 6)
    assert [one.version for one in interpreters(promise("py26-none-any"), oldest=(0, 0))] == [(2, 6), (2, 7)]
    assert [one.version for one in interpreters(promise("py2-none-any"))] == [(2, 7)]


# ------------------------------------------------------------------------------------------------------------ platforms

PLATFORM_TAGS = (
    *(
        f"manylinux_2_{minor}_{arch}"
        for arch in oracle.ARCHITECTURES
        for minor in (3, 4, 5, 12, 16, 17, 28, 31, 36, 44)
    ),
    *(f"manylinux1_{arch}" for arch in ("x86_64", "i686")),
    *(f"manylinux2010_{arch}" for arch in ("x86_64", "i686")),
    *(f"manylinux2014_{arch}" for arch in oracle.ARCHITECTURES),
    *(f"musllinux_1_{minor}_{arch}" for arch in oracle.ARCHITECTURES for minor in (0, 1, 2)),
    *(f"linux_{arch}" for arch in oracle.ARCHITECTURES),
    *(
        f"macosx_{version}_{arch}"
        for version in (
            "9_2",
            "10_0",
            "10_3",
            "10_4",
            "10_6",
            "10_9",
            "10_15",
            "10_16",
            "10_17",
            "11_0",
            "11_3",
            "14_0",
        )
        for arch in (
            "x86_64",
            "arm64",
            "universal2",
            "intel",
            "fat",
            "fat3",
            "fat64",
            "universal",
            "ppc",
            "ppc64",
            "i386",
        )
    ),
    *(f"macosx_{version}_{arch}" for version in ("15_0", "26_0", "27_0") for arch in ("x86_64", "arm64", "universal2")),
    *(
        f"ios_{version}_{device}"
        for version in ("11_0", "12_0", "13_0", "13_9", "15_4", "26_0")
        for device in ("arm64_iphoneos", "arm64_iphonesimulator", "x86_64_iphonesimulator", "x86_64_iphoneos")
    ),
    *(
        f"android_{level}_{abi}"
        for level in (15, 16, 21, 24, 35)
        for abi in ("armeabi_v7a", "arm64_v8a", "x86", "x86_64")
    ),
    *("win32", "win_amd64", "win_arm64", "win_ia64", "win_arm32"),
)


@pytest.mark.parametrize("tag", PLATFORM_TAGS)
def test_unmatchable_is_what_no_machine_of_packaging_has(tag: str) -> None:
    """A platform tag is called unmatchable exactly where no machine has it among its own."""
    looked_for = any(tag in tags for tags in oracle.machines().values())
    reason = unmatchable(parse_platform(tag))
    assert (reason is None) is looked_for, reason
    if reason is not None:
        assert all(reason)


@pytest.mark.parametrize(
    "tag",
    [tag for tag in PLATFORM_TAGS if (reason := unmatchable(parse_platform(tag))) is not None and "`" in reason[1]],
)
def test_advice_is_matchable_and_taken_by_pypi(tag: str) -> None:
    """The tag that is advised in place of an unmatchable one is looked for, and PyPI takes it."""
    reason = unmatchable(parse_platform(tag))
    assert reason is not None
    advised = [text for text in reason[1].split("`")[1::2] if "..." not in text and "_" in text and text[-1] != "_"]
    for text in advised:
        if parse_platform(text).system is System.OTHER:
            continue  # the name of an architecture
        assert unmatchable(parse_platform(text)) is None, text
        assert accepts_platform(text) or "loongarch64" in text or "ppc" in text, text


def test_released_machines_are_released() -> None:
    """No tag of a machine that exists is called unreleased, but for the macOS 16 to 25 that `packaging` counts."""
    for name, tags in oracle.machines().items():
        found = {tag for tag in tags if unreleased(parse_platform(tag)) is not None}
        assert all(15 < int(tag.split("_")[1]) < 26 for tag in found), name
        assert not found or name.startswith("mac")


# ------------------------------------------------------------------------------------------------------------- coverage


MODERN = defaultdict(lambda: {"x86_64", "arm64", *oracle.ARCHITECTURES}, macos={"x86_64", "arm64"})
"""The architectures that `packaging` has machines for, by the first letters of the tag."""


def machines_with(tag: str) -> frozenset[str]:
    """The names of the machines that look for a platform tag."""
    return frozenset(name for name, tags in oracle.machines().items() if tag in tags)


def test_platform_coverage_is_true_to_packaging() -> None:
    """Where one platform tag is said to cover another, every machine with the other has it too; and the reverse."""
    # 10.16 is what macOS 11 calls itself to old programs: a machine of its own to us, and not to `packaging`.
    having = {tag: machines_with(tag) for tag in PLATFORM_TAGS if "_10_16_" not in tag}
    parsed = {tag: parse_platform(tag) for tag in PLATFORM_TAGS}
    wrong = []
    for wide, narrow in itertools.product(having, repeat=2):
        if not having[narrow] or wide.startswith("linux") is not narrow.startswith("linux"):
            continue
        # Machines in between those of the oracle decide: of two tags with the same machines the versions decide.
        said = covers_platform(parsed[wide], parsed[narrow])
        if said and not having[narrow] <= having[wide]:
            wrong.append((wide, narrow, "said to cover"))
        # A tag with i386 or PowerPC in it speaks to machines for which `packaging` has no Python.
        if not said and having[narrow] < having[wide] and set(parsed[narrow].architectures) <= MODERN[narrow[:5]]:
            wrong.append((wide, narrow, "not said to cover"))
    assert wrong == []


@pytest.mark.parametrize("arch", oracle.ARCHITECTURES)
def test_every_linux_machine_has_its_linux_tag(arch: str) -> None:
    """`linux_*` covers every manylinux and musllinux tag of its architecture, and is covered by none."""
    for tag in (f"manylinux_2_17_{arch}", f"musllinux_1_2_{arch}"):
        assert covers_platform(parse_platform(f"linux_{arch}"), parse_platform(tag))
        assert not covers_platform(parse_platform(tag), parse_platform(f"linux_{arch}"))


PYTHON_ABIS = tuple(dict.fromkeys(tag.rpartition("-")[0] for tag in TAGS if "any" not in tag))


def test_python_coverage_is_true_to_packaging() -> None:
    """Where one Python and ABI are said to cover another, every interpreter that selects the other has it too."""
    having = {
        pair: frozenset(
            (build, name)
            for build, name in itertools.chain(
                ((str(build), oracle.cpython_tags(build, PLAIN)) for build in oracle.cpython_builds()),
                ((f"pp{minor}", oracle.pypy_tags((3, minor), PLAIN)) for minor in range(6, 13)),
                ((f"graalpy{minor}", oracle.graalpy_tags((3, minor), PLAIN)) for minor in range(8, 13)),
            )
            if f"{pair}-{PLAIN}" in name
        )
        for pair in PYTHON_ABIS
    }
    wrong = [
        (wide, narrow)
        for wide, narrow in itertools.product(PYTHON_ABIS, repeat=2)
        if covers(promise(f"{wide}-{PLAIN}"), promise(f"{narrow}-{PLAIN}")) and not having[narrow] <= having[wide]
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ("py3-none-any", f"cp38-cp38-{PLAIN}"),
        ("py3-none-any", "py38-none-any"),
        (f"cp38-abi3-{PLAIN}", f"cp39-abi3-{PLAIN}"),
        (f"cp38-abi3-{PLAIN}", f"cp311-cp311-{PLAIN}"),
        (f"cp315-abi3t-{PLAIN}", f"cp315-cp315t-{PLAIN}"),
        (f"py3-none-{PLAIN}", f"pp310-pypy310_pp73-{PLAIN}"),
    ],
)
def test_usual_tags_are_covered(wide: str, narrow: str) -> None:
    """The coverage that compressed and stable tags are there for is seen."""
    assert covers(promise(wide), promise(narrow))
    assert not covers(promise(narrow), promise(wide))


def test_a_universal_tag_is_covered_by_one_for_each_processor() -> None:
    """Two thin tags together cover a universal one; one of them does not."""
    universal = promise("cp311-cp311-macosx_10_9_universal2")
    intel, arm = promise("cp311-cp311-macosx_10_9_x86_64"), promise("cp311-cp311-macosx_11_0_arm64")
    assert covered(universal, [intel, arm])
    assert not covered(universal, [intel])
    assert not covered(universal, [arm])
    assert not covered(universal, [])
