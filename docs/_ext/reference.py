"""Pages of the reference that the program itself knows: rules, command line, JSON schema, tables of the platforms.

Each function gives the Markdown of a page; `write_pages` writes them below docs/reference. They are not committed.
"""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

import auditor
from auditor import config
from auditor.cli.app import cli
from auditor.platforms import promise
from auditor.report.schema import schema_document
from auditor.rules import ALL_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.rules import Rule

FAMILIES: Final = {
    "archive": "The ZIP archive: what PyPI and the installers refuse, or read differently.",
    "record": "RECORD against the files that are there, both ways.",
    "layout": "The folders of a wheel: dist-info, data, scripts, and what a build left behind.",
    "entry_points": "The file entry_points.txt against the modules of the wheel.",
    "metadata": "METADATA as PyPI reads it.",
    "filename": "The file's own name.",
    "tags": "The tags of the file name: who can select the wheel.",
    "native": "Native files of any format.",
    "python_abi": "Extension modules against the interpreters that the tags promise.",
    "linux": "ELF files against the promise of manylinux, musllinux and Android tags.",
    "macos": "Mach-O files against the promise of macOS and iOS tags.",
    "windows": "PE files against the promise of Windows tags.",
    "loading": "What the loader of the platform would find, and not find.",
    "supply_chain": "What a wheel brings along, and what it says of it.",
    "release": "The wheels and source distributions of one release as a set.",
}
"""Family -> what its rules look at."""

_PLACES: Final = {
    "Auditing": ("audit", "audit_release", "read_wheel", "judge", "matrix_of", "matrices_of"),
    "Settings": ("Settings", "Profile"),
    "What comes out": (
        "Report",
        "ReleaseReport",
        "Finding",
        "Evidence",
        "Severity",
        "PyPIAnswer",
        "NotJudged",
        "Suppressed",
    ),
    "Rules and facts": ("ALL_RULES", "Rule", "WheelFacts"),
    "Errors": ("AuditError", "UsageError", "PathNotFoundError", "NoWheelError", "UnreadableError", "UnknownRuleError"),
}
"""Heading of the API's page -> public names, in the order of reading."""

_API_HEAD: Final = """# The Python API

Three lines read, judge and print:

```python
from auditor import audit

for finding in audit("dist/demo-0.1.0-cp39-abi3-manylinux_2_28_x86_64.whl").findings:
    print(finding.severity.value, finding.rule, finding.message)
```

Everything here is importable from `auditor`, is typed, and runs nothing of a wheel. A defect never raises: it is a
finding.
"""

_REPORT_HEAD: Final = """# The JSON report

`wheel-audit dist/ --format json` prints one document; its JSON Schema (draft 2020-12) stands at the end of this page,
and `wheel-audit schema` prints it. The field `schema` changes where a field goes away or changes its meaning; a new
field may come at any time. The same wheels give the same bytes: no clock, and no path but as it was given.
"""

_TABLES_HEAD: Final = """# The tables behind the verdict

What platforms provide changes outside of this tool. Each table of the package has a file beside it that says where it
comes from, of which day it is, and how it is made again; a test holds the two together.
"""

_SAID: Final = {
    "reject": "PyPI refuses the upload",
    "server-error": "PyPI fails with a server error",
    "mail": "PyPI takes it and writes to the maintainers",
    "future": "PyPI has announced that it will refuse it",
    "accept": "PyPI takes it",
}
_CODE: Final = re.compile(r"((?<!`)`(?![\w.]+')(?:[^`\n]|\n(?!\s*\n))+`)")
"""A code span, which may go over the end of a line but not of a paragraph."""
_GENERATED: Final = "<!-- Generated while the pages are built: change the program, not this file. -->\n\n"


