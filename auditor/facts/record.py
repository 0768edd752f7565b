"""The base of every fact: a frozen record that takes its fields by keyword and compares by value."""

from __future__ import annotations

import msgspec


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A frozen record. Fields that hold their default are left out of the JSON form."""
