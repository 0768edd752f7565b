"""Every anomaly of an archive that readers disagree about is recorded, and nothing else is: `auditor.archive.zip`.

A case is a well-made archive with one thing wrong. The table has them in the order of an experiment with PyPI, pip,
uv and installer over hand-made wheels; what they do with each is the business of the rules.
"""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.archive.archives import A, B, central, end, end64, facts_of, found, local, locator
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
    local_record,
    unicode_path_extra,
    zip64_extra,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.archive.archives import Found

Case = tuple[bytes, "list[Found]"]

UTF8 = 1 << 11
SENTINEL = 0xFFFFFFFF


def both(entry: ZipEntry, **changes: int) -> ZipEntry:
    """The entry with the same fields changed in its local header and its central entry."""
    return replace(entry, local=LocalFields(**changes), central=CentralFields(**changes))  # type: ignore[arg-type]


def tar_block(start: bytes) -> bytes:
    """A tar header that begins as the local header in `start` does."""
    information = tarfile.TarInfo("x")
    block = bytearray(information.tobuf(tarfile.USTAR_FORMAT)[:512])
    block[: len(start)] = start
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _case_01_duplicate_same_content() -> Case:
    return build_zip([A, B, A]), [("duplicate-member", "a.py", None, None)]


def _case_02_duplicate_other_content() -> Case:
    return build_zip([A, B, replace(A, content=b"other")]), [("duplicate-member", "a.py", None, None)]


def _case_03_hidden_member() -> Case:
    archive = build_zip([A, replace(B, in_central=False)])
    return archive, [("hidden-member", "b.txt", None, local(archive, 1))]


def _case_03_hidden_members_in_one_gap() -> Case:
    hidden = replace(B, in_central=False)
    archive = build_zip([hidden, replace(hidden, name="c.txt"), A, hidden])
    return archive, [
        ("hidden-member", "b.txt", None, 0),
        ("hidden-member", "b.txt", None, local(archive, 3)),
        ("hidden-member", "c.txt", None, local(archive, 1)),
    ]


def _case_03_hidden_duplicate() -> Case:
    archive = build_zip([replace(A, in_central=False), A])
    return archive, [("hidden-member", "a.py", None, 0)]


def _case_03_hidden_member_with_descriptor() -> Case:
    archive = build_zip([A, replace(B, in_central=False, descriptor=Descriptor())])
    return archive, [("hidden-member", "b.txt", None, local(archive, 1))]


def _case_04_entry_without_local_header() -> Case:
    archive = build_zip([A, replace(B, in_local=False)])
    return archive, [("missing-member", "b.txt", None, central(archive))]


def _case_04_wrong_offset() -> Case:
    archive = build_zip([A, replace(B, central=CentralFields(offset=1))])
    return archive, [("hidden-member", "b.txt", None, local(archive, 1)), ("missing-member", "b.txt", None, 1)]


def _case_04_offset_beyond_the_file() -> Case:
    archive = build_zip([A, replace(B, central=CentralFields(offset=0xFFFFFFF0))])
    return archive, [("hidden-member", "b.txt", None, local(archive, 1)), ("missing-member", "b.txt", None, 0xFFFFFFF0)]


def _case_05_local_name_differs() -> Case:
    archive = build_zip([A, replace(B, local=LocalFields(name=b"c.txt"))])
    return archive, [("header-mismatch", "b.txt", "name", local(archive, 1))]


def _case_05_local_name_differs_in_bytes_that_no_text_shows() -> Case:
    raw = replace(A, name=b"\xff", local=LocalFields(name=b"\\xff"))
    archive = build_zip([raw])
    return archive, [
        ("header-mismatch", "\N{NO-BREAK SPACE}", "name", 0),
        ("name-encoding", "\N{NO-BREAK SPACE}", "encoding", central(archive)),
    ]


def _case_06_local_crc_differs() -> Case:
    return build_zip([replace(A, local=LocalFields(crc=1))]), [("header-mismatch", "a.py", "CRC", 0)]


def _case_06_central_crc_differs() -> Case:
    archive = build_zip([replace(A, central=CentralFields(crc=1))])
    return archive, [("crc", "a.py", None, 0), ("header-mismatch", "a.py", "CRC", 0)]


def _case_07_crc_wrong_source() -> Case:
    return build_zip([both(A, crc=1)]), [("crc", "a.py", None, 0)]


