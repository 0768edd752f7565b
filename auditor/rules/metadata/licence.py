"""The fields about the licence (PEP 639)."""

from __future__ import annotations

import difflib
import posixpath
import re
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from auditor.platforms import core_metadata
from auditor.rules.metadata.fields import (
    capped,
    cut,
    field_named,
    fields_named,
    line_evidence,
    parsed_fields,
    place,
    unjudged,
)
from auditor.rules.rule import ERROR, REJECT, SERVER_ERROR, WARNING, Evidence, Hit, NotJudged, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_COMMON = {
    "mit license": "MIT",
    "the mit license": "MIT",
    "expat": "MIT",
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "new bsd": "BSD-3-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "gpl": "GPL-3.0-or-later",
    "gplv2": "GPL-2.0-only",
    "gplv3": "GPL-3.0-only",
    "gplv3+": "GPL-3.0-or-later",
    "lgplv3": "LGPL-3.0-only",
    "agplv3": "AGPL-3.0-only",
    "mpl 2.0": "MPL-2.0",
    "isc license": "ISC",
    "psf": "PSF-2.0",
    "python": "PSF-2.0",
    "public domain": "Unlicense",
    "proprietary": "LicenseRef-Proprietary",
    "commercial": "LicenseRef-Proprietary",
    "none": "LicenseRef-Proprietary",
}
_SUGGESTED = 20
"""Expressions for which a suggestion is looked for: there may be one."""
_PLUS_REFERENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+\+", re.IGNORECASE)


