#!/usr/bin/env python3
"""Hold the simulated loader against this machine's ld.so: real wheels, and variants of them that are broken on purpose.

    python -m tests.loaders.dlopen DIR            # every wheel of DIR that CPython on x86_64 Linux could load
    python -m tests.loaders.dlopen DIR --verbose  # the whole table, not the disagreements alone

Each extension module is loaded with dlopen(RTLD_NOW) in a child process of its own. What is predicted are the findings
of the audit on the same bytes, retagged for this machine, that concern the module and what it loads. Ends with 1 where
the two disagree.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import multiprocessing
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from auditor import Severity
from auditor.archive.reader import read_wheel
from auditor.judge import judge
from auditor.loading.layout import Role
from auditor.loading.model import Image, Origin
from auditor.rules.context import Context
from auditor.rules.python_abi.modules import importable
from auditor.settings import Settings
from tests.corpus.fetch import is_loadable
from tests.loaders.host import HostWheel, RealLoader, glibc_version, host_wheel, installed
from tests.loaders.mutations import MENDED, Variant, mended, variants

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from auditor.facts.wheel import WheelFacts

STACK_REFUSED_SINCE = (2, 41)
"""The first glibc that refuses a file which wants an executable stack."""
LOADING_RULES = (
    "binary-malformed",
    "binary-wrong-arch",
    "binary-wrong-format",
    "executable-stack",
    "free-threaded-mismatch",
    "glibc-newer-than-tag",
    "libc-mismatch",
    "library-outside-policy",
    "library-unreachable",
    "library-unresolved",
    "libstdcxx-newer-than-tag",
    "python-symbol-unavailable",
    "symbol-unresolved",
    "version-need-without-library",
)
"""The rules whose errors and warnings say that a file does not load."""
_FOREIGN = frozenset({Origin.DEPENDENCY, Origin.DRIVER, Origin.PROCESS, Origin.UNKNOWN})
"""The origins of libraries that a dlopen of the one module need not find, and that nobody promised it would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the audit says of one module and all that it loads."""

    rules: tuple[str, ...]
    """The rules by which it does not load; empty where it does."""
    doubts: tuple[str, ...]
    """Why the audit leaves it open, in words."""
    promised: tuple[str, ...]
    """The libraries that the platform tag promises, and that it needs."""
    absent: tuple[str, ...]
    """The libraries that are neither in the wheel nor promised."""
    orphans: tuple[str, ...]
    """The libraries of which versions are required, and that nothing has loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    wheel: str
    module: str
    variant: str
    """The kind of change and what was changed; empty for the wheel as it is."""
    predicted: tuple[str, ...]
    real: str | None
    """What the loader said; None where it loaded the module."""
    unlike: str = ""
    """Why the two cannot be compared, in words."""
    unsaid: tuple[str, ...] = ()
    """Rules of the prediction that the audit of the whole wheel does not give."""

    @property
    def agrees(self) -> bool:
        """Whether prediction, loader and the audit of the whole wheel say the same."""
        return bool(self.predicted) is (self.real is not None) and not self.unsaid

    @property
    def kind(self) -> str:
        """The kind of change."""
        return self.variant.partition(":")[0]

    def __str__(self) -> str:
        predicted = ", ".join(self.predicted) or "loads"
        mark = "OPEN" if self.unlike else "ok" if self.agrees else "DISAGREE"
        reason = f" [{self.unlike}]" if self.unlike else f" [unsaid: {self.unsaid}]" if self.unsaid else ""
        return (
            f"{mark}\t{self.wheel}\t{self.module}\t{self.variant or '-'}\t{predicted}\t{self.real or 'loaded'}{reason}"
        )


# -- what is predicted ------------------------------------------------------------------------------------------------


def importable_modules(facts: WheelFacts) -> list[str]:
    """The extension modules that the interpreter of the one tag looks for, sorted."""
    context = Context(facts)
    (platform,) = context.platforms
    return sorted(
        member
        for member, module in context.modules.items()
        if any(importable(module.name, interpreter, platform) for interpreter in context.interpreters)
    )


def only(facts: WheelFacts, keep: frozenset[str]) -> WheelFacts:
    """The facts without the other binaries."""
    return msgspec.structs.replace(
        facts, binaries=tuple(binary for binary in facts.binaries if binary.member in keep), guarded_imports=()
    )


