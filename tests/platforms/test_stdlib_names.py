"""The names that PyPI refuses to new projects."""

from __future__ import annotations

import pytest

from auditor.findings import PyPIAnswer, Severity
from auditor.platforms import core_metadata, pypi
from tests.builders import DEMO, replace
from tests.rules.helpers import findings, only

PYPI_CASES = [
    "xml",
    "XML",
    "pickle",
    "PiCKle",
    "main",
    "future",
    "al",
    "uU",
    "test",
    "encodings.utf_8_sig",
    "distutils.command.build_clib",
    "xmlrpc",
    "xmlrpc.server",
    "xml.etree",
    "xml.etree.ElementTree",
    "xml.parsers",
    "xml.parsers.expat",
    "xml.parsers.expat.errors",
    "encodings.idna",
    "encodings",
    "CGIHTTPServer",
    "cgihttpserver",
]
"""The names of warehouse's own test (tests/unit/forklift/test_legacy.py)."""


@pytest.mark.parametrize("name", PYPI_CASES)
def test_names_that_pypi_refuses(name: str) -> None:
    """A module of any Python's standard library, in any spelling, is a warning: only new projects are refused."""
    finding = only(replace(DEMO, name=name), rule="name-stdlib")
    assert f"`{name}`" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.WARNING, PyPIAnswer.REJECT)


@pytest.mark.parametrize("name", ["demo", "xmls", "numpy", "pickle5", "importlib-metadataa"])
def test_other_names_are_clean(name: str) -> None:
    """A name that is near to a module's is none."""
    assert not findings(replace(DEMO, name=name), rule="name-stdlib")


def test_the_list_is_sorted_and_normal() -> None:
    """Every name is in normal form, so that one look-up decides."""
    names = pypi.stdlib_names()
    assert len(names) > 500
    assert all(name == name.lower() and not set(name) & set("_.") for name in names)


def test_fields_have_one_origin() -> None:
    """Each field has one Metadata-Version that brought it, and versions are in order."""
    assert core_metadata.INTRODUCED.keys() == core_metadata.SPELLING.keys() >= core_metadata.MULTIPLE
    assert core_metadata.is_newer("2.4", "2.3")
    assert not core_metadata.is_newer("1.0", "1.0")
    assert set(pypi.METADATA_VERSIONS) < set(core_metadata.VERSIONS)
