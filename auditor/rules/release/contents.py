"""What the wheels of a release bring: the same modules, built by the same tools."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.platforms.promise import promises
from auditor.rules.release.explained import explained, for_any
from auditor.rules.release.wording import counted, shown
from auditor.rules.rule import INFO, WARNING, Evidence, Hit, release_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from auditor.facts.release import ReleaseFacts, WheelSummary
    from auditor.rules.release.context import ReleaseContext

_SHOWN = 20
_NUMBER = re.compile(r"\d+(\.\d+)+\S*", re.ASCII)


@release_rule("release-modules-differ", severity=WARNING, since="0.1")
def release_modules_differ(release: ReleaseFacts, context: ReleaseContext) -> Iterator[Hit]:
    """A module that can be imported from most wheels of a release is missing from others.

    **What it checks.** The top-level names, the extension modules, the modules that are Python source, and each
    `py.typed` of the wheels, whatever interpreter the file names are for. A difference that follows the platform, or
    the Python, is taken as meant: a module for Windows alone, a backport for old Pythons, a fallback without extension
    modules.

    **Why it matters.** An optional extension whose compilation failed is passed over by many build systems: the wheel
    is then slow, or `import` fails, on one Python of one platform, and nobody sees it before its users do. A source
    that one wheel lacks, or has left over, tells that it was not built from what the others were built from.

    **How to fix.** Look into the log of that build. Make the extension mandatory in release builds
    (`Extension(optional=False)`), and import the wheel in a test before the upload.

    **Limits.** Between PyPy, GraalPy and CPython, and between a wheel for `any` and the others, extension modules are
    not compared, and neither are packages made of extension modules alone. Of a wheel whose contents could not be read
    nothing is said, and of one for a platform without any native file (`platform-without-native`) nothing about
    extension modules. A package that a whole platform lacks is told only if it bears the name of the project. Only the
    names of sources are compared, not what is written in them; a wheel with more than 10,000 is left out.
    """
    wheels = [one for one in release.wheels if one.listed]
    compiled = [one for one in wheels if one.native and not for_any(one)]
    sourced = {_top(name) for one in wheels for name in one.sources or ()}
    main = release.project.replace("-", "_")
    for name in sorted({package for one in wheels for package in one.packages}):
        among = wheels if name in sourced else compiled
        having = {one.filename for one in among if name in one.packages}
        if 0 < len(having) < len(among) and (name.lower() == main or not explained(among, having)):
            yield _difference("package", [name], having, among)
    told: set[str] = set()
    for group in _by_implementation(compiled):
        for having, names in _unexplained_extensions(group):
            told.update(names)
            yield _difference("extension module", names, having, group)
    for having, group, names in _unexplained_sources(wheels, told):
        what = "file" if any("/" in name for name in names) else "module"
        yield _difference(what, names, having, group)


def _by_implementation(wheels: Sequence[WheelSummary]) -> Iterator[list[WheelSummary]]:
    """The wheels whose extension modules should be the same."""
    groups: dict[str, list[WheelSummary]] = {}
    for one in wheels:
        groups.setdefault(promises(one.name)[0].python.implementation.value, []).append(one)
    yield from groups.values()


def _unexplained_extensions(group: list[WheelSummary]) -> Iterator[tuple[set[str], list[str]]]:
    """Extension modules that some of these wheels lack for no reason, and the wheels that have them.

    Where the whole package is missing, that is told.
    """
    found: dict[frozenset[str], list[str]] = {}
    for name in sorted({module for one in group for module in one.extensions}):
        having = frozenset(one.filename for one in group if name in one.extensions)
        if len(having) < len(group) and all(_top(name) in one.packages for one in group):
            found.setdefault(having, []).append(name)
    for filenames, names in found.items():
        if not explained(group, filenames):
            yield set(filenames), names


def _unexplained_sources(
    wheels: list[WheelSummary], told: set[str]
) -> Iterator[tuple[set[str], list[WheelSummary], list[str]]]:
    """Sources that some of the wheels with their package lack for no reason, and the wheels that have them.

    An extension module in the place of a source is no loss.
    """
    having: dict[str, set[str]] = {}
    known = [one for one in wheels if one.sources is not None]
    for one in known:
        for name in one.sources or ():
            having.setdefault(name, set()).add(one.filename)
    partial = {name for name, filenames in having.items() if len(filenames) < len(known)}
    for one in known:
        for name in partial.intersection(one.extensions):
            having[name].add(one.filename)
    found: dict[tuple[str, frozenset[str]], list[str]] = {}
    for name in sorted(partial - told):
        found.setdefault((_top(name), frozenset(having[name])), []).append(name)
    for (package, filenames), names in found.items():
        group = [one for one in known if package in one.packages]
        if len(filenames) < len(group) and not explained(group, filenames):
            yield set(filenames), group, names


def _top(name: str) -> str:
    """The top-level name of a module, or of a file by its path."""
    return name.partition("/")[0].partition(".")[0]


def _difference(what: str, names: Sequence[str], having: set[str], among: Sequence[WheelSummary]) -> Hit:
    """The finding on one module, or on several that the same wheels lack."""
    lack = [one.filename for one in among if one.filename not in having]
    fewer = lack if len(lack) <= len(having) else sorted(having)
    count = f"{what} `{names[0]}`" if len(names) == 1 else f"{counted(len(names), what)} (`{names[0]}` and others)"
    where = (
        f"missing from {len(lack)} of {len(among)} wheels"
        if fewer is lack
        else f"in {len(having)} of {len(among)} wheels alone"
    )
    verb = "are" if len(names) > 1 else "is"
    return Hit(
        message=f"the {count} {verb} {where}: {shown(fewer)}",
        help="look into the build of the wheels that differ: was an extension passed over, or a file left out?",
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
