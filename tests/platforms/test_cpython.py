"""File names of extension modules, against the interpreters themselves."""

from __future__ import annotations

import importlib.machinery
import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from auditor.platforms.cpython import (
    NEWEST,
    Interpreter,
    SuffixKind,
    imports_suffix,
    interpreters,
    parse_extension_name,
    says_musl,
)
from auditor.platforms.promise import Implementation, Promise, parse_abi, parse_platform, parse_python
from auditor.rules.python_abi.modules import importable

X86 = "manylinux_2_17_x86_64"
VERSIONS = tuple((3, minor) for minor in range(6, NEWEST[1] + 1))


def cpython(minor: int, *, free_threaded: bool = False) -> Interpreter:
    """A CPython 3."""
    return Interpreter(implementation=Implementation.CPYTHON, version=(3, minor), free_threaded=free_threaded)


def installed() -> list[str]:
    """The running interpreter, and every CPython 3 that pyenv has installed beside it."""
    root = Path(sys.base_prefix).parent
    beside = sorted(str(path) for path in root.glob("3.*/bin/python") if (root.parent / "versions") == root)
    return [sys.executable, *beside]


def suffixes_of(executable: str) -> tuple[tuple[int, int], bool, list[str]]:
    """Version, free threading and the suffixes that an interpreter looks for."""
    if executable == sys.executable:
        threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
        return sys.version_info[:2], threaded, list(importlib.machinery.EXTENSION_SUFFIXES)
    program = (
        "import importlib.machinery, json, sys, sysconfig;"
        "print(json.dumps([list(sys.version_info[:2]), bool(sysconfig.get_config_var('Py_GIL_DISABLED')),"
        " importlib.machinery.EXTENSION_SUFFIXES]))"
    )
    output = subprocess.run([executable, "-I", "-S", "-c", program], capture_output=True, check=True, text=True).stdout
    (major, minor), threaded, suffixes = json.loads(output)
    return (major, minor), threaded, suffixes


def native_platform() -> str:
    """A platform tag of the machine that the tests run on."""
    machine = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    if machine.startswith("linux_"):
        musl = "musl" in str(sysconfig.get_config_var("SOABI"))
        return machine.replace("linux_", "musllinux_1_2_" if musl else "manylinux_2_17_")
    return machine


@pytest.mark.parametrize("executable", installed())
def test_what_an_interpreter_looks_for_is_importable(executable: str) -> None:
    """Every suffix that an installed CPython looks for is understood, and is importable for it and its platform."""
    version, threaded, suffixes = suffixes_of(executable)
    interpreter = Interpreter(implementation=Implementation.CPYTHON, version=version, free_threaded=threaded)
    assert suffixes
    for suffix in suffixes:
        name = parse_extension_name(f"module{suffix}")
        assert name is not None, suffix
        assert (name.module, name.suffix) == ("module", suffix)
        assert imports_suffix(interpreter, name), suffix
        assert importable(name, interpreter, parse_platform(native_platform())), suffix


@pytest.mark.parametrize("executable", installed())
def test_what_an_interpreter_does_not_look_for_is_not_importable(executable: str) -> None:
    """The own suffixes of other versions, of debug and of free-threaded builds are not importable."""
    version, threaded, suffixes = suffixes_of(executable)
    interpreter = Interpreter(implementation=Implementation.CPYTHON, version=version, free_threaded=threaded)
    own = next(suffix for suffix in suffixes if "cpython" in suffix or ".cp3" in suffix)
    digits = f"{version[0]}{version[1]}"
    others = {own.replace(digits, f"3{minor}") for _, minor in VERSIONS if (3, minor) != version}
    others |= {own.replace(digits, digits + flag) for flag in ("t", "d", "td") if not threaded}
    for suffix in others - set(suffixes):
        name = parse_extension_name(f"module{suffix}")
        assert name is not None, suffix
        assert not importable(name, interpreter, parse_platform(native_platform())), suffix


SUFFIXES_OF_3_15 = {
    False: (
        ".cpython-315-x86_64-linux-gnu.so",
        ".abi3-x86_64-linux-gnu.so",
        ".abi3.so",
        ".abi3t-x86_64-linux-gnu.so",
        ".abi3t.so",
        ".so",
    ),
    True: (".cpython-315t-x86_64-linux-gnu.so", ".abi3t-x86_64-linux-gnu.so", ".abi3t.so", ".so"),
}
"""`_PyImport_DynLoadFiletab` of CPython 3.15 on x86-64 Linux, with the GIL and without."""


@pytest.mark.parametrize("free_threaded", [False, True])
@pytest.mark.parametrize("suffix", sorted({one for several in SUFFIXES_OF_3_15.values() for one in several}))
def test_the_suffixes_of_3_15(suffix: str, *, free_threaded: bool) -> None:
    """CPython 3.15 looks for abi3t, and for a platform behind the stable ABI; a free-threaded one not for abi3."""
    name = parse_extension_name(f"module{suffix}")
    assert name is not None
    wanted = suffix in SUFFIXES_OF_3_15[free_threaded]
    assert imports_suffix(cpython(15, free_threaded=free_threaded), name) is wanted
    assert importable(name, cpython(15, free_threaded=free_threaded), parse_platform(X86)) is wanted


