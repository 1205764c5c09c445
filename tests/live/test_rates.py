"""Events without an amount of their own: the rate table values them live as it does in batch."""

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from live.arriving import NOW, body, event, ledger_of
from patronage.events import EventLog
from patronage.events.rates import Rates
from patronage.live.arrivals import Arrival, Refusal, read_arrival, read_arrivals, valued
from patronage.live.ledger_text import read_ledger, written_ledger
from patronage.live.spelling import Spelling
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite
from patronage.snapshots import CustomerLedger
from patronage.snapshots.grains import Entries

MAY = datetime(2024, 5, 1)
PRODUCTS = (None, "p", "q")
KINDS = ("visit", "click", "purchase", "refund", "review")
days = st.none() | st.integers(0, 6)
rate_rows = st.lists(
    st.tuples(
        st.sampled_from(KINDS[:4]),
        st.sampled_from(PRODUCTS),
        days,
        days,
        st.integers(-30_000, 30_000).map(lambda n: n / 10_000),
    ),
    min_size=1,
    max_size=8,
)
event_rows = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.sampled_from((*PRODUCTS, " p")),
        st.integers(0, 6 * 24),
        st.none() | st.integers(-500, 500).map(lambda n: n / 100),
    ),
    min_size=1,
    max_size=12,
)


def table_of(*rows: tuple[Any, ...]) -> pl.DataFrame:
    """kind, product, start and end (days of May 2024 from 0), value."""

    def day(after: int | None) -> datetime | None:
        return None if after is None else MAY + timedelta(days=after)

    return pl.DataFrame(
        [(kind, product, day(start), day(end), value) for kind, product, start, end, value in rows],
        schema={
            "kind": pl.String,
            "product_id": pl.String,
            "start": pl.Datetime("us"),
            "end": pl.Datetime("us"),
            "value": pl.Float64,
        },
        orient="row",
    )


def rates_of(*rows: tuple[Any, ...]) -> Rates:
    """The table as a log reads it."""
    one = {"customer_id": ["ann"], "date": [date(2024, 5, 1)], "amount": [1.0]}
    rates = EventLog.from_frame(pl.DataFrame(one), currency="EUR", rates=table_of(*rows)).rates
    assert rates is not None
    return rates


def spelling_of(*rows: tuple[Any, ...]) -> Spelling:
    return Spelling(whole_ids=False, has_clock=True, rates=rates_of(*rows))


def said(spelling: Spelling, event_id: str, **more: Any) -> Arrival:
    """An event without an amount, off the wire."""
    read = read_arrival(body(event_id, **{"amount": None, **more}), spelling, now=NOW)
    assert isinstance(read, Arrival), read
    return read


VISITS = spelling_of(("visit", None, None, None, 0.5))
RAISED = spelling_of(("visit", None, None, None, 0.75))


@given(rate_rows, event_rows)
def test_every_event_gets_the_amount_that_batch_gives_it(rates, events):
    frame = pl.DataFrame(
        [
            (str(n), "ann", MAY + timedelta(hours=hours), kind, product, amount)
            for n, (kind, product, hours, amount) in enumerate([*events, ("purchase", None, 0, 1)])
        ],
        schema=["event_id", "customer_id", "event_time", "kind", "product_id", "amount"],
        orient="row",
    )
    log = EventLog.from_frame(frame, currency="EUR", rates=table_of(*rates), has_clock=True)
    spelling = Spelling(whole_ids=False, has_clock=True, rates=log.rates)

    bodies = [json.dumps(row, default=str).encode() for row in frame.iter_rows(named=True)]
    read = read_arrivals(bodies, spelling, now=NOW)
    worth = [valued(one, spelling) for one in read if isinstance(one, Arrival)]

    live = {one.event_id: (one.kind, one.amount or 0) for one in worth}
    batch = log.engine.frame(f"SELECT event_id, kind, amount FROM ({log.sql()})")
    assert live == {name: (kind, amount) for name, kind, amount in batch.iter_rows()}
    assert log.rated_kinds == tuple(sorted({row[0] for row in rates}))


