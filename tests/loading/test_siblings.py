"""Packages that are split between distributions: what a sibling may bring, and what is lost for all that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from auditor import Severity, audit
from tests.builders import (
    LIBSYSTEM,
    MachoLibrary,
    PeExport,
    PeSpec,
    WheelSpec,
    build_native,
    build_wheel,
    clean_elf,
    clean_macho,
    clean_pe,
    replace,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.findings import Report
    from tests.builders import NativeSpec

LINUX = "cp311-cp311-manylinux_2_17_x86_64"
WINDOWS = "cp311-cp311-win_amd64"
MACOS = "cp311-cp311-macosx_11_0_arm64"
INIT = {"demo/__init__.py": b""}
ADDS = {"demo/__init__.py": b"import os\nos.add_dll_directory(os.path.dirname(__file__))\n"}
LOADS = {"demo/__init__.py": b"import ctypes\nctypes.CDLL('x')\n"}
HASHED = "libSDL2-2-d9872e50.0.so.0.3000.7"
MANGLED = "demo.libs/zlib-f4f26ea6300c8449daad4650915e01ac.dll"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A wheel, and all that is said of the libraries that its module needs."""

    needs: tuple[str, ...]
    path: str | None = None
    """The module's search path."""
    at: str = "demo/"
    files: Mapping[str, NativeSpec | bytes] = field(default_factory=lambda: INIT)
    requires: tuple[str, ...] = ()
    found: tuple[tuple[str, Severity], ...]
    says: str = ""


def elf(case: Case) -> WheelSpec:
    """A Linux wheel."""
    module = replace(clean_elf(LINUX), needed=("libc.so.6", *case.needs), runpath=case.path)
    return wheel_of(LINUX, f"{case.at}_core.cpython-311-x86_64-linux-gnu.so", module, case)


def pe(case: Case) -> WheelSpec:
    """A Windows wheel."""
    clean = clean_pe(WINDOWS)
    module = replace(clean, imports={**clean.imports, **dict.fromkeys(case.needs, ("something",))})
    return wheel_of(WINDOWS, f"{case.at}_core.cp311-win_amd64.pyd", module, case)


def macho(case: Case) -> WheelSpec:
    """A wheel for macOS."""
    libraries = (LIBSYSTEM, *(MachoLibrary(name=one) for one in case.needs))
    module = replace(clean_macho(MACOS), libraries=libraries, rpaths=(case.path,) if case.path else ())
    return wheel_of(MACOS, f"{case.at}_core.cpython-311-darwin.so", module, case)


def wheel_of(tags: str, name: str, module: NativeSpec, case: Case) -> WheelSpec:
    """The wheel of a case."""
    members = {**case.files, name: module}
    built = {name: one if isinstance(one, bytes) else build_native(one) for name, one in members.items()}
    python, abi, platform = tags.split("-")
    headers = {"Requires-Dist": case.requires} if case.requires else {}
    return WheelSpec(python=python, abi=abi, platform=platform, members=built, headers=headers)


def judged(spec: WheelSpec) -> Report:
    """The report on a wheel."""
    wheel = build_wheel(spec)
    return audit(wheel.data, filename=wheel.filename)


def mangled(name: str) -> PeSpec:
    """A copy as delvewheel leaves it: the file has another name, and the export table the old one."""
    return PeSpec(dll_name=name, imports={"KERNEL32.dll": ("Sleep",)}, exports=(PeExport(symbol="something"),))


