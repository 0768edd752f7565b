"""Wheels that real programs refuse are errors: pip, uv and installer install every anomaly, packaging reads names."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from auditor import audit
from auditor.findings import Severity
from tests.builders import DEMO, build_wheel
from tests.differential import programs
from tests.differential.anomalies import ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders import BuiltWheel
    from tests.differential.programs import Answers

WHEELS: dict[str, BuiltWheel] = {"00 clean": build_wheel(DEMO), **{label: row.wheel for label, row in ROWS.items()}}

EXPLAINED: Mapping[str, str] = (
    dict.fromkeys(
        (label for label in ROWS if label.startswith("52")),
        "Windows cannot hold the name, and other systems can: that is a warning",
    )
    if sys.platform == "win32"
    else {}
)
"""Wheels that a program may refuse on this system without an error of ours, each with the reason."""

PROGRAMS = {
    "pip": programs.pip_answers,
    "uv": programs.uv_answers,
    "installer": programs.installer_answers,
}


@pytest.fixture(scope="module", params=PROGRAMS)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What a program says to every wheel."""
    program: str = request.param
    return PROGRAMS[program](WHEELS, tmp_path_factory.mktemp(program))


def has_error(wheel: BuiltWheel) -> bool:
    """Whether the audit finds an error."""
    return audit(wheel.data, filename=wheel.filename).count(Severity.ERROR) > 0


def test_the_clean_wheel_is_installed(answers: Answers) -> None:
    """Each program installs the wheel that the others are made from, so that a refusal is due to the anomaly."""
    assert answers["00 clean"] is None


def test_each_program_refuses_some(answers: Answers) -> None:
    """Each program was given every wheel, and refuses a good part: it did run, and it did look at them."""
    assert set(answers) == set(WHEELS)
    assert 10 < sum(reason is not None for reason in answers.values()) < len(WHEELS) - 10


def test_what_a_program_refuses_is_an_error(answers: Answers) -> None:
    """No wheel that a program refuses passes without an error, but where a reason is written down."""
    refused = {label: reason for label, reason in answers.items() if reason is not None and label not in EXPLAINED}
    assert {label: reason for label, reason in refused.items() if not has_error(WHEELS[label])} == {}


FILENAMES = (
    "demo-1.0-py3-none-any.whl",
    "demo-1.0-1-py3-none-any.whl",
    "demo-1.0-1abc-py3-none-any.whl",
    "demo-1.0-py2.py3-none-any.whl",
    "demo-1.0-cp311-cp311-manylinux_2_17_x86_64.whl",
    "demo-1.0.whl",
    "demo-1.0-q-py3-none-any.whl",
    "demo-0.4test1-py3-none-any.whl",
    "demo-1.x-py3-none-any.whl",
    "demo__x-1.0-py3-none-any.whl",
    "demo#x-1.0-py3-none-any.whl",
    "demo-1.0-py3-none-any-x.whl",
    "demo-1.0-py3-none-any.wheel",
    "demo-1.0-py3-none-.whl",
    "demo-1.0--none-any.whl",
    "demo-1.0-py3.-none-any.whl",
    "-1.0-py3-none-any.whl",
)


@pytest.mark.parametrize("filename", FILENAMES)
def test_a_name_that_packaging_refuses_is_an_error(filename: str) -> None:
    """A file name that packaging does not parse, and so no installer, is an error."""
    try:
        parse_wheel_filename(filename)
    except InvalidWheelFilename:
        assert audit(build_wheel(DEMO).data, filename=filename).failed


@pytest.mark.parametrize("module", ["pip", "uv"])
def test_a_program_that_is_missing_is_named(module: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without pip or uv the tests fail with a message that says what to install."""
    folder = tmp_path_factory.mktemp("missing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder))
        patch.setattr(sys, "executable", sys.executable if module == "pip" else str(folder / "python"))
        patch.setattr(programs, "_PIP", "import no_such_module")
        with pytest.raises(programs.MissingProgramError, match=f"{module} must be installed"):
            PROGRAMS[module]({}, folder)
