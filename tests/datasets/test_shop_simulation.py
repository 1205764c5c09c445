"""The simulated shop: reproducible, believable, and consistent with itself."""

from dataclasses import replace
from datetime import date, datetime
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from patronage.datasets import SimulationSettings, simulate, simulate_chunks
from patronage.datasets.shop import Simulation
from patronage.errors import SettingsError
from patronage.events.schema import EVENT_COLUMNS, KINDS
from patronage.events.tables import KEYS

START, END = datetime(2024, 1, 1), datetime(2026, 7, 1)


@pytest.fixture(scope="module")
def shop() -> Simulation:
    return simulate(seed=0)


def of_kind(shop: Simulation, *kinds: str) -> pl.DataFrame:
    return shop.events.filter(pl.col("kind").is_in(kinds))


def test_the_same_seed_gives_the_same_world_and_another_seed_another():
    small = SimulationSettings(n_customers=200)

    assert_frame_equal(simulate(small, seed=7).events, simulate(small, seed=7).events)
    assert_frame_equal(simulate(small, seed=7).truth.table(), simulate(small, seed=7).truth.table())
    assert not simulate(small, seed=7).events.equals(simulate(small, seed=8).events)


def test_the_defaults_look_like_a_business(shop: Simulation):
    bought = of_kind(shop, "purchase", "subscription_start", "renewal")
    per_customer = bought.group_by("customer_id").agg(
        pl.col("event_time").dt.date().n_unique().alias("days"), pl.col("amount").sum()
    )
    cash = np.sort(per_customer["amount"].to_numpy())[::-1]

    assert len(per_customer) == 3_000
    assert 35_000 < len(shop.events) < 45_000
    assert 0.55 < (per_customer["days"] == 1).mean() < 0.65
    assert 0.10 < cash[:30].sum() / cash.sum() < 0.40
    assert 20 < bought["amount"].sum() / bought["order_id"].n_unique() < 100
    assert shop.events["event_time"].dt.date().max() == date(2026, 6, 30)


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_last_day_and_the_one_time_buyers_hold_for_other_seeds(seed: int):
    other = simulate(seed=seed)
    days = (
        of_kind(other, "purchase")
        .group_by("customer_id")
        .agg(pl.col("event_time").dt.date().n_unique())
    )

    assert other.events["event_time"].dt.date().max() == date(2026, 6, 30)
    assert 0.53 < (days["event_time"] == 1).mean() < 0.67


def test_events_are_in_the_one_spelling_of_an_event(shop: Simulation):
    assert set(shop.events.columns) == set(EVENT_COLUMNS)
    assert set(shop.events["kind"].unique()) <= set(KINDS)
    assert {"refund", "treatment", "email_response", "click", "visit", "app_use", "support"} <= set(
        shop.events["kind"].unique()
    )
    assert shop.events["event_id"].is_unique().all()
    assert shop.events["event_time"].is_sorted()
    assert shop.events["amount"].is_finite().all()


def test_both_clocks_run_forward_and_stop_at_the_end(shop: Simulation):
    times = shop.events.select("event_time", "known_time")

    assert (times["known_time"] >= times["event_time"]).all()
    assert times["event_time"].min() >= START
    assert times["known_time"].max() < END
    assert (times["known_time"] > times["event_time"]).mean() > 0.02


def test_every_customer_begins_with_a_purchase(shop: Simulation):
    first = shop.events.group_by("customer_id").agg(
        pl.col("event_time").min().alias("first"),
        pl.col("event_time").filter(pl.col("kind") == "purchase").min().alias("first_purchase"),
    )

    assert (first["first"] == first["first_purchase"]).all()


def test_refunds_are_negative_later_and_never_exceed_the_line_they_pay_back(shop: Simulation):
    by_line = ["order_id", "product_id"]
    paid = (
        of_kind(shop, "purchase")
        .group_by(by_line)
        .agg(pl.col("amount").sum().alias("paid"), pl.col("event_time").min().alias("bought"))
    )
    refunds = of_kind(shop, "refund")
    back = refunds.group_by(by_line).agg(
        pl.col("amount").sum().alias("back"), pl.col("event_time").min().alias("returned")
    )
    both = back.join(paid, on=by_line, how="left")

    assert len(refunds) > 100
    assert (refunds["amount"] <= 0).all()
    assert (both["paid"] + both["back"] >= -1e-9).all()
    assert (both["returned"] > both["bought"]).all()
    assert ((refunds["known_time"] > refunds["event_time"]).mean()) == pytest.approx(0.3, abs=0.08)


