"""Wheels with one anomaly of the archive each, and what PyPI and the installers do with them.

The numbers are those of an experiment over hand-made wheels. A letter says who refuses the wheel: `p` pip, `u` uv that
reads a file, `n` uv that streams from the network, `i` installer. PyPI's answer stands beside each error.
"""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from auditor.findings import PyPIAnswer
from tests.archive.archives import central, end
from tests.builders import (
    DEMO,
    BuiltWheel,
    CentralFields,
    Descriptor,
    EndFields,
    LocalFields,
    Member,
    WheelSpec,
    Zip64EndFields,
    Zip64LocatorFields,
    ZipEntry,
    ZipLayout,
    build_wheel,
    build_zip,
    compress,
    extra_field,
    replace,
    unicode_path_extra,
    wheel_entries,
    zip64_extra,
)
from tests.builders.zipraw import FLAG_ENCRYPTED, FLAG_PATCHED, FLAG_STRONG_ENCRYPTION, FLAG_UTF8, local_record

if TYPE_CHECKING:
    from collections.abc import Callable

ACCEPT, REJECT, SERVER_ERROR = PyPIAnswer.ACCEPT, PyPIAnswer.REJECT, PyPIAnswer.SERVER_ERROR

TEXT: Final = b"some other text\n" * 9
DATA: Final = "demo/a.txt"
SOURCE: Final = "demo/__init__.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One anomaly: the wheel that has it and nothing else, who refuses that, and the findings it is worth."""

    wheel: BuiltWheel
    errors: dict[str, PyPIAnswer]
    """The errors by the name of their rule, each with the answer of PyPI that the finding must give."""
    warnings: frozenset[str]
    """The rules of the findings that are no errors."""
    refused: str
    """The letters of those who refuse it."""

    @property
    def refused_by_pypi(self) -> bool:
        """Whether PyPI refuses the wheel or fails on it."""
        return bool({REJECT, SERVER_ERROR} & set(self.errors.values()))


def holding(member: Member, name: str = DATA) -> WheelSpec:
    """The demo wheel with one member more, or with a member in another's place."""
    return replace(DEMO, members={**DEMO.members, name: member})


def changed(**changes: int) -> WheelSpec:
    """The demo wheel with a data file whose two headers say something else."""
    return holding(both(TEXT, **changes))


def both(content: bytes = TEXT, **changes: int) -> Member:
    """A member with the same fields changed in its local header and its central entry."""
    local_fields, central_fields = LocalFields(**changes), CentralFields(**changes)  # type: ignore[arg-type]
    return Member(content=content, local=local_fields, central=central_fields)


def here(**changes: int | bytes) -> WheelSpec:
    """The demo wheel with a data file whose local header alone says something else."""
    return holding(Member(content=TEXT, local=LocalFields(**changes)))  # type: ignore[arg-type]


def there(**changes: int | bytes) -> WheelSpec:
    """The demo wheel with a data file whose central entry alone says something else."""
    return holding(Member(content=TEXT, central=CentralFields(**changes)))  # type: ignore[arg-type]


def named(*names: str, mode: int = 0o100644) -> WheelSpec:
    """The demo wheel with files of these names, which RECORD lists as they are."""
    return replace(DEMO, members={**DEMO.members, **{name: Member(content=TEXT, mode=mode) for name in names}})


def raw_name(name: bytes, read_as: str, **flags: int) -> WheelSpec:
    """The demo wheel with a file under a name of these bytes, which RECORD lists as `zipfile` reads it."""
    local_fields, central_fields = LocalFields(name=name, **flags), CentralFields(name=name, **flags)  # type: ignore[arg-type]
    return holding(Member(content=TEXT, local=local_fields, central=central_fields), read_as)


def besides(*entries: ZipEntry) -> bytes:
    """The demo wheel with entries ahead of all others that RECORD does not know."""
    return build_zip([*entries, *wheel_entries(DEMO)])


