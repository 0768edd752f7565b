"""A software bill of materials of a wheel -> facts. Nothing is judged, and nothing of it is fetched.

JSON documents are read; those in XML, RDF, YAML or tag-value are recognised by their start, and no further.

Sources: PEP 770; CycloneDX 1.2 to 1.7 (JSON schema); SPDX 2.2 and 2.3 (JSON schema) and 3.0 (JSON-LD, model).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from auditor.facts.sbom import Sbom, SbomComponent, SbomFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

DIRECTORY = "sboms"
"""Below the dist-info directory (PEP 770)."""
MAX_SIZE = 32 << 20
"""Bytes of one document. The largest in the corpus has 0.8 MB, with 579 components."""
MAX_COMPONENTS = 50_000
"""Components of one document; packages and files of an SPDX 2 document each."""
MAX_PROBLEMS = 20
_START = 4096
"""Bytes in which the other formats say what they are."""

_CYCLONEDX_XML = re.compile(r"<(?:\w+:)?bom\b[^>]*https?://cyclonedx\.org/schema/bom/(\d+\.\d+)")
_SPDX_RDF = re.compile(r"<rdf:RDF\b[^>]*https?://spdx\.org/rdf/")
_SPDX_LINES = re.compile(r"""^(?:SPDXVersion|spdxVersion)\s*:\s*["']?SPDX-(\d+\.\d+)""", re.MULTILINE)
_SPDX_3 = re.compile(r"https?://spdx\.org/rdf/(\d+\.\d+(?:\.\d+)?)/")


