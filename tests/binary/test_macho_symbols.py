"""The tables of symbols in Mach-O files, each by itself: bindings, exports, rows (`auditor.binary.macho_symbols`)."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.binary import macho_symbols
from auditor.binary.macho_symbols import (
    SymbolTable,
    imports_of,
    merge_weak_bindings,
    read_bind_opcodes,
    read_chained_bindings,
    read_export_trie,
)
from auditor.facts.binary import Export

# -- bindings --------------------------------------------------------------------------------------------------------


def bound(stream: bytes, kind: str = "bind") -> tuple[list[tuple[bytes, int, bool]], list[str]]:
    """The bindings and the problems of an opcode stream."""
    problems: list[str] = []
    return list(read_bind_opcodes(stream, kind=kind, problems=problems)), problems


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"\x11\x40_a\0\x90\0", [(b"_a", 1, False)]),
        (b"\x20\x81\x01\x41_a\0\x90\0", [(b"_a", 129, True)]),
        (b"\x3e\x40_a\0\x51\x72\x80\x01\x60\x7f\x80\x08\xa0\x08\xb1\xc0\x02\x08\0", [(b"_a", -2, False)]),
        (b"\x30\x40_a\0\x90\x90\x3d\x90\0", [(b"_a", 0, False), (b"_a", -3, False)]),
        (b"\x11\x40_a\0\x90\0\x40_b\0\x90", [(b"_a", 1, False)]),
        (b"\xd0\x02\x11\x40_a\0\x90\x40_b\0\x90\xd1\0", [(b"_a", 1, False), (b"_b", 1, False)]),
        (b"\x11\x40_never bound\0\0", []),
        (b"", []),
    ],
)
def test_bind_opcodes(stream: bytes, expected: list[tuple[bytes, int, bool]]) -> None:
    """Each opcode moves the state of <mach-o/loader.h>, and only a DO_BIND binds."""
    assert bound(stream) == (expected, [])


def test_the_lazy_stream_goes_on_behind_done() -> None:
    """In the lazy stream DONE ends one symbol, elsewhere the stream."""
    stream = b"\x72\0\x11\x40_a\0\x90\0\x72\x08\x12\x40_b\0\x90\0\0"
    assert bound(stream, "lazy-bind") == ([(b"_a", 1, False), (b"_b", 2, False)], [])


def test_a_coalesced_symbol_that_is_bound_counts_once() -> None:
    """The weak stream adds only what is bound to no library and may be absent; a strong definition binds nothing."""
    weak, problems = bound(b"\x48_strong\0\x40_a\0\x90\x40_b\0\x90\0", "weak-bind")
    merged = merge_weak_bindings({(b"_a", 1, False): None}, dict.fromkeys(weak))
    assert (list(merged), problems) == ([(b"_a", 1, False), (b"_b", -3, True)], [])


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"\x11\x40_a\0\x90\xe0", "0xe0 is no bind opcode"),
        (b"\x11\x40_a\0\x90\x40no end", "subsection not found"),
        (b"\x11\x40_a\0\x90\x20\x80", "index out of range"),
        (b"\x11\x40_a\0\x90\x20" + b"\xff" * 12, "more than 64 bits"),
    ],
)
def test_opcode_garbage_keeps_what_was_bound(stream: bytes, reason: str) -> None:
    """A stream that breaks off keeps its first bindings and says why it ended."""
    bindings, (problem,) = bound(stream)
    assert bindings == [(b"_a", 1, False)]
    assert problem.startswith(f"the bind opcodes ({len(stream)} bytes) break off: ")
    assert reason in problem


def test_bound_symbols_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More symbols than the ceiling are a problem."""
    monkeypatch.setattr(macho_symbols, "MAX_SYMBOLS", 2)
    bindings, problems = bound(b"\x11\x40_a\0\x90\x40_b\0\x90\x40_c\0\x90\0")
    assert len(bindings) == 2
    assert problems == ["the bind opcodes bind more than 2 symbols"]


def test_an_ordinal_of_no_library_is_a_problem() -> None:
    """Ordinals behind the last library leave the import without one, and are said once."""
    problems: list[str] = []
    imports = imports_of([(b"_a", 3, False), (b"_b", 1, False)], ["one"], None, problems)
    assert [one.library for one in imports] == [None, "one"]
    assert problems == ["`a` is bound to library 3 of 1"]
    imports_of([(b"_a", 3, False), (b"_b", 4, False)], ["one"], None, problems)
    assert problems[1:] == ["`a` is bound to library 3 of 1, and 1 more are bound to none"]


