"""One bounded pass gives size, CRC, digests and content, whichever library inflates: `auditor.archive.inflate`."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import sys
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.archive import inflate
from auditor.archive.inflate import DEFLATED, STORED, Content, read_content
from auditor.archive.source import READ_SIZE, FileSource
from tests.builders.zipraw import compress

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

TEXT = b"some text that is worth to be deflated, " * 400
NOISE = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(3 * READ_SIZE // 32 + 3))
ZEROS = bytes(5 << 20)
MEBIBYTE = 1 << 20


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def _back_end(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test here holds for both libraries."""
    if request.param == "zlib":
        use(zlib, monkeypatch)
    else:
        use(pytest.importorskip("isal.isal_zlib"), monkeypatch)


def use(library: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inflate with this library."""
    monkeypatch.setattr(inflate, "_fast", library)


def read(
    payload: bytes,
    *,
    size: int,
    method: int = DEFLATED,
    budget: int = 1 << 30,
    keep: bool = True,
    length: int | None = None,
    algorithms: tuple[str, ...] = ("sha256",),
) -> Content:
    """Read a member that lies behind some other bytes."""
    source = FileSource(io.BytesIO(b"before" + payload), "x")
    return read_content(
        source,
        6,
        len(payload) if length is None else length,
        size,
        method,
        budget=budget,
        algorithms=algorithms,
        keep=lambda _start: keep,
    )


def kept(content: Content) -> bytes | None:
    """The kept bytes."""
    return None if content.kept is None else bytes(content.kept)


@pytest.mark.parametrize("method", [STORED, DEFLATED], ids=["stored", "deflated"])
@pytest.mark.parametrize(
    "truth", [b"", b"x", TEXT, NOISE, ZEROS], ids=["empty", "one byte", "text", "noise in pieces", "zeros in pieces"]
)
def test_a_sound_member_comes_out(truth: bytes, method: int) -> None:
    """Size, CRC, digest, first bytes and the content itself are those that were packed."""
    content = read(compress(truth, method), size=len(truth), method=method)
    assert (content.size, content.crc) == (len(truth), zlib.crc32(truth))
    assert content.digests == {"sha256": hashlib.sha256(truth).hexdigest()}
    assert content.start == truth[:64]
    assert kept(content) == truth
    assert (content.problem, content.trailing, content.exhausted) == (None, 0, False)
    assert content.cost == len(truth)


@pytest.mark.parametrize("truth", [b"", TEXT, ZEROS], ids=["empty", "text", "zeros"])
def test_what_is_not_wanted_is_not_kept(truth: bytes) -> None:
    """A member that is not kept has everything but its content."""
    content = read(compress(truth, DEFLATED), size=len(truth), keep=False)
    assert kept(content) is None
    assert (content.size, content.crc) == (len(truth), zlib.crc32(truth))


def _remember(asked: list[bytes]) -> Callable[[bytes], bool]:
    """Want every content, and remember what was asked about it."""

    def keep(start: bytes) -> bool:
        asked.append(start)
        return True

    return keep


def test_keep_is_asked_once_with_the_first_bytes() -> None:
    """Whether the content is wanted is asked once, also for a member of many pieces or of none."""
    for truth in (NOISE, b""):
        asked: list[bytes] = []
        source = FileSource(io.BytesIO(truth), "x")
        read_content(source, 0, len(truth), len(truth), STORED, budget=1 << 30, keep=_remember(asked))
        assert asked == [truth[:64]]


def test_every_digest_that_is_asked_for_is_there() -> None:
    """All digests are of the same pass."""
    names = ("sha256", "md5", "blake2b", "sha512")
    content = read(compress(TEXT, DEFLATED), size=len(TEXT), algorithms=names)
    assert content.digests == {name: hashlib.new(name, TEXT).hexdigest() for name in names}


@pytest.mark.parametrize("declared", [0, 1, len(TEXT) - 1])
@pytest.mark.parametrize("method", [STORED, DEFLATED], ids=["stored", "deflated"])
def test_more_than_was_declared_is_counted_and_not_kept(declared: int, method: int) -> None:
    """Installers stop at the declared size: the content ends there, and size and CRC tell of the rest."""
    content = read(compress(TEXT, method), size=declared, method=method)
    assert (content.size, content.crc) == (len(TEXT), zlib.crc32(TEXT))
    assert kept(content) == TEXT[:declared]


def test_more_than_was_declared_in_pieces_is_not_kept() -> None:
    """The same holds for a member of many pieces, wherever its declared size falls."""
    for declared in (1, READ_SIZE, READ_SIZE + 1, len(NOISE) - 1):
        content = read(NOISE, size=declared, method=STORED)
        assert content.size == len(NOISE)
        assert kept(content) == NOISE[:declared]


@pytest.mark.parametrize("declared", [len(TEXT) + 1, 10 * len(TEXT), 1 << 62])
@pytest.mark.parametrize("method", [STORED, DEFLATED], ids=["stored", "deflated"])
def test_less_than_was_declared_is_what_is_there(declared: int, method: int) -> None:
    """A declared size that is too large adds no bytes, and reserves no more than the data can give."""
    payload = compress(TEXT, method)
    content = read(payload, size=declared, method=method)
    assert (content.size, kept(content)) == (len(TEXT), TEXT)
    assert content.cost <= 1032 * len(payload)


def test_bytes_behind_the_stream_are_counted() -> None:
    """What follows the end of the stream inside the member is told, however many pieces it has."""
    for junk in (b"j", b"junk" * 100, NOISE):
        content = read(compress(TEXT, DEFLATED) + junk, size=len(TEXT))
        assert (content.trailing, content.problem) == (len(junk), None)
        assert kept(content) == TEXT


def test_only_bytes_that_are_there_are_counted() -> None:
    """A compressed size that reaches beyond the file makes no bytes out of nothing."""
    payload = compress(TEXT, DEFLATED) + b"junk"
    assert read(payload, size=len(TEXT), length=1 << 63).trailing == 4
    assert read(b"abc", size=9, method=STORED, length=1 << 63).size == 3


@pytest.mark.parametrize("truth", [b"x", TEXT, NOISE], ids=["one byte", "text", "noise"])
def test_a_stream_that_breaks_off_is_a_problem(truth: bytes) -> None:
    """A stream without its end has a problem, wherever it is cut."""
    payload = compress(truth, DEFLATED)
    for cut in {0, 1, len(payload) // 3, len(payload) // 2, len(payload) - 1}:
        content = read(payload[:cut], size=len(truth))
        assert content.problem == "the compressed data breaks off before its end"
        assert content.size <= len(truth)


@pytest.mark.parametrize("payload", [b"\xff" * 60, b"\x07", TEXT, b"\x01\x05\x00\x00\x00hello"])
def test_a_stream_that_is_none_is_a_problem(payload: bytes) -> None:
    """What is no deflate stream has a problem that says so."""
    content = read(payload, size=100)
    assert content.problem is not None
    assert content.problem.startswith("the compressed data is no deflate stream")


def test_a_stream_that_goes_wrong_late_keeps_its_problem() -> None:
    """Damage in the last block is found behind megabytes of sound content."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = deflate.compress(ZEROS) + deflate.flush(zlib.Z_FULL_FLUSH) + b"\xff\xff"
    content = read(payload, size=len(ZEROS))
    assert content.problem is not None


@pytest.mark.parametrize("budget", [0, 1, MEBIBYTE, len(ZEROS) - 1])
@pytest.mark.parametrize("method", [STORED, DEFLATED], ids=["stored", "deflated"])
def test_the_budget_is_never_exceeded(budget: int, method: int) -> None:
    """No more content comes out than the budget allows, and what was tried is charged."""
    content = read(compress(ZEROS, method), size=len(ZEROS), method=method, budget=budget)
    assert content.exhausted
    assert content.size <= budget < content.cost <= budget + MEBIBYTE


def test_a_budget_that_is_just_enough_is_enough() -> None:
    """A member that takes exactly what is left is read."""
    content = read(compress(TEXT, DEFLATED), size=len(TEXT), budget=len(TEXT))
    assert (content.exhausted, kept(content)) == (False, TEXT)


@pytest.mark.parametrize(
    ("keep", "bound"), [(True, 64 * MEBIBYTE + 16 * MEBIBYTE), (False, 8 * MEBIBYTE)], ids=["kept", "not kept"]
)
@pytest.mark.parametrize("method", [STORED, DEFLATED], ids=["stored", "deflated"])
def test_memory_is_bounded(*, keep: bool, bound: int, method: int) -> None:
    """A member of 64 MiB is held once if it is wanted, and never if it is not."""
    payload = compress(bytes(64 * MEBIBYTE), method)
    file = io.BytesIO(payload)
    tracemalloc.start()
    source = FileSource(file, "x")
    content = read_content(source, 0, len(payload), 64 * MEBIBYTE, method, budget=1 << 30, keep=lambda _: keep)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert content.size == 64 * MEBIBYTE
    assert peak < bound


def outcome(payload: bytes, size: int, budget: int) -> tuple[object, ...]:
    """What a pass found, without the words of the library's own errors."""
    content = read(payload, size=size, budget=budget)
    problem = None if content.problem is None else content.problem.partition("(")[0]
    return content.size, content.crc, content.digests, kept(content), problem, content.trailing, content.exhausted


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    """A deflate stream with some bytes changed, cut off or added."""
    content = draw(st.binary(max_size=200)) * draw(st.integers(1, 40))
    payload = bytearray(compress(content, DEFLATED))
    for _ in range(draw(st.integers(0, 2))):
        payload[draw(st.integers(0, len(payload) - 1))] = draw(st.integers(0, 255))
    return bytes(payload[: draw(st.integers(0, len(payload)))]) + draw(st.binary(max_size=5))


def test_both_libraries_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over sound, damaged and cut streams isal and zlib agree on whether there is a problem, and on sound content."""
    isal = pytest.importorskip("isal.isal_zlib")

    @settings(max_examples=150, deadline=None)
    @given(_damaged(), st.integers(0, 9000), st.sampled_from([0, 100, 1 << 30]))
    def agree(payload: bytes, size: int, budget: int) -> None:
        use(isal, monkeypatch)
        fast = outcome(payload, size, budget)
        use(zlib, monkeypatch)
        plain = outcome(payload, size, budget)
        if fast[4] is None and plain[4] is None:
            assert fast == plain
        else:  # how much comes out before the fault is each library's own affair
            assert fast[4] is not None or fast[6]
            assert plain[4] is not None or plain[6]

    agree()


@given(st.binary(max_size=3000), st.integers(0, 4000), st.integers(0, 4000))
def test_any_bytes_are_read(payload: bytes, size: int, budget: int) -> None:
    """Any bytes give a content or a problem, within the budget."""
    for method in (STORED, DEFLATED):
        content = read(payload, size=size, budget=budget, method=method)
        assert content.size <= budget
        assert content.kept is None or len(content.kept) <= size


class _Stubborn:
    """A library whose streams give these pieces, whatever they are fed, and consume nothing."""

    error = zlib.error
    crc32 = staticmethod(zlib.crc32)

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = list(pieces)
        self.eof = False
        self.unused_data = b""
        self.unconsumed_tail = b""

    def decompressobj(self, _wbits: int) -> _Stubborn:
        """The one stream there is."""
        return self

    def decompress(self, piece: bytes, _most: int) -> bytes:
        """The next piece; without one, the input stays where it is."""
        if self._pieces:
            return self._pieces.pop(0)
        self.unconsumed_tail = piece
        return b""


def test_a_library_that_stands_still_is_no_endless_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Input that is neither consumed nor turned into content ends the pass."""
    monkeypatch.setattr(inflate, "_fast", _Stubborn())
    assert read(b"x", size=1).problem == "the compressed data makes no progress"


def test_what_the_library_holds_back_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Content that comes out after the last input is content, and under the same budget."""
    monkeypatch.setattr(inflate, "_fast", _Stubborn(b"a", b"b"))
    content = read(b"x", size=2)
    assert (kept(content), content.problem) == (b"ab", "the compressed data breaks off before its end")
    monkeypatch.setattr(inflate, "_fast", _Stubborn(b"a", b"b"))
    assert read(b"x", size=2, budget=1).exhausted


def test_without_isal_zlib_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where isal has no wheel the module works all the same."""
    monkeypatch.setitem(sys.modules, "isal", None)
    specification = importlib.util.spec_from_file_location("inflate_without_isal", inflate.__file__)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    assert module._fast is zlib
