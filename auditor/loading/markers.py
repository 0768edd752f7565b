"""Whether a requirement may apply on a system, as far as its environment marker tells.

Sources: "Dependency specifiers" (PEP 508), Environment markers; CPython's `os.name`, `sys.platform` and
`platform.system()`.
"""

from __future__ import annotations

import re

from auditor.platforms.promise import System

_VALUES = {
    System.LINUX: {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"},
    System.ANDROID: {"os_name": "posix", "sys_platform": "android", "platform_system": "Android"},
    System.MACOS: {"os_name": "posix", "sys_platform": "darwin", "platform_system": "Darwin"},
    System.IOS: {"os_name": "posix", "sys_platform": "ios", "platform_system": "iOS"},
    System.WINDOWS: {"os_name": "nt", "sys_platform": "win32", "platform_system": "Windows"},
}
_OPERAND = r"\"[^\"]*\"|'[^']*'|[A-Za-z_][\w.]*"
_TOKEN = re.compile(
    r"\s*(?:(?P<bracket>[()])|(?P<joint>and|or)\b"
    rf"|(?P<left>{_OPERAND})\s*(?P<operator>===?|[<>!~]=|[<>]|not\s+in\b|in\b)\s*(?P<right>{_OPERAND}))",
    re.ASCII,
)


def may_hold(marker: str, system: System | None) -> bool:
    """Whether a marker can be true on `system` (any, where it is None) for an installation without extras.

    What a system does not settle, such as the version of Python, is taken for true; so is what is no marker. There is
    no negation but inside a comparison, so that the whole is false only where it is false whatever those are.
    """
    text = marker.strip()
    outer: list[tuple[bool, bool]] = []
    before, here = False, True  # what `or` has joined so far, and what `and` has since
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return True
        at = token.end()
        if token["bracket"] == "(":
            outer.append((before, here))
            before, here = False, True
        elif token["bracket"] == ")":
            if not outer:
                return True
            inner = before or here
            before, here = outer.pop()
            here = here and inner
        elif token["joint"] == "or":
            before, here = before or here, True
        elif token["joint"] is None:
            here = _compare(token["left"], token["operator"], token["right"], system) and here
    return before or here or bool(outer)


def _compare(left: str, operator: str, right: str, system: System | None) -> bool:
    """One comparison, true where the system does not settle it."""
    names = [one.replace(".", "_") for one in (left, right) if one[0] not in "\"'"]
    denies = operator == "!=" or operator.startswith("not")
    if "extra" in names or "extras" in names:
        return denies
    values = _VALUES.get(system, {}) if system is not None else {}
    if operator[0] not in "=!in" or not all(one in values for one in names):
        return True
    first, second = (one[1:-1] if one[0] in "\"'" else values[one.replace(".", "_")] for one in (left, right))
    holds = first in second if operator.endswith("in") else first == second
    return holds is not denies
