"""Core metadata: which fields there are, since which Metadata-Version, and which may stand more than once.

Source: "Core metadata" of the Python packaging specifications (PEP 241, 314, 345, 566, 643, 639, 794, 808).
"""

from __future__ import annotations

VERSIONS = ("1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6")
"""Every Metadata-Version of the specification. 2.0 was withdrawn."""
_FIELDS = {
    "1.0": "Metadata-Version Name Version Platform* Summary Description Keywords Home-page Author Author-email License",
    "1.1": "Supported-Platform* Download-URL Classifier* Requires* Provides* Obsoletes*",
    "1.2": "Maintainer Maintainer-email Requires-Dist* Requires-Python Requires-External* Project-URL* Provides-Dist*"
    " Obsoletes-Dist*",
    "2.1": "Description-Content-Type Provides-Extra*",
    "2.2": "Dynamic*",
    "2.4": "License-Expression License-File*",
    "2.5": "Import-Name* Import-Namespace*",
}
INTRODUCED = {field.rstrip("*").lower(): version for version, fields in _FIELDS.items() for field in fields.split()}
"""Field in lower case -> the Metadata-Version that introduced it."""
MULTIPLE = frozenset(
    field.rstrip("*").lower() for fields in _FIELDS.values() for field in fields.split() if field.endswith("*")
)
"""Fields that may stand more than once, in lower case."""
SPELLING = {field.rstrip("*").lower(): field.rstrip("*") for fields in _FIELDS.values() for field in fields.split()}
"""Field in lower case -> as the specification spells it."""


def is_newer(version: str, other: str) -> bool:
    """Whether Metadata-Version `version` came after `other`; both are of the specification."""
    return VERSIONS.index(version) > VERSIONS.index(other)
