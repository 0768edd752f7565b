"""The rules on Requires-Dist, Requires-Python, Provides-Extra and the classifiers beside them."""

from __future__ import annotations

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.builders import DEMO, WheelSpec, replace
from tests.rules.helpers import assert_house_style, evidence, findings, only, report, rules_hit

RULES = {
    "requires-dist-invalid",
    "requires-dist-direct-url",
    "requires-dist-marker",
    "requires-dist-undeclared-extra",
    "requires-python-invalid",
    "requires-python-missing",
    "provides-extra-invalid",
    "classifiers-disagree",
}


def needing(*requirements: str, extras: tuple[str, ...] = ()) -> WheelSpec:
    """The demo wheel with dependencies and extras."""
    return replace(DEMO, headers={"Requires-Dist": requirements, "Provides-Extra": extras})


CLEAN = {
    "name": "foo",
    "dots": "Foo.Bar-baz_qux",
    "parentheses": "foo (>=1)",
    "legacy spacing": "foo (>=1,<2) ; python_version < '3.8'",
    "extras": "foo[a,b.c]>=1",
    "pin with a local version": "foo==1.0+local",
    "epoch": "foo>=1!2.0",
    "arbitrary equality": "foo===banana",
    "implementation": 'foo; platform_python_implementation != "PyPy"',
    "systems": 'foo; sys_platform in "linux darwin"',
    "system in a variable": 'foo; "linux" in sys_platform',
    "ordered versions": 'foo; python_full_version >= "3.9.1" and implementation_version < "3.12"',
    "release": 'foo; platform_release >= "20"',
    "nested": 'foo; (python_version < "3.9" or (os_name == "nt" and platform_machine == "AMD64"))',
    "extra": 'foo; extra == "test"',
    "extra in another spelling": 'foo; extra == "All_Extras"',
    "extra that is not": 'foo; extra != "test"',
    "UNKNOWN": "UNKNOWN",
}


@pytest.mark.parametrize("requirement", CLEAN.values(), ids=CLEAN.keys())
def test_legal_dependencies_are_clean(requirement: str) -> None:
    """Dependencies that PyPI takes, however unusual, have no finding."""
    wheel = needing(requirement, extras=("test", "all.extras"))
    assert not rules_hit(wheel, "metadata") & RULES


DIRTY: dict[str, tuple[str, str, str, Severity, PyPIAnswer]] = {
    "no operator": ("requires-dist-invalid", "foo 1.0", "`Requires-Dist: foo 1.0`", Severity.ERROR, PyPIAnswer.REJECT),
    "no version": ("requires-dist-invalid", "foo >= dog", "is no requirement", Severity.ERROR, PyPIAnswer.REJECT),
    "no name": ("requires-dist-invalid", ">=1", "is no requirement", Severity.ERROR, PyPIAnswer.REJECT),
    "odd marker": ("requires-dist-invalid", 'foo; colour == "x"', "is no req", Severity.ERROR, PyPIAnswer.REJECT),
    "deep": ("requires-dist-invalid", "foo; " + "(" * 5000, "no requirement", Severity.ERROR, PyPIAnswer.REJECT),
    "URL": ("requires-dist-direct-url", "foo @ https://x.org/foo.whl", "`foo`", Severity.ERROR, PyPIAnswer.REJECT),
    "git": ("requires-dist-direct-url", "foo @ git+https://x.org/foo", "`foo`", Severity.ERROR, PyPIAnswer.REJECT),
    "in on versions": (
        "requires-dist-marker",
        'foo; python_version in "2.7 3.6"',
        "compares `python_version` with `in`",
        Severity.WARNING,
        PyPIAnswer.ACCEPT,
    ),
    "ordered system": (
        "requires-dist-marker",
        'foo; sys_platform >= "linux"',
        "orders `sys_platform`",
        Severity.WARNING,
        PyPIAnswer.ACCEPT,
    ),
    "ordered extra": (
        "requires-dist-marker",
        'foo; extra in "test"',
        "compares `extra` with `in`",
        Severity.WARNING,
        PyPIAnswer.ACCEPT,
    ),
    "lock file": (
        "requires-dist-marker",
        'foo; os_name == "nt" or ("test" in extras)',
        "lock files alone",
        Severity.WARNING,
        PyPIAnswer.ACCEPT,
    ),
    "undeclared": (
        "requires-dist-undeclared-extra",
        'foo; os_name == "nt" and extra == "Tset"',
        "`tset`",
        Severity.WARNING,
        PyPIAnswer.ACCEPT,
    ),
}


@pytest.mark.parametrize(("rule", "requirement", "words", "severity", "pypi"), DIRTY.values(), ids=DIRTY.keys())
def test_faulty_dependencies(rule: str, requirement: str, words: str, severity: Severity, pypi: PyPIAnswer) -> None:
    """Each fault of a dependency is one finding with its line."""
    finding = only(needing("other", requirement, extras=("test",)), rule=rule)
    assert words in finding.message
    assert evidence(finding).startswith("line ")
    assert (finding.severity, finding.pypi) == (severity, pypi)
    assert_house_style([finding])


