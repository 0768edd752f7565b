"""The rules on the three tags: by themselves, and against the contents."""

from __future__ import annotations

import pytest
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from auditor.findings import PyPIAnswer, Severity
from tests.builders import (
    DEMO,
    ElfImport,
    ElfSpec,
    Member,
    WheelSpec,
    build_native,
    clean_elf,
    clean_pe,
    clean_slices,
    extension_spec,
    extension_wheel,
    replace,
)
from tests.rules.helpers import assert_house_style, evidence, findings, only, report, rules_hit

LINUX = "manylinux_2_17_x86_64"


def tagged(tags: str) -> WheelSpec:
    """A pure wheel with these tags, whatever they are."""
    python, abi, platform = tags.split("-")
    return replace(DEMO, python=python, abi=abi, platform=platform)


def native(tags: str, *, like: str | None = None) -> WheelSpec:
    """A wheel with these tags and an extension module that is clean for the tags `like`."""
    python, abi, platform = tags.split("-")
    return replace(extension_spec(like or tags), python=python, abi=abi, platform=platform)


# ---------------------------------------------------------------------------------------------------- clean wheels

CLEAN = (
    f"cp311-cp311-{LINUX}",
    "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64",
    "cp38-abi3-musllinux_1_2_aarch64",
    "cp313-cp313t-macosx_11_0_arm64",
    "cp312-cp312-macosx_10_9_universal2",
    "cp312-cp312-macosx_10_9_x86_64",
    "cp39-abi3-win_amd64",
    "cp312-cp312-win_arm64",
    "cp310-cp310-win32",
    "cp314-cp314-ios_13_0_arm64_iphoneos",
    "cp314-cp314-ios_13_0_x86_64_iphonesimulator",
    "cp313-cp313-android_24_arm64_v8a",
    "cp311-cp311-manylinux_2_31_riscv64",
    "cp315-abi3.abi3t-manylinux_2_17_x86_64",
)
"""Extension wheels in which nothing is wrong."""


@pytest.mark.parametrize("tags", CLEAN)
def test_no_rule_on_tags_speaks_of_a_clean_extension_wheel(tags: str) -> None:
    """The usual wheels of every platform pass every rule of the family but the one that looks for wider tags."""
    assert rules_hit(extension_spec(tags), "tags") <= {"tag-wider-possible"}


@pytest.mark.parametrize(
    "tags",
    ["py3-none-any", "py2.py3-none-any", "py38-none-any", "py2-none-any", "pp3-none-any", "ip27-none-any"],
)
def test_no_rule_on_tags_speaks_of_a_clean_pure_wheel(tags: str) -> None:
    """Generic tags, and those of implementations that are not known here, are nobody's fault."""
    assert not rules_hit(tagged(tags), "tags")


