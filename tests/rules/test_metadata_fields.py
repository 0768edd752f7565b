"""The rules on single fields of METADATA, by PyPI's own cases: what it refuses is an error, what it takes is none."""

from __future__ import annotations

import pytest
from packaging.errors import ExceptionGroup
from packaging.metadata import Metadata

from auditor import Profile, Report, Settings, audit
from auditor.findings import PyPIAnswer, Severity
from tests.builders import DEMO, WheelSpec, build_wheel, replace
from tests.rules.helpers import assert_house_style, evidence, findings, only, report

Headers = dict[str, "str | tuple[str, ...] | None"]
BASE = "Metadata-Version: 2.4\nName: demo\nVersion: 1.0\nLicense-Expression: MIT\nLicense-File: LICENSE\n"


def having(**headers: str | tuple[str, ...] | None) -> WheelSpec:
    """The demo wheel with changed headers; an underscore stands for a hyphen."""
    return replace(DEMO, headers={name.replace("_", "-"): value for name, value in headers.items()})


def as_pypi(wheel: WheelSpec) -> Report:
    """The report under PyPI's eyes."""
    built = build_wheel(wheel)
    return audit(built.data, filename=built.filename, settings=Settings(profile=Profile.PYPI))


ACCEPTED: dict[str, WheelSpec] = {
    "summary of 512 characters": having(Summary="a" * 512),
    "summary that is not ASCII": having(Summary="Größe 文字"),
    "no summary": having(Summary=None),
    "markdown": having(Description_Content_Type="text/markdown"),
    "markdown, variant": having(Description_Content_Type="text/markdown; charset=UTF-8; variant=GFM"),
    "markdown, quoted": having(Description_Content_Type='text/markdown; charset="UTF-8"; variant=CommonMark'),
    "markdown, upper case": having(Description_Content_Type="Text/Markdown"),
    "markdown, last semicolon": having(Description_Content_Type="text/markdown;"),
    "plain text": having(Description_Content_Type="text/plain"),
    "variant of plain text": having(Description_Content_Type="text/plain; variant=odd"),
    "empty content type": having(Description_Content_Type=""),
    "one address": having(Author_email="test@example.com", Maintainer_email="test@example.com"),
    "no address": having(Author_email="Foo <>"),
    "name and address": having(Author_email="Jané Doe <jane@example.com>"),
    "quoted comma": having(Author_email='"Doe, Jane" <jane@example.com>'),
    "several authors": having(Author_email="A <a@example.com>, B <b@example.com>"),
    "folded authors": having(Author_email="A <a@example.com>,\n  B <b@example.com>"),
    "unquoted comma": having(Author_email="Doe, Jane <jane@example.com>"),
    "second address malformed": having(Author_email="A <a@example.com>, B <b>"),
    "name only": having(Author="Foo", Maintainer="Bar, Baz"),
    "classifier": having(Classifier="Topic :: Utilities"),
    "several classifiers": having(Classifier=("Topic :: Utilities", "Programming Language :: Python :: 3")),
    "home page": having(Home_page="https://example.com/"),
    "no home page": having(Home_page="UNKNOWN", Download_URL="UNKNOWN", Author_email="UNKNOWN", License="UNKNOWN"),
    "empty home page": having(Home_page="", Download_URL="", Classifier="", Keywords=""),
    "plain http": having(Download_URL="http://example.com:8080/a?b=c#d"),
    "URL without authority": having(Home_page="https:x"),
    "project URL": having(Project_URL="Foo, https://example.com/"),
    "project URL, label of 32": having(Project_URL=f"{'a' * 32}, https://example.com/"),
    "project URL, comma inside": having(Project_URL="Foo, https://example.com/a,b"),
    "project URL, not ASCII": having(Project_URL="Größe, https://example.com/"),
    "dynamic": having(
        Metadata_Version="2.2", License_Expression=None, License_File=None, Dynamic=("keywords", "Author")
    ),
    "import name": having(Metadata_Version="2.5", Import_Name="demo", Import_Namespace="gadget"),
    "private import name": having(Metadata_Version="2.5", Import_Name=("demo ; private", "demo.b;private")),
    "empty import name": having(Metadata_Version="2.5", Import_Name=""),
    "soft keyword": having(Metadata_Version="2.5", Import_Name="demo.match"),
    "license file below 2.4": having(Metadata_Version="2.1", License_Expression=None, License_File="gone/../x"),
    "old fields": having(Requires="a", Provides="b", Obsoletes="c", Platform="any", Supported_Platform="x"),
    "new field that is UNKNOWN": having(Metadata_Version="2.1", License_Expression="UNKNOWN", License_File=None),
    "lower-case fields": having(KEYWORDS="a,b", summary=None),
    "provided extras": having(Provides_Extra=("test", "all.extras", "a_b")),
    **{
        f"metadata {version}": having(
            Metadata_Version=version, License_Expression=None, License_File=None, License="MIT", Summary="x"
        )
        for version in ("2.1", "2.2", "2.3")
    },
    "metadata 2.5": having(Metadata_Version="2.5"),
    **{
        f"version {version}": replace(DEMO, version=named, headers={"Version": version})
        for named, version in (("1.0", "v1.0"), ("1.0.post1", "1.0-1"), ("1!1.0", "1!1.0"), ("1.0rc1", "1.0-RC.1"))
    },
    **{
        f"name {name}": replace(DEMO, name=name, headers={"Name": name})
        for name in ("a", "A.b_c-d", "foo--bar", "0x", "Foo-.bar")
    },
}
"""Wheels whose metadata PyPI takes."""


