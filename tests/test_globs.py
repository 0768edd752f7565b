"""Globs over names of members, wheels and libraries."""

from __future__ import annotations

import time

import pytest

from auditor.globs import MAX_PARTS, matches


@pytest.mark.parametrize(
    ("name", "glob"),
    [
        ("demo/_core.so", "*.so"),
        ("demo/_core.so", "_core.*"),
        ("demo/_core.so", "demo/*"),
        ("demo/_core.so", "demo/*.so"),
        ("demo/_core.so", "/demo/_core.so"),
        ("demo/_core.so", "**"),
        ("demo/_core.so", "**/_core.so"),
        ("demo/a/b/c.so", "demo/**/c.so"),
        ("demo/c.so", "demo/**/c.so"),
        ("demo/a/b/c.so", "demo/**"),
        ("demo/a/b/c.so", "**/a/**/c.so"),
        ("demo-1.0-py3-none-any.whl", "*-any.whl"),
        ("libx.so.1", "libx.so.[0-9]"),
        ("a\nb/c", "*/c"),
        ("", "*"),
    ],
)
def test_names_that_a_glob_stands_for(name: str, glob: str) -> None:
    """`*` stays within a part, `**` does not, and a glob without a slash looks at the last part."""
    assert matches(name, glob)


@pytest.mark.parametrize(
    ("name", "glob"),
    [
        ("demo/a/c.so", "demo/*"),
        ("demo/a/c.so", "demo/*.so"),
        ("demo/a/c.so", "a/c.so"),
        ("demo/_core.so", "demo"),
        ("demo/_core.so", "DEMO/*"),
        ("demo/_core.so", "*.SO"),
        ("demo/_core.so", "demo/_core.so/**/x"),
        ("demo/x/_core.so", "demo/**/y/_core.so"),
        ("a/" * MAX_PARTS + "c.so", "a/**"),
    ],
)
def test_names_that_a_glob_does_not_stand_for(name: str, glob: str) -> None:
    """Every part has to match, and case counts on every host."""
    assert not matches(name, glob)


def test_a_hostile_name_costs_no_time() -> None:
    """Neither a long part nor many parts make a glob slow."""
    begun = time.process_time()
    matches("a" * 65_000, "*a*a*a*a*b")
    matches("a/" * 1000 + "b", "**/a/**/a/**/a/**/c")
    assert time.process_time() - begun < 2
