"""Several wheels as one release: files and source distributions, groups, summaries, what was before, and the calls."""

from __future__ import annotations

import json
import os
import pickle
import re
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from msgspec import structs

from auditor import (
    NoWheelError,
    PathNotFoundError,
    Settings,
    Severity,
    UnreadableError,
    UsageError,
    audit_release,
    matrices_of,
    matrix_of,
    read_wheel,
)
from auditor.facts.binary import ElfDetail
from auditor.facts.build import BuildMarks
from auditor.judge import judge_release
from auditor.knowledge import KNOWLEDGE
from auditor.platforms.expected import UnknownTargetError, compare
from auditor.release import group, read_previous, split_paths, summarise, summary_of_name
from auditor.release import previous as previous_module
from auditor.release.grouping import strays
from auditor.release.previous import refuse_unrelated
from auditor.report.json import render_json
from tests.builders import BuiltWheel, WheelSpec, build_wheel, extension_spec, extension_wheel, replace
from tests.cli.command import fixture
from tests.rules.release_helpers import pythons, tagged

LINUX, MAC, WINDOWS = "manylinux_2_17_x86_64", "macosx_11_0_arm64", "win_amd64"


def folder(path: Path, *wheels: WheelSpec | BuiltWheel, files: tuple[str, ...] = ()) -> Path:
    """A folder with these wheels and empty files."""
    path.mkdir()
    for one in wheels:
        (build_wheel(one) if isinstance(one, WheelSpec) else one).write(path)
    for name in files:
        (path / name).touch()
    return path


def test_a_directory_stands_for_its_wheels_and_source_distributions(tmp_path: Path) -> None:
    """Wheels come sorted, source distributions are recognised by name, and all else is passed over."""
    files = ("demo-1.0.tar.gz", "Demo.Other-2.0.tar.gz", "notes.txt", "image.tar.gz", "demo-x.tar.gz", "demo-1.0.zip")
    place = folder(tmp_path / "dist", *pythons(LINUX, "cp313", "cp312"), files=files)
    wheels, sdists = split_paths([place])
    assert [Path(one).name for one in wheels] == [f"demo-1.0-cp3{one}-cp3{one}-{LINUX}.whl" for one in (12, 13)]
    assert [(one.filename, one.project, one.version) for one in sdists] == [
        ("Demo.Other-2.0.tar.gz", "demo-other", "2.0"),
        ("demo-1.0.tar.gz", "demo", "1.0"),
    ]


