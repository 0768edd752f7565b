"""The wheels of `tests/wheels/good`, one recipe each, and the mistakes that make those of `bad`."""

from __future__ import annotations

from fixtures_crate.build_wheels.model import BuildError, Recipe, Spoiling

ZIG = ("--zig",)
STABLE_ABI = ("--features", "abi3")
# Debian has precompiled standard libraries for few targets, so the others compile it from source.
BUILD_STANDARD_LIBRARY = ("-Zbuild-std=std,panic_unwind",)

LINUX_X86 = "x86_64-unknown-linux-gnu"
LINUX_ARM = "aarch64-unknown-linux-gnu"
MUSL_X86 = "x86_64-unknown-linux-musl"
WINDOWS_X86 = "x86_64-pc-windows-gnu"
WINDOWS_ARM = "aarch64-pc-windows-gnullvm"
MACOS_ARM = "aarch64-apple-darwin"
MACOS_X86 = "x86_64-apple-darwin"
MACOS_BOTH = "universal2-apple-darwin"

MANYLINUX2014 = (*ZIG, "--compatibility", "manylinux2014")
# A Python extension is a shared library, and Rust's musl targets make none unless told.
DYNAMIC_MUSL = ("-Ctarget-feature=-crt-static",)
CROSS = BUILD_STANDARD_LIBRARY
CROSS_ZIG = (*ZIG, *CROSS)
# With `--zig`, maturin 1.16.0 asks a Windows linker to export `PyInit_my_extension._core`: it forgets to cut
# the package off. So this target calls zig through a linker of our own.
ZIG_FOR_WINDOWS_ARM = "zig-for-windows-arm64"

TAGS_2014_X86 = "manylinux2014_x86_64.manylinux_2_17_x86_64"
TAGS_2014_ARM = "manylinux2014_aarch64.manylinux_2_17_aarch64"
TAGS_MACOS_BOTH = "macosx_10_12_universal2.macosx_10_12_x86_64.macosx_11_0_arm64"

RECIPES = (
    # The machine's own compiler and linker: maturin finds out which glibc the result needs.
    Recipe(identifier="host-cp311", python="python3.11", tags="cp311-cp311-manylinux_2_34_x86_64"),
    Recipe(identifier="host-cp313", python="python3.13", tags="cp313-cp313-manylinux_2_34_x86_64"),
    Recipe(identifier="host-cp314", python="python3.14", tags="cp314-cp314-manylinux_2_34_x86_64"),
    Recipe(identifier="host-cp314t", python="python3.14t", tags="cp314-cp314t-manylinux_2_34_x86_64"),
    Recipe(
        identifier="host-pypy311",
        python="pypy3.11",
        tags="pp311-pypy311_pp73-manylinux_2_34_x86_64",
    ),
    Recipe(
        identifier="host-abi3",
        python="python3.11",
        tags="cp39-abi3-manylinux_2_34_x86_64",
        arguments=STABLE_ABI,
    ),
    # zig links against the glibc that is asked for, not against the machine's.
    Recipe(
        identifier="manylinux2014-x86_64-cp311",
        python="python3.11",
        tags=f"cp311-cp311-{TAGS_2014_X86}",
        target=LINUX_X86,
        arguments=MANYLINUX2014,
    ),
    Recipe(
        identifier="manylinux2014-x86_64-abi3",
        python="python3.11",
        tags=f"cp39-abi3-{TAGS_2014_X86}",
        target=LINUX_X86,
        arguments=(*MANYLINUX2014, *STABLE_ABI),
    ),
    Recipe(
        identifier="manylinux2014-aarch64-cp311",
        python="python3.11",
        tags=f"cp311-cp311-{TAGS_2014_ARM}",
        target=LINUX_ARM,
        arguments=(*MANYLINUX2014, *CROSS),
    ),
    Recipe(
        identifier="musllinux-x86_64-cp311",
        python="python3.11",
        tags="cp311-cp311-musllinux_1_2_x86_64",
        target=MUSL_X86,
        arguments=(*CROSS_ZIG, "--compatibility", "musllinux_1_2"),
        rust_flags=DYNAMIC_MUSL,
    ),
    Recipe(
        identifier="windows-amd64-cp311",
        python="python3.11",
        tags="cp311-cp311-win_amd64",
        target=WINDOWS_X86,
        arguments=CROSS,
    ),
    Recipe(
        identifier="windows-amd64-cp313",
        python="python3.13",
        tags="cp313-cp313-win_amd64",
        target=WINDOWS_X86,
        arguments=CROSS,
    ),
    Recipe(
        identifier="windows-amd64-abi3",
        python="python3.11",
        tags="cp39-abi3-win_amd64",
        target=WINDOWS_X86,
        arguments=(*CROSS, *STABLE_ABI),
    ),
    Recipe(
        identifier="windows-arm64-cp313",
        python="python3.13",
        tags="cp313-cp313-win_arm64",
        target=WINDOWS_ARM,
        arguments=CROSS,
        environment={"CARGO_TARGET_AARCH64_PC_WINDOWS_GNULLVM_LINKER": ZIG_FOR_WINDOWS_ARM},
    ),
    Recipe(
        identifier="macos-arm64-cp311",
        python="python3.11",
        tags="cp311-cp311-macosx_11_0_arm64",
        target=MACOS_ARM,
        arguments=CROSS_ZIG,
    ),
    Recipe(
        identifier="macos-x86_64-cp311",
        python="python3.11",
        tags="cp311-cp311-macosx_10_12_x86_64",
        target=MACOS_X86,
        arguments=CROSS_ZIG,
    ),
    Recipe(
        identifier="macos-universal2-cp311",
        python="python3.11",
        tags=f"cp311-cp311-{TAGS_MACOS_BOTH}",
        target=MACOS_BOTH,
        arguments=CROSS_ZIG,
    ),
    Recipe(
        identifier="macos-universal2-abi3",
        python="python3.11",
        tags=f"cp39-abi3-{TAGS_MACOS_BOTH}",
        target=MACOS_BOTH,
        arguments=(*CROSS_ZIG, *STABLE_ABI),
    ),
)

SPOILINGS = (
    Spoiling(
        identifier="glibc-newer-than-tag",
        source="host-abi3",
        tags=f"cp39-abi3-{TAGS_2014_X86}",
        retag=("--platform-tag", TAGS_2014_X86),
        defect="built on the host and so needs glibc 2.34, but tagged for glibc 2.17",
    ),
    Spoiling(
        identifier="universal2-without-x86_64",
        source="macos-arm64-cp311",
        tags="cp311-cp311-macosx_11_0_universal2",
        retag=("--platform-tag", "macosx_11_0_universal2"),
        defect="tagged universal2, but the binary has no x86_64 slice",
    ),
    Spoiling(
        identifier="renamed-to-cp313",
        source="windows-amd64-cp311",
        tags="cp313-cp313-win_amd64",
        defect="only the file was renamed: the name says cp313, WHEEL and the binary say cp311",
    ),
)


def recipe_named(identifier: str) -> Recipe:
    """The recipe of a name."""
    for recipe in RECIPES:
        if recipe.identifier == identifier:
            return recipe
    raise BuildError(f"no recipe is named {identifier!r}; `list` shows them all")
