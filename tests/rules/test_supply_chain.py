"""Family `supply_chain`: bills of materials, and how Rust code was built."""

from __future__ import annotations

import json
import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from auditor import audit
from auditor.findings import Severity
from tests.builders import DEMO, OUTSIDE_STABLE_ABI, build_native, replace
from tests.builders.extension import clean_elf, extension_wheel
from tests.cli.command import fixture
from tests.rules.helpers import assert_house_style, evidence, findings, not_judged, only, rules_hit
from tests.rules.native_helpers import INIT, elf_library, params

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders import BuiltWheel, WheelSpec
    from tests.builders.elf import ElfSpec

FOLDER = "demo-1.0.dist-info/sboms"
LINUX = "cp311-cp311-manylinux_2_17_x86_64"
MODULE = "demo/_core.cpython-311-x86_64-linux-gnu.so"
OPENSSL = "demo.libs/libssl-01234567.so.3"
UNIVERSAL = fixture("cp311-cp311-macosx_10_12_universal2.macosx_10_12_x86_64.macosx_11_0_arm64")
ZLIB = "demo.libs/libz-89abcdef.so.1"
COMMIT = b"/rustc/" + b"0" * 40 + b"/library/core/src/str/mod.rs\0"
DEBUG = COMMIT + b"unsafe precondition(s) violated: hint::unreachable_unchecked\0attempt to add with overflow\0"


def cyclonedx(*components: dict[str, Any], subject: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """A CycloneDX document."""
    metadata = {} if subject is None else {"component": {"type": "library", "name": "demo", **subject}}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "metadata": metadata, "components": components}
    return json.dumps({**document, **changes}).encode()


def crate(name: str, version: str) -> dict[str, Any]:
    """A component of maturin's document."""
    return {"type": "library", "name": name, "version": version, "purl": f"pkg:cargo/{name}@{version}"}


def auditwheel(*paths: str) -> bytes:
    """A document as auditwheel writes it, about libraries that it copied from these paths."""
    own = {"type": "library", "name": "demo", "bom-ref": "pkg:pypi/demo@1.0", "purl": "pkg:pypi/demo@1.0"}
    copied = [
        {
            "type": "library",
            "name": "package",
            "bom-ref": f"pkg:rpm/centos/package@1#{sha256(path.encode()).hexdigest()}",
            "purl": "pkg:rpm/centos/package@1",
        }
        for path in paths
    ]
    return cyclonedx(own, *copied, subject=own)


def pure(**documents: bytes) -> WheelSpec:
    """A pure-Python wheel with documents."""
    return replace(DEMO, members={**DEMO.members, **{f"{FOLDER}/{name}.json": one for name, one in documents.items()}})


def native(
    documents: Mapping[str, bytes] | None = None, *, libraries: tuple[str, ...] = (), tags: str = LINUX, **changes: Any
) -> BuiltWheel:
    """A wheel with an extension module in which `changes` are made, with libraries that were copied into it."""
    members: dict[str, bytes] = dict(INIT)
    for name in libraries:
        members[name] = build_native(elf_library(name.rpartition("/")[2]))
    members |= {f"{FOLDER}/{name}": content for name, content in (documents or {}).items()}
    return extension_wheel(tags, binary=replace(clean_elf(tags), **changes), members=members)


# -- sbom-invalid


@pytest.mark.parametrize(
    "content",
    [
        cyclonedx(crate("libc", "0.2.1")),
        b'{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "packages": []}',
        b'{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": []}',
        b'<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>',
        b"SPDXVersion: SPDX-2.3\n",
    ],
)
def test_documents_are_clean(content: bytes) -> None:
    """CycloneDX and SPDX in any of their formats have no finding."""
    assert not rules_hit(pure(demo=content), "supply_chain")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"see the web site\n", "it is no JSON"),
        (b"{}", "neither `bomFormat`"),
        (b"\xff", "it is not UTF-8"),
        (cyclonedx({"name": "libc"}), "`type` of `libc` is missing"),
        (cyclonedx(specVersion=1.5), "`specVersion` of the document is no text"),
    ],
)
def test_other_files_are_invalid(content: bytes, says: str) -> None:
    """What is no document, or lacks what its schema demands, is one warning with the reasons."""
    finding = only(pure(demo=content), rule="sbom-invalid")
    assert (finding.severity, finding.member) == (Severity.WARNING, f"{FOLDER}/demo.json")
    assert says in finding.message
    assert says in evidence(finding)
    assert_house_style([finding])


