"""Members: twins, hidden and missing ones, headers that disagree, descriptors, methods, contents that do not fit."""

from __future__ import annotations

from dataclasses import replace

from tests.archive.archives import A, B, central, local
from tests.archive.irregular import UTF8, Case, both, cases_of
from tests.builders.zipraw import (
    CentralFields,
    Descriptor,
    LocalFields,
    ZipEntry,
    build_zip,
    compress,
    local_record,
    zip64_extra,
)


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


def _case_53_version_needed() -> Case:
    archive = build_zip([both(A, version_needed=64)])
    return archive, [("version-needed", "a.py", None, central(archive))]


CASES = cases_of(globals())
