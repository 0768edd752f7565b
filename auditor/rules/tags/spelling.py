"""How the compressed sets are spelled."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.platforms.promise import has_variant_label
from auditor.rules.rule import ERROR, FUTURE, INFO, REJECT, WARNING, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts, WheelName
    from auditor.rules.context import Context


TAG = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
"""One member of a compressed set; what is none is `tag-malformed`, and no other rule speaks of it."""


def _parts(name: WheelName) -> tuple[tuple[str, str], ...]:
    """Each of the three compressed sets with what it is called; none where a label has shifted them."""
    if has_variant_label(name):
        return ()
    return (("python", name.python), ("abi", name.abi), ("platform", name.platform))


@rule("tag-malformed", severity=ERROR, pypi=FUTURE, since="0.1")
def tag_malformed(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A tag is not one.

    **What it checks.** No member of a compressed set is empty; each holds letters, digits and `_` alone; a Python tag
    does not begin with a digit.

    **Why it matters.** packaging 26.3 and the pip that carries it refuse such a name, uv refuses it, and PyPI will as
    soon as it updates.

    **How to fix.** Build again, or write the tag with `python -m wheel tags`.

    **References.** Platform compatibility tags; `packaging.utils.parse_wheel_filename`.
    """
    if wheel.name is None:
        return
    for what, compressed in _parts(wheel.name):
        problems = [_malformed(what, member) for member in compressed.split(".")]
        for problem in dict.fromkeys(filter(None, problems)):
            yield Hit(
                message=f"the {what} tag `{compressed}` has {problem}" if compressed else f"the {what} tag is empty",
                help="build again, or write the tag with `python -m wheel tags`",
                # PyPI compares each platform tag with its list; it does not look at the two others yet.
                pypi=REJECT if what == "platform" else FUTURE,
            )


def _malformed(what: str, member: str) -> str | None:
    """What is wrong with one member of a compressed set, or None."""
    if not member:
        return "an empty member"
    if not TAG.fullmatch(member):
        return f"`{member}`, which has other characters than letters, digits and `_`"
    if what == "python" and not member.isidentifier():
        return f"`{member}`, which begins with a digit"
    return None


@rule("tag-set-untidy", severity=WARNING, since="0.1")
def tag_set_untidy(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A compressed tag set is unsorted, repeats a tag, or has upper case.

    **What it checks.** The members of each set are lower case, sorted as text, and each stands there once.

    **Why it matters.** The specification asks for sorted sets, so that one set has one name; uv compares tags with
    their case, and does not install a wheel for `win_AMD64`.

    **How to fix.** auditwheel 6.4 and later and maturin 1.16 and later sort; `python -m wheel tags` rewrites the name.

    **Limits.** Where nothing but the order is wrong this is an info: every installer takes such a name.

    **References.** Platform compatibility tags, Compressed tag sets.
    """
    if wheel.name is None:
        return
    for what, compressed in _parts(wheel.name):
        members = compressed.split(".")
        if any(_malformed(what, member) for member in members):
            continue  # `tag-malformed` speaks of it
        wanted = ".".join(sorted({member.lower() for member in members}))
        if compressed != wanted:
            yield Hit(
                message=f"the {what} tag `{compressed}` is untidy: it should be `{wanted}`",
                help="rename with `python -m wheel tags`, or build with tools that sort (auditwheel 6.4, maturin 1.16 "
                "and later)",
                severity=INFO if sorted(members) == wanted.split(".") else None,
            )


RULES = (tag_malformed, tag_set_untidy)
