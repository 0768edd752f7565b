"""Family `linux`: auditwheel says of the same wheels what we say of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from auditor import audit
from tests.rules.linux_helpers import MOVED, asking, cxx, libc
from tests.rules.native_helpers import judged, loud, native, params

if TYPE_CHECKING:
    from tests.builders import ElfImport

GOOD = Path(__file__).parents[1] / "wheels" / "good"


def _auditwheel(path: Path) -> dict[str, object]:
    """What auditwheel says of a wheel. Where it cannot run, the test fails: it is a dependency of the test suite."""
    command = [sys.executable, "-m", "auditwheel", "show", "--json", str(path)]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    answer: dict[str, object] = json.loads(shown.stdout)
    return answer


def _glibc(tag: str) -> tuple[int, ...]:
    return tuple(int(part) for part in tag.removeprefix("manylinux_").split("_")[:2])


GOOD_MANYLINUX = {path.name.split("-", 2)[2][:-4]: path for path in sorted(GOOD.glob("*manylinux*.whl"))}


@pytest.mark.parametrize("path", params(GOOD_MANYLINUX))
def test_auditwheel_agrees_on_the_good_wheels(path: Path) -> None:
    """For each shipped manylinux wheel auditwheel's tag is at most as new as the promised one, as our silence says."""
    told = _auditwheel(path)
    floors = {"glibc-newer-than-tag", "libstdcxx-newer-than-tag", "library-outside-policy", "libc-mismatch"}
    assert not floors & {one.rule for one in audit(path).findings}
    promised = min(_glibc(tag) for tag in path.stem.rsplit("-", 1)[1].split(".") if tag.startswith("manylinux_"))
    assert _glibc(str(told["overall_tag"])) <= promised
    assert told["external_libs"] == {}


def test_auditwheel_agrees_on_the_good_musllinux_wheel() -> None:
    """auditwheel reads the shipped musllinux wheel as one; for musl's `libc.so` it looks on the machine it runs on."""
    (path,) = GOOD.glob("*musllinux*.whl")
    told = _auditwheel(path)
    assert str(told["sym_tag"]).startswith("musllinux_1_")
    assert told["external_libs"] in ({}, {"libc.so": None})
    assert loud(audit(path)) == []


def test_the_good_wheels_are_there() -> None:
    """The comparison with auditwheel is about wheels, and not about an empty directory."""
    assert len(GOOD_MANYLINUX) >= 8


FLOORS = {
    "memcpy-2.14": ((libc("memcpy", "GLIBC_2.14"),), (2, 17)),
    "pow-2.29": ((libc("pow", "GLIBC_2.29", library="libm.so.6"),), (2, 31)),
    "arc4random-2.36": ((libc("arc4random", "GLIBC_2.36"),), (2, 36)),
    "glibcxx-3.4.21": ((cxx(MOVED, "GLIBCXX_3.4.21"),), (2, 24)),
    "cxxabi-1.3.13": ((cxx("_ZNSt15__exception_ptr13exception_ptr9_M_addrefEv", "CXXABI_1.3.13"),), (2, 34)),
    "libatomic-1.0": ((cxx("__atomic_load", "LIBATOMIC_1.0", library="libatomic.so.1"),), (2, 24)),
    "zlib-1.2.9": ((cxx("adler32_z", "ZLIB_1.2.9", library="libz.so.1"),), (2, 27)),
    "weak-symbol": ((libc("stat", "GLIBC_2.33", weak=True),), (2, 34)),
}
POLICIES = ((2, 5), (2, 12), (2, 17), (2, 24), (2, 26), (2, 27), (2, 28), (2, 31), (2, 34), (2, 35), (2, 36), (2, 39))


@pytest.mark.parametrize(("imports", "expected"), [pytest.param(*case, id=name) for name, case in FLOORS.items()])
def test_auditwheel_agrees_on_planted_floors(
    imports: tuple[ElfImport, ...], expected: tuple[int, int], tmp_path: Path
) -> None:
    """Our rules complain under exactly the policies that lie below the one that auditwheel finds."""
    path = asking(*imports).write(tmp_path)
    floor = _glibc(str(_auditwheel(path)["sym_tag"]))
    assert floor == expected
    for version in POLICIES:
        tags = f"cp311-cp311-manylinux_{version[0]}_{version[1]}_x86_64"
        rules = {one.rule for one in native(judged(asking(*imports, tags=tags)))}
        assert bool(rules & {"glibc-newer-than-tag", "libstdcxx-newer-than-tag"}) is (version < floor), version
