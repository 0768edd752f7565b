"""Family `layout`: the directories of the wheel, its WHEEL file, its scripts and data, and what should not be there."""

from __future__ import annotations

from auditor.rules.layout import core, data, files, wheel_file

RULES = (*core.RULES, *data.RULES, *files.RULES, *wheel_file.RULES)
