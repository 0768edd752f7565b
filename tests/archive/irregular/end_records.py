"""The end records, plain and ZIP64: counts, sizes, offsets and disks that are wrong, and several ends."""

from __future__ import annotations

from dataclasses import replace

from tests.archive.archives import A, B, central, end, end64, local, locator
from tests.archive.irregular import Case, cases_of
from tests.builders.zipraw import CentralFields, EndFields, Zip64EndFields, Zip64LocatorFields, ZipLayout, build_zip


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


CASES = cases_of(globals())
