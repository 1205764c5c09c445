"""Draws from the buy-till-you-die processes agree with what is known of them."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from patronage.datasets.btyd import BTYD_PARAMETERS, simulate_btyd
from patronage.errors import SettingsError
from patronage.horizon import Horizon

MODELS = sorted(BTYD_PARAMETERS)
WEEK = 7.0


@pytest.mark.parametrize(
    ("model", "parameters", "published"),
    [
        ("pareto_nbd", {"r": 0.5533, "alpha": 10.5776, "s": 0.6061, "beta": 11.6664}, 1.473434),
        ("bg_nbd", {"r": 0.2425945, "alpha": 4.4136019, "a": 0.7929199, "b": 2.4258881}, 1.444004),
    ],
)
def test_a_new_customer_of_cdnow_makes_the_published_number_of_purchases_in_a_year(
    model, parameters, published
):
    """E[X(52)] at the published estimates, which are in weeks."""
    days = {name: v * (WEEK if name in ("alpha", "beta") else 1) for name, v in parameters.items()}
    drawn = simulate_btyd(model, 200_000, parameters=days, days=365, acquisition_days=1, seed=3)
    x = drawn.rfm["frequency"].to_numpy()

    assert abs(x.mean() - published) < 4 * x.std() / np.sqrt(len(x)) + 0.004


@pytest.mark.parametrize("model", MODELS)
def test_the_share_without_a_repeat_is_that_of_the_formula(model):
    drawn = simulate_btyd(model, 100_000, days=300, acquisition_days=1, seed=5)
    p, share = drawn.parameters, float((drawn.rfm["frequency"] == 0).mean())
    silent = (p["alpha"] / (p["alpha"] + 299.5)) ** p["r"]
    if model == "bg_nbd":
        assert share == pytest.approx(silent, abs=0.006)
    elif model == "mbg_nbd":
        at_once = p["a"] / (p["a"] + p["b"])
        assert share == pytest.approx(at_once + (1 - at_once) * silent, abs=0.006)
    else:
        assert share > silent + 0.05


@pytest.mark.parametrize("model", MODELS)
def test_purchases_agree_with_the_latent_traits(model):
    drawn = simulate_btyd(model, 200_000, seed=8)
    rate, hazard = drawn.latent["rate"].to_numpy(), drawn.latent["hazard"].to_numpy()
    span = drawn.rfm["T"].to_numpy()
    expected = rate * -np.expm1(-hazard * span) / np.maximum(hazard, 1e-300)
    if model == "mbg_nbd":
        expected *= 1 - drawn.latent["p_dropout"].to_numpy()
    x = drawn.rfm["frequency"].to_numpy()

    assert abs(x.mean() - expected.mean()) < 4 * (x - expected).std() / np.sqrt(len(x))


@pytest.mark.parametrize("model", MODELS)
def test_the_living_are_as_many_as_the_latent_traits_say(model):
    drawn = simulate_btyd(model, 200_000, seed=9)
    hazard, span = drawn.latent["hazard"].to_numpy(), drawn.rfm["T"].to_numpy()
    alive = np.exp(-hazard * span)
    if model == "mbg_nbd":
        alive *= 1 - drawn.latent["p_dropout"].to_numpy()

    assert drawn.latent["alive"].mean() == pytest.approx(alive.mean(), abs=0.005)


@pytest.mark.parametrize("model", MODELS)
def test_expected_purchases_add_up_and_need_a_living_customer(model):
    drawn = simulate_btyd(model, 2_000, seed=2)
    weeks = drawn.expected_purchases(Horizon(52, "week"))

    assert weeks.shape == (2_000, 52)
    assert weeks.sum(axis=1) == pytest.approx(
        drawn.expected_purchases(Horizon(364, "day")).sum(axis=1), rel=1e-9
    )
    assert not weeks[~drawn.latent["alive"].to_numpy()].any()
    assert (np.diff(weeks, axis=1) <= 1e-12).all()


def test_spend_has_the_moments_of_gamma_gamma():
    p, q, gamma = 6.0, 6.0, 20.0
    drawn = simulate_btyd("bg_nbd", 100_000, spend=(p, q, gamma), seed=4)
    mean = drawn.latent["mean_spend"].to_numpy()
    first = drawn.events.group_by("customer_id", maintain_order=True).first()["amount"].to_numpy()

    assert mean.mean() == pytest.approx(p * gamma / (q - 1), rel=0.01)
    assert mean.std() / mean.mean() == pytest.approx((q - 2) ** -0.5, rel=0.05)
    assert np.mean((first / mean - 1) ** 2) == pytest.approx(1 / p, rel=0.02)


def test_without_spend_every_purchase_is_worth_one():
    drawn = simulate_btyd("mbg_nbd", 100, spend=None, seed=4)

    assert drawn.events["amount"].unique().to_list() == [1.0]


@pytest.mark.parametrize("model", MODELS)
@given(n=st.integers(1, 60), seed=st.integers(0, 2**32), whole_days=st.booleans())
@settings(max_examples=25, deadline=None)
def test_the_summary_is_that_of_the_events(model, n, seed, whole_days):
    drawn = simulate_btyd(model, n, seed=seed, whole_days=whole_days)
    rfm, events = drawn.rfm, drawn.events
    counted = events.group_by("customer_id", maintain_order=True).len()

    assert (counted["len"] - 1 == rfm["frequency"]).all()
    assert ((rfm["recency"] >= 0) & (rfm["recency"] <= rfm["T"])).all()
    assert ((rfm["recency"] == 0) == (rfm["frequency"] == 0)).all()
    assert events["event_time"].cast(pl.Date).max() < drawn.as_of
    assert_frame_equal(simulate_btyd(model, n, seed=seed, whole_days=whole_days).events, events)


def test_whole_days_have_one_purchase_a_day():
    drawn = simulate_btyd("pareto_nbd", 5_000, whole_days=True, seed=6, start=date(2020, 1, 1))

    assert drawn.events["event_time"].dtype == pl.Date
    assert not drawn.events.select("customer_id", "event_time").is_duplicated().any()
    assert (drawn.rfm["recency"] % 1 == 0).all()
    assert drawn.rfm["T"].max() == 545.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"parameters": {"r": 1.0}},
        {"parameters": {"r": 1.0, "alpha": -1.0, "a": 1.0, "b": 1.0}},
        {"days": 10, "acquisition_days": 10},
    ],
)
def test_what_is_no_process_is_refused(wrong):
    with pytest.raises(SettingsError, match="To mend"):
        simulate_btyd("bg_nbd", 10, **wrong)
