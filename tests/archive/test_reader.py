"""One wheel gives its facts, from a path, bytes or a file object: `auditor.archive.reader`."""

from __future__ import annotations

import hashlib
import io
import time
import tracemalloc
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from auditor.archive import dist_info, reader
from auditor.archive.names import parse_name
from auditor.archive.reader import choose_dist_info, read_wheel
from auditor.errors import PathNotFoundError, UnreadableError
from auditor.facts.archive import AnomalyKind, ContentKind
from auditor.facts.binary import BinaryFormat
from tests.archive.archives import FILENAME, found
from tests.builders.elf import ElfSpec, build_elf
from tests.builders.extension import clean_elf, extension_wheel
from tests.builders.macho import MachoSpec, build_macho
from tests.builders.pe import PeSpec, build_pe
from tests.builders.wheel import DEMO, Member, WheelSpec, build_wheel, wheel_entries
from tests.builders.zipraw import CentralFields, LocalFields, ZipEntry, ZipLayout, build_zip

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.facts.wheel import WheelFacts

INFO = "demo-1.0.dist-info"
WHEEL = build_wheel(DEMO)
MEBIBYTE = 1 << 20


def read(spec: WheelSpec) -> WheelFacts:
    """The facts of a wheel that is built from this."""
    wheel = build_wheel(spec)
    return read_wheel(wheel.data, filename=wheel.filename)


def with_members(**changes: bytes | Member) -> WheelSpec:
    """The demo wheel with more members."""
    return replace(DEMO, members={**DEMO.members, **changes})


def read_with(members: dict[str, bytes | Member], **changes: object) -> WheelFacts:
    """The facts of the demo wheel with these members."""
    return read(replace(DEMO, members={**DEMO.members, **members}, **changes))  # type: ignore[arg-type]


def test_the_demo_wheel_has_its_facts() -> None:
    """Everything that a wheel without a fault holds is there, and nothing is wrong with it."""
    facts = read(replace(DEMO, entry_points="[console_scripts]\ndemo = demo:main\n"))
    assert facts.filename == facts.path == FILENAME
    assert facts.name is not None
    assert facts.name.prefix == "demo-1.0"
    assert [member.name for member in facts.members] == [
        "demo/__init__.py",
        f"{INFO}/licenses/LICENSE",
        f"{INFO}/entry_points.txt",
        f"{INFO}/METADATA",
        f"{INFO}/WHEEL",
        f"{INFO}/RECORD",
    ]
    assert [member.index for member in facts.members] == list(range(6))
    assert (facts.anomalies, facts.binaries, facts.guarded_imports) == ((), (), ())
    assert (facts.dist_info, facts.dist_infos) == (INFO, (INFO,))
    assert facts.wheel_file is not None
    assert facts.wheel_file.tags == ("py3-none-any",)
    assert facts.metadata is not None
    assert facts.metadata.first("Name") == "demo"
    assert facts.metadata.description == "A demo project.\n"
    assert facts.record is not None
    assert [row.path for row in facts.record.rows] == [member.name for member in facts.members]
    assert facts.entry_points is not None
    assert [entry.value for entry in facts.entry_points.entries] == ["demo:main"]


def test_size_and_digest_are_of_the_file() -> None:
    """The wheel as a whole has its size and SHA-256."""
    facts = read_wheel(WHEEL.data, filename=WHEEL.filename)
    assert (facts.size, facts.sha256) == (len(WHEEL.data), hashlib.sha256(WHEEL.data).hexdigest())


def test_every_source_gives_the_same_facts(tmp_path: Path) -> None:
    """A path, a path object, the bytes and a file object differ in the path alone."""
    path = WHEEL.write(tmp_path)
    with path.open("rb") as file:
        by_file = read_wheel(file)
    by_path = read_wheel(str(path))
    by_path_object = read_wheel(path)
    by_bytes = read_wheel(WHEEL.data, filename=WHEEL.filename)
    by_buffer = read_wheel(io.BytesIO(WHEEL.data), filename=WHEEL.filename)
    assert by_path == by_path_object == by_file
    assert by_bytes == by_buffer
    assert (by_path.path, by_bytes.path) == (str(path), FILENAME)
    assert by_path.filename == by_bytes.filename
    assert by_path.members == by_bytes.members


def test_a_given_file_name_wins(tmp_path: Path) -> None:
    """What the wheel is called may be said beside a path or a file object."""
    path = tmp_path / "download.tmp"
    path.write_bytes(WHEEL.data)
    assert read_wheel(path).name is None
    facts = read_wheel(path, filename=FILENAME)
    assert (facts.filename, facts.path) == (FILENAME, str(path))
    assert facts.name is not None
    with path.open("rb") as file:
        assert read_wheel(file, filename=f"dist/{FILENAME}").filename == FILENAME


