"""What PyPI's walk over the framing refuses is never without an anomaly, and what it accepts never has a fatal one.

The names are those of the fixtures that warehouse tests its walk with (tests/unit/utils/zipdata, from fastzip/malo);
each archive is built here anew from what the fixture is about.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from auditor.facts.archive import AnomalyKind
from tests.archive.archives import A, B, central, end, facts_of
from tests.builders.zipraw import (
    CentralFields,
    Descriptor,
    EndFields,
    LocalFields,
    Zip64EndFields,
    Zip64LocatorFields,
    ZipEntry,
    ZipLayout,
    build_zip,
    compress,
    extra_field,
    unicode_path_extra,
    zip64_extra,
)

if TYPE_CHECKING:
    from collections.abc import Callable

HELLO = ZipEntry(name="fixme", content=b"hello")
STORED = replace(HELLO, method=0)
DEFLATED_SIZE = len(compress(HELLO.content, 8))
SENTINEL = 0xFFFFFFFF
PLAIN = build_zip([HELLO])


def described(descriptor: Descriptor, entry: ZipEntry = HELLO) -> bytes:
    """An archive whose one member has this data descriptor."""
    return build_zip([replace(entry, descriptor=descriptor)])


def eocd64(**changes: Zip64EndFields | Zip64LocatorFields | tuple[EndFields, ...]) -> bytes:
    """An archive with ZIP64 end records that are wrong in one way."""
    return build_zip([HELLO], ZipLayout(zip64=True, **changes))  # type: ignore[arg-type]


def with_local(**changes: int | bytes) -> bytes:
    """An archive whose one local header is wrong in one way."""
    return build_zip([replace(HELLO, local=LocalFields(**changes))])  # type: ignore[arg-type]


def with_central(**changes: int | bytes) -> bytes:
    """An archive whose one central entry is wrong in one way."""
    return build_zip([replace(HELLO, central=CentralFields(**changes))])  # type: ignore[arg-type]


def with_end(**changes: int) -> bytes:
    """An archive whose end record is wrong in one way."""
    return build_zip([HELLO], ZipLayout(ends=(EndFields(**changes),)))  # type: ignore[arg-type]


UNICODE = unicode_path_extra(b"fixme", "other")

REJECTED: dict[str, tuple[Callable[[], bytes], AnomalyKind]] = {
    "8bitcomment": (
        lambda: build_zip([HELLO], ZipLayout(comment=build_zip([B]) + b"\xff")),
        AnomalyKind.END_RECORD,
    ),
    "cd_comment": (lambda: build_zip([replace(HELLO, comment=b"hello")]), AnomalyKind.MEMBER_COMMENT),
    "cd_extra_entry": (
        lambda: build_zip([HELLO, replace(HELLO, in_local=False, central=CentralFields(offset=0))]),
        AnomalyKind.DUPLICATE_MEMBER,
    ),
    "cd_missing_entry": (lambda: build_zip([A, replace(B, in_central=False)]), AnomalyKind.HIDDEN_MEMBER),
    "data_descriptor": (lambda: described(Descriptor()), AnomalyKind.DATA_DESCRIPTOR),
    "data_descriptor_bad_crc": (lambda: described(Descriptor(crc=1)), AnomalyKind.DATA_DESCRIPTOR),
    "data_descriptor_bad_crc_0": (lambda: described(Descriptor(crc=0)), AnomalyKind.DATA_DESCRIPTOR),
    "data_descriptor_bad_csize": (lambda: described(Descriptor(compressed_size=1)), AnomalyKind.DATA_DESCRIPTOR),
    "data_descriptor_bad_usize": (lambda: described(Descriptor(size=1)), AnomalyKind.DATA_DESCRIPTOR),
    "data_descriptor_bad_usize_no_sig": (
        lambda: described(Descriptor(size=1, signature=False)),
        AnomalyKind.DATA_DESCRIPTOR,
    ),
    "data_descriptor_zip64": (
        lambda: described(Descriptor(wide=True), replace(HELLO, zip64=True)),
        AnomalyKind.DATA_DESCRIPTOR,
    ),
    "data_descriptor_zip64_csize": (
        lambda: described(Descriptor(wide=True, compressed_size=1), replace(HELLO, zip64=True)),
        AnomalyKind.DATA_DESCRIPTOR,
    ),
    "data_descriptor_zip64_usize": (
        lambda: described(Descriptor(wide=True, size=1), replace(HELLO, zip64=True)),
        AnomalyKind.DATA_DESCRIPTOR,
    ),
    "dupe_eocd": (lambda: build_zip([HELLO], ZipLayout(ends=(EndFields(),) * 2)), AnomalyKind.END_RECORD),
    "eocd64_locator_mismatch": (lambda: eocd64(zip64_locator=Zip64LocatorFields(offset=1)), AnomalyKind.ZIP64),
    "eocd64_non_locator": (
        lambda: eocd64(zip64_locator=Zip64LocatorFields(signature=b"PK\x06\x08")),
        AnomalyKind.ZIP64,
    ),
    "eocd64_without_eocd": (lambda: eocd64(ends=()), AnomalyKind.TRUNCATED),
    "eocd64_without_locator": (lambda: eocd64(zip64_locator=Zip64LocatorFields(present=False)), AnomalyKind.ZIP64),
    "extra3byte": (lambda: build_zip([replace(HELLO, extra=b"\0\0\0")]), AnomalyKind.EXTRA_FIELD),
    "missing_local_file": (lambda: build_zip([A, replace(B, in_local=False)]), AnomalyKind.MISSING_MEMBER),
    "non_ascii_original_name": (
        lambda: build_zip([replace(HELLO, name=b"\x82", extra=unicode_path_extra(b"\x82", "é"))]),
        AnomalyKind.NAME_ENCODING,
    ),
    "not": (lambda: b"this is no archive\n", AnomalyKind.NOT_A_ZIP),
    "prefix": (lambda: build_zip([HELLO], ZipLayout(prefix=b"bad!")), AnomalyKind.STRAY_BYTES),
    "second_unicode_extra": (
        lambda: build_zip([replace(HELLO, extra=UNICODE + unicode_path_extra(b"fixme", "second"))]),
        AnomalyKind.EXTRA_FIELD,
    ),
    "unicode_extra_chain": (
        lambda: build_zip([replace(HELLO, extra=UNICODE + unicode_path_extra(b"other", "third") + UNICODE)]),
        AnomalyKind.EXTRA_FIELD,
    ),
    "shortextra": (
        lambda: build_zip([replace(HELLO, extra=struct.pack("<2H", 0x7075, 9) + b"\x01\0\0\0")]),
        AnomalyKind.EXTRA_FIELD,
    ),
    "suffix_not_comment": (lambda: PLAIN + b"bad!", AnomalyKind.STRAY_BYTES),
    "wheel-1.0-py3-none-any": (lambda: build_zip([A, replace(A, in_central=False)]), AnomalyKind.HIDDEN_MEMBER),
    "zip64_eocd_confusion": (
        lambda: eocd64(zip64_end=Zip64EndFields(extensible=PLAIN), zip64_locator=Zip64LocatorFields()),
        AnomalyKind.ZIP64,
    ),
    "zip64_eocd_extensible_data": (lambda: eocd64(zip64_end=Zip64EndFields(extensible=b"\0" * 20)), AnomalyKind.ZIP64),
    "zip64_extra_csize": (
        lambda: with_local(extra=zip64_extra(DEFLATED_SIZE), compressed_size=SENTINEL),
        AnomalyKind.ZIP64,
    ),
    "zip64_extra_usize": (lambda: with_local(extra=zip64_extra(5), size=SENTINEL), AnomalyKind.ZIP64),
    "zip64_extra_too_long": (
        lambda: with_local(extra=zip64_extra(DEFLATED_SIZE, 0, 0), compressed_size=SENTINEL),
        AnomalyKind.ZIP64,
    ),
    "zip64_extra_too_short": (
        lambda: build_zip([replace(HELLO, zip64=True, central=CentralFields(extra=zip64_extra(5)))]),
        AnomalyKind.ZIP64,
    ),
    "zipinzip": (
        lambda: build_zip([HELLO], ZipLayout(before_end=PLAIN[end(PLAIN) :] + build_zip([B]))),
        AnomalyKind.END_RECORD,
    ),
    # The cases on single records.
    "name longer than the record": (lambda: with_local(name_length=400), AnomalyKind.MISSING_MEMBER),
    "extra length overrun": (lambda: with_local(extra=struct.pack("<2H", 9, 9)), AnomalyKind.EXTRA_FIELD),
    "zip64 of one byte": (lambda: with_local(extra=extra_field(1, b"\0")), AnomalyKind.ZIP64),
    "zip64 empty with sentinel csize": (
        lambda: with_local(extra=zip64_extra(), compressed_size=SENTINEL),
        AnomalyKind.ZIP64,
    ),
    "zip64 empty with sentinel usize": (lambda: with_local(extra=zip64_extra(), size=SENTINEL), AnomalyKind.ZIP64),
    "zip64 of 8 bytes when deflated": (lambda: with_local(extra=zip64_extra(5)), AnomalyKind.ZIP64),
    "zip64 csize that no sentinel asks for": (lambda: with_local(extra=zip64_extra(5, 1)), AnomalyKind.ZIP64),
    "two zip64 blocks": (lambda: with_local(extra=zip64_extra(5, DEFLATED_SIZE) * 2), AnomalyKind.EXTRA_FIELD),
    "name with 7F": (lambda: build_zip([replace(HELLO, name=b"a\x7f")]), AnomalyKind.NAME_ENCODING),
    "name with 00": (lambda: build_zip([replace(HELLO, name=b"a\0")]), AnomalyKind.NAME_ENCODING),
    "unicode path with a bad character": (
        lambda: with_local(extra=unicode_path_extra(b"fixme", "\x7f")),
        AnomalyKind.EXTRA_FIELD,
    ),
    "unicode path not UTF-8": (
        lambda: with_local(extra=extra_field(0x7075, b"\1\0\0\0\0\xff")),
        AnomalyKind.EXTRA_FIELD,
    ),
    "csize": (lambda: with_local(compressed_size=1), AnomalyKind.HEADER_MISMATCH),
    "usize": (lambda: with_local(size=1), AnomalyKind.HEADER_MISMATCH),
    "bzip2": (lambda: build_zip([replace(HELLO, method=12)]), AnomalyKind.COMPRESSION_METHOD),
    "no entries": (lambda: with_end(total_entries=0, disk_entries=0), AnomalyKind.END_RECORD),
    "two entries": (lambda: with_end(total_entries=2, disk_entries=2), AnomalyKind.END_RECORD),
    "entries on disk": (lambda: with_end(disk_entries=2), AnomalyKind.END_RECORD),
    "offset less": (lambda: with_end(central_offset=central(PLAIN) - 1), AnomalyKind.END_RECORD),
    "offset more": (lambda: with_end(central_offset=central(PLAIN) + 1), AnomalyKind.END_RECORD),
    "size less": (lambda: with_end(central_size=end(PLAIN) - central(PLAIN) - 1), AnomalyKind.END_RECORD),
    "size more": (lambda: with_end(central_size=end(PLAIN) - central(PLAIN) + 1), AnomalyKind.END_RECORD),
    "zip64 entries on disk": (lambda: eocd64(zip64_end=Zip64EndFields(disk_entries=2)), AnomalyKind.ZIP64),
    "zip64 entries": (
        lambda: eocd64(zip64_end=Zip64EndFields(disk_entries=2, total_entries=2)),
        AnomalyKind.END_RECORD,
    ),
    "archive extra data record": (
        lambda: build_zip([HELLO], ZipLayout(before_central=b"PK\x06\x08\0\0\0\0")),
        AnomalyKind.STRAY_BYTES,
    ),
    "spanning marker": (lambda: build_zip([HELLO], ZipLayout(prefix=b"PK00")), AnomalyKind.STRAY_BYTES),
    "directory before the members": (
        lambda: build_zip([], ZipLayout(ends=())) + _directory_first(),
        AnomalyKind.MISSING_MEMBER,
    ),
}

ACCEPTED: dict[str, Callable[[], bytes]] = {
    "comment": lambda: build_zip([HELLO], ZipLayout(comment=b"hello")),
    "deflate": lambda: build_zip([HELLO]),
    "empty": lambda: build_zip([]),
    "normal_deflate": lambda: build_zip([replace(HELLO, content=b"hello" * 99)]),
    "nosubdir": lambda: build_zip([replace(HELLO, name="a/b")]),
    "store": lambda: build_zip([STORED]),
    "subdir": lambda: build_zip([ZipEntry(name="a/", method=0, mode=0o040755), replace(HELLO, name="a/b")]),
    "zip64_eocd": eocd64,
    "stored zip64 of 8 bytes": lambda: build_zip(
        [replace(STORED, local=LocalFields(extra=zip64_extra(5), compressed_size=SENTINEL))]
    ),
}

HARMLESS = {AnomalyKind.ARCHIVE_COMMENT}


def _directory_first() -> bytes:
    """An archive whose central directory stands before its one member."""
    length = 46 + len("fixme")
    entry = replace(HELLO, central=CentralFields(offset=length))
    whole = build_zip([entry])
    record, directory = whole[: central(whole)], whole[central(whole) : end(whole)]
    last = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, length, 0, 0)
    return directory + record + last


@pytest.mark.parametrize("name", REJECTED)
def test_what_pypi_refuses_has_an_anomaly(name: str) -> None:
    """Each archive that PyPI's walk refuses has an anomaly of the kind that says why."""
    make, kind = REJECTED[name]
    assert kind in {anomaly.kind for anomaly in facts_of(make()).anomalies}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_pypi_accepts_has_none(name: str) -> None:
    """Each archive that PyPI's walk accepts has no anomaly that a rule would refuse it for."""
    assert {anomaly.kind for anomaly in facts_of(ACCEPTED[name]()).anomalies} <= HARMLESS


@pytest.mark.parametrize("zip64", [False, True], ids=["short_usize", "short_usize_zip64"])
def test_what_pypi_accepts_and_installers_refuse_is_told_apart(*, zip64: bool) -> None:
    """A size that is declared too small has its own anomalies, none of them one of those that PyPI acts on."""
    extra = zip64_extra(len(A.content), len(compress(A.content, 8))) if zip64 else b""
    archive = build_zip([replace(A, extra=extra, local=LocalFields(size=9), central=CentralFields(size=9))])
    found = {(anomaly.kind, anomaly.field) for anomaly in facts_of(archive).anomalies}
    block = {(AnomalyKind.ZIP64, "local size"), (AnomalyKind.ZIP64, "central size")} if zip64 else set()
    assert found == {(AnomalyKind.INFLATE_SIZE, None)} | block