def test_memberships_start_before_they_renew_and_end_with_the_cancellation(shop: Simulation):
    kinds = ("subscription_start", "renewal", "tier_change", "payment_failure", "cancellation")
    seen = 0
    for rows in of_kind(shop, *kinds).partition_by("customer_id", maintain_order=True):
        order = rows["kind"].to_list()
        seen += len(order)

        assert order[0] == "subscription_start"
        assert order.count("subscription_start") == 1
        assert "cancellation" not in order[:-1]
        paid = rows.filter(pl.col("kind").is_in(["subscription_start", "renewal"]))["event_time"]
        gaps = [(b - a).total_seconds() / 86_400 for a, b in pairwise(paid)]
        assert all(27 < gap < 34 for gap in gaps)
    assert seen > 800


def test_ids_refer_to_rows_that_exist(shop: Simulation):
    customers, products = shop.tables.customers, shop.tables.products
    links, events = shop.tables.links, shop.events
    assert customers is not None
    assert products is not None
    assert links is not None
    ids = set(customers["customer_id"])

    assert set(events["customer_id"]) <= ids
    assert set(links["customer_id"]) | set(links["other_id"]) <= ids
    assert set(events["product_id"].drop_nulls()) <= set(products["product_id"])
    assert set(of_kind(shop, "refund")["order_id"]) <= set(of_kind(shop, "purchase")["order_id"])
    assert of_kind(shop, "purchase")["order_id"].null_count() == 0
    assert set(shop.truth.table()["customer_id"]) == ids


def test_products_are_sold_only_between_launch_and_end(shop: Simulation):
    latest = shop.tables.latest().products
    assert latest is not None
    sold = of_kind(shop, "purchase").join(latest, on="product_id")
    day = pl.col("event_time").dt.date()

    assert sold.select((day >= pl.col("launch")).all()).item()
    assert sold.select((pl.col("end").is_null() | (day < pl.col("end"))).all()).item()
    assert latest["end"].null_count() < len(latest)


def test_side_tables_have_their_keys_and_their_versions(shop: Simulation):
    for name, keys in KEYS.items():
        table = getattr(shop.tables, name)

        assert {*keys, "known_time"} <= set(table.columns)
        assert table["known_time"].dtype == pl.Datetime("us")
        assert table["known_time"].max() < END
        assert not table.select([*keys, "known_time"]).is_duplicated().any()
    customers, products = shop.tables.customers, shop.tables.products
    assert customers is not None
    assert products is not None
    assert len(customers) > customers["customer_id"].n_unique()
    assert len(products) > products["product_id"].n_unique()


def test_profiles_follow_the_consent_changes(shop: Simulation):
    latest = shop.tables.latest().customers
    assert latest is not None
    changed = of_kind(shop, "consent_change").join(latest, on="customer_id")

    assert len(changed) > 50
    assert ((changed["text"] == "marketing: given") == changed["marketing_consent"]).all()


def test_households_are_symmetric_and_referrers_came_first(shop: Simulation):
    links = shop.tables.links
    assert links is not None
    home = links.filter(pl.col("relation") == "household")
    pairs = set(home.select("customer_id", "other_id").iter_rows())
    referral = links.filter(pl.col("relation") == "referral").join(
        shop.truth.table().select("customer_id", came="acquired"), on="customer_id"
    )

    assert len(home) > 200
    assert pairs == {(b, a) for a, b in pairs}
    assert all(a != b for a, b in pairs)
    assert len(referral) > 200
    assert (referral["came"] < referral["known_time"]).all()


