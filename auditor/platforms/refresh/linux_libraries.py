"""Rebuild the tables of what Linux's system libraries export from Debian's packages.

    python auditor/platforms/refresh/linux_libraries.py               # write
    python auditor/platforms/refresh/linux_libraries.py --check       # say whether the committed tables are up to date
    python auditor/platforms/refresh/linux_libraries.py --cache DIR   # keep package lists and packages in DIR

Needs apt-get, dpkg-deb and a Debian archive in the machine's APT sources; APT's own state is left alone. Takes three
minutes and 350 MB, most of it package lists. A refresh proposes; a person reads the difference and commits it.

A table is text: `library SONAME`, the version nodes that the library defines, then one line of architectures with
the nodes under which each exports the symbols of the line after it. `*` stands for every architecture.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import sys
import tarfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from auditor.binary import RECOGNISE_BYTES, read_binary, recognise
from auditor.facts.archive import ContentKind
from auditor.facts.binary import ElfDetail
from auditor.platforms import glibc
from auditor.platforms.refresh._tables import DATA, Table, refresh

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEBIAN = {
    "x86_64": "amd64",
    "i686": "i386",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "ppc64le": "ppc64el",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "loongarch64": "loong64",
}
"""Architecture as platform tags spell it -> as Debian spells it."""
SUITE = "sid"
MUSL_SUITES = ("bullseye", "bookworm", "trixie", SUITE)
"""musl 1.2.2, 1.2.3, 1.2.5 and 1.2.6. A suite may lack an architecture."""
GLIBC = ("libc6",)
COMPILER = ("libstdc++6", "libgcc-s1", "libatomic1")
POLICY = ("zlib1g", "libexpat1")
EVERYWHERE = ("libx11-6", "libxext6", "libxrender1", "libice6", "libsm6", "libgl1", "libglib2.0-0t64")
"""Libraries without version nodes that export the same names on each architecture: x86-64 speaks for all."""
ANY = "*"

NOT_MUSL = frozenset({"fts_children", "fts_close", "fts_open", "fts_read", "fts_set"})
"""What Debian's patches add (BSD's fts, which is a library of its own elsewhere)."""
SINCE_1_2 = frozenset(
    {"_Fork", "gettid", "reallocarray", "tcgetwinsize", "tcsetwinsize"}  # 1.2.2
    | {"pthread_getname_np", "qsort_r"}  # 1.2.3
    | {"preadv2", "pwritev2", "statx"}  # 1.2.5
    | {"__getauxval", "posix_getdents", "renameat2"}  # 1.2.6
)
"""What 1.2 added to 1.1.24 (musl's release notes). The archive has no 1.1 any more: builds of 1.1.24 and 1.2.2 from
source differ in just this on x86-64, and on i386 in the names of 64-bit time besides; none was ever taken away."""
TIME64 = re.compile(r"__\w+64(_r)?", re.ASCII)
"""The names of 64-bit time, on 32-bit architectures from 1.2.0 on: `__stat_time64`, `__gmtime64_r`."""
LFS64 = re.compile(r"\w+64(_r)?", re.ASCII)
"""The names of large-file support, which 1.2.4 took away from what one links to: `open64`, `readdir64_r`."""


class Exported(NamedTuple):
    """One symbol of one library on one architecture."""

    library: str
    symbol: str
    arch: str
    node: str
    """The version node, or nothing."""


class Exports:
    """What the libraries of one data file export, and the version nodes that they define."""

    def __init__(self) -> None:
        self.exports: set[Exported] = set()
        self.defines: dict[tuple[str, str], tuple[str, ...]] = {}

    def text(self) -> str:
        """The table in its written form, in one order."""
        return "".join(line for library in sorted({soname for soname, _ in self.defines}) for line in self._of(library))

    def _of(self, library: str) -> Iterator[str]:
        """The lines about one library."""
        defines = {arch: nodes for (soname, arch), nodes in self.defines.items() if soname == library}
        yield f"library {library}\ndefines {pattern(defines, ())}\n"
        nodes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for _, symbol, arch, node in sorted(one for one in self.exports if one.library == library):
            nodes[symbol][arch].append(node)
        groups: dict[str, list[str]] = defaultdict(list)
        for symbol, by_arch in nodes.items():
            groups[pattern({arch: tuple(found) for arch, found in by_arch.items()}, defines)].append(symbol)
        for shown, symbols in sorted(groups.items(), key=lambda group: group[1]):
            yield f"{shown}\n {' '.join(symbols)}\n"


def pattern(nodes: dict[str, tuple[str, ...]], everywhere: Iterable[str]) -> str:
    """`arch=node,node` for each architecture; one `*=` where all of `everywhere` have the same nodes."""
    if set(nodes) == set(everywhere) and len(set(nodes.values())) == 1:
        return f"{ANY}={','.join(next(iter(nodes.values())))}"
    order = [*DEBIAN, ANY]
    return " ".join(
        f"{arch}={','.join(found)}" for arch, found in sorted(nodes.items(), key=lambda one: order.index(one[0]))
    )


class Archive:
    """Debian's packages by way of the machine's APT sources, with lists of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.digests: dict[str, str] = {}
        """File name -> SHA-256 of every package that was read."""
        targets = run("apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)", "Created-By: Packages")
        mirrors = [line.split()[2] for line in targets.splitlines() if line.startswith("Debian Debian ")]
        if not mirrors:
            sys.exit("the machine's APT sources have no Debian archive (run `apt-get update` first)")
        keys = next(iter(Path("/usr/share/keyrings").glob("debian-archive-keyring.*")), None)
        signed = f"Signed-By: {keys}\n" if keys else ""
        suites = " ".join(MUSL_SUITES)
        (folder / "sources").mkdir(parents=True, exist_ok=True)
        (folder / "sources" / "debian.sources").write_text(
            f"Types: deb\nURIs: {mirrors[0]}\nSuites: {suites}\nComponents: main\n{signed}", "utf-8"
        )
        (folder / "status").touch()

    def _apt(self, arch: str, *arguments: str, within: Path) -> None:
        lists = self.folder / "lists" / arch
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        options = {
            "Dir::State": self.folder,
            "Dir::State::status": self.folder / "status",
            "Dir::State::Lists": lists,
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Etc::SourceList": "/dev/null",
            "Dir::Etc::SourceParts": self.folder / "sources",
            "APT::Architecture": DEBIAN[arch],
            "APT::Architectures": DEBIAN[arch],
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        }
        run("apt-get", *(f"-o{name}={option}" for name, option in options.items()), *arguments, within=within)

    def packages(self, arch: str, wanted: list[tuple[str, str]]) -> dict[tuple[str, str], Path]:
        """The packages (name, suite) of one architecture, fetched; those that the suite has not are left out."""
        found = {}
        missing = []
        for name, suite in wanted:
            folder = self.folder / "packages" / arch / suite
            folder.mkdir(parents=True, exist_ok=True)
            files = list(folder.glob(f"{name}_*.deb"))
            if not files:
                missing.append((name, suite))
        if missing and not list((self.folder / "lists" / arch).glob("*Packages*")):
            self._apt(arch, "update", within=self.folder)
        for suite in dict.fromkeys(suite for _, suite in missing):
            names = [f"{name}/{suite}" for name, of in missing if of == suite]
            try:
                self._apt(arch, "download", *names, within=self.folder / "packages" / arch / suite)
            except subprocess.CalledProcessError as error:
                if suite == SUITE or "was not found" not in error.stderr:
                    sys.exit(f"apt-get on {arch}: {error.stderr}")
        for name, suite in wanted:
            for file in (self.folder / "packages" / arch / suite).glob(f"{name}_*.deb"):
                found[name, suite] = file
                self.digests[file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found


def run(*command: str, within: Path | None = None) -> str:
    """The output of a program."""
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=within).stdout


def libraries(package: Path) -> Iterator[tuple[str, frozenset[tuple[str, str]], tuple[str, ...]]]:
    """SONAME (else file name), (symbol, node) pairs and defined nodes of each shared library of a package."""
    tar = subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(tar)) as members:
        for member in members:
            stream = members.extractfile(member) if member.isfile() and ".so" in member.name else None
            content = stream.read() if stream else b""
            if recognise(content[:RECOGNISE_BYTES], len(content)) is not ContentKind.ELF:
                continue
            binary = read_binary(member.name, memoryview(content), ContentKind.ELF)
            (part,) = binary.slices
            if binary.problems or not isinstance(part.detail, ElfDetail):
                sys.exit(f"{package.name}: {member.name}: {binary.problems}")
            # A node is a symbol of its own name as well, by which linkers know it.
            pairs = frozenset((one.symbol, one.version or "") for one in part.exports if one.symbol != one.version)
            yield part.identity or Path(member.name).name, pairs, part.detail.version_definitions