def test_bytes_without_a_name_are_refused() -> None:
    """Most promises stand in the file name: without one there is nothing to audit."""
    with pytest.raises(ValueError, match="need the file name"):
        read_wheel(WHEEL.data)
    with pytest.raises(ValueError, match="need the file name"):
        read_wheel(io.BytesIO(WHEEL.data))
    with pytest.raises(ValueError, match="need the file name"):
        read_wheel(WHEEL.data, filename="")


def test_what_cannot_be_had_is_an_error(tmp_path: Path) -> None:
    """A missing path and a directory are no facts but errors."""
    with pytest.raises(PathNotFoundError):
        read_wheel(tmp_path / FILENAME)
    with pytest.raises(UnreadableError):
        read_wheel(tmp_path)


@pytest.mark.parametrize("after", [0, 1, 3, 6])
def test_a_file_object_that_fails_is_an_error(after: int) -> None:
    """An I/O error at any read is ours, and names the wheel."""

    class Failing(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1, /) -> bytes:
            self.reads += 1
            if self.reads > after:
                raise OSError(5, "Input/output error")
            return super().read(size)

    with pytest.raises(UnreadableError) as caught:
        read_wheel(Failing(WHEEL.data), filename=FILENAME)
    assert (caught.value.path, caught.value.reason) == (FILENAME, "Input/output error")


def test_a_file_is_closed_when_it_was_opened_here(tmp_path: Path) -> None:
    """The reader leaves no file open, and closes none that it was given."""
    path = WHEEL.write(tmp_path)
    read_wheel(path)
    with path.open("rb") as file:
        read_wheel(file)
        assert not file.closed


@pytest.mark.parametrize(
    ("directories", "filename", "chosen"),
    [
        ((), FILENAME, None),
        (("demo-1.0.dist-info",), FILENAME, "demo-1.0.dist-info"),
        (("other-1.0.dist-info", "demo-1.0.dist-info"), FILENAME, "demo-1.0.dist-info"),
        (("other-1.0.dist-info", "Demo-2.0.dist-info"), FILENAME, "Demo-2.0.dist-info"),
        (("a-1.dist-info", "My.Demo-1.dist-info"), "my_demo-1-py3-none-any.whl", "My.Demo-1.dist-info"),
        (("a-1.dist-info", "my_demo-1.dist-info"), "My__Demo-1-py3-none-any.whl", "my_demo-1.dist-info"),
        (("other-1.0.dist-info", "another-1.0.dist-info"), FILENAME, "other-1.0.dist-info"),
        (("other-1.0.dist-info",), "nonsense.zip", "other-1.0.dist-info"),
        ((), "nonsense.zip", None),
    ],
)
def test_the_dist_info_is_the_one_of_the_file_name(
    directories: tuple[str, ...], filename: str, chosen: str | None
) -> None:
    """The exact spelling comes first, then the same project, then whatever there is."""
    assert choose_dist_info(directories, parse_name(filename)) == chosen


@pytest.mark.parametrize("name", ["METADATA", "WHEEL", "RECORD", "entry_points.txt"])
def test_an_empty_text_is_there(name: str) -> None:
    """A text of no bytes is a file without fields, which is not the same as no file."""
    facts = read_with({f"{INFO}/{name}": b""})
    texts = {
        "METADATA": facts.metadata,
        "WHEEL": facts.wheel_file,
        "RECORD": facts.record,
        "entry_points.txt": facts.entry_points,
    }
    assert texts[name] is not None


def test_a_wheel_without_texts_has_none() -> None:
    """What is not in the archive is None."""
    facts = read(replace(DEMO, metadata=None, wheel_file=None, record=None, license_text=None))
    assert (facts.dist_info, facts.metadata, facts.wheel_file, facts.record) == (None, None, None, None)
    stray = read(replace(DEMO, members={"None/RECORD": b"a,,\n"}, metadata=None, wheel_file=None, record=None))
    assert stray.record is None


def test_only_texts_of_the_chosen_directory_are_read() -> None:
    """A METADATA elsewhere is a member like any other."""
    facts = read_with({"other-1.0.dist-info/METADATA": b"Name: other\n", f"{INFO}/sub/WHEEL": b"A: 1\n"})
    assert facts.metadata is not None
    assert facts.metadata.first("Name") == "demo"


