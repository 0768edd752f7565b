"""What the tests of the readers build once."""

from __future__ import annotations

import pytest

from tests.binary.elf_files import gcc_library


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A library as gcc builds it, with debugging sections."""
    return gcc_library(tmp_path_factory.mktemp("library"), "-g")