def closure(facts: WheelFacts, member: str) -> tuple[WheelFacts, list[Image]]:
    """The facts of one module and of what it loads, and the simulated loader's images of these."""
    roles = Context(facts).roles
    needed = {one.name.rpartition("/")[2] for _, part in facts.slices() for one in part.needed}
    candidates = {name for name, role in roles.items() if role is Role.LIBRARY or name.rpartition("/")[2] in needed}
    around = only(facts, frozenset(candidates | {member}))
    by_name: dict[str, set[str]] = {}
    for name in candidates:
        by_name.setdefault(name.rpartition("/")[2], set()).add(name)
    reached = {member}
    images = [image for resolution in Context(around).resolutions for image in resolution.images]
    by_member = {image.member: image for image in images}
    pending = [member]
    while pending:
        image = by_member.get(pending.pop())
        for library in image.libraries if image is not None else ():
            # A file for another machine is none that the loader takes: it is found by its name.
            found = {library.member} if library.member is not None else by_name.get(library.name, set())
            pending += found - reached
            reached |= found
    images = [image for image in images if image.member in reached]
    reached |= _givers(facts, candidates, {one.symbol for image in images for one in image.missing})
    return only(facts, frozenset(reached)), images


def _givers(facts: WheelFacts, candidates: set[str], symbols: set[str]) -> set[str]:
    """The libraries that have some of these symbols: the package may load them by itself."""
    return {
        binary.member
        for binary, part in facts.slices()
        if binary.member in candidates and any(export.symbol in symbols for export in part.exports)
    }


def predict(facts: WheelFacts, member: str) -> Prediction:
    """What the audit says of one module, with all other binaries of the wheel out of the way but those it loads."""
    own, images = closure(facts, member)
    report = judge(own, Settings(select=LOADING_RULES))
    assert not report.broken, report.not_judged
    rules = {one.rule for one in report.findings if one.severity is not Severity.INFO}
    if glibc_version() < STACK_REFUSED_SINCE:
        rules.discard("executable-stack")
    libraries = [library for image in images for library in image.libraries]
    doubts = [f"`{one.name}`: {one.how or one.origin.value}" for one in libraries if one.origin in _FOREIGN]
    doubts += [f"`{one.symbol}`: {one.reason}" for image in images for one in image.missing if not one.certain]
    return Prediction(
        rules=tuple(sorted(rules)),
        doubts=tuple(dict.fromkeys(doubts)),
        promised=tuple(sorted({one.name for one in libraries if one.origin is Origin.PLATFORM})),
        absent=tuple(sorted({one.name for one in libraries if one.origin is Origin.MISSING})),
        orphans=tuple(sorted({name for image in images for name in image.orphan_versions})),
    )


def rules_of(facts: WheelFacts) -> frozenset[str]:
    """The rules by which the audit says of the whole wheel that something in it does not load."""
    report = judge(facts, Settings(select=LOADING_RULES))
    return frozenset(one.rule for one in report.findings if one.severity is not Severity.INFO)


def incomparable(prediction: Prediction, loader: RealLoader) -> str:
    """Why this machine's loader is no judge of a module, in words; empty where it is."""
    lacks = [name for name in prediction.promised if not loader.has(name)]
    if lacks:
        return f"the tag promises {', '.join(lacks)}, which this machine lacks"
    if not prediction.rules and prediction.doubts:
        return f"left open by the audit: {prediction.doubts[0]}"
    has = [name for name in prediction.absent if loader.has(name)]
    has += [name for name in prediction.orphans if loader.holds(name)]
    if has:
        return f"this machine has {', '.join(has)}, which the tag does not promise"
    return ""


# -- the table --------------------------------------------------------------------------------------------------------


def examine(path: Path) -> list[Row]:
    """All modules of one wheel, and its variants."""
    wheel = host_wheel(path)
    rows = _examine(wheel)
    if rows and all(row.predicted for row in rows):
        # It is for a later Python. Once that is mended, the rest of it can be tried as well.
        changes = {row.module: mended(wheel.members[row.module]) for row in rows}
        rows += _examine(wheel.changed(changes, {}), f"{MENDED}: all")
    return rows


def _examine(wheel: HostWheel, already: str = "") -> list[Row]:
    """The modules of a wheel, and the variants of those that load; `already` says what was changed before."""
    with tempfile.TemporaryDirectory() as folder, RealLoader() as loader:
        site = installed(wheel, Path(folder))
        built = wheel.build()
        facts = read_wheel(built.data, filename=built.filename)
        said = rules_of(facts)
        rows = [_row(wheel, facts, module, loader, site, said, already) for module in importable_modules(facts)]
        sound = [row.module for row in rows if row.real is None and not row.predicted and not row.unlike]
        rows += _variant_rows(wheel, facts, sound, loader, site)
    return rows


