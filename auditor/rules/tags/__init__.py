"""Family `tags`: what the three tags of the file name say, by themselves and against the contents."""

from __future__ import annotations

from auditor.rules.tags import contents, interpreter, platform, spelling

RULES = (*contents.RULES, *interpreter.RULES, *platform.RULES, *spelling.RULES)
