"""Family `entry_points`: entry_points.txt by itself and against the modules of the wheel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.rules.metadata.fields import capped, cut
from auditor.rules.rule import ERROR, REJECT, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.dist_info import EntryPoint
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SCRIPT_NAME = re.compile(r"[\w.-]+")
_SCRIPTS = ("console_scripts", "gui_scripts")
_SHOWN = 12
_DEPTH_MAX = 100
"""Directories below each other in which modules are looked for."""


def _place(wheel: WheelFacts) -> str:
    """The member that these findings are about."""
    return f"{wheel.dist_info}/entry_points.txt"


def _line(entry: EntryPoint) -> Evidence:
    """An entry point with its line."""
    return Evidence(text=f"line {entry.line}: `{cut(entry.name)} = {cut(entry.value)}` in `{cut(entry.group)}`")


def _entries(wheel: WheelFacts) -> tuple[EntryPoint, ...]:
    """Every entry point."""
    return wheel.entry_points.entries if wheel.entry_points is not None else ()


def scripts(wheel: WheelFacts) -> list[EntryPoint]:
    """The entry points that become scripts; what stands under `[DEFAULT]` is inherited by them."""
    return [entry for entry in _entries(wheel) if entry.group in {*_SCRIPTS, "DEFAULT"}]


@rule("entry-points-syntax", severity=ERROR, pypi=REJECT, since="0.1")
def entry_points_syntax(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The file entry_points.txt is not an INI file.

    **What it checks.** The file is UTF-8; every line is a group, a comment, or `name = value` below a group; no
    group and no name within a group stands twice.

    **Why it matters.** PyPI refuses the upload without saying why; installers fail.

    **How to fix.** Let the build backend write the file.

    **References.** Entry points specification, File format.
    """
    if wheel.entry_points is None:
        return
    problems = list(wheel.entry_points.problems)
    seen: set[tuple[str, str]] = set()
    open_group: str | None = None
    closed: set[str] = set()
    for entry in _entries(wheel):
        if open_group != entry.group:
            if entry.group in closed:
                problems.append(f"line {entry.line}: the group `{cut(entry.group)}` stands there a second time")
            open_group = entry.group
            closed.add(entry.group)
        if (entry.group, entry.name) in seen:
            problems.append(f"line {entry.line}: `{cut(entry.name)}` stands twice in `{cut(entry.group)}`")
        seen.add((entry.group, entry.name))
    if problems:
        yield Hit(
            message=f"entry_points.txt is not as it should be: {problems[0]}",
            help="let the build backend write the file",
            member=_place(wheel),
            evidence=tuple(Evidence(text=problem) for problem in problems[:_SHOWN]),
        )


