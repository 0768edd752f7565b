"""The libraries that a repair tool copied into a wheel: auditwheel, delocate, delvewheel, maturin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.facts.binary import Binary
    from auditor.facts.wheel import WheelFacts

_HASH = re.compile(r"-[0-9a-f]{8,32}(?=\.|$)")


def is_grafted(member: str) -> bool:
    """Whether a member lies where repair tools put copies: `demo.libs/`, `demo/.dylibs/`, `demo/.libs/`."""
    directories = member.split("/")[:-1]
    return any(one.endswith((".libs", ".dylibs")) or one.startswith(".libs_") for one in directories)


def grafted_libraries(wheel: WheelFacts) -> list[Binary]:
    """The native files that some repair tool copied into the wheel."""
    return [binary for binary in wheel.binaries if is_grafted(binary.member)]


def original_name(member: str) -> str:
    """The file name that a library had before auditwheel or delvewheel put a part of its hash into it."""
    return _HASH.sub("", member.rpartition("/")[2], count=1)