def _case_08_crc_wrong_other_file() -> Case:
    archive = build_zip([A, both(B, crc=1)])
    return archive, [("crc", "b.txt", None, local(archive, 1))]


def _case_09_local_method_differs() -> Case:
    return build_zip([replace(A, local=LocalFields(method=0))]), [("header-mismatch", "a.py", "method", 0)]


def _case_10_local_flags_differ() -> Case:
    return build_zip([replace(A, central=CentralFields(flags=UTF8))]), [("header-mismatch", "a.py", "flags", 0)]


def _case_11_local_size_differs() -> Case:
    return build_zip([replace(A, local=LocalFields(size=1))]), [("header-mismatch", "a.py", "size", 0)]


def _case_11_local_compressed_size_differs() -> Case:
    archive = build_zip([replace(A, local=LocalFields(compressed_size=1))])
    return archive, [("header-mismatch", "a.py", "compressed size", 0)]


def _case_11_central_size_differs() -> Case:
    archive = build_zip([replace(A, central=CentralFields(size=7))])
    return archive, [("header-mismatch", "a.py", "size", 0), ("inflate-size", "a.py", None, 0)]


def _case_11_central_compressed_size_reaches_into_the_next() -> Case:
    truth = len(compress(A.content, 8))
    archive = build_zip([replace(A, central=CentralFields(compressed_size=truth + 3)), B])
    return archive, [
        ("header-mismatch", "a.py", "compressed size", 0),
        ("inflate-size", "a.py", None, 0),
        ("overlap", "b.txt", None, local(archive, 1)),
    ]


def _case_11_central_compressed_size_reaches_into_the_directory() -> Case:
    truth = len(compress(A.content, 8))
    archive = build_zip([replace(A, central=CentralFields(compressed_size=truth + 3))])
    return archive, [
        ("header-mismatch", "a.py", "compressed size", 0),
        ("inflate-size", "a.py", None, 0),
        ("overlap", "a.py", None, 0),
    ]


def _case_12_descriptor() -> Case:
    archive = build_zip([replace(A, descriptor=Descriptor()), B])
    return archive, [("data-descriptor", "a.py", None, 0)]


def _case_12_descriptor_without_signature() -> Case:
    archive = build_zip([replace(A, descriptor=Descriptor(signature=False)), B])
    return archive, [("data-descriptor", "a.py", None, 0)]


def _case_12_descriptor_of_64_bits() -> Case:
    archive = build_zip([replace(A, descriptor=Descriptor(wide=True)), B])
    return archive, [("data-descriptor", "a.py", None, 0)]


def _case_12_descriptor_of_64_bits_without_signature() -> Case:
    archive = build_zip([replace(A, descriptor=Descriptor(wide=True, signature=False)), B])
    return archive, [("data-descriptor", "a.py", None, 0)]


def _case_12_descriptor_of_a_stored_empty_member() -> Case:
    archive = build_zip([ZipEntry(name="e", method=0, descriptor=Descriptor()), B])
    return archive, [("data-descriptor", "e", None, 0)]


def _case_12_wide_descriptor_of_a_zip64_empty_member() -> Case:
    blank = LocalFields(extra=zip64_extra(0, 0))
    entry = ZipEntry(name="e", method=0, descriptor=Descriptor(wide=True), zip64=True, local=blank)
    archive = build_zip([entry, B])
    return archive, [("data-descriptor", "e", None, 0)]


def _case_12_descriptor_that_lies() -> Case:
    archive = build_zip([replace(A, descriptor=Descriptor(crc=1)), B])
    return archive, [("data-descriptor", "a.py", None, 0), ("stray-bytes", None, None, local(archive, 1) - 16)]


def _case_12_descriptor_flag_in_one_header_only() -> Case:
    archive = build_zip([replace(A, central=CentralFields(flags=8))])
    return archive, [("data-descriptor", "a.py", None, 0), ("header-mismatch", "a.py", "flags", 0)]


def _case_13_encrypted() -> Case:
    archive = build_zip([both(A, flags=1)])
    return archive, [("encrypted", "a.py", None, central(archive))]


def _case_13_strongly_encrypted() -> Case:
    archive = build_zip([both(A, flags=1 << 6)])
    return archive, [("encrypted", "a.py", None, central(archive))]


