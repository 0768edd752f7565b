"""The table: every planted defect that a C compiler or a linker can make, and every good twin."""

from __future__ import annotations

from fixtures_crate.defects.model import Defect, Recipe, linux, macos, windows

# gcc without its start-up files: the result depends on the compiler and the linker alone, not on the machine's glibc.
# Some distributions protect the stack by default, by a function of glibc.
GCC = "gcc -shared -fPIC -O2 -s -nostdlib -fno-stack-protector"
ZIG_LINUX = "zig cc -shared -fPIC -O2 -s -target x86_64-linux-gnu"
ZIG_LINUX_OLD = f"{ZIG_LINUX}.2.17"
LINUX_MODULE = f"{ZIG_LINUX_OLD} ext.c -o ext.so"

ZIG_MACOS = "zig cc -shared -O2 -s -undefined dynamic_lookup -target"
ARM = "aarch64-macos.11.0"
INTEL = "x86_64-macos.10.12"
MACOS_MODULE = f"{ZIG_MACOS} {ARM} ext.c -o ext.so"
INTEL_MODULE = f"{ZIG_MACOS} {INTEL} ext.c -o intel.so"
MACOS_OBJECT = f"zig cc -c -O2 -target {ARM} ext.c -o ext.o"
APPLE_LINKER = "ld64.lld-14 -S -dylib -arch arm64 -platform_version macos 11.0 14.0 -undefined dynamic_lookup"
# Apple's `strip` and `install_name_tool` sign anew; an editor of bytes does not.
EDIT = "sed -i s/'sum of two integers'/'sum of any integers'/ ext.so"

ZIG_WINDOWS = "zig cc -shared -O2 -s -nostdlib -fno-builtin -DNO_RUNTIME -target x86_64-windows-gnu"
MINGW = "x86_64-w64-mingw32-gcc -shared -O2 -s -Wl,--no-insert-timestamp"


def import_library(name: str) -> str:
    """The command that makes an import library of a definition file."""
    return f"zig dlltool -m i386:x86-64 -d {name}.def -l {name}.lib"


def linked_to(name: str, *, target: str, flags: str) -> tuple[str, str]:
    """The commands that make a library of that file name, and a module that needs it."""
    return (
        f"{target} vendored.c {flags} -o {name}",
        f"{target} -DNEEDS_VENDORED ext.c {name} -o ext.so",
    )


PYTHON_311 = import_library("python311")
WINDOWS_MODULE = f"{ZIG_WINDOWS} ext.c python311.lib -o ext.pyd"
VENDORED_DLL = (PYTHON_311, f"{ZIG_WINDOWS} vendored.c -Wl,--out-implib,vendored.lib -o vendored-5d41402a.dll")
VENDORED_PYD = f"{ZIG_WINDOWS} -DNEEDS_VENDORED ext.c python311.lib vendored.lib -o ext.pyd"

GOOD: tuple[Recipe, ...] = (
    linux("good-linux", LINUX_MODULE),
    linux("good-linux-gcc", f"{GCC} ext.c -o ext.so"),
    linux("good-linux-glibc", f"{ZIG_LINUX_OLD} -DNEEDS_CLOCK ext.c -o ext.so"),
    linux(
        "good-linux-library",
        f"{ZIG_LINUX_OLD} vendored.c -Wl,-soname,libvendored-5d41402a.so.1 -o libvendored-5d41402a.so.1",
        f"{ZIG_LINUX_OLD} -DNEEDS_VENDORED ext.c libvendored-5d41402a.so.1 -Wl,-rpath,$ORIGIN -o ext.so",
        **{"libvendored-5d41402a.so.1": "libvendored-5d41402a.so.1"},
    ),
    macos("good-macos", MACOS_MODULE),
    macos(
        "good-macos-universal2",
        MACOS_MODULE,
        INTEL_MODULE,
        "llvm-lipo-14 -create intel.so ext.so -output ext.so",
        platform="macosx_10_12_universal2",
    ),
    macos(
        "good-macos-library",
        *linked_to(
            "libvendored.1.dylib",
            target=f"{ZIG_MACOS} {ARM}",
            flags="-Wl,-install_name,@loader_path/.dylibs/libvendored.1.dylib",
        ),
        **{".dylibs/libvendored.1.dylib": "libvendored.1.dylib"},
    ),
    macos("good-macos-signed", MACOS_OBJECT, f"{APPLE_LINKER} -adhoc_codesign ext.o -o ext.so"),
    windows("good-windows", PYTHON_311, WINDOWS_MODULE),
    windows(
        "good-windows-library",
        *VENDORED_DLL,
        VENDORED_PYD,
        **{"vendored-5d41402a.dll": "vendored-5d41402a.dll"},
    ),
    windows(
        "good-windows-mingw",
        PYTHON_311,
        f"{MINGW} -static-libgcc -DNEEDS_COMPILER_RUNTIME ext.c python311.lib -o ext.pyd",
    ),
)