@pytest.mark.parametrize("wheel", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_what_pypi_takes_is_no_error(wheel: WheelSpec) -> None:
    """Metadata that PyPI accepts, the usual and the odd, has no error of the family under its profile."""
    found = [one for one in as_pypi(wheel).findings if one.family == "metadata" and one.severity is Severity.ERROR]
    assert not found


REFUSED: dict[str, tuple[str, WheelSpec, str]] = {
    "no metadata version": ("metadata-version-unsupported", having(Metadata_Version=None), "no `Metadata-Version`"),
    "metadata version -1": ("metadata-version-unsupported", having(Metadata_Version="-1"), "which there is not"),
    "metadata version 2.0": ("metadata-version-unsupported", having(Metadata_Version="2.0"), "which there is not"),
    "metadata version 2.6": ("metadata-version-unsupported", having(Metadata_Version="2.6"), "does not take yet"),
    "metadata version UNKNOWN": ("metadata-version-unsupported", having(Metadata_Version="UNKNOWN"), "has no"),
    "no name": ("name-invalid", having(Name=None), "no `Name`"),
    "name UNKNOWN": ("name-invalid", having(Name="UNKNOWN"), "no `Name`"),
    **{
        f"name {name}": ("name-invalid", having(Name=name), f"`{name}`") for name in ("foo-", "_foo", ".x", "né", "a b")
    },
    "no version": ("version-invalid", having(Version=None), "no `Version`"),
    **{
        f"version {version}": ("version-invalid", having(Version=version), f"`{version}`")
        for version in ("dog", "1.0.dev.a1", "1.0_1", "1.0-")
    },
    "local version": ("version-local", replace(DEMO, version="1.0+local"), "`local`"),
    "long summary": ("summary-invalid", having(Summary="a" * 513), "513 characters"),
    "summary of two lines": ("summary-invalid", having(Summary="one\n  two"), "more than one line"),
    **{
        f"content type {value}": ("description-content-type", having(Description_Content_Type=value), words)
        for value, words in (
            ("text/html", "none of the three"),
            ("markdown", "none of the three"),
            ("text/markdown; charset=utf-8", "`utf-8`"),
            ("text/plain; charset=latin-1", "`latin-1`"),
            ("text/markdown; variant=gfm", "`gfm`"),
        )
    },
    **{
        f"address {value}": ("email-invalid", having(Author_email=value), words)
        for value, words in (
            ("Foo <test>", "`test`"),
            ("foo", "`foo`"),
            ("a@localhost", "`a@localhost`"),
            ("a@b.test", "`a@b.test`"),
            ("a..b@example.com", "which is none"),
            ("a@example.com.", "which is none"),
        )
    },
    "maintainer": ("email-invalid", having(Maintainer_email="Foo <test>"), "`Maintainer-email`"),
    "classifier": ("classifier-unknown", having(Classifier="Something :: Or :: Other"), "`Something :: Or :: Other`"),
    "deprecated classifier": (
        "classifier-unknown",
        having(Classifier="Natural Language :: Ukranian"),
        "is deprecated",
    ),
    "deprecated without another": (
        "classifier-unknown",
        having(Classifier="Topic :: Communications :: Chat :: AOL Instant Messenger"),
        "is deprecated",
    ),
    "private": ("classifier-unknown", having(Classifier="Private :: Do Not Upload"), "`Private :: Do Not Upload`"),
    **{
        f"home page {url}": ("url-invalid", having(Home_page=url), f"`{url}`")
        for url in ("irc://example.com/", "example.com", "ftp://example.com", "mailto:a@b.co", "http://a:99999/")
    },
    **{
        f"project URL {value}": ("url-invalid", having(Project_URL=value), words)
        for value, words in (
            (",", "no label"),
            ("", "no label"),
            (f"{'a' * 100}, https://example.com/", "100 characters"),
            ("IRC,", "no URL behind"),
            ("IRC", "no comma"),
            ("IRC, irc://example.com/", "`irc://example.com/`"),
            (", https://example.com/", "no label"),
        )
    },
    "unknown field": ("metadata-field-invalid", having(Colour="blue"), "`Colour`"),
    "repeated field": ("metadata-field-invalid", having(Summary=("one", "two")), "2 times"),
    "repeated label": (
        "metadata-field-invalid",
        having(Project_URL=("one, https://example.com/1/", "one, https://example.com/2/")),
        "`one`",
    ),
    **{
        f"{field} in {version}": (
            "metadata-field-too-new",
            replace(DEMO, headers={**OLD, "Metadata-Version": version, field: value}),
            f"`{field}` came with",
        )
        for OLD in (
            {
                "License-Expression": None,
                "License-File": None,
                "Description-Content-Type": None,
                "Requires-Python": None,
            },
        )
        for field, version, value in (
            ("Classifier", "1.0", "Topic :: Utilities"),
            ("Maintainer", "1.1", "Jane"),
            ("Requires-Dist", "1.1", "foo"),
            ("Provides-Extra", "1.2", "foo"),
            ("Dynamic", "2.1", "author"),
            ("License-Expression", "2.3", "MIT"),
            ("Import-Name", "2.4", "demo"),
        )
    },
    **{
        f"dynamic {value}": ("dynamic-invalid", having(Dynamic=value), f"`{value}`")
        for value in ("Invalid", "Name", "version", "METADATA-VERSION")
    },
    **{
        f"import name {value}": ("import-name-invalid", having(Metadata_Version="2.5", Import_Name=value), f"`{value}`")
        for value in ("a-b", "a..b", "class", "a.import", "a; public", "1a", "a;")
    },
}
"""The rule, the wheel and words of the message: what PyPI refuses."""


@pytest.mark.parametrize(("rule", "wheel", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_pypi_refuses_is_an_error(rule: str, wheel: WheelSpec, words: str) -> None:
    """Metadata that PyPI refuses is one error of its rule, under PyPI's profile as well, that quotes the field."""
    finding = only(wheel, rule=rule)
    assert words in finding.message
    assert finding.member in {"demo-1.0.dist-info/METADATA", "demo-1.0+local.dist-info/METADATA"}
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)
    assert rule in {one.rule for one in as_pypi(wheel).findings if one.severity is Severity.ERROR}
    if " has no " not in f" {finding.message}" or rule == "url-invalid":
        assert "line " in evidence(finding)
    assert_house_style([finding])


@pytest.mark.parametrize("value", ["text/plain; x*", "text/markdown;\n charset=UTF-8"])
def test_a_malformed_parameter_is_a_server_error(value: str) -> None:
    """A content type that breaks the standard library's parser is an error, which PyPI answers with code 500."""
    finding = only(having(Description_Content_Type=value), rule="description-content-type")
    assert finding.pypi is PyPIAnswer.SERVER_ERROR


def test_an_import_name_in_both_fields_is_no_matter_of_pypi() -> None:
    """The specification forbids a name that is both, and PyPI does not look."""
    wheel = having(Metadata_Version="2.5", Import_Name="demo", Import_Namespace="demo")
    finding = only(wheel, rule="import-name-invalid")
    assert "`Import-Namespace`" in finding.message
    assert finding.pypi is PyPIAnswer.ACCEPT
    empty = only(having(Metadata_Version="2.5", Import_Namespace=""), rule="import-name-invalid")
    assert empty.pypi is PyPIAnswer.ACCEPT


def test_a_name_with_a_comma_is_read_alike_by_every_python() -> None:
    """Without quotes, a comma makes a name an address: a warning, for PyPI's strict reading then looks at none."""
    finding = only(having(Author_email="Doe, Jane <jane@example.com>"), rule="email-invalid")
    assert "`Doe`" in finding.message
    assert "quotes" in finding.help
    assert (finding.severity, finding.pypi) == (Severity.WARNING, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize(("value", "near"), [("Topic :: Utilites", "`Topic :: Utilities`"), ("x", "remove it")])
def test_the_nearest_classifier_is_named(value: str, near: str) -> None:
    """The help has what was meant, where that is near."""
    assert near in only(having(Classifier=value), rule="classifier-unknown").help


@pytest.mark.parametrize(
    ("content_type", "text", "answer"),
    [
        ("text/x-rst", ".. invalid-directive::\n", True),
        (None, ".. invalid-directive::\n", True),
        ("UNKNOWN", ".. invalid-directive::\n", True),
        ("text/x-rst", "Title\n=====\n\ntext\n", False),
        ("text/markdown", ".. invalid-directive::\n", False),
        ("text/plain", ".. invalid-directive::\n", False),
        ("text/x-rst", "UNKNOWN\n", False),
        ("text/x-rst", "", False),
    ],
)
def test_a_description_that_does_not_render(content_type: str | None, text: str, answer: bool) -> None:
    """What PyPI's renderer refuses is an error with the renderer's complaint."""
    wheel = replace(DEMO, headers={"Description-Content-Type": content_type}, description=text)
    found = findings(wheel, rule="description-not-rendered")
    assert bool(found) is answer
    if found:
        assert found[0].pypi is PyPIAnswer.REJECT
        assert "invalid-directive" in evidence(found[0])


@pytest.mark.parametrize(
    ("wheel", "words"),
    [
        (replace(DEMO, description=""), "no description"),
        (replace(DEMO, description="UNKNOWN\n"), "no description"),
        (having(Description_Content_Type=None), "no content type"),
    ],
)
def test_a_missing_description_is_an_info(wheel: WheelSpec, words: str) -> None:
    """Neither an empty description nor one without a type stops an upload."""
    finding = only(wheel, rule="description-missing")
    assert words in finding.message
    assert (finding.severity, finding.pypi) == (Severity.INFO, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize("field", ["Name", "Classifier", "Summary", "Keywords", "X-Odd"])
def test_hostile_values_are_cut(field: str) -> None:
    """A value of a megabyte makes no report of a megabyte."""
    found = report(replace(DEMO, headers={field: "x!" * 500_000})).findings
    assert found or field == "Keywords"
    assert max((len(str(one)) for one in found), default=0) < 5000


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("Classifier", "Topic :: Utilites {}", "classifier-unknown"),
        ("Project-URL", "L{}, gopher://x/{}", "url-invalid"),
        ("Dynamic", "odd {}", "dynamic-invalid"),
        ("Import-Name", "a-{}", "import-name-invalid"),
        ("Author-email", "a{}@localhost", "email-invalid"),
        ("License-Expression", "GPL {}/MIT {}", "license-expression-invalid"),
    ],
)
def test_thousands_of_faults_are_twenty_findings_and_a_count(field: str, value: str, rule: str) -> None:
    """Repeated faults are listed up to a ceiling, and the rest is counted."""
    lines = "".join(f"{field}: {value.format(number, number)}\n" for number in range(20_000))
    wheel = replace(DEMO, metadata=f"{BASE.replace('License-Expression: MIT', 'License: MIT')}{lines}\ntext")
    found = findings(wheel, rule=rule)
    assert len(found) == 21
    assert sum("more of the same kind" in one.message for one in found) == 1
    assert_house_style(found)


def test_many_unknown_fields_are_bounded() -> None:
    """Twenty thousand fields that there are not cost time in proportion."""
    lines = "".join(f"X-{number}: a\n" for number in range(20_000))
    assert len(findings(replace(DEMO, metadata=f"{BASE}{lines}\ntext"), rule="metadata-field-invalid")) == 21


def test_a_description_that_is_too_long_is_not_judged() -> None:
    """Ten megabytes, and text that nests without end, are said to be unjudged, or judged in bounded time."""
    wheel = replace(DEMO, headers={"Description-Content-Type": "text/x-rst"}, description="a " * 3_000_000)
    assert [one.rule for one in report(wheel).not_judged] == ["description-not-rendered"]
    report(replace(wheel, description="".join(f"{' ' * depth}* a\n\n" for depth in range(150))))


EXPLAINED = {
    "content type text/markdown; charset=utf-8": "packaging 26.3 takes any case of UTF-8, PyPI's 26.2 does not",
    "metadata version 2.6": "packaging 26.3 knows 2.6, PyPI's 26.2 does not",
    "metadata version UNKNOWN": "the same answer for another reason",
}


def packaging_accepts(wheel: WheelSpec) -> bool:
    """Whether packaging's own validation takes the METADATA of a wheel, as PyPI uses it."""
    from tests.builders import wheel_entries

    (content,) = (entry.content for entry in wheel_entries(wheel) if str(entry.name).endswith("/METADATA"))
    try:
        Metadata.from_email(content, validate=True)
    except ExceptionGroup:
        return False
    return True


STRICTER = {"new field that is UNKNOWN", "no home page", "empty content type", "license file below 2.4"}
"""Where packaging judges what clients or PyPI drop: `UNKNOWN`, empty values, License-File below 2.4."""


@pytest.mark.parametrize("case", sorted(ACCEPTED.keys() - STRICTER))
def test_packaging_takes_what_we_take(case: str) -> None:
    """The cases that are clean here are valid for the library that PyPI validates with."""
    assert packaging_accepts(ACCEPTED[case])


@pytest.mark.parametrize("case", sorted(REFUSED.keys() - EXPLAINED.keys()))
def test_what_packaging_refuses_we_refuse(case: str) -> None:
    """Every case that packaging refuses is an error here; the rest are rules of PyPI's own."""
    rule, wheel, _ = REFUSED[case]
    own = {"version-local", "email-invalid", "classifier-unknown", "url-invalid", "summary-invalid", "name-invalid"}
    assert not packaging_accepts(wheel) or rule in own
