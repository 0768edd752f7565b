"""Shared by the tests of the family `tags`: wheels with any tags, pure or with an extension module."""

from __future__ import annotations

from tests.builders import DEMO, WheelSpec, extension_spec, replace

LINUX = "manylinux_2_17_x86_64"


def tagged(tags: str) -> WheelSpec:
    """A pure wheel with these tags, whatever they are."""
    python, abi, platform = tags.split("-")
    return replace(DEMO, python=python, abi=abi, platform=platform)


def native(tags: str, *, like: str | None = None) -> WheelSpec:
    """A wheel with these tags and an extension module that is clean for the tags `like`."""
    python, abi, platform = tags.split("-")
    return replace(extension_spec(like or tags), python=python, abi=abi, platform=platform)
