"""Windows: which DLLs a wheel may expect to find, and which it must bring.

Sources: the files of python.org's installers (measured for 2.7 to 3.15: `vcruntime140.dll` from 3.5,
`vcruntime140_1.dll` from 3.8 on 64-bit builds, never `msvcp140.dll`); the file lists of stock Windows 7 to 11
(data/windows_dlls.txt.gz, see its provenance); the names of Microsoft's redistributable packages and of the MinGW-w64
and LLVM runtimes.
"""

from __future__ import annotations

import functools
import re

KNOWN_AT = "2026-11-22"
_SYSTEM_RUNTIMES = frozenset(
    {"msvcrt.dll", "ucrtbase.dll", "msvcp_win.dll", "msvcp60.dll", "msvcp110_win.dll", "msvcrt20.dll", "msvcrt40.dll"}
    | {"mfc40.dll", "mfc40u.dll", "mfc42.dll", "mfc42u.dll"}
)
"""C and C++ runtimes that Windows itself holds in System32."""
_VISUAL_CPP = re.compile(
    r"(msvcp\d+(_\w+)?|msvcr\d+|vcruntime\d+(_\w+)?|concrt\d+|vcomp\d+|vcamp\d+|vccorlib\d+|mfc\d+\w*|mfcm\d+\w*"
    r"|atl\d+|libomp140\.\w+)\.dll",
    re.ASCII,
)
_MINGW = re.compile(
    r"(libgcc_s_\w+-\d+|libgcc_s_[a-z]+|libstdc\+\+-\d+|libwinpthread-\d+|libgfortran-\d+|libquadmath-\d+|libgomp-\d+"
    r"|libssp-\d+|libatomic-\d+|libc\+\+|libunwind|cygwin1|msys-2\.0)\.dll",
    re.ASCII,
)
_CPP_140 = re.compile(r"(msvcp140(_(1|2|atomic_wait|codecvt_ids))?|concrt140|vccorlib140|vcamp140)\.dll", re.ASCII)
_OPENMP = re.compile(r"(vcomp140|libomp|libomp140\.(x86_64|i386|aarch64)|libiomp5md|libgomp-\d+)\.dll", re.ASCII)
_DEBUG_RUNTIME = re.compile(
    r"(msvcp\d+(_\w+)?d|msvcr\d+d|msvcrtd|vcruntime\d+(_\w+)?d|ucrtbased|concrt\d+d|vcomp\d+d|vcamp\d+d|vccorlib\d+d"
    r"|mfcm?\d+u?d)\.dll",
    re.ASCII,
)
_API_SET = re.compile(r"(api|ext)-ms-[a-z0-9-]+(\.dll)?", re.ASCII)
_DRIVER = re.compile(
    r"(nvcuda|nvcuvid|nvapi(64)?|nvencodeapi(64)?|nvofapi(64)?|nvml|nvoptix|vulkan-1|opencl|amdhip64(_\d+)?|atiadlx[xy]"
    r"|amfrt(64|32)|ze_loader|ze_intel_(gpu|npu)\w*|libmfxhw(64|32)|wpcap|packet|winfsp-(x64|x86|a64)|msmpi"
    r"|visa(32|64)|libusb0)\.dll",
    re.ASCII,
)
"""NVIDIA, AMD and Intel graphics, the Vulkan and OpenCL loaders that come with them, Npcap, WinFsp, MS-MPI, VISA and
libusb-win32: each is, or talks to, something that only an installer can put in place."""
_ADDED = frozenset({"combase.dll", "dxcore.dll", "icu.dll", "bthprops.cpl", "irprops.cpl"})
"""What the table cannot have: `combase.dll` is left out there on purpose, two came with Windows 10 1903, and the
others have a suffix that it does not list."""
_HOLDING = {"win32": ("win32", "amd64", "arm64"), "amd64": ("amd64", "arm64"), "arm64": ("arm64", "amd64")}
"""The lists of the table that say what Windows holds for an architecture. Some are on 32-bit Windows alone."""
_PYTHON_DLL = re.compile(r"python(?P<major>\d)(?P<minor>\d*)(?P<threaded>t?)(?P<debug>_d)?\.dll", re.ASCII)


def runtime_family(dll: str) -> str | None:
    """Whose redistributable runtime `dll` is (`Visual C++` or `MinGW`), or None where it is no such runtime."""
    name = dll.lower()
    if name in _SYSTEM_RUNTIMES or _DEBUG_RUNTIME.fullmatch(name) or name.endswith("_clr0400.dll"):
        return None
    if _VISUAL_CPP.fullmatch(name):
        return "Visual C++"
    if _MINGW.fullmatch(name):
        return "MinGW"
    return None


def is_debug_runtime(dll: str) -> bool:
    """Whether `dll` is a debug C or C++ runtime, which Microsoft does not let anybody redistribute."""
    return _DEBUG_RUNTIME.fullmatch(dll.lower()) is not None


def shared_runtime(dll: str) -> str | None:
    """The kind of a runtime that is still developed under an unchanging name (`C++`, `OpenMP`, `MinGW`); else None.

    Windows gives a process one DLL of a name, so the copies of several packages meet. `vcruntime140.dll` is none of
    them: `python.exe` has loaded its own before any package, and that one serves all. The C++ libraries before
    `msvcp140.dll` have long had their last version, and MFC is used by hardly more than one package of a process.
    """
    name = dll.lower()
    if _CPP_140.fullmatch(name):
        return "C++"
    if _OPENMP.fullmatch(name):
        return "OpenMP"
    return "MinGW" if _MINGW.fullmatch(name) else None