@pytest.mark.parametrize(
    ("filename", "interpreter", "platform", "hit"),
    [
        ("m.abi3.so", cpython(8), X86, True),
        ("m.abi3.so", cpython(14, free_threaded=True), X86, True),
        ("m.abi3t.so", cpython(14, free_threaded=True), X86, False),
        ("m.abi3-x86_64-linux-gnu.so", cpython(14), X86, False),
        ("m.abi3.so", Interpreter(implementation=Implementation.PYPY, version=(3, 10)), X86, False),
        ("m.so", Interpreter(implementation=Implementation.PYPY, version=(3, 10)), X86, True),
        (
            "m.pypy310-pp73-x86_64-linux-gnu.so",
            Interpreter(implementation=Implementation.PYPY, version=(3, 10)),
            X86,
            True,
        ),
        (
            "m.pypy39-pp73-x86_64-linux-gnu.so",
            Interpreter(implementation=Implementation.PYPY, version=(3, 10)),
            X86,
            False,
        ),
        (
            "m.pypy310-pp73-win_amd64.pyd",
            Interpreter(implementation=Implementation.PYPY, version=(3, 10)),
            "win_amd64",
            True,
        ),
        (
            "m.graalpy242-311-native-x86_64-linux.so",
            Interpreter(implementation=Implementation.GRAALPY, version=(3, 11)),
            X86,
            True,
        ),
        (
            "m.cpython-311-x86_64-linux-gnu.so",
            Interpreter(implementation=Implementation.PYPY, version=(3, 11)),
            X86,
            False,
        ),
        ("m.cp311-win_amd64.pyd", cpython(11), "win_amd64", True),
        ("m.cp311-win32.pyd", cpython(11), "win_amd64", False),
        ("m.cp311-win_amd64.pyd", cpython(11), X86, False),
        ("m.cp313t-win_amd64.pyd", cpython(13, free_threaded=True), "win_amd64", True),
        ("m.cp313t-win_amd64.pyd", cpython(13), "win_amd64", False),
        ("m.pyd", cpython(11), "win_arm64", True),
        ("m.so", cpython(11), "win_amd64", False),
        ("m_d.cp311-win_amd64.pyd", cpython(11), "win_amd64", True),
        ("m.cpython-311-darwin.so", cpython(11), "macosx_11_0_arm64", True),
        ("m.cpython-311-darwin.so", cpython(11), X86, False),
        ("m.cpython-311-x86_64-linux-gnu.so", cpython(11), "macosx_11_0_x86_64", False),
        ("m.cpython-311-aarch64-linux-gnu.so", cpython(11), X86, False),
        ("m.cpython-311-x86_64-linux-musl.so", cpython(11), "musllinux_1_2_x86_64", True),
        ("m.cpython-311-x86_64-linux-gnu.so", cpython(11), "musllinux_1_2_x86_64", False),
        ("m.cpython-39-x86_64-linux-gnu.so", cpython(9), "musllinux_1_2_x86_64", True),
        ("m.cpython-311-x86_64-linux-musl.so", cpython(11), X86, False),
        ("m.cpython-36m-x86_64-linux-gnu.so", cpython(6), X86, True),
    ],
)
def test_importable(filename: str, interpreter: Interpreter, platform: str, *, hit: bool) -> None:
    """A module is importable by the interpreters that look for its file name, on the platform that it names."""
    name = parse_extension_name(filename)
    assert name is not None
    assert importable(name, interpreter, parse_platform(platform)) is hit


@pytest.mark.parametrize(
    "filename",
    ["m.py", "m.so.1", "libfoo-1.so", "1m.so", "m.abi3.pyd", "m.dylib", "m.dll", ".so", "m.cpython-311.so.bak"],
)
def test_what_no_interpreter_imports_is_no_extension_name(filename: str) -> None:
    """Libraries and names that are no identifiers are no modules."""
    assert parse_extension_name(filename) is None


@pytest.mark.parametrize(
    ("filename", "kind", "version", "platform"),
    [
        ("m.cpython-38-x86_64-linux-gnu.so", SuffixKind.CPYTHON, (3, 8), "x86_64-linux-gnu"),
        ("m.cpython-311.so", SuffixKind.CPYTHON, (3, 11), None),
        ("m.abi3.so", SuffixKind.ABI3, None, None),
        ("m.abi3t-darwin.so", SuffixKind.ABI3T, None, "darwin"),
        ("m.pypy310-pp73-darwin.so", SuffixKind.PYPY, (3, 10), "darwin"),
        ("\u00fcber.so", SuffixKind.PLAIN, None, None),
        ("m.pyd", SuffixKind.PLAIN, None, None),
    ],
)
def test_parts_of_an_extension_name(
    filename: str, kind: SuffixKind, version: tuple[int, int] | None, platform: str | None
) -> None:
    """A file name is taken apart into module, kind, version and platform."""
    name = parse_extension_name(filename)
    assert name is not None
    assert (name.kind, name.version, name.platform) == (kind, version, platform)
    assert name.module == filename.partition(".")[0]
    assert name.windows is filename.endswith(".pyd")


def test_a_clean_debug_wheel_selects_no_released_interpreter() -> None:
    """Debug builds are not released: what they import is not judged by a release build."""
    tag = Promise(python=parse_python("cp312"), abi=parse_abi("cp312d"), platform=parse_platform(X86))
    assert interpreters(tag) == ()


def test_musl_is_named_from_3_11_on() -> None:
    """CPython's own suffix names musl from 3.11 on."""
    assert next(version for version in VERSIONS if says_musl(version)) == (3, 11)
