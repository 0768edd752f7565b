"""Remedies for native files on Linux: what they need, where they look for it, what the build left in them."""

from __future__ import annotations

from typing import Final

from tests.remedies.model import Remedy
from tests.remedies.projects import METADATA, C, cython, meson_python, scikit_build_core, setuptools

REPAIR: Final = "auditwheel repair dist/*.whl"
OLDEST: Final = "wheel tags --remove --platform-tag manylinux_2_5_x86_64 dist/*.whl"
"""The tag that every module keeps whose one fault is another."""
VENDORED: Final = """
gcc -shared -fPIC -Wl,-soname,libvendored.so.1 vendored.c -o libvendored.so
ln -s libvendored.so libvendored.so.1
"""
NEEDS: Final = 'define_macros=[("NEEDS_VENDORED", "1")]'
LINKED: Final = f'{NEEDS}, libraries=["vendored"], library_dirs=["."]'
FOUND: Final = f"export LD_LIBRARY_PATH=$PWD\n{REPAIR}"
BY_HAND: Final = "wheel unpack -d unpacked dist/*.whl\n{}\nwheel pack -d dist unpacked/demo-1.0"


def with_text(*lines: str) -> dict[str, str]:
    """The module in C with further lines below its declarations."""
    include = '#include "minipy.h"\n'
    return {"ext.c": C["ext.c"].replace(include, include + "\n".join(lines) + "\n", 1)}


THREADS: Final = with_text(
    "#include <pthread.h>",
    "EXPORTED int key(pthread_key_t *made) { return pthread_key_create(made, 0); }",
)
"""From glibc 2.34 on, this function has a new version: it moved to another library."""
WAITS: Final = "\n".join(
    (
        "#include <condition_variable>",
        'extern "C" {',
        C["ext.c"],
        "EXPORTED void await(std::condition_variable *what, std::unique_lock<std::mutex> *lock) { what->wait(*lock); }",
        "}",
    )
)
"""From GCC 12 on, this function has a new version: GLIBCXX_3.4.30."""
MIS_TAGGED: Final = setuptools(script=OLDEST, files=THREADS)
SEARCHES: Final = 'runtime_library_dirs=["/home/alice/lib"]'
SEARCHES_HOME: Final = setuptools(SEARCHES, script=REPAIR)
NOT_BROUGHT: Final = setuptools(LINKED, before=VENDORED, script=OLDEST)
OWN_LIBRARY: Final = """
add_library(vendored SHARED vendored.c)
install(TARGETS vendored DESTINATION demo)
Python_add_library(_core MODULE WITH_SOABI ext.c)
target_compile_definitions(_core PRIVATE NEEDS_VENDORED)
target_link_libraries(_core PRIVATE vendored)
"""
OWN_TARGET: Final = (
    "vendored = shared_library('vendored', 'vendored.c', install: true, install_dir: python.get_install_dir() / 'demo')"
)
NAMES_ITS_FILE: Final = with_text("EXPORTED const char *where(void);", "const char *where(void) { return __FILE__; }")
MAPPED: Final = "-ffile-prefix-map=${CMAKE_SOURCE_DIR}"
STACK: Final = setuptools('extra_link_args=["-Wl,-z,execstack"]', script=OLDEST)
WITH_DEBUG_INFO: Final = cython(script=REPAIR, variables={"CFLAGS": "-O2 -g"})

