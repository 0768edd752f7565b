"""Family `linux`: what a file asks of processor and kernel (`x86-isa-newer-than-tag`, `executable-stack`)."""

from __future__ import annotations

import pytest

from auditor.findings import Severity
from tests.builders import BuiltWheel, clean_elf, extension_name, extension_wheel, replace
from tests.rules.helpers import findings
from tests.rules.linux_helpers import ARM, ARM_MODULE, MODULE, MUSL, MUSL_MODULE, TAGS, needing
from tests.rules.native_helpers import (
    Planted,
    assert_planted,
    assert_silent,
    elf_library,
    elf_program,
    elf_wheel,
    params,
    plain_wheel,
    static_program,
    with_files,
)

ISA_CLEAN = {
    "baseline": elf_wheel(TAGS, x86_isa_needed=1),
    "no-note": extension_wheel(TAGS),
    "chosen-by-the-loader": needing(
        "libfoo.so.1",
        files={
            "demo.libs/libfoo.so.1": elf_library("libfoo.so.1"),
            "demo.libs/glibc-hwcaps/x86-64-v3/libfoo.so.1": elf_library("libfoo.so.1", x86_isa_needed=4),
        },
    ),
}
ISA_DIRTY = {
    **{
        f"x86-64-v{level}": Planted(
            wheel=elf_wheel(TAGS, x86_isa_needed=1 << (level - 1) | 1),
            rule="x86-isa-newer-than-tag",
            member=MODULE,
            arch="x86_64",
            says=(f"x86-64-v{level}",),
            shows={"member": MODULE, "version": f"x86-64-v{level}"},
        )
        for level in (2, 3, 4)
    },
    "musl": Planted(wheel=elf_wheel(MUSL, x86_isa_needed=4), rule="x86-isa-newer-than-tag", member=MUSL_MODULE),
    "second-tag-of-a-set": Planted(
        wheel=with_files(
            "cp311-cp311-manylinux_2_17_aarch64.manylinux_2_17_x86_64",
            {MODULE: replace(clean_elf(TAGS), x86_isa_needed=4)},
        ),
        rule="x86-isa-newer-than-tag",
        member=MODULE,
    ),
    "library-that-the-package-may-choose": Planted(
        wheel=with_files(TAGS, {"demo/libfast-haswell.so": elf_library("libfast-haswell.so", x86_isa_needed=4)}),
        rule="x86-isa-newer-than-tag",
        member="demo/libfast-haswell.so",
        severity=Severity.WARNING,
    ),
}


@pytest.mark.parametrize("wheel", params(ISA_CLEAN))
def test_processors_of_the_baseline(wheel: BuiltWheel) -> None:
    """The baseline, no note at all, and what the loader chooses by the processor are no finding."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(ISA_DIRTY))
def test_x86_isa_newer_than_tag(case: Planted) -> None:
    """A file that is marked as needing a newer processor is one finding."""
    assert_planted(case)


def test_files_of_one_level_are_one_finding() -> None:
    """Files with the same level are told together, apart from those of another one and from what nothing loads."""
    names = ("libone.so", "libtwo.so", "libhigh.so")
    levels = {"libone.so": 4, "libtwo.so": 4, "libhigh.so": 8, "libloose.so": 4}
    files = {f"demo/{name}": elf_library(name, x86_isa_needed=level) for name, level in levels.items()}
    wheel = elf_wheel(TAGS, needed=("libc.so.6", *names), runpath="$ORIGIN", x86_isa_needed=4, files=files)
    found = findings(wheel, rule="x86-isa-newer-than-tag")
    assert sorted((one.message.partition(" ask")[0], len(one.evidence), one.severity.value) for one in found) == [
        ("3 files", 3, "error"),
        ("`demo/libhigh.so`", 1, "error"),
        ("`demo/libloose.so`", 1, "warning"),
    ]


STACK_CLEAN = {
    "not-executable": extension_wheel(TAGS),
    "absent-on-aarch64": elf_wheel(ARM, stack="absent"),
    "program": plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/tool": elf_program(stack="rwx")}),
    "static-program-without-the-header": plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/tool": static_program()}),
    "musl-does-not-look": elf_wheel(MUSL, stack="rwx"),
    "object-file": with_files(TAGS, {"demo/object.o": replace(elf_library("x"), file_type=1, stack="rwx")}),
}
STACK_DIRTY = {
    "a13-executable-stack": Planted(
        wheel=elf_wheel(TAGS, stack="rwx"),
        rule="executable-stack",
        member=MODULE,
        arch="x86_64",
        says=("glibc 2.41",),
        shows={"member": MODULE, "text": "X flag"},
    ),
    "absent-on-x86_64": Planted(
        wheel=elf_wheel(TAGS, stack="absent"),
        rule="executable-stack",
        member=MODULE,
        shows={"text": "there is no PT_GNU_STACK"},
    ),
    "absent-on-i686": Planted(
        wheel=elf_wheel("cp311-cp311-manylinux_2_5_i686", stack="absent"),
        rule="executable-stack",
        member=extension_name("cp311-cp311-manylinux_2_5_i686"),
        arch="i686",
    ),
    "aarch64": Planted(wheel=elf_wheel(ARM, stack="rwx"), rule="executable-stack", member=ARM_MODULE, arch="aarch64"),
    "bundled-library": Planted(
        wheel=needing("libfoo.so.1", files={"demo.libs/libfoo.so.1": elf_library("libfoo.so.1", stack="rwx")}),
        rule="executable-stack",
        member="demo.libs/libfoo.so.1",
    ),
    "library-with-an-interpreter": Planted(
        wheel=with_files(
            TAGS,
            {"demo/libQt6Core.so.6": elf_library("libQt6Core.so.6", stack="rwx", interp="/lib64/ld-linux-x86-64.so.2")},
        ),
        rule="executable-stack",
        member="demo/libQt6Core.so.6",
    ),
    "two-libraries-are-one-finding": Planted(
        wheel=elf_wheel(TAGS, stack="rwx", files={"demo/libfoo.so": elf_library("libfoo.so", stack="rwx")}),
        rule="executable-stack",
        member=None,
        says=("2 libraries ask",),
    ),
}


@pytest.mark.parametrize("wheel", params(STACK_CLEAN))
def test_stacks_that_nobody_refuses(wheel: BuiltWheel) -> None:
    """A plain stack, another architecture's default, programs, objects and musl are no finding."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(STACK_DIRTY))
def test_executable_stack(case: Planted) -> None:
    """A library that asks for an executable stack is one error."""
    assert_planted(case)
