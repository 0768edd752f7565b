"""What the ELF builder must know of each machine (gABI, "e_machine", and the psABI supplements)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ByteOrder = Literal["little", "big"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One processor, with the defaults that its usual Linux distribution has."""

    number: int
    """EM_*, for e_machine."""
    bits: Literal[32, 64] = 64
    order: ByteOrder = "little"
    flags: int = 0
    """e_flags of the ABI that CPython's platform tag names."""
    page: int = 0x1000
    """What linkers align PT_LOAD to."""
    address_relocation: int | None
    """The relocation that writes a symbol's address into a slot; None writes no relocations."""
    addends: bool = True
    """Whether relocations carry an addend (RELA) or not (REL)."""
    return_zero: bytes
    """The body of a C function that returns 0."""


MACHINES: Final = {
    "none": Machine(number=0, address_relocation=None, return_zero=b"\0\0\0\0"),
    "x86_64": Machine(number=62, address_relocation=6, return_zero=b"\x31\xc0\xc3"),
    "i386": Machine(number=3, bits=32, address_relocation=6, addends=False, return_zero=b"\x31\xc0\xc3"),
    "aarch64": Machine(
        number=183,
        page=0x10000,
        address_relocation=1025,
        return_zero=bytes.fromhex("00008052c0035fd6"),
    ),
    "arm": Machine(
        number=40,
        bits=32,
        flags=0x05000400,  # EF_ARM_EABI_VER5 | EF_ARM_ABI_FLOAT_HARD
        page=0x10000,
        address_relocation=21,
        addends=False,
        return_zero=bytes.fromhex("0000a0e31eff2fe1"),
    ),
    "ppc64": Machine(
        number=21,
        order="big",
        flags=1,  # ELFv1
        page=0x10000,
        address_relocation=20,
        return_zero=bytes.fromhex("386000004e800020"),
    ),
    "ppc64le": Machine(
        number=21,
        flags=2,  # ELFv2
        page=0x10000,
        address_relocation=20,
        return_zero=bytes.fromhex("000060382000804e"),
    ),
    "s390x": Machine(number=22, order="big", address_relocation=10, return_zero=bytes.fromhex("a729000007fe")),
    "riscv": Machine(
        number=243,
        flags=5,  # EF_RISCV_RVC | EF_RISCV_FLOAT_ABI_DOUBLE
        address_relocation=2,
        return_zero=bytes.fromhex("01458280"),
    ),
    "loongarch": Machine(
        number=258,
        flags=0x43,  # EF_LOONGARCH_ABI_DOUBLE_FLOAT | EF_LOONGARCH_OBJABI_V1
        page=0x10000,
        address_relocation=2,
        return_zero=bytes.fromhex("040015002000004c"),
    ),
}
"""The machines by the name that `ElfSpec.machine` takes."""
