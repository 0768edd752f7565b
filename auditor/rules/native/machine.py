"""Format, machine and readability of the binaries of a wheel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.archive import ContentKind
from auditor.facts.binary import Binary, BinaryFormat
from auditor.facts.record import Fact
from auditor.platforms.cpython import SuffixKind, parse_extension_name
from auditor.platforms.promise import PlatformPromise, System
from auditor.rules.context import SYSTEM_FORMATS, Role, matches, needs_nothing
from auditor.rules.passengers import names_its_machine
from auditor.rules.providers import loader_names
from auditor.rules.rule import ERROR, INFO, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_FORMAT_NAMES = {BinaryFormat.ELF: "ELF", BinaryFormat.MACHO: "Mach-O", BinaryFormat.PE: "PE"}
_LIBRARY_SUFFIXES = (".so", ".dylib", ".dll", ".pyd", ".exe")
_SHOWN = 20
TEST_DIRECTORIES = frozenset({"test", "tests", "testing", "testdata", "test_data", "fixtures"})
"""Where data for tests lies, some of it broken on purpose."""
_EMULATED = frozenset(
    {
        (System.WINDOWS, "win32", "amd64"),
        (System.WINDOWS, "win32", "arm64"),
        (System.WINDOWS, "amd64", "arm64"),
        (System.MACOS, "x86_64", "arm64"),
        (System.LINUX, "i686", "x86_64"),
    }
)
"""(system, program, machine): where the system starts a program that was built for another machine."""


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
            problems = [problem.rstrip(".") for problem in binary.problems]  # pefile speaks in whole sentences
            yield Hit(
                message=f"`{binary.member}` begins as {_FORMAT_NAMES[binary.format]} and cannot be read as it:"
                f" {problems[0]}",
                help="build the file again, and look at the step that changed it last (strip, patchelf, a copy)",
                member=binary.member,
                evidence=tuple(Evidence(text=problem, member=binary.member) for problem in problems),
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
    """Whether the file is loaded, run, or named as a library of a promised system.

    Data for tests may begin as a binary and be broken on purpose.
    """
    directory, _, filename = binary.member.lower().rpartition("/")
    if context.is_loaded(binary) or directory.endswith(".data/scripts"):
        return True
    named = filename.endswith(_LIBRARY_SUFFIXES) or ".so." in filename
    promised = {SYSTEM_FORMATS[platform.system] for platform in native_platforms(context)}
    return named and binary.format in promised and not TEST_DIRECTORIES & set(directory.split("/"))


def _must_be_native(name: str, context: Context) -> bool:
    """Whether Python would load a file of that name: the suffix names an interpreter, or is `.pyd`."""
    path = context.installed_path(name)
    extension = parse_extension_name(path.rpartition("/")[2]) if path is not None else None
    if extension is None or not (extension.kind is not SuffixKind.PLAIN or extension.windows):
        return False
    return any((platform.system is System.WINDOWS) is extension.windows for platform in native_platforms(context))


@rule("binary-wrong-format", severity=ERROR, since="0.1")
def binary_wrong_format(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An extension module or needed library is a binary of another operating system.

    **What it checks.** The format of each extension module, and of each library that a binary of the promised system
    needs, is one that this system loads. Another file that gives the same module or library in the right format
    silences it. A module whose suffix is another system's is a fault where no binary at all is for a promised one.

    **Why it matters.** The import fails: "invalid ELF header" on Linux, "not a mach-o file" on macOS, "%1 is not a
    valid Win32 application" on Windows.

    **How to fix.** Clean the build directory between builds for different systems: an old file was packed.

    **References.** PEP 425.
    """
    for binary, platform in wrong_format(wheel, context):
        kind = "an ELF" if binary.format is BinaryFormat.ELF else f"a {_FORMAT_NAMES[binary.format]}"
        yield Hit(
            message=f"`{binary.member}` is {kind} file in a wheel for `{platform.tag}`",
            help="clean the build directory and build again: an old file was packed",
            member=binary.member,
            evidence=(Evidence(text=f"its format is {_FORMAT_NAMES[binary.format]}", member=binary.member),),
        )


