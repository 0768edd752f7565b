"""Family `layout`: the directories of the wheel and its WHEEL file."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from auditor.platforms.coverage import covered
from auditor.platforms.installers import unmatchable
from auditor.platforms.promise import Promise, parse_abi, parse_platform, parse_python
from auditor.rules.rule import ERROR, FUTURE, REJECT, WARNING, Evidence, Hit, NotJudged, rule
from auditor.rules.tags.interpreter import impossible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 12
_EXPANDED_MAX = 4096
"""Tags of WHEEL that are compared: the largest set known has 60."""
_DEAD = 2
"""The major version of Python whose last release was in 2020: that its tag is missing costs next to nobody anything."""


@rule("dist-info-missing", severity=ERROR, pypi=REJECT, since="0.1")
def dist_info_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """There is no dist-info directory.

    **What it checks.** The archive has a top-level `{name}-{version}.dist-info` directory.

    **Why it matters.** It is what makes a ZIP archive a wheel: PyPI and every installer refuse the file without it.

    **How to fix.** Build with a build backend. A directory that was zipped by hand from one level too high has its
    dist-info one level too deep.

    **References.** Binary distribution format, File contents.
    """
    if wheel.members and not wheel.dist_infos:
        deeper = next((member.name for member in wheel.members if ".dist-info/" in member.name), None)
        where = f"; `{deeper.split('.dist-info/')[0]}.dist-info` is not at the top" if deeper else ""
        yield Hit(
            message=f"there is no `.dist-info` directory{where}",
            help="build the wheel with a build backend, or pack its directory with `python -m wheel pack`",
        )


@rule("dist-info-name-mismatch", severity=ERROR, pypi=REJECT, since="0.1")
def dist_info_name_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The dist-info directory is not spelled as the file name is.

    **What it checks.** The directory is exactly `{name}-{version}.dist-info`, with the parts of the file name.

    **Why it matters.** PyPI looks for WHEEL, RECORD and METADATA under that very name and refuses the upload;
    installers that compare names do too.

    **How to fix.** Do not rename wheels by hand. Build again: current backends normalise both.

    **References.** Binary distribution format, File contents.
    """
    if wheel.name is None or wheel.dist_info is None:
        return
    wanted = f"{wheel.name.prefix}.dist-info"
    if wheel.dist_info != wanted:
        yield Hit(
            message=f"the dist-info directory is `{wheel.dist_info}`; the file name asks for `{wanted}`",
            help="build the wheel again: PyPI looks for its files under the file name's spelling",
        )


def unread_text(wheel: WheelFacts, rule_name: str, name: str) -> NotJudged | None:
    """That a file of the dist-info directory is there and could not be read; None where it is not there at all."""
    path = f"{wheel.dist_info}/{name}"
    if not any(member.name == path for member in wheel.members):
        return None
    return NotJudged(rule=rule_name, reason=f"`{path}` is there and could not be read: see the findings of its archive")


@rule("wheel-file-missing", severity=ERROR, pypi=REJECT, since="0.1")
def wheel_file_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """There is no WHEEL file.

    **What it checks.** The dist-info directory holds a file `WHEEL`.

    **Why it matters.** PyPI, pip, uv and installer refuse the wheel: WHEEL has the format's version.

    **How to fix.** Build with a build backend.

    **References.** Binary distribution format, File contents.
    """
    if wheel.dist_info is None or wheel.wheel_file is not None:
        return
    unread = unread_text(wheel, "wheel-file-missing", "WHEEL")
    if unread is not None:
        yield unread
    else:
        yield Hit(
            message=f"there is no `{wheel.dist_info}/WHEEL`",
            help="build the wheel with a build backend: no installer takes it without WHEEL",
        )


@rule("wheel-tag-mismatch", severity=ERROR, pypi=FUTURE, since="0.1")
def wheel_tag_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The tags in WHEEL are not those of the file name.

    **What it checks.** The `Tag` lines, expanded, are the expanded set of the file name. It is an error where a
    machine that the file name lets install the wheel finds no tag of its own in WHEEL, and a warning where each
    does, or where Python 2 alone finds none.

    **Why it matters.** Installers choose by the file name. Afterwards `pip check` looks at WHEEL and says "is not
    supported on this platform", and uv takes the installed wheel for a wrong one and reinstalls it each time. PyPI is
    about to refuse such wheels.

    **How to fix.** The wheel was renamed by hand: give it its old name again, or let `python -m wheel unpack` and
    `python -m wheel pack` name it after WHEEL. `python -m wheel tags` then changes name, WHEEL and RECORD together; a
    wheel whose name and WHEEL differ it refuses.

    **References.** Binary distribution format, File contents 11; warehouse pull request 19411; pip issue 12884.
    """
    if wheel.name is None or wheel.wheel_file is None or not context.promises:
        return
    expanded = itertools.chain.from_iterable(map(_expand, dict.fromkeys(wheel.wheel_file.tags)))
    claimed = {promise.tag: promise for promise in itertools.islice(expanded, _EXPANDED_MAX)}
    wanted = {promise.tag: promise for promise in context.promises}
    missing = [tag for tag in wanted if tag not in claimed]
    extra = [tag for tag in claimed if tag not in wanted]
    if not missing and not extra:
        return
    lost = [
        tag
        for tag in missing
        if not impossible(wanted[tag])
        and unmatchable(wanted[tag].platform) is None
        and not covered(wanted[tag], claimed.values())
    ]
    lost.sort(key=lambda tag: wanted[tag].python.major == _DEAD)
    living = any(wanted[tag].python.major != _DEAD for tag in lost)
    evidence = [Evidence(text=f"`{tag}` is in the file name and not in WHEEL") for tag in (lost or missing)[:_SHOWN]]
    evidence += [Evidence(text=f"`{tag}` is in WHEEL and not in the file name") for tag in extra[:_SHOWN]]
    if not claimed and wheel.wheel_file.tags:
        message = f"no `Tag` line of WHEEL is a tag: `{wheel.wheel_file.tags[0][:200]}`"
    elif not claimed:
        message = "WHEEL has no `Tag` line"
    elif lost:
        whom = "machines that" if living else f"Python {_DEAD}, which"
        message = f"WHEEL has no tag for {whom} the file name promises to serve: `{lost[0]}`"
    elif missing:
        message = f"{_tags(missing, 'is', 'are')} not in WHEEL, which has other tags for the same machines"
    else:
        message = f"{_tags(extra, 'is', 'are')} in WHEEL and not in the file name"
    yield Hit(
        message=message,
        help="give the wheel its old name again, and change its tags with `python -m wheel tags`, which keeps the name,"
        " WHEEL and RECORD together",
        member=f"{wheel.dist_info}/WHEEL",
        evidence=tuple(evidence),
        severity=ERROR if living or not claimed else WARNING,
    )


def _tags(tags: list[str], one: str, several: str) -> str:
    """The subject of a message about tags, with the verb that goes with it."""
    return f"`{tags[0]}` {one}" if len(tags) == 1 else f"`{tags[0]}` and {len(tags) - 1} more {several}"


def _expand(line: str) -> Iterator[Promise]:
    """The promises of a `Tag` line; a compressed one, which `wheel-tag-malformed` reports, is expanded."""
    parts = line.strip().lower().split("-")
    if len(parts) != 3:
        return
    for python, abi, platform in itertools.product(*(part.split(".") for part in parts)):
        yield Promise(python=parse_python(python), abi=parse_abi(abi), platform=parse_platform(platform))


RULES = (dist_info_missing, dist_info_name_mismatch, wheel_file_missing, wheel_tag_mismatch)
