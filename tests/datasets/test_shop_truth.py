"""The truth of the simulated shop: expectations that what happens agrees with."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.datasets import SimulationSettings, simulate
from patronage.datasets.shop import Simulation
from patronage.errors import HorizonError, SettingsError
from patronage.horizon import Horizon

AS_OF = date(2025, 7, 1)
YEAR = Horizon(12, "month")


@pytest.fixture(scope="module")
def crowd() -> Simulation:
    return simulate(SimulationSettings(n_customers=20_000, start=date(2024, 1, 1)), seed=11)


def happened(shop: Simulation, as_of: date, horizon: Horizon) -> pl.DataFrame:
    """Orders and fees (counted once) and net cash of those who came before as_of."""
    came = shop.truth.table().filter(pl.col("acquired") < as_of).select("customer_id")
    end = as_of + timedelta(days=int(np.ceil(horizon.days)))
    window = pl.col("event_time").is_between(as_of, end, closed="left")
    rows = shop.events.filter(window).join(came, on="customer_id")
    return rows.group_by("customer_id").agg(
        pl.col("order_id").filter(pl.col("kind") == "purchase").n_unique().alias("orders"),
        pl.col("kind").is_in(["subscription_start", "renewal"]).sum().alias("fees"),
        pl.col("amount").sum(),
    )


def test_what_happens_in_a_year_agrees_with_the_outlook(crowd: Simulation):
    outlook = crowd.truth.outlook(AS_OF, YEAR)
    seen = happened(crowd, AS_OF, YEAR)
    n_expected, n_seen = outlook.purchases.sum(), (seen["orders"] + seen["fees"]).sum()

    assert n_seen > 10_000
    # Counts vary a little more than Poisson: customers leave early or late.
    assert abs(n_seen - n_expected) < 5 * np.sqrt(3 * n_expected)
    assert seen["amount"].sum() == pytest.approx(outlook.cash.sum(), rel=0.05)


def test_the_outlook_holds_for_each_month(crowd: Simulation):
    outlook = crowd.truth.outlook(AS_OF, YEAR)
    edges = outlook.horizon.edges()
    rows = crowd.events.filter(pl.col("kind").is_in(["purchase", "subscription_start", "renewal"]))
    rows = rows.join(pl.DataFrame({"customer_id": outlook.customer_id}), on="customer_id")
    once = rows.unique(pl.coalesce("order_id", "event_id"))
    days = (once["event_time"] - pl.Series([AS_OF]).cast(pl.Datetime("us"))).dt.total_seconds()
    seen, _ = np.histogram(days.to_numpy() / 86_400, edges)
    expected = outlook.purchases.sum(axis=0)

    assert np.all(np.abs(seen - expected) < 5 * np.sqrt(2 * expected))


def test_who_has_left_is_expected_to_do_nothing(crowd: Simulation):
    outlook = crowd.truth.outlook(AS_OF, YEAR)

    assert 0 < outlook.alive.mean() < 1
    assert not outlook.purchases[~outlook.alive].any()
    assert not outlook.cash[~outlook.alive].any()
    assert (outlook.purchases[outlook.alive].sum(axis=1) > 0).all()
    bought = happened(crowd, AS_OF, YEAR).filter(pl.col("orders") > 0)["customer_id"]
    assert set(bought) <= set(outlook.customer_id[outlook.alive])


def test_without_seasons_the_outlook_is_the_pareto_nbd_formula():
    plain = SimulationSettings(n_customers=300, detail="purchases", seasonality=0.0)
    shop = simulate(plain, seed=1)
    who, horizon = shop.truth.customers, Horizon(52, "week")
    outlook = shop.truth.outlook(plain.end, horizon)
    rate, mu = who.rate[outlook.alive], who.death_rate[outlook.alive]

    assert outlook.purchases[outlook.alive].sum(axis=1) == pytest.approx(
        rate * -np.expm1(-mu * horizon.days) / mu, rel=1e-9
    )


def test_the_outlook_adds_up_over_horizons(crowd: Simulation):
    weeks = crowd.truth.outlook(AS_OF, Horizon(26, "week"))
    halves = crowd.truth.outlook(AS_OF, Horizon(2, "quarter"))
    days = crowd.truth.outlook(AS_OF, Horizon(182, "day"))

    assert weeks.cash.sum(axis=1) == pytest.approx(days.cash.sum(axis=1), rel=1e-9)
    assert halves.cash.sum() > weeks.cash.sum()


def test_moments_are_near_those_of_the_gamma_laws():
    plain = SimulationSettings(
        n_customers=100_000, detail="purchases", rate_shape=1.5, death_shape=3.0, business_share=0.0
    )
    who = simulate(plain, seed=4).truth.customers
    quality = np.array([c.rate for c in plain.channels])[who.channel]
    life = np.array([c.lifetime for c in plain.channels])[who.channel]
    rate, death = who.rate / quality, who.death_rate * life

    assert rate.mean() == pytest.approx(plain.mean_rate, rel=0.02)
    assert rate.var() == pytest.approx(plain.mean_rate**2 / 1.5, rel=0.05)
    assert death.mean() == pytest.approx(3.0 / plain.death_scale, rel=0.02)
    assert (who.lifetime * who.death_rate).mean() == pytest.approx(1.0, rel=0.02)


@pytest.mark.slow
def test_linked_rates_are_gamma_all_the_same():
    mixed = SimulationSettings(n_customers=50_000, rate_shape=1.5, household_share=0.6)
    who = simulate(mixed, seed=4).truth.customers
    quality = np.array([c.rate for c in mixed.channels])[who.channel]
    rate = who.rate / quality / np.where(who.business, 1.5, 1.0)

    assert rate.mean() == pytest.approx(mixed.mean_rate, rel=0.03)
    assert rate.var() == pytest.approx(mixed.mean_rate**2 / 1.5, rel=0.08)


def test_regular_customers_buy_as_often_but_more_evenly():
    def gaps(regularity: int) -> np.ndarray:
        asked = SimulationSettings(
            n_customers=3_000, detail="purchases", seasonality=0.0, regularity=regularity,
            rate_shape=50.0, mean_rate=1 / 20, death_shape=50.0, death_scale=5e5,
        )  # fmt: skip
        events = simulate(asked, seed=2).events.sort("customer_id", "event_time")
        gap = events.select(pl.col("event_time").diff().over("customer_id").dt.total_seconds())
        return gap["event_time"].drop_nulls().to_numpy() / 86_400

    poisson, erlang = gaps(1), gaps(4)

    assert erlang.mean() == pytest.approx(poisson.mean(), rel=0.05)
    assert (erlang.std() / erlang.mean()) < 0.65 * (poisson.std() / poisson.mean())


def test_campaigns_cause_the_orders_that_the_truth_says(crowd: Simulation):
    offers = crowd.truth.treatments().filter("treated")
    caused = crowd.events.filter((pl.col("kind") == "purchase") & pl.col("campaign").is_not_null())
    n_caused = caused["order_id"].n_unique()

    assert n_caused == pytest.approx(offers["extra_orders"].sum(), rel=0.08)


def test_a_randomised_campaign_shows_its_effect_in_the_difference_of_means(crowd: Simulation):
    offers = crowd.truth.treatments().filter("randomised")
    name = offers.group_by("campaign").len().sort("len")["campaign"][-1]
    offers = offers.filter(pl.col("campaign") == name)
    number = crowd.truth.campaigns.name.index(name)
    sent = crowd.settings.start + timedelta(days=int(crowd.truth.campaigns.start[number]))
    window = Horizon(crowd.settings.campaign_days, "day")
    both = offers.join(happened(crowd, sent, window), on="customer_id", how="left").fill_null(0)
    arm = both.group_by("treated").agg(
        pl.col("orders").mean(), (pl.col("orders").std() / pl.len().sqrt()).alias("error")
    ).sort("treated")  # fmt: skip
    lift = arm["orders"][1] - arm["orders"][0]

    assert abs(lift - offers["extra_orders"].mean()) < 4 * np.hypot(*arm["error"])


def test_the_outlook_ends_where_the_world_does():
    shop = simulate(SimulationSettings(n_customers=20), seed=0)

    with pytest.raises(SettingsError, match="runs from"):
        shop.truth.outlook(date(2027, 1, 1), YEAR)
    with pytest.raises(HorizonError, match="ten years"):
        shop.truth.outlook(date(2026, 7, 1), Horizon(12, "year"))
