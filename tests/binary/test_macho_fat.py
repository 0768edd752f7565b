"""Universal Mach-O files give a slice an architecture, or a reason (`auditor.binary.macho_fat`)."""

from __future__ import annotations

import struct

import pytest

from tests.binary.macho_files import IMPORTS, SPEC, macho_detail, read
from tests.builders.macho import build_macho, build_universal, replace


@pytest.mark.parametrize("fat64", [False, True])
def test_a_universal_file_has_a_slice_an_architecture(fat64: bool) -> None:
    """Each slice has its own facts and its place in the file."""
    thin = tuple(build_macho(replace(SPEC, cpu=cpu)) for cpu in ("x86_64", "arm64"))
    content = build_universal(thin, fat64=fat64)
    binary = read(content)
    assert binary.problems == ()
    assert [one.arch for one in binary.slices] == ["x86_64", "arm64"]
    for slice_, alone in zip(binary.slices, thin, strict=True):
        detail = macho_detail(slice_)
        assert detail.fat
        assert content[detail.offset : detail.offset + detail.size] == alone
        assert set(slice_.imports) == IMPORTS


def fat_file(*slices: tuple[int, bytes], count: int | None = None) -> bytes:
    """A universal file by hand: CPU type and content of each slice."""
    rows, body, start = b"", b"", 8 + 20 * len(slices)
    for cpu_type, content in slices:
        rows += struct.pack(">IIIII", cpu_type, 0, start + len(body), len(content), 0)
        body += content
    return struct.pack(">II", 0xCAFEBABE, len(slices) if count is None else count) + rows + body


def test_static_archives_are_no_slices_and_no_problem() -> None:
    """A universal static library has neither slices nor problems; beside a slice an archive is passed over."""
    archive = b"!<arch>\n" + bytes(60)
    both = read(fat_file((0x01000007, archive), (0x0100000C, archive)))
    assert (both.slices, both.problems) == ((), ())
    mixed = read(fat_file((0x01000007, archive), (0x0100000C, build_macho(SPEC))))
    assert ([one.arch for one in mixed.slices], mixed.problems) == (["arm64"], ())


def test_a_broken_slice_leaves_the_other() -> None:
    """What is wrong in one slice is said with its architecture, and the other is whole."""
    binary = read(fat_file((0x01000007, b"garbage in a slice"), (99, b""), (0x0100000C, build_macho(SPEC))))
    assert [one.arch for one in binary.slices] == ["arm64"]
    assert set(binary.slices[0].imports) == IMPORTS
    assert binary.problems == (
        "in the slice for x86_64: it starts with 67 61 72 62, which no Mach-O file does",
        "the slice for CPU type 0x63 has no bytes in the file",
    )


def test_a_slice_behind_the_end_is_a_problem_with_numbers() -> None:
    """A truncated universal file says how far its slice reaches and where the file ends."""
    content = build_universal((build_macho(replace(SPEC, cpu="x86_64")), build_macho(SPEC)))
    binary = read(content[:-100])
    assert (
        f"the slice for arm64 reaches to byte {len(content)}, behind the end of the file ({len(content) - 100} bytes)"
        in binary.problems
    )
    assert len(binary.slices) == 2


def test_slices_that_overlap_are_read_once() -> None:
    """Many slices over the same bytes cost no more than one."""
    row = struct.pack(">IIIII", 0x0100000C, 0, 48, len(build_macho(SPEC)), 0)
    binary = read(struct.pack(">II", 0xCAFEBABE, 2) + row + row + build_macho(SPEC))
    assert len(binary.slices) == 1
    assert binary.problems == ("the slice for arm64 at byte 48 overlaps another one",)


def test_the_number_of_slices_is_bounded() -> None:
    """A header with more slices than it has room for, or than any file has, is cut and said to be."""
    assert "lists 40 slices and has room for 4" in read(fat_file((7, b"x" * 60), count=40)).problems[0]
    many = read(fat_file(*[(7, b"!<arch>\n")] * 20))
    assert many.problems == ("the universal header lists 20 slices; 16 are read",)
    assert read(fat_file()).problems == ("the universal header lists no slices",)
    assert read(b"\xca\xfe\xba\xbe\0\0\0\1").problems == ("the universal header lists 1 slices and has room for 0",)
