"""All checks, a file per model."""

from conformance.check import Check
from conformance.checks import (
    bg_bb,
    bg_nbd,
    calibration,
    gamma_gamma,
    ggompertz_nbd,
    mbg_nbd,
    pareto_nbd,
    timing,
)

__all__ = ["CHECKS"]

_FILES = (pareto_nbd, bg_nbd, mbg_nbd, ggompertz_nbd, timing, bg_bb, gamma_gamma, calibration)
CHECKS: tuple[Check, ...] = tuple(check for file in _FILES for check in file.CHECKS)
