"""Draws from the buy-till-you-die processes themselves, for tests that recover their parameters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from patronage.errors import SettingsError
from patronage.horizon import Horizon

__all__ = ["BTYD_PARAMETERS", "BtydModel", "BtydSimulation", "simulate_btyd"]

BtydModel = Literal["pareto_nbd", "bg_nbd", "mbg_nbd"]

# Defaults near the estimates on CDNOW; alpha and beta of Pareto/NBD are in days.
BTYD_PARAMETERS: Final[Mapping[str, Mapping[str, float]]] = {
    "pareto_nbd": {"r": 0.55, "alpha": 74.0, "s": 0.61, "beta": 82.0},
    "bg_nbd": {"r": 0.24, "alpha": 31.0, "a": 0.79, "b": 2.43},
    "mbg_nbd": {"r": 0.52, "alpha": 43.0, "a": 0.89, "b": 1.61},
}
_SPEND: Final = (6.25, 3.74, 15.44)


@dataclass(frozen=True)
class BtydSimulation:
    """Purchases drawn from one model, and the latent truth.

    Attributes
    ----------
    model, parameters : the process; alpha and beta in days
    spend : p, q, gamma of Gamma-Gamma; None: every purchase is worth 1
    as_of : first day that is not observed
    events : customer_id, event_time, kind, amount, sorted by customer and time
    rfm : customer_id, frequency, recency, T (days), monetary_value: exact sufficient statistics
    latent : customer_id, acquired (days), rate, p_dropout or death_rate, hazard (of leaving, per
        day), alive (at as_of), mean_spend
    """

    model: BtydModel
    parameters: Mapping[str, float]
    spend: tuple[float, float, float] | None
    as_of: date
    events: pl.DataFrame
    rfm: pl.DataFrame
    latent: pl.DataFrame

    def expected_purchases(self, horizon: Horizon) -> Float[np.ndarray, "customers periods"]:
        """Purchases expected in each period from as_of on, given the latent traits: exact.

        A living customer buys at `rate` and leaves at `hazard`, the death rate or, where dropout
        follows a purchase, rate × p_dropout: rate ∫ exp(−hazard·t) dt over the period.
        """
        rate, hazard, alive = (
            self.latent[name].to_numpy()[:, None] for name in ("rate", "hazard", "alive")
        )
        edges = horizon.edges()
        start, width = edges[:-1], np.diff(edges)
        # Why the floor: a hazard of 0 is a customer who stays, and 0/0 is no number.
        h = np.maximum(hazard, 1e-300)
        return np.asarray(alive * rate * np.exp(-h * start) * -np.expm1(-h * width) / h)


def simulate_btyd(
    model: BtydModel,
    n_customers: int,
    *,
    parameters: Mapping[str, float] | None = None,
    spend: tuple[float, float, float] | None = _SPEND,
    days: int = 546,
    acquisition_days: int = 84,
    whole_days: bool = False,
    start: date = date(2024, 1, 1),
    seed: int = 0,
) -> BtydSimulation:
    """Draw purchase histories exactly from Pareto/NBD, BG/NBD or MBG/NBD, with Gamma-Gamma spend.

    Parameters
    ----------
    model : which process
    n_customers : how many, acquired uniformly over the first `acquisition_days`
    parameters : of the process, alpha and beta in days; else BTYD_PARAMETERS
    spend : p, q, gamma of Gamma-Gamma; None: every purchase is worth 1
    days : length of the observation; as_of is `start` + `days`
    whole_days : record days only, as many shops do: purchases of one day are one purchase, and T
        runs to the last observed day. That is no longer the process itself: at the defaults
        50,000 customers show alpha some 5 % too long. Else times are exact, and so is `rfm`

    >>> drawn = simulate_btyd("bg_nbd", 100, seed=1)
    >>> drawn.rfm.columns
    ['customer_id', 'frequency', 'recency', 'T', 'monetary_value']
    """
    given = dict(BTYD_PARAMETERS[model] if parameters is None else parameters)
    _check(model, given, n_customers, days, acquisition_days)
    rng = np.random.default_rng(seed)
    n = n_customers
    acquired = rng.uniform(0.0, acquisition_days, n)
    rate = rng.gamma(given["r"], 1 / given["alpha"], n)
    if model == "pareto_nbd":
        trait = rng.gamma(given["s"], 1 / given["beta"], n)
        # Why the floor: a Gamma of small shape underflows to 0, and a lifetime is finite.
        trait = np.maximum(trait, 1e-300)
        left = acquired + rng.exponential(size=n) / trait
        who, when = _poisson(rate, acquired, np.minimum(left, days), rng)
        alive, hazard, name = left >= days, trait, "death_rate"
    else:
        trait = rng.beta(given["a"], given["b"], n)
        who, when = _poisson(rate, acquired, np.full(n, float(days)), rng)
        keep, alive = _dropout(trait, who, rng, at_once=model == "mbg_nbd")
        who, when = who[keep], when[keep]
        hazard, name = rate * trait, "p_dropout"
    mean_spend, events = _purchases(acquired, who, when, spend, rng)
    events = _whole_days(events) if whole_days else events
    return BtydSimulation(
        model,
        given,
        spend,
        start + timedelta(days=days),
        _log(events, start, whole_days=whole_days),
        _rfm(events, float(days - 1 if whole_days else days)),
        pl.DataFrame(
            {
                "customer_id": np.arange(1, n + 1),
                "acquired": acquired,
                "rate": rate,
                name: trait,
                "hazard": hazard,
                "alive": alive,
                "mean_spend": mean_spend,
            }
        ),
    )


def _poisson(
    rate: Float[np.ndarray, " customers"],
    start: Float[np.ndarray, " customers"],
    stop: Float[np.ndarray, " customers"],
    rng: np.random.Generator,
) -> tuple[Int[np.ndarray, " purchases"], Float[np.ndarray, " purchases"]]:
    """Repeat purchases between start and stop: the customer's row and the time, sorted by both."""
    who = np.repeat(np.arange(len(rate)), rng.poisson(rate * (stop - start)))
    when = start[who] + rng.uniform(size=len(who)) * (stop - start)[who]
    return who, when[np.lexsort((when, who))]


