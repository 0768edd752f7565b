"""What the build left in the native files of a wheel and nobody needs: debugging information, paths of its machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.rules.context import Role
from auditor.rules.grafted import is_grafted
from auditor.rules.rule import INFO, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_MUCH = 1_000_000
"""Bytes of debugging information from which on the wheel is larger than it need be."""
_SOME = 100_000
"""Less is not worth a word: start-up code of the C library brings up to 629 bytes, a module of MarkupSafe 24,000."""
_SHARE = 10
"""Per cent of the native files: parts of a static library that has debugging information are less."""

_HOME = re.compile(r"(?:[A-Za-z]:)?[/\\](?:home|users)[/\\]([^/\\]+)", re.IGNORECASE)
_ACCOUNTS = """
root runner runner~1 runneradmin runnera~1 builder build builds builduser buildbot buildozer buildkite-agent circleci
distiller travis vsts vstsagent azdevops azureuser cloudtest github gha actions jenkins teamcity gitlab-runner gitlab
bamboo appveyor cirrus drone semaphore woodpecker codebuild-user ci cibot bot containeradministrator containeruser
administrator admini~1 admin system default public shared guest ec2-user ubuntu debian centos fedora almalinux rocky
alpine opensuse arch archlinux vagrant docker podman packer kokoro kbuilder swarming chrome-bot chromium mockbuild koji
abuild pbuilder sbuild nixbld linuxbrew homebrew brew conda conda-bld mambauser miniconda user username me you someone
nobody nonroot worker work workspace app code dev developer devel project src source home opt tmp temp test tests
testuser tester qt py python wheel wheels manylinux rust cargo node go golang jovyan vscode codespace gitpod
"""
"""Accounts of CI services, containers and build systems, and names that stand for anybody. `qt` builds Qt."""
_NOBODYS = frozenset(_ACCOUNTS.split())
_SERVICE = re.compile(r"runner|build|jenkins|agent|service|^svc|^ci[-_]|[-_]ci$|bot$|container|\$", re.IGNORECASE)
"""What names of such accounts have in them."""


@rule("debug-info", severity=WARNING, since="0.1")
def debug_info(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The binaries hold debugging information.

    **What it checks.** Sections `.debug_*` of ELF and PE files and `__DWARF` segments of Mach-O files have together
    less than 1 MB, or less than a tenth of what the native files have. From 100 kB on, it is an info. Symbol tables are
    not counted, nor are files of debugging information alone.

    **Why it matters.** Everybody downloads it, nobody's interpreter reads it. It is often four fifths of a file, it
    counts against the upload limits of PyPI, and it names the directories of the build machine.

    **How to fix.** Strip: `auditwheel repair --strip`, `[profile.release] strip = true` in Cargo.toml, or the linker
    flag `-Wl,--strip-debug` (`LDFLAGS`); setuptools: `extra_compile_args=["-g0"]`, for Python's own flags have `-g`.
    The variable `CFLAGS` replaces those flags (seen from setuptools 80 on), `-O3` and `-DNDEBUG` with them.

    **Limits.** A wheel may hold it on purpose, for stack traces and profilers.

    **References.** DWARF 5, appendix B; strip(1).
    """
    sizes = {member.name: member.size for member in wheel.members}
    found: dict[str, int] = {}
    native = 0
    for binary in wheel.binaries:
        if context.roles[binary.member] is Role.OTHER:
            continue
        native += sizes.get(binary.member, 0)
        size = sum(part.detail.debug_size for part in binary.slices)
        if size:
            found[binary.member] = size
    total = sum(found.values())
    if total < _SOME or total * 100 < native * _SHARE:
        return
    ranked = sorted(found, key=lambda member: (-found[member], member))
    files = f"`{ranked[0]}`" if len(ranked) == 1 else f"{len(ranked)} binaries"
    yield Hit(
        message=f"{files} hold{'s' if len(ranked) == 1 else ''} {_amount(total)} of debugging information,"
        f" {total * 100 // native} % of all native files",
        help="strip it: `auditwheel repair --strip`, `strip = true` in a profile of Cargo.toml, or"
        " `LDFLAGS=-Wl,--strip-debug`",
        member=ranked[0] if len(ranked) == 1 else None,
        evidence=tuple(
            Evidence(text=f"{_amount(found[member])} of {_amount(sizes.get(member, 0))}", member=member)
            for member in ranked[:_SHOWN]
        ),
        severity=None if total >= _MUCH else INFO,
    )


def _amount(size: int) -> str:
    """Bytes in words."""
    if size >= 1_000_000:
        return f"{size / 1e6:.1f} MB"
    return f"{size // 1000} kB" if size >= 1000 else f"{size} bytes"


@rule("build-path-leak", severity=WARNING, since="0.1")
def build_path_leak(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary names somebody's home directory.

    **What it checks.** Paths to source files and program databases in the read-only texts of a binary do not lead
    below `/home/NAME`, `/Users/NAME` or the same on Windows, where the name is not that of an account of a CI service,
    a container or a build system.

    **Why it matters.** It tells everybody the name of a person's account and the layout of their disk, and that the
    wheel was built on a personal machine.

    **How to fix.** Build in CI or in a container. Rust: `--remap-path-prefix`; C and C++: `-ffile-prefix-map=$PWD=.`;
    Visual C++: `/PDBALTPATH:%_PDB%` for the program database.

    **Limits.** Libraries that a repair tool copied from elsewhere are not judged. Debugging information is not looked
    at. A search path into a home directory is `rpath-unsafe`.

    **References.** rustc, codegen options; GCC, -ffile-prefix-map.
    """
    evidence: dict[str, Evidence] = {}
    for binary, part in wheel.slices():
        if context.roles[binary.member] is Role.OTHER:
            continue
        for path in part.marks.build_paths if part.marks is not None and not is_grafted(binary.member) else ():
            user = _HOME.match(path)
            if user is not None and not _is_service(user[1]):
                evidence.setdefault(path, Evidence(text=f"path in its texts `{_quoted(path)}`", member=binary.member))
    if evidence:
        first = next(iter(evidence))
        member = evidence[first].member
        home = _HOME.match(first)
        yield Hit(
            message=f"`{member}` names the home directory `{_quoted(home[0] if home else first)}`",
            help="build in CI or a container, or map the paths: `--remap-path-prefix`, `-ffile-prefix-map`,"
            " `/PDBALTPATH`",
            member=member,
            evidence=tuple(evidence.values())[:_SHOWN],
        )


def _is_service(user: str) -> bool:
    """Whether an account belongs to no person."""
    return user.startswith(".") or user.lower() in _NOBODYS or _SERVICE.search(user) is not None


def _quoted(path: str) -> str:
    """A path as a message shows it."""
    return path.replace("`", "'")[:200]


RULES = (build_path_leak, debug_info)
