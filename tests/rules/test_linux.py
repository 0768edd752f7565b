"""Family `linux`: ELF files against the libc, the libraries and the processor that a Linux tag promises."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace as replaced

from auditor import audit
from auditor.archive.reader import read_wheel
from auditor.facts.binary import NeededKind
from auditor.findings import Severity
from auditor.judge import judge
from auditor.rules.floors import version_needs
from tests.builders import (
    OUTSIDE_STABLE_ABI,
    BuiltWheel,
    ElfExport,
    ElfImport,
    ElfSpec,
    ElfVersionNeed,
    clean_elf,
    extension_name,
    extension_wheel,
    replace,
)
from tests.rules.helpers import only
from tests.rules.native_helpers import (
    LOADS,
    Planted,
    assert_planted,
    assert_silent,
    elf_library,
    elf_program,
    elf_wheel,
    judged,
    loud,
    native,
    params,
    plain_wheel,
    static_program,
    with_files,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders import NativeSpec

TAGS = "cp311-cp311-manylinux_2_17_x86_64"
ARM = "cp311-cp311-manylinux_2_17_aarch64"
MUSL = "cp311-cp311-musllinux_1_2_x86_64"
MODULE = extension_name(TAGS)
ARM_MODULE = extension_name(ARM)
MUSL_MODULE = extension_name(MUSL)
PYTHON = ElfImport(symbol=OUTSIDE_STABLE_ABI)
GENERIC = "bundled-soname-generic"
"""What is said of a library that is brought under its plain name, whatever else is right about it."""
LIBS = "$ORIGIN/../demo.libs"
"""Where a repaired module looks for what was copied into the wheel."""
GOOD = Path(__file__).parents[1] / "wheels" / "good"


def libc(symbol: str, version: str, *, library: str = "libc.so.6", weak: bool = False) -> ElfImport:
    """A symbol of a version node."""
    return ElfImport(symbol=symbol, library=library, version=version, weak=weak)


def offering(soname: str, *exports: ElfExport, tags: str = TAGS) -> ElfSpec:
    """A library that exports these symbols."""
    return replace(elf_library(soname, tags), exports=exports)


def asking(*imports: ElfImport, tags: str = TAGS) -> BuiltWheel:
    """A wheel whose module takes these symbols, and needs the libraries that they are of."""
    libraries = dict.fromkeys(("libc.so.6", *(one.library for one in imports if one.library)))
    return elf_wheel(tags, imports=(PYTHON, *imports), needed=tuple(libraries))


STATIC_PIE = ((0x6FFFFFFB, 0x08000000),)
"""DT_FLAGS_1 with DF_1_PIE."""
GLIBC_CLEAN = {
    "exactly-the-promised-version": asking(libc("secure_getenv", "GLIBC_2.17")),
    "trap3-weak-version-need": asking(
        ElfImport(symbol="newer", library="libc.so.6", version="GLIBC_2.38", weak=True, version_weak=True)
    ),
    "trap3-weak-need-without-a-symbol": elf_wheel(
        TAGS, version_needs=(ElfVersionNeed(library="libc.so.6", version="GLIBC_2.28", weak=True),)
    ),
    "trap1-mcount-on-aarch64": asking(libc("_mcount", "GLIBC_2.18"), tags=ARM),
    "trap1-mcount-beside-a-weak-newer-symbol": asking(
        libc("_mcount", "GLIBC_2.18"), libc("__cxa_thread_atexit_impl", "GLIBC_2.18", weak=True), tags=ARM
    ),
    "trap1-oldest-node-of-i386": asking(libc("free", "GLIBC_2.0"), tags="cp311-cp311-manylinux_2_5_i686"),
    "trap2-glibc-node-of-libgcc": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libgcc_s.so.1"),
        runpath=LIBS,
        imports=(PYTHON, libc("__umodti3", "GLIBC_2.99", library="libgcc_s.so.1")),
        files={
            "demo.libs/libgcc_s.so.1": offering("libgcc_s.so.1", ElfExport(symbol="__umodti3", version="GLIBC_2.99"))
        },
    ),
    "trap2-glibc-node-of-a-bundled-libgcc-on-musl": elf_wheel(
        "cp311-cp311-musllinux_1_2_s390x",
        needed=("libc.musl-s390x.so.1", "libgcc_s.so.1"),
        runpath=LIBS,
        imports=(PYTHON, libc("__register_frame_info", "GLIBC_2.0", library="libgcc_s.so.1")),
        files={
            "demo.libs/libgcc_s.so.1": offering(
                "libgcc_s.so.1",
                ElfExport(symbol="__register_frame_info", version="GLIBC_2.0"),
                tags="cp311-cp311-musllinux_1_2_s390x",
            )
        },
    ),
    "private-node": asking(libc("__libc_enable_secure", "GLIBC_PRIVATE")),
    "a43-relr-at-2.36": elf_wheel(
        "cp311-cp311-manylinux_2_36_x86_64",
        relr=True,
        version_needs=(ElfVersionNeed(library="libc.so.6", version="GLIBC_ABI_DT_RELR"),),
        imports=(PYTHON, libc("arc4random", "GLIBC_2.36")),
    ),
    "relr-in-a-static-program": plain_wheel(
        "py3-none-manylinux_2_17_x86_64",
        {"demo/tool": ElfSpec(relr=True, extra_dynamic=STATIC_PIE)},
    ),
    "static-program": plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/bin/tool": static_program(stack=7)}),
    "between-two-policies": asking(libc("getcpu", "GLIBC_2.29"), tags="cp311-cp311-manylinux_2_29_x86_64"),
    "newest-glibc": asking(libc("memset_explicit", "GLIBC_2.43"), tags="cp311-cp311-manylinux_2_43_x86_64"),
    "point-release-node": asking(libc("__memcpy_chk", "GLIBC_2.3.4")),
}
GLIBC_DIRTY = {
    "a01-needs-2.36-under-2.17": Planted(
        wheel=asking(libc("arc4random", "GLIBC_2.36")),
        rule="glibc-newer-than-tag",
        member=MODULE,
        arch="x86_64",
        says=("glibc 2.36", "manylinux_2_17_x86_64", "2.17 is enough"),
        shows={"member": MODULE, "symbol": "arc4random", "version": "GLIBC_2.36", "library": "libc.so.6"},
    ),
    "trap3-weak-symbol-with-a-binding-need": Planted(
        wheel=asking(libc("close_range", "GLIBC_2.34", weak=True)),
        rule="glibc-newer-than-tag",
        member=MODULE,
        shows={"symbol": "close_range", "version": "GLIBC_2.34"},
    ),
    "need-without-a-symbol": Planted(
        wheel=elf_wheel(TAGS, version_needs=(ElfVersionNeed(library="libm.so.6", version="GLIBC_2.29"),)),
        rule="glibc-newer-than-tag",
        member=MODULE,
        shows={"member": MODULE, "version": "GLIBC_2.29", "library": "libm.so.6"},
    ),
    "a18-relr-without-the-version-need": Planted(
        wheel=elf_wheel(TAGS, relr=True),
        rule="glibc-newer-than-tag",
        member=MODULE,
        says=("glibc 2.36",),
        shows={"member": MODULE, "version": "DT_RELR"},
    ),
    "relr-with-the-version-need": Planted(
        wheel=elf_wheel(
            TAGS, relr=True, version_needs=(ElfVersionNeed(library="libc.so.6", version="GLIBC_ABI_DT_RELR"),)
        ),
        rule="glibc-newer-than-tag",
        member=MODULE,
        says=("glibc 2.36",),
        shows={"version": "GLIBC_ABI_DT_RELR"},
    ),
    "relr-in-a-dynamic-program": Planted(
        wheel=plain_wheel("py3-none-manylinux_2_17_x86_64", {"demo/tool": elf_program(relr=True)}),
        rule="glibc-newer-than-tag",
        member="demo/tool",
    ),
    "a61-without-section-headers": Planted(
        wheel=elf_wheel(TAGS, section_headers=False, imports=(PYTHON, libc("arc4random", "GLIBC_2.36"))),
        rule="glibc-newer-than-tag",
        member=MODULE,
        shows={"symbol": "arc4random", "version": "GLIBC_2.36"},
    ),
    "memcpy-under-manylinux1": Planted(
        wheel=asking(libc("memcpy", "GLIBC_2.14"), tags="cp311-cp311-manylinux1_x86_64"),
        rule="glibc-newer-than-tag",
        member=MODULE,
        says=("glibc 2.14", "2.5 is enough"),
        shows={"symbol": "memcpy", "version": "GLIBC_2.14"},
    ),
    "trap1-a-really-newer-symbol-of-2.18-on-aarch64": Planted(
        wheel=asking(libc("__cxa_thread_atexit_impl", "GLIBC_2.18"), tags=ARM),
        rule="glibc-newer-than-tag",
        member=ARM_MODULE,
        arch="aarch64",
        shows={"symbol": "__cxa_thread_atexit_impl", "version": "GLIBC_2.18"},
    ),
    "trap1-mcount-on-x86_64": Planted(
        wheel=asking(libc("_mcount", "GLIBC_2.18")), rule="glibc-newer-than-tag", member=MODULE
    ),
    "fcntl64-on-armv7l": Planted(
        wheel=asking(libc("fcntl64", "GLIBC_2.28"), tags="cp311-cp311-manylinux_2_17_armv7l"),
        rule="glibc-newer-than-tag",
        member=extension_name("cp311-cp311-manylinux_2_17_armv7l"),
        arch="armv7l",
        shows={"symbol": "fcntl64", "version": "GLIBC_2.28"},
    ),
    "between-two-policies": Planted(
        wheel=asking(libc("gettid", "GLIBC_2.30"), tags="cp311-cp311-manylinux_2_29_x86_64"),
        rule="glibc-newer-than-tag",
        member=MODULE,
        says=("glibc 2.30", "2.29 is enough"),
    ),
    "beyond-every-policy": Planted(
        wheel=asking(libc("x", "GLIBC_2.44"), tags="cp311-cp311-manylinux_2_43_x86_64"),
        rule="glibc-newer-than-tag",
        member=MODULE,
    ),
    "lower-of-two-tags": Planted(
        wheel=asking(libc("fcntl64", "GLIBC_2.28"), tags="cp311-cp311-manylinux_2_17_x86_64.manylinux_2_28_x86_64"),
        rule="glibc-newer-than-tag",
        member=MODULE,
        says=("manylinux_2_17_x86_64",),
    ),
    "bundled-library": Planted(
        wheel=elf_wheel(
            TAGS,
            needed=("libc.so.6", "libfoo.so.1"),
            runpath=LIBS,
            files={"demo.libs/libfoo.so.1": replace(elf_library("libfoo.so.1"), imports=(libc("stat", "GLIBC_2.33"),))},
        ),
        rule="glibc-newer-than-tag",
        member="demo.libs/libfoo.so.1",
        shows={"member": "demo.libs/libfoo.so.1", "symbol": "stat", "version": "GLIBC_2.33"},
    ),
    "library-that-ctypes-loads": Planted(
        wheel=plain_wheel(
            "py3-none-manylinux_2_17_x86_64",
            {
                "demo/libfoo.so": replace(
                    elf_library("libfoo.so"),
                    imports=(libc("pow", "GLIBC_2.29", library="libm.so.6"),),
                    needed=("libm.so.6", "libc.so.6"),
                )
            },
        ),
        rule="glibc-newer-than-tag",
        member="demo/libfoo.so",
        shows={"symbol": "pow", "version": "GLIBC_2.29", "library": "libm.so.6"},
    ),
    "program-in-scripts": Planted(
        wheel=plain_wheel(
            "py3-none-manylinux_2_17_x86_64",
            {"demo-1.0.data/scripts/tool": replace(elf_program(), imports=(libc("dlopen", "GLIBC_2.34"),))},
        ),
        rule="glibc-newer-than-tag",
        member="demo-1.0.data/scripts/tool",
        shows={"symbol": "dlopen", "version": "GLIBC_2.34"},
    ),
    "several-files-are-one-finding": Planted(
        wheel=elf_wheel(
            TAGS,
            imports=(PYTHON, libc("stat", "GLIBC_2.33")),
            files={"demo/libfoo.so": replace(elf_library("libfoo.so"), imports=(libc("fcntl64", "GLIBC_2.28"),))},
        ),
        rule="glibc-newer-than-tag",
        member=None,
        says=("2 files need glibc 2.33",),
        shows={"member": "demo/libfoo.so", "symbol": "fcntl64", "version": "GLIBC_2.28"},
    ),
}


@pytest.mark.parametrize("wheel", params(GLIBC_CLEAN))
def test_glibc_within_the_tag(wheel: BuiltWheel) -> None:
    """What the promised glibc has, by symbol and architecture, or what does not bind, is no breach."""
    assert [one.message for one in loud(judged(wheel)) if one.rule != GENERIC] == []


@pytest.mark.parametrize("case", params(GLIBC_DIRTY))
def test_glibc_newer_than_tag(case: Planted) -> None:
    """What needs a newer glibc is one error that names file, symbol and version."""
    assert_planted(case)


def test_the_newest_need_is_shown_first() -> None:
    """The evidence is ordered by version, the newest first, so that the culprit leads."""
    report = judged(asking(libc("getcpu", "GLIBC_2.29"), libc("stat", "GLIBC_2.33"), libc("fcntl64", "GLIBC_2.28")))
    (finding,) = loud(report)
    assert [one.version for one in finding.evidence] == ["GLIBC_2.33", "GLIBC_2.29", "GLIBC_2.28"]
    assert "manylinux_2_33_x86_64" in finding.help


def test_many_symbols_of_one_version_are_counted() -> None:
    """Four symbols are named and the rest counted."""
    names = ("getdents64", "gettid", "tgkill", "twalk_r", "sem_clockwait", "pthread_cond_clockwait")
    report = judged(asking(*(libc(name, "GLIBC_2.30") for name in (*names, "pthread_mutex_clocklock"))))
    (finding,) = loud(report)
    assert "and 3 more" in finding.evidence[0].text


def cxx(symbol: str, version: str, *, library: str = "libstdc++.so.6", weak: bool = False) -> ElfImport:
    """A symbol of a library beside glibc."""
    return libc(symbol, version, library=library, weak=weak)


NOW = "_ZNSt6chrono3_V212steady_clock3nowEv"
MOVED = "_ZNSdC1EOSd"
"""The move constructor of `std::iostream`."""
ASSERT = "_ZSt21__glibcxx_assert_failPKciS0_S0_"
NEWEST = ElfExport(symbol=ASSERT, version="GLIBCXX_3.4.30")
STDCXX_CLEAN = {
    "in-the-policy": asking(cxx(NOW, "GLIBCXX_3.4.19"), cxx("__cxa_thread_atexit", "CXXABI_1.3.7")),
    "newer-policy-has-it": asking(cxx(MOVED, "GLIBCXX_3.4.21"), tags="cp311-cp311-manylinux_2_28_x86_64"),
    "bundled-library-answers-for-itself": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libstdc++.so.6"),
        runpath=LIBS,
        imports=(PYTHON, cxx(ASSERT, "GLIBCXX_3.4.30")),
        files={"demo.libs/libstdc++.so.6": offering("libstdc++.so.6", NEWEST)},
    ),
    "renamed-bundled-library": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libstdc++-0a1b2c3d.so.6.0.30"),
        runpath=LIBS,
        imports=(PYTHON, cxx(ASSERT, "GLIBCXX_3.4.30", library="libstdc++-0a1b2c3d.so.6.0.30")),
        files={"demo.libs/libstdc++-0a1b2c3d.so.6.0.30": offering("libstdc++-0a1b2c3d.so.6.0.30", NEWEST)},
    ),
    "libatomic-on-aarch64": asking(cxx("__atomic_load", "LIBATOMIC_1.0", library="libatomic.so.1"), tags=ARM),
    "node-of-a-family-that-no-policy-tracks": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libstdc++.so.6"),
        runpath=LIBS,
        imports=(PYTHON, cxx("X509_new", "OPENSSL_3.0.0")),
        files={
            "demo.libs/libstdc++.so.6": offering(
                "libstdc++.so.6", ElfExport(symbol="X509_new", version="OPENSSL_3.0.0")
            )
        },
    ),
    "libgcc-in-the-policy": asking(cxx("__addtf3", "GCC_4.3.0", library="libgcc_s.so.1")),
}
STDCXX_DIRTY = {
    "glibcxx": Planted(
        wheel=asking(cxx("_ZSt28__throw_bad_array_new_lengthv", "GLIBCXX_3.4.29")),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        arch="x86_64",
        says=("GLIBCXX_3.4.29", "manylinux_2_17_x86_64"),
        shows={
            "member": MODULE,
            "symbol": "_ZSt28__throw_bad_array_new_lengthv",
            "version": "GLIBCXX_3.4.29",
            "library": "libstdc++.so.6",
        },
    ),
    "glibcxx-on-aarch64": Planted(
        wheel=asking(cxx(MOVED, "GLIBCXX_3.4.21"), tags=ARM),
        rule="libstdcxx-newer-than-tag",
        member=ARM_MODULE,
        arch="aarch64",
        shows={"symbol": MOVED, "version": "GLIBCXX_3.4.21"},
    ),
    "cxxabi": Planted(
        wheel=asking(cxx("_ZTIDu", "CXXABI_1.3.12")),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        shows={"symbol": "_ZTIDu", "version": "CXXABI_1.3.12"},
    ),
    "libgcc": Planted(
        wheel=asking(cxx("__truncdfbf2", "GCC_13.0.0", library="libgcc_s.so.1")),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        shows={"symbol": "__truncdfbf2", "version": "GCC_13.0.0", "library": "libgcc_s.so.1"},
    ),
    "weak-symbol-with-a-binding-need": Planted(
        wheel=asking(cxx(ASSERT, "GLIBCXX_3.4.30", weak=True)),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        shows={"version": "GLIBCXX_3.4.30"},
    ),
    "two-libraries-are-one-finding": Planted(
        wheel=asking(
            cxx("adler32_z", "ZLIB_1.2.9", library="libz.so.1"),
            cxx("_ZSt13get_terminatev", "GLIBCXX_3.4.20"),
            cxx("_ZNSolsEDn", "GLIBCXX_3.4.26"),
        ),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        says=("`GLIBCXX_3.4.26` of libstdc++.so.6", "`ZLIB_1.2.9` of libz.so.1"),
        shows={"library": "libz.so.1", "version": "ZLIB_1.2.9"},
    ),
    "libatomic-on-x86_64": Planted(
        wheel=asking(cxx("__atomic_load", "LIBATOMIC_1.0", library="libatomic.so.1")),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        shows={"symbol": "__atomic_load", "version": "LIBATOMIC_1.0", "library": "libatomic.so.1"},
    ),
    "natural-order-of-versions": Planted(
        wheel=asking(
            cxx("_ZNKSt9bad_alloc4whatEv", "GLIBCXX_3.4.9"),
            cxx(MOVED, "GLIBCXX_3.4.21"),
            tags="cp311-cp311-manylinux1_x86_64",
        ),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        says=("GLIBCXX_3.4.21",),
    ),
}


@pytest.mark.parametrize("wheel", params(STDCXX_CLEAN))
def test_libstdcxx_within_the_policy(wheel: BuiltWheel) -> None:
    """What the policy's libraries have, and what the wheel brings itself, is no breach."""
    assert [one.message for one in native(judged(wheel)) if one.rule != GENERIC] == []


