"""Rows in = rows used + rows set aside; repeats, rates and side tables."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.engines import default_engine
from patronage.errors import EventSchemaError, PatronageError
from patronage.events import EventLog, duplicates
from patronage.snapshots import take_snapshot

CELLS = st.one_of(
    st.none(),
    st.sampled_from(
        ("", "nan", "1", "2", "007", "x", "12.5", "1,5", "-3", "inf", "€ 2", "2024-01-05", "refund")
    ),
    st.sampled_from(("13/01/2024", "2999-01-01", "1704067200", "20240101", "2024-01-01T10:00Z")),
    st.text(max_size=6),
)


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=12), st.booleans()
)
def test_every_row_of_any_table_is_used_or_set_aside(
    rows: list[tuple[str | None, ...]], drop: bool
) -> None:
    names = ["customer_id", "date", "amount", "kind", "event_id"]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    try:
        log = EventLog.from_frame(frame, drop_duplicates=drop)
    except PatronageError:
        return  # in words; anything else fails the test

    quality = log.quality
    (used,) = default_engine().row(f"SELECT count(*) FROM ({log.sql()})")
    assert quality.n_rows_read == len(rows)
    assert quality.n_rows_used == used
    assert quality.n_rows_read == quality.n_rows_used + quality.n_rows_quarantined
    if quality.n_rows_quarantined:
        assert quality.quarantine is not None
        aside = pl.read_parquet(quality.quarantine)
        counted = dict(aside.group_by("reason").len().iter_rows())
        assert counted == quality.quarantined
    finite = take_snapshot(log).customers.select(pl.selectors.float().is_finite().all())
    assert all(all(row) for row in finite.iter_rows())


def frame(**columns: Any) -> pl.DataFrame:
    n = max(len(values) for values in columns.values())
    usual: dict[str, Any] = {
        "customer_id": [1] * n,
        "date": [date(2024, 1, 1)] * n,
        "amount": [1.0] * n,
    }
    return pl.DataFrame(usual | columns)


def test_of_a_repeated_event_id_the_row_known_first_is_kept() -> None:
    known = [datetime(2024, 1, 3), datetime(2024, 1, 2), datetime(2024, 1, 4), None]
    table = frame(event_id=["a", "a", "b", None], amount=[1.0, 2.0, 3.0, 4.0], known_time=known)

    log = EventLog.from_frame(table)

    assert log.quality.quarantined == {"repeated event id": 1}
    kept = default_engine().rows(f"SELECT amount::INT FROM ({log.sql()}) ORDER BY 1")
    assert kept == [(2,), (3,), (4,)]


def test_an_order_number_may_repeat_over_its_lines() -> None:
    log = EventLog.from_frame(frame(invoice=["A", "A"], amount=[1.0, 2.0]))

    assert log.quality.n_rows_used == 2
    assert "order_id" in log.columns


def test_equal_rows_are_kept_counted_and_dropped_on_request() -> None:
    table = frame(amount=[1.0, 1.0, 1.0, 2.0, 3.0, 4.0])

    kept = EventLog.from_frame(table)
    assert kept.quality.n_rows_used == 6
    assert any(note.startswith("2 rows equal") for note in kept.quality.notes)
    assert not kept.quality.warnings

    dropped = EventLog.from_frame(table, drop_duplicates=True)
    assert dropped.quality.quarantined == {"duplicate row": 2}


def test_a_table_loaded_twice_is_warned_of_first_and_loudly() -> None:
    once = frame(amount=[float(i) for i in range(20)])
    table = pl.concat([once, once, frame(customer_id=[None])], how="vertical_relaxed")

    warnings = EventLog.from_frame(table).quality.warnings

    assert warnings[0].startswith("100% OF ALL ROWS OCCUR TWICE")


def test_a_rate_table_turns_engagement_into_cash_and_says_so() -> None:
    table = frame(
        kind=["visit", "visit", "visit", "purchase", "click"],
        product_id=["p", "q", "p", "p", "p"],
        date=[date(2024, 1, d) for d in (1, 2, 20, 3, 4)],
        amount=[None, None, None, 9.0, None],
    )
    rates = pl.DataFrame(
        {
            "kind": ["visit", "visit", "visit"],
            "product_id": [None, "p", "p"],
            "start": [None, None, date(2024, 1, 10)],
            "value": [0.5, 2.0, 3.0],
        }
    )

    log = EventLog.from_frame(table, rates=rates)

    assert "cash of 3 visit events is derived from the rate table." in log.quality.notes
    assert log.rated_kinds == ("visit",)
    customers = take_snapshot(log).customers
    assert customers["cash"].to_list() == [0.5 + 2.0 + 3.0 + 9.0]
    assert customers["frequency"].to_list() == [3]
    with pytest.raises(EventSchemaError, match="unknown kinds"):
        EventLog.from_frame(table, rates=pl.DataFrame({"kind": ["dance"], "value": [1]}))


def test_without_amounts_all_cash_is_that_of_the_rate_table() -> None:
    rates = pl.DataFrame({"kind": ["visit"], "value": [0.5], "end": ["infinity"]})
    table = frame(kind=["visit", "visit", "purchase"]).drop("amount")

    log = EventLog.from_frame(table, currency="EUR", rates=rates)

    assert log.currency == "EUR"
    assert log.engine.frame(log.sql())["amount"].to_list() == [Decimal("0.5")] * 2
    assert log.quality.quarantined == {"missing amount": 1}
    assert any("--columns amount=" in warning for warning in log.quality.warnings)


def test_what_is_cash_does_not_depend_on_which_events_there_are_yet() -> None:
    rates = pl.DataFrame({"kind": ["click", "visit"], "value": [0.5, 0.7]})
    table = frame(kind=["visit", "purchase"], amount=[3.0, 9.0])

    log = EventLog.from_frame(table, rates=rates)

    assert log.rated_kinds == ("click", "visit")
    assert take_snapshot(log).customers["cash"].sum() == 12.0


def test_side_tables_join_by_the_ids_of_the_log_and_only_as_known() -> None:
    log = EventLog.from_frame(
        frame(customer_id=[1, 2]),
        customers=pl.DataFrame(
            {
                "Client": ["1.0", "2", "1", None],
                "city": ["Rome", "Oslo", "Bari", "?"],
                "known_at": ["2024-01-01", None, "2024-06-01", None],
            }
        ),
        products=pl.DataFrame({"SKU": [10], "category": ["tea"], "unit_cost": [0.5]}),
        links=pl.DataFrame({"customer_id": [1], "friend_id": [2]}),
        calendar=pl.DataFrame({"date": ["2024-12-25"], "holiday": ["Christmas"]}),
    )

    tables = log.tables
    assert tables.customers is not None
    assert tables.customers["customer_id"].to_list() == [1, 1, 2]
    spring = tables.before(date(2024, 3, 1)).latest().customers
    assert spring is not None
    assert dict(zip(spring["customer_id"], spring["city"], strict=True)) == {1: "Rome", 2: "Oslo"}
    assert tables.products is not None
    assert tables.products["product_id"].to_list() == ["10"]
    assert tables.links is not None
    assert tables.links.row(0, named=True)["other_id"] == 2
    assert tables.calendar is not None
    assert tables.calendar["end"].to_list() == [datetime(2024, 12, 25)]
    assert any(note.startswith("products: no column says when") for note in log.quality.notes)
    with pytest.raises(EventSchemaError, match="table of customers lacks customer_id"):
        EventLog.from_frame(frame(customer_id=[1]), customers=pl.DataFrame({"city": ["Rome"]}))


def test_one_customer_with_one_purchase_is_a_log() -> None:
    customers = take_snapshot(EventLog.from_frame(frame(customer_id=["a"]))).customers

    assert customers.row(0, named=True) == {
        "customer_id": "a",
        "first_day": date(2024, 1, 1),
        "is_buyer": True,
        "frequency": 0,
        "recency": 0.0,
        "T": 0.0,
        "monetary_value": None,
        "first_amount": 1.0,
        "spend": 1.0,
        "cash": 1.0,
    }


def test_as_of_ends_the_log_and_what_comes_later_is_said() -> None:
    table = frame(date=[date(2024, 1, 1), date(2024, 2, 1)])

    log = EventLog.from_frame(table, as_of=date(2024, 1, 15))

    assert log.cut == date(2024, 1, 15)
    assert log.last_day() == date(2024, 1, 1)
    assert any("1 rows become known on or after 2024-01-15" in note for note in log.quality.notes)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2)), min_size=1, max_size=30))
def test_equal_rows_are_counted_and_kept(rows: list[tuple[int, int]]) -> None:
    frame = pl.DataFrame(rows, schema=["customer_id", "amount"], orient="row")

    log = EventLog.from_frame(frame.with_columns(date=date(2024, 1, 1)))

    repeats = len(rows) - len(set(rows))
    in_pairs = sum(rows.count(row) > 1 for row in rows)
    notes = [note for note in log.quality.notes if "equal another row" in note]
    assert [int(note.split()[0]) for note in notes] == [repeats] * (repeats > 0)
    assert (in_pairs >= 0.9 * len(rows)) == any("TWICE" in said for said in log.quality.warnings)
    assert log.quality.n_rows_used == len(rows)


def test_no_equal_rows_are_reported_where_the_sample_drew_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(duplicates, "_COUNTED_IN_FULL", 0)
    monkeypatch.setattr(duplicates, "_SAMPLED", 2**40)
    frame = pl.DataFrame({"customer_id": [5, 5], "date": [date(2024, 1, 1)] * 2, "amount": [1, 1]})

    log = EventLog.from_frame(frame)

    assert not any("equal another row" in note for note in log.quality.notes)
    assert not log.quality.warnings
