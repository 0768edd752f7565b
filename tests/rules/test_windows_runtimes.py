"""Family `windows`: runtimes under everybody's name, and the protections of PE files."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.findings import Severity
from tests.builders import BuiltWheel, PeExport, PeSpec, clean_pe, extension_name, extension_wheel, replace
from tests.rules.native_helpers import (
    INIT,
    Planted,
    assert_planted,
    dll,
    judged,
    loud,
    params,
    pe_wheel,
    plain_wheel,
    with_files,
)

TAGS = "cp311-cp311-win_amd64"
WIN32 = "cp311-cp311-win32"
MODULE = extension_name(TAGS)
OTHERS = frozenset({"abi3-possible"})
"""Infos about something else in these wheels."""
POINTS = {"demo/__init__.py": b'import os\nos.add_dll_directory(os.path.join(os.path.dirname(__file__), "native"))\n'}
"""A package that tells the loader to look into its directory `native`."""
LOADS_ENGINE = {"demo/__init__.py": b'import ctypes\nctypes.CDLL("engine.dll")\n'}


def library(name: str, *needed: str, **changes: Any) -> PeSpec:
    """A library or program that gives `something`, and takes it of each of the DLLs."""
    return dll(name, *needed, **{"exports": (PeExport(symbol="something"),), **changes})


def module(*needed: str, tags: str = TAGS) -> PeSpec:
    """A clean module that needs further DLLs."""
    clean = clean_pe(tags)
    return replace(clean, imports={**clean.imports, **dict.fromkeys(needed, ("something",))})


def bringing(name: str, *, beside: str = "demo/") -> BuiltWheel:
    """A wheel whose module needs a DLL, and which brings it in a directory."""
    return with_files(TAGS, {f"{beside}{name}": library(name)}, binary=module(name))


UNMANGLED_CLEAN = {
    "nothing-bundled": extension_wheel(TAGS),
    "hash-in-the-name": with_files(
        TAGS,
        {"demo/msvcp140-0123456789abcdef0123456789abcdef.dll": library("msvcp140.dll")},
        binary=module("msvcp140-0123456789abcdef0123456789abcdef.dll"),
    ),
    "pythons-own": bringing("vcruntime140.dll"),
    "pythons-own-for-exceptions": bringing("vcruntime140_1.dll"),
    "last-of-its-line": bringing("msvcp120.dll"),
    "mfc": bringing("mfc140u.dll"),
    "no-runtime": bringing("zlib1.dll"),
    "nobody-needs-it": with_files(TAGS, {"demo/msvcp140.dll": library("msvcp140.dll")}),
    "a-programs-own": with_files(
        TAGS,
        {
            "demo/bin/tool.exe": library("tool.exe", "msvcp140.dll", is_dll=False),
            "demo/bin/msvcp140.dll": library("msvcp140.dll"),
        },
    ),
    "a-programs-own-by-a-library": plain_wheel(
        TAGS,
        {
            MODULE: clean_pe(TAGS),
            "demo/bin/tool.exe": library("tool.exe", "engine.dll", is_dll=False),
            "demo/bin/engine.dll": library("engine.dll", "msvcp140.dll"),
            "demo/bin/msvcp140.dll": library("msvcp140.dll"),
            **LOADS_ENGINE,
        },
    ),
    "delay-import": with_files(
        TAGS,
        {"demo/concrt140.dll": library("concrt140.dll")},
        binary=replace(clean_pe(TAGS), delay_imports={"concrt140.dll": ("something",)}),
    ),
    "another-machine": with_files(
        TAGS, {"demo/native/arm64/libomp.dll": library("libomp.dll", machine="arm64")}, binary=clean_pe(TAGS)
    ),
}


def unmangled(wheel: BuiltWheel, member: str | None, *says: str, severity: Severity = Severity.WARNING) -> Planted:
    """A wheel that brings a runtime which others bring as well."""
    return Planted(
        wheel=wheel,
        rule="windows-runtime-unmangled",
        member=member,
        arch=None,
        severity=severity,
        says=says,
        infos=OTHERS,
    )


UNMANGLED_DIRTY = {
    "arrow-44855-beside-the-module": unmangled(bringing("msvcp140.dll"), "demo/msvcp140.dll", "`demo/msvcp140.dll`"),
    "capitals": unmangled(
        with_files(TAGS, {"demo/MSVCP140.dll": library("MSVCP140.dll")}, binary=module("msvcp140.dll")),
        "demo/MSVCP140.dll",
    ),
    "companion": unmangled(bringing("msvcp140_atomic_wait.dll"), "demo/msvcp140_atomic_wait.dll"),
    "openmp-of-intel": unmangled(bringing("libiomp5md.dll"), "demo/libiomp5md.dll"),
    "openmp-of-llvm": unmangled(bringing("libomp.dll"), "demo/libomp.dll"),
    "mingw": unmangled(bringing("libwinpthread-1.dll"), "demo/libwinpthread-1.dll"),
    "through-a-library": unmangled(
        with_files(
            TAGS,
            {"demo/engine.dll": library("engine.dll", "msvcp140.dll"), "demo/msvcp140.dll": library("msvcp140.dll")},
            binary=module("engine.dll"),
        ),
        "demo/msvcp140.dll",
    ),
    "qt-beside-a-program-that-uses-it-too": unmangled(
        with_files(
            TAGS,
            {
                "demo/native/engine.dll": library("engine.dll", "msvcp140.dll"),
                "demo/native/msvcp140.dll": library("msvcp140.dll"),
                "demo/native/tool.exe": library("tool.exe", "engine.dll", is_dll=False),
                **POINTS,
            },
            binary=module("engine.dll"),
        ),
        "demo/native/msvcp140.dll",
    ),
    "where-the-code-points-to": unmangled(
        plain_wheel(
            TAGS,
            {MODULE: module("msvcp140.dll"), "demo/native/msvcp140.dll": library("msvcp140.dll"), **POINTS},
        ),
        "demo/native/msvcp140.dll",
    ),
    "of-a-library-that-the-code-loads": unmangled(
        plain_wheel(
            TAGS,
            {
                "demo/engine.dll": library("engine.dll", "msvcp140.dll"),
                "demo/msvcp140.dll": library("msvcp140.dll"),
                **LOADS_ENGINE,
            },
        ),
        "demo/msvcp140.dll",
    ),
    "several-are-one-finding": unmangled(
        with_files(
            TAGS,
            {f"demo/{name}": library(name) for name in ("libgcc_s_seh-1.dll", "libstdc++-6.dll")},
            binary=module("libgcc_s_seh-1.dll", "libstdc++-6.dll"),
        ),
        None,
        "`libgcc_s_seh-1.dll`, `libstdc++-6.dll`",
    ),
}


@pytest.mark.parametrize("wheel", params(UNMANGLED_CLEAN))
def test_runtimes_that_clash_with_nobody(wheel: BuiltWheel) -> None:
    """A name with a hash, Python's own, a program's copy or one that nothing loads is no finding."""
    assert [one.message for one in judged(wheel).findings if one.rule == "windows-runtime-unmangled"] == []


@pytest.mark.parametrize("case", params(UNMANGLED_DIRTY))
def test_windows_runtime_unmangled(case: Planted) -> None:
    """A runtime under everybody's name, from where the process of Python takes it, is one warning."""
    assert_planted(case)


