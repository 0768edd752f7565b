"""The bills of materials in `.dist-info/sboms/`: readable, about this wheel, and complete."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from auditor.rules.grafted import grafted_libraries, original_name
from auditor.rules.rule import INFO, WARNING, Evidence, Hit, NotJudged, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary
    from auditor.facts.build import BuildMarks
    from auditor.facts.sbom import Sbom, SbomComponent
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_PURL = re.compile(r"pkg:(?P<type>[^/@?#]+)/(?:[^@?#]*/)?(?P<name>[^/@?#]+)(?:@(?P<version>[^?#]+))?", re.IGNORECASE)
_SYSTEM_DIRECTORIES = ("/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib", "/usr/local/lib64")
"""Where auditwheel finds most libraries. Its components are named after the digest of the path that it copied."""


@rule("sbom-invalid", severity=WARNING, since="0.1")
def sbom_invalid(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A file in `sboms/` is no CycloneDX or SPDX document.

    **What it checks.** Each file below `.dist-info/sboms/` is a CycloneDX or SPDX document: its start says so, and
    in a JSON document the fields that name the format, the components and their types have the form that the schema
    demands. Documents in XML, RDF, YAML or tag-value are recognised and not read further.

    **Why it matters.** PEP 770 reserves the directory for bills of materials. A scanner that finds something else
    there reports nothing of the wheel's parts, or stops.

    **How to fix.** Write the document with a tool of its format, and look at it with the format's own validator. Other
    files belong elsewhere: licences in `licenses/`, notes in the package.

    **Limits.** Not a validation against the whole schema. Documents beyond 32 MiB are not read.

    **References.** PEP 770; CycloneDX 1.2 to 1.7; SPDX 2.2, 2.3, 3.0.
    """
    for sbom in wheel.sboms:
        if sbom.problems:
            yield Hit(
                message=f"`{_filename(sbom)}` is no valid CycloneDX or SPDX document: {sbom.problems[0]}",
                help="write it with a tool of its format, and check it with the format's own validator",
                member=sbom.member,
                evidence=tuple(Evidence(text=problem, member=sbom.member) for problem in sbom.problems[:_SHOWN]),
            )


