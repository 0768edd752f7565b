"""What Linux's system libraries export: the tables against each other, against known history, and against this host."""

from __future__ import annotations

import ctypes
import platform
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from auditor.platforms import glibc, linux_libraries
from auditor.platforms.linux_libraries import (
    ARCHITECTURES,
    GLIBC_RELEASE,
    MUSL_RELEASES,
    PRIVATE,
    SystemLibrary,
    glibc_first,
    glibc_has,
    glibc_libraries,
    glibc_pool,
    musl_has,
    musl_symbols,
    system_library,
)

DATA = Path(glibc.__file__).parent / "data"
TABLES = ("glibc", "compiler_libraries", "policy_libraries", "musl")
EVERY = sorted(ARCHITECTURES)
LOADERS = {
    "x86_64": "ld-linux-x86-64.so.2",
    "i686": "ld-linux.so.2",
    "aarch64": "ld-linux-aarch64.so.1",
    "armv7l": "ld-linux-armhf.so.3",
    "ppc64le": "ld64.so.2",
    "s390x": "ld64.so.1",
    "riscv64": "ld-linux-riscv64-lp64d.so.1",
    "loongarch64": "ld-linux-loongarch-lp64d.so.1",
}
"""The interpreters of the psABIs."""


def known(soname: str, arch: str = "x86_64") -> SystemLibrary:
    """A library that there must be a table of."""
    library = system_library(soname, arch)
    assert library is not None
    return library


@pytest.mark.parametrize("table", TABLES)
def test_the_text_is_whole(table: str) -> None:
    """Each library has the line of its nodes and then pairs of lines, and no group of symbols stands twice."""
    sections = linux_libraries._sections(table)
    for lines in sections.values():
        assert lines[0].startswith("defines ")
        assert len(lines) % 2 == 1
        assert len(set(lines[1::2])) == len(lines[1::2])
        assert all(line.startswith(" ") for line in lines[2::2])


# ---------------------------------------------------------------------------------------------------------------- glibc


@pytest.mark.parametrize("arch", EVERY)
def test_the_libraries_of_glibc(arch: str) -> None:
    """On each architecture there are the libraries that `glibc` knows by name, and one loader."""
    names = glibc_libraries(arch)
    assert all(glibc.is_glibc_library(name) for name in names)
    assert [name for name in names if glibc.is_loader(name)] == [LOADERS[arch]]
    assert {"libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libc.so.6"} <= names


@pytest.mark.parametrize("arch", EVERY)
def test_the_nodes_of_glibc(arch: str) -> None:
    """Every node of the pool is of a release up to that of the tables, private, or a marker."""
    pool = glibc_pool(arch)
    assert pool is not None
    assert pool.versioned
    used = {node for nodes in pool.exports.values() for node in nodes}
    assert used <= pool.defined
    versions = {node: glibc.node_version(node) for node in pool.defined}
    odd = {node for node, version in versions.items() if version is None}
    assert odd - {PRIVATE} <= {"GCC_3.0", "GLIBC_ABI_DT_X86_64_PLT"}
    assert max(version for version in versions.values() if version is not None) <= GLIBC_RELEASE


@pytest.mark.parametrize("policy", glibc.policies(), ids=lambda policy: f"{policy.version[0]}.{policy.version[1]}")
def test_the_policies_nodes_are_defined(policy: glibc.Policy) -> None:
    """Every node that a policy allows is one of the tables, but for some that the policies allow in vain."""
    for arch in sorted(ARCHITECTURES & policy.versions.keys()):
        pool = glibc_pool(arch)
        assert pool is not None
        spaces = {"GLIBC": pool.defined}
        for soname, prefixes in glibc.TRACKED.items():
            spaces |= dict.fromkeys(prefixes, known(soname, arch).defined)
        for space, numbers in policy.versions[arch].items():
            in_vain = {"riscv64": {"GLIBC_2.37"}, "loongarch64": {"GCC_4.4.0"}}.get(arch, set())
            assert {f"{space}_{number}" for number in numbers} - spaces[space] <= in_vain | {"GLIBC_2.0"}, arch


