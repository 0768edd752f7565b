"""What the settings set aside, what they leave, and what of them does nothing."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import pytest

from auditor import Evidence, Finding, PyPIAnswer, Report, Settings, Severity, audit, audit_release
from auditor.facts.dist_info import Field, Metadata
from auditor.platforms.stated import Floors
from auditor.settings import ExternalLibrary, Ignore
from auditor.suppression import Suppressor
from tests.builders import extension_wheel, replace
from tests.builders.extension import clean_elf, extension_spec
from tests.builders.wheel import build_wheel
from tests.cli.command import WHEELS, fixture

if TYPE_CHECKING:
    from pathlib import Path

BAD = fixture("cp313-cp313-win_amd64", "bad")
SUFFIX, TAG = "extension-suffix-mismatch", "wheel-tag-mismatch"
MEMBER = "my_extension/_core.cp311-win_amd64.pyd"
LINUX = "cp311-cp311-manylinux_2_17_x86_64"


@functools.cache
def plain() -> Report:
    """The report without settings."""
    return audit(BAD)


def aside(report: Report) -> list[tuple[str, str]]:
    """(rule, reason) of what was set aside."""
    return [(one.finding.rule, one.reason) for one in report.suppressed]


@pytest.mark.parametrize(
    ("glob", "wheel"),
    [
        (MEMBER, None),
        ("*.pyd", None),
        ("my_extension/*", "*-win_amd64.whl"),
        (None, "my_extension-*.whl"),
        (None, BAD.name),
    ],
)
def test_a_finding_is_set_aside_where_it_is(glob: str | None, wheel: str | None) -> None:
    """A per-file ignore looks at the member and at the file name of the wheel, and gives its reason."""
    settings = Settings(per_file_ignores=(Ignore(rules=("python_abi",), reason="why", glob=glob, wheel=wheel),))
    report = audit(BAD, settings=settings)
    assert aside(report) == [(SUFFIX, "why")]
    assert {one.rule for one in report.findings} == {one.rule for one in plain().findings} - {SUFFIX}
    assert audit_release([BAD], settings=settings).unused_ignores == ()


@pytest.mark.parametrize(
    ("glob", "wheel"),
    [("*.so", None), ("other/*", None), (None, "*-win32.whl"), (MEMBER, "*-win32.whl"), ("*.so", "*")],
)
def test_a_finding_elsewhere_stands(glob: str | None, wheel: str | None) -> None:
    """Where either glob does not match, nothing is set aside, and the setting is told."""
    ignore = Ignore(rules=(SUFFIX, "zip-crc"), reason="why", glob=glob, wheel=wheel)
    settings = Settings(per_file_ignores=(ignore,))
    assert audit(BAD, settings=settings) == plain()
    places = " of ".join(f"`{one}`" for one in (glob, wheel) if one)
    head = f"in `per-file-ignores` number 1 (`{SUFFIX}`, `zip-crc` in {places})"
    assert audit_release([BAD], settings=settings).unused_ignores == (f"`{SUFFIX}` {head}", f"`zip-crc` {head}")


def test_a_finding_on_the_whole_wheel_is_not_within_a_glob() -> None:
    """A glob over members sets nothing aside that is not said of members."""
    settings = Settings(per_file_ignores=(Ignore(rules=(TAG,), reason="why", glob="**"),))
    tag = next(one for one in plain().findings if one.rule == TAG)
    inside = tag.member is not None or all(one.member for one in tag.evidence)
    assert bool(audit(BAD, settings=settings).suppressed) is inside


def test_reasons_of_ignored_rules() -> None:
    """The reason that the settings give is the one in the report, and else that it is ignored."""
    settings = Settings(ignore=(SUFFIX, TAG), reasons=((SUFFIX, "because"),))
    assert aside(audit(BAD, settings=settings)) == [(SUFFIX, "because"), (TAG, f"`{TAG}` is ignored")]


def test_severities_that_were_set() -> None:
    """What was set for a rule comes before its family's, and both before the profile; the verdict follows."""
    settings = Settings(
        severities=(("python_abi", Severity.INFO), (SUFFIX, Severity.WARNING), ("layout", Severity.INFO))
    )
    report = audit(BAD, settings=settings)
    found = {one.rule: one.severity for one in report.findings}
    assert (found[SUFFIX], found[TAG]) == (Severity.WARNING, Severity.INFO)
    assert report.verdict == "pass"


