"""The pages: they build without a warning, and say what the program says."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import auditor
from auditor import ALL_RULES
from auditor.cli.catalogue import explanation
from docs._ext import reference
from tests.cli.command import REPOSITORY, fixture, wheel_audit

if TYPE_CHECKING:
    from pathlib import Path

DOCS = REPOSITORY / "docs"
WRITTEN = sorted(set(DOCS.rglob("*.md")) - set((DOCS / "reference").rglob("*.md")))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built pages; a warning of Sphinx is a failure, an unknown reference is a warning."""
    folder = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-b", "html", "docs", str(folder)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def words(text: str) -> list[str]:
    """The words of a text without its markup."""
    return re.sub(r"[`*\\]", "", text).split()


def section(page: str, anchor: str) -> str:
    """The text of a section of a built page, without what is linked beside its heading."""
    match = re.search(rf'<section id="{anchor}">(.*?)</section>', page, re.DOTALL)
    assert match is not None, anchor
    inner = re.sub(r"<h2>.*?</h2>", "", match[1], flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "", inner))


def test_explain_and_the_page_say_the_same(built: Path) -> None:
    """Word for word, each rule's section of the built page is what `wheel-audit explain` prints below its head."""
    pages = {path.stem: path.read_text("utf-8") for path in (built / "reference" / "rules").glob("*.html")}
    for rule in ALL_RULES:
        shown = words(section(pages[rule.family], rule.name))
        head, _, explained = explanation(rule.name).partition("\n\n")
        assert " ".join(shown).endswith(" ".join(words(explained))), rule.name
        first = " ".join(shown).removesuffix(" ".join(words(explained)))
        assert rule.severity.value in first
        assert f"since {rule.since}" in first
        assert rule.severity.value in head


def test_every_rule_has_an_anchor_and_a_row(built: Path) -> None:
    """A link to `linux.html#glibc-newer-than-tag` works for every rule, and the list of all rules has it."""
    index = (built / "reference" / "rules" / "index.html").read_text("utf-8")
    for rule in ALL_RULES:
        assert f'href="{rule.family}.html#{rule.name}"' in index


def test_every_family_is_described() -> None:
    """No family is without its sentence, and none is described that there is not."""
    assert set(reference.FAMILIES) == {rule.family for rule in ALL_RULES}


def test_markup_of_a_docstring_is_not_read_as_html() -> None:
    """`<` outside of code is a sign, in code it stays as it is."""
    assert reference.markdown("see <loader.h> and `<name>`") == "see \\<loader.h> and `<name>`"
    assert reference.markdown("version `GLIBC_2.34' not found") == "version \\`GLIBC_2.34' not found"


def test_the_help_on_the_page_is_that_of_the_command() -> None:
    """Each option that `--help` names is on the page, and so is each command."""
    page = reference.command_page()
    shown = wheel_audit("--help").output
    assert set(re.findall(r"--[a-z-]+", shown)) <= set(re.findall(r"--[a-z-]+", page))
    for name in ("audit", "explain", "facts", "rules"):
        assert f"## wheel-audit {name}\n" in page


def test_every_public_name_is_on_the_page_of_the_api() -> None:
    """The page of the API has each name of `auditor.__all__` once."""
    page = reference.api_page()
    named = re.findall(r"^\.\. auto\w+:: auditor\.(\w+)$", page, re.MULTILINE)
    assert sorted(named) == sorted(name for name in auditor.__all__ if not name.startswith("__"))


def test_every_table_says_where_it_comes_from() -> None:
    """Each file with a provenance has a section with source, date and the command that makes it again."""
    data = REPOSITORY / "auditor" / "platforms" / "data"
    page = reference.tables_page()
    names = [path.name.removesuffix(".provenance.json") for path in data.glob("*.provenance.json")]
    assert names
    for name in names:
        text = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert all(f"{key}\n: " in text for key in ("Source", "Date", "Rebuild")), name


def test_a_page_that_has_not_changed_is_left_alone(tmp_path: Path) -> None:
    """Writing twice changes nothing, and a page of a family that is gone goes."""
    reference.write_pages(tmp_path)
    stale = tmp_path / "rules" / "gone.md"
    stale.write_text("# gone\n", "utf-8")
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md") if path != stale}
    reference.write_pages(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md")} == times


def test_the_page_of_settings_is_what_the_reader_of_settings_says() -> None:
    """Every key of the example in the module is on the page."""
    page = reference.settings_page()
    for key in ("select", "ignore", "fail-on", "floors", "per-file-ignores"):
        assert key in page
    assert page.count("```") == 2


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_rules_that_pages_name_exist(path: Path) -> None:
    """What a page calls a rule is one: links, `explain NAME`, `--ignore NAME`."""
    text = path.read_text("utf-8")
    named = set(re.findall(r"\]\(#([a-z0-9-]+)\)", text)) | set(re.findall(r"wheel-audit explain ([a-z0-9-]+)", text))
    assert named <= {rule.name for rule in ALL_RULES}


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_options_that_pages_name_exist(path: Path) -> None:
    """Each option that a page gives to `wheel-audit` in one line of code is in its help."""
    known = set(re.findall(r"(?<!\w)--?[a-z][a-z-]*", reference.command_page()))
    command = re.compile(r"(?:^\$ |`|^ *- |command = \")(wheel-audit [^`\n\"]*)", re.MULTILINE)
    for line in command.findall(path.read_text("utf-8")):
        assert set(re.findall(r"(?<!\S)--[a-z-]+", line)) <= known, line


@pytest.mark.parametrize("path", [*WRITTEN, "the page of settings"], ids=lambda path: getattr(path, "stem", "settings"))
def test_settings_that_pages_show_are_understood(path: Path | str, tmp_path: Path) -> None:
    """Each block of TOML with a table of ours is taken by the program itself: no unknown key, rule or platform."""
    text = reference.settings_page() if isinstance(path, str) else path.read_text("utf-8")
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        if "[tool.wheel-audit]" in block:
            (tmp_path / "pyproject.toml").write_text(block, "utf-8")
            done = wheel_audit(fixture("cp39-abi3-win_amd64"), "--config", tmp_path / "pyproject.toml")
            assert done.status in {0, 1}, done.errors
