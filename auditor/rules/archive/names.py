"""The members' names, modes and dates: what systems and installers make of them."""

from __future__ import annotations

import re
import stat
import unicodedata
from datetime import datetime
from typing import TYPE_CHECKING

from auditor.facts.archive import AnomalyKind
from auditor.rules.archive.anomalies import member_of, members, of, together
from auditor.rules.rule import ACCEPT, ERROR, INFO, REJECT, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditor.facts.archive import Member
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 12
_DRIVE = re.compile(r"[A-Za-z]:")
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{name}{number}" for name in ("com", "lpt") for number in "123456789"}
)
_FORBIDDEN = frozenset(':*?"<>|')
_PATH_MAX = 200
"""Windows holds 260 characters in all; 60 are left for the path of site-packages."""


def _about(wheel: WheelFacts, problem: Callable[[Member], str | None]) -> tuple[list[Member], tuple[Evidence, ...]]:
    """The members that have a problem, and the evidence."""
    found = [(member, text) for member in wheel.members if (text := problem(member))]
    evidence = tuple(Evidence(text=f"`{member.name}` {text}", member=member.name) for member, text in found[:_SHOWN])
    return [member for member, _ in found], evidence


def _subject(found: list[Member], one: str, several: str) -> str:
    """The members as the subject of a message, with the verb that goes with it."""
    return f"`{found[0].name}` {one}" if len(found) == 1 else f"{len(found)} members {several}"


def _only(found: list[Member]) -> str | None:
    """The member, where it is one."""
    return found[0].name if len(found) == 1 else None


