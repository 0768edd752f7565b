"""Family `native`: binaries by themselves, and against the system and machine that the tags promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.archive import ContentKind
from auditor.facts.binary import BinaryFormat
from auditor.platforms.cpython import SuffixKind, parse_extension_name
from auditor.platforms.promise import System
from auditor.rules.context import SYSTEM_FORMATS, Role, matches
from auditor.rules.passengers import names_its_machine
from auditor.rules.rule import ERROR, INFO, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary
    from auditor.facts.wheel import WheelFacts
    from auditor.platforms.promise import PlatformPromise
    from auditor.rules.context import Context

_FORMAT_NAMES = {BinaryFormat.ELF: "ELF", BinaryFormat.MACHO: "Mach-O", BinaryFormat.PE: "PE"}
_LIBRARY_SUFFIXES = (".so", ".dylib", ".dll", ".pyd", ".exe")
_SHOWN = 20


def native_platforms(context: Context) -> list[PlatformPromise]:
    """The platform tags of systems whose binaries are read here."""
    return [platform for platform in context.platforms if platform.system in SYSTEM_FORMATS]


@rule("binary-malformed", severity=ERROR, since="0.1")
def binary_malformed(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A native binary cannot be read as one.

    **What it checks.** What begins as ELF, Mach-O or PE can be read to its end, and what has the file name of an
    extension module is a native binary. A file that nothing in the wheel names or loads gives a warning.

    **Why it matters.** The loader refuses it: "invalid ELF header", "not a mach-o file", "not a valid Win32
    application". Truncated copies, Git LFS pointers and failed strip or patchelf runs look like this.

    **How to fix.** Build the file again, and look at the step that changed it last.

    **Limits.** A problem here means that silence of other rules about this file proves nothing.

    **References.** System V ABI; <mach-o/loader.h>; PE format.
    """
    for binary in wheel.binaries:
        if binary.problems:
            yield Hit(
                message=f"`{binary.member}` begins as {_FORMAT_NAMES[binary.format]} and cannot be read as it:"
                f" {binary.problems[0]}",
                help="build the file again, and look at the step that changed it last (strip, patchelf, a copy)",
                member=binary.member,
                evidence=tuple(Evidence(text=problem, member=binary.member) for problem in binary.problems),
                severity=ERROR if _has_a_role(binary, context) else WARNING,
            )
    for member in wheel.files():
        if member.content in {ContentKind.EMPTY, ContentKind.OTHER} and _must_be_native(member.name, context):
            what = "is empty" if member.content is ContentKind.EMPTY else "is no native binary"
            yield Hit(
                message=f"`{member.name}` has the name of an extension module and {what}",
                help="build the module again; a Git LFS pointer or a placeholder was packed in its place",
                member=member.name,
                evidence=(Evidence(text=f"{member.size} bytes that begin as no ELF, Mach-O or PE file"),),
            )


def _has_a_role(binary: Binary, context: Context) -> bool:
    """Whether the file is named as a binary, or loaded: data for tests may begin as one and be broken on purpose."""
    filename = binary.member.rpartition("/")[2].lower()
    named = filename.endswith(_LIBRARY_SUFFIXES) or ".so." in filename
    return named or context.is_loaded(binary) or context.installed_path(binary.member) is None


def _must_be_native(name: str, context: Context) -> bool:
    """Whether Python would load a file of that name: the suffix names an interpreter, or is `.pyd`."""
    path = context.installed_path(name)
    if path is None or not native_platforms(context):
        return False
    extension = parse_extension_name(path.rpartition("/")[2])
    return extension is not None and (extension.kind is not SuffixKind.PLAIN or extension.windows)


