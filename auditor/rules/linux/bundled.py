"""Libraries that a wheel brings, against those that other packages bring into the same process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor.platforms.promise import System
from auditor.rules.context import Role
from auditor.rules.rule import WARNING, Evidence, Hit, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.facts.binary import Binary, Slice
    from auditor.facts.wheel import WheelFacts
    from auditor.rules.context import Context

_SHOWN = 20
_SONAME = re.compile(r"lib(?P<stem>.+?)(?:-r?\d{1,3}(?:\.\d+)*)?\.so(?:\.\d+)*", re.ASCII)
"""`libz.so.1`, `libglib-2.0.so.0`; what auditwheel puts before `.so` is longer: `libz-a147dcb0.so.1.2.3`."""
_NAMES = """
FLAC GLEW SDL2 X11 Xau Xext aec archive asound atomic avcodec avdevice avfilter avformat avutil blas blosc blosc2
brotlicommon brotlidec brotlienc bz2 cairo cblas com_err crypt crypto cudart curl deflate edit event expat ffi
fftw3 fftw3f fontconfig freetype fribidi gcc_s gcrypt gdal geos geos_c gfortran gflags gio glfw glib glog gmodule
gmp gnutls gobject gomp gpg-error grpc gsl gslcblas gssapi_krb5 gthread harfbuzz hdf5 hdf5_cpp hdf5_hl hogweed
idn2 iomp5 jansson jpeg k5crypto keyutils krb5 krb5support lapack lber lcms2 ldap ldap_r lz4 lzma magic mariadb
mkl_rt mp3lame mpc mpfr mysqlclient ncurses ncursesw netcdf nettle nghttp2 numa odbc ogg omp openblas openblas64
openblasp openjp2 opus pcre pcre2 pixman png png12 png16 portaudio pq proj protobuf protobuf-lite quadmath
rdkafka readline sasl2 selinux sharpyuv snappy sndfile sodium sqlite3 ssh ssh2 ssl stdc++ swresample swscale tbb
tbbmalloc tiff tinfo turbojpeg unistring unwind usb uuid uv vorbis vorbisenc vpx webp webpdemux webpmux x264 x265
xcb xml2 xslt yaml z zmq zstd
"""
_SHARED_BY_MANY = frozenset(_NAMES.split())
"""Libraries that many projects bring: what stands between `lib` and the version in the SONAME. From what auditwheel
has copied into the wheels of PyPI, and the libraries that manylinux promises."""
_FAMILIES = ("absl_", "boost_")
"""Prefixes of libraries that come in many parts."""
_NOT_ALNUM = re.compile(r"[^a-z0-9]")
_PYTHON = re.compile(r"^py(thon)?|py(thon)?$")
"""What the name of a distribution adds to that of the project which it binds."""


@rule("bundled-soname-generic", severity=WARNING, since="0.1")
def bundled_soname_generic(wheel: WheelFacts, context: Context) -> Iterator[Hit]:
    """A library that the wheel brings has a name under which other packages load theirs.

    **What it checks.** Where an extension module needs a library of the wheel, by itself or through others of the
    wheel, its SONAME is not the plain one of a library that many projects bring (`libz.so.1`, `libssl.so.3`,
    `libgomp.so.1`, `libstdc++.so.6`).

    **Why it matters.** The loader looks among the loaded libraries for the SONAME first, and nowhere else if it is
    there. So the first package that a process imports decides for all: this one gets another version than its own, or
    the standard library's `ssl` gets this one. "symbol not found" and crashes come and go with the order of imports.

    **How to fix.** `auditwheel repair` copies a library under a name of its own (`libz-a147dcb0.so.1.2.3`) and
    changes those that need it. By hand: `patchelf --set-soname` and `patchelf --replace-needed`. Or link it statically.

    **Limits.** Judged are names of a list of some 160 libraries, since nobody else brings the others. Not among them
    are those that have a version in their symbols (ICU), and what is named after the project. Libraries that a program
    of the wheel alone needs are in a process of their own.

    **References.** ld.so(8); dlopen(3); auditwheel's copylib.
    """
    reached = _reached(context)
    needing = {needed.name: binary.member for binary, part in reversed(reached) for needed in part.needed}
    found = {
        binary.member: name
        for binary, part in reached
        if (name := _soname(binary, part)) in needing and _is_generic(name, wheel)
    }
    if found:
        names = ", ".join(f"`{name}`" for name in sorted(set(found.values()))[:6])
        what = "the wheel brings a library" if len(found) == 1 else f"the wheel brings {len(found)} libraries"
        yield Hit(
            message=f"{what} under a name that other packages load theirs by: {names}",
            help="let `auditwheel repair` copy it under a name of its own, or link it statically",
            member=next(iter(found)) if len(found) == 1 else None,
            evidence=tuple(
                Evidence(text=f"`{needing[name]}` needs `{name}`, which is `{member}`", member=member, library=name)
                for member, name in sorted(found.items())[:_SHOWN]
            ),
        )


def _soname(binary: Binary, part: Slice) -> str:
    """The name that ld.so compares: the SONAME, or for want of it that of the file."""
    return part.identity or binary.member.rpartition("/")[2]


def _reached(context: Context) -> list[tuple[Binary, Slice]]:
    """The extension modules under the Linux tags, and the libraries of the wheel that they load by their SONAMEs."""
    judged = {
        binary.member: (binary, part)
        for platform in context.on(System.LINUX)
        for binary, part in context.judged(platform)
        if context.roles[binary.member] is not Role.EXECUTABLE
    }
    by_name: dict[str, list[str]] = {}
    for binary, part in judged.values():
        by_name.setdefault(_soname(binary, part), []).append(binary.member)
    pending = [member for member in judged if context.roles[member] is Role.EXTENSION]
    members = dict.fromkeys(pending)
    while pending:
        _, part = judged[pending.pop()]
        for needed in part.needed:
            for member in by_name.pop(needed.name, ()):
                if member not in members:
                    members[member] = None
                    pending.append(member)
    return [judged[member] for member in members]


def _is_generic(name: str, wheel: WheelFacts) -> bool:
    """Whether other projects bring a library of this SONAME as well, and it is not named after this one."""
    match = _SONAME.fullmatch(name)
    if match is None:
        return False
    stem = match["stem"]
    if stem not in _SHARED_BY_MANY and not stem.startswith(_FAMILIES):
        return False
    own = _NOT_ALNUM.sub("", wheel.name.distribution.lower()) if wheel.name else ""
    own = _PYTHON.sub("", own)
    return not (len(own) > 2 and own in _NOT_ALNUM.sub("", stem.lower()))


RULES = (bundled_soname_generic,)
