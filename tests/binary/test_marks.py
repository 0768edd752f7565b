"""What the build left in a file becomes facts: `auditor.binary.marks` and the sections that each format hands to it."""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.binary import marks, read_binary
from auditor.binary.marks import Places, find_marks
from auditor.facts.archive import ContentKind
from auditor.facts.build import BuildMarks, Crate
from tests.builders.elf import ElfSpec, build_elf
from tests.builders.macho import MachoSpec, build_macho
from tests.builders.pe import PeSpec, build_pe

if TYPE_CHECKING:
    from auditor.facts.binary import Slice

COMMIT = "0ef1bc386059596dada8fb65b50425aab2ea637a"
RUSTC = f"/rustc/{COMMIT}/library/core/src/str/mod.rs".encode()
PYO3 = b"/root/.cargo/registry/src/index-1/pyo3-0.22.5/src/err/mod.rs"
PRECONDITION = b"unsafe precondition(s) violated: ptr::offset requires the address calculation to not overflow"
OVERFLOW = b"attempt to add with overflow"
CRATES = (
    Crate(name="demo", version="0.1.0", source="local", root=True),
    Crate(name="cc", version="1.2.3", source="crates.io", build_only=True),
    Crate(name="libc", version="0.2.1", source="crates.io"),
)
PACKAGES = [
    {"name": "demo", "version": "0.1.0", "source": "local", "root": True, "dependencies": [1, 2]},
    {"name": "cc", "version": "1.2.3", "source": "crates.io", "kind": "build"},
    {"name": "libc", "version": "0.2.1", "source": "crates.io"},
]


def dependency_list(packages: object = PACKAGES) -> bytes:
    """The content of `.dep-v0` (cargo-auditable, PARSING.md)."""
    return zlib.compress(json.dumps({"packages": packages}).encode())


def of_text(*texts: bytes, windows: bool = False) -> BuildMarks:
    """What is found in read-only texts."""
    found = find_marks(Places(texts=[memoryview(text) for text in texts], windows=windows))
    return found if found is not None else BuildMarks()


def the_slice(content: bytes, kind: ContentKind) -> Slice:
    """The one slice of a file without a problem."""
    binary = read_binary("demo/_core.so", memoryview(content), kind)
    assert not binary.problems
    (part,) = binary.slices
    return part


def elf_slice(**changes: object) -> Slice:
    """An ELF file."""
    return the_slice(build_elf(ElfSpec(**changes)), ContentKind.ELF)  # type: ignore[arg-type]


def pe_slice(**changes: object) -> Slice:
    """A PE file."""
    return the_slice(build_pe(PeSpec(**changes)), ContentKind.PE)  # type: ignore[arg-type]


def renamed_macho(content: bytes, segment: bytes, section: bytes) -> Slice:
    """A Mach-O file whose `__TEXT,__const` has this content, and this name in the section header."""
    file = build_macho(MachoSpec(rodata=content))
    before, after = (
        b"".join(name.ljust(16, b"\0") for name in names) for names in ((b"__const", b"__TEXT"), (section, segment))
    )
    assert file.count(before) == 1
    return the_slice(file.replace(before, after), ContentKind.MACHO)


def test_nothing_left_gives_no_record() -> None:
    """A file in which nothing was found has no marks at all."""
    assert find_marks(Places()) is None
    assert find_marks(Places(texts=[memoryview(b"nothing /to/see.c")])) is None
    assert elf_slice(rodata=b"hello").marks is None
    assert pe_slice(rodata=b"hello").marks is None


