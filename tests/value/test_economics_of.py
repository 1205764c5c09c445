"""Margins and acquisition costs from tables, as known at as_of."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.errors import SettingsError
from patronage.events import EventLog, SideTables
from patronage.events.quality import QualityReport
from patronage.snapshots import take_snapshot
from patronage.value import economics_of

FIRST = date(2024, 1, 1)
# customer, day, kind, amount, product, channel
EVENTS = [
    ("a", 0, "purchase", 10, "x", "web"),
    ("a", 5, "purchase", 30, "y", "shop"),
    ("a", 6, "refund", -10, "y", "shop"),
    ("b", 1, "purchase", 50, "y", "shop"),
    ("c", 2, "purchase", 20, "z", "fair"),
    ("d", 3, "visit", 0, None, "web"),
    ("a", 40, "purchase", 999, "x", "web"),
]


@pytest.fixture
def snapshot(tmp_path):
    names = ["customer_id", "day", "kind", "amount", "product_id", "channel"]
    frame = pl.DataFrame(EVENTS, schema=names, orient="row").select(
        "customer_id",
        (pl.lit(FIRST) + pl.duration(days=pl.col("day")))
        .cast(pl.Datetime("us"))
        .alias("event_time"),
        (pl.lit(FIRST) + pl.duration(days=pl.col("day")))
        .cast(pl.Datetime("us"))
        .alias("known_time"),
        "kind",
        pl.col("amount").cast(pl.Decimal(18, 4)),
        "product_id",
        "channel",
    )
    path = tmp_path / "events.parquet"
    frame.write_parquet(path)
    people = pl.DataFrame(
        {
            "customer_id": ["a", "b", "a"],
            "segment": ["old", "vip", "new"],
            "known_time": [FIRST, FIRST, FIRST + timedelta(days=30)],
        }
    ).with_columns(pl.col("known_time").cast(pl.Datetime("us")))
    log = EventLog(
        relation=f"SELECT * FROM read_parquet('{path}')",
        columns=tuple(frame.columns),
        currency="USD",
        has_clock=False,
        has_known_time=False,
        quality=QualityReport(len(frame), len(frame)),
        tables=SideTables(customers=people),
    )
    return take_snapshot(log, as_of=FIRST + timedelta(days=20))


def table(key, values, name="margin"):
    return pl.DataFrame({key: list(values), name: list(values.values())})


def test_numbers_are_for_all_and_a_margin_of_one_says_so(snapshot):
    economics, notes = economics_of(snapshot, margin=1, cac=3.5)

    assert (economics.margin, economics.cac) == (1.0, 3.5)
    assert notes == ("The margin is 1: CLV is revenue, before any cost.",)
    assert economics_of(snapshot, margin=0.4)[1] == ()


def test_a_margin_by_product_is_the_mean_of_what_the_customer_bought(snapshot):
    economics, notes = economics_of(
        snapshot, margin=table("product_id", {"x": 0.2, "y": 0.6, "z": 0.1})
    )

    # a: 10 at 0.2 and 30 at 0.6; what comes on day 40 is not known yet. d bought nothing.
    usual = (40 * 0.5 + 50 * 0.6 + 20 * 0.1) / 110
    assert economics.margin == pytest.approx([0.5, 0.6, 0.1, usual])
    assert notes == (
        f"1 of 4 customers have no known margin and take the mean of the others, {usual:.4g}.",
    )


def test_products_without_a_margin_are_left_out_and_reported(snapshot):
    economics, notes = economics_of(snapshot, margin=table("product_id", {"y": 0.6}))

    assert economics.margin == pytest.approx([0.6, 0.6, 0.6, 0.6])
    assert "lacks 2 of 3 values of product_id (z, x), with 27.3% of the money" in notes[0]
    assert "2 of 4 customers" in notes[1]


def test_a_cac_by_channel_is_that_of_the_first_purchase(snapshot):
    costs = table("channel", {"web": 5.0, "shop": 20.0, "fair": 50.0}, "cac")
    economics, _ = economics_of(snapshot, margin=0.5, cac=costs)

    assert economics.cac == pytest.approx([5.0, 20.0, 50.0, 25.0])


def test_values_by_customer(snapshot, tmp_path):
    path = tmp_path / "margins.csv"
    path.write_text("Customer,margin\na,0.1\nc,0.3\nnobody,0.9\n")
    economics, notes = economics_of(snapshot, margin=path)

    usual = (40 * 0.1 + 20 * 0.3) / 60
    assert economics.margin == pytest.approx([0.1, usual, 0.3, usual])
    assert "2 of 4 customers" in notes[0]


def test_values_by_segment_as_known_at_as_of(snapshot):
    """a became 'new' only on day 30, after as_of."""
    rates = table("segment", {"old": 0.1, "vip": 0.2, "new": 0.9})
    economics, _ = economics_of(snapshot, margin=rates)

    assert economics.margin[:2] == pytest.approx([0.1, 0.2])


def test_economics_of_some_customers(snapshot):
    economics, _ = economics_of(
        snapshot, margin=table("product_id", {"x": 0.2, "y": 0.6, "z": 0.1})
    )

    assert economics.take(slice(1, 3)).margin == pytest.approx([0.6, 0.1])
    assert np.ndim(economics.take(slice(1, 3)).cac) == 0


def test_whole_number_ids_match_the_text_of_a_file(tmp_path):
    frame = pl.DataFrame({"customer_id": [7, 8], "time": [FIRST, FIRST], "amount": [1.0, 2.0]})
    known = take_snapshot(EventLog.from_frame(frame, currency="USD"))
    path = tmp_path / "cac.csv"
    path.write_text("customer_id,cac\n7,3\n8,4\n")

    assert economics_of(known, cac=path)[0].cac == pytest.approx([3.0, 4.0])


@pytest.mark.parametrize(
    ("margin", "words"),
    [
        (pl.DataFrame({"a": [1], "b": [2]}), "it needs one of customer_id"),
        (table("product_id", {"x": 35.0, "y": 0.2}), "product_id 'x'"),
        (pl.DataFrame({"channel": ["web", "web"], "margin": [0.1, 0.2]}), "more than once"),
        (pl.DataFrame({"channel": ["web", "shop"], "margin": [0.1, None]}), "no number"),
        (table("product_id", {"q": 0.2}), "no product_id of the margin table occurs"),
        ("nowhere.csv", "cannot read the margin table"),
    ],
)
def test_a_table_that_cannot_serve_says_why(snapshot, margin, words):
    with pytest.raises(SettingsError, match=words):
        economics_of(snapshot, margin=margin)


def test_a_segment_that_nobody_has_says_where_to_put_it():
    bare = take_snapshot(
        EventLog.from_frame(
            pl.DataFrame({"customer_id": ["a"], "time": [FIRST], "amount": [1.0]}), currency="USD"
        )
    )

    with pytest.raises(SettingsError, match="--customers"):
        economics_of(bare, margin=table("segment", {"vip": 0.2}))
