#!/usr/bin/env python3
"""Measure the audit: CPU time a gigabyte and peak memory over real wheels, and CPU time for one small wheel.

    python benchmarks/audit.py DIR            # every *.whl in DIR, one process, one core
    python benchmarks/audit.py DIR --runs 5   # the small wheel in 5 child processes (default 11)

The times are of the processor, not of the clock. `floor` is what inflate, CRC-32 and SHA-256 alone take over the same
members in the same run: the ratio to it is what can be compared between machines. The targets stand beside the figures;
nothing fails here, for machines differ.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import subprocess
import sys
import time
from pathlib import Path

from auditor import WheelFacts, judge, read_wheel
from auditor.archive.inflate import read_content
from auditor.archive.source import open_path
from auditor.archive.zip import read_framing
from auditor.facts.archive import NATIVE_KINDS

ROOT = Path(__file__).resolve().parent.parent
MEGABYTE = 1_000_000


def peak_memory() -> float:
    """The peak resident memory of this process, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MEGABYTE if sys.platform == "darwin" else peak * 1024 / MEGABYTE


def floor(wheels: list[Path]) -> float:
    """CPU seconds for inflate, CRC-32 and SHA-256 of every member, and SHA-256 of every wheel."""
    started = time.process_time()
    for wheel in wheels:
        source = open_path(str(wheel))
        hashlib.sha256(wheel.read_bytes()).digest()
        for entry in read_framing(source).entries:
            if entry.data_offset is not None:
                central = entry.central
                read_content(
                    source,
                    entry.data_offset,
                    central.compressed_size,
                    central.size,
                    central.method,
                    budget=1 << 62,
                    keep=lambda _: False,
                )
        source.close()
    return time.process_time() - started


def measure(wheels: list[Path]) -> None:
    """Read and judge every wheel, and print the figures."""
    reading = judging = 0.0
    largest = 0
    for wheel in wheels:
        started = time.process_time()
        facts = read_wheel(wheel)
        read = time.process_time()
        judge(facts)
        judging += time.process_time() - read
        reading += read - started
        largest = max(largest, largest_native(facts))
    memory = peak_memory()
    total = sum(wheel.stat().st_size for wheel in wheels) / 1e9
    least = floor(wheels)
    whole = reading + judging
    print(f"{len(wheels)} wheels, {total:.3f} GB")
    print(f"  CPU            {whole:8.2f} s   {whole / total:6.2f} s/GB   (target: at most 20 s/GB)")
    print(f"    reading      {reading:8.2f} s   {reading / total:6.2f} s/GB")
    print(f"    judging      {judging:8.2f} s   {judging / total:6.2f} s/GB")
    print(f"  floor          {least:8.2f} s   {least / total:6.2f} s/GB   ratio {whole / least:.2f}")
    print(f"  peak memory    {memory:8.1f} MB, largest native member {largest / MEGABYTE:.1f} MB", end="")
    print(f"   over it {memory - largest / MEGABYTE:.1f} MB (target: at most 150)")


def largest_native(facts: WheelFacts) -> int:
    """Bytes of the largest native member."""
    return max((member.size for member in facts.members if member.content in NATIVE_KINDS), default=0)


def start_up(runs: int) -> None:
    """The CPU time of the command over one small wheel, start-up included, in child processes."""
    wheel = min((ROOT / "tests" / "wheels" / "good").glob("*.whl"))
    times = []
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "auditor", str(wheel)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    times.sort()
    print(f"one small wheel ({wheel.stat().st_size} bytes), {runs} runs of the command")
    low, middle, high = (1000 * times[index] for index in (0, runs // 2, -1))
    print(f"  CPU            min {low:.0f} ms, median {middle:.0f} ms, max {high:.0f} ms   (target: below 200)")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=11)
    arguments = parser.parse_args()
    wheels = sorted(arguments.folder.glob("*.whl"))
    if not wheels:
        sys.exit(f"no wheels in {arguments.folder}")
    measure(wheels)
    start_up(arguments.runs)


if __name__ == "__main__":
    main()
