"""The fields that installers act upon: Requires-Dist, Requires-Python, Provides-Extra."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from auditor.platforms.cpython import interpreters
from auditor.rules.metadata.fields import (
    LENGTH_MAX,
    capped,
    cut,
    field_named,
    fields_named,
    line_evidence,
    parsed_fields,
    place,
    unjudged,
)
from auditor.rules.rule import ACCEPT, ERROR, INFO, REJECT, WARNING, Evidence, Hit, NotJudged, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

    from auditor.facts.dist_info import Field
    from auditor.facts.wheel import WheelFacts
    from auditor.platforms.cpython import Interpreter
    from auditor.rules.context import Context

_PATCHES = range(40)
"""Patch releases that a specifier is tried with: more than any minor version has had."""
_EXTRA = re.compile(r"[A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9]", re.IGNORECASE | re.ASCII)
_REQUIREMENT_FIELDS = ("Requires-Dist", "Provides-Dist", "Obsoletes-Dist")
"""The fields that PyPI parses as requirements."""
_VERSION_VARIABLES = frozenset({"python_version", "python_full_version", "implementation_version"})
_MINOR_CLASSIFIER = re.compile(r"Programming Language :: Python :: (\d)\.(\d{1,2})", re.ASCII)
_SHOWN = 8


def _requirements(wheel: WheelFacts, *names: str) -> Iterator[tuple[Field, Requirement | str]]:
    """Every Requires-Dist with its requirement, or with the words in which it is none."""
    fields = parsed_fields(wheel, *(names or ("Requires-Dist",)))
    if not fields:
        return
    from packaging.requirements import InvalidRequirement, Requirement

    for field in fields:
        try:
            yield field, Requirement(field.value)
        except InvalidRequirement as error:  # noqa: PERF203 -- each is judged by itself
            yield field, str(error).partition("\n")[0]
        except RecursionError:
            yield field, "its marker is nested too deeply"


def _extra_name(text: str) -> str:
    """An extra's name in normal form."""
    return re.sub(r"[-_.]+", "-", text.strip()).lower()


