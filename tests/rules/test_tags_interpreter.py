"""Family `tags`: combinations of Python and ABI that no interpreter has, or that too few have."""

from __future__ import annotations

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.rules.helpers import evidence, findings, only
from tests.rules.tags_helpers import LINUX, tagged

# --------------------------------------------------------------------------- tag-never-installable, tag-some-impossible


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (f"py3-abi3-{LINUX}", "the generic `py3` goes with the ABI `none` alone"),
        (f"py3-cp311-{LINUX}", "the generic `py3`"),
        ("cp38-abi3-any", "`any` names none"),
        ("cp311-cp311-any", "`any` names none"),
        (f"cp315t-abi3t-{LINUX}", "(`cp315`)"),
        (f"cp313t-cp313t-{LINUX}", "(`cp313`)"),
        (f"cp312-cp311-{LINUX}", "`cp312` never has the ABI `cp311`"),
        (f"cp312-cp312t-{LINUX}", "never has the flag `t`"),
        (f"cp38-cp38m-{LINUX}", "never has the flag `m`"),
        (f"cp36-cp36mu-{LINUX}", "never has the flag `u`"),
        (f"cp3-none-{LINUX}", "with a minor version"),
        (f"cp31-abi3-{LINUX}", "begins with CPython 3.2"),
        (f"cp27-abi3-{LINUX}", "begins with CPython 3.2"),
        (f"cp310-pypy310_pp73-{LINUX}", "CPython has not the ABI"),
        (f"pp310-cp310-{LINUX}", "PyPy has not the ABI"),
        (f"pp310-abi3-{LINUX}", "PyPy has not the ABI"),
        (f"pp310-pypy39_pp73-{LINUX}", "`pp310` never has the ABI `pypy39_pp73`"),
        ("pp310-none-any", "looks for `pp3` with `none-any`"),
        (f"pp3-none-{LINUX}", "looks for `pp3` with `none-any`"),
        (f"graalpy311-abi3-{LINUX}", "GraalPy has not the ABI"),
        (f"graalpy311-graalpy242_310_native-{LINUX}", "never has the ABI"),
        ("graalpy311-none-any", "never looks for"),
    ],
)
def test_a_tag_that_no_interpreter_has_is_an_error(tags: str, words: str) -> None:
    """Where no combination can match, the wheel installs nowhere; the evidence has the reason of each."""
    finding = only(tagged(tags), rule="tag-never-installable")
    assert f"`{tags}`" in finding.message
    assert words in evidence(finding)
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize(
    ("tags", "count"),
    [
        (f"cp36.cp37-cp36m.cp37m-{LINUX}", "2 of the 4"),
        (f"cp38.py3-abi3-{LINUX}", "1 of the 2"),
        (f"cp315-abi3.abi3t.cp314-{LINUX}", "1 of the 3"),
    ],
)
def test_combinations_that_cannot_match_are_an_info(tags: str, count: str) -> None:
    """Where some combinations match, the others are worth an info and no error."""
    finding = only(tagged(tags), rule="tag-some-impossible")
    assert count in finding.message
    assert finding.severity is Severity.INFO
    assert not findings(tagged(tags), rule="tag-never-installable")


# ---------------------------------------------------------------------------------------------- stable ABI, cp-none-any


@pytest.mark.parametrize(
    ("tags", "hit"),
    [
        (f"cp38.cp39-abi3-{LINUX}", True),
        (f"cp310.cp38.cp39-abi3-{LINUX}", True),
        (f"cp38-abi3-{LINUX}", False),
        (f"cp38.cp39-cp38.cp39-{LINUX}", False),
        (f"cp27.cp38-abi3.cp27mu-{LINUX}", False),
    ],
)
def test_one_python_is_enough_for_abi3(tags: str, *, hit: bool) -> None:
    """Several CPython tags that can have abi3 are a warning that names the lowest."""
    found = findings(tagged(tags), rule="tag-abi3-multiple-python")
    assert bool(found) is hit
    if found:
        assert "`cp38`" in found[0].message
        assert "--python-tag cp38" in found[0].help
        assert "--abi-tag" not in found[0].help
        assert found[0].severity is Severity.WARNING


@pytest.mark.parametrize(
    ("tags", "old"),
    [
        (f"cp313-abi3t-{LINUX}", "`cp313`"),
        (f"cp314-abi3.abi3t-{LINUX}", "`cp314`"),
        (f"cp313.cp314.cp315-abi3t-{LINUX}", "`cp313`, `cp314`"),
        (f"cp315-abi3.abi3t-{LINUX}", None),
        (f"cp315-abi3t-{LINUX}", None),
        (f"cp313-cp313t-{LINUX}", None),
    ],
)
def test_abi3t_begins_with_3_15(tags: str, old: str | None) -> None:
    """A Python tag before 3.15 beside abi3t is an error that names it."""
    found = findings(tagged(tags), rule="tag-abi3t-python-too-old")
    assert bool(found) is (old is not None)
    if old is not None:
        assert f"beside {old}:" in found[0].message
        assert found[0].severity is Severity.ERROR


@pytest.mark.parametrize(
    ("tags", "versions"),
    [
        ("cp312-none-any", "CPython 3.12 and on no other version"),
        ("cp27-none-any", "CPython 2.7 and on no other version"),
        ("cp310.cp311-none-any", "CPython 3.10 and 3.11 and on no other versions"),
        ("cp38.py2-none-any", "CPython 3.8 and"),
        ("py3-none-any", None),
        ("cp38.py3-none-any", None),
        (f"cp312-none-{LINUX}", None),
        ("cp3-none-any", None),
    ],
)
def test_a_pure_wheel_for_single_versions_is_a_warning(tags: str, versions: str | None) -> None:
    """`cpXY-none-any` is one warning with the versions, unless a generic tag serves them as well."""
    found = findings(tagged(tags), rule="tag-cp-none-any")
    assert len(found) == (versions is not None)
    if versions is not None:
        assert versions in found[0].message
        assert found[0].severity is Severity.WARNING
