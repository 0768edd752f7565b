"""Options of the command line -> settings: what the file says, and what the options say in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from auditor.errors import UsageError

if TYPE_CHECKING:
    from auditor.settings import Settings


def chosen_settings(options: dict[str, Any]) -> Settings:
    """The settings of the file under the options, which stand in place of what they name.

    Raises `UsageError`, of which `ConfigError` is one.
    """
    from auditor.findings import Severity
    from auditor.settings import Profile

    settings = settings_of_file(options["config"], isolated=options["isolated"])
    changes: dict[str, Any] = {}
    for name in ("select", "ignore"):
        if options[name]:
            changes[name] = _names(options[name])
    if options["select"] and not changes["select"]:
        # It would mean all of them: a script whose list came out empty asks for something else.
        raise UsageError("`--select` names no rule and no family")
    if options["profile"] is not None:
        changes["profile"] = Profile(options["profile"])
    if options["fail_on"] is not None:
        changes["fail_on"] = None if options["fail_on"] == "never" else Severity(options["fail_on"])
    if options["baseline"] is not None:
        from auditor.baseline import read_baseline

        changes["baseline"] = read_baseline(options["baseline"])
    return structs.replace(settings, **changes)


def settings_of_file(config: str | None, *, isolated: bool) -> Settings:
    """What `--config` and `--isolated` ask for: the settings of that file, of none, or of the nearest one.

    Raises `UsageError`, of which `ConfigError` is one.
    """
    from auditor.config import load_settings
    from auditor.settings import DEFAULT

    if isolated and config is not None:
        raise UsageError("`--isolated` and `--config` exclude each other")
    return DEFAULT if isolated else load_settings(config)


def _names(values: tuple[str, ...]) -> tuple[str, ...]:
    """Names that were given one by one or separated by commas."""
    return tuple(name.strip() for value in values for name in value.split(",") if name.strip())
