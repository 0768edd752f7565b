"""Family `metadata`: METADATA by itself and against the file name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from auditor.platforms.cpython import interpreters
from auditor.rules.filename import normalized_name, parse_version
from auditor.rules.layout import unread_text
from auditor.rules.rule import ERROR, INFO, REJECT, Evidence, Hit, NotJudged, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.platforms.cpython import Interpreter
    from auditor.rules.context import Context

_PATCHES = range(40)
"""Patch releases that a specifier is tried with: more than any minor version has had."""


@rule("metadata-missing", severity=ERROR, pypi=REJECT, since="0.1")
def metadata_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """There is no METADATA.

    **What it checks.** The dist-info directory holds a file `METADATA`.

    **Why it matters.** PyPI and every installer refuse the wheel: its name, version and dependencies stand there.

    **How to fix.** Build with a build backend.

    **References.** Binary distribution format, File contents; Core metadata.
    """
    if wheel.dist_info is None or wheel.metadata is not None:
        return
    unread = unread_text(wheel, "metadata-missing", "METADATA")
    if unread is not None:
        yield unread
    else:
        yield Hit(
            message=f"there is no `{wheel.dist_info}/METADATA`",
            help="build the wheel with a build backend: no installer takes it without METADATA",
        )


@rule("name-mismatch", severity=ERROR, pypi=REJECT, since="0.1")
def name_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The name in METADATA is not the file name's.

    **What it checks.** Both, normalised, are equal.

    **Why it matters.** PyPI refuses the upload, uv and pip refuse to install the wheel.

    **How to fix.** Build again; do not rename wheels by hand.

    **References.** Names and normalization; PyPI's upload code.
    """
    name = wheel.metadata.first("Name") if wheel.metadata else None
    if name is None or wheel.name is None:
        return
    if normalized_name(name.strip()) != normalized_name(wheel.name.distribution):
        yield Hit(
            message=f"METADATA names the project `{name}`, the file name `{wheel.name.distribution}`",
            help="build the wheel again under the right name: PyPI and uv refuse it",
            member=f"{wheel.dist_info}/METADATA",
        )


@rule("version-mismatch", severity=ERROR, pypi=REJECT, since="0.1")
def version_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The version in METADATA is not the file name's.

    **What it checks.** Both are the same version of PEP 440, however they are spelled.

    **Why it matters.** PyPI refuses the upload, uv refuses to install the wheel, pip installs it under the other
    version.

    **How to fix.** Build again; do not rename wheels by hand.

    **References.** PEP 440; PyPI's upload code.
    """
    text = wheel.metadata.first("Version") if wheel.metadata else None
    if text is None or wheel.name is None:
        return
    here, there = parse_version(text), parse_version(wheel.name.version)
    if here is not None and there is not None and here != there:
        yield Hit(
            message=f"METADATA has the version `{text}`, the file name `{wheel.name.version}`",
            help="build the wheel again with one version: PyPI and uv refuse it",
            member=f"{wheel.dist_info}/METADATA",
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
    text = wheel.metadata.first("Requires-Python") if wheel.metadata else None
    # A wheel for Python 3.6 alone may say so in Requires-Python and be tagged `py3`.
    selected = [one for promise in context.promises for one in interpreters(promise, oldest=(0, 0))]
    if not text or not selected:
        return
    try:
        specifier = SpecifierSet(text)
    except InvalidSpecifier:
        return
    shown = context.interpreters or dict.fromkeys(selected)
    severity = ERROR
    if not any(satisfies(one, specifier) for one in selected):
        message = f"no interpreter that the tags select satisfies `Requires-Python: {text}`"
    else:
        refused = next(_named_and_refused(context, specifier), None)
        if refused is None:
            return
        message = f"the tags also select {refused}, which `Requires-Python: {text}` shuts out"
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
        if not any(satisfies(one, specifier) for one in below):
            yield named


def satisfies(interpreter: Interpreter, specifier: SpecifierSet) -> bool:
    """Whether some patch release of the interpreter satisfies the specifier."""
    major, minor = interpreter.version
    return any(specifier.contains(f"{major}.{minor}.{patch}", prereleases=True) for patch in _PATCHES)


RULES = (metadata_missing, name_mismatch, requires_python_excludes_tag, version_mismatch)
