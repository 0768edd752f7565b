"""Which symbols the interpreter gives to whatever it loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms.cpython_symbols import builds, exported_by, is_api_name

if TYPE_CHECKING:
    from auditor.platforms.cpython import Interpreter


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
        if not is_api_name(symbol):
            return False
        return not self._known or bool(exported_by(symbol, windows=False))
