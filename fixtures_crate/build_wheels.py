#!/usr/bin/env python3
"""Build the fixture wheels of `my_extension` for every platform, on one Debian 12 x86_64 machine.

    build_wheels.py list                     the recipes
    build_wheels.py build DEST [RECIPE...]   build wheels into DEST/good
    build_wheels.py spoil DEST               make mis-tagged wheels in DEST/bad from those in DEST/good
    build_wheels.py manifest DEST            describe both folders in DEST/manifest.json

BUILDING.md tells what the machine needs and why the recipes look as they do.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CRATE = Path(__file__).resolve().parent
DISTRIBUTION = "my_extension-0.1.0"

DEBIAN_PACKAGES = (
    "gcc",  # links the wheels for the host itself
    "rustc-web",  # the compiler whose standard library source is packaged in full:
    "cargo-web",
    "rust-web-src",
    "gcc-mingw-w64-x86-64-win32",  # linker, start-up files and system libraries for win_amd64
    "llvm-14",  # llvm-objcopy strips what the host's own strip cannot read
    "python3-venv",
)
PYPI_PACKAGES = ("maturin==1.16.0", "ziglang==0.17.1", "wheel==0.48.0")

CARGO = "/usr/bin/cargo"
RUSTC = "/usr/bin/rustc"
# The packaged folder carries the version in its name; this link always leads to it.
STANDARD_LIBRARY_SOURCE = Path("/usr/lib/rustlib/src/rust")

ZIG = ("--zig",)
STABLE_ABI = ("--features", "abi3")
# Debian has precompiled standard libraries for few targets, so the others compile it from source.
BUILD_STANDARD_LIBRARY = ("-Zbuild-std=std,panic_unwind",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one wheel is built."""

    identifier: str
    """The name on the command line and in the manifest."""
    tags: str
    """What maturin must call the wheel: a build that yields another name has gone wrong."""
    python: str
    """The interpreter as maturin spells it; for most it need not be installed."""
    target: str | None = None
    """The Rust target, or None for the machine that builds."""
    arguments: tuple[str, ...] = ()
    """Further arguments of maturin."""
    rust_flags: tuple[str, ...] = ()
    """Further flags of the compiler."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables."""

    @property
    def filename(self) -> str:
        """The file name of the wheel."""
        return f"{DISTRIBUTION}-{self.tags}.whl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiling:
    """A mistake that makes a bad wheel of a good one."""

    identifier: str
    source: str
    """The recipe of the good wheel."""
    tags: str
    """The tags in the bad wheel's file name."""
    retag: tuple[str, ...] = ()
    """Arguments of `wheel tags`; empty if only the file is renamed."""
    defect: str
    """What is wrong, in one line."""

    @property
    def filename(self) -> str:
        """The file name of the bad wheel."""
        return f"{DISTRIBUTION}-{self.tags}.whl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command line, with the variables that it needs beside the inherited ones."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


class BuildError(Exception):
    """A wheel could not be built, or is not what its recipe promises."""


class MissingPackagesError(Exception):
    """Debian packages are missing; the text is the command that installs them."""


LINUX_X86 = "x86_64-unknown-linux-gnu"
LINUX_ARM = "aarch64-unknown-linux-gnu"
MUSL_X86 = "x86_64-unknown-linux-musl"
WINDOWS_X86 = "x86_64-pc-windows-gnu"
WINDOWS_ARM = "aarch64-pc-windows-gnullvm"
MACOS_ARM = "aarch64-apple-darwin"
MACOS_X86 = "x86_64-apple-darwin"
MACOS_BOTH = "universal2-apple-darwin"

MANYLINUX2014 = (*ZIG, "--compatibility", "manylinux2014")
# A Python extension is a shared library, and Rust's musl targets make none unless told.
DYNAMIC_MUSL = ("-Ctarget-feature=-crt-static",)
CROSS = BUILD_STANDARD_LIBRARY
CROSS_ZIG = (*ZIG, *CROSS)
# With `--zig`, maturin 1.16.0 asks a Windows linker to export `PyInit_my_extension._core`: it forgets to cut
# the package off. So this target calls zig through a linker of our own.
ZIG_FOR_WINDOWS_ARM = "zig-for-windows-arm64"

TAGS_2014_X86 = "manylinux2014_x86_64.manylinux_2_17_x86_64"
TAGS_2014_ARM = "manylinux2014_aarch64.manylinux_2_17_aarch64"
TAGS_MACOS_BOTH = "macosx_10_12_universal2.macosx_10_12_x86_64.macosx_11_0_arm64"

