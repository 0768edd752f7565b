"""The rules on the file's own name, held against PyPI's and `packaging`'s cases."""

from __future__ import annotations

import pytest
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from auditor.findings import PyPIAnswer, Severity
from tests.builders import WheelSpec, build_wheel, replace
from tests.rules.helpers import assert_house_style, findings, only, report, rules_hit

LEGAL = (
    "demo-1.0-py3-none-any.whl",
    "demo-1.0-1-py3-none-any.whl",
    "demo-1.0-2abc.d_e-py3-none-any.whl",
    "demo-1!1.0-py3-none-any.whl",
    "demo-1.0+local.7-py3-none-any.whl",
    "demo-1.0.post1.dev2-py2.py3-none-any.whl",
    "demo-1.0rc1-cp310.cp39-none-any.whl",
    "d-1.0-py3-none-any.whl",
    "7zip-1.0-py3-none-any.whl",
    "demo_two-2024.1.1-py3-none-any.whl",
)
"""Names that PyPI, pip and uv all take."""

INVALID = {
    "demo-1.0.whl": "2 parts",
    "demo-1.0-py3-none.whl": "4 parts",
    "demo-1.0-py3-none-any.wheel": "does not end in `.whl`",
    "demo-1.0-py3-none-any.WHL": "does not end in `.whl`",
    "demo-1.0-1-py3-none-any-junk-more.whl": "8 parts",
    "demo-1.0-q-py3-none-any.whl": "the build tag `q`",
    "demo-1.0-abc-py3-none-any.whl": "the build tag `abc`",
    "demo-1.0--py3-none-any.whl": "one of its parts is empty",
    "demo--py3-none-any.whl": "one of its parts is empty",
    "-1.0-py3-none-any.whl": "one of its parts is empty",
    "-1.0-1-py3-none-any.whl": "one of its parts is empty",
    "demo-0.0.4test1-py3-none-any.whl": "`0.0.4test1` is no version",
    "demo-1.x-py3-none-any.whl": "`1.x` is no version",
    "demo__bar-1.0-py3-none-any.whl": "`demo__bar` is no distribution name",
    "demo\n-1.0-py3-none-any.whl": "is no distribution name",
    "demo#bar-1.0-py3-none-any.whl": "`demo#bar` is no distribution name",
    "dem\u00f6-1.0-py3-none-any.whl": "`dem\u00f6` is no distribution name",
    "_demo-1.0-py3-none-any.whl": "`_demo` is no distribution name",
    "demo.-1.0-py3-none-any.whl": "`demo.` is no distribution name",
    "cheese.whl": "1 part",
}
"""Names that PyPI refuses: its own test cases, those of `packaging`, and what only its later steps catch."""


def named(filename: str) -> WheelSpec:
    """A clean wheel under another file name."""
    return WheelSpec(filename=filename)


@pytest.mark.parametrize("filename", LEGAL)
def test_names_that_all_take_are_valid(filename: str) -> None:
    """No rule on file names speaks of a name that PyPI and every installer take."""
    parse_wheel_filename(filename)
    assert not rules_hit(named(filename), "filename")


@pytest.mark.parametrize(("filename", "words"), INVALID.items())
def test_names_that_pypi_refuses_are_invalid(filename: str, words: str) -> None:
    """A name that PyPI refuses is an error that says which part is wrong."""
    finding = only(named(filename), rule="filename-invalid")
    assert words in finding.message
    assert finding.severity is Severity.ERROR
    assert finding.pypi is PyPIAnswer.REJECT
    assert "{name}-{version}" in finding.help


@pytest.mark.parametrize(
    "filename",
    [
        name
        for name in INVALID
        # What `packaging` leaves to the comparison with the metadata, where it cannot pass.
        if not name.startswith(("_demo", "demo.", "dem\u00f6"))
    ],
)
def test_packaging_refuses_what_is_invalid(filename: str) -> None:
    """The table of invalid names agrees with `packaging`, which PyPI asks."""
    with pytest.raises(InvalidWheelFilename):
        parse_wheel_filename(filename)


def test_a_build_tag_that_uv_alone_refuses_is_accepted_by_pypi() -> None:
    """Other characters behind the digits of a build tag are an error of which PyPI takes no notice."""
    filename = "demo-1.0-1+b-py3-none-any.whl"
    parse_wheel_filename(filename)
    finding = only(named(filename), rule="filename-invalid")
    assert "the build tag `1+b`" in finding.message
    assert finding.pypi is PyPIAnswer.ACCEPT


@pytest.mark.parametrize("filename", ["demo-1.0--none-any.whl", "demo-1.0-py3--any.whl", "demo-1.0-py3-none-.whl"])
def test_an_empty_tag_is_a_malformed_tag_and_nothing_else(filename: str) -> None:
    """One fault, one finding: an empty tag is `tag-malformed`, not an invalid file name too."""
    assert rules_hit(named(filename), "filename", "tags") == {"tag-malformed"}


