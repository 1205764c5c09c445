"""Totals over many customers: the same whatever the chunks."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from patronage.forecast.totals import total_draws
from patronage.forecast.zero_inflated import ZeroInflatedForecast
from patronage.horizon import Horizon

N = 1500


def forecast(*, uncertain=False):
    rng = np.random.default_rng(0)
    factors = np.stack([np.full(N, 0.5), rng.normal(0, 0.2, N)], axis=1) if uncertain else None
    return ZeroInflatedForecast(
        np.arange(N),
        date(2024, 1, 1),
        Horizon(1, "month"),
        rng.uniform(0.1, 0.9, N),
        rng.uniform(1.0, 9.0, N),
        np.ones(N),
        np.ones(1),
        mean_factors=factors,
    )


def chunks(whole, size=N, worth=1.0):
    for start in range(0, N, size):
        part = whole.take(slice(start, start + size))
        yield part, np.full(part.n_customers, worth)


@pytest.mark.parametrize("size", [256, 512, 1024])
def test_chunks_do_not_change_the_draws(size):
    whole = forecast(uncertain=True)

    assert total_draws(chunks(whole, size), 50, seed=3) == pytest.approx(
        total_draws(chunks(whole), 50, seed=3), rel=1e-12
    )


def test_the_total_has_the_mean_and_spread_of_its_parts():
    whole = forecast()
    draws = total_draws(chunks(whole), 2000, seed=1)
    parts = whole.sample_total(4000, np.random.default_rng(2))

    assert draws.mean() == pytest.approx(whole.mean().sum(), rel=0.01)
    assert draws.std() == pytest.approx(np.sqrt(parts.var(axis=0).sum()), rel=0.1)


def test_shared_uncertainty_does_not_average_out():
    whole = forecast(uncertain=True)
    draws = total_draws(chunks(whole), 2000, seed=1)

    shared = np.linalg.norm(whole.mean_factors.sum(axis=0))
    own = total_draws(chunks(forecast()), 2000, seed=1).std()
    assert draws.std() == pytest.approx(np.hypot(shared, own), rel=0.1)


def test_weights_value_each_customers_cash():
    whole = forecast(uncertain=True)
    twice = total_draws(chunks(whole, worth=2.0), 20, seed=1)

    assert twice == pytest.approx(2 * total_draws(chunks(whole), 20, seed=1))


def test_a_total_of_which_little_is_known_is_uncertain_but_never_negative():
    little = replace(forecast(), mean_factors=forecast().mean() * 1.2)
    draws = total_draws(chunks(little), 2000, seed=1)
    known = total_draws(chunks(forecast()), 2000, seed=1)

    assert draws.min() > 0
    assert np.median(draws) == pytest.approx(np.median(known), rel=0.1)
    assert np.log(draws).std() == pytest.approx(1.2, rel=0.05)


def test_doubt_without_end_has_bounds_all_the_same():
    lost = replace(forecast(), mean_factors=forecast().mean() * 50.0)
    draws = total_draws(chunks(lost), 2000, seed=1)

    assert np.isfinite(draws).all()
    assert np.log(draws).std() == pytest.approx(3.0, rel=0.05)


def test_a_total_that_may_be_a_loss_moves_both_ways():
    whole = forecast(uncertain=True)
    lossy = [(part, -worth) for part, worth in chunks(whole)]

    gained = total_draws(chunks(whole), 2000, seed=1)
    lost = total_draws(lossy, 2000, seed=1)
    assert lost.max() < 0
    assert lost.std() == pytest.approx(gained.std(), rel=0.1)
