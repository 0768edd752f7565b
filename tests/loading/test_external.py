"""What may bring a library that is neither in the wheel nor promised, and what the package's own code loads."""

from __future__ import annotations

import pytest

from auditor.archive.names import stem
from auditor.archive.reader import read_wheel
from auditor.loading.external import Surroundings, is_compiler_runtime, is_driver, is_libpython
from auditor.platforms.promise import System
from tests.builders import WheelSpec, build_wheel

MODULE = "demo/sub/_core.cpython-311-x86_64-linux-gnu.so"


def around(
    *requires: str, files: dict[str, bytes] | None = None, headers: dict[str, str | tuple[str, ...]] | None = None
) -> Surroundings:
    """What stands around the native files of a wheel with these dependencies and files."""
    lines = headers if headers is not None else {"Requires-Dist": requires}
    built = build_wheel(WheelSpec(members=files or {}, headers=lines if requires or headers else {}))
    return Surroundings(read_wheel(built.data, filename=built.filename))


LIBPYTHON = {
    "libpython3.11.so.1.0": True,
    "libpython3.so": True,
    "libpython3.13t.so.1.0": True,
    "libpython3.13td.so.1.0": True,
    "libpython2.7.so.1.0": True,
    "libpython3.6m.dylib": True,
    "@rpath/libpython3.12.dylib": True,
    "/Library/Frameworks/Python.framework/Versions/3.11/Python": True,
    "@rpath/Python3.framework/Versions/3.9/Python3": True,
    "Python.framework/Python": True,
    "Python": True,
    "libpythonqt.so.1": False,
    "libpython-clj.so": False,
    "libboost_python311.so.1": False,
    "libpypy3.10-c.so": False,
    "PythonKit": False,
    "python311.dll": False,
}


@pytest.mark.parametrize(("name", "expected"), LIBPYTHON.items())
def test_is_libpython(name: str, expected: bool) -> None:
    """Python's own library is known by its name on Linux and macOS, and others of a similar name are not it."""
    assert is_libpython(name) is expected


DRIVERS = {
    "libcuda.so.1": True,
    "libcuda.so": True,
    "libnvidia-ml.so.1": True,
    "libOpenCL.so.1": True,
    "libibverbs.so.1": True,
    "nvcuda.dll": True,
    "libcudart.so.12": False,
    "libcublas.so.12": False,
    "libcudadebugger.so.1": False,
    "cudart64_12.dll": False,
}


@pytest.mark.parametrize(("name", "expected"), DRIVERS.items())
def test_drivers_bring_their_libraries(name: str, expected: bool) -> None:
    """What comes with a device driver cannot be bundled; what the CUDA toolkit has can."""
    assert is_driver(name) is expected


RUNTIMES = {
    "libstdc++.so.6": True,
    "libgcc_s.so.1": True,
    "libgcc_s.1.1.dylib": True,
    "@rpath/libc++.1.dylib": True,
    "libc++abi.1.dylib": True,
    "libc.so.6": False,
    "libgccjit.so.0": False,
    "libgomp.so.1": True,
}


@pytest.mark.parametrize(("name", "expected"), RUNTIMES.items())
def test_runtimes_of_compilers(name: str, expected: bool) -> None:
    """The runtimes of compilers are known wherever they lie: nobody requires a distribution for their sake."""
    assert is_compiler_runtime(name) is expected


STEMS = {
    "libfoo.so.1.2": "libfoo",
    "demo.libs/libFoo-0a1b2c3d.so.1": "libfoo",
    "libfoo-0a1b2c3d4e5f.dll": "libfoo",
    "libfoo-12.so": "libfoo-12",
    "foo.dll": "foo",
    "foo": "foo",
}


@pytest.mark.parametrize(("name", "expected"), STEMS.items())
def test_stems(name: str, expected: str) -> None:
    """A library is called the same with and without directory, version, suffix and the hash of a repairing tool."""
    assert stem(name) == expected


def test_requirements_are_those_of_every_installation() -> None:
    """What an extra asks for is no requirement of the wheel; other markers are; each counts once."""
    wanted = ("Foo-Bar>=1", "foo-bar<9; python_version<'3.12'", " baz [x] (>2)", "qux; extra == 'gpu'", "extra-name")
    assert around(*wanted).requirements == ("Foo-Bar", "foo-bar", "baz", "extra-name")


def test_requirements_on_one_system() -> None:
    """What is required on other systems alone is left out where the system is known."""
    wanted = ("foo; sys_platform == 'win32'", "bar; sys_platform != 'win32'", "baz")
    assert around(*wanted).requirements == ("foo", "bar", "baz")
    assert around(*wanted).on(System.LINUX).requirements == ("bar", "baz")
    assert around(*wanted).on(System.WINDOWS).requirements == ("foo", "baz")


def test_siblings_are_named_like_the_package() -> None:
    """A sibling's name is the package's with more behind it, in any spelling; a file at the top level has none."""
    one = around("PyQt6-Qt6", "pyqt6_sip", "PyQt6", "PyQt6x", "my-PyQt6-Qt6")
    assert one.siblings("PyQt6/QtCore.abi3.so") == ("PyQt6-Qt6", "pyqt6_sip")
    assert one.siblings("PyQt6.abi3.so") == ()
    assert one.called_after("PyQt6/Qt6/lib") == "PyQt6-Qt6"
    assert one.called_after("PyQt6/lib") is None
    assert one.called_after("PyQt6") is None


