"""The version of this distribution, stated once here and held against pyproject.toml by a test."""

__version__ = "0.1.0"
