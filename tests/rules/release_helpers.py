"""From wheels that are built, in a folder, to what the rules on a release say of them: the whole path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import structs

from auditor import audit_release
from auditor.release import summary_of_name
from tests.builders import BuiltWheel, WheelSpec, build_wheel
from tests.rules.helpers import assert_house_style

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from auditor.facts.release import WheelSummary
    from auditor.findings import Finding, ReleaseReport

SDIST = "demo-1.0.tar.gz"
LINUX, ARM_LINUX = "manylinux_2_17_x86_64", "manylinux_2_17_aarch64"
MUSL, MAC, INTEL_MAC = "musllinux_1_2_x86_64", "macosx_11_0_arm64", "macosx_10_9_x86_64"
WINDOWS, ARM_WINDOWS = "win_amd64", "win_arm64"
USUAL = (LINUX, ARM_LINUX, MUSL, MAC, INTEL_MAC, WINDOWS)
NEWER = ("cp310", "cp311", "cp312", "cp313", "cp314", "cp315")


def tagged(tags: str, **changes: Any) -> WheelSpec:
    """A wheel of these tags, with an empty package. What it holds does not matter to who is served."""
    python, abi, platform = tags.split("-")
    return WheelSpec(python=python, abi=abi, platform=platform, **changes)


def pythons(platform: str, *names: str, **changes: Any) -> list[WheelSpec]:
    """A wheel for each of these interpreters (`cp312`, `cp313t`) on one platform."""
    return [tagged(f"{name.removesuffix('t')}-{name}-{platform}", **changes) for name in names]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The files of one release, and what they are held against."""

    wheels: Sequence[WheelSpec | BuiltWheel]
    sdists: tuple[str, ...] = (SDIST,)
    previous: Sequence[WheelSpec | BuiltWheel] = ()
    expected: Mapping[str, Sequence[str]] | None = field(default=None)

    def audit(self, folder: Path) -> ReleaseReport:
        """Write the files, and audit them as a release."""
        now, before = folder / "now", folder / "before"
        for place, wheels in ((now, self.wheels), (before, self.previous)):
            place.mkdir()
            for one in wheels:
                (build_wheel(one) if isinstance(one, WheelSpec) else one).write(place)
        for name in self.sdists:
            (now / name).write_bytes(b"")
        previous = before if self.previous else None
        report = audit_release([now], previous=previous, expected=self.expected)
        assert not report.broken, report.not_judged
        assert_house_style(report.findings)
        return report


def said(report: ReleaseReport, *, but: Iterable[str] = ()) -> list[tuple[str, str]]:
    """(rule, severity) of each finding on the release as a set."""
    return [(one.rule, one.severity.value) for one in report.findings if one.rule not in but]


def only(report: ReleaseReport, rule: str) -> Finding:
    """The one finding of a rule, and no other finding on the set."""
    (finding,) = report.findings
    assert finding.rule == rule
    return finding


def everywhere(*names: str, platforms: tuple[str, ...] = USUAL) -> list[WheelSpec]:
    """A wheel for each of these interpreters on each of the usual platforms."""
    return [one for platform in platforms for one in pythons(platform, *names)]


def without(wheels: list[WheelSpec], *left_out: str) -> list[WheelSpec]:
    """The wheels but for those of these tags."""
    kept = [one for one in wheels if f"{one.python}-{one.abi}-{one.platform}" not in left_out]
    assert len(kept) == len(wheels) - len(left_out)
    return kept


def summary(tags: str, version: str = "1.0", **changes: Any) -> WheelSummary:
    """The summary of a wheel of these tags."""
    found = summary_of_name(f"demo-{version}-{tags}.whl")
    assert found is not None
    return structs.replace(found, described=True, **changes)
