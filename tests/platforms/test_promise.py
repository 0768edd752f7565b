"""Tags as types."""

from __future__ import annotations

import pytest
from packaging.tags import parse_tag

from auditor.archive.names import parse_name
from auditor.platforms.promise import (
    MACOS_ARCHITECTURES,
    MAX_TAGS,
    AbiKind,
    Implementation,
    Libc,
    PlatformPromise,
    System,
    parse_abi,
    parse_platform,
    parse_python,
    promises,
)

PYTHONS = {
    "py3": (Implementation.ANY, 3, None),
    "py2": (Implementation.ANY, 2, None),
    "py38": (Implementation.ANY, 3, 8),
    "cp27": (Implementation.CPYTHON, 2, 7),
    "cp310": (Implementation.CPYTHON, 3, 10),
    "cp3": (Implementation.CPYTHON, 3, None),
    "pp3": (Implementation.PYPY, 3, None),
    "pp310": (Implementation.PYPY, 3, 10),
    "graalpy311": (Implementation.GRAALPY, 3, 11),
    "ip27": (Implementation.OTHER, None, None),
    "jy27": (Implementation.OTHER, None, None),
    "cp313t": (Implementation.OTHER, None, None),
    "py": (Implementation.OTHER, None, None),
    "": (Implementation.OTHER, None, None),
    "py\u0663": (Implementation.OTHER, None, None),
}


@pytest.mark.parametrize(("tag", "parts"), PYTHONS.items())
def test_python_tags(tag: str, parts: tuple[Implementation, int | None, int | None]) -> None:
    """A Python tag is an implementation, a major version and perhaps a minor one; nothing is refused."""
    promise = parse_python(tag)
    assert (promise.implementation, promise.major, promise.minor) == parts
    assert promise.tag == tag
    assert promise.version == ((parts[1], parts[2]) if parts[2] is not None else None)


ABIS = {
    "none": (AbiKind.NONE, None, ""),
    "abi3": (AbiKind.ABI3, None, ""),
    "abi3t": (AbiKind.ABI3T, None, ""),
    "cp27mu": (AbiKind.CPYTHON, (2, 7), "mu"),
    "cp37m": (AbiKind.CPYTHON, (3, 7), "m"),
    "cp312d": (AbiKind.CPYTHON, (3, 12), "d"),
    "cp313t": (AbiKind.CPYTHON, (3, 13), "t"),
    "cp313td": (AbiKind.CPYTHON, (3, 13), "td"),
    "pypy310_pp73": (AbiKind.PYPY, (3, 10), ""),
    "pypy_73": (AbiKind.OTHER, None, ""),
    "graalpy242_311_native": (AbiKind.GRAALPY, (3, 11), ""),
    "graalpy_38_native": (AbiKind.OTHER, None, ""),
    "abi4": (AbiKind.OTHER, None, ""),
    "": (AbiKind.OTHER, None, ""),
}


@pytest.mark.parametrize(("tag", "parts"), ABIS.items())
def test_abi_tags(tag: str, parts: tuple[AbiKind, tuple[int, int] | None, str]) -> None:
    """An ABI tag is a kind, for a full ABI with its version and flags; nothing is refused."""
    promise = parse_abi(tag)
    assert (promise.kind, promise.version, promise.flags) == parts
    assert promise.free_threaded is (tag in {"abi3t", "cp313t", "cp313td"})


PLATFORMS = {
    "any": (System.ANY, None, (), None),
    "win32": (System.WINDOWS, None, ("win32",), None),
    "win_amd64": (System.WINDOWS, None, ("amd64",), None),
    "win_arm64": (System.WINDOWS, None, ("arm64",), None),
    "manylinux1_i686": (System.LINUX, (2, 5), ("i686",), Libc.GLIBC),
    "manylinux2010_x86_64": (System.LINUX, (2, 12), ("x86_64",), Libc.GLIBC),
    "manylinux2014_aarch64": (System.LINUX, (2, 17), ("aarch64",), Libc.GLIBC),
    "manylinux_2_28_x86_64": (System.LINUX, (2, 28), ("x86_64",), Libc.GLIBC),
    "musllinux_1_2_armv7l": (System.LINUX, (1, 2), ("armv7l",), Libc.MUSL),
    "linux_x86_64": (System.LINUX, None, ("x86_64",), Libc.ANY),
    "macosx_10_9_x86_64": (System.MACOS, (10, 9), ("x86_64",), None),
    "macosx_11_0_universal2": (System.MACOS, (11, 0), ("arm64", "x86_64"), None),
    "macosx_10_6_intel": (System.MACOS, (10, 6), ("i386", "x86_64"), None),
    "ios_13_0_arm64_iphoneos": (System.IOS, (13, 0), ("arm64",), None),
    "ios_13_0_x86_64_iphonesimulator": (System.IOS, (13, 0), ("x86_64",), None),
    "android_24_arm64_v8a": (System.ANDROID, (24, 0), ("aarch64",), Libc.BIONIC),
    "android_24_armeabi_v7a": (System.ANDROID, (24, 0), ("armv7l",), Libc.BIONIC),
    "android_24_x86": (System.ANDROID, (24, 0), ("i686",), Libc.BIONIC),
    "android_24_mips": (System.OTHER, None, (), None),
    "pyemscripten_2026_0_wasm32": (System.WASM, None, ("wasm32",), None),
    "emscripten_3_1_58_wasm32": (System.WASM, None, ("wasm32",), None),
    "wasi_0_0_0_wasm32": (System.WASM, None, ("wasm32",), None),
    "freebsd_14_1_release_amd64": (System.OTHER, None, (), None),
    "win_ia64": (System.OTHER, None, (), None),
    "": (System.OTHER, None, (), None),
    "macosx_11_0": (System.OTHER, None, (), None),
    "manylinux_\u0662_17_x86_64": (System.OTHER, None, (), None),
}