@rule("license-expression-invalid", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def license_expression_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """License-Expression is not a valid SPDX expression.

    **What it checks.** `License-Expression` is made of SPDX identifiers, `LicenseRef-...`, `AND`, `OR`, `WITH` and
    parentheses.

    **Why it matters.** PyPI refuses the upload.

    **How to fix.** The message has a suggestion; the list of identifiers is at SPDX.

    **References.** PEP 639; SPDX license expressions.
    """
    yield from unjudged(wheel, "license-expression-invalid", "License-Expression")
    for number, field in enumerate(parsed_fields(wheel, "License-Expression")):
        from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

        try:
            canonicalize_license_expression(field.value)
        except (InvalidLicenseExpression, KeyError, ValueError, RecursionError, MemoryError):
            suggestion = suggest(field.value) if number < _SUGGESTED else None
            plus = _PLUS_REFERENCE.search(field.value) is not None
            yield Hit(
                message=f"`License-Expression: {cut(field.value)}` is no SPDX expression",
                help=f"write `{suggestion}`, if that is what you mean" if suggestion else "use SPDX identifiers",
                member=place(wheel),
                evidence=(line_evidence(field),),
                pypi=SERVER_ERROR if plus else REJECT,
            )


def suggest(text: str) -> str | None:
    """An SPDX expression that the text may mean."""
    if len(text) > 100:
        return None
    folded = " ".join(text.lower().split())
    if folded in _COMMON:
        return _COMMON[folded]
    if "/" in text:
        parts = [suggest(part.strip()) for part in text.split("/")]
        return " OR ".join(part for part in parts if part) if all(parts) else None
    from packaging.licenses._spdx import LICENSES

    if folded in LICENSES:
        return str(LICENSES[folded]["id"])
    near = difflib.get_close_matches(folded, LICENSES, n=1, cutoff=0.7)
    return str(LICENSES[near[0]]["id"]) if near else None


@rule("license-fields-conflict", severity=ERROR, pypi=REJECT, since="0.1")
def license_fields_conflict(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """License stands beside License-Expression.

    **What it checks.** METADATA has one of the two fields.

    **Why it matters.** PyPI refuses the upload: the older field is deprecated where the newer one is present.

    **How to fix.** Keep `license = "MIT"` (an expression), and remove `license = {text = ...}`.

    **References.** PEP 639.
    """
    old = [field for field in fields_named(wheel, "License") if field.value.strip()]
    new = [field for field in fields_named(wheel, "License-Expression") if field.value.strip()]
    if old and new:
        yield Hit(
            message="METADATA has both `License` and `License-Expression`",
            help="keep `License-Expression`",
            member=place(wheel),
            evidence=(line_evidence(old[0]), line_evidence(new[0])),
        )


@rule("license-file-path", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def license_file_path(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The path of a licence file is malformed.

    **What it checks.** From Metadata-Version 2.4 on each `License-File` is a relative path with `/`, without `..`,
    `*`, `./` and `//`.

    **Why it matters.** PyPI refuses the upload; even a file name such as `LICENSE..txt` is.

    **How to fix.** Give `license-files` paths inside the project's root.

    **References.** PEP 639.
    """
    if not _has_license_files(wheel):
        return
    for field in fields_named(wheel, "License-File"):
        problem = _path_problem(field.value)
        if problem:
            yield Hit(
                message=f"`License-File: {cut(field.value)}` {problem}",
                help="give `license-files` plain paths below the project's root",
                member=place(wheel),
                evidence=(line_evidence(field),),
            )


def _has_license_files(wheel: WheelFacts) -> bool:
    """Whether `License-File` counts: from Metadata-Version 2.4 on. Before, twine leaves it out of what it sends."""
    field = field_named(wheel, "Metadata-Version")
    declared = field.value.strip() if field is not None else ""
    return declared in core_metadata.VERSIONS and not core_metadata.is_newer("2.4", declared)


def _path_problem(path: str) -> str | None:
    """What PyPI has against a licence file's path; None where it takes it."""
    if ".." in path:
        return "has `..` in it"
    if "*" in path:
        return "has a `*` in it"
    if posixpath.isabs(path) or PureWindowsPath(path).is_absolute() or PureWindowsPath(path).drive:
        return "is absolute"
    if PureWindowsPath(path).as_posix() != path:
        return "is not in its canonical form"
    return None


@rule("license-file-missing", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def license_file_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A licence file that METADATA names is not where it must be.

    **What it checks.** From Metadata-Version 2.4 on each `License-File` lies at `dist-info/licenses/<path>`.

    **Why it matters.** PyPI refuses the upload; without the file the licence's terms are often not kept.

    **How to fix.** Update the build backend: older ones put the files beside METADATA, and newer ones into
    `licenses/`.

    **References.** PEP 639; PyPI's upload code.
    """
    if not _has_license_files(wheel):
        return
    names = {member.name for member in wheel.files()}
    by_basename: dict[str, list[str]] = {}
    for name in sorted(names):
        by_basename.setdefault(posixpath.basename(name), []).append(name)
    for field in fields_named(wheel, "License-File"):
        wanted = f"{wheel.dist_info}/licenses/{field.value}"
        if wanted in names or _path_problem(field.value):
            continue
        same = by_basename.get(posixpath.basename(field.value), [])
        evidence = [line_evidence(field)]
        evidence += [Evidence(text=f"a file of that name lies at `{name}`", member=name) for name in same[:4]]
        yield Hit(
            message=f"there is no `{cut(wanted)}`",
            help="update the build backend, or take the file out of `license-files`",
            member=place(wheel),
            evidence=tuple(evidence),
        )


@rule("license-undeclared", severity=WARNING, since="0.1")
def license_undeclared(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """No licence is named, or a licence file is not declared.

    **What it checks.** METADATA has `License-Expression`, `License`, `License-File` or a `License ::` classifier;
    each file under `dist-info/licenses/` is named by `License-File`.

    **Why it matters.** Without a licence nobody may use the wheel; tools that collect licences read METADATA alone.

    **How to fix.** `license = "MIT"` and `license-files = ["LICENSE*"]` in the project table.

    **References.** PEP 639.
    """
    if wheel.metadata is None:
        return
    named = fields_named(wheel, "License-Expression", "License", "License-File")
    classified = any(value.startswith("License ::") for value in wheel.metadata.values("Classifier"))
    if not any(field.value.strip() for field in named) and not classified:
        yield Hit(
            message="METADATA names no licence",
            help='add `license = "..."` with an SPDX expression to the project table',
            member=place(wheel),
        )
    listed = {field.value for field in fields_named(wheel, "License-File")}
    prefix = f"{wheel.dist_info}/licenses/"
    extra = sorted(
        member.name
        for member in wheel.files()
        if member.name.startswith(prefix) and member.name.removeprefix(prefix) not in listed
    )
    if extra and listed:
        yield Hit(
            message=f"`License-File` does not name {len(extra)} of the files under `licenses/`",
            help="add them to `license-files`",
            member=place(wheel),
            evidence=tuple(Evidence(text=f"`{name}`", member=name) for name in extra[:8]),
        )


RULES = (
    license_expression_invalid,
    license_fields_conflict,
    license_file_missing,
    license_file_path,
    license_undeclared,
)
