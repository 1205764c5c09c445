"""The best customers, found or missed; borders among equals are shared fractionally."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from patronage.evaluate.examined import Examined
from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics.metric import Metric, OfGroups, OfMeans, ratio
from patronage.evaluate.metrics.ranks import normalized_gini, spearman
from patronage.evaluate.weighing import Weighing

__all__ = ["BUSINESS", "RANKING"]

Draws = Float[np.ndarray, " draws"]


def _buyers_gini(weighing: Weighing) -> Draws:
    buyers = weighing.rows.outcome > 0
    if not buyers.any():
        return np.full(weighing.weights.shape[1], np.nan)
    return normalized_gini(replace(weighing, rows=weighing.rows.take(buyers), foresight=None))


def _capture(share: float) -> OfGroups:
    def compute(weighing: Weighing) -> Draws:
        found, _ = weighing.by_forecast.at(np.array([share]))
        return ratio(found[0], weighing.by_forecast.total())

    return OfGroups(compute)


def _membership(
    weight: Float[np.ndarray, "groups_1 draws"], share: float
) -> Float[np.ndarray, "groups draws"]:
    """The part of each group of equals that is among the best `share`, from running weights."""
    size = np.diff(weight, axis=0)
    left = share * weight[-1] - weight[:-1]
    inside = np.divide(left, size, out=np.zeros_like(size), where=size > 0)
    return np.asarray(np.clip(inside, 0.0, 1.0))


def _tops(weighing: Weighing, share: float) -> tuple[Draws, Draws, Draws]:
    """Weight of the best by forecast, of the best by outcome, and of both; outcomes of nothing
    are never among the best.
    """
    rows = weighing.rows
    by_forecast, _ = weighing.groups(rows.forecast)
    by_outcome, n_outcome = weighing.groups(rows.outcome)
    chosen = _membership(weighing.by_forecast.weight, share)
    best = _membership(weighing.by_outcome.weight, share)
    best[np.bincount(by_outcome, rows.outcome > 0, n_outcome) == 0] = 0.0
    size = (best * np.diff(weighing.by_outcome.weight, axis=0)).sum(axis=0)
    # Why: few rows are ever among both, and each costs a row of all draws.
    reach = np.flatnonzero(
        (chosen.max(axis=1) > 0)[by_forecast] & (best.max(axis=1) > 0)[by_outcome]
    )
    some = replace(weighing, rows=rows.take(reach), foresight=None)
    weight = some.sums(np.arange(len(reach)), len(reach))
    both = (weight * chosen[by_forecast[reach]] * best[by_outcome[reach]]).sum(axis=0)
    return share * weighing.by_forecast.weight[-1], size, both


def _recall(share: float) -> OfGroups:
    def compute(weighing: Weighing) -> Draws:
        _, best, both = _tops(weighing, share)
        return ratio(both, best)

    return OfGroups(compute)


def _precision(weighing: Weighing) -> Draws:
    chosen, _, both = _tops(weighing, 0.1)
    return ratio(both, chosen)


def _revenue_accuracy(weighing: Weighing) -> Draws:
    rows = weighing.rows
    forecast, outcome = weighing.means(np.stack([rows.forecast, rows.outcome]))
    return np.asarray(1.0 - np.abs(ratio(forecast, outcome) - 1.0))


def _impact(weighing: Weighing) -> Draws:
    chosen, best, both = _tops(weighing, 0.1)
    parts = (
        _revenue_accuracy(weighing),
        spearman(weighing),
        ratio(both, chosen),
        ratio(both, best),
    )
    return np.asarray(np.mean(parts, axis=0))


def _profit(rows: Judged) -> tuple[Float[np.ndarray, " rows"]]:
    assert isinstance(rows, Examined)
    decision = rows.decision
    contacted = rows.forecast > decision.threshold
    return (np.where(contacted, decision.margin * rows.outcome - decision.cost, 0.0),)


def _contacted(rows: Judged) -> tuple[Float[np.ndarray, " rows"]]:
    assert isinstance(rows, Examined)
    return ((rows.forecast > rows.decision.threshold).astype(float),)


RANKING = (
    Metric(
        "normalized_gini_buyers",
        "Normalised Gini among those with a positive outcome alone.",
        "cash",
        True,
        OfGroups(_buyers_gini),
        among="buyers",
    ),
    *(
        Metric(
            f"capture_{percent}",
            f"Share of all cash that came from the best {percent} % by forecast.",
            "cash",
            True,
            _capture(percent / 100),
        )
        for percent in (1, 5, 20)
    ),
    *(
        Metric(
            f"whale_recall_{percent}",
            f"Share of the best {percent} % by outcome who are among the best {percent} % by "
            "forecast.",
            "cash",
            True,
            _recall(percent / 100),
        )
        for percent in (1, 5)
    ),
)

BUSINESS = (
    Metric(
        "revenue_accuracy",
        "1 less |sum of forecasts over sum of outcomes − 1|.",
        "cash",
        True,
        OfGroups(_revenue_accuracy),
    ),
    Metric(
        "top_decile_precision",
        "Share of the best tenth by forecast who are among the best tenth by outcome.",
        "cash",
        True,
        OfGroups(_precision),
    ),
    Metric(
        "top_decile_recall",
        "Share of the best tenth by outcome who are in the best tenth by forecast; where under a "
        "tenth buy, of all who do.",
        "cash",
        True,
        _recall(0.1),
    ),
    Metric(
        "business_impact",
        "Mean of revenue accuracy, rank correlation, and precision and recall of the top decile.",
        "cash",
        True,
        OfGroups(_impact),
    ),
    Metric(
        "profit",
        "Margin × outcome less cost of those whose forecast is above the threshold, in money per "
        "customer of the base.",
        "distribution",
        True,
        OfMeans(_profit),
    ),
    Metric(
        "contacted",
        "Share of customers whose forecast is above the threshold.",
        "distribution",
        True,
        OfMeans(_contacted),
    ),
)
