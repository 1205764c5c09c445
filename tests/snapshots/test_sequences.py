"""Sequences of events and of months, worked by hand, and blind to what came later."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.snapshots import take_snapshot
from patronage.snapshots.sequences import event_sequences, period_sequences

AS_OF = date(2024, 3, 1)


def log_of(*rows: tuple[int, datetime, datetime, str, float]) -> EventLog:
    names = ["customer_id", "event_time", "known_time", "kind", "amount"]
    frame = pl.DataFrame(list(rows), schema=names, orient="row")
    return EventLog.from_frame(frame, currency="USD", has_clock=True)


KNOWN = (
    (1, datetime(2024, 1, 10), datetime(2024, 1, 10), "purchase", 10.0),
    (1, datetime(2024, 2, 28, 12), datetime(2024, 2, 28, 12), "visit", 0.0),
    (1, datetime(2024, 2, 20), datetime(2024, 2, 20), "purchase", 30.0),
    (2, datetime(2023, 1, 1), datetime(2023, 1, 1), "purchase", 5.0),
)
LATER = (
    (1, datetime(2024, 3, 1), datetime(2024, 3, 1), "purchase", 99.0),
    (2, datetime(2024, 2, 1), datetime(2024, 3, 2), "refund", -5.0),
)


@pytest.mark.parametrize("rows", [KNOWN, KNOWN[::-1], KNOWN + LATER])
def test_the_last_events_lie_at_the_end_of_the_row(rows: tuple) -> None:
    snapshot = take_snapshot(log_of(*rows), as_of=AS_OF)

    found = event_sequences(snapshot, n_events=2, kinds=("purchase", "visit"))

    assert found.there.tolist() == [[True, True], [False, True]]
    assert found.kind.tolist() == [[1, 2], [0, 1]]
    assert found.amount.tolist() == [[30.0, 0.0], [0.0, 5.0]]
    assert found.days_before.tolist() == [[10.0, 1.5], [0.0, 425.0]]
    assert found.gap.tolist() == [[0.0, 8.5], [0.0, 0.0]]


@pytest.mark.parametrize("rows", [KNOWN, KNOWN + LATER])
def test_the_last_month_ends_at_as_of(rows: tuple) -> None:
    snapshot = take_snapshot(log_of(*rows), as_of=AS_OF)

    found = period_sequences(snapshot, n_periods=3)

    spent = found.values[..., found.columns.index("spent")]
    assert spent.tolist() == [[0.0, 10.0, 30.0], [0.0, 0.0, 0.0]]
    assert found.values[0, 2, found.columns.index("visit")] == 1.0
    assert found.there.tolist() == [[False, True, True], [True, True, True]]
    assert np.isfinite(found.values).all()


def test_a_sequence_of_no_events_is_refused() -> None:
    with pytest.raises(SettingsError, match="To mend"):
        event_sequences(take_snapshot(log_of(*KNOWN), as_of=AS_OF), n_events=0)
