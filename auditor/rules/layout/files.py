"""What is in the wheel and should not be, and what is missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.archive.dist_info import twine_order
from auditor.facts.archive import NATIVE_KINDS, ContentKind
from auditor.rules.metadata.fields import capped
from auditor.rules.rule import ERROR, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.facts.archive import Member
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 12
_INSTALLER_FILES = frozenset({"INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"})
_SUBDIRECTORIES = frozenset({"licenses", "license_files", "LICENSES", "sboms"})
_CLASHING = frozenset(
    {"test", "tests", "doc", "docs", "example", "examples", "src", "build", "dist", "scripts", "benchmarks", "setup.py"}
    | {"__init__.py", "conftest.py", "setup.cfg", "pyproject.toml", "tools", "tmp"}
)
_CLASHING_FILES = frozenset(
    {"readme", "license", "licence", "copying", "notice", "changelog", "changes", "authors", "contributing"}
    | {"requirements", "manifest", "makefile", "dockerfile", "dummy"}
)
"""What a loose file is called, up to its first dot, that some other distribution has as well."""
_LEFTOVER_NAMES = frozenset(
    {".DS_Store", "Thumbs.db", ".gitignore", ".gitattributes", ".gitmodules", "Cargo.lock", ".coverage"}
)
_LEFTOVER_DIRECTORIES = frozenset(
    {".git", ".hg", ".svn", ".idea", ".vscode", "__MACOSX", ".pytest_cache", ".mypy_cache"}
)
_LEFTOVER_SUFFIXES = re.compile(r"\.(o|obj|lo|la|ilk|exp|orig|rej|swp)$", re.IGNORECASE)
_PROGRAM_DATABASE = "Microsoft C/C++ "
"""How a program database of Visual C++ begins. Protein Data Bank files have the suffix `.pdb` as well."""
_DEEPEST = 20
"""Directories above a `site-packages` in which a package is looked for."""
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
    `__init__.py`, `tmp` and the like, beside the project's own name; and no loose file is a `README`, a `LICENSE`, a
    `Makefile` or the like, whatever its suffix.

    **Why it matters.** Two distributions with a top-level `tests` overwrite each other's files, and uninstalling one
    breaks the other.

    **How to fix.** setuptools: restrict `packages.find` with `include` or use a `src` layout.

    **References.** check-wheel-contents W005, W006.
    """
    own = (wheel.name.distribution.lower() if wheel.name else "").replace("-", "_")
    tops: dict[str, str] = {}
    leftovers = context.once(_leftovers)
    for member in wheel.files():
        path = context.installed_path(member.name) if member.name not in leftovers else None
        if path and not path.partition("/")[0].endswith((".dist-info", ".data")):
            tops.setdefault(path.partition("/")[0], member.name)
    loose = {member for name, member in tops.items() if context.installed_path(member) == name}
    found = [
        name
        for name, member in tops.items()
        if (name.lower() in _CLASHING and name.lower() != own) or (member in loose and _clashes(name))
    ]
    if found:
        yield Hit(
            message=f"the wheel installs {', '.join(f'`{name}`' for name in sorted(found))} at the top level",
            help="leave it out, or move it into the package",
            evidence=_evidence(tops[name] for name in sorted(found)),
        )


def _clashes(filename: str) -> bool:
    """Whether a loose file has a name of everybody's; what Python imports goes by the name of its module."""
    stem, _, suffix = filename.lower().partition(".")
    return stem in _CLASHING_FILES and suffix.rpartition(".")[2] not in {"py", "pyi", "pyc", "so", "pyd", "pth"}


@rule("build-leftovers", severity=WARNING, since="0.1")
def build_leftovers(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Files of the build or of the working directory are in the wheel.

    **What it checks.** There are no object files, libtool and debug files, files of version control, editors or
    desktops, and no files of the environment that the build ran in (`tmp/build-env-x/lib/python3.11/site-packages/`).

    **Why it matters.** They make the wheel larger, and tell of the machine it was built on.

    **How to fix.** Exclude them from the package data; clean the build directory. The files of an environment come
    from data files or an install rule with an absolute path.

    **Limits.** Static libraries and import libraries are let pass where headers lie in the wheel: they are for
    linking. A `.pdb` file is debugging information where it begins as such, or a PE file of its name lies beside it.
    An environment below a package is taken for the package's own.

    **References.** pydistcheck, check-wheel-contents.
    """
    found = list(context.once(_leftovers))
    if found:
        yield Hit(
            message=f"{_named(found, 'is a leftover', 'are leftovers')} of the build or of the working directory",
            help="exclude them from the package data, and clean the build directory",
            evidence=_evidence(found),
        )


def _leftovers(wheel: WheelFacts, context: Context) -> dict[str, None]:
    """The members that nobody meant to ship, in the order of the archive."""
    headers = any(member.name.endswith((".h", ".hpp", ".cmake")) for member in wheel.files())
    programs = {member.name.rpartition(".")[0] for member in wheel.files() if member.content is ContentKind.PE}
    packages = {
        path.rpartition("/")[0]
        for member in wheel.files()
        if member.name.endswith((".py", ".so", ".pyd")) and (path := context.installed_path(member.name)) is not None
    }
    return {
        member.name: None
        for member in wheel.files()
        if _is_leftover(member, programs=programs, headers=headers)
        or _is_of_an_environment(context.installed_path(member.name), packages)
    }


def _is_leftover(member: Member, *, programs: set[str], headers: bool) -> bool:
    """Whether a file is a leftover by its name and content.

    `programs` are the PE files without their suffixes; `headers` says whether there is something to compile against.
    """
    directory, _, filename = member.name.rpartition("/")
    stem, _, suffix = member.name.rpartition(".")
    database = stem in programs or (member.first_line or "").startswith(_PROGRAM_DATABASE)
    return (
        filename in _LEFTOVER_NAMES
        or bool(_LEFTOVER_DIRECTORIES & set(directory.split("/")))
        or _LEFTOVER_SUFFIXES.search(filename) is not None
        or (suffix.lower() == "pdb" and database)
        or (member.content is ContentKind.AR and filename.endswith((".a", ".lib")) and not headers)
    )


def _is_of_an_environment(path: str | None, packages: set[str]) -> bool:
    """Whether a file lies in the site-packages of another environment, which is no part of a package."""
    above, found, _ = f"/{path}".partition("/site-packages/") if path is not None else ("", "", "")
    parts = above.split("/")[1:]
    return bool(found) and not any("/".join(parts[:depth]) in packages for depth in range(1, len(parts[:_DEEPEST]) + 1))


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

    **What it checks.** No other member whose path has `METADATA` in it, and whose text has the words
    `Metadata-Version`, comes before the real one in twine's order: the fewest directories first, then by name.

    **Why it matters.** twine takes the first such file for the wheel's METADATA, and sends its fields to PyPI.

    **How to fix.** Rename the file.

    **Limits.** Files that are larger than a METADATA may be are not looked into.

    **References.** twine's `wheel.py`.
    """
    shadows = sorted((member.name for member in wheel.files() if member.metadata_version), key=twine_order)
    if shadows and wheel.metadata is not None:
        yield Hit(
            message=f"twine takes `{shadows[0]}` for the wheel's METADATA, which it comes before",
            help="rename the file: twine reads the first that has `METADATA` in its path and `Metadata-Version` in it",
            member=shadows[0],
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