@pytest.mark.parametrize(
    ("tags", "like"),
    [
        (f"cp27-cp27mu-{LINUX}", f"cp311-cp311-{LINUX}"),
        ("cp27-cp27m-win_amd64", "cp311-cp311-win_amd64"),
        (f"cp36-cp36m-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"pp310-pypy310_pp73-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"pp27-pypy_73-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"graalpy311-graalpy242_311_native-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"graalpy38-graalpy_38_native-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"py3-none-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"py2.py3-none-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"cp311-none-{LINUX}", f"cp311-cp311-{LINUX}"),
        (f"pp310-none-{LINUX}", f"cp311-cp311-{LINUX}"),
        ("cp311-cp311-linux_armv7l", "cp311-cp311-linux_armv7l"),
        ("cp312-cp312d-win_amd64", "cp312-cp312-win_amd64"),
    ],
)
def test_rare_tags_that_some_interpreter_selects_are_clean(tags: str, like: str) -> None:
    """Python 2, PyPy, GraalPy, debug builds and packages that load their library themselves have tags of their own."""
    assert rules_hit(native(tags, like=like), "tags") <= {"tag-wider-possible"}


# ------------------------------------------------------------------------------------------------------- tag-malformed


@pytest.mark.parametrize(
    ("tags", "words", "pypi"),
    [
        ("py3.-none-any", "the python tag `py3.` has an empty member", PyPIAnswer.FUTURE),
        (".-none-any", "the python tag `.` has an empty member", PyPIAnswer.FUTURE),
        ("-none-any", "the python tag is empty", PyPIAnswer.FUTURE),
        ("py3-none.-any", "the abi tag `none.` has an empty member", PyPIAnswer.FUTURE),
        ("py3--any", "the abi tag is empty", PyPIAnswer.FUTURE),
        ("py3-none-", "the platform tag is empty", PyPIAnswer.REJECT),
        ("py3-none-win32.", "the platform tag `win32.` has an empty member", PyPIAnswer.REJECT),
        ("2.7.6-none-any", "`2`, which begins with a digit", PyPIAnswer.FUTURE),
        ("py3-none-win32+amd64", "`win32+amd64`, which has other characters", PyPIAnswer.REJECT),
        ("py\u0663-none-any", "other characters", PyPIAnswer.FUTURE),
    ],
)
def test_a_malformed_tag_is_an_error(tags: str, words: str, pypi: PyPIAnswer) -> None:
    """A tag that new installers refuse is an error that quotes it, with PyPI's own answer."""
    finding = findings(tagged(tags), rule="tag-malformed")[0]
    assert words in finding.message
    assert (finding.severity, finding.pypi) == (Severity.ERROR, pypi)
    assert rules_hit(tagged(tags), "tags", "filename") - {"platform-without-native"} == {"tag-malformed"}


@pytest.mark.parametrize("tags", ["py3.-none-any", "-none-any", "py3-none.-any", "py3-none-", "2.7.6-none-any"])
def test_packaging_refuses_malformed_tags(tags: str) -> None:
    """The table agrees with the `packaging` that new versions of pip carry."""
    with pytest.raises(InvalidWheelFilename):
        parse_wheel_filename(f"demo-1.0-{tags}.whl")


def test_one_fault_in_a_set_is_one_finding() -> None:
    """Two empty members of one set are reported once."""
    only(tagged("py3..-none-any"), rule="tag-malformed")


# ------------------------------------------------------------------------------------------------------ tag-set-untidy


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ("py3.py2-none-any", "py2.py3"),
        ("py3.py3-none-any", "py3"),
        ("PY3-none-any", "py3"),
        ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", "manylinux2014_x86_64.manylinux_2_17_x86_64"),
        ("cp311-cp311-win_AMD64", "win_amd64"),
        ("cp39.cp310-none-win32", "cp310.cp39"),
    ],
)
def test_an_untidy_set_is_a_warning_with_the_tidy_one(tags: str, wanted: str) -> None:
    """Unsorted, repeated and upper-case members are a warning that shows the set as it should be."""
    finding = only(tagged(tags), rule="tag-set-untidy")
    assert f"`{wanted}`" in finding.message
    assert (finding.severity, finding.pypi) == (Severity.WARNING, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize(
    "tags",
    [
        "py2.py3-none-any",
        "py3.py2-none-any",
        "cp310.cp39-abi3-win32",
        "cp39.cp310-abi3-win32",
        "cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64",
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "py3-none-macosx_10_9_x86_64.macosx_11_0_arm64",
        "py3-none-macosx_11_0_arm64.macosx_10_9_x86_64",
        "py3-none-macosx_10_9_universal2.macosx_10_9_x86_64.macosx_11_0_arm64",
    ],
)
def test_the_order_is_packagings(tags: str) -> None:
    """A lower-case set is called untidy where `packaging` with `validate_order` refuses it, and nowhere else."""
    filename = f"demo-1.0-{tags}.whl"
    try:
        parse_wheel_filename(filename, validate_order=True)
    except InvalidWheelFilename:
        sorted_ = False
    else:
        sorted_ = True
    assert bool(findings(tagged(tags), rule="tag-set-untidy")) is not sorted_


# ---------------------------------------------------------------------------------------------- platform-not-on-pypi


@pytest.mark.parametrize(
    ("platform", "advice"),
    [
        ("linux_x86_64", "auditwheel repair"),
        ("linux_aarch64", "auditwheel repair"),
        ("linux_loongarch64", "PyPI takes no wheels for `loongarch64`"),
        ("linux_mips64", "PyPI takes no wheels for `mips64`"),
        ("manylinux_2_36_loongarch64", "PyPI takes no wheels for `loongarch64` on this libc"),
        ("manylinux_2_17_armv6l", "`linux_armv6l` alone"),
        ("musllinux_1_2_ppc64", "PyPI takes no wheels for `ppc64` on this libc"),
        ("manylinux2014_riscv64", "`manylinux_2_31_riscv64`"),
        ("manylinux1_aarch64", "`manylinux_2_17_aarch64`"),
        ("macosx_9_2_x86_64", "MACOSX_DEPLOYMENT_TARGET"),
        ("macosx_11_2_arm64", "`macosx_11_0_arm64`"),
        ("macosx_26_1_arm64", "`macosx_26_0_arm64`"),
        ("macosx_16_2_arm64", "`macosx_15_0_arm64`"),
        ("macosx_27_0_arm64", "`macosx_26_0_arm64`"),
        ("macosx_10_15_amd64", "use x86_64"),
        ("macosx_11_0_aarch64", "use arm64"),
        ("macosx_10_9_fat32", "no architecture name"),
        ("pyodide_2024_0_wasm32", "pyemscripten_"),
        ("emscripten_3_1_58_wasm32", "pyemscripten_"),
        ("wasi_0_0_0_wasm32", "pyemscripten_"),
        ("win_arm32", "`win_arm64`"),
        ("freebsd_14_1_release_amd64", "publish an sdist"),
    ],
)
def test_a_platform_that_pypi_refuses_is_an_error_with_advice(platform: str, advice: str) -> None:
    """What PyPI refuses is an error; the help names the nearest tag that it takes, or the tool that gets there."""
    finding = only(tagged(f"cp311-cp311-{platform}"), rule="platform-not-on-pypi")
    assert f"`{platform}`" in finding.message
    assert advice in finding.help
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.REJECT)
    assert "as of 20" in evidence(finding)


