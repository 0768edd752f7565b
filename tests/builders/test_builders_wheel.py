"""The wheel builder against zipfile, packaging, installer, and the readers of the native formats."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from email.parser import BytesParser
from typing import TYPE_CHECKING

import lief
import pytest
from packaging.metadata import Metadata
from packaging.utils import parse_wheel_filename

from tests.builders import (
    EXECUTABLE_ORDINAL,
    BuiltWheel,
    MachoImport,
    MachoSpec,
    Member,
    WheelSpec,
    ZipEntry,
    ZipLayout,
    build_macho,
    build_wheel,
    clean_binary,
    clean_elf,
    clean_macho,
    clean_pe,
    clean_slices,
    extension_name,
    extension_spec,
    extension_wheel,
    replace,
    wheel_entries,
)

if TYPE_CHECKING:
    from pathlib import Path

TAGS = {
    "cp311-cp311-manylinux_2_17_x86_64": "demo/_core.cpython-311-x86_64-linux-gnu.so",
    "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64": "demo/_core.cpython-311-x86_64-linux-gnu.so",
    "cp311-cp311-manylinux2010_i686": "demo/_core.cpython-311-i386-linux-gnu.so",
    "cp311-cp311-manylinux_2_17_aarch64": "demo/_core.cpython-311-aarch64-linux-gnu.so",
    "cp311-cp311-manylinux_2_31_armv7l": "demo/_core.cpython-311-arm-linux-gnueabihf.so",
    "cp311-cp311-manylinux_2_17_ppc64le": "demo/_core.cpython-311-powerpc64le-linux-gnu.so",
    "cp311-cp311-manylinux_2_17_s390x": "demo/_core.cpython-311-s390x-linux-gnu.so",
    "cp312-cp312-manylinux_2_39_riscv64": "demo/_core.cpython-312-riscv64-linux-gnu.so",
    "cp312-cp312-musllinux_1_2_x86_64": "demo/_core.cpython-312-x86_64-linux-musl.so",
    "cp313-cp313t-manylinux_2_28_x86_64": "demo/_core.cpython-313t-x86_64-linux-gnu.so",
    "cp39-abi3-manylinux_2_17_x86_64": "demo/_core.abi3.so",
    "cp315-abi3t-manylinux_2_28_x86_64": "demo/_core.abi3t.so",
    "cp315-abi3.abi3t-macosx_11_0_arm64": "demo/_core.abi3t.so",
    "cp311-cp311-linux_x86_64": "demo/_core.cpython-311-x86_64-linux-gnu.so",
    "cp313-cp313-android_24_arm64_v8a": "demo/_core.cpython-313-aarch64-linux-android.so",
    "cp311-cp311-macosx_11_0_arm64": "demo/_core.cpython-311-darwin.so",
    "cp311-cp311-macosx_10_9_x86_64": "demo/_core.cpython-311-darwin.so",
    "cp311-cp311-macosx_10_9_universal2": "demo/_core.cpython-311-darwin.so",
    "cp313-cp313-ios_13_0_arm64_iphoneos": "demo/_core.cpython-313-iphoneos.so",
    "cp313-cp313-ios_13_0_arm64_iphonesimulator": "demo/_core.cpython-313-iphonesimulator.so",
    "cp39-abi3-macosx_11_0_arm64": "demo/_core.abi3.so",
    "cp311-cp311-win_amd64": "demo/_core.cp311-win_amd64.pyd",
    "cp311-cp311-win32": "demo/_core.cp311-win32.pyd",
    "cp313-cp313t-win_arm64": "demo/_core.cp313t-win_arm64.pyd",
    "cp39-abi3-win_amd64": "demo/_core.pyd",
}


def opened(wheel: BuiltWheel) -> zipfile.ZipFile:
    """The wheel as zipfile reads it."""
    return zipfile.ZipFile(io.BytesIO(wheel.data))


def text(wheel: BuiltWheel, name: str) -> str:
    """A text file of the wheel."""
    return opened(wheel).read(name).decode()


def record(wheel: BuiltWheel) -> dict[str, list[str]]:
    """The rows of RECORD by path."""
    return {row[0]: row[1:] for row in csv.reader(io.StringIO(text(wheel, "demo-1.0.dist-info/RECORD")))}


def assert_recorded(wheel: BuiltWheel) -> None:
    """RECORD lists every file with its hash and size, and itself with neither."""
    archive, rows = opened(wheel), record(wheel)
    assert list(rows) == archive.namelist()
    for name, (digest, size) in rows.items():
        content = archive.read(name)
        if name == "demo-1.0.dist-info/RECORD":
            assert (digest, size) == ("", "")
        else:
            algorithm, _, encoded = digest.partition("=")
            padded = encoded + "=" * (-len(encoded) % 4)
            assert (algorithm, int(size)) == ("sha256", len(content))
            assert base64.urlsafe_b64decode(padded) == hashlib.sha256(content).digest()


def test_the_default_wheel_is_correct(tmp_path: Path) -> None:
    """File name, RECORD, METADATA and WHEEL of the default wheel agree with each other."""
    wheel = build_wheel()
    assert wheel.write(tmp_path).read_bytes() == wheel.data
    name, version, build, tags = parse_wheel_filename(wheel.filename)
    assert (name, str(version), build, {str(tag) for tag in tags}) == ("demo", "1.0", (), {"py3-none-any"})
    assert_recorded(wheel)
    metadata = Metadata.from_email(opened(wheel).read("demo-1.0.dist-info/METADATA"))
    assert (metadata.name, str(metadata.version), metadata.license_files) == ("demo", "1.0", ["LICENSE"])
    assert metadata.description == "A demo project.\n"
    assert opened(wheel).read("demo-1.0.dist-info/licenses/LICENSE")
    lines = BytesParser().parsebytes(opened(wheel).read("demo-1.0.dist-info/WHEEL"))
    assert (lines["Wheel-Version"], lines["Root-Is-Purelib"], lines["Tag"]) == ("1.0", "true", "py3-none-any")


@pytest.mark.parametrize("tags", sorted(TAGS))
def test_installer_takes_the_wheels(tags: str, tmp_path: Path) -> None:
    """The reference installer finds every wheel's RECORD complete and every hash right."""
    sources = pytest.importorskip("installer.sources")
    for wheel in (build_wheel(), extension_wheel(tags)):
        with sources.WheelFile.open(wheel.write(tmp_path)) as source:
            source.validate_record(validate_contents=True)
            assert len(list(source.get_contents())) == len(opened(wheel).namelist())


