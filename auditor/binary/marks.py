"""What the build left in a native file: PyO3, rustc, Rust's debug profile, home directories, the list of crates.

A reader says where the read-only texts of the file are (`Places`); `find_marks` searches them in one pass. Debugging
sections, which are full of paths, are never searched. One pass takes 0.4 ms a megabyte of them. Whatever was trimmed is
not found: what is absent proves nothing.

Sources: the paths of Rust's panic locations (`core::panic::Location`) and of C's `__FILE__`; `/rustc/<commit>/`, to
which rustc maps the sources of its own libraries; the section `.dep-v0` of cargo-auditable (its PARSING.md).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from auditor.facts.build import BuildMarks, Crate

MAX_TEXT = 256 << 20
"""Bytes of read-only texts of one slice that are searched. The most in the corpus are 24 MB."""
MAX_MATCHES = 20_000
"""Matches of one slice that are looked at. The most in the corpus are 1,300."""
MAX_PATH = 300
"""Bytes of a path."""
MAX_BUILD_PATHS = 50
MAX_PATHS_OF_A_USER = 5
"""Paths below one home directory that are kept, so that those of a CI account do not crowd out all others."""
MAX_DEPENDENCY_LIST = 8 << 20
"""Bytes of cargo-auditable's list, compressed or not. That of uv has 567 crates in 60 KB."""
MAX_CRATES = 10_000

_SLASHED = re.compile(
    rb"/(?:rustc/(?P<commit>[0-9a-f]{40})/"
    rb"|pyo3-(?P<pyo3>\d+\.\d+\.\d+(?:-[\w.]+)?)/src"
    rb"|(?:home|[Uu]sers)/(?P<user>[\w.~\x80-\xff-][\w .~\x80-\xff-]{0,63})/)"
)
_BACKSLASHED = re.compile(
    rb"\\(?:rustc\\(?P<commit>[0-9a-f]{40})\\"
    rb"|pyo3-(?P<pyo3>\d+\.\d+\.\d+(?:-[\w.]+)?)\\src"
    rb"|[Uu]sers\\(?P<user>[\w.~\x80-\xff-][\w .~\x80-\xff-]{0,63})\\)"
)
"""All that is looked for, in one expression a separator: with one first byte `re` skips to it with `memchr`, which
makes one search of 0.36 ms a megabyte; with a set of two it takes 5.7 ms."""
_SOURCE = re.compile(
    rb"""[^\0-\x1f\x7f"'<>|*?:;,`]*?\.(?:rs(?!t)|(?:c|cc|cpp|cxx|c\+\+|h|hh|hpp|hxx|ipp|inl|inc|tcc|m|mm|cu|cuh|f|for|f90"""
    rb"""|pyx|pxd|pxi|go|swift|zig|pdb)(?![\w./\\+-]))""",
    re.IGNORECASE,
)
"""The rest of a path that leads to a source file or a program database. Rust's strings have no end of their own."""
_DRIVE = re.compile(rb"(?:^|[^A-Za-z])[A-Za-z]:\Z")
_RUSTC_COMMENT = re.compile(rb"rustc version (\S+)")
_PRECONDITION = re.compile(rb"unsafe precondition\(s\) violated: ")
_OVERFLOW = re.compile(rb"attempt to add with overflow")
"""What the debug profile compiles in: the checks of `debug_assertions` (rustc 1.78 and later) and of overflow."""


@dataclass(slots=True, kw_only=True)
class Places:
    """Where in a file the build may have left something."""

    texts: list[memoryview] = field(default_factory=list)
    """Read-only data: `.rodata`, `.rdata`, `__TEXT,__const` and `__TEXT,__cstring`."""
    comment: memoryview | None = None
    """ELF: `.comment`."""
    dependencies: memoryview | None = None
    """cargo-auditable's `.dep-v0`."""
    windows: bool = False
    """Whether paths may have backslashes."""


class _Package(msgspec.Struct):
    """An entry of cargo-auditable's list (its schema, `Package`)."""

    name: str
    version: str
    source: str
    kind: str = "runtime"
    root: bool = False


class _Packages(msgspec.Struct):
    packages: list[_Package]