def _case_13_patched() -> Case:
    archive = build_zip([both(A, flags=1 << 5)])
    return archive, [("encrypted", "a.py", None, central(archive))]


def _case_13_masked_header() -> Case:
    archive = build_zip([both(A, flags=1 << 13)])
    return archive, [("encrypted", "a.py", None, central(archive))]


def _case_14_bzip2() -> Case:
    archive = build_zip([replace(A, method=12)])
    return archive, [("compression-method", "a.py", None, central(archive))]


def _case_14_lzma() -> Case:
    archive = build_zip([replace(A, method=14)])
    return archive, [("compression-method", "a.py", None, central(archive))]


def _case_15_zstandard() -> Case:
    archive = build_zip([replace(A, method=93)])
    return archive, [("compression-method", "a.py", None, central(archive))]


def _case_16_prefix() -> Case:
    return build_zip([A, B], ZipLayout(prefix=b"#!/bin/sh\n")), [("stray-bytes", None, None, 0)]


def _case_16_prefix_that_offsets_do_not_count() -> Case:
    archive = build_zip([A, B], ZipLayout(prefix=b"#!/bin/sh\n", prefix_counted=False))
    return archive, [("end-record", None, "offset", end(archive)), ("stray-bytes", None, None, 0)]


def _case_16_prefix_that_zip64_offsets_do_not_count() -> Case:
    archive = build_zip([A, B], ZipLayout(prefix=b"#!/bin/sh\n", prefix_counted=False, zip64=True))
    return archive, [
        ("end-record", None, "offset", end(archive)),
        ("stray-bytes", None, None, 0),
        ("zip64", None, None, locator(archive)),
    ]


def _case_16_prefix_before_an_empty_archive() -> Case:
    archive = build_zip([], ZipLayout(prefix=b"#!", prefix_counted=False))
    return archive, [("end-record", None, "offset", 2), ("stray-bytes", None, None, 0)]


def _case_17_gap_between_members() -> Case:
    archive = build_zip([replace(A, after=b"junk"), B])
    return archive, [("stray-bytes", None, None, local(archive, 1) - 4)]


def _case_17_gap_of_one_byte() -> Case:
    archive = build_zip([A, replace(B, before=b"P")])
    return archive, [("stray-bytes", None, None, local(archive, 1) - 1)]


def _case_17_gap_before_the_directory() -> Case:
    archive = build_zip([A], ZipLayout(before_central=b"\0" * 8))
    return archive, [("stray-bytes", None, None, central(archive) - 8)]


def _case_17_gap_behind_the_directory() -> Case:
    archive = build_zip([A], ZipLayout(before_end=b"junk"))
    return archive, [("stray-bytes", None, None, end(archive) - 4)]


def _case_17_gap_behind_the_directory_before_zip64() -> Case:
    archive = build_zip([A], ZipLayout(before_end=b"junk", zip64=True))
    return archive, [("stray-bytes", None, None, end64(archive) - 4)]


def _case_17_gap_with_half_a_local_header() -> Case:
    archive = build_zip([A], ZipLayout(before_central=local_record(B)[:31]))
    return archive, [("stray-bytes", None, None, central(archive) - 31)]


def _case_18_trailing_bytes() -> Case:
    archive = build_zip([A], ZipLayout(trailing=b"junk"))
    return archive, [("stray-bytes", None, "trailing", len(archive) - 4)]


def _case_18_trailing_member() -> Case:
    archive = build_zip([A], ZipLayout(trailing=local_record(B)))
    return archive, [("stray-bytes", None, "trailing", end(archive) + 22)]


def _case_19_trailing_nuls() -> Case:
    archive = build_zip([A], ZipLayout(trailing=b"\0" * 512))
    return archive, [("stray-bytes", None, "trailing-nul", len(archive) - 512)]


def _case_20_archive_comment() -> Case:
    archive = build_zip([A], ZipLayout(comment=b"hello\n"))
    return archive, [("archive-comment", None, None, end(archive))]


def _case_20_archive_comment_cut_off() -> Case:
    archive = build_zip([A], ZipLayout(comment=b"hello"))[:-2]
    return archive, [("truncated", None, None, len(archive))]


def _case_21_archive_comment_with_control_bytes() -> Case:
    archive = build_zip([A], ZipLayout(comment=b"\x01\x02"))
    return archive, [("archive-comment", None, "control", end(archive))]


