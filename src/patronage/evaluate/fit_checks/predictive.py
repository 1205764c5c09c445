"""Predictive checks: do customers drawn from the fitted process look like those observed?"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.evaluate.fit_checks.alike import require_alike
from patronage.models.btyd.model import FittedBTYD
from patronage.snapshots import RFM

__all__ = ["predictive_checks"]

_MOST_REPEATS: Final = 7
_TENTHS: Final = 10


def predictive_checks(
    fitted: FittedBTYD,
    rfm: RFM,
    *,
    n_draws: int = 200,
    theta_draws: Float[np.ndarray, "draws k"] | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> pl.DataFrame:
    """Histories of as many customers, watched as long, drawn again and again from the process.

    Parameters
    ----------
    theta_draws : logarithms of the parameters for each draw, taken in turn: of a posterior, or of
        a prior for a prior check; None: the fitted ones every time
    level : of the interval

    Returns
    -------
    check, bin, observed, expected, low, high, p_value (one for each check). The checks:
    frequency (customers by repeat purchases), recency (repeat buyers by the tenth of T in which
    they bought last), repeat_share (customers with a repeat), purchases_per_customer. The p-value
    is the share of draws that lie as far from their own mean, in χ² over the bins.
    """
    require_alike(fitted)
    if n_draws < 20:
        raise SettingsError(f"{n_draws} draws tell nothing.\nTo mend: take at least 20.")
    thetas = fitted.report.theta[None, :] if theta_draws is None else theta_draws
    each = np.repeat(np.arange(len(rfm)), np.rint(rfm.weights).astype(np.int64))
    rng = np.random.default_rng(seed)
    observed = _statistics(fitted.process.table(rfm).take(each))
    drawn: dict[str, list[Float[np.ndarray, " bins"]]] = {name: [] for name in observed}
    for draw in range(n_draws):
        theta = thetas[draw % len(thetas)]
        table = fitted.process.simulate(np.exp(theta).tolist(), rfm.T[each], rng)
        for name, values in _statistics(table).items():
            drawn[name].append(values)
    tails = [(1 - level) / 2, (1 + level) / 2]
    frames = [
        _frame(name, observed[name], np.array(values), tails) for name, values in drawn.items()
    ]
    return pl.concat(frames)


def _statistics(table: Any) -> Mapping[str, Float[np.ndarray, " bins"]]:
    """Of a process's own table."""
    x, t_x, T = table.x, table.t_x, table.T
    many = np.minimum(x, _MOST_REPEATS).astype(np.int64)
    bought = x > 0
    share = t_x[bought] / np.maximum(T[bought], 1e-300)
    tenth = np.minimum((_TENTHS * share).astype(np.int64), _TENTHS - 1)
    return {
        "frequency": np.bincount(many, minlength=_MOST_REPEATS + 1).astype(float),
        "recency": np.bincount(tenth, minlength=_TENTHS).astype(float),
        "repeat_share": np.array([bought.mean()]),
        "purchases_per_customer": np.array([x.mean()]),
    }


def _frame(
    name: str,
    observed: Float[np.ndarray, " bins"],
    drawn: Float[np.ndarray, "draws bins"],
    tails: list[float],
) -> pl.DataFrame:
    expected, variance = drawn.mean(axis=0), drawn.var(axis=0)
    weight = np.where(variance > 0, 1.0 / np.where(variance > 0, variance, 1.0), 0.0)
    beyond = ((drawn - expected) ** 2) @ weight >= ((observed - expected) ** 2) @ weight
    low, high = np.quantile(drawn, tails, axis=0)
    return pl.DataFrame(
        {
            "check": [name] * len(observed),
            "bin": np.arange(len(observed)),
            "observed": observed,
            "expected": expected,
            "low": low,
            "high": high,
            "p_value": np.full(len(observed), (1 + beyond.sum()) / (1 + len(drawn))),
        }
    )
