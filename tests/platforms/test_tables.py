"""The tables of glibc, musl, macOS and Windows, against the packages that they come from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from auditwheel.architecture import Architecture
from auditwheel.libc import Libc as AuditwheelLibc
from auditwheel.policy import WheelPolicies

from auditor.platforms import glibc, macos, musl, windows
from auditor.platforms.promise import LEGACY_MANYLINUX
from auditor.platforms.refresh import manylinux as refresh
from tests.platforms import oracle

DATA = Path(glibc.__file__).parent / "data"


@pytest.fixture(scope="module")
def source() -> bytes:
    """The policy file of the installed auditwheel."""
    content: bytes = refresh.policy_file().read_bytes()
    return content


def test_the_table_is_what_the_refresh_script_builds(source: bytes) -> None:
    """Rebuilding the table from the installed auditwheel changes nothing."""
    built: dict[str, Any] = refresh.build(json.loads(source))
    assert json.loads((DATA / "manylinux.json").read_bytes()) == built


def test_the_provenance_names_the_source(source: bytes) -> None:
    """The table is from the very file that the installed auditwheel has."""
    provenance = json.loads((DATA / "manylinux.provenance.json").read_bytes())
    assert provenance["source_sha256"] == hashlib.sha256(source).hexdigest()


POLICY_ARCHITECTURES = ("x86_64", "i686", "aarch64", "armv7l", "ppc64le", "s390x", "riscv64", "loongarch64")


@pytest.mark.parametrize("arch", POLICY_ARCHITECTURES)
def test_policies_are_auditwheels(arch: str) -> None:
    """For every policy that auditwheel has for an architecture, ours allows the same libraries and versions."""
    theirs = WheelPolicies(libc=AuditwheelLibc.GLIBC, arch=Architecture(arch))
    versions = []
    for policy in theirs:
        if not policy.name.startswith("manylinux_"):
            continue
        major, minor = policy.name.removeprefix("manylinux_").split("_")[:2]
        version = (int(major), int(minor))
        ours = glibc.policy_for(version, arch)
        assert ours is not None
        assert ours.version == version
        versions.append(version)
        allowed = {space: frozenset(nodes) for space, nodes in policy.symbol_versions.items() if nodes}
        assert {space: frozenset(nodes) for space, nodes in ours.versions[arch].items()} == allowed
        assert {library: set(symbols) for library, symbols in ours.refused.items()} == {
            library: set(symbols) for library, symbols in policy.blacklist.items()
        }
        loaders = {name for name in policy.whitelist if glibc.is_loader(name)}
        assert set(policy.whitelist) - loaders <= set(ours.libraries)
    assert versions
    assert [one.version for one in glibc.policies() if arch in one.versions] == sorted(versions)


@pytest.mark.parametrize("arch", POLICY_ARCHITECTURES)
def test_a_version_between_policies_is_judged_by_the_newer(arch: str) -> None:
    """The policy of a version is the oldest that is not older; beyond the newest there is none."""
    known = [policy.version for policy in glibc.policies() if arch in policy.versions]
    for minor in range(known[-1][1] + 3):
        policy = glibc.policy_for((2, minor), arch)
        newer = [version for version in known if version >= (2, minor)]
        assert (policy.version if policy else None) == (newer[0] if newer else None)


def test_refused_symbols_are_refused_whatever_library_has_them() -> None:
    """A symbol that the policy takes from one library is refused for each: glibc has moved symbols about."""
    policy = next(one for one in glibc.policies() if one.refused)
    symbols = next(iter(policy.refused.values()))
    assert all(policy.refuses(symbol) for symbol in symbols)
    assert not policy.refuses("memcpy")


def test_an_unknown_architecture_has_no_policy() -> None:
    """Where auditwheel has no policy, nothing is judged by one."""
    assert glibc.policy_for((2, 17), "mips") is None


def test_glibc_itself_is_allowed_up_to_the_policys_version() -> None:
    """Every glibc node of a policy is of its version or older, but for those that `breaks_glibc` knows."""
    for policy in glibc.policies():
        for arch, spaces in policy.versions.items():
            newer = [
                node
                for node in spaces.get("GLIBC", ())
                if (version := glibc.node_version(f"GLIBC_{node}")) is not None and version > policy.version
            ]
            assert not newer or arch in {"aarch64", "armv7l", "riscv64"}, (policy.version, arch, newer)


@pytest.mark.parametrize(
    ("node", "version"),
    [
        ("GLIBC_2.17", (2, 17)),
        ("GLIBC_2.2.5", (2, 2)),
        ("GLIBC_ABI_DT_RELR", (2, 36)),
        ("GLIBC_PRIVATE", None),
        ("GLIBCXX_3.4", None),
        ("GCC_3.0", None),
        ("GLIBC_2", None),
    ],
)
def test_node_version(node: str, version: tuple[int, int] | None) -> None:
    """A numbered node is of the release that it names; private nodes and those of others are of none."""
    assert glibc.node_version(node) == version


@pytest.mark.parametrize(
    ("name", "library", "loader"),
    [
        ("libc.so.6", True, False),
        ("libc.so.6.1", True, False),
        ("libm.so.6", True, False),
        ("libpthread.so.0", True, False),
        ("ld-linux-x86-64.so.2", True, True),
        ("ld-linux.so.2", True, True),
        ("ld-linux-aarch64.so.1", True, True),
        ("ld-linux-armhf.so.3", True, True),
        ("ld-linux-riscv64-lp64d.so.1", True, True),
        ("ld64.so.2", True, True),
        ("ld64.so.1", True, True),
        ("ld.so.1", True, True),
        ("ld-musl-x86_64.so.1", False, False),
        ("libc.musl-x86_64.so.1", False, False),
        ("libc.so", False, False),
        ("libstdc++.so.6", False, False),
        ("libcrypto.so.3", False, False),
        ("libmy.so.1", False, False),
    ],
)
def test_names_of_glibc(name: str, *, library: bool, loader: bool) -> None:
    """glibc's libraries and its loader are told by their SONAMEs, and musl's are not among them."""
    assert glibc.is_glibc_library(name) is library
    assert glibc.is_loader(name) is loader


@pytest.mark.parametrize(
    ("name", "hit"),
    [
        ("libc.so", True),
        ("libc.musl-x86_64.so.1", True),
        ("libc.musl-x86.so.1", True),
        ("ld-musl-aarch64.so.1", True),
        ("libc.so.6", False),
        ("libmusl.so.1", False),
    ],
)
def test_names_of_musl(name: str, *, hit: bool) -> None:
    """musl's one file is told by each of its names."""
    assert musl.is_musl_library(name) is hit


