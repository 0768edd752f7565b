"""`read_wheel`: one wheel -> its facts, each member inflated once and nothing written anywhere."""

from __future__ import annotations

import functools
import io
import os
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO

from auditor.archive import dist_info, python_source, sboms, startup
from auditor.archive.attestations import attestations_beside
from auditor.archive.inflate import DEFLATED, STORED, Content, read_content
from auditor.archive.names import parse_name, spoken_names, stem
from auditor.archive.source import FileSource, open_path, sha256
from auditor.archive.zip import Entry, read_framing
from auditor.archive.zip_records import FLAG_ENCRYPTED, FLAG_PATCHED, FLAG_STRONG_ENCRYPTION
from auditor.binary import has_pe_signature, is_named_pe, read_binary, recognise
from auditor.facts.archive import NATIVE_KINDS, Anomaly, AnomalyKind, ContentKind, Digest, Member
from auditor.facts.wheel import WheelFacts, WheelName

if TYPE_CHECKING:
    from auditor.archive.anomalies import Anomalies
    from auditor.archive.source import Source, WheelSource
    from auditor.facts.attestation import Attestation
    from auditor.facts.binary import Binary
    from auditor.facts.dist_info import Record
    from auditor.facts.sbom import Sbom

MAX_RATIO = 50
"""Content is read up to this many times the size of the wheel: PyPI's bound for a ZIP bomb ..."""
MIN_BUDGET = 64 << 20
"""... and up to this many bytes in any case, as PyPI does."""
MAX_NATIVE_SIZE = 2 << 30
"""Bytes of a native file that are held in memory. The largest known has 1.1 GB."""
_MAX_REREADING = 2
"""Compressed data is read up to this many times the size of the wheel. Members that do not overlap need it once."""
_UNREADABLE = FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_PATCHED
_SOURCES = (".py", ".pye")
_LIBRARY = re.compile(r"\.(so|dylib|dll)(\.[\d.]+)?$", re.IGNORECASE)
_REQUIREMENT = re.compile(rb"^Requires-Dist:[ \t]*([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE | re.IGNORECASE)
_MAX_HEADER = 1 << 20
"""Bytes of METADATA in which requirements are looked for: the description follows them."""
_UNIX = 3
_ALGORITHMS = frozenset({"sha224", "sha256", "sha384", "sha512", "md5", "sha1", "blake2b", "blake2s"})
"""What RECORD may name and hashlib always has with a digest of fixed length."""


def read_wheel(source: WheelSource, *, filename: str | None = None) -> WheelFacts:
    """Read the facts of one wheel.

    `source` is a path, the bytes of the wheel, or a seekable binary file object. The file name carries most of a
    wheel's promises, so for bytes it must be given; for a file object it defaults to the last part of its `name`.

    Raises `PathNotFoundError` and `UnreadableError` (see `auditor.errors`) where the bytes cannot be had, and
    `ValueError` where no file name is known. Whatever the bytes hold, it returns.
    """
    if isinstance(source, bytes):
        return _read(FileSource(io.BytesIO(source), filename or ""), _known(filename), _known(filename))
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        opened = open_path(path)
        try:
            return _read(opened, path, filename or PurePath(path).name, attestations_beside(path))
        finally:
            opened.close()
    label = filename or _file_label(source)
    return _read(FileSource(source, label), label, PurePath(label).name)


def _known(filename: str | None) -> str:
    """The file name, which bytes alone do not carry."""
    if not filename:
        raise ValueError("the bytes of a wheel need the file name beside them: read_wheel(data, filename=...)")
    return filename


def _file_label(file: BinaryIO) -> str:
    """The name that a file object was opened under."""
    return _known(name if isinstance(name := getattr(file, "name", None), str) else None)


def _read(source: Source, path: str, filename: str, attestations: tuple[Attestation, ...] = ()) -> WheelFacts:
    """Walk the framing, then read every member."""
    digest = sha256(source)
    framing = read_framing(source)
    name = parse_name(filename)
    directories = dist_info.dist_info_directories(entry.name for entry in framing.entries)
    chosen = choose_dist_info(directories, name)
    reader = _MemberReader(source, framing.entries, framing.anomalies, chosen)
    record = reader.read_record()
    if name is not None and "none" in name.abi.split("."):
        reader.watch_imports()
    members = {index: reader.read(index) for index in reader.order()}
    texts = reader.texts
    return WheelFacts(
        path=path,
        filename=filename,
        size=source.size,
        attestations=attestations,
        sha256=digest,
        name=name,
        members=tuple(members[index] for index in range(len(framing.entries))),
        anomalies=tuple(framing.anomalies),
        dist_info=chosen,
        dist_infos=directories,
        wheel_file=dist_info.parse_wheel_file(texts["WHEEL"]) if "WHEEL" in texts else None,
        metadata=dist_info.parse_metadata(texts["METADATA"]) if "METADATA" in texts else None,
        record=record,
        entry_points=dist_info.parse_entry_points(texts["entry_points.txt"]) if "entry_points.txt" in texts else None,
        guarded_imports=tuple(sorted(reader.guarded - reader.unguarded)),
        sboms=tuple(sorted(reader.sboms, key=lambda sbom: sbom.member)),
        binaries=tuple(sorted(reader.binaries, key=lambda binary: binary.member)),
    )


def choose_dist_info(directories: tuple[str, ...], name: WheelName | None) -> str | None:
    """The dist-info directory to read: the one that the file name spells, else the one that installers find."""
    if name is not None:
        exact = f"{name.prefix}.dist-info"
        if exact in directories:
            return exact
        alike = _comparable(name.distribution)
        for directory in directories:
            if _comparable(directory.rpartition(".")[0].partition("-")[0]) == alike:
                return directory
    return directories[0] if directories else None


def _comparable(distribution: str) -> str:
    """A distribution name with the differences taken out that normalisation takes out (PEP 503)."""
    return re.sub(r"[-_.]+", "_", distribution).lower()


class _MemberReader:
    """Reads member after member and collects what is kept of them."""

    def __init__(self, source: Source, entries: list[Entry], anomalies: Anomalies, directory: str | None) -> None:
        self._source = source
        self._entries = entries
        self._anomalies = anomalies
        self._allowance = max(MIN_BUDGET, MAX_RATIO * source.size)
        self._budget = self._allowance
        self._input_budget = _MAX_REREADING * source.size
        self._ceilings: set[str] = set()
        self._algorithms: dict[str, set[str]] = {}
        self._watched: frozenset[bytes] = frozenset()
        self._texts_at = {} if directory is None else self._find_texts(directory)
        self._sboms_below = f"{directory}/{sboms.DIRECTORY}/" if directory is not None else None
        self._before_metadata = frozenset() if directory is None else self._find_rivals(f"{directory}/METADATA")
        self._record_content: Content | None = None
        self.guarded: set[str] = set()
        self.unguarded: set[str] = set()
        self.texts: dict[str, bytes] = {}
        self.binaries: list[Binary] = []
        self.sboms: list[Sbom] = []

    def _find_texts(self, directory: str) -> dict[int, str]:
        """Index -> name of the dist-info files that are parsed; of two with one name the last, as installers do."""
        indices = {entry.name: index for index, entry in enumerate(self._entries)}
        found = {indices[path]: name for name in dist_info.MAX_TEXT_SIZES if (path := f"{directory}/{name}") in indices}
        for index, name in list(found.items()):
            size = self._entries[index].central.size
            if size > dist_info.MAX_TEXT_SIZES[name]:
                detail = f"it has {size} bytes; {dist_info.MAX_TEXT_SIZES[name]} are read at the most"
                self._note(self._entries[index], AnomalyKind.CEILING, detail)
                del found[index]
        return found

    def _find_rivals(self, metadata: str) -> frozenset[str]:
        """The members that twine looks at before METADATA (its `find_candidate_metadata_files`)."""
        names = (entry.name for entry in self._entries if "METADATA" in entry.name and not entry.name.endswith("/"))
        return frozenset(name for name in names if dist_info.twine_order(name) < dist_info.twine_order(metadata))

    def _names_a_version(self, entry: Entry, content: Content | None) -> bool:
        """Whether twine would take a member for METADATA: it looks at it before, and the words are there."""
        if entry.name not in self._before_metadata or content is None or content.kept is None:
            return False
        return b"Metadata-Version" in bytes(content.kept)

    def watch_imports(self) -> None:
        """Look out for imports of the native modules, by the last part of their names."""
        files = (entry.name.rpartition("/")[2] for entry in self._entries if entry.name.endswith((".so", ".pyd")))
        self._watched = frozenset(name.partition(".")[0].encode() for name in files)

    @functools.cached_property
    def _library_names(self) -> frozenset[bytes]:
        """The stems of the names of what may be native libraries, the directories that they lie in, and what the
        required distributions may be called. METADATA has been read by then (`order`)."""
        requirements = _REQUIREMENT.findall(self.texts.get("METADATA", b"")[:_MAX_HEADER])
        found = {name for one in requirements for name in spoken_names(one.decode("ascii"))}
        for entry in self._entries:
            if _LIBRARY.search(entry.name):
                directory = entry.name.lower().rpartition("/")[0]
                found |= {stem(entry.name), directory.rpartition("/")[2]}
        return frozenset(name.encode("utf-8", "surrogatepass") for name in found)

    def read_record(self) -> Record | None:
        """Read RECORD before all else: it says which digests of the other members are wanted."""
        index = next((index for index, name in self._texts_at.items() if name == "RECORD"), None)
        if index is None:
            return None
        content = self._content(index, frozenset({"sha256"}))
        self._record_content = content
        if content is None or content.kept is None or content.problem is not None or content.exhausted:
            return None
        record = dist_info.parse_record(bytes(content.kept))
        for row in record.rows:
            algorithm = row.hash.partition("=")[0]
            if algorithm != "sha256" and algorithm in _ALGORITHMS:
                self._algorithms.setdefault(row.path, set()).add(algorithm)
        return record

    def order(self) -> list[int]:
        """The members in the order of the file, so that reading it is one sweep; what must not be missed comes first.

        A budget that some bomb uses up has then served the texts of the dist-info.
        """
        offsets = [entry.central.header_offset for entry in self._entries]
        return sorted(range(len(offsets)), key=lambda index: (index not in self._texts_at, offsets[index]))

    def read(self, index: int) -> Member:
        """The facts of one member; its text or its binary is collected on the way."""
        entry = self._entries[index]
        central = entry.central
        if self._record_content is not None and self._texts_at.get(index) == "RECORD":
            content: Content | None = self._record_content
        else:
            content = self._content(index, frozenset({"sha256"} | self._algorithms.get(entry.name, set())))
        kind = ContentKind.UNREAD
        if content is not None and content.problem is None and not content.exhausted:
            kind = self._collect(index, content)
            self._check(entry, content)
        return Member(
            name=entry.name,
            index=index,
            header_offset=central.header_offset,
            compressed_size=central.compressed_size,
            size=central.size,
            crc=central.crc,
            method=central.method,
            flags=central.flags,
            mode=central.external_attributes >> 16 if central.made_by_system == _UNIX else 0,
            date_time=_date_time(central.date, central.time),
            content=kind,
            inflated_size=content.size if content is not None else None,
            content_crc=content.crc if content is not None else None,
            digests=_digests(content),
            metadata_version=self._names_a_version(entry, content),
            **self._look_into(entry, content, kind),
        )

    def _content(self, index: int, algorithms: frozenset[str]) -> Content | None:
        """Inflate one member; None where that cannot even be tried."""
        entry = self._entries[index]
        central = entry.central
        if entry.data_offset is None or central.flags & _UNREADABLE:
            return None
        if central.method not in {STORED, DEFLATED}:
            return None
        readable = max(0, min(central.compressed_size, self._source.size - entry.data_offset))
        if readable > self._input_budget:
            self._note_once(entry, "the members overlap: together their data is more than twice the file")
            return None
        if self._budget < 0:
            return None
        content = read_content(
            self._source,
            entry.data_offset,
            central.compressed_size,
            central.size,
            central.method,
            budget=self._budget,
            algorithms=algorithms,
            keep=lambda start: self._is_wanted(index, start),
        )
        self._budget -= content.cost
        self._input_budget -= readable
        if content.problem is not None:
            self._note(entry, AnomalyKind.STREAM, content.problem)
        if content.exhausted:
            size = self._allowance
            detail = f"the members inflate to more than {size} bytes, {MAX_RATIO} times the size of the wheel"
            self._note_once(entry, detail)
        return content

    def _note_once(self, entry: Entry, detail: str) -> None:
        """Record a ceiling for all members together, at the first member that it struck."""
        if detail not in self._ceilings:
            self._ceilings.add(detail)
            self._note(entry, AnomalyKind.CEILING, detail)

    def _is_wanted(self, index: int, start: bytes) -> bool:
        """Whether the content is needed: a native file, or one of the dist-info files that are parsed."""
        entry = self._entries[index]
        if index in self._texts_at:
            return True
        if self._is_sbom(entry):
            if entry.central.size > sboms.MAX_SIZE:
                detail = f"it has {entry.central.size} bytes; {sboms.MAX_SIZE} are read at the most"
                self._note(entry, AnomalyKind.CEILING, detail)
            return entry.central.size <= sboms.MAX_SIZE
        if entry.name in self._before_metadata and entry.central.size <= dist_info.MAX_TEXT_SIZES["METADATA"]:
            return True
        if entry.name.endswith(_SOURCES):
            return entry.central.size <= python_source.MAX_SOURCE_SIZE
        if entry.name.endswith(startup.SUFFIXES):
            return entry.central.size <= startup.MAX_SIZE
        if recognise(start, entry.central.size) not in NATIVE_KINDS:
            return False
        if entry.central.size > MAX_NATIVE_SIZE:
            detail = f"it has {entry.central.size} bytes; native files are read up to {MAX_NATIVE_SIZE}"
            self._note(entry, AnomalyKind.CEILING, detail)
            return False
        return True

    def _is_sbom(self, entry: Entry) -> bool:
        """Whether a member is a file below the `sboms` directory (PEP 770)."""
        below = self._sboms_below
        return below is not None and entry.name.startswith(below) and not entry.name.endswith("/")

    def _collect(self, index: int, content: Content) -> ContentKind:
        """Keep the text, or read the binary, and say what kind of content it is."""
        kind = recognise(content.start, content.size)
        if content.kept is None:
            return kind
        if kind is ContentKind.PE and not is_named_pe(self._entries[index].name) and not has_pe_signature(content.kept):
            return ContentKind.OTHER  # text or data that happens to begin with MZ
        if index in self._texts_at:
            self.texts[self._texts_at[index]] = bytes(content.kept)
        elif self._is_sbom(self._entries[index]):
            self.sboms.append(sboms.parse_sbom(self._entries[index].name, bytes(content.kept)))
        elif kind in NATIVE_KINDS:
            self.binaries.append(read_binary(self._entries[index].name, content.kept, kind))
        return kind

    def _check(self, entry: Entry, content: Content) -> None:
        """Record where the content is not what the central directory declares."""
        central = entry.central
        if content.size != central.size:
            detail = f"it inflates to {content.size} bytes; {central.size} are declared"
            self._note(entry, AnomalyKind.INFLATE_SIZE, detail)
        if content.trailing:
            detail = f"{content.trailing} bytes follow the end of its deflate stream"
            self._note(entry, AnomalyKind.INFLATE_SIZE, detail)
        if content.crc != central.crc:
            detail = f"its content has the CRC {content.crc:08x}; the archive says {central.crc:08x}"
            self._note(entry, AnomalyKind.CRC, detail)

    def _look_into(self, entry: Entry, content: Content | None, kind: ContentKind) -> dict[str, Any]:
        """The facts that only some texts have: Python sources, start-up files, scripts."""
        if content is None:
            return {}
        if content.kept is not None and entry.name.endswith(_SOURCES):
            source = bytes(content.kept)
            if self._watched:
                for word, guarded in python_source.imports(source, self._watched):
                    (self.guarded if guarded else self.unguarded).add(word.decode())
            loads = python_source.loads_libraries(source)
            return {
                "loads_libraries": loads,
                "loaded_names": python_source.loaded_names(source, self._library_names) if loads else (),
                "obfuscator": python_source.obfuscator(source),
            }
        if content.kept is not None and entry.name.endswith(startup.SUFFIXES):
            return {"startup_lines": startup.startup_lines(entry.name, bytes(content.kept))}
        if kind is ContentKind.OTHER and (".data/scripts/" in entry.name or entry.name.lower().endswith(".pdb")):
            return {"first_line": startup.first_line(content.start)}
        return {}

    def _note(self, entry: Entry, kind: AnomalyKind, detail: str) -> None:
        """Record an anomaly of a member."""
        anomaly = Anomaly(kind=kind, detail=detail, member=entry.name, offset=entry.central.header_offset)
        self._anomalies.append(anomaly)


def _digests(content: Content | None) -> tuple[Digest, ...]:
    """The digests of a content that was read to its end."""
    if content is None or content.problem is not None or content.exhausted:
        return ()
    return tuple(Digest(algorithm=algorithm, hexdigest=digest) for algorithm, digest in sorted(content.digests.items()))


def _date_time(date: int, time: int) -> tuple[int, int, int, int, int, int]:
    """The DOS date and time as numbers, which may be no date at all (APPNOTE 4.4.6)."""
    return (
        1980 + (date >> 9),
        date >> 5 & 0x0F,
        date & 0x1F,
        time >> 11,
        time >> 5 & 0x3F,
        (time & 0x1F) * 2,
    )
