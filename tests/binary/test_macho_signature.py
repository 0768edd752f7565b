"""Code signatures are held against the bytes that they cover, page by page: `auditor.binary.macho_signature`."""

from __future__ import annotations

import hashlib
import struct
import zipfile
from pathlib import Path
from typing import Any

import lief
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.binary import macho_signature
from auditor.binary.macho import read_macho
from auditor.binary.macho_signature import read_signature
from auditor.facts.binary import CodeSignature, MachODetail
from tests.builders.macho import MachoImport, MachoSignature, MachoSpec, build_macho, build_universal, replace

SPEC = MachoSpec(imports=(MachoImport(symbol="_PyLong_Type"),), signature=MachoSignature(), page=0x1000)
"""Three pages of 4 KiB: __TEXT, __DATA, and what of __LINKEDIT stands in front of the signature."""
GOOD_WHEELS = sorted((Path(__file__).parent.parent / "wheels" / "good").glob("*macosx*.whl"))


def signed(how: MachoSignature) -> bytes:
    """A file that is signed in that way."""
    return build_macho(replace(SPEC, signature=how))


def signature_of(content: bytes) -> CodeSignature:
    """The signature of the one slice of a file."""
    (slice_,) = read_macho("demo.so", memoryview(content)).slices
    assert isinstance(slice_.detail, MachODetail)
    assert slice_.detail.signature is not None
    return slice_.detail.signature


def place(content: bytes) -> tuple[int, int]:
    """Where the signature stands in a file, and its size, by an independent parser."""
    fat: Any = lief.MachO.parse(list(content))
    command = fat.at(0).code_signature
    return command.data_offset, command.data_size


def with_field(content: bytes, field: int, number: int, *, size: int = 4) -> bytes:
    """The file with another number at byte `field` of its code directory, the only blob."""
    at = place(content)[0] + 20 + field
    return content[:at] + number.to_bytes(size, "big") + content[at + size :]


# -- what a signature says ----------------------------------------------------------------------------------------


def test_a_linker_signature() -> None:
    """The signature that a linker writes has one SHA-256 for each page, and all of them are right."""
    content = build_macho(SPEC)
    assert signature_of(content) == CodeSignature(
        identifier="demo.so",
        ad_hoc=True,
        linker_signed=True,
        hash_type=2,
        page_size=4096,
        pages=3,
        code_limit=place(content)[0],
    )


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (MachoSignature(flags=2, requirements=True, cms=b""), (True, False, False)),
        (MachoSignature(flags=0, requirements=True, cms=b"certificate"), (False, False, True)),
        (MachoSignature(), (True, True, False)),
    ],
)
def test_who_signed(how: MachoSignature, expected: tuple[bool, bool, bool]) -> None:
    """Ad hoc and linker-signed are flags; a certificate's signature is a CMS blob with more than its header."""
    signature = signature_of(signed(how))
    assert (signature.ad_hoc, signature.linker_signed, signature.cms) == expected
    assert (signature.problems, signature.bad_page_count) == ((), 0)


@pytest.mark.parametrize("hash_type", [1, 2, 3, 4])
@pytest.mark.parametrize(("page_shift", "pages"), [(12, 3), (14, 1)])
def test_every_hash_and_page_size(hash_type: int, page_shift: int, pages: int) -> None:
    """SHA-1, both forms of SHA-256 and SHA-384 are verified, with pages of 4 KiB and of 16 KiB."""
    how = MachoSignature(hash_types=(hash_type,), page_shift=page_shift)
    right, wrong = signature_of(signed(how)), signature_of(signed(replace(how, stale=(pages - 1,))))
    assert (right.hash_type, right.page_size, right.pages) == (hash_type, 1 << page_shift, pages)
    assert (right.bad_pages, right.bad_page_count, right.problems) == ((), 0, ())
    assert (wrong.bad_pages, wrong.bad_page_count) == ((pages - 1,), 1)


