"""The WHEEL file by itself and against the file name, its tags aside."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.facts.archive import NATIVE_KINDS
from auditor.platforms.promise import AbiKind, System
from auditor.rules.rule import ERROR, FUTURE, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_VERSION = re.compile(r"(\d+)\.(\d+)", re.ASCII)
_SHOWN = 12


def _place(wheel: WheelFacts) -> str:
    """The member that these findings are about."""
    return f"{wheel.dist_info}/WHEEL"


@rule("wheel-file-syntax", severity=ERROR, pypi=FUTURE, since="0.1")
def wheel_file_syntax(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """WHEEL is not made of `Key: value` lines.

    **What it checks.** The file is UTF-8, has no blank line before its last field, and a colon in every line.

    **Why it matters.** Readers that take it for an e-mail header stop at a blank line: the tags behind it are lost,
    and `pip check` and uv take the wheel for one that fits nowhere. PyPI is about to refuse such files.

    **How to fix.** Update the build backend: older scikit-build and others left a blank line before the tags.

    **References.** Binary distribution format, File contents 7; warehouse pull request 19411.
    """
    if wheel.wheel_file is not None and wheel.wheel_file.problems:
        problems = wheel.wheel_file.problems
        yield Hit(
            message=f"WHEEL is not made of `Key: value` lines: {problems[0]}",
            help="build the wheel with a current backend",
            member=_place(wheel),
            evidence=tuple(Evidence(text=problem) for problem in problems[:_SHOWN]),
        )


@rule("wheel-version-unsupported", severity=ERROR, since="0.1")
def wheel_version_unsupported(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Wheel-Version is missing, malformed, or of another major version.

    **What it checks.** `Wheel-Version` is `1.N`; a minor above 0 is a warning, for there is none yet.

    **Why it matters.** pip and uv refuse the wheel.

    **How to fix.** Build with a build backend.

    **References.** Binary distribution format, File contents 9.
    """
    if wheel.wheel_file is None:
        return
    version = next(iter(wheel.wheel_file.values("Wheel-Version")), None)
    match = _VERSION.fullmatch(version.strip()) if version is not None else None
    if match is None or match[1] != "1":
        yield Hit(
            message="WHEEL has no `Wheel-Version`"
            if version is None
            else f"`Wheel-Version` is `{version[:200]}`: pip and uv know major version 1",
            help="build the wheel with a build backend",
            member=_place(wheel),
        )
    elif match[2] != "0":
        yield Hit(
            message=f"`Wheel-Version` is `{version}`; the newest there is is 1.0",
            help="build the wheel with a build backend",
            member=_place(wheel),
            severity=WARNING,
        )


