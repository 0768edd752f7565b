"""The fields that people read: summary, description, authors, classifiers, URLs."""

from __future__ import annotations

import difflib
import email.utils
import functools
import re
from typing import TYPE_CHECKING

from auditor.findings import NotJudged
from auditor.platforms import pypi
from auditor.rules.metadata.fields import (
    capped,
    cut,
    field_named,
    fields_named,
    line_evidence,
    parsed_fields,
    place,
    unjudged,
)
from auditor.rules.rule import ACCEPT, ERROR, INFO, REJECT, SERVER_ERROR, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SUMMARY_MAX = 512
_LABEL_MAX = 32
_ADVISED = 20
"""Classifiers for which the nearest is looked for: each takes 5 ms."""
_RENDERED_MAX = 512 << 10
"""Bytes of a reStructuredText description that are rendered: the longest known has 200 KB, and time grows with it."""
_PLAIN_ADDRESS = re.compile(
    r"[A-Za-z0-9_+%-]+(\.[A-Za-z0-9_+%-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}"
)
"""Addresses that need no library to be found right: the others go to email-validator, as on PyPI."""
_RESERVED_DOMAINS = (".test", ".invalid", ".local", "localhost")
_PLAIN_URL = re.compile(
    r"https?://[A-Za-z0-9.-]+(:\d{1,4})?(/[A-Za-z0-9._~/%@!$&'()*+,;=:-]*)?(\?[\w./%=&+-]*)?(#[\w./%=&+-]*)?", re.ASCII
)
"""URLs that need no library to be found right: the others go to rfc3986, as on PyPI."""
_URLS = ("Home-page", "Download-URL", "Project-URL")


