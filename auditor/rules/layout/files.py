"""What is in the wheel and should not be, and what is missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.facts.archive import NATIVE_KINDS, ContentKind
from auditor.rules.metadata.fields import capped
from auditor.rules.rule import ERROR, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 12
_INSTALLER_FILES = frozenset({"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"})
_SUBDIRECTORIES = frozenset({"licenses", "license_files", "LICENSES", "sboms"})
_CLASHING = frozenset(
    {"test", "tests", "doc", "docs", "example", "examples", "src", "build", "dist", "scripts", "benchmarks", "setup.py"}
    | {"__init__.py", "conftest.py", "setup.cfg", "pyproject.toml", "tools"}
)
_LEFTOVER_NAMES = frozenset(
    {".DS_Store", "Thumbs.db", ".gitignore", ".gitattributes", ".gitmodules", "Cargo.lock", ".coverage"}
)
_LEFTOVER_DIRECTORIES = frozenset(
    {".git", ".hg", ".svn", ".idea", ".vscode", "__MACOSX", ".pytest_cache", ".mypy_cache"}
)
_LEFTOVER_SUFFIXES = re.compile(r"\.(o|obj|lo|la|pdb|ilk|exp|orig|rej|swp)$", re.IGNORECASE)
_BYTECODE = re.compile(r"\.py[co]$")


def _evidence(names: Iterable[str]) -> tuple[Evidence, ...]:
    """Members as evidence."""
    return tuple(Evidence(text=f"`{name}`", member=name) for name in list(names)[:_SHOWN])


def _named(names: list[str], one: str, several: str) -> str:
    """The subject of a message, with the verb that goes with it."""
    return f"`{names[0]}` {one}" if len(names) == 1 else f"{len(names)} files {several}"


@rule("dist-info-multiple", severity=ERROR, since="0.1")
def dist_info_multiple(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """There is more than one dist-info directory.

    **What it checks.** The archive has one top-level `*.dist-info` directory.

    **Why it matters.** pip, uv and installer refuse the wheel; PyPI takes it.

    **How to fix.** An old build directory, or an installed dependency, was packed: clean it.

    **References.** Binary distribution format, File contents.
    """
    if len(wheel.dist_infos) > 1:
        yield Hit(
            message=f"there are {len(wheel.dist_infos)} dist-info directories: pip and uv refuse the wheel",
            help="clean the build directory: an old build or an installed package was packed",
            evidence=_evidence(wheel.dist_infos),
        )


@rule("dist-info-installer-file", severity=WARNING, since="0.1", must=True)
def dist_info_installer_file(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The dist-info directory has a file that installers write.

    **What it checks.** There is no `INSTALLER`, `REQUESTED`, `direct_url.json` or installer's cache file in it.

    **Why it matters.** They say how the distribution came to be installed: a wheel that brings them lies about that.

    **How to fix.** The wheel was packed from an installed distribution: build it from its source.

    **References.** Recording installed projects.
    """
    found = [f"{wheel.dist_info}/{name}" for name in sorted(_INSTALLER_FILES)]
    names = {member.name for member in wheel.files()}
    there = [name for name in found if name in names]
    if there:
        yield Hit(
            message=f"{_named(there, 'is', 'are')} for installers to write",
            help="build the wheel from its source, not from an installed distribution",
            evidence=_evidence(there),
        )


