from datetime import date

import numpy as np
import pytest

from patronage.evaluate.crps import crps
from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon


def held(draws: np.ndarray) -> SampleForecast:
    ids = np.arange(draws.shape[1])
    return SampleForecast(ids, date(2024, 1, 1), Horizon(1, "week"), draws[:, :, None])


def test_a_point_forecast_scores_its_absolute_error():
    found = crps(held(np.array([[3.0, 0.0]])), np.array([1.0, 5.0]), np.random.default_rng(0))

    assert found.tolist() == [2.0, 5.0]


def test_draws_score_the_integral_of_the_squared_step():
    """Draws 0 and 4, outcome 1: (1/2)² over [0, 1] and (1/2)² over [1, 4]."""
    found = crps(held(np.array([[0.0], [4.0]])), np.array([1.0]), np.random.default_rng(0))

    assert found.tolist() == pytest.approx([0.25 * 1 + 0.25 * 3])
