"""Build a wheel with one extension module that is clean for its tags, then change one thing.

    extension_wheel("cp311-cp311-manylinux_2_17_x86_64").write(tmp_path)
    spec = clean_elf("cp311-cp311-manylinux_2_17_x86_64")
    extension_wheel("cp311-cp311-manylinux_2_17_x86_64", binary=replace(spec, stack="rwx"))

Specifications: "Platform compatibility tags" (PyPA); PEP 3149 for the suffixes of extension modules.
Where a compressed tag set holds several members, the first python tag and the first platform tag decide what the
module looks like, and so does the first ABI tag unless one of them is abi3t.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from tests.builders._override import either
from tests.builders.elf import ElfExport, ElfImport, ElfSpec, build_elf
from tests.builders.macho import LIBSYSTEM, MachoExport, MachoImport, MachoSpec, build_macho, build_universal
from tests.builders.pe import PeExport, PeSpec, build_pe
from tests.builders.wheel import BuiltWheel, WheelSpec, build_wheel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders.macho import MachoCpu
    from tests.builders.wheel import Member

__all__ = [
    "OUTSIDE_STABLE_ABI",
    "NativeSpec",
    "build_native",
    "clean_binary",
    "clean_elf",
    "clean_macho",
    "clean_pe",
    "clean_slices",
    "extension_name",
    "extension_spec",
    "extension_wheel",
    "replace",
]

NativeSpec = ElfSpec | MachoSpec | tuple[MachoSpec, ...] | PeSpec
"""What a native file is built from; several Mach-O slices make a universal file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _LinuxArch:
    """A Linux architecture: the builder's machine, the multiarch name, and the floor of its glibc symbols."""

    machine: str
    triplet: str
    memcpy: str


_LINUX: Final = {
    "x86_64": _LinuxArch(machine="x86_64", triplet="x86_64-linux-gnu", memcpy="GLIBC_2.14"),
    "i686": _LinuxArch(machine="i386", triplet="i386-linux-gnu", memcpy="GLIBC_2.0"),
    "aarch64": _LinuxArch(machine="aarch64", triplet="aarch64-linux-gnu", memcpy="GLIBC_2.17"),
    "armv7l": _LinuxArch(machine="arm", triplet="arm-linux-gnueabihf", memcpy="GLIBC_2.4"),
    "armv6l": _LinuxArch(machine="arm", triplet="arm-linux-gnueabihf", memcpy="GLIBC_2.4"),
    "ppc64le": _LinuxArch(machine="ppc64le", triplet="powerpc64le-linux-gnu", memcpy="GLIBC_2.17"),
    "ppc64": _LinuxArch(machine="ppc64", triplet="powerpc64-linux-gnu", memcpy="GLIBC_2.3"),
    "s390x": _LinuxArch(machine="s390x", triplet="s390x-linux-gnu", memcpy="GLIBC_2.2"),
    "riscv64": _LinuxArch(machine="riscv", triplet="riscv64-linux-gnu", memcpy="GLIBC_2.27"),
    "loongarch64": _LinuxArch(machine="loongarch", triplet="loongarch64-linux-gnu", memcpy="GLIBC_2.36"),
}
_ANDROID: Final = {
    "arm64_v8a": ("aarch64", "aarch64-linux-android"),
    "armeabi_v7a": ("arm", "arm-linux-androideabi"),
    "x86_64": ("x86_64", "x86_64-linux-android"),
    "x86": ("i386", "i686-linux-android"),
}
_MAC_CPUS: Final[dict[str, tuple[MachoCpu, ...]]] = {
    "universal2": ("x86_64", "arm64"),
    "intel": ("i386", "x86_64"),
    "x86_64": ("x86_64",),
    "arm64": ("arm64",),
    "i386": ("i386",),
}
_WINDOWS: Final[dict[str, Literal["amd64", "i386", "arm64"]]] = {
    "win_amd64": "amd64",
    "win32": "i386",
    "win_arm64": "arm64",
}
OUTSIDE_STABLE_ABI: Final = "PyUnicode_New"
"""A function that CPython 3.8 to 3.15 export on every system, with and without the GIL, and no abi3 module may take."""
_DEFAULT_MEMBER: Final = {"demo/__init__.py": b'"""A demo."""\n'}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tags:
    """The first tag of a set, taken apart."""

    python: str
    abi: str
    platform: str

    @classmethod
    def of(cls, tags: str) -> _Tags:
        python, abi, platform = (part.split(".") for part in tags.split("-"))
        return cls(python=python[0], abi="abi3t" if "abi3t" in abi else abi[0], platform=platform[0])

    @property
    def family(self) -> str:
        """linux, musllinux, manylinux, macosx, ios, android or win."""
        return re.split(r"[_0-9]", self.platform)[0]

    @property
    def stable(self) -> bool:
        """Whether the module keeps to a stable ABI."""
        return self.abi in {"abi3", "abi3t"}

    @property
    def interface(self) -> tuple[tuple[str, ...], str]:
        """The functions that the module takes from the interpreter, and the one it offers (PEP 803 for abi3t).

        A module for one version takes one that every CPython exports and that is not in the stable ABI: else the
        wheel could just as well be an abi3 one.
        """
        if self.abi == "abi3t":
            return ("PyLong_FromLong",), "PyModExport__core"
        if self.abi == "abi3":
            return ("PyModule_Create2",), "PyInit__core"
        return ("PyModule_Create2", OUTSIDE_STABLE_ABI), "PyInit__core"

    @property
    def version(self) -> tuple[int, int]:
        """The versions in `manylinux_2_17_x86_64` and the like; (2, 17) where a legacy tag has none."""
        legacy = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
        found = re.match(r"[a-z]+_(\d+)(?:_(\d+))?_", self.platform)
        numbers = (int(found[1]), int(found[2] or 0)) if found else (2, 17)
        return legacy.get(self.platform.split("_")[0], numbers)

    @property
    def arch(self) -> str:
        """What stands behind the version, `x86_64` in `manylinux_2_17_x86_64`."""
        return re.sub(r"^[a-z]+\d*(_\d+)*_", "", self.platform)


