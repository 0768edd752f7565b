"""Incomplete releases as the projects' issues tell of them, and what has to be said of each.

Where an issue shows no list of files, the list is made from what it tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


Tags = tuple[str, ...]


def cp(platform: str, *minors: int) -> Tags:
    """The tags of one wheel a CPython on one platform."""
    return tuple(f"cp3{minor}-cp3{minor}-{platform}" for minor in minors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A release, and what has to be said of it."""

    project: str
    version: str
    wheels: Tags
    before: Tags = ()
    """The tags of the wheels of the release before."""
    sdist: bool = True
    expected: Mapping[str, Tags] | None = None
    """The matrix that the project means to serve, where its settings state one."""
    requires_python: str = ">=3.8"
    rule: str
    severity: str = "warning"
    words: str


LINUX, ARM = "manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux_2_17_aarch64.manylinux2014_aarch64"
MUSL, ARM_MUSL = "musllinux_1_2_x86_64", "musllinux_1_2_aarch64"
MAC, INTEL, WINDOWS = "macosx_11_0_arm64", "macosx_10_9_x86_64", "win_amd64"

INCIDENTS: dict[str, Incident] = {
    "autobahn-python 1848: an edit of the build matrix": Incident(
        project="autobahn",
        version="25.12.2",
        wheels=(
            *(one for platform in ("manylinux_2_34_x86_64", MAC, WINDOWS) for one in cp(platform, 11, 12, 13, 14)),
            *cp("manylinux_2_17_aarch64", 11, 13, 14),
        ),
        requires_python=">=3.11",
        rule="release-gap",
        words="`manylinux_aarch64` has no wheel for CPython 3.12,",
    ),
    "daqp 155: a job of its own that fell behind": Incident(
        project="daqp",
        version="0.8.7",
        wheels=(
            *(one for platform in (LINUX, MUSL, MAC, WINDOWS) for one in cp(platform, 11, 12, 13, 14)),
            *(one for platform in (ARM, ARM_MUSL) for one in cp(platform, 11, 12, 13)),
        ),
        rule="release-gap",
        words="`manylinux_aarch64`, `musllinux_aarch64` have no wheel for CPython 3.14,",
    ),
    "pyarrow 43289: the quota was reached half way": Incident(
        project="pyarrow",
        version="17.0.0",
        wheels=(
            *(one for platform in (LINUX, ARM, WINDOWS) for one in cp(platform, 10, 11, 12)),
            *(one for platform in (MAC, "macosx_10_15_x86_64") for one in cp(platform, 8, 10, 11, 12)),
        ),
        before=tuple(
            one
            for platform in (LINUX, ARM, WINDOWS, MAC, "macosx_10_15_x86_64")
            for one in cp(platform, 8, 9, 10, 11, 12)
        ),
        sdist=False,
        rule="release-floor-raised",
        words="`manylinux_x86_64`, `manylinux_aarch64`, `win_amd64` have no wheel for CPython 3.8 and 3.9, as `0` had",
    ),
    "python-snappy 106: one architecture was not uploaded": Incident(
        project="python-snappy",
        version="0.6.0",
        wheels=tuple(one for platform in ("manylinux2010_x86_64", INTEL, WINDOWS) for one in cp(platform, 8, 9)),
        before=(
            *(one for platform in ("manylinux2010_x86_64", INTEL, WINDOWS) for one in cp(platform, 8, 9)),
            *cp("manylinux2014_aarch64", 8, 9),
        ),
        rule="release-floor-raised",
        words="`manylinux_aarch64`, which `0` had wheels for, has none",
    ),
    "cmarkgfm 83: only one system was uploaded": Incident(
        project="cmarkgfm",
        version="2025.10.20",
        wheels=cp(MAC, 10, 11, 12, 13),
        before=tuple(one for platform in (LINUX, MUSL, MAC, INTEL, WINDOWS) for one in cp(platform, 10, 11, 12, 13)),
        rule="release-floor-raised",
        words="`macos_x86_64`, `win_amd64`, which `0` had wheels for, have none",
    ),
    "python-fcl 83: the runner changed its processor": Incident(
        project="python-fcl",
        version="0.7.0.7",
        wheels=tuple(one for platform in (LINUX, MAC, WINDOWS) for one in cp(platform, 10, 11, 12)),
        before=tuple(one for platform in (LINUX, MAC, INTEL, WINDOWS) for one in cp(platform, 10, 11, 12)),
        rule="release-floor-raised",
        words="`macos_x86_64`, which `0` had wheels for, has none",
    ),
    "fory 2527: ten of thirty": Incident(
        project="pyfory",
        version="0.12.1a3",
        wheels=(*cp(LINUX, 8, 9, 10, 11, 12, 13), *cp(MAC, 8, 13), *cp(WINDOWS, 8, 13)),
        rule="release-gap",
        words="`macos_arm64`, `win_amd64` have no wheel for CPython 3.9, 3.10, 3.11 and 3.12,",
    ),
    "arcticdb 3262: the Pythons of the release before": Incident(
        project="arcticdb",
        version="6.20.0",
        wheels=tuple(one for platform in (LINUX, MAC, WINDOWS) for one in cp(platform, 10, 11, 12)),
        before=tuple(one for platform in (LINUX, MAC, WINDOWS) for one in cp(platform, 9, 10, 11, 12, 13, 14)),
        sdist=False,
        requires_python=">=3.9",
        rule="release-floor-raised",
        words="have no wheel for CPython 3.9, 3.13 and 3.14, as `0` had",
    ),
    "arcticdb 3262: by its own metadata": Incident(
        project="arcticdb",
        version="6.20.0",
        wheels=tuple(one for platform in (LINUX, MAC, WINDOWS) for one in cp(platform, 10, 11, 12)),
        sdist=False,
        requires_python=">=3.9",
        rule="release-python-unserved",
        words="for CPython 3.9, which the metadata allows",
    ),
    "oso 1354: neither a wheel nor sources for the new Python": Incident(
        project="oso",
        version="0.22.1",
        wheels=tuple(one for platform in (LINUX, INTEL, WINDOWS) for one in cp(platform, 8, 9)),
        sdist=False,
        requires_python=">=3.8,<3.11",
        rule="release-python-unserved",
        words="for CPython 3.10, which the metadata allows",
    ),
    "py-lmdb 364: one file of all": Incident(
        project="lmdb",
        version="1.5.0",
        wheels=("cp310-cp310-macosx_10_9_universal2",),
        before=(
            *(one for platform in (LINUX, ARM, INTEL, WINDOWS) for one in cp(platform, 8, 9, 10, 11, 12)),
            "cp310-cp310-macosx_10_9_universal2",
        ),
        sdist=False,
        rule="release-floor-raised",
        words="`manylinux_x86_64`, `manylinux_aarch64`, `win_amd64`, which `0` had wheels for, have none",
    ),
    "py-lmdb 364: by the matrix that is meant": Incident(
        project="lmdb",
        version="1.5.0",
        wheels=("cp310-cp310-macosx_10_9_universal2",),
        sdist=False,
        expected={f"cp3{minor}": ("manylinux_x86_64", "macos_arm64", "win_amd64") for minor in (8, 9, 10, 11, 12)},
        rule="release-gap",
        words="14 places of the expected matrix without a wheel: `cp38 on manylinux_x86_64`",
    ),
    "py-lmdb 292: one system alone was uploaded": Incident(
        project="lmdb",
        version="1.2.0",
        wheels=cp("manylinux2014_x86_64", 8, 9),
        before=tuple(one for platform in ("manylinux1_x86_64", INTEL, WINDOWS) for one in cp(platform, 8, 9)),
        rule="release-floor-raised",
        words="`macos_x86_64`, `win_amd64`, which `0` had wheels for, have none",
    ),
    "py-lmdb 385: the Python that the release before had": Incident(
        project="lmdb",
        version="1.7.1",
        wheels=tuple(one for platform in (LINUX, ARM, MAC, WINDOWS) for one in cp(platform, 9, 10, 11, 12)),
        before=tuple(one for platform in (LINUX, ARM, MAC, WINDOWS) for one in cp(platform, 9, 10, 11, 12, 13)),
        rule="release-floor-raised",
        words="have no wheel for CPython 3.13, as `0` had",
    ),
    "pymatgen 3134: one file of all": Incident(
        project="pymatgen",
        version="2023.6.28",
        wheels=cp(MAC, 9),
        before=tuple(one for platform in (LINUX, MAC, INTEL, WINDOWS) for one in cp(platform, 8, 9, 10, 11)),
        rule="release-floor-raised",
        words="`manylinux_x86_64`, `macos_x86_64`, `win_amd64`, which `0` had wheels for, have none",
    ),
    "Open3D 5612: one Python of four on Linux": Incident(
        project="open3d",
        version="0.16.0",
        wheels=(*cp("manylinux_2_27_x86_64", 10), *cp("macosx_10_15_x86_64", 8, 9, 10), *cp(WINDOWS, 8, 9, 10)),
        before=(
            *cp("manylinux_2_27_x86_64", 8, 9),
            *cp("manylinux2014_aarch64", 8, 9),
            *cp("macosx_10_15_x86_64", 8, 9),
            *cp("macosx_12_0_arm64", 8, 9),
            *cp(WINDOWS, 8, 9),
        ),
        sdist=False,
        rule="release-floor-raised",
        words="`manylinux_aarch64`, `macos_arm64`, which `0` had wheels for, have none",
    ),
    "Open3D 5612: what can be told without the release before": Incident(
        project="open3d",
        version="0.16.0",
        wheels=(*cp("manylinux_2_27_x86_64", 10), *cp("macosx_10_15_x86_64", 8, 9, 10), *cp(WINDOWS, 8, 9, 10)),
        sdist=False,
        rule="release-gap",
        severity="info",
        words="`manylinux_x86_64` has no wheel for CPython 3.8 and 3.9,",
    ),
    "awkward 821: two failed jobs of many": Incident(
        project="awkward",
        version="1.2.1",
        wheels=(*cp("manylinux2010_x86_64", 8, 9, 10), *cp(INTEL, 8, 10), *cp(WINDOWS, 8, 9, 10)),
        rule="release-gap",
        words="`macos_x86_64` has no wheel for CPython 3.9,",
    ),
    "hifitime 454: the newest Python of one architecture": Incident(
        project="hifitime",
        version="4.2.3",
        wheels=(
            *(one for platform in (LINUX, MAC, INTEL, WINDOWS) for one in cp(platform, 8, 9, 10, 11, 12, 13, 14)),
            *cp(ARM, 8, 9, 10, 11, 12, 13),
        ),
        rule="release-gap",
        words="`manylinux_aarch64` has no wheel for CPython 3.14,",
    ),
    "py-tree-sitter-languages 50: built, and not uploaded": Incident(
        project="tree-sitter-languages",
        version="1.10.0",
        wheels=tuple(one for platform in (LINUX, ARM, MUSL) for one in cp(platform, 8, 9, 10, 11, 12)),
        before=tuple(one for platform in (LINUX, ARM, MUSL, MAC, INTEL, WINDOWS) for one in cp(platform, 8, 9, 10, 11)),
        sdist=False,
        rule="release-floor-raised",
        words="`macos_arm64`, `macos_x86_64`, `win_amd64`, which `0` had wheels for, have none",
    ),
    "pants 13227: one Python a system": Incident(
        project="pantsbuild.pants",
        version="2.8.0.dev4",
        wheels=(*cp(LINUX, 7), *cp(INTEL, 7, 8, 9)),
        sdist=False,
        requires_python=">=3.7,<3.10",
        rule="release-gap",
        words="`manylinux_x86_64` has no wheel for CPython 3.8 and 3.9,",
    ),
    "pants 15748: a list in place of a number of wheels": Incident(
        project="pantsbuild.pants",
        version="2.13.0",
        wheels=tuple(one for platform in (LINUX, INTEL) for one in cp(platform, 7, 8, 9)),
        sdist=False,
        requires_python=">=3.7,<3.10",
        expected={f"cp3{minor}": ("manylinux_x86_64", "macos_x86_64", "macos_arm64") for minor in (7, 8, 9)},
        rule="release-gap",
        words="3 places of the expected matrix without a wheel: `cp37 on macos_arm64`,",
    ),
    "time-machine 355: the wheels of one machine": Incident(
        project="time-machine",
        version="2.10.0",
        wheels=tuple(one for platform in (MAC, INTEL) for one in cp(platform, 8, 9, 10, 11)),
        before=tuple(one for platform in (MAC, INTEL, LINUX, ARM, MUSL, WINDOWS) for one in cp(platform, 8, 9, 10, 11)),
        rule="release-floor-raised",
        words="`manylinux_x86_64`, `manylinux_aarch64`, `musllinux_x86_64`, `win_amd64`, which `0` had wheels for",
    ),
}
