"""Family `archive`: the ZIP archive itself, as the walk over its framing and one pass over each member saw it.

The messages name the consequence: who of PyPI, pip, uv and installer refuses the wheel, or reads it differently.
"""

from __future__ import annotations

from auditor.rules.archive import contents, framing, names

RULES = (*contents.RULES, *framing.RULES, *names.RULES)