@pytest.mark.parametrize(("tag", "parts"), PLATFORMS.items())
def test_platform_tags(tag: str, parts: tuple[System, tuple[int, int] | None, tuple[str, ...], Libc | None]) -> None:
    """A platform tag is a system, a version, architectures and a C library; nothing is refused."""
    promise = parse_platform(tag)
    assert (promise.system, promise.version, promise.architectures, promise.libc) == parts
    assert promise.simulator is tag.endswith("iphonesimulator")


@pytest.mark.parametrize(
    ("tag", "arch", "oldest"),
    [
        ("macosx_10_9_universal2", "arm64", (11, 0)),
        ("macosx_10_9_universal2", "x86_64", (10, 9)),
        ("macosx_14_0_arm64", "arm64", (14, 0)),
        ("ios_13_0_arm64_iphoneos", "arm64", (13, 0)),
        ("ios_13_0_arm64_iphonesimulator", "arm64", (14, 0)),
        ("ios_13_0_x86_64_iphonesimulator", "x86_64", (13, 0)),
        ("macosx_10_9_x86_64", None, (10, 9)),
        ("any", "arm64", None),
    ],
)
def test_an_arm64_slice_may_ask_for_the_first_arm64_system(
    tag: str, arch: str | None, oldest: tuple[int, int] | None
) -> None:
    """arm64 slices may require macOS 11 and the simulator of iOS 14 under any tag."""
    assert parse_platform(tag).minimum_os(arch) == oldest


@pytest.mark.parametrize(
    "tag_set", ["py2.py3-none-any", "cp310.CP39-abi3.none-WIN32.win_amd64", "py3.py3-none-any", "--"]
)
def test_the_expanded_set_is_packagings(tag_set: str) -> None:
    """The promises of a name are the tags that `packaging` expands it to, each once."""
    name = parse_name(f"demo-1.0-{tag_set}.whl")
    assert name is not None
    expanded = [promise.tag for promise in promises(name)]
    assert len(expanded) == len(set(expanded))
    if tag_set != "--":
        assert set(expanded) == {str(tag) for tag in parse_tag(tag_set)}
    else:
        assert expanded == ["--"]


def test_a_huge_set_is_cut() -> None:
    """No more than `MAX_TAGS` tags are looked at, however many the name expands to."""
    many = ".".join(f"cp3{number}" for number in range(100))
    name = parse_name(f"demo-1.0-{many}-{many}-{many}.whl")
    assert name is not None
    assert len(promises(name)) == MAX_TAGS


def test_a_shifted_name_promises_nothing() -> None:
    """Where a variant label shifts the parts, none of them is taken for a tag."""
    name = parse_name("demo-1.0-cp313-cp313-win_amd64-cu128.whl")
    assert name is not None
    assert promises(name) == ()


def test_universal_names_are_closed() -> None:
    """Each universal name stands for several architectures, sorted, and no other name does."""
    for name, architectures in MACOS_ARCHITECTURES.items():
        assert list(architectures) == sorted(architectures)
        assert parse_platform(f"macosx_10_9_{name}").architectures == architectures
    assert parse_platform("macosx_10_9_fat32").architectures == ("fat32",)


def test_promises_are_values() -> None:
    """Equal tags give equal promises, which can be keys."""
    one, other = parse_platform("win32"), parse_platform("win32")
    assert isinstance(one, PlatformPromise)
    assert {one: 1}[other] == 1
