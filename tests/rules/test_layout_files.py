"""The rules on what lies in a wheel and should not, and on what is missing."""

from __future__ import annotations

import pytest

from auditor.findings import Severity
from tests.builders import DEMO, WheelSpec, replace
from tests.rules.helpers import assert_house_style, findings, only, rules_hit

INFO = "demo-1.0.dist-info"


def having(*members: str, content: bytes = b"x") -> WheelSpec:
    """The demo wheel with more members."""
    return replace(DEMO, members={**DEMO.members, **dict.fromkeys(members, content)})


def only_members(*members: str, content: bytes = b"", **headers: str) -> WheelSpec:
    """A wheel of these members alone."""
    changes = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(DEMO, members=dict.fromkeys(members, content), headers=changes)


CLEAN = {
    "tests in the package": having("demo/tests/__init__.py", "demo/docs/x.txt", "demo/setup.py"),
    "known folders": having(f"{INFO}/license_files/A", f"{INFO}/LICENSES/MIT.txt"),
    "other files of dist-info": having(f"{INFO}/top_level.txt", f"{INFO}/zip-safe", f"{INFO}/AUTHORS.md"),
    "path file": having("demo.pth", content=b"# text\ndemo/vendor\n"),
    "import lines further down": having("demo/x.pth", content=b"import os\n"),
    "typing marker alone": only_members("demo/py.typed"),
    "stubs": only_members("demo-stubs/__init__.pyi"),
    "empty module": only_members("demo.py"),
    "package of packages": only_members(Requires_Dist="other"),
    "METADATA further down": having("demo/vendor/x/METADATA"),
    "its own name": replace(DEMO, name="docs", members={"docs/__init__.py": b""}),
    "near names": having("testing/x.py", "demo/build.py", "demo/x.objc", "demo/a.pyx"),
}


@pytest.mark.parametrize("wheel", CLEAN.values(), ids=CLEAN.keys())
def test_legal_contents_are_clean(wheel: WheelSpec) -> None:
    """Unusual contents that do no harm have no finding."""
    assert not rules_hit(wheel, "layout")


DIRTY: dict[str, tuple[str, WheelSpec, str, Severity]] = {
    "two": ("dist-info-multiple", having("other-2.0.dist-info/METADATA"), "2 dist-info", Severity.ERROR),
    **{
        name: ("dist-info-installer-file", having(f"{INFO}/{name}"), name, Severity.WARNING)
        for name in ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
    },
    "folder": ("dist-info-unknown-subdir", having(f"{INFO}/odd/x"), f"`{INFO}/odd`", Severity.WARNING),
    "bytecode": ("bytecode-included", having("demo/__pycache__/a.cpython-311.pyc"), "compiled", Severity.WARNING),
    "top level": ("stray-top-level", having("tests/__init__.py", "setup.py"), "`setup.py`, `tests`", Severity.WARNING),
    "purelib": ("stray-top-level", having("demo-1.0.data/purelib/docs/x.py"), "`docs`", Severity.WARNING),
    "object": ("build-leftovers", having("demo/x.o"), "`demo/x.o` is a leftover", Severity.WARNING),
    "desktop": ("build-leftovers", having("demo/.DS_Store", ".git/HEAD"), "2 files are", Severity.WARNING),
    "pth": ("pth-file", having("a.pth", content=b"import os\n"), "`a.pth` runs code", Severity.WARNING),
    "nothing": ("empty-wheel", only_members(), "installs nothing", Severity.WARNING),
    "shadow": ("metadata-shadowed", having("METADATA.txt"), "`METADATA.txt`", Severity.WARNING),
}


@pytest.mark.parametrize(("rule", "wheel", "words", "severity"), DIRTY.values(), ids=DIRTY.keys())
def test_each_fault_of_the_contents(rule: str, wheel: WheelSpec, words: str, severity: Severity) -> None:
    """Each fault is one finding that names the file or says how many there are."""
    finding = only(wheel, rule=rule)
    assert words in finding.message
    assert finding.severity is severity
    assert_house_style([finding])


def test_many_path_files_are_counted() -> None:
    """Hundreds of files that run code at start-up are twenty findings and a count."""
    wheel = having(*(f"a{number}.pth" for number in range(300)), content=b"import os\n")
    assert len(findings(wheel, rule="pth-file")) == 21