@pytest.mark.parametrize("field", ["Provides-Dist", "Obsoletes-Dist"])
@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("foo >= dog", "requires-dist-invalid"),
        ("foo @ https://example.com/foo-1.0.tar.gz", "requires-dist-direct-url"),
        ("foo>=1.0", None),
    ],
)
def test_pypi_judges_what_is_provided_and_obsoleted_alike(field: str, value: str, rule: str | None) -> None:
    """PyPI's two rules on dependencies are for Provides-Dist and Obsoletes-Dist as well."""
    hit = rules_hit(replace(DEMO, headers={field: value}), "metadata") & RULES
    assert hit == ({rule} if rule else set())


@pytest.mark.parametrize("specifier", ["3.8", ">=3.8.*", "~=3", ">=3.8; os_name", "3", ">=three", ">=3.8 <4"])
def test_what_is_no_specifier_is_an_error(specifier: str) -> None:
    """PyPI refuses a Requires-Python that is not of PEP 440."""
    finding = only(replace(DEMO, headers={"Requires-Python": specifier}), rule="requires-python-invalid")
    assert f"`Requires-Python: {specifier}`" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)


@pytest.mark.parametrize(
    ("specifier", "capped"),
    [
        (">=3.8", False),
        (">=3.8,!=3.9.*", False),
        (">3.7", False),
        ("", False),
        (">=3.8,<4", True),
        ("<=3.13", True),
        ("~=3.8", True),
        ("==3.*", True),
        ("===3.12.1", True),
    ],
)
def test_an_upper_bound_is_an_info(specifier: str, capped: bool) -> None:
    """Whatever shuts out Pythons to come is an info."""
    found = findings(replace(DEMO, headers={"Requires-Python": specifier}), rule="requires-python-upper-bound")
    assert [one.severity for one in found] == [Severity.INFO] * capped


@pytest.mark.parametrize("value", [None, "", "UNKNOWN"])
def test_a_missing_requires_python_is_a_warning(value: str | None) -> None:
    """What PyPI takes for absent is absent."""
    finding = only(replace(DEMO, headers={"Requires-Python": value}), rule="requires-python-missing")
    assert (finding.severity, finding.pypi) == (Severity.WARNING, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize(
    ("extras", "words", "severity", "pypi"),
    [
        (("a b",), "`Provides-Extra: a b`", Severity.ERROR, PyPIAnswer.REJECT),
        (("-a",), "no name of an extra", Severity.ERROR, PyPIAnswer.REJECT),
        (("ä",), "no name of an extra", Severity.ERROR, PyPIAnswer.REJECT),
        (("a-b", "A.b"), "same when normalised", Severity.ERROR, PyPIAnswer.ACCEPT),
        (("a", "a"), "provided twice", Severity.WARNING, PyPIAnswer.ACCEPT),
    ],
)
def test_faulty_extras(extras: tuple[str, ...], words: str, severity: Severity, pypi: PyPIAnswer) -> None:
    """PyPI refuses a malformed name alone; twins are the specification's error."""
    finding = only(needing(extras=extras), rule="provides-extra-invalid")
    assert words in finding.message
    assert (finding.severity, finding.pypi) == (severity, pypi)


@pytest.mark.parametrize(
    ("classifiers", "python", "specifier", "words"),
    [
        (("Programming Language :: Python :: 3.7",), "py3", ">=3.8", "Python 3.7,"),
        (("Programming Language :: Python :: 2.7", "Topic :: Utilities"), "py3", ">=3.8", "Python 2.7,"),
        (("Programming Language :: Python :: 3 :: Only",), "py2.py3", ">=3.8", "`py2`"),
        (("Programming Language :: Python :: 3.8", "Programming Language :: Python :: 3"), "py3", ">=3.8.1", None),
        (("Programming Language :: Python :: 3.7",), "py3", None, None),
        (("Programming Language :: Python :: 3.7",), "py3", "3.8", None),
        (("Programming Language :: Python :: 3 :: Only",), "py3", ">=3.8", None),
    ],
)
def test_classifiers_that_disagree(
    classifiers: tuple[str, ...], python: str, specifier: str | None, words: str | None
) -> None:
    """A Python that Requires-Python shuts out is a warning; a patch release that it takes is none."""
    wheel = replace(DEMO, python=python, headers={"Classifier": classifiers, "Requires-Python": specifier})
    found = findings(wheel, rule="classifiers-disagree")
    assert [(words or "?") in one.message for one in found] == [True] * (words is not None)


@pytest.mark.parametrize(
    ("headers", "not_judged"),
    [
        ({"Requires-Dist": ("foo", "foo; " + " or ".join(['os_name == "nt"'] * 4000))}, {"requires-dist-invalid"}),
        ({"Requires-Dist": tuple(f"foo{number}" for number in range(6000))}, {"requires-dist-invalid"}),
        ({"Requires-Python": ",".join(f">=3.{number}" for number in range(9000))}, {"requires-python-invalid"}),
        ({"Requires-Python": ",".join(["!=3.99.1"] * 1500)}, set()),
        ({"Classifier": tuple(f"Programming Language :: Python :: 3.{n}" for n in range(20_000))}, set()),
    ],
)
def test_hostile_fields_are_bounded(headers: dict[str, str | tuple[str, ...]], not_judged: set[str]) -> None:
    """Fields that are too long or too many are said to be unjudged, and the rest takes no time."""
    found = report(replace(DEMO, headers=headers))
    assert {one.rule for one in found.not_judged} == not_judged
    assert len(found.findings) < 100