@pytest.mark.parametrize("case", params(STDCXX_DIRTY))
def test_libstdcxx_newer_than_tag(case: Planted) -> None:
    """A newer node of libstdc++ or libgcc_s than the policy's is one error, with file, symbol and version."""
    assert_planted(case)


def test_beyond_the_newest_policy_is_not_judged() -> None:
    """Where no policy reaches, the rules say that they did not compare."""
    report = judged(asking(cxx("_ZSt4cout", "GLIBCXX_3.4.99"), tags="cp311-cp311-manylinux_2_43_x86_64"))
    assert loud(report) == []
    assert {one.rule for one in report.not_judged} == {"libstdcxx-newer-than-tag", "library-outside-policy"}


LIBC_CLEAN = {
    "trap4-libc.so": elf_wheel(MUSL, needed=("libc.so",)),
    "trap4-libc.musl": extension_wheel(MUSL),
    "trap8-gnu-suffix-on-cp310": with_files(
        "cp310-cp310-musllinux_1_2_x86_64", {}, member="demo/_core.cpython-310-x86_64-linux-gnu.so"
    ),
    "static-program-under-either": plain_wheel("py3-none-musllinux_1_2_x86_64", {"demo/tool": static_program()}),
    "module-for-both-libraries": with_files(TAGS, {MUSL_MODULE: clean_elf(MUSL)}),
    "prebuilt-for-both-libraries": with_files(
        TAGS,
        {
            "demo/prebuilds/linux-x64.musl.node": replace(clean_elf(MUSL), imports=(), exports=()),
            "demo/prebuilds/linux-x64.glibc.node": elf_library("demo.node"),
        },
    ),
}
LIBC_DIRTY = {
    "a02-musl-module-in-a-manylinux-wheel": Planted(
        wheel=with_files(TAGS, {}, binary=replace(clean_elf(MUSL), needed=("libc.so",)), member=MODULE),
        rule="libc-mismatch",
        member=MODULE,
        arch="x86_64",
        says=("linked to musl", "promises glibc"),
        shows={"member": MODULE, "library": "libc.so"},
    ),
    "a02-under-its-own-suffix": Planted(
        wheel=with_files(TAGS, {}, binary=clean_elf(MUSL), member=MUSL_MODULE),
        rule="libc-mismatch",
        member=MUSL_MODULE,
        shows={"library": "libc.musl-x86_64.so.1"},
    ),
    "glibc-module-in-a-musllinux-wheel": Planted(
        wheel=with_files(MUSL, {}, binary=clean_elf(TAGS), member=MUSL_MODULE),
        rule="libc-mismatch",
        member=MUSL_MODULE,
        says=("linked to glibc", "promises musl"),
        shows={"library": "libc.so.6"},
    ),
    "glibc-module-under-its-own-suffix": Planted(
        wheel=with_files(MUSL, {}, binary=clean_elf(TAGS), member=MODULE), rule="libc-mismatch", member=MODULE
    ),
    "glibc-program": Planted(
        wheel=plain_wheel("py3-none-musllinux_1_2_x86_64", {"demo-1.0.data/scripts/tool": elf_program()}),
        rule="libc-mismatch",
        member="demo-1.0.data/scripts/tool",
    ),
    "needed-musl-library": Planted(
        wheel=elf_wheel(
            TAGS,
            needed=("libc.so.6", "libmusl_part.so"),
            runpath=LIBS,
            files={"demo.libs/libmusl_part.so": replace(elf_library("libmusl_part.so", MUSL))},
        ),
        rule="libc-mismatch",
        member="demo.libs/libmusl_part.so",
    ),
    "android-module-that-links-libpython": Planted(
        wheel=with_files(TAGS, {}, binary=clean_elf("cp311-cp311-android_24_x86_64"), member=MODULE),
        rule="libc-mismatch",
        member=MODULE,
    ),
    "two-files-are-one-finding": Planted(
        wheel=with_files(
            TAGS, {"demo/libfoo.so": elf_library("libfoo.so", MUSL)}, binary=clean_elf(MUSL), member=MUSL_MODULE
        ),
        rule="libc-mismatch",
        member=None,
        says=("2 files are linked to musl",),
    ),
}


