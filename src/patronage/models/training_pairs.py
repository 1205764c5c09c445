"""What a snapshot can teach about outcomes: earlier origins, what was known, what came after."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.horizon import Horizon
from patronage.snapshots import Snapshot, observe_outcome

__all__ = [
    "RewoundOrigins",
    "TrainingPairs",
    "days_of_history",
    "rewound_origins",
    "training_pairs",
]

# An origin is worth learning from when it has this many customers, this share of all that are
# known today, and this many days of history before it.
MIN_CUSTOMERS = 50
MIN_SHARE = 0.2
MIN_HISTORY = 28


@dataclass(frozen=True)
class RewoundOrigins:
    """Days to which a snapshot may be rewound so that it also knows the outcome.

    Attributes
    ----------
    horizon : length of the outcomes; the horizon asked, or a shorter one in whole weeks
    origins : earliest first; the last outcome ends by the snapshot's as_of
    exact : the horizon is the one asked
    reason : a sentence for reports
    """

    horizon: Horizon
    origins: tuple[date, ...]
    exact: bool
    reason: str


def rewound_origins(
    snapshot: Snapshot, horizon: Horizon, *, n_min: int = 3, n_max: int | None = None
) -> RewoundOrigins:
    """The longest horizon, up to the one asked, that `n_min` origins can be judged on.

    The latest origin is as_of less the horizon; the others step back by a quarter of it (whole
    weeks where it is long, at least 7 days). The earliest has at least 50 customers, a fifth of
    those known today, and as much history before it as the horizon is long (at least 4 weeks).
    Where everybody was observed on one date, that is the only origin.

    Parameters
    ----------
    n_min : origins without which a horizon is not used
    n_max : origins after which no more are added (default: n_min)

    Raises
    ------
    NotEnoughDataError : not even one week (one day, where less than a week was asked) fits
    """
    observed = snapshot.events.observation_date
    if observed is not None:
        return _one_date(snapshot, observed, horizon)
    n_max = n_min if n_max is None else n_max
    if not 1 <= n_min <= n_max:
        raise SettingsError(f"1 <= n_min <= n_max is needed; {n_min} and {n_max} given.")
    ages = _ages(snapshot)
    history = _history(ages)
    needed = max(MIN_CUSTOMERS, math.ceil(MIN_SHARE * len(ages)))
    # An origin `back` days ago has its customers where the needed-th oldest is older than that.
    youngest = int(ages[needed - 1]) - 1 if needed <= len(ages) else -1
    for candidate in _candidates(horizon):
        days = math.ceil(candidate.days)
        furthest = min(youngest, history - max(days, MIN_HISTORY))
        step = _step(days)
        n_origins = min(n_max, (furthest - days) // step + 1 if furthest >= days else 0)
        if n_origins >= n_min:
            back = [days + step * k for k in reversed(range(n_origins))]
            origins = tuple(snapshot.as_of - timedelta(days=n) for n in back)
            exact = candidate == horizon
            listed = ", ".join(str(origin) for origin in origins)
            reason = (
                f"{horizon} ahead is judged as asked, at {n_origins} origins ({listed})."
                if exact
                else f"{history} days of history before {snapshot.as_of} leave no {n_min} origins "
                f"with {horizon} after each and enough customers and history before it; "
                f"judged instead on {candidate}, the longest that does, at {listed}."
            )
            return RewoundOrigins(candidate, origins, exact, reason)
    raise NotEnoughDataError(
        f"{len(ages)} customers and {history} days of history before {snapshot.as_of} are too "
        f"few to learn from outcomes: {n_min} earlier origins with at least {needed} customers and "
        f"{MIN_HISTORY} days before each were looked for, and not even {candidate} fits after "
        "them.\nTo mend: give a longer history, or use models that learn from histories alone "
        "(pareto_nbd, bg_nbd, mbg_nbd or a baseline)."
    )


def _one_date(snapshot: Snapshot, observed: date, horizon: Horizon) -> RewoundOrigins:
    """Where everybody was observed on one day, that day is the origin, if its outcome is known."""
    if observed + timedelta(days=math.ceil(horizon.days)) > snapshot.as_of:
        raise NotEnoughDataError(
            f"everybody was observed on {observed}, and {horizon} after it are not over by "
            f"{snapshot.as_of}.\nTo mend: learn from a snapshot that knows the outcome, taken "
            f"{horizon} after {observed} or later."
        )
    reason = f"{horizon} ahead is learned from the one date of observation, {observed}."
    return RewoundOrigins(horizon, (observed,), True, reason)


def days_of_history(snapshot: Snapshot) -> int:
    """Days from the first customers' acquisition to as_of."""
    return _history(_ages(snapshot))


