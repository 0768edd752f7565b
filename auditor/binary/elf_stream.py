"""A view of an ELF file for pyelftools: without a copy, and without its section headers."""

from __future__ import annotations


class Stream:
    """The file as the seekable stream that pyelftools wants, copying only what is read.

    The file header is a changed copy without section headers: e_shoff, e_shentsize, e_shnum and e_shstrndx are 0.
    pyelftools 0.31 reads the section of the section names before anything else, and fails when it is damaged.
    Without a section table it takes the file header itself for that section, whose flags are then the padding of
    e_ident: that is 0 too.
    """

    def __init__(self, content: memoryview, bits: int) -> None:
        header = bytearray(content[: 64 if bits == 64 else 52])
        offset, width = (40, 8) if bits == 64 else (32, 4)
        header[8:16] = bytes(8)
        header[offset : offset + width] = bytes(width)
        header[-6:] = bytes(6)
        self._header = bytes(header)
        self._content = content
        self._position = 0
        self.end = len(content)
        """Where reading stops: lowered to keep a table from being read past its end."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to an offset: from the start, from here (1) or from the end (2)."""
        self._position = offset + (0, self._position, len(self._content))[whence]
        return self._position

    def tell(self) -> int:
        """The offset that the next read begins at."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes from here, or all up to `end`."""
        start = self._position
        stop = self.end if size < 0 else min(start + size, self.end)
        if stop <= start:
            return b""
        self._position = stop
        behind = bytes(self._content[max(start, len(self._header)) : stop])
        return self._header[start:stop] + behind