def _case_22_member_comment() -> Case:
    archive = build_zip([replace(A, comment=b"hello")])
    return archive, [("member-comment", "a.py", None, central(archive))]


def _case_23_too_few_entries_counted() -> Case:
    archive = build_zip([A, B], ZipLayout(ends=(EndFields(total_entries=1, disk_entries=1),)))
    return archive, [("end-record", None, "entries", end(archive))]


def _case_23_too_many_entries_counted() -> Case:
    archive = build_zip([A, B], ZipLayout(ends=(EndFields(total_entries=3, disk_entries=3),)))
    return archive, [("end-record", None, "entries", end(archive))]


def _case_23_too_few_entries_counted_in_zip64() -> Case:
    archive = build_zip([A, B], ZipLayout(zip64=True, zip64_end=Zip64EndFields(total_entries=1, disk_entries=1)))
    return archive, [("end-record", None, "entries", end(archive))]


def _case_23_entries_on_this_disk_differ() -> Case:
    archive = build_zip([A, B], ZipLayout(ends=(EndFields(disk_entries=1),)))
    return archive, [("end-record", None, "entries", end(archive))]


def _case_23_directory_size_too_small() -> Case:
    archive = build_zip([A, B])
    size = end(archive) - central(archive)
    archive = build_zip([A, B], ZipLayout(ends=(EndFields(central_size=size - 1),)))
    return archive, [("end-record", None, "size", end(archive))]


def _case_23_directory_size_of_the_first_entry_only() -> Case:
    archive = build_zip([A, B])
    size = central(archive, 1) - central(archive)
    fields = EndFields(central_size=size, total_entries=1, disk_entries=1)
    return build_zip([A, B], ZipLayout(ends=(fields,))), [
        ("end-record", None, "entries", end(archive)),
        ("end-record", None, "size", end(archive)),
    ]


def _case_23_directory_size_too_large() -> Case:
    archive = build_zip([A, B])
    size = end(archive) - central(archive)
    archive = build_zip([A, B], ZipLayout(ends=(EndFields(central_size=size + 1),)))
    return archive, [("end-record", None, "size", end(archive))]


def _case_23_directory_offset_too_small() -> Case:
    archive = build_zip([A, B])
    archive = build_zip([A, B], ZipLayout(ends=(EndFields(central_offset=central(archive) - 1),)))
    return archive, [("end-record", None, "offset", end(archive))]


def _case_23_directory_offset_too_large() -> Case:
    archive = build_zip([A, B])
    archive = build_zip([A, B], ZipLayout(ends=(EndFields(central_offset=central(archive) + 1),)))
    return archive, [("end-record", None, "offset", end(archive))]


def _case_23_directory_nowhere() -> Case:
    archive = build_zip([A, B], ZipLayout(ends=(EndFields(central_offset=1, central_size=1),)))
    return archive, [("end-record", None, "offset", end(archive))]


def _case_23_entry_cut_off() -> Case:
    archive = build_zip([A, replace(B, central=CentralFields(comment_length=9))])
    return archive, [
        ("end-record", None, "entries", end(archive)),
        ("end-record", None, "size", end(archive)),
        ("hidden-member", "b.txt", None, local(archive, 1)),
        ("end-record", None, "second", central(archive, 1)),
    ]


def _case_24_disk_of_the_end_record() -> Case:
    archive = build_zip([A], ZipLayout(ends=(EndFields(disk=1, central_disk=1),)))
    return archive, [("end-record", None, "disk", end(archive))]


def _case_24_disk_of_a_member() -> Case:
    archive = build_zip([replace(A, central=CentralFields(disk=1))])
    return archive, [("end-record", "a.py", "disk", central(archive))]


def _case_24_disk_of_the_zip64_end_record() -> Case:
    archive = build_zip([A], ZipLayout(zip64=True, zip64_end=Zip64EndFields(disk=1)))
    return archive, [("zip64", None, None, end64(archive))]


def _case_24_disks_of_the_zip64_locator() -> Case:
    archive = build_zip([A], ZipLayout(zip64=True, zip64_locator=Zip64LocatorFields(disks=2)))
    return archive, [("zip64", None, None, end64(archive))]


