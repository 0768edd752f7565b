"""Build the smallest Mach-O file that dyld takes, then change one thing.

    spec = MachoSpec(libraries=(LIBSYSTEM,), exports=(MachoExport(symbol="_PyInit_demo"),))
    (tmp_path / "demo.so").write_bytes(build_macho(spec))
    build_universal((build_macho(spec), build_macho(replace(spec, cpu="x86_64"))))

Specifications: Apple's <mach-o/loader.h> for header and load commands, <mach-o/fat.h> for universal files. What a file
is to be is in `macho_spec`, its load commands in `macho_commands`, what stands in __LINKEDIT in `macho_linkedit` and
`macho_signing`. Symbols have their raw spelling, with the leading underscore. The segments are __TEXT (header, code),
__DATA (a pointer an import) and __LINKEDIT.
"""

from __future__ import annotations

import struct
from dataclasses import replace

from tests.builders.macho_commands import load_commands, mach_header
from tests.builders.macho_linkedit import (
    EXECUTABLE_ORDINAL,
    FLAT_LOOKUP_ORDINAL,
    SELF_ORDINAL,
    WEAK_LOOKUP_ORDINAL,
    MachoExport,
    MachoImport,
    Slots,
    bind_opcodes,
    chained_fixups,
    chained_pointers,
    export_record,
    export_trie,
    symbol_table,
)
from tests.builders.macho_signing import MachoSignature, code_signature, code_signature_size
from tests.builders.macho_spec import (
    FILE_TYPES,
    LIBSYSTEM,
    Frame,
    Layout,
    MachoCpu,
    MachoLibrary,
    MachoSpec,
    number_of,
    round_up,
)

__all__ = [
    "EXECUTABLE_ORDINAL",
    "FLAT_LOOKUP_ORDINAL",
    "LIBSYSTEM",
    "SELF_ORDINAL",
    "WEAK_LOOKUP_ORDINAL",
    "MachoCpu",
    "MachoExport",
    "MachoImport",
    "MachoLibrary",
    "MachoSignature",
    "MachoSpec",
    "build_macho",
    "build_universal",
    "replace",
]


def build_macho(spec: MachoSpec) -> bytes:
    """Encode the commands once to learn their size, lay out the file, encode them again with the true offsets."""
    frame = Frame.of(spec)
    commands = load_commands(frame, Layout())
    header_size = 32 if frame.word == 8 else 28
    code_offset = header_size + sum(map(len, commands))
    code_offset += -code_offset % 16
    layout = _laid_out(frame, code_offset)
    commands = load_commands(frame, layout)
    header = mach_header(frame, commands)
    content = b"".join((header, *commands)).ljust(code_offset, b"\0") + frame.code + spec.rodata
    content = content.ljust(layout.data_offset, b"\0") + _pointers(frame)
    content = content.ljust(layout.linkedit_offset, b"\0") + b"".join(layout.pieces.values())
    if frame.signature is not None:
        content = content.ljust(layout.signature_offset, b"\0")
        main = number_of(FILE_TYPES, spec.file_type) == 2
        content += code_signature(content, spec.identifier, layout.data_offset, frame.signature, main=main)
    return content


def build_universal(slices: tuple[bytes, ...], *, fat64: bool = False) -> bytes:
    """A universal file of thin ones, each aligned to 16 KiB (<mach-o/fat.h>)."""
    header = struct.pack(">2L", 0xCAFEBABF if fat64 else 0xCAFEBABE, len(slices))
    body, start = b"", 0x4000
    for thin in slices:
        offset = start + len(body)
        cpu = struct.unpack_from("<2L", thin, 4)
        if fat64:
            header += struct.pack(">2L2Q2L", *cpu, offset, len(thin), 14, 0)
        else:
            header += struct.pack(">5L", *cpu, offset, len(thin), 14)
        padding = bytes(-len(thin) % 0x4000) if thin is not slices[-1] else b""
        body += thin + padding
    return header.ljust(start, b"\0") + body


def _laid_out(frame: Frame, code_offset: int) -> Layout:
    spec, page = frame.spec, frame.page
    data_offset = round_up(code_offset + len(frame.code) + len(spec.rodata), page)
    linkedit_offset = data_offset + round_up(frame.word * len(frame.bound), page)
    layout = Layout(
        code_offset=code_offset,
        data_offset=data_offset,
        linkedit_offset=linkedit_offset,
        pieces=_linkedit(frame, code_offset, data_offset),
    )
    if frame.signature is None:
        return layout
    size = code_signature_size(layout.signature_offset, spec.identifier, frame.signature)
    return replace(layout, signature_size=size)


def _linkedit(frame: Frame, code_offset: int, data_offset: int) -> dict[str, bytes]:
    """Fixups, export trie, symbols and strings; a kind that the specification leaves out is not there."""
    spec, names = frame.spec, frame.segment_names
    slots = Slots(
        segment=names.index("__DATA") if "__DATA" in names else 0,
        segment_count=len(names),
        segment_offset=data_offset,
        word=frame.word,
        page=frame.page,
    )
    pieces = {}
    if spec.fixups == "opcodes":
        pieces["bind"] = bind_opcodes(frame.bound, slots)
    elif spec.fixups == "chained":
        pieces["chained"] = chained_fixups(frame.bound, slots, spec.chained_import_format, frame.pointer_format)
    if spec.fixups != "absent":
        pieces["trie"] = export_trie({each.symbol.encode(): export_record(each, code_offset) for each in spec.exports})
    if spec.symbol_table:
        code = frame.base + code_offset
        pieces["symbols"], pieces["strings"] = symbol_table(frame.word, spec.exports, frame.bound, code)
    return pieces


def _pointers(frame: Frame) -> bytes:
    """The contents of __DATA before binding."""
    if frame.spec.fixups == "chained":
        return chained_pointers(len(frame.bound), frame.pointer_format)
    return bytes(frame.word * len(frame.bound))
