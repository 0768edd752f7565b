"""Family `linux`: the names of the libraries that a wheel brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from auditor.findings import Severity
from tests.builders import WheelSpec, build_elf, clean_elf, extension_name, replace
from tests.rules.helpers import evidence, findings, only
from tests.rules.native_helpers import (
    INIT,
    Planted,
    assert_planted,
    elf_library,
    elf_program,
    elf_wheel,
    params,
    plain_wheel,
)

if TYPE_CHECKING:
    from tests.builders import BuiltWheel

TAGS = "cp311-cp311-manylinux_2_17_x86_64"
MUSL = "cp311-cp311-musllinux_1_2_x86_64"
MODULE = extension_name(TAGS)
RULE = "bundled-soname-generic"


def bringing(*sonames: str, tags: str = TAGS, needed: tuple[str, ...] | None = None) -> BuiltWheel:
    """A wheel that brings these libraries, and whose module needs them or what `needed` says."""
    wanted = (*clean_elf(tags).needed, *(sonames if needed is None else needed))
    files = {f"demo.libs/{soname}": elf_library(soname, tags) for soname in sonames}
    return elf_wheel(tags, needed=wanted, files=files, runpath="$ORIGIN/../demo.libs")


def of_project(name: str, soname: str) -> WheelSpec:
    """A wheel of another project, whose module needs one library that the wheel brings."""
    module = replace(clean_elf(TAGS), needed=("libc.so.6", soname), runpath="$ORIGIN")
    files = {MODULE: build_elf(module), f"demo/{soname}": build_elf(elf_library(soname))}
    return WheelSpec(name=name, python="cp311", abi="cp311", platform="manylinux_2_17_x86_64", members=INIT | files)


CLEAN = {
    "no-library": elf_wheel(TAGS),
    "named-by-auditwheel": bringing("libz-a147dcb0.so.1.2.3"),
    "a-hash-of-digits-alone": bringing("libz-12345678.so.1"),
    "twice-named-by-auditwheel": bringing("libgcc_s-a04fdf82-631a8935.so.1"),
    "named-for-the-project-that-uses-it": bringing("libscipy_openblas64_.so"),
    "a-name-that-nobody-else-has": bringing("libdemo_core.so.3", "libirisconnect.so"),
    "no-library-by-its-name": bringing("demo.so", "z.so.1"),
    "a-module-that-another-needs": elf_wheel(
        TAGS,
        needed=("libc.so.6", "_other.cpython-311-x86_64-linux-gnu.so"),
        files={"demo/_other.cpython-311-x86_64-linux-gnu.so": clean_elf(TAGS)},
    ),
    "versions-in-the-symbols": bringing("libicuuc.so.73"),
    "nothing-needs-it": bringing("libz.so.1", needed=()),
    "the-system-is-asked-for-another": bringing("libz.so.2", needed=("libz.so.1",)),
    "of-the-system": elf_wheel(TAGS, needed=("libc.so.6", "libz.so.1")),
    "a-program-alone-needs-it": plain_wheel(
        "py3-none-manylinux_2_17_x86_64",
        {"demo/tool": elf_program(needed=("libc.so.6", "libz.so.1")), "demo/libz.so.1": elf_library("libz.so.1")},
    ),
    "not-under-its-file-name": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libz.so.1"),
        files={"demo.libs/libz.so.1": elf_library("libz-a147dcb0.so.1.2.3")},
    ),
    "of-another-machine": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libz.so.1"),
        files={"demo/aarch64/libz.so.1": elf_library("libz.so.1", "cp311-cp311-manylinux_2_17_aarch64")},
    ),
    "own-name": of_project("pyzmq", "libzmq.so.5"),
    "own-name-behind-python": of_project("python-snappy", "libsnappy.so.1"),
    "one-of-several-own-names": of_project("tbb", "libtbbmalloc.so.2"),
}


def generic(soname: str) -> Planted:
    """What is said of a wheel that brings one library and needs it."""
    return Planted(
        wheel=bringing(soname),
        rule=RULE,
        member=f"demo.libs/{soname}",
        severity=Severity.WARNING,
        says=(f"`{soname}`",),
        shows={"member": f"demo.libs/{soname}", "library": soname, "text": MODULE},
    )


DIRTY = {
    **{
        soname: generic(soname)
        for soname in (
            "libz.so.1",
            "libssl.so.3",
            "libcrypto.so.1.1",
            "libgomp.so.1",
            "libstdc++.so.6",
            "libopenblas.so.0",
            "libopenblasp-r0.3.21.so",
            "libglib-2.0.so.0",
            "libpng16.so.16",
            "libboost_filesystem.so.1.83.0",
            "libtiff.so",
        )
    },
    "musl": Planted(
        wheel=bringing("libgcc_s.so.1", tags=MUSL),
        rule=RULE,
        member="demo.libs/libgcc_s.so.1",
        severity=Severity.WARNING,
    ),
    "through-a-library-of-the-wheel": Planted(
        wheel=elf_wheel(
            TAGS,
            needed=("libc.so.6", "libpq-0a1b2c3d.so.5"),
            runpath="$ORIGIN/../demo.libs",
            files={
                "demo.libs/libpq-0a1b2c3d.so.5": elf_library(
                    "libpq-0a1b2c3d.so.5", needed=("libc.so.6", "libssl.so.3"), runpath="$ORIGIN"
                ),
                "demo.libs/libssl.so.3": elf_library("libssl.so.3"),
            },
        ),
        rule=RULE,
        member="demo.libs/libssl.so.3",
        severity=Severity.WARNING,
        shows={"text": "libpq-0a1b2c3d.so.5"},
    ),
    "without-a-soname-by-its-file-name": Planted(
        wheel=elf_wheel(
            TAGS,
            needed=("libc.so.6", "libz.so.1"),
            runpath="$ORIGIN",
            files={"demo/libz.so.1": replace(elf_library("libz.so.1"), soname=None)},
        ),
        rule=RULE,
        member="demo/libz.so.1",
        severity=Severity.WARNING,
    ),
    "two-libraries-are-one-finding": Planted(
        wheel=bringing("libz.so.1", "libssl.so.3"),
        rule=RULE,
        member=None,
        severity=Severity.WARNING,
        says=("2 libraries", "`libssl.so.3`, `libz.so.1`"),
    ),
}


@pytest.mark.parametrize("wheel", params(CLEAN))
def test_names_that_nobody_else_uses(wheel: BuiltWheel | WheelSpec) -> None:
    """A name of its own, or a library that no module loads by its name, is no fault."""
    assert findings(wheel, rule=RULE) == []


@pytest.mark.parametrize("case", params(DIRTY))
def test_bundled_soname_generic(case: Planted) -> None:
    """A library that a module loads under the name that everybody has for it is one warning."""
    assert_planted(case)


def test_another_project_may_not_have_the_name() -> None:
    """What is clean for the project of the library is not for others, be their names ever so similar."""
    assert only(of_project("cryptography", "libcrypto.so.3"), rule=RULE).severity is Severity.WARNING
    assert only(of_project("py", "libpng16.so.16"), rule=RULE).severity is Severity.WARNING


def test_libraries_that_need_each_other() -> None:
    """A circle of libraries comes to an end, and each is named once."""
    files = {
        "demo/libssl.so.3": elf_library("libssl.so.3", needed=("libcrypto.so.3",)),
        "demo/libcrypto.so.3": elf_library("libcrypto.so.3", needed=("libssl.so.3",)),
    }
    found = only(elf_wheel(TAGS, needed=("libc.so.6", "libssl.so.3"), files=files), rule=RULE)
    assert len(found.evidence) == 2
    assert "`demo/libcrypto.so.3` needs" not in evidence(found).splitlines()[0]
