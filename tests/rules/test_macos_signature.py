"""Family `macos`: code signatures that are missing, broken, or older than the bytes that they sign."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from auditor.findings import Severity
from tests.builders import BuiltWheel, MachoSpec, build_macho, clean_slices, extension_name, extension_wheel, replace
from tests.builders.macho import MachoSignature, build_universal
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
PHONE = "cp313-cp313-ios_13_0_arm64_iphoneos"
MODULE = extension_name(ARM)
LIBRARY = "demo/.dylibs/libfoo.dylib"
INTEL_SLICE, ARM_SLICE = clean_slices(UNIVERSAL)
ARM_FILE = build_macho(clean_slices(ARM)[0])
SIGNED = MachoSignature()
TOOL = "demo-1.0.data/scripts/tool"


def universal(intel: Any, arm: Any, tags: str = UNIVERSAL) -> BuiltWheel:
    """A wheel whose module has two slices, signed in these ways."""
    return with_files(tags, {}, binary=(replace(INTEL_SLICE, signature=intel), replace(ARM_SLICE, signature=arm)))


def flipped(content: bytes, at: int) -> bytes:
    """The file with one bit changed."""
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def signature_at(content: bytes) -> int:
    """Where the signature of a file of ours starts: it is the last super blob."""
    return content.rindex(b"\xfa\xde\x0c\xc0")


def patched(content: bytes, field: int, number: int) -> bytes:
    """The file with another number at byte `field` of its signature."""
    at = signature_at(content) + field
    return content[:at] + struct.pack(">L", number) + content[at + 4 :]


UNSIGNED_CLEAN = {
    "linker-signed": extension_wheel(ARM),
    "both-slices-signed": universal(SIGNED, SIGNED),
    "by-codesign": macho_wheel(ARM, signature=MachoSignature(flags=2, requirements=True, cms=b"")),
    "by-a-certificate": macho_wheel(ARM, signature=MachoSignature(flags=0, requirements=True, cms=b"certificate")),
    "old-and-new-hashes": macho_wheel(ARM, signature=MachoSignature(flags=2, hash_types=(1, 2))),
    "pages-of-16-kib": macho_wheel(ARM, signature=MachoSignature(page_shift=14)),
    "intel-needs-none": extension_wheel(INTEL),
    "intel-slice-needs-none": universal("absent", SIGNED),
    "arm-slice-that-no-tag-promises": with_files(
        INTEL, {}, binary=(clean_slices(INTEL)[0], replace(ARM_SLICE, signature="absent"))
    ),
    "ios-is-signed-with-the-app": macho_wheel(PHONE, signature="absent"),
    "ios-library-in-a-mac-wheel": with_files(
        ARM, {"demo/ios/libfoo.dylib": dylib("libfoo.dylib", "arm64", platform="ios", signature="absent")}
    ),
    "debug-companion": with_files(
        ARM, {"demo/_core.dSYM/DWARF/_core": replace(clean_slices(ARM)[0], file_type=10, signature="absent")}
    ),
    "data-of-tests": with_files(ARM, {"demo/tests/lib.dylib": dylib("lib.dylib", "arm64", signature="absent")}),
}
UNSIGNED_DIRTY = {
    "module": Planted(
        wheel=macho_wheel(ARM, signature="absent"),
        rule="macos-unsigned",
        member=MODULE,
        arch="arm64",
        says=("no code signature for arm64",),
        shows={"member": MODULE, "text": "LC_CODE_SIGNATURE"},
    ),
    "arm-slice-of-a-universal-module": Planted(
        wheel=universal(SIGNED, "absent"), rule="macos-unsigned", member=MODULE, arch="arm64"
    ),
    "once-under-three-tags": Planted(
        wheel=universal("absent", "absent", THREE), rule="macos-unsigned", member=MODULE, arch="arm64"
    ),
    "command-that-places-no-bytes": Planted(
        wheel=macho_wheel(ARM, signature="absent", extra_commands=(struct.pack("<4L", 0x1D, 16, 0, 0),)),
        rule="macos-unsigned",
        member=MODULE,
    ),
    "bundled-library": Planted(
        wheel=bundling(ARM, "libfoo.dylib", files={LIBRARY: dylib("libfoo.dylib", "arm64", signature="absent")}),
        rule="macos-unsigned",
        member=LIBRARY,
    ),
    "program": Planted(
        wheel=plain_wheel(
            "py3-none-macosx_11_0_arm64", {TOOL: MachoSpec(file_type="execute", minos="11.0", signature="absent")}
        ),
        rule="macos-unsigned",
        member=TOOL,
    ),
    "two-files-are-one-finding": Planted(
        wheel=bundling(
            ARM,
            "libfoo.dylib",
            signature="absent",
            files={LIBRARY: dylib("libfoo.dylib", "arm64", signature="absent")},
        ),
        rule="macos-unsigned",
        member=None,
        arch="arm64",
        says=("2 files have no code signature",),
        shows={"member": LIBRARY},
    ),
}
STALE_CLEAN = {
    "arm-slice-that-no-tag-promises": with_files(
        INTEL, {}, binary=(clean_slices(INTEL)[0], replace(ARM_SLICE, signature=MachoSignature(stale=(0,))))
    ),
    "ios-is-signed-with-the-app": macho_wheel(PHONE, signature=MachoSignature(stale=(0,))),
    "data-of-tests": with_files(
        ARM, {"demo/tests/lib.dylib": dylib("lib.dylib", "arm64", signature=MachoSignature(stale=(0,)))}
    ),
    "weaker-hashes-are-not-looked-at": macho_wheel(
        ARM, signature=MachoSignature(hash_types=(1, 2), stale=(0,), stale_hash_types=(1,))
    ),
}
STALE_DIRTY = {
    "one-byte-of-the-text": Planted(
        wheel=with_files(ARM, {}, binary=flipped(ARM_FILE, 0x300)),
        rule="macos-signature-stale",
        member=MODULE,
        arch="arm64",
        says=("was changed after it was signed", "1 page for arm64 is not"),
        shows={"member": MODULE, "text": "pages 0 of 0 to"},
    ),
    "one-byte-of-the-last-page": Planted(
        wheel=with_files(ARM, {}, binary=flipped(ARM_FILE, signature_at(ARM_FILE) - 1)),
        rule="macos-signature-stale",
        member=MODULE,
        shows={"text": f"pages {(signature_at(ARM_FILE) - 1) // 4096} of"},
    ),
    "all-pages": Planted(
        wheel=macho_wheel(ARM, signature=MachoSignature(stale=tuple(range(9)))),
        rule="macos-signature-stale",
        member=MODULE,
        says=("9 pages for arm64 are not",),
        shows={"text": "pages 0, 1, 2, 3, 4, 5, 6, 7, ... of 0 to 8"},
    ),
    "signature-that-claims-more-than-there-is": Planted(
        wheel=with_files(ARM, {}, binary=patched(ARM_FILE, 4, 1 << 20)),
        rule="macos-signature-stale",
        member=MODULE,
        says=("broken code signature for arm64", "it claims 1048576 bytes"),
    ),
    "signature-overwritten": Planted(
        wheel=with_files(ARM, {}, binary=patched(ARM_FILE, 0, 0)),
        rule="macos-signature-stale",
        member=MODULE,
        says=("it starts with 0x00000000",),
    ),
    "bytes-added-behind-what-is-signed": Planted(
        wheel=macho_wheel(ARM, signature=MachoSignature(limit=0x4000)),
        rule="macos-signature-stale",
        member=MODULE,
        says=("it covers 16384 bytes of the",),
    ),
    "arm-slice-of-a-universal-module": Planted(
        wheel=universal("absent", MachoSignature(stale=(1,))),
        rule="macos-signature-stale",
        member=MODULE,
        arch="arm64",
        shows={"text": "arm64 slice"},
    ),
    "both-slices-are-one-finding": Planted(
        wheel=universal(MachoSignature(stale=(0,)), MachoSignature(stale=(1,)), THREE),
        rule="macos-signature-stale",
        member=MODULE,
        arch=None,
        says=("2 pages for x86_64 and arm64 are not",),
        shows={"text": "x86_64 slice"},
    ),
    "intel-slice-that-dyld-refuses": Planted(
        wheel=with_files(
            INTEL, {}, binary=patched(build_macho(replace(clean_slices(INTEL)[0], signature=SIGNED)), 0, 0)
        ),
        rule="macos-signature-stale",
        member=MODULE,
        arch="x86_64",
    ),
    "intel-slice-with-changed-pages-is-a-warning": Planted(
        wheel=macho_wheel(INTEL, signature=MachoSignature(stale=(0,))),
        rule="macos-signature-stale",
        member=MODULE,
        arch="x86_64",
        severity=Severity.WARNING,
    ),
    "intel-slice-of-a-universal-module-is-a-warning": Planted(
        wheel=universal(MachoSignature(stale=(0,)), SIGNED),
        rule="macos-signature-stale",
        member=MODULE,
        arch="x86_64",
        severity=Severity.WARNING,
    ),
    "bundled-library": Planted(
        wheel=bundling(
            ARM,
            "libfoo.dylib",
            files={LIBRARY: dylib("libfoo.dylib", "arm64", signature=MachoSignature(stale=(0,)))},
        ),
        rule="macos-signature-stale",
        member=LIBRARY,
    ),
}


@pytest.mark.parametrize("wheel", params(UNSIGNED_CLEAN | STALE_CLEAN))
def test_signatures_that_macos_takes(wheel: BuiltWheel) -> None:
    """A right signature of any kind is silent, and so is what needs none or is loaded by nothing."""
    assert [one.message for one in native(judged(wheel)) if "sign" in one.rule] == []


def test_a_clean_wheel_is_silent() -> None:
    """No rule says anything of a universal module as linkers build it."""
    assert_silent(extension_wheel(UNIVERSAL))


@pytest.mark.parametrize("case", params(UNSIGNED_DIRTY))
def test_macos_unsigned(case: Planted) -> None:
    """An arm64 slice without a signature is an error, one for all files."""
    assert_planted(case)


@pytest.mark.parametrize("case", params(STALE_DIRTY))
def test_macos_signature_stale(case: Planted) -> None:
    """A signature that does not fit the bytes is one finding a file, with its slices and pages as evidence."""
    assert_planted(case)


def test_an_unreadable_file_is_not_judged_for_its_signature() -> None:
    """Where the file ends within its signature, `binary-malformed` says so, and nothing echoes it."""
    wheel = with_files(ARM, {}, binary=ARM_FILE[:-40])
    assert [one.rule for one in native(judged(wheel)) if one.severity is Severity.ERROR] == ["binary-malformed"]


def test_a_slice_is_told_from_the_other() -> None:
    """The evidence has the offset of the first bad page, from the start of its slice."""
    thin = (build_macho(INTEL_SLICE), flipped(build_macho(ARM_SLICE), 0x1001))
    (finding,) = loud(judged(with_files(UNIVERSAL, {}, binary=build_universal(thin))))
    assert [(one.member, one.offset) for one in finding.evidence] == [(MODULE, 0x1000)]