@pytest.mark.parametrize("order", [None, (0, 1, 2, 4, 3, 5), (5, 4, 3, 2, 1, 0)])
def test_of_two_texts_the_last_of_the_directory_counts(order: tuple[int, ...] | None) -> None:
    """Of members with one name installers read the one that the central directory lists last, wherever it lies."""
    again = ZipEntry(name=f"{INFO}/WHEEL", content=b"Tag: second\n")
    spec = replace(DEMO, wheel_file="Tag: first\n", extra_entries=(again,), layout=ZipLayout(central_order=order))
    facts = read(spec)
    last = [member for member in facts.members if member.name == f"{INFO}/WHEEL"][-1]
    assert facts.wheel_file is not None
    wanted = "second" if last.digest("sha256") == hashlib.sha256(again.content).hexdigest() else "first"
    assert facts.wheel_file.tags == (wanted,)


def test_record_says_which_digests_are_computed() -> None:
    """A digest that RECORD names is computed beside SHA-256; a name that hashlib lacks, or shakes, is not."""
    names = ("sha512", "md5", "shake_128", "nonsense", "blake2b")
    content = b"x"
    rows = {f"{name}.txt": f"{name}.txt,{name}=AA,1" for name in names}
    facts = read_with({f"{name}.txt": content for name in names}, record_rows=rows)
    by_name = {member.name: [digest.algorithm for digest in member.digests] for member in facts.members}
    assert by_name["sha512.txt"] == ["sha256", "sha512"]
    assert by_name["md5.txt"] == ["md5", "sha256"]
    assert by_name["blake2b.txt"] == ["blake2b", "sha256"]
    assert by_name["shake_128.txt"] == by_name["nonsense.txt"] == ["sha256"]
    member = next(member for member in facts.members if member.name == "sha512.txt")
    assert member.digest("sha512") == hashlib.sha512(content).hexdigest()


def test_members_know_what_they_are_by_their_first_bytes() -> None:
    """The suffix has no say in what a member is."""
    facts = read_with(
        {
            "empty.so": b"",
            "text.so": b"INPUT(libm.so)",
            "elf.txt": build_elf(ElfSpec()),
            "macho.py": build_macho(MachoSpec()),
            "pe": build_pe(PeSpec()),
            "library.a": b"!<arch>\n" + bytes(60),
            "module.wasm": b"\0asm\1\0\0\0",
            "encrypted": Member(content=b"x", local=LocalFields(flags=1), central=CentralFields(flags=1)),
            "broken": Member(content=b"x", payload=b"\xff"),
        }
    )
    kinds = {member.name: member.content for member in facts.members}
    assert kinds["empty.so"] is ContentKind.EMPTY
    assert kinds["text.so"] is ContentKind.OTHER
    assert (kinds["elf.txt"], kinds["macho.py"], kinds["pe"]) == (ContentKind.ELF, ContentKind.MACHO, ContentKind.PE)
    assert (kinds["library.a"], kinds["module.wasm"]) == (ContentKind.AR, ContentKind.WASM)
    assert kinds["encrypted"] is kinds["broken"] is ContentKind.UNREAD
    assert [(binary.member, binary.format) for binary in facts.binaries] == [
        ("elf.txt", BinaryFormat.ELF),
        ("macho.py", BinaryFormat.MACHO),
        ("pe", BinaryFormat.PE),
    ]


def test_what_was_not_read_has_no_digest() -> None:
    """An encrypted or broken member has no facts about its content that could be taken for its own."""
    facts = read_with(
        {
            "encrypted": Member(content=b"x", local=LocalFields(flags=1), central=CentralFields(flags=1)),
            "broken": Member(content=b"x" * 99, payload=b"\xff"),
            "method": Member(content=b"x", method=14),
            "missing": Member(content=b"x", in_local=False, central=CentralFields(offset=0xFFFFFFF0)),
        }
    )
    unread = [member for member in facts.members if member.content is ContentKind.UNREAD]
    assert [member.name for member in unread] == ["encrypted", "broken", "method", "missing"]
    assert all(member.digests == () for member in unread)
    assert [member.inflated_size for member in unread] == [None, 0, None, None]


def test_binaries_are_sorted_by_name() -> None:
    """Binaries come in the order of their names, members in that of the directory."""
    elf = build_elf(ElfSpec())
    facts = read_with({"z.so": elf, "a.so": elf, "m.so": elf})
    assert [binary.member for binary in facts.binaries] == ["a.so", "m.so", "z.so"]
    assert [member.name for member in facts.members if member.content is ContentKind.ELF] == ["z.so", "a.so", "m.so"]


