"""Check: one published number (or a few of one kind), where it comes from, and how near is near."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Check", "Verdict"]


@dataclass(frozen=True)
class Verdict:
    """Whether a system gives the number."""

    passed: bool
    told: str


@dataclass(frozen=True)
class Check:
    """What is asked of a system, and what must come.

    Attributes
    ----------
    name : unique; what is asked, in words
    model : name in the catalogue
    asks : method of `systems.base.System`
    given : its arguments beside the model; "parameters": "cdnow39" means at the system's own fit
    expected : the published numbers; None: only `within` counts
    rel, abs_ : how near each must be: |found − expected| <= abs_ + rel |expected|
    within : bounds that every number must keep
    slow : takes seconds
    contested : why we give another number, where we do and stand by it
    source : paper, spreadsheet, vignette, a peer's test, or our own recomputation
    """

    name: str
    model: str
    asks: str
    given: Mapping[str, Any]
    expected: tuple[float, ...] | None
    source: str
    rel: float = 0.0
    abs_: float = 0.0
    within: tuple[float, float] = field(default=(-np.inf, np.inf))
    slow: bool = False
    contested: str = ""

    def judge(self, found: Any) -> Verdict:
        """Compare what a system answered; anything not finite fails."""
        numbers = np.atleast_1d(np.asarray(found, dtype=float)).ravel()
        if not np.isfinite(numbers).all():
            return Verdict(False, f"not finite: {numbers[~np.isfinite(numbers)][:3].tolist()}")
        low, high = self.within
        if ((numbers < low) | (numbers > high)).any():
            return Verdict(
                False, f"outside [{low:g}, {high:g}]: {numbers.min()} to {numbers.max()}"
            )
        if self.expected is None:
            return Verdict(True, "")
        expected = np.asarray(self.expected)
        if numbers.shape != expected.shape:
            return Verdict(False, f"{len(numbers)} numbers where {len(expected)} are asked")
        excess = np.abs(numbers - expected) - (self.abs_ + self.rel * np.abs(expected))
        worst = int(np.argmax(excess))
        return Verdict(
            bool(excess[worst] <= 0), f"{numbers[worst]:.10g} for {expected[worst]:.10g}"
        )
