"""ELF files against the libc, the policies and the processor of the tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.archive.names import is_vendored_name
from auditor.facts.binary import ElfDetail
from auditor.findings import NotJudged
from auditor.loading.external import is_libpython
from auditor.loading.model import Origin
from auditor.platforms import glibc, musl
from auditor.platforms.promise import Libc, PlatformPromise, System, parse_platform
from auditor.rules.context import Role
from auditor.rules.floors import (
    Need,
    breaks_glibc,
    breaks_policy,
    honest_tag,
    libc_of,
    promised_libc,
    relr_evidence,
    version_needs,
    wrong_libc,
)
from auditor.rules.loaded import Lack, lacking, together, unloaded
from auditor.rules.rule import ERROR, INFO, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary, Slice
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_LIBC_NAMES = {Libc.GLIBC: "glibc", Libc.MUSL: "musl", Libc.BIONIC: "Android's bionic"}
_OF_A_DRIVER = "nothing, if the wheel is for machines with that device; else load it at run time, with `dlopen`"
_OF_A_SYSTEM = "copy it into the wheel with `auditwheel repair`, link it statically, or ignore the rule"
_ISA_LEVELS = {1: "x86-64-v2", 2: "x86-64-v3", 3: "x86-64-v4"}


def manylinux(context: Context) -> list[PlatformPromise]:
    """The glibc tags, the lowest promise of each architecture alone: what breaks a wider one is said once."""
    tags = [one for one in context.on(System.LINUX) if one.libc is Libc.GLIBC and one.version is not None]
    return [
        one
        for index, one in enumerate(tags)
        if not any(_lower(other, one) or (_same(other, one) and place < index) for place, other in enumerate(tags))
    ]


def _lower(other: PlatformPromise, one: PlatformPromise) -> bool:
    """Whether `other` promises an older glibc for the same machine."""
    return other.architectures == one.architectures and (other.version or (0, 0)) < (one.version or (0, 0))


def _same(other: PlatformPromise, one: PlatformPromise) -> bool:
    """Whether both promise the same (`manylinux2014` and `manylinux_2_17`)."""
    return other.architectures == one.architectures and other.version == one.version


def _glibc_slices(platform: PlatformPromise, context: Context) -> Iterator[tuple[Binary, Slice]]:
    """The slices that a glibc tag is about; those of another libc have a finding of their own."""
    return ((binary, part) for binary, part in context.judged(platform) if libc_of(part) in {None, Libc.GLIBC})


@rule("glibc-newer-than-tag", severity=ERROR, since="0.1")
def glibc_newer_than_tag(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary needs a newer glibc than the platform tag promises.

    **What it checks.** Every version that an ELF file requires of glibc's libraries is at most the tag's, judged by
    symbol and architecture; DT_RELR relocations ask for glibc 2.36. Needs that are flagged weak do not bind; a version
    that an architecture has earlier for one symbol (`_mcount@GLIBC_2.18` on aarch64) is no breach for that symbol.

    **Why it matters.** On every system between the tag's glibc and the needed one the wheel installs and the import
    fails: "version `GLIBC_2.34' not found".

    **How to fix.** Build in the container of the tag (quay.io's manylinux images, cibuildwheel), or link against an
    old glibc (maturin `--zig --compatibility manylinux2014`). Or promise less: `auditwheel repair` picks the tag that
    holds, the message names it.

    **Limits.** What is opened with dlopen at run time is not seen.

    **References.** PEP 600; ld.so(8); glibc's symbol versions.
    """
    for platform in manylinux(context):
        arch, version = platform.architectures[0], platform.version or (0, 0)
        evidence: list[Evidence] = []
        newest = version
        members: dict[str, None] = {}
        needs: list[Need] = []
        for binary, part in _glibc_slices(platform, context):
            for need in version_needs(binary, part):
                needs.append(need)
                if breaks_glibc(need, version, arch):
                    evidence.append(need.evidence)
                    newest = max(newest, glibc.node_version(need.node) or newest)
                    members[binary.member] = None
            relr = relr_evidence(binary, part) if version < glibc.RELR_SINCE else None
            if relr is not None:
                evidence.append(relr)
                newest = max(newest, glibc.RELR_SINCE)
                members[binary.member] = None
        if evidence:
            evidence.sort(key=lambda one: (-_minor(one.version), one.text))
            honest = honest_tag(needs, newest, arch, context)
            yield Hit(
                message=f"{_files(members)} glibc {newest[0]}.{newest[1]}; the tag `{platform.tag}` promises that"
                f" {version[0]}.{version[1]} is enough",
                help=f"build against glibc {version[0]}.{version[1]} (the manylinux image of the tag, cibuildwheel,"
                " `maturin build --zig`)" + (f", or tag the wheel `{honest}` or later" if honest else ""),
                member=next(iter(members)) if len(members) == 1 else None,
                arch=arch,
                evidence=tuple(evidence[:_SHOWN]),
            )


