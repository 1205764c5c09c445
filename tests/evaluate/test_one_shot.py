"""One split 70/15/15: in time, purged, and never at random unasked."""

from datetime import date, timedelta

import polars as pl
import pytest

from patronage.datasets import SimulationSettings, simulate
from patronage.errors import NotEnoughDataError, SettingsError
from patronage.evaluate import one_shot
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.base_tables import BaseTable, base_table, base_table_by_age

MONTH = Horizon(4, "week")
DATES = tuple(date(2025, 1, 1) + timedelta(days=28 * k) for k in range(7))


@pytest.fixture(scope="module")
def shop() -> EventLog:
    settings = SimulationSettings(n_customers=500, start=date(2024, 6, 1), end=date(2025, 7, 1))
    return simulate(settings, seed=5).log()


@pytest.fixture(scope="module")
def table(shop: EventLog) -> BaseTable:
    return base_table(shop, as_of=DATES, horizon=MONTH, groups=())


def test_in_time_no_label_reaches_into_the_next_part(table: BaseTable) -> None:
    found = one_shot(table)

    rows = table.frame.with_columns(found.part)
    assert found.starts is not None
    for part, begins in zip(("train", "validation"), found.starts, strict=True):
        assert rows.filter(pl.col("part") == part)["label_end"].max() <= begins
    assert rows.filter(pl.col("part") == "validation")["as_of"].min() == found.starts[0]
    assert rows.filter(pl.col("part") == "test")["as_of"].min() == found.starts[1]
    assert set(rows.filter(~pl.col("observed"))["part"]) == {"unobserved"}
    # Nothing is lost: every row is in a part or says why not.
    assert sum(found.counts().values()) == len(table.frame)
    assert found.counts()["train"] > found.counts()["validation"]


def test_rows_whose_windows_reach_too_far_are_purged(shop: EventLog) -> None:
    close = base_table(shop, as_of=DATES, horizon=Horizon(6, "week"), groups=())

    found = one_shot(close)

    rows = close.frame.with_columns(found.part)
    assert found.counts()["purged"] > 0
    assert found.starts is not None
    before = rows.filter(pl.col("part") == "purged", pl.col("as_of") < found.starts[0])
    assert (before["label_end"] > found.starts[0]).all()


def test_by_time_and_customers_nobody_is_in_two_parts(table: BaseTable) -> None:
    found = one_shot(table, split="time+customers")

    rows = table.frame.with_columns(found.part)
    parts = rows.filter(pl.col("part").is_in(["train", "validation", "test"]))
    assert parts.group_by("customer_id").agg(pl.col("part").n_unique())["part"].max() == 1
    assert found.counts()["another part"] > 0
    assert found.starts == one_shot(table).starts


def test_a_random_split_is_made_by_its_name_alone_and_says_what_it_is(shop: EventLog) -> None:
    one_date = base_table(shop, as_of=DATES[:1], horizon=MONTH, groups=())
    with pytest.raises(NotEnoughDataError, match="ask for split='random' by its name"):
        one_shot(one_date)

    found = one_shot(one_date, split="random", seed=1)

    assert "RANDOM SPLIT" in found.label
    counts = found.counts()
    shares = [counts[part] / len(one_date.frame) for part in ("train", "validation", "test")]
    assert shares == pytest.approx([0.70, 0.15, 0.15], abs=0.01)
    labelled = one_date.with_part(found.part, found.split)
    assert set(labelled.frame["split"]) == {"random"}
    assert labelled.dictionary["column"].to_list() == labelled.frame.columns


def test_by_customers_is_for_sets_with_one_date(table: BaseTable) -> None:
    with pytest.raises(SettingsError, match="one observation date"):
        one_shot(table, split="customers")
    with pytest.raises(SettingsError, match="no split 'rows'"):
        one_shot(table, split="rows")

    ids = list(range(200))
    rows = [{"customer_id": k, "event_time": date(2024, 5, 1), "amount": 1.0} for k in ids]
    paid = [{"customer_id": k, "event_time": date(2024, 6, 9), "amount": 2.0} for k in ids]
    log = EventLog.from_frame(pl.DataFrame(rows + paid), observation_date=date(2024, 6, 1))
    mailing = base_table(log, horizon=MONTH, groups=())

    found = one_shot(mailing, split="customers")

    assert mailing.frame["as_of"].unique().to_list() == [date(2024, 6, 1)]
    assert set(found.part) == {"train", "validation", "test"}
    with pytest.raises(SettingsError, match="there is no other as-of date"):
        base_table(log, as_of=[date(2024, 5, 20)], horizon=MONTH)
    with pytest.raises(SettingsError, match="no other day of any life is known"):
        base_table_by_age(log)


def test_a_part_that_the_purge_would_empty_is_refused(shop: EventLog) -> None:
    crowded = base_table(shop, as_of=DATES[:4], horizon=Horizon(12, "week"), groups=())

    with pytest.raises(NotEnoughDataError, match="at least the horizon apart"):
        one_shot(crowded)
