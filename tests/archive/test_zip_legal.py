"""Well-made archives give their members and no anomaly, and agree with `zipfile` as an independent reader."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from auditor.archive.reader import read_wheel
from auditor.archive.source import open_path
from auditor.archive.zip import read_framing
from tests.archive.archives import A, B, central, facts_of, found, framing_of, local
from tests.builders.zipraw import (
    CentralFields,
    LocalFields,
    ZipEntry,
    ZipLayout,
    build_zip,
    compress,
    extra_field,
    zip64_extra,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.facts.wheel import WheelFacts

CONTENTS = {"a/__init__.py": b"", "a/b.py": b"pass\n" * 300, "a/ä.txt": "ä".encode(), "z.bin": bytes(range(256)) * 9}
UNICODE = "a/ä.txt"


def by_zipfile(compression: int, *, force_zip64: bool = False, streamed: bool = False) -> bytes:
    """An archive that Python's own writer makes."""
    buffer = io.BytesIO()
    target = cast("Any", _Unseekable(buffer)) if streamed else buffer
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in CONTENTS.items():
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=force_zip64) as member:
                member.write(content)
    return buffer.getvalue()


class _Unseekable:
    """A stream that cannot seek, for which writers put the sizes into data descriptors."""

    def __init__(self, target: io.BytesIO) -> None:
        self.write = target.write
        self.flush = target.flush


def agrees_with_zipfile(facts: WheelFacts, archive: zipfile.ZipFile) -> None:
    """Hold names, sizes, CRCs, offsets, modes, times and digests against what `zipfile` reads."""
    infos = archive.infolist()
    assert [member.name for member in facts.members] == [info.orig_filename for info in infos]
    for member, info in zip(facts.members, infos, strict=True):
        assert (member.size, member.compressed_size, member.crc) == (info.file_size, info.compress_size, info.CRC)
        assert (member.inflated_size, member.content_crc) == (info.file_size, info.CRC)
        assert (member.header_offset, member.method) == (info.header_offset, info.compress_type)
        assert member.flags == info.flag_bits
        assert member.date_time == info.date_time
        assert member.is_directory == info.is_dir()
        if info.create_system == 3:
            assert member.mode == info.external_attr >> 16
        assert member.digest("sha256") == hashlib.sha256(archive.read(info)).hexdigest()


def sizes_of(entry: ZipEntry) -> tuple[int, int]:
    """The size and the compressed size of a deflated entry."""
    return len(entry.content), len(compress(entry.content, 8))


LEGAL: dict[str, Callable[[], bytes]] = {
    "empty archive": partial(build_zip, []),
    "stored": lambda: build_zip([replace(A, method=0)]),
    "deflated": lambda: build_zip([A, B]),
    "empty stored": lambda: build_zip([ZipEntry(name="e", method=0)]),
    "empty deflated": lambda: build_zip([ZipEntry(name="e")]),
    "directories": lambda: build_zip([ZipEntry(name="d/", method=0, mode=0o040755), replace(A, name="d/a.py")]),
    "name in UTF-8": lambda: build_zip([replace(A, name="ä/日本.py")]),
    "directory in another order": lambda: build_zip([A, B], ZipLayout(central_order=(1, 0))),
    "zip64 end record": lambda: build_zip([A, B], ZipLayout(zip64=True)),
    "zip64 end record of an empty archive": lambda: build_zip([], ZipLayout(zip64=True)),
    "zip64 sizes": lambda: build_zip([replace(A, zip64=True), B]),
    "zip64 block that repeats the sizes": lambda: build_zip([replace(A, extra=zip64_extra(*sizes_of(A)))]),
    "zip64 block with an offset": lambda: build_zip(
        [replace(A, central=CentralFields(extra=zip64_extra(*sizes_of(A), 0), size=0xFFFFFFFF))]
    ),
    "zip64 block with the offset alone": lambda: build_zip(
        [replace(A, central=CentralFields(extra=zip64_extra(0), offset=0xFFFFFFFF))]
    ),
    "empty zip64 block": lambda: build_zip([replace(A, local=LocalFields(extra=zip64_extra()))]),
    "zip64 block with one size of a stored member": lambda: build_zip(
        [replace(A, method=0, local=LocalFields(extra=zip64_extra(len(A.content)), compressed_size=0xFFFFFFFF))]
    ),
    "unknown extra blocks": lambda: build_zip([replace(A, extra=extra_field(0xCAFE, b"") + extra_field(0x7855, b""))]),
    "version 6.3": lambda: build_zip([replace(A, central=CentralFields(version_needed=63))]),
    "zipfile, stored": lambda: by_zipfile(zipfile.ZIP_STORED),
    "zipfile, deflated": lambda: by_zipfile(zipfile.ZIP_DEFLATED),
    "zipfile, force_zip64": lambda: by_zipfile(zipfile.ZIP_DEFLATED, force_zip64=True),
}


