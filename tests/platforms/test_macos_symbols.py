"""What macOS provides: its directories, what left them, and the names of libSystem."""

from __future__ import annotations

import gzip

import pytest

from auditor.platforms import macos
from auditor.platforms.macos_symbols import ARCHITECTURES, is_libsystem, is_objective_c, libsystem_exports
from auditor.platforms.refresh import macos_libsystem

OFTEN_BOUND = (
    "malloc",
    "free",
    "memcpy",
    "memset",
    "strlen",
    "printf",
    "__stderrp",
    "__stdoutp",
    "__stack_chk_fail",
    "__stack_chk_guard",
    "abort",
    "exit",
    "pow",
    "exp",
    "pthread_create",
    "pthread_mutex_lock",
    "dispatch_once",
    "dlopen",
    "dlsym",
    "dyld_stub_binder",
    "_tlv_bootstrap",
    "bzero",
    "__bzero",
    "clock_gettime",
    "mach_absolute_time",
    "_Unwind_Resume",
    "__sincos_stret",
    "memset_pattern16",
    "os_unfair_lock_lock",
    "_NSConcreteGlobalBlock",
    "__error",
    "environ",
    "setjmp",
    "longjmp",
    "getentropy",
)
"""C names that wheels bind to libSystem most."""


def test_the_rows_of_the_table() -> None:
    """Each row is a name, once and in order, with its architectures; none is a directive to the linker."""
    rows = gzip.decompress(macos_libsystem.TABLE.read_bytes()).decode("ascii").splitlines()
    names = [row.split(" ")[0] for row in rows]
    assert names == sorted(set(names))
    assert len(names) > 9_000
    assert not any(name.startswith("$ld$") for name in names)
    assert all(set(row.split(" ")[1:]) <= ARCHITECTURES for row in rows)


STUB = """--- !tapi-tbd
tbd-version:     4
targets:         [ x86_64-macos, x86_64-maccatalyst, arm64e-macos ]
install-name:    '/usr/lib/libSystem.B.dylib'
reexported-libraries:
  - targets:         [ x86_64-macos, arm64e-macos ]
    libraries:       [ '/usr/lib/system/libdemo.dylib' ]
exports:
  - targets:         [ x86_64-macos, x86_64-maccatalyst ]
    symbols:         [ '$ld$hide$os10.4$_gone', '_open$NOCANCEL',
                       __underscored ]
  - targets:         [ x86_64-maccatalyst ]
    symbols:         [ _catalyst_only ]
--- !tapi-tbd
tbd-version:     4
targets:         [ x86_64-macos, arm64-macos, arm64e-macos ]
install-name:    '/usr/lib/system/libdemo.dylib'
exports:
  - targets:         [ arm64-macos, arm64e-macos ]
    symbols:         [ _on_arm, dyld_stub_binder ]
    objc-classes:    [ OS_demo ]
    weak-symbols:    [ _weak ]
reexports:
  - targets:         [ x86_64-macos ]
    symbols:         [ _passed_on ]
undefineds:
  - targets:         [ x86_64-macos ]
    symbols:         [ _taken ]
...
"""


def test_a_refresh_reads_a_text_stub() -> None:
    """Symbols, weak ones and classes of every document are taken, by target; names and directives of others are not."""
    assert macos_libsystem.build(STUB).splitlines() == [
        "OBJC_CLASS_$_OS_demo arm64",
        "OBJC_METACLASS_$_OS_demo arm64",
        "_underscored x86_64",
        "dyld_stub_binder arm64",
        "on_arm arm64",
        "open$NOCANCEL x86_64",
        "passed_on x86_64",
        "weak arm64",
    ]


@pytest.mark.parametrize("arch", sorted(ARCHITECTURES))
def test_what_everybody_binds_is_there(arch: str) -> None:
    """The usual names of the C library, of dyld, libunwind and libdispatch are exported on both architectures."""
    assert [name for name in OFTEN_BOUND if not libsystem_exports(name, arch)] == []