def _dropout(
    p_dropout: Float[np.ndarray, " customers"],
    who: Int[np.ndarray, " purchases"],
    rng: np.random.Generator,
    *,
    at_once: bool,
) -> tuple[Bool[np.ndarray, " purchases"], Bool[np.ndarray, " customers"]]:
    """Which purchases happen before dropout, and who has not dropped out.

    The number of repeat purchases until dropout is geometric: from 1 on in BG/NBD, from 0 on in
    MBG/NBD, where the first purchase may be the last (`at_once`).
    """
    # Why in logs: a geometric draw of a tiny p overflows the integers of NumPy's own.
    p = np.clip(p_dropout, 1e-300, 1 - 1e-16)
    trials = np.ceil(np.log1p(-rng.uniform(size=len(p))) / np.log1p(-p))
    last = np.maximum(trials, 1.0) - at_once
    n = np.bincount(who, minlength=len(p_dropout))
    rank = 1 + np.arange(len(who)) - np.repeat(np.cumsum(n) - n, n)
    return rank <= last[who], n < last


def _purchases(
    acquired: Float[np.ndarray, " customers"],
    who: Int[np.ndarray, " purchases"],
    when: Float[np.ndarray, " purchases"],
    spend: tuple[float, float, float] | None,
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, " customers"], pl.DataFrame]:
    """Mean spend per customer; every purchase, the first one too, with its amount."""
    customer = np.concatenate([np.arange(len(acquired)), who])
    time = np.concatenate([acquired, when])
    order = np.lexsort((time, customer))
    mean_spend = np.ones(len(acquired))
    amount = np.ones(len(customer))
    if spend is not None:
        p, q, gamma = spend
        mean_spend = p / rng.gamma(q, 1 / gamma, len(acquired))
        amount = rng.gamma(p, mean_spend[customer[order]] / p)
    rows = {"customer_id": customer[order] + 1, "day": time[order], "amount": amount}
    return mean_spend, pl.DataFrame(rows)


def _whole_days(events: pl.DataFrame) -> pl.DataFrame:
    days = events.with_columns(pl.col("day").floor())
    return days.group_by("customer_id", "day", maintain_order=True).agg(pl.col("amount").sum())


def _log(events: pl.DataFrame, start: date, *, whole_days: bool) -> pl.DataFrame:
    first = pl.lit(start).cast(pl.Datetime("us"))
    span = (pl.col("day") * 86_400_000_000).floor().cast(pl.Int64).cast(pl.Duration("us"))
    return events.select(
        "customer_id",
        (first + span).cast(pl.Date if whole_days else pl.Datetime("us")).alias("event_time"),
        pl.lit("purchase").alias("kind"),
        # Money has four decimals, and a purchase is worth something.
        pl.col("amount").round(4).clip(lower_bound=1e-4),
    )


def _rfm(events: pl.DataFrame, end: float) -> pl.DataFrame:
    first = pl.col("day").min()
    return events.group_by("customer_id", maintain_order=True).agg(
        (pl.len() - 1).cast(pl.Float64).alias("frequency"),
        (pl.col("day").max() - first).alias("recency"),
        (end - first).alias("T"),
        pl.col("amount").slice(1).mean().alias("monetary_value"),
    )


def _check(
    model: BtydModel, given: Mapping[str, float], n: int, days: int, acquisition_days: int
) -> None:
    names = set(BTYD_PARAMETERS[model])
    if set(given) != names or not all(value > 0 for value in given.values()):
        raise SettingsError(
            f"{model} takes the positive parameters {sorted(names)}; {dict(given)} given.\n"
            "To mend: give each of them, with alpha and beta in days."
        )
    if n < 1 or not 0 < acquisition_days < days:
        raise SettingsError(
            f"{n} customers acquired over {acquisition_days} of {days} days.\n"
            "To mend: at least one customer, and 0 < acquisition_days < days."
        )
