"""macOS: which names libSystem exports, for the symbols that a wheel binds to it or looks up everywhere.

Source: the text stub of libSystem in the SDK of macOS 27 (data/macos_libsystem.txt.gz, see its provenance): of the
library itself and of every library below /usr/lib/system that it re-exports. All 7,373 imports that the x86_64 and
arm64 files of 54 wheels bind to libSystem are in it.
"""

from __future__ import annotations

import functools
import re

ARCHITECTURES = frozenset({"x86_64", "arm64"})
"""Those that the table knows."""
_LIBSYSTEM = re.compile(
    r"/usr/lib/libSystem(\.B(_debug)?)?\.dylib|/usr/lib/system/lib\w+\.dylib"
    r"|/usr/lib/lib(c|m|pthread|dl|info|dbm|poll|proc|rpcsvc)\.dylib",
    re.ASCII,
)
_OBJECTIVE_C = re.compile(
    r"_{0,2}objc_\w+|OBJC_(CLASS|METACLASS|EHTYPE|IVAR)_\$_[\w.$]+"
    r"|(class|object|method|ivar|sel|imp|protocol|property)_[a-z]+[A-Z]\w*",
    re.ASCII,
)


def libsystem_exports(symbol: str, arch: str) -> bool:
    """Whether libSystem exports `symbol` (a C name, without the leading underscore) for `arch` (`x86_64`, `arm64`).

    The table is that of one SDK: a name of a newer macOS is not in it, and one that is may be too new for an old
    macOS. A "no" is therefore no proof. For an architecture without a table nothing is denied.
    """
    return arch not in ARCHITECTURES or symbol in _exports(arch)


def is_libsystem(install_name: str) -> bool:
    """Whether `install_name` is libSystem, one of the old names that are links to it, or a library in it."""
    return _LIBSYSTEM.fullmatch(install_name) is not None


def is_objective_c(symbol: str) -> bool:
    """Whether `symbol` (a C name) belongs to the Objective-C runtime, or is a class.

    /usr/lib/libobjc.A.dylib is in every process that has loaded a framework, so a flat look-up finds them there.
    """
    return _OBJECTIVE_C.fullmatch(symbol) is not None


@functools.cache
def _exports(arch: str) -> frozenset[str]:
    """The names that the table has for `arch`."""
    import gzip
    from importlib import resources  # 10 ms, for wheels with a macOS tag alone

    packed = (resources.files("auditor.platforms") / "data" / "macos_libsystem.txt.gz").read_bytes()
    rows = (line.split(" ") for line in gzip.decompress(packed).decode("ascii").splitlines())
    return frozenset(name for name, *archs in rows if arch in archs)