@rule("sbom-disagrees", severity=WARNING, since="0.1")
def sbom_disagrees(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """A bill of materials is about another distribution, or contradicts the list that is in the binary.

    **What it checks.** Where the subject of a document is a package of PyPI (its package URL begins with `pkg:pypi/`),
    its name and version are the wheel's. A document about another package is one more, and no fault, where a second
    one is about this wheel. And where cargo-auditable put a list of crates into a binary, a crate that both this list
    and a document name has the same version in both.

    **Why it matters.** A scanner believes the document: it looks for the vulnerabilities of another version, or of
    another project, and misses those of what is installed.

    **How to fix.** Write the document in the same build as the wheel, and after the version is set; remove what an
    earlier build left in the source tree.

    **Limits.** maturin's document is about the crate, which may have another name and version than the distribution:
    its subject is not judged. Crates that only build scripts need are left out.

    **References.** PEP 770; package URL specification; cargo-auditable, PARSING.md.
    """
    yield from _wrong_subjects(wheel)
    yield from _contradicted_crates(wheel)


def _wrong_subjects(wheel: WheelFacts) -> Iterator[Hit]:
    """The documents about another package of PyPI, or about another version of this one."""
    if wheel.name is None:
        return
    own = canonicalize_name(wheel.name.distribution)
    subjects = [(sbom, parts) for sbom in wheel.sboms if (parts := _purl(sbom.subject)) and parts[0] == "pypi"]
    described = any(canonicalize_name(name) == own for _, (_, name, _) in subjects)
    for sbom, (_, name, version) in subjects:
        same = canonicalize_name(name) == own
        if same and (version is None or _same_version(version, wheel.name.version)):
            continue
        if not same and described:
            continue
        is_about = f"{name} {version}" if version else name
        yield Hit(
            message=f"`{_filename(sbom)}` is about `{is_about}`, and the wheel is"
            f" `{wheel.name.distribution} {wheel.name.version}`",
            help="write the document in the same build as the wheel, after the version is set",
            member=sbom.member,
            evidence=(Evidence(text=f"its subject is `{_purl_text(sbom.subject)}`", member=sbom.member),),
        )


def _contradicted_crates(wheel: WheelFacts) -> Iterator[Hit | NotJudged]:
    """One finding where the versions of crates differ between the binaries and the documents."""
    documented: dict[str, set[str]] = {}
    sources: dict[str, str] = {}
    for sbom in wheel.sboms:
        for component in sbom.components:
            parts = _purl(component)
            if parts is not None and parts[0] == "cargo" and parts[2] is not None:
                documented.setdefault(parts[1], set()).add(parts[2])
                sources[parts[1]] = _filename(sbom)
    found: dict[tuple[str, str], Evidence] = {}
    for binary, part in wheel.slices():
        for problem in part.marks.problems if part.marks is not None else ():
            yield NotJudged(rule="sbom-disagrees", reason=f"`{binary.member}`: {problem}")
        for crate in part.marks.crates if part.marks is not None else ():
            versions = documented.get(crate.name)
            if versions is None or crate.build_only or crate.root or crate.version in versions:
                continue
            text = f"`{crate.name}` is {crate.version} in the binary and {', '.join(sorted(versions))} in"
            found.setdefault(
                (crate.name, crate.version),
                Evidence(text=f"{text} `{sources[crate.name]}`", member=binary.member, version=crate.version),
            )
    if found:
        (name, version), first = next(iter(found.items()))
        others = f" and {len(found) - 1} more crates" if len(found) > 1 else ""
        yield Hit(
            message=f"the binary was built with `{name} {version}`{others}, and the bill of materials says otherwise",
            help="write the document in the same build as the wheel, from the same lock file",
            member=first.member,
            evidence=tuple(found.values())[:_SHOWN],
        )


@rule("sbom-incomplete", severity=WARNING, since="0.1")
def sbom_incomplete(wheel: WheelFacts, context: Context) -> Iterator[Hit | NotJudged]:
    """A bundled library is in no bill of materials.

    **What it checks.** Two kinds of documents say which bundled libraries they list. One that gives the file name
    or the SHA-256 of a bundled library is taken to list files, and each of the others must be in it too.
    auditwheel's (and maturin's likewise) has a component for each library that it copied and whose package it knew:
    where there are fewer components than libraries in `*.libs`, the rest is in none.

    **Why it matters.** What is not listed is not scanned: a vulnerable OpenSSL that was built from source in the
    container is in the wheel, and no tool says so.

    **How to fix.** auditwheel finds the package of a library only if the system's package manager installed it. For
    what was built from source, add a document of your own to `sboms/` that gives the file names; or install the
    library as a package.

    **Limits.** An info where auditwheel's document alone counts the libraries, which leaves out by itself what no
    system package owns. maturin's list of crates does not claim to list libraries. A document that lists components
    without file names cannot be held against the libraries, so that nothing is said beside it.

    **References.** PEP 770; auditwheel issue 728; CycloneDX `evidence.occurrences`; SPDX `fileName`.
    """
    libraries = grafted_libraries(wheel)
    if not libraries or any(sbom.truncated or sbom.problems for sbom in wheel.sboms):
        return
    by_path = [sbom for sbom in wheel.sboms if _counts_libraries(sbom)]
    by_file = [sbom for sbom in wheel.sboms if any(_lists_file(sbom, one, wheel) for one in libraries)]
    if not by_path and not by_file:
        return
    other = [one for one in wheel.sboms if one not in by_path and one not in by_file and _lists_native_parts(one)]
    left = [one for one in libraries if not any(_lists_file(sbom, one, wheel) for sbom in by_file)]
    counted = {one.reference for sbom in by_path for one in _copied_packages(sbom)}
    missing = len(left) - len(counted)
    if missing <= 0:
        return
    if other:
        reason = f"`{_filename(other[0])}` lists parts without the names of their files"
        yield NotJudged(rule="sbom-incomplete", reason=reason)
        return
    unmatched = [one for one in left if not _named_by_path(one, counted)]
    named = unmatched if len(unmatched) == missing else []
    documents = "`, `".join(_filename(sbom) for sbom in (*by_path, *by_file))
    what = f"`{named[0].member}`" if missing == 1 and named else f"{missing} of {len(libraries)} bundled libraries"
    yield Hit(
        message=f"{what} {'is' if missing == 1 else 'are'} in no bill of materials",
        help="add a document to `sboms/` that names these files, or install them as packages of the build system",
        member=named[0].member if missing == 1 and named else None,
        evidence=(
            Evidence(text=f"`{documents}` lists {len(libraries) - missing} of {len(libraries)} libraries"),
            *(Evidence(text=f"not listed: `{one.member}`", member=one.member) for one in named[:_SHOWN]),
        ),
        severity=None if by_file else INFO,  # auditwheel wrote it, and leaves out what no system package owns
    )


def _counts_libraries(sbom: Sbom) -> bool:
    """Whether this is a document of auditwheel's kind, with a component for each copied library.

    Its components are called `{package URL}#{SHA-256 of the path that was copied}`.
    """
    copied = _copied_packages(sbom)
    return bool(copied) and all(re.search(r"#[0-9a-f]{64}$", one.reference or "") for one in copied)


def _copied_packages(sbom: Sbom) -> list[SbomComponent]:
    """The components beside the wheel itself."""
    own = sbom.subject.reference if sbom.subject is not None else None
    return [one for one in sbom.components if own is None or one.reference != own]


def _named_by_path(library: Binary, references: set[str | None]) -> bool:
    """Whether one of auditwheel's components is called after the path of this library in a system directory."""
    name = original_name(library.member)
    digests = {sha256(f"{directory}/{name}".encode()).hexdigest() for directory in _SYSTEM_DIRECTORIES}
    return any(reference is not None and reference.rpartition("#")[2] in digests for reference in references)


def _lists_file(sbom: Sbom, library: Binary, wheel: WheelFacts) -> bool:
    """Whether a document names the file, by any of its names or by its digest."""
    names = {library.member.rpartition("/")[2], original_name(library.member)}
    digests = {
        one.hexdigest
        for member in wheel.members
        if member.name == library.member
        for one in member.digests
        if one.algorithm == "sha256"
    }
    return any(
        digests & set(one.sha256) or any(file.replace("\\", "/").rpartition("/")[2] in names for file in one.files)
        for one in sbom.components
    )


def _lists_native_parts(sbom: Sbom) -> bool:
    """Whether a document has parts that may be libraries: others than crates and packages of PyPI."""
    if sbom.format.value != "unknown" and sbom.subject is None and not sbom.components:
        return True  # recognised by its start alone
    return any((_purl(one) or ("",))[0] not in {"cargo", "pypi"} for one in _copied_packages(sbom))


@rule("sbom-missing", severity=INFO, since="0.1")
def sbom_missing(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A wheel with compiled-in or bundled parts has no bill of materials for them.

    **What it checks.** A wheel with a binary that rustc built, or with libraries that a repair tool copied, has a
    document in `.dist-info/sboms/`; for copied libraries one that lists more than crates.

    **Why it matters.** Python metadata does not name crates and libraries, so that a scanner of the installed package
    sees none of them.

    **How to fix.** maturin (seen from 1.13 on) writes documents by itself; auditwheel (seen in 6.7) does of
    libraries that a package manager of the system installed. Others: write one with a generator of CycloneDX or SPDX
    documents, and let the build backend add it to `sboms/`.

    **References.** PEP 770.
    """
    libraries = grafted_libraries(wheel)
    rust = [one for one in wheel.binaries if any(part.marks and _of_rust(part.marks) for part in one.slices)]
    if libraries and not any(_lists_native_parts(sbom) for sbom in wheel.sboms):
        count = f"{len(libraries)} bundled librar{'y' if len(libraries) == 1 else 'ies'}"
        parts, shown = count, libraries
    elif rust and not wheel.sboms:
        parts, shown = "crates of Rust", rust
    else:
        return
    yield Hit(
        message=f"no bill of materials names the parts of this wheel: it has {parts}",
        help="maturin and auditwheel write one by themselves; else put a CycloneDX or SPDX document into `sboms/`",
        evidence=tuple(Evidence(text=f"`{one.member}`", member=one.member) for one in shown[:_SHOWN]),
    )


def _of_rust(marks: BuildMarks) -> bool:
    """Whether rustc has left its marks."""
    return bool(marks.rustc or marks.pyo3)


def _filename(sbom: Sbom) -> str:
    return sbom.member.rpartition("/")[2]


def _purl_text(component: SbomComponent | None) -> str:
    return (component.purl if component is not None else None) or ""


def _purl(component: SbomComponent | None) -> tuple[str, str, str | None] | None:
    """Type, name and version of a component's package URL (its namespace aside); None where it has none."""
    match = _PURL.match(_purl_text(component))
    if match is None:
        return None
    version = match["version"]
    return match["type"].lower(), unquote(match["name"]), unquote(version) if version is not None else None


def _same_version(one: str, other: str) -> bool:
    """Whether two spellings are of one version (PEP 440); a file name has `_` for `-`."""
    try:
        return Version(one) == Version(other.replace("_", "-"))
    except InvalidVersion:
        return one == other


RULES = (sbom_disagrees, sbom_incomplete, sbom_invalid, sbom_missing)
