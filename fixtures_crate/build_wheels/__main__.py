"""Build the fixture wheels of `my_extension` for every platform, on one Debian 12 x86_64 machine.

    python3 -m fixtures_crate.build_wheels list                     the recipes
    python3 -m fixtures_crate.build_wheels build DEST [RECIPE...]   build wheels into DEST/good
    python3 -m fixtures_crate.build_wheels spoil DEST               make mis-tagged wheels in DEST/bad from DEST/good
    python3 -m fixtures_crate.build_wheels manifest DEST            describe both folders in DEST/manifest.json

To be run in the folder of the repository. BUILDING.md tells what the machine needs and why the recipes look as they do.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures_crate.build_wheels.making import build, spoil
from fixtures_crate.build_wheels.manifest import manifest
from fixtures_crate.build_wheels.model import BuildError
from fixtures_crate.build_wheels.recipes import RECIPES, SPOILINGS, recipe_named
from fixtures_crate.build_wheels.workshop import MissingPackagesError, Workshop, require_debian_packages

if TYPE_CHECKING:
    from collections.abc import Sequence


def print_recipes() -> None:
    """One line for each recipe."""
    for recipe in RECIPES:
        print(f"{recipe.identifier:30} {recipe.filename}")


def build_all(arguments: argparse.Namespace, workshop: Workshop) -> None:
    """Build the recipes that are named, or all."""
    chosen = [recipe_named(name) for name in arguments.recipes] or list(RECIPES)
    workshop.prepare()
    for recipe in chosen:
        wheel = build(recipe, workshop, arguments.destination / "good")
        print(f"{recipe.identifier}: {wheel.name} ({wheel.stat().st_size} bytes)", flush=True)


def spoil_all(arguments: argparse.Namespace, workshop: Workshop) -> None:
    """Make every bad wheel."""
    workshop.prepare()
    for spoiling in SPOILINGS:
        wheel = spoil(spoiling, workshop, arguments.destination)
        print(f"{spoiling.identifier}: {wheel.name}", flush=True)


def write_manifest(arguments: argparse.Namespace, workshop: Workshop) -> None:
    """Write DEST/manifest.json."""
    content = manifest(workshop, arguments.destination, arguments.date)
    path = arguments.destination / "manifest.json"
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m fixtures_crate.build_wheels",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show the recipes")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("destination", metavar="DEST", type=Path)
    shared.add_argument("--work", metavar="DIR", type=Path, default=Path(tempfile.gettempdir(), "wheel-fixtures"))
    shared.add_argument("--install", action="store_true", help="install missing Debian packages")
    builder = commands.add_parser("build", parents=[shared], help="build wheels into DEST/good")
    builder.add_argument("recipes", metavar="RECIPE", nargs="*")
    commands.add_parser("spoil", parents=[shared], help="make mis-tagged wheels in DEST/bad")
    describer = commands.add_parser("manifest", parents=[shared], help="write DEST/manifest.json")
    describer.add_argument("--date", default=dt.date.today().isoformat())
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 2 if the machine lacks packages and 1 if a build failed."""
    options = parse(arguments)
    if options.command == "list":
        print_recipes()
        return 0
    actions = {"build": build_all, "spoil": spoil_all, "manifest": write_manifest}
    try:
        require_debian_packages(install=options.install)
        actions[options.command](options, Workshop(root=options.work.resolve()))
    except MissingPackagesError as missing:
        print(f"Debian packages are missing; install them with:\n  {missing}", file=sys.stderr)
        return 2
    except (BuildError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
