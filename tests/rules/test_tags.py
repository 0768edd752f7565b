"""Family `tags` as a whole: wheels of which no rule on tags speaks, and how the findings are worded."""

from __future__ import annotations

import pytest

from tests.builders import extension_spec
from tests.rules.helpers import assert_house_style, report, rules_hit
from tests.rules.tags_helpers import LINUX, native, tagged

# --------------------------------------------------------------------------------------------------------- clean wheels

CLEAN = (
    f"cp311-cp311-{LINUX}",
    "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64",
    "cp38-abi3-musllinux_1_2_aarch64",
    "cp313-cp313t-macosx_11_0_arm64",
    "cp312-cp312-macosx_10_9_universal2",
    "cp312-cp312-macosx_10_9_x86_64",
    "cp39-abi3-win_amd64",
    "cp312-cp312-win_arm64",
    "cp310-cp310-win32",
    "cp314-cp314-ios_13_0_arm64_iphoneos",
    "cp314-cp314-ios_13_0_x86_64_iphonesimulator",
    "cp313-cp313-android_24_arm64_v8a",
    "cp311-cp311-manylinux_2_31_riscv64",
    "cp315-abi3.abi3t-manylinux_2_17_x86_64",
)
"""Extension wheels in which nothing is wrong."""


@pytest.mark.parametrize("tags", CLEAN)
def test_no_rule_on_tags_speaks_of_a_clean_extension_wheel(tags: str) -> None:
    """The usual wheels of every platform pass every rule of the family but the one that looks for wider tags."""
    assert rules_hit(extension_spec(tags), "tags") <= {"tag-wider-possible"}


@pytest.mark.parametrize(
    "tags",
    ["py3-none-any", "py2.py3-none-any", "py38-none-any", "py2-none-any", "pp3-none-any", "ip27-none-any"],
)
def test_no_rule_on_tags_speaks_of_a_clean_pure_wheel(tags: str) -> None:
    """Generic tags, and those of implementations that are not known here, are nobody's fault."""
    assert not rules_hit(tagged(tags), "tags")


@pytest.mark.parametrize(
    ("tags", "like"),
    [
        (f"cp27-cp27mu-{LINUX}", f"cp311-cp311-{LINUX}"),
        ("cp27-cp27m-win_amd64", "cp311-cp311-win_amd64"),
        (f"cp36-cp36m-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"pp310-pypy310_pp73-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"pp27-pypy_73-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"graalpy311-graalpy242_311_native-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"graalpy38-graalpy_38_native-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"py3-none-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"py2.py3-none-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"cp311-none-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"pp310-none-{LINUX}", f"cp311-cp311-{LINUX}"),
        ("cp311-cp311-linux_armv7l", "cp311-cp311-linux_armv7l"),
        ("cp312-cp312d-win_amd64", "cp312-cp312-win_amd64"),
    ],
)
def test_rare_tags_that_some_interpreter_selects_are_clean(tags: str, like: str) -> None:
    """Python 2, PyPy, GraalPy, debug builds and packages that load their library themselves have tags of their own."""
    assert rules_hit(native(tags, like=like), "tags") <= {"tag-wider-possible"}


# ---------------------------------------------------------------------------------------------------------- house style


def test_findings_on_tags_keep_the_house_style() -> None:
    """Every message of the family is worded as the others are, and says what to do."""
    several = (
        tagged("PY3.-none-linux_x86_64.win32"),
        tagged("py3.py2-none-any.win32"),
        tagged("cp311-cp311-macosx_10_15_arm64"),
        tagged("cp311-cp311-manylinux_2_99_x86_64"),
        tagged(f"py3-abi3-{LINUX}"),
        tagged(f"cp38.cp39.py3-abi3-{LINUX}"),
        tagged(f"cp313-abi3t-{LINUX}"),
        tagged("cp312-none-any"),
        native("cp311-cp311-manylinux_2_28_x86_64"),
        native("cp311-cp311-manylinux_2_17_x86_64.musllinux_1_2_x86_64", like=f"cp311-cp311-{LINUX}"),
        native("cp311-none-any", like=f"cp311-cp311-{LINUX}"),
    )
    found = [one for wheel in several for one in report(wheel).findings if one.family == "tags"]
    assert_house_style(found)
    assert len({one.rule for one in found}) == 14