def _history(ages: Int[np.ndarray, " customers"]) -> int:
    # Why not the first: one event with a mistyped year would count as decades of history.
    return int(ages[len(ages) // 100])


def _ages(snapshot: Snapshot) -> Int[np.ndarray, " customers"]:
    """Days from as_of back to each customer's acquisition, the longest known first."""
    first = snapshot.customers["first_day"].to_numpy().astype("datetime64[D]")
    return np.sort((np.datetime64(snapshot.as_of) - first).astype(np.int64))[::-1]


def _candidates(horizon: Horizon) -> Iterator[Horizon]:
    """The horizon asked, then whole weeks downwards; whole days where it is under a week."""
    yield horizon
    length, unit = (7, "week") if horizon.days > 7 else (1, "day")
    for n in range(math.ceil(horizon.days / length) - 1, 0, -1):
        yield Horizon(n, unit)


def _step(days: int) -> int:
    """A quarter of the horizon in whole weeks, at least one."""
    return max(7, 7 * round(days / 28))


@dataclass(frozen=True)
class TrainingPairs:
    """Customers at earlier origins: what was known of each, and what each then did.

    Attributes
    ----------
    customers : the snapshots' `customers` tables, one origin after the other, with `origin` first
    cash : net cash of each row in each period of the horizon after its origin
    purchases : counted purchase days, likewise
    weight : 1 / number of origins at which the customer occurs; so each customer counts once
    horizon : the horizon of the outcomes
    """

    customers: pl.DataFrame
    cash: Float[np.ndarray, "rows periods"]
    purchases: Float[np.ndarray, "rows periods"]
    weight: Float[np.ndarray, " rows"]
    horizon: Horizon

    @property
    def total(self) -> Float[np.ndarray, " rows"]:
        """Net cash over the horizon."""
        return np.asarray(self.cash.sum(axis=1))

    @property
    def total_purchases(self) -> Float[np.ndarray, " rows"]:
        """Purchases over the horizon."""
        return np.asarray(self.purchases.sum(axis=1))


def training_pairs(
    snapshot: Snapshot, origins: Sequence[date], horizon: Horizon, features: Sequence[str] = ()
) -> TrainingPairs:
    """Rewind to each origin, and judge its outcome by what the snapshot knows today.

    Parameters
    ----------
    features : feature groups wanted beside those that the snapshot has

    Raises
    ------
    HorizonError : an outcome does not end by the snapshot's as_of
    """
    groups = tuple(dict.fromkeys((*snapshot.features, *features)))
    tables, cash, purchases = [], [], []
    rich = snapshot.with_features(groups)
    for origin in origins:
        known = rich.rewind(origin)
        outcome = observe_outcome(snapshot, known, horizon)
        tables.append(known.customers.select(pl.lit(origin).alias("origin"), pl.all()))
        cash.append(outcome.cash)
        purchases.append(outcome.purchases)
    stacked = pl.concat(tables)
    weight = stacked.select(1.0 / pl.len().over("customer_id").cast(pl.Float64)).to_series()
    return TrainingPairs(
        stacked, np.concatenate(cash), np.concatenate(purchases), weight.to_numpy(), horizon
    )
