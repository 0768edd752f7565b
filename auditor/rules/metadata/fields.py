"""Where a metadata finding points to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.rules.rule import Evidence

if TYPE_CHECKING:
    from auditor.facts.dist_info import Field, Metadata
    from auditor.facts.wheel import WheelFacts


def place(wheel: WheelFacts) -> str:
    """The member that metadata findings are about."""
    return f"{wheel.dist_info}/METADATA"


def fields_named(wheel: WheelFacts, *names: str) -> list[Field]:
    """The fields of these names, in their order in the file; the value `UNKNOWN` counts as none, as it does on PyPI."""
    wanted = {name.lower() for name in names}
    fields = wheel.metadata.fields if wheel.metadata else ()
    return [field for field in fields if field.name.lower() in wanted and field.value.strip() != "UNKNOWN"]


def line_evidence(field: Field) -> Evidence:
    """A field with its line."""
    shown = field.value if len(field.value) <= 200 else f"{field.value[:200]}..."
    where = f"line {field.line}: " if field.line else ""
    return Evidence(text=f"{where}`{field.name}: {shown}`")


def field_evidence(metadata: Metadata, name: str) -> tuple[Evidence, ...]:
    """Every line of a field."""
    return tuple(line_evidence(field) for field in metadata.fields if field.name.lower() == name.lower())[:12]
