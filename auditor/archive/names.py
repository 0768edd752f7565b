"""The file name of a wheel -> its parts, as written ("Binary distribution format", File name convention)."""

from __future__ import annotations

import re

from auditor.facts.wheel import WheelName

_SUFFIX = ".whl"
_VENDORED_HASH = re.compile(r"-[0-9a-f]{8,32}(?=\.|$)")
"""What auditwheel and delvewheel put behind the name of a library that they copy."""


def parse_name(filename: str) -> WheelName | None:
    """The five or six parts of `filename`, or None where it does not have them. No part is validated here."""
    if not filename.endswith(_SUFFIX):
        return None
    parts = filename[: -len(_SUFFIX)].split("-")
    if len(parts) not in {5, 6}:
        return None
    distribution, version, *build, python, abi, platform = parts
    return WheelName(
        distribution=distribution,
        version=version,
        build=build[0] if build else None,
        python=python,
        abi=abi,
        platform=platform,
    )


def spoken_names(requirement: str) -> frozenset[str]:
    """The names under which code may speak of a distribution: `libucx_cu12` and `libucx` for `libucx-cu12`."""
    name = re.sub(r"[-_.]+", "_", requirement.lower())
    return frozenset({name, re.sub(r"_cu\d+$", "", name)})


def is_vendored_name(name: str) -> bool:
    """Whether a library's name is one that a repairing tool gave to a copy: no system has a library of that name."""
    return _VENDORED_HASH.search(name) is not None


def stem(filename: str) -> str:
    """What a library is called without directory, suffixes, version and the hash of a repairing tool."""
    base = filename.rpartition("/")[2].lower()
    return _VENDORED_HASH.sub("", base).partition(".")[0]
