"""Any bytes give a report: bounded in time and memory, with the ceiling that was reached in words."""

from __future__ import annotations

import resource
import time
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import Report, Severity, audit
from tests.builders import DEMO, Member, build_wheel, build_zip, extension_wheel, replace, wheel_entries
from tests.builders.zipraw import ZipEntry

if TYPE_CHECKING:
    from tests.builders import BuiltWheel

NAME = "demo-1.0-py3-none-any.whl"
WHEELS = [
    build_wheel(),
    extension_wheel("cp311-cp311-manylinux_2_17_x86_64"),
    extension_wheel("cp311-cp311-macosx_11_0_universal2"),
    extension_wheel("cp39-abi3-win_amd64"),
]


def bounded(data: bytes, filename: str, *, seconds: float = 5.0, megabytes: int = 200) -> Report:
    """The report, with CPU time and traced memory below their bounds, and with no rule that failed."""
    tracemalloc.start()
    started = time.process_time()
    try:
        report = audit(data, filename=filename)
        spent = time.process_time() - started
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not report.broken, report.not_judged
    assert spent < seconds
    assert peak < megabytes * 1_000_000
    return report


@given(data=st.binary(max_size=2000))
def test_any_bytes_give_a_report(data: bytes) -> None:
    """Arbitrary bytes under a wheel's name are judged, and fail."""
    assert bounded(data, NAME).failed


@given(
    wheel=st.sampled_from(WHEELS),
    changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_a_wheel_with_changed_bytes_gives_a_report(wheel: BuiltWheel, changes: list[tuple[int, int]]) -> None:
    """A wheel with 1 to 20 bytes changed is judged, and no rule fails by itself."""
    data = bytearray(wheel.data)
    for place, value in changes:
        data[place % len(data)] = value
    bounded(bytes(data), wheel.filename)


def ceilings(report: Report) -> list[str]:
    """What the report says of bombs and ceilings."""
    found = [one for one in report.findings if one.rule == "zip-bomb" and one.severity is Severity.ERROR]
    return [text for one in found for text in (one.message, *(evidence.text for evidence in one.evidence))]


def test_a_bomb_stays_within_the_budget() -> None:
    """300 MB of zeros in a small file are not inflated whole, and the report says why."""
    entry = ZipEntry(name="demo/zeros.bin", content=bytes(1 << 20))
    data = build_zip([*wheel_entries(DEMO), *[replace(entry, name=f"demo/{index}.bin") for index in range(300)]])
    report = bounded(data, NAME, seconds=10)
    assert any("times the file's size" in message for message in ceilings(report))


def test_an_archive_of_65535_members_is_read_whole() -> None:
    """The most members that an archive without ZIP64 has are judged in bounded time."""
    entries = [ZipEntry(name=f"demo/{index}.txt", content=b"") for index in range(65_535 - len(wheel_entries(DEMO)))]
    data = build_zip([*wheel_entries(DEMO), *entries])
    started = time.process_time()
    report = audit(data, filename=NAME)
    assert time.process_time() - started < 20
    assert not report.broken
    assert any(one.rule == "record-file-not-listed" for one in report.findings)


@pytest.mark.parametrize(
    ("name", "size", "ceiling"),
    [("RECORD", 100_000_000, "33554432"), ("METADATA", 50_000_000, "8388608"), ("WHEEL", 2_000_000, "1048576")],
)
def test_a_huge_text_of_the_dist_info_is_not_parsed(name: str, size: int, ceiling: str) -> None:
    """A dist-info file beyond its ceiling is left aside; the report says which, and that it was not judged."""
    line = b"demo/file.py,sha256=AAAA,0\n" if name == "RECORD" else b"X-Field: value\n"
    member = Member(content=line * (size // len(line) + 1))
    spec = replace(DEMO, members={**DEMO.members, f"demo-1.0.dist-info/{name}": member})
    report = bounded(build_wheel(spec).data, NAME, seconds=20, megabytes=400)
    assert any(ceiling in message for message in ceilings(report))
    assert report.failed


def test_a_description_of_5_mb_is_said_not_to_be_rendered() -> None:
    """A description beyond the ceiling of the renderer is not rendered, and the report says so."""
    spec = replace(DEMO, headers={"Description-Content-Type": "text/x-rst"}, description="word " * 1_000_000)
    report = bounded(build_wheel(spec).data, NAME, seconds=20, megabytes=400)
    assert any(one.rule == "description-not-rendered" for one in report.not_judged)


def test_a_description_of_10_mb_makes_metadata_too_large() -> None:
    """A description beyond the ceiling of METADATA leaves the file unread; the wheel fails, and the report says why."""
    spec = replace(DEMO, headers={"Description-Content-Type": "text/x-rst"}, description="word " * 2_000_000)
    report = bounded(build_wheel(spec).data, NAME, seconds=20, megabytes=400)
    assert any("8388608" in message for message in ceilings(report))
    assert any(one.rule == "metadata-missing" for one in report.not_judged)
    assert report.failed


def test_nested_multipart_metadata_is_no_multipart() -> None:
    """MIME headers in METADATA do not make the description a message of many parts."""
    headers = {"Content-Type": "multipart/mixed; boundary=x", "MIME-Version": "1.0"}
    spec = replace(DEMO, headers=headers, description="--x\n\n" * 20_000)
    report = bounded(build_wheel(spec).data, NAME, seconds=20)
    assert {"metadata-field-invalid"} <= {one.rule for one in report.findings}


def test_memory_of_the_process_is_bounded() -> None:
    """This module's wheels never make the process hold more than a gigabyte."""
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 20