@pytest.mark.parametrize(("hash_types", "strongest"), [((1, 2), 2), ((2, 1), 2), ((2, 3, 4, 1), 4), ((1, 3), 3)])
def test_the_strongest_directory_counts(hash_types: tuple[int, ...], strongest: int) -> None:
    """Of several code directories the kernel verifies that with the strongest hash, wherever it stands."""
    signature = signature_of(signed(MachoSignature(hash_types=hash_types, stale=(0,), stale_hash_types=(strongest,))))
    assert (signature.hash_type, signature.bad_pages) == (strongest, (0,))
    others = tuple(one for one in hash_types if one != strongest)
    assert (
        signature_of(signed(MachoSignature(hash_types=hash_types, stale=(0,), stale_hash_types=others))).bad_page_count
        == 0
    )


def test_the_longer_limit_is_read() -> None:
    """From version 0x20300 on codeLimit64 stands for codeLimit where it is set."""
    content = signed(MachoSignature(long_limit=True))
    signature = signature_of(content)
    assert (signature.code_limit, signature.pages, signature.problems) == (place(content)[0], 3, ())
    older = signature_of(with_field(content, 8, 0x20200))
    assert (older.code_limit, older.pages) == (0, 0)
    assert older.problems == (f"it covers 0 bytes of the {place(content)[0]} in front of it",)


def test_scattered_hashes_are_not_judged() -> None:
    """Where a vector says which pages the hashes are for, none is held against its bytes."""
    scattered = signature_of(with_field(signed(MachoSignature(stale=(0,))), 44, 88))
    assert (scattered.pages, scattered.bad_page_count, scattered.problems) == (0, 0, ())


def test_no_command_and_no_bytes_are_no_signature() -> None:
    """Without LC_CODE_SIGNATURE there is no signature, nor where the command places no bytes: dyld passes it over."""
    empty = struct.pack("<4L", 0x1D, 16, 0, 0)
    for spec, has_command in (
        (replace(SPEC, signature="absent"), False),
        (replace(SPEC, signature="absent", extra_commands=(empty,)), True),
    ):
        (slice_,) = read_macho("demo.so", memoryview(build_macho(spec))).slices
        assert isinstance(slice_.detail, MachODetail)
        assert (slice_.detail.signed, slice_.detail.signature) == (has_command, None)


def test_a_bare_code_directory_is_a_signature() -> None:
    """The kernel takes a code directory without a super blob around it."""
    content = build_macho(SPEC)
    start, size = place(content)
    bare = read_signature(memoryview(content[:start] + content[start + 20 :]), start, size - 20)
    assert bare == signature_of(content)


# -- bytes that are not as they were signed -----------------------------------------------------------------------


