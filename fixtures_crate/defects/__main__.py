"""Build the wheels with planted defects, and their good twins.

    python3 -m fixtures_crate.defects list                the recipes and the rules that find the defects
    python3 -m fixtures_crate.defects build DEST          build all into DEST/bad and DEST/good, with DEST/manifest.json

To be run in the folder of the repository, on Debian 12 x86_64. BUILDING.md tells more.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fixtures_crate.defects.recipes import DEFECTS, GOOD
from fixtures_crate.defects.workbench import BuildError, MissingProgramsError, Workbench, packed, program_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixtures_crate.defects.model import Recipe

FOLDERS: dict[str, tuple[Recipe, ...]] = {"good": GOOD, "bad": tuple(defect.recipe for defect in DEFECTS)}
"""Folder -> its recipes."""


def print_recipes() -> None:
    """One line for each defect and each good wheel."""
    for defect in DEFECTS:
        print(f"{defect.recipe.identifier:20} {defect.rule:24} {defect.recipe.filename}")
    for recipe in GOOD:
        print(f"{recipe.identifier:20} {'':24} {recipe.filename}")


def build_all(workbench: Workbench, destination: Path) -> dict[str, object]:
    """Build every wheel into DEST/good and DEST/bad; the answer is the manifest."""
    recipes = [recipe for some in FOLDERS.values() for recipe in some]
    workbench.prepare(recipes)
    described: dict[str, object] = {
        folder: [_build(recipe, workbench, destination / folder) for recipe in some] for folder, some in FOLDERS.items()
    }
    programs = sorted({program for recipe in recipes for program in recipe.programs} - {"sed"})
    return {"tools": {program: program_version(program) for program in programs}, **described}


def _build(recipe: Recipe, workbench: Workbench, folder: Path) -> dict[str, object]:
    """Write one wheel, and describe it: its hash and those of its native files."""
    files = workbench.files(recipe)
    wheel = packed(recipe, files)
    folder.mkdir(parents=True, exist_ok=True)
    wheel.write(folder)
    return {
        "recipe": recipe.identifier,
        "filename": wheel.filename,
        "sha256": hashlib.sha256(wheel.data).hexdigest(),
        "size": len(wheel.data),
        "commands": list(recipe.commands),
        "files": {path: hashlib.sha256(content).hexdigest() for path, content in files.items()},
    }


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python3 -m fixtures_crate.defects",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="show the recipes")
    builder = commands.add_parser("build", help="build all into DEST")
    builder.add_argument("destination", metavar="DEST", type=Path)
    builder.add_argument("--work", metavar="DIR", type=Path, default=Path(tempfile.gettempdir(), "wheel-defects"))
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 2 if the machine lacks programs and 1 if a build failed."""
    options = parse(arguments)
    if options.command == "list":
        print_recipes()
        return 0
    try:
        manifest = build_all(Workbench(root=options.work.resolve()), options.destination)
    except MissingProgramsError as missing:
        print(f"programs are missing; install them with:\n  {missing}", file=sys.stderr)
        return 2
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    path = options.destination / "manifest.json"
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
