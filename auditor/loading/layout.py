"""Where the files of a wheel land when it is installed, and what each native file is there for.

Sources: "Binary distribution format", The .data directory; CPython's `sysconfig` install schemes (`posix_prefix`,
`nt`); CPython's `_PyImport_DynLoadFiletab`.
"""

from __future__ import annotations

import functools
from enum import Enum
from typing import TYPE_CHECKING

from auditor.facts.binary import BinaryFormat, FileKind, Slice
from auditor.facts.record import Fact
from auditor.platforms.cpython import ExtensionName, SuffixKind, parse_extension_name
from auditor.platforms.promise import PlatformPromise, System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary
    from auditor.facts.wheel import WheelFacts

SYSTEM_FORMATS = {
    System.LINUX: BinaryFormat.ELF,
    System.ANDROID: BinaryFormat.ELF,
    System.MACOS: BinaryFormat.MACHO,
    System.IOS: BinaryFormat.MACHO,
    System.WINDOWS: BinaryFormat.PE,
}
"""The format that each system loads."""
SITE_PACKAGES = "/prefix/lib/python/site-packages"
"""Stands for the directory that Python imports from: three directories below the prefix, as `posix_prefix` has it."""
_SCHEMES = {"purelib": SITE_PACKAGES, "platlib": SITE_PACKAGES, "scripts": "/prefix/bin", "data": "/prefix"}
"""Where the parts of the .data directory go. Headers go to a directory of their own, in which nothing is loaded."""
_INIT_PREFIXES = ("PyInit_", "PyInitU_", "PyModExport_", "PyModExportU_", "HPyInit_", "_cffi_pypyinit_")


class Role(str, Enum):
    """What a binary is there for, as far as its place, its name and its exports tell."""

    EXTENSION = "extension module"
    LIBRARY = "shared library"
    EXECUTABLE = "executable"
    OTHER = "object or debug file"


class Module(Fact, frozen=True, kw_only=True):
    """An extension module: where Python finds it, and the file name that says for which interpreter."""

    package: str
    """Its directory below site-packages, with slashes; empty at the top level."""
    name: ExtensionName

    @property
    def last(self) -> str:
        """The last part of the module's name, which `PyInit_` is followed by.

        `demo/__init__.abi3.so` is the package `demo` itself, and exports `PyInit_demo` (importlib's FileFinder gives
        the package's name to the loader; tried with CPython 3.11).
        """
        return self.dotted.rpartition(".")[2]

    @property
    def dotted(self) -> str:
        """The module's full name."""
        parts = [*filter(None, self.package.split("/")), self.name.module]
        if len(parts) > 1 and parts[-1] == "__init__":
            del parts[-1]
        return ".".join(parts)


