"""What a tabular model learns from: customers at earlier origins and what they then did."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np
from jaxtyping import Float, Float32, Int, Shaped

from patronage.errors import NotEnoughDataError
from patronage.horizon import Horizon
from patronage.models.learned import LearnedFeatures
from patronage.models.learners.binned import BinnedTable
from patronage.models.tabular.design import Design, groups_with
from patronage.models.tabular.telling import telling_groups
from patronage.models.training_pairs import RewoundOrigins, rewound_origins, training_pairs
from patronage.snapshots import Snapshot
from patronage.snapshots.attributes import profile_attributes

__all__ = ["Lesson", "LessonSettings", "blocks_of_customers", "prepare_lesson"]

# Fewer rows with cash than this say nothing about who pays how much.
MIN_PAYING: Final = 30
_FEWEST_ORIGINS: Final = 2


@dataclass(frozen=True)
class LessonSettings:
    """Which earlier origins are learned from.

    Attributes
    ----------
    n_origins : origins wanted; the horizon learned is shortened until so many fit, and where
        even the shortest leaves fewer, two must do
    most_origins : origins taken where history is long
    most_rows : above it, a sample of the customers is learned from
    groups : feature groups beyond those that every design has; None: `telling_groups`
    with_attributes : the attributes of the customers table, as known at each origin, are features
    learned : features that are learned, anew at each origin and today
    only : the features read, beside attributes and learned ones; None: all
    younger_than : days since the first purchase at the origin from which on a customer teaches
        nothing; None: everybody teaches
    """

    n_origins: int = 5
    most_origins: int = 8
    most_rows: int = 1_000_000
    groups: tuple[str, ...] | None = None
    with_attributes: bool = True
    learned: tuple[LearnedFeatures, ...] = ()
    only: tuple[str, ...] | None = None
    younger_than: float | None = None


@dataclass(frozen=True)
class Lesson:
    """Rows to learn from: a customer at an origin each.

    Attributes
    ----------
    table : features of the rows, as `design` lays them out
    design : from customers to features
    net : net cash within `horizon` of the origin
    cash : the same, not below 0
    purchases : counted purchase days within it
    fold : block of the row's customer
    kept : net cash over the sum of `cash`: what refunds that outweigh a customer's purchases
        leave of it (1 where there are none)
    horizon : length of the outcomes, at most the horizon asked
    origins : the days that the rows stand at, earliest first
    rows : which of the origins' customers, one origin after the other, they are
    """

    table: BinnedTable
    design: Design
    net: Float[np.ndarray, " rows"]
    cash: Float[np.ndarray, " rows"]
    purchases: Float[np.ndarray, " rows"]
    fold: Int[np.ndarray, " rows"]
    kept: float
    horizon: Horizon
    origins: tuple[date, ...]
    rows: Int[np.ndarray, " rows"]


def prepare_lesson(
    snapshot: Snapshot, horizon: Horizon, *, settings: LessonSettings, n_folds: int, seed: int
) -> Lesson:
    """Rewind the snapshot to its origins and lay out what was known beside what followed.

    A snapshot that remembers gives all models the same lesson.

    Parameters
    ----------
    n_folds : blocks of customers; a customer is in the same block at every origin

    Raises
    ------
    NotEnoughDataError : no horizon leaves enough origins, or too few customers paid after them
    """
    return snapshot.recall(
        ("lesson", horizon, settings, n_folds, seed),
        lambda: _lesson(snapshot, horizon, settings=settings, n_folds=n_folds, seed=seed),
        # Why: in single precision a row takes half of what it does in a snapshot.
        n_rows=lambda lesson: len(lesson.cash) // 2,
    )


def _lesson(
    snapshot: Snapshot, horizon: Horizon, *, settings: LessonSettings, n_folds: int, seed: int
) -> Lesson:
    found = _origins(snapshot, horizon, settings)
    attributes = profile_attributes(snapshot.events) if settings.with_attributes else ()
    groups = telling_groups(snapshot.events) if settings.groups is None else settings.groups
    basic, groups = groups_with(settings.only, groups)
    wanted = (*basic, *groups, *attributes)
    pairs = training_pairs(snapshot, found.origins, found.horizon, wanted)
    customers, net, purchases = pairs.customers, pairs.total, pairs.total_purchases
    rng = np.random.default_rng(seed)
    rows = np.arange(len(net))
    if settings.younger_than is not None:
        rows = np.flatnonzero((customers["T"] < settings.younger_than).to_numpy())
        customers, net, purchases = customers[rows], net[rows], purchases[rows]
    block, shuffled = blocks_of_customers(
        customers["customer_id"].to_numpy(), n_folds=n_folds, rng=rng
    )
    if len(net) > settings.most_rows:
        some = np.flatnonzero(shuffled < settings.most_rows / len(net) * (shuffled.max() + 1))
        customers, net, purchases, block = customers[some], net[some], purchases[some], block[some]
        rows = rows[some]
    cash = np.maximum(net, 0.0)
    paying = int((cash > 0).sum())
    if paying < MIN_PAYING or min(cash[block == k].sum() for k in range(n_folds)) <= 0:
        age = settings.younger_than
        who = "customers" if age is None else f"customers younger than {age:g} days"
        raise NotEnoughDataError(
            f"of {len(cash)} {who} at {len(found.origins)} earlier origins only {paying} paid "
            f"anything within {found.horizon}; at least {MIN_PAYING} are needed to learn from.\n"
            "To mend: bring a longer history, or use a model with few parameters (pareto_nbd, "
            "everyone_average)."
        )
    # A window longer than the first origin's history holds everything there, and less today.
    history = float((snapshot.as_of - found.origins[0]).days)
    oldest = float(np.max(snapshot.customers["T"].to_numpy())) + 1.0 - history
    design = Design.learn(
        customers,
        longest_window=oldest,
        groups=groups,
        attributes=attributes,
        only=settings.only,
    )
    parts = [design.fixed(customers)]
    if settings.learned:
        parts.append(_taught_then(snapshot, found, settings.learned, seed=seed)[rows])
        today = [one.learn(snapshot, found.horizon, seed=seed) for one in settings.learned]
        design = replace(design, taught=tuple(today))
    return Lesson(
        BinnedTable(np.hstack(parts), seed),
        design,
        net,
        cash,
        purchases,
        block,
        float(np.clip(net.sum() / cash.sum(), 0.0, 1.0)),
        found.horizon,
        found.origins,
        rows,
    )


def _taught_then(
    snapshot: Snapshot, found: RewoundOrigins, learned: tuple[LearnedFeatures, ...], *, seed: int
) -> Float32[np.ndarray, "rows columns"]:
    """The learned columns of every origin's customers, as they would have been on that day."""
    tables = []
    for origin in found.origins:
        then = snapshot.rewind(origin)
        taught = [one.learn(then, found.horizon, seed=seed) for one in learned]
        tables.append(np.hstack([one.table(then) for one in taught]))
    return np.concatenate(tables)


def _origins(snapshot: Snapshot, horizon: Horizon, settings: LessonSettings) -> RewoundOrigins:
    try:
        return rewound_origins(
            snapshot, horizon, n_min=settings.n_origins, n_max=settings.most_origins
        )
    except NotEnoughDataError:
        # Why: a young log has fewer origins, and some lesson is better than none.
        return rewound_origins(
            snapshot, horizon, n_min=_FEWEST_ORIGINS, n_max=settings.most_origins
        )


def blocks_of_customers(
    customer_id: Shaped[np.ndarray, " rows"], *, n_folds: int, rng: np.random.Generator
) -> tuple[Int[np.ndarray, " rows"], Int[np.ndarray, " rows"]]:
    """Each row's block, and its customer's place in a random order of the customers."""
    customers, which = np.unique(customer_id, return_inverse=True)
    place = rng.permutation(len(customers))[which]
    return place % n_folds, place
