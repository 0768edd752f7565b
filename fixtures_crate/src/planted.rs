//! The planted defects that are calls: functions which the built module then needs at load time.
//!
//! Each stands behind the Cargo feature of its name; without one, nothing of this file reaches the binary.

#[cfg(any(feature = "missing-library", feature = "undefined-symbol"))]
#[cfg_attr(feature = "missing-library", link(name = "vendored"))]
unsafe extern "C" {
    /// A function of `libvendored`; whether the linker is told of that library is the difference.
    fn vendored_answer() -> std::ffi::c_int;
}

#[cfg(feature = "outside-limited-api")]
unsafe extern "C" {
    /// Exported up to Python 3.11, and never part of the stable ABI.
    fn PyUnicode_AsUnicode(text: *mut pyo3::ffi::PyObject) -> *mut std::ffi::c_void;
}

/// Refer to the planted functions in a way that the optimiser keeps, and call none.
#[inline(always)]
pub(crate) fn reach() {
    #[cfg(any(feature = "missing-library", feature = "undefined-symbol"))]
    if std::hint::black_box(false) {
        // SAFETY: never reached.
        unsafe { vendored_answer() };
    }
    #[cfg(feature = "outside-limited-api")]
    if std::hint::black_box(false) {
        // SAFETY: never reached.
        unsafe { PyUnicode_AsUnicode(std::ptr::null_mut()) };
    }
}