def test_each_platform_of_a_set_is_judged() -> None:
    """One refused member is enough for PyPI, and is the one that is named."""
    finding = only(tagged("cp311-cp311-linux_x86_64.win32"), rule="platform-not-on-pypi")
    assert "`linux_x86_64`" in finding.message


# ------------------------------------------------------------------------- platform-unmatchable, platform-unreleased


@pytest.mark.parametrize(
    ("platform", "words", "advice"),
    [
        ("macosx_10_15_arm64", "arm64 Macs begin with macOS 11", "macosx_11_0_arm64"),
        ("macosx_10_3_x86_64", "10.4 to 10.16", "macosx_10_9"),
        ("macosx_10_17_x86_64", "10.4 to 10.16", "macosx_10_9"),
        ("macosx_10_6_ppc", "no `ppc` Python", "universal2"),
        ("macosx_11_0_ppc", "does not run `ppc` code", "arm64"),
        ("manylinux_2_4_x86_64", "begin at glibc 2.5", "manylinux_2_5_x86_64"),
        ("manylinux_2_12_aarch64", "begin at glibc 2.17", "manylinux_2_17_aarch64"),
        ("manylinux_2_12_riscv64", "begin at glibc 2.17", "manylinux_2_31_riscv64"),
        ("ios_11_0_arm64_iphoneos", "iOS 12.0", "ios_12_0"),
        ("ios_13_0_x86_64_iphoneos", "no iPhone", "iphonesimulator"),
        ("android_15_arm64_v8a", "API level 16", "android_16"),
        ("win_ia64", "since 2.7", "drop"),
    ],
)
def test_a_platform_that_nobody_looks_for_is_a_warning(platform: str, words: str, advice: str) -> None:
    """What PyPI takes and no installer looks for is a warning with the reason and the tag to use."""
    finding = only(tagged(f"cp311-cp311-{platform}"), rule="platform-unmatchable")
    assert words in finding.message
    assert advice in finding.help
    assert (finding.severity, finding.pypi) == (Severity.WARNING, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize(
    "platform",
    [
        "manylinux_2_5_i686",
        "manylinux_2_17_riscv64",
        "manylinux1_x86_64",
        "macosx_10_4_x86_64",
        "macosx_10_9_universal2",
        "macosx_10_6_intel.macosx_10_9_intel.macosx_10_9_x86_64.macosx_10_10_intel.macosx_10_10_x86_64",
        "ios_12_0_arm64_iphonesimulator",
        "android_16_x86",
        "pyemscripten_2026_0_wasm32",
        "musllinux_1_0_x86_64",
        "linux_x86_64",  # PyPI refuses it, and that is enough
    ],
)
def test_a_platform_that_somebody_looks_for_is_clean(platform: str) -> None:
    """The oldest version that pip looks for is no warning, whatever uv does."""
    assert not findings(tagged(f"cp311-cp311-{platform}"), rule="platform-unmatchable")


@pytest.mark.parametrize(
    ("platform", "words"),
    [
        ("manylinux_2_99_x86_64", "newest glibc is 2."),
        ("manylinux_3_0_s390x", "newest glibc is 2."),
        ("musllinux_1_9_x86_64", "newest musl is 1.2"),
        ("macosx_99_0_arm64", "newest macOS is"),
        ("macosx_16_0_arm64", "15 is followed by 26"),
        ("ios_99_0_arm64_iphoneos", "newest iOS is"),
        ("android_999_x86_64", "newest Android's API is level"),
    ],
)
def test_a_platform_of_the_future_is_a_warning(platform: str, words: str) -> None:
    """A release that does not exist is a warning whose evidence has the date of what is known."""
    finding = only(tagged(f"cp311-cp311-{platform}"), rule="platform-unreleased")
    assert words in finding.message
    assert "as of 20" in evidence(finding)
    assert finding.severity is Severity.WARNING


# ------------------------------------------------------------------------------------------------------ platform-mixed


@pytest.mark.parametrize(
    "platform", ["win32.manylinux_2_17_x86_64", "macosx_11_0_arm64.win_amd64", "any.win32", "android_24_x86.win32"]
)
def test_a_set_of_several_systems_is_a_warning(platform: str) -> None:
    """Tags of several operating systems in one set are a warning that names them."""
    finding = only(tagged(f"py3-none-{platform}"), rule="platform-mixed")
    assert all(f"`{tag}`" in finding.message for tag in platform.split("."))
    assert finding.severity is Severity.WARNING


def test_two_c_libraries_are_a_warning_where_a_binary_is_linked() -> None:
    """A dynamically linked ELF file under manylinux and musllinux is a warning with the library that it needs."""
    wheel = native("cp311-cp311-manylinux_2_17_x86_64.musllinux_1_2_x86_64", like=f"cp311-cp311-{LINUX}")
    finding = only(wheel, rule="platform-mixed")
    assert "glibc and musl" in finding.message
    assert "needs `libc.so.6`" in evidence(finding)


@pytest.mark.parametrize(
    "platform",
    [
        "manylinux_2_17_x86_64.musllinux_1_2_x86_64",
        "win32.win_amd64",
        "win_amd64.win_ia64",
        "linux_x86_64.manylinux1_x86_64",
    ],
)
def test_one_system_is_not_mixed(platform: str) -> None:
    """Two C libraries without a linked binary, and several machines of one system, are no mixture."""
    assert not findings(tagged(f"py3-none-{platform}"), rule="platform-mixed")


# ------------------------------------------------------------------------ tag-never-installable, tag-some-impossible


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        (f"py3-abi3-{LINUX}", "the generic `py3` goes with the ABI `none` alone"),
        (f"py3-cp311-{LINUX}", "the generic `py3`"),
        ("cp38-abi3-any", "`any` names none"),
        ("cp311-cp311-any", "`any` names none"),
        (f"cp315t-abi3t-{LINUX}", "(`cp315`)"),
        (f"cp313t-cp313t-{LINUX}", "(`cp313`)"),
        (f"cp312-cp311-{LINUX}", "`cp312` never has the ABI `cp311`"),
        (f"cp312-cp312t-{LINUX}", "never has the flag `t`"),
        (f"cp38-cp38m-{LINUX}", "never has the flag `m`"),
        (f"cp36-cp36mu-{LINUX}", "never has the flag `u`"),
        (f"cp3-none-{LINUX}", "with a minor version"),
        (f"cp31-abi3-{LINUX}", "begins with CPython 3.2"),
        (f"cp27-abi3-{LINUX}", "begins with CPython 3.2"),
        (f"cp310-pypy310_pp73-{LINUX}", "CPython has not the ABI"),
        (f"pp310-cp310-{LINUX}", "PyPy has not the ABI"),
        (f"pp310-abi3-{LINUX}", "PyPy has not the ABI"),
        (f"pp310-pypy39_pp73-{LINUX}", "`pp310` never has the ABI `pypy39_pp73`"),
        ("pp310-none-any", "looks for `pp3` with `none-any`"),
        (f"pp3-none-{LINUX}", "looks for `pp3` with `none-any`"),
        (f"graalpy311-abi3-{LINUX}", "GraalPy has not the ABI"),
        (f"graalpy311-graalpy242_310_native-{LINUX}", "never has the ABI"),
        ("graalpy311-none-any", "never looks for"),
    ],
)
def test_a_tag_that_no_interpreter_has_is_an_error(tags: str, words: str) -> None:
    """Where no combination can match, the wheel installs nowhere; the evidence has the reason of each."""
    finding = only(tagged(tags), rule="tag-never-installable")
    assert f"`{tags}`" in finding.message
    assert words in evidence(finding)
    assert (finding.severity, finding.pypi) == (Severity.ERROR, PyPIAnswer.ACCEPT)


