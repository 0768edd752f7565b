"""The fields that say what the distribution is: the format's version, name, version, and what is said of fields."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from auditor.platforms import core_metadata, pypi
from auditor.rules.filename import normalized_name, parse_version
from auditor.rules.layout.core import unread_text
from auditor.rules.metadata.fields import capped, cut, field_evidence, field_named, fields_named, line_evidence, place
from auditor.rules.rule import ACCEPT, ERROR, REJECT, WARNING, Evidence, Hit, NotJudged, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.dist_info import Field
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_NAME = re.compile(r"[A-Z0-9]|[A-Z0-9][A-Z0-9._-]*[A-Z0-9]", re.IGNORECASE | re.ASCII)
_SHOWN = 12


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


@rule("metadata-undecodable", severity=ERROR, pypi=REJECT, since="0.1")
def metadata_undecodable(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """METADATA cannot be read as UTF-8 text with a header.

    **What it checks.** The file is UTF-8 without a byte order mark, its header has no malformed line, and its
    description stands in one place.

    **Why it matters.** twine and uv refuse to upload the wheel, and installers read other fields than were meant.

    **How to fix.** Save the files that the metadata comes from as UTF-8; build with a current backend.

    **References.** Core metadata; PEP 566.
    """
    if wheel.metadata is None:
        return
    problems = list(wheel.metadata.problems)
    if wheel.metadata.first("Description") and wheel.metadata.description.strip():
        problems.append("the description stands in the field `Description` and behind the header as well")
    if problems:
        yield Hit(
            message=f"METADATA cannot be read: {problems[0]}",
            help="write METADATA as UTF-8 with a current build backend",
            member=f"{wheel.dist_info}/METADATA",
            evidence=tuple(Evidence(text=problem) for problem in problems[:_SHOWN]),
        )


@rule("metadata-version-unsupported", severity=ERROR, pypi=REJECT, since="0.1")
def metadata_version_unsupported(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Metadata-Version is missing, unknown, or one that PyPI does not take yet.

    **What it checks.** `Metadata-Version` is there and on PyPI's list, which is dated in the evidence.

    **Why it matters.** PyPI answers "is not a valid metadata version". A version of the specification that PyPI
    does not take yet is usually the build backend's doing: it is newer than the index.

    **How to fix.** Pin the build backend to a release that writes an accepted version, or wait for PyPI.

    **References.** Core metadata, Metadata-Version.
    """
    if wheel.metadata is None:
        return
    field = field_named(wheel, "Metadata-Version")
    version = field.value if field is not None else None
    if field is None or version is None:
        yield Hit(
            message="METADATA has no `Metadata-Version`",
            help="build the wheel with a build backend",
            member=place(wheel),
        )
    elif version.strip() not in pypi.METADATA_VERSIONS:
        newer = version.strip() in core_metadata.VERSIONS
        why = "which the specification has and PyPI does not take yet" if newer else "which there is not"
        yield Hit(
            message=f"`Metadata-Version` is `{cut(version)}`, {why}",
            help=f"use a build backend that writes {pypi.METADATA_VERSIONS[-1]} or older",
            member=place(wheel),
            evidence=(
                line_evidence(field),
                Evidence(text=f"PyPI takes {', '.join(pypi.METADATA_VERSIONS)} as of {pypi.KNOWN_AT}"),
            ),
        )


