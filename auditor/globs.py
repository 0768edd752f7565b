"""Globs over the names of members, and over the file names of wheels and libraries.

`*` stands for any characters but a slash, `?` for one, `[abc]` for one of a set, `**` as a whole part for any number of
directories. A glob without a slash is held against the last part of a name. Upper and lower case differ on every host.
"""

from __future__ import annotations

import fnmatch

MAX_PARTS = 1024
"""Parts of a member's name that are compared: a longer one, which no file system takes, matches nothing."""


def matches(name: str, glob: str) -> bool:
    """Whether a name is one that the glob stands for. Time is linear in the name, times the parts of the glob."""
    if "/" not in glob:
        return fnmatch.fnmatchcase(name.rpartition("/")[2], glob)
    parts = name.split("/")
    if len(parts) > MAX_PARTS:
        return False
    # The numbers of leading parts of the name that the glob's parts so far may stand for.
    reached = {0}
    for pattern in glob.strip("/").split("/"):
        if pattern == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {at + 1 for at in reached if at < len(parts) and fnmatch.fnmatchcase(parts[at], pattern)}
        if not reached:
            return False
    return len(parts) in reached
