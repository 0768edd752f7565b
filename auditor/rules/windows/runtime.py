"""PE files against the Python DLLs and the compiler runtimes of the promised Pythons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import NeededKind
from auditor.loading.external import BEGINS_ELSEWHERE, LOADS
from auditor.loading.model import Origin
from auditor.platforms import windows
from auditor.platforms.cpython import OLDEST_SUPPORTED, SuffixKind
from auditor.platforms.promise import AbiKind, Implementation, System
from auditor.rules.context import Role
from auditor.rules.rule import ERROR, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary, Slice
    from auditor.facts.wheel import WheelFacts
    from auditor.platforms.promise import Promise
    from auditor.platforms.windows import PythonDll
    from auditor.rules.context import Context

_SHOWN = 20


def _judged(wheel: WheelFacts, context: Context) -> Iterator[tuple[Binary, Slice]]:
    """The PE files that the Windows tags are about, each once: every tag has a machine of its own."""
    for platform in context.on(System.WINDOWS):
        yield from context.judged(platform)


@rule("windows-wrong-python", severity=ERROR, since="0.1")
def windows_wrong_python(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An extension module links the DLL of another Python.

    **What it checks.** The Python DLL that each extension module and library imports is the one of the interpreters
    that the tags select: `python312.dll` for cp312, `python313t.dll` for cp313t, `python3.dll` for abi3 and
    `python3t.dll` for abi3t. A DLL that the wheel brings itself, and a program, which finds its own Python, are left
    out.

    **Why it matters.** "DLL load failed while importing": the other Python's DLL is not there, or is loaded as a
    second interpreter into the process. An abi3 wheel that links `python312.dll` works on 3.12 alone; auditors that
    look at symbols only pass it.

    **How to fix.** abi3: define `Py_LIMITED_API` when compiling: for Visual C++ the headers of Python then name
    `python3.lib`. CMake links it with `Python::SABIModule`, PyO3 with an `abi3-py3X` feature; setuptools' own
    `py_limited_api=True` does neither. Else build for each
    Python.

    **References.** Stable ABI; PEP 703; PEP 803.
    """
    promised = [one for one in context.promises if one.platform.system is System.WINDOWS]
    for binary, part in _judged(wheel, context):
        for needed in part.needed:
            dll = windows.parse_python_dll(needed.name)
            if dll is None or dll.debug or needed.name.lower() in context.bundled:
                continue
            if context.roles[binary.member] is Role.EXECUTABLE:
                continue
            reason = next((text for one in promised if (text := _wrong(dll, one, binary, context))), None)
            if reason:
                yield Hit(
                    message=f"`{binary.member}` links `{needed.name}`: {reason}",
                    help="build it for the tag's Python; abi3 modules link `python3.lib`",
                    member=binary.member,
                    arch=part.arch,
                    evidence=(_import_evidence(binary, part, needed.name),),
                )
                break


def _wrong(dll: PythonDll, promise: Promise, binary: Binary, context: Context) -> str | None:
    """Why a Python DLL is not that of a promise; None where it is."""
    if promise.python.implementation not in {Implementation.CPYTHON, Implementation.ANY}:
        return None
    if _passed_over(binary, promise, context):
        return None  # never imported there: `extension-suffix-mismatch` says so where no other file serves
    match promise.abi.kind:
        case AbiKind.ABI3 | AbiKind.ABI3T:
            stable = "python3t.dll" if promise.abi.kind is AbiKind.ABI3T else "python3.dll"
            if dll.minor is not None:
                return f"an {promise.abi.tag} module links `{stable}`; it loads on that one version alone"
            if promise.abi.kind is AbiKind.ABI3T and not dll.free_threaded:
                return f"it is that of the GIL builds, and an abi3t module links `{stable}`"
            return None
        case AbiKind.CPYTHON:
            return _wrong_version(dll, promise)
        case _:
            if dll.minor is not None and promise.python.version not in {None, (dll.major, dll.minor)}:
                return f"the tag `{promise.tag}` selects another Python"
            return None


def _passed_over(binary: Binary, promise: Promise, context: Context) -> bool:
    """Whether the suffix of an extension module names another interpreter, or one alone where many are promised."""
    module = context.modules.get(binary.member)
    if module is None or module.name.kind is not SuffixKind.CPYTHON:
        return False
    if promise.abi.kind in {AbiKind.ABI3, AbiKind.ABI3T} or module.name.version != promise.python.version:
        return True
    return ("t" in module.name.flags) is not promise.abi.free_threaded