def wrong_format(wheel: WheelFacts, context: Context) -> list[tuple[Binary, PlatformPromise]]:
    """The binaries of other systems that a promised one would import or load by their names, each once."""
    found: dict[str, tuple[Binary, PlatformPromise]] = {}
    for platform in native_platforms(context):
        for binary in _wrong_format_on(platform, wheel, context):
            found.setdefault(binary.member, (binary, platform))
    return list(found.values())


def _wrong_format_on(platform: PlatformPromise, wheel: WheelFacts, context: Context) -> Iterator[Binary]:
    """The binaries of other systems that the system of one tag would import or load."""
    wanted = SYSTEM_FORMATS[platform.system]
    windows = platform.system is System.WINDOWS
    right = [binary for binary in wheel.binaries if binary.format is wanted]
    served = {context.module_key(binary) for binary in right}
    for binary in wheel.binaries:
        if binary.format is wanted or binary.problems:
            continue
        module = context.modules.get(binary.member)
        if module is None:
            if _needed_by(binary, right) and not any(loader_names(one) & loader_names(binary) for one in right):
                yield binary
        elif context.module_key(binary) not in served and (module.name.windows is windows or not right):
            yield binary


def _needed_by(binary: Binary, others: list[Binary]) -> bool:
    """Whether one of the other files needs this one."""
    names = loader_names(binary)
    return any(
        needed.name.rpartition("/")[2].lower() in names
        for other in others
        for part in other.slices
        for needed in part.needed
    )


def unloadable(wheel: WheelFacts, context: Context) -> frozenset[str]:
    """The members that are no binaries of a promised system and machine: what else is wrong with them is an echo."""
    found = {binary.member for binary in wheel.binaries if binary.problems}
    found |= {binary.member for binary, _ in wrong_format(wheel, context)}
    return frozenset(found | {one.binary.member for one in wrong_machines(wheel, context)})