@pytest.mark.parametrize("make", LEGAL.values(), ids=LEGAL)
def test_a_legal_archive_has_no_anomaly(make: Callable[[], bytes]) -> None:
    """A well-made archive is clean, and reads as `zipfile` reads it."""
    archive = make()
    facts = facts_of(archive)
    assert found(facts.anomalies) == []
    with zipfile.ZipFile(io.BytesIO(archive)) as reference:
        assert reference.testzip() is None
        agrees_with_zipfile(facts, reference)


@pytest.mark.parametrize("force_zip64", [False, True], ids=["32 bits", "64 bits"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_a_streamed_archive_has_data_descriptors_and_nothing_else(*, force_zip64: bool, compression: int) -> None:
    """What a writer makes that cannot seek differs from the rest in its data descriptors alone."""
    archive = by_zipfile(compression, force_zip64=force_zip64, streamed=True)
    facts = facts_of(archive)
    assert {one.kind.value for one in facts.anomalies} == {"data-descriptor"}
    assert [one.member for one in facts.anomalies] == list(CONTENTS)
    with zipfile.ZipFile(io.BytesIO(archive)) as reference:
        agrees_with_zipfile(facts, reference)


@pytest.mark.skipif(shutil.which("zip") is None, reason="needs Info-ZIP's zip")
@pytest.mark.parametrize("options", [(), ("-0",), ("-X",), ("-D",), ("-9",)], ids="".join)
def test_an_archive_of_info_zip_is_clean(options: tuple[str, ...], tmp_path: Path) -> None:
    """The extra fields that `zip` writes (UT, ux) and its directory members are no anomaly."""
    folder = tmp_path / "tree" / "package"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_bytes(b"pass\n" * 100)
    (folder / "empty").touch()
    target = tmp_path / "demo-1.0-py3-none-any.whl"
    subprocess.run(["zip", "-q", "-r", *options, str(target), "."], cwd=tmp_path / "tree", check=True)
    facts = read_wheel(target)
    assert found(facts.anomalies) == []
    with zipfile.ZipFile(target) as reference:
        agrees_with_zipfile(facts, reference)


def test_exactly_65535_members_need_no_zip64() -> None:
    """The largest count of the plain end record is no demand for a ZIP64 one where the entries are as many."""
    entries = [ZipEntry(name=f"{number:x}", method=0) for number in range(0xFFFF)]
    framing = framing_of(build_zip(entries))
    assert found(framing.anomalies) == []
    assert len(framing.entries) == 0xFFFF


def test_70000_members_are_read() -> None:
    """An archive whose count only a ZIP64 end record can hold is clean, as `zipfile` writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"{number:x}"), b"")
    framing = framing_of(buffer.getvalue())
    assert found(framing.anomalies) == []
    assert len(framing.entries) == 70_000


def test_the_parts_of_an_entry_are_where_they_are_said_to_be() -> None:
    """The data offset points behind the local header, and is unknown without one."""
    archive = build_zip([A, replace(B, in_local=False)])
    first, second = framing_of(archive).entries
    assert first.data_offset == local(archive) + 30 + len("a.py")
    assert second.data_offset is None
    assert first.central.offset == central(archive)


def _corpus() -> list[Path]:
    """About twenty wheels of the corpus that are small enough to read twice, spread over all of them."""
    folder = os.environ.get("WHEEL_AUDIT_CORPUS")
    wheels = sorted(Path(folder).glob("*.whl")) if folder else []
    wheels = [path for path in wheels if path.stat().st_size < 3_000_000]
    return wheels[:: max(1, len(wheels) // 20)]


@pytest.mark.corpus
@pytest.mark.parametrize("path", _corpus(), ids=lambda path: path.name)
def test_a_real_wheel_agrees_with_zipfile(path: Path) -> None:
    """A wheel of the corpus reads as `zipfile` reads it, and its framing accounts for every byte."""
    facts = read_wheel(path)
    with zipfile.ZipFile(path) as reference:
        agrees_with_zipfile(facts, reference)
    source = open_path(str(path))
    try:
        kinds = {one.kind.value for one in read_framing(source).anomalies}
    finally:
        source.close()
    assert kinds <= {"archive-comment", "duplicate-member", "data-descriptor"}