def chained(count: int, layout: int, rows: bytes, names: bytes = b"\0_a\0", packing: int = 0) -> bytes:
    """A table of chained fixups without chains."""
    return struct.pack("<7I", 0, 28, 28, 28 + len(rows), count, layout, packing) + rows + names


@pytest.mark.parametrize(
    ("table", "bindings", "problem"),
    [
        (b"short", [], "the chained fixups have 5 bytes, fewer than their header"),
        (chained(0, 0, b""), [], None),
        (chained(1, 1, struct.pack("<I", 1 << 9 | 0xFD)), [(b"_a", -3, False)], None),
        (chained(1, 3, struct.pack("<QQ", 1 << 32 | 1 << 16 | 0xFFFE, 0)), [(b"_a", -2, True)], None),
        (chained(1, 4, bytes(8)), [], "the chained fixups have imports of format 4 and names of format 0"),
        (chained(1, 1, bytes(4), packing=1), [], "the chained fixups have imports of format 1 and names of format 1"),
        (
            chained(9, 1, struct.pack("<I", 1 << 9 | 2)),
            [(b"_a", 2, False)],
            "the chained fixups claim 9 imports; 2 are read",
        ),
        (
            chained(2, 1, struct.pack("<II", 1 << 9 | 2, 77 << 9)),
            [(b"_a", 2, False)],
            "the name of a chained import stands at byte 113 of 40",
        ),
    ],
)
def test_chained_imports(table: bytes, bindings: list[Any], problem: str | None) -> None:
    """Rows and names of <mach-o/fixup-chains.h>; whatever is wrong keeps the rows before it."""
    problems: list[str] = []
    read_bindings = read_chained_bindings(memoryview(table), "<", problems)
    assert problems[:1] == ([] if problem is None else [problem])
    assert list(read_bindings) == bindings


def test_chained_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that add up to more than the ceiling end the reading."""
    monkeypatch.setattr(macho_symbols, "MAX_NAMES", 3)
    problems: list[str] = []
    table = chained(2, 1, struct.pack("<II", 1 << 9 | 1, 1 << 9 | 2))
    assert list(read_chained_bindings(memoryview(table), "<", problems)) == [(b"_a", 1, False)]
    assert problems == ["the names of the chained imports have more than 3 bytes"]


# -- exports ---------------------------------------------------------------------------------------------------------


def exported(trie: bytes) -> tuple[list[Export], list[str]]:
    """The exports and the problems of a trie."""
    problems: list[str] = []
    return list(read_export_trie(trie, problems)), problems


def test_reexports_have_the_name_in_the_other_library() -> None:
    """A re-export forwards to its name in the library of its ordinal, and an empty name means the same one."""
    same = b"\x03\x08\x01\x00\x00"
    renamed = b"\x08\x08\x81\x00_oth\0\x00"
    trie = b"\x00\x02_a\0\x0a_b\0\x0f" + same + renamed
    assert exported(trie) == ([Export(symbol="a", forward="a"), Export(symbol="b", forward="oth")], [])
    assert {one.library for one in read_export_trie(trie, [], ["libone.dylib", "libtwo.dylib"])} == {"libone.dylib"}


def test_an_address_or_a_child_may_take_several_bytes() -> None:
    """Numbers of more than seven bits are read in full: flags, sizes, and offsets of children."""
    far = b"\x00\x01_a\0\x90\x01" + bytes(137) + b"\x84\x00\x84\x00\x80\x01\x00"
    assert exported(far) == ([Export(symbol="a", weak=True)], [])


@pytest.mark.parametrize(
    ("trie", "reason"),
    [
        (b"\x00\x01_a\0\x00", "the node at byte 0 is reached twice"),
        (b"\x00\x01_a\0\x7f", "index out of range"),
        (b"\x00\x01_a", "subsection not found"),
        (b"\x00\x01_a\0", "index out of range"),
        (b"\x7f", "index out of range"),
    ],
)
def test_a_broken_trie_ends(trie: bytes, reason: str) -> None:
    """Cycles and edges out of the trie end the walk with a reason."""
    exports, (problem,) = exported(trie)
    assert exports == []
    assert problem.startswith(f"the export trie ({len(trie)} bytes) breaks off: ")
    assert reason in problem


def test_an_empty_trie_exports_nothing() -> None:
    """A trie of no bytes is no fault: most programs have it so."""
    assert exported(b"") == ([], [])


def test_a_trie_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the number of exports nor the length of their names is without end."""
    trie = b"\x00\x02_a\0\x0a_b\0\x0e" + b"\x02\x00\x00\x00" * 2
    assert exported(trie) == ([Export(symbol="a"), Export(symbol="b")], [])
    monkeypatch.setattr(macho_symbols, "MAX_SYMBOLS", 1)
    assert exported(trie) == ([Export(symbol="a")], ["the export trie has more than 1 symbols"])
    monkeypatch.setattr(macho_symbols, "MAX_NAME", 1)
    assert "ceiling of 1 bytes" in exported(trie)[1][0]