@rule("summary-invalid", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def summary_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The summary has more than one line, or more than 512 characters.

    **What it checks.** `Summary` is one line of at most 512 characters.

    **Why it matters.** PyPI refuses the upload.

    **How to fix.** Shorten `project.description`; the long text belongs into the readme.

    **References.** Core metadata, Summary.
    """
    for field in fields_named(wheel, "Summary"):
        problem = None
        if "\n" in field.value:
            problem = "has more than one line"
        elif len(field.value) > _SUMMARY_MAX:
            problem = f"has {len(field.value)} characters; PyPI takes {_SUMMARY_MAX}"
        if problem:
            yield Hit(
                message=f"the summary {problem}",
                help="shorten `project.description` to one line; the long text belongs into the readme",
                member=place(wheel),
                evidence=(line_evidence(field),),
            )


def _content_type(value: str) -> tuple[str, dict[str, str]] | None:
    """The main type in lower case and the parameters of a content type, as PyPI reads them; None where it fails."""
    from email.message import EmailMessage

    message = EmailMessage()
    try:
        message["content-type"] = value
        kind, parameters = message.get_content_type().lower(), dict(message["content-type"].params)
    except (IndexError, ValueError, RecursionError):  # CPython issue: parameters such as `x*`
        return None
    return kind if kind in value.lower() else "", parameters


@rule("description-content-type", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def description_content_type(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """PyPI refuses the content type of the description.

    **What it checks.** The type is `text/plain`, `text/x-rst` or `text/markdown`; a charset is exactly `UTF-8`; the
    variant of Markdown is `GFM` or `CommonMark`.

    **Why it matters.** PyPI refuses the upload; a malformed parameter makes it answer with a server error.

    **How to fix.** Write `readme = "README.md"`: backends then derive the type.

    **References.** Core metadata, Description-Content-Type.
    """
    yield from unjudged(wheel, "description-content-type", "Description-Content-Type")
    for field in parsed_fields(wheel, "Description-Content-Type"):
        parsed = _content_type(field.value)
        problem = "has a malformed parameter" if parsed is None else _type_problem(*parsed)
        if problem:
            yield Hit(
                message=f"`Description-Content-Type: {cut(field.value)}` {problem}",
                help="`text/markdown`, `text/x-rst` or `text/plain`, with `charset=UTF-8` if any",
                member=place(wheel),
                evidence=(line_evidence(field), Evidence(text=f"PyPI's rule as of {pypi.KNOWN_AT}")),
                pypi=SERVER_ERROR if parsed is None else REJECT,
            )


def _type_problem(kind: str, parameters: dict[str, str]) -> str | None:
    """What PyPI has against a content type; None where it takes it."""
    if kind not in {"text/plain", "text/x-rst", "text/markdown"}:
        return "is none of the three types that there are"
    if parameters.get("charset", "UTF-8") != "UTF-8":
        return f"has the charset `{cut(parameters['charset'])}`; PyPI takes `UTF-8` in exactly this spelling"
    if kind == "text/markdown" and parameters.get("variant", "GFM") not in {"GFM", "CommonMark"}:
        return f"has the variant `{cut(parameters['variant'])}`; there are `GFM` and `CommonMark`"
    return None


@rule("description-not-rendered", severity=ERROR, pypi=REJECT, since="0.1")
def description_not_rendered(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """PyPI's renderer makes nothing of the description.

    **What it checks.** A description in reStructuredText (also one without a content type) is rendered as PyPI
    does. Plain text and Markdown always render.

    **Why it matters.** PyPI answers "The description failed to render".

    **How to fix.** The evidence has the renderer's complaints with their lines: unknown directives and roles of
    Sphinx are the usual ones.

    **Limits.** Descriptions above 512 KiB are not rendered here, and that is said.

    **References.** PyPI's upload code; readme-renderer.
    """
    text = _description(wheel)
    field = field_named(wheel, "Description-Content-Type")
    declared = field.value if field is not None else None
    if not text.strip() or (declared and not declared.lower().strip().startswith("text/x-rst")):
        return
    if len(text) > _RENDERED_MAX:
        reason = f"the description has {len(text)} characters; up to {_RENDERED_MAX} are rendered"
        yield NotJudged(rule="description-not-rendered", reason=reason)
        return
    complaints = _render_problems(text)
    if complaints is not None:
        yield Hit(
            message="the description cannot be rendered as reStructuredText"
            + ("" if declared else ", which is what counts without a content type"),
            help="correct the readme" if declared else 'declare the content type: `readme = "README.md"` does',
            member=place(wheel),
            evidence=tuple(Evidence(text=one) for one in complaints[:12]),
        )


def _description(wheel: WheelFacts) -> str:
    """The description, from the body or from its field."""
    if wheel.metadata is None:
        return ""
    text = wheel.metadata.description or wheel.metadata.first("Description") or ""
    return "" if text.strip() == "UNKNOWN" else text


@functools.lru_cache(maxsize=8)  # the wheels of a release share their description, and rendering takes 80 ms
def _render_problems(text: str) -> tuple[str, ...] | None:
    """The renderer's complaints about a text of which it makes nothing; None where it renders."""
    import io

    from readme_renderer import rst

    stream = io.StringIO()
    if rst.render(text, stream=stream) is not None:
        return None
    return tuple(line.strip() for line in stream.getvalue().splitlines() if line.strip())


@rule("description-missing", severity=INFO, since="0.1")
def description_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """There is no description, or none whose content type is stated.

    **What it checks.** METADATA has a description, and `Description-Content-Type` says how to read it.

    **Why it matters.** The project's page on PyPI stays empty, or the text is read as reStructuredText.

    **How to fix.** `readme = "README.md"` in the project table.

    **References.** Core metadata, Description.
    """
    if wheel.metadata is None:
        return
    if not _description(wheel).strip():
        yield Hit(message="METADATA has no description", help='add `readme = "README.md"`', member=place(wheel))
    elif field_named(wheel, "Description-Content-Type") is None:
        yield Hit(
            message="the description has no content type, and is read as reStructuredText",
            help='add `readme = "README.md"`: backends derive the type from the suffix',
            member=place(wheel),
        )


@rule("email-invalid", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def email_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """PyPI refuses the address of an author or maintainer.

    **What it checks.** The first address of `Author-email` and of `Maintainer-email`. Of several it is a
    warning.

    **Why it matters.** PyPI refuses a malformed address that stands alone. Of several it looks at none since its Python
    reads addresses strictly; other indexes look at the first. A comma in a name without quotes makes several of one:
    `Doe, Jane <jane@example.com>` reads as two addresses, the first of them `Doe`.

    **How to fix.** Quote the name, or leave the comma out.

    **References.** Core metadata, Author-email; PyPI's upload code.
    """
    names = ("Author-email", "Maintainer-email")
    yield from unjudged(wheel, "email-invalid", *names)
    for field in parsed_fields(wheel, *names):
        addresses = _addresses(field.value)
        address = next(iter(addresses), "")
        problem = _address_problem(address) if address else None
        if problem:
            comma = "," in field.value and "@" not in field.value.partition(",")[0]
            yield Hit(
                message=f"the first address in `{field.name}` is `{cut(address)}`, which is none: {problem}",
                help="put the name in quotes: it has a comma" if comma else "write an address with a public domain",
                member=place(wheel),
                evidence=(line_evidence(field),),
                severity=WARNING if len(addresses) > 1 else ERROR,
                pypi=ACCEPT if len(addresses) > 1 else REJECT,
            )


def _addresses(value: str) -> list[str]:
    """The addresses in a field, by the lenient reading that every Python version has."""
    if getattr(email.utils, "supports_strict_parsing", False):
        pairs = email.utils.getaddresses([value], strict=False)  # type: ignore[call-arg, unused-ignore]
    else:
        pairs = email.utils.getaddresses([value])
    return [address for _, address in pairs]


def _address_problem(address: str) -> str | None:
    """What PyPI has against an address; None where it takes it."""
    domain = address.rpartition("@")[2].lower()
    if _PLAIN_ADDRESS.fullmatch(address) and not domain.endswith(_RESERVED_DOMAINS) and len(address) < 64:
        return None
    from email_validator import EmailNotValidError, validate_email

    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        return str(error).rstrip(".")
    return None


@rule("classifier-unknown", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def classifier_unknown(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A classifier is not on PyPI's list.

    **What it checks.** Each classifier is in the list of trove classifiers, and is not deprecated. `Private ::` is
    none of them on purpose.

    **Why it matters.** PyPI refuses the upload: "is not a valid classifier".

    **How to fix.** The message has the nearest one, or the replacement of a deprecated one.

    **Limits.** The list is that of the installed trove-classifiers; its date is in the evidence.

    **References.** Core metadata, Classifier.
    """
    fields = fields_named(wheel, "Classifier")
    if not fields:
        return
    from trove_classifiers import classifiers, deprecated_classifiers

    refused = 0
    listed = Evidence(text=f"list of trove-classifiers {_trove_version()}")
    for field in fields:
        value = field.value.strip()
        if value in deprecated_classifiers:
            instead = deprecated_classifiers[value]
            message = f"the classifier `{value}` is deprecated"
            advice = f"use `{'` or `'.join(instead)}`" if instead else "remove it: nothing takes its place"
        elif value not in classifiers:
            message = f"there is no classifier `{cut(value)}`"
            advice = _classifier_advice(value, classifiers) if refused < _ADVISED else "remove it"
        else:
            continue
        refused += 1
        yield Hit(
            message=message,
            help=advice,
            member=place(wheel),
            evidence=(line_evidence(field), listed),
        )


def _classifier_advice(value: str, classifiers: set[str]) -> str:
    """What to write in place of a classifier that there is not."""
    if value.lower().startswith("private"):
        return "`Private ::` keeps a project from PyPI on purpose: remove it to upload"
    near = difflib.get_close_matches(value, sorted(classifiers), n=1, cutoff=0.75) if len(value) < 200 else None
    return f"the nearest is `{near[0]}`" if near else "remove it"


def _trove_version() -> str:
    """The date that trove-classifiers is versioned by."""
    import importlib.metadata

    return importlib.metadata.version("trove-classifiers")


@rule("url-invalid", severity=ERROR, pypi=REJECT, since="0.1")
@capped
def url_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """PyPI refuses a URL or its label.

    **What it checks.** `Home-page`, `Download-URL` and each `Project-URL` have the scheme http or https and a valid
    syntax; a project URL has a label of at most 32 characters.

    **Why it matters.** PyPI refuses the upload.

    **How to fix.** Write the whole URL with its scheme.

    **References.** Core metadata, Project-URL; PyPI's upload code.
    """
    yield from unjudged(wheel, "url-invalid", *_URLS)
    for field in parsed_fields(wheel, *_URLS):
        label, comma, url = (
            field.value.partition(",") if field.name.lower() == "project-url" else ("x", ",", field.value)
        )
        label, url = label.strip(), url.strip()
        if not label:
            problem = "it has no label"
        elif len(label) > _LABEL_MAX:
            problem = f"its label has {len(label)} characters; PyPI takes {_LABEL_MAX}"
        elif not url:
            problem = "it has no URL behind its label" if comma else "it has no comma between label and URL"
        elif not _is_web_url(url):
            problem = f"`{cut(url)}` is no URL with the scheme http or https"
        else:
            continue
        yield Hit(
            message=f"PyPI refuses `{field.name}: {cut(field.value)}`: {problem}",
            help="write `Label, https://...`" if field.name.lower() == "project-url" else "write `https://...`",
            member=place(wheel),
            evidence=(line_evidence(field),),
        )


def _is_web_url(url: str) -> bool:
    """Whether PyPI takes the URL."""
    if _PLAIN_URL.fullmatch(url):
        return True
    import rfc3986

    validator = (
        rfc3986.validators.Validator()
        .allow_schemes("http", "https")
        .require_presence_of("scheme")
        .check_validity_of("scheme", "host", "port", "path", "query")
    )
    try:
        validator.validate(rfc3986.uri_reference(url).normalize())
    except rfc3986.exceptions.RFC3986Exception:
        return False
    return True


RULES = (
    classifier_unknown,
    description_content_type,
    description_missing,
    description_not_rendered,
    email_invalid,
    summary_invalid,
    url_invalid,
)
