"""Run a recipe: the sources in an empty folder, the command lines one after the other, the results into a wheel."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fixtures_crate.defects.model import PACKAGE_VERSION
from tests.builders import WheelSpec, build_wheel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fixtures_crate.defects.model import Recipe
    from tests.builders import BuiltWheel

SOURCES: Final = Path(__file__).resolve().parents[1] / "c"
ZIG: Final = "ziglang==0.17.1"
"""The package of zig on PyPI: with one version its output is the same, byte for byte, on every machine."""
DEBIAN_PACKAGES: Final = {
    "gcc": "gcc",
    "ld64.lld-14": "lld-14",
    "llvm-lipo-14": "llvm-14",
    "sed": "sed",
    "x86_64-w64-mingw32-gcc": "gcc-mingw-w64-x86-64-win32",
}
"""Program -> the package of Debian 12 that brings it."""
_KEPT: Final = ("PATH", "HOME", "TMPDIR")


class MissingProgramsError(Exception):
    """Programs of the recipes are not on this machine; the text is the command that installs them on Debian."""


class BuildError(Exception):
    """A command of a recipe failed, or what it made names a folder of this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """A scratch folder with zig, its cache, and one folder for each recipe."""

    root: Path

    def prepare(self, recipes: Iterable[Recipe]) -> None:
        """Make sure that every program is there: zig is installed, the others must be; MissingProgramsError if not."""
        programs = {program for recipe in recipes for program in recipe.programs}
        missing = sorted(one for one in programs - {"zig"} if shutil.which(one) is None)
        if missing:
            packages = sorted({DEBIAN_PACKAGES[one] for one in missing})
            raise MissingProgramsError(shlex.join(["apt-get", "install", "--no-install-recommends", *packages]))
        self.root.mkdir(parents=True, exist_ok=True)
        if "zig" in programs:
            if not self._python.exists():
                subprocess.run([sys.executable, "-m", "venv", str(self.root / "tools")], check=True)
            pip = [str(self._python), "-m", "pip", "--disable-pip-version-check", "--quiet"]
            subprocess.run([*pip, "install", ZIG], check=True)

    @property
    def _python(self) -> Path:
        return self.root / "tools" / "bin" / "python"

    def _command(self, line: str) -> list[str]:
        program, *arguments = shlex.split(line)
        return [str(self._python), "-m", "ziglang", *arguments] if program == "zig" else [program, *arguments]

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in _KEPT if name in os.environ}
        caches = dict.fromkeys(("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"), str(self.root / "cache"))
        return {**inherited, **caches, "LC_ALL": "C", "SOURCE_DATE_EPOCH": "315532800"}

    def files(self, recipe: Recipe) -> dict[str, bytes]:
        """The native files of a recipe by their path in the wheel, the extension module first."""
        folder = self.root / recipe.identifier
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(SOURCES, folder)
        for line in recipe.commands:
            self._run(line, folder)
        made = {f"{recipe.package}/{path}": (folder / name).read_bytes() for path, name in recipe.members.items()}
        for path, content in made.items():
            if os.fsencode(self.root) in content:
                raise BuildError(f"{path} of {recipe.filename} names the folder {self.root}")
        return made

    def _run(self, line: str, folder: Path) -> None:
        done = subprocess.run(
            self._command(line), cwd=folder, env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise BuildError(f"{line}\nended with {done.returncode}:\n{done.stderr}")

    def wheel(self, recipe: Recipe) -> BuiltWheel:
        """The wheel of a recipe."""
        return packed(recipe, self.files(recipe))


def packed(recipe: Recipe, files: dict[str, bytes]) -> BuiltWheel:
    """The wheel of a recipe with these native files."""
    python, abi, platform = recipe.tags.split("-")
    source = '"""A package with one module in C."""\n\nfrom ._core import add\n\n__all__ = ["add"]\n'
    return build_wheel(
        WheelSpec(
            name=recipe.package,
            version=PACKAGE_VERSION,
            python=python,
            abi=abi,
            platform=platform,
            members={f"{recipe.package}/__init__.py": source.encode(), **files},
            headers={"Summary": "A module in C", "Requires-Python": ">=3.9"},
        )
    )


def program_version(program: str) -> str:
    """The first line with a version in it that a program prints; for zig, what is pinned."""
    if program == "zig":
        return ZIG
    done = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    return next(line.strip() for line in done.stdout.splitlines() if re.search(r"\d", line))