RECIPES = (
    # The machine's own compiler and linker: maturin finds out which glibc the result needs.
    Recipe(identifier="host-cp311", python="python3.11", tags="cp311-cp311-manylinux_2_34_x86_64"),
    Recipe(identifier="host-cp313", python="python3.13", tags="cp313-cp313-manylinux_2_34_x86_64"),
    Recipe(identifier="host-cp314", python="python3.14", tags="cp314-cp314-manylinux_2_34_x86_64"),
    Recipe(identifier="host-cp314t", python="python3.14t", tags="cp314-cp314t-manylinux_2_34_x86_64"),
    Recipe(
        identifier="host-pypy311",
        python="pypy3.11",
        tags="pp311-pypy311_pp73-manylinux_2_34_x86_64",
    ),
    Recipe(
        identifier="host-abi3",
        python="python3.11",
        tags="cp39-abi3-manylinux_2_34_x86_64",
        arguments=STABLE_ABI,
    ),
    # zig links against the glibc that is asked for, not against the machine's.
    Recipe(
        identifier="manylinux2014-x86_64-cp311",
        python="python3.11",
        tags=f"cp311-cp311-{TAGS_2014_X86}",
        target=LINUX_X86,
        arguments=MANYLINUX2014,
    ),
    Recipe(
        identifier="manylinux2014-x86_64-abi3",
        python="python3.11",
        tags=f"cp39-abi3-{TAGS_2014_X86}",
        target=LINUX_X86,
        arguments=(*MANYLINUX2014, *STABLE_ABI),
    ),
    Recipe(
        identifier="manylinux2014-aarch64-cp311",
        python="python3.11",
        tags=f"cp311-cp311-{TAGS_2014_ARM}",
        target=LINUX_ARM,
        arguments=(*MANYLINUX2014, *CROSS),
    ),
    Recipe(
        identifier="musllinux-x86_64-cp311",
        python="python3.11",
        tags="cp311-cp311-musllinux_1_2_x86_64",
        target=MUSL_X86,
        arguments=(*CROSS_ZIG, "--compatibility", "musllinux_1_2"),
        rust_flags=DYNAMIC_MUSL,
    ),
    Recipe(
        identifier="windows-amd64-cp311",
        python="python3.11",
        tags="cp311-cp311-win_amd64",
        target=WINDOWS_X86,
        arguments=CROSS,
    ),
    Recipe(
        identifier="windows-amd64-cp313",
        python="python3.13",
        tags="cp313-cp313-win_amd64",
        target=WINDOWS_X86,
        arguments=CROSS,
    ),
    Recipe(
        identifier="windows-amd64-abi3",
        python="python3.11",
        tags="cp39-abi3-win_amd64",
        target=WINDOWS_X86,
        arguments=(*CROSS, *STABLE_ABI),
    ),
    Recipe(
        identifier="windows-arm64-cp313",
        python="python3.13",
        tags="cp313-cp313-win_arm64",
        target=WINDOWS_ARM,
        arguments=CROSS,
        environment={"CARGO_TARGET_AARCH64_PC_WINDOWS_GNULLVM_LINKER": ZIG_FOR_WINDOWS_ARM},
    ),
    Recipe(
        identifier="macos-arm64-cp311",
        python="python3.11",
        tags="cp311-cp311-macosx_11_0_arm64",
        target=MACOS_ARM,
        arguments=CROSS_ZIG,
    ),
    Recipe(
        identifier="macos-x86_64-cp311",
        python="python3.11",
        tags="cp311-cp311-macosx_10_12_x86_64",
        target=MACOS_X86,
        arguments=CROSS_ZIG,
    ),
    Recipe(
        identifier="macos-universal2-cp311",
        python="python3.11",
        tags=f"cp311-cp311-{TAGS_MACOS_BOTH}",
        target=MACOS_BOTH,
        arguments=CROSS_ZIG,
    ),
    Recipe(
        identifier="macos-universal2-abi3",
        python="python3.11",
        tags=f"cp39-abi3-{TAGS_MACOS_BOTH}",
        target=MACOS_BOTH,
        arguments=(*CROSS_ZIG, *STABLE_ABI),
    ),
)

SPOILINGS = (
    Spoiling(
        identifier="glibc-newer-than-tag",
        source="host-abi3",
        tags=f"cp39-abi3-{TAGS_2014_X86}",
        retag=("--platform-tag", TAGS_2014_X86),
        defect="built on the host and so needs glibc 2.34, but tagged for glibc 2.17",
    ),
    Spoiling(
        identifier="universal2-without-x86_64",
        source="macos-arm64-cp311",
        tags="cp311-cp311-macosx_11_0_universal2",
        retag=("--platform-tag", "macosx_11_0_universal2"),
        defect="tagged universal2, but the binary has no x86_64 slice",
    ),
    Spoiling(
        identifier="renamed-to-cp313",
        source="windows-amd64-cp311",
        tags="cp313-cp313-win_amd64",
        defect="only the file was renamed: the name says cp313, WHEEL and the binary say cp311",
    ),
)

