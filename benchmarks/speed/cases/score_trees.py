"""Score a million customers from their features by boosted trees, with an 80 % interval each."""

from typing import Any

from case import Case, Side, Target, cpu, memory, seconds
from clock import Clock

__all__ = ["CASES"]

N = 1_000_000
N_FEATURES = 35


def _score(clock: Clock) -> dict[str, float]:
    """Hurdle and purchases: three heads of three members each, on a drawn table of features."""
    from datetime import date

    import numpy as np

    from patronage.forecast.zero_inflated import ZeroInflatedForecast
    from patronage.horizon import Horizon
    from patronage.models.learners.base import Head
    from patronage.models.learners.binned import BinnedTable
    from patronage.models.learners.lightgbm import LightGBM

    rng = np.random.default_rng(1)
    matrix = rng.lognormal(0.0, 1.0, (N, N_FEATURES)).astype(np.float32)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    few, n = matrix[:60_000], 60_000
    score = np.log1p(np.nan_to_num(few[:, :4])).sum(axis=1) - 3.0
    paid = rng.random(n) < 1.0 / (1.0 + np.exp(-score))
    heads: list[Any] = [
        Head(paid.astype(float), "binary"),
        Head(np.exp(score[paid]) * rng.gamma(2.0, 10.0, paid.sum()), "gamma", rows=paid),
        Head(rng.poisson(np.exp(score / 2)).astype(float), "poisson"),
    ]
    grown = LightGBM().grow(BinnedTable(few, 1), np.arange(n) % 3, heads, seed=1)
    with clock("work"):
        chance, amount, purchases = (one.predictor.predict(matrix) for one in grown)
        forecast = ZeroInflatedForecast(
            np.arange(N),
            date(2024, 1, 1),
            Horizon(26, "week"),
            np.clip(chance, 1e-6, 1 - 1e-6),
            amount,
            np.full(N, 0.8),
            np.full(26, 1 / 26),
        )
        bounds = forecast.quantile([0.1, 0.9])
    trees = sum(text.count("\nTree=") for one in grown for text in one.predictor.members)
    return {
        "trees": float(trees),
        "purchases": float(purchases.sum()),
        "upper bounds": float(bounds[:, 1].sum()),
    }


CASES = {
    "score-trees-1m": Case(
        title="score 1 M customers from 35 features by boosted trees, with an 80 % interval",
        sides={"patronage": Side(_score)},
        targets=(
            Target("seconds", seconds(), at_most=60),
            Target("CPU seconds", cpu()),
            Target("MiB at the peak", memory()),
        ),
        asked_only=True,
    ),
}
