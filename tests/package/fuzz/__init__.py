"""Real packages, changed at random where it hurts, and given to what imports them.

`python -m tests.package.fuzz --help`; scripts/fuzz-packages runs it.
"""
