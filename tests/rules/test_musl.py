"""Family `linux`: ELF files against the musl of a musllinux tag."""

from __future__ import annotations

import pytest

from auditor.platforms.linux_libraries import musl_has
from auditor.platforms.promise import Libc, parse_platform
from tests.builders import (
    OUTSIDE_STABLE_ABI,
    BuiltWheel,
    ElfExport,
    ElfImport,
    ElfSpec,
    clean_elf,
    extension_name,
    replace,
)
from tests.rules.helpers import findings, only
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

RULE = "musl-newer-than-tag"
OLD = "cp311-cp311-musllinux_1_1_x86_64"
NEW = "cp311-cp311-musllinux_1_2_x86_64"
OLD_32 = "cp311-cp311-musllinux_1_1_i686"
NEW_32 = "cp311-cp311-musllinux_1_2_i686"
GLIBC = "cp311-cp311-manylinux_2_17_x86_64"
MODULE = extension_name(OLD)
PYTHON = ElfImport(symbol=OUTSIDE_STABLE_ABI)
LIBC = "libc.musl-x86_64.so.1"


def symbols(*names: str) -> tuple[ElfImport, ...]:
    """Strong imports without a version, as a file that is linked to musl has them."""
    return tuple(ElfImport(symbol=name) for name in names)


def asking(tags: str, *names: str) -> BuiltWheel:
    """A wheel whose module takes these symbols of its libc."""
    return elf_wheel(tags, imports=(PYTHON, *symbols(*names)))


def library(soname: str, tags: str = NEW, *, takes: tuple[str, ...] = (), offers: tuple[str, ...] = ()) -> ElfSpec:
    """A shared library for musl."""
    exports = tuple(ElfExport(symbol=name) for name in offers)
    return replace(elf_library(soname, tags), imports=symbols("memcpy", *takes), exports=exports)


CLEAN = {
    "what-1.1-has": asking(OLD, "memcpy", "malloc_usable_size", "pthread_setname_np", "crypt"),
    "what-1.2-has": asking(NEW, "gettid", "reallocarray", "qsort_r", "statx", "renameat2"),
    "large-file-names-of-old-links": asking(NEW, "open64", "fseeko64", "readdir64_r", "__fxstat64"),
    "64-bit-time": asking(NEW_32, "__stat_time64", "__gmtime64_r"),
    "a-weak-newer-symbol": elf_wheel(OLD, imports=(PYTHON, ElfImport(symbol="gettid", weak=True))),
    "a-weak-function-of-glibc": elf_wheel(NEW, imports=(PYTHON, ElfImport(symbol="gnu_get_libc_version", weak=True))),
    "musl-by-its-plain-name": elf_wheel(NEW, needed=("libc.so",), imports=(PYTHON, *symbols("gettid"))),
    "a-library-of-the-wheel-has-it": elf_wheel(
        NEW,
        needed=(LIBC, "libexecinfo.so.1"),
        runpath="$ORIGIN",
        imports=(PYTHON, *symbols("backtrace")),
        files={"demo/libexecinfo.so.1": library("libexecinfo.so.1", offers=("backtrace",))},
    ),
    "zlib": elf_wheel(NEW, needed=(LIBC, "libz.so.1"), imports=(PYTHON, *symbols("adler32"))),
    "a-static-program": plain_wheel("py3-none-musllinux_1_1_x86_64", {"demo/tool": static_program()}),
    "glibc-function-under-glibc": elf_wheel(
        GLIBC, imports=(PYTHON, ElfImport(symbol="backtrace", library="libc.so.6", version="GLIBC_2.2.5"))
    ),
}
DIRTY = {
    "newer-than-1.1": Planted(
        wheel=asking(OLD, "gettid"),
        rule=RULE,
        member=MODULE,
        arch="x86_64",
        says=("`gettid` of musl 1.2", "musllinux_1_1_x86_64", "1.1 is enough"),
        shows={"member": MODULE, "symbol": "gettid", "text": "from 1.2 on"},
    ),
    "64-bit-time-under-1.1": Planted(
        wheel=asking(OLD_32, "__stat_time64", "__time64", "__gmtime64_r", "__ctime64"),
        rule=RULE,
        member=extension_name(OLD_32),
        arch="i686",
        says=("`__ctime64`, `__gmtime64_r`, `__stat_time64` and 1 more of musl 1.2",),
        shows={"symbol": "__time64"},
    ),
    "a-function-of-glibc": Planted(
        wheel=asking(NEW, "backtrace"),
        rule=RULE,
        member=extension_name(NEW),
        says=("`backtrace`, which glibc has and no musl", "musllinux_1_2_x86_64"),
        shows={"symbol": "backtrace", "text": "which glibc has and no musl"},
    ),
    "fortified-for-glibc": Planted(
        wheel=asking(NEW, "__memcpy_chk", "__isoc23_strtol"), rule=RULE, member=extension_name(NEW)
    ),
    "large-file-name-that-musl-never-had": Planted(
        wheel=asking(NEW, "fcntl64"), rule=RULE, member=extension_name(NEW), says=("`fcntl64`",)
    ),
    "a-program": Planted(
        wheel=plain_wheel(
            "py3-none-musllinux_1_1_x86_64",
            {
                "demo-1.0.data/scripts/tool": replace(
                    elf_program(OLD), interp="/lib/ld-musl-x86_64.so.1", imports=symbols("reallocarray")
                )
            },
        ),
        rule=RULE,
        member="demo-1.0.data/scripts/tool",
    ),
    "through-a-bundled-library": Planted(
        wheel=elf_wheel(
            OLD,
            needed=(LIBC, "libold.so"),
            runpath="$ORIGIN",
            files={"demo/libold.so": library("libold.so", OLD, takes=("qsort_r",))},
        ),
        rule=RULE,
        member="demo/libold.so",
        shows={"member": "demo/libold.so", "symbol": "qsort_r"},
    ),
    "a-library-that-nothing-loads": Planted(
        wheel=elf_wheel(
            OLD,
            files={"demo/libold.so": library("libold.so", OLD, takes=("qsort_r",))},
        ),
        rule=RULE,
        member="demo/libold.so",
    ),
    "several-files-are-one-finding": Planted(
        wheel=with_files(
            OLD,
            {"demo/libold.so": library("libold.so", OLD, takes=("gettid",))},
            binary=replace(clean_elf(OLD), imports=(PYTHON, *symbols("qsort_r"))),
        ),
        rule=RULE,
        member=None,
        says=("2 files need", "of musl 1.2"),
        shows={"symbol": "qsort_r", "member": MODULE},
    ),
}


