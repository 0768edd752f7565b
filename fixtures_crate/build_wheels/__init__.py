"""The fixture wheels of `my_extension`, for every platform, built on one Debian 12 machine.

`recipes` says what is built and how it is spoilt; `workshop` has the tools and `making` builds with them; `manifest`
describes what came out. `python3 -m fixtures_crate.build_wheels` does so from the command line, in the folder of the
repository.
"""
