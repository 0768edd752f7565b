"""Bills of materials become facts: `auditor.archive.sboms`, and the way from the wheel."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import read_wheel
from auditor.archive import sboms
from auditor.archive.sboms import parse_sbom
from auditor.facts.archive import AnomalyKind
from auditor.facts.sbom import Sbom, SbomComponent, SbomFormat
from tests.builders import DEMO, build_wheel, replace

MEMBER = "demo-1.0.dist-info/sboms/demo.json"
SHA = "ab" * 32
CYCLONEDX: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {
        "tools": {"components": [{"type": "application", "name": "maker"}]},
        "component": {"type": "library", "name": "demo", "version": "1.0", "bom-ref": "root"},
    },
    "components": [
        {
            "type": "library",
            "name": "zlib",
            "version": "1.3",
            "purl": "pkg:generic/zlib@1.3",
            "hashes": [{"alg": "SHA-256", "content": SHA.upper()}, {"alg": "SHA-1", "content": "00"}],
            "evidence": {"occurrences": [{"location": "demo.libs/libz.so.1"}]},
            "components": [{"type": "file", "name": "libz.so.1"}],
        },
        {"type": "library", "name": "other"},
    ],
}
SPDX_2: dict[str, Any] = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "creationInfo": {"creators": ["Person: Somebody", "Tool: maker-1.0"]},
    "packages": [
        {"SPDXID": "SPDXRef-Demo", "name": "demo", "versionInfo": "1.0"},
        {
            "SPDXID": "SPDXRef-Zlib",
            "name": "zlib",
            "packageFileName": "libz.so.1",
            "checksums": [{"algorithm": "SHA256", "checksumValue": SHA}],
            "externalRefs": [
                {"referenceType": "cpe23Type", "referenceLocator": "cpe:x"},
                {"referenceType": "purl", "referenceLocator": "pkg:generic/zlib@1.3"},
            ],
        },
    ],
    "files": [{"SPDXID": "SPDXRef-File", "fileName": "./demo.libs/libz.so.1"}],
    "relationships": [
        {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-Demo"}
    ],
}
SPDX_3: dict[str, Any] = {
    "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
    "@graph": [
        {"type": "SpdxDocument", "spdxId": "doc", "rootElement": ["demo"]},
        {"type": "Tool", "spdxId": "tool", "name": "maker"},
        {
            "type": "software_Package",
            "spdxId": "demo",
            "name": "demo",
            "software_packageVersion": "1.0",
            "software_packageUrl": "pkg:pypi/demo@1.0",
        },
        {
            "type": "software_File",
            "spdxId": "file",
            "name": "libz.so.1",
            "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": SHA}],
        },
    ],
}


def parsed(document: object) -> Sbom:
    """The facts of a JSON document."""
    return parse_sbom(MEMBER, json.dumps(document).encode())


def test_cyclonedx_is_read() -> None:
    """Subject, tools and components with their versions, digests and places are facts, nested ones included."""
    assert parsed(CYCLONEDX) == Sbom(
        member=MEMBER,
        format=SbomFormat.CYCLONEDX,
        spec_version="1.6",
        subject=SbomComponent(name="demo", version="1.0", kind="library", reference="root"),
        components=(
            SbomComponent(
                name="zlib",
                version="1.3",
                purl="pkg:generic/zlib@1.3",
                kind="library",
                sha256=(SHA,),
                files=("demo.libs/libz.so.1",),
            ),
            SbomComponent(name="libz.so.1", kind="file", files=("libz.so.1",)),
            SbomComponent(name="other", kind="library"),
        ),
        tools=("maker",),
    )


def test_the_older_list_of_tools_is_read() -> None:
    """Before CycloneDX 1.5 the tools are a list."""
    assert parsed({**CYCLONEDX, "metadata": {"tools": [{"name": "auditwheel"}, {}]}}).tools == ("auditwheel",)


def test_spdx_2_is_read() -> None:
    """Packages and files are components, and the described package is the subject."""
    demo = SbomComponent(name="demo", version="1.0", reference="SPDXRef-Demo")
    assert parsed(SPDX_2) == Sbom(
        member=MEMBER,
        format=SbomFormat.SPDX,
        spec_version="2.3",
        subject=demo,
        components=(
            demo,
            SbomComponent(
                name="zlib",
                purl="pkg:generic/zlib@1.3",
                sha256=(SHA,),
                files=("libz.so.1",),
                reference="SPDXRef-Zlib",
            ),
            SbomComponent(
                name="./demo.libs/libz.so.1",
                kind="file",
                files=("./demo.libs/libz.so.1",),
                reference="SPDXRef-File",
            ),
        ),
        tools=("maker-1.0",),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"documentDescribes": ["SPDXRef-Demo"], "relationships": []},
        {
            "relationships": [
                {
                    "spdxElementId": "SPDXRef-Demo",
                    "relationshipType": "DESCRIBED_BY",
                    "relatedSpdxElement": "SPDXRef-DOCUMENT",
                }
            ]
        },
    ],
)
def test_spdx_2_names_its_subject_in_three_ways(changes: dict[str, Any]) -> None:
    """The subject is found by `documentDescribes` and by either direction of the relationship."""
    subject = parsed({**SPDX_2, **changes}).subject
    assert subject is not None
    assert subject.name == "demo"


def test_spdx_2_without_a_subject() -> None:
    """A relationship of something else names no subject."""
    assert parsed({**SPDX_2, "relationships": [{"relationshipType": "CONTAINS"}]}).subject is None


@pytest.mark.parametrize("context", [SPDX_3["@context"], [1, SPDX_3["@context"]]])
def test_spdx_3_is_read(context: object) -> None:
    """Elements of the software profile are components, and the root element is the subject."""
    demo = SbomComponent(name="demo", version="1.0", purl="pkg:pypi/demo@1.0", reference="demo")
    file = SbomComponent(name="libz.so.1", kind="file", sha256=(SHA,), files=("libz.so.1",), reference="file")
    assert parsed({**SPDX_3, "@context": context}) == Sbom(
        member=MEMBER,
        format=SbomFormat.SPDX,
        spec_version="3.0.1",
        subject=demo,
        components=(demo, file),
        tools=("maker",),
    )


@pytest.mark.parametrize(
    ("text", "kind", "version"),
    [
        ('<?xml version="1.0"?>\n<bom xmlns="http://cyclonedx.org/schema/bom/1.4">', SbomFormat.CYCLONEDX, "1.4"),
        ("SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n", SbomFormat.SPDX, "2.3"),
        ('---\nspdxVersion: "SPDX-2.2"\n', SbomFormat.SPDX, "2.2"),
        ('<rdf:RDF xmlns:spdx="http://spdx.org/rdf/terms#">', SbomFormat.SPDX, None),
    ],
)
def test_other_formats_are_recognised(text: str, kind: SbomFormat, version: str | None) -> None:
    """XML, tag-value, YAML and RDF are known by their start, with a byte order mark or without."""
    for start in (b"", b"\xef\xbb\xbf"):
        assert parse_sbom(MEMBER, start + text.encode()) == Sbom(member=MEMBER, format=kind, spec_version=version)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is no JSON"),
        (b"\xff", "it is not UTF-8: byte 0xff at 0"),
        (b"{", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[]", "it is JSON, and no object"),
        (b"{}", "neither `bomFormat`"),
        (b'{"@context": "https://schema.org"}', "neither `bomFormat`"),
        (b'{"spdxVersion": 2}', "neither `bomFormat`"),
        (b"<html></html>", "it is no JSON"),
    ],
)
def test_what_is_no_document_has_a_reason(content: bytes, problem: str) -> None:
    """Anything else has an unknown format and says why."""
    sbom = parse_sbom(MEMBER, content)
    assert sbom.format is SbomFormat.UNKNOWN
    (reason,) = sbom.problems
    assert problem in reason


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({**CYCLONEDX, "specVersion": None}, "`specVersion` of the document is missing"),
        ({**CYCLONEDX, "specVersion": 1.6}, "`specVersion` of the document is no text"),
        ({**CYCLONEDX, "specVersion": ""}, "`specVersion` of the document is empty"),
        ({**CYCLONEDX, "metadata": []}, "`metadata` of the document is no object"),
        ({**CYCLONEDX, "components": {}}, "`components` of the document is no list"),
        ({**CYCLONEDX, "components": ["zlib"]}, "`components` of the document holds something that is no object"),
        ({**CYCLONEDX, "components": [{"type": "library"}]}, "`name` of a component is missing"),
        ({**CYCLONEDX, "components": [{"name": "zlib"}]}, "`type` of `zlib` is missing"),
        ({**CYCLONEDX, "components": [{"name": "z", "type": "file", "purl": 1}]}, "`purl` of `z` is no text"),
        ({**SPDX_2, "SPDXID": None}, "`SPDXID` of the document is missing"),
        ({**SPDX_2, "packages": [{"SPDXID": "x"}]}, "`name` of a package is missing"),
        ({**SPDX_2, "files": [{"SPDXID": "x"}]}, "`fileName` of a file is missing"),
        ({**SPDX_3, "@graph": [{"type": "software_Package"}]}, "`name` of an element is missing"),
    ],
)
def test_wrong_fields_are_problems(document: dict[str, Any], problem: str) -> None:
    """A field of the wrong type, or one that its schema demands and that is not there, is a problem."""
    assert problem in parsed(document).problems


def test_problems_and_components_have_ceilings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many problems the first are kept; more components than are read are said."""
    assert len(parsed({**CYCLONEDX, "components": [1] * 100}).problems) == sboms.MAX_PROBLEMS
    monkeypatch.setattr(sboms, "MAX_COMPONENTS", 1)
    for document, count in ((CYCLONEDX, 1), (SPDX_2, 2), (SPDX_3, 0)):
        sbom = parsed(document)
        assert sbom.truncated
        assert len(sbom.components) == count


