"""Facts about the software bills of materials in `.dist-info/sboms/` (PEP 770).

Sources: CycloneDX 1.2 to 1.7 (JSON); SPDX 2.2, 2.3 (JSON) and 3.0 (JSON-LD).
"""

from __future__ import annotations

from enum import Enum

from auditor.facts.record import Fact


class SbomFormat(str, Enum):
    """What kind of document it is."""

    CYCLONEDX = "cyclonedx"
    SPDX = "spdx"
    UNKNOWN = "unknown"


class SbomComponent(Fact, frozen=True, kw_only=True, gc=False):
    """A component (CycloneDX) or package (SPDX) that a document lists."""

    name: str
    version: str | None = None
    purl: str | None = None
    """The package URL, as written."""
    kind: str | None = None
    """CycloneDX: `type`, such as `library` or `file`."""
    sha256: tuple[str, ...] = ()
    """Hexadecimal digests that it gives, lower case."""
    files: tuple[str, ...] = ()
    """Paths that it says the component is at (CycloneDX `evidence.occurrences`, file components; SPDX files)."""
    reference: str | None = None
    """What the rest of the document calls it: CycloneDX `bom-ref`, SPDX `SPDXID` or `spdxId`."""


class Sbom(Fact, frozen=True, kw_only=True):
    """One file below `.dist-info/sboms/`."""

    member: str
    format: SbomFormat
    spec_version: str | None = None
    subject: SbomComponent | None = None
    """What the document is about: CycloneDX `metadata.component`; SPDX the described package."""
    components: tuple[SbomComponent, ...] = ()
    tools: tuple[str, ...] = ()
    """The names of the programs that wrote it, as written."""
    truncated: bool = False
    """Whether it lists more than was read."""
    problems: tuple[str, ...] = ()
    """Why it is no such document, or what of it could not be read."""