# -- sbom-disagrees


def subject(purl: str | None, **more: Any) -> bytes:
    """A document about this package."""
    return cyclonedx(subject={**({} if purl is None else {"purl": purl}), **more})


SUBJECTS_CLEAN = {
    "none": cyclonedx(),
    "this wheel": subject("pkg:pypi/demo@1.0"),
    "with qualifiers": subject("pkg:pypi/demo@1.0?file_name=demo-1.0-py3-none-any.whl#sub"),
    "without a version": subject("pkg:pypi/demo"),
    "another spelling": subject("pkg:pypi/Demo@1.0.0"),
    "a crate": subject("pkg:cargo/demo-python@0.9.0?download_url=file://."),
    "no package URL": subject(None, name="something"),
    "no valid package URL": subject("demo"),
}


@pytest.mark.parametrize("content", params(SUBJECTS_CLEAN))
def test_subjects_that_are_the_wheel_are_clean(content: bytes) -> None:
    """The wheel under any spelling, a crate, and what names no package of PyPI are clean."""
    assert findings(pure(demo=content), rule="sbom-disagrees") == []


def test_a_second_document_may_be_about_a_part() -> None:
    """Beside a document about the wheel, one about another package is no fault."""
    wheel = pure(demo=subject("pkg:pypi/demo@1.0"), vendored=subject("pkg:pypi/idna@3.0"))
    assert findings(wheel, rule="sbom-disagrees") == []


@pytest.mark.parametrize(
    ("purl", "says"),
    [
        ("pkg:pypi/demo@1.1", "is about `demo 1.1`"),
        ("pkg:pypi/other@1.0", "is about `other 1.0`"),
        ("pkg:pypi/other", "is about `other`"),
        ("pkg:pypi/demo@not%20a%20version", "is about `demo not a version`"),
    ],
)
def test_another_subject_disagrees(purl: str, says: str) -> None:
    """Another version or another project as the only subject is a warning."""
    finding = only(pure(demo=subject(purl)), rule="sbom-disagrees")
    assert says in finding.message
    assert purl in evidence(finding)
    assert_house_style([finding])


def test_without_a_wheel_name_subjects_are_not_judged() -> None:
    """Where the file name is no wheel's there is nothing to compare with."""
    wheel = replace(pure(demo=subject("pkg:pypi/other@1.0")), filename="demo.whl")
    assert findings(wheel, rule="sbom-disagrees") == []


def dep_v0(*packages: dict[str, Any]) -> dict[str, bytes]:
    """cargo-auditable's section."""
    rows = [{"source": "crates.io", **one} for one in packages]
    return {".dep-v0": zlib.compress(json.dumps({"packages": rows}).encode())}


LIBC = {"name": "libc", "version": "0.2.1"}


@pytest.mark.parametrize(
    ("packages", "components"),
    [
        ((LIBC,), (crate("libc", "0.2.1"),)),
        ((LIBC,), (crate("libc", "0.2.0"), crate("libc", "0.2.1"))),
        ((LIBC,), (crate("memchr", "2.0.0"),)),
        (({**LIBC, "kind": "build"},), (crate("libc", "0.2.0"),)),
        (({**LIBC, "root": True},), (crate("libc", "0.2.0"),)),
        ((LIBC,), ({"type": "library", "name": "libc", "purl": "pkg:rpm/centos/libc@0.2.0"},)),
    ],
)
def test_lists_that_agree_are_clean(
    packages: tuple[dict[str, Any], ...], components: tuple[dict[str, Any], ...]
) -> None:
    """The same versions, build dependencies and the package itself are clean."""
    wheel = native({"demo.json": cyclonedx(*components)}, extra_sections=dep_v0(*packages))
    assert findings(wheel, rule="sbom-disagrees") == []


def test_lists_that_disagree_are_a_warning() -> None:
    """Crates with other versions in the binary than in the document are one warning."""
    memchr = {"name": "memchr", "version": "2.7.0"}
    documents = {"demo.json": cyclonedx(crate("libc", "0.2.0"), crate("memchr", "2.6.0"))}
    finding = only(native(documents, extra_sections=dep_v0(LIBC, memchr)), rule="sbom-disagrees")
    assert "`libc 0.2.1` and 1 more crates" in finding.message
    assert "`memchr` is 2.7.0 in the binary and 2.6.0 in `demo.json`" in evidence(finding)
    assert finding.member == MODULE
    assert_house_style([finding])