def _wrong_version(dll: PythonDll, promise: Promise) -> str | None:
    """Why a Python DLL is not that of a `cpXY-cpXY` tag."""
    version = promise.python.version
    if dll.minor is None:
        if promise.abi.free_threaded and not dll.free_threaded:
            return "the stable ABI's DLL has nothing for free-threaded builds"
        return None
    if version is not None and (dll.major, dll.minor) != version:
        return f"the tag `{promise.tag}` is for Python {version[0]}.{version[1]}"
    if dll.free_threaded is not promise.abi.free_threaded:
        build = "the free-threaded" if dll.free_threaded else "the GIL"
        return f"it is that of {build} build, and the tag is `{promise.tag}`"
    return None


def _import_evidence(binary: Binary, part: Slice, dll: str) -> Evidence:
    """The import of a DLL, with the symbols that are wanted of it."""
    symbols = [one.symbol for one in part.imports if (one.library or "").lower() == dll.lower()]
    shown = ", ".join(f"`{symbol}`" for symbol in symbols[:3])
    more = f" and {len(symbols) - 3} more" if len(symbols) > 3 else ""
    return Evidence(
        text=f"`{binary.member}` imports `{dll}`" + (f" for {shown}{more}" if shown else ""),
        member=binary.member,
        symbol=symbols[0] if symbols else None,
        library=dll,
    )


