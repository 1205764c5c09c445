"""Attributes: profiles and first purchases, as known strictly before as_of and never later."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.snapshots import Snapshot, attribute_source, take_snapshot

DAY = datetime(2024, 1, 1)
EVENTS = pl.DataFrame(
    {
        "customer_id": [1, 1, 2, 3, 3],
        "event_time": [DAY + timedelta(days=d) for d in (0, 9, 1, 2, 2)],
        "known_time": [DAY + timedelta(days=d) for d in (20, 9, 1, 2, 2)],
        "kind": ["purchase", "purchase", "purchase", "visit", "purchase"],
        "amount": [5.0, 6.0, 7.0, 0.0, 8.0],
        "channel": ["web", "shop", None, "app", "tv"],
    }
)
PROFILES = pl.DataFrame(
    {
        "customer_id": [1, 1, 2, 2],
        "known_time": [DAY, DAY + timedelta(days=10), DAY + timedelta(days=3), DAY],
        "tier": ["gold", "black", "silver", "none"],
    }
)
BOTH = ("customers.tier", "first_purchase.channel")


def snapshot(
    day: int, profiles: pl.DataFrame = PROFILES, events: pl.DataFrame = EVENTS
) -> Snapshot:
    log = EventLog.from_frame(events, currency="EUR", customers=profiles)
    return take_snapshot(log, as_of=DAY.date() + timedelta(days=day), features=BOTH)


@pytest.mark.parametrize(
    ("day", "tiers", "channels"),
    [
        (4, ["silver", None], [None, "tv"]),
        (10, ["gold", "silver", None], ["shop", None, "tv"]),
        (11, ["black", "silver", None], ["shop", None, "tv"]),
        (21, ["black", "silver", None], ["web", None, "tv"]),
    ],
)
def test_the_version_learned_last_before_as_of_counts(day, tiers, channels):
    """Customer 1's first purchase was learned late: until then the second is the first."""
    customers = snapshot(day).customers

    assert customers["customers.tier"].to_list() == tiers
    assert customers["first_purchase.channel"].to_list() == channels


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30), st.sampled_from("abc")), max_size=12),
    st.integers(3, 30),
)
def test_what_is_learned_later_changes_no_attribute(rows, day):
    later = pl.DataFrame(
        [(c, DAY + timedelta(days=d), tier) for c, d, tier in rows],
        schema=PROFILES.schema,
        orient="row",
    )
    whole = pl.concat([PROFILES, later])
    known = whole.filter(pl.col("known_time") < DAY + timedelta(days=day))

    assert_frame_equal(snapshot(day, whole).customers, snapshot(day, known).customers)


def test_rewinding_takes_the_attributes_of_that_day():
    early = snapshot(21).rewind(DAY.date() + timedelta(days=10))

    assert_frame_equal(early.customers, snapshot(10).customers)
    assert early.rfm().covariates.columns == list(BOTH)


def test_attributes_are_joined_later_as_they_are_at_once():
    at_once = snapshot(21)
    plain = take_snapshot(at_once.events)
    later = plain.with_features(BOTH)

    assert plain.rfm().covariates is None
    assert_frame_equal(later.customers, at_once.customers)
    some = plain.take(slice(1, 3)).with_features(BOTH)
    assert_frame_equal(some.customers, at_once.customers[1:3])
    mixed = plain.with_features(("money", *BOTH))
    assert_frame_equal(mixed.customers.select(at_once.customers.columns), at_once.customers)


def test_a_name_is_that_of_a_profile_first():
    log = snapshot(21, PROFILES.with_columns(channel=pl.lit("mail"))).events

    assert attribute_source(log, "channel") == "customers.channel"
    assert attribute_source(log, "amount") == "first_purchase.amount"
    assert attribute_source(log, "first_purchase.channel") == "first_purchase.channel"


def test_an_attribute_that_nobody_has_is_a_clear_error():
    log = snapshot(21).events

    with pytest.raises(SettingsError, match=r"no attribute 'colour'.*tier.*channel"):
        attribute_source(log, "colour")
    without = replace(log, tables=replace(log.tables, customers=None))
    with pytest.raises(SettingsError, match=r"customers\.tier.*none"):
        take_snapshot(without, as_of=date(2024, 1, 9), features=BOTH)
