"""What every rule is given beside the facts: the promises of the tags, and the role that each binary plays.

Everything here is derived from the facts, once, when the first rule asks for it.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, TypeVar, cast

from auditor.facts.binary import BinaryFormat, ElfDetail, Slice
from auditor.loading import resolve
from auditor.loading.external import Surroundings
from auditor.loading.layout import SYSTEM_FORMATS, Layout, Module, Role, matches, uses_python
from auditor.platforms.cpython import Interpreter, SuffixKind, interpreters
from auditor.platforms.promise import PlatformPromise, Promise, System, promises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditor.facts.binary import Binary
    from auditor.facts.wheel import WheelFacts
    from auditor.loading.model import Resolution

__all__ = ["SYSTEM_FORMATS", "Context", "Module", "Role", "matches", "needs_nothing", "uses_python"]

Derived = TypeVar("Derived")


class Context:
    """What is derived from the facts of one wheel."""

    def __init__(self, wheel: WheelFacts, *, size_limit: int | None = None) -> None:
        self._wheel = wheel
        self._derived: dict[object, object] = {}
        self.size_limit = size_limit
        """Bytes that the project says its wheels may have; None where it does not say."""
        self.layout = Layout(wheel)
        self.surroundings = Surroundings(wheel)

    def once(self, derive: Callable[[WheelFacts, Context], Derived]) -> Derived:
        """What `derive` makes of the facts; it is called when the first rule asks for it, and not again."""
        if derive not in self._derived:
            self._derived[derive] = derive(self._wheel, self)
        return cast("Derived", self._derived[derive])

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

    @property
    def modules(self) -> dict[str, Module]:
        """The extension modules among the binaries, by member."""
        return self.layout.modules

    def installed_path(self, member: str) -> str | None:
        """Where a member lands below site-packages; None where it lands elsewhere (scripts, data, headers)."""
        return self.layout.installed_path(member)

    def module_key(self, binary: Binary) -> tuple[str, str] | None:
        """The package and the name under which Python imports a file; None where it is no extension module."""
        module = self.modules.get(binary.member)
        return (module.package, module.name.module) if module is not None else None

    @property
    def roles(self) -> dict[str, Role]:
        """The role of each binary, by member."""
        return self.layout.roles

    @functools.cached_property
    def bundled(self) -> frozenset[str]:
        """The base names of all members and the SONAMEs of all libraries, in lower case.

        Not the names in the export tables of PE files: Windows looks for a DLL by the name of its file alone.
        """
        names = {member.name.rpartition("/")[2].lower() for member in self._wheel.members}
        return frozenset(names.union(*map(_own_names, self._wheel.binaries)))

    @functools.cached_property
    def files(self) -> frozenset[str]:
        """The base names of all members, as written."""
        return frozenset(member.name.rpartition("/")[2] for member in self._wheel.members)

    @functools.cached_property
    def needed_names(self) -> frozenset[str]:
        """The base names of all libraries that a binary of the wheel needs, in lower case."""
        return frozenset(
            needed.name.rpartition("/")[2].lower() for _, part in self._wheel.slices() for needed in part.needed
        )

    @functools.cached_property
    def resolutions(self) -> tuple[Resolution, ...]:
        """What the simulated loader says of the wheel, once for each distinct promise of its platform tags."""
        return resolve(self.layout, self.surroundings, self.platforms, self.interpreters)

    @functools.cached_property
    def reached(self) -> frozenset[str]:
        """The members that an extension module or program of the wheel loads, themselves included."""
        return frozenset(
            image.member for resolution in self.resolutions for image in resolution.images if image.reached
        )

    def is_loaded(self, binary: Binary) -> bool:
        """Whether something loads this file by its name: Python imports it, or another binary needs it."""
        if self.roles[binary.member] is Role.EXTENSION:
            return True
        names = {binary.member.rpartition("/")[2].lower()} | _own_names(binary)
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
        yield from self.layout.judged(platform)


def _own_names(binary: Binary) -> set[str]:
    """The base names, in lower case, under which a library says that loaders know it; Windows does not ask that."""
    if binary.format is BinaryFormat.PE:
        return set()
    return {part.identity.rpartition("/")[2].lower() for part in binary.slices if part.identity}


def needs_nothing(part: Slice) -> bool:
    """Whether an ELF slice is static: nothing is linked at run time."""
    return isinstance(part.detail, ElfDetail) and not part.detail.dynamic
