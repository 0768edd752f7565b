"""Shared by the tests of `auditor/rules/native/machine.py`: tags of each system, and modules of other tags."""

from __future__ import annotations

import struct

from tests.builders import BuiltWheel, build_elf, clean_binary, clean_elf, extension_name, extension_wheel

LINUX = "cp311-cp311-manylinux_2_17_x86_64"
ARM_LINUX = "cp311-cp311-manylinux_2_17_aarch64"
MUSL = "cp311-cp311-musllinux_1_2_x86_64"
MACOS = "cp311-cp311-macosx_11_0_arm64"
INTEL_MAC = "cp311-cp311-macosx_10_9_x86_64"
UNIVERSAL = "cp311-cp311-macosx_10_9_universal2"
WINDOWS = "cp311-cp311-win_amd64"
ARM_WINDOWS = "cp311-cp311-win_arm64"
WINDOWS_32 = "cp311-cp311-win32"
IPHONE = "cp313-cp313-ios_13_0_arm64_iphoneos"
LINUX_NAME = extension_name(LINUX)
HYBRID = struct.pack("<I", 0x140).ljust(0xC8, b"\0") + struct.pack("<Q", 0x1234).ljust(0x78, b"\0")
"""A load configuration with CHPE metadata (Microsoft's `IMAGE_LOAD_CONFIG_DIRECTORY64`): ARM64EC, or ARM64X."""
BROKEN_ELF = build_elf(clean_elf(LINUX))[:200]


def renamed(tags: str, other: str) -> BuiltWheel:
    """The module of other tags, under its own name, in a wheel of `tags`."""
    return extension_wheel(tags, binary=clean_binary(other), member=extension_name(other))


def disguised(tags: str, other: str) -> BuiltWheel:
    """The module of other tags under the name that the interpreter looks for."""
    return extension_wheel(tags, binary=clean_binary(other))