def test_a_runtime_names_who_takes_it() -> None:
    """The evidence has the DLL and the file that imports it, and the help is about that kind of runtime."""
    (cpp,) = loud(judged(bringing("msvcp140.dll")))
    assert (cpp.evidence[0].member, cpp.evidence[0].library) == (MODULE, "msvcp140.dll")
    assert "delvewheel" in cpp.help
    (openmp,) = loud(judged(bringing("libiomp5md.dll")))
    assert "intel-openmp" in openmp.help
    assert "delvewheel" not in openmp.help


def test_the_openmp_of_visual_cpp_is_an_info() -> None:
    """`vcomp140.dll` is shared without known harm: it is told, and with another runtime it is part of the warning."""
    (told,) = [one for one in judged(bringing("vcomp140.dll")).findings if one.rule == "windows-runtime-unmangled"]
    assert told.severity is Severity.INFO
    both = with_files(
        TAGS,
        {f"demo/{name}": library(name) for name in ("vcomp140.dll", "msvcp140.dll")},
        binary=module("vcomp140.dll", "msvcp140.dll"),
    )
    (warned,) = loud(judged(both))
    assert warned.severity is Severity.WARNING
    assert len(warned.evidence) == 2


def test_a_wheel_for_every_system_is_not_judged() -> None:
    """Windows files in a wheel without a Windows tag are none of this family's business."""
    files = {
        "demo/engine.dll": library("engine.dll", "msvcp140.dll", dll_characteristics=0),
        "demo/msvcp140.dll": library("msvcp140.dll", dll_characteristics=0),
    }
    report = judged(plain_wheel("py3-none-any", {**INIT, **files}))
    assert {one.rule for one in report.findings}.isdisjoint({"windows-runtime-unmangled", "windows-mitigations"})


# ---------------------------------------------------------------------------------------------------------- mitigations

NX, ASLR, HIGH = 0x100, 0x40, 0x20
EXECUTABLE_IMAGE, LARGE, STRIPPED = 0x2, 0x20, 0x1


