"""The description of the wheels, in `manifest.json`: their bytes, and how they came about."""

from __future__ import annotations

import hashlib
import platform
import shlex
import subprocess
from pathlib import Path

from fixtures_crate.build_wheels.making import maturin_command, retag_command
from fixtures_crate.build_wheels.model import Command, Recipe, Spoiling
from fixtures_crate.build_wheels.recipes import RECIPES, SPOILINGS, recipe_named
from fixtures_crate.build_wheels.workshop import PYPI_PACKAGES, RUSTC, Workshop


def manifest(workshop: Workshop, destination: Path, date: str) -> dict[str, object]:
    """Describe the wheels that are in the two folders."""
    good = [
        {**described(destination / "good" / recipe.filename), **origin(recipe, workshop)}
        for recipe in RECIPES
        if (destination / "good" / recipe.filename).exists()
    ]
    bad = [
        {**described(destination / "bad" / spoiling.filename), **fault(spoiling, workshop)}
        for spoiling in SPOILINGS
        if (destination / "bad" / spoiling.filename).exists()
    ]
    return {"date": date, "tools": tool_versions(), "good": good, "bad": bad}


def described(wheel: Path) -> dict[str, object]:
    """What a file's bytes say."""
    content = wheel.read_bytes()
    return {
        "filename": wheel.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }


def origin(recipe: Recipe, workshop: Workshop) -> dict[str, object]:
    """How a good wheel was built."""
    return {
        "recipe": recipe.identifier,
        **written(maturin_command(recipe, workshop), workshop),
    }


def fault(spoiling: Spoiling, workshop: Workshop) -> dict[str, object]:
    """How a bad wheel was made, and what is wrong with it."""
    source = recipe_named(spoiling.source).filename
    rename = Command(arguments=("mv", source, spoiling.filename))
    retag = retag_command(spoiling, workshop, Path(source))
    return {
        "recipe": spoiling.identifier,
        "source": source,
        **written(retag if spoiling.retag else rename, workshop),
        "defect": spoiling.defect,
    }


def written(command: Command, workshop: Workshop) -> dict[str, object]:
    """A command as the manifest shows it, with `$WORK` for the scratch folder."""
    environment = {name: workshop.neutral(value) for name, value in command.environment.items()}
    return {
        "command": workshop.neutral(shlex.join(command.arguments)),
        "environment": dict(sorted(environment.items())),
    }


def tool_versions() -> dict[str, str]:
    """The versions of the programs that made the wheels."""
    rustc = subprocess.run([RUSTC, "--version"], check=True, capture_output=True, text=True)
    glibc = " ".join(platform.libc_ver())
    pinned = dict(package.split("==") for package in PYPI_PACKAGES)
    return {"rustc": rustc.stdout.strip(), "host libc": glibc, **pinned}