def test_the_time_of_a_member_is_as_written() -> None:
    """DOS date and time come out as numbers, which need be no date."""
    fields = CentralFields(date=(44 << 9) | (15 << 5) | 31, time=(31 << 11) | (63 << 5) | 31)
    entry = ZipEntry(name="x", local=LocalFields(date=fields.date, time=fields.time), central=fields)
    facts = read_wheel(build_zip([entry]), filename=FILENAME)
    assert facts.members[0].date_time == (2024, 15, 31, 31, 63, 62)


def test_a_mode_of_another_system_is_none() -> None:
    """Only Unix writes a mode into the upper half of the attributes."""
    entry = ZipEntry(name="x", mode=0o100755, central=CentralFields(version_made_by=20))
    assert read_wheel(build_zip([entry]), filename=FILENAME).members[0].mode == 0


def test_a_file_that_twine_looks_at_before_metadata_is_looked_into() -> None:
    """Whether it has the words is a fact of what comes before METADATA; a native file there is read all the same."""
    words = b"Metadata-Version: 2.1\n"
    members = {
        "METADATA.txt": words,
        "a/METADATA": b"x" + words,
        "a/METADATA.so": b"\x7fELF" + words,
        "a/METADATA.py": b"# " + words,
        "a/METADATA.toml": b"version = 1\n",
        "a/METADATA.big": words + b" " * dist_info.MAX_TEXT_SIZES["METADATA"],
        "a/other": words,
        "demo-1.0x/METADATA": words,
        "a/b/METADATA": words,
    }
    facts = read(replace(DEMO, members={**DEMO.members, **members}))
    found = [member.name for member in facts.members if member.metadata_version]
    assert found == ["METADATA.txt", "a/METADATA", "a/METADATA.so", "a/METADATA.py"]
    assert [binary.member for binary in facts.binaries] == ["a/METADATA.so"]


def test_guarded_imports_are_found_under_the_tag_none() -> None:
    """Under the ABI tag `none` a native module that is only ever imported in a `try` is told."""
    guarded = b"try:\n    from demo import _fast, _both\nexcept ImportError:\n    pass\n"
    members: dict[str, bytes | Member] = {
        "demo/_fast.so": b"x",
        "demo/_both.cpython-311-x86_64-linux-gnu.so": b"x",
        "demo/_hard.pyd": b"x",
        "demo/__init__.py": guarded,
        "demo/other.py": b"import demo._both\nfrom . import (\n    _hard,\n)\n",
    }
    assert read_with(members).guarded_imports == ("_fast",)
    assert read_with(members, python="cp311", abi="cp311").guarded_imports == ()
    assert read_with(members, filename="nonsense.whl", dist_info=INFO).guarded_imports == ()


def test_a_source_that_loads_libraries_is_told() -> None:
    """Only Python sources are looked at, and only up to their ceiling."""
    facts = read_with(
        {
            "a.py": b"ctypes.CDLL('x')",
            "b.py": b"pass",
            "c.txt": b"ctypes.CDLL('x')",
            "d.py": b"ctypes.CDLL('x')" + b"#" * (5 * MEBIBYTE),
            "e.py": Member(content=b"ctypes.CDLL('x')", payload=b"\xff"),
        }
    )
    assert [member.name for member in facts.members if member.loads_libraries] == ["a.py"]