def test_without_metadata_nothing_is_required() -> None:
    """Where there are no dependencies, or no metadata at all, none can bring anything."""
    assert around().requirements == ()
    built = build_wheel(WheelSpec(metadata=None))
    assert Surroundings(read_wheel(built.data, filename=built.filename)).requirements == ()


SUPPLIERS = {
    "by-its-name": ("libucp.so.0", ("numpy", "libucp-cu12"), "libucp-cu12"),
    "by-a-word-of-it": ("libarrow_python.so.1900", ("numpy", "pyarrow"), "pyarrow"),
    "by-its-family": ("libcublas.so.12", ("numpy", "nvidia-cublas-cu12"), "nvidia-cublas-cu12"),
    "family-under-another-name": ("libcudart.so.12", ("numpy", "cupy-cuda12x"), "cupy-cuda12x"),
    "torch": ("libc10.so", ("numpy", "torch==2.9"), "torch"),
    "underscores": ("libmkl_core.so.2", ("intel_openmp", "numpy"), "intel_openmp"),
    "hashed": ("libfoo-0a1b2c3d.so.1", ("numpy", "pyfoo"), "pyfoo"),
    "nobody": ("libbar.so.1", ("numpy", "scipy"), None),
    "closest-of-several": ("libqt6core.so.6", ("PyQt6-sip", "PyQt6-Qt6"), "PyQt6-Qt6"),
    "its-own-word-before-the-family's": (
        "libcublas.so.12",
        ("nvidia-cuda-runtime-cu12", "nvidia-cublas-cu12"),
        "nvidia-cublas-cu12",
    ),
    "whole-name-before-a-part": ("libtorch_python.so", ("python-dateutil", "torch"), "torch"),
    "first-of-equals": ("libfoo.so.1", ("pyfoo", "foopy"), "pyfoo"),
    "short-words-prove-nothing": ("libqt.so", ("pyqt", "numpy"), None),
}


@pytest.mark.parametrize(("library", "requires", "expected"), SUPPLIERS.values(), ids=SUPPLIERS)
def test_the_supplier_is_told_by_its_name(library: str, requires: tuple[str, ...], expected: str | None) -> None:
    """The required distribution whose name has a word of the library's, or of its family's, is the likely one."""
    assert around(*requires).supplier(library) == expected


def test_who_may_bring_it_in_words() -> None:
    """The likely distribution is named alone; else at most three, and that there are more."""
    assert around("numpy", "pyfoo").brings("libfoo.so.1", "why") == "`pyfoo` may bring it: why"
    assert around("a-a", "b-b").brings("libfoo.so.1", "why") == "`a-a` or `b-b` may bring it: why"
    assert around("numpy", "pyfoo").brings("libfoo.so.1", "why", ("numpy",)) == "`numpy` may bring it: why"
    assert around("numpy", "pyfoo").brings("libbar.so.1", "why", ("pyfoo",)) == "`pyfoo` may bring it: why"
    many = around("a-a", "b-b", "c-c", "d-d").brings("libfoo.so.1", "why")
    assert many == "`a-a` or `b-b` or `c-c` or another may bring it: why"


LOADS_BY_CTYPES = b"import ctypes\nctypes.CDLL(str(here / 'libfoo.so.1'))\n"
PLACE = "/prefix/lib/python/site-packages/demo/lib/libfoo.so.1"
LOADING = {
    "names-the-file": ({"demo/__init__.py": LOADS_BY_CTYPES}, True),
    "names-another": ({"demo/__init__.py": b"import ctypes\nctypes.CDLL('libbar.so.1')\n"}, False),
    "names-it-and-loads-nothing": ({"demo/__init__.py": b"NAME = 'libfoo.so.1'\n"}, False),
}


@pytest.mark.parametrize(("files", "expected"), LOADING.values(), ids=LOADING)
def test_code_that_loads_a_file(files: dict[str, bytes], *, expected: bool) -> None:
    """A file is loaded by the package only where code that loads libraries names it."""
    assert around(files={**files, "demo/lib/libfoo.so.1": b"\x7fELF"}).loads(PLACE) is expected


BEGINNINGS = {
    "all-here": ({"demo/__init__.py": b"", "demo/sub/__init__.py": b""}, MODULE, ("core",), False),
    "outer-is-not": ({"demo/sub/__init__.py": b""}, MODULE, ("core",), False),
    "neither-is": ({"other/__init__.py": b""}, MODULE, ("core",), True),
    "inner-is-not": ({"demo/__init__.py": b""}, MODULE, ("core",), False),
    "nothing-required": ({}, MODULE, (), False),
    "at-the-top-level": ({}, "_core.abi3.so", ("core",), False),
    "no-package": ({}, "demo.libs/libfoo.so.1", ("core",), False),
    "in-the-data-directory": ({}, "demo-1.0.data/scripts/tool", ("core",), False),
}


@pytest.mark.parametrize(("files", "member", "requires", "expected"), BEGINNINGS.values(), ids=BEGINNINGS)
def test_packages_that_begin_elsewhere(
    files: dict[str, bytes], member: str, requires: tuple[str, ...], *, expected: bool
) -> None:
    """A module none of whose packages has its `__init__.py` here begins in another distribution, if any is required."""
    assert around(*requires, files=files).begins_elsewhere(member) is expected