DEFECTS: tuple[Defect, ...] = (
    Defect(
        recipe=linux("newer-glibc", f"{ZIG_LINUX}.2.38 -DNEEDS_STRLCPY ext.c -o ext.so"),
        twin="good-linux-glibc",
        mistake="built against glibc 2.38 and calls a function that is new there, tagged for 2.17",
        rule="glibc-newer-than-tag",
        shows=("strlcpy", "GLIBC_2.38"),
    ),
    Defect(
        recipe=linux("absolute-rpath", f"{LINUX_MODULE} -Wl,-rpath,/home/builder/.local/lib"),
        twin="good-linux",
        mistake="linked with the library folder of the build machine as search path",
        rule="rpath-unsafe",
        severity="warning",
        shows=("/home/builder/.local/lib",),
    ),
    Defect(
        recipe=linux(
            "missing-library",
            f"{ZIG_LINUX_OLD} vendored.c -Wl,-soname,libvendored.so.1 -o libvendored.so.1",
            f"{ZIG_LINUX_OLD} -DNEEDS_VENDORED ext.c libvendored.so.1 -o ext.so",
        ),
        twin="good-linux-library",
        mistake="linked against a library of the build machine, never repaired by auditwheel",
        rule="library-outside-policy",
        shows=("libvendored.so.1",),
    ),
    Defect(
        recipe=linux("undefined-symbol", f"{ZIG_LINUX_OLD} -DNEEDS_VENDORED ext.c -o ext.so"),
        twin="good-linux-library",
        mistake="forgot to link the library that a function is from",
        rule="symbol-unresolved",
        shows=("vendored_answer",),
    ),
    Defect(
        recipe=linux("executable-stack", f"{GCC} -Wl,-z,execstack ext.c -o ext.so"),
        twin="good-linux-gcc",
        mistake="linked with `-z execstack`, as one assembly file without a stack note does",
        rule="executable-stack",
        shows=("PT_GNU_STACK",),
    ),
    Defect(
        recipe=linux(
            "text-relocations",
            "gcc -c -O2 -mcmodel=large -fno-pic -fno-stack-protector ext.c -o ext.o",
            "gcc -shared -s -nostdlib -Wl,-z,notext ext.o -o ext.so",
        ),
        twin="good-linux-gcc",
        mistake="compiled without -fPIC, and told the linker not to mind",
        rule="text-relocations",
        severity="warning",
        shows=("TEXTREL",),
    ),
    Defect(
        recipe=linux("wrong-init", f"{LINUX_MODULE} -DWRONG_INIT"),
        twin="good-linux",
        mistake="the module's name in the source is not the name of its file",
        rule="module-init-missing",
        shows=("PyInit__kernel",),
    ),
    Defect(
        recipe=linux("outside-limited-api", f"{LINUX_MODULE} -DNEEDS_OLD_UNICODE"),
        twin="good-linux",
        mistake="called a function that is not in the stable ABI, which Python 3.12 dropped",
        rule="abi3-symbol-outside",
        shows=("PyUnicode_AsUnicode",),
    ),
    Defect(
        recipe=linux("newer-limited-api", f"{LINUX_MODULE} -DNEEDS_NEW_REFERENCE"),
        twin="good-linux",
        mistake="called a function of the stable ABI of Python 3.10, tagged for 3.9",
        rule="abi3-symbol-too-new",
        shows=("Py_NewRef",),
    ),
    Defect(
        recipe=linux(
            "linked-to-python",
            f"{ZIG_LINUX_OLD} vendored.c -Wl,-soname,libpython3.11.so.1.0 -o libpython3.11.so",
            f"{ZIG_LINUX_OLD} ext.c -Wl,--no-as-needed libpython3.11.so -o ext.so",
        ),
        twin="good-linux",
        mistake="linked with the interpreter's own library, as `python3-config --embed` says",
        rule="libpython-linked",
        shows=("libpython3.11.so.1.0",),
    ),
    Defect(
        recipe=linux(
            "musl-in-manylinux", "zig cc -shared -fPIC -O2 -s -target x86_64-linux-musl -DNEEDS_CLOCK ext.c -o ext.so"
        ),
        twin="good-linux-glibc",
        mistake="built on Alpine, tagged manylinux",
        rule="libc-mismatch",
        shows=("libc.so",),
    ),
    Defect(
        recipe=linux("other-machine", "zig cc -shared -fPIC -O2 -s -target aarch64-linux-gnu.2.17 ext.c -o ext.so"),
        twin="good-linux",
        mistake="built for aarch64, tagged x86_64",
        rule="binary-wrong-arch",
        shows=("aarch64",),
    ),
    Defect(
        recipe=linux("newer-processor", f"{GCC} -Wl,-z,x86-64-v3 ext.c -o ext.so"),
        twin="good-linux-gcc",
        mistake="marked as needing the processors of x86-64-v3, as `-march=native -mneeded` does",
        rule="x86-isa-newer-than-tag",
        shows=("x86-64-v3",),
    ),
    Defect(
        recipe=macos("newer-macos", f"{ZIG_MACOS} aarch64-macos.14.0 ext.c -o ext.so"),
        twin="good-macos",
        mistake="built for macOS 14 because MACOSX_DEPLOYMENT_TARGET was not set, tagged for 11",
        rule="macos-newer-than-tag",
        shows=("14.0",),
    ),
    Defect(
        recipe=macos(
            "missing-slice",
            f"{ZIG_MACOS} {INTEL} ext.c -o ext.so",
            platform="macosx_10_12_universal2",
        ),
        twin="good-macos-universal2",
        mistake="built for Intel alone, tagged universal2",
        rule="macos-arch-missing",
        shows=("x86_64",),
    ),
    Defect(
        recipe=macos(
            "homebrew-dylib",
            *linked_to(
                "libvendored.1.dylib",
                target=f"{ZIG_MACOS} {ARM}",
                flags="-Wl,-install_name,/opt/homebrew/opt/vendored/lib/libvendored.1.dylib",
            ),
        ),
        twin="good-macos-library",
        mistake="linked against a library of Homebrew, never repaired by delocate",
        rule="library-unresolved",
        shows=("/opt/homebrew/opt/vendored/lib/libvendored.1.dylib",),
    ),
    Defect(
        recipe=macos("unsigned", MACOS_OBJECT, f"{APPLE_LINKER} -no_adhoc_codesign ext.o -o ext.so"),
        twin="good-macos-signed",
        mistake="linked for Apple silicon without an ad-hoc signature",
        rule="macos-unsigned",
        shows=("arm64",),
    ),
    Defect(
        recipe=macos("stale-signature", MACOS_MODULE, EDIT),
        twin="good-macos",
        mistake="edited the binary after it was signed",
        rule="macos-signature-stale",
        shows=("page",),
    ),
    Defect(
        recipe=windows(
            "other-python",
            import_library("python310"),
            f"{ZIG_WINDOWS} ext.c python310.lib -o ext.pyd",
        ),
        twin="good-windows",
        mistake="linked with the import library of Python 3.10, tagged cp311",
        rule="windows-wrong-python",
        shows=("python310.dll",),
    ),
    Defect(
        recipe=windows(
            "debug-runtime",
            PYTHON_311,
            import_library("ucrtbased"),
            f"{ZIG_WINDOWS} -DNEEDS_DEBUG_RUNTIME ext.c python311.lib ucrtbased.lib -o ext.pyd",
        ),
        twin="good-windows",
        mistake="built with /MDd, in the Debug configuration",
        rule="windows-debug-runtime",
        shows=("ucrtbased.dll",),
    ),
    Defect(
        recipe=windows(
            "mingw-runtime",
            PYTHON_311,
            f"{MINGW} -shared-libgcc -DNEEDS_COMPILER_RUNTIME ext.c python311.lib -o ext.pyd",
        ),
        twin="good-windows-mingw",
        mistake="built by MinGW without -static-libgcc",
        rule="windows-runtime-missing",
        shows=("libgcc_s_seh-1.dll",),
    ),
    Defect(
        recipe=windows("missing-dll", *VENDORED_DLL, VENDORED_PYD),
        twin="good-windows-library",
        mistake="linked against a DLL of the build machine, never repaired by delvewheel",
        rule="library-unresolved",
        shows=("vendored-5d41402a.dll",),
    ),
)


def good(identifier: str) -> Recipe:
    """The good wheel of that identifier."""
    (found,) = (recipe for recipe in GOOD if recipe.identifier == identifier)
    return found
