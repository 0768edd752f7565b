"""What Windows and CPython provide on Windows: the packed names, and the questions about them."""

from __future__ import annotations

import gzip

import pytest

from auditor.platforms import windows
from auditor.platforms.refresh import windows_dlls

ARCHS = ("win32", "amd64", "arm64")
OFTEN_LINKED = (
    "advapi32",
    "bcrypt",
    "bcryptprimitives",
    "cfgmgr32",
    "comctl32",
    "comdlg32",
    "crypt32",
    "d3d11",
    "dbghelp",
    "dwmapi",
    "dxgi",
    "gdi32",
    "glu32",
    "hid",
    "iphlpapi",
    "kernel32",
    "mfplat",
    "mpr",
    "mscoree",
    "msvcrt",
    "ncrypt",
    "netapi32",
    "ntdll",
    "ole32",
    "oleaut32",
    "opengl32",
    "pdh",
    "powrprof",
    "propsys",
    "psapi",
    "rpcrt4",
    "secur32",
    "setupapi",
    "shell32",
    "shlwapi",
    "ucrtbase",
    "user32",
    "userenv",
    "uxtheme",
    "version",
    "winhttp",
    "winmm",
    "ws2_32",
    "wsock32",
    "wtsapi32",
)
"""What the system DLLs are that wheels link most."""


def test_the_rows_of_the_table() -> None:
    """Each row is a name in lower case, once and in order, with the architectures that have it."""
    rows = gzip.decompress(windows_dlls.TABLE.read_bytes()).decode("ascii").splitlines()
    names = [row.split(" ")[0] for row in rows]
    assert names == sorted(set(names))
    assert all(name == name.lower() and name.endswith((".dll", ".drv")) for name in names)
    assert all(set(row.split(" ")[1:]) <= set(ARCHS) for row in rows)
    assert {arch: sum(arch in row.split(" ")[1:] for row in rows) for arch in ARCHS} == {
        "win32": 1226,
        "amd64": 1422,
        "arm64": 2767,
    }


def test_a_refresh_reads_the_lists_as_syntax() -> None:
    """The table is made of the three lists, whatever else the source holds, and an absent list stops it."""
    lists = "import os\nignore_names_x86 = {'B.dll'}\nignore_names_x64 = {'a.dll'}\nother = {'c.dll'}\n"
    assert windows_dlls.build(lists + "ignore_names_arm64 = {'b.dll'}") == "a.dll amd64\nb.dll arm64 win32\n"
    with pytest.raises(SystemExit, match="arm64"):
        windows_dlls.build(lists)


@pytest.mark.parametrize("arch", ARCHS)
def test_what_everybody_links_is_there(arch: str) -> None:
    """The usual system DLLs are there on every architecture, however they are spelled."""
    for name in OFTEN_LINKED:
        assert windows.is_system_dll(f"{name}.dll", arch)
        assert windows.is_system_dll(f"{name.upper()}.DLL", arch)


@pytest.mark.parametrize("arch", ARCHS)
def test_what_windows_never_has(arch: str) -> None:
    """No redistributable runtime, Python, driver or debug runtime is among what Windows holds."""
    names = gzip.decompress(windows_dlls.TABLE.read_bytes()).decode("ascii").split()
    for name in names:
        assert windows.runtime_family(name) is None
        assert windows.shared_runtime(name) is None
        assert windows.parse_python_dll(name) is None
        assert not windows.is_debug_runtime(name)
        assert not windows.is_driver_dll(name)
    for name in ("msvcp140.dll", "vcruntime140.dll", "libgcc_s_seh-1.dll", "zlib1.dll", "sqlite3.dll", "d3dx9_43.dll"):
        assert not windows.is_system_dll(name, arch)


@pytest.mark.parametrize(
    ("name", "arch", "now", "in_7"),
    [
        ("kernel32.dll", "amd64", True, True),
        ("winspool.drv", "win32", True, True),
        ("d3d12.dll", "amd64", True, False),
        ("d3d12.dll", "win32", True, False),
        ("bluetoothapis.dll", "win32", True, False),
        ("combase.dll", "amd64", True, False),
        ("dxcore.dll", "arm64", True, False),
        ("bthprops.cpl", "win32", True, False),
        ("opengl32.dll", "arm64", True, False),
        ("mscoree.dll", "arm64", True, False),
        ("mscoree.dll", "amd64", True, True),
        ("api-ms-win-core-synch-l1-2-0.dll", "amd64", True, False),
        ("kernel32", "amd64", False, False),
        ("demo.dll", "amd64", False, False),
        ("kernel32.dll", "x86_64", False, False),
    ],
)
def test_system_dlls(name: str, arch: str, *, now: bool, in_7: bool) -> None:
    """What some Windows from 10 on has is a system DLL; what all from 7 on have is told apart."""
    assert windows.is_system_dll(name, arch) is now
    assert windows.is_in_windows_7(name, arch) is in_7


@pytest.mark.parametrize(
    ("name", "hit"),
    [
        ("api-ms-win-crt-runtime-l1-1-0.dll", True),
        ("API-MS-Win-Core-Path-L1-1-0.dll", True),
        ("ext-ms-win-ntuser-window-l1-1-0.dll", True),
        ("ext-ms-onecore-appmodel-l1-1-0", True),
        ("api-ms.dll", False),
        ("apim-ms-win-core.dll", False),
        ("kernel32.dll", False),
    ],
)
def test_api_sets(name: str, hit: bool) -> None:
    """An API set is told by its prefix."""
    assert windows.is_api_set(name) is hit


