"""The law: what the live side says at midnight is what batch says then, for whatever arrived."""

import json
import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from live.running import RUN, a_run
from patronage.datasets import SimulationSettings, simulate
from patronage.events import EventLog, read_events
from patronage.live.arrivals import Arrival, read_arrival
from patronage.live.checking import check_stores
from patronage.live.history import bring_history
from patronage.live.live_model import load_live_model
from patronage.live.online_store import InProcessStore
from patronage.live.scorer import Scorer
from patronage.live.spelling import Spelling
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite
from patronage.live.workspace import Workspace
from patronage.models.ensembles.newcomer_blend import FittedNewcomerBlend
from patronage.registry import load_artifact
from patronage.scoring import score, scoring_of
from patronage.snapshots import Snapshot, take_snapshot
from patronage.value import Economics

START, LATER = date(2025, 1, 1), date(2026, 1, 1)
NUMBERS = ("clv", "clv_p10", "clv_p90", "clv_mean_low", "p_alive", "expected_purchases")


@pytest.fixture(scope="module")
def shop() -> Any:
    """Every kind of event, links, profiles and a calendar."""
    return simulate(SimulationSettings(n_customers=250, start=START, end=LATER), seed=7)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["bg_nbd", "of_the_first_purchase", "tweedie_lightgbm", "newcomer_blend"]
)
def test_live_scores_are_those_of_batch(name: str, shop: Any, tmp_path: Path):
    log = EventLog.from_frame(
        shop.events,
        currency="EUR",
        **{table: getattr(shop.tables, table) for table in ("customers", "links", "calendar")},
    )
    workspace = a_run(log, name, tmp_path)
    store = SqlEventStore(SQLite(tmp_path / "live.db"), Spelling(False, workspace.has_clock))
    bring_history(store, workspace)
    clock = [datetime(2025, 12, 31, 23, 0)]
    model = load_live_model(workspace, store=store)
    scorer = Scorer(store, InProcessStore(), model, now=lambda: clock[0])
    later = what_comes_later(log.engine.frame(log.sql()), store.spelling, clock[0])
    random.Random(3).shuffle(later)

    for start in range(0, len(later), 50):
        # Some parts come twice, as after a lost answer.
        for _ in range(1 + (start % 200 == 0)):
            store.take_in(later[start : start + 50], now=clock[0])
    store.mark("import", now=clock[0])
    while scorer.pass_once():
        pass

    snapshot = batch_snapshot(store, log, workspace, tmp_path)
    batch = score(snapshot, scoring_of(model.artifact, Economics()))
    if name == "of_the_first_purchase":
        read = {"first_purchase.payment_method", "first_purchase.quantity"}
        assert set(model.of_first_purchase) == read
        for column in read:
            assert snapshot.customers[column].n_unique() > 2
    if name == "newcomer_blend":
        newly_arrived_are_answered_by_both(model.artifact.fitted, snapshot)
    assert_scores_are(scorer, batch)


def assert_scores_are(scorer: Scorer, batch: pl.DataFrame) -> None:
    """Those of the online store, to the last bits."""
    live = {
        who: held.score
        for who, held in zip(
            batch["customer_id"], scorer.online.get(batch["customer_id"].to_list()), strict=True
        )
        if held is not None
    }
    assert sorted(live) == sorted(batch["customer_id"])
    for row in batch.iter_rows(named=True):
        for number in NUMBERS:
            told = getattr(live[row["customer_id"]], number)
            if told is None or row[number] is None:
                assert told is row[number], (row, number)
            else:
                assert told == pytest.approx(row[number], rel=1e-9, abs=1e-9), (row, number)