@pytest.mark.parametrize("wheel", params(CLEAN))
def test_within_the_tags_musl(wheel: BuiltWheel) -> None:
    """What the tag's musl or a loaded file of the wheel has is no finding, nor is a weak symbol."""
    report = judged(wheel)
    assert not report.broken
    assert [(one.rule, one.message) for one in loud(report)] == []


@pytest.mark.parametrize("case", params(DIRTY))
def test_newer_than_the_tags_musl(case: Planted) -> None:
    """A strong symbol that the tag's musl lacks and a newer musl or glibc has is one error, and nothing echoes it."""
    assert_planted(replace(case, infos=case.infos | {"abi3-possible"}))


def test_the_help_names_the_honest_tag() -> None:
    """For a newer musl the tag that holds is named; for a function of glibc there is none."""
    assert "`musllinux_1_2_x86_64`" in only(asking(OLD, "gettid"), rule=RULE).help
    assert "musllinux_" not in only(asking(NEW, "backtrace"), rule=RULE).help


def test_two_faults_are_two_findings() -> None:
    """A newer musl helps against the one and not against the other."""
    first, second = findings(asking(OLD, "gettid", "backtrace"), rule=RULE)
    assert [one.symbol for one in (*first.evidence, *second.evidence)] == ["backtrace", "gettid"]


def test_the_oldest_tag_of_an_architecture_is_judged() -> None:
    """What breaks the older of two tags is said of that one, once, in whichever order they stand."""
    for tags in ("musllinux_1_1_x86_64.musllinux_1_2_x86_64", "musllinux_1_2_x86_64.musllinux_1_1_x86_64"):
        found = only(asking(f"cp311-cp311-{tags}", "gettid"), rule=RULE)
        assert "the tag `musllinux_1_1_x86_64`" in found.message
    assert len(findings(asking("cp311-cp311-musllinux_1_1_x86_64.musllinux_1_2_x86_64", "backtrace"), rule=RULE)) == 1


def test_beside_a_glibc_tag_the_musl_tag_is_judged() -> None:
    """A file that is linked to neither library is judged under both, and by this rule under musl alone."""
    both = "cp311-cp311-manylinux_2_17_x86_64.musllinux_1_1_x86_64"
    found = only(elf_wheel(both, needed=(), imports=(PYTHON, *symbols("gettid"))), rule=RULE)
    assert "the tag `musllinux_1_1_x86_64`" in found.message


