"""Family `linux`: libraries that neither the policy nor the wheel brings (`library-outside-policy`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace as replaced

from auditor.archive.reader import read_wheel
from auditor.facts.binary import NeededKind
from auditor.findings import Severity
from auditor.judge import judge
from tests.builders import BuiltWheel, clean_elf, extension_wheel, replace
from tests.rules.helpers import only
from tests.rules.linux_helpers import MODULE, MUSL, MUSL_MODULE, TAGS, needing
from tests.rules.native_helpers import (
    LOADS,
    Planted,
    assert_planted,
    assert_silent,
    elf_library,
    elf_program,
    judged,
    loud,
    native,
    params,
    plain_wheel,
    with_files,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders import NativeSpec


def requiring(distribution: str, files: Mapping[str, NativeSpec | bytes] | None = None, **changes: Any) -> BuiltWheel:
    """A wheel with a dependency, whose module is changed."""
    members = {MODULE: replace(clean_elf(TAGS), **changes), **(files or {})}
    return plain_wheel(TAGS, members, headers={"Requires-Dist": distribution})


LIBRARY_CLEAN = {
    "policy-libraries": needing(
        "libm.so.6",
        "libpthread.so.0",
        "libgcc_s.so.1",
        "libstdc++.so.6",
        "libz.so.1",
        "libX11.so.6",
        "libglib-2.0.so.0",
        "ld-linux-x86-64.so.2",
    ),
    "bundled-beside-the-package": needing(
        "libfoo-0a1b2c3d.so.1", files={"demo.libs/libfoo-0a1b2c3d.so.1": elf_library("libfoo-0a1b2c3d.so.1")}
    ),
    "loaded-before-under-another-name": needing(
        "libbar.so.1",
        "libfoo.so.1",
        files={"demo.libs/libbar.so.1": elf_library("libfoo.so.1")},
    ),
    "path-in-the-need": needing(
        "$ORIGIN/lib/libfoo.so.1", runpath=None, files={"demo/lib/libfoo.so.1": elf_library("libfoo.so.1")}
    ),
    "musl-with-zlib": needing("libz.so.1", tags=MUSL),
    "trap9-android-links-libpython": extension_wheel("cp313-cp313-android_24_arm64_v8a"),
    "loader-of-armv7l": needing("ld-linux-armhf.so.3", tags="cp311-cp311-manylinux_2_17_armv7l"),
}
LIBRARY_DIRTY = {
    "a15-needed-library-not-bundled": Planted(
        wheel=needing("libfoo.so.1"),
        rule="library-outside-policy",
        member=MODULE,
        arch="x86_64",
        says=("libfoo.so.1", "manylinux_2_17_x86_64"),
        shows={"member": MODULE, "library": "libfoo.so.1"},
    ),
    "musl-with-libstdcxx": Planted(
        wheel=needing("libstdc++.so.6", tags=MUSL),
        rule="library-outside-policy",
        member=MUSL_MODULE,
        says=("libstdc++.so.6", "musllinux_1_2_x86_64"),
        shows={"library": "libstdc++.so.6"},
    ),
    "program": Planted(
        wheel=plain_wheel(
            "py3-none-manylinux_2_17_x86_64",
            {"demo-1.0.data/scripts/tool": elf_program(needed=("libc.so.6", "libcurl.so.4"))},
        ),
        rule="library-outside-policy",
        member="demo-1.0.data/scripts/tool",
        shows={"library": "libcurl.so.4"},
    ),
    "through-a-bundled-library": Planted(
        wheel=needing(
            "libfoo.so.1",
            files={"demo.libs/libfoo.so.1": elf_library("libfoo.so.1", needed=("libc.so.6", "libssl.so.3"))},
        ),
        rule="library-outside-policy",
        member="demo.libs/libfoo.so.1",
        shows={"member": "demo.libs/libfoo.so.1", "library": "libssl.so.3"},
    ),
    "libpython-of-a-bundled-library": Planted(
        wheel=needing(
            "libbinding.so.1",
            files={
                "demo.libs/libbinding.so.1": elf_library(
                    "libbinding.so.1", needed=("libc.so.6", "libpython3.11.so.1.0")
                )
            },
        ),
        rule="library-outside-policy",
        member="demo.libs/libbinding.so.1",
        shows={"library": "libpython3.11.so.1.0"},
    ),
    "libpython-of-a-program": Planted(
        wheel=plain_wheel(
            "cp311-cp311-manylinux_2_17_x86_64",
            {MODULE: clean_elf(TAGS), "demo/tool": elf_program(needed=("libc.so.6", "libpython3.11.so.1.0"))},
        ),
        rule="library-outside-policy",
        member="demo/tool",
    ),
    "own-directory-is-no-excuse": Planted(
        wheel=plain_wheel(
            TAGS,
            {
                MODULE: replace(
                    clean_elf(TAGS),
                    needed=("libc.so.6", "libfoo.so.1"),
                    runpath="$ORIGIN/lib:${ORIGIN}/../demo/x:/usr/lib:$ORIGIN/../../..",
                )
            },
            headers={"Requires-Dist": "libfoo"},
        ),
        rule="library-outside-policy",
        member=MODULE,
        infos=frozenset({"rpath-unsafe"}),
    ),
}


@pytest.mark.parametrize("wheel", params(LIBRARY_CLEAN))
def test_libraries_of_the_policy_or_the_wheel(wheel: BuiltWheel) -> None:
    """A library that the policy allows or the wheel brings, wherever, is no finding."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(LIBRARY_DIRTY))
