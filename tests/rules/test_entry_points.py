"""The rules on entry_points.txt, by PyPI's own cases."""

from __future__ import annotations

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.builders import DEMO, WheelSpec, replace
from tests.rules.helpers import assert_house_style, evidence, findings, only, rules_hit

ERROR, WARNING = Severity.ERROR, Severity.WARNING
NAMES = ("foo", "foo.bar", "foo_bar", "foo-bar", "foo123", "123foo", "_foo", "foo_", "foo.", ".foo", "foo..bar", "_")


def pointing(text: str | bytes, *members: str, requires: str | None = None) -> WheelSpec:
    """The demo wheel with entry points, more empty members, and perhaps a dependency."""
    return replace(
        DEMO,
        entry_points=text,
        members={**DEMO.members, **dict.fromkeys(members, b"")},
        headers={"Requires-Dist": requires},
    )


CLEAN = {
    "console": pointing("[console_scripts]\ndemo = demo:main\n"),
    "both": pointing("[console_scripts]\na = demo:main\n\n[gui_scripts]\nb = demo:main\n"),
    "comments": pointing("# text\n[console_scripts]\n; text\ndemo=demo:main\n"),
    "CRLF": pointing("[console_scripts]\r\ndemo = demo:main\r\n"),
    "extras": pointing("[console_scripts]\ndemo = demo:main [cli,test]\n"),
    "attributes": pointing("[console_scripts]\ndemo = demo:Main.run\n"),
    "module alone": pointing("[pytest11]\ndemo = demo\n"),
    "any name elsewhere": pointing("[odd.group]\nfoo bar/x = demo:x\n"),
    "extension module": pointing("[g]\na = demo._native:x\n", "demo/_native.cpython-311-x86_64-linux-gnu.so"),
    "Windows module": pointing("[g]\na = demo._native:x\n", "demo/_native.cp311-win_amd64.pyd"),
    "namespace": pointing("[g]\na = space.part:x\n", "space/part/mod.py"),
    "module of a dependency": pointing("[console_scripts]\nx = other.cli:main\n", requires="other"),
    "namespace of a dependency": pointing("[g]\na = space.other:x\n", "space/part/mod.py", requires="space-other"),
    "purelib": pointing("[g]\na = extra.mod:x\n", "demo-1.0.data/purelib/extra/mod.py"),
    "editable": pointing("[console_scripts]\nx = elsewhere:main\n", "__editable__.demo.pth"),
    "not ASCII": pointing("[g]\na = demo:größe\n"),
    "empty": pointing(""),
    **{f"name {name}": pointing(f"[console_scripts]\n{name} = demo:main\n") for name in (*NAMES, "-_-")},
}


@pytest.mark.parametrize("wheel", CLEAN.values(), ids=CLEAN.keys())
def test_legal_entry_points_are_clean(wheel: WheelSpec) -> None:
    """Entry points that PyPI and installers take have no finding."""
    assert not rules_hit(wheel, "entry_points")


@pytest.mark.parametrize("group", ["console_scripts", "gui_scripts", "DEFAULT"])
@pytest.mark.parametrize(
    "name", ["foo bar", "foo\tbar", "foo/bar", "foo\\bar", "C:\\foo", "..\\..\\foo", "/foo", "../../../../foo", "'foo'"]
)
def test_names_that_pypi_refuses(name: str, group: str) -> None:
    """A script whose name is no plain file name is refused, in either group and in what both inherit."""
    finding = only(pointing(f"[{group}]\n{name} = demo:main\n"), rule="entry-point-name")
    assert f"`{name}`" in finding.message
    assert evidence(finding).startswith("line 2: ")
    assert (finding.severity, finding.pypi) == (ERROR, PyPIAnswer.REJECT)


