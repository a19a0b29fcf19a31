"""Behavioural tests and swap tests: what a model does with cases that were written to measure it.

The cases and word lists beside this module are for measuring. They must never be trained on.
"""

from santun.checks.cases import Capability, Case, Expectation, read_capabilities, read_cases
from santun.checks.run import run_checks, wilson
from santun.checks.swaps import SWAPS, flip_rate, swap_rows

__all__ = [
    "SWAPS",
    "Capability",
    "Case",
    "Expectation",
    "flip_rate",
    "read_capabilities",
    "read_cases",
    "run_checks",
    "swap_rows",
    "wilson",
]