class Layout:
    """Where the files of one wheel land, and the role of each binary. Derived from the facts on first use."""

    def __init__(self, wheel: WheelFacts) -> None:
        self.wheel = wheel

    def installed_path(self, member: str) -> str | None:
        """Where a member lands below site-packages; None where it lands elsewhere (scripts, data, headers)."""
        top, _, rest = member.partition("/")
        if not top.endswith(".data"):
            return member
        scheme, _, path = rest.partition("/")
        return path if scheme in {"purelib", "platlib"} else None

    def place(self, member: str) -> str | None:
        """The absolute path of a member after its installation, below `/prefix`; None for headers and the like."""
        top, _, rest = member.partition("/")
        if not top.endswith(".data"):
            return f"{SITE_PACKAGES}/{member}"
        scheme, _, path = rest.partition("/")
        return f"{_SCHEMES[scheme]}/{path}" if scheme in _SCHEMES else None

    @functools.cached_property
    def top_levels(self) -> frozenset[str]:
        """The names right below site-packages that are the wheel's own."""
        paths = (self.installed_path(member.name) for member in self.wheel.members)
        return frozenset(path.partition("/")[0] for path in paths if path)

    @functools.cached_property
    def modules(self) -> dict[str, Module]:
        """The extension modules among the binaries, by member."""
        found = {}
        for binary in self.wheel.binaries:
            module = self._module(binary)
            if module is not None:
                found[binary.member] = module
        return found

    def _module(self, binary: Binary) -> Module | None:
        """The module that Python would import from this file, or None where it would not."""
        path = self.installed_path(binary.member)
        if path is None:
            return None
        package, _, filename = path.rpartition("/")
        name = parse_extension_name(filename)
        if name is None or not all(part.isidentifier() for part in filter(None, package.split("/"))):
            return None
        module = Module(package=package, name=name)
        if name.kind is SuffixKind.PLAIN and not name.windows and not _initialises(binary, module.last):
            return None
        if _is_plain_library(binary, module.last) or self._is_linked_library(binary):
            return None
        return module

    def _is_linked_library(self, binary: Binary) -> bool:
        """Whether a file without any initialiser is what another binary is linked to: a library that uses Python."""
        if not binary.slices or binary.problems or offers_initialiser(binary):
            return False
        names = {binary.member.rpartition("/")[2].lower()}
        names |= {part.identity.rpartition("/")[2].lower() for part in binary.slices if part.identity}
        return any(self._needing.get(name, set()) - {binary.member} for name in names)

    @functools.cached_property
    def _needing(self) -> dict[str, set[str]]:
        """Who needs a library, by its base name in lower case."""
        needing: dict[str, set[str]] = {}
        for binary, part in self.wheel.slices():
            for needed in part.needed:
                needing.setdefault(needed.name.rpartition("/")[2].lower(), set()).add(binary.member)
        return needing

    @functools.cached_property
    def roles(self) -> dict[str, Role]:
        """The role of each binary, by member."""
        return {binary.member: self._role(binary) for binary in self.wheel.binaries}

    def _role(self, binary: Binary) -> Role:
        """The role of one binary."""
        if binary.member in self.modules:
            return Role.EXTENSION
        kinds = {part.kind for part in binary.slices}
        if FileKind.EXECUTABLE in kinds:
            return Role.EXECUTABLE
        if kinds & {FileKind.SHARED_LIBRARY, FileKind.BUNDLE}:
            return Role.LIBRARY
        return Role.OTHER

    def judged(self, platform: PlatformPromise) -> Iterator[tuple[Binary, Slice]]:
        """The slices that this platform tag's promise is about: of its format and of one of its architectures.

        A binary for another system or machine is a fault, or a passenger, of its own: what it needs says nothing
        about this tag. Objects and debug companions are not loaded by anything. Where a part of a file could not be
        read, what is absent from the rest proves nothing: `binary-malformed` speaks of it.
        """
        wanted = SYSTEM_FORMATS.get(platform.system)
        for binary, part in self.wheel.slices():
            if binary.format is not wanted or binary.problems or self.roles[binary.member] is Role.OTHER:
                continue
            if matches(part.arch, platform):
                yield binary, part


def matches(arch: str | None, platform: PlatformPromise) -> bool:
    """Whether a slice for `arch` is one that `platform` promises."""
    if arch is None:
        return False
    if arch in platform.architectures:
        return True
    # 32-bit ARM: `armv6l` machines and tags run the same instruction set as our reader's `armv7l`.
    if platform.system is System.LINUX and arch == "armv7l":
        return any(name.startswith("armv") for name in platform.architectures)
    return platform.system is System.LINUX and arch == "i686" and "i386" in platform.architectures


def _initialises(binary: Binary, module: str) -> bool:
    """Whether the file exports a function by which Python initialises `module`."""
    wanted = {prefix + module for prefix in _INIT_PREFIXES} | {f"init{module}"}
    return any(export.symbol in wanted for part in binary.slices for export in part.exports)


def offers_initialiser(binary: Binary) -> bool:
    """Whether the file exports an initialiser of a module, whatever the module's name."""
    return any(export.symbol.startswith(_INIT_PREFIXES) for part in binary.slices for export in part.exports)


def uses_python(binary: Binary) -> bool:
    """Whether the file takes something from CPython's C API."""
    return any(
        imported.symbol.startswith(("Py", "_Py")) or (imported.library or "").lower().startswith("python")
        for part in binary.slices
        for imported in part.imports
    )


def _is_plain_library(binary: Binary, module: str) -> bool:
    """Whether a file that is named as an extension module is a library that the package loads by ctypes or cffi.

    setuptools gives the suffix of extension modules to all that `Extension` builds. What neither offers an initialiser
    nor takes anything from Python was never meant to be imported.
    """
    shared = {FileKind.SHARED_LIBRARY, FileKind.BUNDLE}
    if not binary.slices or binary.problems or any(part.kind not in shared for part in binary.slices):
        return False
    return not _initialises(binary, module) and not uses_python(binary)
