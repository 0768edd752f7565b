"""Family `tags`: tags that are malformed (`tag-malformed`) or in no order (`tag-set-untidy`)."""

from __future__ import annotations

import pytest
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from auditor.findings import PyPIAnswer, Severity
from tests.rules.helpers import findings, only, rules_hit
from tests.rules.tags_helpers import tagged

# -------------------------------------------------------------------------------------------------------- tag-malformed


@pytest.mark.parametrize(
    ("tags", "words", "pypi"),
    [
        ("py3.-none-any", "the python tag `py3.` has an empty member", PyPIAnswer.FUTURE),
        (".-none-any", "the python tag `.` has an empty member", PyPIAnswer.FUTURE),
        ("-none-any", "the python tag is empty", PyPIAnswer.FUTURE),
        ("py3-none.-any", "the abi tag `none.` has an empty member", PyPIAnswer.FUTURE),
        ("py3--any", "the abi tag is empty", PyPIAnswer.FUTURE),
        ("py3-none-", "the platform tag is empty", PyPIAnswer.REJECT),
        ("py3-none-win32.", "the platform tag `win32.` has an empty member", PyPIAnswer.REJECT),
        ("2.7.6-none-any", "`2`, which begins with a digit", PyPIAnswer.FUTURE),
        ("py3-none-win32+amd64", "`win32+amd64`, which has other characters", PyPIAnswer.REJECT),
        ("py\u0663-none-any", "other characters", PyPIAnswer.FUTURE),
    ],
)
def test_a_malformed_tag_is_an_error(tags: str, words: str, pypi: PyPIAnswer) -> None:
    """A tag that new installers refuse is an error that quotes it, with PyPI's own answer."""
    finding = findings(tagged(tags), rule="tag-malformed")[0]
    assert words in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, pypi)
    assert rules_hit(tagged(tags), "tags", "filename") - {"platform-without-native"} == {"tag-malformed"}


@pytest.mark.parametrize("tags", ["py3.-none-any", "-none-any", "py3-none.-any", "py3-none-", "2.7.6-none-any"])
def test_packaging_refuses_malformed_tags(tags: str) -> None:
    """The table agrees with the `packaging` that new versions of pip carry."""
    with pytest.raises(InvalidWheelFilename):
        parse_wheel_filename(f"demo-1.0-{tags}.whl")


def test_one_fault_in_a_set_is_one_finding() -> None:
    """Two empty members of one set are reported once."""
    only(tagged("py3..-none-any"), rule="tag-malformed")


# ------------------------------------------------------------------------------------------------------- tag-set-untidy


@pytest.mark.parametrize(
    ("tags", "wanted", "severity"),
    [
        ("py3.py2-none-any", "py2.py3", Severity.INFO),
        ("py3.py3-none-any", "py3", Severity.WARNING),
        ("py3.py2.py3-none-any", "py2.py3", Severity.WARNING),
        ("PY3-none-any", "py3", Severity.WARNING),
        ("py3.PY2-none-any", "py2.py3", Severity.WARNING),
        (
            "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
            "manylinux2014_x86_64.manylinux_2_17_x86_64",
            Severity.INFO,
        ),
        ("cp311-cp311-win_AMD64", "win_amd64", Severity.WARNING),
        ("cp39.cp310-none-win32", "cp310.cp39", Severity.INFO),
    ],
)
def test_an_untidy_set_is_shown_with_the_tidy_one(tags: str, wanted: str, severity: Severity) -> None:
    """Repeated and upper-case members are a warning, and mere order is an info; each shows the set as it should be."""
    finding = only(tagged(tags), rule="tag-set-untidy")
    assert f"`{wanted}`" in finding.message
    assert (finding.severity, finding.pypi) == (severity, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize(
    "tags",
    [
        "py2.py3-none-any",
        "py3.py2-none-any",
        "cp310.cp39-abi3-win32",
        "cp39.cp310-abi3-win32",
        "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64",
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "py3-none-macosx_10_9_x86_64.macosx_11_0_arm64",
        "py3-none-macosx_11_0_arm64.macosx_10_9_x86_64",
        "py3-none-macosx_10_9_universal2.macosx_10_9_x86_64.macosx_11_0_arm64",
    ],
)
def test_the_order_is_packagings(tags: str) -> None:
    """A lower-case set is called untidy where `packaging` with `validate_order` refuses it, and nowhere else."""
    filename = f"demo-1.0-{tags}.whl"
    try:
        parse_wheel_filename(filename, validate_order=True)
    except InvalidWheelFilename:
        sorted_ = False
    else:
        sorted_ = True
    assert bool(findings(tagged(tags), rule="tag-set-untidy")) is not sorted_
