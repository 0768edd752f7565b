"""Families `python_abi` and `linux`: the running Python imports what we are silent about, and nothing else."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import sysconfig
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from tests.builders import (
    BuiltWheel,
    ElfExport,
    ElfImport,
    ElfVersionNeed,
    build_elf,
    clean_elf,
    clean_macho,
    extension_wheel,
    replace,
)
from tests.rules.native_helpers import elf_wheel, judged, loud, native, with_files
from tests.rules.python_helpers import MAC, PYTHON

if TYPE_CHECKING:
    from pathlib import Path

HOST = re.match(r"(\d+)\.(\d+)", platform.libc_ver()[1])
GLIBC = (int(HOST[1]), int(HOST[2])) if HOST else (0, 0)
VERSION = f"{sys.version_info.major}{sys.version_info.minor}"
HERE = f"cp{VERSION}-cp{VERSION}-manylinux_2_17_x86_64"
HERE_MODULE = f"demo/_core.cpython-{VERSION}-x86_64-linux-gnu.so"
HERE_ABI3 = f"cp{VERSION}-abi3-manylinux_2_17_x86_64"
LOADS_HERE = (
    sys.platform == "linux"
    and platform.machine() == "x86_64"
    and platform.libc_ver()[0] == "glibc"
    and platform.python_implementation() == "CPython"
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
    and not hasattr(sys, "gettotalrefcount")
)
NEWER = f"GLIBC_{GLIBC[0]}.{GLIBC[1] + 2}"
INITIALISED = "SystemError: initialization of _core failed"
"""What Python says of the builders' module, which gives NULL: it was found, loaded and entered."""


def _imported(wheel: BuiltWheel, directory: Path, module: str = "demo._core") -> str:
    """The last line that a fresh interpreter of this Python says when it imports a module of the wheel."""
    zipfile.ZipFile(BytesIO(wheel.data)).extractall(directory)
    program = f"import sys; sys.path.insert(0, {str(directory)!r}); import {module}"
    ran = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == 1, ran.stderr
    return ran.stderr.strip().splitlines()[-1]


def _asking(*imports: ElfImport) -> BuiltWheel:
    return elf_wheel(HERE, imports=(PYTHON, *imports))


REAL = {
    "good": (elf_wheel(HERE), None, INITIALISED),
    "good-abi3": (elf_wheel(HERE_ABI3), None, INITIALISED),
    "good-bare-so": (extension_wheel(HERE, member="demo/_core.so"), None, INITIALISED),
    "good-without-section-headers": (elf_wheel(HERE, section_headers=False), None, INITIALISED),
    "weak-need-of-a-newer-version": (
        elf_wheel(HERE, version_needs=(ElfVersionNeed(library="libc.so.6", version=NEWER, weak=True),)),
        None,
        INITIALISED,
    ),
    "newer-version-needed": (
        _asking(ElfImport(symbol="memcpy", library="libc.so.6", version=NEWER)),
        "glibc-newer-than-tag",
        "ImportError",
    ),
    "weak-symbol-of-a-newer-version": (
        _asking(ElfImport(symbol="memcpy", library="libc.so.6", version=NEWER, weak=True)),
        "glibc-newer-than-tag",
        "ImportError",
    ),
    "newer-version-without-section-headers": (
        elf_wheel(
            HERE,
            section_headers=False,
            version_needs=(ElfVersionNeed(library="libc.so.6", version=NEWER),),
        ),
        "glibc-newer-than-tag",
        "ImportError",
    ),
    "newer-libgcc-needed": (
        elf_wheel(
            HERE,
            needed=("libc.so.6", "libgcc_s.so.1"),
            imports=(PYTHON, ElfImport(symbol="__x", library="libgcc_s.so.1", version="GCC_99.0.0")),
        ),
        "libstdcxx-newer-than-tag",
        "ImportError",
    ),
    "another-machine": (elf_wheel(HERE, machine="aarch64"), "binary-wrong-arch", "ImportError"),
    "machine-none": (elf_wheel(HERE, machine="none"), "binary-wrong-arch", "ImportError"),
    "another-system": (
        extension_wheel(HERE, binary=clean_macho(MAC)),
        "binary-wrong-format",
        "ImportError",
    ),
    "truncated": (extension_wheel(HERE, binary=build_elf(clean_elf(HERE))[:200]), "binary-malformed", "ImportError"),
    "no-initialiser": (elf_wheel(HERE, exports=()), "module-init-missing", "ImportError: dynamic module does not"),
    "initialiser-of-another-name": (
        elf_wheel(HERE, exports=(ElfExport(symbol="PyInit_core"),)),
        "module-init-missing",
        "ImportError: dynamic module does not",
    ),
    "library-not-there": (
        elf_wheel(HERE, needed=("libc.so.6", "libwheelaudit-absent.so.1")),
        "library-outside-policy",
        "ImportError: libwheelaudit-absent.so.1",
    ),
    "libpython-not-there": (
        elf_wheel(HERE, needed=("libc.so.6", "libpython3.99.so.1.0")),
        "libpython-linked",
        "ImportError: libpython3.99.so.1.0",
    ),
    "musl": (elf_wheel(HERE, needed=("libc.musl-x86_64.so.1",)), "libc-mismatch", "ImportError"),
    "suffix-of-another-python": (
        extension_wheel(HERE, member="demo/_core.cpython-399-x86_64-linux-gnu.so"),
        "extension-suffix-mismatch",
        "ModuleNotFoundError",
    ),
    "suffix-of-another-machine": (
        extension_wheel(HERE, member=f"demo/_core.cpython-{VERSION}-aarch64-linux-gnu.so"),
        "extension-suffix-mismatch",
        "ModuleNotFoundError",
    ),
    "suffix-of-a-debug-build": (
        extension_wheel(HERE, member=f"demo/_core.cpython-{VERSION}d-x86_64-linux-gnu.so"),
        "extension-suffix-mismatch",
        "ModuleNotFoundError",
    ),
    "windows-suffix": (
        extension_wheel(HERE, member=f"demo/_core.cp{VERSION}-win_amd64.pyd"),
        "extension-suffix-mismatch",
        "ModuleNotFoundError",
    ),
}