@rule("dist-info-unknown-subdir", severity=WARNING, since="0.1")
def dist_info_unknown_subdir(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The dist-info directory has a sub-directory that no specification knows.

    **What it checks.** Its sub-directories are `licenses`, `license_files`, `LICENSES` and `sboms`.

    **Why it matters.** All other names are reserved.

    **How to fix.** Put the files into the package.

    **References.** Binary distribution format, Subdirectories in .dist-info.
    """
    found: dict[str, str] = {}
    for member in wheel.files():
        parts = member.name.split("/")
        if len(parts) > 2 and parts[0] == wheel.dist_info and parts[1] not in _SUBDIRECTORIES:
            found.setdefault(f"{parts[0]}/{parts[1]}", member.name)
    if found:
        yield Hit(
            message=f"`{next(iter(found))}` is a directory that no specification knows",
            help="put its files into the package",
            evidence=_evidence(found.values()),
        )


@rule("bytecode-included", severity=WARNING, since="0.1")
def bytecode_included(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The wheel holds compiled Python code.

    **What it checks.** There are no `.pyc` and `.pyo` files.

    **Why it matters.** It is for one Python version, installers make their own, and `installer` leaves it out.

    **How to fix.** Exclude `__pycache__` from the package data.

    **References.** Binary distribution format, File contents 14.
    """
    found = [member.name for member in wheel.files() if _BYTECODE.search(member.name)]
    if found:
        yield Hit(
            message=f"{_named(found, 'is', 'are')} compiled Python code",
            help="exclude `__pycache__` from the package data",
            evidence=_evidence(found),
        )


@rule("stray-top-level", severity=WARNING, since="0.1")
def stray_top_level(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The wheel installs a name that clashes with other distributions.

    **What it checks.** No top-level module, package or file is named `tests`, `docs`, `examples`, `src`, `setup.py`,
    `__init__.py` and the like, beside the project's own name.

    **Why it matters.** Two distributions with a top-level `tests` overwrite each other's files, and uninstalling one
    breaks the other.

    **How to fix.** setuptools: restrict `packages.find` with `include` or use a `src` layout.

    **References.** check-wheel-contents W005, W006.
    """
    own = (wheel.name.distribution.lower() if wheel.name else "").replace("-", "_")
    tops: dict[str, str] = {}
    for member in wheel.files():
        path = context.installed_path(member.name)
        if path and not path.partition("/")[0].endswith((".dist-info", ".data")):
            tops.setdefault(path.partition("/")[0], member.name)
    found = [name for name in tops if name.lower() in _CLASHING and name.lower() != own]
    if found:
        yield Hit(
            message=f"the wheel installs {', '.join(f'`{name}`' for name in sorted(found))} at the top level",
            help="leave it out, or move it into the package",
            evidence=_evidence(tops[name] for name in sorted(found)),
        )


@rule("build-leftovers", severity=WARNING, since="0.1")
def build_leftovers(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Files of the build or of the working directory are in the wheel.

    **What it checks.** There are no object files, libtool and debug files, files of version control, editors or
    desktops.

    **Why it matters.** They make the wheel larger, and tell of the machine it was built on.

    **How to fix.** Exclude them from the package data; clean the build directory.

    **Limits.** Static libraries and import libraries are let pass where headers lie in the wheel: they are for
    linking.

    **References.** pydistcheck, check-wheel-contents.
    """
    headers = any(member.name.endswith((".h", ".hpp", ".cmake")) for member in wheel.files())
    found = []
    for member in wheel.files():
        directory, _, filename = member.name.rpartition("/")
        library = member.content is ContentKind.AR and filename.endswith((".a", ".lib")) and not headers
        if (
            filename in _LEFTOVER_NAMES
            or _LEFTOVER_DIRECTORIES & set(directory.split("/"))
            or _LEFTOVER_SUFFIXES.search(filename)
            or library
        ):
            found.append(member.name)
    if found:
        yield Hit(
            message=f"{_named(found, 'is a leftover', 'are leftovers')} of the build or of the working directory",
            help="exclude them from the package data, and clean the build directory",
            evidence=_evidence(found),
        )


@rule("pth-file", severity=WARNING, since="0.1")
@capped
def pth_file(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A file runs code at every start of Python.

    **What it checks.** Top-level `.pth` files have no `import` lines, and there are no `.start` files.

    **Why it matters.** Every Python in the environment runs it, whether the package is used or not. It is how
    malicious packages stay; and `import` lines are deprecated from Python 3.15 on (PEP 829).

    **How to fix.** Do the work when the package is imported. Editable installs and coverage tools need it: ignore
    the rule.

    **References.** Python's `site` module; PEP 829.
    """
    for member in wheel.files():
        path = context.installed_path(member.name) if member.startup_lines else None
        if path and "/" not in path:
            yield Hit(
                message=f"`{member.name}` runs code at every start of Python",
                help="do the work when the package is imported",
                member=member.name,
                evidence=tuple(Evidence(text=f"`{line}`", member=member.name) for line in member.startup_lines),
            )


@rule("empty-wheel", severity=WARNING, since="0.1")
def empty_wheel(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The wheel installs nothing.

    **What it checks.** Beside the dist-info directory there is a module, a script, data or a native file. A wheel that
    has dependencies is let pass: it is a package of packages.

    **Why it matters.** Usually the build did not find the package's directory.

    **How to fix.** Look at the build backend's settings for packages.

    **References.** check-wheel-contents W007, W010.
    """
    if wheel.dist_info is None or (wheel.metadata is not None and wheel.metadata.values("Requires-Dist")):
        return
    useful = any(
        not member.name.startswith(f"{wheel.dist_info}/")
        and (member.size or member.content in NATIVE_KINDS or member.name.endswith((".py", ".pyi", "/py.typed")))
        for member in wheel.files()
    )
    if not useful:
        yield Hit(
            message="the wheel installs nothing beside its metadata",
            help="look at the build backend's settings for packages: it did not find yours",
        )


@rule("metadata-shadowed", severity=WARNING, since="0.1")
def metadata_shadowed(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Another file would be read as the wheel's METADATA.

    **What it checks.** No other member whose path has `METADATA` in it comes before the real one in twine's order: the
    fewest directories first, then by name.

    **Why it matters.** twine takes the first of them that has the words `Metadata-Version`, and sends its fields to
    PyPI.

    **How to fix.** Rename the file.

    **Limits.** Whether the other file has those words is not looked at.

    **References.** twine's `wheel.py`.
    """
    real = f"{wheel.dist_info}/METADATA"
    candidates = sorted(
        (member.name for member in wheel.files() if "METADATA" in member.name),
        key=lambda name: (name.count("/"), name),
    )
    if real in candidates and candidates[0] != real:
        yield Hit(
            message=f"twine looks at `{candidates[0]}` before the wheel's METADATA",
            help="rename the file, if its text has `Metadata-Version` in it",
            member=candidates[0],
        )


RULES = (
    build_leftovers,
    bytecode_included,
    dist_info_installer_file,
    dist_info_multiple,
    dist_info_unknown_subdir,
    empty_wheel,
    metadata_shadowed,
    pth_file,
    stray_top_level,
)
