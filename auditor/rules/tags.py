"""Family `tags`: what the three tags of the file name say, by themselves and against the contents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.facts.archive import ContentKind
from auditor.platforms import pypi
from auditor.platforms.coverage import covers
from auditor.platforms.cpython import impossible_flag
from auditor.platforms.installers import unmatchable, unreleased
from auditor.platforms.promise import AbiKind, Implementation, Libc, Promise, System, has_variant_label
from auditor.rules.passengers import fixed_machine_libraries
from auditor.rules.rule import ERROR, FUTURE, INFO, REJECT, WARNING, Evidence, Hit, rule
from auditor.rules.wider import wider_tag

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts, WheelName
    from auditor.platforms.promise import PlatformPromise
    from auditor.rules.context import Context

_TAG = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_THREADED_PYTHON = re.compile(r"cp\d+t", re.ASCII)


def _parts(name: WheelName) -> tuple[tuple[str, str], ...]:
    """Each of the three compressed sets with what it is called; none where a label has shifted them."""
    if has_variant_label(name):
        return ()
    return (("python", name.python), ("abi", name.abi), ("platform", name.platform))


@rule("tag-malformed", severity=ERROR, pypi=FUTURE, since="0.1")
def tag_malformed(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A tag is not one.

    **What it checks.** No member of a compressed set is empty; each holds letters, digits and `_` alone; a Python tag
    does not begin with a digit.

    **Why it matters.** packaging 26.3 and the pip that carries it refuse such a name, uv refuses it, and PyPI will as
    soon as it updates.

    **How to fix.** Build again, or write the tag with `python -m wheel tags`.

    **References.** Platform compatibility tags; `packaging.utils.parse_wheel_filename`.
    """
    if wheel.name is None:
        return
    for what, compressed in _parts(wheel.name):
        problems = [_malformed(what, member) for member in compressed.split(".")]
        for problem in dict.fromkeys(filter(None, problems)):
            yield Hit(
                message=f"the {what} tag `{compressed}` has {problem}" if compressed else f"the {what} tag is empty",
                help="build again, or write the tag with `python -m wheel tags`",
                # PyPI compares each platform tag with its list; it does not look at the two others yet.
                pypi=REJECT if what == "platform" else FUTURE,
            )


def _malformed(what: str, member: str) -> str | None:
    """What is wrong with one member of a compressed set, or None."""
    if not member:
        return "an empty member"
    if not _TAG.fullmatch(member):
        return f"`{member}`, which has other characters than letters, digits and `_`"
    if what == "python" and not member.isidentifier():
        return f"`{member}`, which begins with a digit"
    return None