@rule("binary-wrong-format", severity=ERROR, since="0.1")
def binary_wrong_format(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An extension module or needed library is a binary of another operating system.

    **What it checks.** The format of each extension module, and of each library that another binary needs, is one
    that a promised system loads. Another file that gives the same module in the right format silences it.

    **Why it matters.** The import fails: "invalid ELF header" on Linux, "not a mach-o file" on macOS, "%1 is not a
    valid Win32 application" on Windows.

    **How to fix.** Clean the build directory between builds for different systems: an old file was packed.

    **References.** PEP 425.
    """
    platforms = native_platforms(context)
    wanted = {SYSTEM_FORMATS[platform.system] for platform in platforms}
    right = {
        (module.package, module.name.module)
        for binary in wheel.binaries
        if binary.format in wanted and (module := context.modules.get(binary.member))
    }
    for binary in wheel.binaries:
        if not platforms or binary.format in wanted or not imported_here(binary, context):
            continue
        module = context.modules.get(binary.member)
        if module is not None and (module.package, module.name.module) in right:
            continue
        yield Hit(
            message=f"`{binary.member}` is a {_FORMAT_NAMES[binary.format]} file in a wheel for `{platforms[0].tag}`",
            help="clean the build directory and build again: an old file was packed",
            member=binary.member,
            evidence=(Evidence(text=f"its format is {_FORMAT_NAMES[binary.format]}", member=binary.member),),
        )


def imported_here(binary: Binary, context: Context) -> bool:
    """Whether the promised system would import or load the file, whatever its format: by its name alone."""
    if context.is_loaded(binary) and context.roles[binary.member] is not Role.EXTENSION:
        return binary.format in {SYSTEM_FORMATS[platform.system] for platform in native_platforms(context)}
    module = context.modules.get(binary.member)
    if module is None:
        return False
    windows = any(platform.system is System.WINDOWS for platform in context.platforms)
    return module.name.windows is windows


@rule("binary-wrong-arch", severity=ERROR, since="0.1")
def binary_wrong_arch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary is for another machine than the platform tag's.

    **What it checks.** The machine of each ELF and PE file, and of a Mach-O file under a tag with one architecture, is
    one that a platform tag names, if Python imports the file, another binary needs it, or no file of the wheel is for
    the promised machine.

    **Why it matters.** The loader refuses it: "cannot open shared object file", "incompatible architecture", "%1 is
    not a valid Win32 application". Cross builds that fall back to the host's compiler end like this.

    **How to fix.** Check the target that the compiler was given, and clean the build directory between targets.

    **Limits.** What is missing from a universal tag is `macos-arch-missing`.

    **References.** PEP 425; gABI e_machine; PE format, Machine types.
    """
    for platforms, binaries in _by_system(wheel, context):
        names = "`, `".join(platform.tag for platform in platforms)
        for binary in wrong_machine(binaries, platforms, context):
            machines = ", ".join(part.arch or part.machine for part in binary.slices)
            yield Hit(
                message=f"`{binary.member}` is for {machines}; the tag promises `{names}`",
                help="build for the promised machine: check the target of the compiler and clean the build directory",
                member=binary.member,
                arch=binary.slices[0].arch,
                evidence=tuple(
                    Evidence(text=f"its header names the machine {part.machine}", member=binary.member)
                    for part in binary.slices
                ),
            )


def _by_system(wheel: WheelFacts, context: Context) -> Iterator[tuple[list[PlatformPromise], list[Binary]]]:
    """For each promised system its platform tags and the readable binaries of its format."""
    for system, format_ in SYSTEM_FORMATS.items():
        platforms = [platform for platform in context.platforms if platform.system is system]
        binaries = [binary for binary in wheel.binaries if binary.format is format_ and binary.slices]
        if platforms and binaries:
            yield platforms, binaries


def fits(binary: Binary, platforms: list[PlatformPromise]) -> bool:
    """Whether a slice of the binary is for an architecture that one of the tags promises."""
    return any(matches(part.arch, platform) for part in binary.slices for platform in platforms)


def wrong_machine(binaries: list[Binary], platforms: list[PlatformPromise], context: Context) -> list[Binary]:
    """The binaries for machines that no tag promises, where that is a fault and no passenger."""
    alien = [one for one in binaries if not fits(one, platforms) and context.roles[one.member] is not Role.OTHER]
    if not alien:
        return []
    nothing_fits = not any(fits(binary, platforms) for binary in binaries)
    served = {
        (module.package, module.name.module)
        for binary in binaries
        if fits(binary, platforms) and (module := context.modules.get(binary.member))
    }
    found = []
    for binary in alien:
        module = context.modules.get(binary.member)
        if module is not None:
            if (module.package, module.name.module) not in served:
                found.append(binary)
            continue
        unconditional = nothing_fits and not names_its_machine(binary.member)
        if unconditional or _needed_by_fitting(binary, binaries, platforms):
            found.append(binary)
    return found


def _needed_by_fitting(binary: Binary, binaries: list[Binary], platforms: list[PlatformPromise]) -> bool:
    """Whether a binary for the promised machine needs this file, and no other file of its name fits."""
    names = _names(binary)
    twins = [other for other in binaries if other is not binary and _names(other) & names]
    if any(fits(twin, platforms) for twin in twins):
        return False
    return any(
        needed.name.rpartition("/")[2].lower() in names
        for other in binaries
        if fits(other, platforms)
        for part in other.slices
        for needed in part.needed
    )


def _names(binary: Binary) -> set[str]:
    """The names under which a loader may ask for the file."""
    names = {binary.member.rpartition("/")[2].lower()}
    return names | {part.identity.rpartition("/")[2].lower() for part in binary.slices if part.identity}


@rule("binary-foreign", severity=INFO, since="0.1")
def binary_foreign(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The wheel carries binaries of another platform that nothing in it loads.

    **What it checks.** Binaries of a format or machine that no platform tag promises, and that are neither imported
    nor needed by another binary.

    **Why it matters.** They do no harm but in size, where they are meant (debuggers, launchers). Where they are not,
    an old build directory was packed.

    **How to fix.** Exclude them from the package data, if they are not meant.

    **References.** PEP 425.
    """
    platforms = native_platforms(context)
    wanted = {SYSTEM_FORMATS[platform.system] for platform in platforms}
    blamed = {
        one.member for group, binaries in _by_system(wheel, context) for one in wrong_machine(binaries, group, context)
    }
    foreign = [
        binary
        for binary in wheel.binaries
        if binary.slices
        and binary.member not in blamed
        and context.roles[binary.member] is not Role.OTHER
        and not (binary.format in wanted and fits(binary, platforms))
        and not (platforms and imported_here(binary, context))
    ]
    if foreign and not _reported_as_any(wheel, context):
        machines = sorted(
            {f"{_FORMAT_NAMES[one.format]} {part.arch or part.machine}" for one in foreign for part in one.slices}
        )
        yield Hit(
            message=f"{len(foreign)} {'binary is' if len(foreign) == 1 else 'binaries are'} for other platforms"
            f" than the tags' ({', '.join(machines)}), and nothing in the wheel loads them",
            help="exclude them from the package data, if they are not there on purpose",
            evidence=tuple(Evidence(text=f"`{binary.member}`", member=binary.member) for binary in foreign[:_SHOWN]),
        )


def _reported_as_any(wheel: WheelFacts, context: Context) -> bool:
    """Whether `native-in-any` speaks of the wheel's binaries already."""
    from auditor.rules.tags import native_in_any

    return any(True for _ in native_in_any.check(wheel, context))


RULES = (binary_foreign, binary_malformed, binary_wrong_arch, binary_wrong_format)