@pytest.mark.parametrize(
    ("text", "windows", "rustc", "pyo3"),
    [
        (RUSTC, False, COMMIT, None),
        (b"/rustc/short/library/core/src/a.rs", False, None, None),
        (f"/rustc/{COMMIT}\\library\\core\\src\\a.rs".encode(), True, None, None),
        (f"/rustc/{COMMIT}/library\\core\\src\\a.rs".encode(), True, COMMIT, None),
        (f"\\rustc\\{COMMIT}\\library\\core\\src\\a.rs".encode(), True, COMMIT, None),
        (PYO3, False, None, "0.22.5"),
        (b"/x/pyo3-0.23.0-rc.1/src/lib.rs", False, None, "0.23.0-rc.1"),
        (b"C:\\x\\pyo3-0.30.1\\src\\lib.rs", True, None, "0.30.1"),
        (b"C:\\x\\pyo3-0.30.1\\src\\lib.rs", False, None, None),
        (b"/x/pyo3-ffi-0.22.5/src/lib.rs", False, None, None),
        (b"/x/pyo3-0.22.5/tests/lib.rs", False, None, None),
    ],
)
def test_paths_of_rust_sources_name_rustc_and_pyo3(
    text: bytes, windows: bool, rustc: str | None, pyo3: str | None
) -> None:
    """The commit of rustc and the version of PyO3 stand in the paths of panic locations."""
    found = of_text(b"before", text, windows=windows)
    assert (found.rustc, found.pyo3) == (rustc, pyo3)


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (b"/home/bob/demo/src/lib.rsassertion failed", ("/home/bob/demo/src/lib.rs",)),
        (b"\0/home/bob/demo/core.cpp\0", ("/home/bob/demo/core.cpp",)),
        (b"/home/bob/.cargo/registry/x/a.rs", ("/home/bob/.cargo/registry/x/a.rs",)),
        (b"/Users/bob/demo/core.pyx\0", ("/Users/bob/demo/core.pyx",)),
        (b"C:\\Users\\bob\\demo\\core.pdb\0", ("C:\\Users\\bob\\demo\\core.pdb",)),
        (b"\0d:/Users/bob/demo/core.h\0", ("d:/Users/bob/demo/core.h",)),
        (b"c:\\users\\Bob Doe\\my demo\\core.c\0", ("c:\\users\\Bob Doe\\my demo\\core.c",)),
        ("/home/jürgen/demo.c\0".encode(), ("/home/jürgen/demo.c",)),
        ("C:\\Users\\Ärger\\demo.c\0".encode(), ("C:\\Users\\Ärger\\demo.c",)),
        (b"/home/b\xff/demo.c\0", ("/home/b\\xff/demo.c",)),
        (b"/home/bob/a.c\0/home/bob/a.c\0/home/al/b.c\0", ("/home/al/b.c", "/home/bob/a.c")),
        (b"see /home/bob/readme.txt for more\0", ()),
        (b"/home/bob/notes and core.c\0", ()),
        (b"/home/my user/core.c\0", ()),
        (b"/home/bob/README.rst\0", ()),
        (b"/home/bob/core.c.orig\0", ()),
        (b"/home/bob/", ()),
        (b"/home//core.c\0", ()),
        (b"/home/bob/" + b"a" * 400 + b".c\0", ()),
        (b"https://demo.example/Users/bob/page.html\0", ()),
        (b"\\Users\\bob\\core.c\0", ()),
    ],
)
def test_home_directories_are_found_by_their_sources(text: bytes, paths: tuple[str, ...]) -> None:
    """A path below a home directory counts where it leads to a source file, each once, sorted."""
    assert of_text(text, windows=True).build_paths == paths


def test_one_account_does_not_crowd_out_another() -> None:
    """Of a thousand paths of one account a few are kept, and all of the next account's."""
    text = b"".join(b"/home/runner/%04d.rs\0" % number for number in range(1000)) + b"/home/bob/core.c\0"
    found = of_text(text).build_paths
    assert found[0] == "/home/bob/core.c"
    assert len(found) == 1 + marks.MAX_PATHS_OF_A_USER
    many = b"".join(b"/home/u%04d/a.c\0" % number for number in range(1000))
    assert len(of_text(many).build_paths) == marks.MAX_BUILD_PATHS


