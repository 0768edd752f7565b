"""Family `linux`: ELF files against the API level and the C library of an Android tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.findings import Severity
from tests.builders import OUTSIDE_STABLE_ABI, ElfImport, ElfVersionNeed, clean_elf, extension_name, replace
from tests.rules.helpers import only, rules_hit
from tests.rules.native_helpers import (
    Planted,
    assert_planted,
    elf_library,
    elf_program,
    elf_wheel,
    judged,
    loud,
    params,
    plain_wheel,
    static_program,
    with_files,
)

if TYPE_CHECKING:
    from tests.builders import BuiltWheel

TAGS = "cp313-cp313-android_24_x86_64"
ARM = "cp313-cp313-android_24_arm64_v8a"
GLIBC = "cp313-cp313-manylinux_2_17_x86_64"
MUSL = "cp313-cp313-musllinux_1_2_x86_64"
MODULE = extension_name(TAGS)
PYTHON = ElfImport(symbol=OUTSIDE_STABLE_ABI)
LEVEL_CLEAN = {
    "the-same-level": elf_wheel(TAGS, android_api=24),
    "an-older-level": elf_wheel(ARM, android_api=21),
    "no-note": elf_wheel(TAGS, android_api=None),
    "no-android": elf_wheel(GLIBC),
    "two-tags-the-lower-is-kept": elf_wheel("cp313-cp313-android_24_x86_64.android_26_x86_64", android_api=24),
    "a-passenger-for-another-machine": elf_wheel(
        TAGS, files={"demo/android-aarch64/libdemo.so": replace(elf_library("libdemo.so", ARM), android_api=30)}
    ),
}
LEVEL_DIRTY = {
    "module": Planted(
        wheel=elf_wheel(TAGS, android_api=26),
        rule="android-newer-than-tag",
        member=MODULE,
        arch="x86_64",
        says=("API level 26", "`android_24_x86_64` promises that 24 is enough"),
        shows={"member": MODULE, "version": "26"},
    ),
    "library": Planted(
        wheel=elf_wheel(ARM, files={"demo/libdemo.so": replace(elf_library("libdemo.so", ARM), android_api=35)}),
        rule="android-newer-than-tag",
        member="demo/libdemo.so",
        arch="aarch64",
    ),
    "two-files-the-newest-counts": Planted(
        wheel=elf_wheel(
            ARM, android_api=28, files={"demo/libdemo.so": replace(elf_library("libdemo.so", ARM), android_api=35)}
        ),
        rule="android-newer-than-tag",
        member=None,
        says=("2 files are", "API level 35"),
    ),
    "the-lower-of-two-tags": Planted(
        wheel=elf_wheel("cp313-cp313-android_26_x86_64.android_24_x86_64", android_api=26),
        rule="android-newer-than-tag",
        member=extension_name("cp313-cp313-android_26_x86_64"),
        says=("`android_24_x86_64`",),
        echoes=frozenset({"tag-set-untidy"}),
    ),
}


@pytest.mark.parametrize("wheel", params(LEVEL_CLEAN))
def test_levels_that_the_tag_promises(wheel: BuiltWheel) -> None:
    """A note of the tag's level or an older one, or none at all, is no fault."""
    assert "android-newer-than-tag" not in rules_hit(wheel)


@pytest.mark.parametrize("case", params(LEVEL_DIRTY))
def test_android_newer_than_tag(case: Planted) -> None:
    """A note of a newer level than that of the lowest tag is one error."""
    assert_planted(case)


