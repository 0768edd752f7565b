"""Android: which native libraries an app may count on.

Sources: the NDK's list of stable APIs ("Android NDK Native APIs"), with libraries of every API level; the names of
what CPython's own Android packages bring beside libpython (CPython's `Android/android.py`, PEP 738).
"""

from __future__ import annotations

import re

_SYSTEM = frozenset(
    f"lib{name}.so"
    for name in (
        *("c", "m", "dl", "log", "z", "stdc++", "android", "EGL", "GLESv1_CM", "GLESv2", "GLESv3", "vulkan"),
        *("jnigraphics", "OpenSLES", "OpenMAXAL", "aaudio", "amidi", "camera2ndk", "mediandk", "nativewindow"),
        *("neuralnetworks", "binder_ndk", "icu", "sync", "nativehelper"),
    )
)
_PYTHON = re.compile(r"libpython3\.\d+t?\.so|lib(crypto|ssl|sqlite3)_python\.so", re.ASCII)


def is_system_library(name: str) -> bool:
    """Whether the system, or CPython's package for Android, has a library of that SONAME."""
    return name in _SYSTEM or _PYTHON.fullmatch(name) is not None
