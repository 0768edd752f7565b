"""By what a finding is known again: in the next version of a project, in its wheels for other Pythons, after a rebuild.

What changes from build to build is left out: the project's version in the names of its directories, what the file name
of an extension module says of the interpreter, the part of a hash that a repair tool puts into a library's name, and
the words of the message.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from auditor.platforms.cpython import SuffixKind, parse_extension_name

if TYPE_CHECKING:
    from auditor.findings import Finding

_VERSIONED = re.compile(r"\A([^/]+?)-[^/]*\.(dist-info|data)(?=/|$)", re.ASCII)
"""The dist-info or data directory, at the root of the wheel ("Binary distribution format")."""
_GRAFTED = re.compile(r"-[0-9a-f]{8,32}(?=\.|$)", re.ASCII)
"""What auditwheel (8 hex digits) and delvewheel (32) put into the names of the libraries that they copy."""
_SEPARATORS = re.compile(r"[-_.]+")


def fingerprint(finding: Finding, filename: str) -> str:
    """32 hex digits for what a finding says, of a wheel with that file name (`demo-1.0-py3-none-any.whl`).

    They are made of the rule, the project, the member and architecture, and the first evidence's symbol and library.
    Findings that differ in nothing of that have the same: whoever compares lists has to count.
    """
    first = finding.evidence[0] if finding.evidence else None
    parts = (
        finding.rule,
        _project(filename),
        stable_member(finding.member or ""),
        finding.arch or "",
        first.symbol or "" if first else "",
        _GRAFTED.sub("", first.library or "") if first else "",
    )
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def stable_member(member: str) -> str:
    """A member's name without what another version, Python or build of the same project would have otherwise."""
    directory, slash, name = _VERSIONED.sub(r"\1.\2", member, count=1).rpartition("/")
    extension = parse_extension_name(name)
    if extension is not None and extension.kind is not SuffixKind.PLAIN:
        name = extension.module + name[name.rindex(".") :]
    return f"{directory}{slash}{_GRAFTED.sub('', name, count=1)}"


def _project(filename: str) -> str:
    """The normalised name of the project ("Names and normalization"): what stands before the first dash."""
    return _SEPARATORS.sub("-", filename.partition("-")[0]).lower()