@pytest.mark.parametrize(
    ("name", "hit"),
    [
        ("nvcuda.dll", True),
        ("NVCUVID.dll", True),
        ("nvml.dll", True),
        ("vulkan-1.dll", True),
        ("OpenCL.dll", True),
        ("amdhip64.dll", True),
        ("amdhip64_6.dll", True),
        ("ze_loader.dll", True),
        ("nvEncodeAPI64.dll", True),
        ("wpcap.dll", True),
        ("msmpi.dll", True),
        ("cudart64_12.dll", False),
        ("cublas64_12.dll", False),
        ("nvrtc64_120_0.dll", False),
        ("vulkan.dll", False),
        ("opengl32.dll", False),
        ("myopencl.dll", False),
    ],
)
def test_driver_dlls(name: str, hit: bool) -> None:
    """What comes with a driver is told from what a CUDA toolkit lets one redistribute."""
    assert windows.is_driver_dll(name) is hit


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("msvcp140.dll", "C++"),
        ("MSVCP140_1.dll", "C++"),
        ("msvcp140_codecvt_ids.dll", "C++"),
        ("concrt140.dll", "C++"),
        ("vcomp140.dll", "OpenMP"),
        ("libiomp5md.dll", "OpenMP"),
        ("libomp.dll", "OpenMP"),
        ("libomp140.x86_64.dll", "OpenMP"),
        ("libgomp-1.dll", "OpenMP"),
        ("libstdc++-6.dll", "MinGW"),
        ("libgcc_s_dw2-1.dll", "MinGW"),
        ("libwinpthread-1.dll", "MinGW"),
        ("vcruntime140.dll", None),
        ("vcruntime140_1.dll", None),
        ("msvcp120.dll", None),
        ("msvcr100.dll", None),
        ("mfc140u.dll", None),
        ("ucrtbase.dll", None),
        ("msvcp140-0bd6f7928face97c8d3a59b02b1ca0ba.dll", None),
        ("msvcp140_clr0400.dll", None),
        ("msvcp140d.dll", None),
        ("libopenblas.dll", None),
    ],
)
def test_shared_runtimes(name: str, kind: str | None) -> None:
    """A runtime that several packages bring under one name, and that still changes, is told with its kind."""
    assert windows.shared_runtime(name) == kind


@pytest.mark.parametrize(
    ("version", "arch", "free_threaded", "expected"),
    [
        ((2, 7), "win32", False, {"python27.dll", "msvcr90.dll"}),
        ((3, 7), "amd64", False, {"python3.dll", "python37.dll", "vcruntime140.dll"}),
        ((3, 12), "amd64", False, {"python3.dll", "python312.dll", "vcruntime140.dll", "vcruntime140_1.dll"}),
        ((3, 12), "win32", False, {"python3.dll", "python312.dll", "vcruntime140.dll"}),
        ((3, 14), "arm64", True, {"python3t.dll", "python314t.dll", "vcruntime140.dll", "vcruntime140_1.dll"}),
        ((3, 15), "win32", False, {"python3.dll", "python3t.dll", "python315.dll", "vcruntime140.dll"}),
        ((3, 15), "win32", True, {"python3t.dll", "python315t.dll", "vcruntime140.dll"}),
    ],
)
def test_beside_python(version: tuple[int, int], arch: str, *, free_threaded: bool, expected: set[str]) -> None:
    """Beside `python.exe` are the DLLs of Python, those of the stable ABI and the runtime of the compiler."""
    assert windows.beside_python(version, arch, free_threaded=free_threaded) == expected


def test_nothing_beside_python_is_windows_own() -> None:
    """No Python ships a DLL that Windows has, or one that the C++ library is in."""
    for version in ((3, minor) for minor in range(8, 16)):
        for arch in ARCHS:
            beside = windows.beside_python(version, arch)
            assert not any(windows.is_system_dll(name, arch) for name in beside)
            assert not any(windows.shared_runtime(name) for name in beside | windows.in_dlls_directory(version, arch))


@pytest.mark.parametrize(
    ("version", "arch", "has", "lacks"),
    [
        ((3, 9), "amd64", {"libffi-7.dll", "libcrypto-1_1.dll", "libssl-1_1.dll"}, {"libcrypto-3.dll", "zlib1.dll"}),
        ((3, 11), "amd64", {"libffi-8.dll", "libcrypto-3.dll", "tk86t.dll"}, {"libffi-7.dll", "zlib1.dll"}),
        ((3, 13), "amd64", {"libffi-8.dll", "libssl-3.dll", "zlib1.dll", "sqlite3.dll"}, {"libcrypto-1_1.dll"}),
        ((3, 13), "arm64", {"libssl-3-arm64.dll"}, {"libssl-3.dll"}),
        ((3, 7), "amd64", set(), {"sqlite3.dll"}),
    ],
)
def test_in_dlls_directory(version: tuple[int, int], arch: str, has: set[str], lacks: set[str]) -> None:
    """`DLLs` holds what the modules of the standard library link, by the names of that version's libraries."""
    found = windows.in_dlls_directory(version, arch)
    assert has <= found
    assert not lacks & found