def laid_out(layout: ZipLayout) -> WheelSpec:
    """The demo wheel in an archive of this layout."""
    return replace(DEMO, layout=layout)


def ending(change: Callable[[bytes], EndFields]) -> WheelSpec:
    """The demo wheel with an end record that differs from the right one as `change` says."""
    return laid_out(ZipLayout(ends=(change(build_wheel(DEMO).data),)))


def row(
    wheel: WheelSpec | bytes,
    errors: dict[str, PyPIAnswer] | None = None,
    *,
    warnings: frozenset[str] = frozenset(),
    refused: str = "",
) -> Row:
    """A row of the table."""
    built = build_wheel(wheel) if isinstance(wheel, WheelSpec) else BuiltWheel(filename=FILENAME, data=wheel)
    return Row(wheel=built, errors=errors or {}, warnings=warnings, refused=refused)


FILENAME: Final = build_wheel(DEMO).filename
INIT: Final = ZipEntry(name=SOURCE, content=bytes(DEMO.members[SOURCE]))  # type: ignore[arg-type]


def _member_within_another() -> bytes:
    """A stored file that holds the local header and the data of the next one."""
    inner = ZipEntry(name="demo/b.txt", content=TEXT)
    outer = Member(content=local_record(inner), method=0)
    spec = replace(DEMO, members={**DEMO.members, DATA: outer, "demo/b.txt": Member(content=TEXT, in_local=False)})
    place = build_wheel(spec).data.index(local_record(inner))
    lost = Member(content=TEXT, in_local=False, central=CentralFields(offset=place))
    return build_wheel(replace(spec, members={**spec.members, "demo/b.txt": lost})).data


def _tar_and_zip() -> bytes:
    """A wheel whose first 512 bytes, by an extra field of the first member, are the header of a tar archive as well."""

    def first(body: bytes) -> bytes:
        member = Member(content=INIT.content, local=LocalFields(extra=extra_field(0x4242, body)))
        return build_wheel(replace(DEMO, members={SOURCE: member})).data

    start = first(bytes(700))[: 30 + len(SOURCE) + 4]
    block = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT)[:512])
    block[: len(start)] = start
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return first(bytes(block[len(start) :]).ljust(700, b"\0"))


def _zstandard(content: bytes) -> bytes:
    """A Zstandard frame of one raw block (RFC 8878, 3.1.1), for content of less than 256 bytes."""
    block = (len(content) << 3 | 1).to_bytes(3, "little") + content
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(content)]) + block


def _bomb() -> WheelSpec:
    zeros = bytes(36 << 20)
    return replace(DEMO, members={**DEMO.members, "demo/a.bin": zeros, "demo/b.bin": zeros})


def _reject(*rules: str) -> dict[str, PyPIAnswer]:
    return dict.fromkeys(rules, REJECT)


def _accept(*rules: str) -> dict[str, PyPIAnswer]:
    return dict.fromkeys(rules, ACCEPT)


UNSAFE: Final = {**_accept("zip-path-unsafe"), "record-path-unsafe": PyPIAnswer.MAIL}
"""RECORD repeats such a path, and there it is another fault: programs that uninstall or verify follow it."""
RENAMING: Final = unicode_path_extra(DATA.encode(), "demo/c.txt")

