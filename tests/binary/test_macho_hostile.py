"""Broken Mach-O files give a reason and keep what comes before the fault; no bytes raise."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.binary import macho_commands
from auditor.binary.macho import read_macho
from auditor.facts.binary import BinaryFormat
from tests.binary.macho_files import SPEC, SYSTEM, read
from tests.builders.macho import MachoSpec, build_macho, build_universal, replace


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xcf\xfa\xed\xfe" + bytes(20), "its header has 24 of 32 bytes"),
        (b"\xce\xfa\xed\xfe", "its header has 4 of 28 bytes"),
        (b"\0asm", "it starts with 00 61 73 6d, which no Mach-O file does"),
    ],
)
def test_a_file_without_a_header_has_a_reason(content: bytes, problem: str) -> None:
    """Where there is no header there is no slice, and the reason says what is there."""
    binary = read(content)
    assert (binary.slices, binary.problems) == ((), (problem,))


def test_a_truncated_file_keeps_its_load_commands() -> None:
    """With __LINKEDIT cut off the needed libraries stay, and the first missing byte is named."""
    content = build_macho(SPEC)
    binary = read(content[:-200])
    assert binary.problems[0] == (
        f"segment __LINKEDIT reaches to byte {len(content)}, behind the end ({len(content) - 200} bytes)"
    )
    assert [one.name for one in binary.slices[0].needed] == [SYSTEM, "@rpath/libdemo.dylib"]


def test_truncated_load_commands_keep_the_first_ones() -> None:
    """Load commands that reach behind the end are read as far as they go."""
    binary = read(build_macho(SPEC)[:400])
    assert "the load commands reach to byte" in binary.problems[0]
    assert binary.slices[0].arch == "arm64"


def test_a_broken_load_command_keeps_those_before_it() -> None:
    """A command that is shorter than its structure ends the reading with its number and the reason."""
    broken = struct.pack("<II", 0x8000001C, 4)
    content = build_macho(replace(SPEC, extra_commands=(broken + bytes(8),)))
    binary = read(content)
    assert binary.problems[0].startswith("load command ")
    assert "cannot be read" in binary.problems[0]
    assert binary.slices[0].needed[0].name == SYSTEM


def test_load_commands_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More bytes of load commands than the ceiling are not read."""
    monkeypatch.setattr(macho_commands, "MAX_COMMAND_BYTES", 200)
    assert "; 200 are read" in read(build_macho(SPEC)).problems[0]


def test_tables_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An opcode stream or a trie longer than the ceiling is read up to it."""
    monkeypatch.setattr(macho_commands, "MAX_TABLE", 4)
    assert "; 4 are read" in read(build_macho(SPEC)).problems[0]


def test_a_debug_companion_keeps_its_old_section_places() -> None:
    """The sections of a debug companion lie where the linked image had them: they say nothing of the file's end."""
    section = b"__debug".ljust(16, b"\0") + b"__DWARF".ljust(16, b"\0") + struct.pack("<QQ8I", 0, 9, 1 << 30, *[0] * 7)
    segment = struct.pack("<II16sQQQQiiII", 0x19, 152, b"__DWARF", 0, 0, 0, 0, 0, 0, 1, 0) + section
    assert read(build_macho(MachoSpec(file_type=10, extra_commands=(segment,)))).problems == ()
    bundle = read(build_macho(MachoSpec(extra_commands=(segment,))))
    assert "section __debug reaches to byte 1073741833" in bundle.problems[0]
    zero_filled = segment[:136] + struct.pack("<I", 1) + segment[140:]
    assert read(build_macho(MachoSpec(extra_commands=(zero_filled,)))).problems == ()


@pytest.mark.parametrize("fixups", ["opcodes", "chained", "absent"])
def test_every_truncation_gives_facts_or_a_problem(fixups: Any) -> None:
    """Cut at any 64th byte, the file is read without an exception, and never passes for a whole one."""
    thin = build_macho(replace(SPEC, fixups=fixups))
    for content in (thin, build_universal((thin, build_macho(replace(SPEC, cpu="x86_64"))))):
        for end in range(0, len(content), 64):
            assert read_macho("demo.so", memoryview(content[:end])).problems


@settings(max_examples=150, deadline=None)
@given(
    fixups=st.sampled_from(["opcodes", "chained", "absent"]),
    changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8),
    tail=st.booleans(),
)
def test_changed_bytes_never_raise(fixups: Any, changes: list[tuple[int, int]], tail: bool) -> None:
    """Any change of bytes in the commands or in __LINKEDIT gives facts, perhaps with problems."""
    content = bytearray(build_macho(replace(SPEC, fixups=fixups, signature="absent")))
    for place, value in changes:
        content[-1 - place % 400 if tail else place % 1200] = value
    assert read(bytes(content)).format is BinaryFormat.MACHO