@rule("tag-set-untidy", severity=WARNING, since="0.1")
def tag_set_untidy(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A compressed tag set is unsorted, repeats a tag, or has upper case.

    **What it checks.** The members of each set are lower case, sorted as text, and each stands there once.

    **Why it matters.** The specification asks for sorted sets, so that one set has one name; uv compares tags with
    their case, and does not install a wheel for `win_AMD64`.

    **How to fix.** auditwheel 6.4 and later and current maturin sort; `python -m wheel tags` rewrites the name.

    **References.** Platform compatibility tags, Compressed tag sets.
    """
    if wheel.name is None:
        return
    for what, compressed in _parts(wheel.name):
        members = compressed.split(".")
        if any(_malformed(what, member) for member in members):
            continue  # `tag-malformed` speaks of it
        wanted = ".".join(sorted({member.lower() for member in members}))
        if compressed != wanted:
            yield Hit(
                message=f"the {what} tag `{compressed}` is untidy: it should be `{wanted}`",
                help="rename with `python -m wheel tags`, or build with tools that sort (auditwheel 6.4 and later)",
            )


@rule("platform-not-on-pypi", severity=ERROR, pypi=REJECT, since="0.1")
def platform_not_on_pypi(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """PyPI refuses the platform tag.

    **What it checks.** Each platform tag of the set is on PyPI's list, which is dated in the evidence.

    **Why it matters.** PyPI answers "unsupported platform tag" and takes no file of that name. `linux_x86_64` is the
    usual one: what a plain build gives, and what says nothing about the machines that the wheel runs on.

    **How to fix.** Linux: `auditwheel repair`, cibuildwheel, or `maturin build --compatibility pypi`. macOS: set
    `MACOSX_DEPLOYMENT_TARGET` to a version whose tag exists (the minor is 0 from macOS 11 on).

    **Limits.** The list is PyPI's at the date given; an index of your own may take any tag.

    **References.** Platform compatibility tags; PyPI's upload code.
    """
    for platform in context.platforms:
        if pypi.accepts_platform(platform.tag) or not _TAG.fullmatch(platform.tag):
            continue
        yield Hit(
            message=f"PyPI does not accept the platform tag `{platform.tag}`",
            help=pypi.nearest(platform),
            evidence=(Evidence(text=f"PyPI's list of platform tags as of {pypi.KNOWN_AT}"),),
        )


@rule("platform-unmatchable", severity=WARNING, since="0.1")
def platform_unmatchable(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """No installer looks for the platform tag, although PyPI accepts it.

    **What it checks.** The tag is one that pip (packaging) or uv generates on some machine: no `macosx_10_*_arm64`, no
    manylinux below glibc 2.5 on x86 or 2.17 elsewhere, no Android below API level 16, no `win_ia64`, and so on.

    **Why it matters.** The upload succeeds, and nobody can install the file.

    **How to fix.** Tag the wheel with the oldest version that installers look for; the message names it.

    **References.** `packaging.tags`; uv's platform tags.
    """
    for platform in context.platforms:
        reason = unmatchable(platform) if pypi.accepts_platform(platform.tag) else None
        if reason:
            yield Hit(message=f"no installer looks for the platform tag `{platform.tag}`: {reason[0]}", help=reason[1])


@rule("platform-unreleased", severity=WARNING, since="0.1")
def platform_unreleased(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The platform tag asks for a system that has not been released.

    **What it checks.** glibc, musl, macOS, iOS or Android of that version existed when this version was made.

    **Why it matters.** Usually a slip of the keyboard: nobody can install the wheel.

    **How to fix.** Correct the tag. If the system is new, update wheel-audit.

    **Limits.** The list of releases has the date that stands in the evidence.

    **References.** PEP 600, PEP 656.
    """
    for platform in context.platforms:
        newest = unreleased(platform)
        if newest:
            yield Hit(
                message=f"the platform tag `{platform.tag}` asks for a release that does not exist: {newest[0]}",
                help="correct the tag, or update wheel-audit if the release is new",
                evidence=(Evidence(text=newest[1]),),
            )


@rule("platform-mixed", severity=WARNING, since="0.1")
def platform_mixed(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """One tag set mixes operating systems or C libraries.

    **What it checks.** All platform tags of the set name one system; glibc and musl tags stand together only where no
    ELF file of the wheel needs a C library (a static executable runs on both).

    **Why it matters.** A dynamically linked binary is for one C library: on the other it does not load. A wheel for
    several systems carries to each the files of all.

    **How to fix.** One wheel a system and C library.

    **References.** PEP 600, PEP 656.
    """
    systems = {_system(platform) for platform in context.platforms if _TAG.fullmatch(platform.tag)}
    if len(systems) > 1:
        names = ", ".join(f"`{platform.tag}`" for platform in context.platforms)
        yield Hit(message=f"the platform tags mix operating systems: {names}", help="build one wheel a system")
    libcs = {platform.libc for platform in context.on(System.LINUX)} - {Libc.ANY}
    linked = [binary for binary, part, _ in wheel.elf_slices() if part.needed]
    if len(libcs) > 1 and linked:
        yield Hit(
            message="the platform tags promise both glibc and musl, and binaries are linked dynamically",
            help="build one wheel for manylinux and one for musllinux, or link statically",
            evidence=tuple(
                Evidence(text=f"`{binary.member}` needs `{binary.slices[0].needed[0].name}`", member=binary.member)
                for binary in linked[:3]
            ),
        )


def _system(platform: PlatformPromise) -> System:
    """The system of a platform tag; Windows also for the machines that no Python is built for any more."""
    return System.WINDOWS if platform.tag.startswith("win_") else platform.system


def impossible(promise: Promise) -> str | None:
    """Why no interpreter, released or to come, selects this tag; None where one can."""
    python, abi, platform = promise.python, promise.abi, promise.platform
    if abi.kind is not AbiKind.NONE and platform.system is System.ANY:
        return f"the ABI `{abi.tag}` binds it to a machine, and `any` names none"
    if _THREADED_PYTHON.fullmatch(python.tag):
        return f"the Python tag never carries a `t`: free threading stands in the ABI tag (`{python.tag[:-1]}`)"
    match python.implementation:
        case Implementation.ANY:
            return None if abi.kind is AbiKind.NONE else f"the generic `{python.tag}` goes with the ABI `none` alone"
        case Implementation.CPYTHON:
            return _impossible_cpython(promise)
        case Implementation.PYPY:
            return _impossible_pypy(promise)
        case Implementation.GRAALPY if abi.kind not in {AbiKind.GRAALPY, AbiKind.NONE, AbiKind.OTHER}:
            return f"GraalPy has not the ABI `{abi.tag}`"
        case Implementation.GRAALPY if abi.kind is AbiKind.NONE and platform.system is System.ANY:
            return f"GraalPy never looks for `{python.tag}-none-any`"
        case Implementation.GRAALPY if abi.version is not None and abi.version != python.version:
            return f"`{python.tag}` never has the ABI `{abi.tag}`"
    return None


def _impossible_pypy(promise: Promise) -> str | None:
    """Why no PyPy selects a tag whose Python part is `pp...`."""
    python, abi, platform = promise.python, promise.abi, promise.platform
    if abi.kind not in {AbiKind.PYPY, AbiKind.NONE, AbiKind.OTHER}:
        return f"PyPy has not the ABI `{abi.tag}`"
    if abi.version is not None and abi.version != python.version:
        return f"`{python.tag}` never has the ABI `{abi.tag}`"
    if abi.kind is AbiKind.NONE and (python.tag == "pp3") is not (platform.system is System.ANY):
        return "PyPy looks for `pp3` with `none-any`, and for its whole version with a platform"
    return None


def _impossible_cpython(promise: Promise) -> str | None:
    """Why no CPython selects a tag whose Python part is `cp...`."""
    python, abi = promise.python, promise.abi
    if python.version is None:
        return f"CPython looks for `{python.tag}` with a minor version, never without"
    if abi.kind is AbiKind.CPYTHON and abi.version != python.version:
        return f"`{python.tag}` never has the ABI `{abi.tag}`"
    flag = impossible_flag(python.version, abi.flags)
    if flag is not None:
        return f"`{python.tag}` never has the flag `{flag}` in its ABI tag, as `{abi.tag}` has"
    if abi.kind in {AbiKind.PYPY, AbiKind.GRAALPY}:
        return f"CPython has not the ABI `{abi.tag}`"
    if abi.kind in {AbiKind.ABI3, AbiKind.ABI3T} and python.version < (3, 2):
        return "the stable ABI begins with CPython 3.2"
    return None


def _impossibilities(context: Context) -> dict[str, str | None]:
    """What `impossible` says of each tag, but for the malformed ones, of which `tag-malformed` speaks."""
    return {
        promise.tag: impossible(promise)
        for promise in context.promises
        if all(_TAG.fullmatch(part) for part in (promise.python.tag, promise.abi.tag, promise.platform.tag))
    }


@rule("tag-never-installable", severity=ERROR, since="0.1")
def tag_never_installable(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """No tag of the set can match any interpreter.

    **What it checks.** At least one combination of Python, ABI and platform tag is one that pip or uv generates on
    some interpreter.

    **Why it matters.** PyPI looks at the platform tag alone and takes the file; nobody can install it. Found in the
    wild: `py3-abi3-...`, `cp315t-abi3t-...`, `cp312-cp311-...`.

    **How to fix.** Correct the tag; the evidence says what is wrong with each combination.

    **References.** `packaging.tags`; PEP 425, PEP 803.
    """
    reasons = _impossibilities(context)
    if reasons and all(reasons.values()):
        yield Hit(
            message=f"no interpreter can ever select `{wheel.name.tag_set if wheel.name else ''}`",
            help="correct the tags: see the evidence for what each combination lacks",
            evidence=tuple(Evidence(text=f"`{tag}`: {reason}") for tag, reason in list(reasons.items())[:8]),
        )


@rule("tag-some-impossible", severity=INFO, since="0.1")
def tag_some_impossible(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Some combinations of the compressed set can never match.

    **What it checks.** Each combination that the compressed set expands to, as `tag-never-installable` does.

    **Why it matters.** Harmless: installers pass them over. It shows that several wheels were folded into one name.

    **How to fix.** Nothing has to be done; separate wheels say the same without the noise.

    **References.** Platform compatibility tags, Compressed tag sets.
    """
    reasons = _impossibilities(context)
    bad = [tag for tag, reason in reasons.items() if reason]
    if bad and len(bad) < len(reasons):
        yield Hit(
            message=f"{len(bad)} of the {len(reasons)} tags that the name expands to can never match",
            help="nothing has to be done: installers pass them over",
            evidence=tuple(Evidence(text=f"`{tag}`: {reasons[tag]}") for tag in bad[:4]),
        )


@rule("tag-abi3-multiple-python", severity=WARNING, since="0.1")
def tag_abi3_multiple_python(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An abi3 wheel names several CPython versions where the lowest is enough.

    **What it checks.** Beside the ABI tag `abi3` stands one `cp` tag.

    **Why it matters.** `cp38-abi3` installs on 3.8 and everything later. With several tags auditors and people
    disagree over which version's stable ABI the wheel keeps to.

    **How to fix.** Keep the lowest: `python -m wheel tags --python-tag cp38`.

    **References.** PEP 425; Platform compatibility tags.
    """
    versions = sorted(
        {
            promise.python.version
            for promise in context.promises
            if promise.abi.kind is AbiKind.ABI3 and promise.python.version is not None and not impossible(promise)
        }
    )
    if len(versions) > 1:
        lowest = f"cp{versions[0][0]}{versions[0][1]}"
        yield Hit(
            message=f"the abi3 wheel names {len(versions)} CPython versions; `{lowest}` alone says the same",
            help=f"rename with `python -m wheel tags --python-tag {lowest}`",
        )


@rule("tag-abi3t-python-too-old", severity=ERROR, since="0.1")
def tag_abi3t_python_too_old(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The ABI tag `abi3t` stands beside a CPython older than 3.15.

    **What it checks.** Every Python tag beside `abi3t` is `cp315` or later.

    **Why it matters.** The free-threaded stable ABI begins with CPython 3.15. pip looks for the tag on 3.13t and 3.14t
    all the same, and installs a module there that cannot be imported.

    **How to fix.** Build for 3.15 (`cp315-abi3.abi3t`), or one wheel a version for 3.13t and 3.14t.

    **References.** PEP 803.
    """
    old = sorted(
        {
            promise.python.tag
            for promise in context.promises
            if promise.abi.kind is AbiKind.ABI3T and promise.python.version and promise.python.version < (3, 15)
        }
    )
    if old:
        names = ", ".join(f"`{tag}`" for tag in old)
        yield Hit(
            message=f"`abi3t` stands beside {names}: it begins with CPython 3.15",
            help="build for `cp315-abi3.abi3t`, or one wheel each for the free-threaded 3.13 and 3.14",
        )


@rule("tag-cp-none-any", severity=WARNING, since="0.1")
def tag_cp_none_any(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """`cpXY-none-any` installs on exactly one CPython version.

    **What it checks.** A pure wheel is not tagged with single CPython versions, unless a generic tag is beside them.

    **Why it matters.** `cp312-none-any` reads as "from 3.12 on" and means "3.12 and no other": users of 3.13 get the
    sdist or nothing.

    **How to fix.** Tag it `py3-none-any` and state `Requires-Python: >=3.12`.

    **References.** `packaging.tags.compatible_tags`.
    """
    pure = [
        promise
        for promise in context.promises
        if promise.abi.kind is AbiKind.NONE and promise.platform.system is System.ANY
    ]
    generic = [promise for promise in pure if promise.python.implementation is Implementation.ANY]
    versions = sorted(
        promise.python.version
        for promise in pure
        if promise.python.implementation is Implementation.CPYTHON
        and promise.python.version is not None
        and not any(covers(wide, promise) for wide in generic)
    )
    if versions:
        names = [f"{major}.{minor}" for major, minor in versions]
        others = "version" if len(names) == 1 else "versions"
        yield Hit(
            message=f"a pure wheel with the Python tag `{wheel.name.python if wheel.name else ''}` installs on CPython"
            f" {' and '.join(names)} and on no other {others}",
            help=f"tag it `py{versions[0][0]}-none-any` and state `Requires-Python: >={names[0]}`",
        )


@rule("tag-wider-possible", severity=INFO, since="0.1")
def tag_wider_possible(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Every binary would also keep a wider promise than the tag makes.

    **What it checks.** The oldest glibc whose manylinux policy all ELF files keep, or the oldest macOS that all Mach-O
    slices accept, against the tag's.

    **Why it matters.** Users of older systems could install the wheel, and get the sdist in its place.

    **How to fix.** Retag with the message's tag (`python -m wheel tags --platform-tag ...`), if you mean to support
    it.

    **Limits.** musl's floor is not decided; nothing is said where a binary could not be read.

    **References.** PEP 600.
    """
    for tag, wider, evidence in wider_tag(wheel, context):
        yield Hit(
            message=f"the binaries would also keep the promise of `{wider}`, which is wider than `{tag}`",
            help=f"if you support it: `python -m wheel tags --platform-tag {wider}`",
            evidence=evidence,
        )


@rule("native-in-any", severity=ERROR, since="0.1")
def native_in_any(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A wheel for `any` platform holds native code that is imported or loaded.

    **What it checks.** Under the platform tag `any` no binary is an extension module, none is needed by another, and
    none is a shared library under a name that leaves no choice of system or machine while the package's Python code
    loads libraries.

    **Why it matters.** The wheel installs everywhere and works on one system and machine: everywhere else the import
    fails, where without it the sdist would have been built.

    **How to fix.** Build platform wheels: setuptools needs an extension or `Root-Is-Purelib: false` and a tag
    (`bdist_wheel --plat-name`), hatchling a build hook with `infer_tag`, ctypes packages `py3-none-{platform}`.

    **Limits.** A module that the package imports inside `try` alone is provided for. Launchers, and libraries whose
    path names the system or machine they are for, are passengers that a
    package chooses from; they are reported as `binary-foreign`.

    **References.** PEP 425.
    """
    if not any(platform.system is System.ANY for platform in context.platforms):
        return
    loaded = [binary for binary in wheel.binaries if context.is_loaded(binary) and not context.is_optional(binary)]
    found = loaded or fixed_machine_libraries(wheel, context)
    if found:
        yield Hit(
            message=f"the platform tag is `any`, and the wheel holds {len(found)} native "
            f"{'file' if len(found) == 1 else 'files'} that {'is' if len(found) == 1 else 'are'} imported or loaded",
            help="build one wheel a platform; a package that loads its library by ctypes is `py3-none-{platform}`",
            evidence=tuple(
                Evidence(
                    text=f"`{binary.member}` is {describe(binary.format.value)}"
                    f" for {', '.join(part.arch or part.machine for part in binary.slices)}",
                    member=binary.member,
                )
                for binary in found[:8]
            ),
        )


def describe(format_: str) -> str:
    """A format with its article."""
    return {"elf": "an ELF file", "macho": "a Mach-O file", "pe": "a PE file"}[format_]


@rule("platform-without-native", severity=WARNING, since="0.1")
def platform_without_native(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The platform tag names a system, and there is no native file.

    **What it checks.** A wheel for a platform holds at least one native binary, static library or wasm module.

    **Why it matters.** Either the build dropped its extension (a failed optional build, a wrong package-data pattern),
    or the wheel is pure and should install everywhere.

    **How to fix.** Look at the build log for the extension. If the wheel is pure, tag it `py3-none-any`. Some projects
    do this on purpose, to choose dependencies by platform: ignore the rule then.

    **References.** PEP 425.
    """
    native = {ContentKind.ELF, ContentKind.MACHO, ContentKind.PE, ContentKind.AR, ContentKind.WASM, ContentKind.UNREAD}
    named = [platform.tag for platform in context.platforms if platform.system not in {System.ANY, System.OTHER}]
    if named and wheel.members and not any(member.content in native for member in wheel.files()):
        yield Hit(
            message=f"the platform tag is `{named[0]}`, and the wheel holds no native file",
            help="look for a failed extension build; if the wheel is pure, tag it `py3-none-any`",
        )


RULES = (
    native_in_any,
    platform_mixed,
    platform_not_on_pypi,
    platform_unmatchable,
    platform_unreleased,
    platform_without_native,
    tag_abi3_multiple_python,
    tag_abi3t_python_too_old,
    tag_cp_none_any,
    tag_malformed,
    tag_never_installable,
    tag_set_untidy,
    tag_some_impossible,
    tag_wider_possible,
)
