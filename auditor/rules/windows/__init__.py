"""Family `windows`: PE files against the Python and the runtimes that a Windows tag promises."""

from __future__ import annotations

from auditor.rules.windows import runtime

RULES = (*runtime.RULES,)
