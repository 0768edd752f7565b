"""Facts about the archive: its members, and everything in the framing that is not as it should be.

Source of the structures: PKWARE APPNOTE.TXT 6.3.10 (sections 4.3 to 4.5).
"""

from __future__ import annotations

from enum import Enum

from auditor.facts.record import Fact


class ContentKind(str, Enum):
    """What the first bytes of a member say that it is. The suffix has no say."""

    EMPTY = "empty"
    ELF = "elf"
    MACHO = "macho"
    PE = "pe"
    AR = "ar"
    WASM = "wasm"
    OTHER = "other"
    UNREAD = "unread"
    """The content could not be read (encrypted, unknown method, a broken stream, past a ceiling)."""


NATIVE_KINDS = frozenset({ContentKind.ELF, ContentKind.MACHO, ContentKind.PE})


class Digest(Fact, frozen=True, kw_only=True, gc=False):
    """A digest of a member's content."""

    algorithm: str
    """The name that hashlib knows it by, such as `sha256`."""
    hexdigest: str


class Member(Fact, frozen=True, kw_only=True):
    """One entry of the central directory."""

    name: str
    """The name as installers decode it: UTF-8 with flag bit 11 (APPNOTE 4.4.4), code page 437 without."""
    index: int
    """Its position in the central directory, from 0."""
    header_offset: int
    """Where the central directory says that the local header lies, in bytes from the start of the file."""
    compressed_size: int
    size: int
    """Bytes of content as the central directory declares them."""
    crc: int
    method: int
    """Compression method (APPNOTE 4.4.5): 0 stored, 8 deflated."""
    flags: int
    mode: int
    """Unix mode and file type bits, 0 where the archive has none."""
    date_time: tuple[int, int, int, int, int, int]
    """DOS date and time as written, which may be no date of any calendar."""
    content: ContentKind
    inflated_size: int | None = None
    """Bytes of content that came out; None if the content was not read."""
    content_crc: int | None = None
    """CRC-32 of what came out; None if the content was not read."""
    digests: tuple[Digest, ...] = ()
    """SHA-256 of the content, and what else RECORD names for it; empty if it was not read."""
    obfuscator: str | None = None
    """For Python source: whose marks it carries, of those that PyPI scans for."""
    first_line: str | None = None
    """For text below a scripts directory, and for `.pdb` files: its first line, as far as it is short."""
    metadata_version: bool = False
    """For a file that twine looks at before METADATA: whether the words `Metadata-Version` are in it."""
    startup_lines: tuple[str, ...] = ()
    """For `.pth` files: the lines that run code at start-up, at most five. For `.start` files: their entries."""
    loads_libraries: bool = False
    """For Python source: whether it names one of the functions that load a native library at run time."""
    loaded_names: tuple[str, ...] = ()
    """For such a source: which native files of the wheel, by the stems of their names, and which of their directories
    it mentions, sorted; `*` where it goes through directories."""

    @property
    def is_directory(self) -> bool:
        """Whether the name ends in a slash, which is all that makes a directory of an entry."""
        return self.name.endswith("/")

    def digest(self, algorithm: str) -> str | None:
        """The hexadecimal digest by `algorithm`, or None where it was not computed."""
        return next((one.hexdigest for one in self.digests if one.algorithm == algorithm), None)


class AnomalyKind(str, Enum):
    """What is wrong with the framing or with a member's stream. One kind a fault, with no verdict."""

    NOT_A_ZIP = "not-a-zip"
    TRUNCATED = "truncated"
    """The file was a ZIP archive (it starts with a local header, or it has an end record), and its end is missing."""
    TAR = "tar"
    """The first block is the header of a tar archive too: some readers take the file for one."""
    STRAY_BYTES = "stray-bytes"
    HIDDEN_MEMBER = "hidden-member"
    """A local header that the central directory does not list."""
    MISSING_MEMBER = "missing-member"
    """A central entry without a local header at its offset."""
    HEADER_MISMATCH = "header-mismatch"
    DATA_DESCRIPTOR = "data-descriptor"
    DUPLICATE_MEMBER = "duplicate-member"
    OVERLAP = "overlap"
    MEMBER_COMMENT = "member-comment"
    ARCHIVE_COMMENT = "archive-comment"
    END_RECORD = "end-record"
    ZIP64 = "zip64"
    """The ZIP64 records at the end; or a member's ZIP64 block, with a field such as `local length`, `central size`."""
    EXTRA_FIELD = "extra-field"
    UNICODE_EXTRA = "unicode-extra"
    VERSION_NEEDED = "version-needed"
    NAME_ENCODING = "name-encoding"
    ENCRYPTED = "encrypted"
    COMPRESSION_METHOD = "compression-method"
    CRC = "crc"
    INFLATE_SIZE = "inflate-size"
    """The stream gives more or fewer bytes than declared, or bytes follow its end."""
    STREAM = "stream"
    """The compressed data is not a deflate stream."""
    CEILING = "ceiling"
    """A named bound of ours was reached: what lies beyond it was not read."""


class Anomaly(Fact, frozen=True, kw_only=True):
    """One irregularity of the archive, with the place and the values that show it."""

    kind: AnomalyKind
    detail: str
    """What was found, in words that fit behind "the archive:"."""
    member: str | None = None
    offset: int | None = None
    """Byte offset into the file."""
    field: str | None = None
    """Which field of a header, where the kind concerns one."""
