"""What may bring a library that is neither in the wheel nor promised, and what the package's own code loads."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from auditor.archive.names import is_vendored_name, spoken_names, stem
from auditor.loading.markers import may_hold
from auditor.platforms import windows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.facts.wheel import WheelFacts
    from auditor.platforms.promise import System

_DRIVERS = re.compile(
    r"lib(cuda|nvidia-[\w-]+|nvcuvid|nvoptix|OpenCL|amdhip64|hsa-runtime64|ze_loader|vulkan|sycl|mlx5|ibverbs|rdmacm)"
    r"\.so(\.\d+)*",
    re.ASCII,
)
"""Libraries that come with a device driver and cannot be bundled."""
_LIBPYTHON = re.compile(r"libpython\d[\d.]*[a-z]*\.(so|dylib)(\.[\d.]+)?", re.ASCII)
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
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

    def __init__(self, wheel: WheelFacts, system: System | None = None) -> None:
        self._wheel = wheel
        self._system = system
        self._siblings: dict[str, tuple[str, ...]] = {}
        self._words_of_siblings: dict[str, dict[str, str]] = {}
        self._suppliers: dict[str, str | None] = {}

    def on(self, system: System) -> Surroundings:
        """The same on one system: what is required on others alone is left out."""
        return Surroundings(self._wheel, system)

    @functools.cached_property
    def requirements(self) -> tuple[str, ...]:
        """The names of the distributions that the metadata requires whatever extra is asked for, as written."""
        values = self._wheel.metadata.values("Requires-Dist") if self._wheel.metadata else ()
        always = [value for value in values if may_hold(value.partition(";")[2], self._system)]
        return tuple(dict.fromkeys(match[1] for value in always if (match := _REQUIREMENT.match(value))))[:_MOST]

    @functools.cached_property
    def _plain_requirements(self) -> dict[str, str]:
        return {one: plain(one) for one in self.requirements}

    def siblings(self, path: str) -> tuple[str, ...]:
        """The required distributions that are named like the top-level package of a file, with more behind it.

        `path` is the file's, below site-packages. Such a distribution may install into the same package: PyQt6-Qt6
        brings the libraries of PyQt6, PySide6_Essentials those of PySide6_Addons.
        """
        package, slash, _ = path.partition("/")
        if not slash:
            return ()
        if package not in self._siblings:
            start = f"{plain(package)}-"
            self._siblings[package] = tuple(
                one for one, name in self._plain_requirements.items() if name.startswith(start)
            )
        return self._siblings[package]

    def called_after(self, directory: str) -> str | None:
        """The sibling whose name says that a directory of the package is its own: PyQt6-Qt6 for `PyQt6/Qt6/lib`."""
        package, _, rest = directory.partition("/")
        if package not in self._words_of_siblings:
            start = len(plain(package)) + 1
            self._words_of_siblings[package] = {
                word: one for one in reversed(self.siblings(directory)) for word in plain(one)[start:].split("-")
            }
        words = self._words_of_siblings[package]
        if not words:
            return None
        return next((words[part] for part in plain(rest).split("/") if part in words), None)

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

        Its name says so, or the code that loads libraries names it. None where nothing tells, and for a copy with a
        name that a repairing tool gave to it: no other distribution has that.
        """
        if not self.loads_libraries or is_vendored_name(library):
            return None
        supplier = self.supplier(library)
        if supplier is not None:
            return supplier
        named = (one for one in self.requirements if spoken_names(one) & self._loaded_names)
        return next((one for one in named if _CARRIER.search(one.lower())), None)

    def begins_elsewhere(self, member: str) -> bool:
        """Whether the `__init__.py` of the package that a module is in is another distribution's.

        `member` is the module that is imported: that `__init__.py` runs before, and may load libraries. Where the
        wheel has one for any package on the way to the module, what lies above it is a namespace (PEP 420), in which
        nothing runs.
        """
        packages = member.split("/")[:-1]
        if not packages or not packages[0].isidentifier() or not self.requirements:
            return False
        package = ""
        for one in packages[:_DEEPEST]:
            package += f"{one}/"
            if f"{package}__init__.py" in self._sources:
                return False
        return True

    @functools.cached_property
    def _sources(self) -> frozenset[str]:
        return frozenset(member.name for member in self._wheel.members if member.name.endswith(".py"))

    def brings(self, library: str, clue: str, among: tuple[str, ...] = ()) -> str:
        """Which distribution may bring a library, and why, in words; one of `among`, where there are any."""
        candidates = among or self.requirements
        supplier = self.supplier(library) or self.helper(library)
        names = [supplier] if supplier and (supplier in candidates) else list(candidates[:_NAMED])
        more = " or another" if len(names) == _NAMED < len(candidates) else ""
        return f"{' or '.join(f'`{name}`' for name in names)}{more} may bring it: {clue}"

    def supplier(self, library: str) -> str | None:
        """The required distribution whose name says most that it may bring `library`; None where none does."""
        if library not in self._suppliers:
            self._suppliers[library] = self._likeliest(library)
        return self._suppliers[library]

    def _likeliest(self, library: str) -> str | None:
        name = stem(library)
        words = {*_WORDS.findall(name.removeprefix("lib")), name.removeprefix("lib")}
        base = library.rpartition("/")[2]
        family = {word for pattern, kin in _FAMILIES if pattern.match(base) for word in kin}
        likely = {
            one: (_likeness(name, words), _likeness(name, family)) for one, name in self._plain_requirements.items()
        }
        best = max(likely, key=likely.__getitem__, default=None)
        return best if best is not None and any(likely[best]) else None


def plain(name: str) -> str:
    """A name in normal form."""
    return re.sub(r"[-_.]+", "-", name.lower())


def _likeness(name: str, words: Iterable[str]) -> float:
    """How much of a distribution's name in normal form, from 0 to 1, is words of a library's."""
    shared = [word for word in words if len(word) >= 3 and (word in name or name in word)]
    if any(name in word for word in shared):
        return 1.0
    covered = sum(max((len(word) for word in shared if word in part), default=0) for part in name.split("-"))
    return max(covered, min(1, len(shared))) / len(name)


_CARRIER = re.compile(r"^(lib|nvidia|cuda|intel|mkl|tbb|dpcpp|rocm)|(libs?|runtime|core|bin)(-cu\d+)?$")
"""How distributions are called that bring libraries for others."""
BEGINS_ELSEWHERE = "the package's `__init__.py` is in another distribution"
LOADS = "the package loads libraries by itself"
DOUBT = "the package loads libraries by itself, and may load this one from elsewhere"
"""Why a library that nothing is known of may be there all the same."""
_DEEPEST = 100
"""Packages on the way to a module that are looked at."""
_MOST = 500
"""Requirements that are looked at: the wheel that requires most, of those that were seen, requires some 150."""
_NAMED = 3
"""Requirements that are named where none of them says that it has the library."""
ANY_FILE = "*"
"""Stands among the names that a source loads for code that goes through a directory (`glob`, `os.listdir`)."""