@rule("requires-dist-invalid", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def requires_dist_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """A dependency is not a valid requirement.

    **What it checks.** Each `Requires-Dist` is a requirement of PEP 508; so are `Provides-Dist` and `Obsoletes-Dist`,
    which PyPI judges alike.

    **Why it matters.** PyPI refuses the upload, pip and uv refuse to install the wheel.

    **How to fix.** Correct `project.dependencies`.

    **References.** Dependency specifiers (PEP 508).
    """
    yield from unjudged(wheel, "requires-dist-invalid", *_REQUIREMENT_FIELDS)
    for field, requirement in _requirements(wheel, *_REQUIREMENT_FIELDS):
        if isinstance(requirement, str):
            yield Hit(
                message=f"`{field.name}: {cut(field.value)}` is no requirement: {requirement}",
                help="correct it in `project.dependencies`",
                member=place(wheel),
                evidence=(line_evidence(field),),
            )


@rule("requires-dist-direct-url", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def requires_dist_direct_url(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A dependency is a URL.

    **What it checks.** No `Requires-Dist` has the form `name @ https://...`.

    **Why it matters.** PyPI refuses the upload: "Can't have direct dependency".

    **How to fix.** Depend on a released version, or move the dependency into a dependency group.

    **References.** Dependency specifiers, Direct references.
    """
    for field, requirement in _requirements(wheel, *_REQUIREMENT_FIELDS):
        if not isinstance(requirement, str) and requirement.url:
            yield Hit(
                message=f"the dependency `{cut(requirement.name)}` is a URL",
                help="depend on a released version of it",
                member=place(wheel),
                evidence=(line_evidence(field),),
            )


@rule("requires-dist-marker", severity=WARNING, since="0.1")
@capped
def requires_dist_marker(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An environment marker is used in a way that the specification asks tools to refuse.

    **What it checks.** `extra` is compared with `==` or `!=`; versions are not compared with `in`; names of systems
    and the like are not ordered with `<` or `~=`; `extras` and `dependency_groups` are left to lock files.

    **Why it matters.** Installers evaluate such a marker differently, or not at all: the dependency is installed
    for one and missing for the other.

    **How to fix.** Compare versions with `>=`, `<`, `==`; systems with `==` or `!=`.

    **References.** Dependency specifiers, Environment markers.
    """
    for field, requirement in _requirements(wheel):
        if isinstance(requirement, str) or requirement.marker is None:
            continue
        problem = next(filter(None, map(_marker_problem, _comparisons(requirement.marker))), None)
        if problem:
            yield Hit(
                message=f"the marker of `{cut(requirement.name)}` {problem}",
                help="compare versions by number, and names with `==` or `!=`",
                member=place(wheel),
                evidence=(line_evidence(field),),
            )


def _comparisons(marker: Any) -> Iterator[tuple[str, str, str]]:  # packaging has no public walk over a marker
    """(left, operator, right) of every comparison in a marker; variables bare, constants in quotes."""
    pending = list(reversed(getattr(marker, "_markers", ())))
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(reversed(item))
        elif isinstance(item, tuple) and len(item) == 3:
            left, operator, right = (part.serialize() for part in item)
            yield left, operator, right


def _marker_problem(comparison: tuple[str, str, str]) -> str | None:
    """What is wrong with a comparison; None where nothing is."""
    left, operator, right = comparison
    variable = left if not left.startswith('"') else right
    if variable in {"extras", "dependency_groups"}:
        return f"uses `{variable}`, which is for lock files alone"
    if variable == "extra" and operator not in {"==", "!="}:
        return f"compares `extra` with `{operator}`"
    if variable in _VERSION_VARIABLES and operator in {"in", "not in"}:
        return f"compares `{variable}` with `{operator}`, which compares text"
    ordered = operator in {"<", "<=", ">", ">=", "~="}
    if ordered and variable not in _VERSION_VARIABLES and variable not in {"platform_release", "extra"}:
        return f"orders `{variable}` with `{operator}`, which compares text"
    return None


@rule("requires-dist-undeclared-extra", severity=WARNING, since="0.1")
@capped
def requires_dist_undeclared_extra(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A marker names an extra that is not provided.

    **What it checks.** Each extra in a marker is declared by `Provides-Extra`.

    **Why it matters.** Nobody can ask for it, so the dependency is never installed.

    **How to fix.** Declare the extra in `project.optional-dependencies`, or correct its name.

    **References.** Core metadata, Provides-Extra.
    """
    provided = {_extra_name(field.value) for field in fields_named(wheel, "Provides-Extra")}
    missing: dict[str, Field] = {}
    for field, requirement in _requirements(wheel):
        if isinstance(requirement, str) or requirement.marker is None:
            continue
        for left, _, right in _comparisons(requirement.marker):
            if "extra" in {left, right}:
                name = _extra_name((right if left == "extra" else left).strip('"'))
                if name and name not in provided:
                    missing.setdefault(name, field)
    for name, field in sorted(missing.items()):
        yield Hit(
            message=f"a dependency is for the extra `{cut(name)}`, which is not provided",
            help="declare it in `project.optional-dependencies`",
            member=place(wheel),
            evidence=(line_evidence(field),),
        )


@rule("requires-python-invalid", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def requires_python_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """Requires-Python is not a version specifier.

    **What it checks.** `Requires-Python` is a specifier set of PEP 440: `>=3.9`, not `3.9` or `>=3.8.*`.

    **Why it matters.** PyPI refuses the upload; installers ignore the field or refuse the wheel.

    **How to fix.** Correct `project.requires-python`.

    **References.** Core metadata, Requires-Python; PEP 440.
    """
    yield from unjudged(wheel, "requires-python-invalid", "Requires-Python")
    for field in parsed_fields(wheel, "Requires-Python"):
        if _specifier(field.value) is None:
            yield Hit(
                message=f"`Requires-Python: {cut(field.value)}` is no version specifier",
                help="write an operator before each version, such as `>=3.9`",
                member=place(wheel),
                evidence=(line_evidence(field),),
            )


def _specifier(text: str) -> SpecifierSet | None:
    """The specifier set, or None where the text is none, or too long to be read."""
    if len(text) > LENGTH_MAX:
        return None
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return None


@rule("requires-python-missing", severity=WARNING, since="0.1")
def requires_python_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """There is no Requires-Python.

    **What it checks.** METADATA has `Requires-Python`.

    **Why it matters.** An installer on an old Python picks the newest release and fails, where it could have picked
    the last one that fits.

    **How to fix.** Add `requires-python` to the project table.

    **References.** Core metadata, Requires-Python.
    """
    if wheel.metadata is not None and not fields_named(wheel, "Requires-Python"):
        yield Hit(
            message="METADATA has no `Requires-Python`",
            help='add `requires-python = ">=3.X"` with the oldest Python that you test',
            member=place(wheel),
        )


@rule("requires-python-upper-bound", severity=INFO, since="0.1")
@capped
def requires_python_upper_bound(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Requires-Python caps the Python version.

    **What it checks.** `Requires-Python` has no `<`, `<=`, `==` or `~=` that shuts out Pythons to come.

    **Why it matters.** On a newer Python installers fall back to an old release without the cap, or find nothing.
    Projects whose dependency resolution sees the cap inherit it.

    **How to fix.** Leave the cap out, unless the wheel really cannot work there.

    **References.** Core metadata, Requires-Python.
    """
    for field in parsed_fields(wheel, "Requires-Python"):
        specifier = _specifier(field.value)
        if specifier is not None and any(one.operator in {"<", "<=", "==", "===", "~="} for one in specifier):
            yield Hit(
                message=f"`Requires-Python: {cut(field.value)}` caps the Python version",
                help="leave the upper bound out, unless the wheel really cannot work there",
                member=place(wheel),
                evidence=(line_evidence(field),),
            )


@rule("requires-python-excludes-tag", severity=ERROR, since="0.1")
def requires_python_excludes_tag(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Requires-Python shuts out the interpreters that the tags select.

    **What it checks.** At least one interpreter that the tags select satisfies Requires-Python (an error where none
    does). Where only the version that a tag names does not, it is an info: the tag says more than the wheel keeps.

    **Why it matters.** Installers look at both: a `cp38-cp38` wheel with `Requires-Python: >=3.9` installs nowhere.

    **How to fix.** Correct `requires-python`, or build for the versions that it names (for abi3: raise the minimum,
    `abi3-py39` in PyO3, `Py_LIMITED_API` in C).

    **Limits.** Interpreters up to the newest release that this version of wheel-audit knows.

    **References.** Core metadata, Requires-Python; PEP 440.
    """
    required = field_named(wheel, "Requires-Python")
    text = required.value if required is not None else None
    # A wheel for Python 3.6 alone may say so in Requires-Python and be tagged `py3`.
    selected = [one for promise in context.promises for one in interpreters(promise, oldest=(0, 0))]
    if not text or not selected:
        return
    specifier = _specifier(text)
    if specifier is None:
        return
    shown = context.interpreters or dict.fromkeys(selected)
    severity = ERROR
    if not any(admits(one.version, specifier) for one in selected):
        message = f"no interpreter that the tags select satisfies `Requires-Python: {cut(text)}`"
    else:
        refused = next(_named_and_refused(context, specifier), None)
        if refused is None:
            return
        message = f"the tags also select {refused}, which `Requires-Python: {cut(text)}` shuts out"
        severity = INFO
    yield Hit(
        message=message,
        help="make `requires-python` and the tags agree",
        member=f"{wheel.dist_info}/METADATA",
        evidence=(Evidence(text=f"the tags select {', '.join(str(one) for one in shown)}"),),
        severity=severity,
    )


def _named_and_refused(context: Context, specifier: SpecifierSet) -> Iterator[Interpreter]:
    """The interpreter that a tag names, where neither it nor one that is older still satisfies the specifier."""
    for promise in context.promises:
        named = next(iter(interpreters(promise)), None)
        if promise.python.minor is None or named is None:
            continue
        below = [one for one in interpreters(promise, oldest=(0, 0)) if one.version <= named.version]
        if not any(admits(one.version, specifier) for one in below):
            yield named


@rule("classifiers-disagree", severity=WARNING, since="0.1")
def classifiers_disagree(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Python classifiers contradict Requires-Python or the tags.

    **What it checks.** No classifier names a Python that `Requires-Python` shuts out; `Python :: 3 :: Only` does
    not stand beside a Python 2 tag.

    **Why it matters.** People and statistics read the classifiers, installers read Requires-Python: one of the two
    misleads.

    **How to fix.** Remove the classifiers of Pythons that you no longer support.

    **References.** Core metadata, Classifier, Requires-Python.
    """
    fields = fields_named(wheel, "Classifier")
    required = field_named(wheel, "Requires-Python")
    text = required.value if required is not None else None
    specifier = _specifier(text) if text else None
    refused: dict[str, Field] = {}
    kept: set[str] = set()
    for field in fields:
        match = _MINOR_CLASSIFIER.fullmatch(field.value.strip())
        if match is None or specifier is None or match[0] in kept or match[0] in refused:
            continue
        if admits((int(match[1]), int(match[2])), specifier):
            kept.add(match[0])
        else:
            refused[match[0]] = field
    if refused:
        names = ", ".join(name.rpartition(" ")[2] for name in list(refused)[:_SHOWN])
        more = f" and {len(refused) - _SHOWN} more" if len(refused) > _SHOWN else ""
        yield Hit(
            message=f"classifiers name Python {names}{more}, which `Requires-Python: {cut(text or '')}` shuts out",
            help="remove these classifiers, or widen `requires-python`",
            member=place(wheel),
            evidence=tuple(line_evidence(field) for field in list(refused.values())[:_SHOWN]),
        )
    only = [field for field in fields if field.value.strip() == "Programming Language :: Python :: 3 :: Only"]
    old = [promise.python.tag for promise in context.promises if promise.python.major == 2]
    if only and old:
        yield Hit(
            message=f"a classifier says Python 3 only, and the tags have `{old[0]}`",
            help="build for `py3`: setuptools' `universal` option makes `py2.py3`",
            member=place(wheel),
            evidence=(line_evidence(only[0]),),
        )


def admits(version: tuple[int, int], specifier: SpecifierSet) -> bool:
    """Whether some patch release of a Python satisfies the specifier."""
    return any(specifier.contains(f"{version[0]}.{version[1]}.{patch}", prereleases=True) for patch in _PATCHES)


@rule("provides-extra-invalid", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def provides_extra_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The name of an extra is malformed, or two are the same when normalised.

    **What it checks.** Each `Provides-Extra` is a name; no two are equal with `-`, `_`, `.` and case aside.

    **Why it matters.** PyPI refuses a malformed name. Of two that are the same installers take either; where one name
    stands there twice, that is a warning.

    **How to fix.** Correct `project.optional-dependencies`.

    **References.** Core metadata, Provides-Extra; PEP 685.
    """
    seen: dict[str, Field] = {}
    for field in fields_named(wheel, "Provides-Extra"):
        name = field.value.strip()
        if not _EXTRA.fullmatch(name):
            yield Hit(
                message=f"`Provides-Extra: {cut(field.value)}` is no name of an extra",
                help="letters, digits and `-`, with a letter or digit at both ends",
                member=place(wheel),
                evidence=(line_evidence(field),),
            )
        elif _extra_name(name) in seen:
            other = seen[_extra_name(name)]
            same = other.value.strip() == name
            yield Hit(
                message=f"the extra `{cut(name)}` is provided twice"
                if same
                else f"the extras `{cut(other.value)}` and `{cut(name)}` are the same when normalised",
                help="keep one of them",
                member=place(wheel),
                evidence=(line_evidence(other), line_evidence(field)),
                severity=WARNING if same else ERROR,
                pypi=ACCEPT,
            )
        seen.setdefault(_extra_name(name), field)


RULES = (
    classifiers_disagree,
    provides_extra_invalid,
    requires_dist_direct_url,
    requires_dist_invalid,
    requires_dist_marker,
    requires_dist_undeclared_extra,
    requires_python_excludes_tag,
    requires_python_invalid,
    requires_python_missing,
    requires_python_upper_bound,
)
