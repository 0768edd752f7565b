"""Each table of data/ says where it is from, and is what its refresh script wrote."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from auditor.platforms import cpython_symbols, glibc, linux_libraries, macos, windows
from auditor.platforms.refresh._tables import DATA, Table, committed_text, write

TABLES = sorted(path for path in DATA.iterdir() if not path.name.endswith(".provenance.json"))
KNOWN_AT = {
    "compiler_libraries": linux_libraries.KNOWN_AT,
    "cpython_symbols": cpython_symbols.KNOWN_AT,
    "glibc": linux_libraries.KNOWN_AT,
    "macos_libsystem": macos.KNOWN_AT,
    "manylinux": glibc.KNOWN_AT,
    "musl": linux_libraries.KNOWN_AT,
    "policy_libraries": linux_libraries.KNOWN_AT,
    "windows_dlls": windows.KNOWN_AT,
}
"""The date that a report gives for what is known from a table."""
LARGEST = 200_000
"""Bytes of the largest table: what the package carries has a limit."""


def stem(path: Path) -> str:
    """`windows_dlls.txt.gz` -> `windows_dlls`."""
    return path.name.partition(".")[0]


def provenance(path: Path) -> dict[str, Any]:
    """What a table says of itself."""
    found: dict[str, Any] = json.loads(path.with_name(f"{stem(path)}.provenance.json").read_bytes())
    return found


def test_there_are_tables() -> None:
    """Every table has its provenance, and every provenance its table."""
    described = {path.name.removesuffix(".provenance.json") for path in DATA.glob("*.provenance.json")}
    assert {stem(path) for path in TABLES} == described
    assert KNOWN_AT.keys() <= described


@pytest.mark.parametrize("path", TABLES, ids=stem)
def test_the_provenance_is_the_tables(path: Path) -> None:
    """The digest in the provenance is that of the text; source, version, licence, date and command are stated."""
    stated = provenance(path)
    assert stated["sha256"] == hashlib.sha256(committed_text(path).encode("utf-8")).hexdigest()
    assert all(stated[key] for key in ("source", "version", "licence"))
    assert dt.date.fromisoformat(stated["date"]) >= dt.date(2026, 11, 22)
    script = Path(stated["rebuild"].split()[-1])
    assert (Path(glibc.__file__).parent / "refresh" / script.name).is_file()
    assert path.stat().st_size < LARGEST


@pytest.mark.parametrize("path", [path for path in TABLES if path.suffix == ".gz"], ids=stem)
def test_a_table_is_packed_without_a_clock(path: Path) -> None:
    """Neither a time nor a file name is in the header (RFC 1952, 2.3): the same text gives the same bytes."""
    assert path.read_bytes()[3:8] == bytes(5)


@pytest.mark.parametrize("table", KNOWN_AT)
def test_the_date_that_a_report_gives_is_the_tables(table: str) -> None:
    """Whoever refreshes a table is told here to set the date that reports give for it."""
    (path,) = (path for path in TABLES if stem(path) == table)
    assert provenance(path)["date"] == KNOWN_AT[table]


@pytest.mark.parametrize("name", ["names.txt", "names.txt.gz"])
def test_a_refresh_writes_a_table_and_dates_it_when_it_changes(name: str, tmp_path: Path) -> None:
    """What is unchanged keeps its date; what has changed gets today's."""
    table = Table(path=tmp_path / name, text="one\n", provenance={"source": "a test", "version": "1", "licence": "MIT"})
    script = Path("names.py")
    write(table, script)
    assert committed_text(table.path) == "one\n"
    today = dt.datetime.now(tz=dt.timezone.utc).date().isoformat()
    stated = provenance(table.path)
    assert (stated["date"], stated["rebuild"]) == (today, "python auditor/platforms/refresh/names.py")
    table.provenance_path.write_text(json.dumps({**stated, "date": "2001-01-01"}), "utf-8")
    write(table, script)
    assert provenance(table.path)["date"] == "2001-01-01"
    write(Table(path=table.path, text="two\n", provenance=table.provenance), script)
    assert provenance(table.path)["date"] == today
    assert provenance(table.path)["sha256"] == hashlib.sha256(b"two\n").hexdigest()


def test_packed_text_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Two writings of the same text do not differ: a refresh that changes nothing shows no difference."""
    table = Table(path=tmp_path / "names.txt.gz", text="one\n" * 1000, provenance={})
    write(table, Path("names.py"))
    first = table.path.read_bytes()
    write(table, Path("names.py"))
    assert table.path.read_bytes() == first
    assert gzip.decompress(first) == table.text.encode()