RATES = pl.DataFrame(
    {
        "kind": ["visit", "visit", "click", "click", "app_use"],
        "product_id": [None, None, None, "P01", None],
        "start": [None, date(2025, 12, 1), None, date(2025, 11, 1), LATER],
        "end": [None, None, date(2025, 12, 15), None, None],
        "value": [0.05, 0.07, 1.25, 2.5, 9.0],
    }
)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bg_nbd", "of_the_first_purchase"])
def test_events_that_a_rate_table_values_end_where_batch_ends(name: str, shop: Any, tmp_path: Path):
    raw = as_impressions(shop.events)
    log = EventLog.from_frame(raw, currency="EUR", rates=RATES)
    workspace = Workspace.open(a_run(log, name, tmp_path).folder)
    store = SqlEventStore(SQLite(tmp_path / "live.db"), workspace.spelling)
    bring_history(store, workspace)
    clock = [datetime(2025, 12, 31, 23, 0)]
    model = load_live_model(workspace, store=store)
    scorer = Scorer(store, InProcessStore(), model, now=lambda: clock[0])
    later = what_comes_later(raw, store.spelling, clock[0])
    random.Random(3).shuffle(later)

    for start in range(0, len(later), 50):
        store.take_in(later[start : start + 50], now=clock[0])
    everything = store.take_in(off_the_wire(raw, store.spelling, clock[0]), now=clock[0])
    store.mark("import", now=clock[0])
    while scorer.pass_once():
        pass

    features = load_artifact(workspace.folder / workspace.model).fitted.features
    batch = score(
        take_snapshot(log, as_of=LATER, features=features), scoring_of(model.artifact, Economics())
    )
    assert model.workspace.rated_kinds == ("app_use", "click", "visit")
    # Who sends again what the run had read sends nothing new.
    assert len(everything.duplicates) == len(raw)
    assert_scores_are(scorer, batch)
    assert check_stores(store, model, scorer.online).is_well
    # Read back with its amounts, the table has nothing more to give.
    store.export(tmp_path / "export.parquet")
    again = read_events(str(tmp_path / "export.parquet"), currency="EUR", rates=RATES)
    snapshot = take_snapshot(again, as_of=LATER, features=features)
    assert_scores_are(scorer, score(snapshot, scoring_of(model.artifact, Economics())))


def as_impressions(events: pl.DataFrame) -> pl.DataFrame:
    """Visits and clicks without amounts, but for some that have their own; clicks on products."""
    number = pl.int_range(pl.len())
    own = pl.when(number % 7 == 0).then(pl.col("amount") + number % 3)
    click = pl.col("kind") == "click"
    product = pl.when(number % 2 == 0).then(pl.lit("P01")).otherwise(pl.lit("P02"))
    return events.with_columns(
        amount=pl.when(pl.col("kind").is_in(["visit", "click", "app_use"]))
        .then(own)
        .otherwise(pl.col("amount")),
        product_id=pl.when(click).then(product).otherwise(pl.col("product_id")),
    )


def newly_arrived_are_answered_by_both(fitted: Any, snapshot: Snapshot) -> None:
    """Some customers came after the run, with one purchase so far, and the newcomer's has a say."""
    assert isinstance(fitted, FittedNewcomerBlend)
    assert fitted.newcomer is not None
    arrived = (pl.col("first_day") >= RUN) & pl.col("is_buyer")
    once = snapshot.customers.filter(arrived & (pl.col("frequency") == 0))
    assert len(once) > 10
    assert (fitted.weight.at(once["T"].to_numpy()) > 0.1).all()


def what_comes_later(events: pl.DataFrame, spelling: Spelling, now: datetime) -> list[Arrival]:
    """The events that the run did not know, as JSON off the wire."""
    bound = pl.lit(RUN).cast(pl.Datetime("us"))
    later = (pl.col("event_time") >= bound) | (pl.col("known_time") >= bound)
    return off_the_wire(events.filter(later), spelling, now)


def off_the_wire(events: pl.DataFrame, spelling: Spelling, now: datetime) -> list[Arrival]:
    bodies = [
        json.dumps({k: v for k, v in row.items() if v is not None}, default=str).encode()
        for row in events.iter_rows(named=True)
    ]
    arrivals = [read_arrival(body, spelling, now=now + timedelta(days=1)) for body in bodies]
    assert all(isinstance(one, Arrival) for one in arrivals), arrivals[:2]
    return [one for one in arrivals if isinstance(one, Arrival)]


def batch_snapshot(
    store: SqlEventStore, log: EventLog, workspace: Workspace, folder: Path
) -> Snapshot:
    """The store's events as a log, with what the saved model reads."""
    store.export(folder / "export.parquet")
    whole = read_events(str(folder / "export.parquet"), currency="EUR")
    whole = replace(whole, tables=log.tables, has_clock=workspace.has_clock)
    features = load_artifact(folder / workspace.model).fitted.features
    return take_snapshot(whole, as_of=LATER, features=features)