def test_ceilings_of_the_search_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the ceilings of bytes and of matches nothing is found."""
    monkeypatch.setattr(marks, "MAX_TEXT", 30)
    assert of_text(b"x" * 30, PYO3) == BuildMarks()
    assert of_text(b"x" * 20 + PYO3) == BuildMarks()
    monkeypatch.undo()
    monkeypatch.setattr(marks, "MAX_MATCHES", 2)
    assert of_text(RUSTC + b"\0" + RUSTC + b"\0" + PYO3).pyo3 is None


@pytest.mark.parametrize(
    ("texts", "debug"),
    [
        ((RUSTC, PRECONDITION, OVERFLOW), True),
        ((PYO3 + PRECONDITION + OVERFLOW,), True),
        ((RUSTC, PRECONDITION), False),
        ((RUSTC, OVERFLOW), False),
        ((PRECONDITION, OVERFLOW), False),
    ],
)
def test_both_kinds_of_checks_make_a_debug_build(texts: tuple[bytes, ...], debug: bool) -> None:
    """Debug assertions and overflow checks together are the mark of the debug profile, in what rustc built."""
    assert of_text(*texts).rust_debug is debug


@pytest.mark.parametrize(
    ("comment", "rustc"),
    [
        (b"GCC: (GNU) 10\0rustc version 1.96.0 (ac68faa 2026-05-25)\0", "1.96.0"),
        (b"rustc version 1.102.0-nightly (1 2)\0", "1.102.0-nightly"),
        (b"GCC: (GNU) 10\0", COMMIT),
        (b"", COMMIT),
    ],
)
def test_the_comment_of_an_elf_file_names_rustc(comment: bytes, rustc: str) -> None:
    """The version in `.comment` goes before the commit in a path."""
    found = elf_slice(rodata=RUSTC, extra_sections={".comment": comment}).marks
    assert found is not None
    assert found.rustc == rustc


def test_elf_sections_are_searched() -> None:
    """Read-only data and the list of crates are read; debugging sections are not, and are counted."""
    part = elf_slice(rodata=PYO3, extra_sections={".dep-v0": dependency_list(), ".debug_str": RUSTC})
    assert part.marks == BuildMarks(pyo3="0.22.5", crates=CRATES)
    assert part.detail.debug_size == len(RUSTC)
    assert elf_slice(rodata=PYO3, section_headers=False).marks is None


def test_pe_sections_are_searched() -> None:
    """`.rdata` and the list of crates are read; debugging sections are counted."""
    extra = {".dep-v0": dependency_list(), ".debug_s": RUSTC}
    part = pe_slice(rodata=b"\0" + PYO3.replace(b"/", b"\\"), extra_sections=extra)
    assert part.marks == BuildMarks(pyo3="0.22.5", crates=CRATES)
    assert part.detail.debug_size == len(RUSTC)


@pytest.mark.parametrize(
    ("name", "strings", "size"), [("/4", True, 7), ("/99", True, 0), ("/x", True, 0), ("/4", False, 0)]
)
def test_long_names_of_pe_sections_are_looked_up(name: str, strings: bool, size: int) -> None:
    """A name of more than eight bytes stands in the string table behind the symbol table, where there is one."""
    file = bytearray(build_pe(PeSpec(extra_sections={name: b"7 bytes"})))
    table = len(file)
    file += struct.pack("<I", 16) + b".debug_info\0"
    if strings:
        (header,) = struct.unpack_from("<I", file, 60)
        struct.pack_into("<II", file, header + 12, table, 0)
    assert the_slice(bytes(file), ContentKind.PE).detail.debug_size == size


@pytest.mark.parametrize(
    ("segment", "section", "content", "expected"),
    [
        (b"__TEXT", b"__const", PYO3, BuildMarks(pyo3="0.22.5")),
        (b"__TEXT", b"__cstring", PYO3, BuildMarks(pyo3="0.22.5")),
        (b"__DATA", b"__const", PYO3, None),
        (b"__DATA", b".dep-v0", dependency_list(), BuildMarks(crates=CRATES)),
    ],
)
def test_macho_sections_are_searched(
    segment: bytes, section: bytes, content: bytes, expected: BuildMarks | None
) -> None:
    """Constants, C strings and the list of crates are read; other sections are not."""
    assert renamed_macho(content, segment, section).marks == expected


def test_macho_debugging_segment_is_counted() -> None:
    """The sections of `__DWARF` are debugging information."""
    assert renamed_macho(b"12345", b"__DWARF", b"__debug_info").detail.debug_size == 5
    assert renamed_macho(b"12345", b"__TEXT", b"__const").detail.debug_size == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no zlib", "cannot be read"),
        (dependency_list()[:-5], "has no end"),
        (zlib.compress(b"no json"), "cannot be read"),
        (zlib.compress(b"[" * 100_000), "cannot be read"),
        (zlib.compress(b'{"packages": 1}'), "cannot be read"),
        (dependency_list([{"name": "demo"}]), "cannot be read"),
        (zlib.compress(bytes(9 << 20)), "has no end within"),
        (dependency_list([PACKAGES[2]] * 10_001), "has 10001 entries"),
    ],
    ids=["zlib", "cut", "json", "deep", "shape", "fields", "bomb", "many"],
)
def test_a_broken_list_of_crates_has_a_reason(content: bytes, problem: str) -> None:
    """What is no list, or too large a one, gives no crates and the reason."""
    found = find_marks(Places(dependencies=memoryview(content)))
    assert found is not None
    assert found.crates == ()
    (reason,) = found.problems
    assert problem in reason


@given(st.binary(max_size=300), st.booleans(), st.sampled_from([b"/home/", b"C:\\Users\\", b"/rustc/", b"\\pyo3-"]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_marks(content: bytes, windows: bool, start: bytes) -> None:
    """No bytes make the search fail."""
    text = memoryview(start + content)
    find_marks(Places(texts=[text], comment=text, dependencies=text, windows=windows))
