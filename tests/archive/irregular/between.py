"""Bytes that belong to no member: before, between and behind the records, in comments, and as a tar archive."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace

from tests.archive.archives import A, B, central, end, end64, local, locator
from tests.archive.irregular import Case, cases_of
from tests.builders.zipraw import LocalFields, ZipLayout, build_zip, extra_field, local_record


def tar_block(start: bytes) -> bytes:
    """A tar header that begins as the local header in `start` does."""
    information = tarfile.TarInfo("x")
    block = bytearray(information.tobuf(tarfile.USTAR_FORMAT)[:512])
    block[: len(start)] = start
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


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


CASES = cases_of(globals())