def write_pages(folder: Path) -> None:
    """Write every generated page below the folder; a page that has not changed is left alone."""
    pages = {"api.md": api_page(), "cli.md": command_page(), "schema.md": schema_page(), "tables.md": tables_page()}
    pages["settings.md"] = settings_page()
    pages |= {f"rules/{name}.md": text for name, text in rule_pages().items()}
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    for stale in set((folder / "rules").glob("*.md")) - {folder / name for name in pages}:
        stale.unlink()
    for name, text in pages.items():
        path = folder / name
        content = _GENERATED + text
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")


def rule_pages() -> dict[str, str]:
    """Family -> its page, with an anchor a rule; and `index`, the list of all rules."""
    families = list(dict.fromkeys([*FAMILIES, *(rule.family for rule in ALL_RULES)]))
    rules = {family: [rule for rule in ALL_RULES if rule.family == family] for family in families}
    pages = {family: _family_page(family, rules[family]) for family in families if rules[family]}
    return {"index": _index_page(rules), **pages}


def _family_page(family: str, rules: list[Rule]) -> str:
    """One family: a section a rule."""
    sections = [
        f"({rule.name})=\n\n## {rule.name}\n\n{_head(rule)}\n\n{markdown(rule.documentation)}\n"
        for rule in sorted(rules, key=lambda one: one.name)
    ]
    return "\n".join([f"# {family}\n\n{FAMILIES.get(family, '')}\n", *sections])


def _head(rule: Rule) -> str:
    """The line below the name of a rule."""
    return f"**{rule.severity.value}** · {_SAID[rule.pypi.value]} · since {rule.since}"


def _index_page(rules: Mapping[str, list[Rule]]) -> str:
    """The list of all rules, by family."""
    total = sum(map(len, rules.values()))
    lines = [
        "# Rules",
        "",
        f"There are {total} rules. `wheel-audit explain NAME` prints what stands here; `--select` and `--ignore` take",
        "the name of a rule or of a family.",
        "",
        "An **error** is provable from the bytes: PyPI or an installer refuses the wheel, or it cannot be installed,",
        "imported or loaded somewhere its tags promise. A **warning** is likely harm, an **info** worth knowing.",
        "",
        "```{toctree}",
        ":hidden:",
        "",
        *(family for family, some in rules.items() if some),
        "```",
    ]
    for family, some in rules.items():
        if not some:
            continue
        lines += ["", f"## [{family}]({family}.md)", "", "| rule | severity | fault |", "|---|---|---|"]
        lines += [
            f"| [`{rule.name}`](#{rule.name}) | {rule.severity.value} | {markdown(rule.summary)} |"
            for rule in sorted(some, key=lambda one: one.name)
        ]
    return "\n".join(lines) + "\n"


def markdown(text: str) -> str:
    """A docstring as Markdown: what is outside of code spans must not be read as HTML.

    A loader's message may quote a version from a back-quote to an apostrophe; that back-quote opens no code span.
    """
    pieces = re.split(_CODE, text)
    return "".join(piece if number % 2 else _escaped(piece) for number, piece in enumerate(pieces))


def _escaped(text: str) -> str:
    """Text between code spans, with `<` and a lone back-quote as themselves."""
    return text.replace("<", "\\<").replace("`", "\\`")


def api_page() -> str:
    """Every public name of the package, by what it is for; a name without a place of its own stands at the end."""
    public = [name for name in auditor.__all__ if not name.startswith("__")]
    placed = {name for names in _PLACES.values() for name in names}
    places = {**_PLACES, "More": tuple(name for name in public if name not in placed)}
    parts = [_API_HEAD]
    for title, names in places.items():
        shown = [_directive(name) for name in names if name in public]
        if shown:
            parts.append(f"## {title}\n\n```{{eval-rst}}\n" + "\n".join(shown) + "\n```\n")
    return "\n".join(parts)


def _directive(name: str) -> str:
    """What autodoc needs to hear of a public name."""
    value = getattr(auditor, name)
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        members = "\n   :members:" if kind == "autoclass" or name == "AuditError" else ""
        return f".. {kind}:: auditor.{name}{members}"
    return f".. autofunction:: auditor.{name}" if callable(value) else f".. autodata:: auditor.{name}\n   :no-value:"