def test_documents_of_a_wheel_are_facts() -> None:
    """All files below `sboms/` are read, sorted by name; directories and files elsewhere are not."""
    folder = "demo-1.0.dist-info/sboms"
    content = json.dumps(CYCLONEDX).encode()
    members = {f"{folder}/b.json": content, f"{folder}/sub/a.json": content, f"{folder}/a.txt": b"x"}
    elsewhere = {f"{folder}/empty/": b"", "demo/sboms/c.json": content, "demo-1.0.dist-info/sboms.json": content}
    built = build_wheel(replace(DEMO, members={**DEMO.members, **members, **elsewhere}))
    found = read_wheel(built.data, filename=built.filename).sboms
    assert [(one.member, one.format.value) for one in found] == [
        (f"{folder}/a.txt", "unknown"),
        (f"{folder}/b.json", "cyclonedx"),
        (f"{folder}/sub/a.json", "cyclonedx"),
    ]


def test_a_large_document_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document beyond the ceiling is said to be unread."""
    monkeypatch.setattr(sboms, "MAX_SIZE", 10)
    built = build_wheel(replace(DEMO, members={**DEMO.members, MEMBER: json.dumps(CYCLONEDX).encode()}))
    facts = read_wheel(built.data, filename=built.filename)
    assert facts.sboms == ()
    assert [(one.kind, one.member) for one in facts.anomalies] == [(AnomalyKind.CEILING, MEMBER)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from([CYCLONEDX, SPDX_2, SPDX_3]),
    st.sampled_from(["metadata", "components", "packages", "files", "relationships", "creationInfo", "@graph"]),
    JSON,
)
@settings(max_examples=300, deadline=None)
def test_any_json_gives_facts(document: dict[str, Any], key: str, value: object) -> None:
    """Whatever stands in a field, the document is read without an exception."""
    parsed({**document, key: value})
    parsed({**document, key: [{key: value, "name": value, "type": value, "components": value}]})


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_give_facts(content: bytes) -> None:
    """No bytes make the reader fail."""
    parse_sbom(MEMBER, content)
