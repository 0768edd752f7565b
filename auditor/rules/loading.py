"""Family `loading`: what the simulated loader does not find, or finds only with the help of others."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from auditor.archive.names import is_vendored_name
from auditor.facts.binary import Lookup
from auditor.facts.record import Fact
from auditor.loading.external import is_libpython
from auditor.loading.model import Image, MissingSymbol, Origin, Resolution
from auditor.platforms import windows
from auditor.platforms.promise import Libc, System, parse_platform
from auditor.rules.context import Role
from auditor.rules.linux.musl import musl_gap
from auditor.rules.loaded import Lack, judged_images, lacking, together, unloaded
from auditor.rules.rule import ERROR, INFO, WARNING, Evidence, Hit, NotJudged, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.findings import Severity
    from auditor.rules.context import Context

_SHOWN = 20
_VENDORED_DIRECTORY = re.compile(r"(^|/)([\w.-]+\.libs|\.libs|\.dylibs|[\w.-]+\.dylibs)/", re.ASCII)


def _is_policed(resolution: Resolution) -> bool:
    """Whether the tags name a C library, so that the policies say which libraries there are."""
    promise = parse_platform(resolution.platforms[0])
    return promise.system is System.LINUX and promise.libc is not Libc.ANY


def _subject(images: tuple[Image, ...]) -> str:
    """Who needs something: the one file, or how many."""
    return f"`{images[0].member}` needs" if len(images) == 1 else f"{len(images)} files need"


@rule("library-unresolved", severity=ERROR, since="0.1")
def library_unresolved(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A needed library is neither in the wheel nor on the promised platform.

    **What it checks.** For each extension module and program, every library that the loader needs, directly or
    through others: as ld.so, dyld and Windows look for it, with search paths and install places.

    **Why it matters.** The import fails on every machine that has not got the library by chance: "cannot open shared
    object file", "Library not loaded", "DLL load failed while importing".

    **How to fix.** Repair the wheel so that it brings the library: `auditwheel repair`, `delocate-wheel`,
    `delvewheel repair`. A library that another distribution brings belongs into `Requires-Dist`.

    **Limits.** System libraries that a manylinux or musllinux tag does not promise are `library-outside-policy`;
    libpython, Python's DLLs and the compilers' runtimes have rules of their own. It is a warning where the package
    loads libraries by itself and requires other distributions, or where its search path leads to a directory in which
    the wheel has nothing and a required distribution is named like the package (`demo-core` for `demo`); for programs
    on Windows, which look in PATH as well; for delay-loaded libraries; and where only Python code loads the file. It is
    an info where nothing in the wheel loads it. Weakly linked libraries may be absent.

    **References.** ld.so(8); dyld(1); Dynamic-link library search order.
    """
    lacks = [lack for lack in lacking(wheel, context, Origin.MISSING) if not _has_its_own_rule(lack, context)]
    needed, others = unloaded(lacks)
    for lack in needed:
        doubt = lack.library.doubt or lack.library.how
        yield Hit(
            message=f"{_subject(lack.images)} `{lack.name}`, which is neither in the wheel nor on"
            f" `{lack.resolution.platforms[0]}`" + (f" ({doubt})" if doubt else ""),
            help="repair the wheel (auditwheel, delocate, delvewheel), so that it brings the library",
            member=lack.images[0].member if len(lack.images) == 1 else None,
            arch=lack.resolution.arch,
            evidence=tuple(_library_evidence(image, lack) for image in lack.images[:_SHOWN]),
            severity=lack.severity,
        )
    if others:
        yield together(others, "{are} neither in the wheel nor promised")


def _has_its_own_rule(lack: Lack, context: Context) -> bool:
    """Whether a rule with better advice speaks of the library."""
    if is_libpython(lack.name) and all(image.role == Role.EXTENSION.value for image in lack.images):
        return True  # libpython-linked
    if context.on(System.WINDOWS):
        dll = lack.name.lower()
        spoken_of = windows.runtime_family(dll) or windows.is_debug_runtime(dll) or windows.parse_python_dll(dll)
        return bool(spoken_of)
    return _is_policed(lack.resolution) and not is_vendored_name(lack.name)  # library-outside-policy