def _files(members: dict[str, None]) -> str:
    """The subject of a message about one or several files."""
    return f"`{next(iter(members))}` needs" if len(members) == 1 else f"{len(members)} files need"


def _minor(node: str | None) -> int:
    """The minor glibc version of a node, to sort by."""
    version = glibc.node_version(node or "") or (glibc.RELR_SINCE if node == "DT_RELR" else (0, 0))
    return version[1]


@rule("libstdcxx-newer-than-tag", severity=ERROR, since="0.1")
def libstdcxx_newer_than_tag(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """A binary needs a newer libstdc++, libgcc_s, libatomic or zlib than the platform tag's policy has.

    **What it checks.** The versions (GLIBCXX, CXXABI, GCC, LIBATOMIC, ZLIB) that ELF files require of libraries which
    the wheel does not bring, against the manylinux policy of the tag and architecture.

    **Why it matters.** The system's libstdc++ is as old as its compiler: "version `GLIBCXX_3.4.29' not found". The
    glibc part of such a wheel can be right, so a check of glibc alone passes it.

    **How to fix.** Build with the compiler of the manylinux image (its devtoolset links new parts statically), or link
    with `-static-libstdc++ -static-libgcc`: where the compiler belongs to a newer system, its static library needs that
    system's glibc in turn. Copying libstdc++ into the wheel is the last resort.

    **Limits.** Between two policies the newer one judges. Beyond the newest policy nothing is known, and that is said.

    **References.** PEP 600; auditwheel's policies.
    """
    for platform in manylinux(context):
        arch = platform.architectures[0]
        policy = glibc.policy_for(platform.version or (0, 0), arch)
        needs = [need for binary, part in _glibc_slices(platform, context) for need in version_needs(binary, part)]
        if policy is None:
            if any(need.library in glibc.TRACKED for need in needs):
                reason = f"no manylinux policy reaches to `{platform.tag}`: libstdc++ and libgcc_s were not compared"
                yield NotJudged(rule="libstdcxx-newer-than-tag", reason=reason)
            continue
        broken = [need for need in needs if breaks_policy(need, policy, arch, context.bundled)]
        if broken:
            members = dict.fromkeys(need.member for need in broken)
            broken.sort(key=lambda need: (need.library != "libstdc++.so.6", need.library, need.member))
            newest = {need.library: need.node for need in sorted(broken, key=lambda need: _natural(need.node))}
            nodes = ", ".join(
                f"`{newest[library]}` of {library}" for library in dict.fromkeys(need.library for need in broken)
            )
            versions = (version for need in needs if (version := glibc.node_version(need.node)))
            honest = honest_tag(needs, max((platform.version or (0, 0), *versions)), arch, context)
            yield Hit(
                message=f"{_files(members)} {nodes}, which the policy of `{platform.tag}` does not have",
                help="build with the compiler of the manylinux image, or link with `-static-libstdc++ -static-libgcc`"
                + (f", or tag the wheel `{honest}` or later" if honest else ""),
                member=next(iter(members)) if len(members) == 1 else None,
                arch=arch,
                evidence=tuple(need.evidence for need in broken[:_SHOWN]),
            )


def _natural(node: str) -> list[int | str]:
    """A version node as a key that sorts 3.4.9 before 3.4.21."""
    return [int(part) if part.isdigit() else -1 for part in node.replace("_", ".").split(".")]


@rule("libc-mismatch", severity=ERROR, since="0.1")
def libc_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary is linked to another C library than the platform tag promises.

    **What it checks.** Each ELF file that is linked to a C library is linked to the promised one: glibc under
    manylinux, musl under musllinux, Android's bionic under Android. A file whose path says which library it is for,
    and a module that is there for the promised one as well, are passengers. Where the set has several kinds of tags,
    `platform-mixed` speaks.

    **Why it matters.** musl's loader takes the name `libc.so.6` for itself and has not the functions of glibc alone
    ("symbol not found"), and it finds no `ld-linux-x86-64.so.2`; what both have is laid out differently. glibc's loader
    finds no `libc.musl-x86_64.so.1`, and takes its own linker script for `libc.so`: "invalid ELF header". Android has
    neither `libc.so.6` nor musl: "library not found".

    **How to fix.** Build in the image of the tag; for Android with the NDK. maturin: the `*-linux-musl` target with
    `-C target-feature=-crt-static`.

    **Limits.** musl and bionic both call their library `libc.so`. It is taken for bionic's where the file asks for a
    version node of it, or has an Android note. `libc.so.6` and what else musl takes for itself say nothing without a
    version of glibc: such a prebuilt library may be for both, and its symbols are judged (`musl-newer-than-tag`).

    **References.** PEP 656; PEP 600; PEP 738; musl's ldso/dynlink.c, load_library.
    """
    found = wrong_libc(wheel, context)
    promised = promised_libc(context)
    if found and promised is not None:
        here = " and ".join(sorted({_LIBC_NAMES[one] for _, part in found if (one := libc_of(part)) is not None}))
        tag = next(one.tag for one in context.on(System.LINUX, System.ANDROID) if one.libc is promised)
        what = f"`{found[0][0].member}` is" if len(found) == 1 else f"{len(found)} files are"
        yield Hit(
            message=f"{what} linked to {here}; the tag `{tag}` promises {_LIBC_NAMES[promised]}",
            help="build with Android's NDK"
            if promised is Libc.BIONIC
            else f"build in the image of the tag, with a compiler for {_LIBC_NAMES[promised]}",
            member=found[0][0].member if len(found) == 1 else None,
            arch=found[0][1].arch,
            evidence=tuple(_libc_evidence(binary, part) for binary, part in found[:_SHOWN]),
        )


def _libc_evidence(binary: Binary, part: Slice) -> Evidence:
    """What a file needs, with the library that gives its C library away."""
    names = [needed.name for needed in part.needed]
    telling = (name for name in names if musl.is_musl_library(name) or glibc.is_glibc_library(name))
    text = f"`{binary.member}` needs {', '.join(f'`{name}`' for name in names[:6])}"
    return Evidence(text=text, member=binary.member, library=next(telling, None))


@rule("library-outside-policy", severity=ERROR, since="0.1")
def library_outside_policy(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """A binary needs a system library that the tag does not promise and the wheel does not bring.

    **What it checks.** Every needed library is one that the manylinux policy allows (musllinux: libc and zlib), or
    a member of the wheel. An error where an extension module or an executable needs it, by itself or through
    libraries of the wheel; a warning where only Python code of the wheel loads the file that needs it, where the
    package loads libraries by itself and requires other distributions, or where its search path leads to a directory in
    which the wheel has nothing and a required distribution is named like the package; an info where nothing in the
    wheel loads the file, and for what comes with a device driver, and can be neither bundled nor promised.

    **Why it matters.** On a machine without it the import fails: "libfoo.so.1: cannot open shared object file".

    **How to fix.** `auditwheel repair` copies it into the wheel, or link it statically.

    **Limits.** A library in the wheel that the loader does not find is `library-unreachable`, one that a required
    distribution may bring is `library-from-dependency`, and one that has been lost on the way into the wheel
    `library-unresolved`.

    **References.** PEP 600, PEP 656; auditwheel's policies.
    """
    for platform in manylinux(context):
        if glibc.policy_for(platform.version or (0, 0), platform.architectures[0]) is None:
            reason = f"no manylinux policy reaches to `{platform.tag}`: needed libraries were not compared"
            yield NotJudged(rule="library-outside-policy", reason=reason)
    lacks = [one for one in lacking(wheel, context, Origin.MISSING, Origin.DRIVER) if _is_policed(one)]
    needed, others = unloaded(lacks)
    yield from map(_outside_hit, needed)
    if others:
        yield together(others, "the tag does not promise and the wheel does not bring")


def _is_policed(lack: Lack) -> bool:
    """Whether a policy speaks of a library: of none that a repairing tool has renamed, nor of a module's libpython."""
    if parse_platform(lack.resolution.platforms[0]).system is not System.LINUX or is_vendored_name(lack.name):
        return False
    # `libpython-linked` speaks of extension modules, with its own advice.
    return not is_libpython(lack.name) or any(image.role != Role.EXTENSION.value for image in lack.images)


def _outside_hit(lack: Lack) -> Hit:
    """The finding for one library that is not there."""
    members = {image.member: None for image in lack.images}
    driver = lack.library.origin is Origin.DRIVER
    doubt = lack.library.how if driver else lack.library.doubt
    tag = lack.resolution.platforms[0]
    return Hit(
        message=f"{_files(members)} `{lack.name}`, which `{tag}` does not promise and the wheel does not bring"
        + (f" ({doubt})" if doubt else ""),
        help=_OF_A_DRIVER if driver else _OF_A_SYSTEM,
        member=next(iter(members)) if len(members) == 1 else None,
        arch=lack.resolution.arch,
        evidence=tuple(
            Evidence(text=f"`{member}` needs `{lack.name}`", member=member, library=lack.name)
            for member in list(members)[:_SHOWN]
        ),
        severity=INFO if driver else lack.severity,
    )


@rule("x86-isa-newer-than-tag", severity=ERROR, since="0.1")
def x86_isa_newer_than_tag(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary is marked as needing a newer x86-64 processor.

    **What it checks.** The GNU property note GNU_PROPERTY_X86_ISA_1_NEEDED asks for no more than the baseline. For
    a library that nothing in the wheel needs it is a warning: the package may choose it by the processor. What lies
    below `glibc-hwcaps` is chosen so by ld.so itself. Files of the same level are one finding.

    **Why it matters.** ld.so refuses the file on older processors: "CPU ISA level is lower than required". No tag
    promises a level above the baseline.

    **How to fix.** Build without `-march=x86-64-v3` and the like, or choose the code at run time.

    **Limits.** Only the note is read. Code that uses newer instructions without it is not seen: whether it is reached
    on an older processor cannot be told from the bytes.

    **References.** x86-64 psABI, Program property; glibc 2.33 news.
    """
    tags = context.on(System.LINUX)
    judged = {binary.member: (binary, part) for platform in tags for binary, part in context.judged(platform)}
    same: dict[tuple[bool, int, str | None], list[Evidence]] = {}
    for binary, part in judged.values():
        if not isinstance(part.detail, ElfDetail) or "/glibc-hwcaps/" in binary.member:
            continue
        level = max((bit for bit in _ISA_LEVELS if part.detail.x86_isa_needed >> bit & 1), default=0)
        if level:
            text = f"`{binary.member}`: GNU_PROPERTY_X86_ISA_1_NEEDED is {part.detail.x86_isa_needed:#x}"
            evidence = Evidence(text=text, member=binary.member, version=_ISA_LEVELS[level])
            same.setdefault((binary.member in context.reached, level, part.arch), []).append(evidence)
    for (reached, level, arch), found in same.items():
        one = found[0].member if len(found) == 1 else None
        yield Hit(
            message=f"{f'`{one}` asks' if one else f'{len(found)} files ask'} for an {_ISA_LEVELS[level]} processor,"
            " which no tag promises",
            help="build for the x86-64 baseline, and choose faster code at run time",
            member=one,
            arch=arch,
            evidence=tuple(found[:_SHOWN]),
            severity=None if reached else WARNING,
        )


@rule("executable-stack", severity=ERROR, since="0.1")
def executable_stack(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A shared library asks for an executable stack.

    **What it checks.** PT_GNU_STACK without the X flag in every extension module and shared library under a glibc tag;
    on x86 its absence counts as executable, as it does for ld.so.

    **Why it matters.** glibc 2.41 and later (Debian 13, Fedora 42) refuse to load it: "cannot enable executable stack
    as shared object requires". Older ones make every stack of the process executable.

    **How to fix.** One object among the link's inputs lacks `.note.GNU-stack`, usually assembler code: add the
    section, or link with `-Wl,-z,noexecstack`; `patchelf --clear-execstack` mends a finished file.

    **Limits.** musl does not look at the header. Whole programs are started all the same.

    **References.** glibc 2.41 news; auditwheel issue 634.
    """
    found: dict[str, Evidence] = {}
    arch = None
    for platform in context.on(System.LINUX):
        if platform.libc is Libc.MUSL:
            continue
        for binary, part in _glibc_slices(platform, context):
            if context.roles[binary.member] is Role.EXECUTABLE or not isinstance(part.detail, ElfDetail):
                continue
            stack = part.detail.executable_stack
            if stack or (stack is None and part.arch in {"x86_64", "i686"}):
                how = (
                    "PT_GNU_STACK has the X flag"
                    if stack
                    else "there is no PT_GNU_STACK, which on x86 means executable"
                )
                found.setdefault(binary.member, Evidence(text=f"`{binary.member}`: {how}", member=binary.member))
                arch = part.arch
    if found:
        what = f"`{next(iter(found))}` asks" if len(found) == 1 else f"{len(found)} libraries ask"
        yield Hit(
            message=f"{what} for an executable stack: glibc 2.41 and later refuse to load it",
            help="link with `-Wl,-z,noexecstack`; for a finished file `patchelf --clear-execstack`",
            member=next(iter(found)) if len(found) == 1 else None,
            arch=arch,
            evidence=tuple(found.values())[:_SHOWN],
        )


RULES = (
    executable_stack,
    glibc_newer_than_tag,
    libc_mismatch,
    library_outside_policy,
    libstdcxx_newer_than_tag,
    x86_isa_newer_than_tag,
)
