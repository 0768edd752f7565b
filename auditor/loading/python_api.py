"""Which symbols the interpreter gives to whatever it loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms.cpython_symbols import builds, exported_by, is_api_name

if TYPE_CHECKING:
    from auditor.platforms.cpython import Interpreter


_OTHER_NAMES = ("pypy_", "HPy", "_HPy", "Graal")
"""How the names of other interpreters begin: PyPy's embedding interface, HPy, GraalPy."""


class PythonApi:
    """The C API of the interpreters that the tags select."""

    def __init__(self, interpreters: tuple[Interpreter, ...]) -> None:
        known = frozenset(builds())
        self._known = bool(interpreters) and all(one in known for one in interpreters)

    def has(self, symbol: str) -> bool:
        """Whether a symbol is the interpreter's to give.

        One that some CPython exports is: whether each promised version does is the business of the rules on Python
        symbols. Where an interpreter is promised whose exports are not known (PyPy, GraalPy, a newer CPython), any
        name of the API's spelling is.
        """
        if not self._known:
            return is_api_name(symbol) or symbol.startswith(_OTHER_NAMES)
        return is_api_name(symbol) and bool(exported_by(symbol, windows=False))
