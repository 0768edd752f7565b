"""The release against the oldest systems that the settings promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.platforms.stated import raised_above
from auditor.rules.rule import ERROR, Evidence, Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.platforms.stated import Raised
    from auditor.rules.release.context import ReleaseContext

_SHOWN = 20


def above_stated(context: ReleaseContext) -> Iterator[Hit]:
    """A hit for each kind of machine whose wheels begin at newer systems than the settings promise."""
    found: dict[str, list[Raised]] = {}
    for one in raised_above(context.matrix, context.floors):
        found.setdefault(one.column.name, []).append(one)
    for name, same in found.items():
        column, stated = same[0].column, same[0].stated
        highest = max(one.floor for one in same)
        yield Hit(
            message=f"on `{name}` wheels begin at {column.versions} {_dotted(highest)}, and the settings promise"
            f" {column.versions} {_dotted(stated)}",
            help="build on the older system again (the image, `MACOSX_DEPLOYMENT_TARGET`), or promise less in `floors`",
            severity=ERROR,
            evidence=tuple(
                Evidence(
                    text=f"`{one.wheel}` is for {column.versions} {_dotted(one.floor)} and later, and no other wheel"
                    f" serves {', '.join(one.interpreters[:_SHOWN])} on older systems",
                    version=_dotted(one.floor),
                )
                for one in same[:_SHOWN]
            ),
        )


def _dotted(version: tuple[int, int]) -> str:
    """A version as people write it."""
    return f"{version[0]}.{version[1]}"
