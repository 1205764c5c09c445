"""How a model ages: the loss of models trained at i on outcomes from j ≥ i, and when to retrain."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.evaluate.bootstrap import interval
from patronage.evaluate.examined import Decision, Examined
from patronage.evaluate.validation.catalog import VALIDATION_METRICS
from patronage.evaluate.validation.measured import Measured, measured

__all__ = ["ALPHA", "Ageing", "ageing"]

ALPHA: Final = 0.01
"""What a retraining is worth where no price is given: an error 1 % larger over one step."""

Cells = Mapping[tuple[date, date], Mapping[str, Measured]]
_SHOWN: Final = ("deviance", "mae", "aggregate_bias", "normalized_gini", "profit")


@dataclass(frozen=True)
class Ageing:
    """The matrix of trained × judged, and the interval it recommends.

    Attributes
    ----------
    matrix : trained, origin, age_days, metric, value, low, high, n
    by_age : age_days, loss, low, high, n_pairs: excess over a fresh model on the same outcomes
    schedules : steps, days, retrainings, retraining_cost, loss, total
    days : the recommended interval; None where there was one origin
    bounded : the recommendation is the longest that was tried, so longer might do
    in_money : loss is profit lost in money, else the excess of deviance as a share of a fresh
        model's
    alpha : the price of a retraining, in the unit of loss
    """

    matrix: pl.DataFrame
    by_age: pl.DataFrame
    schedules: pl.DataFrame
    days: int | None
    bounded: bool
    in_money: bool
    alpha: float

    @property
    def sentence(self) -> str:
        """The recommendation and what α means."""
        if self.days is None:
            return "One origin was judged; it cannot tell how a model ages."
        told = (
            "profit lost against a fresh model at the pre-set threshold and cost"
            if self.in_money
            else "deviance in excess of a fresh model's, as a share of it"
        )
        if (self.by_age["high"][1:] <= 0).all():
            return (
                "Models trained earlier did better than fresh ones on the same outcomes, at every "
                "age and beyond chance: what came was unlike what had just been seen, and "
                "retraining does not mend that. Any interval up to the longest tried, "
                f"{self.days} days, will do."
            )
        price = f"{self.alpha:,.2f}" if self.in_money else f"{self.alpha:g}"
        longest = " That is the longest tried: a longer one may do as well." if self.bounded else ""
        return (
            f"Retrain every {self.days} days: the least of α × retrainings + loss over the "
            f"{len(self.schedules)} steps judged, where loss is {told} and one retraining costs "
            f"α = {price} of the same.{longest}"
        )


def ageing(
    table: pl.DataFrame,
    weights: Float[np.ndarray, "customers draws_1"],
    decision: Decision,
    *,
    retraining_cost: float | None = None,
) -> Ageing:
    """Judge every pair of training day and later origin in the table of one model.

    Parameters
    ----------
    retraining_cost : in money; None: ALPHA, without a unit
    """
    cells = _cells(table, weights, decision)
    days = sorted({judged for _, judged in cells})
    rows = [
        {
            "trained": trained,
            "origin": judged,
            "age_days": (judged - trained).days,
            "metric": metric,
            **found[metric].row(),
        }
        for (trained, judged), found in cells.items()
        for metric in _SHOWN
    ]
    in_money = retraining_cost is not None
    alpha = ALPHA if retraining_cost is None else retraining_cost
    by_age = _by_age(cells, days, in_money=in_money)
    schedules = _schedules(by_age["loss"].to_list(), days, alpha)
    best = None
    if len(days) > 1:
        best = schedules.row(int(schedules["total"].arg_min() or 0), named=True)
    return Ageing(
        pl.DataFrame(rows),
        by_age,
        schedules,
        None if best is None else int(best["days"]),
        best is not None and best["steps"] == len(days),
        in_money,
        alpha,
    )


def _cells(
    table: pl.DataFrame, weights: Float[np.ndarray, "customers draws_1"], decision: Decision
) -> Cells:
    metrics = [VALIDATION_METRICS[name] for name in _SHOWN]
    return {
        (trained, origin): measured(Examined.of(part, decision), weights, metrics)
        for (trained, origin), part in table.group_by("trained", "origin", maintain_order=True)
    }


def _by_age(cells: Cells, days: list[date], *, in_money: bool) -> pl.DataFrame:
    """Mean excess loss by number of steps since training, paired on the same outcomes."""
    rows = []
    for age in range(len(days)):
        pairs = [
            (cells[days[k - age], days[k]], cells[days[k], days[k]])
            for k in range(age, len(days))
            if (days[k - age], days[k]) in cells
        ]
        losses = [_excess(old, fresh, in_money=in_money) for old, fresh in pairs]
        draws = np.mean([draw for _, draw in losses], axis=0)
        low, high = interval(draws)
        gaps = [(days[k] - days[k - age]).days for k in range(age, len(days))]
        rows.append(
            {
                "age_days": float(np.mean(gaps)),
                "loss": float(np.mean([value for value, _ in losses])),
                "low": low,
                "high": high,
                "n_pairs": len(pairs),
            }
        )
    return pl.DataFrame(rows)


def _excess(
    old: Mapping[str, Measured], fresh: Mapping[str, Measured], *, in_money: bool
) -> tuple[float, Float[np.ndarray, " draws"]]:
    if in_money:
        a, b = fresh["profit"], old["profit"]
        return (a.value - b.value) * a.n, (a.draws - b.draws) * a.n
    share = old["deviance"].over(fresh["deviance"])
    return share.value - 1.0, share.draws - 1.0


def _schedules(excess: list[float], days: list[date], alpha: float) -> pl.DataFrame:
    """What each interval would have cost over the steps judged."""
    n = len(days)
    step = (days[-1] - days[0]).days / max(n - 1, 1)
    rows = []
    for steps in range(1, n + 1):
        retrainings = math.ceil(n / steps)
        loss = sum(excess[k % steps] for k in range(n))
        rows.append(
            {
                "steps": steps,
                "days": round(step * steps),
                "retrainings": retrainings,
                "retraining_cost": alpha * retrainings,
                "loss": loss,
                "total": alpha * retrainings + loss,
            }
        )
    return pl.DataFrame(rows)