def test_the_rates_of_a_household_are_alike():
    many = simulate(SimulationSettings(n_customers=6_000, household_share=0.5), seed=3)
    links = many.tables.links
    assert links is not None
    rates = many.truth.table().select("customer_id", pl.col("rate").log().rank().alias("rate"))
    pairs = (
        links.filter(pl.col("relation") == "household")
        .join(rates, on="customer_id")
        .join(rates.rename({"customer_id": "other_id"}), on="other_id")
    )

    assert np.corrcoef(pairs["rate"], pairs["rate_right"])[0, 1] > 0.3


def test_only_consenting_customers_are_treated(shop: Simulation):
    offers = shop.truth.treatments()
    sent = of_kind(shop, "treatment").select("customer_id", "campaign")
    treated = offers.filter("treated").select("customer_id", "campaign")

    assert set(sent.iter_rows()) == set(treated.iter_rows())
    assert offers["propensity"].is_between(0, 1).all()
    fair = offers.filter("randomised")
    assert fair["treated"].mean() == pytest.approx(0.5, abs=0.03)


def test_purchases_only_leaves_everything_else_out():
    plain = simulate(SimulationSettings(n_customers=500, detail="purchases"), seed=2)

    assert plain.events["kind"].unique().to_list() == ["purchase"]
    assert plain.events["order_id"].is_unique().all()
    assert set(plain.events.columns) == set(EVENT_COLUMNS)


def test_chunks_have_ids_of_their_own():
    plain = SimulationSettings(n_customers=250, detail="purchases")
    events = pl.concat([one.events for one in simulate_chunks(plain, seed=2, n_per_chunk=100)])

    assert events["customer_id"].n_unique() == 250
    assert events["event_id"].is_unique().all()
    assert events["order_id"].is_unique().all()


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_what_is_written_reads_back(format: str, tmp_path):
    small = simulate(SimulationSettings(n_customers=40), seed=5)
    paths = small.write(tmp_path / "shop", format=format)
    if format == "parquet":
        back = pl.read_parquet(paths["events"])
    else:
        back = pl.read_csv(paths["events"], schema=small.events.schema)

    assert set(paths) == {"events", "customers", "products", "links", "calendar", "truth"}
    assert_frame_equal(back, small.events)


def test_the_log_uses_every_row_and_carries_the_side_tables(shop: Simulation):
    log = shop.log()

    assert log.quality.n_rows_used == len(shop.events)
    assert log.quality.n_rows_quarantined == 0
    assert not log.quality.warnings
    assert log.currency == "USD"
    assert log.has_clock
    assert log.has_known_time
    assert log.next_day() == date(2026, 7, 1)
    for name in KEYS:
        kept, given_ = getattr(log.tables, name), getattr(shop.tables, name)
        assert len(kept) == len(given_)
        assert set(kept.columns) >= set(given_.columns)


def test_another_format_is_refused(shop: Simulation, tmp_path):
    with pytest.raises(SettingsError, match="csv or parquet"):
        shop.write(tmp_path, format="xlsx")


@pytest.mark.slow
@given(
    n=st.integers(1, 40),
    seed=st.integers(0, 2**32),
    days=st.integers(30, 500),
    regularity=st.integers(1, 4),
    household=st.floats(0, 1),
    membership=st.floats(0, 1),
)
@settings(max_examples=20, deadline=None)
def test_any_settings_in_range_give_a_consistent_world(
    n: int, seed: int, days: int, regularity: int, household: float, membership: float
):
    asked = SimulationSettings(
        n_customers=n,
        end=date.fromordinal(date(2024, 1, 1).toordinal() + days),
        regularity=regularity,
        household_share=household,
        membership_share=membership,
    )
    world = simulate(asked, seed=seed)

    assert (world.events["known_time"] >= world.events["event_time"]).all()
    assert len(world.truth.table()) == n
    assert world.events["customer_id"].n_unique() <= n


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_customers": 0},
        {"end": date(2024, 1, 2)},
        {"mean_rate": 0.0},
        {"late_share": 1.5},
        {"regularity": 0},
        {"channels": ()},
    ],
)
def test_settings_out_of_range_are_refused_by_name(wrong: dict):
    with pytest.raises(SettingsError, match="To mend"):
        replace(SimulationSettings(), **wrong)