def parse_sbom(member: str, content: bytes) -> Sbom:
    """One document, `content` in whole. Never raises: what is no such document has problems."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unknown(member, f"it is not UTF-8: byte {content[error.start]:#04x} at {error.start}")
    other = _other_format(member, text[:_START])
    if other is not None:
        return other
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return _unknown(member, f"it is no JSON: {error}")
    if not isinstance(document, dict):
        return _unknown(member, "it is JSON, and no object")
    if document.get("bomFormat") == "CycloneDX":
        return _Reader(member).cyclonedx(document)
    if isinstance(document.get("spdxVersion"), str):
        return _Reader(member).spdx_2(document)
    version = _spdx_3_version(document.get("@context"))
    if version is not None:
        return _Reader(member).spdx_3(document, version)
    return _unknown(member, "it is JSON, and neither `bomFormat` nor `spdxVersion` nor `@context` says what it is")


def _unknown(member: str, problem: str) -> Sbom:
    return Sbom(member=member, format=SbomFormat.UNKNOWN, problems=(problem,))


def _other_format(member: str, start: str) -> Sbom | None:
    """A document in another format than JSON, by its start."""
    for expression, kind in (
        (_CYCLONEDX_XML, SbomFormat.CYCLONEDX),
        (_SPDX_RDF, SbomFormat.SPDX),
        (_SPDX_LINES, SbomFormat.SPDX),
    ):
        if match := expression.search(start):
            return Sbom(member=member, format=kind, spec_version=match[1] if match.groups() else None)
    return None


def _spdx_3_version(context: Any) -> str | None:
    """The version that a JSON-LD context of SPDX 3 names."""
    for one in context if isinstance(context, list) else [context]:
        if isinstance(one, str) and (match := _SPDX_3.match(one)):
            return match[1]
    return None


class _Reader:
    """Reads one JSON document: what has not the type that its schema demands becomes a problem."""

    def __init__(self, member: str) -> None:
        self._member = member
        self._problems: list[str] = []
        self._truncated = False

    def _sbom(self, kind: SbomFormat, **known: Any) -> Sbom:
        problems = tuple(self._problems)
        return Sbom(member=self._member, format=kind, truncated=self._truncated, problems=problems, **known)

    def _note(self, problem: str) -> None:
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(problem)

    def _text(self, holder: dict[str, Any], key: str, where: str, *, required: bool = False) -> str | None:
        """A text; None where it is not there, with a problem where the schema demands one."""
        value = holder.get(key)
        if isinstance(value, str) and (value or not required):
            return value
        if value is not None or required:
            what = "is missing" if value is None else "is no text" if not isinstance(value, str) else "is empty"
            self._note(f"`{key}` of {where} {what}")
        return None

    def _rows(self, holder: dict[str, Any], key: str, where: str) -> Iterator[dict[str, Any]]:
        """The objects of a list."""
        value = holder.get(key)
        if value is None:
            return
        if not isinstance(value, list):
            self._note(f"`{key}` of {where} is no list")
            return
        for row in value:
            if isinstance(row, dict):
                yield row
            else:
                self._note(f"`{key}` of {where} holds something that is no object")

    def _object(self, holder: dict[str, Any], key: str, where: str) -> dict[str, Any]:
        value = holder.get(key)
        if value is not None and not isinstance(value, dict):
            self._note(f"`{key}` of {where} is no object")
        return value if isinstance(value, dict) else {}

    # -- CycloneDX ----------------------------------------------------------------------------------------------

    def cyclonedx(self, document: dict[str, Any]) -> Sbom:
        """CycloneDX: `metadata.component` is the subject, `components` may hold components of their own."""
        version = self._text(document, "specVersion", "the document", required=True)
        metadata = self._object(document, "metadata", "the document")
        subject = self._object(metadata, "component", "the metadata")
        return self._sbom(
            SbomFormat.CYCLONEDX,
            spec_version=version,
            subject=self._component(subject) if subject else None,
            components=tuple(self._components(document)),
            tools=tuple(self._tools(metadata)),
        )

    def _components(self, document: dict[str, Any]) -> Iterator[SbomComponent]:
        pending = list(self._rows(document, "components", "the document"))[::-1]
        count = 0
        while pending:
            if count == MAX_COMPONENTS:
                self._truncated = True
                return
            count += 1
            row = pending.pop()
            component = self._component(row)
            yield component
            pending += list(self._rows(row, "components", f"`{component.name}`"))[::-1]

    def _component(self, row: dict[str, Any]) -> SbomComponent:
        """A `component`, of which the schema demands a type and a name."""
        name = self._text(row, "name", "a component", required=True) or ""
        where = f"`{name}`"
        kind = self._text(row, "type", where, required=True)
        evidence = self._object(row, "evidence", where)
        places = [one.get("location") for one in self._rows(evidence, "occurrences", where)]
        hashes = (
            one.get("content") for one in self._rows(row, "hashes", where) if one.get("alg") in {"SHA-256", "SHA256"}
        )
        return SbomComponent(
            name=name,
            version=self._text(row, "version", where),
            purl=self._text(row, "purl", where),
            kind=kind,
            sha256=_digests(hashes),
            files=tuple(one for one in ([name] if kind == "file" else []) + places if isinstance(one, str)),
            reference=self._text(row, "bom-ref", where),
        )

    def _tools(self, metadata: dict[str, Any]) -> Iterator[str]:
        """The names of `metadata.tools`: a list, from CycloneDX 1.5 on also an object with `components`."""
        tools = metadata.get("tools")
        holder, key = (tools, "components") if isinstance(tools, dict) else (metadata, "tools")
        for tool in self._rows(holder, key, "the tools"):
            if isinstance(name := tool.get("name"), str):
                yield name

    # -- SPDX 2 -------------------------------------------------------------------------------------------------

    def spdx_2(self, document: dict[str, Any]) -> Sbom:
        """SPDX 2: packages and files; what the document describes says a relationship, or `documentDescribes`."""
        version = document["spdxVersion"].removeprefix("SPDX-")
        self._text(document, "SPDXID", "the document", required=True)
        packages = [self._package(row) for row in self._first(self._rows(document, "packages", "the document"))]
        files = [self._file(row) for row in self._first(self._rows(document, "files", "the document"))]
        described = self._described(document)
        creators = self._object(document, "creationInfo", "the document").get("creators")
        return self._sbom(
            SbomFormat.SPDX,
            spec_version=version,
            subject=next((one for one in packages if one.reference in described), None),
            components=(*packages, *files),
            tools=tuple(
                one.partition(":")[2].strip()
                for one in (creators if isinstance(creators, list) else ())
                if isinstance(one, str) and one.startswith("Tool:")
            ),
        )

    def _first(self, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The rows up to the ceiling."""
        for number, row in enumerate(rows):
            if number == MAX_COMPONENTS:
                self._truncated = True
                return
            yield row

    def _described(self, document: dict[str, Any]) -> set[str]:
        """The identifiers of what the document is about."""
        listed = document.get("documentDescribes")
        found = {one for one in listed if isinstance(one, str)} if isinstance(listed, list) else set()
        for row in self._rows(document, "relationships", "the document"):
            ends = row.get("spdxElementId"), row.get("relatedSpdxElement")
            if row.get("relationshipType") == "DESCRIBES" and ends[0] == document.get("SPDXID"):
                found |= {ends[1]} if isinstance(ends[1], str) else set()
            if row.get("relationshipType") == "DESCRIBED_BY" and ends[1] == document.get("SPDXID"):
                found |= {ends[0]} if isinstance(ends[0], str) else set()
        return found

    def _package(self, row: dict[str, Any]) -> SbomComponent:
        name = self._text(row, "name", "a package", required=True) or ""
        where = f"`{name}`"
        purls = (
            one.get("referenceLocator")
            for one in self._rows(row, "externalRefs", where)
            if one.get("referenceType") == "purl"
        )
        file = self._text(row, "packageFileName", where)
        return SbomComponent(
            name=name,
            version=self._text(row, "versionInfo", where),
            purl=next((one for one in purls if isinstance(one, str)), None),
            sha256=self._checksums(row, where),
            files=(file,) if file else (),
            reference=self._text(row, "SPDXID", where, required=True),
        )

    def _file(self, row: dict[str, Any]) -> SbomComponent:
        name = self._text(row, "fileName", "a file", required=True) or ""
        return SbomComponent(
            name=name,
            kind="file",
            sha256=self._checksums(row, f"`{name}`"),
            files=(name,) if name else (),
            reference=self._text(row, "SPDXID", f"`{name}`"),
        )

    def _checksums(self, row: dict[str, Any], where: str) -> tuple[str, ...]:
        rows = self._rows(row, "checksums", where)
        return _digests(one.get("checksumValue") for one in rows if one.get("algorithm") == "SHA256")

    # -- SPDX 3 -------------------------------------------------------------------------------------------------

    def spdx_3(self, document: dict[str, Any], version: str) -> Sbom:
        """SPDX 3: elements in `@graph`, named after their profile; a document or bill names its root elements."""
        elements = list(self._first(self._rows(document, "@graph", "the document")))
        kinds = [str(row.get("type", row.get("@type", ""))).rpartition("_")[2] for row in elements]
        components = [
            self._element(row, kind)
            for row, kind in zip(elements, kinds, strict=True)
            if kind in {"Package", "File", "AIPackage", "DatasetPackage"}
        ]
        roots: set[str] = set()
        for row, kind in zip(elements, kinds, strict=True):
            listed = row.get("rootElement")
            if kind in {"SpdxDocument", "Sbom", "Bom"} and isinstance(listed, list):
                roots |= {one for one in listed if isinstance(one, str)}
        tools = (row.get("name") for row, kind in zip(elements, kinds, strict=True) if kind == "Tool")
        return self._sbom(
            SbomFormat.SPDX,
            spec_version=version,
            subject=next((one for one in components if one.reference in roots and one.kind != "file"), None),
            components=tuple(components),
            tools=tuple(one for one in tools if isinstance(one, str)),
        )

    def _element(self, row: dict[str, Any], kind: str) -> SbomComponent:
        name = self._text(row, "name", "an element", required=kind != "File") or ""
        where = f"`{name}`"
        digests = (
            one.get("hashValue") for one in self._rows(row, "verifiedUsing", where) if one.get("algorithm") == "sha256"
        )
        return SbomComponent(
            name=name,
            version=self._text(row, "software_packageVersion", where),
            purl=self._text(row, "software_packageUrl", where),
            kind="file" if kind == "File" else None,
            sha256=_digests(digests),
            files=(name,) if kind == "File" and name else (),
            reference=self._text(row, "spdxId", where),
        )


def _digests(values: Iterator[Any]) -> tuple[str, ...]:
    return tuple(one.lower() for one in values if isinstance(one, str))
