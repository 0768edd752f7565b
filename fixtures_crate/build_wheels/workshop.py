"""The scratch folder with its tools, and the packages that the machine must have."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fixtures_crate.build_wheels.model import BuildError, Command
from fixtures_crate.build_wheels.recipes import ZIG_FOR_WINDOWS_ARM

CRATE = Path(__file__).resolve().parents[1]

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

# What must not reach the build from the caller's environment.
FOREIGN_PREFIXES = ("CARGO", "RUST", "MATURIN", "PYO3", "MACOSX_", "PYTHON", "VIRTUAL_ENV", "ZIG")
# 1980-01-01, the first date that a ZIP archive can hold.
EARLIEST_ZIP_DATE = "315532800"


class MissingPackagesError(Exception):
    """Debian packages are missing; the text is the command that installs them."""


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


def run(command: Command, *, folder: Path) -> None:
    """Run a command with the inherited environment, less what could change a build."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_PREFIXES)}
    subprocess.run(command.arguments, cwd=folder, env={**inherited, **command.environment}, check=True)


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
