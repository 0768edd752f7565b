"""Family `macos`: Mach-O files against the system, the version and the architectures that the tag promises."""

from __future__ import annotations

import pytest

from auditor.findings import Severity
from tests.builders import (
    BuiltWheel,
    MachoSpec,
    clean_elf,
    clean_macho,
    clean_slices,
    extension_name,
    extension_wheel,
    replace,
)
from tests.rules.native_helpers import (
    Planted,
    assert_planted,
    assert_silent,
    bundling,
    dylib,
    judged,
    loud,
    macho_wheel,
    native,
    params,
    plain_wheel,
    with_files,
)

ARM = "cp311-cp311-macosx_11_0_arm64"
INTEL = "cp311-cp311-macosx_10_9_x86_64"
UNIVERSAL = "cp311-cp311-macosx_10_9_universal2"
THREE = "cp311-cp311-macosx_10_12_universal2.macosx_10_12_x86_64.macosx_11_0_arm64"
MODULE = extension_name(ARM)
INTEL_SLICE, ARM_SLICE = clean_slices(UNIVERSAL)


def universal(intel: str, arm: str, tags: str = UNIVERSAL) -> BuiltWheel:
    """A wheel whose module has two slices of these minimum versions."""
    return with_files(tags, {}, binary=(replace(INTEL_SLICE, minos=intel), replace(ARM_SLICE, minos=arm)))


VERSION_CLEAN = {
    "exactly-the-promised": extension_wheel(ARM),
    "older": macho_wheel(ARM, minos="10.9"),
    "trap5-arm64-starts-at-11": universal("10.9", "11.0"),
    "trap5-arm64-alone-under-macos-10": macho_wheel("cp311-cp311-macosx_10_9_arm64", minos="11.0"),
    "version-min-command": macho_wheel(INTEL, version_command="min"),
    "no-version-command": macho_wheel(INTEL, version_command="absent"),
    "three-tags": universal("10.12", "11.0", THREE),
    "extra-slice-that-the-tag-does-not-promise": with_files(
        INTEL, {}, binary=(INTEL_SLICE, replace(ARM_SLICE, minos="14.0"))
    ),
    "ios-library-in-a-mac-wheel": with_files(
        ARM, {"demo/ios/libfoo.dylib": dylib("libfoo.dylib", "arm64", minos="17.0", platform="ios")}
    ),
    "patch-release": macho_wheel("cp311-cp311-macosx_10_13_x86_64", minos="10.13.4"),
}
VERSION_DIRTY = {
    "a40-14.0-under-11_0": Planted(
        wheel=macho_wheel(ARM, minos="14.0"),
        rule="macos-newer-than-tag",
        member=MODULE,
        arch="arm64",
        says=("macOS 14.0", "macosx_11_0_arm64", "11.0 is enough"),
        shows={"member": MODULE, "version": "14.0", "text": "arm64"},
    ),
    "minor-of-macos-10": Planted(
        wheel=macho_wheel(INTEL, minos="10.13"),
        rule="macos-newer-than-tag",
        member=MODULE,
        shows={"member": MODULE, "version": "10.13"},
    ),
    "version-min-command": Planted(
        wheel=macho_wheel(INTEL, minos="10.15", version_command="min"), rule="macos-newer-than-tag", member=MODULE
    ),
    "intel-slice-of-a-universal-module": Planted(
        wheel=universal("12.0", "11.0"),
        rule="macos-newer-than-tag",
        member=MODULE,
        shows={"text": "x86_64", "version": "12.0"},
    ),
    "arm-slice-of-a-universal-module": Planted(
        wheel=universal("10.9", "13.0"),
        rule="macos-newer-than-tag",
        member=MODULE,
        shows={"text": "arm64", "version": "13.0"},
    ),
    "both-slices-are-one-finding": Planted(
        wheel=universal("12.0", "12.0"), rule="macos-newer-than-tag", member=MODULE, arch=None, says=("macOS 12.0",)
    ),
    "both-slices-under-three-tags-are-one-finding": Planted(
        wheel=universal("12.0", "12.0", THREE), rule="macos-newer-than-tag", member=MODULE
    ),
    "intel-slice-under-two-tags-that-promise-it": Planted(
        wheel=universal("12.0", "11.0", "cp311-cp311-macosx_10_9_x86_64.macosx_11_0_universal2"),
        rule="macos-newer-than-tag",
        member=MODULE,
        says=("macosx_10_9_x86_64",),
    ),
    "bundled-library-from-homebrew": Planted(
        wheel=bundling(
            ARM, "libfoo.dylib", files={"demo/.dylibs/libfoo.dylib": dylib("libfoo.dylib", "arm64", minos="15.0")}
        ),
        rule="macos-newer-than-tag",
        member="demo/.dylibs/libfoo.dylib",
        shows={"member": "demo/.dylibs/libfoo.dylib", "version": "15.0"},
    ),
    "program": Planted(
        wheel=plain_wheel(
            "py3-none-macosx_10_15_x86_64",
            {"demo-1.0.data/scripts/tool": MachoSpec(cpu="x86_64", file_type="execute", minos="13.0")},
        ),
        rule="macos-newer-than-tag",
        member="demo-1.0.data/scripts/tool",
        shows={"version": "13.0"},
    ),
    "two-files-are-one-finding": Planted(
        wheel=macho_wheel(ARM, minos="13.0", files={"demo/libfoo.dylib": dylib("libfoo.dylib", "arm64", minos="12.0")}),
        rule="macos-newer-than-tag",
        member=None,
        says=("2 files need macOS 13.0",),
    ),
}