def test_tags_build_and_names_reach_every_file() -> None:
    """A compressed tag set is expanded in WHEEL, with the build tag, and the name is escaped in paths."""
    spec = WheelSpec(name="My-Demo.X", version="2.0", build="1", python="py2.py3", platform="linux_x86_64")
    wheel = build_wheel(spec)
    assert wheel.filename == "my_demo_x-2.0-1-py2.py3-none-linux_x86_64.whl"
    lines = BytesParser().parsebytes(opened(wheel).read("my_demo_x-2.0.dist-info/WHEEL"))
    assert lines.get_all("Tag") == ["py2-none-linux_x86_64", "py3-none-linux_x86_64"]
    assert (lines["Build"], lines["Root-Is-Purelib"]) == ("1", "false")
    assert "\nName: My-Demo.X\n" in text(wheel, "my_demo_x-2.0.dist-info/METADATA")


def test_headers_and_lines_change_one_by_one() -> None:
    """A header can be dropped, changed, repeated or added without writing the others."""
    changes = {"Requires-Python": None, "Summary": "Other", "Classifier": ("A", "B")}
    wheel = build_wheel(WheelSpec(headers=changes, wheel_lines={"Tag": None, "Wheel-Version": "2.0"}))
    metadata = text(wheel, "demo-1.0.dist-info/METADATA")
    assert "Requires-Python" not in metadata
    assert "\nSummary: Other\n" in metadata
    assert "\nClassifier: A\nClassifier: B\n\nA demo project." in metadata
    lines = text(wheel, "demo-1.0.dist-info/WHEEL")
    assert "Wheel-Version: 2.0\n" in lines
    assert "Tag:" not in lines


def test_record_rows_change_one_by_one() -> None:
    """A row of RECORD can be changed, dropped or added, and a member can stay out of it."""
    spec = WheelSpec(
        members={"demo/a.py": b"", "demo/b.py": Member(recorded=False), "demo/c.py": b""},
        record_rows={"demo/a.py": "demo/a.py,,", "demo/c.py": None, "ghost.py": "ghost.py,,7"},
    )
    rows = record(build_wheel(spec))
    assert rows["demo/a.py"] == ["", ""]
    assert rows["ghost.py"] == ["", "7"]
    assert not {"demo/b.py", "demo/c.py"} & set(rows)


def test_whole_files_can_be_replaced_or_left_out() -> None:
    """None leaves a file out, text replaces it, and a member of the same name wins."""
    bare = build_wheel(WheelSpec(metadata=None, wheel_file=None, record=None, license_text=None, members={}))
    assert opened(bare).namelist() == []
    spec = WheelSpec(
        metadata="Name: x\n",
        wheel_file=b"\xff",
        record="nothing\n",
        entry_points="[console_scripts]\ndemo = demo:main\n",
        members={"demo-1.0.dist-info/RECORD.jws": b"{}"},
    )
    changed = opened(build_wheel(spec))
    assert changed.read("demo-1.0.dist-info/METADATA") == b"Name: x\n"
    assert changed.read("demo-1.0.dist-info/WHEEL") == b"\xff"
    assert changed.read("demo-1.0.dist-info/RECORD") == b"nothing\n"
    assert changed.read("demo-1.0.dist-info/entry_points.txt").startswith(b"[console_scripts]")
    own = build_wheel(WheelSpec(members={"demo-1.0.dist-info/METADATA": Member(content=b"own", mode=0o100755)}))
    info = opened(own).getinfo("demo-1.0.dist-info/METADATA")
    assert (opened(own).read(info), info.external_attr >> 16) == (b"own", 0o100755)


