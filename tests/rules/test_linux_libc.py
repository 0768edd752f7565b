"""Family `linux`: how new a glibc is needed (`glibc-newer-than-tag`), and whether any is (`libc-mismatch`)."""

from __future__ import annotations

import pytest

from auditor.archive.reader import read_wheel
from auditor.rules.floors import version_needs
from tests.builders import (
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
from tests.rules.linux_helpers import (
    ARM,
    ARM_MODULE,
    GENERIC,
    LIBS,
    MODULE,
    MUSL,
    MUSL_MODULE,
    PYTHON,
    TAGS,
    asking,
    libc,
    offering,
)
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


def test_only_elf_files_have_version_needs() -> None:
    """A file of another format gives no version needs."""
    wheel = extension_wheel("cp311-cp311-win_amd64")
    (binary,) = read_wheel(wheel.data, filename=wheel.filename).binaries
    assert list(version_needs(binary, binary.slices[0])) == []


FOR_BOTH = ("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1")
"""Names of glibc that musl's loader takes for itself."""


def prebuilt(*needed: str) -> ElfSpec:
    """A library that is linked to glibc's names and to no version of them."""
    symbols = (ElfImport(symbol="memcpy"), ElfImport(symbol="cos"))
    return replace(elf_library("libprebuilt.so"), needed=needed, imports=symbols)


LIBC_CLEAN = {
    "names-without-versions-under-musllinux": elf_wheel(
        MUSL,
        needed=("libc.musl-x86_64.so.1", "libprebuilt.so"),
        runpath="$ORIGIN",
        files={"demo/libprebuilt.so": prebuilt(*FOR_BOTH)},
    ),
    "names-without-versions-that-nothing-loads": with_files(MUSL, {"demo/libprebuilt.so": prebuilt(*FOR_BOTH)}),
    "names-without-versions-under-manylinux": with_files(TAGS, {"demo/libprebuilt.so": prebuilt(*FOR_BOTH)}),
    "module-without-versions-under-musllinux": elf_wheel(MUSL, needed=FOR_BOTH, imports=(PYTHON,)),
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
    "glibc-program-without-versions": Planted(
        wheel=plain_wheel(
            "py3-none-musllinux_1_2_x86_64",
            {"demo-1.0.data/scripts/tool": replace(elf_program(), imports=(ElfImport(symbol="memcpy"),))},
        ),
        rule="libc-mismatch",
        member="demo-1.0.data/scripts/tool",
    ),
    "a-name-that-musl-does-not-take": Planted(
        wheel=with_files(MUSL, {"demo/libprebuilt.so": prebuilt("libc.so.6", "libresolv.so.2")}),
        rule="libc-mismatch",
        member="demo/libprebuilt.so",
        shows={"library": "libc.so.6"},
    ),
    "a-version-of-no-release": Planted(
        wheel=with_files(
            MUSL, {"demo/libprebuilt.so": replace(prebuilt(*FOR_BOTH), imports=(libc("_dl_x", "GLIBC_PRIVATE"),))}
        ),
        rule="libc-mismatch",
        member="demo/libprebuilt.so",
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
