"""The compiled module, written in Rust."""

def some_function() -> str:
    """Return a greeting from the compiled module."""

def sum_as_string(left: int, right: int) -> str:
    """Return the sum of two integers as a decimal string.

    Raises OverflowError if an argument or the sum does not fit into 64 bits.
    """
