"""What the wheels of a release bring: the same modules, built by the same tools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.platforms.promise import System, promises
from auditor.platforms.targets import machines
from auditor.rules.release.wording import counted, shown
from auditor.rules.rule import INFO, WARNING, Evidence, Hit, release_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from auditor.facts.release import ReleaseFacts, WheelSummary
    from auditor.rules.release.context import ReleaseContext

    Key = Callable[[WheelSummary], object]

_SHOWN = 20
_NUMBER = re.compile(r"\d+(\.\d+)+\S*", re.ASCII)


@release_rule("release-modules-differ", severity=WARNING, since="0.1")
def release_modules_differ(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """A module that can be imported from most wheels of a release is missing from others.

    **What it checks.** The top-level names and the extension modules of the wheels, whatever interpreter the file names
    are for. A difference that follows the platform, or the Python, is taken as meant: a module for Windows alone, a
    backport for old Pythons, a fallback without extension modules.

    **Why it matters.** An optional extension whose compilation failed is passed over by many build systems: the wheel
    is then slow, or `import` fails, on one Python of one platform, and nobody sees it before its users do.

    **How to fix.** Look into the log of that build. Make the extension mandatory in release builds
    (`Extension(optional=False)`), and import the wheel in a test before the upload.

    **Limits.** Between PyPy, GraalPy and CPython, and between a wheel for `any` and the others, extension modules are
    not compared. A package that a whole platform lacks is told only if it bears the name of the project.
    """
    wheels = list(release.wheels)
    main = release.project.replace("-", "_")
    for name in sorted({package for one in wheels for package in one.packages}):
        have = [one for one in wheels if name in one.packages]
        if len(have) < len(wheels) and (name.lower() == main or not _explained(wheels, have)):
            yield _difference("package", name, have, wheels)
    missing: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
    for group in _comparable(wheels):
        for name in sorted({module for one in group for module in one.extensions}):
            have = [one for one in group if name in one.extensions]
            told = any(name.partition(".")[0] not in one.packages for one in group)
            if len(have) < len(group) and not told and not _explained(group, have):
                having = frozenset(one.filename for one in have)
                missing.setdefault((having, frozenset(one.filename for one in group)), []).append(name)
    for (having, among), names in missing.items():
        group = [one for one in wheels if one.filename in among]
        yield _difference("extension module", names[0], [one for one in group if one.filename in having], group, names)


def _comparable(wheels: Sequence[WheelSummary]) -> Iterator[list[WheelSummary]]:
    """The wheels whose extension modules should be the same: by implementation, wheels for `any` left out."""
    groups: dict[str, list[WheelSummary]] = {}
    for one in wheels:
        tags = promises(one.name)
        if tags and all(tag.platform.system is not System.ANY for tag in tags):
            groups.setdefault(tags[0].python.implementation.value, []).append(one)
    yield from groups.values()


def _explained(wheels: Sequence[WheelSummary], have: Sequence[WheelSummary]) -> bool:
    """Whether the platform decides which wheels have something, or the Python does."""
    having = {one.filename for one in have}
    return any(_follows(wheels, having, key) for key in (_platform_key, _python_key))


def _follows(wheels: Sequence[WheelSummary], having: set[str], key: Key) -> bool:
    """Whether wheels with the same key agree."""
    answers: dict[object, set[bool]] = {}
    for one in wheels:
        answers.setdefault(key(one), set()).add(one.filename in having)
    return all(len(found) == 1 for found in answers.values())


def _platform_key(wheel: WheelSummary) -> object:
    """The kinds of machine that a wheel is for."""
    return frozenset(machine.name for tag in promises(wheel.name) for machine in machines(tag.platform))


def _python_key(wheel: WheelSummary) -> object:
    """The interpreters that a wheel is for."""
    return wheel.name.python, wheel.name.abi


def _difference(
    what: str, name: str, have: list[WheelSummary], among: list[WheelSummary], names: Sequence[str] = ()
) -> Hit:
    """The finding on one module, or on several that the same wheels lack."""
    having = {one.filename for one in have}
    lack = [one.filename for one in among if one.filename not in having]
    fewer = lack if len(lack) <= len(having) else sorted(having)
    count = f"{what} `{name}`" if len(names) < 2 else f"{counted(len(names), what)} (`{name}` and others)"
    where = (
        f"missing from {len(lack)} of {len(among)} wheels"
        if fewer is lack
        else f"in {len(having)} of {len(among)} wheels alone"
    )
    verb = "are" if len(names) > 1 else "is"
    return Hit(
        message=f"the {count} {verb} {where}: {shown(fewer)}",
        help="look into the build of the wheels that differ: was an optional extension passed over?",
        evidence=(
            *(Evidence(text=f"`{one}`", symbol=one) for one in names[:_SHOWN]),
            Evidence(text=f"{'without' if fewer is lack else 'with'} it: {shown(fewer, _SHOWN)}"),
        ),
    )


@release_rule("release-pyo3-mixed", severity=WARNING, since="0.1")
def release_pyo3_mixed(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """The wheels of one release are built with different versions of PyO3 or Rust.

    **What it checks.** The versions of PyO3 that the binaries name, and those of rustc, are the same in all wheels. A
    version of rustc alone is an info: images of build services are updated one by one.

    **Why it matters.** Different versions of PyO3 mean different locked dependencies: the wheels were not built from
    one `Cargo.lock`, and behave differently. Such a release cannot be built again.

    **How to fix.** Commit `Cargo.lock` and build with `--locked`; pin the toolchain in `rust-toolchain.toml`.

    **Limits.** Binaries from which the paths of the sources were taken name no version: nothing is said of them. A
    commit of rustc is not compared with a version.
    """
    pyo3 = _by_version(release.wheels, lambda one: one.pyo3)
    if len(pyo3) > 1:
        yield _mixed("PyO3", pyo3, "commit `Cargo.lock`, and build all wheels with `--locked`", None)
        return
    rustc = _by_version(release.wheels, lambda one: tuple(text for text in one.rustc if _NUMBER.match(text)))
    if len(rustc) > 1:
        yield _mixed("rustc", rustc, "pin the toolchain in `rust-toolchain.toml`", INFO)


def _by_version(
    wheels: Sequence[WheelSummary], versions: Callable[[WheelSummary], tuple[str, ...]]
) -> dict[str, list[str]]:
    """Version -> the file names of the wheels that name it and no other; a wheel with several is no evidence."""
    found: dict[str, list[str]] = {}
    for one in wheels:
        named = versions(one)
        if len(named) == 1:
            found.setdefault(named[0], []).append(one.filename)
    return dict(sorted(found.items()))


def _mixed(tool: str, found: dict[str, list[str]], advice: str, severity: object) -> Hit:
    """The finding on one tool."""
    return Hit(
        message=f"the wheels are built with {len(found)} versions of {tool}: {shown(list(found))}",
        help=advice,
        evidence=tuple(
            Evidence(text=f"{tool} {version}: {shown(names)}", version=version) for version, names in found.items()
        ),
        severity=INFO if severity is INFO else None,
    )


RULES = (release_modules_differ, release_pyo3_mixed)