@pytest.mark.parametrize(
    ("tags", "count"),
    [
        (f"cp36.cp37-cp36m.cp37m-{LINUX}", "2 of the 4"),
        (f"cp38.py3-abi3-{LINUX}", "1 of the 2"),
        (f"cp315-abi3.abi3t.cp314-{LINUX}", "1 of the 3"),
    ],
)
def test_combinations_that_cannot_match_are_an_info(tags: str, count: str) -> None:
    """Where some combinations match, the others are worth an info and no error."""
    finding = only(tagged(tags), rule="tag-some-impossible")
    assert count in finding.message
    assert finding.severity is Severity.INFO
    assert not findings(tagged(tags), rule="tag-never-installable")


# ------------------------------------------------------------------------------------------- stable ABI, cp-none-any


@pytest.mark.parametrize(
    ("tags", "hit"),
    [
        (f"cp38.cp39-abi3-{LINUX}", True),
        (f"cp310.cp38.cp39-abi3-{LINUX}", True),
        (f"cp38-abi3-{LINUX}", False),
        (f"cp38.cp39-cp38.cp39-{LINUX}", False),
        (f"cp27.cp38-abi3.cp27mu-{LINUX}", False),
    ],
)
def test_one_python_is_enough_for_abi3(tags: str, *, hit: bool) -> None:
    """Several CPython tags that can have abi3 are a warning that names the lowest."""
    found = findings(tagged(tags), rule="tag-abi3-multiple-python")
    assert bool(found) is hit
    if found:
        assert "`cp38`" in found[0].message
        assert "--python-tag cp38" in found[0].help
        assert "--abi-tag" not in found[0].help
        assert found[0].severity is Severity.WARNING


