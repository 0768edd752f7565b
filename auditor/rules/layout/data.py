"""The data directory and the scripts: where installers put things besides site-packages."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from auditor.rules.metadata.fields import capped
from auditor.rules.rule import ERROR, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.archive import Member
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SCHEMES = frozenset({"purelib", "platlib", "headers", "scripts", "data"})
_RESERVED = re.compile(
    r"(python|pythonw)(\d(\.\d+)?t?)?(\.exe|\.py)?|(pypy|graalpy)3?(\.exe|\.py)?|pypy2(\.exe|\.py)?", re.IGNORECASE
)
_PYTHON = re.compile(r"(python|pypy|graalpy)[\d.]*w?t?(\.exe)?\Z", re.IGNORECASE)
_SHOWN = 12


def _data_files(wheel: WheelFacts) -> Iterator[tuple[str, str, str, Member]]:
    """(data directory, scheme key, path below it, member) of every file below a top-level `*.data`."""
    for member in wheel.files():
        top, slash, rest = member.name.partition("/")
        if slash and top.endswith(".data"):
            scheme, _, path = rest.partition("/")
            yield top, scheme, path, member


@rule("data-dir-invalid", severity=ERROR, since="0.1")
def data_dir_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A data directory has the wrong name, an unknown part, or a loose file.

    **What it checks.** A top-level `*.data` directory is named after the dist-info directory; below it are `purelib`,
    `platlib`, `headers`, `scripts` and `data` alone, and files only below these.

    **Why it matters.** pip takes every `*.data` directory for data, uv and installer only the one that is named right:
    the files land elsewhere or nowhere. All of them refuse an unknown part.

    **How to fix.** Name it `{name}-{version}.data` as the dist-info directory.

    **References.** Binary distribution format, The .data directory.
    """
    wanted = f"{wheel.dist_info.removesuffix('.dist-info')}.data" if wheel.dist_info else None
    problems: dict[str, Evidence] = {}
    for top, scheme, path, member in _data_files(wheel):
        if wanted is not None and top != wanted:
            text = f"`{top}` is not `{wanted}`"
        elif not path:
            text = f"`{member.name}` lies loose in the data directory"
        elif scheme not in _SCHEMES:
            text = f"`{top}/{scheme}` is none of {', '.join(sorted(_SCHEMES))}"
        else:
            continue
        problems.setdefault(text, Evidence(text=text, member=member.name))
    if problems:
        yield Hit(
            message=f"the data directory is not one: {next(iter(problems))}",
            help="name it after the dist-info directory, with the five known parts",
            evidence=tuple(problems.values())[:_SHOWN],
        )


@rule("data-collision", severity=ERROR, since="0.1")
def data_collision(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A file of the data directory lands on a file of the root.

    **What it checks.** No file below `.data/purelib` or `.data/platlib` has the path of a file at the root, or of one
    below the other.

    **Why it matters.** Which of the two stays depends on the installer; `installer` fails.

    **How to fix.** Keep the modules in one place: the root.

    **References.** Binary distribution format, The .data directory.
    """
    root = {member.name for member in wheel.files() if not member.name.partition("/")[0].endswith(".data")}
    seen: dict[str, str] = {name: name for name in root}
    found = []
    for _, scheme, path, member in _data_files(wheel):
        if scheme in {"purelib", "platlib"} and path:
            if path in seen:
                found.append(Evidence(text=f"`{member.name}` and `{seen[path]}`", member=member.name))
            seen.setdefault(path, member.name)
    if found:
        yield Hit(
            message=f"{len(found)} {'file' if len(found) == 1 else 'files'} of the data directory land on other files",
            help="keep modules in one place: the root of the wheel",
            evidence=tuple(found[:_SHOWN]),
        )


@rule("data-script-invalid", severity=ERROR, since="0.1")
def data_script_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The scripts directory holds something other than files.

    **What it checks.** Below `.data/scripts` are files, and no directories.

    **Why it matters.** uv refuses the wheel; pip makes the directory among the scripts.

    **How to fix.** Put support files into the package.

    **References.** Binary distribution format, File contents 5.
    """
    found = [member for _, scheme, path, member in _data_files(wheel) if scheme == "scripts" and "/" in path]
    if found:
        yield Hit(
            message=f"`{found[0].name}` lies in a directory below the scripts: uv refuses the wheel",
            help="put support files into the package, and scripts directly into `scripts`",
            evidence=tuple(Evidence(text=f"`{one.name}`", member=one.name) for one in found[:_SHOWN]),
        )


@rule("script-shebang", severity=WARNING, since="0.1")
def script_shebang(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A script does not begin with `#!python`.

    **What it checks.** A text file below `.data/scripts` that has an interpreter line naming Python has exactly
    `#!python` or `#!pythonw`.

    **Why it matters.** Installers write the environment's own Python in its place, and leave anything else: the script
    then runs under another Python, or under none on the user's machine.

    **How to fix.** Begin the script with `#!python`, or better declare an entry point.

    **References.** Binary distribution format, Recommended installer features.
    """
    found = []
    for _, scheme, path, member in _data_files(wheel):
        line = member.first_line or ""
        if scheme == "scripts" and path and line.startswith("#!"):
            words = line[2:].split()
            if _runs_python(words) and words[0] not in {"python", "pythonw"}:
                found.append(Evidence(text=f"`{member.name}` begins with `{line}`", member=member.name))
    if found:
        what = f"`{found[0].member}` begins" if len(found) == 1 else f"{len(found)} scripts begin"
        yield Hit(
            message=f"{what} with an interpreter that installers do not replace",
            help="begin it with `#!python`, or declare an entry point",
            evidence=tuple(found[:_SHOWN]),
        )


def _runs_python(words: list[str]) -> bool:
    """Whether an interpreter line, split, starts Python: by its path, or by way of `env`."""
    names = [posixpath.basename(word) for word in words]
    if names[:1] == ["env"]:
        names = [name for name in names[1:] if not name.startswith("-") and "=" not in name]
    return bool(names) and _PYTHON.match(names[0]) is not None


@rule("script-reserved-name", severity=ERROR, since="0.1")
@capped
def script_reserved_name(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A script has the name of an interpreter.

    **What it checks.** No script and no console or GUI entry point is named `python`, `pypy`, `graalpy` or a variant.

    **Why it matters.** uv refuses the wheel: it would take the place of the environment's interpreter. pip installs
    it.

    **How to fix.** Rename the script.

    **References.** uv 0.12.
    """
    names = [
        (path, member.name)
        for _, scheme, path, member in _data_files(wheel)
        if scheme == "scripts" or (scheme == "data" and path.startswith(("bin/", "Scripts/")))
    ]
    if wheel.entry_points is not None:
        names += [
            (entry.name, f"{wheel.dist_info}/entry_points.txt")
            for entry in wheel.entry_points.entries
            if entry.group in {"console_scripts", "gui_scripts"}
        ]
    for name, place in names:
        if _RESERVED.fullmatch(name.rpartition("/")[2]):
            yield Hit(
                message=f"the script `{name.rpartition('/')[2]}` has the name of an interpreter: uv refuses the wheel",
                help="rename the script",
                member=place,
            )


RULES = (data_collision, data_dir_invalid, data_script_invalid, script_reserved_name, script_shebang)