@rule("binary-wrong-arch", severity=ERROR, since="0.1")
def binary_wrong_arch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary is for another machine than the platform tag's.

    **What it checks.** The machine of each ELF and PE file, and of a Mach-O file under a tag with one architecture, is
    the one that a platform tag names, if Python imports the file, another binary needs it, or no file of the wheel is
    for the promised machine. Each machine of a set of tags is looked at. A program that the promised system can start
    all the same (32-bit on 64-bit Windows, Rosetta) gives a warning.

    **Why it matters.** The loader refuses it: "cannot open shared object file", "incompatible architecture", "%1 is
    not a valid Win32 application". Cross builds that fall back to the host's compiler end like this.

    **How to fix.** Check the target that the compiler was given, and clean the build directory between targets.

    **Limits.** What is missing from a universal tag is `macos-arch-missing`.

    **References.** PEP 425; gABI e_machine; PE format, Machine types.
    """
    groups: dict[tuple[str, str, bool], list[Misfit]] = {}
    for one in wrong_machines(wheel, context):
        names = "`, `".join(platform.tag for platform in one.platforms)
        machines = ", ".join(part.arch or part.machine for part in one.binary.slices)
        groups.setdefault((machines, names, _starts_anyway(one, context)), []).append(one)
    for (machines, names, starts), misfits in groups.items():
        first = misfits[0].binary
        what = f"`{first.member}` is" if len(misfits) == 1 else f"{len(misfits)} files are"
        yield Hit(
            message=f"{what} for {machines}; the tag promises `{names}`",
            help="build for the promised machine: check the target of the compiler and clean the build directory",
            member=first.member if len(misfits) == 1 else None,
            arch=first.slices[0].arch,
            evidence=tuple(
                Evidence(
                    text=f"its header names the machine {part.machine}"
                    if len(misfits) == 1
                    else f"the header of `{one.binary.member}` names the machine {part.machine}",
                    member=one.binary.member,
                )
                for one in misfits
                for part in one.binary.slices
            )[:_SHOWN],
            severity=WARNING if starts else None,
        )


class Misfit(Fact, frozen=True, kw_only=True):
    """A binary, and the platform tags whose machine it is not for."""

    binary: Binary
    platforms: tuple[PlatformPromise, ...]


def wrong_machines(wheel: WheelFacts, context: Context) -> list[Misfit]:
    """The binaries for another machine than that of a promised one, where that is a fault and no passenger."""
    found: dict[str, tuple[Binary, list[PlatformPromise]]] = {}
    for platforms, binaries in _by_machine(wheel, context):
        for binary in _wrong_machine(binaries, platforms, context):
            found.setdefault(binary.member, (binary, []))[1].extend(platforms)
    return [Misfit(binary=binary, platforms=tuple(platforms)) for binary, platforms in found.values()]


def _starts_anyway(misfit: Misfit, context: Context) -> bool:
    """Whether it is a program that each of the promised systems starts, although it is for another machine."""
    binary = misfit.binary
    if context.roles[binary.member] is not Role.EXECUTABLE:
        return False
    return all(
        platform.system is not System.LINUX or all(needs_nothing(part) for part in binary.slices)
        for platform in misfit.platforms
    ) and all(
        any((platform.system, part.arch, machine) in _EMULATED for part in binary.slices)
        for platform in misfit.platforms
        for machine in platform.architectures
    )


def _by_machine(wheel: WheelFacts, context: Context) -> Iterator[tuple[list[PlatformPromise], list[Binary]]]:
    """For each promised machine its platform tags and the readable binaries of its system's format.

    The tags of macOS stay together: `macos-arch-missing` looks at each of their architectures.
    """
    for system, format_ in SYSTEM_FORMATS.items():
        binaries = [one for one in wheel.binaries if one.format is format_ and one.slices and not one.problems]
        groups: dict[tuple[str, ...], list[PlatformPromise]] = {}
        for platform in context.on(system):
            groups.setdefault(() if system is System.MACOS else platform.architectures, []).append(platform)
        if binaries:
            yield from ((platforms, binaries) for platforms in groups.values())


def fits(binary: Binary, platforms: list[PlatformPromise]) -> bool:
    """Whether a slice of the binary is for an architecture that one of the tags promises."""
    return any(matches(part.arch, platform) for part in binary.slices for platform in platforms)


def _wrong_machine(binaries: list[Binary], platforms: list[PlatformPromise], context: Context) -> list[Binary]:
    """The binaries for other machines than the tags', where that is a fault and no passenger."""
    alien = [one for one in binaries if not fits(one, platforms) and context.roles[one.member] is not Role.OTHER]
    if not alien:
        return []
    nothing_fits = not any(fits(binary, platforms) for binary in binaries)
    served = {context.module_key(binary) for binary in binaries if fits(binary, platforms)}
    found = []
    for binary in alien:
        if context.roles[binary.member] is Role.EXTENSION:
            if context.module_key(binary) not in served:
                found.append(binary)
            continue
        unconditional = nothing_fits and not names_its_machine(binary.member) and not _is_device_code(binary)
        if unconditional or _needed_by_fitting(binary, binaries, platforms):
            found.append(binary)
    return found


def _is_device_code(binary: Binary) -> bool:
    """Whether the file is for a machine of which no tag speaks: code for GPUs, for BPF, firmware.

    EM_NONE is what a failed strip or patchelf run leaves.
    """
    return all(part.arch is None and part.machine != "EM_NONE" for part in binary.slices)


def _needed_by_fitting(binary: Binary, binaries: list[Binary], platforms: list[PlatformPromise]) -> bool:
    """Whether a binary for the promised machine needs this file, and no other file of its name fits."""
    names = loader_names(binary)
    fitting = [other for other in binaries if fits(other, platforms)]
    return _needed_by(binary, fitting) and not any(loader_names(twin) & names for twin in fitting)


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
    blamed = context.once(unloadable)
    foreign = [
        binary
        for binary in wheel.binaries
        if binary.slices
        and binary.member not in blamed
        and context.roles[binary.member] is not Role.OTHER
        and not (binary.format in wanted and fits(binary, platforms))
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
    from auditor.rules.tags.contents import native_in_any

    return any(True for _ in native_in_any.check(wheel, context))


RULES = (binary_foreign, binary_malformed, binary_wrong_arch, binary_wrong_format)
