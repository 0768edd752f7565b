"""Build the smallest wheel that PyPI and every installer take, then change one thing.

    spec = WheelSpec(members={"demo/__init__.py": b""}, headers={"Requires-Python": None})
    build_wheel(spec).write(tmp_path)
    build_wheel(replace(spec, record_rows={"demo/__init__.py": "demo/__init__.py,sha256=wrong,0"}))

Specifications: "Binary distribution format" (PyPA), its sections on the file name, the .dist-info directory,
the WHEEL file and the RECORD file; "Core metadata specifications" 2.4; "Recording installed projects".
What this module cannot plant, `zipraw` can: `wheel_entries(spec)` gives the entries to change one by one.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING, Final

from tests.builders.zipraw import (
    DEFLATED,
    PLAIN,
    REGULAR_FILE,
    CentralFields,
    Descriptor,
    LocalFields,
    ZipEntry,
    ZipLayout,
    build_zip,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "CORRECT",
    "DEMO",
    "BuiltWheel",
    "Correct",
    "Headers",
    "Member",
    "WheelSpec",
    "build_wheel",
    "dist_info_name",
    "escaped",
    "record_row",
    "replace",
    "wheel_entries",
    "wheel_filename",
]


class Correct(Enum):
    """Stands for a file that the builder writes, and writes correctly."""

    CORRECT = "correct"


CORRECT: Final = Correct.CORRECT

Headers = Mapping[str, "str | tuple[str, ...] | None"]
"""Changes to a list of headers: None drops the header, several values repeat it, a new name is appended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One file of the wheel, where its bytes alone do not say enough."""

    content: bytes = b""
    mode: int = REGULAR_FILE
    method: int = DEFLATED
    payload: bytes | None = None
    """The compressed bytes; by default `content` compressed with `method`."""
    extra: bytes = b""
    comment: bytes = b""
    zip64: bool = False
    descriptor: Descriptor | None = None
    in_local: bool = True
    in_central: bool = True
    before: bytes = b""
    after: bytes = b""
    local: LocalFields = field(default_factory=LocalFields)
    central: CentralFields = field(default_factory=CentralFields)
    recorded: bool = True
    """Whether RECORD lists the file."""

    def entry(self, name: str) -> ZipEntry:
        """The entry that the ZIP writer takes."""
        return ZipEntry(
            name=name,
            content=self.content,
            mode=self.mode,
            method=self.method,
            payload=self.payload,
            extra=self.extra,
            comment=self.comment,
            zip64=self.zip64,
            descriptor=self.descriptor,
            in_local=self.in_local,
            in_central=self.in_central,
            before=self.before,
            after=self.after,
            local=self.local,
            central=self.central,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelSpec:
    """A wheel. Everything has a default that is correct; a test overrides the one thing it is about."""

    name: str = "demo"
    version: str = "1.0"
    build: str | None = None
    python: str = "py3"
    abi: str = "none"
    platform: str = "any"
    members: Mapping[str, bytes | Member] = field(default_factory=lambda: {"demo/__init__.py": b'"""A demo."""\n'})
    """The files by name. A name inside the .dist-info directory takes the place of the generated file."""
    headers: Headers = field(default_factory=dict)
    """Changes to the headers of METADATA, such as {"Requires-Python": None} or {"Classifier": ("A", "B")}."""
    description: str = "A demo project.\n"
    """The body of METADATA."""
    metadata: str | bytes | Correct | None = CORRECT
    """The whole METADATA file; None leaves it out."""
    wheel_lines: Headers = field(default_factory=dict)
    """Changes to the lines of WHEEL, such as {"Tag": "py2-none-any"}."""
    wheel_file: str | bytes | Correct | None = CORRECT
    """The whole WHEEL file; None leaves it out."""
    record_rows: Mapping[str, str | None] = field(default_factory=dict)
    """Rows of RECORD by path: None drops the row, a path without a file appends its text."""
    record: str | bytes | Correct | None = CORRECT
    """The whole RECORD file; None leaves it out."""
    entry_points: str | bytes | None = None
    """The whole entry_points.txt file."""
    license_text: bytes | None = b"MIT License\n\nCopyright (c) the demo authors\n"
    """The licence file that METADATA names; None leaves the file out, and METADATA still names it."""
    filename: str | None = None
    dist_info: str | None = None
    """The name of the .dist-info directory, with that suffix."""
    extra_entries: tuple[ZipEntry, ...] = ()
    """Raw entries behind all others that RECORD does not know: duplicates, hidden members, directories."""
    layout: ZipLayout = PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltWheel:
    """The file name and the bytes of a wheel."""

    filename: str
    data: bytes

    def write(self, directory: Path) -> Path:
        """Write the wheel under its own name, and say where."""
        path = directory / self.filename
        path.write_bytes(self.data)
        return path


DEMO: Final = WheelSpec()
"""A pure-Python wheel without a fault."""


def build_wheel(spec: WheelSpec = DEMO) -> BuiltWheel:
    """The archive under its file name."""
    return BuiltWheel(filename=wheel_filename(spec), data=build_zip(wheel_entries(spec), spec.layout))


def wheel_entries(spec: WheelSpec) -> tuple[ZipEntry, ...]:
    """All entries in order, .dist-info last and RECORD the very last, as the specification recommends."""
    members = _with_dist_info(spec)
    record_path = f"{dist_info_name(spec)}/RECORD"
    if spec.record is not None and record_path not in members:
        text = _record_text(spec, members, record_path) if spec.record is CORRECT else spec.record
        members[record_path] = Member(content=_encoded(text))
    return (*(member.entry(name) for name, member in members.items()), *spec.extra_entries)


def wheel_filename(spec: WheelSpec) -> str:
    """The file name ("File name convention")."""
    if spec.filename is not None:
        return spec.filename
    build = () if spec.build is None else (spec.build,)
    parts = (escaped(spec.name), spec.version, *build, spec.python, spec.abi, spec.platform)
    return "-".join(parts) + ".whl"


def dist_info_name(spec: WheelSpec) -> str:
    """The name of the .dist-info directory ("The .dist-info directory")."""
    return spec.dist_info or f"{escaped(spec.name)}-{spec.version}.dist-info"


def escaped(name: str) -> str:
    """The project name as file names carry it ("Escaping and Unicode")."""
    return re.sub(r"[-_.]+", "_", name).lower()


def record_row(path: str, content: bytes) -> str:
    """A correct row of RECORD ("The RECORD file": urlsafe base64 of the SHA-256 digest, without padding)."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    quoted = '"' + path.replace('"', '""') + '"' if re.search(r'[",\r\n]', path) else path
    return f"{quoted},sha256={digest},{len(content)}"


def _with_dist_info(spec: WheelSpec) -> dict[str, Member]:
    """The files of the specification, then those the builder adds unless the specification has them."""
    members = {
        name: value if isinstance(value, Member) else Member(content=value) for name, value in spec.members.items()
    }
    generated = {
        "licenses/LICENSE": spec.license_text,
        "entry_points.txt": spec.entry_points,
        "METADATA": _metadata_text(spec) if spec.metadata is CORRECT else spec.metadata,
        "WHEEL": _wheel_text(spec) if spec.wheel_file is CORRECT else spec.wheel_file,
    }
    for name, text in generated.items():
        if text is not None:
            members.setdefault(f"{dist_info_name(spec)}/{name}", Member(content=_encoded(text)))
    return members


def _metadata_text(spec: WheelSpec) -> str:
    """METADATA ("Core metadata specifications")."""
    headers: dict[str, str | tuple[str, ...] | None] = {
        "Metadata-Version": "2.4",
        "Name": spec.name,
        "Version": spec.version,
        "Summary": "A demo project",
        "Requires-Python": ">=3.8",
        "License-Expression": "MIT",
        "License-File": "LICENSE",
        "Description-Content-Type": "text/markdown; charset=UTF-8",
    }
    return f"{_headers_text(headers, spec.headers)}\n{spec.description}"


def _wheel_text(spec: WheelSpec) -> str:
    """WHEEL ("The .dist-info directory"): one Tag line for each member of the expanded tag set."""
    tags = product(spec.python.split("."), spec.abi.split("."), spec.platform.split("."))
    lines: dict[str, str | tuple[str, ...] | None] = {
        "Wheel-Version": "1.0",
        "Generator": "tests.builders",
        "Root-Is-Purelib": "true" if spec.platform == "any" else "false",
        "Tag": tuple("-".join(tag) for tag in tags),
        "Build": spec.build,
    }
    return _headers_text(lines, spec.wheel_lines)


def _record_text(spec: WheelSpec, members: Mapping[str, Member], record_path: str) -> str:
    """RECORD ("The RECORD file"): every file with hash and size, RECORD itself with neither."""
    listed = {name: member for name, member in members.items() if member.recorded and not name.endswith("/")}
    rows: dict[str, str | None] = {name: record_row(name, member.content) for name, member in listed.items()}
    rows[record_path] = f"{record_path},,"
    rows.update(spec.record_rows)
    return "".join(f"{row}\n" for row in rows.values() if row is not None)


def _headers_text(headers: Headers, changes: Headers) -> str:
    lines = []
    for name, value in {**headers, **changes}.items():
        values = () if value is None else (value,) if isinstance(value, str) else value
        lines += [f"{name}: {each}\n" for each in values]
    return "".join(lines)


def _encoded(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