TOOL = PeSpec(is_dll=False, imports={"KERNEL32.dll": ("Sleep",), "Qt6Gui.dll": ("something",)})
OUTSIDE = (("library-outside-policy", Severity.ERROR),)
DOUBTED = (("library-outside-policy", Severity.WARNING),)
LOST = (("library-unresolved", Severity.ERROR),)
BROUGHT = (("library-from-dependency", Severity.INFO),)
RUNTIME = (("windows-runtime-missing", Severity.ERROR),)
CLUE = "$ORIGIN/Qt6/lib"
QT = ("demo-sip", "demo-Qt6>=6")
ON_LINUX = {
    "pyqt6": Case(needs=("libDemoCore.so.6",), path=CLUE, requires=QT, found=BROUGHT, says="; `demo-Qt6` may bring it"),
    "name-with-underscores": Case(needs=("libDemoCore.so.6",), path=CLUE, requires=("DEMO_qt6",), found=BROUGHT),
    "no-sibling": Case(needs=("libDemoCore.so.6",), path=CLUE, requires=("other-Qt6",), found=OUTSIDE),
    "name-that-only-begins-alike": Case(needs=("libDemoCore.so.6",), path=CLUE, requires=("demoqt6",), found=OUTSIDE),
    "no-search-path": Case(needs=("libDemoCore.so.6",), requires=QT, found=OUTSIDE),
    "sibling-of-another-name-than-the-directory": Case(
        needs=("libDemoCore.so.6",), path="$ORIGIN/lib", requires=QT, found=DOUBTED, says="`demo-sip` or `demo-Qt6`"
    ),
    "directory-that-the-wheel-fills": Case(
        needs=("libDemoCore.so.6",),
        path=CLUE,
        requires=QT,
        files={**INIT, "demo/Qt6/lib/readme.txt": b"here"},
        found=OUTSIDE,
    ),
    "sibling-on-windows-alone": Case(
        needs=("libDemoCore.so.6",), path=CLUE, requires=('demo-Qt6; sys_platform == "win32"',), found=OUTSIDE
    ),
    "runtime-of-a-compiler": Case(needs=("libgfortran.so.5",), path=CLUE, requires=QT, found=OUTSIDE),
    "copy-of-a-repairing-tool": Case(needs=(HASHED,), path=CLUE, requires=QT, found=LOST),
    "kivy-copy-that-was-lost": Case(
        needs=(HASHED,),
        path="$ORIGIN/../demo.libs",
        files=LOADS,
        requires=('demo-deps.sdl2; sys_platform == "win32"',),
        found=LOST,
    ),
    "kivy-copy-with-a-dependency-of-its-name": Case(
        needs=(HASHED,), path="$ORIGIN/../demo.libs", files=LOADS, requires=("demo-deps.sdl2",), found=LOST
    ),
    "directory-of-the-repair-spelled-otherwise": Case(
        needs=(HASHED,), path="$ORIGIN/../Demo.libs", requires=("demo-deps",), found=LOST
    ),
    "library-of-a-dependency-for-windows": Case(
        needs=("libSDL2.so.0",), files=LOADS, requires=('demo-deps.sdl2; os_name == "nt"',), found=OUTSIDE
    ),
    "library-of-a-dependency": Case(
        needs=("libSDL2.so.0",), files=LOADS, requires=("demo-deps.sdl2",), found=BROUGHT, says="`demo-deps.sdl2`"
    ),
    "namespace-with-a-package-of-its-own": Case(
        needs=("libfoo.so.1",),
        at="space/demo/",
        files={"space/demo/__init__.py": b""},
        requires=("pytz",),
        found=OUTSIDE,
    ),
    "namespace-two-deep": Case(
        needs=("libfoo.so.1",),
        at="space/demo/inner/",
        files={"space/demo/__init__.py": b""},
        requires=("pytz",),
        found=OUTSIDE,
    ),
    "package-that-begins-elsewhere": Case(
        needs=("libfoo.so.1",), at="space/demo/", files={}, requires=("pytz",), found=BROUGHT
    ),
    "copy-of-the-distribution-in-which-the-package-begins": Case(
        needs=(HASHED,), files={}, requires=("demo-core",), found=BROUGHT, says="`demo-core`"
    ),
}
RPATH = "@loader_path/Qt6/lib"
ON_MACOS = {
    "pyqt6": Case(
        needs=("@rpath/Core.framework/Versions/A/Core",), path=RPATH, requires=QT, found=BROUGHT, says="`demo-Qt6`"
    ),
    "path-in-the-name": Case(needs=("@loader_path/Qt6/lib/libcore.dylib",), requires=QT, found=BROUGHT),
    "no-sibling": Case(needs=("@rpath/libcore.dylib",), path=RPATH, requires=("other-Qt6",), found=LOST),
    "directory-that-the-wheel-fills": Case(
        needs=("@rpath/libcore.dylib",),
        path=RPATH,
        requires=QT,
        files={**INIT, "demo/Qt6/lib/readme.txt": b"here"},
        found=LOST,
    ),
    "another-directory": Case(needs=("@rpath/libcore.dylib",), path="@loader_path/.dylibs", requires=QT, found=LOST),
    "sibling-on-linux-alone": Case(
        needs=("@rpath/libcore.dylib",), path=RPATH, requires=("demo-Qt6; sys_platform == 'linux'",), found=LOST
    ),
    "namespace-with-a-package-of-its-own": Case(
        needs=("@rpath/libfoo.dylib",),
        at="space/demo/",
        files={"space/demo/__init__.py": b""},
        requires=("pytz",),
        found=LOST,
    ),
    "package-that-begins-elsewhere": Case(needs=("@rpath/libfoo.dylib",), files={}, requires=("pytz",), found=BROUGHT),
}
UNUSED = ("bundled-library-unused", Severity.INFO)
MAYBE = (("windows-runtime-missing", Severity.WARNING),)
ON_WINDOWS = {
    "pyqt6": Case(needs=("DemoCore.dll",), files=ADDS, requires=QT, found=BROUGHT, says="`demo-sip` or `demo-Qt6`"),
    "pyqt6-by-name": Case(needs=("Qt6Core.dll",), files=ADDS, requires=QT, found=BROUGHT, says="; `demo-Qt6` may"),
    "pyqt6-with-its-runtime": Case(
        needs=("Qt6Core.dll", "msvcp140.dll"), files=ADDS, requires=("demo-Qt6",), found=BROUGHT, says="2 libraries"
    ),
    "pyside6-addons": Case(
        needs=("Qt6Core.dll", "msvcp140.dll"),
        files={},
        requires=("demo_Essentials",),
        found=BROUGHT,
        says="2 libraries",
    ),
    "pyside6-program-beside-what-the-sibling-brings": Case(
        needs=("Qt6Core.dll",),
        files={"demo/tool.exe": TOOL},
        requires=("demo_Essentials",),
        found=BROUGHT,
        says="2 libraries",
    ),
    "program-without-a-sibling": Case(
        needs=(),
        files={**INIT, "demo/tool.exe": TOOL},
        requires=("numpy",),
        found=(("library-unresolved", Severity.WARNING),),
        says="a program also looks in PATH",
    ),
    "meshlib": Case(
        needs=("MRMesh-f4f26ea6300c8449daad4650915e01ac.dll",), files={}, requires=("demo-core",), found=BROUGHT
    ),
    "runtime-alone-may-be-lost": Case(
        needs=("msvcp140.dll",), files=ADDS, requires=QT, found=MAYBE, says="`demo-Qt6` may bring it"
    ),
    "runtime-alone-of-a-package-that-begins-elsewhere": Case(
        needs=("msvcp140.dll",), files={}, requires=QT, found=MAYBE, says="`__init__.py` is in another"
    ),
    "code-that-adds-no-directory": Case(needs=("msvcp140.dll",), requires=QT, found=RUNTIME),
    "code-that-adds-no-directory-for-any": Case(needs=("DemoCore.dll",), requires=QT, found=LOST),
    "no-sibling": Case(needs=("msvcp140.dll",), files=ADDS, requires=("numpy",), found=RUNTIME),
    "no-sibling-but-another-library": Case(
        needs=("DemoCore.dll", "msvcp140.dll"),
        files=ADDS,
        requires=("numpy",),
        found=(("library-unresolved", Severity.WARNING), *RUNTIME),
    ),
    "sibling-on-linux-alone": Case(
        needs=("msvcp140.dll",), files=ADDS, requires=('demo-Qt6; sys_platform == "linux"',), found=RUNTIME
    ),
    "copy-of-a-repairing-tool": Case(
        needs=("zlib-f4f26ea6300c8449daad4650915e01ac.dll",), files=ADDS, requires=QT, found=LOST
    ),
    "debug-runtime": Case(
        needs=("Qt6Core.dll", "msvcp140d.dll"),
        files=ADDS,
        requires=("demo-Qt6",),
        found=(*BROUGHT, ("windows-debug-runtime", Severity.ERROR)),
    ),
    "renamed-copy-of-a-library": Case(
        needs=("zlib.dll",), files={**INIT, MANGLED: mangled("zlib.dll")}, found=(UNUSED, *LOST)
    ),
    "renamed-copy-of-a-runtime": Case(
        needs=("msvcp140.dll",), files={**INIT, MANGLED: mangled("MSVCP140.dll")}, found=(UNUSED, *RUNTIME)
    ),
    "namespace-with-a-package-of-its-own": Case(
        needs=("foo.dll",), at="space/demo/", files={"space/demo/__init__.py": b""}, requires=("pytz",), found=LOST
    ),
}


def assert_found(spec: WheelSpec, case: Case) -> None:
    """What is said is what the case says."""
    report = judged(spec)
    assert not report.broken, report.not_judged
    found = sorted(
        ((one.rule, one.severity) for one in report.findings if one.family in {"loading", "windows", "linux"}), key=str
    )
    assert found == sorted(case.found, key=str), [one.message for one in report.findings]
    assert any(case.says in one.message for one in report.findings)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in ON_LINUX.items()])
def test_on_linux(case: Case) -> None:
    """A sibling brings what the search path looks for in its directory, and nothing else is excused by it."""
    assert_found(elf(case), case)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in ON_MACOS.items()])
def test_on_macos(case: Case) -> None:
    """dyld's search paths lead to a sibling as ld.so's do."""
    assert_found(macho(case), case)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in ON_WINDOWS.items()])
def test_on_windows(case: Case) -> None:
    """A sibling brings DLLs where the search goes beyond Windows' own; a runtime with them, and by itself perhaps."""
    assert_found(pe(case), case)