def extension_wheel(
    tags: str,
    *,
    binary: NativeSpec | bytes | None = None,
    member: str | None = None,
    members: Mapping[str, bytes | Member] = _DEFAULT_MEMBER,
) -> BuiltWheel:
    """The wheel of `extension_spec`."""
    return build_wheel(extension_spec(tags, binary=binary, member=member, members=members))


def extension_spec(
    tags: str,
    *,
    binary: NativeSpec | bytes | None = None,
    member: str | None = None,
    members: Mapping[str, bytes | Member] = _DEFAULT_MEMBER,
) -> WheelSpec:
    """A wheel with these tags whose one extension module is `binary`, or a clean one, under its right name."""
    python, abi, platform = tags.split("-")
    content = build_native(clean_binary(tags) if binary is None else binary)
    return WheelSpec(
        python=python,
        abi=abi,
        platform=platform,
        members={**members, either(member, extension_name(tags)): content},
    )


def extension_name(tags: str) -> str:
    """The member name that the interpreter of these tags imports as `demo._core`."""
    first = _Tags.of(tags)
    if first.family == "win":
        return "demo/_core.pyd" if first.stable else f"demo/_core.{first.abi}-{first.platform}.pyd"
    if first.stable:
        return f"demo/_core.{first.abi}.so"
    return f"demo/_core.cpython-{first.abi.removeprefix('cp')}-{_triplet(first)}.so"


def build_native(binary: NativeSpec | bytes) -> bytes:
    """The bytes of a native file, whatever its format."""
    match binary:
        case bytes():
            return binary
        case ElfSpec():
            return build_elf(binary)
        case MachoSpec():
            return build_macho(binary)
        case PeSpec():
            return build_pe(binary)
        case _:
            return build_universal(tuple(build_macho(thin) for thin in binary))


def clean_binary(tags: str) -> NativeSpec:
    """An extension module without a fault, in the format of the platform tag."""
    match _Tags.of(tags).family:
        case "win":
            return clean_pe(tags)
        case "macosx" | "ios":
            slices = clean_slices(tags)
            return slices if len(slices) > 1 else slices[0]
        case _:
            return clean_elf(tags)


