"""Variants of real modules, each with one value changed: most no longer load, and some do all the same.

Every kind is tried on the first module of a wheel that has what it changes, in the order of the names: the same wheels
give the same variants.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from auditor.loading.model import Image, Origin
from auditor.platforms import cpython_symbols
from auditor.platforms.cpython import Interpreter
from auditor.platforms.promise import Implementation
from tests.loaders.elf_edit import DT_IGNORED, DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, ElfEditor, Symbol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_LATER = ("PyLong_AsInt", "PyDict_Pop", "PyList_GetItemRef", "PyDict_GetItemRef", "PyLong_IsZero", "PyUnicode_Export")
"""Added in 3.13 and 3.14."""
_EARLIER = ("PyCFunction_ClearFreeList", "_PyObject_GC_Malloc", "PyUnicode_ClearFreeList", "PySet_ClearFreeList")
"""Removed in 3.9, 3.11 and 3.9."""
_RAISED = "GLIBC_2.39"
_AARCH64 = 183


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A wheel with something changed, and the module to load."""

    kind: str
    what: str
    """What was changed, in words."""
    module: str
    changes: Mapping[str, bytes | None] = field(default_factory=dict)
    """The new bytes of members; None where one is deleted."""
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A module that loads, and what is known of it."""

    module: str
    members: Mapping[str, bytes]
    images: Sequence[Image]
    """The module's and those of the wheel's libraries that it loads."""

    @property
    def libraries(self) -> list[str]:
        """The files of the wheel that it loads besides itself, sorted."""
        return sorted(image.member for image in self.images if image.member != self.module)

    def edit(self, member: str | None = None) -> ElfEditor:
        """An editor of the module, or of another member."""
        return ElfEditor(self.members[member or self.module])

    def variant(self, what: str, editor: ElfEditor, member: str | None = None) -> tuple[str, dict[str, bytes | None]]:
        """What was changed, with the new bytes."""
        return what, {member or self.module: bytes(editor.content)}


MENDED = "python-symbols-made-weak"
"""The kind of change that lets a module for another Python load, so that more can be changed in it."""
Changed = tuple[str, dict[str, bytes | None]]
"""What was changed, in words, and the new bytes of members."""


def _host() -> Interpreter:
    """The Python that runs the tests."""
    return Interpreter(implementation=Implementation.CPYTHON, version=sys.version_info[:2])


def _python_import(subject: Subject, length: int) -> tuple[ElfEditor, Symbol] | None:
    """A strong import from the C API whose name has at least that length, the shortest first."""
    editor = subject.edit()
    found = [
        one
        for one in editor.symbols()
        if not one.defined and not one.weak and cpython_symbols.is_api_name(one.name) and len(one.name) >= length
    ]
    return (editor, min(found, key=lambda one: (len(one.name), one.name))) if found else None


def _replaced(subject: Subject, names: Sequence[str]) -> Changed | None:
    """An import from the C API overwritten by the first of the names that this Python has not and that fits."""
    for name in names:
        if cpython_symbols.exports(name, _host(), windows=False):
            continue
        if (found := _python_import(subject, len(name))) is not None:
            editor, symbol = found
            editor.rename_symbol(symbol, name)
            return subject.variant(f"{symbol.name} -> {name}", editor)
    return None


def mended(content: bytes) -> bytes:
    """A module for another Python, with the functions of the C API that this one has not made weak."""
    editor = ElfEditor(content)
    for symbol in editor.symbols():
        wanted = not symbol.defined and cpython_symbols.is_api_name(symbol.name)
        if wanted and not cpython_symbols.exports(symbol.name, _host(), windows=False):
            editor.weaken(symbol)
    return bytes(editor.content)


def later_python_symbol(subject: Subject) -> Changed | None:
    """A C API function of a later Python."""
    return _replaced(subject, _LATER)


def earlier_python_symbol(subject: Subject) -> Changed | None:
    """A C API function that this Python no longer has."""
    return _replaced(subject, _EARLIER)


def python_symbol_renamed(subject: Subject) -> Changed | None:
    """A C API function without its first letter."""
    if (found := _python_import(subject, 3)) is None:
        return None
    editor, symbol = found
    editor.shorten_symbol(symbol)
    return subject.variant(symbol.name, editor)


def _import_of(editor: ElfEditor, prefix: str) -> Symbol | None:
    """The first strong import at a version whose name begins like that."""
    numbers = {need.number for need in editor.version_needs() if need.name.startswith(prefix)}
    found = (one for one in editor.symbols() if not one.defined and not one.weak and one.version in numbers)
    return next(found, None)


def libc_symbol_renamed(subject: Subject) -> Changed | None:
    """A function of the C library without its first letter."""
    editor = subject.edit()
    if (symbol := _import_of(editor, "GLIBC_")) is None:
        return None
    editor.shorten_symbol(symbol)
    return subject.variant(symbol.name, editor)


def libstdcxx_symbol_renamed(subject: Subject) -> Changed | None:
    """A function of the C++ library without its first letter."""
    editor = subject.edit()
    if (symbol := _import_of(editor, "GLIBCXX_")) is None:
        return None
    editor.shorten_symbol(symbol)
    return subject.variant(symbol.name, editor)


def symbol_renamed_and_weak(subject: Subject) -> Changed | None:
    """A function of the C library without its first letter, and weak: its absence is no error."""
    editor = subject.edit()
    if (symbol := _import_of(editor, "GLIBC_")) is None:
        return None
    editor.shorten_symbol(symbol)
    editor.weaken(symbol)
    return subject.variant(symbol.name, editor)


def version_raised(subject: Subject) -> Changed | None:
    """A version of glibc raised to a later one."""
    editor = subject.edit()
    for need in editor.version_needs():
        if len(need.name) == len(_RAISED) and need.name.startswith("GLIBC_2."):
            editor.raise_version(need, _RAISED)
            return subject.variant(f"{need.name} of {need.library}", editor)
    return None


def version_of_the_same_length(subject: Subject) -> Changed | None:
    """A version of glibc changed into another that every glibc has, and that this symbol has not."""
    editor = subject.edit()
    for need in editor.version_needs():
        if need.name == "GLIBC_2.14":
            editor.raise_version(need, "GLIBC_2.17")
            return subject.variant(f"GLIBC_2.14 -> GLIBC_2.17 of {need.library}", editor)
    return None


def version_raised_and_weak(subject: Subject) -> Changed | None:
    """The same, flagged as weak: the loader only warns of the version."""
    editor = subject.edit()
    for need in editor.version_needs():
        if len(need.name) == len(_RAISED) and need.name.startswith("GLIBC_2."):
            editor.raise_version(need, _RAISED, weak=True)
            return subject.variant(f"{need.name} of {need.library}", editor)
    return None


def needed_renamed(subject: Subject) -> Changed | None:
    """The first needed library without its first letter."""
    editor = subject.edit()
    for entry in editor.entries(DT_NEEDED)[:1]:
        editor.shorten(entry)
        return subject.variant(entry.text, editor)
    return None


def last_needed_renamed(subject: Subject) -> Changed | None:
    """The last needed library without its first letter."""
    editor = subject.edit()
    for entry in editor.entries(DT_NEEDED)[1:][-1:]:
        editor.shorten(entry)
        return subject.variant(entry.text, editor)
    return None


def _needed_removed(subject: Subject, wanted: Callable[[str], bool]) -> Changed | None:
    """The first entry of a needed library of such a name taken away."""
    editor = subject.edit()
    for entry in editor.entries(DT_NEEDED):
        if wanted(entry.text):
            editor.retag(entry, DT_IGNORED)
            return subject.variant(entry.text, editor)
    return None


def bundled_needed_removed(subject: Subject) -> Changed | None:
    """A needed library of the wheel taken out."""
    names = {library.name for image in subject.images for library in image.libraries if library.origin is Origin.WHEEL}
    return _needed_removed(subject, lambda name: name in names)


def libc_needed_removed(subject: Subject) -> Changed | None:
    """The C or the mathematics library taken out: Python has loaded it."""
    return _needed_removed(subject, lambda name: name in {"libc.so.6", "libm.so.6"})


def thread_library_needed_removed(subject: Subject) -> Changed | None:
    """A library taken out that is a part of the C library from glibc 2.34 on."""
    return _needed_removed(subject, lambda name: name in {"libpthread.so.0", "libdl.so.2", "librt.so.1"})


def unwinder_needed_removed(subject: Subject) -> Changed | None:
    """libgcc_s taken out: the C++ library, where it is needed, brings it."""
    return _needed_removed(subject, lambda name: name == "libgcc_s.so.1")


def libstdcxx_needed_removed(subject: Subject) -> Changed | None:
    """The C++ library taken out."""
    return _needed_removed(subject, lambda name: name == "libstdc++.so.6")


def search_path_spoilt(subject: Subject) -> Changed | None:
    """`$ORIGIN` misspelt in the module's search path."""
    editor = subject.edit()
    for entry in editor.entries(DT_RPATH, DT_RUNPATH):
        if "$ORIGIN" in entry.text:
            editor.overwrite(entry, entry.text.replace("$ORIGIN", "$ORIGIM"))
            return subject.variant(entry.text, editor)
    return None