@pytest.mark.parametrize("wheel", params(LIBC_CLEAN))
def test_libc_of_the_tag(wheel: BuiltWheel) -> None:
    """Either name of musl's libc is right, and a file for the other libc may be a passenger."""
    assert [(one.rule, one.message) for one in loud(judged(wheel))] == []


@pytest.mark.parametrize("case", params(LIBC_DIRTY))
def test_libc_mismatch(case: Planted) -> None:
    """A file for the other C library is one error, whatever its suffix and its version needs say."""
    assert_planted(case)


def needing(*libraries: str, tags: str = TAGS, **changes: Any) -> BuiltWheel:
    """A wheel whose module needs further libraries, and looks for them where a repaired one does."""
    return elf_wheel(tags, needed=(*clean_elf(tags).needed, *libraries), **{"runpath": LIBS, **changes})


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


def test_a09_an_abi3_module_with_pymodexport_is_clean() -> None:
    """The second kind of entry point (PEP 793) in an abi3 wheel for 3.15 is no fault."""
    assert_silent(elf_wheel("cp315-abi3-manylinux_2_17_x86_64", exports=(ElfExport(symbol="PyModExport__core"),)))


def test_a00_and_a54_good_twins_are_clean() -> None:
    """The wheels that the planted defects started from give nothing at all."""
    elsewhere = ("cp311-cp311-macosx_10_9_universal2", "cp313-cp313-android_24_arm64_v8a")
    stable = ("cp38-abi3-manylinux_2_17_x86_64", "cp315-abi3.abi3t-manylinux_2_17_x86_64", "cp38-abi3-win_amd64")
    for tags in (TAGS, ARM, MUSL, *elsewhere, *stable, "cp313-cp313-win_amd64", "cp313-cp313t-win_amd64"):
        report = judged(extension_wheel(tags))
        assert [(one.rule, one.message) for one in report.findings] == []
        assert report.not_judged == ()


