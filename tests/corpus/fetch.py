#!/usr/bin/env python3
"""Fetch the corpus of real wheels: the files of wheels.tsv, from the package index that pip is set up for.

    python -m tests.corpus.fetch DIR             # 258 wheels, 1.1 GB
    python -m tests.corpus.fetch DIR --short     # those that the short run needs, 6 MB
    python -m tests.corpus.fetch DIR --sets      # with the others: three small releases, whole, 11 MB
    python -m tests.corpus.fetch DIR --loadable  # those whose modules the short run loads with dlopen, 48 MB

Each file is checked against its SHA-256; what is there already is left alone, so an interrupted run resumes.
Ends with 0 where all files are there, else with 1 and the names of those that are not. DIR lies outside of the
repository: no wheel of other people is committed.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import hashlib
import html
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
SHORT_TOTAL = 6_000_000
"""Bytes of the short corpus: the smallest wheels, those with a known verdict first."""
LOADABLE_LARGEST = 13_000_000
"""Bytes of the largest wheel whose modules the short run loads."""
_LINK = re.compile(r"""<a\s[^>]*?href\s*=\s*["']([^"']+)["'][^>]*>([^<]+)</a>""", re.IGNORECASE)
_TIMEOUT = 60
_TRIES = 3


def wanted(*, short: bool) -> list[dict[str, str]]:
    """The rows of wheels.tsv that are asked for."""
    with (HERE / "wheels.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    if not short:
        return rows
    chosen, total = [], 0
    for row in sorted(rows, key=lambda row: (not row["known"], int(row["size"]))):
        if total + int(row["size"]) <= SHORT_TOTAL:
            chosen.append(row)
            total += int(row["size"])
    return chosen


def is_loadable(filename: str) -> bool:
    """Whether a wheel is for CPython 3 on glibc and x86_64: its modules can be tried where the tests run."""
    python, abi, platform = filename.removesuffix(".whl").split("-")[-3:]
    if "manylinux" not in platform or not platform.endswith("x86_64"):
        return False
    return "pypy" not in abi and abi != "none" and not python.startswith("cp2")


def loadable() -> list[dict[str, str]]:
    """The rows whose modules the short run loads."""
    return [row for row in wanted(short=False) if is_loadable(row["filename"]) and int(row["size"]) <= LOADABLE_LARGEST]


SMALL_SETS = (("markupsafe", "1.1.0"), ("ninja", "1.13.2"), ("psutil", "6.0.0"))
"""Whole releases of 61 wheels and 11 MB together, whose matrix the short run holds against pip."""


def small_sets() -> list[dict[str, str]]:
    """The rows of the small whole releases."""
    return [row for row in wanted(short=False) if (row["project"].lower(), row["version"]) in SMALL_SETS]


def index_url() -> str:
    """The simple index that pip uses here."""
    for source in (["config", "get", "global.index-url"], ["config", "get", "install.index-url"]):
        shown = subprocess.run([sys.executable, "-m", "pip", *source], capture_output=True, text=True, check=False)
        if shown.returncode == 0:
            return shown.stdout.strip().rstrip("/")
    if url := os.environ.get("PIP_INDEX_URL"):
        return url.rstrip("/")
    from pip._internal.models.index import PyPI

    return str(PyPI.simple_url).rstrip("/")


def read_url(url: str) -> bytes:
    """The body behind a URL, tried a few times."""
    for attempt in range(_TRIES):
        try:
            request = urllib.request.Request(url, headers={"Accept": "text/html"})  # noqa: S310 -- pip's own index
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310
                body: bytes = answer.read()
                return body
        except (urllib.error.URLError, TimeoutError, ConnectionError):  # noqa: PERF203 -- that is what a retry is
            if attempt == _TRIES - 1:
                raise
    raise AssertionError


def links(index: str, project: str) -> dict[str, str]:
    """File name -> URL of every file of a project."""
    page = f"{index}/{re.sub(r'[-_.]+', '-', project).lower()}/"
    text = read_url(page).decode()
    found = {}
    for href, name in _LINK.findall(text):
        found[html.unescape(name).strip()] = urllib.parse.urljoin(page, html.unescape(href)).partition("#")[0]
    return found


def fetch_project(index: str, project: str, rows: list[dict[str, str]], folder: Path) -> list[str]:
    """Bring the files of one project; what is wrong with those that did not come."""
    missing = [row for row in rows if not matches(folder / row["filename"], row["sha256"])]
    if not missing:
        return []
    try:
        urls = links(index, project)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        return [f"{row['filename']}: the index page cannot be read ({error})" for row in missing]
    problems = []
    for row in missing:
        url = urls.get(row["filename"])
        try:
            body = read_url(url) if url else b""
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            problems.append(f"{row['filename']}: {error}")
            continue
        if hashlib.sha256(body).hexdigest() != row["sha256"]:
            problems.append(f"{row['filename']}: {'other bytes than expected' if url else 'not on the index'}")
            continue
        part = folder / f"{row['filename']}.part"
        part.write_bytes(body)
        part.replace(folder / row["filename"])
    return problems


def matches(path: Path, sha256: str) -> bool:
    """Whether the file is there with these bytes."""
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def main() -> int:
    """Fetch, and say what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--loadable", action="store_true")
    parser.add_argument("--sets", action="store_true", help="also the small whole releases")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    rows = wanted(short=arguments.short) if arguments.short or not arguments.loadable else []
    rows += [row for row in loadable() if row not in rows] if arguments.loadable else []
    rows += [row for row in small_sets() if row not in rows] if arguments.sets else []
    by_project: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_project.setdefault(row["project"], []).append(row)
    index = index_url()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tasks = [pool.submit(fetch_project, index, *item, arguments.folder) for item in by_project.items()]
        problems = [problem for task in tasks for problem in task.result()]
    for problem in problems:
        print(f"missing: {problem}", file=sys.stderr)
    print(f"{len(rows) - len(problems)} of {len(rows)} wheels are there")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