@pytest.mark.parametrize(
    ("tags", "old"),
    [
        (f"cp313-abi3t-{LINUX}", "`cp313`"),
        (f"cp314-abi3.abi3t-{LINUX}", "`cp314`"),
        (f"cp313.cp314.cp315-abi3t-{LINUX}", "`cp313`, `cp314`"),
        (f"cp315-abi3.abi3t-{LINUX}", None),
        (f"cp315-abi3t-{LINUX}", None),
        (f"cp313-cp313t-{LINUX}", None),
    ],
)
def test_abi3t_begins_with_3_15(tags: str, old: str | None) -> None:
    """A Python tag before 3.15 beside abi3t is an error that names it."""
    found = findings(tagged(tags), rule="tag-abi3t-python-too-old")
    assert bool(found) is (old is not None)
    if old is not None:
        assert f"beside {old}:" in found[0].message
        assert found[0].severity is Severity.ERROR


@pytest.mark.parametrize(
    ("tags", "versions"),
    [
        ("cp312-none-any", "CPython 3.12 and on no other version"),
        ("cp27-none-any", "CPython 2.7 and on no other version"),
        ("cp310.cp311-none-any", "CPython 3.10 and 3.11 and on no other versions"),
        ("cp38.py2-none-any", "CPython 3.8 and"),
        ("py3-none-any", None),
        ("cp38.py3-none-any", None),
        (f"cp312-none-{LINUX}", None),
        ("cp3-none-any", None),
    ],
)
def test_a_pure_wheel_for_single_versions_is_a_warning(tags: str, versions: str | None) -> None:
    """`cpXY-none-any` is one warning with the versions, unless a generic tag serves them as well."""
    found = findings(tagged(tags), rule="tag-cp-none-any")
    assert len(found) == (versions is not None)
    if versions is not None:
        assert versions in found[0].message
        assert found[0].severity is Severity.WARNING


