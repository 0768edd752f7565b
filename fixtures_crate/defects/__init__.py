"""Wheels with one planted defect each, as real compilers and linkers make them, and their good twins.

`recipes` says what is built and what an audit must find; `workbench` builds it; `python3 -m fixtures_crate.defects`
does so from the command line, in the folder of the repository.
"""