def test_names_layout_and_raw_entries() -> None:
    """File name and .dist-info can be overridden, raw entries follow the others, the layout is that of the ZIP."""
    spec = WheelSpec(
        filename="nonsense.whl",
        dist_info="Demo-1.0.dist-info",
        extra_entries=(ZipEntry(name="late.py"),),
        layout=ZipLayout(comment=b"note"),
    )
    wheel = build_wheel(spec)
    assert wheel.filename == "nonsense.whl"
    assert opened(wheel).namelist()[-2:] == ["Demo-1.0.dist-info/RECORD", "late.py"]
    assert opened(wheel).comment == b"note"
    assert len(wheel_entries(spec)) == len(opened(wheel).namelist())


@pytest.mark.parametrize(("tags", "member"), sorted(TAGS.items()))
def test_extension_wheels_follow_their_tags(tags: str, member: str) -> None:
    """Module name, format and RECORD follow from the tags, and lief reads the module."""
    wheel = extension_wheel(tags)
    assert extension_name(tags) == member
    assert wheel.filename == f"demo-1.0-{tags}.whl"
    assert opened(wheel).namelist()[:2] == ["demo/__init__.py", member]
    assert_recorded(wheel)
    assert lief.parse(opened(wheel).read(member)) is not None


def test_clean_elf_follows_the_tag() -> None:
    """The C library, its symbol version and the machine are those of the tag."""
    assert {each.version for each in clean_elf("cp311-cp311-manylinux_2_17_x86_64").imports} == {None, "GLIBC_2.14"}
    assert {each.version for each in clean_elf("cp311-cp311-manylinux1_x86_64").imports} == {None, "GLIBC_2.2.5"}
    assert {each.version for each in clean_elf("cp311-cp311-manylinux_2_17_aarch64").imports} == {None, "GLIBC_2.17"}
    assert clean_elf("cp311-cp311-musllinux_1_2_i686").needed == ("libc.musl-x86.so.1",)
    android = clean_elf("cp313-cp313-android_24_x86")
    assert (android.machine, android.android_api, android.needed) == ("i386", 24, ("libpython3.13.so", "libc.so"))


def test_clean_macho_follows_the_tag() -> None:
    """Processors, platform and minimum version are those of the tag; arm64 begins with macOS 11."""
    slices = clean_slices("cp311-cp311-macosx_10_9_universal2")
    assert [(each.cpu, each.minos) for each in slices] == [("x86_64", "10.9"), ("arm64", "11.0")]
    assert clean_binary("cp311-cp311-macosx_10_9_universal2") == slices
    phone = clean_macho("cp313-cp313-ios_13_0_arm64_iphonesimulator")
    assert (phone.platform, phone.minos) == ("iossimulator", "13.0")


def test_clean_pe_follows_the_tag() -> None:
    """The interpreter's DLL and the machine are those of the tag."""
    assert next(iter(clean_pe("cp311-cp311-win_amd64").imports)) == "python311.dll"
    assert next(iter(clean_pe("cp313-cp313t-win_arm64").imports)) == "python313t.dll"
    assert next(iter(clean_pe("cp39-abi3-win32").imports)) == "python3.dll"


def test_abi3t_modules_use_the_newer_hook() -> None:
    """A module for abi3t exports PyModExport_, since a static module definition is not in that ABI."""
    elf = clean_elf("cp315-abi3.abi3t-manylinux_2_28_x86_64")
    assert [each.symbol for each in elf.exports] == ["PyModExport__core"]
    assert [each.symbol for each in elf.imports] == ["PyLong_FromLong", "memcpy"]
    assert [each.symbol for each in clean_macho("cp315-abi3t-macosx_11_0_arm64").exports] == ["_PyModExport__core"]
    windows = clean_pe("cp315-abi3t-win_amd64")
    assert windows.imports["python3t.dll"] == ("PyLong_FromLong",)
    assert [each.symbol for each in windows.exports] == ["PyModExport__core"]


def test_one_thing_can_be_changed_in_a_clean_wheel() -> None:
    """The module can be given as a specification, as slices or as bytes, and under another name."""
    tags = "cp311-cp311-macosx_11_0_arm64"
    thin = replace(clean_macho(tags), minos="14.0")
    other = MachoSpec(cpu="x86_64", imports=(MachoImport(symbol="_f", library=EXECUTABLE_ORDINAL),))
    for binary, start in (
        (thin, b"\xcf\xfa\xed\xfe"),
        ((thin, other), b"\xca\xfe\xba\xbe"),
        (build_macho(other), b"\xcf\xfa\xed\xfe"),
        (b"not a binary", b"not a binary"),
    ):
        wheel = build_wheel(extension_spec(tags, binary=binary, member="demo/x.so", members={}))
        assert opened(wheel).read("demo/x.so").startswith(start)
