"""Family `filename`: what the name of the file itself must look like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from auditor.platforms import pypi
from auditor.platforms.promise import are_tags
from auditor.rules.rule import ACCEPT, ERROR, REJECT, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
_BUILD = re.compile(r"\d[A-Za-z0-9_.]*", re.ASCII)
_FORM = "{name}-{version}(-{build})-{python}-{abi}-{platform}.whl"


def normalized_name(distribution: str) -> str:
    """The distribution part that the file name must have ("Binary distribution format", Escaping and Unicode)."""
    return re.sub(r"[-_.]+", "_", distribution).lower()


def parse_version(text: str) -> Version | None:
    """The version, or None where it is none of PEP 440."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


@rule("filename-invalid", severity=ERROR, pypi=REJECT, since="0.1")
def filename_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The file name is not that of a wheel.

    **What it checks.** The extension is exactly `.whl`; there are five parts, or six with a build tag; the name
    holds letters, digits, `_` and `.` alone, begins and ends with a letter or digit and has no `__`; the version is
    one of PEP 440; the build tag begins with a digit and holds letters, digits, `_` and `.` alone.

    **Why it matters.** Installers choose by the file name alone. PyPI, pip and uv refuse a name that they cannot
    take apart, and none of them looks into the archive then.

    **How to fix.** Do not rename wheels by hand: build again, or use `wheel tags` to change a tag.

    **References.** Binary distribution format, File name convention; PEP 440.
    """
    problem = _problem(wheel.filename)
    if problem is not None and not looks_like_variant(wheel.filename):
        yield Hit(
            message=f"`{wheel.filename}` is not the name of a wheel: {problem}",
            help=f"a wheel is named `{_FORM}`; build it again, or change its tags with `python -m wheel tags`",
            pypi=ACCEPT if _is_build_alone(wheel) else REJECT,
        )


def _problem(filename: str) -> str | None:
    """What is wrong with a file name, or None."""
    if not filename.endswith(".whl"):
        return "it does not end in `.whl`"
    parts = filename[:-4].split("-")
    if len(parts) not in {5, 6}:
        shown = "1 part" if len(parts) == 1 else f"{len(parts)} parts"
        return f"it has {shown} between the dashes in place of 5, or 6 with a build tag"
    # An empty tag is `tag-malformed`'s to report.
    if not all(parts[:-3]):
        return "one of its parts is empty"
    if not _NAME.fullmatch(parts[0]) or "__" in parts[0]:
        return f"`{parts[0]}` is no distribution name"
    if parse_version(parts[1]) is None:
        return f"`{parts[1]}` is no version (PEP 440)"
    if len(parts) == 6 and not _BUILD.fullmatch(parts[2]):
        return f"the build tag `{parts[2]}` must begin with a digit and hold letters, digits, `_` and `.` alone"
    return None


def _is_build_alone(wheel: WheelFacts) -> bool:
    """Whether the build tag is all that is wrong, and only behind its digits: PyPI and pip take it, uv does not."""
    build = wheel.name.build if wheel.name is not None else None
    if build is None or not re.match(r"\d", build, re.ASCII) or _BUILD.fullmatch(build):
        return False
    return _problem(wheel.filename.replace(f"-{build}-", "-", 1)) is None


def looks_like_variant(filename: str) -> bool:
    """Whether the name has a sixth or seventh part behind its platform tag (draft PEP 825)."""
    parts = filename[:-4].split("-")
    if not filename.endswith(".whl") or len(parts) not in {6, 7} or not parts[-1]:
        return False
    python, _abi, platform = parts[-4:-1]
    return are_tags(python, platform)


@rule("filename-variant-label", severity=ERROR, pypi=REJECT, since="0.1")
def filename_variant_label(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The file name has a wheel variant label, which no index takes yet.

    **What it checks.** Behind the platform tag stands one part more, as the draft PEP 825 proposes for variants.

    **Why it matters.** The proposal is a draft: PyPI answers "Invalid build number" or "wrong number of parts", and
    pip and uv in their released forms cannot take the name apart.

    **How to fix.** Publish the wheel without its label, or on an index that is made for variants.

    **References.** PEP 817, PEP 825 (drafts).
    """
    if looks_like_variant(wheel.filename):
        label = wheel.filename[:-4].rpartition("-")[2]
        yield Hit(
            message=f"the file name ends in the variant label `{label}`",
            help="wheel variants are a draft (PEP 825): publish the wheel without the label",
        )


@rule("filename-name-not-normalized", severity=ERROR, pypi=REJECT, since="0.1")
def filename_name_not_normalized(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The name part of the file name is not the normalised name.

    **What it checks.** The part before the first dash is lower case, with each run of `-`, `_` and `.` as one `_`.

    **Why it matters.** PyPI refuses any other spelling for new uploads: tools look files up by the normalised name.

    **How to fix.** Use a current build backend (setuptools 69.3 and later, maturin, hatchling, scikit-build-core),
    and build again; the dist-info directory changes with the name.

    **References.** Binary distribution format, Escaping and Unicode; Names and normalization.
    """
    if wheel.name is None or _problem(wheel.filename) is not None:
        return
    wanted = normalized_name(wheel.name.distribution)
    if wheel.name.distribution != wanted:
        yield Hit(
            message=f"the name part is `{wheel.name.distribution}`; normalised it is `{wanted}`",
            help="build again with a current backend; by hand, the dist-info directory and RECORD change with it",
            evidence=(
                Evidence(text=f"PyPI's rule for new uploads as of {pypi.KNOWN_AT}; older files keep their names"),
            ),
        )


@rule("filename-version-not-normalized", severity=WARNING, since="0.1")
def filename_version_not_normalized(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The version part of the file name is not in normal form.

    **What it checks.** The version is spelled as PEP 440 normalises it: `1.0rc1`, not `1.0-RC.1`.

    **Why it matters.** PyPI and pip take it; `uv publish` passes such a file over without an error, and what compares
    names as text does not find it.

    **How to fix.** Let the build backend write the version: it normalises it.

    **References.** PEP 440, Normalization.
    """
    version = parse_version(wheel.name.version) if wheel.name else None
    if wheel.name is not None and version is not None and str(version) != wheel.name.version:
        yield Hit(
            message=f"the version part is `{wheel.name.version}`; in normal form it is `{version}`",
            help="build again with the version in normal form; `uv publish` skips the file as it is",
        )


@rule("filename-too-long", severity=ERROR, pypi=REJECT, since="0.1")
def filename_too_long(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The file name is too long for PyPI.

    **What it checks.** The name has at most 246 bytes.

    **Why it matters.** PyPI stores `<filename>.metadata` beside the wheel, and file systems hold 255 bytes; above
    255 bytes PyPI answers with a server error in place of a message.

    **How to fix.** Shorten the version (development builds often carry a hash) or the compressed tag set.

    **References.** PEP 658; PyPI's upload code.
    """
    length = len(wheel.filename.encode("utf-8", "surrogateescape"))
    if length > pypi.FILENAME_MAX:
        yield Hit(
            message=f"the file name has {length} bytes; PyPI holds {pypi.FILENAME_MAX}",
            help="shorten the version or the compressed tag set",
            evidence=(Evidence(text=f"PyPI's limit as of {pypi.KNOWN_AT}: 255 bytes with `.metadata` appended"),),
        )


RULES = (
    filename_invalid,
    filename_name_not_normalized,
    filename_too_long,
    filename_variant_label,
    filename_version_not_normalized,
)
