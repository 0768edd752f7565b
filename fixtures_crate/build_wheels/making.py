"""From a recipe to a wheel: build it, look for leaks, spoil it."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures_crate.build_wheels.model import BuildError, Command, Recipe, Spoiling
from fixtures_crate.build_wheels.recipes import BUILD_STANDARD_LIBRARY, recipe_named
from fixtures_crate.build_wheels.workshop import CRATE, EARLIEST_ZIP_DATE, Workshop, run

if TYPE_CHECKING:
    from collections.abc import Iterator


def maturin_command(recipe: Recipe, workshop: Workshop) -> Command:
    """The command that builds the wheel of a recipe."""
    arguments = [workshop.tool("maturin"), "build", "--release"]
    arguments += ["--interpreter", recipe.python]
    if recipe.target is not None:
        arguments += ["--target", recipe.target]
    arguments += [*recipe.arguments, "--out", str(wheel_folder(recipe, workshop))]
    environment = workshop.environment()
    environment["RUSTFLAGS"] = " ".join((*workshop.neutral_paths(), *recipe.rust_flags))
    environment.update(recipe.environment)
    if set(BUILD_STANDARD_LIBRARY) <= set(recipe.arguments):
        # `-Zbuild-std` is refused by a released compiler without this.
        environment["RUSTC_BOOTSTRAP"] = "1"
    return Command(arguments=tuple(arguments), environment=environment)


def wheel_folder(recipe: Recipe, workshop: Workshop) -> Path:
    """Where maturin leaves the wheel of a recipe."""
    return workshop.root / "wheels" / recipe.identifier


def retag_command(spoiling: Spoiling, workshop: Workshop, wheel: Path) -> Command:
    """The command that writes a wheel with other tags beside the given one."""
    arguments = (workshop.tool("wheel"), "tags", *spoiling.retag, str(wheel))
    return Command(arguments=arguments, environment={"SOURCE_DATE_EPOCH": EARLIEST_ZIP_DATE})


def build(recipe: Recipe, workshop: Workshop, destination: Path) -> Path:
    """Build the wheel of a recipe into the folder `destination`."""
    folder = wheel_folder(recipe, workshop)
    shutil.rmtree(folder, ignore_errors=True)
    run(maturin_command(recipe, workshop), folder=workshop.crate)
    built = sorted(wheel.name for wheel in folder.glob("*.whl"))
    if built != [recipe.filename]:
        raise BuildError(f"{recipe.identifier}: expected {recipe.filename}, maturin built {built}")
    refuse_leaks(folder / recipe.filename, workshop)
    destination.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(folder / recipe.filename, destination))


def refuse_leaks(wheel: Path, workshop: Workshop) -> None:
    """Fail if a member of the wheel names a path of this machine or the registry's host."""
    host = workshop.registry_folder().name.rpartition("-")[0].removeprefix("index.")
    forbidden = {host, str(workshop.root), str(CRATE), "/home/", "/root/"}
    leaks = sorted(
        f"{member} holds {text!r}"
        for member, content in members(wheel)
        for text in forbidden
        if text.encode() in content
    )
    if leaks:
        raise BuildError(f"{wheel.name}: {'; '.join(leaks)}")


def members(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """The name and the content of each file in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def spoil(spoiling: Spoiling, workshop: Workshop, destination: Path) -> Path:
    """Make the bad wheel of a good one."""
    source = destination / "good" / recipe_named(spoiling.source).filename
    bad = destination / "bad" / spoiling.filename
    bad.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(source, folder))
        if spoiling.retag:
            run(retag_command(spoiling, workshop, copy), folder=Path(folder))
        else:
            copy.rename(copy.with_name(spoiling.filename))
        return Path(shutil.copy(Path(folder) / spoiling.filename, bad))