@pytest.mark.parametrize(
    ("name", "arch", "exported"),
    [
        ("stat$INODE64", "x86_64", True),
        ("stat$INODE64", "arm64", False),
        ("ldap_simple_bind_s", "x86_64", False),
        ("PyLong_FromLong", "arm64", False),
        ("_malloc", "arm64", False),
        ("$ld$hide$os10.4$___absvti2", "x86_64", False),
        ("nothing_of_the_kind", "i386", True),
    ],
)
def test_libsystem_exports(name: str, arch: str, *, exported: bool) -> None:
    """Names are C names and belong to an architecture; of one without a table nothing is denied."""
    assert libsystem_exports(name, arch) is exported


@pytest.mark.parametrize(
    ("name", "hit"),
    [
        ("/usr/lib/libSystem.B.dylib", True),
        ("/usr/lib/libSystem.dylib", True),
        ("/usr/lib/system/libsystem_c.dylib", True),
        ("/usr/lib/system/libunwind.dylib", True),
        ("/usr/lib/libpthread.dylib", True),
        ("/usr/lib/libm.dylib", True),
        ("/usr/lib/libc++.1.dylib", False),
        ("/usr/lib/libobjc.A.dylib", False),
        ("@rpath/libSystem.B.dylib", False),
    ],
)
def test_names_of_libsystem(name: str, hit: bool) -> None:
    """libSystem goes by its own name, by old ones, and by those of its parts."""
    assert is_libsystem(name) is hit


@pytest.mark.parametrize(
    ("name", "hit"),
    [
        ("objc_msgSend", True),
        ("_objc_empty_cache", True),
        ("__objc_personality_v0", True),
        ("OBJC_CLASS_$_NSObject", True),
        ("class_getName", True),
        ("sel_registerName", True),
        ("object_getClass", True),
        ("object_create", False),
        ("class_", False),
        ("ldap_bind", False),
        ("my_objc_helper", False),
    ],
)
def test_names_of_objective_c(name: str, hit: bool) -> None:
    """The runtime's functions and the classes are told by their prefixes."""
    assert is_objective_c(name) is hit


@pytest.mark.parametrize(
    ("name", "hit"),
    [
        ("/usr/lib/libz.1.dylib", True),
        ("/usr/lib/swift/libswiftCore.dylib", True),
        ("/System/Library/Frameworks/Accelerate.framework/Versions/A/Accelerate", True),
        ("/System/Library/Frameworks/Python.framework/Versions/2.7/Python", True),
        ("/usr/local/lib/libz.1.dylib", False),
        ("/opt/homebrew/lib/libz.1.dylib", False),
        ("/usr/lib/../local/lib/libz.1.dylib", False),
        ("/Library/Frameworks/Python.framework/Versions/3.12/Python", False),
        ("@rpath/libz.1.dylib", False),
        ("libz.1.dylib", False),
    ],
)
def test_system_paths(name: str, hit: bool) -> None:
    """The system's own directories are told from those that others fill."""
    assert macos.is_system_path(name) is hit


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("/usr/lib/libcrypto.dylib", (10, 15)),
        ("/usr/lib/libssl.dylib", (10, 15)),
        ("/System/Library/Frameworks/QTKit.framework/Versions/A/QTKit", (10, 15)),
        ("/System/Library/Frameworks/Python.framework/Versions/2.7/Python", (12, 3)),
        ("/usr/lib/libpython2.7.dylib", (12, 3)),
        ("/usr/lib/libpython.dylib", (12, 3)),
        ("/usr/lib/libcrypto.0.9.8.dylib", None),
        ("/usr/lib/libssl.35.dylib", None),
        ("/usr/lib/libz.1.dylib", None),
        ("/System/Library/Frameworks/Tcl.framework/Versions/8.5/Tcl", None),
        ("/Library/Frameworks/Python.framework/Versions/2.7/Python", None),
    ],
)
def test_removals(name: str, version: tuple[int, int] | None) -> None:
    """What macOS has taken out of its own directories is known with the release, and nothing else is."""
    removal = macos.removed_in(name)
    assert (removal.version if removal else None) == version
    if removal:
        assert macos.is_system_path(name)
        assert removal.reason