@rule("entry-point-name", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def entry_point_name(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The name of a script is one that PyPI and installers refuse.

    **What it checks.** Names of console and GUI scripts hold letters, digits, `_`, `.` and `-` alone.

    **Why it matters.** The name becomes a file: with a slash it would land anywhere. PyPI refuses the upload.

    **How to fix.** Rename the script.

    **References.** Entry points specification; GHSA-4gg8-gxpx-9rph.
    """
    for entry in scripts(wheel):
        if not _SCRIPT_NAME.fullmatch(entry.name):
            yield Hit(
                message=f"the script name `{cut(entry.name)}` is refused by PyPI and by installers",
                help="use letters, digits, `_`, `.` and `-` alone",
                member=_place(wheel),
                evidence=(_line(entry),),
            )


def _reference(value: str) -> tuple[str, str | None] | None:
    """(module, attribute) of an object reference, its extras aside; None where it is none."""
    value = value.rpartition("[")[0] if value.endswith("]") else value
    module, colon, attribute = (part.strip() for part in value.partition(":"))
    if not all(part.isidentifier() for part in module.split(".")):
        return None
    if not colon:
        return module, None
    return (module, attribute) if all(part.isidentifier() for part in attribute.split(".")) else None


@rule("entry-point-reference", severity=ERROR, since="0.1")
@capped
def entry_point_reference(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An entry point does not refer to an object.

    **What it checks.** Each value is `module` or `module:attribute` of identifiers; a script has an attribute.
    Groups other than scripts may hold what their reader likes: there a malformed value is a warning.

    **Why it matters.** pip and uv refuse a script without an attribute, and cannot write one for anything else.

    **How to fix.** `name = "package.module:function"`.

    **References.** Entry points specification, Data model.
    """
    for entry in _entries(wheel):
        script = entry.group in _SCRIPTS
        reference = _reference(entry.value)
        if reference is None or (script and reference[1] is None):
            yield Hit(
                message=f"`{cut(entry.name)} = {cut(entry.value)}` refers to no "
                + ("function: a script needs `module:function`" if script else "object"),
                help='write `name = "package.module:function"`',
                member=_place(wheel),
                evidence=(_line(entry),),
                severity=ERROR if script else WARNING,
            )


@rule("entry-point-target-missing", severity=WARNING, since="0.1")
@capped
def entry_point_target_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The module of an entry point is not in the wheel.

    **What it checks.** The module is a file of the wheel. One whose top-level package the wheel does not have is
    let pass if there are dependencies: one of them may bring it. So is one below a directory without `__init__.py`,
    which several distributions may share.

    **Why it matters.** The script is installed, and fails at its first line: `ModuleNotFoundError`.

    **How to fix.** Correct the name, or find out why the module was not packed.

    **Limits.** Where a `.pth` file lies at the top, modules may come from elsewhere, as in an editable wheel: nothing
    is said then.

    **References.** Entry points specification.
    """
    if any(member.name.endswith(".pth") and "/" not in member.name for member in wheel.files()):
        return
    available = modules_of(wheel, context)
    regular = _regular_packages(wheel, context)
    tops = {name.partition(".")[0] for name in available}
    depends = bool(wheel.metadata and wheel.metadata.values("Requires-Dist"))
    for entry in _entries(wheel):
        reference = _reference(entry.value)
        if reference is None or reference[0] in available:
            continue
        if reference[0].partition(".")[0] not in tops and (depends or not available):
            continue
        if depends and not _within_regular(reference[0], regular):
            continue
        yield Hit(
            message=f"`{cut(entry.name)}` of `{cut(entry.group)}` needs the module `{cut(reference[0])}`,"
            " which is not in the wheel",
            help="correct the name, or find out why the module was not packed",
            member=_place(wheel),
            evidence=(_line(entry),),
        )


def _regular_packages(wheel: WheelFacts, context: Context) -> frozenset[str]:
    """The dotted names of the packages with an `__init__`, which no other distribution adds modules to."""
    paths = (context.installed_path(member.name) for member in wheel.files())
    parts = (path.rpartition("/") for path in paths if path)
    return frozenset(directory.replace("/", ".") for directory, _, name in parts if name.startswith("__init__."))


def _within_regular(module: str, regular: frozenset[str]) -> bool:
    """Whether a module would lie in one of these packages, or in one of theirs."""
    return module.partition(".")[0] in regular or module.rpartition(".")[0] in regular


def modules_of(wheel: WheelFacts, context: Context) -> frozenset[str]:
    """The dotted names of all modules and packages that the wheel installs."""
    found: set[str] = set()
    packages: set[str] = set()
    for member in wheel.files():
        path = context.installed_path(member.name)
        if path is None or path.count("/") > _DEPTH_MAX:
            continue
        directory, _, filename = path.rpartition("/")
        stem, _, suffix = filename.partition(".")
        package = directory.replace("/", ".")
        if suffix in {"py", "pyc"} or suffix.endswith(("so", "pyd")):
            found.add(package if stem == "__init__" else f"{package}.{stem}".lstrip("."))
        while directory and (package := directory.replace("/", ".")) not in packages:
            packages.add(package)
            directory = directory.rpartition("/")[0]
    return frozenset(found | packages)


@rule("entry-point-case-duplicate", severity=WARNING, since="0.1")
@capped
def entry_point_case_duplicate(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Two scripts differ only in case.

    **What it checks.** No two names of scripts are equal with case aside.

    **Why it matters.** On Windows and macOS one overwrites the other.

    **How to fix.** Rename one of them.

    **References.** Entry points specification.
    """
    seen: dict[str, EntryPoint] = {}
    for entry in scripts(wheel):
        other = seen.setdefault(entry.name.casefold(), entry)
        if other.name != entry.name:
            yield Hit(
                message=f"the scripts `{cut(other.name)}` and `{cut(entry.name)}` differ only in case",
                help="rename one of them: Windows and macOS hold one file for both",
                member=_place(wheel),
                evidence=(_line(other), _line(entry)),
            )


RULES = (
    entry_point_case_duplicate,
    entry_point_name,
    entry_point_reference,
    entry_point_target_missing,
    entry_points_syntax,
)
