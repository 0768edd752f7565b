"""Archives with one thing wrong, and the anomalies of each: a module for each part of an archive, a function a case.

The cases have the numbers of an experiment with PyPI, pip, uv and installer over hand-made wheels; what they do with
each is the business of the rules.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.builders.zipraw import CentralFields, LocalFields, ZipEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.archive.archives import Found

Case = tuple[bytes, "list[Found]"]

UTF8 = 1 << 11
SENTINEL = 0xFFFFFFFF


def both(entry: ZipEntry, **changes: int) -> ZipEntry:
    """The entry with the same fields changed in its local header and its central entry."""
    return replace(entry, local=LocalFields(**changes), central=CentralFields(**changes))  # type: ignore[arg-type]


def cases_of(module: Mapping[str, Any]) -> dict[str, Callable[[], Case]]:
    """What the functions `_case_NAME` of a module make, by the names of the cases."""
    return {name.removeprefix("_case_"): case for name, case in module.items() if name.startswith("_case_")}
