"""What is no archive is named for what it seems to be, and a file name is taken apart or not at all."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from typing import Literal

import pytest

from auditor.archive.looks import is_tar, looks_like
from auditor.archive.names import parse_name
from auditor.facts.wheel import WheelName
from tests.archive.archives import A
from tests.builders.zipraw import build_zip


def tarball() -> bytes:
    """A tar archive of one file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("demo-1.0/PKG-INFO"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"", "it is an empty file"),
        (gzip.compress(b"x"), "it looks like gzip data (an sdist?)"),
        (bz2.compress(b"x"), "it looks like bzip2 data"),
        (lzma.compress(b"x"), "it looks like xz data"),
        (b"\x28\xb5\x2f\xfd....", "it looks like Zstandard data"),
        (b"7z\xbc\xaf\x27\x1c", "it looks like a 7z archive"),
        (b"Rar!\x1a", "it looks like a RAR archive"),
        (b"%PDF-1.7", "it looks like a PDF document"),
        (b"\x7fELF\x02", "it looks like an ELF binary"),
        (b"MZ\x90\0", "it looks like a Windows program"),
        (b"PK\x01\x02", "it looks like the start of a ZIP record"),
        (b"version https://git-lfs.github.com/spec/v1", "it looks like a Git LFS pointer instead of the file"),
        (tarball()[:512], "it looks like a tar archive"),
        (b"\n <!DOCTYPE HTML><html>", "it looks like an HTML page (a failed download?)"),
        (b"<HTML>", "it looks like an HTML page (a failed download?)"),
        (b"404: Not Found", "it looks like a text file"),
        (b"\0\1\2\3\4", "it begins with the bytes 00 01 02 03"),
        (b"\0", "it begins with the bytes 00"),
    ],
)
def test_a_file_is_named_for_what_it_seems_to_be(start: bytes, words: str) -> None:
    """The first bytes of a file that is no archive say what went wrong."""
    assert looks_like(start) == words


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_tar_header_is_known(form: Literal[0, 1, 2]) -> None:
    """A block that `tarfile` takes for a header is one."""
    assert is_tar(tarfile.TarInfo("x").tobuf(form)[:512])


def test_what_is_no_tar_header_is_none() -> None:
    """A ZIP archive, zeros, too few bytes and a wrong checksum are no tar header."""
    header = tarball()[:512]
    assert not is_tar(build_zip([A]) + bytes(600))
    assert not is_tar(bytes(512))
    assert not is_tar(header[:511])
    assert not is_tar(b"y" + header[1:])
    assert not is_tar(header[:148] + b"not octa" + header[156:])
    assert is_tar(header[:148] + b"\x80" + int(header[148:154], 8).to_bytes(7, "big") + header[156:])
    assert not is_tar(header[:148] + b"\x80" + bytes(6) + b"\1" + header[156:])


@pytest.mark.parametrize(
    ("filename", "parts"),
    [
        ("demo-1.0-py3-none-any.whl", ("demo", "1.0", None, "py3", "none", "any")),
        ("demo-1.0-1a-cp311.cp312-abi3-linux_x86_64.whl", ("demo", "1.0", "1a", "cp311.cp312", "abi3", "linux_x86_64")),
        ("Demo.X-v1-py3-none-any.whl", ("Demo.X", "v1", None, "py3", "none", "any")),
        ("-----.whl", ("", "", "", "", "", "")),
        ("----.whl", ("", "", None, "", "", "")),
    ],
)
def test_a_file_name_has_five_or_six_parts(filename: str, parts: tuple[str | None, ...]) -> None:
    """The parts come out as written, whatever they hold."""
    name = parse_name(filename)
    assert name is not None
    assert (name.distribution, name.version, name.build, name.python, name.abi, name.platform) == parts


@pytest.mark.parametrize(
    "filename",
    ["", ".whl", "demo.whl", "demo-1.0-py3-none.whl", "a-b-c-d-e-f-g.whl", "demo-1.0-py3-none-any.WHL", "x.zip"],
)
def test_other_file_names_are_no_wheel(filename: str) -> None:
    """A name without the suffix or with another number of parts has none."""
    assert parse_name(filename) is None


def test_a_name_says_its_prefix_and_tags() -> None:
    """The prefix names the dist-info directory, the tag set the three tags."""
    name = WheelName(distribution="demo", version="1.0", build="1", python="py2.py3", abi="none", platform="any")
    assert (name.prefix, name.tag_set) == ("demo-1.0", "py2.py3-none-any")
