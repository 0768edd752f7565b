"""What may bring a library that is neither in the wheel nor promised, and what the package's own code loads."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from auditor.archive.names import is_vendored_name, spoken_names, stem
from auditor.platforms import windows

if TYPE_CHECKING:
    from auditor.facts.wheel import WheelFacts

_DRIVERS = re.compile(
    r"lib(cuda|nvidia-[\w-]+|nvcuvid|nvoptix|OpenCL|amdhip64|hsa-runtime64|ze_loader|vulkan|sycl|mlx5|ibverbs|rdmacm)"
    r"\.so(\.\d+)*",
    re.ASCII,
)
"""Libraries that come with a device driver and cannot be bundled."""
_LIBPYTHON = re.compile(r"libpython\d[\d.]*[a-z]*\.(so|dylib)(\.[\d.]+)?", re.ASCII)
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_EXTRA = re.compile(r"\bextra\b")
_COMPILER = re.compile(
    r"lib(gcc_s|stdc\+\+|c\+\+|c\+\+abi|gomp|omp|gfortran|quadmath|atomic|ssp|asan|ubsan|tsan)[.-].*", re.ASCII
)
"""Runtimes of compilers: no distribution is required for their sake."""
_WORDS = re.compile(r"[a-z]{3,}|qt\d?")
_FAMILIES = (
    (re.compile(r"lib(cu[a-z]+|nv[A-Za-z]+|nccl|npp\w+)\b", re.ASCII), ("nvidia", "cuda", "cupy", "nccl")),
    (re.compile(r"lib(mkl_|iomp5|svml|imf|intlc|irng)", re.ASCII), ("mkl", "intel", "openmp")),
    (re.compile(r"(lib)?(c10|torch)", re.ASCII), ("torch",)),
)
"""Libraries whose names do not say which distribution brings them, with words of the names of those that do."""


def is_driver(library: str) -> bool:
    """Whether a library comes with a device driver: it can be neither bundled nor promised."""
    return _DRIVERS.fullmatch(library) is not None or windows.is_driver_dll(library)


def is_libpython(name: str) -> bool:
    """Whether a needed library is CPython itself: `libpython3.11.so.1.0`, or the framework on macOS."""
    filename = name.rpartition("/")[2]
    framework = "/Python.framework/" in f"/{name}" or "/Python3.framework/" in f"/{name}"
    return _LIBPYTHON.fullmatch(filename) is not None or framework or name == "Python"


def is_compiler_runtime(library: str) -> bool:
    """Whether a library is the runtime of a compiler on Linux or macOS."""
    return _COMPILER.fullmatch(library.rpartition("/")[2]) is not None


class Surroundings:
    """What stands around the native files of one wheel: its requirements, and what its Python code loads."""

    def __init__(self, wheel: WheelFacts) -> None:
        self._wheel = wheel

    @functools.cached_property
    def requirements(self) -> tuple[str, ...]:
        """The names of the distributions that the metadata requires whatever extra is asked for, as written."""
        values = self._wheel.metadata.values("Requires-Dist") if self._wheel.metadata else ()
        always = [value for value in values if not _EXTRA.search(value.partition(";")[2])]
        return tuple(dict.fromkeys(match[1] for value in always if (match := _REQUIREMENT.match(value))))

    @functools.cached_property
    def loads_libraries(self) -> bool:
        """Whether Python code of the wheel loads native libraries, or tells the loader where to look."""
        return any(member.loads_libraries for member in self._wheel.members)

    @functools.cached_property
    def _loaded_names(self) -> frozenset[str]:
        return frozenset(name for member in self._wheel.members for name in member.loaded_names)

    def loads(self, place: str) -> bool:
        """Whether Python code that loads libraries names this file, or its directory, or goes through directories.

        `place` is the file's path. That such code runs before the file is needed is not known: it is the one case in
        which it could load all the same.
        """
        if not self.loads_libraries:
            return False
        directory, _, filename = place.rpartition("/")
        return bool({stem(filename), directory.rpartition("/")[2].lower(), ANY_FILE} & self._loaded_names)

    def helper(self, library: str) -> str | None:
        """The required distribution that may bring a library to a package whose code loads libraries.

        Its name says so, or the code that loads libraries names it. None where nothing tells.
        """
        if not self.loads_libraries:
            return None
        supplier = self.supplier(library)
        if supplier is not None:
            return supplier
        if is_vendored_name(library):
            return None  # no other distribution has a copy under the name that a tool gave to this wheel's
        named = (one for one in self.requirements if spoken_names(one) & self._loaded_names)
        return next((one for one in named if _CARRIER.search(one.lower())), None)

    def begins_elsewhere(self, member: str) -> bool:
        """Whether the `__init__.py` of the package that a module is in is another distribution's.

        `member` is the module that is imported: that `__init__.py` runs before, and may load libraries.
        """
        package, slash, _ = member.partition("/")
        return (
            bool(slash and self.requirements)
            and package.isidentifier()
            and f"{package}/__init__.py" not in self._sources
        )

    @functools.cached_property
    def _sources(self) -> frozenset[str]:
        return frozenset(member.name for member in self._wheel.members if member.name.endswith(".py"))

    def brings(self, library: str, clue: str) -> str:
        """Which distribution may bring a library, and why, in words."""
        supplier = self.supplier(library) or self.helper(library)
        names = [supplier] if supplier else list(self.requirements[:_NAMED])
        more = " or another" if not supplier and len(self.requirements) > _NAMED else ""
        return f"{' or '.join(f'`{name}`' for name in names)}{more} may bring it: {clue}"

    def supplier(self, library: str) -> str | None:
        """The required distribution whose name says that it may bring `library`; None where none does."""
        name = stem(library)
        words = set(_WORDS.findall(name.removeprefix("lib"))) | {name.removeprefix("lib")}
        for pattern, family in _FAMILIES:
            if pattern.match(library.rpartition("/")[2]):
                words |= set(family)
        for requirement in self.requirements:
            plain = requirement.lower().replace("_", "-")
            if any(len(word) >= 3 and (word in plain or plain in word) for word in words):
                return requirement
        return None


_CARRIER = re.compile(r"^(lib|nvidia|cuda|intel|mkl|tbb|dpcpp|rocm)|(libs?|runtime|core|bin)(-cu\d+)?$")
"""How distributions are called that bring libraries for others."""
DOUBT = "the package loads libraries by itself, and may load this one from elsewhere"
"""Why a library that nothing is known of may be there all the same."""
_NAMED = 3
"""Requirements that are named where none of them says that it has the library."""
ANY_FILE = "*"
"""Stands among the names that a source loads for code that goes through a directory (`glob`, `os.listdir`)."""