# --------------------------------------------------------------------------------------------------- tag-wider-possible


def test_a_newer_tag_than_the_binary_needs_is_an_info() -> None:
    """A module that needs glibc 2.14 under manylinux_2_28 could be tagged manylinux_2_17."""
    finding = only(native("cp311-cp311-manylinux_2_28_x86_64"), rule="tag-wider-possible")
    assert "`manylinux_2_17_x86_64`" in finding.message
    assert "`manylinux_2_28_x86_64`" in finding.message
    assert finding.severity is Severity.INFO


@pytest.mark.parametrize("arch", ["aarch64", "s390x", "ppc64le", "armv7l", "i686"])
def test_a_suggested_tag_is_one_that_installers_look_for(arch: str) -> None:
    """No suggestion lies below the oldest glibc of the architecture."""
    found = findings(native(f"cp311-cp311-manylinux_2_28_{arch}"), rule="tag-wider-possible")
    assert [one.message.split("`")[1] for one in found] == [
        f"manylinux_2_{5 if arch == 'i686' else 17}_{arch}",
    ]


def test_a_binary_that_needs_its_tag_has_no_wider_one() -> None:
    """A symbol of glibc 2.28 keeps a wheel at manylinux_2_28."""
    tags = "cp311-cp311-manylinux_2_28_x86_64"
    elf = clean_elf(tags)
    needing = replace(
        elf, imports=(*elf.imports, ElfImport(symbol="fcntl64", library="libc.so.6", version="GLIBC_2.28"))
    )
    assert not findings(extension_wheel(tags, binary=needing), rule="tag-wider-possible")


WIDE = "cp311-cp311-manylinux_2_39_x86_64"
PLAIN_ELF = clean_elf(WIDE)


