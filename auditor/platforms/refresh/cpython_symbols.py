"""Rebuild data/cpython_symbols.txt.gz and data/stable_abi.txt.gz from distributions that pip downloads.

    python auditor/platforms/refresh/cpython_symbols.py --cache DIR           # write
    python auditor/platforms/refresh/cpython_symbols.py --cache DIR --check    # say whether the tables are up to date

Needs pip, the network, this project on the path (its readers of native files), and 700 MB for the downloads, which
`--cache` keeps. Nothing of the distributions is run: binaries and syntax are read. A refresh proposes; a person reads
the difference and commits it. For a new CPython: add its row to `LINUX`, then to `MACOS` and `WINDOWS` once they
have it, and its columns to `COLUMNS`, at the end: the bits of the table are the columns in their order.

What is read: freeze-core and cx_Freeze carry the CPython of the manylinux images, linked into a launcher that exports
all of it; freeze-core for macOS the framework of python.org; panda3d the DLLs of python.org; abi3info has CPython's
Misc/stable_abi.toml. What they cannot show is derived, each time towards more exports, so that a rule stays silent:

- The launchers before 3.11 leave out what they do not call (`LEFT_OUT`, held against whole builds of CPython).
- A free-threaded build exports what the GIL build of its version does, and more (measured for 3.14 and 3.15).
- Windows without a DLL to read: the Unix names without those that no DLL of 3.9 to 3.12 has, and the names that only
  DLLs have. 3.13 and 3.14, derived like that from each other, lack none of their DLL's names but `PyOS_CheckStack`.
- The DLLs may be of an older patch release than the launchers: they are given the newer names of the launchers.
"""

from __future__ import annotations

import ast
import hashlib
import io
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, NamedTuple

from elftools.elf.elffile import ELFFile

from auditor.binary import read_binary, recognise
from auditor.platforms.refresh._tables import DATA, Table, refresh

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYMBOLS = DATA / "cpython_symbols.txt.gz"
STABLE = DATA / "stable_abi.txt.gz"


class Source(NamedTuple):
    """A file in a wheel from PyPI."""

    requirement: str
    python: str
    abi: str
    platforms: tuple[str, ...]
    member: str


MANYLINUX = ("manylinux_2_17_x86_64", "manylinux2014_x86_64")
UNIVERSAL = ("macosx_10_13_universal2", "macosx_10_15_universal2")


def launcher(requirement: str, abi: str) -> Source:
    """The launcher in a manylinux wheel of freeze-core, or of cx_Freeze before it was split off."""
    package = "cx_Freeze" if requirement.startswith("cx_Freeze") else "freeze_core"
    digits = abi.removeprefix("cp")
    member = f"{package}/bases/console-cpython-{digits}-x86_64-linux-gnu"
    return Source(requirement, digits.rstrip("t"), abi, MANYLINUX, member)


def framework(requirement: str, abi: str) -> Source:
    """python.org's framework library in a macOS wheel of freeze-core."""
    return Source(requirement, abi.removeprefix("cp"), abi, UNIVERSAL, "freeze_core/bases/lib/Python")


def dll(requirement: str, abi: str) -> Source:
    """python.org's DLL in a Windows wheel of panda3d."""
    digits = abi.removeprefix("cp")
    return Source(requirement, digits, abi, ("win_amd64",), f"deploy_libs/python{digits}.dll")