@pytest.mark.parametrize("name", ["RECORD", "METADATA", "WHEEL", "entry_points.txt"])
def test_a_text_too_large_is_a_ceiling(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text beyond its ceiling is told once and not parsed; the others are."""
    monkeypatch.setitem(dist_info.MAX_TEXT_SIZES, name, 10)
    facts = read_with({f"{INFO}/{name}": b"A: 1\nB: 2\nC: 3\n"})
    texts = {"METADATA": facts.metadata, "WHEEL": facts.wheel_file, "RECORD": facts.record}
    assert [(one.kind, one.member) for one in facts.anomalies] == [(AnomalyKind.CEILING, f"{INFO}/{name}")]
    assert "10 are read at the most" in facts.anomalies[0].detail
    assert facts.entry_points is None
    assert [text for text, content in texts.items() if content is None] == ([name] if name in texts else [])


def test_a_native_file_too_large_is_a_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """A native file beyond the ceiling is told and not parsed; its digest is there all the same."""
    elf = build_elf(ElfSpec())
    monkeypatch.setattr(reader, "MAX_NATIVE_SIZE", len(elf) - 1)
    facts = read_with({"a.so": elf, "b.txt": elf[: len(elf) - 5] + b"other"})
    assert [(one.kind, one.member) for one in facts.anomalies] == [
        (AnomalyKind.CEILING, "a.so"),
        (AnomalyKind.CEILING, "b.txt"),
    ]
    assert facts.binaries == ()
    assert all(member.digest("sha256") for member in facts.members)
    monkeypatch.setattr(reader, "MAX_NATIVE_SIZE", len(elf))
    assert read_with({"a.so": elf}).anomalies == ()


def test_a_native_file_is_audited_as_it_is_installed() -> None:
    """Of a member with more content than declared installers take the declared size, and so do we."""
    elf = build_elf(ElfSpec())
    size = len(elf)
    longer = Member(content=elf + b"\0" * 500, local=LocalFields(size=size), central=CentralFields(size=size))
    facts = read_with({"a.so": longer})
    clean = read_with({"a.so": elf})
    assert facts.binaries == clean.binaries
    assert [one.kind for one in facts.anomalies] == [AnomalyKind.INFLATE_SIZE]


@pytest.mark.parametrize("method", [0, 8], ids=["stored", "deflated"])
def test_a_large_native_file_is_held_once(method: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A native member of 64 MiB costs its size and a fixed amount of memory."""
    monkeypatch.setattr(reader, "MIN_BUDGET", 1 << 30)
    content = build_elf(clean_elf("cp311-cp311-manylinux_2_17_x86_64")) + bytes(64 * MEBIBYTE)
    wheel = build_wheel(with_members(**{"a.so": Member(content=content, method=method)}))
    file = io.BytesIO(wheel.data)
    read_wheel(file, filename=FILENAME)  # the parsers are imported before it counts
    tracemalloc.start()
    facts = read_wheel(file, filename=FILENAME)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [binary.problems for binary in facts.binaries] == [()]
    assert peak < len(content) + 16 * MEBIBYTE


def test_a_bomb_stays_within_the_budget() -> None:
    """A gigabyte of zeros is given up at the budget, and the texts are read in spite of it."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    mebibyte = deflate.compress(bytes(MEBIBYTE)) + deflate.flush(zlib.Z_FULL_FLUSH)
    bomb = Member(payload=mebibyte * 1024 + deflate.flush(), central=CentralFields(size=1 << 30, crc=1))
    started = time.monotonic()
    tracemalloc.start()
    facts = read_with({"bomb.bin": replace(bomb, local=LocalFields(size=1 << 30, crc=1)), "zz.txt": b"later"})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - started < 10
    assert peak < 16 * MEBIBYTE
    assert found(facts.anomalies)[0][:2] == ("ceiling", "bomb.bin")
    assert len(facts.anomalies) == 1
    contents = {member.name: member.content for member in facts.members}
    assert contents["bomb.bin"] is ContentKind.UNREAD
    assert facts.metadata is not None
    assert facts.record is not None


def test_many_bombs_are_one_ceiling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the budget is used up no other member is tried, and that is said once."""
    monkeypatch.setattr(reader, "MIN_BUDGET", MEBIBYTE)
    bombs: dict[str, bytes | Member] = {f"{number}.bin": bytes(MEBIBYTE) for number in range(50)}
    facts = read_with({**bombs})
    assert [one.kind for one in facts.anomalies] == [AnomalyKind.CEILING]
    unread = [member.name for member in facts.members if member.content is ContentKind.UNREAD]
    assert len(unread) > 40
    assert facts.wheel_file is not None


def test_the_budget_is_just_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members that inflate to exactly the budget are all read: RECORD, which is read first, counts once."""
    wheel = build_wheel(DEMO)
    total = sum(len(entry.content) for entry in wheel_entries(DEMO))
    monkeypatch.setattr(reader, "MAX_RATIO", 0)
    monkeypatch.setattr(reader, "MIN_BUDGET", total)
    assert read_wheel(wheel.data, filename=FILENAME).anomalies == ()
    monkeypatch.setattr(reader, "MIN_BUDGET", total - 1)
    assert [one.kind for one in read_wheel(wheel.data, filename=FILENAME).anomalies] == [AnomalyKind.CEILING]


@pytest.mark.parametrize(
    "tag",
    ["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-macosx_11_0_universal2", "cp311-cp311-win_amd64"],
)
def test_the_binary_of_a_wheel_is_read(tag: str) -> None:
    """An extension module of each system is found and read without a problem."""
    wheel = extension_wheel(tag)
    facts = read_wheel(wheel.data, filename=wheel.filename)
    (binary,) = facts.binaries
    assert (facts.anomalies, binary.problems) == ((), ())
    assert binary.slices
