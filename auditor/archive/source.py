"""Where the bytes of a wheel come from: random access to something of a known size."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from auditor.errors import PathNotFoundError, UnreadableError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    WheelSource = str | os.PathLike[str] | bytes | BinaryIO

READ_SIZE = 1 << 18
"""Bytes of one sequential read: large enough to make system calls cheap, small enough for memory."""


class Source(Protocol):
    """Random access to the bytes of one wheel."""

    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`: `length` of them, or fewer at the end."""


class FileSource:
    """A seekable binary file."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file = file
        self._path = path
        self.size = file.seek(0, io.SEEK_END)

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`. An error of the operating system becomes `UnreadableError`."""
        try:
            self._file.seek(offset)
            return self._file.read(length)
        except OSError as error:
            raise UnreadableError(self._path, error.strerror or str(error)) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_path(path: str) -> FileSource:
    """Open the wheel at `path`, unbuffered: every read here is either large or a header."""
    try:
        file = Path(path).open("rb", buffering=0)  # noqa: SIM115 -- FileSource closes it
    except FileNotFoundError as error:
        raise PathNotFoundError(path) from error
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error)) from error
    try:
        return FileSource(file, path)
    except OSError as error:
        file.close()
        raise UnreadableError(path, error.strerror or str(error)) from error


def chunks(source: Source, start: int, length: int) -> Iterator[bytes]:
    """The bytes from `start`, in pieces of at most `READ_SIZE`; ends early where the source does."""
    end = min(start + length, source.size)
    while start < end:
        piece = source.read_at(start, min(READ_SIZE, end - start))
        if not piece:
            return
        start += len(piece)
        yield piece


def sha256(source: Source) -> str:
    """The hexadecimal SHA-256 of the whole source."""
    digest = hashlib.sha256()
    for piece in chunks(source, 0, source.size):
        digest.update(piece)
    return digest.hexdigest()