COLUMNS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15", "3.13t", "3.14t", "3.15t")
LINUX = {
    "3.8": launcher("cx_Freeze==6.15.16", "cp38"),
    "3.9": launcher("cx_Freeze==6.15.16", "cp39"),
    "3.10": launcher("freeze-core==0.6.1", "cp310"),
    "3.11": launcher("freeze-core==0.8.1", "cp311"),
    "3.12": launcher("freeze-core==0.8.1", "cp312"),
    "3.13": launcher("freeze-core==0.8.1", "cp313"),
    "3.14": launcher("freeze-core==0.8.1", "cp314"),
    "3.15": launcher("freeze-core==0.8.1", "cp315"),
    "3.13t": launcher("freeze-core==0.6.1", "cp313t"),
    "3.14t": launcher("freeze-core==0.8.1", "cp314t"),
    "3.15t": launcher("freeze-core==0.8.1", "cp315t"),
}
MACOS = {
    "3.13": framework("freeze-core==0.8.1", "cp313"),
    "3.14": framework("freeze-core==0.8.1", "cp314"),
    "3.15": framework("freeze-core==0.8.1", "cp315"),
}
WINDOWS = {
    "3.8": dll("panda3d==1.10.16", "cp38"),
    "3.9": dll("panda3d==1.10.16", "cp39"),
    "3.10": dll("panda3d==1.10.16", "cp310"),
    "3.11": dll("panda3d==1.10.16", "cp311"),
    "3.12": dll("panda3d==1.10.16", "cp312"),
    "3.13": dll("panda3d==1.10.16", "cp313"),
    "3.14": dll("panda3d==1.10.16", "cp314"),
}
ABI3INFO = Source("abi3info==2026.9.25", "313", "cp313", ("any",), "abi3info/_internal.py")
_MAINS = {"Py_BytesMain", "Py_FrozenMain", "Py_Main", "Py_RunMain"}
LEFT_OUT = {
    "3.8": _MAINS | {"PyNode_ListTree", "PyFPE_counter", "PyFPE_dummy", "PyFPE_jbuf"},
    "3.9": _MAINS | {"PyNode_ListTree"},
    "3.10": _MAINS,
}
"""What libpython of 3.8.18, 3.9.18 and 3.10.13 exports and the launchers do not."""
SHOW_UNIX_ONLY = ("3.9", "3.10", "3.11", "3.12")
"""Versions whose DLLs were the last of python.org: what these lack does not belong to a later patch release."""
SHOW_WINDOWS_ONLY = ("3.13", "3.14")


class Download:
    """Files out of wheels, each wheel downloaded once; remembers their digests."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.digests: dict[str, str] = {}

    def read(self, source: Source) -> bytes:
        """The bytes of the file."""
        name = source.requirement.split("==")[0].replace("-", "_")
        directory = self.cache / f"{name}-{source.abi}-{source.platforms[0]}"
        if not list(directory.glob("*.whl")):
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
            command += ["--implementation", "cp", "--python-version", source.python, "--abi", source.abi]
            for platform in source.platforms:
                command += ["--platform", platform]
            subprocess.run([*command, "--dest", str(directory), source.requirement], check=True)
        (wheel,) = directory.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(source.member)
        self.digests[f"{wheel.name}:{source.member}"] = hashlib.sha256(content).hexdigest()
        return content

    def exports(self, source: Source) -> frozenset[str]:
        """The names of the C API that a native file exports: `Py*` and `_Py*` without initialisers of modules."""
        content = self.read(source)
        if content.startswith(b"\x7fELF"):
            names = elf_exports(content)
        else:
            binary = read_binary(source.member, memoryview(content), recognise(content[:64], len(content)))
            if binary.problems:
                sys.exit(f"{source.member} of {source.requirement}: {binary.problems[0]}")
            names = {export.symbol for part in binary.slices for export in part.exports}
        return frozenset(name for name in names if name.startswith(("Py", "_Py")) and not name.startswith("PyInit_"))


def elf_exports(content: bytes) -> set[str]:
    """The names that an ELF file defines for others, by its section headers.

    Our own reader goes by the segments, and those of some launchers were rewritten by a tool so that one ends within
    the page that the dynamic section lies in.
    """
    symbols = ELFFile(io.BytesIO(content)).get_section_by_name(".dynsym")
    return {
        symbol.name
        for symbol in symbols.iter_symbols()
        if symbol["st_shndx"] != "SHN_UNDEF" and symbol["st_info"]["bind"] in {"STB_GLOBAL", "STB_WEAK"}
    }


def unix_exports(download: Download) -> dict[str, frozenset[str]]:
    """Column -> what that CPython exports on Linux or macOS."""
    found: dict[str, frozenset[str]] = {}
    for column in COLUMNS:
        names = download.exports(LINUX[column]) | LEFT_OUT.get(column, frozenset())
        if column in MACOS:
            names |= download.exports(MACOS[column])
        found[column] = names | found.get(column.removesuffix("t"), frozenset())
    return found


def windows_exports(download: Download, unix: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Column -> what that CPython exports on Windows."""
    dlls = {column: download.exports(source) for column, source in WINDOWS.items()}
    everywhere = frozenset().union(*dlls.values())
    unix_only = frozenset().union(*(unix[column] for column in SHOW_UNIX_ONLY)) - everywhere
    windows_only = frozenset().union(*(dlls[column] - unix[column] for column in SHOW_WINDOWS_ONLY))
    found = {}
    for column in COLUMNS:
        gil = column.removesuffix("t")
        names = dlls.get(gil, windows_only)
        # 3.8 did not hide its private names on Unix, and did on Windows.
        found[column] = names if column == "3.8" else names | (unix[column] - unix_only)
    return found