def _library_evidence(image: Image, lack: Lack) -> Evidence:
    """Who needs a library, where the loader looked for it, and where it is."""
    # Windows' names are one in any case of their letters, and so are the images that are gathered here.
    library = next(one for one in image.libraries if one.name.lower() == lack.name.lower())
    where = f", and the loader looks in {', '.join(f'`{one}`' for one in library.searched[:4])}"
    place = f"; it is `{library.member}`" if library.member is not None else ""
    return Evidence(
        text=f"`{image.member}` needs `{library.name}`" + (where if library.searched else "") + place,
        member=image.member,
        library=library.name,
    )


@rule("library-unreachable", severity=ERROR, since="0.1")
def library_unreachable(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A needed library is in the wheel, but not where the loader looks.

    **What it checks.** A library that the loader does not find by its search paths is no file of the wheel either.
    The message names the file that it would be.

    **Why it matters.** The import fails although the library was installed. Usual causes: an RPATH that was stripped,
    or that leads to where the library lay in the build; a library that was moved or renamed after the repair.

    **How to fix.** Linux: `patchelf --set-rpath '$ORIGIN/../demo.libs'`, or `auditwheel repair` on the unrepaired
    wheel. macOS: `delocate-wheel`, or `install_name_tool -change`. Windows: `delvewheel repair`, or
    `os.add_dll_directory` before the import.

    **Limits.** Where Python code of the wheel loads libraries and names this one or its directory, it may be loaded
    before it is needed: nothing is said; nor on Windows, where that is the usual way, of any file of a package that
    loads libraries. A file that Python code alone loads gives a warning, and of a file that nothing loads nothing is
    said: its host may have the library.

    **References.** ld.so(8), RPATH and RUNPATH; dyld(1); Dynamic-link library search order.
    """
    groups: dict[tuple[tuple[str, ...], Severity], list[Lack]] = {}
    for lack in lacking(wheel, context, Origin.UNREACHABLE):
        groups.setdefault((tuple(image.member for image in lack.images), lack.severity), []).append(lack)
    for lacks in groups.values():
        lack = lacks[0]
        what = f"`{lack.name}`" if len(lacks) == 1 else f"{len(lacks)} libraries"
        where = f"where it is: `{lack.library.member}`" if len(lacks) == 1 else "where they are"
        yield Hit(
            message=f"{_subject(lack.images)} {what}, and the loader does not look {where}",
            help="set the search path to the library's directory (`auditwheel repair`, `delocate-wheel`,"
            " `delvewheel repair`)",
            member=lack.images[0].member if len(lack.images) == 1 else None,
            arch=lack.resolution.arch,
            evidence=tuple(_library_evidence(one.images[0], one) for one in lacks[:_SHOWN]),
            severity=lack.severity,
        )


@rule("library-from-dependency", severity=INFO, since="0.1")
def library_from_dependency(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A library is there only if a required distribution brings it.

    **What it checks.** Libraries that are neither in the wheel nor promised, where the metadata requires other
    distributions on this system and something leads there: the search path goes into another distribution's
    directory, or into one of the package's own that is called after a distribution and in which the wheel has no file
    (`PyQt6/Qt6/lib` and PyQt6-Qt6); or the package loads libraries by itself and the name of a distribution tells; or
    the package's `__init__.py` is in another distribution. On Windows also where a package that loads libraries by
    itself requires a distribution that is named like it.

    **Why it matters.** Whether it loads is then up to the other distribution: to its version, and to its being
    installed into the same directory.

    **How to fix.** Nothing, if it is meant. Pin the other distribution to the versions that have the library under
    this name.

    **Limits.** The other distribution's wheel is not looked into. A name with a hash, as repairing tools give, no
    other distribution has: such a library is lost, unless the search path leads out of the wheel.
    """
    lacks = lacking(wheel, context, Origin.DEPENDENCY)
    for how in dict.fromkeys(lack.library.how for lack in lacks):
        same = [lack for lack in lacks if lack.library.how == how]
        names = f"`{same[0].name}`" if len(same) == 1 else f"{len(same)} libraries"
        it = "it" if len(same) == 1 else "them"
        yield Hit(
            message=f"{names} {'is' if len(same) == 1 else 'are'} neither in the wheel nor promised;"
            f" {(how or '').replace('bring it', f'bring {it}')}",
            help="pin the distribution that brings it to the versions that have the library under this name",
            arch=same[0].resolution.arch,
            evidence=tuple(_library_evidence(lack.images[0], lack) for lack in same[:_SHOWN]),
        )


@rule("symbol-unresolved", severity=ERROR, since="0.1")
def symbol_unresolved(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """An imported symbol is provided by nothing that the loader can see.

    **What it checks.** Every symbol that a loaded file must have: in the libraries of the wheel that are loaded with
    it, in those of the platform at the promised version, and with the version that it asks for.

    **Why it matters.** The import fails ("undefined symbol", "symbol not found in flat namespace", "The specified
    procedure could not be found"), or, with lazy binding, the first call ends the process.

    **How to fix.** Link the library that has the symbol; rebuild against the copy of the library that is in the wheel.
    The linker names what nobody provides with `-Wl,--no-undefined,--warn-unresolved-symbols`, among Python's own
    symbols; on macOS mind what `-undefined dynamic_lookup` hides.

    **Limits.** Python's own symbols are the business of the family `python_abi`, versions of the C library that the
    tag does not promise of `glibc-newer-than-tag`. Weak symbols may be absent. A flat look-up on macOS gives a
    warning: another extension module may have brought the symbol into the process. Where a library's exports are not
    known (another distribution's, a driver's), its symbols are not judged.

    **References.** ld.so(8); glibc, elf/dl-lookup.c; dyld(1); PE format, Import tables.
    """
    unsure: dict[str, int] = {}
    wanting: dict[tuple[str, Severity | None], list[_Want]] = {}
    for resolution, image in judged_images(wheel, context):
        if not image.reached:
            continue
        promise = parse_platform(resolution.platforms[0])
        certain = [one for one in image.missing if one.certain and musl_gap(one, image.member, promise) is None]
        flat = [one for one in certain if one.lookup is Lookup.FLAT]
        named = [one for one in certain if one.lookup is not Lookup.FLAT]
        for symbols, severity in ((named, None), (flat, WARNING)):
            for library in dict.fromkeys(one.library for one in symbols):
                same = [one for one in symbols if one.library == library]
                # Where one library of the wheel lacks what many files want, it is that library's fault, once.
                key = (library or image.member, severity)
                wanting.setdefault(key, []).append(_Want(image=image, symbols=tuple(same), resolution=resolution))
        doubtful = len(image.missing) - sum(one.certain for one in image.missing)
        if doubtful and not any(library.origin is Origin.MISSING for library in image.libraries):
            unsure[image.member] = doubtful
    for (_, severity), wants in wanting.items():
        yield _symbol_hit(wants, severity)
    if unsure:
        member, count = next(iter(unsure.items()))
        more = f" and of {len(unsure) - 1} other files" if len(unsure) > 1 else ""
        reason = f"{count} symbols of `{member}`{more} may come from libraries whose exports are not known"
        yield NotJudged(rule="symbol-unresolved", reason=reason)


class _Want(Fact, frozen=True, kw_only=True):
    """What one image wants of one library, or of any, and does not get."""

    image: Image
    symbols: tuple[MissingSymbol, ...]
    resolution: Resolution


def _symbol_hit(wants: list[_Want], severity: Severity | None) -> Hit:
    """The finding for all images that miss symbols of one library, with all of the symbols."""
    first = wants[0]
    count = len({(one.symbol, one.version) for want in wants for one in want.symbols})
    what = _spelled(first.symbols[0]) if count == 1 else f"{count} symbols"
    library = first.symbols[0].library
    where = f" of `{library}`" if library else ""
    loaded = "it" if len(wants) == 1 else "them"
    return Hit(
        message=f"{_subject(tuple(want.image for want in wants))} {what}{where}, which nothing that is loaded with"
        f" {loaded} provides",
        help="link the library that has the symbol, or build again against the copy that is in the wheel",
        member=first.image.member if len(wants) == 1 else None,
        arch=first.resolution.arch,
        evidence=tuple(
            Evidence(
                text=(f"for `{want.image.member}` " if len(wants) > 1 else "")
                + f"{_spelled(one)} is not provided"
                + (f": {one.reason}" if one.reason else ""),
                member=want.image.member,
                symbol=one.symbol or None,
                library=one.library,
                version=one.version,
            )
            for want, one in islice(((want, one) for want in wants for one in want.symbols), _SHOWN)
        ),
        severity=severity,
    )


def _spelled(symbol: MissingSymbol) -> str:
    """A symbol with its version; the version alone where no symbol asks for it."""
    if not symbol.symbol:
        return f"the version `{symbol.version}`"
    return f"`{symbol.symbol}@{symbol.version}`" if symbol.version else f"`{symbol.symbol}`"


@rule("bundled-library-unused", severity=INFO, since="0.1")
def bundled_library_unused(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The wheel brings a library that nothing in it needs.

    **What it checks.** Each shared library in a directory of bundled libraries (`demo.libs`, `.dylibs`), and each that
    is the same file as a library that is loaded, is needed by some file of the wheel, or named by Python code that
    loads libraries.

    **Why it matters.** It makes every download larger. Copies of one library under several names are what is left of
    symbolic links, which a wheel cannot hold.

    **How to fix.** Leave the other names out, or the library; `auditwheel repair` on a clean build copies what is
    needed alone.

    **Limits.** A library elsewhere may be a plug-in, or there to be linked against: nothing is said of it.
    """
    sizes = {member.name: member.size for member in wheel.files()}
    unused = _unused(wheel, context)
    if unused:
        size = sum(sizes.get(name, 0) for name in unused)
        what = f"`{unused[0]}` is" if len(unused) == 1 else f"{len(unused)} bundled libraries are"
        yield Hit(
            message=f"{what} needed by nothing in the wheel ({size:,} bytes)",
            help="leave out what nothing loads: names that were symbolic links, and libraries of an earlier build",
            member=unused[0] if len(unused) == 1 else None,
            evidence=tuple(Evidence(text=f"`{name}`", member=name) for name in unused[:_SHOWN]),
        )


def _unused(wheel: WheelFacts, context: Context) -> list[str]:
    """The bundled libraries that are not loaded on any promised platform, sorted."""
    digests = {member.name: member.digest("sha256") for member in wheel.files()}
    images = [image for _, image in judged_images(wheel, context)]
    loaded = {image.member for image in images if image.reached or image.role != Role.LIBRARY.value}
    loaded |= {library.member for image in images for library in image.libraries if library.member}
    contents = {digests.get(name) for name in loaded} - {None}
    unused = []
    for name in sorted({image.member for image in images} - loaded):
        if "/glibc-hwcaps/" in name:
            continue  # ld.so looks there by itself, below each directory of the search path
        vendored = _VENDORED_DIRECTORY.search(name) is not None
        copy = digests.get(name) in contents
        if (vendored or copy) and not context.surroundings.loads(f"/{name}"):
            unused.append(name)
    return unused


RULES = (
    bundled_library_unused,
    library_from_dependency,
    library_unreachable,
    library_unresolved,
    symbol_unresolved,
)