@pytest.mark.parametrize(
    ("binary", "wider"),
    [
        (PLAIN_ELF, "manylinux_2_17_x86_64"),
        (replace(PLAIN_ELF, needed=("libc.so.6", "libz.so.1")), "manylinux_2_17_x86_64"),
        (replace(PLAIN_ELF, needed=("libc.so.6", "ld-linux-x86-64.so.2")), "manylinux_2_17_x86_64"),
        (replace(PLAIN_ELF, needed=("libc.so.6", "libelsewhere.so.1")), None),
        (
            replace(
                PLAIN_ELF,
                needed=("libc.so.6", "libstdc++.so.6"),
                imports=(
                    *PLAIN_ELF.imports,
                    ElfImport(symbol="_Znwm", library="libstdc++.so.6", version="GLIBCXX_3.4.22"),
                ),
            ),
            "manylinux_2_24_x86_64",
        ),
        (replace(PLAIN_ELF, relr=True), "manylinux_2_36_x86_64"),
        (build_native(PLAIN_ELF)[:700], None),
    ],
    ids=["plain", "allowed library", "loader", "library outside", "newer libstdc++", "DT_RELR", "unreadable"],
)
def test_the_widest_manylinux_tag_is_one_whose_policy_all_files_keep(
    binary: ElfSpec | bytes, wider: str | None
) -> None:
    """Libraries and the versions of all that the policies track decide, and nothing is said of what was not read."""
    found = findings(extension_wheel(WIDE, binary=binary), rule="tag-wider-possible")
    assert [one.message.split("`")[1] for one in found] == ([wider] if wider else [])


def test_no_wider_tag_where_there_is_nothing_to_judge() -> None:
    """A wheel without binaries of its platform, and one with several macOS tags, have no suggestion."""
    assert not findings(tagged("py3-none-manylinux_2_39_x86_64"), rule="tag-wider-possible")
    assert not findings(tagged("py3-none-macosx_14_0_arm64"), rule="tag-wider-possible")
    several = native("cp311-cp311-macosx_14_0_arm64.macosx_14_0_universal2", like="cp311-cp311-macosx_14_0_arm64")
    assert not findings(several, rule="tag-wider-possible")


@pytest.mark.parametrize(
    ("platform", "minimum", "wider"),
    [
        ("macosx_14_0_arm64", {"arm64": "11.0"}, "macosx_11_0_arm64"),
        ("macosx_14_0_x86_64", {"x86_64": "10.13"}, "macosx_10_13_x86_64"),
        ("macosx_14_0_x86_64", {"x86_64": "11.0"}, "macosx_11_0_x86_64"),
        ("macosx_14_0_universal2", {"x86_64": "10.13", "arm64": "11.0"}, "macosx_10_13_universal2"),
        ("macosx_14_0_universal2", {"x86_64": "10.13", "arm64": "12.0"}, "macosx_12_0_universal2"),
        ("macosx_14_0_arm64", {"arm64": "11.3"}, "macosx_12_0_arm64"),
        ("macosx_12_0_arm64", {"arm64": "11.3"}, None),
        ("macosx_26_0_arm64", {"arm64": "15.4"}, None),
        ("macosx_11_0_arm64", {"arm64": "11.0"}, None),
        ("macosx_10_9_universal2", {"x86_64": "10.9", "arm64": "11.0"}, None),
        ("macosx_10_9_x86_64", {"x86_64": "10.6"}, None),
    ],
)
def test_the_widest_macos_tag_is_a_tag_that_all_slices_keep(
    platform: str, minimum: dict[str, str], wider: str | None
) -> None:
    """The suggestion is the oldest real tag: an arm64 slice for 11.0 is fine under 10.x, and 11.3 asks for 12.0."""
    tags = f"cp311-cp311-{platform}"
    slices = tuple(replace(one, minos=minimum[str(one.cpu)]) for one in clean_slices(tags))
    found = findings(extension_wheel(tags, binary=slices if len(slices) > 1 else slices[0]), rule="tag-wider-possible")
    assert [one.message.split("`")[1] for one in found] == ([wider] if wider else [])


# ----------------------------------------------------------------------------- native-in-any, platform-without-native


def test_a16_an_extension_module_in_any_is_an_error() -> None:
    """A wheel for any platform with an extension module is an error that names the file and its machine."""
    member = "demo/_core.cpython-311-x86_64-linux-gnu.so"
    content = build_native(clean_elf(f"cp311-cp311-{LINUX}"))
    wheel = replace(DEMO, members={**DEMO.members, member: content})
    finding = only(wheel, rule="native-in-any")
    assert "1 native file that is imported or loaded" in finding.message
    assert finding.severity is Severity.ERROR
    assert finding.evidence[0].member == member
    assert "an ELF file for x86_64" in evidence(finding)