def test_a_broken_list_is_not_judged() -> None:
    """A list of crates that cannot be read is said."""
    wheel = native({"demo.json": cyclonedx()}, extra_sections={".dep-v0": b"no zlib"})
    (reason,) = not_judged(wheel, rule="sbom-disagrees")
    assert "cannot be read" in reason


# -- sbom-incomplete


def files(*names: str) -> bytes:
    """A document that names files."""
    return cyclonedx(*({"type": "file", "name": name} for name in names))


COMPLETE = {
    "no document": native(libraries=(OPENSSL,)),
    "no libraries": native({"auditwheel.cdx.json": auditwheel()}),
    "crates alone": native({"demo.json": cyclonedx(crate("libc", "1"))}, libraries=(OPENSSL,)),
    "auditwheel": native({"a.json": auditwheel("/lib64/libssl.so.3", "/opt/libz.so.1")}, libraries=(OPENSSL, ZLIB)),
    "file names": native({"a.json": files("libssl-01234567.so.3", "x/libz.so.1")}, libraries=(OPENSSL, ZLIB)),
    "both": native(
        {"a.json": auditwheel("/lib64/libz.so.1"), "b.json": files("libssl.so.3")}, libraries=(OPENSSL, ZLIB)
    ),
    "invalid beside": native({"a.json": auditwheel("/lib64/libz.so.1"), "b.json": b"?"}, libraries=(OPENSSL, ZLIB)),
    "names of projects alone": native(
        {"a.json": cyclonedx({"type": "library", "name": "openssl"})}, libraries=(OPENSSL, ZLIB)
    ),
}


@pytest.mark.parametrize("wheel", params(COMPLETE))
def test_complete_documents_are_clean(wheel: BuiltWheel) -> None:
    """Documents that list all libraries, or do not claim to, have no finding."""
    assert findings(wheel, rule="sbom-incomplete") == []


INCOMPLETE = {
    "auditwheel": native({"a.json": auditwheel("/lib64/libz.so.1")}, libraries=(OPENSSL, ZLIB)),
    "file names": native({"a.json": files("demo.libs\\libz.so.1")}, libraries=(OPENSSL, ZLIB)),
    "digest": native(
        {
            "a.json": cyclonedx(
                {
                    "type": "library",
                    "name": "zlib",
                    "hashes": [
                        {
                            "alg": "SHA-256",
                            "content": sha256(build_native(elf_library("libz-89abcdef.so.1"))).hexdigest(),
                        }
                    ],
                }
            )
        },
        libraries=(OPENSSL, ZLIB),
    ),
    "crates beside": native(
        {"a.json": auditwheel("/lib64/libz.so.1"), "b.json": cyclonedx(crate("libc", "1"))}, libraries=(OPENSSL, ZLIB)
    ),
}


@pytest.mark.parametrize("name", INCOMPLETE)
def test_a_library_that_is_not_listed_is_named(name: str) -> None:
    """Where one of two libraries is in no document, the finding names it; an info where auditwheel left it out."""
    finding = only(INCOMPLETE[name], rule="sbom-incomplete")
    by_auditwheel = name in {"auditwheel", "crates beside"}
    assert finding.severity is (Severity.INFO if by_auditwheel else Severity.WARNING)
    assert (finding.member, finding.message) == (OPENSSL, f"`{OPENSSL}` is in no bill of materials")
    assert "`a.json` lists 1 of 2 libraries" in evidence(finding)
    assert_house_style([finding])


def test_libraries_are_counted_where_names_say_nothing() -> None:
    """A library from a directory that is not known is counted, and no wrong one is named."""
    libraries = (OPENSSL, ZLIB, "demo.libs/libpq-00000000.so.5")
    finding = only(native({"a.json": auditwheel("/opt/libz.so.1")}, libraries=libraries), rule="sbom-incomplete")
    assert finding.member is None
    assert finding.message == "2 of 3 bundled libraries are in no bill of materials"
    assert len(finding.evidence) == 1


def test_a_document_without_file_names_makes_it_unjudged() -> None:
    """Where a further document lists parts by the names of projects, nothing is claimed."""
    documents = {
        "a.json": auditwheel("/lib64/libz.so.1"),
        "b.json": cyclonedx({"type": "library", "name": "openssl", "purl": "pkg:generic/openssl@3"}),
    }
    wheel = native(documents, libraries=(OPENSSL, ZLIB))
    assert findings(wheel, rule="sbom-incomplete") == []
    assert not_judged(wheel, rule="sbom-incomplete") == ["`b.json` lists parts without the names of their files"]


