"""Remedies for Windows and macOS that run on Linux: MinGW, delvewheel, LLVM's tools, and repairwheel as delocate."""

from __future__ import annotations

from typing import Final

from tests.remedies.model import Build, Remedy

BAD: Final = "defects/bad/{}-1.0-cp311-cp311-{}.whl"
GOOD: Final = "defects/good/{}-1.0-cp311-cp311-{}.whl"
WINDOWS: Final = "win_amd64"
MACOS: Final = "macosx_11_0_arm64"
DLL: Final = BAD.format("missing_dll", WINDOWS), GOOD.format("good_windows_library", WINDOWS)
DYLIB: Final = BAD.format("homebrew_dylib", MACOS), GOOD.format("good_macos_library", MACOS)
UNZIP: Final = "unzip -q -j {}.whl '*/{}' -d libraries\n"
SIGNED: Final = GOOD.format("good_macos_signed", MACOS)
BY_HAND: Final = """
wheel unpack -d unpacked dist/*.whl
{} unpacked/good_macos_signed-1.0/good_macos_signed/_core.*
wheel pack -d dist unpacked/good_macos_signed-1.0
"""

REMEDIES: Final = (
    Remedy(
        rules=("library-unresolved",),
        tool="delvewheel",
        wrong=Build(kept=DLL[:1]),
        right=Build(
            kept=DLL,
            script=UNZIP.format("good_windows_library*", "*.dll")
            + "delvewheel repair --add-path libraries -w wheelhouse dist/*.whl",
        ),
        words=("`delvewheel repair --add-path DIR`",),
        comes=("sbom-missing",),
    ),
    Remedy(
        rules=("library-unresolved",),
        tool="repairwheel",
        wrong=Build(kept=DYLIB[:1]),
        right=Build(
            kept=DYLIB,
            script=UNZIP.format("good_macos_library*", "*.dylib")
            + "repairwheel --lib-dir libraries -o wheelhouse dist/*.whl",
        ),
        words=("`repairwheel --lib-dir DIR -o wheelhouse`",),
        comes=("sbom-missing",),
    ),
    Remedy(
        rules=("windows-runtime-missing",),
        tool="delvewheel",
        wrong=Build(kept=(BAD.format("mingw_runtime", WINDOWS),)),
        right=Build(
            kept=(BAD.format("mingw_runtime", WINDOWS),),
            script="""
                runtime=$(x86_64-w64-mingw32-gcc -print-file-name=libgcc_s_seh-1.dll)
                delvewheel repair --add-path "$(dirname "$runtime")" -w wheelhouse dist/*.whl
            """,
        ),
        words=("`delvewheel repair`",),
        comes=("debug-info", "sbom-missing"),
        slow=True,
    ),
    Remedy(
        rules=("windows-runtime-missing",),
        tool="MinGW",
        wrong=Build(kept=(BAD.format("mingw_runtime", WINDOWS),)),
        right=Build(kept=(GOOD.format("good_windows_mingw", WINDOWS),)),  # `fixtures_crate/defects` has the commands
        words=("`-static-libgcc`",),
    ),
    Remedy(
        rules=("macos-signature-stale",),
        tool="LLVM",
        wrong=Build(kept=(SIGNED,), script=BY_HAND.format("sed -i 's/sum of two/sum of 2.0/'")),
        right=Build(kept=(SIGNED,), script=BY_HAND.format("llvm-install-name-tool-14 -add_rpath @loader_path")),
        words=("`llvm-install-name-tool`",),
        slow=True,
    ),
)
