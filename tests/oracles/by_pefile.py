"""PE as pefile reads it, with its ceilings raised: by itself it stops at 8,192 symbols and at names of 512 bytes."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pefile

from tests.oracles.model import OracleError, ordered

if TYPE_CHECKING:
    from tests.oracles.model import Fields, Row

_MANY = 1 << 20
_CEILINGS = dict.fromkeys(("MAX_IMPORT_SYMBOLS", "MAX_IMPORT_NAME_LENGTH", "MAX_SYMBOL_NAME_LENGTH"), _MANY)
_DIRECTORIES = ("EXPORT", "IMPORT", "DELAY_IMPORT")


def read_pe(content: bytes) -> Fields:
    """The fields of a PE image. Raises OracleError."""
    try:
        image = pefile.PE(data=content, fast_load=True, max_symbol_exports=_MANY)
        numbers = [pefile.DIRECTORY_ENTRY[f"IMAGE_DIRECTORY_ENTRY_{name}"] for name in _DIRECTORIES]
        with patch.dict(vars(pefile), _CEILINGS):
            image.parse_data_directories(directories=numbers)
    except pefile.PEFormatError as error:
        raise OracleError(str(error.value)) from error
    imports, delayed = (getattr(image, f"DIRECTORY_ENTRY_{name}", []) for name in ("IMPORT", "DELAY_IMPORT"))
    exports = getattr(image, "DIRECTORY_ENTRY_EXPORT", None)
    return {
        "needed": ordered(_text(one.dll) for one in imports),
        "delay": ordered(_text(one.dll) for one in delayed),
        "imports": _imports(imports),
        "delayed imports": _imports(delayed),
        "exports": Counter(_export(one) for one in ([] if exports is None else exports.symbols)),
    }


def _imports(libraries: list[Any]) -> Counter[Row]:
    return Counter(
        (_text(library.dll), f"#{one.ordinal}" if one.import_by_ordinal else _text(one.name))
        for library in libraries
        for one in library.imports
    )


def _export(one: Any) -> Row:
    name = f"#{one.ordinal}" if one.name is None else _text(one.name)
    return name, None if one.forwarder is None else _text(one.forwarder)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
