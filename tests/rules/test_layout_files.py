"""The rules on what lies in a wheel and should not, and on what is missing."""

from __future__ import annotations

import pytest

from auditor.findings import Severity
from tests.builders import DEMO, WheelSpec, build_pe, clean_pe, replace
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
    "METADATA of another format": having("demo-stubs/METADATA.toml", "METADATA.txt", content=b'version = "1.0"\n'),
    "METADATA in a directory that comes later": having("demo-1.0x/METADATA", content=b"Metadata-Version: 2.1\n"),
    "METADATA that is deeper": having("a/b/METADATA", content=b"Metadata-Version: 2.1\n"),
    "protein data bank": having("demo/tip3p.pdb", content=b"CRYST1   18.774   18.774   18.774  90.00\n"),
    "program database of nothing": having("demo/empty.pdb", content=b""),
    "a package's own environment": having("demo/python/lib/python3.11/site-packages/other/__init__.py"),
    "a namespace package's environment": having("space/one/__init__.py", "space/one/x/site-packages/other.py"),
    "an environment that is data": having("demo-1.0.data/data/lib/python3.11/site-packages/demo.txt"),
    "a word of its name": having("demo/site-packages.txt", "demo/my-site-packages/x.txt"),
    "modules of such names": having("license.py", "changes.pyi"),
    "loose files with names of their own": having("demo_config.json", "demo.h"),
    "such files in the package": having("demo/README.md", "demo/LICENSE", "readme/__init__.py"),
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
    **{
        place: (
            "metadata-shadowed",
            having(place, content=b"Name: x\nMetadata-Version: 2.1\n"),
            f"`{place}`",
            Severity.WARNING,
        )
        for place in ("METADATA.txt", "a-stubs/METADATA.toml", "METADATA", "aMETADATA/x.py", "a/METADATA.so")
    },
    "program database": (
        "build-leftovers",
        having("demo/core.PDB", content=b"Microsoft C/C++ MSF 7.00\r\n\x1aDS" + bytes(40)),
        "`demo/core.PDB` is a leftover",
        Severity.WARNING,
    ),
    "environment": (
        "build-leftovers",
        having("tmp/build-env-x/lib/python3.11/site-packages/README.md"),
        "site-packages/README.md` is a leftover",
        Severity.WARNING,
    ),
    **{
        f"environment {place}": ("build-leftovers", having(place), f"`{place}` is a leftover", Severity.WARNING)
        for place in (
            "lib/python3.11/site-packages/demo.txt",
            "site-packages/x.txt",
            "env/Lib/site-packages/x.py",
            "demo-1.0.data/platlib/usr/lib/python3/site-packages/x.py",
        )
    },
    "temporary": ("stray-top-level", having("tmp/x.txt"), "installs `tmp`", Severity.WARNING),
    **{
        f"loose {name}": ("stray-top-level", having(name), f"installs `{name}`", Severity.WARNING)
        for name in ("README.md", "LICENSE", "dummy.txt", "dockerfile.abi3.h", "Makefile")
    },
    "loose in purelib": ("stray-top-level", having("demo-1.0.data/purelib/README"), "`README`", Severity.WARNING),
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


def test_a_debug_file_beside_its_program_is_a_leftover() -> None:
    """Whatever is in it: a portable program database of .NET begins otherwise than one of Visual C++."""
    library = build_pe(clean_pe("cp311-cp311-win_amd64"))
    wheel = replace(DEMO, members={**DEMO.members, "demo/core.dll": library, "demo/core.pdb": b"BSJB"})
    assert "`demo/core.pdb`" in only(wheel, rule="build-leftovers").message


def test_a_leftover_of_an_environment_is_no_stray_name() -> None:
    """One fault, one finding: what lies in `tmp` and is a leftover already is not said once more."""
    wheel = having("tmp/env/lib/python3.11/site-packages/x.md")
    assert rules_hit(wheel, "layout") == {"build-leftovers"}
    both = having("tmp/env/lib/python3.11/site-packages/x.md", "tmp/other.txt")
    assert rules_hit(both, "layout") == {"build-leftovers", "stray-top-level"}
