"""Facts are frozen records that answer small questions about themselves: `auditor.facts`."""

from __future__ import annotations

import msgspec
import pytest

from auditor.facts.archive import NATIVE_KINDS, Anomaly, AnomalyKind, ContentKind, Digest, Member
from auditor.facts.binary import Binary, BinaryFormat
from auditor.facts.dist_info import Field, Metadata, WheelFile
from auditor.facts.wheel import WheelFacts
from tests.builders.extension import extension_wheel
from tests.builders.wheel import DEMO, build_wheel

MEMBER = Member(
    name="a.py",
    index=0,
    header_offset=0,
    compressed_size=1,
    size=2,
    crc=3,
    method=8,
    flags=0,
    mode=0o100644,
    date_time=(1980, 1, 1, 0, 0, 0),
    content=ContentKind.OTHER,
    digests=(Digest(algorithm="sha256", hexdigest="00"),),
)
FIELDS = (Field(name="Tag", value="a"), Field(name="Name", value="n"), Field(name="TAG", value="b"))


def facts(tag: str) -> WheelFacts:
    """The facts of a wheel with one clean extension module for this tag."""
    from auditor.archive.reader import read_wheel

    wheel = extension_wheel(tag)
    return read_wheel(wheel.data, filename=wheel.filename)


def test_a_fact_cannot_be_changed() -> None:
    """A fact is what was read."""
    with pytest.raises(AttributeError):
        MEMBER.size = 5  # type: ignore[misc]


def test_a_member_gives_its_digests_by_name() -> None:
    """A digest that was not computed is unknown."""
    assert MEMBER.digest("sha256") == "00"
    assert MEMBER.digest("md5") is None


@pytest.mark.parametrize(("name", "answer"), [("a/", True), ("a", False), ("", False), ("/", True)])
def test_a_slash_makes_a_directory(name: str, *, answer: bool) -> None:
    """The last character alone decides."""
    assert msgspec.structs.replace(MEMBER, name=name).is_directory is answer


def test_fields_are_found_without_case() -> None:
    """Values of a field come in order, whatever the case of its name."""
    assert WheelFile(fields=FIELDS).values("tag") == ("a", "b")
    assert WheelFile(fields=FIELDS).tags == ("a", "b")
    metadata = Metadata(fields=FIELDS)
    assert metadata.values("TAG") == ("a", "b")
    assert (metadata.first("name"), metadata.first("version")) == ("n", None)


def test_defaults_are_left_out_of_the_json() -> None:
    """The JSON form holds what was found, and reads back as it was."""
    anomaly = Anomaly(kind=AnomalyKind.CRC, detail="x")
    assert msgspec.json.encode(anomaly) == b'{"kind":"crc","detail":"x"}'
    assert msgspec.json.decode(msgspec.json.encode(MEMBER), type=Member) == MEMBER


def test_facts_of_a_wheel_are_json() -> None:
    """Every fact of a wheel has a JSON form."""
    encoded = msgspec.json.encode(facts("cp311-cp311-manylinux_2_17_x86_64"))
    assert msgspec.json.decode(encoded)["filename"].endswith("manylinux_2_17_x86_64.whl")


def test_files_are_no_directories() -> None:
    """Directory members are members and no files."""
    wheel = WheelFacts(path="x", filename="x", size=0, sha256="", name=None, members=(MEMBER,))
    folder = msgspec.structs.replace(MEMBER, name="d/")
    both = msgspec.structs.replace(wheel, members=(folder, MEMBER))
    assert list(wheel.files()) == list(both.files()) == [MEMBER]


@pytest.mark.parametrize(
    ("tag", "counts"),
    [
        ("cp311-cp311-manylinux_2_17_x86_64", (1, 0, 0)),
        ("cp311-cp311-macosx_11_0_universal2", (0, 2, 0)),
        ("cp311-cp311-win_amd64", (0, 0, 1)),
    ],
)
def test_slices_are_found_by_format(tag: str, counts: tuple[int, int, int]) -> None:
    """Each format has its own walk over the slices, and together they are all of them."""
    wheel = facts(tag)
    found = len(list(wheel.elf_slices())), len(list(wheel.macho_slices())), len(list(wheel.pe_slices()))
    assert found == counts
    assert len(list(wheel.slices())) == sum(counts)


def test_a_binary_without_slices_has_none() -> None:
    """A binary that could not be read takes no part in the walks."""
    broken = Binary(member="x", format=BinaryFormat.ELF, slices=(), problems=("why",))
    wheel = WheelFacts(path="x", filename="x", size=0, sha256="", name=None, binaries=(broken,))
    assert list(wheel.slices()) == []
    assert list(wheel.elf_slices()) == []


def test_native_kinds_are_the_three_formats() -> None:
    """The kinds that have a reader are those of the three binary formats."""
    assert {kind.value for kind in NATIVE_KINDS} == {"elf", "macho", "pe"}
    assert build_wheel(DEMO).filename.endswith(".whl")
