"""Extension modules: their suffix, their initialiser, the ABI tag `none`, libpython."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import Binary, NeededKind
from auditor.facts.record import Fact
from auditor.loading.external import is_libpython
from auditor.loading.layout import offers_initialiser
from auditor.platforms.cpython import (
    ExtensionName,
    Interpreter,
    SuffixKind,
    imports_suffix,
    interpreters,
    says_musl,
)
from auditor.platforms.promise import AbiKind, Implementation, InterpreterPromise, Libc, PlatformPromise, System
from auditor.rules.alien import aliens
from auditor.rules.context import SYSTEM_FORMATS, Module, Role, uses_python
from auditor.rules.rule import ERROR, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_LINUX_TRIPLETS = {
    "x86_64": "x86_64-linux",
    "i686": "i386-linux",
    "aarch64": "aarch64-linux",
    "armv7l": "arm-linux",
    "ppc64": "powerpc64-linux",
    "ppc64le": "powerpc64le-linux",
    "s390x": "s390x-linux",
    "riscv64": "riscv64-linux",
    "loongarch64": "loongarch64-linux",
}
"""How the suffix of an extension module begins on a Linux architecture (CPython's configure, PLATFORM_TRIPLET)."""
_OF_EVERY_LIBRARY = frozenset({"_init", "_fini"})
"""What the linker exports from each library (gABI, Initialization and Termination Functions)."""
_MAKE_MODULES = frozenset(
    {"PyModuleDef_Init", "PyModule_Create2", "PyModule_Create2TraceRefs", "PyModule_FromDefAndSpec2"}
    | {"PyModule_FromSlotsAndSpec", "PyModule_New", "PyModule_NewObject", "HPyModule_Create"}
    | {"Py_InitModule4", "Py_InitModule4_64"}
)
"""One of these is called by each initialiser (Python/C API, Module Objects; PEP 793)."""


@rule("extension-suffix-mismatch", severity=ERROR, since="0.1")
def extension_suffix_mismatch(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An extension module's suffix keeps it from being imported where the tags promise it.

    **What it checks.** For each extension module and each released interpreter that a tag selects, one of the module's
    files has a suffix that this interpreter looks for: version, free threading, stable ABI, system and machine.

    **Why it matters.** Python looks for `.cpython-312-x86_64-linux-gnu.so`, `.abi3.so` and `.so`, and passes all
    others over: `ModuleNotFoundError`, although the file is there. A `.cpython-310` file in an abi3 wheel works on
    3.10 alone.

    **How to fix.** maturin: `abi3` features and `module-name`. setuptools: `py_limited_api=True` on the Extension as
    well as on bdist_wheel. Do not retag a wheel for another Python: build it for each.

    Where a Python source of the same name is imported in its place, it is a warning. Modules with the same fault are
    one finding. A file for another system, machine or C library is the business of the rules for those.

    **Limits.** Interpreters from CPython 3.8 to the newest that this version knows; other implementations by version.

    **References.** PEP 3149, PEP 425, PEP 803; CPython's `_PyImport_DynLoadFiletab`.
    """
    members = {member.name for member in wheel.files()}
    same: dict[tuple[tuple[str, ...], str, bool], list[_LostModule]] = {}
    for files in _variants(wheel, context):
        lost = _lost(files, context)
        if lost:
            fallback = _source_twin(files[0], members)
            where = tuple(f"{interpreter} {platform.tag}" for interpreter, platform in lost)
            key = (where, files[0][1].name.suffix, fallback is not None)
            same.setdefault(key, []).append(_LostModule(files=tuple(files), lost=tuple(lost), fallback=fallback))
    for modules in same.values():
        yield _suffix_hit(modules, wheel)


class _LostModule(Fact, frozen=True, kw_only=True):
    """A module that some promised interpreter does not find."""

    files: tuple[tuple[Binary, Module], ...]
    lost: tuple[tuple[Interpreter, PlatformPromise], ...]
    fallback: str | None
    """The Python source that is imported in its place."""


def _variants(wheel: WheelFacts, context: Context) -> list[list[tuple[Binary, Module]]]:
    """The files of each module, without those that the promised systems and machines could not load anyway."""
    promised = {SYSTEM_FORMATS[one.system] for one in context.platforms if one.system in SYSTEM_FORMATS}
    alien = aliens(context)
    variants: dict[tuple[str, str], list[tuple[Binary, Module]]] = {}
    for binary in wheel.binaries:
        module = context.modules.get(binary.member)
        if module is None or binary.member in alien or (promised and binary.format not in promised):
            continue
        variants.setdefault((module.package, module.name.module), []).append((binary, module))
    return list(variants.values())


def _source_twin(file: tuple[Binary, Module], members: set[str]) -> str | None:
    """The Python source that is imported under the module's name where no extension module is."""
    binary, module = file
    directory, slash, _ = binary.member.rpartition("/")
    stem = f"{directory}{slash}{module.name.module}"
    return next((name for name in (f"{stem}.py", f"{stem}/__init__.py") if name in members), None)


def _lost(files: list[tuple[Binary, Module]], context: Context) -> list[tuple[Interpreter, PlatformPromise]]:
    """The interpreters and platforms that import none of a module's files."""
    lost: dict[tuple[str, str], tuple[Interpreter, PlatformPromise]] = {}
    for promise in context.promises:
        # `none` promises no ABI: what an extension module does there is `extension-under-abi-none`'s to say.
        if promise.abi.kind is AbiKind.NONE:
            continue
        for interpreter in interpreters(promise):
            names = [module.name for _, module in files]
            if not any(importable(name, interpreter, promise.platform) for name in names):
                lost[str(interpreter), promise.platform.tag] = (interpreter, promise.platform)
    return list(lost.values())


def importable(name: ExtensionName, interpreter: Interpreter, platform: PlatformPromise) -> bool:
    """Whether the interpreter on that platform looks for a file of this name."""
    if (platform.system is System.WINDOWS) is not name.windows:
        return False
    if not imports_suffix(interpreter, name):
        return False
    return name.platform is None or _platform_fits(name, interpreter, platform)


def _platform_fits(name: ExtensionName, interpreter: Interpreter, platform: PlatformPromise) -> bool:
    """Whether the platform part of a suffix is that of the promised platform."""
    suffix = name.platform or ""
    if platform.system is System.WINDOWS:
        # GraalPy says `x86_64-win32` where CPython and PyPy say `win_amd64`.
        return suffix == platform.tag if name.kind is SuffixKind.CPYTHON else "win" in suffix
    if platform.system is System.MACOS:
        return suffix.rpartition("-")[2] == "darwin"  # GraalPy: `x86_64-darwin`
    if platform.system is System.LINUX:
        if interpreter.implementation is Implementation.CPYTHON and name.kind is SuffixKind.CPYTHON:
            return _linux_fits(suffix, interpreter, platform)
        return "linux" in suffix
    return True


def _linux_fits(suffix: str, interpreter: Interpreter, platform: PlatformPromise) -> bool:
    """Whether a suffix such as `x86_64-linux-gnu` is CPython's own on that machine and libc."""
    expected = _LINUX_TRIPLETS.get(platform.architectures[0])
    if expected is None:
        return True
    if not suffix.startswith(f"{expected}-"):
        return False
    if platform.libc is Libc.MUSL:
        return "musl" in suffix if says_musl(interpreter.version) else True
    return platform.libc is Libc.ANY or "musl" not in suffix


def _suffix_hit(modules: list[_LostModule], wheel: WheelFacts) -> Hit:
    """The finding for modules with one fault. Where a Python source serves in their place, no import fails."""
    binary, module = modules[0].files[0]
    lost, fallback = modules[0].lost, modules[0].fallback
    files = [file for one in modules for file in one.files]
    interpreter = lost[0][0]
    others = len({str(one) for one, _ in lost}) - 1
    more = f" and {others} more" if others else ""
    stable = any(tag in (wheel.name.abi if wheel.name else "") for tag in ("abi3", "abi3t"))
    advice = (
        "build it with the stable ABI's suffix (`.abi3.so`): set `py_limited_api` on the extension itself"
        if stable and module.name.kind is SuffixKind.CPYTHON
        else "build it for the tag's Python; renaming the wheel does not rename the module"
    )
    subject = f"the module `{module.dotted}`" if len(modules) == 1 else f"{len(modules)} modules"
    its = "its file ends" if len(modules) == 1 else "their files end"
    message = (
        f"{subject} cannot be imported by {interpreter}{more}, which the tags select: {its} in `{module.name.suffix}`"
    )
    if fallback:
        stale = f"`{binary.member}` is" if len(modules) == 1 else f"{len(modules)} files are"
        source = f"`{fallback}` is, in its place" if len(modules) == 1 else "Python sources are, in their place"
        message = f"{stale} never imported by {interpreter}{more}: {source}"
        advice = "a file of an earlier build was packed: clean the build directory, and build the module for the tag"
    return Hit(
        message=message,
        help=advice,
        severity=WARNING if fallback else None,
        member=binary.member if len(files) == 1 else None,
        evidence=tuple(
            [
                Evidence(text=f"`{one.member}` is for {_suffix_words(other.name)}", member=one.member)
                for one, other in files[:_SHOWN]
            ]
            + [Evidence(text=f"the tags select {one} on `{where.tag}`") for one, where in lost[:6]]
        ),
    )


def _suffix_words(name: ExtensionName) -> str:
    """What a suffix says, in words."""
    match name.kind:
        case SuffixKind.CPYTHON:
            version = f"CPython {name.version[0]}.{name.version[1]}{name.flags}" if name.version else "CPython"
            return f"{version} on {name.platform}" if name.platform else version
        case SuffixKind.ABI3 | SuffixKind.ABI3T:
            return f"the stable ABI ({name.kind.value})"
        case SuffixKind.PYPY | SuffixKind.GRAALPY:
            return f"{'PyPy' if name.kind is SuffixKind.PYPY else 'GraalPy'} on {name.platform}"
        case SuffixKind.PLAIN:
            return "any interpreter on Windows" if name.windows else "any interpreter on Linux and macOS"


@rule("extension-under-abi-none", severity=ERROR, since="0.1")
def extension_under_abi_none(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """The ABI tag is `none`, and an extension module for CPython is there.

    **What it checks.** Under `none` no file is an extension module for CPython that an interpreter of the tags does
    not import or cannot run: other versions, free-threaded builds (which also select `cp313-none` and later), PyPy.

    **Why it matters.** `none` says that no Python ABI matters. The wheel installs on interpreters for which the module
    was not built: the import fails, or a free-threaded interpreter crashes.

    **How to fix.** Tag it with its ABI: `cp312-cp312`, `cp38-abi3`. A library that is loaded by ctypes is no extension
    module: give it a plain name (`libfoo.so`).

    **Limits.** A module that the package imports inside `try` alone gives a warning. `cpXY-none` before 3.13 installs
    on exactly the interpreter that the module is for; nothing is said.

    **References.** PEP 425, PEP 703.
    """
    for promise in context.promises:
        if promise.abi.kind is not AbiKind.NONE or promise.platform.system is System.ANY:
            continue
        found = [
            (binary, module)
            for binary in wheel.binaries
            if (module := context.modules.get(binary.member)) is not None
            and context.roles[binary.member] is Role.EXTENSION
            and uses_python(binary)
        ]
        reason = _stranded(found, promise.python) if found else None
        if reason:
            yield Hit(
                message=f"the tag `{promise.tag}` has the ABI `none`, and `{found[0][1].dotted}` is an extension module"
                f" for CPython: {reason}",
                help="tag the wheel with the ABI that it was built for, such as `cp312-cp312` or `cp38-abi3`",
                member=found[0][0].member,
                evidence=tuple(
                    Evidence(text=f"`{binary.member}` is for {_suffix_words(module.name)}", member=binary.member)
                    for binary, module in found[:8]
                ),
                severity=WARNING if all(context.is_optional(binary) for binary, _ in found) else None,
            )
            return


def _stranded(found: list[tuple[Binary, Module]], python: InterpreterPromise) -> str | None:
    """Which interpreter of a tag without an ABI cannot use the modules; None where each can."""
    version = python.version
    if version is None or python.implementation is Implementation.ANY:
        return "it also installs on versions and implementations that the module is not for"
    if python.implementation is Implementation.CPYTHON and version >= (3, 13):
        return f"it also installs on the free-threaded {version[0]}.{version[1]}"
    exact = any(module.name.version == version for _, module in found)
    return None if exact or all(module.name.version is None for _, module in found) else "it is for other versions"


@rule("module-init-missing", severity=ERROR, since="0.1")
def module_init_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An extension module does not export its initialiser.

    **What it checks.** A file with the suffix of an extension module exports `PyInit_<name>`, or `PyModExport_<name>`
    from CPython 3.15 on (PEP 793), or the initialiser of its implementation (PyPy's cffi modules, HPy). The module in
    `demo/__init__.abi3.so` is the package itself: `PyInit_demo`. What has no initialiser and is needed by another
    binary is a library. It is a warning where the file exports functions of its own, no initialiser of any name, and
    calls nothing that makes a module: it is loaded by other means than an import, and named as a module all the same.

    **Why it matters.** The import fails: "dynamic module does not define module export function". The usual causes are
    a module name in the build configuration that differs from the one in the code, and a linker script that hides it.

    **How to fix.** maturin: the last part of `module-name` is the name of the `#[pymodule]` function. C: name the
    function after the file. Check `-fvisibility=hidden` and export lists.

    **References.** PEP 489, PEP 793; Extending Python, Building C extensions.
    """
    for binary in wheel.binaries:
        module = context.modules.get(binary.member)
        if module is None or not binary.slices or binary.problems:
            continue
        wanted = _initialisers(module)
        for part in binary.slices:
            if any(export.symbol in wanted for export in part.exports):
                continue
            others = sorted(
                export.symbol for export in part.exports if export.symbol.startswith(("PyInit", "PyModExport"))
            )
            there = (
                f"it exports {', '.join(f'`{name}`' for name in others[:3])}" if others else "it exports no initialiser"
            )
            library, plain = _is_no_module(binary, module), ".dll" if module.name.windows else ".so"
            advice = "make the name of the module in the code and in the build configuration the same, and export it"
            yield Hit(
                message=f"the module `{module.dotted}` does not export `PyInit_{module.last}`: {there}",
                help=f"name a library that nobody imports as one: `{module.name.module}{plain}`" if library else advice,
                member=binary.member,
                arch=part.arch,
                evidence=(Evidence(text=f"{len(part.exports)} symbols are exported", member=binary.member),),
                severity=WARNING if library else None,
            )
            break


def _is_no_module(binary: Binary, module: Module) -> bool:
    """Whether nothing of a module is in the file but its name: a library that is loaded by other means than an import.

    It exports functions of its own, and no initialiser of any name, and takes none of the functions that make a module.
    """
    exported = {export.symbol for part in binary.slices for export in part.exports} - _OF_EVERY_LIBRARY
    taken = {imported.symbol.replace("PyPy", "Py", 1) for part in binary.slices for imported in part.imports}
    old = any(symbol == f"init{module.last}" for symbol in exported)
    return bool(exported) and not old and not offers_initialiser(binary) and not taken & _MAKE_MODULES


def _initialisers(module: Module) -> frozenset[str]:
    """Every symbol by which some interpreter initialises this module."""
    name, last = module.name, module.last
    if not last.isascii():
        coded = last.encode("punycode").decode("ascii").replace("-", "_")
        return frozenset({f"PyInitU_{coded}", f"PyModExportU_{coded}"})
    prefixes = ("PyInit_", "PyModExport_", "HPyInit_", "_cffi_pypyinit_")
    old = {f"init{last}"} if name.version is None or name.version < (3, 0) else set()
    # A debug build of Python on Windows looks for the module `_core` in `_core_d.pyd`.
    names = {last, last.removesuffix("_d")} if name.windows else {last}
    return frozenset({f"{prefix}{one}" for prefix in prefixes for one in names} | old)


@rule("libpython-linked", severity=ERROR, since="0.1")
def libpython_linked(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """An extension module links libpython.

    **What it checks.** On Linux and macOS no extension module needs `libpython3.X` or the Python framework, unless
    the wheel brings it.

    **Why it matters.** Most interpreters are linked statically and have no libpython: "libpython3.11.so.1.0: cannot
    open shared object file". Where one is found, a second Python is loaded into the process. PEP 513 forbids it.

    **How to fix.** PyO3: keep the `extension-module` behaviour (maturin does). CMake: link `Python::Module`, not
    `Python::Python`. setuptools: no `python3-config --embed` flags. macOS: `-undefined dynamic_lookup`.

    **Limits.** Android modules link libpython by design.

    **References.** PEP 513; bpo-21536.
    """
    if not context.on(System.LINUX, System.MACOS):
        return
    alien = aliens(context)
    for binary in wheel.binaries:
        if context.roles[binary.member] is not Role.EXTENSION or binary.member in alien:
            continue
        for part in binary.slices:
            linked = [
                needed.name
                for needed in part.needed
                if needed.kind is not NeededKind.WEAK and is_libpython(needed.name)
            ]
            missing = [name for name in linked if name.rpartition("/")[2].lower() not in context.bundled]
            if missing:
                yield Hit(
                    message=f"the extension module `{binary.member}` links `{missing[0]}`, which most Pythons lack",
                    help="do not link libpython: CMake `Python::Module`, PyO3 by maturin, `-undefined dynamic_lookup`",
                    member=binary.member,
                    arch=part.arch,
                    evidence=(Evidence(text=f"`{binary.member}` needs `{missing[0]}`", library=missing[0]),),
                )
                break


RULES = (extension_suffix_mismatch, extension_under_abi_none, libpython_linked, module_init_missing)