@rule("windows-debug-runtime", severity=ERROR, since="0.1")
def windows_debug_runtime(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary links a debug runtime or a debug Python.

    **What it checks.** No PE file imports `ucrtbased.dll`, `vcruntime140d.dll`, `msvcp140d.dll` and the like, or
    `python3XX_d.dll`, unless the ABI tag is that of a debug build or the wheel brings the DLL.

    **Why it matters.** These DLLs exist only where Visual Studio is installed, and may not be redistributed: "DLL load
    failed" on every user's machine.

    **How to fix.** Build the Release configuration (`cmake --config Release`, no `/MDd`, no `python_d.exe`).

    **References.** Microsoft C++, Determining which DLLs to redistribute.
    """
    if any("d" in promise.abi.flags for promise in context.promises):
        return
    for binary, part in _judged(wheel, context):
        debug = [
            needed.name
            for needed in part.needed
            if (windows.is_debug_runtime(needed.name) or _is_debug_python(needed.name))
            and needed.name.lower() not in context.bundled
        ]
        if debug:
            names = ", ".join(f"`{name}`" for name in debug)
            yield Hit(
                message=f"`{binary.member}` links {names}, which only a developer's machine has",
                help="build the Release configuration, against the release Python",
                member=binary.member,
                arch=part.arch,
                evidence=tuple(_import_evidence(binary, part, name) for name in debug),
            )


def _is_debug_python(name: str) -> bool:
    """Whether a DLL is that of a debug build of Python."""
    dll = windows.parse_python_dll(name)
    return dll is not None and dll.debug


@rule("windows-runtime-missing", severity=ERROR, since="0.1")
def windows_runtime_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary needs a compiler's runtime that the user may not have.

    **What it checks.** Every Visual C++ or MinGW runtime DLL that a PE file imports is one that lies beside the
    `python.exe` of the promised versions (`vcruntime140.dll`, and `vcruntime140_1.dll` from 3.8 on 64-bit), or a
    member of the wheel.

    **Why it matters.** python.org's installers bring no `msvcp140.dll`. It works where the Visual C++
    redistributable happens to be installed, which is on every developer's machine, and fails on a fresh Windows:
    "DLL load failed while importing: The specified module could not be found".

    **How to fix.** `delvewheel repair` copies the DLL into the wheel under a name of its own. Or link statically:
    `/MT` for the C++ library, `-static-libgcc -static-libstdc++ -static` with MinGW; Rust: `-C
    target-feature=+crt-static`.

    **Limits.** Delay imports, which are looked for at the first call, are not judged. Where no module and no program
    of the wheel needs the file that needs the DLL, it is a warning: Python code alone loads it, or it is optional. It
    is a warning as well where the package loads libraries by itself, and requires a distribution that is named like
    it and may bring the DLL (`demo-core` for `demo`). Where another DLL comes from there for certain, this one is
    among those of `library-from-dependency`.

    **References.** Microsoft C++, Redistributing; delvewheel.
    """
    if any("msvc-runtime" in one.lower() for one in (wheel.metadata.values("Requires-Dist") if wheel.metadata else ())):
        return
    brought = _from_dependencies(context)
    missing: dict[str, list[tuple[str, Binary, Slice]]] = {}
    for binary, part in _judged(wheel, context):
        shipped = _shipped(part.arch or "", binary, context)
        for needed in part.needed:
            name = needed.name.lower()
            if needed.kind is NeededKind.DELAY:
                continue  # looked for at the first call only: msvcp140.dll itself names concrt140.dll like that
            family = windows.runtime_family(name)
            if name in shipped or name in context.bundled or (binary.member, name) in brought:
                continue
            if family:
                missing.setdefault(family, []).append((name, binary, part))
    for family, found in sorted(missing.items()):
        yield _missing_runtime(family, found, _doubt(found, context))


def _from_dependencies(context: Context) -> set[tuple[str, str]]:
    """(member, DLL in lower case) for what a distribution brings that the metadata requires."""
    images = (image for resolution in context.resolutions for image in resolution.images)
    return {
        (image.member, library.name.lower())
        for image in images
        for library in image.libraries
        if library.origin is Origin.DEPENDENCY
    }


def _doubt(found: list[tuple[str, Binary, Slice]], context: Context) -> str | None:
    """Why a runtime may not be missed by those that need it, in words; None where it is sure to be."""
    around = context.surroundings.on(System.WINDOWS)
    reached = [binary.member for _, binary, _ in found if binary.member in context.reached]
    if not reached and any(around.loads(f"/{binary.member}") for _, binary, _ in found):
        return "only Python code of the wheel loads the file that needs it"
    if not reached:
        return "nothing in the wheel needs the file that needs it: it may be optional"
    siblings = around.siblings(reached[0])
    if siblings and (around.loads_libraries or around.begins_elsewhere(reached[0])):
        return around.brings(found[0][0], LOADS if around.loads_libraries else BEGINS_ELSEWHERE, siblings)
    return None


def _missing_runtime(family: str, found: list[tuple[str, Binary, Slice]], doubt: str | None) -> Hit:
    """The finding for one compiler's runtime: its DLLs come together, and are missing together."""
    members = list(dict.fromkeys(binary.member for _, binary, _ in found))
    what = f"`{members[0]}` needs" if len(members) == 1 else f"{len(members)} files need"
    names = ", ".join(f"`{name}`" for name in sorted({name for name, _, _ in found}))
    return Hit(
        message=f"{what} {names} of the {family} runtime, which neither Windows nor Python has"
        + (f" ({doubt})" if doubt else ""),
        help="copy it into the wheel with `delvewheel repair`, or link the runtime statically",
        member=members[0] if len(members) == 1 else None,
        arch=found[0][2].arch,
        evidence=tuple(
            _import_evidence(binary, part, name)
            for name, binary, part in sorted(found, key=lambda one: (one[0], one[1].member))[:_SHOWN]
        ),
        severity=WARNING if doubt else None,
    )


def _shipped(arch: str, binary: Binary, context: Context) -> frozenset[str]:
    """The runtime DLLs that every promised interpreter has beside its `python.exe`."""
    if any(one.implementation is not Implementation.CPYTHON for one in context.interpreters):
        return windows.runtimes_of_pypy()
    promised = {one.version for one in context.interpreters} or {OLDEST_SUPPORTED}
    # `py2.py3` promises 2.7 by the letter; what decides is the Pythons that there still are.
    versions = {version for version in promised if version >= OLDEST_SUPPORTED} or promised
    common = frozenset.intersection(*(windows.runtimes_of_cpython(version, arch) for version in versions))
    if context.roles[binary.member] is Role.EXECUTABLE:
        # A program's own directory is searched in place of Python's; virtual environments copy the C runtime there.
        return common | {"vcruntime140.dll"}
    return common


RULES = (windows_debug_runtime, windows_runtime_missing, windows_wrong_python)
