"""Native files that a wheel carries for several systems or machines, and chooses from at run time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.facts.binary import BinaryFormat
from auditor.rules.context import Role

if TYPE_CHECKING:
    from auditor.facts.binary import Binary
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_MACHINE = re.compile(
    r"x86[_-]?64|amd64|x64|i[3-6]86|x86|aarch64|arm64|armv?\d*|arm|ppc64(le)?|s390x|riscv(64)?|win32|win64|32|64"
    r"|universal2?|wasm(32)?|linux|darwin|macos|osx|windows|win|android|ios|musl|gnu",
    re.IGNORECASE,
)
_WORDS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])")


def names_its_machine(path: str) -> bool:
    """Whether a directory or the file name says which system or machine the file is for.

    `native/win32-x86_64/_wasmtime.dll` and `attach_linux_amd64.so` do; `lib/avx2/libctransformers.so` does not.
    """
    without_suffix = re.sub(r"\.(so|dll|dylib|pyd)(\.\d+)*$", "", path)
    # `x86_64` must not be split at its underscore, so the whole path is searched with word borders of its own.
    return any(_MACHINE.fullmatch(word) for part in without_suffix.split("/") for word in _WORDS.split(part) if word)


def fixed_machine_libraries(wheel: WheelFacts, context: Context) -> list[Binary]:
    """Shared libraries whose path leaves no choice of machine, in a wheel whose Python code loads libraries."""
    if not any(member.loads_libraries for member in wheel.members):
        return []
    return [
        binary
        for binary in wheel.binaries
        if context.roles[binary.member] is Role.LIBRARY
        and not names_its_machine(binary.member)
        and not _serves_every_mac(binary)
    ]


def _serves_every_mac(binary: Binary) -> bool:
    """Whether the file is a Mach-O library for both kinds of Mac: `.dylib` then names all that there is to choose."""
    archs = {part.arch for part in binary.slices}
    return binary.format is BinaryFormat.MACHO and {"x86_64", "arm64"} <= archs