@pytest.mark.parametrize(
    ("wheel", "rule"),
    [
        (asking(NEW, "nobody_has_this"), "symbol-unresolved"),
        (asking(GLIBC, "nobody_has_this"), "symbol-unresolved"),
        (
            elf_wheel(OLD, needed=(LIBC, "libfoo.so.1"), imports=(PYTHON, *symbols("gettid"))),
            "library-outside-policy",
        ),
        (with_files(OLD, {}, binary=clean_elf(GLIBC), member=MODULE), "libc-mismatch"),
    ],
    ids=["a-name-of-nobody", "a-name-of-nobody-under-glibc", "a-library-from-outside", "linked-to-glibc"],
)
def test_what_other_rules_speak_of(wheel: BuiltWheel, rule: str) -> None:
    """A name that nobody has, a library from outside that may have it, and the wrong libc are other rules' business."""
    assert {one.rule for one in loud(judged(wheel))} == {rule}


@pytest.mark.parametrize("needed", [("libprebuilt.so",), ()], ids=["loaded", "not-loaded"])
def test_the_names_of_glibc_lead_to_musl_itself(needed: tuple[str, ...]) -> None:
    """A file that needs `libc.so.6` without a version is given musl, and misses what glibc alone has."""
    prebuilt = replace(library("libprebuilt.so", takes=("cos", "backtrace")), needed=("libc.so.6", "libm.so.6"))
    wheel = elf_wheel(NEW, needed=(LIBC, *needed), runpath="$ORIGIN", files={"demo/libprebuilt.so": prebuilt})
    assert [one.symbol for one in only(wheel, rule=RULE).evidence] == ["backtrace"]
    fine = replace(prebuilt, imports=symbols("memcpy", "cos"))
    wheel = elf_wheel(NEW, needed=(LIBC, *needed), runpath="$ORIGIN", files={"demo/libprebuilt.so": fine})
    assert not loud(judged(wheel))


def test_a_library_that_nothing_loads_may_be_loaded_beside_another() -> None:
    """Where no file of the wheel loads a library, what any other exports counts as provided."""
    files = {
        "demo/libuser.so": library("libuser.so", takes=("backtrace",)),
        "demo/libgiver.so": library("libgiver.so", offers=("backtrace",)),
    }
    assert not findings(elf_wheel(NEW, files=files), rule=RULE)
    del files["demo/libgiver.so"]
    assert findings(elf_wheel(NEW, files=files), rule=RULE)


def test_an_unloaded_library_is_judged_by_its_strong_symbols() -> None:
    """Of a library that nothing loads, weak symbols and those of nobody are no finding; zlib's are zlib's."""
    quiet = (*symbols("adler32", "nobody_has_this"), ElfImport(symbol="backtrace", weak=True))
    user = replace(library("libuser.so"), needed=(LIBC, "libz.so.1"), imports=quiet)
    assert not findings(elf_wheel(NEW, files={"demo/libuser.so": user}), rule=RULE)
    alone = replace(user, needed=(), imports=symbols("backtrace"))
    assert not findings(elf_wheel(NEW, files={"demo/libuser.so": alone}), rule=RULE)
    outside = replace(user, needed=(LIBC, "libfoo.so.1"), imports=symbols("backtrace"))
    assert not findings(elf_wheel(NEW, files={"demo/libuser.so": outside}), rule=RULE)


def test_a_musl_of_which_there_is_no_table_is_not_judged() -> None:
    """Neither a release to come nor an architecture without a table gives a finding."""
    for platform in ("musllinux_1_3_x86_64", "musllinux_1_1_loongarch64"):
        promise = parse_platform(platform)
        assert promise.libc is Libc.MUSL
        assert promise.version is not None
        assert musl_has("gettid", promise.version, promise.architectures[0]) is None
    unloaded = {"demo/libuser.so": library("libuser.so", takes=("backtrace",))}
    assert not findings(elf_wheel("cp311-cp311-musllinux_1_3_x86_64", files=unloaded), rule=RULE)
    assert not findings(asking("cp311-cp311-musllinux_1_3_x86_64", "gettid"), rule=RULE)


def test_twenty_symbols_are_shown() -> None:
    """The evidence of one finding is at most twenty symbols; the message counts all."""
    names = [f"__{name}_chk" for name in ("memcpy", "memmove", "memset", "strcpy", "strcat", "stpcpy", "strncpy")]
    names += [f"__{name}_chk" for name in ("strncat", "printf", "fprintf", "sprintf", "snprintf", "vprintf", "read")]
    names += [f"__{name}_chk" for name in ("vfprintf", "vsprintf", "vsnprintf", "fgets", "recv", "pread", "getcwd")]
    found = only(asking(NEW, *names), rule=RULE)
    assert len(found.evidence) == 20
    assert "and 18 more" in found.message