def listed(package: Path) -> dict[str, frozenset[tuple[str, str]]]:
    """The (symbol, node) pairs of each SONAME in the package's symbols file, a second witness (deb-symbols(5))."""
    try:
        text = run("dpkg-deb", "-I", str(package), "symbols")
    except subprocess.CalledProcessError:
        return {}
    found: dict[str, set[tuple[str, str]]] = {}
    soname = ""
    for line in text.splitlines():
        if line[:1] not in {" ", "|", "*", "#"}:
            soname = line.split()[0]
        elif line.startswith(" "):
            symbol, _, node = line.split()[0].partition("@")
            if symbol != node:
                found.setdefault(soname, set()).add((symbol, "" if node == "Base" else node))
    return {name: frozenset(pairs) for name, pairs in found.items()}


def add_package(table: Exports, package: Path, arch: str, *, only_glibc: bool = False) -> None:
    """Put what a package exports into the table, and hold it against the package's own list."""
    second = listed(package)
    for soname, pairs, defines in libraries(package):
        if (only_glibc and not glibc.is_glibc_library(soname)) or (not only_glibc and soname not in policy_libraries()):
            continue
        lost = second.get(soname, frozenset()) - pairs
        if lost:
            sys.exit(f"{package.name}: {soname} has no {sorted(lost)[:5]} of its symbols file")
        table.defines[soname, arch] = tuple(sorted(defines, key=natural))
        table.exports |= {Exported(soname, symbol, arch, node) for symbol, node in pairs}