# What must not reach the build from the caller's environment.
FOREIGN_PREFIXES = ("CARGO", "RUST", "MATURIN", "PYO3", "MACOSX_", "PYTHON", "VIRTUAL_ENV", "ZIG")
# 1980-01-01, the first date that a ZIP archive can hold.
EARLIEST_ZIP_DATE = "315532800"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """The scratch folder: a copy of the crate, the tools from PyPI, and what builds leave behind."""

    root: Path

    @property
    def crate(self) -> Path:
        """The copy of the crate that is built."""
        return self.root / "my_extension"

    @property
    def cargo_home(self) -> Path:
        """Cargo's own folder, so that the user's settings do not matter."""
        return self.root / "cargo"

    @property
    def programs(self) -> Path:
        """Programs that the compiler looks for on PATH."""
        return self.root / "programs"

    @property
    def virtual_environment(self) -> Path:
        """Where the tools from PyPI are installed."""
        return self.root / "tools"

    def tool(self, name: str) -> str:
        """The path of a program from PyPI."""
        return str(self.virtual_environment / "bin" / name)

    def prepare(self) -> None:
        """Install the tools, copy the crate, download its dependencies."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._install_tools()
        self._provide_programs()
        shutil.rmtree(self.crate, ignore_errors=True)
        shutil.copytree(CRATE, self.crate, ignore=shutil.ignore_patterns("target", "__pycache__"))
        fetch = Command(arguments=(CARGO, "fetch"), environment=self.environment())
        run(fetch, folder=self.crate)

    def _install_tools(self) -> None:
        if not self.virtual_environment.exists():
            subprocess.run([sys.executable, "-m", "venv", str(self.virtual_environment)], check=True)
        subprocess.run([self.tool("pip"), "install", "--quiet", *PYPI_PACKAGES], check=True)

    def _provide_programs(self) -> None:
        """Put the programs that the compiler calls, and that Debian lacks, where it finds them."""
        self.programs.mkdir(exist_ok=True)
        objcopy = self.programs / "rust-objcopy"
        if not objcopy.is_symlink():
            objcopy.symlink_to("/usr/bin/llvm-objcopy-14")
        linker = self.programs / ZIG_FOR_WINDOWS_ARM
        linker.write_text('#!/bin/sh\nexec maturin zig cc -- -target aarch64-windows-gnu "$@"\n')
        linker.chmod(0o755)

    def environment(self) -> dict[str, str]:
        """The variables of every build."""
        folders = (self.virtual_environment / "bin", self.programs, Path("/usr/bin"), Path("/bin"))
        return {
            "PATH": os.pathsep.join(map(str, folders)),
            "CARGO": CARGO,
            "RUSTC": RUSTC,
            "CARGO_HOME": str(self.cargo_home),
            "CARGO_TARGET_DIR": str(self.root / "target"),
            "SOURCE_DATE_EPOCH": EARLIEST_ZIP_DATE,
            # zig and its wrappers keep what they compiled there.
            "XDG_CACHE_HOME": str(self.root / "cache"),
        }

    def registry_folder(self) -> Path:
        """The folder of the unpacked dependencies; cargo names it after the registry's host."""
        folders = sorted((self.cargo_home / "registry" / "src").glob("*"))
        if len(folders) != 1:
            raise BuildError(f"{self.root} holds the crates of {len(folders)} registries; build first")
        return folders[0]

    def neutral_paths(self) -> tuple[str, ...]:
        """Compiler flags that keep this machine's paths out of panic messages; the last match wins."""
        replacements = (
            (self.root, "/build"),
            (self.cargo_home, "/cargo"),
            (self.registry_folder(), "/cargo/registry/src/crates"),
            (STANDARD_LIBRARY_SOURCE, "/rust"),
            (STANDARD_LIBRARY_SOURCE.resolve(), "/rust"),
        )
        return tuple(f"--remap-path-prefix={folder}={name}" for folder, name in replacements)

    def neutral(self, text: str) -> str:
        """The text with the scratch folder and the registry's host replaced, for the manifest."""
        text = text.replace(self.registry_folder().name, "$REGISTRY")
        return text.replace(str(self.root), "$WORK")


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


def run(command: Command, *, folder: Path) -> None:
    """Run a command with the inherited environment, less what could change a build."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_PREFIXES)}
    subprocess.run(command.arguments, cwd=folder, env={**inherited, **command.environment}, check=True)


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


def recipe_named(identifier: str) -> Recipe:
    """The recipe of a name."""
    for recipe in RECIPES:
        if recipe.identifier == identifier:
            return recipe
    raise BuildError(f"no recipe is named {identifier!r}; `list` shows them all")


def missing_debian_packages() -> list[str]:
    """The Debian packages that a build needs and this machine has not."""
    return [package for package in DEBIAN_PACKAGES if not is_installed(package)]


def is_installed(package: str) -> bool:
    """Whether the machine has a Debian package."""
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", package]
    answer = subprocess.run(query, check=False, capture_output=True, text=True)
    return answer.stdout == "installed"


def require_debian_packages(*, install: bool) -> None:
    """Fail, or install, if the machine lacks a package."""
    missing = missing_debian_packages()
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if not install:
        raise MissingPackagesError(shlex.join(command))
    subprocess.run(command, check=True)


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