DIRTY: dict[str, tuple[str, WheelSpec, str, Severity, PyPIAnswer]] = {
    "encoding": ("entry-points-syntax", pointing(b"[g]\na = demo:\xff\n"), "UTF-8", ERROR, PyPIAnswer.REJECT),
    "mark": ("entry-points-syntax", pointing("\ufeff[g]\na = demo\n"), "byte order mark", ERROR, PyPIAnswer.REJECT),
    "colon": ("entry-points-syntax", pointing("[console_scripts]\na: demo\n"), "no `=`", ERROR, PyPIAnswer.REJECT),
    "no group": ("entry-points-syntax", pointing("a = demo:main\n"), "before any group", ERROR, PyPIAnswer.REJECT),
    "name twice": (
        "entry-points-syntax",
        pointing("[g]\na = demo\na = demo\n"),
        "`a` stands twice in `g`",
        ERROR,
        PyPIAnswer.REJECT,
    ),
    "group twice": (
        "entry-points-syntax",
        pointing("[g]\na = demo\n[h]\na = demo\n[g]\nb = demo\n"),
        "line 6: the group `g`",
        ERROR,
        PyPIAnswer.REJECT,
    ),
    "script without function": (
        "entry-point-reference",
        pointing("[console_scripts]\na = demo\n"),
        "function",
        ERROR,
        PyPIAnswer.ACCEPT,
    ),
    "path": ("entry-point-reference", pointing("[g]\na = demo/x.py\n"), "no object", WARNING, PyPIAnswer.ACCEPT),
    "call": (
        "entry-point-reference",
        pointing("[gui_scripts]\na = demo:main()\n"),
        "`a = demo:main()`",
        ERROR,
        PyPIAnswer.ACCEPT,
    ),
    "interpolation": ("entry-point-reference", pointing("[g]\na = %(x)s\n"), "%(x)s", WARNING, PyPIAnswer.ACCEPT),
    "missing": ("entry-point-target-missing", pointing("[g]\na = gone:x\n"), "`gone`", WARNING, PyPIAnswer.ACCEPT),
    "missing below": (
        "entry-point-target-missing",
        pointing("[console_scripts]\na = demo.cli:main\n", requires="other"),
        "`demo.cli`",
        WARNING,
        PyPIAnswer.ACCEPT,
    ),
    "case": (
        "entry-point-case-duplicate",
        pointing("[console_scripts]\nDemo = demo:main\n[gui_scripts]\ndemo = demo:main\n"),
        "`Demo` and `demo`",
        WARNING,
        PyPIAnswer.ACCEPT,
    ),
}


@pytest.mark.parametrize(("rule", "wheel", "words", "severity", "pypi"), DIRTY.values(), ids=DIRTY.keys())
def test_each_fault(rule: str, wheel: WheelSpec, words: str, severity: Severity, pypi: PyPIAnswer) -> None:
    """Each fault is one finding on entry_points.txt."""
    finding = only(wheel, rule=rule)
    assert words in finding.message
    assert finding.member == "demo-1.0.dist-info/entry_points.txt"
    assert (finding.severity, finding.pypi) == (severity, pypi)
    assert_house_style([finding])


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("n/{} = demo:main", "entry-point-name"),
        ("n{} = demo", "entry-point-reference"),
        ("n{} = gone{}:main", "entry-point-target-missing"),
    ],
)
def test_thousands_of_faults_are_counted(line: str, rule: str) -> None:
    """Twenty thousand faulty lines are twenty findings and a count."""
    text = "[console_scripts]\n" + "".join(f"{line.format(number, number)}\n" for number in range(20_000))
    found = findings(pointing(text), rule=rule)
    assert len(found) == 21
    assert_house_style(found)


@pytest.mark.parametrize("value", ["a" + " " * 500_000 + "b", "[" * 500_000, "a." * 200_000 + "b:c", "a" * 500_000])
def test_values_without_end_are_bounded(value: str) -> None:
    """A value of half a megabyte takes no time, and does not fill the report."""
    wheel = pointing(f"[g]\na = {value}\n", "/".join("d" * 9000) + "/x.py")
    found = findings(wheel, rule="entry-point-reference")
    assert max((len(str(one)) for one in found), default=0) < 5000
    assert rules_hit(wheel, "entry_points") <= {"entry-point-reference", "entry-point-target-missing"}