def search_path_shortened(subject: Subject) -> Changed | None:
    """The module's search path without its first letter: it begins in the current directory."""
    editor = subject.edit()
    for entry in editor.entries(DT_RPATH, DT_RUNPATH):
        editor.shorten(entry)
        return subject.variant(entry.text, editor)
    return None


def search_path_of_a_library_spoilt(subject: Subject) -> Changed | None:
    """`$ORIGIN` misspelt in a bundled library's search path."""
    for member in subject.libraries:
        editor = subject.edit(member)
        for entry in editor.entries(DT_RPATH, DT_RUNPATH):
            if "$ORIGIN" in entry.text:
                editor.overwrite(entry, entry.text.replace("$ORIGIN", "$ORIGIM"))
                return subject.variant(f"{entry.text} of {member}", editor, member)
    return None


def search_path_of_the_other_kind(subject: Subject) -> Changed | None:
    """RPATH made RUNPATH, or the reverse: libraries of libraries are looked for elsewhere."""
    editor = subject.edit()
    for entry in editor.entries(DT_RPATH, DT_RUNPATH):
        editor.retag(entry, DT_RPATH + DT_RUNPATH - entry.tag)
        return subject.variant(entry.text, editor)
    return None


def library_deleted(subject: Subject) -> Changed | None:
    """A bundled library deleted."""
    for member in subject.libraries[:1]:
        return member, {member: None}
    return None