@pytest.mark.parametrize("wheel", params(VERSION_CLEAN))
def test_macos_within_the_tag(wheel: BuiltWheel) -> None:
    """What the promised macOS runs, by architecture, is no breach."""
    assert [one.message for one in native(judged(wheel)) if one.rule.startswith("macos")] == []


@pytest.mark.parametrize("case", params(VERSION_DIRTY))
def test_macos_newer_than_tag(case: Planted) -> None:
    """A slice for a newer macOS is one error that names the file, the architecture and the version."""
    assert_planted(case)


def test_trap5_a_minor_that_no_tag_can_say_is_an_info() -> None:
    """12.3 under `macosx_12_0` is an info: from macOS 11 on the minor is no part of a tag."""
    report = judged(macho_wheel("cp311-cp311-macosx_12_0_arm64", minos="12.3"))
    (finding,) = report.findings
    assert (finding.rule, finding.severity) == ("macos-newer-than-tag", Severity.INFO)
    assert finding.evidence[0].version == "12.3"


def test_a_minor_and_a_major_are_two_findings() -> None:
    """An info about one file does not hide the error about another."""
    wheel = macho_wheel(ARM, minos="11.3", files={"demo/libfoo.dylib": dylib("libfoo.dylib", "arm64", minos="12.0")})
    assert [one.severity for one in native(judged(wheel))] == [Severity.ERROR, Severity.INFO]