def test_a_library_that_the_package_loads_is_native_in_any() -> None:
    """A library whose path names no machine, in a package that loads libraries, is one that it loads everywhere."""
    library = replace(clean_elf(f"cp311-cp311-{LINUX}"), exports=(), soname="libdemo.so")
    members = {
        "demo/__init__.py": b"import ctypes\nctypes.CDLL('libdemo.so')\n",
        "demo/libdemo.so": build_native(library),
    }
    finding = only(replace(DEMO, members=members), rule="native-in-any")
    assert finding.evidence[0].member == "demo/libdemo.so"


def test_launchers_for_every_machine_are_no_fault_in_any() -> None:
    """What names its machine is chosen at run time: setuptools' and debugpy's wheels are pure."""
    pe = build_native(replace(clean_pe("cp311-cp311-win_amd64"), imports={"KERNEL32.dll": ("Sleep",)}, exports=()))
    elf = build_native(replace(clean_elf(f"cp311-cp311-{LINUX}"), exports=()))
    members = {
        "demo/__init__.py": b"import ctypes\nctypes.CDLL('x')\n",
        "demo/cli-64.exe": pe,
        "demo/attach_linux_amd64.so": elf,
    }
    assert not findings(replace(DEMO, members=members), rule="native-in-any")


@pytest.mark.parametrize(
    "platform", [LINUX, "win_amd64", "macosx_11_0_arm64", "android_24_x86", "pyemscripten_2026_0_wasm32"]
)
def test_a_platform_without_a_native_file_is_a_warning(platform: str) -> None:
    """A wheel for a platform that holds nothing native is a warning that names the tag."""
    finding = only(tagged(f"py3-none-{platform}"), rule="platform-without-native")
    assert f"`{platform}`" in finding.message
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("member", "content"),
    [
        ("demo/_core.so", build_native(clean_elf(f"cp311-cp311-{LINUX}"))),
        ("demo/libdemo.a", b"!<arch>\n" + b" " * 60),
        ("demo/_core.wasm", b"\0asm\x01\0\0\0"),
        ("demo-1.0.data/scripts/demo", build_native(clean_elf(f"cp311-cp311-{LINUX}"))),
        ("demo/secret.bin", Member(content=b"x", method=99, payload=b"x")),
    ],
)
def test_a_native_file_of_any_kind_is_enough(member: str, content: bytes | Member) -> None:
    """Libraries, archives, wasm modules and scripts are native; what could not be read may be."""
    wheel = replace(tagged(f"py3-none-{LINUX}"), members={**DEMO.members, member: content})
    assert not findings(wheel, rule="platform-without-native")


# ---------------------------------------------------------------------------------------------------------- house style


def test_findings_on_tags_keep_the_house_style() -> None:
    """Every message of the family is worded as the others are, and says what to do."""
    several = (
        tagged("PY3.-none-linux_x86_64.win32"),
        tagged("py3.py2-none-any.win32"),
        tagged("cp311-cp311-macosx_10_15_arm64"),
        tagged("cp311-cp311-manylinux_2_99_x86_64"),
        tagged(f"py3-abi3-{LINUX}"),
        tagged(f"cp38.cp39.py3-abi3-{LINUX}"),
        tagged(f"cp313-abi3t-{LINUX}"),
        tagged("cp312-none-any"),
        native("cp311-cp311-manylinux_2_28_x86_64"),
        native("cp311-cp311-manylinux_2_17_x86_64.musllinux_1_2_x86_64", like=f"cp311-cp311-{LINUX}"),
        native("cp311-none-any", like=f"cp311-cp311-{LINUX}"),
    )
    found = [one for wheel in several for one in report(wheel).findings if one.family == "tags"]
    assert_house_style(found)
    assert len({one.rule for one in found}) == 14
