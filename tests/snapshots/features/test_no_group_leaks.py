"""No group sees the future, what was learned late, or a day outside its window."""

import random
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.events import EventLog
from patronage.events.schema import KINDS
from patronage.snapshots import FEATURES, take_snapshot
from snapshots.features.worlds import COLUMNS, DAYS, START, World

AS_OF_DAY = 600
AS_OF = (START + timedelta(days=AS_OF_DAY)).date()
WINDOWED = {
    (group, feature): int(found[1])
    for group, lines in FEATURES.items()
    for feature in lines
    if (found := re.search(r"_(\d+)$", feature))
    and FEATURES[group].grain in ("days", "spans")
    and not re.search("_pace_|_change_", feature)
}
LAGGED = [
    (feature, int(found[1]))
    for feature in FEATURES["lags"]
    if (found := re.search(r"_(\d+)_before$", feature))
]


def event(chance: random.Random, day: int, *, late: int = 0, kind: str = "") -> dict[str, Any]:
    kind = kind or chance.choice(("purchase", *KINDS))
    time = START + timedelta(days=day, seconds=chance.randrange(86_400))
    cents = chance.randint(1, 99_999)
    return {
        "customer_id": chance.randint(1, 4),
        "event_time": time,
        "known_time": time + timedelta(days=late),
        "kind": kind,
        "amount": (-cents if kind == "refund" else cents) / 100,
        "order_id": chance.choice((None, "o1", "o2", "o3")),
        "product_id": chance.choice(("p1", "p2", "p3")),
        "quantity": float(chance.randint(1, 5)),
        "channel": chance.choice(("web", "shop", "app")),
        "campaign": chance.choice(("spring", "autumn")),
        "payment_method": chance.choice(("card", "cash")),
        "text": chance.choice(("great service", "too late too dear")),
        "score": float(chance.randint(0, 10)),
        "discount": float(chance.randint(0, 9)),
        "propensity": chance.random(),
        "policy": chance.choice(("v1", "v2")),
        "device": chance.choice(("phone", "desktop")),
    }


@pytest.fixture(scope="module")
def past() -> list[dict[str, Any]]:
    chance = random.Random(1)
    return [event(chance, chance.randrange(AS_OF_DAY)) for _ in range(160)]


def later_events(seed: int) -> list[dict[str, Any]]:
    """After as_of, some exactly at it; and what happened before and was learned from it on."""
    chance = random.Random(seed)
    future = [event(chance, chance.randrange(AS_OF_DAY, DAYS)) for _ in range(40)]
    future.append(event(chance, AS_OF_DAY) | {"event_time": START + timedelta(days=AS_OF_DAY)})
    future[-1]["known_time"] = future[-1]["event_time"]
    late = [event(chance, AS_OF_DAY - n, late=n + chance.randrange(50)) for n in range(1, 40)]
    for one in late:
        midnight = START + timedelta(days=AS_OF_DAY)
        one["known_time"] = max(one["known_time"], midnight)
    return future + late


def columns_of(
    events: Sequence[Mapping[str, Any]], groups: Sequence[str], as_of: date = AS_OF
) -> pl.DataFrame:
    log = World(events, clock=True).log()
    return take_snapshot(log, as_of=as_of, features=groups).customers


@pytest.fixture(scope="module")
def snapshots(past: list[dict[str, Any]]) -> list[pl.DataFrame]:
    """The same past with no future, with one, and with another."""
    groups = tuple(FEATURES)
    return [
        columns_of(past, groups),
        *(columns_of([*later_events(seed), *past], groups) for seed in (2, 3)),
    ]


@pytest.mark.parametrize("group", FEATURES)
def test_neither_the_future_nor_late_news_changes_a_group(
    group: str, snapshots: list[pl.DataFrame]
) -> None:
    alone, *others = (frame.select("customer_id", *FEATURES[group]) for frame in snapshots)

    for other in others:
        assert_frame_equal(alone, other, rel_tol=1e-12)


@pytest.mark.parametrize("group", FEATURES)
def test_a_group_tells_customers_apart(group: str, snapshots: list[pl.DataFrame]) -> None:
    columns = snapshots[0].select(*FEATURES[group])

    assert any(columns[name].drop_nulls().len() for name in columns.columns)
    if FEATURES[group].grain != "market":
        assert any(columns[name].n_unique() > 1 for name in columns.columns)


def test_later_rows_of_the_side_tables_change_nothing(past: list[dict[str, Any]]) -> None:
    world = World(past, clock=True)
    as_of = START + timedelta(days=150)
    tables = world.tables()
    known = {name: table.filter(pl.col("known_time") < as_of) for name, table in tables.items()}
    assert any(len(known[name]) < len(table) for name, table in tables.items())
    groups = ("categories", "roles", "links", "season", "promotions", "market")

    whole, cut = (
        take_snapshot(
            EventLog.from_frame(world.frame(), currency="USD", **side),
            as_of=as_of.date(),
            features=groups,
        ).customers
        for side in (tables, known)
    )

    assert_frame_equal(whole, cut)


@pytest.fixture(scope="module")
def edges() -> dict[int, dict[str, float | None]]:
    """Days before as_of of the one day with an event of every kind → the customer's features."""
    chance = random.Random(4)
    days = sorted({m + k for n in WINDOWED.values() for m in (n, 2 * n) for k in (0, 1)})
    events = [
        event(chance, 1_600 - n, kind=kind) | {"customer_id": n} for n in days for kind in KINDS
    ]
    as_of = (START + timedelta(days=1_600)).date()
    groups = ("lags", *dict.fromkeys(group for group, _ in WINDOWED))
    return {row["customer_id"]: row for row in columns_of(events, groups, as_of).to_dicts()}


@pytest.mark.parametrize(("group", "feature"), WINDOWED, ids=lambda name: name)
def test_a_window_holds_its_first_day_and_not_the_day_before(
    group: str, feature: str, edges: dict[int, dict[str, float | None]]
) -> None:
    days = WINDOWED[group, feature]

    assert edges[days][feature] not in (0, None)
    assert edges[days + 1][feature] == 0


@pytest.mark.parametrize(("feature", "days"), LAGGED)
def test_a_lag_is_the_window_before_the_window(
    feature: str, days: int, edges: dict[int, dict[str, float | None]]
) -> None:
    at = {n: edges[n][feature] for n in (days, days + 1, 2 * days, 2 * days + 1)}

    assert at[days] == at[2 * days + 1] == 0
    assert at[days + 1] not in (0, None)
    assert at[2 * days] not in (0, None)


def test_every_feature_has_a_name_of_its_own_and_columns_that_are_there() -> None:
    names = [feature for lines in FEATURES.values() for feature in lines]

    assert len(names) == len(set(names))
    assert not {*names} & {*COLUMNS, "frequency", "recency", "T", "spend", "cash", "first_day"}