def test_library_outside_policy(case: Planted) -> None:
    """A library that nobody brings is one finding; a warning where nothing in the wheel loads what needs it."""
    assert_planted(case)


LIBRARY_INFOS = {
    "device-driver": (needing("libcuda.so.1"), "library-outside-policy", "device driver"),
    "device-driver-of-a-plug-in": (
        with_files(TAGS, {"demo/plugin.so": elf_library("plugin.so", needed=("libc.so.6", "libibverbs.so.1"))}),
        "library-outside-policy",
        "may be optional",
    ),
    "plug-in-that-nothing-needs": (
        with_files(TAGS, {"demo/plugin.so": elf_library("plugin.so", needed=("libc.so.6", "libfoo.so.1"))}),
        "library-outside-policy",
        "may be optional",
    ),
    "trap11-library-of-a-dependency": (
        requiring("libucx-cu12", needed=("libc.so.6", "libucp.so.0"), runpath="$ORIGIN/../libucx/lib"),
        "library-from-dependency",
        "leads to another distribution",
    ),
    "package-that-loads-libraries": (
        requiring("libfoo", LOADS, needed=("libc.so.6", "libfoo.so.1")),
        "library-from-dependency",
        "loads libraries by itself",
    ),
    "trap11-bundled-in-the-data-directory": (
        needing(
            "libfoo.so.1",
            runpath="$ORIGIN/../../..",
            files={"demo-1.0.data/data/lib/libfoo.so.1": elf_library("libfoo.so.1")},
        ),
        "rpath-unsafe",
        "climbs out of site-packages",
    ),
}


@pytest.mark.parametrize(("wheel", "rule", "words"), LIBRARY_INFOS.values(), ids=LIBRARY_INFOS)
def test_libraries_that_others_bring(wheel: BuiltWheel, rule: str, words: str) -> None:
    """What a driver, a dependency or the wheel's own data directory brings is one info that says so."""
    report = judged(wheel)
    assert not report.broken
    assert loud(report) == []
    assert [(one.rule, one.severity) for one in native(report)] == [(rule, Severity.INFO)]
    assert any(words in one.message for one in native(report))


def test_a_library_outside_site_packages_has_no_neighbours() -> None:
    """What lands in the data directory is not excused by a search path into site-packages."""
    library = elf_library("tool.so", needed=("libc.so.6", "libfoo.so.1"), runpath="$ORIGIN/../../other")
    files = {MODULE: clean_elf(TAGS), "demo-1.0.data/data/lib/tool.so": library}
    finding = only(plain_wheel(TAGS, files, headers={"Requires-Dist": "other"}), rule="library-outside-policy")
    assert "another distribution" not in finding.message


def test_an_auxiliary_library_may_be_absent() -> None:
    """The loader goes on where the library of a DT_AUXILIARY is not there, so that no policy need have it."""
    wheel = needing("libfoo.so.1")
    facts = read_wheel(wheel.data, filename=wheel.filename)
    (binary,) = facts.binaries
    (part,) = binary.slices
    needed = tuple(replaced(one, kind=NeededKind.FILTER) for one in part.needed)
    softened = replaced(binary, slices=(replaced(part, needed=needed),))
    assert [one.rule for one in judge(facts).findings] == ["library-outside-policy"]
    assert judge(replaced(facts, binaries=(softened,))).findings == ()


def test_what_helps_against_a_driver() -> None:
    """What comes with a device driver cannot be copied into the wheel, and nobody is told to."""
    (driver,) = native(judged(needing("libOpenCL.so.1")))
    assert "auditwheel" not in (driver.help or "")
    assert "dlopen" in (driver.help or "")
    (system,) = native(judged(needing("libfoo.so.1")))
    assert "auditwheel repair" in (system.help or "")


OUTSIDE_TOGETHER = (
    "which the tag does not promise and the wheel does not bring, {are} needed by files that nothing in the wheel"
    " loads: they may be optional"
)
UNRESOLVED_TOGETHER = (
    "which {are} neither in the wheel nor promised, {are} needed by files that nothing in the wheel loads: they may be"
    " optional"
)
TOGETHER = {
    "one": (("libfoo.so.1",), f"`libfoo.so.1`, {OUTSIDE_TOGETHER.format(are='is')}"),
    "two": (("libbar.so.1", "libfoo.so.1"), f"2 libraries, {OUTSIDE_TOGETHER.format(are='are')}"),
    "one-lost": (("libfoo-0a1b2c3d.so.1",), f"`libfoo-0a1b2c3d.so.1`, {UNRESOLVED_TOGETHER.format(are='is')}"),
    "two-lost": (
        ("libbar-0a1b2c3d.so.1", "libfoo-0a1b2c3d.so.1"),
        f"2 libraries, {UNRESOLVED_TOGETHER.format(are='are')}",
    ),
}


@pytest.mark.parametrize(("needed", "message"), TOGETHER.values(), ids=TOGETHER)
def test_libraries_of_plug_ins_in_one_sentence(needed: tuple[str, ...], message: str) -> None:
    """One library and several are told of in a sentence of their own number."""
    (finding,) = native(judged(with_files(TAGS, {"demo/plugin.so": elf_library("plugin.so", needed=needed)})))
    assert finding.message == message


def test_a_linux_tag_without_any_elf_file() -> None:
    """Where there is nothing to judge, these families say nothing."""
    assert native(judged(plain_wheel("py3-none-manylinux_2_17_x86_64", {}))) == []
