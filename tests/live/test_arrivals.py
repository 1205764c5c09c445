"""What is refused says how to write it."""

import pytest

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from live.arriving import NOW, SPELLING, body
from patronage.live.arrivals import Arrival, Refusal, read_arrival


@pytest.mark.parametrize(
    ("time", "taken"),
    [
        ("2024-05-20T12:05:00", True),
        ("2024-05-20T12:05:01", False),
        ("2024-05-20T14:05:00+02:00", True),
        ("2024-05-20T12:05:00-00:01", False),
        ("2024-05-21T00:00:00", False),
        ("9999-12-31T23:59:59Z", False),
        ("1900-01-01T00:00:00", True),
        ("1899-12-31T23:59:59", False),
        ("0001-01-01T00:00:00+14:00", False),
    ],
)
@pytest.mark.parametrize("name", ["event_time", "known_time"])
def test_a_clock_may_be_five_minutes_ahead_of_ours(name, time, taken):
    told = read_arrival(body("1", **{name: time}), SPELLING, now=NOW)

    assert isinstance(told, Arrival) == taken
    if taken:
        assert getattr(told, name).tzinfo is None


def test_a_day_without_a_time_is_told_how_to_be_written():
    told = read_arrival(body("1", event_time="2024-05-01"), SPELLING, now=NOW)

    assert isinstance(told, Refusal)
    assert "with midnight where only the day is known" in told.reason


def test_a_purchase_below_nothing_is_a_refund_as_in_batch():
    told = read_arrival(body("1", amount="-3.00"), SPELLING, now=NOW)

    assert isinstance(told, Arrival)
    assert (told.kind, told.amount) == ("refund", -3)