@pytest.mark.parametrize(
    ("symbol", "arch", "version"),
    [
        ("memcpy", "x86_64", (2, 2)),
        ("memcpy", "i686", (2, 0)),
        ("memcpy", "aarch64", (2, 17)),
        ("memcpy", "riscv64", (2, 27)),
        ("memcpy", "loongarch64", (2, 36)),
        ("secure_getenv", "x86_64", (2, 17)),
        ("getrandom", "x86_64", (2, 25)),
        ("pthread_create", "x86_64", (2, 2)),  # of libpthread before 2.34
        ("dlopen", "armv7l", (2, 4)),
        ("__res_query", "x86_64", (2, 2)),  # of libresolv before 2.34
        ("stat", "x86_64", (2, 33)),  # an inline function before
        ("arc4random", "s390x", (2, 36)),
        ("strlcpy", "ppc64le", (2, 38)),
        ("__tls_get_addr", "x86_64", (2, 3)),  # of ld.so
        ("_dl_allocate_tls", "x86_64", None),  # private
        ("reallocarr", "x86_64", None),
        ("memcpy", "mips", None),
    ],
)
def test_when_a_symbol_first_appeared(symbol: str, arch: str, version: tuple[int, int] | None) -> None:
    """The floor of a symbol is the release that its oldest node names (glibc's release notes)."""
    assert glibc_first(symbol, arch) == version


@pytest.mark.parametrize(
    ("symbol", "node", "release", "answer"),
    [
        ("memcpy", "GLIBC_2.2.5", (2, 5), True),
        ("memcpy", "GLIBC_2.14", (2, 12), False),
        ("memcpy", "GLIBC_2.14", (2, 14), True),
        ("memcpy", "GLIBC_2.15", (2, 17), False),
        ("memcpy", None, (2, 5), True),
        ("getrandom", None, (2, 24), False),
        ("getrandom", None, (2, 25), True),
        ("getrandom", "GLIBC_2.25", (2, 44), True),
        ("brand_new", None, (2, 43), False),
        ("brand_new", None, (2, 44), None),
        ("memcpy", "GLIBC_2.44", (2, 43), False),
        ("memcpy", "GLIBC_2.44", (2, 44), None),
        ("_dl_allocate_tls", PRIVATE, (2, 43), None),
        ("_dl_allocate_tls", None, (2, 43), None),
        ("backtrace", "GLIBC_2.2.5", (2, 17), True),
    ],
)
def test_what_a_release_has(symbol: str, node: str | None, release: tuple[int, int], *, answer: bool | None) -> None:
    """A release has what nodes up to its own say; of later releases than the tables', absence is unknown."""
    assert glibc_has(symbol, node, "x86_64", release) is answer


def test_without_a_table_nothing_is_known() -> None:
    """An architecture or a library without a table gives None, and no libraries."""
    assert glibc_pool("mips") is None
    assert glibc_has("memcpy", None, "mips", (2, 17)) is None
    assert glibc_libraries("mips") == frozenset()
    assert system_library("libc.so.6", "mips") is None
    assert system_library("libX11.so.6", "mips") is None
    assert system_library("libcrypt.so.1", "x86_64") is None
    assert system_library("libm.so.6.1", "x86_64") is None
    assert system_library("libfoo.so.1", "x86_64") is None
    assert musl_symbols((1, 2), "mips") is None
    assert musl_has("memcpy", (1, 2), "mips") is None


def test_a_library_of_glibc_has_the_whole_pool() -> None:
    """What moved between glibc's libraries is found under each name; what is a library's own beside it."""
    for soname in ("libpthread.so.0", "libc.so.6", "libm.so.6", "libresolv.so.2", "libmvec.so.1"):
        assert known(soname).has("pthread_create", "GLIBC_2.2.5")
        assert known(soname).has("sin", "GLIBC_2.2.5")
        assert known(soname).soname == soname
    assert known("libmvec.so.1").has("_ZGVbN2v_cos", "GLIBC_2.22")
    assert not known("libc.so.6").has("_ZGVbN2v_cos", None)
    assert known("libresolv.so.2").has("ns_name_ntop", None)


# ---------------------------------------------------------------------------------------- the policies' other libraries


