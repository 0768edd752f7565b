#!/usr/bin/env python3
"""Audit the fetched corpus and compare every verdict with the judged list, expected.json.

    python -m tests.corpus.check DIR              # every wheel of wheels.tsv must be there
    python -m tests.corpus.check DIR --short      # those of the short corpus
    python -m tests.corpus.check DIR --update     # write what came out; new errors get the reason "unreviewed"

expected.json has, by file name, each error with the reason why it is a true defect, and the names of the warnings;
a wheel that is not there has neither. An error without a reason, or with the reason "unreviewed", fails the check:
somebody looks into it first (readelf, lief, the specification). Ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from auditor import Report, Severity, audit
from tests.corpus.fetch import wanted

EXPECTED = Path(__file__).parent / "expected.json"
UNREVIEWED = "unreviewed"


def verdict(report: Report) -> dict[str, list[str]]:
    """The names of the rules that hit, by severity."""
    return {
        severity.value: sorted({one.rule for one in report.findings if one.severity is severity})
        for severity in (Severity.ERROR, Severity.WARNING)
    }


def differences(filename: str, expected: dict[str, Any], report: Report) -> list[str]:
    """In words, where a report is not what was judged."""
    found = verdict(report)
    reasons: dict[str, str] = expected.get("errors", {})
    problems = [f"{filename}: new error {rule}" for rule in found["error"] if rule not in reasons]
    problems += [f"{filename}: lost error {rule}" for rule in reasons if rule not in found["error"]]
    problems += [
        f"{filename}: nobody has looked into {rule}" for rule, reason in reasons.items() if reason in {"", UNREVIEWED}
    ]
    if found["warning"] != expected.get("warnings", []):
        problems.append(f"{filename}: warnings {found['warning']}, expected {expected.get('warnings', [])}")
    if report.broken:
        problems.append(f"{filename}: a rule failed: {[one.reason for one in report.not_judged]}")
    return problems


def updated(expected: dict[str, Any], report: Report) -> dict[str, Any]:
    """The entry of a wheel as it came out, with the reasons that are known."""
    found = verdict(report)
    reasons = expected.get("errors", {})
    entry: dict[str, Any] = {}
    if found["error"]:
        entry["errors"] = {rule: reasons.get(rule, UNREVIEWED) for rule in found["error"]}
    if found["warning"]:
        entry["warnings"] = found["warning"]
    return entry


def main() -> int:
    """Compare or update."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    expected: dict[str, dict[str, Any]] = json.loads(EXPECTED.read_text("utf-8"))
    problems = []
    entries = dict(expected)
    rows = wanted(short=arguments.short)
    for row in rows:
        filename = row["filename"]
        path = arguments.folder / filename
        if not path.exists():
            problems.append(f"{filename}: not fetched")
            continue
        report = audit(path)
        problems += differences(filename, expected.get(filename, {}), report)
        entries[filename] = updated(expected.get(filename, {}), report)
    if arguments.update:
        kept = {name: entry for name, entry in sorted(entries.items()) if entry}
        EXPECTED.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
        print(f"wrote {EXPECTED.name}: {len(kept)} wheels with errors or warnings")
        return 0
    for problem in problems:
        print(problem)
    print(f"{len(rows)} wheels, {len(problems)} differences from the judged list")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
