"""Bytes come from a file in whole pieces, and its errors are ours: `auditor.archive.source`."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING

import pytest

from auditor.archive.source import READ_SIZE, FileSource, chunks, open_path, sha256
from auditor.errors import PathNotFoundError, UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = bytes(range(256)) * 3000


class ShortReads(io.BytesIO):
    """A file that gives fewer bytes than it is asked for, as unbuffered files may."""

    def read(self, size: int | None = -1, /) -> bytes:
        """At most 1000 bytes."""
        return super().read(1000 if size is None or size < 0 else min(size, 1000))


class Broken(io.BytesIO):
    """A file on a disk that fails."""

    def read(self, _size: int | None = -1, /) -> bytes:
        """Fail."""
        raise OSError(5, "Input/output error")


class Unseekable(io.BytesIO):
    """A pipe."""

    def seek(self, _offset: int, _whence: int = 0, /) -> int:
        """Fail."""
        raise io.UnsupportedOperation("underlying stream is not seekable")


@pytest.mark.parametrize("file", [io.BytesIO(CONTENT), ShortReads(CONTENT)], ids=["whole", "short reads"])
def test_bytes_are_read_where_they_are(file: io.BytesIO) -> None:
    """A read gives what was asked for, also from a file that stops short."""
    source = FileSource(file, "x")
    assert source.size == len(CONTENT)
    assert source.read_at(0, 4) == CONTENT[:4]
    assert source.read_at(500, 5000) == CONTENT[500:5500]
    assert source.read_at(len(CONTENT) - 3, 50) == CONTENT[-3:]


@pytest.mark.parametrize("offset", [-1, len(CONTENT), 1 << 62, 1 << 63, 1 << 64])
def test_an_offset_outside_gives_nothing(offset: int) -> None:
    """Offsets come from the file: those that lie outside of it, even beyond what a seek takes, give no bytes."""
    assert FileSource(io.BytesIO(CONTENT), "x").read_at(offset, 10) == b""


def test_chunks_are_all_bytes_in_order() -> None:
    """The pieces of a range are bounded, and together they are the range."""
    source = FileSource(io.BytesIO(CONTENT), "x")
    pieces = list(chunks(source, 7, len(CONTENT)))
    assert b"".join(pieces) == CONTENT[7:]
    assert max(map(len, pieces)) == READ_SIZE
    assert list(chunks(source, 7, 0)) == []
    assert list(chunks(source, len(CONTENT), 9)) == []


def test_chunks_end_with_a_file_that_shrinks() -> None:
    """A file that is cut while it is read ends the pieces early."""
    file = io.BytesIO(CONTENT)
    source = FileSource(file, "x")
    file.truncate(10)
    assert list(chunks(source, 0, len(CONTENT))) == [CONTENT[:10]]


def test_the_digest_is_of_the_whole_file() -> None:
    """The digest takes every byte once."""
    assert sha256(FileSource(io.BytesIO(CONTENT), "x")) == hashlib.sha256(CONTENT).hexdigest()


def test_an_error_of_the_system_is_ours() -> None:
    """An I/O error while reading, and a file that cannot seek, name the file and the reason."""
    with pytest.raises(UnreadableError, match=r"`disk\.whl` cannot be read: Input/output error"):
        FileSource(Broken(CONTENT), "disk.whl").read_at(0, 1)
    with pytest.raises(UnreadableError, match="not seekable"):
        FileSource(Unseekable(CONTENT), "pipe.whl")


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    """A missing file is a wrong path."""
    missing = str(tmp_path / "missing.whl")
    with pytest.raises(PathNotFoundError) as caught:
        open_path(missing)
    assert caught.value.path == missing
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    """A directory is there and cannot be read."""
    with pytest.raises(UnreadableError) as caught:
        open_path(str(tmp_path))
    assert caught.value.path == str(tmp_path)
    assert caught.value.reason


@pytest.mark.parametrize("path", ["a\0b.whl", "x" * 70_000], ids=["with a NUL", "too long"])
def test_a_path_that_no_system_takes_is_unreadable(path: str) -> None:
    """A path with a NUL or too many characters is an error of ours."""
    with pytest.raises(UnreadableError) as caught:
        open_path(path)
    assert caught.value.reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    """A named pipe without a writer does not keep us waiting."""
    pipe = tmp_path / "demo-1.0-py3-none-any.whl"
    os.mkfifo(pipe)
    with pytest.raises(UnreadableError):
        open_path(str(pipe))


def test_a_closed_source_has_closed_its_file(tmp_path: Path) -> None:
    """Closing the source closes the file that it opened."""
    path = tmp_path / "x"
    path.write_bytes(b"x")
    source = open_path(str(path))
    source.close()
    with pytest.raises(ValueError, match="closed"):
        source.read_at(0, 1)
