"""Limits: how far off is too far, each with its reason; all may be set by who signs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from patronage.errors import SettingsError

__all__ = ["LIMITS", "Limit", "Status", "limits_with"]

Status = Literal["pass", "attention", "fail"]


@dataclass(frozen=True)
class Limit:
    """Where attention begins and where a number fails.

    Attributes
    ----------
    name : what is limited
    label : as it is called in a sentence
    attention, fail : distance from `best`; the number itself where best is None
    reason : why there, in a sentence
    best : the number that is right
    higher_is_better : where best is None: else lower is
    percent : written as a share
    """

    name: str
    label: str
    attention: float
    fail: float
    reason: str
    best: float | None = None
    higher_is_better: bool = False
    percent: bool = True

    def badness(self, value: float) -> float:
        """The number on the scale of `attention` and `fail`, turned so that higher is worse."""
        if self.best is not None:
            return abs(value - self.best)
        return -value if self.higher_is_better else value

    def status(self, value: float, low: float = math.nan, high: float = math.nan) -> Status:
        """Fail where it lies beyond `fail` and, of all its interval, beyond `attention`.

        A number that is not known calls for attention.
        """
        if not math.isfinite(value):
            return "attention"
        sign = -1.0 if self.best is None and self.higher_is_better else 1.0
        attention, fail = sign * self.attention, sign * self.fail
        if self.badness(value) <= attention:
            return "pass"
        known = math.isfinite(low) and math.isfinite(high)
        kindest = self._kindest(low, high) if known else self.badness(value)
        return "fail" if self.badness(value) > fail and kindest > attention else "attention"

    def _kindest(self, low: float, high: float) -> float:
        if self.best is not None and low <= self.best <= high:
            return 0.0
        return min(self.badness(low), self.badness(high))


LIMITS: Final[Mapping[str, Limit]] = {
    limit.name: limit
    for limit in (
        Limit(
            "aggregate_bias",
            "total bias",
            0.10,
            0.25,
            "A budget built on the total misses by as much.",
            best=0.0,
        ),
        Limit(
            "calibration_slope",
            "calibration slope",
            0.20,
            0.50,
            "Far from 1, the best customers are over- or undervalued systematically.",
            best=1.0,
            percent=False,
        ),
        Limit(
            "decile_mape",
            "decile MAPE",
            0.25,
            0.50,
            "Money is spent by tiers of customers; each must be worth what it is said to be.",
        ),
        Limit(
            "normalized_gini",
            "normalised Gini",
            0.30,
            0.10,
            "Below it the order of customers is hardly better than chance.",
            higher_is_better=True,
            percent=False,
        ),
        Limit(
            "buys_ece",
            "calibration error of the chance to buy",
            0.05,
            0.10,
            "A probability that is off by more decides wrongly at the margin.",
        ),
        Limit(
            "pit_deviation",
            "PIT distance from level",
            0.05,
            0.15,
            "Ranges of outcomes that are wrong mislead who sets reserves by them.",
            percent=False,
        ),
        Limit(
            "coverage_90_gap",
            "coverage gap at the 90 % quantile",
            0.03,
            0.08,
            "The same, in the upper tail that reserves and caps rest on.",
            best=0.0,
        ),
        Limit(
            "relative_ratio",
            "predicted/actual of a group over that of all",
            0.20,
            0.40,
            "The four-fifths rule: a group valued a fifth lower than it is worth is treated so.",
            best=1.0,
            percent=False,
        ),
        Limit(
            "seed_rank_agreement",
            "rank agreement over seeds",
            0.98,
            0.90,
            "The order must not hang on a random number.",
            higher_is_better=True,
            percent=False,
        ),
        Limit(
            "seed_total_spread",
            "spread of the total over seeds",
            0.02,
            0.05,
            "Nor must the total.",
        ),
        Limit(
            "resample_rank_agreement",
            "rank agreement over resampled customers",
            0.95,
            0.85,
            "Another sample of the same customers should teach the same order.",
            higher_is_better=True,
            percent=False,
        ),
        Limit(
            "daily_rank_correlation",
            "least rank correlation from day to day",
            0.98,
            0.90,
            "Scores on a fixed panel move with the day's events, not with the weather: a release "
            "gate.",
            higher_is_better=True,
            percent=False,
        ),
        Limit(
            "daily_total_change",
            "largest change of the total in a day",
            0.05,
            0.15,
            "The same for the sum.",
        ),
    )
}


def limits_with(settings: Sequence[str]) -> Mapping[str, Limit]:
    """LIMITS with some set anew by 'name=attention:fail'.

    Raises
    ------
    SettingsError : no such limit, no two numbers, or in the wrong order
    """
    found = dict(LIMITS)
    for text in settings:
        name, _, numbers = text.partition("=")
        name = name.strip()
        if name not in found:
            raise SettingsError(
                f"there is no limit {name!r}.\nTo mend: one of {', '.join(LIMITS)}."
            )
        try:
            attention, fail = (float(number) for number in numbers.split(":"))
        except ValueError as error:
            raise SettingsError(
                f"cannot read the limit {text!r}.\nTo mend: {name}=ATTENTION:FAIL, for example "
                f"{name}={found[name].attention:g}:{found[name].fail:g}."
            ) from error
        lower_first = found[name].best is not None or not found[name].higher_is_better
        if not (attention <= fail if lower_first else fail <= attention):
            raise SettingsError(
                f"the limit {text!r} fails before it calls for attention.\n"
                f"To mend: give ATTENTION:FAIL, with the {'lower' if lower_first else 'higher'} "
                "number first."
            )
        found[name] = replace(found[name], attention=attention, fail=fail)
    return found
