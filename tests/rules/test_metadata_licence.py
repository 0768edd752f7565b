"""The rules on the licence, by PEP 639 and by what PyPI does with it."""

from __future__ import annotations

import pytest

from auditor.findings import PyPIAnswer, Severity
from tests.builders import DEMO, WheelSpec, replace
from tests.rules.helpers import assert_house_style, evidence, findings, only, rules_hit

RULES = {
    "license-expression-invalid",
    "license-fields-conflict",
    "license-file-path",
    "license-file-missing",
    "license-undeclared",
}
FOLDER = "demo-1.0.dist-info/licenses"


def licensed(expression: str | None, **headers: str | tuple[str, ...] | None) -> WheelSpec:
    """The demo wheel under another licence."""
    changes = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(DEMO, headers={"License-Expression": expression, **changes})


def with_files(*paths: str, declared: tuple[str, ...], version: str = "2.4") -> WheelSpec:
    """The demo wheel with these licence files and these License-File fields."""
    members = {**DEMO.members, **dict.fromkeys(paths, b"terms\n")}
    headers: dict[str, str | tuple[str, ...] | None] = {"Metadata-Version": version, "License-File": declared}
    if version < "2.4":
        headers |= {"License-Expression": None, "License": "MIT"}
    return replace(DEMO, members=members, license_text=None, headers=headers)


CLEAN = {
    "plain": DEMO,
    "lower case": licensed("mit or apache-2.0"),
    "exception": licensed("GPL-2.0-or-later WITH Classpath-exception-2.0"),
    "parentheses": licensed("(MIT OR Apache-2.0) AND BSD-3-Clause"),
    "reference": licensed("LicenseRef-Proprietary"),
    "deprecated identifier": licensed("GPL-3.0"),
    "plus": licensed("GPL-2.0+"),
    "old field": licensed(None, License="MIT License"),
    "old field that is UNKNOWN": licensed("MIT", License="UNKNOWN"),
    "old field that is empty": licensed("MIT", License=""),
    "classifier": licensed(None, License_File=None, Classifier="License :: OSI Approved :: MIT License"),
    "folders": with_files(f"{FOLDER}/vendor/a/LICENSE", f"{FOLDER}/LICENSE", declared=("LICENSE", "vendor/a/LICENSE")),
    "path that is not ASCII": with_files(f"{FOLDER}/Lizenz-ä.txt", declared=("Lizenz-ä.txt",)),
    "path with a space": with_files(f"{FOLDER}/Something Else", declared=("Something Else",)),
    "below 2.4 beside METADATA": with_files("demo-1.0.dist-info/LICENSE", declared=("LICENSE",), version="2.1"),
    "below 2.4 nowhere": with_files(declared=("../x",), version="2.3"),
    "several names": with_files(f"{FOLDER}/COPYING", f"{FOLDER}/AUTHORS.md", declared=("COPYING", "AUTHORS.md")),
}


@pytest.mark.parametrize("wheel", CLEAN.values(), ids=CLEAN.keys())
def test_licences_that_pypi_takes_are_clean(wheel: WheelSpec) -> None:
    """A licence that is named in any permitted way has no finding."""
    assert not rules_hit(wheel, "metadata") & RULES


@pytest.mark.parametrize(
    ("expression", "suggestion"),
    [
        ("MIT License", "`MIT`"),
        ("Apache 2.0", "`Apache-2.0`"),
        ("MIT/Apache-2.0", "`MIT OR Apache-2.0`"),
        ("Proprietary", "`LicenseRef-Proprietary`"),
        ("GPLv3+", "`GPL-3.0-or-later`"),
        ("BSD-3-Clauses", "`BSD-3-Clause`"),
        ("NOASSERTION", None),
        ("NONE", "`LicenseRef-Proprietary`"),
        ("DocumentRef-x:LicenseRef-y", None),
        ("MIT AND", None),
        ("(MIT", None),
        ("zzzzzzzz", "SPDX identifiers"),
    ],
)
def test_what_is_no_expression_is_an_error(expression: str, suggestion: str | None) -> None:
    """PyPI refuses what is no SPDX expression; the help says what may be meant."""
    finding = only(licensed(expression), rule="license-expression-invalid")
    assert f"`License-Expression: {expression}`" in finding.message
    assert suggestion is None or suggestion in finding.help
    assert "line " in evidence(finding)
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)
    assert_house_style([finding])