@pytest.mark.parametrize("arch", oracle.ARCHITECTURES)
def test_floors_are_packagings(arch: str) -> None:
    """The oldest glibc that is looked for on an architecture is that of `packaging`; what is advised is no older."""
    tags = oracle.linux_tags(arch, glibc=(2, 44))
    minors = [int(tag.split("_")[2]) for tag in tags if tag.startswith("manylinux_2_")]
    assert glibc.oldest_looked_for(arch) == (2, min(minors))
    assert glibc.oldest_looked_for_by_all(arch) >= glibc.oldest_looked_for(arch)


@pytest.mark.parametrize(("name", "version"), LEGACY_MANYLINUX.items())
def test_legacy_names_are_packagings(name: str, version: tuple[int, int]) -> None:
    """Each older name appears with the very glibc that it stands for, and not before."""
    assert f"{name}_x86_64" in oracle.linux_tags("x86_64", glibc=version)
    assert f"{name}_x86_64" not in oracle.linux_tags("x86_64", glibc=(2, version[1] - 1))


def test_macos_releases() -> None:
    """There is no macOS 16 to 25, and PyPI's majors are all released."""
    from auditor.platforms.pypi import MACOS_MAJORS

    assert set(MACOS_MAJORS) <= set(macos.RELEASED)
    assert not set(range(16, 26)) & set(macos.RELEASED)


# -------------------------------------------------------------------------------------------------------------- Windows


