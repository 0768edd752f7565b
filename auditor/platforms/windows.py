"""Windows: which runtime DLLs a wheel may expect to find, and which it must bring.

Sources: the files of python.org's installers (measured for 2.7 to 3.15: `vcruntime140.dll` from 3.5,
`vcruntime140_1.dll` from 3.8 on 64-bit builds, never `msvcp140.dll`); the file lists of stock Windows 7 to 11; the
names of Microsoft's redistributable packages and of the MinGW-w64 and LLVM runtimes.
"""

from __future__ import annotations

import re

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
_DEBUG_RUNTIME = re.compile(
    r"(msvcp\d+(_\w+)?d|msvcr\d+d|msvcrtd|vcruntime\d+(_\w+)?d|ucrtbased|concrt\d+d|vcomp\d+d|vcamp\d+d|vccorlib\d+d"
    r"|mfcm?\d+u?d)\.dll",
    re.ASCII,
)
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