def test_a_zip_is_a_source_distribution_only_with_its_metadata(tmp_path: Path) -> None:
    """A `.zip` with `*/PKG-INFO` is one; another, even under such a name, is a file to audit."""
    for name, member in (("demo-1.0.zip", "demo-1.0/PKG-INFO"), ("demo-1.1.zip", "demo/deep/PKG-INFO")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(member, "")
    (tmp_path / "demo-1.2.zip").write_bytes(b"PK\x05\x06 broken")
    paths = [tmp_path / f"demo-1.{one}.zip" for one in range(4)]
    wheels, sdists = split_paths(paths)
    assert wheels == paths[1:]
    assert [one.filename for one in sdists] == ["demo-1.0.zip"]


def test_other_files_are_audited_whatever_their_names(tmp_path: Path) -> None:
    """What is named and is no source distribution stays in the list, in its order."""
    paths: list[str | Path] = [tmp_path / "b.tar.gz", "a.whl", tmp_path / "missing", ""]
    assert split_paths(paths) == (paths, [])


def test_files_are_grouped_by_project_and_version() -> None:
    """Spelling of names and versions does not part what belongs together, and versions come in their order."""
    names = ["Demo_X-1.10-py3-none-any.whl", "demo.x-1.9-py3-none-any.whl", "demo_x-1.10.0-cp312-cp312-win_amd64.whl"]
    names += ["demo_x-v1.10-cp313-cp313-win_amd64.whl", "other-dev-py3-none-any.whl"]
    found = [summary_of_name(name) for name in [*names, names[0], "no wheel", "a-b.whl"]]
    releases = group(one for one in found if one is not None)
    assert [(one.project, one.version, len(one.wheels)) for one in releases] == [
        ("demo-x", "1.9", 1),
        ("demo-x", "1.10", 2),
        ("demo-x", "1.10.0", 1),
        ("other", "dev", 1),
    ]
    assert [[version for version, _ in one.other_versions] for one in releases] == [[], [], ["1.9", "1.10"], []]


def test_a_summary_holds_what_matters_beside_other_wheels() -> None:
    """Metadata, names that can be imported, and the tags; nothing of the bytes."""
    headers: dict[str, str | tuple[str, ...] | None] = {
        "Requires-Python": ">=3.11",
        "Requires-Dist": ("numpy", "pywin32; sys_platform == 'win32'"),
        "Provides-Extra": ("fast",),
        "Classifier": ("Programming Language :: Python :: 3.12", "Programming Language :: Python :: 3"),
    }
    spec = extension_spec("cp312-cp312-manylinux_2_17_x86_64")
    members = {
        **spec.members,
        "single.py": b"",
        "demo.libs/x.py": b"",
        "data/file.txt": b"",
        "demo-1.0.data/purelib/far.py": b"",
    }
    built = build_wheel(replace(spec, headers=headers, members=members))
    summary = summarise(read_wheel(built.data, filename=built.filename))
    assert summary is not None
    assert (summary.project, summary.version, summary.described) == ("demo", "1.0", True)
    assert (summary.requires_python, summary.extras, summary.classified) == (">=3.11", ("fast",), ((3, 12),))
    assert summary.requires_dist == ("numpy", "pywin32; sys_platform == 'win32'")
    assert summary.packages == ("demo", "far", "single")
    assert summary.extensions == ("demo._core",)
    assert (summary.pyo3, summary.rustc, summary.x86_level) == ((), (), 0)
    assert pickle.loads(pickle.dumps(summary)) == summary  # noqa: S301 -- our own bytes


def test_a_summary_holds_the_marks_of_the_build() -> None:
    """The versions of PyO3 and rustc, and the level of the processor, are those of the extension modules."""
    built = extension_wheel("cp312-cp312-manylinux_2_17_x86_64")
    facts = read_wheel(built.data, filename=built.filename)
    (binary,) = facts.binaries
    (part,) = binary.slices
    assert isinstance(part.detail, ElfDetail)
    marked = structs.replace(
        part,
        marks=BuildMarks(pyo3="0.22.5", rustc="1.90.0"),
        detail=structs.replace(part.detail, x86_isa_needed=0b101),
    )
    summary = summarise(structs.replace(facts, binaries=(structs.replace(binary, slices=(marked,)),)))
    assert summary is not None
    assert (summary.pyo3, summary.rustc, summary.x86_level) == (("0.22.5",), ("1.90.0",), 3)


def test_a_file_that_is_no_wheel_belongs_to_no_release(tmp_path: Path) -> None:
    """It is audited, and the others are a release without it."""
    place = folder(tmp_path / "dist", *pythons(LINUX, "cp312", "cp313"), files=("demo-1.0.tar.gz", "junk.whl"))
    report = audit_release([place])
    assert [one.filename for one in report.wheels][-1] == "junk.whl"
    assert report.failed
    assert not report.set_failed
    assert report.matrix is not None
    assert len(report.summaries) == 2


def test_one_wheel_by_itself_is_no_release(tmp_path: Path) -> None:
    """Nothing is said of a set of one, unless it is held against something."""
    place = folder(tmp_path / "dist", tagged(f"cp312-cp312-{LINUX}"))
    alone = audit_release([place])
    assert (alone.findings, alone.matrix, alone.summaries) == ((), None, ())
    against = audit_release([place], expected={"cp312": ["manylinux_x86_64"], "cp313": ["manylinux_x86_64"]})
    assert [one.rule for one in against.findings if one.severity is Severity.WARNING][:1] == ["release-gap"]
    settings = Settings(expected_matrix=(("cp313", ("manylinux_x86_64",)),))
    assert audit_release([place], settings=settings).findings == against.findings
    (place / "demo-1.0.tar.gz").touch()
    assert audit_release([place]).matrix is not None


def test_findings_on_the_set_obey_the_settings(tmp_path: Path) -> None:
    """They can be selected, ignored, and fail the release like those on a wheel."""
    wheels = [*pythons(LINUX, "cp311", "cp312", "cp313"), *pythons(WINDOWS, "cp311", "cp313")]
    place = folder(tmp_path / "dist", *wheels, files=("demo-1.0.tar.gz",))
    report = audit_release([place])
    assert [one.rule for one in report.findings] == ["release-gap"]
    assert not report.set_failed
    strict = audit_release([place], settings=Settings(select=("release",), fail_on=Severity.WARNING))
    assert strict.set_failed
    assert strict.failed
    ignored = audit_release([place], settings=Settings(select=("release",), ignore=("release-gap",)))
    assert ignored.findings == ()
    assert [one.finding.rule for one in ignored.suppressed] == ["release-gap"]
    assert audit_release([place], settings=Settings(select=("archive",))).findings == ()


def test_processes_give_the_same_release(tmp_path: Path) -> None:
    """With an executor the summaries come back from the workers, and the verdict is the same."""
    place = folder(tmp_path / "dist", *pythons(LINUX, "cp311", "cp313"), tagged(f"cp312-cp312-{WINDOWS}"))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        assert audit_release([place], executor=processes) == audit_release([place])
        assert matrix_of([place], executor=processes) == matrix_of([place])


def test_a_rule_on_a_release_never_runs_on_a_wheel(tmp_path: Path) -> None:
    """The report on a wheel has no finding of the family, and the set has findings of no other."""
    place = folder(tmp_path / "dist", *pythons(LINUX, "cp311", "cp313"), *pythons(WINDOWS, "cp312"))
    report = audit_release([place])
    assert {one.family for wheel in report.wheels for one in wheel.findings}.isdisjoint({"release"})
    assert {one.family for one in report.findings} == {"release"}
    assert not report.broken


def test_a_matrix_is_of_one_release(tmp_path: Path) -> None:
    """Several releases give several matrices, and none is an error."""
    place = folder(tmp_path / "dist", tagged("py3-none-any"), tagged("py3-none-any", version="2.0"))
    assert [(one.project, one.version) for one in matrices_of([place])] == [("demo", "1.0"), ("demo", "2.0")]
    with pytest.raises(UsageError, match=r"`demo 1\.0`, `demo 2\.0`"):
        matrix_of([place])
    with pytest.raises(NoWheelError):
        matrix_of([folder(tmp_path / "empty")])
    with pytest.raises(PathNotFoundError):
        matrix_of([tmp_path / "missing.whl"])


def test_the_previous_release_is_a_directory_or_a_report(tmp_path: Path) -> None:
    """Both give the same verdict on who is no longer served, and the report knows what the names do not."""
    before = [
        *pythons(LINUX, "cp311", "cp312", headers={"Requires-Python": ">=3.11"}),
        *pythons(WINDOWS, "cp311", headers={"Requires-Python": ">=3.11"}),
    ]
    old = folder(tmp_path / "old", *(replace(one, version="0.9") for one in before), files=("demo-0.9.tar.gz",))
    new = folder(tmp_path / "new", *pythons("manylinux_2_28_x86_64", "cp312"), tagged(f"cp313-cp313-{MAC}"))
    report = tmp_path / "old.json"
    report.write_text(render_json(audit_release([old]), KNOWLEDGE), "utf-8")
    by_folder = audit_release([new], previous=old)
    by_report = audit_release([new], previous=report)
    assert by_folder == by_report
    raised = [one.message for one in by_folder.findings if one.rule == "release-floor-raised"]
    assert raised == [
        "`manylinux_x86_64` has no wheel for CPython 3.11, as `0.9` had",
        "`win_amd64`, which `0.9` had wheels for, has none",
        "the wheels for `manylinux_x86_64` need glibc 2.28; those of `0.9` needed glibc 2.17",
        "there is no source distribution, as `0.9` had",
    ]
    (from_report,), (from_folder,) = read_previous(report), read_previous(old)
    assert from_report.sdists == from_folder.sdists == ("demo-0.9.tar.gz",)
    assert [one.requires_python for one in from_report.wheels] == [">=3.11"] * 3


def test_a_report_on_one_wheel_is_a_previous_release(tmp_path: Path) -> None:
    """Where the report says nothing of a set, the file names tell."""
    old = folder(tmp_path / "old", tagged(f"cp312-cp312-{LINUX}", version="0.9"))
    report = tmp_path / "old.json"
    report.write_text(render_json(audit_release([old]), KNOWLEDGE), "utf-8")
    new = folder(tmp_path / "new", tagged(f"cp312-cp312-{WINDOWS}"))
    found = audit_release([new], previous=report).findings
    assert "`manylinux_x86_64`, which `0.9` had wheels for, has none" in {one.message for one in found}


def test_the_newest_previous_release_of_the_project_counts(tmp_path: Path) -> None:
    """Of a folder with several releases the newest one of the same project is taken that is older than this one."""
    versions = {"0.9": LINUX, "0.10": WINDOWS, "1.0": MAC, "1.1": MAC}
    wheels = [tagged(f"cp312-cp312-{platform}", version=version) for version, platform in versions.items()]
    old = folder(tmp_path / "old", *wheels, tagged("py3-none-any", name="other"))
    new = folder(tmp_path / "new", tagged(f"cp312-cp312-{MAC}"))
    messages = [one.message for one in audit_release([new], previous=old).findings]
    assert "`win_amd64`, which `0.10` had wheels for, has none" in messages


BAD_PREVIOUS = {
    "nothing": b"",
    "no JSON": b"\xff{",
    "other JSON": b"[1, 2]",
    "another schema": b'{"wheels": "x"}',
    "deep": b"[" * 100_000,
    "no wheel": b'{"schema": 1, "wheels": []}',
    "no wheel's name": b'{"schema": 1, "wheels": [{"filename": "junk"}]}',
}


@pytest.mark.parametrize("name", BAD_PREVIOUS)
def test_a_previous_release_that_is_none_is_an_error_of_use(name: str, tmp_path: Path) -> None:
    """Any bytes give a release or an error that names the path."""
    path = tmp_path / "old.json"
    path.write_bytes(BAD_PREVIOUS[name])
    with pytest.raises(UsageError, match=r"old\.json"):
        read_previous(path)


def test_a_previous_release_that_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing path, a broken one, a folder without wheels, one of another project, and a file that is too large."""
    with pytest.raises(PathNotFoundError):
        read_previous(tmp_path / "missing")
    with pytest.raises(UnreadableError):
        read_previous("\0")
    with pytest.raises(UsageError, match="no wheel of a previous release"):
        read_previous(folder(tmp_path / "empty"))
    other = folder(tmp_path / "other", tagged("py3-none-any", name="other"))
    with pytest.raises(UsageError, match="the previous release is of `other`, and the wheels are of `demo`"):
        audit_release([folder(tmp_path / "new", tagged("py3-none-any"))], previous=other)
    monkeypatch.setattr(previous_module, "MAX_REPORT", 10)
    (tmp_path / "large.json").write_bytes(b" " * 11)
    with pytest.raises(UsageError, match="larger than any report"):
        read_previous(tmp_path / "large.json")


@pytest.mark.parametrize(
    ("version", "previous", "words"),
    [
        ("1.0", ("1.0",), None),
        ("1.0", ("1.0.0",), None),
        ("1.0", ("1.1",), "`demo 1.1`, which is newer than the wheels of `1.0`"),
        ("1.0.dev1", ("1.0",), "`demo 1.0`, which is newer than the wheels of `1.0.dev1`"),
        ("1.0", ("0.9", "1.0"), None),
        ("1.0", ("1.0.dev1",), None),
        ("1.10", ("1.9",), None),
        ("latest", ("latest",), None),
        ("latest", ("other",), None),
        ("latest", ("1.0",), None),
        ("1.0", ("latest",), None),
    ],
)
def test_a_previous_release_is_not_newer(version: str, previous: tuple[str, ...], words: str | None) -> None:
    """What is compared with a later release would pass whatever was lost; the version may still be the same."""
    now, then = (
        group(found for one in versions if (found := summary_of_name(f"demo-{one}-py3-none-any.whl")))
        for versions in ((version,), previous)
    )
    if words is None:
        refuse_unrelated(now, then)
        return
    with pytest.raises(UsageError, match=re.escape(words)):
        refuse_unrelated(now, then)


def test_a_release_is_not_compared_with_itself(tmp_path: Path) -> None:
    """The same folder, and the report on it, are no previous release, also where another project lies in both."""
    demo = tagged("py3-none-any", headers={"Requires-Dist": "other"})
    place = folder(tmp_path / "dist", demo, tagged("py3-none-any", name="other"))
    report = tmp_path / "report.json"
    report.write_text(render_json(audit_release([place]), KNOWLEDGE), "utf-8")
    for previous in (place, report):
        with pytest.raises(UsageError, match=r"`demo 1\.0`, is made of the very wheels that are audited"):
            audit_release([place], previous=previous)


def test_wheels_of_the_same_version_are_compared(tmp_path: Path) -> None:
    """Between two releases the number of the last one is kept: what was lost since is told all the same."""
    before = folder(tmp_path / "released", *pythons(LINUX, "cp312", "cp313"), *pythons(WINDOWS, "cp312"))
    now = folder(tmp_path / "dist", *pythons(LINUX, "cp312", "cp313"))
    (lost,) = [one for one in audit_release([now], previous=before).findings if one.rule == "release-floor-raised"]
    assert lost.message == "`win_amd64`, which `1.0` had wheels for, has none"


def test_a_directory_that_cannot_be_listed_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named with what the system says, as the previous release and as the one to audit."""
    place = folder(tmp_path / "dist", tagged("py3-none-any"))

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    for call in (read_previous, lambda path: audit_release([path])):
        with pytest.raises(UnreadableError, match=r"dist` cannot be read: Permission denied") as caught:
            call(place)
        assert caught.value.exit_status == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A named pipe is no previous release, whatever its name, and no source distribution."""
    pipes = [tmp_path / name for name in ("previous.json", "demo-1.0.zip", "demo-1.0-py3-none-any.whl")]
    for one in pipes:
        os.mkfifo(one)
    for one in pipes:
        with pytest.raises(UnreadableError, match="neither a directory nor a regular file"):
            read_previous(one)
    assert split_paths([pipes[1]]) == ([pipes[1]], [])
    with pytest.raises(UnreadableError, match="no regular file"):
        read_previous(tmp_path)


NATIVE = pythons(LINUX, "cp312", "cp313")
NEEDS = [replace(one, headers={"Requires-Dist": ("other>=1; python_version < '3'", "[junk")}) for one in NATIVE]
OTHER = tagged("py3-none-any", name="Other")
BESIDE: dict[str, tuple[list[WheelSpec], tuple[str, ...], tuple[str, ...], str | None]] = {
    "a dependency beside wheels": ([*NEEDS, OTHER], (), ("other",), "demo"),
    "a dependency beside one wheel and its source": ([NEEDS[0], OTHER], ("demo-1.0.tar.gz",), ("other",), "demo"),
    "a dependency beside one wheel": ([NEEDS[0], OTHER], (), ("other",), "demo"),
    "what nobody depends on": ([*NATIVE, OTHER], (), (), "demo"),
    "what is released here": ([*NEEDS, OTHER], ("other-1.0.tar.gz",), (), None),
    "what has several wheels": ([*NEEDS, OTHER, replace(OTHER, platform=WINDOWS)], (), (), None),
    "what has several versions": ([*NEEDS, OTHER, replace(OTHER, version="2.0")], (), (), "demo"),
    "each depends on the other": (
        [NEEDS[0], replace(OTHER, headers={"Requires-Dist": "demo"})],
        (),
        (),
        None,
    ),
    "what depends on itself": ([replace(OTHER, headers={"Requires-Dist": "other[all]"}), *NATIVE], (), (), "demo"),
}


@pytest.mark.parametrize("name", BESIDE)
def test_another_project_beside_takes_no_matrix_away(name: str, tmp_path: Path) -> None:
    """The matrix is that of the one release of several files; a dependency's wheel is held against nothing."""
    wheels, files, stray, shown = BESIDE[name]
    place = folder(tmp_path / "dist", *wheels, files=files)
    paths, sdists = split_paths([place])
    summaries = [summarise(read_wheel(one)) for one in paths]
    assert tuple(strays(group([one for one in summaries if one is not None], sdists))) == stray
    matrix = audit_release([place]).matrix
    assert (matrix.project if matrix is not None else None) == shown
    held = audit_release([place], expected={"cp39": ["win_amd64"]})
    assert not {one.message.split()[0].strip("`") for one in held.findings} & set(stray)
    told = [one.message for one in held.findings if one.rule == "release-dependency-beside"]
    assert told == (
        ["`demo 1.0`: beside the wheels of `demo` lies `other-1.0-py3-none-any.whl`, which it depends on"]
        if stray
        else []
    )
    if stray:
        assert held.matrix is not None
        assert held.matrix.project == "demo"


@pytest.mark.parametrize(
    ("expected", "suggestion"),
    [
        ({"pp311-80": ["win_amd64"]}, "pp311"),
        ({"cp3.12": ["win_amd64"]}, "cp312"),
        ({"py3": ["win_amd64"]}, None),
        ({"cp312d": ["win_amd64"]}, "cp312"),
        ({"cp312": ["macosx_arm64"]}, "macos_arm64"),
        ({"cp312": ["windows_amd64"]}, "win_amd64"),
        ({"cp312": ["android_x"]}, None),
        ({"cp312": ["ios_arm64"]}, None),
    ],
)
def test_an_unknown_name_in_the_expected_matrix_is_an_error(
    expected: dict[str, list[str]], suggestion: str | None
) -> None:
    """It says what is meant, where that can be guessed."""
    (release,) = group([found for found in [summary_of_name("demo-1.0-py3-none-any.whl")] if found])
    with pytest.raises(UnknownTargetError) as caught:
        compare(release, expected)
    if suggestion is not None:
        assert caught.value.suggestion == suggestion
    with pytest.raises(UnknownTargetError):
        audit_release([fixture("cp311-cp311-win_amd64")], expected=expected)


def test_a_report_says_who_is_served(tmp_path: Path) -> None:
    """The JSON report has the matrix, the findings, and what a later release is compared with."""
    place = folder(tmp_path / "dist", *pythons(LINUX, "cp312"), *pythons(WINDOWS, "cp312", "cp313"))
    release = json.loads(render_json(audit_release([place]), KNOWLEDGE))["release"]
    rows = {row["interpreter"]: row for row in release["matrix"]["rows"]}
    cells = {cell["platform"]: cell for cell in rows["cp312"]["cells"]}
    assert cells["manylinux_x86_64"] == {
        "platform": "manylinux_x86_64",
        "wheel": f"demo-1.0-cp312-cp312-{LINUX}.whl",
        "tag": f"cp312-cp312-{LINUX}",
        "floor": [2, 17],
        "older": [],
    }
    assert "release-gap" in {one["rule"] for one in release["findings"]}
    assert [one["filename"] for one in release["wheels"]] == [one.name for one in sorted(place.iterdir())]


def test_hundreds_of_tags_take_no_time() -> None:
    """A file name with thousands of expanded tags is judged as any other."""
    many = ".".join(f"manylinux_2_{one}_x86_64" for one in range(5, 45))
    pythons_of = ".".join(f"cp3{one}" for one in range(8, 16))
    summary = summary_of_name(f"demo-1.0-{pythons_of}-{pythons_of}-{many}.whl")
    assert summary is not None
    (release,) = group([summary, structs.replace(summary, filename="demo-1.0-1-py3-none-any.whl")])
    assert not judge_release(release).broken
    graalpys = ".".join(f"graalpy3{one}" for one in range(60))
    abis = ".".join(f"graalpy1_3{one}_native" for one in range(60))
    names = [
        "demo-1.0-cp3999999999-cp3999999999-macosx_999999999_0_arm64.whl",
        "demo-1.0-pp3999999999-pypy3999999999_pp73-manylinux_2_999999999_x86_64.whl",
        "demo-1.0-cp3999999999-abi3-android_999999999_x86_64.ios_999999999_0_arm64_iphoneos.whl",
        f"demo-1.0-py3-none-{'.'.join(f'x{one}' for one in range(4000))}.whl",
        f"demo-1.0-{graalpys}-{abis}-win_amd64.whl",
    ]
    (release,) = group(one for one in map(summary_of_name, names) if one)
    outcome = judge_release(release)
    assert not outcome.broken
    with pytest.raises(UnknownTargetError):
        compare(release, {"cp3999999999": ["win_amd64"]})
    with pytest.raises(UnknownTargetError):
        compare(release, {"pp3999999999": ["win_amd64"]})