# -- the symbol table ------------------------------------------------------------------------------------------------

NAMES = b"\0_a\0_b\0"


def symbols(*rows: tuple[int, int, int, int, int], problems: list[str] | None = None) -> SymbolTable:
    """A 64-bit symbol table: name, type, section, description and value of each row."""
    packed = b"".join(struct.pack("<IBBHQ", *row) for row in rows)
    return SymbolTable(
        memoryview(packed),
        memoryview(NAMES),
        order="<",
        bits=64,
        problems=[] if problems is None else problems,
    )


@pytest.mark.parametrize(
    ("row", "bindings", "exports"),
    [
        ((1, 0x01, 0, 0x0100, 0), [(b"_a", 1, False)], []),
        ((1, 0x01, 0, 0xFE40, 0), [(b"_a", -2, True)], []),
        ((1, 0x01, 0, 0xFF00, 0), [(b"_a", -1, False)], []),
        ((1, 0x0D, 0, 0x0200, 0), [(b"_a", 2, False)], []),
        ((1, 0x01, 0, 0x0000, 8), [], [Export(symbol="a")]),
        ((1, 0x0F, 1, 0x0080, 8), [], [Export(symbol="a", weak=True)]),
        ((1, 0x1F, 1, 0x0000, 8), [], []),
        ((1, 0x0E, 1, 0x0000, 8), [], []),
        ((1, 0x2F, 1, 0x0000, 8), [], []),
        ((1, 0x0B, 1, 0x0000, 4), [], [Export(symbol="a", forward="b")]),
    ],
)
def test_rows_of_the_symbol_table(row: tuple[int, int, int, int, int], bindings: list[Any], exports: list[Any]) -> None:
    """Undefined rows bind; common, defined and indirect ones export; private, local and debugging ones do neither."""
    table = symbols(row)
    assert list(table.bindings(two_level=True)) == bindings
    assert list(table.exports()) == exports


def test_a_name_outside_of_the_strings_ends_the_table() -> None:
    """A name behind the string table is a problem, and the rows before it stay."""
    problems: list[str] = []
    table = symbols((1, 1, 0, 0x100, 0), (99, 1, 0, 0x100, 0), (4, 1, 0, 0x100, 0), problems=problems)
    assert list(table.bindings(two_level=True)) == [(b"_a", 1, False)]
    assert problems == ["a symbol's name stands at byte 99 of 7 of the string table"]
    assert symbols((99, 0x0F, 1, 0, 8)).exports() == ()
    assert symbols((1, 0x0B, 1, 0, 99)).exports() == (Export(symbol="a"),)


def test_the_symbol_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither rows nor names are without end."""
    rows = ((1, 1, 0, 0x100, 0), (4, 1, 0, 0x100, 0))
    problems: list[str] = []
    monkeypatch.setattr(macho_symbols, "MAX_SYMBOLS", 1)
    assert list(symbols(*rows, problems=problems).bindings(two_level=True)) == [(b"_a", 1, False)]
    monkeypatch.setattr(macho_symbols, "MAX_SYMBOLS", 9)
    monkeypatch.setattr(macho_symbols, "MAX_NAMES", 3)
    assert list(symbols(*rows, problems=problems).bindings(two_level=True)) == [(b"_a", 1, False)]
    assert problems == [
        "the symbol table has more than 1 external symbols",
        "the names of the symbol table have more than 3 bytes",
    ]


# -- any bytes -------------------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(table=st.binary(max_size=200))
def test_garbage_tables_never_raise(table: bytes) -> None:
    """Each table reader ends on any bytes."""
    problems: list[str] = []
    read_export_trie(table, problems)
    for kind in ("bind", "weak-bind", "lazy-bind"):
        read_bind_opcodes(table, kind=kind, problems=problems)
    read_chained_bindings(memoryview(table), "<", problems)
    symbols = SymbolTable(memoryview(table), memoryview(table), order="<", bits=64, problems=problems)
    symbols.exports()
    imports_of(symbols.bindings(two_level=True), ["one"], None, problems)
    assert all(isinstance(problem, str) for problem in problems)