def test_ignores_that_meet_nothing_are_told() -> None:
    """Over all wheels of the run, and only of rules that ran."""
    settings = Settings(ignore=(TAG, "zip-crc", "metadata"))
    assert audit_release([BAD], settings=settings).unused_ignores == ("`zip-crc` in `ignore`", "`metadata` in `ignore`")
    good = fixture("cp311-cp311-win_amd64")
    assert "`wheel-tag-mismatch` in `ignore`" in audit_release([good], settings=settings).unused_ignores
    both = audit_release([good, BAD], settings=settings)
    assert "`wheel-tag-mismatch` in `ignore`" not in both.unused_ignores
    narrow = Settings(select=(SUFFIX,), ignore=(TAG, SUFFIX))
    assert audit_release([BAD], settings=narrow).unused_ignores == ()


def needing(*requirements: str) -> tuple[bytes, str]:
    """A wheel that needs `libcudart.so.12`, and requires these distributions."""
    binary = clean_elf(LINUX)
    spec = extension_spec(LINUX, binary=replace(binary, needed=(*binary.needed, "libcudart.so.12")))
    built = build_wheel(replace(spec, headers={"Requires-Dist": requirements} if requirements else {}))
    return built.data, built.filename


def judged(settings: Settings, *requirements: str) -> Report:
    """The report on a wheel that needs a library of another distribution."""
    content, filename = needing(*requirements)
    return audit(content, filename=filename, settings=settings)


LIBRARY = "library-outside-policy"
CUDA = Settings(
    select=("loading", "linux"),
    external_libraries=(ExternalLibrary(library="libcudart.so.*", distribution="NVIDIA_cuda.runtime-cu12"),),
)


@pytest.mark.parametrize(
    "requirement",
    [
        "nvidia-cuda-runtime-cu12",
        "nvidia_cuda_runtime_cu12>=12,<13",
        "nvidia-cuda-runtime-cu12; sys_platform == 'linux'",
    ],
)
def test_a_library_of_a_required_distribution_is_set_aside(requirement: str) -> None:
    """Where the settings say who brings a library, and Requires-Dist names it, that is the reason."""
    assert LIBRARY in {one.rule for one in judged(Settings()).findings}
    report = judged(CUDA, requirement)
    assert aside(report) == [
        (LIBRARY, "`NVIDIA_cuda.runtime-cu12` brings it, as the settings say and `Requires-Dist` names")
    ]
    assert LIBRARY not in {one.rule for one in report.findings}


@pytest.mark.parametrize(
    "requirements", [(), ("other",), ("nvidia-cuda-runtime-cu12; extra == 'gpu'",), ("nvidia-cuda-runtime-cu12 >> 1",)]
)
def test_a_distribution_that_is_not_required_is_told(requirements: tuple[str, ...]) -> None:
    """Where the distribution is not required, or by an extra alone, the finding stands, and its evidence says so."""
    report = judged(CUDA, *requirements)
    (finding,) = [one for one in report.findings if one.rule == LIBRARY]
    assert finding.severity is Severity.ERROR
    assert finding.evidence[-1].text == (
        "the settings say that `NVIDIA_cuda.runtime-cu12` brings `libcudart.so.*`, and `Requires-Dist` does not require"
        " `NVIDIA_cuda.runtime-cu12`"
    )


def test_a_library_that_nothing_needs_is_told(tmp_path: Path) -> None:
    """A declaration that meets no finding is unused, one that does is not."""
    content, filename = needing()
    path = tmp_path / filename
    path.write_bytes(content)
    more = Settings(
        external_libraries=(*CUDA.external_libraries, ExternalLibrary(library="libnone.so", distribution="none"))
    )
    assert audit_release([path], settings=more).unused_ignores == ("`libnone.so` of `none` in `external-libraries`",)
    other = Settings(select=("record",), external_libraries=more.external_libraries)
    assert audit_release([path], settings=other).unused_ignores == ()