@pytest.mark.parametrize("arch", EVERY)
def test_every_library_of_the_policies_has_a_table(arch: str) -> None:
    """There is a table of every library that some policy allows, on every architecture."""
    names = frozenset().union(*(policy.libraries for policy in glibc.policies() if arch in policy.versions))
    without = {name for name in names if system_library(name, arch) is None and not glibc.is_loader(name)}
    # A policy lists them for all architectures: libmvec is of two alone, and the youngest has nothing outdated.
    outdated = {"libanl.so.1", "libnsl.so.1", "libutil.so.1"} if arch == "loongarch64" else set()
    assert without == outdated | (set() if arch in {"x86_64", "aarch64"} else {"libmvec.so.1"})


@pytest.mark.parametrize("arch", EVERY)
def test_libstdcxx(arch: str) -> None:
    """The C++ library has the usual names, mangled for the architecture's size_t."""
    library = known("libstdc++.so.6", arch)
    size = "j" if arch in {"i686", "armv7l"} else "m"
    assert library.has(f"_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE9_M_createER{size}{size}", None)
    assert library.nodes("_Znwm" if size == "m" else "_Znwj") == ("GLIBCXX_3.4",)
    assert library.has("__cxa_throw", "CXXABI_1.3")
    assert not library.has("__cxa_throw", "CXXABI_1.3.9")
    assert library.defines("GLIBCXX_3.4.29")
    assert not library.defines("GLIBCXX_3.4.99")
    assert "_Unwind_Resume" in known("libgcc_s.so.1", arch).exports
    assert known("libatomic.so.1", arch).has("__atomic_load", "LIBATOMIC_1.0")


def test_names_without_a_version() -> None:
    """A library may have no nodes, or some symbols without one: those satisfy a reference to any version."""
    x11 = known("libX11.so.6")
    assert not x11.versioned
    assert x11.nodes("XOpenDisplay") == ("",)
    assert x11.nodes("XOpenDisplays") == ()
    assert x11.has("XOpenDisplay", None)
    assert x11.has("XOpenDisplay", "X_1.0")
    zlib = known("libz.so.1")
    assert zlib.versioned
    assert zlib.has("adler32", "ZLIB_1.2.0")
    assert zlib.has("adler32_combine", "ZLIB_1.2.2")
    assert not zlib.has("adler32_combine", "ZLIB_1.2.0")
    assert not zlib.defines("")
    assert known("libGL.so.1", "riscv64").has("glBegin", None)


# ----------------------------------------------------------------------------------------------------------------- musl


@pytest.mark.parametrize("arch", EVERY)
def test_musl_keeps_what_it_had(arch: str) -> None:
    """musl has never taken a name away: 1.2 has all that 1.1 had."""
    old, new = musl_symbols((1, 1), arch), musl_symbols((1, 2), arch)
    assert new is not None
    assert (old is None) == (arch == "loongarch64")
    assert (old or frozenset()) < new
    assert 1690 < len(new) < 1800
    assert musl_symbols((1, 3), arch) is None


@pytest.mark.parametrize("arch", EVERY)
@pytest.mark.parametrize(
    ("symbol", "old", "new"),
    [
        ("memcpy", True, True),
        ("malloc_usable_size", True, True),
        ("open64", True, True),
        ("readdir64_r", True, True),
        ("posix_fallocate64", True, True),
        ("__xstat64", True, True),
        ("crypt", True, True),  # one Debian release had none
        ("gettid", False, True),
        ("reallocarray", False, True),
        ("qsort_r", False, True),
        ("statx", False, True),
        ("renameat2", False, True),
        ("fcntl64", False, False),
        ("fts_open", False, False),  # Debian's own
        ("backtrace", False, False),
        ("__memcpy_chk", False, False),
        ("gnu_get_libc_version", False, False),
        ("__isoc23_strtol", False, False),
    ],
)
def test_what_musl_has(arch: str, symbol: str, *, old: bool, new: bool) -> None:
    """What is new in 1.2 is not in 1.1, large-file names are in both, and what is glibc's is in neither."""
    assert musl_has(symbol, (1, 1), arch) is (None if arch == "loongarch64" else old)
    assert musl_has(symbol, (1, 2), arch) is new


@pytest.mark.parametrize("arch", EVERY)
def test_64_bit_time_came_with_1_2(arch: str) -> None:
    """The names of 64-bit time are those of 32-bit architectures, and of 1.2 alone."""
    for symbol in ("__stat_time64", "__gmtime64_r", "__time64", "__dlsym_time64"):
        assert musl_has(symbol, (1, 2), arch) is (arch in {"i686", "armv7l"})
        assert not musl_has(symbol, (1, 1), arch)


