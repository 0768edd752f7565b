"""Facts about native binaries: one model for ELF, Mach-O and PE.

A binary has slices: one for ELF and PE, several for a universal Mach-O. Everything below a slice belongs to one
architecture. Architectures are spelled as the platform tags of their system spell them: `x86_64`, `i686`,
`aarch64`, `armv7l` on Linux; `x86_64`, `arm64`, `i386` on Apple systems; `amd64`, `win32`, `arm64` on Windows.

Sources: System V ABI (gABI) and the GNU extensions of <elf.h>; Apple's <mach-o/loader.h>, <mach-o/fat.h>;
Microsoft PE format.
"""

from __future__ import annotations

from enum import Enum

from auditor.facts.build import BuildMarks
from auditor.facts.record import Fact


class BinaryFormat(str, Enum):
    """The three formats that operating systems of wheels load."""

    ELF = "elf"
    MACHO = "macho"
    PE = "pe"


class FileKind(str, Enum):
    """What the file header says that the file is for."""

    EXECUTABLE = "executable"
    SHARED_LIBRARY = "shared-library"
    """ET_DYN without an interpreter, MH_DYLIB, a PE image with the DLL flag."""
    BUNDLE = "bundle"
    """MH_BUNDLE: can be loaded, cannot be linked against. What distutils builds on macOS."""
    OBJECT = "object"
    OTHER = "other"
    """Cores, debug companions (MH_DSYM), kernel extensions and the like: nothing loads them."""


class NeededKind(str, Enum):
    """How strongly a library is needed."""

    NORMAL = "normal"
    WEAK = "weak"
    """Mach-O LC_LOAD_WEAK_DYLIB: its absence is no error."""
    REEXPORT = "reexport"
    UPWARD = "upward"
    LAZY = "lazy"
    DELAY = "delay"
    """PE delay import: looked for at the first call only."""
    FILTER = "filter"
    """ELF DT_FILTER and DT_AUXILIARY."""


class Needed(Fact, frozen=True, kw_only=True, gc=False):
    """A library that the loader must find first."""

    name: str
    """As written: a SONAME, an install name (may start with @rpath/), a DLL name."""
    kind: NeededKind = NeededKind.NORMAL


class SearchPathKind(str, Enum):
    """Which of a format's two ways names a search path."""

    RPATH = "rpath"
    """DT_RPATH or LC_RPATH."""
    RUNPATH = "runpath"
    """DT_RUNPATH."""


class SearchPath(Fact, frozen=True, kw_only=True, gc=False):
    """One directory of the search path, as written ($ORIGIN and @loader_path unexpanded)."""

    path: str
    kind: SearchPathKind = SearchPathKind.RPATH


class Lookup(str, Enum):
    """Where a loader looks for an imported symbol."""

    NAMED = "named"
    """In the library that `Import.library` names, or where that is None by the format's usual rule."""
    FLAT = "flat"
    """Mach-O: in every image of the process (BIND_SPECIAL_DYLIB_FLAT_LOOKUP, `-undefined dynamic_lookup`)."""
    COALESCED = "coalesced"
    """Mach-O: in every image that takes part in coalescing, this one included (BIND_SPECIAL_DYLIB_WEAK_LOOKUP)."""
    MAIN = "main"
    """Mach-O: in the main executable (BIND_SPECIAL_DYLIB_MAIN_EXECUTABLE, `-bundle_loader`)."""
    SELF = "self"
    """Mach-O: in the image itself."""


class Import(Fact, frozen=True, kw_only=True, gc=False):
    """A symbol that must come from elsewhere."""

    symbol: str
    """The C name, on every platform."""
    raw: str | None = None
    """The spelling in the file where it differs (`_malloc` on Mach-O); `#12` for a PE ordinal."""
    library: str | None = None
    """The library that the file binds it to (ELF: of its version need); None where any may provide it."""
    lookup: Lookup = Lookup.NAMED
    version: str | None = None
    """ELF symbol version, such as `GLIBC_2.17`."""
    weak: bool = False
    """Whether its absence is tolerated (STB_WEAK, N_WEAK_REF)."""
    delay: bool = False
    """Whether it is looked for at the first call only (PE delay imports)."""


class Export(Fact, frozen=True, kw_only=True, gc=False):
    """A symbol that the file provides."""

    symbol: str
    version: str | None = None
    weak: bool = False
    forward: str | None = None
    """PE: `DLL.name` that it stands for. Mach-O: a re-exported symbol's name in the other library."""
    library: str | None = None
    """Mach-O: the install name of the library that a re-exported symbol comes from."""
    ordinal: int | None = None
    """PE: the number by which it can be imported as well."""


class MinimumOS(Fact, frozen=True, kw_only=True, gc=False):
    """The oldest system that the slice says it runs on."""

    platform: str
    """`macos`, `ios`, `iossimulator`, `maccatalyst`, `tvos`, `watchos`, ...; `android`; `windows`."""
    version: tuple[int, ...]
    """(major, minor, patch); for Android (API level,)."""
    sdk: tuple[int, ...] | None = None


class VersionNeed(Fact, frozen=True, kw_only=True, gc=False):
    """One symbol version that an ELF file requires of a library (an entry of .gnu.version_r)."""

    library: str
    version: str
    weak: bool = False
    """VER_FLG_WEAK: the loader only warns where it is missing."""


