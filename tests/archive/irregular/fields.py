"""What stands in the headers of a member beside numbers: ZIP64 blocks, other extra fields, names."""

from __future__ import annotations

import struct
from dataclasses import replace

from tests.archive.archives import A, central
from tests.archive.irregular import SENTINEL, UTF8, Case, both, cases_of
from tests.builders.zipraw import (
    CentralFields,
    LocalFields,
    build_zip,
    compress,
    extra_field,
    unicode_path_extra,
    zip64_extra,
)


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


CASES = cases_of(globals())