def test_every_changed_byte_is_found_in_its_page() -> None:
    """One flipped bit anywhere in front of the signature makes its page, and no other, a bad one."""
    content = build_macho(SPEC)
    limit = place(content)[0]
    for at in (*range(0, 200, 50), *range(1000, limit, 997), limit - 1):
        changed = bytearray(content)
        changed[at] ^= 1
        signature = read_signature(memoryview(changed), *place(content))
        assert (signature.bad_pages, signature.bad_page_count, signature.problems) == ((at // 4096,), 1, ())


def test_each_slice_of_a_universal_file_is_verified_by_itself() -> None:
    """The pages count from the start of the slice, and a change in one slice leaves the other."""
    thin = tuple(build_macho(replace(SPEC, cpu=cpu)) for cpu in ("x86_64", "arm64"))
    content = bytearray(build_universal(thin))
    content[len(content) - len(thin[1]) + 4096] ^= 1
    found = [one.detail for one in read_macho("demo.so", memoryview(content)).slices]
    assert [one.signature.bad_pages for one in found if isinstance(one, MachODetail) and one.signature] == [(), (1,)]


def test_bad_pages_are_counted_and_not_all_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every bad page counts; the list of them ends at its ceiling."""
    monkeypatch.setattr(macho_signature, "MAX_SHOWN_PAGES", 2)
    signature = signature_of(signed(MachoSignature(stale=(0, 1, 2))))
    assert (signature.bad_pages, signature.bad_page_count) == ((0, 1), 3)


def test_pages_without_a_hash_are_bad() -> None:
    """A limit that covers more pages than have hashes, or than the slice has, vouches for none of the rest."""
    content = build_macho(SPEC)
    fewer = signature_of(with_field(content, 28, 1))
    assert (fewer.pages, fewer.bad_pages, fewer.bad_page_count) == (3, (1, 2), 2)
    farther = signature_of(with_field(content, 32, 0xFFFFFFFF))
    assert (farther.pages, farther.bad_page_count, len(farther.bad_pages)) == (1 << 20, (1 << 20) - 2, 100)
    assert farther.bad_pages[:2] == (2, 3)


# -- what the kernel refuses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "number", "size", "problem"),
    [
        (0, 0xFADE0C01, 4, "a code directory starts with 0xfade0c01"),
        (4, 4096, 4, "the blob of slot 0x0 at byte 20 claims 4096 bytes and has"),
        (4, 39, 4, "a code directory starts with 0xfade0c02 and has 39 bytes"),
        (16, 4096, 4, "has no room for its 3 hashes"),
        (24, 9, 4, "has no room for its 12 hashes"),
        (28, 4, 4, "has no room for its 4 hashes"),
        (20, 4096, 4, "the identifier at byte 4096 of a code directory has no end"),
        (36, 20, 1, "a code directory has hashes of type 2 with 20 bytes each"),
        (37, 9, 1, "a code directory has hashes of type 9 with 32 bytes each"),
        (39, 3, 1, "a code directory has pages of 2^3 bytes; the kernel takes 2^12 and 2^14"),
        (39, 255, 1, "a code directory has pages of 2^255 bytes"),
        (32, 4096, 4, "it covers 4096 bytes of the"),
    ],
)
def test_a_code_directory_that_the_kernel_refuses(field: int, number: int, size: int, problem: str) -> None:
    """Each check of `cs_validate_codedirectory`, and dyld's of what is covered, has its own reason."""
    problems = signature_of(with_field(build_macho(SPEC), field, number, size=size)).problems
    assert any(problem in one for one in problems), problems


@pytest.mark.parametrize(
    ("signature", "problem"),
    [
        (b"", "it has 0 bytes, fewer than its header"),
        (bytes(20), "it starts with 0x00000000, which no code signature does"),
        (struct.pack(">3L", 0xFADE0CC0, 12, 0), "it has no code directory that can be read"),
        (struct.pack(">3L", 0xFADE0CC0, 99, 0), "it claims 99 bytes and has 12"),
        (struct.pack(">3L", 0xFADE0CC0, 12, 5), "it claims 5 blobs; 0 are read"),
        (struct.pack(">5L", 0xFADE0CC0, 20, 1, 2, 99), "the blob of slot 0x2 at byte 99 claims 0 bytes and has 0"),
        (struct.pack(">5L", 0xFADE0CC0, 20, 1, 0, 20), "a code directory starts with 0x00000000 and has 0 bytes"),
    ],
)
def test_a_signature_that_the_kernel_refuses(signature: bytes, problem: str) -> None:
    """Each check of `cs_validate_csblob` has its own reason."""
    assert problem in read_signature(memoryview(signature), 0, len(signature)).problems


def test_two_directories_of_one_hash_are_refused() -> None:
    """The kernel rejects a repeated hash type."""
    assert signature_of(signed(MachoSignature(hash_types=(2, 2)))).problems == (
        "two code directories have hashes of type 2",
    )


def test_one_hash_for_everything_is_verified_and_refused() -> None:
    """A page size of 0 covers all bytes by one hash, which the kernel does not take for code that it maps."""
    right = signature_of(signed(MachoSignature(page_shift=0)))
    assert (right.pages, right.bad_page_count) == (1, 0)
    assert right.problems == ("a code directory has pages of 2^0 bytes; the kernel takes 2^12 and 2^14",)
    assert signature_of(signed(MachoSignature(page_shift=0, stale=(0,)))).bad_pages == (0,)


def test_the_number_of_blobs_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more blobs are read than the ceiling."""
    monkeypatch.setattr(macho_signature, "MAX_BLOBS", 1)
    problems = signature_of(signed(MachoSignature(hash_types=(2, 1)))).problems
    assert problems == ("it claims 2 blobs; 1 are read",)


def test_every_truncation_of_a_signature_has_a_reason() -> None:
    """Cut anywhere, a signature is not taken for a whole one."""
    content = signed(MachoSignature(hash_types=(1, 2), requirements=True, cms=b"certificate"))
    start, size = place(content)
    for end in range(size):
        assert read_signature(memoryview(content)[: start + end], start, size).problems


@settings(max_examples=200, deadline=None)
@given(
    how=st.builds(
        MachoSignature,
        hash_types=st.sampled_from([(2,), (1, 2), (4,)]),
        requirements=st.booleans(),
        cms=st.sampled_from([None, b"", b"certificate"]),
    ),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_changed_bytes_never_raise(how: MachoSignature, changes: list[tuple[int, int]]) -> None:
    """Any change of bytes in a signature gives facts, perhaps with problems."""
    content = bytearray(signed(how))
    start, size = place(bytes(content))
    for at, value in changes:
        content[start + at % size] = value
    signature = read_signature(memoryview(content), start, size)
    assert signature.bad_page_count >= len(signature.bad_pages) <= 100


@settings(max_examples=100, deadline=None)
@given(garbage=st.binary(max_size=200))
def test_garbage_never_raises(garbage: bytes) -> None:
    """Any bytes behind the magic give facts with problems."""
    for magic in (b"\xfa\xde\x0c\xc0", b"\xfa\xde\x0c\x02"):
        content = magic + garbage
        assert isinstance(read_signature(memoryview(content), 0, len(content)), CodeSignature)


def test_tiny_pages_cost_no_more() -> None:
    """A page size of a few bytes, which would mean a hash for each, is read as the smallest that the kernel takes."""
    signature = signature_of(with_field(build_macho(SPEC), 39, 1, size=1))
    assert (signature.page_size, signature.pages) == (4096, 3)


# -- real files ---------------------------------------------------------------------------------------------------


def verified(content: bytes) -> bool:
    """Whether every page is as signed, read by the places of an independent parser: one directory of SHA-256."""
    start, _ = place(content)
    directory = content[start + struct.unpack_from(">L", content, start + 16)[0] :]
    hashes_at, _, _, pages, limit = struct.unpack_from(">5L", directory, 16)
    return limit == start and all(
        hashlib.sha256(content[page * 4096 : min(limit, (page + 1) * 4096)]).digest()
        == directory[hashes_at + 32 * page :][:32]
        for page in range(pages)
    )


@pytest.mark.parametrize("wheel", GOOD_WHEELS, ids=lambda path: path.name)
def test_the_signatures_of_real_wheels(wheel: Path) -> None:
    """What zig's linker signed is right page for page, by our reading and by another; x86_64 is not signed."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(next(name for name in archive.namelist() if name.endswith(".so")))
    binary = read_macho("real.so", memoryview(content))
    assert binary.problems == ()
    for slice_ in binary.slices:
        assert isinstance(slice_.detail, MachODetail)
        signature = slice_.detail.signature
        if slice_.arch == "x86_64":
            assert signature is None
            continue
        assert signature is not None
        assert (signature.linker_signed, signature.hash_type, signature.problems) == (True, 2, ())
        assert (signature.bad_page_count, signature.pages) == (0, -(-signature.code_limit // 4096))
        assert verified(content[slice_.detail.offset :][: slice_.detail.size])


def test_there_are_real_wheels() -> None:
    """The wheels of the tests above exist."""
    assert len(GOOD_WHEELS) >= 3