@pytest.mark.parametrize(
    ("tag", "floors", "words"),
    [
        ("manylinux_2_34_x86_64", Floors(glibc=(2, 28)), "glibc 2.34, and the settings promise glibc 2.28"),
        ("manylinux_2_34_x86_64", Floors(glibc=(2, 34)), None),
        ("manylinux2014_x86_64.manylinux_2_17_x86_64", Floors(glibc=(2, 28)), None),
        ("manylinux2014_aarch64.manylinux_2_17_aarch64", Floors(glibc=(2, 5)), None),
        ("musllinux_1_2_x86_64", Floors(musl=(1, 1)), "musl 1.2, and the settings promise musl 1.1"),
        ("musllinux_1_2_x86_64", Floors(glibc=(2, 17), musl=(1, 2), macos=(10, 9)), None),
        ("macosx_11_0_arm64", Floors(macos=(10, 12)), None),
        ("macosx_11_0_arm64", Floors(macos=(11, 0)), None),
        ("macosx_10_12_x86_64", Floors(macos=(10, 9)), "macOS 10.12, and the settings promise macOS 10.9"),
        ("win_amd64", Floors(glibc=(2, 17), musl=(1, 1), macos=(10, 9)), None),
    ],
)
def test_floors_of_one_wheel(tag: str, floors: Floors, words: str | None) -> None:
    """A wheel that begins at a newer system than the settings promise is an error; one that serves more is not."""
    wheel = WHEELS / "good" / f"my_extension-0.1.0-cp311-cp311-{tag}.whl"
    report = audit_release([wheel], settings=Settings(floors=floors))
    assert report.matrix is None
    if words is None:
        assert (report.findings, report.failed) == ((), False)
        return
    (finding,) = report.findings
    assert (finding.rule, finding.severity, report.failed) == ("release-floor-raised", Severity.ERROR, True)
    assert words in finding.message
    assert wheel.name in finding.evidence[0].text
    ignored = Settings(floors=floors, ignore=("release-floor-raised",))
    assert not audit_release([wheel], settings=ignored).failed
    assert audit_release([wheel], settings=Settings(floors=floors, select=("archive",))).findings == ()


def test_a_newer_wheel_beside_an_older_one_raises_nothing() -> None:
    """A wheel for newer systems is no fault while another one serves the older ones."""
    old, new = (
        WHEELS / "good" / f"my_extension-0.1.0-cp311-cp311-{tag}.whl"
        for tag in ("manylinux2014_x86_64.manylinux_2_17_x86_64", "manylinux_2_34_x86_64")
    )
    settings = Settings(floors=Floors(glibc=(2, 28)), select=("release-floor-raised",))
    assert audit_release([old, new], settings=settings).findings == ()
    assert len(audit_release([new], settings=settings).findings) == 1


def test_the_size_limit() -> None:
    """A limit that is stated stands in place of PyPI's default."""
    size = BAD.stat().st_size
    assert not [one for one in audit(BAD, settings=Settings(size_limit=size)).findings if one.rule == "zip-too-large"]
    (finding,) = [
        one for one in audit(BAD, settings=Settings(size_limit=size - 1)).findings if one.rule == "zip-too-large"
    ]
    assert "; the settings allow " in finding.message
    assert finding.pypi.value == "accept"


def test_the_builder_is_needed() -> None:
    """The wheel that these tests change is clean before."""
    built = extension_wheel(LINUX)
    assert LIBRARY not in {one.rule for one in audit(built.data, filename=built.filename).findings}


def spoken_of(*evidence: Evidence, rule: str = "library-from-dependency") -> Finding:
    """A finding on libraries, or on files, that its evidence names."""
    return Finding(
        rule=rule, family="loading", severity=Severity.INFO, pypi=PyPIAnswer.ACCEPT, message="m", evidence=evidence
    )


def test_a_finding_on_several_files_or_libraries() -> None:
    """All that a finding speaks of has to be meant, and shown: of more than is shown nothing is known."""
    inside = [Evidence(text="t", member=f"demo/{number}.so", library=f"lib{number}.so") for number in range(20)]
    outside = Evidence(text="t", member="other/x.so", library="other.so")
    unnamed = Evidence(text="t")
    places = Settings(per_file_ignores=(Ignore(rules=("loading",), reason="why", glob="demo/*"),))
    libraries = Settings(external_libraries=(ExternalLibrary(library="lib*.so", distribution="other"),))
    metadata = Metadata(fields=(Field(name="Requires-Dist", value="other"),))

    def is_aside(settings: Settings, *evidence: Evidence) -> bool:
        return bool(Suppressor(settings, "demo", metadata).sort_out([spoken_of(*evidence)])[1])

    for settings in (places, libraries):
        assert is_aside(settings, *inside[:3])
        assert not is_aside(settings, *inside[:3], outside)
        assert not is_aside(settings, *inside)
        assert not is_aside(settings, unnamed)
        assert not is_aside(settings)
    assert not is_aside(places, inside[0], unnamed)