def find_marks(places: Places) -> BuildMarks | None:
    """What the build left; None where nothing was found."""
    texts = _within_ceiling(places.texts)
    commit, pyo3, paths = _search(texts, windows=places.windows)
    rustc = _rustc_of_comment(places.comment) or commit
    crates, problem = ((), None) if places.dependencies is None else _read_dependencies(places.dependencies)
    marks = BuildMarks(
        rustc=rustc,
        rust_debug=(rustc or pyo3) is not None and _has_debug_checks(texts),
        pyo3=pyo3,
        crates=crates,
        problems=() if problem is None else (problem,),
        build_paths=paths,
    )
    return None if marks == BuildMarks() else marks


def _within_ceiling(texts: list[memoryview]) -> list[memoryview]:
    """The first `MAX_TEXT` bytes of all texts together: sections that share their bytes must not multiply the cost."""
    kept, room = [], MAX_TEXT
    for text in texts:
        kept.append(text[:room])
        room -= len(kept[-1])
    return kept


def _search(texts: list[memoryview], *, windows: bool) -> tuple[str | None, str | None, tuple[str, ...]]:
    """The commit of rustc, the version of PyO3, and the paths below home directories, sorted."""
    commit = pyo3 = None
    paths: dict[bytes, set[str]] = {}
    expressions = (_SLASHED, _BACKSLASHED) if windows else (_SLASHED,)
    found = ((text, match) for text in texts for one in expressions for match in one.finditer(text))
    for text, match in islice(found, MAX_MATCHES):
        if match["commit"]:
            commit = commit or match["commit"].decode()
        elif match["pyo3"]:
            pyo3 = pyo3 or match["pyo3"].decode()
        else:
            of_user = paths.setdefault(match["user"], set())
            if len(of_user) < MAX_PATHS_OF_A_USER and (path := _path_at(text, match)) is not None:
                of_user.add(path)
    below_home = sorted(path for of_user in paths.values() for path in of_user)
    return commit, pyo3, tuple(below_home[:MAX_BUILD_PATHS])


def _path_at(text: memoryview, match: re.Match[bytes]) -> str | None:
    """The path to a source file that begins with this home directory; None where it is no such path."""
    start = match.start()
    windows = _DRIVE.search(text[max(0, start - 3) : start]) is not None
    if windows:
        start -= 2
    elif b" " in match["user"] or b"\\" in match.group():
        return None
    rest = _SOURCE.match(text, match.end(), min(len(text), match.end() + MAX_PATH))
    if rest is None or (not windows and b" " in rest.group()):
        return None
    return bytes(text[start : rest.end()]).decode("utf-8", "backslashreplace")


def _rustc_of_comment(comment: memoryview | None) -> str | None:
    """The version of rustc in `.comment`, where a file linked from several languages names several compilers."""
    match = _RUSTC_COMMENT.search(comment[: 1 << 16]) if comment is not None else None
    return match[1].decode("ascii", "backslashreplace").rstrip("\0") if match else None


def _has_debug_checks(texts: list[memoryview]) -> bool:
    """Whether both kinds of checks of the debug profile are compiled in.

    One alone proves nothing: a release profile may turn overflow checks on. In no Rust file of the corpus, all of them
    releases, is there either; a debug build of a PyO3 module with one function has 21 preconditions.
    """
    wanted = (_PRECONDITION, _OVERFLOW)
    return all(any(one.search(text) for text in texts) for one in wanted)


def _read_dependencies(compressed: memoryview) -> tuple[tuple[Crate, ...], str | None]:
    """cargo-auditable's list, or why it cannot be read: zlib-compressed JSON, inflated up to a ceiling."""
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(compressed[:MAX_DEPENDENCY_LIST], MAX_DEPENDENCY_LIST)
        if not inflate.eof:
            return (), f"its list of crates (.dep-v0) has no end within {MAX_DEPENDENCY_LIST} bytes"
        packages = msgspec.json.decode(text, type=_Packages).packages
    except (zlib.error, msgspec.DecodeError, RecursionError) as error:
        return (), f"its list of crates (.dep-v0) cannot be read: {error}"
    if len(packages) > MAX_CRATES:
        return (), f"its list of crates (.dep-v0) has {len(packages)} entries; {MAX_CRATES} are read at the most"
    return tuple(
        Crate(name=one.name, version=one.version, source=one.source, build_only=one.kind == "build", root=one.root)
        for one in packages
    ), None
