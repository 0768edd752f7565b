"""Remedies for what is about Python and packaging: ABI, package contents, entry points, metadata, RECORD, archive."""

from __future__ import annotations

from typing import Final

from tests.remedies.model import Remedy
from tests.remedies.native import OLDEST, REPAIR, with_text
from tests.remedies.projects import METADATA, cython, meson_python, scikit_build_core, setuptools

LIMITED: Final = 'py_limited_api=True, define_macros=[("Py_LIMITED_API", "0x03090000")]'
CP39: Final = '[tool.distutils.bdist_wheel]\npy-limited-api = "cp39"\n'
CP310: Final = CP39.replace("cp39", "cp310")
PY_API: Final = '[tool.scikit-build]\nwheel.py-api = "cp39"\n'
SABI: Final = "Python_add_library(_core MODULE USE_SABI 3.9 WITH_SOABI ext.c)"
STABLE: Final = with_text(
    "IMPORTED PyObject *PyList_New(Py_ssize_t size);",
    "IMPORTED PyObject *PyDict_New(void);",
    "IMPORTED PyObject *PyTuple_New(Py_ssize_t size);",
    "EXPORTED PyObject *made(int which);",
    "PyObject *made(int which) { return which == 0 ? PyList_New(0) : which == 1 ? PyDict_New() : PyTuple_New(0); }",
)
"""More functions of the stable ABI: with fewer it is not proposed."""
NEWER: Final = 'py_limited_api=True, define_macros=[("NEEDS_NEW_REFERENCE", "1")]'

WITH_TESTS: Final = {"tests/__init__.py": "", "tests/test_demo.py": "import demo\n"}
FIND: Final = "[tool.setuptools.packages.find]\n"
SCRIPT: Final = METADATA + "[project.scripts]\ndemo = "
MAIN: Final = {"demo/cli.py": "def main():\n    pass\n"}
LICENCE: Final = 'license = "MIT"\nlicense-files = ["LICENSE"]\n'
PREBUILT: Final = "gcc -shared -fPIC -DNEEDS_CLOCK ext.c -o demo/_core.abi3.so"
PACKAGE_DATA: Final = 'packages=["demo"], package_data={"demo": ["*"]}'
OBJECTS: Final = "gcc -c vendored.c -o demo/vendored.o"
PATCHED: Final = "echo '# patched' > demo/__init__.py\nzip -q dist/*.whl demo/__init__.py"
ADDED: Final = "echo '# added' > demo/added.py\nzip -q dist/*.whl demo/added.py"
RENAMED: Final = "mv dist/demo-1.0-py3-none-any.whl dist/demo-1.0-py2.py3-none-any.whl"
PACK: Final = "unzip -q dist/*.whl -d unpacked\nrm dist/*.whl\nwheel pack -d dist unpacked"