class Segment(Fact, frozen=True, kw_only=True, gc=False):
    """An ELF program header."""

    type: int
    flags: int
    """PF_X 1, PF_W 2, PF_R 4."""
    offset: int
    address: int
    file_size: int
    memory_size: int
    alignment: int


class ElfDetail(Fact, frozen=True, kw_only=True, tag="elf", tag_field="format"):
    """What only ELF has."""

    type: int
    """e_type: 1 relocatable, 2 executable, 3 shared object, 4 core."""
    os_abi: int
    flags: int
    """e_flags: on ARM the EABI version and the float ABI."""
    interpreter: str | None = None
    """PT_INTERP."""
    dynamic: bool = False
    """Whether there is a PT_DYNAMIC at all: without one nothing is linked at run time."""
    executable_stack: bool | None = None
    """PT_GNU_STACK's PF_X; None where the header is absent, which on x86 means an executable stack."""
    text_relocations: bool = False
    relative_relocations: bool = False
    """DT_RELR, which ld.so knows from glibc 2.36 on."""
    x86_isa_needed: int = 0
    """GNU_PROPERTY_X86_ISA_1_NEEDED: bit 0 baseline, 1 x86-64-v2, 2 -v3, 3 -v4."""
    android_api: int | None = None
    """API level of the Android ident note."""
    build_id: str | None = None
    version_needs: tuple[VersionNeed, ...] = ()
    version_definitions: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    debug_size: int = 0
    """Bytes of .debug_* sections."""
    section_headers: bool = True


class CodeSignature(Fact, frozen=True, kw_only=True):
    """An embedded code signature, held against the bytes that it covers (Apple's <kern/cs_blobs.h>)."""

    identifier: str | None = None
    ad_hoc: bool = False
    """CS_ADHOC: hashes alone, no certificate."""
    linker_signed: bool = False
    cms: bool = False
    """Whether a CMS blob with a certificate's signature is there; it is not verified."""
    hash_type: int = 0
    """Of the code directory that was verified: 1 SHA-1, 2 SHA-256, 3 SHA-256 cut to 20 bytes, 4 SHA-384."""
    page_size: int = 0
    """Bytes of a page; 0 where one hash covers everything."""
    pages: int = 0
    bad_pages: tuple[int, ...] = ()
    """Numbers of the pages, from 0, whose hash is not that of their bytes; at most the first 100."""
    bad_page_count: int = 0
    code_limit: int = 0
    """Bytes from the start of the slice that the hashes cover."""
    problems: tuple[str, ...] = ()
    """Why the signature, or a part of it, could not be read: the system then refuses it too."""


class MachODetail(Fact, frozen=True, kw_only=True, tag="macho", tag_field="format"):
    """What only Mach-O has."""

    cpu_type: int
    cpu_subtype: int
    file_type: int
    flags: int
    offset: int
    """Where the slice starts in the file, in bytes."""
    size: int
    fat: bool = False
    """Whether the slice comes from a universal file."""
    uuid: str | None = None
    signed: bool = False
    """Whether there is an LC_CODE_SIGNATURE."""
    signature: CodeSignature | None = None
    debug_size: int = 0
    """Bytes of the sections of a `__DWARF` segment."""


class PeDetail(Fact, frozen=True, kw_only=True, tag="pe", tag_field="format"):
    """What only PE has."""

    machine: int
    characteristics: int
    dll_characteristics: int
    linker: tuple[int, int]
    subsystem: int
    hybrid: bool = False
    """Whether the load configuration has CHPE metadata (ARM64EC, ARM64X)."""
    managed: bool = False
    """Whether there is a CLR header: a .NET assembly, of which only the runtime's loader is an import."""
    debug_size: int = 0
    """Bytes of .debug_* sections, which GCC leaves in the file where Microsoft's tools write a .pdb beside it."""


class Slice(Fact, frozen=True, kw_only=True):
    """The part of a binary that is for one architecture."""

    arch: str | None
    """Spelled as this system's platform tags spell it; None for a machine that no tag names."""
    machine: str
    """The machine in the format's own words, such as `EM_X86_64`, `CPU_TYPE_ARM64`, `IMAGE_FILE_MACHINE_AMD64`."""
    bits: int
    little_endian: bool
    kind: FileKind
    detail: ElfDetail | MachODetail | PeDetail
    needed: tuple[Needed, ...] = ()
    search_paths: tuple[SearchPath, ...] = ()
    identity: str | None = None
    """SONAME, LC_ID_DYLIB, or the name in the PE export directory."""
    imports: tuple[Import, ...] = ()
    exports: tuple[Export, ...] = ()
    minimum_os: MinimumOS | None = None
    marks: BuildMarks | None = None
    """What the build left in it; None where nothing was found."""


class Binary(Fact, frozen=True, kw_only=True):
    """A native file of the wheel."""

    member: str
    """Its name in the archive."""
    format: BinaryFormat
    slices: tuple[Slice, ...]
    problems: tuple[str, ...] = ()
    """Why it, or a part of it, could not be read. Not empty means that silence about it proves nothing."""
