"""What every rule is given beside the facts: the promises of the tags, and the role that each binary plays.

Everything here is derived from the facts, once, when the first rule asks for it.
"""

from __future__ import annotations

import functools
from enum import Enum
from typing import TYPE_CHECKING

from auditor.facts.binary import BinaryFormat, ElfDetail, FileKind, Slice
from auditor.facts.record import Fact
from auditor.platforms.cpython import ExtensionName, Interpreter, SuffixKind, interpreters, parse_extension_name
from auditor.platforms.promise import PlatformPromise, Promise, System, promises

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
    def dotted(self) -> str:
        """The module's full name."""
        return ".".join((*filter(None, self.package.split("/")), self.name.module))


class Context:
    """What is derived from the facts of one wheel."""

    def __init__(self, wheel: WheelFacts) -> None:
        self._wheel = wheel

    @functools.cached_property
    def promises(self) -> tuple[Promise, ...]:
        """The expanded tags of the file name; empty where it is not a wheel's."""
        return promises(self._wheel.name) if self._wheel.name is not None else ()

    @functools.cached_property
    def platforms(self) -> tuple[PlatformPromise, ...]:
        """The platform tags, each once."""
        return tuple({promise.platform.tag: promise.platform for promise in self.promises}.values())

    @functools.cached_property
    def interpreters(self) -> tuple[Interpreter, ...]:
        """Every released interpreter that some tag selects, each once."""
        return tuple(dict.fromkeys(one for promise in self.promises for one in interpreters(promise)))

    def on(self, *systems: System) -> tuple[PlatformPromise, ...]:
        """The platform tags of these systems."""
        return tuple(platform for platform in self.platforms if platform.system in systems)

    def installed_path(self, member: str) -> str | None:
        """Where a member lands below site-packages; None where it lands elsewhere (scripts, data, headers)."""
        top, _, rest = member.partition("/")
        if not top.endswith(".data"):
            return member
        scheme, _, path = rest.partition("/")
        return path if scheme in {"purelib", "platlib"} else None

    @functools.cached_property
    def modules(self) -> dict[str, Module]:
        """The extension modules among the binaries, by member."""
        found = {}
        for binary in self._wheel.binaries:
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
        if name.kind is SuffixKind.PLAIN and not name.windows and not _initialises(binary, name.module):
            return None
        if _is_plain_library(binary, name.module):
            return None
        return Module(package=package, name=name)

    def module_key(self, binary: Binary) -> tuple[str, str] | None:
        """The package and the name under which Python imports a file; None where it is no extension module."""
        module = self.modules.get(binary.member)
        return (module.package, module.name.module) if module is not None else None

    @functools.cached_property
    def roles(self) -> dict[str, Role]:
        """The role of each binary, by member."""
        return {binary.member: self._role(binary) for binary in self._wheel.binaries}

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

    @functools.cached_property
    def bundled(self) -> frozenset[str]:
        """The base names of all members and the SONAMEs of all libraries, in lower case."""
        names = {member.name.rpartition("/")[2].lower() for member in self._wheel.members}
        names |= {part.identity.rpartition("/")[2].lower() for _, part in self._wheel.slices() if part.identity}
        return frozenset(names)

    @functools.cached_property
    def needed_names(self) -> frozenset[str]:
        """The base names of all libraries that a binary of the wheel needs, in lower case."""
        return frozenset(
            needed.name.rpartition("/")[2].lower() for _, part in self._wheel.slices() for needed in part.needed
        )

    def is_loaded(self, binary: Binary) -> bool:
        """Whether something loads this file by its name: Python imports it, or another binary needs it."""
        if self.roles[binary.member] is Role.EXTENSION:
            return True
        names = {binary.member.rpartition("/")[2].lower()}
        names |= {part.identity.rpartition("/")[2].lower() for part in binary.slices if part.identity}
        return bool(names & self.needed_names)

    def is_optional(self, binary: Binary) -> bool:
        """Whether the file is an extension module that the package imports inside `try` alone.

        The file name must name an interpreter: another one then passes the file over, and the `try` provides for that.
        """
        module = self.modules.get(binary.member)
        if module is None or module.name.kind is SuffixKind.PLAIN:
            return False
        return module.name.module in self._wheel.guarded_imports

    def judged(self, platform: PlatformPromise) -> Iterator[tuple[Binary, Slice]]:
        """The slices that this platform tag's promise is about: of its format and of one of its architectures.

        A binary for another system or machine is a fault, or a passenger, of its own: what it needs says nothing
        about this tag. Objects and debug companions are not loaded by anything. Where a part of a file could not be
        read, what is absent from the rest proves nothing: `binary-malformed` speaks of it.
        """
        wanted = SYSTEM_FORMATS.get(platform.system)
        for binary, part in self._wheel.slices():
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


def needs_nothing(part: Slice) -> bool:
    """Whether an ELF slice is static: nothing is linked at run time."""
    return isinstance(part.detail, ElfDetail) and not part.detail.dynamic
