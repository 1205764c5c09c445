"""How many customers, repeat purchases and weeks it takes to know a model's parameters."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.models.btyd.model import FittedBTYD
from patronage.models.fitting.compaction import compact

__all__ = ["data_needed"]

_MOST: Final = 1e12


def data_needed(
    fitted: FittedBTYD,
    *,
    weeks: Sequence[float] = (13, 26, 39, 52, 104),
    precision: float = 0.2,
    n_simulated: int = 50_000,
    seed: int = 0,
) -> pl.DataFrame:
    """What a standard error of `precision` of each parameter costs, if the fit is the truth.

    For each length of observation the information of one customer is estimated from customers
    whom the process itself draws, all watched for so long: the covariance of their scores. n
    customers have n times as much.

    Parameters
    ----------
    weeks : time from first purchase to as_of
    precision : relative standard error aimed at (of a logarithm, to be exact)
    n_simulated : customers drawn; the answer is right to a few percent

    Returns
    -------
    weeks, parameter, customers (null where a trillion would not do), repeat_purchases (among
    them), slowest (the parameter that takes most)
    """
    if not 0.0 < precision < 1.0:
        raise SettingsError(
            f"precision is {precision}; it lies between 0 and 1.\nTo mend: write 20 percent as 0.2."
        )
    likelihood, theta = fitted.process.likelihood, fitted.report.theta
    parameters = np.exp(theta).tolist()
    rng = np.random.default_rng(seed)
    rows = []
    for length in weeks:
        drawn = fitted.process.simulate(parameters, np.full(n_simulated, 7.0 * length), rng)
        table = compact(drawn).table
        score = likelihood.row_moments(np.tile(theta, (len(table), 1)), table).gradient
        # Why not the Hessian: its noise is that of the largest directions, and hides the smallest.
        information = (score * table.weight[:, None]).T @ score / n_simulated
        variance = _variance(information)
        needed = variance / precision**2
        repeats = drawn.unit_power / n_simulated
        for name, n in zip(likelihood.parameter_names, needed.tolist(), strict=True):
            told = n if n < _MOST else None
            rows.append(
                {
                    "weeks": float(length),
                    "parameter": name,
                    "customers": None if told is None else int(np.ceil(told)),
                    "repeat_purchases": None if told is None else int(np.ceil(told * repeats)),
                    "slowest": bool(n == needed.max()),
                }
            )
    whole = {"customers": pl.Int64, "repeat_purchases": pl.Int64}
    return pl.DataFrame(rows, schema_overrides=whole)


def _variance(information: Float[np.ndarray, "k k"]) -> Float[np.ndarray, " k"]:
    """Of each log parameter, from one customer; infinite where the draws do not tell."""
    sound = bool(np.isfinite(information).all())
    if not sound or np.linalg.eigvalsh(information)[0] <= 0.0:
        return np.full(len(information), np.inf)
    return np.asarray(np.diag(np.linalg.inv(information)))