def _row(
    wheel: HostWheel,
    facts: WheelFacts,
    module: str,
    loader: RealLoader,
    site: Path,
    said: frozenset[str],
    variant: str = "",
) -> Row:
    """One module: predicted, and loaded."""
    prediction = predict(facts, module)
    return Row(
        unsaid=tuple(rule for rule in prediction.rules if rule not in said),
        wheel=wheel.origin,
        module=module,
        variant=variant,
        predicted=prediction.rules,
        real=loader.load(_place(facts, site, module)),
        unlike=incomparable(prediction, loader),
    )


def _place(facts: WheelFacts, site: Path, member: str) -> Path:
    """Where a member was installed; `site` is the site-packages directory, three below the prefix."""
    place = Context(facts).layout.place(member)
    assert place is not None
    below = place.removeprefix("/prefix/")
    if below.startswith("lib/python/"):
        below = f"lib/{site.parent.name}/{below.removeprefix('lib/python/')}"
    return site.parents[2] / below


def _variant_rows(
    wheel: HostWheel, facts: WheelFacts, modules: Sequence[str], loader: RealLoader, site: Path
) -> Iterator[Row]:
    """The variants of the modules that load, one after the other in the same installed copy."""
    for variant in variants(wheel.members, {module: closure(facts, module)[1] for module in modules}):
        other = wheel.changed(variant.changes, variant.renamed)
        built = other.build()
        changed = read_wheel(built.data, filename=built.filename)
        with _Spoilt(wheel, facts, variant, site):
            what = f"{variant.kind}: {variant.what}"
            yield _row(wheel, changed, variant.module, loader, site, rules_of(changed), what)


class _Spoilt:
    """The installed copy of a wheel while a variant is tried: its files are changed, and put back."""

    def __init__(self, wheel: HostWheel, facts: WheelFacts, variant: Variant, site: Path) -> None:
        self._before = wheel.members
        self._variant = variant
        self._facts, self._site = facts, site

    def _at(self, member: str) -> Path:
        return _place(self._facts, self._site, member)

    def __enter__(self) -> None:
        for member, content in self._variant.changes.items():
            # A file of its own: what is mapped somewhere is never written to.
            self._at(member).unlink()
            if content is not None:
                self._at(member).write_bytes(content)
        for old, new in self._variant.renamed.items():
            self._at(new).parent.mkdir(parents=True, exist_ok=True)
            self._at(old).rename(self._at(new))

    def __exit__(self, *_: object) -> None:
        for old, new in self._variant.renamed.items():
            self._at(new).rename(self._at(old))
        for member in self._variant.changes:
            self._at(member).unlink(missing_ok=True)
            self._at(member).write_bytes(self._before[member])


def table(paths: Sequence[Path], workers: int = 2) -> list[Row]:
    """The rows of all wheels, in the order of the paths; `workers` wheels at a time."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        return [row for rows in pool.map(examine, paths) for row in rows]


def summary(rows: Sequence[Row]) -> str:
    """The counts in words."""
    compared = [row for row in rows if not row.unlike]
    modules = [row for row in compared if not row.variant]
    changed = [row for row in compared if row.variant]
    broken = sum(row.real is not None for row in changed)
    return (
        f"{len(modules)} modules of {len({row.wheel for row in modules})} wheels, {len(changed)} variants of"
        f" {len({row.wheel for row in changed})} wheels in {len({row.kind for row in changed})} kinds ({broken} do not"
        f" load), {sum(not row.agrees for row in compared)} disagreements;"
        f" {len(rows) - len(compared)} rows left open"
    )


def main() -> int:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--verbose", action="store_true", help="print every row")
    parser.add_argument("--only", default="", help="wheels whose file names contain this")
    arguments = parser.parse_args()
    paths = [path for path in sorted(arguments.folder.glob("*.whl")) if is_loadable(path.name)]
    rows = table([path for path in paths if arguments.only in path.name])
    for row in rows:
        if arguments.verbose or row.unlike or not row.agrees:
            print(row)
    for kind, count in sorted(Counter(row.kind for row in rows if row.variant and not row.unlike).items()):
        print(f"{count:5d} {kind}")
    print(summary(rows))
    return 1 if any(not row.agrees and not row.unlike for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
