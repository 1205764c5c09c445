"""What holds for every final form: mean, draws, distribution, quantiles and rows agree."""

from datetime import date

import numpy as np
import pytest
from scipy.stats import poisson

from patronage.errors import SettingsError
from patronage.forecast.quantiles import QuantileForecast
from patronage.forecast.samples import SampleForecast
from patronage.forecast.tweedie import TweedieForecast
from patronage.forecast.zero_inflated import ZeroInflatedForecast
from patronage.horizon import Horizon

HORIZON = Horizon(4, "week")
HEAD = (np.arange(3), date(2024, 1, 1), HORIZON)
SHARES = np.array([0.4, 0.3, 0.2, 0.1])


def zero_inflated(family):
    p, mean, spread = np.array([0.2, 0.7, 1.0]), np.array([50.0, 20.0, 5.0]), np.array([1, 2, 0.2])
    return ZeroInflatedForecast(*HEAD, p, mean, spread, SHARES, family)


def tweedie():
    return TweedieForecast(*HEAD, np.array([0.5, 30.0, 400.0]), 3.0, 1.6, np.tile(SHARES, (3, 1)))


def table():
    """Uniform on parts of the line, with an atom of 0.6 at zero for the first customer."""
    levels = np.array([0.0, 0.3, 0.6, 1.0])
    values = np.array([[0.0, 0.0, 0.0, 10.0], [0.0, 3.0, 6.0, 10.0], [2.0, 2.0, 5.0, 9.0]])
    widths = np.diff(levels)
    means = ((values[:, :-1] + values[:, 1:]) / 2) @ widths
    return QuantileForecast(*HEAD, levels, values, means, SHARES)


def samples():
    rng = np.random.default_rng(0)
    return SampleForecast(*HEAD, rng.gamma(2.0, 3.0, (500, 3, 4)))


FORMS = {
    "log_normal": lambda: zero_inflated("log_normal"),
    "gamma": lambda: zero_inflated("gamma"),
    "tweedie": tweedie,
    "quantiles": table,
    "samples": samples,
}


@pytest.mark.parametrize("name", FORMS)
def test_the_mean_of_the_draws_is_the_mean(name):
    form = FORMS[name]()
    draws = form.sample(40_000, np.random.default_rng(1))

    assert draws.shape == (40_000, 3, 4)
    assert draws.mean(axis=0) == pytest.approx(form.mean(), rel=0.06)
    totals = form.sample_total(40_000, np.random.default_rng(2)).mean(axis=0)
    assert totals == pytest.approx(form.mean().sum(axis=1), rel=0.05)


@pytest.mark.parametrize("name", FORMS)
def test_quantiles_cover_the_draws(name):
    form = FORMS[name]()
    totals = form.sample_total(20_000, np.random.default_rng(3))

    for level in (0.1, 0.5, 0.9):
        at = form.quantile([level])[:, 0]
        below, up_to = form.cdf(at)
        assert np.all((below <= level + 1e-9) & (up_to >= level - 1e-9))
        assert (totals <= at * (1 + 1e-12)).mean(axis=0) == pytest.approx(up_to, abs=0.015)
        assert (totals < at * (1 - 1e-12)).mean(axis=0) == pytest.approx(below, abs=0.015)


@pytest.mark.parametrize("name", FORMS)
def test_the_distribution_rises_from_nothing_to_one(name):
    form = FORMS[name]()
    grid = [form.cdf(np.full(3, money)) for money in (-1.0, 0.0, 1e-9, 0.5, 5.0, 50.0, 1e7)]
    steps = np.array(grid).reshape(-1, 3)

    assert np.all(np.diff(steps, axis=0) >= -1e-12)
    assert steps[0] == pytest.approx([0, 0, 0])
    assert steps[-1] == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("name", FORMS)
def test_some_customers_are_forecast_as_among_all(name):
    form = FORMS[name]()
    some = form.take(np.array([2, 0]))

    assert np.array_equal(some.customer_id, [2, 0])
    assert np.array_equal(some.mean(), form.mean()[[2, 0]])
    assert some.quantile([0.3, 0.8]) == pytest.approx(form.quantile([0.3, 0.8])[[2, 0]])
    assert form.take(slice(0, 1)).cdf(np.array([4.0]))[1] == pytest.approx(
        form.cdf(np.full(3, 4.0))[1][:1]
    )


def test_a_tweedie_total_is_zero_as_often_as_its_poisson_number():
    mu, phi, power = 30.0, 3.0, 1.6
    number = mu ** (2 - power) / (phi * (2 - power))

    assert tweedie().cdf(np.zeros(3))[1][1] == pytest.approx(poisson.pmf(0, number))
    draws = tweedie().sample_total(60_000, np.random.default_rng(4))
    assert draws.var(axis=0)[1:] == pytest.approx(phi * np.array([30.0, 400.0]) ** power, rel=0.06)


def test_a_tweedie_mean_of_nothing_is_a_sure_nothing():
    nothing = TweedieForecast(*HEAD, np.array([0.0, 0.0, 3.0]), 2.0, 1.5, SHARES)

    assert nothing.quantile([0.99])[:2, 0] == pytest.approx([0.0, 0.0])
    assert nothing.cdf(np.zeros(3))[1][:2] == pytest.approx([1.0, 1.0])


def test_one_draw_is_a_point():
    point = SampleForecast(*HEAD, np.full((1, 3, 4), 2.5))

    assert np.array_equal(point.quantile([0.1, 0.9]), np.full((3, 2), 10.0))
    assert point.cdf(np.full(3, 10.0)) == (pytest.approx([0, 0, 0]), pytest.approx([1, 1, 1]))


def test_falling_quantiles_are_refused():
    with pytest.raises(SettingsError, match="must not fall"):
        QuantileForecast(
            *HEAD, np.array([0.1, 0.9]), np.array([[2.0, 1.0]] * 3), np.ones(3), SHARES
        )


def test_a_power_outside_the_family_is_refused():
    with pytest.raises(SettingsError, match="between 1 and 2"):
        TweedieForecast(*HEAD, np.ones(3), 1.0, 2.5, SHARES)