ROWS: Final[dict[str, Row]] = {
    "01 duplicate, same content": row(besides(INIT), _reject("zip-duplicate-member"), refused="i"),
    "02 duplicate, other content": row(
        besides(replace(INIT, content=b"other = 1\n")), _reject("zip-duplicate-member"), refused="ni"
    ),
    "03 hidden member": row(
        besides(ZipEntry(name="demo/b.txt", content=TEXT, in_central=False)), _reject("zip-hidden-member"), refused="n"
    ),
    "04 no local header": row(
        holding(Member(content=TEXT, in_local=False, central=CentralFields(offset=1))),
        _reject("zip-missing-member"),
        refused="puni",
    ),
    "04 header of another member": row(
        holding(Member(content=TEXT, in_local=False)), _reject("zip-header-mismatch"), refused="puni"
    ),
    "04 wrong offset": row(there(offset=1), _reject("zip-missing-member"), refused="puni"),
    "05 local name differs": row(here(name=b"demo/b.txt"), _reject("zip-header-mismatch"), refused="puni"),
    "06 local CRC differs": row(here(crc=1), _accept("zip-header-mismatch"), refused="n"),
    "06 central CRC differs": row(there(crc=1), _accept("zip-crc"), refused="puni"),
    "07 wrong CRC of a source": row(holding(both(INIT.content, crc=1), SOURCE), _reject("zip-crc"), refused="puni"),
    "08 wrong CRC of another file": row(changed(crc=1), _accept("zip-crc"), refused="puni"),
    "09 local method differs": row(here(method=0), _accept("zip-header-mismatch"), refused="n"),
    "09 central method differs": row(there(method=0), _accept("zip-header-mismatch", "zip-crc"), refused="pui"),
    "10 flags differ": row(there(flags=FLAG_UTF8), _accept("zip-header-mismatch"), refused="p"),
    "11 local size differs": row(here(size=1), _reject("zip-header-mismatch"), refused="un"),
    "11 local compressed size differs": row(here(compressed_size=1), _reject("zip-header-mismatch"), refused="un"),
    "11 central size differs": row(there(size=7), _reject("zip-header-mismatch"), refused="un"),
    "12 data descriptor": row(holding(Member(content=TEXT, descriptor=Descriptor())), _reject("zip-data-descriptor")),
    "12 data descriptor without signature": row(
        holding(Member(content=TEXT, descriptor=Descriptor(signature=False))), _reject("zip-data-descriptor")
    ),
    "12 data descriptor of a stored member": row(
        holding(Member(content=TEXT, method=0, descriptor=Descriptor())), _reject("zip-data-descriptor"), refused="n"
    ),
    "12 data descriptor that lies": row(
        holding(Member(content=TEXT, descriptor=Descriptor(crc=1))), _reject("zip-data-descriptor"), refused="n"
    ),
    "13 encrypted": row(changed(flags=FLAG_ENCRYPTED), _accept("zip-encrypted"), refused="puni"),
    "13 strongly encrypted": row(changed(flags=FLAG_STRONG_ENCRYPTION), _accept("zip-encrypted"), refused="puni"),
    "13 patch data": row(changed(flags=FLAG_PATCHED), _accept("zip-encrypted"), refused="puni"),
    "13 encrypted source": row(
        holding(both(INIT.content, flags=FLAG_ENCRYPTED), SOURCE),
        {"zip-encrypted": SERVER_ERROR},
        refused="puni",
    ),
    "14 bzip2": row(holding(Member(content=TEXT, method=12)), _reject("zip-compression-method"), refused="un"),
    "15 Zstandard": row(
        holding(Member(content=TEXT, method=93, payload=_zstandard(TEXT))),
        _reject("zip-compression-method"),
        refused="pi",
    ),
    "16 prefix": row(laid_out(ZipLayout(prefix=b"#!/bin/sh\n")), _reject("zip-stray-bytes"), refused="n"),
    "16 prefix that no offset counts": row(
        laid_out(ZipLayout(prefix=b"#!/bin/sh\n", prefix_counted=False)), _reject("zip-stray-bytes"), refused="n"
    ),
    "17 gap between members": row(
        holding(Member(content=TEXT, after=b"junk")), _reject("zip-stray-bytes"), refused="n"
    ),
    "17 gap before the directory": row(
        laid_out(ZipLayout(before_central=b"junk")), _reject("zip-stray-bytes"), refused="n"
    ),
    "18 trailing bytes": row(laid_out(ZipLayout(trailing=b"junk")), _reject("zip-stray-bytes"), refused="un"),
    "19 trailing NULs": row(laid_out(ZipLayout(trailing=bytes(64))), _reject("zip-stray-bytes")),
    "20 archive comment": row(laid_out(ZipLayout(comment=b"hello")), warnings=frozenset({"zip-archive-comment"})),
    "21 archive comment with control bytes": row(
        laid_out(ZipLayout(comment=b"\x01\x02")), _accept("zip-archive-comment"), refused="un"
    ),
    "22 member comment": row(holding(Member(content=TEXT, comment=b"hello")), _reject("zip-member-comment")),
    "23 too few entries counted": row(
        ending(lambda _: EndFields(total_entries=1, disk_entries=1)), _reject("zip-end-record"), refused="un"
    ),
    "23 too many entries counted": row(
        ending(lambda _: EndFields(total_entries=9, disk_entries=9)), _reject("zip-end-record"), refused="un"
    ),
    "23 size of the directory": row(
        ending(lambda plain: EndFields(central_size=end(plain) - central(plain) - 1)),
        _reject("zip-end-record"),
        refused="puni",
    ),
    "23 offset of the directory": row(
        ending(lambda plain: EndFields(central_offset=central(plain) - 1)), _reject("zip-end-record"), refused="puni"
    ),
    "24 disk number": row(ending(lambda _: EndFields(disk=1, central_disk=1)), _accept("zip-end-record")),
    "25 two archives in a row": row(
        build_wheel(DEMO).data + build_wheel(DEMO).data, _reject("zip-end-record"), refused="un"
    ),
    "25 archive in the comment": row(
        laid_out(ZipLayout(comment=build_wheel(DEMO).data)), _reject("zip-end-record"), refused="un"
    ),
    "26 ZIP64 locator points elsewhere": row(
        laid_out(ZipLayout(zip64=True, zip64_locator=Zip64LocatorFields(offset=3))),
        _reject("zip64-inconsistent"),
        refused="puni",
    ),
    "26 ZIP64 record without locator": row(
        laid_out(ZipLayout(zip64=True, zip64_locator=Zip64LocatorFields(present=False))),
        _reject("zip64-inconsistent"),
        refused="puni",
    ),
    "26 ZIP64 locator without record": row(
        laid_out(ZipLayout(zip64=True, zip64_end=Zip64EndFields(present=False))),
        _reject("zip64-inconsistent"),
        refused="puni",
    ),
    "26 ZIP64 record contradicts the end record": row(
        laid_out(ZipLayout(zip64=True, ends=(EndFields(total_entries=2, disk_entries=2),))),
        _reject("zip64-inconsistent"),
        refused="un",
    ),
    "27 ZIP64 extensible data": row(
        laid_out(ZipLayout(zip64=True, zip64_end=Zip64EndFields(extensible=b"junk"))),
        _reject("zip64-inconsistent"),
        refused="un",
    ),
    "28 ZIP64 block with other values": row(
        there(extra=zip64_extra(1, 2)), _accept("zip64-inconsistent"), refused="un"
    ),
    "29 ZIP64 block of illegal length": row(
        here(extra=extra_field(1, bytes(3))), _reject("zip64-inconsistent"), refused="un"
    ),
    "30 local extra field with a rest": row(here(extra=bytes(3)), _reject("zip-extra-field")),
    "30 central extra field with a rest": row(there(extra=bytes(3)), _accept("zip-extra-field")),
    "31 Unicode path in the directory": row(there(extra=RENAMING), _accept("zip-extra-field"), refused="un"),
    "31 Unicode path in both": row(
        holding(Member(content=TEXT, extra=RENAMING)), _accept("zip-extra-field"), refused="u"
    ),
    "32 Unicode path in the local header": row(here(extra=RENAMING), _accept("zip-extra-field"), refused="n"),
    "33 more content than declared": row(changed(size=7), _accept("zip-inflate-size"), refused="uni"),
    "34 less content than declared": row(changed(size=7000), _accept("zip-inflate-size"), refused="un"),
    "35 bytes behind the stream": row(
        holding(Member(content=TEXT, payload=compress(TEXT, 8) + b"junk")), _accept("zip-inflate-size"), refused="n"
    ),
    "36 bomb": row(_bomb(), _reject("zip-bomb")),
    "37 member within another": row(_member_within_another(), _reject("zip-overlap"), refused="puni"),
    "37 two entries of one member": row(
        besides(replace(INIT, in_local=False, central=CentralFields(offset=0))),
        _reject("zip-duplicate-member"),
        refused="puni",
    ),
    "38 path that escapes": row(named("../evil.py"), UNSAFE, refused="pi"),
    "39 parent that stays inside": row(named("demo/sub/../b.py"), UNSAFE),
    "40 absolute path": row(named("/tmp/demo-evil.py"), UNSAFE, refused="pi"),  # noqa: S108
    "41 drive letter": row(named("C:/demo.py"), UNSAFE),
    "42 backslash": row(named("demo\\b.py"), _accept("zip-path-unsafe")),
    "43 dot": row(named("./demo/b.py"), _accept("zip-path-noncanonical")),
    "43 two slashes": row(named("demo//b.py"), _accept("zip-path-noncanonical")),
    "43 empty name": row(named(""), _accept("zip-path-noncanonical"), refused="puni"),
    "44 control character": row(named("demo/a\x01.txt"), _reject("zip-name-encoding"), refused="un"),
    "44 NUL": row(
        # RECORD, being text, cannot hold the name.
        holding(Member(content=TEXT, recorded=False), "demo/a\0.txt"),
        {**_reject("zip-name-encoding"), "record-file-not-listed": PyPIAnswer.MAIL},
        refused="un",
    ),
    "44 delete": row(named("demo/a\x7f.txt"), _reject("zip-name-encoding"), refused="un"),
    "45 bidi override": row(named("demo/a\N{RIGHT-TO-LEFT OVERRIDE}b.txt"), _accept("zip-name-encoding"), refused="un"),
    "46 UTF-8 without the flag": row(
        raw_name("demo/ä.txt".encode(), "demo/├ñ.txt", flags=0), _reject("zip-name-encoding"), refused="un"
    ),
    "46 code page 437": row(
        raw_name("demo/ä.txt".encode("cp437"), "demo/ä.txt", flags=0), _reject("zip-name-encoding"), refused="un"
    ),
    "47 symbolic link": row(named(DATA, mode=0o120777), _accept("zip-special-file")),
    "48 pipe": row(named(DATA, mode=0o010644), _accept("zip-special-file")),
    "48 device": row(named(DATA, mode=0o020644), _accept("zip-special-file")),
    "49 directory with data": row(
        besides(ZipEntry(name="demo/sub/", content=TEXT, mode=0o40755)), _accept("zip-special-file"), refused="n"
    ),
    "50 file and directory": row(named("demo/b", "demo/b/c.txt"), _accept("zip-path-collision"), refused="puni"),
    "51 names equal but for case": row(named("demo/b.txt", "demo/B.txt"), _accept("zip-path-collision")),
    "51 names equal but for composition": row(
        named("demo/\N{LATIN SMALL LETTER A WITH DIAERESIS}.txt", "demo/a\N{COMBINING DIAERESIS}.txt"),
        _accept("zip-path-collision"),
    ),
    "52 device name": row(named("demo/aux.txt"), warnings=frozenset({"zip-path-windows"})),
    "52 trailing space": row(named("demo/b.txt "), warnings=frozenset({"zip-path-windows"})),
    "52 colon": row(named("demo/b:c.txt"), warnings=frozenset({"zip-path-windows"})),
    "53 version needed": row(changed(version_needed=64), {"zip-version-needed": SERVER_ERROR}, refused="puni"),
    "54 zip and tar": row(_tar_and_zip(), _reject("zip-polyglot"), refused="p"),
}
