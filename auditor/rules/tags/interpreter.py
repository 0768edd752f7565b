"""Python and ABI tags together: which interpreters can select them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.platforms.coverage import covers
from auditor.platforms.cpython import impossible_flag
from auditor.platforms.promise import AbiKind, Implementation, Promise, System
from auditor.rules.rule import ERROR, INFO, WARNING, Evidence, Hit, rule
from auditor.rules.tags.spelling import TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context


_THREADED_PYTHON = re.compile(r"cp\d+t", re.ASCII)


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
        if all(TAG.fullmatch(part) for part in (promise.python.tag, promise.abi.tag, promise.platform.tag))
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


RULES = (
    tag_abi3_multiple_python,
    tag_abi3t_python_too_old,
    tag_cp_none_any,
    tag_never_installable,
    tag_some_impossible,
)