def test_the_releases_are_those_of_the_table() -> None:
    """Every release that is said to be known has a table."""
    assert all(musl_symbols(release, "x86_64") for release in MUSL_RELEASES)


# ------------------------------------------------------------------------------------------------------------ this host


def host_exports(soname: str) -> set[tuple[str, str]]:
    """(symbol, node) pairs of a library that this process can load, read by pyelftools."""
    ctypes.CDLL(soname)
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text("utf-8").splitlines() if "/" in line}
    path = next(Path(one) for one in sorted(mapped) if Path(one).name.startswith(soname))
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        names = {
            version["vd_ndx"]: next(auxiliaries).name
            for version, auxiliaries in elf.get_section_by_name(".gnu.version_d").iter_versions()
        }
        indexes = elf.get_section_by_name(".gnu.version")
        exports = set()
        for number, symbol in enumerate(elf.get_section_by_name(".dynsym").iter_symbols()):
            if symbol["st_shndx"] not in {"SHN_UNDEF", "SHN_ABS"} and symbol["st_info"]["bind"] != "STB_LOCAL":
                index = indexes.get_symbol(number)["ndx"]  # pyelftools spells 0 and 1 as words
                exports.add((symbol.name, names[index & 0x7FFF] if isinstance(index, int) else ""))
        return exports


HOST = platform.libc_ver()
ON_GLIBC = pytest.mark.skipif(
    sys.platform != "linux" or HOST[0] != "glibc" or platform.machine() not in ARCHITECTURES,
    reason="the host's own libraries are not of a kind that the tables are about",
)


def host_release() -> tuple[int, int]:
    """The glibc of this machine."""
    major, minor = HOST[1].split(".")[:2]
    return int(major), int(minor)


@ON_GLIBC
@pytest.mark.parametrize("soname", ["libc.so.6", "libm.so.6"])
def test_this_hosts_glibc_is_in_the_table(soname: str) -> None:
    """What the host's glibc exports, other than privately, is in the table at a node of its release or older."""
    arch, release = platform.machine(), host_release()
    promised = {(symbol, node) for symbol, node in host_exports(soname) if node != PRIVATE}
    assert len(promised) > 500
    lost = {(symbol, node) for symbol, node in promised if not glibc_has(symbol, node, arch, release)}
    # The tracing hooks of malloc moved to libc_malloc_debug.so in 2.34; older hosts still have them in libc.
    assert {symbol for symbol, _ in lost} <= {"malloc_get_state", "malloc_set_state"}


@ON_GLIBC
def test_the_table_up_to_this_hosts_release_is_on_the_host() -> None:
    """What the table says that the host's release has in libc and libm, one of its libraries has."""
    arch, release = platform.machine(), host_release()
    present = host_exports("libc.so.6") | host_exports("libm.so.6")
    # Before 2.34 much of libc's names were in the other libraries.
    for soname in ("libpthread.so.0", "librt.so.1", "libdl.so.2", "libutil.so.1", "libresolv.so.2", "libanl.so.1"):
        present |= host_exports(soname)
    claimed = set()
    for soname in ("libc.so.6", "libm.so.6"):
        library = linux_libraries._library("glibc", soname, arch)
        assert library is not None
        for symbol, nodes in library.exports.items():
            claimed |= {(symbol, node) for node in nodes if (glibc.node_version(node) or (9, 9)) <= release}
    missing = {(symbol, node) for symbol, node in claimed - present if "placeholder" not in symbol}
    assert missing == set()


@ON_GLIBC
@pytest.mark.parametrize("soname", ["libstdc++.so.6", "libgcc_s.so.1"])
def test_this_hosts_compiler_libraries_are_in_the_table(soname: str) -> None:
    """What the host's libstdc++ and libgcc_s export at a node of the table is in the table."""
    library = known(soname, platform.machine())
    exported = {(symbol, node) for symbol, node in host_exports(soname) if symbol != node}
    assert len(exported) > 100
    judged = {(symbol, node) for symbol, node in exported if library.defines(node)}
    assert {(symbol, node) for symbol, node in judged if not library.has(symbol, node)} == set()
