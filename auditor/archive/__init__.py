"""Bytes of a wheel -> facts."""