@rule("metadata-field-invalid", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def metadata_field_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """METADATA has an unknown field, or a field twice that may stand once.

    **What it checks.** Every field is one of the specification; only those that may repeat do; no two `Project-URL`
    have the same label.

    **Why it matters.** twine refuses to upload the wheel ("unrecognized or malformed field"); PyPI refuses repeated
    fields ("has invalid data").

    **How to fix.** Remove the field; a backend's plugin or a hand-written PKG-INFO usually put it there.

    **References.** Core metadata.
    """
    if wheel.metadata is None:
        return
    found: dict[str, list[Field]] = {}
    for field in wheel.metadata.fields:
        found.setdefault(field.name.lower(), []).append(field)
    for name, fields in found.items():
        if name not in core_metadata.INTRODUCED:
            message = f"METADATA has the field `{cut(fields[0].name)}`, which there is not"
        elif len(fields) > 1 and name not in core_metadata.MULTIPLE:
            message = f"METADATA has the field `{core_metadata.SPELLING[name]}` {len(fields)} times; it may stand once"
        else:
            continue
        yield Hit(
            message=message,
            help="remove the field: twine refuses to upload the wheel",
            member=place(wheel),
            evidence=tuple(line_evidence(field) for field in fields[:_SHOWN]),
        )
    yield from _repeated_labels(wheel)


def _repeated_labels(wheel: WheelFacts) -> Iterator[Hit]:
    """The labels of Project-URL that stand there more than once."""
    seen: dict[str, Field] = {}
    for field in fields_named(wheel, "Project-URL"):
        label = field.value.partition(",")[0].strip()
        first = seen.setdefault(label, field)
        if first is not field:
            yield Hit(
                message=f"two `Project-URL` have the label `{cut(label)}`",
                help="give each URL a label of its own",
                member=place(wheel),
                evidence=(line_evidence(first), line_evidence(field)),
            )


@rule("metadata-field-too-new", severity=ERROR, pypi=REJECT, since="0.1")
def metadata_field_too_new(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A field is newer than the Metadata-Version that METADATA declares.

    **What it checks.** Each field was introduced by the declared version or before. `License-File` is let pass: older
    setuptools wrote it under 2.1, and twine leaves it out then.

    **Why it matters.** PyPI answers "introduced in metadata version 2.4, not 2.3".

    **How to fix.** Update the build backend, so that version and fields come from one hand.

    **References.** Core metadata.
    """
    declared = (wheel.metadata.first("Metadata-Version") or "").strip() if wheel.metadata else ""
    if wheel.metadata is None or declared not in core_metadata.VERSIONS:
        return
    sent = {field.name.lower() for field in fields_named(wheel, *core_metadata.INTRODUCED)}
    for name in (known for known in core_metadata.INTRODUCED if known in sent):
        introduced = core_metadata.INTRODUCED.get(name, declared)
        if name != "license-file" and core_metadata.is_newer(introduced, declared):
            yield Hit(
                message=f"`{core_metadata.SPELLING[name]}` came with Metadata-Version {introduced}, METADATA declares"
                f" {declared}",
                help="update the build backend, so that it declares the version that its fields need",
                member=place(wheel),
                evidence=field_evidence(wheel.metadata, name),
            )


@rule("name-invalid", severity=ERROR, pypi=REJECT, since="0.1")
def name_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Name is missing or malformed.

    **What it checks.** `Name` is there, holds ASCII letters, digits, `.`, `_` and `-`, and begins and ends with a
    letter or digit.

    **Why it matters.** PyPI refuses the upload.

    **How to fix.** Correct `project.name`.

    **References.** Names and normalization.
    """
    if wheel.metadata is None:
        return
    field = field_named(wheel, "Name")
    if field is None or not _NAME.fullmatch(field.value.strip()):
        yield Hit(
            message="METADATA has no `Name`"
            if field is None
            else f"`Name` is `{cut(field.value)}`, which is no project name",
            help="letters, digits, `.`, `_` and `-`, with a letter or digit at both ends",
            member=place(wheel),
            evidence=(line_evidence(field),) if field is not None else (),
        )


@rule("name-mismatch", severity=ERROR, pypi=REJECT, since="0.1")
def name_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The name in METADATA is not the file name's.

    **What it checks.** Both, normalised, are equal.

    **Why it matters.** PyPI refuses the upload, uv and pip refuse to install the wheel.

    **How to fix.** Build again; do not rename wheels by hand.

    **References.** Names and normalization; PyPI's upload code.
    """
    field = field_named(wheel, "Name")
    name = field.value if field is not None else None
    if name is None or wheel.name is None:
        return
    if normalized_name(name.strip()) != normalized_name(wheel.name.distribution):
        yield Hit(
            message=f"METADATA names the project `{cut(name)}`, the file name `{wheel.name.distribution}`",
            help="build the wheel again under the right name: PyPI and uv refuse it",
            member=place(wheel),
            evidence=field_evidence(wheel.metadata, "Name") if wheel.metadata else (),
        )


@rule("name-stdlib", severity=WARNING, pypi=REJECT, since="0.1")
def name_stdlib(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The name is that of a module of the standard library.

    **What it checks.** The normalised name is none of the standard library's modules of any Python version.

    **Why it matters.** PyPI refuses new projects of such a name. Projects that had the name before keep it.

    **How to fix.** Choose another name.

    **Limits.** Whether the project exists already cannot be told from the wheel.

    **References.** PyPI's project name rules.
    """
    field = field_named(wheel, "Name")
    name = field.value if field is not None else None
    if name is not None and normalized_name(name.strip()).replace("_", "-") in pypi.stdlib_names():
        yield Hit(
            message=f"`{name}` is the name of a module of the standard library",
            help="a new project needs another name; one that PyPI has already keeps it",
            member=place(wheel),
        )


@rule("version-invalid", severity=ERROR, pypi=REJECT, since="0.1")
def version_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Version is missing or malformed.

    **What it checks.** `Version` is there and is one of PEP 440.

    **Why it matters.** PyPI refuses the upload.

    **How to fix.** Correct `project.version`, or what computes it from the tag.

    **References.** Version specifiers (PEP 440).
    """
    if wheel.metadata is None:
        return
    field = field_named(wheel, "Version")
    if field is None or parse_version(field.value) is None:
        yield Hit(
            message="METADATA has no `Version`"
            if field is None
            else f"`Version` is `{cut(field.value)}`, which is none",
            help="write a version of PEP 440, such as `1.2.3`, `1.2.3rc1` or `1.2.3.post1`",
            member=place(wheel),
            evidence=(line_evidence(field),) if field is not None else (),
        )


@rule("version-local", severity=ERROR, pypi=REJECT, since="0.1")
def version_local(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The version has a local part.

    **What it checks.** `Version` has no `+...`.

    **Why it matters.** PyPI refuses local versions: they are for what distributors change.

    **How to fix.** Build from a clean tag (setuptools-scm adds `+g<hash>` to anything else), or set
    `local_scheme = "no-local-version"`.

    **Limits.** An index of your own may take them: ignore the rule there.

    **References.** PEP 440, Local version identifiers.
    """
    text = wheel.metadata.first("Version") if wheel.metadata else None
    version = parse_version(text) if text else None
    if version is not None and version.local is not None:
        yield Hit(
            message=f"the version `{cut(text or '')}` has the local part `{cut(version.local)}`",
            help='build from a clean tag, or set `local_scheme = "no-local-version"` in setuptools-scm',
            member=place(wheel),
            evidence=field_evidence(wheel.metadata, "Version") if wheel.metadata else (),
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
            message=f"METADATA has the version `{cut(text)}`, the file name `{wheel.name.version}`",
            help="build the wheel again with one version: PyPI and uv refuse it",
            member=place(wheel),
            evidence=field_evidence(wheel.metadata, "Version") if wheel.metadata else (),
        )


@rule("dynamic-invalid", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def dynamic_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Dynamic names a field that it must not name.

    **What it checks.** Each `Dynamic` is a field of the specification, and none of Name, Version, Metadata-Version.

    **Why it matters.** PyPI refuses the upload.

    **How to fix.** Correct the backend's list of dynamic fields.

    **References.** PEP 643.
    """
    for field in fields_named(wheel, "Dynamic"):
        name = field.value.strip().lower()
        if name in {"name", "version", "metadata-version"} or name not in core_metadata.INTRODUCED:
            yield Hit(
                message=f"`Dynamic` names `{cut(field.value)}`, which it must not",
                help="name fields of the core metadata, but not Name, Version or Metadata-Version",
                member=place(wheel),
                evidence=(line_evidence(field),),
            )


@rule("import-name-invalid", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def import_name_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Import-Name or Import-Namespace is malformed or in conflict.

    **What it checks.** Each is a dotted name of identifiers that are no keywords, perhaps with `; private`; no name
    stands in both; `Import-Namespace` is not empty.

    **Why it matters.** PyPI refuses a malformed name; the specification has tools refuse a name that is in both.

    **How to fix.** Correct `project.import-names` and `project.import-namespaces`.

    **References.** PEP 794.
    """
    if wheel.metadata is None:
        return
    names: dict[str, set[str]] = {}
    for field in (one for one in wheel.metadata.fields if one.name.lower() in {"import-name", "import-namespace"}):
        shown = core_metadata.SPELLING[field.name.lower()]
        name, semicolon, flag = (part.strip() for part in field.value.partition(";"))
        names.setdefault(shown, set()).add(name)
        empty = not field.value.strip()
        dotted = all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split("."))
        if not (empty and shown == "Import-Name") and (not dotted or (semicolon and flag != "private")):
            yield Hit(
                message=f"`{shown}` is `{cut(field.value)}`, which is no importable name",
                help="write a dotted name, perhaps with `; private` behind it",
                member=place(wheel),
                evidence=(line_evidence(field),),
                pypi=ACCEPT if empty else REJECT,
            )
    for name in sorted(names.get("Import-Name", set()) & names.get("Import-Namespace", set())):
        yield Hit(
            message=f"`{cut(name)}` stands in `Import-Name` and in `Import-Namespace`",
            help="a name is either the project's own or a shared namespace",
            member=place(wheel),
            pypi=ACCEPT,
        )


RULES = (
    dynamic_invalid,
    import_name_invalid,
    metadata_field_invalid,
    metadata_field_too_new,
    metadata_missing,
    metadata_undecodable,
    metadata_version_unsupported,
    name_invalid,
    name_mismatch,
    name_stdlib,
    version_invalid,
    version_local,
    version_mismatch,
)