@pytest.fixture
def rated(tmp_path):
    """A store of visits at 0.50."""
    store = SqlEventStore(SQLite(tmp_path / "events.db"), VISITS)
    yield store
    store.close()


def test_a_retry_after_the_rates_changed_is_a_duplicate_and_keeps_its_amount(rated, tmp_path):
    rated.take_in([said(VISITS, "1", kind="visit")], now=NOW)
    before = ledger_of(rated)
    changed = SqlEventStore(SQLite(tmp_path / "events.db"), RAISED)

    again = changed.take_in([said(RAISED, "1", kind="visit")], now=NOW)

    assert again.duplicates == ("1",)
    assert ledger_of(changed) == before
    (kept,) = changed.events("ann")
    assert kept.amount == Decimal("0.5")
    changed.close()


def test_an_amount_that_was_said_is_other_content_than_none(rated):
    rated.take_in([said(VISITS, "1", kind="visit")], now=NOW)

    again = rated.take_in([said(VISITS, "1", kind="visit", amount="0.50")], now=NOW)

    assert "other content" in again.refused[0]
    (letter,) = rated.dead_letters()
    assert json.loads(letter["body"])["amount"] == "0.5000"


def test_a_refused_copy_is_kept_without_the_amount_that_it_did_not_say(rated):
    rated.take_in([said(VISITS, "1", kind="visit")], now=NOW)

    rated.take_in([said(VISITS, "1", kind="visit", day=2)], now=NOW)

    (letter,) = rated.dead_letters()
    assert "amount" not in json.loads(letter["body"])


def test_corrections_are_valued_and_take_the_place_of_what_was(rated):
    first = said(VISITS, "1", kind="visit")
    own = said(VISITS, "2", kind="visit", amount="7.00", replaces="1")
    last = said(VISITS, "3", kind="visit", day=2, replaces="2")

    rated.take_in([last, first], now=NOW)
    rated.take_in([own], now=NOW)

    counted = {**last.row(), "amount": Decimal("0.5")}
    empty = CustomerLedger("ann", Entries(True, ("visit",)))
    assert ledger_of(rated) == written_ledger(empty.after(counted))
    assert read_ledger(ledger_of(rated)).features(date(2024, 6, 1))["spend"] == 0.5


def test_what_is_exported_keeps_its_amounts_whatever_the_rates_are_then(rated, tmp_path):
    own = said(VISITS, "2", kind="visit", amount="0")
    rated.take_in([said(VISITS, "1", kind="visit"), own], now=NOW)

    rated.export(tmp_path / "log.parquet")

    raised = table_of(("visit", None, None, None, 0.75))
    log = EventLog.from_frame(pl.read_parquet(tmp_path / "log.parquet"), rates=raised)
    amounts = log.engine.frame(f"SELECT amount FROM ({log.sql()}) ORDER BY event_id")
    assert amounts["amount"].to_list() == [Decimal("0.5"), Decimal(0)]


def test_a_purchase_may_come_without_an_amount_where_a_rate_fits_it():
    spelling = spelling_of(("purchase", "p", None, 3, 9.0))

    fits = read_arrival(body("1", amount=None, product_id="p"), spelling, now=NOW)
    late = read_arrival(body("2", amount=None, product_id="p", day=9), spelling, now=NOW)

    assert isinstance(fits, Arrival)
    assert valued(fits, spelling).amount == 9
    assert isinstance(late, Refusal)
    assert late.reason == (
        "a purchase needs an amount, and the rate table gives it none at its time; "
        "send 0 where none was paid"
    )


def test_a_visit_for_nothing_and_one_without_an_amount_are_the_same(tmp_path):
    store = SqlEventStore(SQLite(tmp_path / "events.db"), Spelling(False, True))
    store.take_in([event("1", kind="visit", amount=None)], now=NOW)

    assert store.take_in([event("1", kind="visit", amount="0.00")], now=NOW).duplicates == ("1",)
    store.close()