ARCH_CLEAN = {
    "a43-both-slices": extension_wheel(UNIVERSAL),
    "one-tag-one-architecture": extension_wheel(INTEL),
    "three-tags": universal("10.12", "11.0", THREE),
    "two-thin-tags-and-both-slices": universal("10.9", "11.0", "cp311-cp311-macosx_10_9_x86_64.macosx_11_0_arm64"),
    "trap6-pair-of-thin-libraries": with_files(
        UNIVERSAL,
        {
            "demo/intel/libfoo.dylib": dylib("libfoo.dylib", "x86_64", minos="10.9"),
            "demo/apple/libfoo.dylib": dylib("libfoo.dylib", "arm64"),
        },
    ),
    "trap6-module-in-two-files": with_files(UNIVERSAL, {"demo/_core.abi3.so": ARM_SLICE}, binary=INTEL_SLICE),
    "chosen-by-its-name": with_files(
        UNIVERSAL, {"demo/native/darwin-x86-64/libfoo.dylib": dylib("libfoo.dylib", "x86_64", minos="10.9")}
    ),
    "haswell-slice-beside-the-others": with_files(
        UNIVERSAL, {"demo/libfoo.dylib": dylib("libfoo.dylib", "x86_64", "x86_64h", "arm64", minos="10.9")}
    ),
    "trap7-own-identity-is-no-need": with_files(
        UNIVERSAL, {"demo/.dylibs/libfoo.dylib": dylib("/DLC/demo/libfoo.dylib", "x86_64", "arm64", minos="10.9")}
    ),
    "debug-companion": with_files(
        UNIVERSAL, {"demo/_core.cpython-311-darwin.so.dSYM/DWARF/_core": replace(ARM_SLICE, file_type=10, minos="14.0")}
    ),
    "elf-passenger": with_files(UNIVERSAL, {"demo/linux/lib_x86_64.so": clean_elf("cp311-cp311-manylinux1_x86_64")}),
}
ARCH_DIRTY = {
    "a41-thin-arm64-under-universal2": Planted(
        wheel=with_files(UNIVERSAL, {}, binary=ARM_SLICE),
        rule="macos-arch-missing",
        member=MODULE,
        arch="x86_64",
        says=("no x86_64 slice", "arm64 and x86_64"),
        shows={"member": MODULE, "text": "arm64"},
    ),
    "thin-x86_64-under-universal2": Planted(
        wheel=with_files(UNIVERSAL, {}, binary=INTEL_SLICE), rule="macos-arch-missing", member=MODULE, arch="arm64"
    ),
    "one-architecture-under-two-thin-tags": Planted(
        wheel=with_files("cp311-cp311-macosx_10_9_x86_64.macosx_11_0_arm64", {}, binary=INTEL_SLICE),
        rule="macos-arch-missing",
        member=MODULE,
        arch="arm64",
        says=("macosx_11_0_arm64",),
    ),
    "thin-library-that-a-build-bundled": Planted(
        wheel=bundling(
            UNIVERSAL,
            "libfoo.dylib",
            files={"demo/.dylibs/libfoo.dylib": dylib("libfoo.dylib", "x86_64", minos="10.9")},
        ),
        rule="macos-arch-missing",
        member="demo/.dylibs/libfoo.dylib",
        arch="arm64",
    ),
    "one-thin-module-of-two": Planted(
        wheel=with_files(
            UNIVERSAL,
            {
                "demo/_more.cpython-311-darwin.so": replace(
                    ARM_SLICE, exports=(replace(ARM_SLICE.exports[0], symbol="_PyInit__more"),)
                )
            },
        ),
        rule="macos-arch-missing",
        member="demo/_more.cpython-311-darwin.so",
        arch="x86_64",
    ),
    "thin-program": Planted(
        wheel=plain_wheel(
            "py3-none-macosx_10_9_universal2",
            {"demo-1.0.data/scripts/tool": MachoSpec(cpu="x86_64", file_type="execute", minos="10.9")},
        ),
        rule="macos-arch-missing",
        member="demo-1.0.data/scripts/tool",
        arch="arm64",
    ),
    "haswell-alone-is-no-x86_64": Planted(
        wheel=with_files(UNIVERSAL, {"demo/libfoo.dylib": dylib("libfoo.dylib", "x86_64h", "arm64", minos="10.9")}),
        rule="macos-arch-missing",
        member="demo/libfoo.dylib",
        arch="x86_64",
    ),
    "two-files-are-one-finding": Planted(
        wheel=with_files(UNIVERSAL, {"demo/libfoo.dylib": dylib("libfoo.dylib", "arm64")}, binary=ARM_SLICE),
        rule="macos-arch-missing",
        member=None,
        arch="x86_64",
        says=("2 files have no x86_64 slice",),
    ),
}


