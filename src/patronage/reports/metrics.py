"""What each metric is called on the page, what it means, and which way is better."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from patronage.reports.formats import split_words

__all__ = ["KNOWN", "Direction", "MetricWords", "metric_words"]

Direction = Literal["lower", "higher", "zero", "none"]


@dataclass(frozen=True)
class MetricWords:
    """`better`: 'lower' or 'higher' says which way, 'zero' is best at 0, 'none' has no best."""

    label: str
    better: Direction
    meaning: str

    @property
    def in_sentence(self) -> str:
        """The label within a sentence: 'Deviance' → 'deviance', but 'RMSE' stays."""
        lower = self.label[1:2].islower()
        return self.label[:1].lower() + self.label[1:] if lower else self.label


KNOWN: Final[Mapping[str, MetricWords]] = {
    "deviance": MetricWords(
        "Deviance", "lower", "how badly the forecast mean fits skewed cash with many zeros"
    ),
    "normalized_gini": MetricWords(
        "Normalised Gini", "higher", "how well customers are ranked by cash: 1 is perfect, 0 chance"
    ),
    "gini": MetricWords("Gini", "higher", "how well customers are ranked by cash"),
    "spearman": MetricWords("Spearman", "higher", "rank correlation of forecast and outcome"),
    "mae": MetricWords("MAE", "lower", "mean absolute error per customer, in money"),
    "rmse": MetricWords("RMSE", "lower", "root of the mean squared error per customer, in money"),
    "bias": MetricWords("Bias", "zero", "mean of forecast minus outcome per customer, in money"),
    "aggregate_bias": MetricWords(
        "Aggregate bias", "zero", "the whole forecast against the whole outcome, as a share"
    ),
    "crps": MetricWords(
        "CRPS", "lower", "distance of the whole forecast distribution from the outcome, in money"
    ),
    "pinball": MetricWords("Pinball loss", "lower", "how well the quantiles are placed"),
    "decile_mape": MetricWords(
        "Decile MAPE", "lower", "mean relative error of the deciles' sums: calibration"
    ),
    "decile_lift": MetricWords("Decile lift", "higher", "outcome of the best decile over average"),
    "top_decile_capture": MetricWords(
        "Top-decile capture", "higher", "share of the best tenth that the forecast found"
    ),
    "coverage": MetricWords(
        "Coverage", "none", "share of outcomes inside the interval; nearest to its level is best"
    ),
    "rmse_purchases": MetricWords(
        "RMSE of purchases", "lower", "root of the mean squared error of purchases per customer"
    ),
    "rmse_total": MetricWords(
        "RMSE of the total", "lower", "error of the portfolio's total over origins"
    ),
}


def metric_words(name: str, higher_is_better: Mapping[str, bool]) -> MetricWords:
    """The words for a metric; one not known here is spelt from its name.

    A direction given by the caller wins, save that a bias is best at zero.
    """
    known = KNOWN.get(name)
    if known is not None and (known.better in ("zero", "none") or name not in higher_is_better):
        return known
    zero = name.endswith("bias")
    better: Direction = (
        "zero" if zero else "higher" if higher_is_better.get(name, False) else "lower"
    )
    if known is not None:
        return MetricWords(known.label, better, known.meaning)
    return MetricWords(split_words(name), better, "")