def runtimes_of_cpython(version: tuple[int, int], arch: str) -> frozenset[str]:
    """The runtime DLLs that lie beside `python.exe` of that version for `arch` (`amd64`, `win32`, `arm64`)."""
    if version <= (3, 2):
        return frozenset({"msvcr90.dll"})
    if version <= (3, 4):
        return frozenset({"msvcr100.dll"})
    if version >= (3, 8) and arch != "win32":
        return frozenset({"vcruntime140.dll", "vcruntime140_1.dll"})
    return frozenset({"vcruntime140.dll"})


def runtimes_of_pypy() -> frozenset[str]:
    """The runtime DLLs in PyPy's archives for Windows: those of its own compiler, C++ among them."""
    return frozenset({"vcruntime140.dll", "vcruntime140_1.dll", "msvcp140.dll"})


class PythonDll:
    """The name of a Python DLL, taken apart."""

    def __init__(self, match: re.Match[str]) -> None:
        self.major = int(match["major"])
        self.minor = int(match["minor"]) if match["minor"] else None
        """None for `python3.dll`, which carries the stable ABI alone."""
        self.free_threaded = bool(match["threaded"])
        self.debug = bool(match["debug"])


def parse_python_dll(dll: str) -> PythonDll | None:
    """The parts of `python3.dll`, `python312.dll`, `python313t_d.dll` and the like; None for any other DLL."""
    match = _PYTHON_DLL.fullmatch(dll.lower())
    return PythonDll(match) if match else None


def is_api_set(dll: str) -> bool:
    """Whether `dll` is a contract that the loader maps to a system DLL, and no file (Microsoft, Windows API sets)."""
    return _API_SET.fullmatch(dll.lower()) is not None


def is_system_dll(dll: str, arch: str) -> bool:
    """Whether stock Windows holds `dll` in System32 for a process of `arch` (`win32`, `amd64`, `arm64`).

    True where some Windows from 10 on does: no supported CPython runs on an older one. API sets count. The table has
    what *all* discs of an architecture hold, those of Windows 7 for x86 as well; what came later it has from arm64,
    and what the first Windows for arm64 lacked (`opengl32.dll`, `mscoree.dll`) from amd64.
    """
    name = dll.lower()
    if is_api_set(name) or name in _ADDED or name.endswith("_clr0400.dll"):  # of the .NET Framework, part of Windows
        return True
    return any(name in _stock(one) for one in _HOLDING.get(arch, ()))


def is_in_windows_7(dll: str, arch: str) -> bool:
    """Whether every stock Windows from 7 to 11 holds `dll` for `arch`; on arm64 every one from 10 on."""
    return dll.lower() in _stock(arch)


def is_driver_dll(dll: str) -> bool:
    """Whether `dll` comes with a device driver: on no stock Windows, and useless in a wheel."""
    return _DRIVER.fullmatch(dll.lower()) is not None


def beside_python(version: tuple[int, int], arch: str, *, free_threaded: bool = False) -> frozenset[str]:
    """The DLLs, in lower case, that lie in the directory of `python.exe` of that CPython: any module finds them.

    From 3.15 on a build with the GIL has a `python3t.dll` as well, so that abi3t modules load there (CPython,
    PC/layout/main.py). A free-threaded one has no `python3.dll`: where an installer puts both builds into one
    directory, that is the other build's.
    """
    threaded = "t" if free_threaded else ""
    python = {f"python{version[0]}{version[1]}{threaded}.dll"}
    if version[0] == 3:
        python.add(f"python3{threaded}.dll")
    if version >= (3, 15):
        python.add("python3t.dll")
    return frozenset(python) | runtimes_of_cpython(version, arch)


def in_dlls_directory(version: tuple[int, int], arch: str) -> frozenset[str]:
    """The DLLs, in lower case, that CPython's installer puts into `DLLs`: a module elsewhere does not find them.

    They serve `_ssl`, `_ctypes`, `_sqlite3` and `_tkinter`; Windows hands them to a later module of another directory
    only where one of these was imported before. Measured in packages that hold the files of python.org's 3.9, 3.11,
    3.12 and 3.13 for amd64; the rest follows from those by CPython's PCbuild, and was not measured. Names of every
    patch release of a version are taken together; of versions before 3.8 nothing is known.
    """
    if version < (3, 8):
        return frozenset()
    suffix = "-arm64.dll" if arch == "arm64" else ".dll"
    names = {"sqlite3.dll", "tcl86t.dll", "tk86t.dll", "libffi-8.dll" if version >= (3, 11) else "libffi-7.dll"}
    if version >= (3, 12):
        names.add("zlib1.dll")
    if version <= (3, 11):
        names |= {f"libcrypto-1_1{suffix}", f"libssl-1_1{suffix}"}
    if version >= (3, 11):
        names |= {f"libcrypto-3{suffix}", f"libssl-3{suffix}"}
    return frozenset(names)


@functools.cache
def _stock(arch: str) -> frozenset[str]:
    """The names that the table has for `arch`; none for an architecture that it does not know."""
    import gzip
    from importlib import resources  # 10 ms, for wheels with a Windows tag alone

    packed = (resources.files("auditor.platforms") / "data" / "windows_dlls.txt.gz").read_bytes()
    rows = (line.split(" ", 1) for line in gzip.decompress(packed).decode("ascii").splitlines())
    return frozenset(name for name, archs in rows if arch in archs.split(" "))