@pytest.mark.parametrize("wheel", params(ARCH_CLEAN))
def test_architectures_that_are_there(wheel: BuiltWheel) -> None:
    """An architecture may come as a slice or as a file of its own, and a file may be for one by its name."""
    assert [one.message for one in loud(judged(wheel))] == []


@pytest.mark.parametrize("case", params(ARCH_DIRTY))
def test_macos_arch_missing(case: Planted) -> None:
    """A promised architecture without a slice is one error that names the file and the architecture."""
    assert_planted(case)


def test_an_architecture_without_a_python_is_an_info() -> None:
    """`intel` promises i386 too, for which there is no Python any more."""
    wheel = with_files("cp311-cp311-macosx_10_9_intel", {}, binary=INTEL_SLICE)
    (finding,) = native(judged(wheel))
    assert (finding.rule, finding.severity, finding.arch) == ("macos-arch-missing", Severity.INFO, "i386")


PHONE = "cp313-cp313-ios_13_0_arm64_iphoneos"
SIMULATOR = "cp313-cp313-ios_13_0_arm64_iphonesimulator"
PHONE_MODULE = extension_name(PHONE)
IOS_CLEAN = {
    "device": extension_wheel(PHONE),
    "simulator": extension_wheel(SIMULATOR),
    "simulator-on-arm64-starts-at-14": macho_wheel(SIMULATOR, minos="14.0"),
    "older": macho_wheel(PHONE, minos="12.0"),
    "static-archive": with_files(PHONE, {"demo/libx.a": b"!<arch>\n"}),
}
IOS_DIRTY = {
    "simulator-build-in-a-device-wheel": Planted(
        wheel=with_files(PHONE, {}, binary=clean_macho(SIMULATOR)),
        rule="ios-invalid",
        member=PHONE_MODULE,
        arch="arm64",
        says=("it is for iossimulator",),
        shows={"member": PHONE_MODULE, "text": "iossimulator"},
    ),
    "device-build-in-a-simulator-wheel": Planted(
        wheel=with_files(SIMULATOR, {}, binary=clean_macho(PHONE)),
        rule="ios-invalid",
        member=extension_name(SIMULATOR),
        says=("it is for ios",),
    ),
    "mac-build": Planted(
        wheel=with_files(PHONE, {}, binary=clean_macho(ARM)),
        rule="ios-invalid",
        member=PHONE_MODULE,
        says=("it is for macos",),
    ),
    "newer-than-the-tag": Planted(
        wheel=macho_wheel(PHONE, minos="16.2"),
        rule="ios-invalid",
        member=PHONE_MODULE,
        says=("it needs iOS 16.2",),
        shows={"text": "ios 16.2"},
    ),
    "universal-file": Planted(
        wheel=with_files(
            SIMULATOR,
            {},
            binary=(clean_macho("cp313-cp313-ios_13_0_x86_64_iphonesimulator"), clean_macho(SIMULATOR)),
        ),
        rule="ios-invalid",
        member=extension_name(SIMULATOR),
        says=("universal",),
    ),
    "no-stated-system": Planted(
        wheel=macho_wheel(PHONE, version_command="absent"),
        rule="ios-invalid",
        member=PHONE_MODULE,
        says=("no stated system",),
        shows={"text": "no system"},
    ),
}


@pytest.mark.parametrize("wheel", params(IOS_CLEAN))
def test_ios_binaries_of_the_tag(wheel: BuiltWheel) -> None:
    """A thin binary for the tag's device and version is no finding."""
    assert_silent(wheel)


@pytest.mark.parametrize("case", params(IOS_DIRTY))
def test_ios_invalid(case: Planted) -> None:
    """A binary for another system, a newer one, or several architectures is one error."""
    assert_planted(case)
