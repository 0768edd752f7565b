"""Family `native`: where binaries tell the loader to look for libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.findings import Severity
from tests.builders import LIBSYSTEM, MachoLibrary, MachoSpec, clean_elf, extension_name, replace
from tests.rules.helpers import assert_house_style, evidence, findings, only
from tests.rules.native_helpers import (
    Planted,
    assert_planted,
    elf_library,
    elf_program,
    elf_wheel,
    macho_wheel,
    params,
    plain_wheel,
    with_files,
)

if TYPE_CHECKING:
    from tests.builders import BuiltWheel

TAGS = "cp311-cp311-manylinux_2_17_x86_64"
MUSL = "cp311-cp311-musllinux_1_2_x86_64"
MAC = "cp311-cp311-macosx_11_0_arm64"
ANDROID = "cp313-cp313-android_24_arm64_v8a"
SHARED = "/tmp"  # noqa: S108  # a path in a binary, to which nothing is written
MEMORY = "/dev/shm"  # noqa: S108  # likewise
MODULE = extension_name(TAGS)
RULE = "rpath-unsafe"


def below(member: str, runpath: str) -> BuiltWheel:
    """A wheel with a library at `member` that has this search path."""
    return with_files(TAGS, {member: elf_library("libdemo.so", runpath=runpath)})


def mac(*rpaths: str, library: str = "@rpath/libdemo.dylib") -> BuiltWheel:
    """A wheel for macOS whose module has these LC_RPATHs and needs one library."""
    return macho_wheel(MAC, rpaths=rpaths, libraries=(LIBSYSTEM, MachoLibrary(name=library)))


CLEAN = {
    "none": elf_wheel(TAGS),
    "origin": elf_wheel(TAGS, runpath="$ORIGIN"),
    "origin-in-braces": elf_wheel(TAGS, runpath="${ORIGIN}/../demo.libs"),
    "of-auditwheel": elf_wheel(TAGS, rpath="$ORIGIN/../demo.libs"),
    "another-distribution": elf_wheel(TAGS, runpath="$ORIGIN/../nvidia/cublas/lib:$ORIGIN/../torch/lib/"),
    "site-packages-itself": elf_wheel(TAGS, runpath="$ORIGIN/.."),
    "tokens-of-glibc": elf_wheel(TAGS, runpath="$ORIGIN/$LIB:$ORIGIN/${PLATFORM}"),
    "of-the-system": elf_wheel(TAGS, runpath="/usr/lib64:/lib/x86_64-linux-gnu:/usr/lib"),
    "empty-as-a-whole": elf_wheel(TAGS, runpath=""),
    "empty-entry-under-musl": elf_wheel(MUSL, runpath="$ORIGIN/../lib:"),
    "runpath-hides-rpath": elf_wheel(TAGS, rpath=f"{SHARED}/build", runpath="$ORIGIN"),
    "script-to-lib": plain_wheel(
        "py3-none-manylinux_2_17_x86_64", {"demo-1.0.data/scripts/tool": elf_program(runpath="$ORIGIN/../lib")}
    ),
    "data-to-the-prefix": below("demo-1.0.data/data/lib/libdemo.so", "$ORIGIN/.."),
    "headers-land-somewhere": below("demo-1.0.data/headers/libdemo.so", "$ORIGIN/../../../../.."),
    "platlib": below("demo-1.0.data/platlib/demo/libdemo.so", "$ORIGIN/.."),
    "android": elf_wheel(ANDROID, runpath="relative"),
    "for-windows": plain_wheel("py3-none-win_amd64", {"demo/linux/libdemo.so": elf_library("libdemo.so", runpath="x")}),
    "mac-loader-path": mac("@loader_path/../demo.dylibs", "@executable_path/../lib", "@rpath"),
    "mac-absolute": mac("/Users/runner/work/lib", "/opt/homebrew/lib"),
    "mac-empty": mac(""),
    "mac-object": macho_wheel(
        MAC,
        libraries=(LIBSYSTEM, MachoLibrary(name="@rpath/libdemo.dylib")),
        files={"demo/demo.o": MachoSpec(cpu="arm64", file_type=1, rpaths=("lib",))},
    ),
    "mac-nothing-by-rpath": mac("lib", f"{SHARED}/lib", library="/usr/lib/libz.1.dylib"),
}


def unsafe(path: str, why: str, tags: str = TAGS) -> Planted:
    """What is said of a wheel whose module has this DT_RUNPATH."""
    return Planted(
        wheel=elf_wheel(tags, runpath=path),
        rule=RULE,
        member=extension_name(tags),
        severity=Severity.WARNING,
        says=(why,),
        shows={"member": extension_name(tags), "text": "the runpath of"},
    )


def unsafe_mac(path: str, why: str) -> Planted:
    """What is said of a wheel whose module has this LC_RPATH."""
    return Planted(
        wheel=mac(path),
        rule=RULE,
        member=extension_name(MAC),
        severity=Severity.WARNING,
        says=(f"`{path}`", why),
        echoes=frozenset({"library-unresolved"}),
    )


DIRTY = {
    "empty-at-the-end": unsafe("$ORIGIN/../lib:", "the current directory"),
    "empty-twice": unsafe(":", "the current directory"),
    "relative": unsafe("demo.libs", "relative to the current directory"),
    "relative-by-a-dot": unsafe("./lib", "relative"),
    "relative-by-a-token": unsafe("$LIB/demo", "relative"),
    "the-dollar-was-eaten": unsafe("ORIGIN/../lib", "relative"),
    "the-dollar-was-quoted-twice": unsafe("\\$ORIGIN/../lib", "relative"),
    "a-makefile's-dollars": unsafe("$$ORIGIN/../lib", "does not expand `$`"),
    "unknown-token": unsafe("$ORIGN/../lib", "does not expand `$ORIGN`"),
    "longer-than-a-token": unsafe("$ORIGINAL/lib", "does not expand `$ORIGINAL`"),
    "unknown-token-within": unsafe("$ORIGIN/${ARCH}/lib", "does not expand `${ARCH}`"),
    "token-that-musl-does-not-know": unsafe("$ORIGIN/$LIB", "ignores the whole search path", MUSL),
    "everybody's": unsafe(f"{SHARED}/build/lib", "every user"),
    "everybody's-by-detours": unsafe("/usr/lib/../../var/tmp/x", "every user"),
    "shared-memory": unsafe(MEMORY, "every user"),
    "build-directory": unsafe("/project/build/lib", "built on"),
    "home-directory": unsafe("/home/runner/work/lib", "built on"),
    "named-as-a-system-directory": unsafe("/library/x", "built on"),
    "out-of-the-environment": unsafe("$ORIGIN/../../../../../lib", "climbs out of the environment"),
    "rpath": Planted(
        wheel=elf_wheel(TAGS, rpath="demo.libs"),
        rule=RULE,
        member=MODULE,
        severity=Severity.WARNING,
        shows={"text": "the rpath of"},
    ),
    "script-out-of-the-environment": Planted(
        wheel=plain_wheel(
            "py3-none-manylinux_2_17_x86_64", {"demo-1.0.data/scripts/tool": elf_program(runpath="$ORIGIN/../../lib")}
        ),
        rule=RULE,
        member="demo-1.0.data/scripts/tool",
        severity=Severity.WARNING,
    ),
    "two-files-are-one-finding": Planted(
        wheel=elf_wheel(TAGS, runpath="lib", files={"demo/libdemo.so": elf_library("libdemo.so", runpath="lib")}),
        rule=RULE,
        member=None,
        severity=Severity.WARNING,
        says=("2 files",),
    ),
    "mac-relative": unsafe_mac("demo.dylibs", "relative"),
    "mac-dollar": unsafe_mac("$ORIGIN/../lib", "relative"),
    "mac-everybody's": unsafe_mac("/private/tmp/build", "every user"),
    "mac-shared": unsafe_mac("/Users/Shared/lib", "every user"),
}
INFOS = {
    "cuda": (elf_wheel(TAGS, runpath="/usr/local/cuda-12.1/lib64"), "differs from machine"),
    "opt": (elf_wheel(TAGS, runpath="$ORIGIN:/opt/rocm/lib"), "differs from machine"),
    "above-site-packages": (elf_wheel(TAGS, runpath="$ORIGIN/../../x"), "climbs out of site-packages"),
    "lib-of-the-prefix": (elf_wheel(TAGS, runpath="$ORIGIN/../../.."), "climbs out of site-packages"),
    "prefix": (below("demo-1.0.data/purelib/demo/libdemo.so", "$ORIGIN/../../../.."), "climbs out of site-packages"),
}


@pytest.mark.parametrize("wheel", params(CLEAN))
def test_search_paths_of_the_wheel(wheel: BuiltWheel) -> None:
    """What stays below site-packages, what the system fills, and what the loader ignores is no fault."""
    assert findings(wheel, rule=RULE) == []


@pytest.mark.parametrize("case", params(DIRTY))
def test_rpath_unsafe(case: Planted) -> None:
    """A directory in which somebody else may put a library is one warning that says why."""
    assert_planted(case)


@pytest.mark.parametrize(("wheel", "why"), INFOS.values(), ids=INFOS)
def test_directories_that_only_bind_to_a_machine(wheel: BuiltWheel, why: str) -> None:
    """What an administrator fills, and what stays within the environment, is worth an info."""
    finding = only(wheel, rule=RULE)
    assert finding.severity is Severity.INFO
    assert why in finding.message
    assert_house_style([finding])


def test_the_worst_entry_speaks() -> None:
    """Of several entries the message names one that is harmful, and the evidence all of them, the worst first."""
    finding = only(elf_wheel(TAGS, runpath=f"/usr/local/lib:$ORIGIN:{SHARED}/x:/usr/local/lib"), rule=RULE)
    assert finding.severity is Severity.WARNING
    assert f"`{SHARED}/x`" in finding.message
    assert [line.split("`")[3] for line in evidence(finding).splitlines()] == [f"{SHARED}/x", "/usr/local/lib"]


def test_a_hostile_path_is_cut_and_quoted() -> None:
    """Whatever stands in a search path, the message is short and its quotes are even."""
    finding = only(elf_wheel(TAGS, runpath="a`b" + "c" * 5000), rule=RULE)
    assert len(finding.message) < 500
    assert_house_style([finding])


def test_a_run_of_blanks_is_shortened() -> None:
    """What a tool has filled with blanks is shown with few of them; a path with single ones as it is."""
    finding = only(elf_wheel(TAGS, runpath="/build/lib" + " " * 150 + "/x"), rule="rpath-unsafe")
    assert "`/build/lib … /x`" in finding.message
    assert "`/build/lib … /x`" in finding.evidence[0].text
    plain = only(elf_wheel(TAGS, runpath="/build  of/lib"), rule="rpath-unsafe")
    assert "`/build  of/lib`" in plain.message


def test_a_wheel_for_any_platform_is_looked_at() -> None:
    """A library in a wheel without a platform is loaded all the same."""
    spec = replace(clean_elf(TAGS), soname="libdemo.so", runpath="$ORIGIN:", exports=())
    assert only(plain_wheel("py3-none-any", {"demo/libdemo.so": spec}), rule=RULE).member == "demo/libdemo.so"