def _case_25_two_archives_in_a_row() -> Case:
    first, second = build_zip([A, B]), build_zip([A])
    archive = first + second
    return archive, [
        ("end-record", None, "offset", end(archive, 1)),
        ("end-record", None, "second", central(first)),
        ("hidden-member", "a.py", None, 0),
        ("hidden-member", "b.txt", None, local(first, 1)),
    ]


def _case_25_archive_in_the_comment() -> Case:
    archive = build_zip([A], ZipLayout(comment=build_zip([B])))
    return archive, [
        ("end-record", None, "offset", end(archive, 1)),
        ("end-record", None, "second", central(archive)),
        ("hidden-member", "a.py", None, 0),
    ]


def _case_25_archive_in_the_comment_with_a_tail() -> Case:
    archive = build_zip([A], ZipLayout(comment=build_zip([B]) + b"!"))
    return archive, [
        ("archive-comment", None, "control", end(archive)),
        ("end-record", None, "second", end(archive)),
    ]


def _case_25_two_end_records() -> Case:
    archive = build_zip([A], ZipLayout(ends=(EndFields(), EndFields())))
    return archive, [("end-record", None, "second", end(archive))]


def _case_26_locator_points_elsewhere() -> Case:
    archive = build_zip([A], ZipLayout(zip64=True, zip64_locator=Zip64LocatorFields(offset=3)))
    return archive, [("zip64", None, None, locator(archive))]


def _case_26_locator_points_beyond_all_files() -> Case:
    archive = build_zip([A], ZipLayout(zip64=True, zip64_locator=Zip64LocatorFields(offset=(1 << 64) - 1)))
    return archive, [("zip64", None, None, locator(archive))]


def _case_26_locator_without_record() -> Case:
    archive = build_zip([A], ZipLayout(zip64=True, zip64_end=Zip64EndFields(present=False)))
    return archive, [("end-record", None, "offset", end(archive)), ("zip64", None, None, locator(archive))]


def _case_26_record_without_locator() -> Case:
    archive = build_zip([A], ZipLayout(zip64=True, zip64_locator=Zip64LocatorFields(present=False)))
    return archive, [("zip64", None, None, end(archive))]


def _case_26_record_without_locator_or_need() -> Case:
    plain = build_zip([A])
    truth = EndFields(
        total_entries=1, disk_entries=1, central_size=end(plain) - central(plain), central_offset=central(plain)
    )
    layout = ZipLayout(zip64=True, zip64_locator=Zip64LocatorFields(present=False), ends=(truth,))
    archive = build_zip([A], layout)
    return archive, [("zip64", None, "second", end64(archive))]


def _case_26_record_contradicts_the_end_record() -> Case:
    layout = ZipLayout(zip64=True, ends=(EndFields(total_entries=2, disk_entries=2),))
    archive = build_zip([A], layout)
    return archive, [("zip64", None, None, end64(archive))]


def _case_26_record_counts_entries_on_disks() -> Case:
    archive = build_zip([A], ZipLayout(zip64=True, zip64_end=Zip64EndFields(disk_entries=2)))
    return archive, [("zip64", None, None, end64(archive))]


def _case_26_locator_apart_from_its_record() -> Case:
    fields = Zip64EndFields(record_size=44, extensible=b"junk")
    archive = build_zip([A], ZipLayout(zip64=True, zip64_end=fields))
    return archive, [("zip64", None, None, end64(archive))]


def _case_27_extensible_data() -> Case:
    archive = build_zip([A], ZipLayout(zip64=True, zip64_end=Zip64EndFields(extensible=b"junk")))
    return archive, [("zip64", None, None, end64(archive))]


def _case_28_zip64_block_with_other_values() -> Case:
    archive = build_zip([replace(A, extra=zip64_extra(1, 2))])
    return archive, [
        ("zip64", "a.py", "central size", central(archive)),
        ("zip64", "a.py", "local size", 0),
    ]


def _case_28_zip64_block_with_sizes_exchanged() -> Case:
    sizes = len(A.content), len(compress(A.content, 8))
    archive = build_zip([replace(A, local=LocalFields(extra=zip64_extra(*reversed(sizes))))])
    return archive, [("zip64", "a.py", "local size", 0)]


