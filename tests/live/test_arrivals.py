"""What is refused says how to write it."""

import pytest

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from live.arriving import NOW, SPELLING, body
from patronage.live.arrivals import Refusal, read_arrival


def test_a_day_without_a_time_is_told_how_to_be_written():
    told = read_arrival(body("1", event_time="2024-05-01"), SPELLING, now=NOW)

    assert isinstance(told, Refusal)
    assert "with midnight where only the day is known" in told.reason
