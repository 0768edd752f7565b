"""Compare the facts with LIEF, pyelftools, pefile and abi3audit over a folder of wheels.

    python -m tests.oracles DIR            # every wheel of tests/corpus/wheels.tsv, and tests/wheels/good
    python -m tests.oracles DIR --short    # the short corpus, and no file of more than 1.5 MB
    python -m tests.oracles DIR --jobs 4   # so many processes; each has one native file in memory

differences.json explains, by file, field and oracle, each difference that is the oracle's own. Ends with 1 where a
difference has no explanation, or an explanation no difference.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import sys
from functools import partial
from pathlib import Path

from tests.corpus.fetch import wanted
from tests.oracles.check import SHORT_LARGEST, Outcome, check_wheel, verdict

GOOD = Path(__file__).parents[1] / "wheels" / "good"


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    arguments = parser.parse_args()
    wheels = [arguments.folder / row["filename"] for row in wanted(short=arguments.short)]
    absent = [wheel.name for wheel in wheels if not wheel.exists()]
    if absent:
        print(f"not fetched: {', '.join(absent)}", file=sys.stderr)
        return 1
    outcome = Outcome()
    check = partial(check_wheel, largest=SHORT_LARGEST if arguments.short else None)
    paths = sorted(GOOD.glob("*.whl")) + sorted(wheels, key=lambda path: -path.stat().st_size)
    with concurrent.futures.ProcessPoolExecutor(arguments.jobs) as pool:
        for part in pool.map(check, paths):
            outcome.add(part)
    problems, notes = verdict(outcome)
    for note in notes:
        print(f"note: {note}")
    for problem in problems:
        print(problem)
    compared = ", ".join(f"{name} {count}" for name, count in sorted(outcome.files.items()))
    print(f"{outcome.wheels} wheels: {compared}; {len(outcome.differences)} differences, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
