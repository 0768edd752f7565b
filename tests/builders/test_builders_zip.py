"""The ZIP writer against zipfile."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib

import pytest

from tests.builders.zipraw import (
    BZIP2,
    STORED,
    CentralFields,
    Descriptor,
    EndFields,
    LocalFields,
    Zip64EndFields,
    Zip64LocatorFields,
    ZipEntry,
    ZipLayout,
    build_zip,
    extra_field,
    unicode_path_extra,
    zip64_extra,
)

ONE = ZipEntry(name="demo/a.py", content=b"answer = 42\n" * 9)
TWO = ZipEntry(name="demo/b.bin", content=bytes(range(256)), method=STORED)


def opened(archive: bytes) -> zipfile.ZipFile:
    """The archive as zipfile reads it."""
    return zipfile.ZipFile(io.BytesIO(archive))


@pytest.mark.parametrize(
    ("entries", "layout"),
    [
        ((ONE, TWO), ZipLayout()),
        ((ONE, TWO), ZipLayout(comment=b"hello")),
        ((ONE, TWO), ZipLayout(prefix=b"#!/bin/sh\n")),
        ((ONE, TWO), ZipLayout(prefix=b"#!/bin/sh\n", prefix_counted=False)),
        ((ONE, TWO), ZipLayout(zip64=True)),
        ((ONE, TWO), ZipLayout(zip64=True, comment=b"hello", before_central=b"gap")),
        ((ONE, TWO), ZipLayout(central_order=(1, 0))),
        ((ZipEntry(name="demo/a.py", content=ONE.content, zip64=True), TWO), ZipLayout()),
        ((ZipEntry(name="demo/a.py", content=ONE.content, method=BZIP2), TWO), ZipLayout()),
        ((ZipEntry(name="demo/a.py", content=ONE.content, descriptor=Descriptor()), TWO), ZipLayout()),
        ((ZipEntry(name="demo/a.py", content=ONE.content, descriptor=Descriptor(wide=True)), TWO), ZipLayout()),
        ((ZipEntry(name="demo/a.py", content=ONE.content, before=b"gap", after=b"gap"), TWO), ZipLayout()),
        ((ONE, ZipEntry(name="hidden", in_central=False), TWO), ZipLayout()),
        ((ONE, TWO), ZipLayout(ends=(EndFields(disk=0, total_entries=2),))),
    ],
)
def test_zipfile_reads_what_is_consistent(entries: tuple[ZipEntry, ...], layout: ZipLayout) -> None:
    """Gaps, prefixes, ZIP64, descriptors and hidden members leave the listed members readable."""
    archive = opened(build_zip(entries, layout))
    assert archive.testzip() is None
    assert {info.filename: archive.read(info) for info in archive.infolist()} == {
        "demo/a.py": ONE.content,
        "demo/b.bin": TWO.content,
    }


def test_defaults_are_those_that_pypi_takes() -> None:
    """No descriptor, no extra field, stored or deflated, 1980, a regular file of mode 644, nothing left over."""
    archive = opened(build_zip((ONE, TWO)))
    for info in archive.infolist():
        assert (info.flag_bits, info.extra, info.comment) == (0, b"", b"")
        assert info.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
        assert info.date_time == (1980, 1, 1, 0, 0, 0)
        assert info.external_attr >> 16 == 0o100644
        assert info.create_system == 3
    assert archive.comment == b""


LOCAL_LAYOUT = struct.Struct("<4s5H3L2H")
CENTRAL_LAYOUT = struct.Struct("<4s6H3L5H2L")


def test_every_local_field_can_be_overridden() -> None:
    """Each field of the local header is written as given, and the central entry keeps the truth."""
    change = LocalFields(
        signature=b"PK\x03\x05",
        version_needed=1,
        flags=2,
        method=3,
        time=4,
        date=5,
        crc=6,
        compressed_size=7,
        size=8,
        name_length=9,
        extra_length=10,
        name=b"other",
        extra=b"xx",
    )
    archive = build_zip((ZipEntry(name=ONE.name, content=ONE.content, local=change),))
    assert LOCAL_LAYOUT.unpack_from(archive) == (b"PK\x03\x05", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    assert archive[30:37] == b"otherxx"
    (info,) = opened(archive).infolist()
    assert (info.filename, info.CRC, info.file_size) == ("demo/a.py", zlib.crc32(ONE.content), len(ONE.content))


def test_every_central_field_can_be_overridden() -> None:
    """Each field of the central entry is written as given, and the local header keeps the truth."""
    change = CentralFields(
        signature=b"PK\x01\x03",
        version_made_by=1,
        version_needed=2,
        flags=3,
        method=4,
        time=5,
        date=6,
        crc=7,
        compressed_size=8,
        size=9,
        name_length=10,
        extra_length=11,
        comment_length=12,
        disk=13,
        internal_attributes=14,
        external_attributes=15,
        offset=16,
        name=b"name",
        extra=b"extra",
        comment=b"comment",
    )
    archive = build_zip((ZipEntry(name=ONE.name, content=ONE.content, central=change),))
    start = archive.index(b"PK\x01\x03")
    assert CENTRAL_LAYOUT.unpack_from(archive, start) == (b"PK\x01\x03", *range(1, 17))
    assert archive[start + 46 :].startswith(b"nameextracommentPK\x05\x06")
    assert LOCAL_LAYOUT.unpack_from(archive)[6] == zlib.crc32(ONE.content)


def test_every_end_field_can_be_overridden() -> None:
    """The end record, or several of them, and the ZIP64 records are written as given."""
    end = EndFields(
        signature=b"PK\x05\x07",
        disk=1,
        central_disk=2,
        disk_entries=3,
        total_entries=4,
        central_size=5,
        central_offset=6,
        comment_length=7,
        comment=b"c",
    )
    zip64_end = Zip64EndFields(
        signature=b"PK\x06\x05",
        record_size=1,
        version_made_by=2,
        version_needed=3,
        disk=4,
        central_disk=5,
        disk_entries=6,
        total_entries=7,
        central_size=8,
        central_offset=9,
        extensible=b"more",
    )
    locator = Zip64LocatorFields(signature=b"PK\x06\x09", disk=1, offset=2, disks=3)
    layout = ZipLayout(zip64=True, zip64_end=zip64_end, zip64_locator=locator, ends=(end, EndFields()))
    tail = build_zip((), layout)
    assert struct.unpack_from("<4sQ2H2L4Q", tail) == (b"PK\x06\x05", *range(1, 10))
    assert tail[56:60] == b"more"
    assert struct.unpack_from("<4sLQL", tail, 60) == (b"PK\x06\x09", 1, 2, 3)
    assert struct.unpack_from("<4s4H2LH", tail, 80) == (b"PK\x05\x07", *range(1, 8))
    assert tail[102:] == b"cPK\x05\x06" + bytes(4) + b"\xff" * 12 + bytes(2)


def test_records_can_be_left_out() -> None:
    """ZIP64 record, locator, end record, local header and central entry can each be absent."""
    absent = ZipLayout(zip64=True, zip64_end=Zip64EndFields(present=False), ends=())
    assert build_zip((), absent).startswith(b"PK\x06\x07")
    assert build_zip((), ZipLayout(zip64=True, zip64_locator=Zip64LocatorFields(present=False), ends=()))[:4] == (
        b"PK\x06\x06"
    )
    archive = build_zip((ONE, ZipEntry(name="ghost", in_local=False), ZipEntry(name="hidden", in_central=False)))
    assert opened(archive).namelist() == ["demo/a.py", "ghost"]
    assert archive.count(b"ghost") == archive.count(b"hidden") == 1


def test_duplicates_and_overlaps_are_written() -> None:
    """Two members may share a name, or a local header."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twice = opened(build_zip((ONE, ZipEntry(name=ONE.name, content=b"other"))))
    assert [info.filename for info in twice.infolist()] == ["demo/a.py", "demo/a.py"]
    overlap = opened(build_zip((ONE, ZipEntry(name="demo/b.bin", central=CentralFields(offset=0)))))
    assert [info.header_offset for info in overlap.infolist()] == [0, 0]