def last_library_deleted(subject: Subject) -> Changed | None:
    """Another bundled library deleted."""
    for member in subject.libraries[1:][-1:]:
        return member, {member: None}
    return None


def export_renamed(subject: Subject) -> Changed | None:
    """A symbol that the module takes from a bundled library, without its first letter there."""
    editor = subject.edit()
    wanted = {one.name for one in editor.symbols() if not one.defined and not one.weak}
    for member in subject.libraries:
        editor = subject.edit(member)
        for symbol in editor.symbols():
            if symbol.defined and symbol.name in wanted:
                editor.shorten_symbol(symbol)
                return subject.variant(f"{symbol.name} of {member}", editor, member)
    return None


def import_of_a_library_renamed(subject: Subject) -> Changed | None:
    """A symbol that a bundled library takes from elsewhere, without its first letter."""
    for member in subject.libraries:
        editor = subject.edit(member)
        for symbol in editor.symbols():
            if not symbol.defined and not symbol.weak:
                editor.shorten_symbol(symbol)
                return subject.variant(f"{symbol.name} of {member}", editor, member)
    return None


def library_calls_itself_otherwise(subject: Subject) -> Changed | None:
    """The SONAME of a bundled library without its first letter: it is found by its file name."""
    for member in subject.libraries:
        editor = subject.edit(member)
        for entry in editor.entries(DT_SONAME):
            editor.shorten(entry)
            return subject.variant(f"{entry.text} of {member}", editor, member)
    return None


def stack_made_executable(subject: Subject) -> Changed | None:
    """PF_X in PT_GNU_STACK, which glibc refuses from 2.41 on."""
    editor = subject.edit()
    return subject.variant("PT_GNU_STACK", editor) if editor.make_stack_executable() else None


def other_machine(subject: Subject) -> Changed | None:
    """A bundled library, or the module itself, for another machine."""
    member = subject.libraries[0] if subject.libraries else subject.module
    editor = subject.edit(member)
    editor.set_machine(_AARCH64)
    return subject.variant(member, editor, member)


def library_moved(subject: Subject) -> tuple[str, dict[str, str]] | None:
    """A bundled library in another directory."""
    for member in subject.libraries[:1]:
        directory, slash, name = member.rpartition("/")
        return member, {member: f"{directory}{slash}elsewhere/{name}"}
    return None


KINDS: tuple[Callable[[Subject], Changed | None], ...] = (
    later_python_symbol,
    earlier_python_symbol,
    python_symbol_renamed,
    libc_symbol_renamed,
    libstdcxx_symbol_renamed,
    symbol_renamed_and_weak,
    version_raised,
    version_of_the_same_length,
    version_raised_and_weak,
    needed_renamed,
    last_needed_renamed,
    bundled_needed_removed,
    libc_needed_removed,
    thread_library_needed_removed,
    unwinder_needed_removed,
    libstdcxx_needed_removed,
    search_path_spoilt,
    search_path_shortened,
    search_path_of_a_library_spoilt,
    search_path_of_the_other_kind,
    library_deleted,
    last_library_deleted,
    export_renamed,
    import_of_a_library_renamed,
    library_calls_itself_otherwise,
    stack_made_executable,
    other_machine,
)


def variants(members: Mapping[str, bytes], modules: Mapping[str, Sequence[Image]]) -> Iterator[Variant]:
    """The variants of one wheel: each kind of change on the first module that has what it changes.

    `modules` are the modules that load, each with the simulated loader's images of it and of what it loads.
    """
    # Those with libraries of the wheel first: they have more that can be changed.
    subjects = [Subject(module=name, members=members, images=images) for name, images in sorted(modules.items())]
    subjects.sort(key=lambda one: -len(one.images))
    for change in KINDS:
        for subject in subjects[:_SUBJECTS]:
            if (changed := change(subject)) is not None:
                what, contents = changed
                kind = change.__name__.replace("_", "-")
                yield Variant(kind=kind, what=what, module=subject.module, changes=contents)
                break
    for subject in subjects:
        if (moved := library_moved(subject)) is not None:
            what, renamed = moved
            yield Variant(kind="library-moved", what=what, module=subject.module, renamed=renamed)
            break


_SUBJECTS = 8
"""Modules of one wheel that are looked at for something to change."""