def _case_28_zip64_block_with_another_offset() -> Case:
    sizes = len(A.content), len(compress(A.content, 8))
    archive = build_zip([replace(A, central=CentralFields(extra=zip64_extra(*sizes, 7)))])
    return archive, [("zip64", "a.py", "central offset", central(archive))]


def _case_29_zip64_block_of_illegal_length() -> Case:
    archive = build_zip([replace(A, local=LocalFields(extra=extra_field(1, b"\0" * 3)))])
    return archive, [("zip64", "a.py", "local length", 0)]


def _case_29_zip64_block_with_one_size_of_a_compressed_member() -> Case:
    fields = LocalFields(extra=zip64_extra(len(A.content)), size=SENTINEL)
    return build_zip([replace(A, local=fields)]), [("zip64", "a.py", "local length", 0)]


def _case_29_zip64_block_too_short_for_the_sentinels() -> Case:
    fields = CentralFields(extra=zip64_extra(len(A.content)), size=SENTINEL, compressed_size=SENTINEL)
    archive = build_zip([replace(A, central=fields)])
    return archive, [
        ("header-mismatch", "a.py", "compressed size", 0),
        ("inflate-size", "a.py", None, 0),
        ("overlap", "a.py", None, 0),
        ("zip64", "a.py", "central length", central(archive)),
    ]


def _case_29_sentinel_without_zip64_block() -> Case:
    archive = build_zip([replace(A, local=LocalFields(size=SENTINEL))])
    return archive, [("header-mismatch", "a.py", "size", 0), ("zip64", "a.py", "local length", 0)]


def _case_29_two_zip64_blocks() -> Case:
    sizes = len(A.content), len(compress(A.content, 8))
    archive = build_zip([replace(A, zip64=True, extra=zip64_extra(*sizes))])
    return archive, [
        ("extra-field", "a.py", "central", central(archive)),
        ("extra-field", "a.py", "local", 0),
    ]


def _case_30_local_extra_field_with_a_rest() -> Case:
    return build_zip([replace(A, local=LocalFields(extra=b"\0\0\0"))]), [("extra-field", "a.py", "local", 0)]


def _case_30_local_extra_field_overrun() -> Case:
    extra = struct.pack("<2H", 0x5455, 9) + b"\0" * 5
    return build_zip([replace(A, local=LocalFields(extra=extra))]), [("extra-field", "a.py", "local", 0)]


def _case_30_central_extra_field_with_a_rest() -> Case:
    archive = build_zip([replace(A, central=CentralFields(extra=b"\0\0\0"))])
    return archive, [("extra-field", "a.py", "central", central(archive))]


def _case_31_unicode_path_in_the_directory() -> Case:
    archive = build_zip([replace(A, central=CentralFields(extra=unicode_path_extra(b"a.py", "c.py")))])
    return archive, [("unicode-extra", "a.py", "central", central(archive))]


def _case_31_unicode_path_in_both() -> Case:
    archive = build_zip([replace(A, extra=unicode_path_extra(b"a.py", "c.py"))])
    return archive, [
        ("unicode-extra", "a.py", "central", central(archive)),
        ("unicode-extra", "a.py", "local", 0),
    ]


def _case_31_unicode_comment() -> Case:
    block = extra_field(0x6375, b"\x01\0\0\0\0hello")
    archive = build_zip([replace(A, central=CentralFields(extra=block))])
    return archive, [("unicode-extra", "a.py", "central", central(archive))]


def _case_32_unicode_path_in_the_local_header() -> Case:
    archive = build_zip([replace(A, local=LocalFields(extra=unicode_path_extra(b"a.py", "c.py")))])
    return archive, [("unicode-extra", "a.py", "local", 0)]


def _case_32_unicode_path_too_short() -> Case:
    archive = build_zip([replace(A, local=LocalFields(extra=extra_field(0x7075, b"\x01")))])
    return archive, [("extra-field", "a.py", "local", 0), ("unicode-extra", "a.py", "local", 0)]


def _case_32_unicode_path_not_utf8() -> Case:
    archive = build_zip([replace(A, local=LocalFields(extra=extra_field(0x7075, b"\x01\0\0\0\0\xff")))])
    return archive, [("extra-field", "a.py", "local", 0), ("unicode-extra", "a.py", "local", 0)]


def _case_32_unicode_path_with_a_control_character() -> Case:
    archive = build_zip([replace(A, local=LocalFields(extra=unicode_path_extra(b"a.py", "\x01")))])
    return archive, [("extra-field", "a.py", "local", 0), ("unicode-extra", "a.py", "local", 0)]


