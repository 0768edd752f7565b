"""Every anomaly of an archive that readers disagree about is recorded, and nothing else is: `auditor.archive.zip`.

The archives with one thing wrong, by the part of the archive, are in `irregular/`.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.archive.archives import A, B, central, facts_of, found
from tests.archive.irregular import Case, between, end_records, fields, members
from tests.builders.zipraw import EndFields, ZipLayout, build_zip

if TYPE_CHECKING:
    from collections.abc import Callable

CASES: dict[str, Callable[[], Case]] = dict(
    sorted({**members.CASES, **between.CASES, **end_records.CASES, **fields.CASES}.items())
)


@pytest.mark.parametrize("name", CASES)
def test_the_anomaly_is_recorded_and_no_other(name: str) -> None:
    """Each fault of an archive gives exactly the anomalies that say kind, member, field and place."""
    archive, wanted = CASES[name]()
    assert found(facts_of(archive).anomalies) == sorted(
        wanted, key=lambda one: [(part is not None, str(part)) for part in one]
    )


@pytest.mark.parametrize("name", CASES)
def test_every_detail_is_words(name: str) -> None:
    """Each anomaly has a sentence without a full stop that names no Python object."""
    archive, _ = CASES[name]()
    for anomaly in facts_of(archive).anomalies:
        assert anomaly.detail
        assert not anomaly.detail.endswith(".")
        assert "None" not in anomaly.detail
        assert "object at" not in anomaly.detail


NAMES_AS_THEY_ARE = {
    "38_escaping": "../evil.py",
    "39_parent_inside": "a/../b.py",
    "40_absolute": "/etc/passwd",
    "41_drive": "C:/x.py",
    "42_backslash": "a\\b.py",
    "43_dot": "./a.py",
    "43_double_slash": "a//b.py",
    "43_empty": "",
    "51_case": "A.PY",
    "52_reserved": "aux.py",
    "52_trailing_space": "a.py ",
    "52_colon": "a:b",
}


@pytest.mark.parametrize("name", NAMES_AS_THEY_ARE.values(), ids=NAMES_AS_THEY_ARE)
def test_a_name_is_a_fact_and_no_anomaly(name: str) -> None:
    """What a name means is for the rules: the walk gives it as it is written."""
    facts = facts_of(build_zip([A, replace(B, name=name)]))
    assert facts.anomalies == ()
    assert [member.name for member in facts.members] == ["a.py", name]


@pytest.mark.parametrize("mode", [0o120777, 0o010644, 0o020644, 0o140644, 0o104755, 0])
def test_a_mode_is_a_fact_and_no_anomaly(mode: int) -> None:
    """47 and 48: symbolic links, pipes, devices and sockets are told by the mode of the member alone."""
    facts = facts_of(build_zip([replace(A, mode=mode)]))
    assert facts.anomalies == ()
    assert facts.members[0].mode == mode


def test_a_directory_with_data_is_a_fact() -> None:
    """49 and 50: a directory member has its size and digest as any other, and may share its name with a file."""
    facts = facts_of(build_zip([replace(A, name="d/"), replace(B, name="d")]))
    assert facts.anomalies == ()
    assert facts.members[0].is_directory
    assert facts.members[0].inflated_size == len(A.content)


def test_a_shifted_archive_is_read_as_zipfile_reads_it() -> None:
    """16: behind a prefix that no offset counts the members are still found."""
    archive = build_zip([A, B], ZipLayout(prefix=b"#!/bin/sh\n", prefix_counted=False))
    with zipfile.ZipFile(io.BytesIO(archive)) as reference:
        contents = [reference.read(name) for name in reference.namelist()]
    assert [member.inflated_size for member in facts_of(archive).members] == [len(content) for content in contents]


def test_an_offset_that_is_wrong_alone_shifts_no_member() -> None:
    """23: where only the end record is wrong, the entries keep their offsets."""
    plain = build_zip([A, B])
    archive = build_zip([A, B], ZipLayout(ends=(EndFields(central_offset=central(plain) - 1),)))
    assert [member.inflated_size for member in facts_of(archive).members] == [len(A.content), len(B.content)]
