"""Family `tags`: the platform against what the wheel holds, wider tags and `any` among them."""

from __future__ import annotations

import pytest

from auditor.findings import Severity
from tests.builders import (
    DEMO,
    ElfImport,
    ElfSpec,
    Member,
    build_native,
    clean_elf,
    clean_pe,
    clean_slices,
    extension_wheel,
    replace,
)
from tests.rules.helpers import evidence, findings, only
from tests.rules.tags_helpers import LINUX, native, tagged

# --------------------------------------------------------------------------------------------------- tag-wider-possible


def test_a_newer_tag_than_the_binary_needs_is_an_info() -> None:
    """A module that needs glibc 2.14 under manylinux_2_28 could be tagged manylinux_2_17."""
    finding = only(native("cp311-cp311-manylinux_2_28_x86_64"), rule="tag-wider-possible")
    assert "`manylinux_2_17_x86_64`" in finding.message
    assert "`manylinux_2_28_x86_64`" in finding.message
    assert finding.severity is Severity.INFO


@pytest.mark.parametrize("arch", ["aarch64", "s390x", "ppc64le", "armv7l", "i686"])
def test_a_suggested_tag_is_one_that_installers_look_for(arch: str) -> None:
    """No suggestion lies below the oldest glibc of the architecture."""
    found = findings(native(f"cp311-cp311-manylinux_2_28_{arch}"), rule="tag-wider-possible")
    assert [one.message.split("`")[1] for one in found] == [
        f"manylinux_2_{5 if arch == 'i686' else 17}_{arch}",
    ]


def test_a_binary_that_needs_its_tag_has_no_wider_one() -> None:
    """A symbol of glibc 2.28 keeps a wheel at manylinux_2_28."""
    tags = "cp311-cp311-manylinux_2_28_x86_64"
    elf = clean_elf(tags)
    needing = replace(
        elf, imports=(*elf.imports, ElfImport(symbol="fcntl64", library="libc.so.6", version="GLIBC_2.28"))
    )
    assert not findings(extension_wheel(tags, binary=needing), rule="tag-wider-possible")


WIDE = "cp311-cp311-manylinux_2_39_x86_64"
PLAIN_ELF = clean_elf(WIDE)


@pytest.mark.parametrize(
    ("binary", "wider"),
    [
        (PLAIN_ELF, "manylinux_2_17_x86_64"),
        (replace(PLAIN_ELF, needed=("libc.so.6", "libz.so.1")), "manylinux_2_17_x86_64"),
        (replace(PLAIN_ELF, needed=("libc.so.6", "ld-linux-x86-64.so.2")), "manylinux_2_17_x86_64"),
        (replace(PLAIN_ELF, needed=("libc.so.6", "libelsewhere.so.1")), None),
        (
            replace(
                PLAIN_ELF,
                needed=("libc.so.6", "libstdc++.so.6"),
                imports=(
                    *PLAIN_ELF.imports,
                    ElfImport(symbol="_Znwm", library="libstdc++.so.6", version="GLIBCXX_3.4.22"),
                ),
            ),
            "manylinux_2_24_x86_64",
        ),
        (replace(PLAIN_ELF, relr=True), "manylinux_2_36_x86_64"),
        (build_native(PLAIN_ELF)[:700], None),
    ],
    ids=["plain", "allowed library", "loader", "library outside", "newer libstdc++", "DT_RELR", "unreadable"],
)
def test_the_widest_manylinux_tag_is_one_whose_policy_all_files_keep(
    binary: ElfSpec | bytes, wider: str | None
) -> None:
    """Libraries and the versions of all that the policies track decide, and nothing is said of what was not read."""
    found = findings(extension_wheel(WIDE, binary=binary), rule="tag-wider-possible")
    assert [one.message.split("`")[1] for one in found] == ([wider] if wider else [])


def test_no_wider_tag_where_there_is_nothing_to_judge() -> None:
    """A wheel without binaries of its platform, and one with several macOS tags, have no suggestion."""
    assert not findings(tagged("py3-none-manylinux_2_39_x86_64"), rule="tag-wider-possible")
    assert not findings(tagged("py3-none-macosx_14_0_arm64"), rule="tag-wider-possible")
    several = native("cp311-cp311-macosx_14_0_arm64.macosx_14_0_universal2", like="cp311-cp311-macosx_14_0_arm64")
    assert not findings(several, rule="tag-wider-possible")


