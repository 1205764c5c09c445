"""Credibility: how far the experience of a customer's cohort, and its own forecast, are believed.

Two empirical Bayes shrinkages, one above the other. The level of a cohort, actual over expected
cash, is drawn to everybody's with weight n / (n + k), where n is what was expected of the cohort
and k the variance within cohorts over that between them (Bühlmann & Straub 1970, "Glaubwürdigkeit
für Schadensätze"; on top of a regression, as here, Ohlsson 2008, "Combining generalized linear
models and credibility models in practice"). A customer's own expectation is drawn to the mean of
its cohort as far as such expectations went too far from it (Copas 1983).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

__all__ = ["Credibility", "learn_credibility"]

# An expectation below this share of the mean is not divided by.
_LEAST_SHARE: Final = 1e-3


@dataclass(frozen=True)
class Credibility:
    """Learned levels of cohorts.

    Attributes
    ----------
    names : the cohorts that had outcomes
    levels : what the expectations of each are multiplied with; 1 is everybody's level
    weights : how far each cohort's own experience is believed, 0 to 1
    k : expected cash at which it is believed by half; infinite where cohorts do not differ
    mean : what is expected of a customer of everybody's level
    trust : part of a customer's distance from that mean that is believed, 0 to 1
    """

    names: tuple[str, ...]
    levels: Float[np.ndarray, " cohorts"]
    weights: Float[np.ndarray, " cohorts"]
    k: float
    mean: float
    trust: float

    def level(self, cohort: pl.Series) -> Float[np.ndarray, " rows"]:
        """Of each row's cohort; 1, everybody's, where it had no outcomes or is not known."""
        found = cohort.replace_strict(
            list(self.names), self.levels.tolist(), default=1.0, return_dtype=pl.Float64
        )
        return found.fill_null(1.0).to_numpy()

    def drawn(
        self, expected: Float[np.ndarray, " rows"], cohort: pl.Series
    ) -> Float[np.ndarray, " rows"]:
        """The expected cash after both shrinkages."""
        towards = self.mean + self.trust * (expected - self.mean)
        return np.asarray(self.level(cohort) * towards)


def learn_credibility(
    customer_id: pl.Series,
    cohort: pl.Series,
    expected: Float[np.ndarray, " rows"],
    actual: Float[np.ndarray, " rows"],
) -> Credibility:
    """Learn from expectations of customers by who did not see them, and what then came.

    A customer with several rows counts once, with their mean: its outcomes overlap.
    """
    rows = pl.DataFrame({"customer": customer_id, "cohort": cohort, "m": expected, "y": actual})
    people = rows.group_by("customer", "cohort", maintain_order=True).mean()
    m, y = people["m"].to_numpy(), people["y"].to_numpy()
    mean = float(m.mean())
    names, levels, weights, k = _cohorts(people)
    found = Credibility(names, levels, weights, k, mean, 1.0)
    level = found.level(people["cohort"])
    # Why these weights: money varies with about the exponent 1.5 of its expectation.
    distance, count = m - mean, np.maximum(m, _LEAST_SHARE * mean) ** -1.5
    spread = float(count @ (level * distance) ** 2)
    slope = float(count @ (level * distance * (y - level * mean))) / spread if spread > 0 else 1.0
    return Credibility(names, levels, weights, k, mean, float(np.clip(slope, 0.0, 1.0)))


def _cohorts(
    people: pl.DataFrame,
) -> tuple[tuple[str, ...], Float[np.ndarray, " cohorts"], Float[np.ndarray, " cohorts"], float]:
    """Names, levels and weights of the cohorts, and k."""
    known = people.drop_nulls("cohort").filter(pl.col("m") > 0)
    by = known.group_by("cohort").agg(m=pl.col("m").sum(), y=pl.col("y").sum(), n=pl.len())
    by = by.sort("cohort")
    m, y, n = by["m"].to_numpy(), by["y"].to_numpy(), by["n"].to_numpy()
    if len(by) < 2 or y.sum() <= 0:
        return tuple(by["cohort"]), np.ones(len(by)), np.zeros(len(by)), float("inf")
    # In everybody's level: the regression's own total is not the cohorts' to mend.
    ratio = y / m * (m.sum() / y.sum())
    own = known.join(by.select("cohort", ratio=pl.Series(ratio)), on="cohort")
    scaled = own["y"].to_numpy() * (m.sum() / y.sum())
    within = float(((scaled - own["ratio"].to_numpy() * own["m"].to_numpy()) ** 2 / own["m"]).sum())
    within /= max(int((n - 1).sum()), 1)
    spare = float(m.sum() - (m @ m) / m.sum())
    between = (float(m @ (ratio - 1.0) ** 2) - (len(by) - 1) * within) / spare
    k = within / between if between > 0 else float("inf")
    weights = m / (m + k)
    return tuple(by["cohort"]), 1.0 + weights * (ratio - 1.0), weights, k
