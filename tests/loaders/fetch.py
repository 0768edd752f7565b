#!/usr/bin/env python3
"""Fetch the loaders that real wheels meet and that this machine has not, into a folder outside of the repository.

    python -m tests.loaders.fetch DIR              # glibc 2.31 with its Python 3.9: 16 MB fetched, 33 MB unpacked
    python -m tests.loaders.fetch DIR --windows    # CPython 3.11 for Windows in Wine: 70 MB fetched, 0.8 GB

What is there already is left alone. The first needs apt-get and dpkg, no root, and a Debian mirror among the APT
sources (or in WHEEL_AUDIT_DEBIAN_MIRROR); the second Debian's packages wine, wine64, gcc-mingw-w64-x86-64-win32 and
gcc-mingw-w64-i686-win32, a Python 3.11, whose standard library it copies, and the package index that pip is set up
for. With that Python comes what wheel-audit needs, built for Windows, in the versions that are installed here. Ends
with 1, and says what is missing, where something is.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

GLIBC = "glibc-2.31"
WINDOWS = "windows"
"""Folders of the two loaders."""
SUITES = ("bullseye",)
"""Debian releases with glibc 2.31, in the order in which they are tried."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEBIAN_PACKAGES = (
    "libc6",
    "libcrypt1",
    "libexpat1",
    "libgcc-s1",
    "libpython3.9-minimal",
    "libpython3.9-stdlib",
    "python3.9-minimal",
    "zlib1g",
)
WINDOWS_WHEEL = "panda3d-1.10.16-cp311-cp311-win_amd64.whl"
"""It has python.org's python311.dll (3.11.9) with the extension modules of the standard library."""
WINDOWS_WHEEL_SHA256 = "37acfb92655c4226879f95c988e2ef1449a53c54486d6c1ebc00e2772429af82"


class FetchError(Exception):
    """What is missing, in words."""


def run(command: Iterable[str | Path], **options: object) -> str:
    """Run a command to its end. Raises FetchError with what it said last where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise FetchError(f"{' '.join(words[:2])} ends with {done.returncode}: {' / '.join(said)}")
    output: str = done.stdout
    return output


def require(*programs: str) -> None:
    """Raise FetchError where a program is not on the path."""
    if absent := [program for program in programs if shutil.which(program) is None]:
        raise FetchError(f"missing on this machine: {', '.join(absent)}")


# -- glibc 2.31 -----------------------------------------------------------------------------------------------------


def mirrors() -> list[str]:
    """The places that packages come from here, the one that the environment names first."""
    named = os.environ.get("WHEEL_AUDIT_DEBIAN_MIRROR")
    shown = run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]).split()
    return list(dict.fromkeys([*([named] if named else []), *shown]))


def apt_options(state: Path) -> list[str]:
    """Options that keep apt-get within `state`: nothing of the machine's own packages is read or changed."""
    for part in ("lists/partial", "archives/partial"):
        (state / part).mkdir(parents=True, exist_ok=True)
    settings = {
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": state,
        "Dir::State::Lists": state / "lists",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": state,
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Acquire::Languages": "none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "Acquire::Retries": "3",
        "APT::Sandbox::User": "root",
    }
    return [f"-o{name}={value}" for name, value in settings.items()]