def _auditwheel(path: Path) -> dict[str, object]:
    """What auditwheel says of a wheel. Where it cannot run, the test fails: it is a dependency of the test suite."""
    command = [sys.executable, "-m", "auditwheel", "show", "--json", str(path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    answer: dict[str, object] = json.loads(shown.stdout)
    return answer


def _glibc(tag: str) -> tuple[int, ...]:
    return tuple(int(part) for part in tag.removeprefix("manylinux_").split("_")[:2])


GOOD_MANYLINUX = {path.name.split("-", 2)[2][:-4]: path for path in sorted(GOOD.glob("*manylinux*.whl"))}


@pytest.mark.parametrize("path", params(GOOD_MANYLINUX))
def test_auditwheel_agrees_on_the_good_wheels(path: Path) -> None:
    """For each shipped manylinux wheel auditwheel's tag is at most as new as the promised one, as our silence says."""
    told = _auditwheel(path)
    floors = {"glibc-newer-than-tag", "libstdcxx-newer-than-tag", "library-outside-policy", "libc-mismatch"}
    assert not floors & {one.rule for one in audit(path).findings}
    promised = min(_glibc(tag) for tag in path.stem.rsplit("-", 1)[1].split(".") if tag.startswith("manylinux_"))
    assert _glibc(str(told["overall_tag"])) <= promised
    assert told["external_libs"] == {}


def test_auditwheel_agrees_on_the_good_musllinux_wheel() -> None:
    """auditwheel reads the shipped musllinux wheel as one; for musl's `libc.so` it looks on the machine it runs on."""
    (path,) = GOOD.glob("*musllinux*.whl")
    told = _auditwheel(path)
    assert str(told["sym_tag"]).startswith("musllinux_1_")
    assert told["external_libs"] in ({}, {"libc.so": None})
    assert loud(audit(path)) == []


def test_the_good_wheels_are_there() -> None:
    """The comparison with auditwheel is about wheels, and not about an empty directory."""
    assert len(GOOD_MANYLINUX) >= 8


FLOORS = {
    "memcpy-2.14": ((libc("memcpy", "GLIBC_2.14"),), (2, 17)),
    "pow-2.29": ((libc("pow", "GLIBC_2.29", library="libm.so.6"),), (2, 31)),
    "arc4random-2.36": ((libc("arc4random", "GLIBC_2.36"),), (2, 36)),
    "glibcxx-3.4.21": ((cxx(MOVED, "GLIBCXX_3.4.21"),), (2, 24)),
    "cxxabi-1.3.13": ((cxx("_ZNSt15__exception_ptr13exception_ptr9_M_addrefEv", "CXXABI_1.3.13"),), (2, 34)),
    "libatomic-1.0": ((cxx("__atomic_load", "LIBATOMIC_1.0", library="libatomic.so.1"),), (2, 24)),
    "zlib-1.2.9": ((cxx("adler32_z", "ZLIB_1.2.9", library="libz.so.1"),), (2, 27)),
    "weak-symbol": ((libc("stat", "GLIBC_2.33", weak=True),), (2, 34)),
}
POLICIES = ((2, 5), (2, 12), (2, 17), (2, 24), (2, 26), (2, 27), (2, 28), (2, 31), (2, 34), (2, 35), (2, 36), (2, 39))


@pytest.mark.parametrize(("imports", "expected"), [pytest.param(*case, id=name) for name, case in FLOORS.items()])
def test_auditwheel_agrees_on_planted_floors(
    imports: tuple[ElfImport, ...], expected: tuple[int, int], tmp_path: Path
) -> None:
    """Our rules complain under exactly the policies that lie below the one that auditwheel finds."""
    path = asking(*imports).write(tmp_path)
    floor = _glibc(str(_auditwheel(path)["sym_tag"]))
    assert floor == expected
    for version in POLICIES:
        tags = f"cp311-cp311-manylinux_{version[0]}_{version[1]}_x86_64"
        rules = {one.rule for one in native(judged(asking(*imports, tags=tags)))}
        assert bool(rules & {"glibc-newer-than-tag", "libstdcxx-newer-than-tag"}) is (version < floor), version


def test_a_linux_tag_without_any_elf_file() -> None:
    """Where there is nothing to judge, these families say nothing."""
    assert native(judged(plain_wheel("py3-none-manylinux_2_17_x86_64", {}))) == []


def test_only_elf_files_have_version_needs() -> None:
    """A file of another format gives no version needs."""
    wheel = extension_wheel("cp311-cp311-win_amd64")
    (binary,) = read_wheel(wheel.data, filename=wheel.filename).binaries
    assert list(version_needs(binary, binary.slices[0])) == []


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


def test_the_honest_tag_keeps_every_library() -> None:
    """The tag that the help names is the oldest that holds for glibc and for the C++ library together."""
    wheel = elf_wheel(
        "cp311-cp311-manylinux_2_17_x86_64",
        needed=("libc.so.6", "libstdc++.so.6"),
        imports=(
            ElfImport(symbol="getrandom", library="libc.so.6", version="GLIBC_2.25"),
            ElfImport(symbol="_ZSt28__throw_bad_array_new_lengthv", library="libstdc++.so.6", version="GLIBCXX_3.4.29"),
        ),
    )
    for rule in ("glibc-newer-than-tag", "libstdcxx-newer-than-tag"):
        assert "`manylinux_2_34_x86_64` or later" in only(wheel, rule=rule).help


def test_no_tag_is_honest_beyond_every_policy() -> None:
    """Where no policy has the version node, no tag is named."""
    wheel = elf_wheel(
        "cp311-cp311-manylinux_2_17_x86_64",
        needed=("libc.so.6", "libstdc++.so.6"),
        imports=(ElfImport(symbol="_ZSt4cout", library="libstdc++.so.6", version="GLIBCXX_3.4.99"),),
    )
    assert "tag the wheel" not in only(wheel, rule="libstdcxx-newer-than-tag").help
