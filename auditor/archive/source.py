"""Where the bytes of a wheel come from: random access to something of a known size."""

from __future__ import annotations

import hashlib
import io
import stat
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
        try:
            self.size = file.seek(0, io.SEEK_END)
        except OSError as error:
            raise self._unreadable(error) from error

    def read_at(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`. An error of the operating system becomes `UnreadableError`.

        Offsets come out of the file itself: one that lies outside of it gives no bytes.
        """
        if not 0 <= offset < self.size:
            return b""
        try:
            self._file.seek(offset)
            content = self._file.read(length)
            # An unbuffered read may stop short of what it was asked for; only an empty one is the end.
            while len(content) < min(length, self.size - offset) and (more := self._file.read(length - len(content))):
                content += more
        except OSError as error:
            raise self._unreadable(error) from error
        return content

    def _unreadable(self, error: OSError) -> UnreadableError:
        """The operating system's error as ours."""
        return UnreadableError(self._path, error.strerror or str(error))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_path(path: str) -> FileSource:
    """Open the wheel at `path`, unbuffered: every read here is either large or a header."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):  # a named pipe would keep us waiting
            raise UnreadableError(path, "it is no regular file")
        return FileSource(Path(path).open("rb", buffering=0), path)
    except FileNotFoundError as error:
        raise PathNotFoundError(path) from error
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error)) from error
    except ValueError as error:  # a path with a NUL
        raise UnreadableError(path, str(error)) from error


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
