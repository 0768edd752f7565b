"""A small package around a compiled module that is written in Rust."""

from my_extension._core import some_function, sum_as_string

__all__ = ["some_function", "sum_as_string"]