def command_page() -> str:
    """The help of every command, as the command prints it."""
    parts = [
        "# The command line\n",
        "The text below is what `wheel-audit --help` and the `--help` of each command print.\n",
        f"```text\n{_help(cli, 'wheel-audit')}```\n",
    ]
    assert isinstance(cli, click.Group)
    for name, command in sorted(cli.commands.items()):
        shown = _help(command, f"wheel-audit {name}")
        parts.append(f"(command-{name})=\n\n## wheel-audit {name}\n\n```text\n{shown}```\n")
    return "\n".join(parts)


def settings_page() -> str:
    """The settings file, as the module that reads it describes it."""
    lines = inspect.cleandoc(config.__doc__ or "").splitlines()
    indented = [number for number, line in enumerate(lines) if line.startswith("    ")]
    first, behind = indented[0], indented[-1] + 1
    example = textwrap.dedent("\n".join(lines[first:behind]))
    before = "\n".join(lines[:first]).replace(" -> `Settings`", "")
    return (
        f"# Settings\n\n{markdown(before)}\n```toml\n{example}\n```\n{markdown(chr(10).join(lines[behind:]))}\n\n"
        "The command line wins over the file; `--config FILE` names another one. In a project that has findings "
        "already, `--write-baseline FILE` notes them and `--baseline FILE` sets them aside from then on.\n"
    )


def _help(command: click.Command, name: str) -> str:
    """What `--help` prints, at a fixed width."""
    context = click.Context(command, info_name=name, terminal_width=84, max_content_width=84)
    return command.get_help(context).rstrip() + "\n"


def schema_page() -> str:
    """The JSON Schema of the report, as tables and whole."""
    document = schema_document()
    schema: dict[str, Any] = json.loads(document)
    parts = [_REPORT_HEAD]
    for name, definition in sorted(schema["$defs"].items(), key=lambda item: (item[0] != "Report", item[0])):
        parts.append(f"## {name}\n\n{markdown(definition.get('description', ''))}\n")
        properties: dict[str, Any] = definition.get("properties", {})
        if properties:
            required = set(definition.get("required", ()))
            rows = [
                f"| `{field}` | {_type(value)} | {'always' if field in required else 'where there is one'} |"
                for field, value in properties.items()
            ]
            parts.append("\n".join(["| field | type | there |", "|---|---|---|", *rows]) + "\n")
        elif "enum" in definition:
            parts.append("One of " + ", ".join(f"`{value}`" for value in definition["enum"]) + ".\n")
    parts.append(f"## The schema\n\n```json\n{document.rstrip()}\n```\n")
    return "\n".join(parts)


def _type(value: Mapping[str, Any]) -> str:
    """A type of the schema in a few words."""
    if "$ref" in value:
        name = str(value["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(_type(one) for one in value["anyOf"])
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if value.get("type") == "array":
        return f"array of {_type(value['items'])}" if value.get("items") else "array"
    if value.get("type") == "object" and isinstance(value.get("additionalProperties"), dict):
        return f"object, each value {_type(value['additionalProperties'])}"
    return str(value.get("type", "any"))


def tables_page() -> str:
    """The data files of the package, with where each comes from."""
    folder = Path(promise.__file__).with_name("data")
    sections = [_table_section(path) for path in sorted(folder.glob("*.provenance.json"))]
    return "\n".join([_TABLES_HEAD, *sections])


def _table_section(path: Path) -> str:
    """One table: its provenance."""
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    name = path.name.removesuffix(".provenance.json")
    return "\n".join([f"## {name}", "", *_definitions(facts)])


def _definitions(facts: Mapping[str, Any]) -> Iterator[str]:
    """The fields that a person asks for."""
    for key in ("source", "version", "date", "licence", "rebuild"):
        value = facts.get(key)
        if not value:
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield f"{key.capitalize()}\n: {f'`{shown}`' if key == 'rebuild' else markdown(shown)}\n"
