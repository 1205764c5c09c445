"""What spend models read of the amounts: logarithms, net money and free purchases, by hand."""

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from patronage.errors import EventSchemaError
from patronage.events import EventLog
from patronage.snapshots import RFM, take_snapshot

GROUPS = ("amounts", "nets", "free")


def rfm_of(rows: list[tuple[str, int, str, float]], *, hour: int = 0) -> RFM:
    """(customer, day of 2024, kind, amount), as known on 1 March."""
    table = pl.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "event_time": [datetime(2024, 1, row[1], hour) for row in rows],
            "kind": [row[2] for row in rows],
            "amount": [row[3] for row in rows],
        }
    )
    log = EventLog.from_frame(table, currency="EUR")
    return take_snapshot(log, as_of=date(2024, 3, 1), features=GROUPS).rfm()


def test_logarithms_are_those_of_the_repeat_purchases() -> None:
    found = rfm_of(
        [("a", 1, "purchase", 20.0), ("a", 5, "purchase", 8.0), ("a", 9, "purchase", 50.0)]
    ).logs

    assert found.n == pytest.approx([2])
    assert found.total == pytest.approx([np.log(8) + np.log(50)], abs=1e-10)
    assert found.squares == pytest.approx([np.log(8) ** 2 + np.log(50) ** 2], abs=1e-9)
    assert found.scatter == pytest.approx([np.log(50 / 8) ** 2 / 2], abs=1e-9)


def test_a_refund_belongs_to_the_purchase_that_it_follows() -> None:
    found = rfm_of(
        [
            ("a", 1, "purchase", 20.0),
            ("a", 2, "refund", -25.0),
            ("a", 3, "fee", 1.0),
            ("a", 5, "purchase", 8.0),
            ("a", 9, "purchase", 50.0),
            ("a", 9, "refund", -10.0),
            ("a", 20, "refund", -45.0),
        ]
    ).nets

    assert found.n == pytest.approx([3])
    assert found.total == pytest.approx([-4 + 8 - 5])
    assert found.squares == pytest.approx([16 + 64 + 25])


@pytest.mark.parametrize("hour", [0, 6])
def test_free_purchases_are_counted_apart_from_the_paid(hour: int) -> None:
    found = rfm_of(
        [
            ("a", 1, "purchase", 0.0),
            ("a", 5, "purchase", 8.0),
            ("a", 9, "purchase", 0.0),
            ("b", 1, "purchase", 5.0),
            ("b", 3, "purchase", 0.0),
            ("b", 4, "purchase", 6.0),
        ],
        hour=hour,
    )

    assert found.frequency == pytest.approx([1, 1])
    assert found.free == pytest.approx([1, 1])
    assert found.recency == pytest.approx([4, 3])
    assert found.with_free().frequency == pytest.approx([2, 2])
    assert found.with_free().recency == pytest.approx([8, 3])
    assert found.logs.n == pytest.approx([1, 1])


def test_rows_without_amounts_have_empty_sums() -> None:
    found = rfm_of([("a", 1, "purchase", 5.0), ("b", 2, "visit", 0.0)])

    for sums in (found.logs, found.nets.minus(np.array([5.0, np.nan]))):
        assert sums.n == pytest.approx([0, 0])
        assert sums.total == pytest.approx([0, 0])
        assert sums.scatter == pytest.approx([0, 0])
    assert found.free == pytest.approx([0, 0])


def test_a_table_may_bring_the_sums() -> None:
    table = {"frequency": [2, 0], "recency": [3, 0], "T": [9, 9], "monetary_value": [-4.0, 0.0]}
    more = {"log_sum": [3.0, 0.0], "log_square_sum": [5.0, 0.0], "square_sum": [40.0, 0.0]}
    found = RFM.from_frame(
        pl.DataFrame({**table, **more, "free": [1, 2], "recency_of_any": [4, 2]}), unit="week"
    )

    assert found.logs.mean == pytest.approx([1.5, 0])
    assert found.nets.total == pytest.approx([-8, 0])
    assert found.nets.scatter == pytest.approx([8, 0])
    assert found.with_free().frequency == pytest.approx([3, 2])
    assert found.with_free().recency == pytest.approx([28, 14])
    with pytest.raises(EventSchemaError, match="To mend"):
        RFM.from_frame(pl.DataFrame(table)).with_free()


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("log_sum", [np.nan, 0.0], "row 0"),
        ("log_square_sum", [0.5, 0.0], "sum of squares"),
        ("square_sum", [1.0, 0.0], "square_sum"),
        ("free", [-1.0, 0.0], "whole number"),
        ("free", [np.nan, 0.0], "whole number"),
        ("recency_of_any", [2.0, 0.0], "between recency and T"),
    ],
)
def test_sums_that_cannot_be_are_refused_with_their_row(column, values, words) -> None:
    table = {"frequency": [2, 0], "recency": [3, 0], "T": [9, 9], "monetary_value": [4.0, 0.0]}
    sums = {"log_sum": [2.7, 0.0], "log_square_sum": [3.7, 0.0], "square_sum": [40.0, 0.0]}
    sound = {**table, **sums, "free": [0.0, 0.0], "recency_of_any": [3.0, 0.0]}

    RFM.from_frame(pl.DataFrame(sound))
    with pytest.raises(EventSchemaError, match=words) as refused:
        RFM.from_frame(pl.DataFrame({**sound, column: values}))
    assert "To mend" in str(refused.value)