def build_symbols(download: Download) -> str:
    """The columns; then a line a symbol: its name, its bits on Unix, and its bits on Windows where they differ."""
    unix = unix_exports(download)
    windows = windows_exports(download, unix)
    lines = [" ".join(COLUMNS)]
    for symbol in sorted(frozenset().union(*unix.values(), *windows.values())):
        masks = [
            sum(1 << bit for bit, column in enumerate(COLUMNS) if symbol in table[column]) for table in (unix, windows)
        ]
        lines.append(" ".join([symbol, *(f"{mask:x}" for mask in dict.fromkeys(masks))]))
    return "\n".join(lines) + "\n"


def build_stable(source: bytes) -> str:
    """A line a symbol: its name, the version that added it, its kind, its feature macro or `-`, and `abi_only`."""
    lines = []
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        kind = {"_FUNCTIONS": "function", "_DATAS": "data"}.get(statement.target.id)
        if kind is None or not isinstance(statement.value, ast.Dict):
            continue
        for call in statement.value.values:
            fields = keywords(call)
            added = keywords(fields["added"])
            version = f"{ast.literal_eval(added['major'])}.{ast.literal_eval(added['minor'])}"
            symbol = ast.literal_eval(keywords(fields["symbol"])["name"])
            macro = ast.literal_eval(keywords(fields["ifdef"])["name"]) if keywords(fields["ifdef"]) else "-"
            abi_only = ["abi_only"] if ast.literal_eval(fields["abi_only"]) else []
            lines.append(" ".join([symbol, version, kind, macro, *abi_only]))
    if not lines:
        sys.exit("abi3info no longer has its tables where they were")
    return "\n".join(sorted(lines)) + "\n"


def keywords(expression: ast.expr) -> dict[str, ast.expr]:
    """The keyword arguments of a call; empty for what is no call."""
    if not isinstance(expression, ast.Call):
        return {}
    return {keyword.arg: keyword.value for keyword in expression.keywords if keyword.arg}


def build_all(cache: Path) -> Iterator[Table]:
    """What each CPython exports, and what its stable ABI has."""
    download = Download(cache)
    text = build_symbols(download)
    yield Table(
        path=SYMBOLS,
        text=text,
        provenance={
            "source": "names exported by the CPythons in the wheels of cx_Freeze, freeze-core and panda3d",
            "version": sorted({one.requirement for table in (LINUX, MACOS, WINDOWS) for one in table.values()}),
            "licence": "PSF-2.0 (CPython); the names are facts",
            "derived": {
                "unix": dict.fromkeys(sorted(LEFT_OUT), "what its launcher leaves out")
                | {column: f"and all of {column[:-1]}" for column in COLUMNS if column.endswith("t")},
                "windows": {column: "from Unix" for column in COLUMNS if column not in WINDOWS},
            },
            "source_sha256": dict(sorted(download.digests.items())),
        },
    )
    info = Download(cache)
    text = build_stable(info.read(ABI3INFO))
    yield Table(
        path=STABLE,
        text=text,
        provenance={
            "source": "abi3info/_internal.py of the abi3info distribution, made from CPython's Misc/stable_abi.toml",
            "version": ABI3INFO.requirement.split("==")[1],
            "licence": "MIT",
            "source_sha256": next(iter(info.digests.values())),
        },
    )


if __name__ == "__main__":
    raise SystemExit(refresh(__file__, __doc__, build_all))