@pytest.mark.skipif(not LOADS_HERE, reason="the modules are for a usual CPython on x86-64 Linux with glibc")
@pytest.mark.parametrize(("wheel", "rule", "answer"), [pytest.param(*case, id=name) for name, case in REAL.items()])
def test_the_real_loader_agrees(wheel: BuiltWheel, rule: str | None, answer: str, tmp_path: Path) -> None:
    """Where we report an error the import fails in a child process, and where we are silent it gets to `PyInit`."""
    assert _imported(wheel, tmp_path).startswith(answer)
    assert [one.rule for one in loud(judged(wheel))] == ([] if rule is None else [rule])


@pytest.mark.skipif(not LOADS_HERE, reason="the modules are for a usual CPython on x86-64 Linux with glibc")
@pytest.mark.parametrize(
    ("initialiser", "rules", "answer"),
    [
        ("PyInit_fast", [], "SystemError: initialization of fast failed"),
        ("PyInit___init__", ["module-init-missing"], "ImportError: dynamic module does not"),
    ],
)
def test_the_real_loader_and_a_package_that_is_a_module(
    initialiser: str, rules: list[str], answer: str, tmp_path: Path
) -> None:
    """The file `__init__` of a package has the initialiser of the package, and a Python source beside it is not run."""
    binary = build_elf(replace(clean_elf(HERE), exports=(ElfExport(symbol=initialiser),)))
    files = {f"demo/fast/__init__.cpython-{VERSION}-x86_64-linux-gnu.so": binary, "demo/fast/__init__.py": b"1 / 0\n"}
    wheel = with_files(HERE, files)
    assert _imported(wheel, tmp_path, "demo.fast").startswith(answer)
    assert [one.rule for one in loud(judged(wheel))] == rules


@pytest.mark.skipif(not LOADS_HERE, reason="the modules are for a usual CPython on x86-64 Linux with glibc")
@pytest.mark.parametrize("stack", ["rwx", "absent"])
def test_the_real_loader_and_executable_stacks(stack: str, tmp_path: Path) -> None:
    """An executable stack is refused from glibc 2.41 on, and loads before: the error is about the newer ones."""
    wheel = elf_wheel(HERE, stack=stack)
    answer = _imported(wheel, tmp_path)
    assert answer.startswith("ImportError" if GLIBC >= (2, 41) else INITIALISED)
    assert [one.rule for one in native(judged(wheel))] == ["executable-stack"]


@pytest.mark.skipif(not LOADS_HERE, reason="the modules are for a usual CPython on x86-64 Linux with glibc")
@pytest.mark.parametrize("announced", [False, True])
def test_the_real_loader_and_relative_relocations(announced: bool, tmp_path: Path) -> None:
    """DT_RELR loads from glibc 2.36 on, with or without the version need that announces it."""
    needs = (ElfVersionNeed(library="libc.so.6", version="GLIBC_ABI_DT_RELR"),) if announced else ()
    wheel = elf_wheel(HERE, relr=True, version_needs=needs)
    answer = _imported(wheel, tmp_path)
    if announced:
        assert answer.startswith(INITIALISED if GLIBC >= (2, 36) else "ImportError")
    assert [one.rule for one in native(judged(wheel))] == ["glibc-newer-than-tag"]