def natural(node: str) -> list[tuple[int, str]]:
    """A key that sorts `GLIBC_2.4` before `GLIBC_2.34`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", node)]


def policy_libraries() -> frozenset[str]:
    """The libraries that some manylinux policy allows."""
    return frozenset().union(*(policy.libraries for policy in glibc.policies()))


def add_musl(table: Exports, by_arch: dict[str, frozenset[str]]) -> None:
    """Put musl's names into the table, with the releases as nodes, from all names that 1.2 had on each architecture."""
    large_files = {name for name in by_arch["x86_64"] if LFS64.fullmatch(name)}
    for arch, names in by_arch.items():
        releases = ("1.2",) if arch == "loongarch64" else ("1.1", "1.2")
        table.defines["libc.so", arch] = releases
        for symbol in (names | large_files) - NOT_MUSL:
            added = symbol in SINCE_1_2 or (symbol not in by_arch["x86_64"] and TIME64.fullmatch(symbol) is not None)
            table.exports |= {
                Exported("libc.so", symbol, arch, release) for release in releases if not (added and release == "1.1")
            }


def build(archive: Archive) -> dict[str, tuple[str, list[str]]]:
    """The text of each table with the names of the packages that it was made from."""
    tables = {name: Exports() for name in ("glibc", "compiler_libraries", "policy_libraries", "musl")}
    sources: dict[str, list[str]] = {name: [] for name in tables}
    musl: dict[str, frozenset[str]] = {}
    for arch in DEBIAN:
        plain = (*GLIBC, *COMPILER, *POLICY, *(EVERYWHERE if arch == "x86_64" else ()))
        wanted = [(name, SUITE) for name in plain] + [("musl", suite) for suite in MUSL_SUITES]
        for (name, _), package in archive.packages(arch, wanted).items():
            kind = {GLIBC: "glibc", COMPILER: "compiler_libraries", ("musl",): "musl"}
            table = next((of for names, of in kind.items() if name in names), "policy_libraries")
            sources[table].append(package.name)
            if name == "musl":
                names = frozenset(symbol for _, pairs, _ in libraries(package) for symbol, _ in pairs)
                musl[arch] = musl.get(arch, frozenset()) | names
            else:
                add_package(tables[table], package, ANY if name in EVERYWHERE else arch, only_glibc=name in GLIBC)
    add_musl(tables["musl"], musl)
    return {name: (table.text(), sources[name]) for name, table in tables.items()}


def build_all(cache: Path) -> Iterator[Table]:
    """All tables, from the packages of one archive."""
    archive = Archive(cache)
    for name, (text, sources) in build(archive).items():
        provenance: dict[str, object] = {
            "source": "dynamic symbol tables of the libraries in Debian's packages",
            "version": sorted(sources),
            "licence": "names and versions of symbols: facts",
            "source_sha256": {source: archive.digests[source] for source in sorted(sources)},
        }
        yield Table(path=DATA / f"{name}.txt.gz", text=text, provenance=provenance)


if __name__ == "__main__":
    raise SystemExit(refresh(__file__, __doc__, build_all))
