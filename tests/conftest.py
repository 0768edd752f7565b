"""How thorough the tests are that hypothesis writes: few examples by default, many where a machine has the time."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("default", max_examples=60, deadline=None)
settings.register_profile("thorough", max_examples=3000, deadline=None)
settings.load_profile(os.environ.get("WHEEL_AUDIT_HYPOTHESIS", "default"))
