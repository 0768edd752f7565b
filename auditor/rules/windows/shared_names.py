"""Runtime DLLs that a wheel brings under the very name under which other packages bring theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import NeededKind
from auditor.loading.external import Surroundings
from auditor.platforms import windows
from auditor.platforms.promise import System
from auditor.rules.context import Role
from auditor.rules.rule import INFO, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.facts.binary import Binary
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_STABLE = frozenset({"vcomp140.dll"})
"""Shared as well, but no harm of it is known: its interface has hardly grown since 2015."""
_RENAME = "give it a name of its own, as `delvewheel repair` does, or link the runtime statically"
_ONE_FOR_ALL = "let one distribution bring it for all, such as `intel-openmp`, or link the runtime statically"


@rule("windows-runtime-unmangled", severity=WARNING, since="0.1")
def windows_runtime_unmangled(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A wheel brings a shared runtime DLL under the name that everybody's copy has.

    **What it checks.** No C++ (`msvcp140.dll` and its companions, `concrt140.dll`), OpenMP (`libiomp5md.dll`,
    `libomp.dll`, `libgomp-1.dll`, `vcomp140.dll`) or MinGW runtime (`libstdc++-6.dll`, `libgcc_s_seh-1.dll`,
    `libwinpthread-1.dll` ...) lies in the wheel under its own name where an extension module, or a library that the
    Python code loads, takes it from: beside a file that imports it, or where the Python code points to. A name with a
    hash, as delvewheel gives, is fine. So is a copy that only a program of the wheel uses: it has a process of its
    own. `vcruntime140.dll` is left out: `python.exe` has loaded its own before any package.

    **Why it matters.** Windows looks for a DLL among those that the process has loaded, by name alone, before it
    looks for a file. The package that is imported first decides which copy everybody gets. Where that is an old one,
    modules that were built with a newer compiler crash: Visual C++ 17.10 changed `std::mutex`, and code built with it
    dies of an access violation on an older `msvcp140.dll`. With MinGW it is "The specified procedure could not be
    found".

    **How to fix.** `delvewheel repair` copies the DLL under a name with a hash; do not exclude it with `--no-mangle`,
    and do not copy it by hand. Or link the runtime statically (`/MT`; with MinGW `-static`). An OpenMP runtime
    counts the threads of the whole process, so two of them are no better than an old one: depend on a distribution
    that brings it.

    **Limits.** Which version the copy has is not read. `vcomp140.dll` alone is an info: nobody has reported harm.
    C++ libraries before 140 and MFC are not judged.

    **References.** Microsoft, Dynamic-link library search order; apache/arrow#44855; delvewheel, "Name-Mangling".
    """
    found: dict[str, Evidence] = {}
    for member, importer in _loaded_runtimes(wheel, context):
        filename = member.rpartition("/")[2]
        text = f"`{importer}` takes `{filename}` from `{member}`"
        found.setdefault(member, Evidence(text=text, member=importer, library=filename))
    if not found:
        return
    names = sorted({member.rpartition("/")[2].lower() for member in found})
    copies = f"`{next(iter(found))}` is" if len(found) == 1 else f"{', '.join(f'`{name}`' for name in names)} are"
    own = "its own name" if len(found) == 1 else "their own names"
    openmp = all(windows.shared_runtime(name) == "OpenMP" for name in names)
    yield Hit(
        message=f"{copies} brought under {own}: the package that is imported first decides which copy all get",
        help=_ONE_FOR_ALL if openmp else _RENAME,
        member=next(iter(found)) if len(found) == 1 else None,
        evidence=tuple(found[member] for member in sorted(found))[:_SHOWN],
        severity=INFO if _STABLE.issuperset(names) else None,
    )


class _Files:
    """The PE files that the Windows tags are about, and who gets which by name."""

    def __init__(self, context: Context) -> None:
        judged = (context.judged(platform) for platform in context.on(System.WINDOWS))
        self.binaries = {binary.member: binary for slices in judged for binary, _ in slices}
        self._by_name: dict[str, list[str]] = {}
        for member in self.binaries:
            self._by_name.setdefault(member.rpartition("/")[2].lower(), []).append(member)

    def needed(self, binary: Binary) -> Iterator[str]:
        """The files of the wheel that Windows loads along with one: of several of a name, the one beside it."""
        for part in binary.slices:
            for needed in part.needed:
                if needed.kind is NeededKind.DELAY:
                    continue  # looked for at the first call only: msvcp140.dll itself names concrt140.dll like that
                copies = self._by_name.get(needed.name.lower(), [])
                beside = [member for member in copies if _directory(member) == _directory(binary.member)]
                yield from beside or copies

    def reached(self, roots: Iterable[str]) -> dict[str, set[str]]:
        """Every file that is loaded with one of `roots`, they included -> those that need it."""
        found: dict[str, set[str]] = {root: set() for root in roots}
        pending = list(found)
        while pending:
            importer = pending.pop()
            for member in self.needed(self.binaries[importer]):
                if member not in found:
                    found[member] = set()
                    pending.append(member)
                found[member].add(importer)
        return found


def _loaded_runtimes(wheel: WheelFacts, context: Context) -> Iterator[tuple[str, str]]:
    """(DLL, one that imports it) for each shared runtime of the wheel that is loaded into the process of Python."""
    files = _Files(context)
    if not any(windows.shared_runtime(member.rpartition("/")[2]) for member in files.binaries):
        return
    around = Surroundings(wheel)
    roles = context.roles
    of_programs = files.reached(member for member in files.binaries if roles[member] is Role.EXECUTABLE)
    roots = [member for member in files.binaries if roles[member] is Role.EXTENSION]
    roots += [
        member
        for member in files.binaries
        if roles[member] is Role.LIBRARY and member not in of_programs and around.loads(member)
    ]
    for member, importers in sorted(files.reached(roots).items()):
        if not importers or windows.shared_runtime(member.rpartition("/")[2]) is None:
            continue
        beside = sorted(one for one in importers if _directory(one) == _directory(member))
        if beside:
            yield member, beside[0]
        elif member not in of_programs and around.loads(member):
            yield member, min(importers)


def _directory(member: str) -> str:
    """The directory of a member, in lower case: Windows has no other."""
    return member.rpartition("/")[0].lower()


RULES = (windows_runtime_unmangled,)