@pytest.mark.parametrize(
    ("platform", "minimum", "wider"),
    [
        ("macosx_14_0_arm64", {"arm64": "11.0"}, "macosx_11_0_arm64"),
        ("macosx_14_0_x86_64", {"x86_64": "10.13"}, "macosx_10_13_x86_64"),
        ("macosx_14_0_x86_64", {"x86_64": "11.0"}, "macosx_11_0_x86_64"),
        ("macosx_14_0_universal2", {"x86_64": "10.13", "arm64": "11.0"}, "macosx_10_13_universal2"),
        ("macosx_14_0_universal2", {"x86_64": "10.13", "arm64": "12.0"}, "macosx_12_0_universal2"),
        ("macosx_14_0_arm64", {"arm64": "11.3"}, "macosx_12_0_arm64"),
        ("macosx_12_0_arm64", {"arm64": "11.3"}, None),
        ("macosx_26_0_arm64", {"arm64": "15.4"}, None),
        ("macosx_11_0_arm64", {"arm64": "11.0"}, None),
        ("macosx_10_9_universal2", {"x86_64": "10.9", "arm64": "11.0"}, None),
        ("macosx_10_9_x86_64", {"x86_64": "10.6"}, None),
    ],
)
def test_the_widest_macos_tag_is_a_tag_that_all_slices_keep(
    platform: str, minimum: dict[str, str], wider: str | None
) -> None:
    """The suggestion is the oldest real tag: an arm64 slice for 11.0 is fine under 10.x, and 11.3 asks for 12.0."""
    tags = f"cp311-cp311-{platform}"
    slices = tuple(replace(one, minos=minimum[str(one.cpu)]) for one in clean_slices(tags))
    found = findings(extension_wheel(tags, binary=slices if len(slices) > 1 else slices[0]), rule="tag-wider-possible")
    assert [one.message.split("`")[1] for one in found] == ([wider] if wider else [])


# ------------------------------------------------------------------------------- native-in-any, platform-without-native


def test_a16_an_extension_module_in_any_is_an_error() -> None:
    """A wheel for any platform with an extension module is an error that names the file and its machine."""
    member = "demo/_core.cpython-311-x86_64-linux-gnu.so"
    content = build_native(clean_elf(f"cp311-cp311-{LINUX}"))
    wheel = replace(DEMO, members={**DEMO.members, member: content})
    finding = only(wheel, rule="native-in-any")
    assert "1 native file that is imported or loaded" in finding.message
    assert finding.severity is Severity.ERROR
    assert finding.evidence[0].member == member
    assert "an ELF file for x86_64" in evidence(finding)


def test_a_library_that_the_package_loads_is_native_in_any() -> None:
    """A library whose path names no machine, in a package that loads libraries, is one that it loads everywhere."""
    library = replace(clean_elf(f"cp311-cp311-{LINUX}"), exports=(), soname="libdemo.so")
    members = {
        "demo/__init__.py": b"import ctypes\nctypes.CDLL('libdemo.so')\n",
        "demo/libdemo.so": build_native(library),
    }
    finding = only(replace(DEMO, members=members), rule="native-in-any")
    assert finding.evidence[0].member == "demo/libdemo.so"


def test_launchers_for_every_machine_are_no_fault_in_any() -> None:
    """What names its machine is chosen at run time: setuptools' and debugpy's wheels are pure."""
    pe = build_native(replace(clean_pe("cp311-cp311-win_amd64"), imports={"KERNEL32.dll": ("Sleep",)}, exports=()))
    elf = build_native(replace(clean_elf(f"cp311-cp311-{LINUX}"), exports=()))
    members = {
        "demo/__init__.py": b"import ctypes\nctypes.CDLL('x')\n",
        "demo/cli-64.exe": pe,
        "demo/attach_linux_amd64.so": elf,
    }
    assert not findings(replace(DEMO, members=members), rule="native-in-any")


@pytest.mark.parametrize(
    "platform", [LINUX, "win_amd64", "macosx_11_0_arm64", "android_24_x86", "pyemscripten_2026_0_wasm32"]
)
def test_a_platform_without_a_native_file_is_a_warning(platform: str) -> None:
    """A wheel for a platform that holds nothing native is a warning that names the tag."""
    finding = only(tagged(f"py3-none-{platform}"), rule="platform-without-native")
    assert f"`{platform}`" in finding.message
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("demo/_core.so", build_native(clean_elf(f"cp311-cp311-{LINUX}"))),
        ("demo/libdemo.a", b"!<arch>\n" + b" " * 60),
        ("demo/_core.wasm", b"\0asm\x01\0\0\0"),
        ("demo-1.0.data/scripts/demo", build_native(clean_elf(f"cp311-cp311-{LINUX}"))),
        ("demo/secret.bin", Member(content=b"x", method=99, payload=b"x")),
    ],
)
def test_a_native_file_of_any_kind_is_enough(member: str, content: bytes | Member) -> None:
    """Libraries, archives, wasm modules and scripts are native; what could not be read may be."""
    wheel = replace(tagged(f"py3-none-{LINUX}"), members={**DEMO.members, member: content})
    assert not findings(wheel, rule="platform-without-native")
