"""Family `linux`: libstdc++ and the other libraries whose versions the policies track (`libstdcxx-newer-than-tag`)."""

from __future__ import annotations

import pytest

from tests.builders import BuiltWheel, ElfExport, ElfImport
from tests.rules.helpers import only
from tests.rules.linux_helpers import ARM, ARM_MODULE, GENERIC, LIBS, MODULE, MOVED, PYTHON, TAGS, asking, cxx, offering
from tests.rules.native_helpers import Planted, assert_planted, elf_wheel, judged, loud, native, params

NOW = "_ZNSt6chrono3_V212steady_clock3nowEv"
ASSERT = "_ZSt21__glibcxx_assert_failPKciS0_S0_"
NEWEST = ElfExport(symbol=ASSERT, version="GLIBCXX_3.4.30")
STDCXX_CLEAN = {
    "in-the-policy": asking(cxx(NOW, "GLIBCXX_3.4.19"), cxx("__cxa_thread_atexit", "CXXABI_1.3.7")),
    "newer-policy-has-it": asking(cxx(MOVED, "GLIBCXX_3.4.21"), tags="cp311-cp311-manylinux_2_28_x86_64"),
    "bundled-library-answers-for-itself": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libstdc++.so.6"),
        runpath=LIBS,
        imports=(PYTHON, cxx(ASSERT, "GLIBCXX_3.4.30")),
        files={"demo.libs/libstdc++.so.6": offering("libstdc++.so.6", NEWEST)},
    ),
    "renamed-bundled-library": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libstdc++-0a1b2c3d.so.6.0.30"),
        runpath=LIBS,
        imports=(PYTHON, cxx(ASSERT, "GLIBCXX_3.4.30", library="libstdc++-0a1b2c3d.so.6.0.30")),
        files={"demo.libs/libstdc++-0a1b2c3d.so.6.0.30": offering("libstdc++-0a1b2c3d.so.6.0.30", NEWEST)},
    ),
    "libatomic-on-aarch64": asking(cxx("__atomic_load", "LIBATOMIC_1.0", library="libatomic.so.1"), tags=ARM),
    "node-of-a-family-that-no-policy-tracks": elf_wheel(
        TAGS,
        needed=("libc.so.6", "libstdc++.so.6"),
        runpath=LIBS,
        imports=(PYTHON, cxx("X509_new", "OPENSSL_3.0.0")),
        files={
            "demo.libs/libstdc++.so.6": offering(
                "libstdc++.so.6", ElfExport(symbol="X509_new", version="OPENSSL_3.0.0")
            )
        },
    ),
    "libgcc-in-the-policy": asking(cxx("__addtf3", "GCC_4.3.0", library="libgcc_s.so.1")),
}
STDCXX_DIRTY = {
    "glibcxx": Planted(
        wheel=asking(cxx("_ZSt28__throw_bad_array_new_lengthv", "GLIBCXX_3.4.29")),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        arch="x86_64",
        says=("GLIBCXX_3.4.29", "manylinux_2_17_x86_64"),
        shows={
            "member": MODULE,
            "symbol": "_ZSt28__throw_bad_array_new_lengthv",
            "version": "GLIBCXX_3.4.29",
            "library": "libstdc++.so.6",
        },
    ),
    "glibcxx-on-aarch64": Planted(
        wheel=asking(cxx(MOVED, "GLIBCXX_3.4.21"), tags=ARM),
        rule="libstdcxx-newer-than-tag",
        member=ARM_MODULE,
        arch="aarch64",
        shows={"symbol": MOVED, "version": "GLIBCXX_3.4.21"},
    ),
    "cxxabi": Planted(
        wheel=asking(cxx("_ZTIDu", "CXXABI_1.3.12")),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        shows={"symbol": "_ZTIDu", "version": "CXXABI_1.3.12"},
    ),
    "libgcc": Planted(
        wheel=asking(cxx("__truncdfbf2", "GCC_13.0.0", library="libgcc_s.so.1")),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        shows={"symbol": "__truncdfbf2", "version": "GCC_13.0.0", "library": "libgcc_s.so.1"},
    ),
    "weak-symbol-with-a-binding-need": Planted(
        wheel=asking(cxx(ASSERT, "GLIBCXX_3.4.30", weak=True)),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        shows={"version": "GLIBCXX_3.4.30"},
    ),
    "two-libraries-are-one-finding": Planted(
        wheel=asking(
            cxx("adler32_z", "ZLIB_1.2.9", library="libz.so.1"),
            cxx("_ZSt13get_terminatev", "GLIBCXX_3.4.20"),
            cxx("_ZNSolsEDn", "GLIBCXX_3.4.26"),
        ),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        says=("`GLIBCXX_3.4.26` of libstdc++.so.6", "`ZLIB_1.2.9` of libz.so.1"),
        shows={"library": "libz.so.1", "version": "ZLIB_1.2.9"},
    ),
    "libatomic-on-x86_64": Planted(
        wheel=asking(cxx("__atomic_load", "LIBATOMIC_1.0", library="libatomic.so.1")),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        shows={"symbol": "__atomic_load", "version": "LIBATOMIC_1.0", "library": "libatomic.so.1"},
    ),
    "natural-order-of-versions": Planted(
        wheel=asking(
            cxx("_ZNKSt9bad_alloc4whatEv", "GLIBCXX_3.4.9"),
            cxx(MOVED, "GLIBCXX_3.4.21"),
            tags="cp311-cp311-manylinux1_x86_64",
        ),
        rule="libstdcxx-newer-than-tag",
        member=MODULE,
        says=("GLIBCXX_3.4.21",),
    ),
}