REMEDIES: Final = (
    Remedy(
        rules=("platform-not-on-pypi",),
        tool="auditwheel",
        wrong=setuptools(),
        right=setuptools(script=REPAIR),
        words=("`auditwheel repair`",),
    ),
    Remedy(
        rules=("glibc-newer-than-tag",),
        tool="auditwheel",
        wrong=MIS_TAGGED,
        right=setuptools(script=REPAIR, files=THREADS),
        words=("`auditwheel repair dist/*.whl`",),
    ),
    Remedy(
        rules=("glibc-newer-than-tag",),
        tool="wheel tags",
        wrong=MIS_TAGGED,
        right=setuptools(
            script=f"{OLDEST}\nwheel tags --remove --platform-tag manylinux_2_34_x86_64 dist/*.whl", files=THREADS
        ),
        words=("`wheel tags --remove --platform-tag manylinux_2_34_x86_64 dist/*.whl`",),
    ),
    Remedy(
        rules=("glibc-newer-than-tag",),
        tool="zig",
        wrong=MIS_TAGGED,
        right=setuptools(
            script=REPAIR,
            files=THREADS,
            variables={
                "CC": "python -m ziglang cc -target x86_64-linux-gnu.2.17",
                "LDSHARED": "python -m ziglang cc -target x86_64-linux-gnu.2.17 -shared",
            },
        ),
        words=('CC="python -m ziglang cc -target x86_64-linux-gnu.2.17"', 'LDSHARED="$CC -shared"'),
        slow=True,
    ),
    Remedy(
        rules=("libstdcxx-newer-than-tag",),
        tool="auditwheel",
        wrong=setuptools(
            sources="ext.cpp",
            files={"ext.cpp": WAITS},
            script="wheel tags --remove --platform-tag manylinux_2_34_x86_64 dist/*.whl",
        ),
        right=setuptools(sources="ext.cpp", files={"ext.cpp": WAITS}, script=REPAIR),
        words=("`auditwheel repair dist/*.whl`",),
        slow=True,
    ),
    Remedy(
        rules=("library-outside-policy",),
        tool="auditwheel",
        wrong=NOT_BROUGHT,
        right=setuptools(LINKED, before=VENDORED, script=FOUND),
        words=("`auditwheel repair`", "`LD_LIBRARY_PATH`"),
        comes=("sbom-missing",),
    ),
    Remedy(
        rules=("library-outside-policy",),
        tool="static",
        wrong=NOT_BROUGHT,
        right=setuptools(
            f'{NEEDS}, extra_objects=["libvendored.a"]',
            before="gcc -c -fPIC vendored.c\nar rcs libvendored.a vendored.o",
            script=REPAIR,
        ),
        words=('`extra_objects=["libvendored.a"]`',),
        slow=True,
    ),
    Remedy(
        rules=("library-outside-policy",),
        tool="other wheel",
        wrong=NOT_BROUGHT,
        right=setuptools(LINKED, before=VENDORED, metadata=METADATA + 'dependencies = ["vendored"]\n', script=OLDEST),
        words=('`external-libraries = { "libvendored.so.*" = "vendored" }`',),
        settings='external-libraries = { "libvendored.so.*" = "vendored" }\n',
    ),
    Remedy(
        rules=("symbol-unresolved",),
        tool="setuptools",
        wrong=setuptools(NEEDS, script=OLDEST),
        right=setuptools(LINKED, before=VENDORED, script=FOUND),
        words=('`libraries=["vendored"]`',),
        comes=("sbom-missing",),
    ),
    Remedy(
        rules=("library-unreachable",),
        tool="scikit-build-core",
        wrong=scikit_build_core(library=OWN_LIBRARY, script=OLDEST),
        right=scikit_build_core(library=f'set(CMAKE_INSTALL_RPATH "$ORIGIN"){OWN_LIBRARY}', script=OLDEST),
        words=('`set(CMAKE_INSTALL_RPATH "$ORIGIN")`',),
    ),
    Remedy(
        rules=("library-unreachable",),
        tool="meson-python",
        wrong=meson_python("link_with: vendored, c_args: '-DNEEDS_VENDORED'", first=OWN_TARGET, script=OLDEST),
        right=meson_python(
            "link_with: vendored, c_args: '-DNEEDS_VENDORED', install_rpath: '$ORIGIN'", first=OWN_TARGET, script=OLDEST
        ),
        words=("`install_rpath: '$ORIGIN'`",),
        beside=("zip-dist-info-order",),
    ),
    Remedy(
        rules=("rpath-unsafe",),
        tool="setuptools",
        wrong=SEARCHES_HOME,
        right=setuptools('runtime_library_dirs=["$ORIGIN"]', script=REPAIR),
        words=('`runtime_library_dirs=["$ORIGIN"]`',),
    ),
    Remedy(
        rules=("rpath-unsafe",),
        tool="interpreter of pyenv",
        wrong=setuptools(script=REPAIR, variables={"LDSHARED": "gcc -shared -Wl,-rpath,/home/alice/.pyenv/lib"}),
        right=setuptools(script=REPAIR, variables={"LDSHARED": "gcc -shared"}),
        words=('`LDSHARED="gcc -shared"`',),
    ),
    Remedy(
        rules=("rpath-unsafe",),
        tool="scikit-build-core",
        wrong=scikit_build_core("set_target_properties(_core PROPERTIES INSTALL_RPATH /home/alice/lib)", script=REPAIR),
        right=scikit_build_core(library='set(CMAKE_INSTALL_RPATH "$ORIGIN")\n' + OWN_LIBRARY, script=REPAIR),
        words=('`set(CMAKE_INSTALL_RPATH "$ORIGIN")`',),
    ),
    Remedy(
        rules=("rpath-unsafe",),
        tool="meson-python",
        wrong=meson_python("link_args: '-Wl,-rpath,/home/alice/lib'", script=REPAIR),
        right=meson_python("install_rpath: '$ORIGIN'", script=REPAIR),
        words=("`install_rpath: '$ORIGIN'`",),
        slow=True,
    ),
    Remedy(
        rules=("rpath-unsafe",),
        tool="patchelf",
        wrong=SEARCHES_HOME,
        right=setuptools(
            SEARCHES, script=f"{BY_HAND.format('patchelf --remove-rpath unpacked/demo-1.0/demo/*.so')}\n{REPAIR}"
        ),
        words=("`patchelf --remove-rpath FILE`",),
    ),
    Remedy(
        rules=("rpath-unsafe",),
        tool="auditwheel",
        wrong=setuptools(f'{SEARCHES}, extra_link_args=["-Wl,--no-as-needed"]', script=OLDEST),
        right=setuptools(f"{LINKED}, {SEARCHES}", before=VENDORED, script=FOUND),
        words=("only of a file for which they copy a library",),
        comes=("sbom-missing",),
        slow=True,
    ),
    Remedy(
        rules=("executable-stack",),
        tool="setuptools",
        wrong=STACK,
        right=setuptools('extra_link_args=["-Wl,-z,noexecstack"]', script=OLDEST),
        words=("`-Wl,-z,noexecstack`",),
    ),
    Remedy(
        rules=("executable-stack",),
        tool="patchelf",
        wrong=STACK,
        right=setuptools(
            'extra_link_args=["-Wl,-z,execstack"]',
            script=f"{BY_HAND.format('patchelf --clear-execstack unpacked/demo-1.0/demo/*.so')}\n{REPAIR}",
        ),
        words=("`patchelf --clear-execstack FILE`",),
        slow=True,
    ),
    Remedy(
        rules=("x86-isa-newer-than-tag",),
        tool="setuptools",
        wrong=setuptools('extra_compile_args=["-march=x86-64-v3", "-mneeded"]', script=OLDEST),
        right=setuptools(script=OLDEST),
        words=("no `-march=native`",),
        slow=True,
    ),
    Remedy(
        rules=("build-path-leak",),
        tool="scikit-build-core",
        wrong=scikit_build_core(
            f"target_compile_options(_core PRIVATE {MAPPED}=/home/alice/demo)", files=NAMES_ITS_FILE, script=REPAIR
        ),
        right=scikit_build_core(
            f"target_compile_options(_core PRIVATE {MAPPED}=/home/alice/demo)",
            f"add_compile_options({MAPPED}=.)",
            f"target_compile_options(_core PRIVATE {MAPPED}=.)",
            files=NAMES_ITS_FILE,
            script=REPAIR,
        ),
        words=("`add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)`",),
    ),
    Remedy(
        rules=("debug-info",),
        tool="setuptools",
        wrong=WITH_DEBUG_INFO,
        right=cython('extra_compile_args=["-g0"]', script=REPAIR, variables={"CFLAGS": "-O2 -g"}),
        words=('`extra_compile_args=["-g0"]`',),
    ),
    Remedy(
        rules=("debug-info",),
        tool="linker",
        wrong=WITH_DEBUG_INFO,
        right=cython(script=REPAIR, variables={"CFLAGS": "-O2 -g", "LDFLAGS": "-Wl,--strip-debug"}),
        words=("`LDFLAGS=-Wl,--strip-debug`",),
        slow=True,
    ),
    Remedy(
        rules=("debug-info",),
        tool="auditwheel",
        wrong=WITH_DEBUG_INFO,
        right=cython(script="auditwheel repair --strip dist/*.whl", variables={"CFLAGS": "-O2 -g"}),
        words=("`auditwheel repair --strip`",),
        slow=True,
    ),
)
