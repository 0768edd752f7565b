"""Settings files -> `Settings`: `wheel-audit.toml`, or `[tool.wheel-audit]` in pyproject.toml.

    [tool.wheel-audit]
    select = ["archive", "linux"]                  # rules and families; all where it is absent
    ignore = { "debug-info" = "we ship it" }       # or a list of names, without reasons
    profile = "default"                            # pypi, default, strict
    fail-on = "error"                              # error, warning, info, never
    size-limit = "150 MiB"                         # or a number of bytes
    severity = { "sbom-missing" = "warning" }
    floors = { glibc = "2.28", musl = "1.2", macos = "11.0" }
    external-libraries = { "libcudart.so.*" = "nvidia-cuda-runtime-cu12" }
    expected-matrix = { cp312 = ["manylinux_x86_64", "macos_arm64"] }

    [[tool.wheel-audit.per-file-ignores]]
    glob = "demo/vendor/**"                        # over members; or `wheel`, over file names of wheels; or both
    rules = ["rpath-unsafe"]
    reason = "loaded by its full path"

`wheel-audit.toml` may leave the heading out, and `tool.wheel-audit.` in the others.
Whatever is not understood is an error: a setting that is passed over would be a gate that stands open.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from auditor.errors import ConfigError, PathNotFoundError, UsageError
from auditor.findings import Severity
from auditor.platforms.expected import check_expected
from auditor.platforms.stated import Floors
from auditor.rules import FAMILIES, RULES_BY_NAME
from auditor.settings import DEFAULT, ExternalLibrary, Ignore, Profile, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from enum import Enum

    Chosen = TypeVar("Chosen", bound=Enum)

OWN_FILE, SHARED_FILE = "wheel-audit.toml", "pyproject.toml"
MAX_CONFIG = 1 << 20
"""Bytes of a settings file that are read."""
_TABLE = ("tool", "wheel-audit")
_BOTH = "a file of its own has the settings at its root, or all of them in `[tool.wheel-audit]` and nothing beside it"
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_SIZE = re.compile(r"(\d{1,12})\s*(|B|kB|KB|MB|GB|KiB|MiB|GiB)", re.ASCII)
_UNITS = {
    "": 1,
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}


def load_settings(path: str | os.PathLike[str] | None = None) -> Settings:
    """The settings of a file; without a path, of the nearest one from the current directory upwards.

    A file named `pyproject.toml` has them in `[tool.wheel-audit]`, any other at its root, or in that table where it has
    nothing else. Where no file is found, or none has settings, they are the default. Raises `PathNotFoundError` for a
    named file that does not exist, and `ConfigError` for one that cannot be read or understood.
    """
    if path is not None:
        return _settings_of(os.fspath(path), named=True) or DEFAULT
    for file in _candidates():
        found = _settings_of(file, named=False)
        if found is not None:
            return found
    return DEFAULT


def _candidates() -> list[str]:
    """The files that may hold settings, the nearest first, up to the root of the repository (or of the disk)."""
    try:
        here = Path.cwd()
    except OSError:
        # The current directory was deleted: there is nothing above it.
        return []
    found = []
    for steps, directory in enumerate((here, *here.parents)):
        found += [os.path.join(*[os.pardir] * steps, name) for name in (OWN_FILE, SHARED_FILE)]  # noqa: PTH118
        if _is_there(directory / ".git"):
            break
    return [name for name in found if _is_there(Path(name))]


def _is_there(path: Path) -> bool:
    """Whether something is at a path that we may look at."""
    try:
        return path.exists()
    except OSError:
        return False


def _settings_of(file: str, *, named: bool) -> Settings | None:
    """The settings in a file; None where a shared file has none. A file that was `named` must have its table."""
    whole = _document(file)
    if os.path.basename(file) != SHARED_FILE and not _is_moved(whole):  # noqa: PTH119
        if "tool" in whole:
            raise ConfigError(file, _BOTH, key="tool")
        return _Reader(file, "").settings(whole)
    table: object = whole
    for part in _TABLE:
        if not isinstance(table, dict) or part not in table:
            if named:
                raise ConfigError(file, "it has no table `[tool.wheel-audit]`")
            return None
        table = table[part]
    return _Reader(file, ".".join(_TABLE)).settings(table)


def _is_moved(whole: dict[str, Any]) -> bool:
    """Whether all that a file holds is the table that it would have in a shared one: an example was copied as it is."""
    tool = whole.get("tool")
    return set(whole) == {"tool"} and isinstance(tool, dict) and set(tool) == {"wheel-audit"}


def _document(file: str) -> dict[str, Any]:
    """A TOML file. A byte order mark, which editors on Windows write, is passed over."""
    text = read_text(file)
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except ValueError as error:
        # A TOMLDecodeError, or what `int` says of too many digits.
        raise ConfigError(file, f"it is no TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(file, "it is nested too deeply") from error
    return document


def read_text(file: str) -> str:
    """A small file in UTF-8. Raises `PathNotFoundError` and `ConfigError`."""
    try:
        # To open a pipe would wait for whoever writes into it.
        if not stat.S_ISREG(os.stat(file).st_mode):  # noqa: PTH116 -- `Path("")` would be the current directory
            raise ConfigError(file, "it is not a file")
        with Path(file).open("rb") as stream:
            content = stream.read(MAX_CONFIG + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PathNotFoundError(file) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise ConfigError(file, f"it cannot be read: {reason or error}") from error
    if len(content) > MAX_CONFIG:
        raise ConfigError(file, f"it has more than {MAX_CONFIG:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(file, f"it is not UTF-8: {error.reason} at byte {error.start}") from error


class _Reader:
    """One settings file: what is at a key, or an error that names the file and the key."""

    def __init__(self, file: str, root: str) -> None:
        self._file = file
        self._root = root

    def settings(self, value: object) -> Settings:
        """The settings of the table at the root."""
        readers: dict[str, tuple[str, Callable[[str, object], Any]]] = {
            "select": ("select", self._rules),
            "severity": ("severities", self._severities),
            "per-file-ignores": ("per_file_ignores", self._per_file_ignores),
            "external-libraries": ("external_libraries", self._external_libraries),
            "floors": ("floors", self._floors),
            "expected-matrix": ("expected_matrix", self._expected_matrix),
            "size-limit": ("size_limit", self._size),
            "profile": ("profile", lambda key, one: self._one_of(key, one, Profile)),
            "fail-on": ("fail_on", self._fail_on),
        }
        table = self._table("", value, ("ignore", *readers))
        fields = {name: read(key, table[key]) for key, (name, read) in readers.items() if key in table}
        if "ignore" in table:
            fields["ignore"], fields["reasons"] = self._ignore("ignore", table["ignore"])
        return Settings(**fields)

    def _wrong(self, key: str, problem: str, suggestion: str | None = None) -> ConfigError:
        """The error for what is at a key."""
        whole = ".".join(part for part in (self._root, key) if part)
        return ConfigError(self._file, problem, key=whole or None, suggestion=suggestion)

    def _table(self, key: str, value: object, known: Sequence[str] = ()) -> dict[str, Any]:
        """A table; where its keys are `known`, with no other."""
        if not isinstance(value, dict):
            raise self._wrong(key, f"it is to be a table, and is {_kind(value)}")
        for name in value:
            if known and name not in known:
                raise self._wrong(f"{key}.{name}".lstrip("."), "there is no such setting", _nearest(name, known))
        return value

    def _text(self, key: str, value: object) -> str:
        """Text that is not empty."""
        if not isinstance(value, str):
            raise self._wrong(key, f"it is to be a text, and is {_kind(value)}")
        if not value.strip():
            raise self._wrong(key, "it is empty")
        return value

    def _texts(self, key: str, value: object) -> tuple[str, ...]:
        """A list of texts."""
        if not isinstance(value, list):
            raise self._wrong(key, f"it is to be a list, and is {_kind(value)}")
        return tuple(self._text(f"{key}[{number}]", one) for number, one in enumerate(value))

    def _rules(self, key: str, value: object) -> tuple[str, ...]:
        """A list of rules and families that is not empty: an empty one would mean all of them."""
        names = self._texts(key, value)
        if not names:
            raise self._wrong(key, "it is empty")
        return tuple(self._rule(key, name) for name in names)

    def _rule(self, key: str, name: str) -> str:
        """The name of a rule or a family."""
        known = [*RULES_BY_NAME, *FAMILIES]
        if name not in known:
            raise self._wrong(key, f"there is no rule or family `{name}`", _nearest(name, known))
        return name

    def _ignore(self, key: str, value: object) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        """The names that are ignored, and their reasons: a list of names, or a table from names to reasons."""
        if isinstance(value, list):
            return tuple(self._rule(key, name) for name in self._texts(key, value)), ()
        if not isinstance(value, dict):
            raise self._wrong(key, f"it is to be a list or a table, and is {_kind(value)}")
        reasons = tuple((self._rule(key, name), self._text(f"{key}.{name}", why)) for name, why in value.items())
        return tuple(name for name, _ in reasons), reasons

    def _severities(self, key: str, value: object) -> tuple[tuple[str, Severity], ...]:
        """A table from rules and families to severities."""
        table = self._table(key, value)
        return tuple(
            (self._rule(key, name), self._one_of(f"{key}.{name}", one, Severity)) for name, one in table.items()
        )

    def _one_of(self, key: str, value: object, kind: type[Chosen], *others: str) -> Chosen:
        """One of a closed set of words; `others` are words that would have been understood as well."""
        text = self._text(key, value)
        known = [*(str(one.value) for one in kind), *others]
        if text not in known:
            raise self._wrong(key, f"`{text}` is none of {', '.join(known)}", _nearest(text, known))
        return kind(text)

    def _fail_on(self, key: str, value: object) -> Severity | None:
        """The least severity that fails, or `never`."""
        return None if value == "never" else self._one_of(key, value, Severity, "never")

    def _per_file_ignores(self, key: str, value: object) -> tuple[Ignore, ...]:
        """An array of tables with `rules`, `reason`, and `glob`, `wheel` or both."""
        if not isinstance(value, list):
            raise self._wrong(key, f"it is to be an array of tables, and is {_kind(value)}")
        return tuple(self._per_file_ignore(f"{key}[{number}]", one) for number, one in enumerate(value))

    def _per_file_ignore(self, key: str, value: object) -> Ignore:
        """One of the per-file ignores."""
        table = self._table(key, value, ("glob", "wheel", "rules", "reason"))
        for name in ("rules", "reason"):
            if name not in table:
                raise self._wrong(key, f"it has no `{name}`")
        if "glob" not in table and "wheel" not in table:
            raise self._wrong(key, "it has neither a `glob` over members nor one over `wheel` file names")
        return Ignore(
            rules=self._rules(f"{key}.rules", table["rules"]),
            reason=self._text(f"{key}.reason", table["reason"]),
            glob=self._text(f"{key}.glob", table["glob"]) if "glob" in table else None,
            wheel=self._text(f"{key}.wheel", table["wheel"]) if "wheel" in table else None,
        )

    def _external_libraries(self, key: str, value: object) -> tuple[ExternalLibrary, ...]:
        """A table from library names, or globs over them, to distributions."""
        table = self._table(key, value)
        return tuple(
            ExternalLibrary(library=self._text(key, name), distribution=self._text(f"{key}.{name}", one))
            for name, one in table.items()
        )

    def _floors(self, key: str, value: object) -> Floors:
        """A table from `glibc`, `musl` and `macos` to versions."""
        table = self._table(key, value, ("glibc", "musl", "macos"))
        return Floors(**{name: self._version(f"{key}.{name}", one) for name, one in table.items()})

    def _version(self, key: str, value: object) -> tuple[int, int]:
        """A version of two numbers, as text: the number 2.30 would be 2.3."""
        match = _VERSION.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise self._wrong(key, 'it is to be a version as text, such as "2.28"')
        return int(match[1]), int(match[2])

    def _size(self, key: str, value: object) -> int:
        """A number of bytes, or a text such as `150 MiB`."""
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
        size = int(match[1]) * _UNITS[match[2]] if match is not None else 0
        if size <= 0:
            raise self._wrong(key, 'it is to be a number of bytes, or a text such as "150 MiB"')
        return size

    def _expected_matrix(self, key: str, value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """A table from interpreters to platforms."""
        table = self._table(key, value)
        matrix = {name: self._texts(f"{key}.{name}", platforms) for name, platforms in table.items()}
        try:
            check_expected(matrix)
        except UsageError as error:
            raise self._wrong(key, str(error)) from error
        return tuple(matrix.items())


def _nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that resembles this one most, if any does."""
    found = difflib.get_close_matches(name.replace("_", "-").lower(), known, n=1, cutoff=0.5)
    return found[0] if found else None


def _kind(value: object) -> str:
    """The type of a value, as TOML calls it."""
    match value:
        case bool():
            return "a truth value"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or a time"