@pytest.mark.parametrize("wheel", params(STDCXX_CLEAN))
def test_libstdcxx_within_the_policy(wheel: BuiltWheel) -> None:
    """What the policy's libraries have, and what the wheel brings itself, is no breach."""
    assert [one.message for one in native(judged(wheel)) if one.rule != GENERIC] == []


@pytest.mark.parametrize("case", params(STDCXX_DIRTY))
def test_libstdcxx_newer_than_tag(case: Planted) -> None:
    """A newer node of libstdc++ or libgcc_s than the policy's is one error, with file, symbol and version."""
    assert_planted(case)


def test_beyond_the_newest_policy_is_not_judged() -> None:
    """Where no policy reaches, the rules say that they did not compare."""
    report = judged(asking(cxx("_ZSt4cout", "GLIBCXX_3.4.99"), tags="cp311-cp311-manylinux_2_43_x86_64"))
    assert loud(report) == []
    assert {one.rule for one in report.not_judged} == {"libstdcxx-newer-than-tag", "library-outside-policy"}


def test_the_honest_tag_keeps_every_library() -> None:
    """The tag that the help names is the oldest that holds for glibc and for the C++ library together."""
    wheel = elf_wheel(
        "cp311-cp311-manylinux_2_17_x86_64",
        needed=("libc.so.6", "libstdc++.so.6"),
        imports=(
            ElfImport(symbol="getrandom", library="libc.so.6", version="GLIBC_2.25"),
            ElfImport(symbol="_ZSt28__throw_bad_array_new_lengthv", library="libstdc++.so.6", version="GLIBCXX_3.4.29"),
        ),
    )
    for rule in ("glibc-newer-than-tag", "libstdcxx-newer-than-tag"):
        assert "`manylinux_2_34_x86_64` or later" in only(wheel, rule=rule).help


def test_no_tag_is_honest_beyond_every_policy() -> None:
    """Where no policy has the version node, no tag is named."""
    wheel = elf_wheel(
        "cp311-cp311-manylinux_2_17_x86_64",
        needed=("libc.so.6", "libstdc++.so.6"),
        imports=(ElfImport(symbol="_ZSt4cout", library="libstdc++.so.6", version="GLIBCXX_3.4.99"),),
    )
    assert "tag the wheel" not in only(wheel, rule="libstdcxx-newer-than-tag").help