@rule("zip-name-encoding", severity=ERROR, pypi=REJECT, since="0.1")
def zip_name_encoding(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member's name is decoded differently by readers, or has characters that they refuse.

    **What it checks.** Names are UTF-8, with flag bit 11 where they are not ASCII; they have no control, invisible or
    unassigned characters.

    **Why it matters.** PyPI refuses control characters, other encodings and the missing flag; uv refuses these and all
    invisible characters. pip installs what its Python makes of the bytes.

    **How to fix.** Rename the file, or write the archive with a tool that marks UTF-8.

    **References.** APPNOTE appendix D; Binary distribution format.
    """
    found = of(wheel, AnomalyKind.NAME_ENCODING)
    if found:
        refused = any(anomaly.field != "other" for anomaly in found)
        yield Hit(
            message=f"{members(found, ' has', ' have')} a name that readers decode differently or refuse",
            help="rename the file with plain characters, or write the archive with UTF-8 names and flag bit 11",
            member=member_of(found),
            evidence=together(found),
            pypi=REJECT if refused else ACCEPT,
        )


@rule("zip-path-unsafe", severity=ERROR, since="0.1")
def zip_path_unsafe(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member's path leads out of the wheel, or means another file on Windows.

    **What it checks.** No name has a `..` component, a leading slash, a drive letter or a backslash.

    **Why it matters.** pip refuses paths that lead out, uv leaves such files out without a word; a backslash is a
    separator on Windows and part of the name elsewhere. PyPI takes the file.

    **How to fix.** Write names relative to the wheel's root, with forward slashes.

    **References.** APPNOTE 4.4.17; pip CVE-2026-1703.
    """
    found, evidence = _about(wheel, _unsafe)
    if found:
        yield Hit(
            message=f"{_subject(found, 'leads', 'lead')} out of the wheel or to other files on other systems",
            help="write names relative to the wheel's root, with `/` and without `..`",
            member=_only(found),
            evidence=evidence,
        )


def _unsafe(member: Member) -> str | None:
    """What is unsafe about a member's path."""
    if ".." in member.name.replace("\\", "/").split("/"):
        return "has a `..` component"
    if member.name.startswith("/"):
        return "is absolute"
    if _DRIVE.match(member.name):
        return "begins with a drive letter"
    return "has a backslash" if "\\" in member.name else None


@rule("zip-path-noncanonical", severity=ERROR, since="0.1")
def zip_path_noncanonical(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member's path is not in its canonical form.

    **What it checks.** No name is empty, has a `.` component or two slashes in a row.

    **Why it matters.** Installers refuse an empty name; RECORD and the archive no longer name the same path, so
    verification fails.

    **How to fix.** Write the archive with a build backend or `python -m wheel pack`.

    **References.** APPNOTE 4.4.17.
    """
    found, evidence = _about(wheel, _noncanonical)
    if found:
        yield Hit(
            message=f"{_subject(found, 'is', 'are')} not in canonical form",
            help="write names without `.`, `//` and empty parts",
            member=_only(found),
            evidence=evidence,
        )


def _noncanonical(member: Member) -> str | None:
    """What is not canonical about a member's path."""
    path = member.name.removesuffix("/")
    if not path:
        return "is an empty name"
    parts = path.split("/")
    if "." in parts:
        return "has a `.` component"
    return "has two slashes in a row" if "" in parts[1:] else None


@rule("zip-path-windows", severity=WARNING, since="0.1")
def zip_path_windows(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Windows cannot hold a member's name.

    **What it checks.** No component is a device's name, ends in a dot or a space, or has one of `: * ? " < > |`.

    **Why it matters.** On Windows the installation fails, or writes another file.

    **How to fix.** Rename the file. A wheel for another system alone may keep it: nothing is said then.

    **References.** Microsoft, Naming files, paths, and namespaces.
    """
    if not _installs_on_windows(context):
        return
    found, evidence = _about(wheel, _windows)
    if found:
        yield Hit(
            message=f"{_subject(found, 'has', 'have')} a name that Windows cannot hold",
            help="rename the file",
            member=_only(found),
            evidence=evidence,
        )


def _installs_on_windows(context: Context) -> bool:
    """Whether a tag lets Windows install the wheel, or the tags are not known."""
    systems = {platform.system.value for platform in context.platforms}
    return not systems or bool(systems & {"any", "windows"})


def _windows(member: Member) -> str | None:
    """What Windows has against a member's path."""
    for part in filter(None, member.name.split("/")):
        if part.split(".")[0].rstrip(" ").lower() in _DEVICES:
            return f"has the name of a device (`{part}`)"
        if part.endswith((".", " ")) and part not in {".", ".."}:
            return "has a component that ends in a dot or a space"
        if _FORBIDDEN & set(part) and not _DRIVE.match(member.name):
            return "has a character that Windows forbids"
    return None


@rule("zip-path-collision", severity=ERROR, since="0.1")
def zip_path_collision(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Two members land on one file.

    **What it checks.** No two names are equal when case and Unicode composition are put aside, and no file is the
    directory of another. Where the tags name Linux alone, names that differ in case are let pass.

    **Why it matters.** On macOS and Windows the second file overwrites the first; a file that is also a directory
    makes every installer fail.

    **How to fix.** Rename one of them.

    **References.** Unicode, Caseless matching.
    """
    clashes = _clashes(wheel, folded=not _only_linux(context))
    if clashes:
        yield Hit(
            message=f"`{clashes[0][0]}` and `{clashes[0][1]}` land on one file"
            + (f", and {len(clashes) - 1} more such pairs" if len(clashes) > 1 else ""),
            help="rename one of them: macOS and Windows do not tell them apart",
            evidence=tuple(Evidence(text=" and ".join(f"`{name}`" for name in names)) for names in clashes[:_SHOWN]),
        )


def _only_linux(context: Context) -> bool:
    """Whether every tag names Linux, whose file systems tell case and composition apart."""
    return bool(context.platforms) and all(platform.system.value == "linux" for platform in context.platforms)


def _clashes(wheel: WheelFacts, *, folded: bool) -> list[list[str]]:
    """The names that land on one file, then each file that is also a directory: one that is listed, or a parent."""
    files: dict[str, set[str]] = {}
    directories: dict[str, str] = {}
    for member in wheel.members:
        *parents, last = member.name.split("/")
        for end in range(1, len(parents) + 1):
            directory = "/".join(parents[:end])
            directories.setdefault(_landing(directory, folded=folded), f"{directory}/")
        if last:
            files.setdefault(_landing(member.name, folded=folded), set()).add(member.name)
    same = [sorted(names) for names in files.values() if len(names) > 1]
    return same + [[min(files[path]), directories[path]] for path in sorted(files.keys() & directories.keys())]


def _landing(name: str, *, folded: bool) -> str:
    """What a file system makes of a name; folded, one that tells neither case nor composition apart."""
    return unicodedata.normalize("NFC", name).casefold() if folded else name


@rule("zip-path-too-long", severity=WARNING, since="0.1")
def zip_path_too_long(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member's path is too long for Windows.

    **What it checks.** No path has more than 200 characters, where the tags let Windows install the wheel.

    **Why it matters.** Windows holds 260 characters in all by default, and site-packages takes its share: the
    installation fails half way.

    **How to fix.** Shorten directory names; licence files deep under `licenses/` are the usual ones.

    **References.** Microsoft, Maximum path length limitation.
    """
    if not _installs_on_windows(context):
        return
    found, evidence = _about(
        wheel, lambda one: f"has {len(one.name)} characters" if len(one.name) > _PATH_MAX else None
    )
    if found:
        yield Hit(
            message=f"{_subject(found, 'has', 'have')} a path of more than {_PATH_MAX} characters",
            help="shorten the directory names: Windows holds 260 characters in all",
            member=_only(found),
            evidence=evidence,
        )


@rule("zip-special-file", severity=ERROR, since="0.1")
def zip_special_file(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member is a symbolic link, a device or a pipe, or a directory with content.

    **What it checks.** The mode of each member is that of a file or directory, and directories are empty.

    **Why it matters.** Installers write a plain file that holds the link's target: a library that is a link is then
    broken.

    **How to fix.** Pack the file that the link points to. On Linux a library needs to be there once, under its SONAME.

    **References.** PEP 778 (deferred); Binary distribution format.
    """
    found, evidence = _about(wheel, _special)
    if found:
        yield Hit(
            message=f"{_subject(found, 'is', 'are')} no plain file: installers write it as one",
            help="pack the file that the link points to",
            member=_only(found),
            evidence=evidence,
        )


def _special(member: Member) -> str | None:
    """What kind of special file a member is."""
    kind = stat.S_IFMT(member.mode)
    if kind == stat.S_IFLNK:
        return "is a symbolic link"
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return f"is a special file (mode {member.mode:o})"
    return "is a directory with content" if member.is_directory and (member.size or member.crc) else None


@rule("zip-permissions", severity=WARNING, since="0.1")
def zip_permissions(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member's permissions are unusual.

    **What it checks.** Files are readable by their owner, and neither setuid, setgid nor writable by all. A mode of
    zero says nothing, and is let pass.

    **Why it matters.** Tools that keep the modes (unzip, system packagers) install files that users cannot read, or
    that anybody can change.

    **How to fix.** Set the umask of the build to 022.

    **References.** Binary distribution format; APPNOTE 4.4.15.
    """
    found, evidence = _about(wheel, _permissions)
    if found:
        yield Hit(
            message=f"{_subject(found, 'has', 'have')} unusual permissions",
            help="build with a umask of 022",
            member=_only(found),
            evidence=evidence,
        )


def _permissions(member: Member) -> str | None:
    """What is unusual about a member's permissions."""
    mode = stat.S_IMODE(member.mode)
    if not member.mode or stat.S_IFMT(member.mode) == stat.S_IFLNK:
        return None
    if not mode & stat.S_IRUSR:
        return f"cannot be read by its owner (mode {mode:03o})"
    if mode & (stat.S_ISUID | stat.S_ISGID) and not member.is_directory:
        return f"is setuid or setgid (mode {mode:o})"
    return f"can be written by anybody (mode {mode:03o})" if mode & stat.S_IWOTH else None


@rule("zip-dist-info-order", severity=INFO, since="0.1")
def zip_dist_info_order(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The dist-info directory is not at the end of the file.

    **What it checks.** Behind the first member of the dist-info directory stand no others.

    **Why it matters.** A reader over the network finds metadata at the end with one request.

    **How to fix.** Build backends do it; `python -m wheel pack` as well.

    **References.** Binary distribution format, Recommended archiver features.
    """
    order = [member.name for member in sorted(wheel.members, key=lambda one: one.header_offset)]
    inside = [name.startswith(f"{wheel.dist_info}/") for name in order]
    if wheel.dist_info is not None and True in inside and not all(inside[inside.index(True) :]):
        yield Hit(
            message="the dist-info directory is not physically last in the archive",
            help="nothing has to be done; build backends put it last",
        )


@rule("zip-timestamps", severity=INFO, since="0.1")
def zip_timestamps(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A member's date is none of any calendar.

    **What it checks.** The DOS date and time of each member are a date and a time.

    **Why it matters.** Readers that convert them fail, or make something up.

    **How to fix.** Set `SOURCE_DATE_EPOCH` to 1980 or later.

    **References.** APPNOTE 4.4.6.
    """
    found, evidence = _about(wheel, _no_date)
    if found:
        yield Hit(
            message=f"{_subject(found, 'has', 'have')} a date that no calendar has",
            help="set `SOURCE_DATE_EPOCH` to 1980 or later",
            member=_only(found),
            evidence=evidence,
        )


def _no_date(member: Member) -> str | None:
    """Why a member's date is none."""
    try:
        datetime(*member.date_time)
    except ValueError as error:
        return f"has the date {member.date_time}: {error}"
    return None


@rule("source-obfuscated", severity=ERROR, pypi=REJECT, since="0.1")
def source_obfuscated(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A Python source carries the marks of an obfuscator that PyPI refuses.

    **What it checks.** No `.py` or `.pye` member has the strings that PyPI scans for: those of PyArmor and
    SourceDefender.

    **Why it matters.** PyPI refuses the upload.

    **How to fix.** Ship the source, or a compiled extension module.

    **References.** PyPI's acceptable use policy, Obfuscation.
    """
    found, evidence = _about(wheel, lambda one: f"has the marks of {one.obfuscator}" if one.obfuscator else None)
    if found:
        yield Hit(
            message=f"{_subject(found, 'carries', 'carry')} the marks of an obfuscator: PyPI refuses the wheel",
            help="ship the plain source",
            member=_only(found),
            evidence=evidence,
        )


RULES = (
    source_obfuscated,
    zip_dist_info_order,
    zip_name_encoding,
    zip_path_collision,
    zip_path_noncanonical,
    zip_path_too_long,
    zip_path_unsafe,
    zip_path_windows,
    zip_permissions,
    zip_special_file,
    zip_timestamps,
)
