"""What each metric is called on the page, what it means, and which way is better."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from patronage.reports.formats import significant, split_words

__all__ = ["KNOWN", "Direction", "MetricWords", "metric_words"]

Direction = Literal["lower", "higher", "nearest"]


@dataclass(frozen=True)
class MetricWords:
    """How a metric is spelt and read; `target` is what 'nearest' is nearest to."""

    label: str
    better: Direction
    meaning: str
    target: float = 0.0

    @property
    def in_sentence(self) -> str:
        """The label within a sentence: 'Deviance' → 'deviance', but 'RMSE' stays."""
        lower = self.label[1:2].islower()
        return self.label[:1].lower() + self.label[1:] if lower else self.label

    @property
    def arrow(self) -> str:
        """Which way is better, for a header."""
        return {"lower": "↓", "higher": "↑", "nearest": f"→ {self.target:g}"}[self.better]

    @property
    def which(self) -> str:
        """Which way is better, as a sentence."""
        if self.better == "nearest":
            return f"Nearest to {significant(self.target, 1)} is best."
        return "Lower is better." if self.better == "lower" else "Higher is better."

    def badness(self, value: float) -> float:
        """`value` turned so that lower is better; infinite where it is not known."""
        if not math.isfinite(value):
            return math.inf
        if self.better == "nearest":
            return abs(value - self.target)
        return value if self.better == "lower" else -value


# In the order in which the leaderboard shows them.
KNOWN: Final[Mapping[str, MetricWords]] = {
    "deviance": MetricWords(
        "Deviance",
        "lower",
        "error of expected cash in which large customers do not drown the small",
    ),
    "normalized_gini": MetricWords(
        "Normalised Gini", "higher", "how well customers are ranked by cash: 1 is perfect, 0 chance"
    ),
    "rmse": MetricWords(
        "RMSE", "lower", "root of the mean squared error of expected cash; ruled by the largest"
    ),
    "decile_mape": MetricWords(
        "Decile MAPE", "lower", "mean relative error of the deciles' sums: calibration"
    ),
    "aggregate_bias": MetricWords(
        "Aggregate bias", "nearest", "all that was forecast over all that came, less 1"
    ),
    "rmse_purchases": MetricWords(
        "RMSE of purchases", "lower", "root of the mean squared error of expected purchases"
    ),
    "coverage_90_gap": MetricWords(
        "Coverage gap at 90 %", "nearest", "share of outcomes below the 90 % quantile, less implied"
    ),
    "crps": MetricWords(
        "CRPS", "lower", "distance of the whole forecast distribution from the outcome, in money"
    ),
    "top_decile_capture": MetricWords(
        "Top-decile capture",
        "higher",
        "share of all cash that came from the best tenth by forecast",
    ),
    "mae": MetricWords("MAE", "lower", "mean absolute error of expected cash"),
    "bias": MetricWords("Bias", "nearest", "mean of forecast less outcome, in money per customer"),
    "portfolio_rmse": MetricWords(
        "RMSE of the total", "lower", "error of all customers' total over the origins, in money"
    ),
    "gini": MetricWords("Gini", "higher", "how well customers are ranked by cash"),
    "spearman": MetricWords("Spearman", "higher", "rank correlation of forecast and outcome"),
    "decile_lift": MetricWords(
        "Decile lift", "higher", "outcome of the best tenth by forecast over the mean of all"
    ),
    "pinball_90": MetricWords(
        "Pinball loss at 90 %", "lower", "how well the 90 % quantile is placed, in money"
    ),
    "coverage_80": MetricWords(
        "Coverage at 80 %", "nearest", "share of outcomes within the range of outcomes", 0.8
    ),
    "pit_deviation": MetricWords(
        "PIT deviation", "lower", "largest distance of outcomes' places from level"
    ),
    **{
        f"pit_coverage_{level}": MetricWords(
            f"Randomised coverage at {level} %",
            "nearest",
            f"share of outcomes in the central {level} % of their forecast, zeros drawn by lot",
            level / 100,
        )
        for level in (50, 80, 90, 95)
    },
    "width_80": MetricWords("Width at 80 %", "lower", "mean width of the range of outcomes"),
    "interval_score_80": MetricWords(
        "Interval score at 80 %", "lower", "width of the range of outcomes, plus misses, in money"
    ),
    "zero_gap": MetricWords(
        "Gap at zero", "nearest", "share of customers who bring nothing, less what was forecast"
    ),
    "mae_purchases": MetricWords(
        "MAE of purchases", "lower", "mean absolute error of expected purchases"
    ),
    "aggregate_bias_purchases": MetricWords(
        "Aggregate bias of purchases", "nearest", "all purchases forecast over all made, less 1"
    ),
}


def metric_words(name: str, higher_is_better: Mapping[str, bool]) -> MetricWords:
    """The words for a metric; one not known here is spelt from its name."""
    if name in KNOWN:
        return KNOWN[name]
    better: Direction = "higher" if higher_is_better.get(name, False) else "lower"
    return MetricWords(split_words(name), "nearest" if name.endswith("bias") else better, "")
