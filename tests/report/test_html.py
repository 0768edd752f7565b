"""The HTML page: what is on it, that nothing of a wheel is markup, and how it does in a real Chromium."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from auditor import Evidence, PyPIAnswer, ReleaseReport, Rule, Severity, read_wheel
from auditor.facts.binary import NeededKind
from auditor.findings import BaselineEntry, Matrix, MatrixCell, MatrixColumn, MatrixRow
from auditor.knowledge import KNOWLEDGE
from auditor.loading.model import Image, Library, MissingSymbol, Origin, Provided, Resolution
from auditor.report.html import MOST_FINDINGS, render_html, render_matrix_html
from auditor.report.html_parts import documentation
from auditor.rules.context import Context
from tests.cli.command import fixture
from tests.report.chromium import Chromium, program
from tests.report.samples import HOSTILE, built, everything, finding, hostile, many, wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VOID = {"meta", "link", "br"}
BAD = "dist/demo-1.0-py3-none-any.whl"
NEEDS_BROWSER = "no Chromium: apt-get install chromium"
_CONTRAST = """(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (one) => { for (; one; one = one.parentElement) {
    const c = numbers(getComputedStyle(one).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const found = {};
  for (const one of document.body.querySelectorAll("*")) {
    if (![...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
    const a = light(numbers(getComputedStyle(one).color).slice(0, 3)), b = light(behind(one));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found[one.tagName + "." + one.className] = ratio;
  }
  return found; })()"""


class _Outline(HTMLParser):
    """The elements of a page, which must be closed in their order, and its visible text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text."""
        if "style" not in self.open:
            self.text.append(data)


def outline(page: str) -> _Outline:
    """The page as a parser sees it."""
    found = _Outline()
    found.feed(page)
    found.close()
    assert not found.open
    return found


def page(report: ReleaseReport, **trees: tuple[Resolution, ...]) -> str:
    """The page of a report; `trees` is for the wheel that failed."""
    return render_html(report, KNOWLEDGE, {BAD: trees["trees"]} if trees else None)


def resolution(text: str = "libx.so") -> Resolution:
    """The loading of a wheel in which everything happens that a tree shows."""
    libraries = (
        Library(name="libc.so.6", origin=Origin.PLATFORM, how="promised"),
        Library(name=text, origin=Origin.WHEEL, member="libs/a.so", how="by its RPATH"),
        Library(name=f"{text}.gone", origin=Origin.MISSING, searched=("/a", text), kind=NeededKind.WEAK),
        Library(name="libcuda.so.1", origin=Origin.DRIVER),
    )
    root = Image(
        member=f"pkg/{text}",
        role="extension module",
        root=True,
        libraries=libraries,
        providers=(Provided(by="libc.so.6", symbols=3), Provided(by="python", symbols=1), Provided(by=text, symbols=2)),
        missing=(MissingSymbol(symbol=text, version="V"), MissingSymbol(symbol="f", certain=False)),
        orphan_versions=(text,),
    )
    # The two need one another: a tree must end.
    below = Image(member="libs/a.so", role="shared library", libraries=(libraries[1],))
    alone = Image(member="z.so", role="shared library", root=True, reached=False)
    return Resolution(platforms=(f"linux_{text}",), arch=text, images=(below, root, alone))


def wide() -> Matrix:
    """A matrix that is wider than a phone."""
    columns = tuple(
        MatrixColumn(name=f"linux_{number}", system="linux", arch=f"machine_{number}") for number in range(15)
    )
    cells = tuple(MatrixCell(platform=one.name, wheel="a.whl", tag=f"cp39-abi3-{one.name}") for one in columns)
    return Matrix(
        project="demo",
        version="1.0",
        columns=columns,
        rows=(MatrixRow(interpreter="cp312", label="CPython 3.12", cells=cells),),
    )


def test_the_page_stands_alone() -> None:
    """No script, no address but anchors in the page, and a policy that lets in nothing but the page's own style."""
    text = page(everything(), trees=(resolution(),))
    found = outline(text)
    assert "script" not in {tag for tag, _ in found.elements}
    addresses = [value for name, value in found.attributes if name in {"href", "src", "srcset", "action", "data"}]
    assert all(value is not None and (value.startswith("#") or value == "data:,") for value in addresses)
    assert not any(name.startswith("on") or name == "style" for name, _ in found.attributes)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; " in text


def test_anchors_lead_somewhere() -> None:
    """Each link has its target on the page, and each identifier is given once."""
    found = outline(page(built()))
    targets = [value for name, value in found.attributes if name == "id"]
    links = {value for name, value in found.attributes if name == "href" and value != "data:,"}
    assert len(targets) == len(set(targets))
    assert links
    assert links == {f"#{one}" for one in targets}


def test_what_is_on_the_page() -> None:
    """The verdict, the matrix before the wheels, every finding, what was set aside and what was not seen."""
    report = everything()
    idle = BaselineEntry(fingerprint="0" * 32, rule="zip-bomb", hint="too large")
    text = " ".join(outline(page(ReleaseReport(
        wheels=report.wheels, findings=report.findings, suppressed=report.suppressed, not_judged=report.not_judged,
        set_failed=True, matrix=report.matrix, unreadable=report.unreadable,
        unused_ignores=("`ignore` of `zip-crc`",), unmatched_baseline=(idle,),
    ))).text)  # fmt: skip
    words = (
        "1 of 2 wheels failed", "Could not be audited", "Who is served", "CPython 3.12", "2.17", "The release as a set",
        "no wheel serves", "Wheels", "zip-crc", "PyPI refuses the upload", "1 finding suppressed", "is known, see #1",
        "1 not judged", "too large", "Settings that did nothing", "met no finding", "About the rules", "What it checks",
    )  # fmt: skip
    place = 0
    for one in words:
        place = text.index(one, place)


def test_failed_wheels_and_errors_are_open() -> None:
    """What is wrong is seen at once; wheels that passed, warnings and notes are folded."""
    text = page(everything())
    assert re.findall(r'<details class="card"( open)?>', text) == [" open", ""]
    states = re.findall(r'<details class="finding"( open)?><summary><span class="chip (\w+)">', text)
    assert all((state == " open") is (severity == "error") for state, severity in states)
    assert {severity for _, severity in states} == {"error", "warning", "info"}


def test_a_tree() -> None:
    """Each library with its origin; who needs what; what nobody provides; a circle is drawn once."""
    text = page(everything(), trees=(resolution(),))
    assert '<bdi>libc.so.6</bdi> <span class="good">of the platform</span> <span class="dim">3 symbols</span>' in text
    assert '<span class="bad">NOT FOUND</span> <span class="dim">weak, looked in /a, libx.so</span>' in text
    assert '<span class="unsure">of a device driver</span>' in text
    assert "Python&#x27;s C API" in text
    assert '<span class="bad">nobody provides 1 symbol:</span> <bdi>libx.so@V</bdi>' in text
    assert "requires versions of <bdi>libx.so</bdi>, which nothing loads" in text
    assert "which nothing in the wheel loads" in text
    assert text.count("libs/a.so, by its RPATH") == 2


def test_trees_are_bounded() -> None:
    """All trees of a page together have a bounded number of lines, and the page says so."""
    libraries = tuple(Library(name=f"lib{number}.so", origin=Origin.PLATFORM) for number in range(9000))
    image = Image(member="a.so", role="extension module", root=True, libraries=libraries)
    large = Resolution(platforms=("linux_x86_64",), arch="x86_64", images=(image,))
    text = page(everything(), trees=(large, large))
    assert 4900 < text.count("<bdi>lib") <= 5000
    assert "This page has no room for more" in text


def test_a_deep_tree() -> None:
    """A chain of a thousand libraries ends at a fixed depth."""
    images = tuple(
        Image(
            member=f"{number}.so",
            role="shared library",
            root=number == 0,
            libraries=(Library(name=f"{number + 1}.so", origin=Origin.WHEEL, member=f"{number + 1}.so"),),
        )
        for number in range(1000)
    )
    text = page(everything(), trees=(Resolution(platforms=("linux_x86_64",), arch="x86_64", images=images),))
    assert 30 < text.count("<ul><li><bdi>") < 60


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names(text: str) -> None:
    """Whatever a name holds, the page has the elements that it has for a plain name, and code spans at most more."""

    def elements(name: str) -> list[tuple[str, tuple[str, ...]]]:
        made = page(hostile(name), trees=(resolution(name),))
        made.encode()
        return [one for one in outline(made).elements if one[0] != "code"]

    shown = render_html(hostile(text), {}, {f"dist/{text}.whl": (resolution(text),)})
    outline(shown)
    assert elements(text) == elements("plain")
    assert not re.search("[\u202e\u2066\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    assert len(shown) < 200_000


def test_evidence_and_findings_are_bounded() -> None:
    """Of much evidence the first lines are shown; of very many findings the first few thousand; the rest is counted."""
    evidence = tuple(Evidence(text=f"line {number};") for number in range(30))
    text = page(ReleaseReport(wheels=(wheel(finding(evidence=evidence)),)))
    assert "line 19;" in text
    assert "line 20;" not in text
    assert "and 10 more" in text
    text = page(many(10_000))
    assert text.count('class="finding"') == MOST_FINDINGS
    assert "And 1,000 more, for which this page has no room" in text


def test_the_same_report_gives_the_same_page() -> None:
    """There is no clock and no chance in the page."""
    assert page(built()) == page(built())


def test_parts_that_may_be_missing() -> None:
    """Many tags are cut, one day of knowledge is told as one, a rule that this version lacks has no documentation."""
    odd = wheel(finding(rule="gone", evidence=(), help=""), tags=tuple(f"t{number}" for number in range(40)))
    text = render_html(ReleaseReport(wheels=(odd,)), {"a": "2026-01-01"})
    assert "<code>t29</code> and 10 more" in text
    assert "on 2026-01-01" in text
    assert "About the rules" not in text
    assert "between 2026-01-01 and 2026-02-02" in render_html(everything(), {"a": "2026-01-01", "b": "2026-02-02"})
    assert "known of platforms" not in render_html(everything(), {})


def test_a_matrix_alone() -> None:
    """The page of one release has its name in the heading, the matrix, and each file with whom it serves; once each."""
    text = render_matrix_html([wide()])
    seen = outline(text).text
    assert [one for one in seen if "served" in one and one != "served"] == [
        "wheel-audit: who is served by demo 1.0",
        "Who is served by demo 1.0",
    ]
    place = seen.index("1 file, and whom each serves")
    assert seen[place + 1 : place + 3] == ["a.whl", "CPython 3.12 on every platform"]
    assert "default-src 'none'" in text


def test_matrices_alone() -> None:
    """Several releases stand below each other, each below its name; one that serves nobody has no files."""
    hostile_one = Matrix(project="a&b", version="<2>")
    text = render_matrix_html([wide(), hostile_one])
    seen = outline(text).text
    assert text.count("<table>") == 2
    assert text.count("<h2>") == 2
    assert {"Who is served", "demo 1.0", "a&b <2>"} <= set(seen)
    assert text.count("whom each serves") == 1
    assert "<title>wheel-audit: who is served by a&amp;b &lt;2&gt;</title>" in render_matrix_html([hostile_one])


def test_the_legend_has_the_signs_of_the_cells() -> None:
    """What a cell draws for `yes` and `-` is what the legend explains."""
    columns = tuple(MatrixColumn(name=one, system="Windows", arch=one) for one in ("win32", "win_amd64"))
    cells = (MatrixCell(platform="win32", wheel="a.whl", tag="cp312-cp312-win32"), MatrixCell(platform="win_amd64"))
    row = MatrixRow(interpreter="cp312", label="CPython 3.12", cells=cells)
    seen = outline(render_matrix_html([Matrix(project="demo", version="1.0", columns=columns, rows=(row,))])).text
    assert {" ✓", " –", "✓: a wheel, whatever the system's version", "–: nothing to install"} <= set(seen)


def test_findings_have_one_name() -> None:
    """What the other reports call an info is an info here as well."""
    seen = " ".join(outline(page(everything())).text).lower()
    assert "1 info" in re.sub(r"\s+", " ", seen)
    assert re.search(r"\bnotes?\b", seen.partition("about the rules")[0]) is None


def test_a_list_in_the_documentation() -> None:
    """A list in a rule's docstring is a list on the page; bold and code are what they are."""

    def check() -> None:
        """A fault.

        **What it checks.** `a` < b:

        - `one`
        - two
        """

    rule = Rule("x", severity=Severity.INFO, pypi=PyPIAnswer.ACCEPT, since="0.1", check=check)  # type: ignore[arg-type]
    assert documentation(rule) == (
        "<p>A fault.</p><p><b>What it checks.</b> <code>a</code> &lt; b:</p>"
        "<ul><li><code>one</code></li><li>two</li></ul>"
    )


# -- In a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for all tests."""
    binary = program()
    if binary is None:
        assert not os.environ.get("CI"), NEEDS_BROWSER
        pytest.skip(NEEDS_BROWSER)
    chromium = Chromium(binary, tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of built wheels with their trees, of one of each thing, and of names that attack."""
    folder = tmp_path_factory.mktemp("pages")
    bad = fixture("manylinux2014_x86_64.manylinux_2_17_x86_64", "bad")
    trees = {bad.name: Context(read_wheel(bad)).resolutions}
    texts = {
        "built": render_html(built(), KNOWLEDGE, trees),
        "everything": page(everything(), trees=(resolution(),)),
        "wide": page(ReleaseReport(wheels=(wheel(),), matrix=wide())),
        **{f"hostile-{name}": page(hostile(text), trees=(resolution(text),)) for name, text in HOSTILE.items()},
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return {name: folder / f"{name}.html" for name in texts}


def quiet(browser: Chromium, path: Path) -> None:
    """Nothing was said on the console, and nothing but the page itself was asked for."""
    assert browser.complaints() == []
    assert [one for one in browser.requests() if not one.startswith("data:")] == [path.as_uri()]


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["built", "everything"])
def test_contrast(browser: Chromium, pages: dict[str, Path], name: str, dark: bool) -> None:
    """Every text has at least the contrast of WCAG 2.2 AA (4.5 to 1), in the light and in the dark."""
    browser.show(pages[name], width=1200, dark=dark)
    assert browser.evaluate(_CONTRAST) == {}
    background = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) < 150) is dark
    quiet(browser, pages[name])


@pytest.mark.browser
@pytest.mark.parametrize("name", ["built", "everything", "wide", *(f"hostile-{one}" for one in HOSTILE)])
def test_nothing_is_wider_than_a_phone(browser: Chromium, pages: dict[str, Path], name: str) -> None:
    """With everything unfolded no page scrolls sideways at 390 pixels; no script runs, nothing is fetched."""
    browser.show(pages[name], width=390, height=844, phone=True)
    browser.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.evaluate("[innerWidth, document.documentElement.scrollWidth]") == [390, 390]
    assert browser.evaluate("document.scripts.length") == 0
    quiet(browser, pages[name])


@pytest.mark.browser
def test_folding(browser: Chromium, pages: dict[str, Path]) -> None:
    """A click folds a wheel and unfolds it again; the key Enter does the same to a finding."""
    browser.show(pages["everything"], width=1200)
    card, inside = "main > details.card > summary", "document.querySelector('main > details.card .inside')"

    def seen(element: str) -> Any:
        return browser.evaluate(f"{element}.checkVisibility()")

    assert seen(inside)
    browser.click(card)
    assert not seen(inside)
    browser.click(card)
    assert seen(inside)
    said = "document.querySelector('.finding:not([open]) .said')"
    assert not seen(said)
    browser.evaluate(f"window.kept = {said}; kept.parentElement.querySelector('summary').focus()")
    browser.press_enter()
    assert seen("kept")
    browser.press_enter()
    assert not seen("kept")
    quiet(browser, pages["everything"])


@pytest.mark.browser
def test_the_matrix_is_the_first_picture(browser: Chromium, pages: dict[str, Path]) -> None:
    """Who is served is seen without scrolling, above every wheel, and a screen reader gets a table with headings."""
    browser.show(pages["everything"], width=1200)
    assert browser.evaluate("document.querySelector('table').getBoundingClientRect().bottom") < 900
    order = "document.querySelector('table').compareDocumentPosition(document.querySelector('details.card'))"
    assert browser.evaluate(order) == 4
    assert browser.evaluate("document.querySelectorAll('th[scope]').length") == 6
    assert browser.evaluate("document.querySelector('td.served').innerText").split() == ["served", "2.17"]


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_wide_matrix_says_that_it_goes_on(browser: Chromium, pages: dict[str, Path], width: int) -> None:
    """What goes on fades at the right edge, nothing is covered at the end, and a group's name stays in sight."""
    browser.show(pages["wide"], width=width, phone=width == 390)
    places = """(() => { const box = (one) => one.getBoundingClientRect();
      const wide = document.querySelector(".wide"), edge = box(wide), after = getComputedStyle(
        document.querySelector(".track"), "::after"), head = box(document.querySelector("tbody th"));
      const name = box(document.querySelector("thead th > span")), cells = wide.querySelectorAll("tbody td");
      return {inside: name.left >= head.right && name.right <= edge.right,
        more: box(cells[cells.length - 1]).right > edge.right,
        free: edge.right - box(cells[cells.length - 1]).right >= parseFloat(after.width),
        shade: after.position + " " + after.right, scrolled: wide.scrollLeft}; })()"""
    start = browser.evaluate(places)
    assert (start["inside"], start["more"], start["free"], start["shade"]) == (True, True, False, "sticky 0px")
    for left in (200, 100_000):
        browser.evaluate(f"document.querySelector('.wide').scrollLeft = {left}")
        moved = browser.evaluate(places)
        assert moved["inside"]
        assert moved["scrolled"] > 100
    assert (moved["more"], moved["free"]) == (False, True)


@pytest.mark.browser
def test_the_policy_holds(browser: Chromium, pages: dict[str, Path], tmp_path: Path) -> None:
    """Were a script or an image to get onto the page, the browser would neither run nor fetch it."""
    attack = '<script>window.ran = 1</script><img src="http://localhost:9/x" onerror="window.ran = 2"></body>'
    path = tmp_path / "attacked.html"
    path.write_text(pages["everything"].read_text("utf-8").replace("</body>", attack), "utf-8")
    browser.show(path, width=1200)
    assert browser.evaluate("window.ran === undefined")
    assert len(browser.complaints()) >= 2


@pytest.mark.browser
def test_a_picture(browser: Chromium, pages: dict[str, Path], tmp_path: Path) -> None:
    """The page renders to a picture that is not of one colour."""
    browser.show(pages["built"], width=1200)
    browser.picture(tmp_path / "page.png", 2000)
    assert (tmp_path / "page.png").stat().st_size > 50_000


def test_one_severity_is_one_colour() -> None:
    """The chips name the three severities, so that colour is never the only sign."""
    chips = set(re.findall(r'<span class="chip (\w+)">(\w+)</span>', page(everything())))
    assert {
        ("error", "Error"),
        ("warning", "Warning"),
        ("info", "Info"),
        ("pass", "Passed"),
        ("fail", "Failed"),
    } == chips
    assert {one.value for one in Severity} == {"error", "warning", "info"}