def test_names_and_extra_fields() -> None:
    """A text name beyond ASCII sets bit 11, raw bytes do not, and extra fields are well-formed chains."""
    archive = opened(build_zip((ZipEntry(name="d\u00e9mo.py"), ZipEntry(name=b"d\x82mo2.py"))))
    assert [(info.filename, info.flag_bits) for info in archive.infolist()] == [
        ("d\u00e9mo.py", 0x800),
        ("d\u00e9mo2.py", 0),
    ]
    assert extra_field(0x1234, b"ab") == b"\x34\x12\x02\x00ab"
    assert zip64_extra(1) == b"\x01\x00\x08\x00" + (1).to_bytes(8, "little")
    body = b"\x01" + zlib.crc32(b"a").to_bytes(4, "little") + b"b"
    assert unicode_path_extra(b"a", "b") == b"\x75\x70\x06\x00" + body


def test_payload_and_descriptor_can_lie() -> None:
    """The stored bytes and the descriptor need not agree with the headers."""
    lying = ZipEntry(
        name="a",
        content=b"12345",
        payload=b"123",
        method=STORED,
        descriptor=Descriptor(signature=False, crc=1, compressed_size=2, size=3),
    )
    archive = build_zip((lying,))
    assert archive[31 : 31 + 15] == b"123" + struct.pack("<3L", 1, 2, 3)
    (info,) = opened(archive).infolist()
    assert (info.file_size, info.compress_size, info.flag_bits) == (5, 3, 8)
