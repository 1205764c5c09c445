"""What a posterior says of every customer: means and bounds of expectations, streamed.

The bounds of a forecast's mean are first-order (`mean_factors`). Here each draw of the parameters
is followed through the formulas themselves: exact where the first order is not, for customers with
few purchases or a long silence. Few customers are held at a time, never draws × all customers.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.forecast.spend import AbstractSpend
from patronage.horizon import Horizon
from patronage.models.btyd.composition import encoded
from patronage.models.btyd.model import FittedBTYD
from patronage.models.btyd.process import natural
from patronage.models.btyd.spending import FittedSpend
from patronage.models.encoders.base import Encoder
from patronage.models.fitting.compaction import compact
from patronage.snapshots import RFM, Snapshot

__all__ = ["posterior_summary"]

# Customers held at a time, all draws of each.
_CUSTOMERS: Final = 4096


def posterior_summary(
    fitted: FittedBTYD,
    snapshot: Snapshot,
    horizon: Horizon,
    *,
    n_draws: int = 200,
    level: float = 0.8,
    seed: int = 0,
) -> pl.DataFrame:
    """Mean, low and high of p_alive, expected_purchases and cash of each customer.

    The bounds hold `level` of the posterior of an expectation; what one customer will do varies
    more (`forecast.quantile`).

    Parameters
    ----------
    n_draws : equal-weight draws of the posterior; the bounds move by about 1 / sqrt(n_draws) of
        their width

    Raises
    ------
    SettingsError : the model was fitted without a posterior
    """
    if fitted.posterior is None:
        raise SettingsError(
            "this model was fitted without a posterior.\n"
            "To mend: fit with uncertainty='psis', for example ParetoNBD(uncertainty='psis')."
        )
    rfm = fitted.process.summary(fitted.known(snapshot))
    encoder, table = encoded(fitted.process, fitted.covariates, rfm)
    compacted = compact(table)
    draws = fitted.posterior.resampled(n_draws, seed=seed).draws
    spends = _spends(fitted.spend, rfm, n_draws, seed)
    owner = np.arange(len(rfm)) if compacted.inverse is None else compacted.inverse
    # Why sorted: customers with one history then stand together, and it is worked out once.
    order = np.argsort(owner, kind="stable")
    levels = [0.5 - level / 2, 0.5 + level / 2]
    found = np.empty((len(rfm), 3, 3))
    for start in range(0, len(rfm), _CUSTOMERS):
        rows = order[start : start + _CUSTOMERS]
        own, which = np.unique(owner[rows], return_inverse=True)
        purchases = _purchases(fitted, encoder, compacted.table.take(own), draws, horizon)
        told = _with_cash(fitted, spends, purchases[:, which], rfm.take(rows))
        found[rows, :, 0] = told.mean(axis=0)
        found[rows, :, 1:] = np.moveaxis(np.quantile(told, levels, axis=0), 0, 2)
    columns: dict[str, Any] = {"customer_id": rfm.customer_id}
    for place, name in enumerate(("p_alive", "expected_purchases", "cash")):
        for part, suffix in enumerate(("", "_low", "_high")):
            columns[name + suffix] = found[:, place, part]
    return pl.DataFrame(columns)


def _spends(
    fitted: FittedSpend | None, rfm: RFM, n_draws: int, seed: int
) -> list[FittedSpend] | None:
    """The spend model at each draw of its own posterior, or as it was fitted.

    Draws at which some customer's mean spend would be infinite are left out: a fit that ends there
    is refused too.
    """
    if fitted is None:
        return None
    posterior = getattr(fitted, "posterior", None)
    if posterior is None or fitted.report is None:
        return [fitted] * n_draws
    draws = posterior.resampled(n_draws, seed=seed + 1).draws
    at_draws = [replace(fitted, report=fitted.report.at(draw)) for draw in draws]  # type: ignore[type-var]
    finite = [at for at in at_draws if _has_mean(at, rfm)] or [fitted]
    return [finite[place % len(finite)] for place in range(n_draws)]


def _has_mean(fitted: FittedSpend, rfm: RFM) -> bool:
    try:
        return bool(np.isfinite(fitted.spend(rfm).mean()).all())
    except SettingsError:
        return False


def _purchases(
    fitted: FittedBTYD,
    encoder: Encoder[Any],
    table: Any,
    draws: Float[np.ndarray, "draws coefficients"],
    horizon: Horizon,
) -> Float[np.ndarray, "draws rows 2"]:
    """p_alive and expected purchases of some distinct rows at every draw."""
    rows, edges = encoder.observed(table), np.array([0.0, horizon.days])
    found = np.empty((len(draws), len(table), 2))
    for place, draw in enumerate(draws):
        theta = encoder.theta(fitted.process.likelihood, draw, table)
        counts = fitted.process.counts(natural(theta), rows)
        found[place, :, 0], found[place, :, 1] = counts.p_alive, counts.mean(edges)[:, 0]
    return found


def _with_cash(
    fitted: FittedBTYD,
    spends: list[FittedSpend] | None,
    purchases: Float[np.ndarray, "draws some 2"],
    rfm: RFM,
) -> Float[np.ndarray, "draws some 3"]:
    """p_alive, expected purchases and cash of some customers at every draw."""
    cash = purchases[:, :, 1:].copy()
    for place, at in enumerate(spends or ()):
        money: AbstractSpend = at.spend(rfm)
        cash[place, :, 0] *= fitted.cash_ratio * money.mean()
    return np.concatenate([purchases, cash], axis=2)
