"""Every anomaly of an archive that PyPI or an installer refuses is a finding, once, with the answer of PyPI."""

from __future__ import annotations

import pytest

from auditor import Profile, Settings, Severity, audit
from auditor.findings import PyPIAnswer
from tests.builders import (
    DEMO,
    CentralFields,
    Descriptor,
    LocalFields,
    Member,
    ZipEntry,
    ZipLayout,
    build_wheel,
    compress,
    replace,
)
from tests.differential.anomalies import DATA, ROWS, SOURCE, TEXT, Row, both, here, holding, there
from tests.rules.helpers import assert_house_style, findings, only, report, rules_hit

EVERY_ROW = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
NUMBERS = {label[:2] for label in ROWS}


def test_the_table_is_whole() -> None:
    """Each of the 54 anomalies of the archive has a wheel."""
    assert {f"{number:02}" for number in range(1, 55)} == NUMBERS


@EVERY_ROW
def test_one_fault_is_one_finding(row: Row) -> None:
    """A wheel with one anomaly has the errors of its row, each once, with the answer of PyPI, and nothing else."""
    found = report(row.wheel).findings
    errors = [(one.rule, one.pypi) for one in found if one.severity is Severity.ERROR]
    assert sorted(errors) == sorted(row.errors.items())
    assert {one.rule for one in found if one.severity is not Severity.ERROR} == row.warnings


@EVERY_ROW
def test_the_profile_of_pypi_fails_what_pypi_refuses(row: Row) -> None:
    """Under the profile `pypi` a wheel fails exactly where PyPI refuses it or answers with a server error."""
    judged = audit(row.wheel.data, filename=row.wheel.filename, settings=Settings(profile=Profile.PYPI))
    assert judged.verdict == ("fail" if row.refused_by_pypi else "pass")


@EVERY_ROW
def test_what_an_installer_refuses_is_an_error(row: Row) -> None:
    """By default a wheel fails where PyPI, pip, uv (of a file or from the network) or installer refuses it."""
    assert report(row.wheel).failed or not (row.refused or row.refused_by_pypi)


@EVERY_ROW
def test_messages_keep_the_house_style(row: Row) -> None:
    """Every finding is worded as the others are, and says what to do."""
    assert_house_style(report(row.wheel).findings)


def test_a_member_that_an_entry_misses_is_not_hidden_too() -> None:
    """A hidden member is still told beside an entry that misses another."""
    wheel = replace(
        there(offset=1), extra_entries=(ZipEntry(name="demo-1.0.dist-info/x", content=TEXT, in_central=False),)
    )
    assert only(wheel, rule="zip-hidden-member").member == "demo-1.0.dist-info/x"
    assert only(wheel, rule="zip-missing-member").member == DATA


def test_a_wrong_offset_is_told_beside_a_prefix_that_is_counted() -> None:
    """Only a prefix that no offset counts explains why the end record's offset is wrong."""
    prefix = b"#!/bin/sh\n"
    counted = replace(DEMO, layout=ZipLayout(prefix=prefix))
    place = build_wheel(counted).data.index(b"PK\x01\x02")
    ends = (replace(ZipLayout().ends[0], central_offset=place - 1),)
    assert {"zip-stray-bytes", "zip-end-record"} <= rules_hit(replace(DEMO, layout=ZipLayout(prefix=prefix, ends=ends)))


def test_a_mismatch_besides_a_wrong_crc_is_told() -> None:
    """A wrong CRC takes the place of the mismatch of the CRC alone, not of other fields or other members."""
    mixed = Member(content=TEXT, central=CentralFields(crc=1, flags=1 << 11))
    finding = only(holding(mixed), rule="zip-header-mismatch")
    assert "another flags in" in finding.message
    assert "CRC" not in finding.message
    other = replace(there(crc=1), members={**there(crc=1).members, "demo/b.txt": here(crc=2).members[DATA]})
    assert only(other, rule="zip-header-mismatch").member == "demo/b.txt"


def test_what_a_wrong_method_spoils_is_told_once() -> None:
    """A method of the central entry that is wrong makes a wrong CRC, and no wrong size besides."""
    assert rules_hit(there(method=0)) == {"zip-crc", "zip-header-mismatch"}


def test_a_wrong_size_is_told_where_only_the_method_disagrees() -> None:
    """A local method that is wrong does not hide that the stream holds more than is declared."""
    wheel = holding(
        Member(
            content=TEXT,
            payload=compress(TEXT, 8) + b"junk",
            local=LocalFields(method=0),
        )
    )
    assert rules_hit(wheel) == {"zip-inflate-size", "zip-header-mismatch"}


def test_a_descriptor_that_lies_is_no_stray_bytes() -> None:
    """Bytes of a descriptor's length behind a member that announces one are that; longer ones are stray bytes."""
    lying = Descriptor(crc=1)
    assert not findings(holding(Member(content=TEXT, descriptor=lying)), rule="zip-stray-bytes")
    long = Member(content=TEXT, descriptor=lying, after=b"junk" * 9)
    assert findings(holding(long), rule="zip-stray-bytes")
    plain = Member(content=TEXT, after=b"junk")
    assert findings(holding(plain), rule="zip-stray-bytes")


def test_stray_bytes_at_the_ends_are_told_beside_a_descriptor() -> None:
    """Bytes before the first record and behind the last are stray bytes, whatever the members announce."""
    described = {SOURCE: Member(content=TEXT, descriptor=Descriptor())}
    for layout in (ZipLayout(prefix=b"junk"), ZipLayout(before_central=b"junk"), ZipLayout(trailing=b"junk")):
        assert findings(replace(DEMO, members=described, layout=layout), rule="zip-stray-bytes")


@pytest.mark.parametrize(("name", "answer"), [(DATA, PyPIAnswer.ACCEPT), (SOURCE, PyPIAnswer.REJECT)])
def test_pypi_notices_a_wrong_crc_in_what_it_reads(name: str, answer: PyPIAnswer) -> None:
    """PyPI takes a wrong CRC of the central entry unless it reads the member."""
    assert only(holding(both(crc=1), name), rule="zip-crc").pypi is answer
