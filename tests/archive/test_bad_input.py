"""Any bytes give facts, in time: whatever is not a wheel, and every way to damage one."""

from __future__ import annotations

import gzip
import time
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.archive.reader import read_wheel
from auditor.facts.archive import AnomalyKind
from tests.archive.archives import A, B, facts_of
from tests.builders.extension import extension_wheel
from tests.builders.wheel import DEMO, build_wheel
from tests.builders.zipraw import Descriptor, ZipLayout, build_zip

SECONDS = 5.0
NATIVE = extension_wheel("cp311-cp311-manylinux_2_17_x86_64").data
WHEELS = {
    "pure": build_wheel(replace(DEMO, entry_points="[console_scripts]\ndemo = demo:main\n")).data,
    "native": NATIVE,
    "zip64": build_zip([replace(A, zip64=True), replace(B, descriptor=Descriptor())], ZipLayout(zip64=True)),
}


def survives(content: bytes) -> None:
    """The bytes give facts that have a JSON form, within the bound."""
    started = time.monotonic()
    facts = facts_of(content)
    msgspec.json.encode(facts)
    assert facts.size == len(content)
    assert time.monotonic() - started < SECONDS


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"", "it is an empty file"),
        (b"hello\n", "it looks like a text file"),
        (b"<!doctype html><title>404</title>", "it looks like an HTML page (a failed download?)"),
        (gzip.compress(b"hello"), "it looks like gzip data (an sdist?)"),
        (b"\0" * 100_000, "it begins with the bytes 00 00 00 00"),
        (WHEELS["pure"][1:-22], "it begins with the bytes 4b 03 04 14"),
    ],
    ids=["empty", "text", "html", "gzip", "zeros", "no signature"],
)
def test_what_is_no_archive_is_named(content: bytes, detail: str) -> None:
    """A file that is no archive has one anomaly that says what it seems to be, and no members."""
    facts = facts_of(content)
    assert [(one.kind, one.detail) for one in facts.anomalies] == [(AnomalyKind.NOT_A_ZIP, detail)]
    assert (facts.members, facts.dist_info, facts.record) == ((), None, None)


@pytest.mark.parametrize("name", WHEELS)
def test_a_wheel_that_is_cut_is_truncated(name: str) -> None:
    """A wheel that is cut anywhere says so, from its fourth byte on."""
    wheel = WHEELS[name]
    for cut in [*range(4, len(wheel), 61), len(wheel) - 1]:
        facts = facts_of(wheel[:cut])
        assert [one.kind for one in facts.anomalies] == [AnomalyKind.TRUNCATED]
        assert facts.anomalies[0].offset == cut


@pytest.mark.parametrize("name", WHEELS)
def test_a_wheel_whose_start_is_lost_is_not_clean(name: str) -> None:
    """A wheel that lacks its beginning has an anomaly and raises nothing."""
    wheel = WHEELS[name]
    for cut in range(1, len(wheel), 61):
        facts = facts_of(wheel[cut:])
        assert facts.anomalies


@given(st.binary(max_size=600))
def test_any_bytes_give_facts(content: bytes) -> None:
    """No bytes raise."""
    survives(content)


@given(
    st.lists(
        st.sampled_from([b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08"])
        | st.binary(min_size=1, max_size=30)
        | st.sampled_from([b"\0" * 8, b"\xff" * 8, b"\0" * 26]),
        max_size=30,
    )
)
def test_any_signatures_give_facts(pieces: list[bytes]) -> None:
    """No order of records raises."""
    survives(b"".join(pieces))


@pytest.mark.parametrize("name", WHEELS)
@given(
    changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_a_damaged_wheel_gives_facts(name: str, changes: list[tuple[int, int]]) -> None:
    """A wheel with up to twenty bytes changed gives facts."""
    content = bytearray(WHEELS[name])
    for at, value in changes:
        content[-1 - at % len(content)] = value
    survives(bytes(content))


@pytest.mark.parametrize("name", WHEELS)
@given(
    at=st.integers(0, 1 << 20),
    value=st.sampled_from([b"\0\0", b"\xff\xff", b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\xff" * 8, b"\0" * 7 + b"\x80"]),
)
def test_a_damaged_number_gives_facts(name: str, at: int, value: bytes) -> None:
    """A field of the framing with the largest or smallest number in it gives facts."""
    content = bytearray(WHEELS[name])
    start = at % len(content)
    content[start : start + len(value)] = value
    survives(bytes(content))


def test_the_same_bytes_give_the_same_facts() -> None:
    """Reading twice gives equal facts, which are the same JSON."""
    first, second = (read_wheel(NATIVE, filename="demo-1.0-py3-none-any.whl") for _ in range(2))
    assert first == second
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
