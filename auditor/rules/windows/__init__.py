"""Family `windows`: PE files against the Python and the runtimes that a Windows tag promises."""

from __future__ import annotations

from auditor.rules.windows import mitigations, runtime, shared_names

RULES = (*mitigations.RULES, *runtime.RULES, *shared_names.RULES)