@pytest.mark.parametrize(
    ("filename", "label"),
    [
        ("demo-1.0-cp313-cp313-manylinux_2_28_x86_64-x86_64_v3.whl", "x86_64_v3"),
        ("demo-1.0-cp313-cp313-win_amd64-cu128.whl", "cu128"),
        ("demo-1.0-1-cp313-cp313-win_amd64-cu128.whl", "cu128"),
        ("demo-1.0-py3-none-any-null.whl", "null"),
        ("demo-1.0-py2.py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64-00000000.whl", "00000000"),
    ],
)
def test_a_variant_label_is_explained_and_silences_the_rest(filename: str, label: str) -> None:
    """A name of the draft PEP 825 is one finding: its shifted parts are not judged as tags, nor the name as invalid."""
    wheel = named(filename)
    finding = only(wheel, rule="filename-variant-label")
    assert f"`{label}`" in finding.message
    assert finding.severity is Severity.ERROR
    assert finding.pypi is PyPIAnswer.REJECT
    assert rules_hit(wheel, "filename", "tags", "layout") == {"filename-variant-label"}


@pytest.mark.parametrize(
    "filename", ["demo-1.0-1-cp313-cp313-win_amd64.whl", "demo-1.0-3-py3-none-any.whl", "demo-1.0-py3-none-any.whl"]
)
def test_a_build_tag_is_no_variant(filename: str) -> None:
    """Six parts of which the third is a build tag are a plain wheel name."""
    assert not findings(named(filename), rule="filename-variant-label")


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Demo", "demo"),
        ("demo.two", "demo_two"),
        ("Demo_Two", "demo_two"),
        ("demo._two", "demo_two"),
    ],
)
def test_a_name_in_another_spelling_is_refused_by_pypi(name: str, wanted: str) -> None:
    """The name part must be the normalised name; the message has both spellings, the evidence the date."""
    wheel = WheelSpec(name=wanted, filename=f"{name}-1.0-py3-none-any.whl", dist_info=f"{name}-1.0.dist-info")
    finding = only(wheel, rule="filename-name-not-normalized")
    assert f"`{name}`" in finding.message
    assert f"`{wanted}`" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)
    assert "as of 20" in finding.evidence[0].text


def test_an_invalid_name_is_not_called_unnormalised_too() -> None:
    """`filename-invalid` silences its echo."""
    assert rules_hit(named("Demo__X-1.0-py3-none-any.whl"), "filename") == {"filename-invalid"}


@pytest.mark.parametrize(
    ("version", "normal"),
    [
        ("1.0.RC1", "1.0rc1"),
        ("01.0", "1.0"),
        ("v1.0", "1.0"),
        ("1.0.post", "1.0.post0"),
        ("1.0+ubuntu_1", "1.0+ubuntu.1"),
        ("1.0+ABC", "1.0+abc"),
    ],
)
def test_a_version_in_another_spelling_is_a_warning(version: str, normal: str) -> None:
    """A version that is not in normal form is taken by PyPI, and passed over by `uv publish`."""
    finding = only(WheelSpec(version=version), rule="filename-version-not-normalized")
    assert f"`{version}`" in finding.message
    assert f"`{normal}`" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.WARNING, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize("version", ["1.0", "1!1.0", "2024.1.0", "1.0+abc.1", "1.0a1.post2.dev3", "1.0.0"])
def test_a_version_in_normal_form_is_clean(version: str) -> None:
    """Epochs, local versions and trailing zeros are normal forms."""
    assert not findings(WheelSpec(version=version), rule="filename-version-not-normalized")


@pytest.mark.parametrize(("length", "hit"), [(245, False), (246, False), (247, True), (300, True)])
def test_the_limit_of_a_name_is_246_bytes(length: int, *, hit: bool) -> None:
    """A name of 246 bytes passes, one of 247 does not: PyPI appends `.metadata` and has 255."""
    wheel = named("d" * (length - len("-1.0-py3-none-any.whl")) + "-1.0-py3-none-any.whl")
    found = findings(wheel, rule="filename-too-long")
    assert bool(found) is hit
    if found:
        assert f"{length} bytes" in found[0].message
        assert (found[0].severity, found[0].pypi) == (Severity.ERROR, PyPIAnswer.REJECT)


def test_a_name_that_is_no_wheels_still_is_audited() -> None:
    """Without a readable name the archive is judged all the same."""
    wheel = replace(named("cheese.whl"), record=None)
    assert {"filename-invalid", "record-missing"} <= rules_hit(wheel)
    assert report(build_wheel(wheel)).tags == ()


def test_findings_on_names_keep_the_house_style() -> None:
    """Every message of the family is worded as the others are, and says what to do."""
    names = [*INVALID, "Demo-1.0-py3-none-any.whl", "demo-v1-py3-none-any.whl", "d" * 300 + "-1.0-py3-none-any.whl"]
    for filename in (*names, "demo-1.0-py3-none-any-null.whl"):
        found = [one for one in report(named(filename)).findings if one.family == "filename"]
        assert found
        if "\n" not in filename:
            assert_house_style(found)