def program(machine: str, **changes: Any) -> PeSpec:
    """A program for a machine."""
    return library("tool.exe", is_dll=False, machine=machine, **changes)


MITIGATED = {
    "all": extension_wheel(TAGS),
    "high-entropy-alone-is-missing": pe_wheel(TAGS, dll_characteristics=NX | ASLR),
    "a-dll-has-the-dep-of-its-program": pe_wheel(TAGS, dll_characteristics=ASLR | HIGH),
    "64-bit-always-has-dep": with_files(TAGS, {"demo/tool.exe": program("amd64", dll_characteristics=ASLR)}),
    "32-bit": pe_wheel(WIN32, dll_characteristics=NX | ASLR),
    "arm64-moves-every-image": pe_wheel("cp311-cp311-win_arm64", dll_characteristics=0),
    "resources-alone": with_files(TAGS, {"demo/icudt.dll": PeSpec(dll_name="icudt.dll", dll_characteristics=0)}),
    "kernel-driver": with_files(TAGS, {"demo/demo64.sys": library("demo64.sys", dll_characteristics=0, subsystem=1)}),
    "another-machine": with_files(TAGS, {"demo/tool-32.exe": program("i386", dll_characteristics=0)}),
}
UNMITIGATED = {
    "mingw-of-before-2021": Planted(
        wheel=pe_wheel(TAGS, dll_characteristics=0, linker_version=(2, 35)),
        rule="windows-mitigations",
        member=MODULE,
        arch="amd64",
        severity=Severity.WARNING,
        infos=OTHERS,
        says=("without ASLR",),
        shows={
            "member": MODULE,
            "text": "no DYNAMIC_BASE, NX_COMPAT, HIGH_ENTROPY_VA (DllCharacteristics 0x0000, linker 2.35)",
        },
    ),
    "32-bit": Planted(
        wheel=pe_wheel(WIN32, dll_characteristics=NX),
        rule="windows-mitigations",
        member=extension_name(WIN32),
        arch="win32",
        severity=Severity.WARNING,
        infos=OTHERS,
        shows={"text": "no DYNAMIC_BASE (DllCharacteristics 0x0100"},
    ),
    "program-without-relocations": Planted(
        wheel=with_files(
            TAGS, {"demo/tool.exe": program("amd64", characteristics=EXECUTABLE_IMAGE | LARGE | STRIPPED)}
        ),
        rule="windows-mitigations",
        member="demo/tool.exe",
        severity=Severity.WARNING,
        infos=OTHERS,
        says=("without ASLR",),
        shows={"text": "`demo/tool.exe`: relocations stripped"},
    ),
    "32-bit-program-without-dep": Planted(
        wheel=with_files(WIN32, {"demo/tool.exe": program("i386", dll_characteristics=ASLR)}),
        rule="windows-mitigations",
        member="demo/tool.exe",
        severity=Severity.WARNING,
        infos=OTHERS,
        says=("without DEP",),
    ),
    "several-are-one-finding": Planted(
        wheel=with_files(
            TAGS,
            {
                "demo/a.dll": library("a.dll", dll_characteristics=0),
                "demo/b.dll": library("b.dll", dll_characteristics=0),
            },
        ),
        rule="windows-mitigations",
        member=None,
        severity=Severity.WARNING,
        infos=OTHERS,
        says=("2 files", "without ASLR"),
    ),
}


@pytest.mark.parametrize("wheel", params(MITIGATED))
def test_protected_files(wheel: BuiltWheel) -> None:
    """Files with the protections, and those that have no use of them, are no finding."""
    assert [one.message for one in judged(wheel).findings if one.rule == "windows-mitigations"] == []


@pytest.mark.parametrize("case", params(UNMITIGATED))
def test_windows_mitigations(case: Planted) -> None:
    """Files at a fixed address, and 32-bit programs without DEP, are one warning a wheel."""
    assert_planted(case)


def test_many_unprotected_files_are_shown_in_part() -> None:
    """The message counts them all, and the evidence stops at twenty."""
    files = {
        f"demo/part{number:02}.dll": library(f"part{number:02}.dll", dll_characteristics=0) for number in range(23)
    }
    (finding,) = [one for one in judged(with_files(TAGS, files)).findings if one.rule == "windows-mitigations"]
    assert "23 files" in finding.message
    assert len(finding.evidence) == 20


def test_clean_wheels_stay_silent() -> None:
    """A module as current tools build it gives nothing of this family."""
    for tags in (TAGS, WIN32, "cp311-cp311-win_arm64"):
        assert [one.message for one in judged(extension_wheel(tags)).findings if one.family == "windows"] == []
