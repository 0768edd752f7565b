"""The names under which a loader asks for a file of the wheel."""

from __future__ import annotations

from auditor.archive.reader import read_wheel
from auditor.rules.providers import loader_names
from tests.rules.native_helpers import dylib, plain_wheel


def test_loader_names() -> None:
    """A loader asks for a file by its base name or its own name, whatever their case."""
    spec = dylib("/DLC/demo/libBar.1.dylib", "arm64", "x86_64")
    wheel = plain_wheel("py3-none-macosx_11_0_arm64", {"demo/libFoo.dylib": spec})
    (binary,) = read_wheel(wheel.data, filename=wheel.filename).binaries
    assert loader_names(binary) == {"libfoo.dylib", "libbar.1.dylib"}


def test_a_file_without_a_name_of_its_own() -> None:
    """What has no SONAME is asked for by its base name alone."""
    wheel = plain_wheel("py3-none-any", {"demo/x.bin": b"\x7fELF"})
    (binary,) = read_wheel(wheel.data, filename=wheel.filename).binaries
    assert loader_names(binary) == {"x.bin"}