# -- sbom-missing


@pytest.mark.parametrize(
    ("wheel", "says"),
    [
        (native(libraries=(OPENSSL,)), "it has 1 bundled library"),
        (native(libraries=(OPENSSL, ZLIB), rodata=COMMIT), "it has 2 bundled libraries"),
        (native(rodata=COMMIT), "it has crates of Rust"),
        (native({"a.json": cyclonedx(crate("libc", "1"))}, libraries=(OPENSSL,)), "it has 1 bundled library"),
    ],
)
def test_parts_without_a_document_are_an_info(wheel: BuiltWheel, says: str) -> None:
    """Crates or copied libraries without a document that could name them are one info."""
    finding = only(wheel, rule="sbom-missing")
    assert finding.severity is Severity.INFO
    assert says in finding.message
    assert_house_style([finding])


def test_a_universal_binary_is_named_once() -> None:
    """A file with a slice for each architecture is one file."""
    (finding,) = (one for one in audit(UNIVERSAL).findings if one.rule == "sbom-missing")
    assert [one.member for one in finding.evidence] == ["my_extension/_core.cpython-311-darwin.so"]


@pytest.mark.parametrize(
    "wheel",
    [
        native(),
        native({"a.json": cyclonedx(crate("libc", "1"))}, rodata=COMMIT),
        native({"a.json": auditwheel("/lib64/libz.so.1")}, libraries=(ZLIB,), rodata=COMMIT),
        native({"a.xml": b'<bom xmlns="http://cyclonedx.org/schema/bom/1.4">'}, libraries=(ZLIB,)),
    ],
)
def test_wheels_with_a_document_or_without_parts_are_clean(wheel: BuiltWheel) -> None:
    """Any document for crates, and any but a list of crates for libraries, is enough."""
    assert findings(wheel, rule="sbom-missing") == []


# -- rust-debug-build


def test_a_debug_build_is_a_warning() -> None:
    """A module with the checks of the debug profile is one warning."""
    finding = only(native(rodata=DEBUG), rule="rust-debug-build")
    assert (finding.severity, finding.member, finding.arch) == (Severity.WARNING, MODULE, "x86_64")
    assert finding.message == f"`{MODULE}` was built with Rust's debug profile"
    assert_house_style([finding])


def test_two_debug_builds_are_one_warning() -> None:
    """Of several such files the first is named, and all are shown."""
    library = build_native(elf_library("libmore.so", rodata=DEBUG))
    wheel = extension_wheel(
        LINUX, binary=replace(clean_elf(LINUX), rodata=DEBUG), members={**INIT, "demo/libmore.so": library}
    )
    finding = only(wheel, rule="rust-debug-build")
    assert "and 1 more files" in finding.message
    assert [one.member for one in finding.evidence] == [MODULE, "demo/libmore.so"]


def test_a_release_build_is_clean() -> None:
    """Rust without those checks, and those texts in a file without Rust, are clean."""
    assert findings(native(rodata=COMMIT + b"attempt to add with overflow\0"), rule="rust-debug-build") == []
    assert findings(native(rodata=DEBUG.removeprefix(COMMIT)), rule="rust-debug-build") == []


# -- pyo3-python-unsupported


def pyo3(version: str, tags: str, *, stable: bool = False, member: str | None = None) -> BuiltWheel:
    """A wheel whose module has this PyO3 in it, and takes more than the stable ABI unless that is said."""
    clean: ElfSpec = clean_elf("cp311-cp311-manylinux_2_17_x86_64" if tags.startswith(("pp", "graalpy")) else tags)
    taken = tuple(one for one in clean.imports if not stable or one.symbol != OUTSIDE_STABLE_ABI)
    text = f"/root/.cargo/registry/src/x/pyo3-{version}/src/err/mod.rs".encode()
    binary = replace(clean, imports=taken, rodata=text)
    return extension_wheel(tags, binary=binary, members=dict(INIT), member=member)


