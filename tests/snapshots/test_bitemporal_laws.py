"""The laws of time: what a snapshot may know, checked against a reference in plain Python."""

import random
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from patronage.errors import EventSchemaError
from patronage.events import EventLog, read_events
from patronage.events.schema import CASH_KINDS, PURCHASE_KINDS
from patronage.horizon import Horizon
from patronage.snapshots import Snapshot, calibration_holdout, observe_outcome, take_snapshot

START = datetime(2023, 1, 1)
GROUPS = ("rhythm", "money", "windows", "amounts", "nets", "free")


@dataclass(frozen=True)
class Event:
    customer_id: int
    event_time: datetime
    known_time: datetime
    kind: str
    amount: Decimal


@st.composite
def histories(draw: st.DrawFn, *, clock: bool | None = None, late: bool = True) -> list[Event]:
    """Customers acquired on different days, with every kind of cash and some without."""
    with_clock = draw(st.booleans()) if clock is None else clock
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(1, 4),
                st.integers(0, 40),
                st.integers(0, 86_399) if with_clock else st.just(0),
                st.one_of(st.just(0), st.integers(0, 30)) if late else st.just(0),
                st.sampled_from(("purchase", "purchase", "purchase", "refund", "visit", "fee")),
                st.one_of(st.just(0), st.integers(1, 99_999)),
            ),
            min_size=1,
            max_size=25,
        )
    )
    events = []
    for customer, day, second, delay, kind, cents in rows:
        time = START + timedelta(days=day, seconds=second)
        amount = Decimal(-cents if kind == "refund" else cents) / 100
        events.append(Event(customer, time, time + timedelta(days=delay), kind, amount))
    return events


def frame_of(events: list[Event], *, late: bool = True) -> pl.DataFrame:
    columns = {
        "customer_id": [event.customer_id for event in events],
        "event_time": [event.event_time for event in events],
        "kind": [event.kind for event in events],
        "amount": [float(event.amount) for event in events],
    }
    if late:
        columns["known_time"] = [event.known_time for event in events]
    return pl.DataFrame(columns)


def log_of(events: list[Event], *, clock: bool, late: bool = True) -> EventLog:
    return EventLog.from_frame(frame_of(events, late=late), currency="USD", has_clock=clock)


def has_clock(events: list[Event]) -> bool:
    return any(event.event_time.time() != datetime.min.time() for event in events)


def snapshot_or_none(log: EventLog, as_of: date) -> pl.DataFrame | None:
    try:
        return take_snapshot(log, as_of=as_of, features=GROUPS).customers
    except EventSchemaError:
        return None


def assert_same(left: pl.DataFrame | None, right: pl.DataFrame | None) -> None:
    assert (left is None) == (right is None)
    if left is not None and right is not None:
        assert_frame_equal(left, right, check_exact=False, rel_tol=1e-12)


def reference_rfm(events: list[Event], as_of: date, *, clock: bool) -> list[tuple[object, ...]]:
    """customer, frequency, recency, T, monetary value, first amount, spend, cash: by hand."""
    bound = datetime.combine(as_of, datetime.min.time())
    rows = []
    for customer in sorted({event.customer_id for event in events}):
        known = [
            event
            for event in events
            if event.customer_id == customer and max(event.event_time, event.known_time) < bound
        ]
        if not known:
            continue
        spent: dict[date, Decimal] = defaultdict(Decimal)
        first_instant: dict[date, datetime] = {}
        for event in known:
            if event.kind in PURCHASE_KINDS:
                day = event.event_time.date()
                spent[day] += event.amount
                first_instant[day] = min(first_instant.get(day, event.event_time), event.event_time)
        born = min(spent) if spent else min(event.event_time.date() for event in known)
        start = (
            first_instant[born] if spent and clock else datetime.combine(born, datetime.min.time())
        )
        counted = sorted(day for day, money in spent.items() if money > 0)
        repeats = [day for day in counted if day != born]
        end = bound if clock else bound - timedelta(days=1)
        last = None
        if repeats:
            last = (
                first_instant[counted[-1]]
                if clock
                else datetime.combine(counted[-1], datetime.min.time())
            )
        days = timedelta(days=1)
        rows.append(
            (
                customer,
                len(repeats),
                (last - start) / days if last else 0.0,
                (end - start) / days,
                float(sum(spent[day] for day in repeats)) / len(repeats) if repeats else None,
                float(spent[born]) if spent else 0.0,
                float(sum(spent.values())),
                float(sum(event.amount for event in known if event.kind in CASH_KINDS)),
            )
        )
    return rows


