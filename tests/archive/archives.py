"""What the tests of the archive walk share: two plain members, places in an archive, anomalies as short tuples."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from auditor.archive.reader import read_wheel
from auditor.archive.source import FileSource
from auditor.archive.zip import read_framing
from tests.builders.zipraw import ZipEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.archive.zip import Framing
    from auditor.facts.archive import Anomaly
    from auditor.facts.wheel import WheelFacts

Found = tuple[str, "str | None", "str | None", "int | None"]
"""An anomaly as (kind, member, field, offset)."""

FILENAME: Final = "demo-1.0-py3-none-any.whl"
A: Final = ZipEntry(name="a.py", content=b"print('a')\n" * 9)
B: Final = ZipEntry(name="b.txt", content=b"some other text\n" * 9)


def found(anomalies: Iterable[Anomaly]) -> list[Found]:
    """The anomalies as tuples, sorted."""
    tuples = ((one.kind.value, one.member, one.field, one.offset) for one in anomalies)
    return sorted(tuples, key=lambda one: [(part is not None, str(part)) for part in one])


def facts_of(archive: bytes) -> WheelFacts:
    """The facts of an archive under the name of a wheel."""
    return read_wheel(archive, filename=FILENAME)


def framing_of(archive: bytes) -> Framing:
    """The framing of an archive."""
    return read_framing(FileSource(io.BytesIO(archive), FILENAME))


def place(archive: bytes, signature: bytes, number: int = 0) -> int:
    """Where the record with this signature begins, of several the one with this number."""
    position = -1
    for _ in range(number + 1):
        position = archive.index(b"PK" + signature, position + 1)
    return position


def local(archive: bytes, number: int = 0) -> int:
    """Where a local header begins."""
    return place(archive, b"\x03\x04", number)


def central(archive: bytes, number: int = 0) -> int:
    """Where a central entry begins."""
    return place(archive, b"\x01\x02", number)


def end(archive: bytes, number: int = 0) -> int:
    """Where an end record begins."""
    return place(archive, b"\x05\x06", number)


def end64(archive: bytes) -> int:
    """Where the ZIP64 end record begins."""
    return place(archive, b"\x06\x06")


def locator(archive: bytes) -> int:
    """Where the ZIP64 locator begins."""
    return place(archive, b"\x06\x07")