@pytest.mark.parametrize(
    ("dll", "family", "debug"),
    [
        ("VCRUNTIME140.dll", "Visual C++", False),
        ("vcruntime140_1.dll", "Visual C++", False),
        ("vcruntime140_threads.dll", "Visual C++", False),
        ("MSVCP140.dll", "Visual C++", False),
        ("msvcp140_codecvt_ids.dll", "Visual C++", False),
        ("msvcp140_atomic_wait.dll", "Visual C++", False),
        ("msvcr100.dll", "Visual C++", False),
        ("concrt140.dll", "Visual C++", False),
        ("mfc140u.dll", "Visual C++", False),
        ("vcomp140.dll", "Visual C++", False),
        ("libomp140.x86_64.dll", "Visual C++", False),
        ("libgcc_s_seh-1.dll", "MinGW", False),
        ("libstdc++-6.dll", "MinGW", False),
        ("libwinpthread-1.dll", "MinGW", False),
        ("libc++.dll", "MinGW", False),
        ("msvcrt.dll", None, False),
        ("ucrtbase.dll", None, False),
        ("mfc42.dll", None, False),
        ("mfc42u.dll", None, False),
        ("msvcr100_clr0400.dll", None, False),
        ("api-ms-win-crt-runtime-l1-1-0.dll", None, False),
        ("KERNEL32.dll", None, False),
        ("python311.dll", None, False),
        ("vcruntime140d.dll", None, True),
        ("vcruntime140_1d.dll", None, True),
        ("msvcp140d.dll", None, True),
        ("msvcp140_codecvt_idsd.dll", None, True),
        ("ucrtbased.dll", None, True),
        ("msvcrtd.dll", None, True),
        ("vccorlib140d.dll", None, True),
        ("mfc140ud.dll", None, True),
    ],
)
def test_runtimes_of_windows(dll: str, family: str | None, *, debug: bool) -> None:
    """A redistributable runtime is told from what Windows has itself, and from the debug ones."""
    assert windows.runtime_family(dll) == family
    assert windows.is_debug_runtime(dll) is debug


@pytest.mark.parametrize(
    ("version", "arch", "expected"),
    [
        ((2, 7), "win32", {"msvcr90.dll"}),
        ((3, 4), "amd64", {"msvcr100.dll"}),
        ((3, 5), "amd64", {"vcruntime140.dll"}),
        ((3, 7), "amd64", {"vcruntime140.dll"}),
        ((3, 8), "amd64", {"vcruntime140.dll", "vcruntime140_1.dll"}),
        ((3, 8), "win32", {"vcruntime140.dll"}),
        ((3, 15), "arm64", {"vcruntime140.dll", "vcruntime140_1.dll"}),
    ],
)
def test_runtimes_beside_python(version: tuple[int, int], arch: str, expected: set[str]) -> None:
    """Each Python brings the runtime of its compiler, and never the C++ library."""
    assert windows.runtimes_of_cpython(version, arch) == expected
    assert expected <= windows.runtimes_of_pypy() | {"msvcr90.dll", "msvcr100.dll"}
    assert all(windows.runtime_family(dll) == "Visual C++" for dll in expected)


@pytest.mark.parametrize(
    ("dll", "parts"),
    [
        ("python3.dll", (3, None, False, False)),
        ("python3t.dll", (3, None, True, False)),
        ("PYTHON311.DLL", (3, 11, False, False)),
        ("python313t.dll", (3, 13, True, False)),
        ("python313t_d.dll", (3, 13, True, True)),
        ("python27.dll", (2, 7, False, False)),
        ("python3_d.dll", (3, None, False, True)),
        ("pythoncom311.dll", None),
        ("libpython3.11.dll", None),
    ],
)
def test_names_of_python_dlls(dll: str, parts: tuple[int, int | None, bool, bool] | None) -> None:
    """The name of Python's DLL says version, free threading and debug."""
    found = windows.parse_python_dll(dll)
    assert (None if found is None else (found.major, found.minor, found.free_threaded, found.debug)) == parts


def test_stdlib_names_are_those_of_the_installed_list() -> None:
    """The packed names are what the refresh script makes of the installed stdlib-list."""
    from auditor.platforms import pypi
    from auditor.platforms.refresh import stdlib_names

    assert stdlib_names.TABLE.read_text("ascii") == stdlib_names.build()
    assert {"xml", "pickle", "main", "future", "encodings-utf-8-sig", "xmlrpc-server"} <= pypi.stdlib_names()
