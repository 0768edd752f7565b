"""Code signatures: what macOS on arm64 demands of all code, and what dyld refuses everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.facts.binary import CodeSignature, MachODetail
from auditor.platforms.promise import System
from auditor.rules.native.machine import TEST_DIRECTORIES
from auditor.rules.rule import ERROR, WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary, Slice
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_SHOWN_PAGES = 8
_SIGN = (
    "sign the files as the last step that touches them (`codesign --force --sign - FILE`), and build the wheel"
    " from the signed ones"
)


@rule("macos-unsigned", severity=ERROR, since="0.1")
def macos_unsigned(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary for arm64 macOS has no code signature.

    **What it checks.** Each arm64 slice that a macOS tag promises, of extension modules, libraries and programs, has
    a code signature. An ad-hoc one, such as every linker writes, is enough.

    **Why it matters.** macOS on arm64 runs no unsigned code: the import fails ("code signature ... not valid for use
    in process"), and the kernel kills a program at its start. Installers sign nothing.

    **How to fix.** Linkers for arm64 sign by themselves (`ld`, `ld64.lld`, zig); look for what takes the signature
    away or has it left out: `codesign --remove-signature`, `-no_adhoc_codesign`, tools that rewrite binaries on other
    systems. `codesign --force --sign - FILE` signs; delocate signs what it changes.

    **Limits.** Slices for x86_64 need no signature. Those for iOS are signed with the app that they go into. Files in
    a directory of tests that nothing loads by name are passed over.

    **References.** Apple, macOS Big Sur 11.0.1 release notes, "Code Signing".
    """
    unsigned = {
        binary.member: (binary, part)
        for binary, part in _signable(context)
        if part.arch == "arm64" and _signature(part) is None
    }
    if unsigned:
        binaries = [binary for binary, _ in unsigned.values()]
        what = f"`{binaries[0].member}` has" if len(binaries) == 1 else f"{len(binaries)} files have"
        yield Hit(
            message=f"{what} no code signature for arm64, where macOS loads nothing unsigned",
            help=_SIGN,
            member=binaries[0].member if len(binaries) == 1 else None,
            arch="arm64",
            evidence=tuple(
                Evidence(text=f"the arm64 slice of `{one.member}` has no LC_CODE_SIGNATURE", member=one.member)
                for one in binaries[:_SHOWN]
            ),
        )


@rule("macos-signature-stale", severity=ERROR, since="0.1")
def macos_signature_stale(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A binary was changed after it was signed, or its code signature is broken.

    **What it checks.** The code signature of each slice that a macOS tag promises: its structure as the kernel checks
    it, that it covers all code in front of it, and its hash of every page against the bytes of that page.

    **Why it matters.** On arm64 the kernel kills the process when it touches a page that is not as it was signed
    ("Code Signature Invalid"). A signature whose structure is broken, or that covers too little, makes the import
    fail on every Mac: "code signature invalid".

    **How to fix.** Sign last: `codesign --force --sign - FILE` behind everything that writes to the file
    (`install_name_tool`, `strip`, `patchelf`-like tools, macholib). Apple's own tools, LLVM's (seen in 14) and
    delocate sign again what they change; macholib, and editing the bytes by hand, do not. On other systems
    `rcodesign sign FILE` does it.

    **Limits.** On x86_64 changed pages give a warning: only a process with the hardened runtime is stopped there.
    Certificates, and the hashes of requirements and entitlements, are not verified. Slices for iOS are signed with
    the app that they go into.

    **References.** xnu, `bsd/kern/ubc_subr.c` (`cs_validate_csblob`, `cs_validate_hash`) and `bsd/kern/kern_cs.c`
    (`cs_invalid_page`); dyld, `SyscallDelegate::registerSignature`.
    """
    stale: dict[str, dict[str, tuple[Binary, Slice, CodeSignature]]] = {}
    for binary, part in _signable(context):
        signature = _signature(part)
        if signature is not None and (signature.problems or signature.bad_page_count):
            stale.setdefault(binary.member, {})[part.arch or part.machine] = (binary, part, signature)
    for member, slices in stale.items():
        broken = [(arch, one) for arch, (_, _, one) in slices.items() if one.problems]
        changed = [(arch, one) for arch, (_, _, one) in slices.items() if not one.problems]
        certain = broken or "arm64" in slices
        if broken:
            message = f"`{member}` has a broken code signature for {_listed(broken)}: {broken[0][1].problems[0]}"
        else:
            pages = sum(one.bad_page_count for _, one in changed)
            message = f"`{member}` was changed after it was signed: {pages} {'page' if pages == 1 else 'pages'}"
            message += f" for {_listed(changed)} {'is' if pages == 1 else 'are'} not as the code signature says"
        yield Hit(
            message=message,
            help=_SIGN,
            member=member,
            arch=next(iter(slices)) if len(slices) == 1 else None,
            evidence=tuple(_evidence(member, arch, one) for arch, one in (*broken, *changed)),
            severity=ERROR if certain else WARNING,
        )


def _signable(context: Context) -> Iterator[tuple[Binary, Slice]]:
    """The slices for macOS that a tag promises and that something may load, each once."""
    seen: set[tuple[str, str | None]] = set()
    for platform in context.on(System.MACOS):
        for binary, part in context.judged(platform):
            if part.minimum_os is not None and part.minimum_os.platform != "macos":
                continue
            directory = binary.member.lower().rpartition("/")[0]
            if TEST_DIRECTORIES & set(directory.split("/")) and not context.is_loaded(binary):
                continue
            if (binary.member, part.arch) not in seen:
                seen.add((binary.member, part.arch))
                yield binary, part


def _signature(part: Slice) -> CodeSignature | None:
    """The slice's code signature, if it has one."""
    return part.detail.signature if isinstance(part.detail, MachODetail) else None


def _listed(slices: list[tuple[str, CodeSignature]]) -> str:
    """The architectures, as one writes them."""
    return " and ".join(arch for arch, _ in slices)


def _evidence(member: str, arch: str, signature: CodeSignature) -> Evidence:
    """What is wrong with the signature of one slice."""
    found = list(signature.problems)
    if signature.bad_page_count:
        shown = ", ".join(map(str, signature.bad_pages[:_SHOWN_PAGES]))
        shown += ", ..." if signature.bad_page_count > _SHOWN_PAGES else ""
        size = signature.page_size
        found.append(f"pages {shown} of 0 to {signature.pages - 1}, of {size} bytes each, have another hash")
    first = signature.bad_pages[0] * signature.page_size if signature.bad_pages else None
    return Evidence(text=f"the {arch} slice of `{member}`: {'; '.join(found)}", member=member, offset=first)


RULES = (macos_signature_stale, macos_unsigned)