def _case_33_more_content_than_declared() -> Case:
    return build_zip([both(A, size=7)]), [("inflate-size", "a.py", None, 0)]


def _case_33_more_stored_content_than_declared() -> Case:
    return build_zip([both(replace(A, method=0), size=7)]), [("inflate-size", "a.py", None, 0)]


def _case_34_less_content_than_declared() -> Case:
    return build_zip([both(A, size=7000)]), [("inflate-size", "a.py", None, 0)]


def _case_35_bytes_behind_the_stream() -> Case:
    archive = build_zip([replace(A, payload=compress(A.content, 8) + b"junk")])
    return archive, [("inflate-size", "a.py", None, 0)]


def _case_35_no_stream() -> Case:
    return build_zip([replace(A, payload=b"\xff" * 40)]), [("stream", "a.py", None, 0)]


def _case_35_half_a_stream() -> Case:
    return build_zip([replace(A, payload=compress(A.content, 8)[:-4])]), [("stream", "a.py", None, 0)]


def _case_37_member_within_another() -> Case:
    inner = local_record(B)
    offset = 30 + len("a.py")
    outer = replace(A, method=0, content=inner)
    archive = build_zip([outer, replace(B, in_local=False, central=CentralFields(offset=offset))])
    return archive, [("overlap", "b.txt", None, offset)]


def _case_37_entry_twice_for_one_member() -> Case:
    archive = build_zip([A, replace(A, in_local=False, central=CentralFields(offset=0))])
    return archive, [("duplicate-member", "a.py", None, None), ("overlap", "a.py", None, 0)]


def _case_44_control_character_in_a_name() -> Case:
    archive = build_zip([replace(A, name=b"a\0.py")])
    return archive, [("name-encoding", "a\0.py", "control", central(archive))]


def _case_44_delete_in_a_name() -> Case:
    archive = build_zip([replace(A, name=b"a\x7f.py")])
    return archive, [("name-encoding", "a\x7f.py", "control", central(archive))]


def _case_45_bidi_override_in_a_name() -> Case:
    archive = build_zip([replace(A, name="a\N{RIGHT-TO-LEFT OVERRIDE}yp.py")])
    return archive, [("name-encoding", "a\N{RIGHT-TO-LEFT OVERRIDE}yp.py", "other", central(archive))]


def _case_46_name_in_utf8_without_the_flag() -> Case:
    archive = build_zip([replace(A, name="ä.py".encode())])
    return archive, [("name-encoding", "├ñ.py", "flag", central(archive))]


def _case_46_name_in_code_page_437() -> Case:
    archive = build_zip([replace(A, name="ä.py".encode("cp437"))])
    return archive, [("name-encoding", "ä.py", "encoding", central(archive))]


def _case_46_name_not_utf8_under_the_flag() -> Case:
    archive = build_zip([both(replace(A, name=b"\xff.py"), flags=UTF8)])
    return archive, [("name-encoding", "\\xff.py", "encoding", central(archive))]


def _case_53_version_needed() -> Case:
    archive = build_zip([both(A, version_needed=64)])
    return archive, [("version-needed", "a.py", None, central(archive))]


def _case_54_tar_in_the_first_extra_field() -> Case:
    extra = extra_field(0x4242, b"\0" * 700)
    plain = build_zip([replace(A, local=LocalFields(extra=extra))])
    block = tar_block(plain[: 30 + len("a.py") + 4])
    extra = extra_field(0x4242, block[38:] + b"\0" * (700 - len(block[38:])))
    archive = build_zip([replace(A, local=LocalFields(extra=extra))])
    assert tarfile.is_tarfile(io.BytesIO(archive)), "the case is none unless tarfile takes it"
    return archive, [("tar", None, None, 0)]


def _case_54_tar_before_the_archive() -> Case:
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.addfile(tarfile.TarInfo("x"))
        prefix = buffer.getvalue()
    return build_zip([A], ZipLayout(prefix=prefix)), [("stray-bytes", None, None, 0), ("tar", None, None, 0)]


CASES: dict[str, Callable[[], Case]] = {
    name.removeprefix("_case_"): case for name, case in sorted(globals().items()) if name.startswith("_case_")
}


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