@rule("wheel-purelib-invalid", severity=ERROR, since="0.1")
def wheel_purelib_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Root-Is-Purelib is missing, or neither true nor false.

    **What it checks.** `Root-Is-Purelib` is there and is `true` or `false`.

    **Why it matters.** Installers take anything else for false, and compare with or without case: the files land in
    platlib for one and in purelib for the other.

    **How to fix.** Build with a build backend.

    **References.** Binary distribution format, File contents 10.
    """
    if wheel.wheel_file is None:
        return
    values = wheel.wheel_file.values("Root-Is-Purelib")
    if not values or values[0].strip() not in {"true", "false"}:
        yield Hit(
            message=f"`Root-Is-Purelib` is `{values[0][:200]}`" if values else "WHEEL has no `Root-Is-Purelib`",
            help="write `Root-Is-Purelib: true` or `false`",
            member=_place(wheel),
            severity=WARNING if values and values[0].strip().lower() in {"true", "false"} else ERROR,
        )


@rule("wheel-purelib-contradiction", severity=WARNING, since="0.1")
def wheel_purelib_contradiction(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """Root-Is-Purelib contradicts the contents or the tags.

    **What it checks.** It is not true where extension modules lie at the root, and not false in a wheel for any
    platform without an ABI.

    **Why it matters.** Where a system has two directories for modules, extension modules land in the one that several
    architectures share.

    **How to fix.** setuptools: declare the extension (`ext_modules`), or `has_ext_modules` for prebuilt files.

    **Limits.** Libraries that are loaded by ctypes are let pass: wheels with them are `true` for lack of another way.

    **References.** Binary distribution format, File contents 10.
    """
    if wheel.wheel_file is None or not context.promises:
        return
    value = next(iter(wheel.wheel_file.values("Root-Is-Purelib")), "").strip().lower()
    modules = [member for member in context.modules if not member.partition("/")[0].endswith(".data")]
    pure = all(
        promise.platform.system is System.ANY and promise.abi.kind is AbiKind.NONE for promise in context.promises
    )
    native = any(member.content in NATIVE_KINDS for member in wheel.files())
    if value == "true" and modules and not pure:
        yield Hit(
            message=f"`Root-Is-Purelib` is true, and the extension module `{modules[0]}` lies at the root",
            help="set it to false: setuptools does where it knows of the extension",
            member=_place(wheel),
            evidence=tuple(Evidence(text=f"`{member}`", member=member) for member in modules[:_SHOWN]),
        )
    elif value == "false" and pure and not native:
        yield Hit(
            message="`Root-Is-Purelib` is false in a pure wheel for any platform",
            help="set it to true",
            member=_place(wheel),
        )


@rule("wheel-tag-malformed", severity=WARNING, pypi=FUTURE, since="0.1", must=True)
def wheel_tag_malformed(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A Tag line of WHEEL is compressed, or has not three parts.

    **What it checks.** Each `Tag` line is one expanded tag of three parts.

    **Why it matters.** `pip check` cannot read such a line; uv compares it as one tag that no machine has. PyPI is
    about to refuse it.

    **How to fix.** Update maturin (older versions wrote compressed lines) or the step that wrote the line.

    **References.** Binary distribution format, File contents 11; warehouse pull request 19411.
    """
    if wheel.wheel_file is None:
        return
    bad = [line for line in wheel.wheel_file.tags if line.count("-") != 2 or "." in line]
    if bad:
        yield Hit(
            message=f"the line `Tag: {bad[0][:200]}` of WHEEL is no single tag"
            + (f", and {len(bad) - 1} more" if len(bad) > 1 else ""),
            help="write one line for each tag of the expanded set",
            member=_place(wheel),
            evidence=tuple(Evidence(text=f"`Tag: {line[:200]}`") for line in bad[:_SHOWN]),
        )


@rule("wheel-build-mismatch", severity=WARNING, since="0.1", must=True)
def wheel_build_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The build tag in WHEEL is not the file name's.

    **What it checks.** `Build` is there if, and only if, the file name has a build tag, and both are equal.

    **Why it matters.** The specification asks for it, and tools that write the name anew from WHEEL write another one.

    **How to fix.** Give the wheel its old name again, or let `python -m wheel unpack` and `python -m wheel pack` name
    it after WHEEL; `python -m wheel tags --build N` then changes both. A wheel where they differ it refuses.

    **References.** Binary distribution format, File contents 12.
    """
    if wheel.wheel_file is None or wheel.name is None:
        return
    if wheel.name.build is not None and not wheel.name.build[:1].isdigit():
        return  # no build tag but a sixth part of another kind, of which the `filename` rules speak
    value = next(iter(wheel.wheel_file.values("Build")), None)
    if (value.strip() if value is not None else None) != wheel.name.build:
        there = f"`{wheel.name.build}`" if wheel.name.build else "none"
        yield Hit(
            message=f"`Build` is {f'`{value[:200]}`' if value else 'not there'} in WHEEL; the file name has {there}",
            help="give the wheel its old name again, and change it with `python -m wheel tags --build N`, which keeps"
            " both together",
            member=_place(wheel),
        )


RULES = (
    wheel_build_mismatch,
    wheel_file_syntax,
    wheel_purelib_contradiction,
    wheel_purelib_invalid,
    wheel_tag_malformed,
    wheel_version_unsupported,
)
