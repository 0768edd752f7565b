//! The compiled half of the Python package `my_extension`.

mod planted;

/// Functions written in Rust; the package `my_extension` exports them.
#[cfg_attr(not(feature = "wrong-init"), pyo3::pymodule)]
#[cfg_attr(feature = "wrong-init", pyo3::pymodule(name = "_kernel"))]
mod _core {
    use pyo3::exceptions::PyOverflowError;
    use pyo3::prelude::*;

    /// Return a greeting from the compiled module.
    #[pyfunction]
    fn some_function() -> &'static str {
        crate::planted::reach();
        "Hello from Rust!"
    }

    /// Return the sum of two integers as a decimal string.
    ///
    /// Raises OverflowError if an argument or the sum does not fit into 64 bits.
    #[pyfunction]
    fn sum_as_string(left: i64, right: i64) -> PyResult<String> {
        left.checked_add(right)
            .map(|sum| sum.to_string())
            .ok_or_else(|| PyOverflowError::new_err("the sum does not fit into 64 bits"))
    }
}