def fetch_glibc(folder: Path) -> None:
    """Unpack an older Debian's C library and Python below `folder`."""
    target = folder / GLIBC
    if target.exists():
        return
    require("apt-get", "dpkg")
    if not KEYRING.exists():
        raise FetchError(f"{KEYRING} is missing (Debian's package debian-archive-keyring)")
    state = folder / "apt"
    options = apt_options(state)
    failures = []
    for suite in SUITES:
        for mirror in mirrors():
            (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n", "utf-8")
            try:
                run(["apt-get", *options, "-o", "APT::Update::Error-Mode=any", "update"])
                run(["apt-get", *options, "download", *DEBIAN_PACKAGES], cwd=state / "archives")
            except FetchError as error:
                failures.append(str(error))
                continue
            unpack_debian(state / "archives", target)
            shutil.rmtree(state)
            return
    raise FetchError(f"no APT source here has {' or '.join(SUITES)}: {'; '.join(failures)}")


def unpack_debian(archives: Path, target: Path) -> None:
    """Unpack every package; the folder gets its name only when it is whole."""
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    for package in sorted(archives.glob("*.deb")):
        run(["dpkg", "-x", package, part])
    part.replace(target)


# -- Windows ----------------------------------------------------------------------------------------------------------


def fetch_windows(folder: Path) -> None:
    """Make a Wine prefix and a CPython for Windows below `folder`."""
    # It needs what the tests need, and the first loader is fetched where nothing is installed yet.
    from tests.loaders import windows

    target = folder / WINDOWS
    complete = target / f"complete-{windows.PRETENDED}"
    if complete.exists():
        fetch_dependencies(folder)
        return
    require(windows.COMPILER, windows.COMPILER_32, windows.DLLTOOL)
    if windows.wine() is None:
        raise FetchError("Wine is missing (Debian's packages wine and wine64)")
    shutil.rmtree(target, ignore_errors=True)
    for part in ("python", "home", "lib"):
        (target / part).mkdir(parents=True)
    wheel = windows_wheel(folder)
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            # The api-ms-win-* forwarders are Windows' own, and Wine has its own as well.
            if member.filename.startswith("deploy_libs/") and "/api-ms-" not in member.filename:
                (target / "python" / Path(member.filename).name).write_bytes(archive.read(member))
    shutil.copytree(
        standard_library(),
        target / "home" / "Lib",
        ignore=shutil.ignore_patterns("site-packages", "test", "tests", "__pycache__", "*.so", "config-*", "idlelib"),
    )
    windows.build_host(target)
    environment = windows.environment(target)
    for command in (("wineboot", "-i"), ("winecfg", "-v", windows.PRETENDED)):
        run([windows.wine() or "", *command], env=environment, stdin=subprocess.DEVNULL, timeout=300)
    system = target / "prefix" / "drive_c" / "windows" / "system32"
    shutil.copy(target / "lib" / "bcryptprimitives.dll", system)
    answer = windows.run_python(target, "import sys; print(sys.version_info[:2], sys.platform)")
    if "(3, 11) win32" not in answer.output:
        raise FetchError(f"CPython for Windows does not run: {answer.output}")
    complete.touch()
    fetch_dependencies(folder)


def windows_wheel(folder: Path) -> Path:
    """The wheel with python311.dll, fetched by pip and checked."""
    place = folder / WINDOWS_WHEEL
    if not place.exists():
        name, version, python, abi, platform = WINDOWS_WHEEL.removesuffix(".whl").split("-")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--platform", platform, "--abi", abi, "--python-version", python.removeprefix("cp")]
        run([*command, "--dest", folder, f"{name}=={version}"])
    if hashlib.sha256(place.read_bytes()).hexdigest() != WINDOWS_WHEEL_SHA256:
        raise FetchError(f"{place} has other bytes than expected: remove it")
    return place


def fetch_dependencies(folder: Path) -> None:
    """Unpack what wheel-audit needs into `site` beside the Python for Windows."""
    site = folder / WINDOWS / "site"
    pins = windows_requirements()
    stamp = site / "pins.txt"
    if stamp.exists() and stamp.read_text("utf-8").split() == pins:
        return
    shutil.rmtree(site, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--platform", "win_amd64", "--implementation", "cp", "--python-version", "3.11"]
        run([*command, "--dest", place, *pins])
        for wheel in sorted(Path(place).glob("*.whl")):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)
    stamp.write_text("\n".join(pins), "utf-8")


def windows_requirements() -> list[str]:
    """The distributions that wheel-audit needs on Windows, pinned to the versions that are installed here.

    Extras are left out: of `readme-renderer[md]`, comrak has wheels for Windows from CPython 3.14 on only, and nothing
    here renders Markdown.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    from packaging.requirements import Requirement

    system = {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "platform_machine": "AMD64"}
    system |= {"python_version": "3.11", "python_full_version": "3.11.9", "extra": ""}
    pins: dict[str, str] = {}
    waiting = ["wheel-audit"]
    while waiting:
        name = waiting.pop()
        if name in pins:
            continue
        try:
            found = distribution(name)
        except PackageNotFoundError:
            # What Windows alone needs (colorama) is not installed elsewhere.
            pins[name] = name
            continue
        pins[name] = f"{name}=={found.version}"
        wanted = [Requirement(text) for text in found.requires or ()]
        waiting += [one.name.lower() for one in wanted if one.marker is None or one.marker.evaluate(system)]
    del pins["wheel-audit"]
    return sorted(pins.values())


def standard_library() -> Path:
    """The standard library of a Python 3.11 of this machine: its sources are the same on every system."""
    python = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
    if python is None:
        raise FetchError("a Python 3.11 is missing: its standard library serves the one for Windows")
    return Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))"]).strip())


def main() -> int:
    """Fetch what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--windows", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (fetch_windows if arguments.windows else fetch_glibc)(folder)
    except (FetchError, subprocess.TimeoutExpired) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{folder} has {'CPython 3.11 for Windows' if arguments.windows else 'glibc 2.31 and its Python 3.9'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