REMEDIES: Final = (
    Remedy(
        rules=("extension-suffix-mismatch",),
        tool="setuptools",
        wrong=setuptools(toml=CP39, script=OLDEST),
        right=setuptools(LIMITED, toml=CP39, script=OLDEST),
        words=(
            "`py_limited_api=True`",
            '`define_macros=[("Py_LIMITED_API", "0x03090000")]`',
            '`py-limited-api = "cp39"`',
            "`[tool.distutils.bdist_wheel]`",
        ),
    ),
    Remedy(
        rules=("extension-suffix-mismatch",),
        tool="scikit-build-core",
        wrong=scikit_build_core(toml=PY_API, script=OLDEST),
        right=scikit_build_core(library=SABI, components="Development.SABIModule", toml=PY_API, script=OLDEST),
        words=(
            '`wheel.py-api = "cp39"`',
            "`[tool.scikit-build]`",
            "`Development.SABIModule`",
            "`Python_add_library(_core MODULE USE_SABI 3.9 WITH_SOABI ...)`",
        ),
    ),
    Remedy(
        rules=("abi3-symbol-outside", "abi3-symbol-too-new"),
        tool="Cython",
        wrong=cython("py_limited_api=True", toml=CP39, script=REPAIR),
        right=cython(LIMITED, toml=CP39, script=REPAIR),
        words=("Cython 3.1 or later", "as for setuptools"),
    ),
    Remedy(
        rules=("abi3-symbol-too-new",),
        tool="setuptools",
        wrong=setuptools(NEWER, toml=CP39, script=OLDEST),
        right=setuptools(NEWER, toml=CP310, script=OLDEST),
        words=("with the same version",),
        slow=True,
    ),
    Remedy(
        rules=("abi3-possible",),
        tool="meson-python",
        wrong=meson_python(files=STABLE, script=OLDEST),
        right=meson_python(
            "limited_api: '3.9'", toml="[tool.meson-python]\nlimited-api = true\n", files=STABLE, script=OLDEST
        ),
        words=("`limited-api = true`", "`[tool.meson-python]`", "`limited_api: '3.9'`"),
        beside=("zip-dist-info-order",),
    ),
    Remedy(
        rules=("abi3-possible",),
        tool="setuptools",
        wrong=setuptools(files=STABLE, script=OLDEST),
        right=setuptools(LIMITED, toml=CP39, files=STABLE, script=OLDEST),
        words=("`py_limited_api=True`",),
        slow=True,
    ),
    Remedy(
        rules=("module-init-missing",),
        tool="setuptools",
        wrong=setuptools('define_macros=[("WRONG_INIT", "1")]', script=OLDEST),
        right=setuptools(script=OLDEST),
        words=("`PyInit__core`", '`Extension("demo._core", ...)`'),
    ),
    Remedy(
        rules=("native-in-any",),
        tool="setuptools",
        wrong=setuptools(sources="", setup=PACKAGE_DATA, before=PREBUILT),
        right=setuptools(
            sources="", setup=f"{PACKAGE_DATA}, has_ext_modules=lambda: True", before=PREBUILT, script=REPAIR
        ),
        words=("`has_ext_modules=lambda: True`",),
    ),
    Remedy(
        rules=("stray-top-level", "zip-dist-info-order"),
        tool="setuptools",
        wrong=setuptools(sources="", setup="", toml=FIND, files=WITH_TESTS),
        right=setuptools(sources="", setup="", toml=f'{FIND}include = ["demo*"]\n', files=WITH_TESTS),
        words=("`[tool.setuptools.packages.find]`", '`include = ["demo*"]`'),
    ),
    Remedy(
        rules=("build-leftovers",),
        tool="setuptools",
        wrong=setuptools(sources="", setup=PACKAGE_DATA, before=OBJECTS),
        right=setuptools(
            sources="",
            setup=PACKAGE_DATA,
            before=OBJECTS,
            toml='[tool.setuptools.exclude-package-data]\n"*" = ["*.o"]\n',
        ),
        words=("`[tool.setuptools.exclude-package-data]`", '`"*" = ["*.o"]`'),
        slow=True,
    ),
    Remedy(
        rules=("entry-point-target-missing",),
        tool="setuptools",
        wrong=setuptools(sources="", metadata=f'{SCRIPT}"demo.cli:main"\n'),
        right=setuptools(sources="", metadata=f'{SCRIPT}"demo.cli:main"\n', files=MAIN),
        words=("`demo/cli.py`",),
    ),
    Remedy(
        rules=("entry-point-reference",),
        tool="setuptools",
        wrong=setuptools(sources="", metadata=f'{SCRIPT}"demo.cli"\n', files=MAIN),
        right=setuptools(sources="", metadata=f'{SCRIPT}"demo.cli:main"\n', files=MAIN),
        words=('`demo = "demo.cli:main"`',),
    ),
    Remedy(
        rules=("requires-python-missing",),
        tool="setuptools",
        wrong=setuptools(sources="", metadata=METADATA.replace('requires-python = ">=3.9"\n', "")),
        right=setuptools(sources=""),
        words=('`requires-python = ">=3.9"`',),
    ),
    Remedy(
        rules=("license-undeclared",),
        tool="setuptools",
        wrong=setuptools(sources="", metadata=METADATA.replace(LICENCE, "license-files = []\n")),
        right=setuptools(sources=""),
        words=('`license = "MIT"`', '`license-files = ["LICENSE"]`'),
    ),
    Remedy(
        rules=("description-not-rendered",),
        tool="setuptools",
        wrong=setuptools(
            sources="", metadata=METADATA.replace("README.md", "README.rst"), files={"README.rst": ":ref:`start`\n"}
        ),
        right=setuptools(
            sources="", metadata=METADATA.replace("README.md", "README.rst"), files={"README.rst": "Start\n"}
        ),
        words=("no roles or directives of Sphinx",),
    ),
    Remedy(
        rules=("version-local",),
        tool="setuptools",
        wrong=setuptools(sources="", metadata=METADATA.replace('"1.0"', '"1.0+g1234567"')),
        right=setuptools(sources=""),
        words=('`local_scheme = "no-local-version"`',),
        slow=True,
    ),
    Remedy(
        rules=("requires-dist-direct-url",),
        tool="setuptools",
        wrong=setuptools(
            sources="", metadata=METADATA + 'dependencies = ["other @ https://example.com/other-1.0.zip"]\n'
        ),
        right=setuptools(sources="", metadata=METADATA + 'dependencies = ["other>=1.0"]\n'),
        words=("`other>=1.0`",),
        slow=True,
    ),
    Remedy(
        rules=("record-hash-mismatch",),
        tool="wheel pack",
        wrong=setuptools(sources="", script=PATCHED),
        right=setuptools(sources="", script=f"{PATCHED}\n{PACK}"),
        words=("unzip -q dist/demo-1.0-py3-none-any.whl -d unpacked", "wheel pack -d dist unpacked"),
    ),
    Remedy(
        rules=("record-file-not-listed", "zip-dist-info-order"),
        tool="wheel pack",
        wrong=setuptools(sources="", script=ADDED),
        right=setuptools(sources="", script=f"{ADDED}\n{PACK}"),
        words=("unzip -q dist/demo-1.0-py3-none-any.whl -d unpacked", "wheel pack -d dist unpacked"),
    ),
    Remedy(
        rules=("wheel-tag-mismatch",),
        tool="wheel pack",
        wrong=setuptools(sources="", script=RENAMED),
        right=setuptools(sources="", script=f"{RENAMED}\n{PACK}\nwheel tags --remove --python-tag py2.py3 dist/*.whl"),
        words=("`wheel tags --remove --python-tag py2.py3 dist/*.whl`",),
    ),
    Remedy(
        rules=("zip-archive-comment",),
        tool="wheel pack",
        wrong=setuptools(sources="", script="echo made by hand | zip -q -z dist/*.whl"),
        right=setuptools(sources="", script=f"echo made by hand | zip -q -z dist/*.whl\n{PACK}"),
        words=("wheel pack -d dist unpacked",),
        slow=True,
    ),
)