def clean_elf(tags: str) -> ElfSpec:
    """An ELF module that takes its functions from the interpreter, and `memcpy` from the C library."""
    first = _Tags.of(tags)
    taken, offered = first.interface
    exports = (ElfExport(symbol=offered),)
    python = tuple(ElfImport(symbol=symbol) for symbol in taken)
    if first.family == "android":
        return ElfSpec(
            machine=_ANDROID[first.arch][0],
            needed=(f"libpython3.{first.python[3:]}.so", "libc.so"),
            imports=(*python, ElfImport(symbol="memcpy", library="libc.so", version="LIBC")),
            exports=exports,
            android_api=first.version[0],
            page=0x4000,
        )
    arch = _LINUX[first.arch]
    if first.family == "musllinux":
        needed = (f"libc.musl-{first.arch.replace('i686', 'x86').replace('armv7l', 'armv7')}.so.1",)
        imports = (*python, ElfImport(symbol="memcpy"))
        return ElfSpec(machine=arch.machine, needed=needed, imports=imports, exports=exports)
    old = first.arch == "x86_64" and first.version < (2, 14)
    memcpy = ElfImport(symbol="memcpy", library="libc.so.6", version="GLIBC_2.2.5" if old else arch.memcpy)
    return ElfSpec(machine=arch.machine, needed=("libc.so.6",), imports=(*python, memcpy), exports=exports)


def clean_slices(tags: str) -> tuple[MachoSpec, ...]:
    """The slices that the platform tag promises, each with the tag's minimum version (arm64 macOS: 11.0 at least)."""
    first = _Tags.of(tags)
    taken, offered = first.interface
    module = MachoSpec(
        libraries=(LIBSYSTEM,),
        imports=(
            *(MachoImport(symbol=f"_{symbol}") for symbol in taken),
            MachoImport(symbol="_memcpy", library=LIBSYSTEM.name),
        ),
        exports=(MachoExport(symbol=f"_{offered}"),),
        identifier=extension_name(tags).rpartition("/")[2],
    )
    if first.family == "ios":
        arch, _, device = first.arch.rpartition("_")
        platform = "ios" if device == "iphoneos" else "iossimulator"
        return tuple(
            replace(module, cpu=cpu, platform=platform, minos=_dotted(first.version), file_type="dylib")
            for cpu in _MAC_CPUS[arch]
        )
    return tuple(
        replace(module, cpu=cpu, minos=_dotted(max(first.version, (11, 0)) if cpu == "arm64" else first.version))
        for cpu in _MAC_CPUS[first.arch]
    )


def clean_macho(tags: str) -> MachoSpec:
    """The Mach-O module of a tag with one architecture."""
    (thin,) = clean_slices(tags)
    return thin


def clean_pe(tags: str) -> PeSpec:
    """A DLL that takes its functions from the interpreter's DLL that the tags name."""
    first = _Tags.of(tags)
    taken, offered = first.interface
    runtime = "python3t.dll" if first.abi == "abi3t" else "python3.dll"
    if not first.stable:
        runtime = f"python{first.abi.removeprefix('cp')}.dll"
    return PeSpec(
        machine=_WINDOWS[first.platform],
        imports={
            runtime: taken,
            "KERNEL32.dll": ("Sleep",),
            "VCRUNTIME140.dll": ("memcpy",),
        },
        exports=(PeExport(symbol=offered),),
        dll_name=extension_name(tags).rpartition("/")[2],
    )


def _triplet(first: _Tags) -> str:
    """What CPython puts behind the version in the suffix (SOABI)."""
    match first.family:
        case "macosx":
            return "darwin"
        case "ios":
            return first.arch.rpartition("_")[2]
        case "android":
            return _ANDROID[first.arch][1]
        case "musllinux":
            return _LINUX[first.arch].triplet.replace("-gnu", "-musl")
        case _:
            return _LINUX[first.arch].triplet


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