NODE = ElfImport(symbol="memcpy", library="libc.so", version="LIBC")
LIBC_CLEAN = {
    "bionic": elf_wheel(TAGS),
    "bionic-without-its-note": elf_wheel(TAGS, android_api=None),
    "bionic-without-versions": elf_wheel(TAGS, imports=(PYTHON, ElfImport(symbol="memcpy"))),
    "a-later-node": elf_wheel(TAGS, version_needs=(ElfVersionNeed(library="libc.so", version="LIBC_N"),)),
    "static-program-on-linux": plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/tool": static_program()}),
    "library-for-android-in-a-manylinux-wheel": elf_wheel(
        GLIBC, files={"demo/android-x86_64/libdemo.so": elf_library("libdemo.so", TAGS)}
    ),
    "glibc-passenger": elf_wheel(
        TAGS, files={"demo/linux-gnu/libdemo.so": elf_library("libdemo.so", GLIBC, page=0x4000)}
    ),
    "musl-by-the-name-of-its-linker": elf_wheel(
        MUSL, needed=("libc.so",), imports=(PYTHON, ElfImport(symbol="memcpy"))
    ),
}
LIBC_DIRTY = {
    "glibc-module-under-android": Planted(
        wheel=with_files(TAGS, {}, binary=replace(clean_elf(GLIBC), page=0x4000), member=MODULE),
        rule="libc-mismatch",
        member=MODULE,
        arch="x86_64",
        says=("linked to glibc", "`android_24_x86_64` promises Android's bionic"),
        shows={"member": MODULE, "library": "libc.so.6"},
    ),
    "musl-module-under-android": Planted(
        wheel=with_files(TAGS, {}, binary=replace(clean_elf(MUSL), page=0x4000), member=MODULE),
        rule="libc-mismatch",
        member=MODULE,
        says=("linked to musl", "bionic"),
    ),
    "glibc-program-under-android": Planted(
        wheel=plain_wheel("py3-none-android_24_x86_64", {"demo/tool": elf_program(page=0x4000)}),
        rule="libc-mismatch",
        member="demo/tool",
    ),
    "bionic-module-under-manylinux": Planted(
        wheel=with_files(GLIBC, {}, binary=clean_elf(TAGS), member=extension_name(GLIBC)),
        rule="libc-mismatch",
        member=extension_name(GLIBC),
        says=("linked to Android's bionic", "promises glibc"),
        shows={"library": "libc.so"},
    ),
    "bionic-by-its-note-alone": Planted(
        wheel=with_files(
            GLIBC,
            {},
            binary=replace(clean_elf(TAGS), imports=(PYTHON, ElfImport(symbol="memcpy"))),
            member=extension_name(GLIBC),
        ),
        rule="libc-mismatch",
        member=extension_name(GLIBC),
        says=("bionic",),
    ),
    "bionic-by-its-nodes-alone-under-musllinux": Planted(
        wheel=with_files(MUSL, {}, binary=replace(clean_elf(TAGS), android_api=None), member=extension_name(MUSL)),
        rule="libc-mismatch",
        member=extension_name(MUSL),
        says=("bionic", "promises musl"),
    ),
    "musl-and-bionic-under-manylinux": Planted(
        wheel=with_files(
            GLIBC,
            {"demo/libdemo.so": elf_library("libdemo.so", MUSL)},
            binary=clean_elf(TAGS),
            member=extension_name(GLIBC),
        ),
        rule="libc-mismatch",
        member=None,
        says=("2 files are linked to Android's bionic and musl",),
    ),
}


@pytest.mark.parametrize("wheel", params(LIBC_CLEAN))
def test_the_libc_that_the_tag_promises(wheel: BuiltWheel) -> None:
    """bionic is right under Android and musl under musllinux, though both are called `libc.so`."""
    assert "libc-mismatch" not in rules_hit(wheel)


@pytest.mark.parametrize("case", params(LIBC_DIRTY))
def test_libc_mismatch_with_android(case: Planted) -> None:
    """A file for another C library than the tag's is one error that names both, and nothing echoes it."""
    assert_planted(case)


def test_the_help_names_the_tool() -> None:
    """Who built for Android with the wrong compiler is told of the NDK, and not of an image."""
    wheel = with_files(TAGS, {}, binary=replace(clean_elf(GLIBC), page=0x4000), member=MODULE)
    assert "NDK" in only(wheel, rule="libc-mismatch").help


def test_glibc_without_versions_is_a_library_that_android_has_not() -> None:
    """`libc.so.6` without a version tells no C library: on Android it is one that is not there."""
    plain = replace(clean_elf(GLIBC), page=0x4000, imports=(PYTHON, ElfImport(symbol="memcpy")))
    (finding,) = loud(judged(with_files(TAGS, {}, binary=plain, member=MODULE)))
    assert (finding.rule, finding.severity) == ("library-unresolved", Severity.ERROR)
    assert "`libc.so.6`" in finding.message
