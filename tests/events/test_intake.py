"""read_events: any table in, one log out, every row accounted for."""

from pathlib import Path

import polars as pl
import pytest

from patronage.errors import EventSchemaError
from patronage.events import EventLog, read_events
from patronage.snapshots import take_snapshot

CSV = """Customer ID,Order Date,Total
1,2024-01-01,10.00
2,2024-01-02,20.50
1,2024-01-05,5.25
"""


def test_a_csv_with_usual_headers_needs_no_options(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(CSV)

    log = read_events(path)

    assert log.quality.n_rows_read == log.quality.n_rows_used == 3
    assert log.quality.matched == {
        "customer_id": "Customer ID",
        "event_time": "Order Date",
        "amount": "Total",
    }
    customers = take_snapshot(log).customers
    assert customers["customer_id"].to_list() == [1, 2]
    assert customers["spend"].to_list() == [15.25, 20.5]


def test_rows_that_cannot_be_used_are_set_aside_with_their_reason() -> None:
    frame = pl.DataFrame(
        {
            "customer_id": ["1", "", "2", "3", "4", "5"],
            "date": [
                "2024-01-01",
                "2024-01-01",
                "yesterday",
                "2999-01-01",
                "2024-01-01",
                "2024-01-01",
            ],
            "amount": ["1", "1", "1", "1", "inf", None],
        }
    )

    log = EventLog.from_frame(frame, currency="EUR")

    quality = log.quality
    assert quality.n_rows_used == 1
    assert quality.quarantined == {
        "amount not a finite number": 1,
        "missing amount": 1,
        "missing customer id": 1,
        "time in the future": 1,
        "unparsable time": 1,
    }
    assert quality.quarantine is not None
    aside = pl.read_parquet(quality.quarantine)
    assert aside["row"].to_list() == [2, 3, 4, 5, 6]
    assert aside["date"].to_list()[1] == "yesterday"


def test_a_table_without_a_time_says_what_to_type() -> None:
    with pytest.raises(
        EventSchemaError, match=r"--columns customer_id=kunde,time=YOUR_TIME_COLUMN"
    ):
        EventLog.from_frame(
            pl.DataFrame({"kunde": [1], "betrag": [2.0]}), columns={"customer_id": "kunde"}
        )
