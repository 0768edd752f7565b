"""Good wheels under other names: the bytes stay, the promises change, and the rule that answers is named.

Where only the name changes, WHEEL no longer agrees with it, so `wheel-tag-mismatch` is always there; the other rules
are about what the binary cannot keep. A table row is a mistake that a release script can make.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from typing import TYPE_CHECKING

import pytest

from auditor import Report, Severity, audit
from tests.cli.command import WHEELS

if TYPE_CHECKING:
    from pathlib import Path

PREFIX = "my_extension-0.1.0-"
HOST = "cp311-cp311-manylinux_2_34_x86_64"
ABI3 = "cp39-abi3-manylinux_2_34_x86_64"
OLD_X86 = "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64"
OLD_ARM = "cp311-cp311-manylinux2014_aarch64.manylinux_2_17_aarch64"
MUSL = "cp311-cp311-musllinux_1_2_x86_64"
MAC_ARM = "cp311-cp311-macosx_11_0_arm64"
MAC_X86 = "cp311-cp311-macosx_10_12_x86_64"
WIN = "cp313-cp313-win_amd64"
WIN_ARM = "cp313-cp313-win_arm64"

MISTAKES = [
    # No index takes what was built for one machine's Linux.
    (HOST, "cp311-cp311-linux_x86_64", "platform-not-on-pypi"),
    (ABI3, "cp39-abi3-linux_x86_64", "platform-not-on-pypi"),
    # An older glibc than the build machine's.
    (HOST, "cp311-cp311-manylinux2014_x86_64", "glibc-newer-than-tag"),
    (HOST, "cp311-cp311-manylinux_2_17_x86_64", "glibc-newer-than-tag"),
    (HOST, "cp311-cp311-manylinux_2_33_x86_64", "glibc-newer-than-tag"),
    (ABI3, "cp39-abi3-manylinux2014_x86_64", "glibc-newer-than-tag"),
    # Another libc.
    (HOST, "cp311-cp311-musllinux_1_2_x86_64", "libc-mismatch"),
    (MUSL, HOST, "libc-mismatch"),
    # Another Python.
    (HOST, "cp312-cp312-manylinux_2_34_x86_64", "extension-suffix-mismatch"),
    (HOST, "cp311-abi3-manylinux_2_34_x86_64", "extension-suffix-mismatch"),
    (HOST, "pp311-pypy311_pp73-manylinux_2_34_x86_64", "extension-suffix-mismatch"),
    (MAC_ARM, "cp312-cp312-macosx_11_0_arm64", "extension-suffix-mismatch"),
    (WIN, "cp314-cp314-win_amd64", "extension-suffix-mismatch"),
    # With and without the global interpreter lock.
    ("cp314-cp314-manylinux_2_34_x86_64", "cp314-cp314t-manylinux_2_34_x86_64", "extension-suffix-mismatch"),
    ("cp314-cp314t-manylinux_2_34_x86_64", "cp314-cp314-manylinux_2_34_x86_64", "extension-suffix-mismatch"),
    # Another machine.
    (HOST, "cp311-cp311-manylinux_2_34_aarch64", "binary-wrong-arch"),
    (HOST, "cp311-cp311-manylinux_2_34_i686", "binary-wrong-arch"),
    (OLD_ARM, OLD_X86, "binary-wrong-arch"),
    (WIN, WIN_ARM, "binary-wrong-arch"),
    (WIN, "cp313-cp313-win32", "binary-wrong-arch"),
    (WIN_ARM, WIN, "binary-wrong-arch"),
    (MAC_ARM, MAC_X86, "binary-wrong-arch"),
    (MAC_X86, MAC_ARM, "binary-wrong-arch"),
    (MAC_ARM, "cp311-cp311-macosx_11_0_universal2", "macos-arch-missing"),
    # An older macOS.
    (MAC_X86, "cp311-cp311-macosx_10_9_x86_64", "macos-newer-than-tag"),
    # Another system.
    (HOST, MAC_ARM, "binary-wrong-format"),
    (MAC_ARM, HOST, "binary-wrong-format"),
    (WIN, "cp313-cp313-manylinux_2_34_x86_64", "binary-wrong-format"),
    # No promise at all.
    (HOST, "py3-none-any", "native-in-any"),
    (WIN, "py3-none-any", "native-in-any"),
]
every_mistake = pytest.mark.parametrize(
    ("built", "named", "rule"), MISTAKES, ids=[f"{built} as {named}" for built, named, _ in MISTAKES]
)


def content(tags: str) -> bytes:
    """The bytes of the good wheel with these tags."""
    return (WHEELS / "good" / f"{PREFIX}{tags}.whl").read_bytes()


def errors(report: Report) -> set[str]:
    """The rules of the errors."""
    return {finding.rule for finding in report.findings if finding.severity is Severity.ERROR}


def retagged(built: str, tags: str) -> bytes:
    """The wheel with WHEEL and RECORD rewritten for the tags, as `wheel tags` would."""
    source = zipfile.ZipFile(io.BytesIO(content(built)))
    members = {name: source.read(name) for name in source.namelist()}
    (path,) = (name for name in members if name.endswith(".dist-info/WHEEL"))
    record = path.removesuffix("WHEEL") + "RECORD"
    python, abi, platforms = tags.split("-")
    lines = [line for line in members[path].decode().splitlines() if not line.startswith("Tag:")]
    lines += [f"Tag: {python}-{abi}-{platform}" for platform in platforms.split(".")]
    members[path] = ("\n".join(line for line in lines if line) + "\n").encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(members[path]).digest()).rstrip(b"=").decode()
    row = f"{path},sha256={digest},{len(members[path])}"
    members[record] = re.sub(rf"(?m)^{re.escape(path)},.*$", row, members[record].decode()).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, text)
    return target.getvalue()


@every_mistake
def test_a_renamed_wheel_is_found_out(built: str, named: str, rule: str) -> None:
    """A wheel that is only renamed contradicts WHEEL and, by the rule of the row, its own binary."""
    report = audit(content(built), filename=f"{PREFIX}{named}.whl")
    assert {rule, "wheel-tag-mismatch"} <= errors(report)
    assert report.failed


@every_mistake
def test_a_retagged_wheel_is_found_out(built: str, named: str, rule: str) -> None:
    """Where WHEEL and RECORD were changed along with the name, the binary alone gives the mistake away."""
    report = audit(retagged(built, named), filename=f"{PREFIX}{named}.whl")
    assert rule in errors(report)
    assert not {one for one in errors(report) if one.startswith(("wheel-", "record-", "zip-"))}


@pytest.mark.parametrize("path", sorted((WHEELS / "good").glob("*.whl")), ids=lambda path: path.stem[len(PREFIX) :])
def test_the_right_tags_again_are_clean(path: Path) -> None:
    """The rewriting of this file by itself plants no fault: with the tags that it had, a wheel stays clean."""
    tags = path.stem.removeprefix(PREFIX)
    report = audit(retagged(tags, tags), filename=f"{PREFIX}{tags}.whl")
    assert [finding for finding in report.findings if finding.severity is not Severity.INFO] == []


@pytest.mark.parametrize(
    ("built", "named"),
    [
        (OLD_X86, "cp311-cp311-manylinux_2_28_x86_64"),
        (OLD_X86, "cp311-cp311-manylinux_2_34_x86_64"),
        (MAC_X86, "cp311-cp311-macosx_10_15_x86_64"),
        (MAC_ARM, "cp311-cp311-macosx_14_0_arm64"),
        (ABI3, "cp311-abi3-manylinux_2_34_x86_64"),
    ],
)
def test_a_narrower_promise_is_kept(built: str, named: str) -> None:
    """To promise less than the binary keeps is no error: newer systems and newer Pythons take it too."""
    assert errors(audit(retagged(built, named), filename=f"{PREFIX}{named}.whl")) == set()