PLATFORM = "manylinux_2_17_x86_64"
PYPY_MODULE = "demo/_core.pypy311-pp73-x86_64-linux-gnu.so"
SUPPORTED = {
    "newest": pyo3("0.30.1", f"cp315-cp315-{PLATFORM}"),
    "the last that it supports": pyo3("0.19.2", f"cp312-cp312-{PLATFORM}"),
    "unchecked and old": pyo3("0.17.3", f"cp311-cp311-{PLATFORM}"),
    "a prerelease": pyo3("0.23.0-rc.1", f"cp313-cp313-{PLATFORM}"),
    "free-threaded": pyo3("0.23.0", f"cp313-cp313t-{PLATFORM}"),
    "stable ABI": pyo3("0.13.0", f"cp36-abi3-{PLATFORM}", stable=True),
    "stable ABI under a version's tag": pyo3("0.20.3", f"cp314-cp314-{PLATFORM}", stable=True),
    "PyPy": pyo3("0.27.0", f"pp311-pypy311_pp73-{PLATFORM}", member=PYPY_MODULE),
    "PyPy before it was checked": pyo3("0.19.2", f"pp311-pypy311_pp73-{PLATFORM}", member=PYPY_MODULE),
    "before the table": pyo3("0.9.0", f"cp314-cp314-{PLATFORM}"),
    "a library": native(rodata=b"", libraries=("demo.libs/libx-01234567.so",), tags=f"cp314-cp314-{PLATFORM}"),
}


@pytest.mark.parametrize("wheel", params(SUPPORTED))
def test_supported_interpreters_are_clean(wheel: BuiltWheel) -> None:
    """An interpreter within the range of PyO3, and a module of the stable ABI, are clean."""
    assert findings(wheel, rule="pyo3-python-unsupported") == []


UNSUPPORTED = {
    "newer than it knows": (pyo3("0.17.3", f"cp312-cp312-{PLATFORM}"), "CPython 3.12", "CPython 3.7 to 3.11"),
    "refused": (pyo3("0.22.5", f"cp314-cp314-{PLATFORM}"), "CPython 3.14", "CPython 3.7 to 3.13"),
    "experimental": (pyo3("0.28.3", f"cp315-cp315-{PLATFORM}"), "CPython 3.15", "CPython 3.7 to 3.14"),
    "too old": (pyo3("0.30.1", f"cp38-cp38-{PLATFORM}"), "CPython 3.8", "CPython 3.9 to 3.15"),
    "too old for the stable ABI": (pyo3("0.29.0", f"cp37-abi3-{PLATFORM}", stable=True), "CPython 3.7", "3.8 to 3.15"),
    "free-threaded too early": (pyo3("0.22.6", f"cp313-cp313t-{PLATFORM}"), "CPython 3.13t", "no free-threaded"),
    "free-threaded too late": (pyo3("0.29.0", f"cp313-cp313t-{PLATFORM}"), "CPython 3.13t", "no free-threaded"),
    "PyPy": (
        pyo3("0.23.4", f"pp311-pypy311_pp73-{PLATFORM}", member=PYPY_MODULE),
        "PyPy 3.11",
        "PyPy 3.9 to 3.10",
    ),
}


@pytest.mark.parametrize(("wheel", "interpreter", "says"), UNSUPPORTED.values(), ids=UNSUPPORTED.keys())
def test_unsupported_interpreters_are_a_warning(wheel: BuiltWheel, interpreter: str, says: str) -> None:
    """An interpreter outside of the range of PyO3 is a warning that names both."""
    finding = only(wheel, rule="pyo3-python-unsupported")
    assert finding.severity is Severity.WARNING
    assert finding.message.endswith(f"which does not support {interpreter}")
    assert says in evidence(finding)
    assert_house_style([finding])


def test_each_unsupported_python_is_a_finding() -> None:
    """Of several tags only those that PyO3 does not support are named."""
    wheel = pyo3("0.22.5", f"cp313.cp314-cp313.cp314-{PLATFORM}", member="demo/_core.so")
    (finding,) = findings(wheel, rule="pyo3-python-unsupported")
    assert "CPython 3.14" in finding.message


def test_a_module_is_judged_by_its_own_suffix() -> None:
    """A module whose file name names one of the tags' interpreters is not judged by the others."""
    wheel = pyo3("0.22.5", f"cp313.cp314-cp313.cp314-{PLATFORM}")
    assert findings(wheel, rule="pyo3-python-unsupported") == []


def test_a_later_pyo3_is_not_judged() -> None:
    """A version that was released after the table says so."""
    wheel = pyo3("0.31.0", f"cp314-cp314-{PLATFORM}")
    assert findings(wheel, rule="pyo3-python-unsupported") == []
    assert not_judged(wheel, rule="pyo3-python-unsupported") == ["PyO3 0.31.0 is newer than 0.30, the newest known"]
