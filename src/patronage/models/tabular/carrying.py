"""From the horizon that could be learned to the horizon asked, by what a process model expects."""

from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from patronage.errors import HorizonError
from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.expectations import expectations_of
from patronage.models.folds import Summary, summarise
from patronage.snapshots import Snapshot

__all__ = [
    "Carried",
    "Carrying",
    "carry",
    "carry_ratio",
    "fit_process",
    "period_shares",
    "refuse_other_horizon",
    "silence_exponent",
    "way_to",
]

# How much of the process model's decline is believed on the way to a longer horizon: 1 all of it,
# 0 none, so that more time brings purchases in proportion. Measured: docs/decisions/0013.
_DECLINE_TRUST: Final = 0.5

# P(no purchase) is kept this far from 0 and 1 before its logarithm is divided by another.
_EDGE = 1e-9


@dataclass(frozen=True)
class Carried:
    """What a process model says of each customer about the way from one horizon to a longer.

    Attributes
    ----------
    ratio : expected purchases of the longer over those of the shorter
    exponent : P(no cash within the longer) = P(no cash within the shorter) ** exponent
    shares : part of the longer horizon's purchases that falls into each of its periods
    p_alive : as the process model has it, or None
    told : what the process model expects within the shorter horizon, or None
    """

    ratio: Float[np.ndarray, " customers"]
    exponent: Float[np.ndarray, " customers"]
    shares: Float[np.ndarray, "customers periods"]
    p_alive: Float[np.ndarray, " customers"] | None
    told: Summary | None


@runtime_checkable
class Carrying(Protocol):
    """What the fitted models have in common that a process model carries to a longer horizon."""

    @property
    def horizon(self) -> Horizon: ...
    @property
    def learned(self) -> Horizon: ...
    @property
    def beyond(self) -> float: ...
    @property
    def level(self) -> float: ...
    @property
    def process(self) -> FittedModel | None: ...
    def predict(self, snapshot: Snapshot, horizon: Horizon) -> AbstractForecast: ...


def fit_process(
    process: Model | None, snapshot: Snapshot, *, learned: Horizon, asked: Horizon, seed: int
) -> FittedModel | None:
    """The process model fitted; HorizonError where there is none and the way is not zero.

    None where everybody was observed on one date: then there is no process to see.
    """
    if process is not None and snapshot.events.observation_date is None:
        return process.fit(snapshot, asked, seed=seed)
    if learned.days < asked.days:
        raise HorizonError(
            f"outcomes of {learned} at most can be learned from this history; {asked} are asked.\n"
            "To mend: give the model a process model to carry it further, such as "
            "carry=ParetoNBD(), ask for a shorter horizon, or bring a longer history."
        )
    return None


def refuse_other_horizon(*, fitted: Horizon, asked: Horizon) -> None:
    """HorizonError unless the two are equally long."""
    if abs(fitted.days - asked.days) > 1e-9 * fitted.days:
        raise HorizonError(
            f"this model was fitted for {fitted}; {asked} are asked.\n"
            f"To mend: fit it again with horizon={asked}."
        )


def way_to(horizon: Horizon, fitted: Carrying, known: Snapshot) -> Carried:
    """The way of the customers of `known` from what was learned to `horizon`.

    Raises
    ------
    HorizonError : the model was fitted for another horizon
    """
    refuse_other_horizon(fitted=fitted.horizon, asked=horizon)
    return carry(
        fitted.process,
        known,
        learned=fitted.learned,
        asked=horizon,
        beyond=fitted.beyond,
        level=fitted.level,
    )


def carry(
    process: FittedModel | None,
    snapshot: Snapshot,
    *,
    learned: Horizon,
    asked: Horizon,
    beyond: float = 1.0,
    level: float = 1.0,
) -> Carried:
    """The way from `learned` to `asked`; without a process model they are equal, shares too.

    Parameters
    ----------
    beyond : what purchases after `learned` are multiplied with (see `vote.Voted`)
    level : what all that is expected of `asked` is multiplied with (see `levelling`)
    """
    n = len(snapshot.customers)
    if process is None:
        ones = np.ones(n)
        even = np.full((n, asked.n_periods), 1.0 / asked.n_periods)
        return Carried(ones, ones, even, None, None)
    horizons = [asked] if learned.days == asked.days else [asked, learned]
    longer, *others = expectations_of(process, snapshot, horizons)
    shares = period_shares(longer)
    if not others:
        return Carried(np.ones(n), np.ones(n), shares, longer.p_alive, summarise(longer))
    (shorter,) = others
    longest = asked.days / learned.days
    declining = carry_ratio(shorter, longer)
    # Why: process models see customers leave faster than they do.
    slower = (longest / declining) ** (1.0 - _DECLINE_TRUST)
    exponent = np.minimum(silence_exponent(shorter, longer) * slower, longest)
    even = np.diff(asked.edges()) / asked.days
    weights = even * (shares / even) ** _DECLINE_TRUST
    return Carried(
        level * (1.0 + (declining * slower - 1.0) * beyond),
        level * (1.0 + (exponent - 1.0) * beyond),
        weights / weights.sum(axis=1, keepdims=True),
        longer.p_alive,
        summarise(shorter),
    )


def carry_ratio(
    forecast_short: AbstractForecast, forecast_long: AbstractForecast
) -> Float[np.ndarray, " customers"]:
    """E[N(0, h)] / E[N(0, h′)] of each customer, for h′ ≤ h.

    Bounded to [1, h / h′]: more time brings no fewer purchases, and a customer whose rate can
    only fall (by dropout) brings no more than in proportion. Where a customer's expectation is
    too small to divide by, the ratio of all customers' sums.
    """
    short, long = _purchases(forecast_short).sum(axis=1), _purchases(forecast_long).sum(axis=1)
    longest = forecast_long.horizon.days / forecast_short.horizon.days
    together = long.sum() / short.sum() if short.sum() > 1e-9 else longest
    sound = short > 1e-12
    ratio = np.where(sound, long / np.where(sound, short, 1.0), together)
    return np.asarray(np.clip(ratio, 1.0, max(longest, 1.0)))


def silence_exponent(
    forecast_short: AbstractForecast, forecast_long: AbstractForecast
) -> Float[np.ndarray, " customers"]:
    """log P(no cash in h) / log P(no cash in h′) of each customer: 1 or more, at most h / h′."""
    longest = forecast_long.horizon.days / forecast_short.horizon.days
    short, long = (
        np.log(np.clip(forecast.p_zero(), _EDGE, 1.0 - _EDGE))
        for forecast in (forecast_short, forecast_long)
    )
    return np.asarray(np.clip(long / short, 1.0, max(longest, 1.0)))


def period_shares(forecast: AbstractForecast) -> Float[np.ndarray, "customers periods"]:
    """Each period's part of a customer's expected purchases; equal parts where there are none."""
    expected = _purchases(forecast)
    total = expected.sum(axis=1, keepdims=True)
    even = np.full_like(expected, 1.0 / expected.shape[1])
    return np.where(total > 1e-12, expected / np.where(total > 1e-12, total, 1.0), even)


def _purchases(forecast: AbstractForecast) -> Float[np.ndarray, "customers periods"]:
    if forecast.n_purchases is None:
        raise HorizonError(
            f"{type(forecast).__name__} does not say how many purchases it expects, so it cannot "
            "carry another forecast to a longer horizon.\n"
            "To mend: carry by a process model, such as pareto_nbd."
        )
    return forecast.n_purchases
