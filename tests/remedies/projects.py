"""The smallest project of each build backend, with places where a fault or its remedy goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.cli.command import REPOSITORY
from tests.remedies.model import Build

if TYPE_CHECKING:
    from collections.abc import Mapping

_SOURCES: Final = REPOSITORY / "fixtures_crate" / "c"
C: Final = {name: (_SOURCES / name).read_text("utf-8") for name in ("ext.c", "minipy.h", "vendored.c")}
"""A module of one function that needs no headers of Python, and a library of one function."""
METADATA: Final = """
[project]
name = "demo"
version = "1.0"
description = "A module"
readme = "README.md"
requires-python = ">=3.9"
license = "MIT"
license-files = ["LICENSE"]
"""
_COMMON: Final = {"README.md": "# demo\n", "LICENSE": "MIT\n", "demo/__init__.py": '"""A package."""\n'}


def setuptools(
    extension: str = "",
    *,
    toml: str = "",
    setup: str = 'packages=["demo"]',
    metadata: str = METADATA,
    sources: str = "ext.c",
    files: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    before: str = "",
    script: str = "",
) -> Build:
    """A module in C; `extension` has further arguments of Extension, `setup` those of setup()."""
    modules = f'ext_modules=[Extension("demo._core", ["{sources}"], {extension})]' if sources else ""
    arguments = ", ".join(one for one in (setup, modules) if one)
    written = f"from setuptools import Extension, setup\n\nsetup({arguments})\n"
    backend = '[build-system]\nrequires = ["setuptools>=77"]\nbuild-backend = "setuptools.build_meta"\n'
    return Build(
        files={**_COMMON, **C, "setup.py": written, "pyproject.toml": backend + metadata + toml, **(files or {})},
        backend="setuptools.build_meta",
        variables=variables or {},
        before=before,
        script=script,
    )


def cython(
    extension: str = "", *, toml: str = "", variables: Mapping[str, str] | None = None, script: str = ""
) -> Build:
    """A module in Cython; `extension` has further arguments of Extension."""
    written = (
        "from Cython.Build import cythonize\nfrom setuptools import Extension, setup\n\n"
        f'extension = Extension("demo._core", ["core.pyx"], {extension})\n'
        'setup(packages=["demo"], ext_modules=cythonize([extension]))\n'
    )
    source = "def add(int left, int right):\n    return left + right\n"
    return setuptools(
        toml=toml, sources="", files={"setup.py": written, "core.pyx": source}, variables=variables, script=script
    )


def scikit_build_core(
    *cmake: str,
    library: str = "Python_add_library(_core MODULE WITH_SOABI ext.c)",
    components: str = "Development.Module",
    languages: str = "C",
    toml: str = "",
    files: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    script: str = "",
) -> Build:
    """A module in C or C++; `cmake` has further lines of CMakeLists.txt, after that of the library."""
    lines = (
        "cmake_minimum_required(VERSION 3.26)",
        f"project(demo LANGUAGES {languages})",
        f"find_package(Python REQUIRED COMPONENTS Interpreter {components})",
        library,
        *cmake,
        "install(TARGETS _core DESTINATION demo)",
    )
    backend = '[build-system]\nrequires = ["scikit-build-core"]\nbuild-backend = "scikit_build_core.build"\n'
    written = {"CMakeLists.txt": "\n".join(lines) + "\n", "pyproject.toml": backend + METADATA + toml}
    return Build(
        files={**_COMMON, **C, **written, **(files or {})},
        backend="scikit_build_core.build",
        variables=variables or {},
        script=script,
    )


def meson_python(
    module: str = "",
    *,
    first: str = "",
    toml: str = "",
    files: Mapping[str, str] | None = None,
    script: str = "",
) -> Build:
    """A module in C; `module` has further arguments of extension_module(), `first` what comes before it."""
    lines = (
        "project('demo', 'c', version: '1.0')",
        "python = import('python').find_installation(pure: false)",
        first,
        f"python.extension_module('_core', 'ext.c', install: true, subdir: 'demo', {module})",
        "python.install_sources('demo/__init__.py', subdir: 'demo')",
    )
    backend = '[build-system]\nrequires = ["meson-python"]\nbuild-backend = "mesonpy"\n'
    written = {"meson.build": "\n".join(lines) + "\n", "pyproject.toml": backend + METADATA + toml}
    return Build(files={**_COMMON, **C, **written, **(files or {})}, backend="mesonpy", script=script)
