"""EmpiricalHurdleForecast: quantile, cdf, draws and mean tell of one distribution."""

from datetime import date

import numpy as np
import pytest

from patronage.forecast.empirical_hurdle import EmpiricalHurdleForecast
from patronage.horizon import Horizon


def _forecast(n: int = 60, seed: int = 0) -> EmpiricalHurdleForecast:
    rng = np.random.default_rng(seed)
    levels = np.linspace(0.0, 1.0, 201)
    # Exponential and uniform ratios, each of mean 1.
    exponential = -np.log1p(-np.minimum(levels, 0.9995))
    ratios = np.stack([exponential / np.trapezoid(exponential, levels), 2.0 * levels])
    return EmpiricalHurdleForecast(
        np.arange(n),
        date(2026, 1, 1),
        Horizon(4, "week"),
        rng.uniform(0.05, 0.95, n),
        rng.gamma(2.0, 20.0, n) + 1.0,
        np.tile([0.4, 0.3, 0.2, 0.1], (n, 1)),
        levels,
        ratios,
        rng.uniform(0.0, 1.0, n),
    )


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9, 0.99])
def test_the_cdf_undoes_the_quantile(level: float) -> None:
    forecast = _forecast()

    at = forecast.quantile([level])[:, 0]
    below, upto = forecast.cdf(at)

    positive = level > 1.0 - forecast.p_positive
    assert upto[positive] == pytest.approx(level, abs=2e-3)
    assert (at[~positive] == 0.0).all()
    assert (below <= upto).all()
    assert upto[~positive] == pytest.approx(1.0 - forecast.p_positive[~positive])


def test_draws_have_the_mean_and_the_zeros() -> None:
    forecast = _forecast(n=20)

    draws = forecast.sample(40_000, np.random.default_rng(1))

    assert draws.shape == (40_000, 20, 4)
    assert draws.mean(axis=0) == pytest.approx(forecast.mean(), rel=0.06)
    assert (draws.sum(axis=2) > 0).mean(axis=0) == pytest.approx(forecast.p_positive, abs=0.02)


def test_some_customers_are_forecast_as_before() -> None:
    forecast = _forecast()
    rows = np.array([3, 17, 5])

    some = forecast.take(rows)

    np.testing.assert_array_equal(some.mean(), forecast.mean()[rows])
    np.testing.assert_array_equal(some.quantile([0.9]), forecast.quantile([0.9])[rows])


def test_nothing_lies_below_zero() -> None:
    forecast = _forecast()

    below, upto = forecast.cdf(np.full(forecast.n_customers, -1.0))

    assert (below == 0).all()
    assert (upto == 0).all()