@given(histories(), st.integers(1, 45))
def test_rfm_equals_a_reference_in_plain_python(events: list[Event], day: int) -> None:
    as_of = (START + timedelta(days=day)).date()
    clock = has_clock(events)

    found = snapshot_or_none(log_of(events, clock=clock), as_of)

    expected = reference_rfm(events, as_of, clock=clock)
    if not expected:
        assert found is None
        return
    assert found is not None
    names = ("frequency", "recency", "T", "monetary_value", "first_amount", "spend", "cash")
    for row, right in zip(found.select("customer_id", *names).iter_rows(), expected, strict=True):
        assert row[0] == right[0]
        for name, mine, theirs in zip(names, row[1:], right[1:], strict=True):
            if theirs is None:
                assert mine is None, name
            else:
                assert abs(mine - float(str(theirs))) < 1e-9 * max(1.0, abs(mine)), name


@given(histories(), st.integers(1, 45))
def test_the_future_never_changes_a_snapshot(events: list[Event], day: int) -> None:
    as_of = START + timedelta(days=day)
    clock = has_clock(events)
    past = [event for event in events if event.event_time < as_of]

    whole = snapshot_or_none(log_of(events, clock=clock), as_of.date())

    if past:
        assert_same(whole, snapshot_or_none(log_of(past, clock=clock), as_of.date()))
    else:
        assert whole is None


@given(histories(), st.integers(1, 45))
def test_a_row_learned_late_never_changes_an_old_snapshot(events: list[Event], day: int) -> None:
    as_of = START + timedelta(days=day)
    clock = has_clock(events)
    known = [event for event in events if event.known_time < as_of]

    whole = snapshot_or_none(log_of(events, clock=clock), as_of.date())

    if known:
        assert_same(whole, snapshot_or_none(log_of(known, clock=clock), as_of.date()))
    else:
        assert whole is None


@given(histories(), st.integers(1, 45), st.integers(1, 45))
def test_rewinding_is_the_same_as_having_looked_then(
    events: list[Event], day: int, later: int
) -> None:
    to, now = ((START + timedelta(days=d)).date() for d in sorted((day, later)))
    log = log_of(events, clock=has_clock(events))
    then = snapshot_or_none(log, to)
    if then is None:
        return

    snapshot = take_snapshot(log, as_of=now, features=GROUPS)

    assert_same(snapshot.rewind(to).customers, then)


@given(histories(), st.integers(1, 45))
def test_a_compacted_log_gives_the_same_snapshots(events: list[Event], day: int) -> None:
    as_of = (START + timedelta(days=day)).date()
    log = log_of(events, clock=has_clock(events))

    assert_same(snapshot_or_none(log.compact(), as_of), snapshot_or_none(log, as_of))


@given(histories(), st.randoms(use_true_random=False), st.integers(1, 4))
def test_neither_order_nor_files_matter(
    events: list[Event], chance: random.Random, n_files: int
) -> None:
    clock = has_clock(events)
    shuffled = list(events)
    chance.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as name:
        for index in range(n_files):
            part = shuffled[index::n_files]
            if part:
                frame_of(part).write_parquet(Path(name) / f"part-{index}.parquet")
        split = read_events(name, currency="USD", has_clock=clock)

        whole = log_of(events, clock=clock)
        assert split.quality.n_rows_used == len(events)
        as_of = whole.next_day() + timedelta(days=40)
        assert_same(snapshot_or_none(split, as_of), snapshot_or_none(whole, as_of))


@given(histories(late=False), st.integers(1, 40), st.integers(1, 20))
def test_the_holdout_table_is_the_snapshot_and_its_outcome(
    events: list[Event], day: int, length: int
) -> None:
    as_of = (START + timedelta(days=day)).date()
    horizon = Horizon(length, "day")
    log = log_of(events, clock=has_clock(events), late=False).before(date(2023, 3, 15))
    try:
        known = take_snapshot(log, as_of=as_of)
    except EventSchemaError:
        return

    table = calibration_holdout(log, as_of=as_of, horizon=horizon)

    outcome = observe_outcome(take_snapshot(log), known, horizon)
    assert_same(table.select(known.customers.columns), known.customers)
    assert table["frequency_holdout"].to_list() == outcome.total_purchases.tolist()
    assert table["cash_holdout"].to_list() == [round(cash, 4) for cash in outcome.total.tolist()]


def test_a_snapshot_holds_only_what_its_log_knows() -> None:
    early = Event(1, START, START, "purchase", Decimal(10))
    late_refund = Event(
        1, START + timedelta(days=2), START + timedelta(days=20), "refund", Decimal(-10)
    )
    log = log_of([early, late_refund], clock=False)

    def cash(snapshot: Snapshot) -> float:
        return float(snapshot.customers["cash"][0])

    assert cash(take_snapshot(log, as_of=date(2023, 1, 10))) == 10.0
    assert cash(take_snapshot(log, as_of=date(2023, 1, 22))) == 0.0