def test_a_reference_with_a_plus_is_a_server_error() -> None:
    """PyPI's library fails at it."""
    finding = only(licensed("LicenseRef-Foo+"), rule="license-expression-invalid")
    assert finding.pypi is PyPIAnswer.SERVER_ERROR


def test_both_fields_are_an_error() -> None:
    """License beside License-Expression is refused, and both lines are shown."""
    finding = only(licensed("MIT", License="MIT"), rule="license-fields-conflict")
    assert len(finding.evidence) == 2
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)


@pytest.mark.parametrize(
    "path",
    ["../LICENSE", "LICENSE..txt", "LICENSE*", "/LICENSE", "C:/LICENSE", "a\\LICENSE", "./LICENSE", "a//LICENSE", "a/"],
)
def test_a_path_that_pypi_refuses_is_an_error(path: str) -> None:
    """A path that PyPI refuses is one error, and no missing file as well."""
    wheel = with_files(declared=(path,))
    finding = only(wheel, rule="license-file-path")
    assert f"`License-File: {path}`" in finding.message
    assert "line " in evidence(finding)
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)
    assert not findings(wheel, rule="license-file-missing")


@pytest.mark.parametrize(
    ("files", "declared", "words"),
    [
        ((), "LICENSE", "line "),
        (("demo-1.0.dist-info/LICENSE",), "LICENSE", "`demo-1.0.dist-info/LICENSE`"),
        ((f"{FOLDER}/LICENSE",), "a/LICENSE", f"`{FOLDER}/LICENSE`"),
        ((f"{FOLDER}/license",), "LICENSE", "line "),
        ((f"{FOLDER}/LICENSE/x",), "LICENSE", "line "),
    ],
)
def test_a_file_that_is_not_there_is_an_error(files: tuple[str, ...], declared: str, words: str) -> None:
    """A declared file must lie below `licenses`; where it lies elsewhere, the evidence says so."""
    finding = only(with_files(*files, declared=(declared,)), rule="license-file-missing")
    assert f"`{FOLDER}/{declared}`" in finding.message
    assert words in evidence(finding)
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)


def test_no_licence_and_an_undeclared_file_are_warnings() -> None:
    """Nothing that names a licence is a warning; so is a licence file that METADATA does not name."""
    bare = replace(licensed(None, License_File=None), license_text=None)
    assert "names no licence" in only(bare, rule="license-undeclared").message
    extra = with_files(f"{FOLDER}/LICENSE", f"{FOLDER}/NOTICE", declared=("LICENSE",))
    finding = only(extra, rule="license-undeclared")
    assert "`demo-1.0.dist-info/licenses/NOTICE`" in evidence(finding)
    assert (finding.severity, finding.pypi) == (Severity.WARNING, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize("expression", ["(" * 3000 + "MIT" + ")" * 3000, "MIT/" * 3000, "MIT OR " * 2000 + "MIT"])
def test_hostile_expressions_are_bounded(expression: str) -> None:
    """Nesting and length cost no time, and no rule fails."""
    assert len(findings(licensed(expression), rule="license-expression-invalid")) <= 1


def test_many_missing_files_are_counted() -> None:
    """Thousands of License-File fields against thousands of members are twenty findings and a count."""
    wheel = with_files(*(f"demo/{n}/LICENSE" for n in range(2000)), declared=tuple(f"{n}/LICENSE" for n in range(5000)))
    assert len(findings(wheel, rule="license-file-missing")) == 21
