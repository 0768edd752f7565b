"""What docs/how-to/fix.md tells maintainers to do, done: the finding is there before, and afterwards nothing is.

The build backends, compilers and repair tools are real. What comes from PyPI is in the dependency group `remedies`; a
tool that is missing fails the test.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import pytest

from auditor import Report, Severity, audit, load_settings
from tests.cli.command import REPOSITORY
from tests.remedies import crate, foreign, native, packaging
from tests.remedies.workshop import BuildError, built

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from tests.remedies.model import Build, Remedy

    WheelOf = Callable[[Build], Path]

pytestmark = [
    pytest.mark.crate,
    pytest.mark.skipif(
        (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the tags are those of Linux on x86_64"
    ),
]

ALL = (*native.REMEDIES, *packaging.REMEDIES, *foreign.REMEDIES, *crate.REMEDIES)
PAGE = (REPOSITORY / "docs" / "how-to" / "fix.md").read_text("utf-8")


@pytest.fixture(scope="module")
def wheel_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WheelOf]:
    """The wheel of a build; all that the chosen tests need are built side by side, and the same build only once."""
    chosen = [item for item in request.session.items if isinstance(item, pytest.Function)]
    remedies = [cast("Remedy", one.callspec.params["remedy"]) for one in chosen if "wheel_of" in one.fixturenames]
    cache = tmp_path_factory.mktemp("cache")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made: dict[str, Future[Path]] = {}
        for build in [build for remedy in remedies for build in (remedy.wrong, remedy.right)]:
            if repr(build) not in made:
                made[repr(build)] = pool.submit(built, build, tmp_path_factory.mktemp("project"), cache)

        def wheel(build: Build) -> Path:
            try:
                return made[repr(build)].result()
            except BuildError as error:
                pytest.fail(str(error))

        yield wheel
        pool.shutdown(cancel_futures=True)
    shutil.rmtree(cache)


def found(report: Report) -> list[str]:
    """The rules of all findings, infos too, and of what could not be judged."""
    assert not report.broken
    return sorted([one.rule for one in report.findings] + [one.rule for one in report.not_judged])


@pytest.mark.parametrize(
    "remedy",
    [pytest.param(one, id=one.identifier, marks=[pytest.mark.slow] if one.slow else []) for one in ALL],
)
def test_a_remedy_mends_the_fault_and_brings_no_other(remedy: Remedy, wheel_of: WheelOf, tmp_path: Path) -> None:
    """The faulty wheel has that finding, the mended one has not, and no other but infos that are named."""
    assert found(audit(wheel_of(remedy.wrong))) == sorted((*remedy.rules, *remedy.beside))
    settings = tmp_path / "wheel-audit.toml"
    settings.write_text(remedy.settings, "utf-8")
    report = audit(wheel_of(remedy.right), settings=load_settings(settings))
    assert found(report) == sorted((*remedy.beside, *remedy.comes)), report.findings
    assert {one.severity for one in report.findings if one.rule in remedy.comes} <= {Severity.INFO}


@pytest.mark.parametrize("remedy", ALL, ids=lambda remedy: remedy.identifier)
def test_the_page_says_what_was_done(remedy: Remedy) -> None:
    """The rule is linked in a section of the page that has the words of the remedy."""
    sections = [one for one in re.split(r"(?m)^(?=## )", PAGE) if f"](#{remedy.rules[0]})" in one]
    assert sections, remedy.rules[0]
    flat = [" ".join(one.split()) for one in sections]
    assert any(all(words in one for words in remedy.words) for one in flat), remedy.words


def test_every_remedy_has_its_name() -> None:
    """No two remedies are called the same."""
    names = [one.identifier for one in ALL]
    assert len(names) == len(set(names))
