"""p_zero: told cheaply, it is what the distribution function says at zero."""

from datetime import date

import numpy as np
import pytest

from patronage.forecast.compound import CompoundForecast
from patronage.forecast.empirical_hurdle import EmpiricalHurdleForecast
from patronage.forecast.poisson_gamma import GammaSpend, PoissonCounts
from patronage.forecast.quantiles import QuantileForecast
from patronage.forecast.samples import SampleForecast
from patronage.forecast.spend import GammaGammaSpend, UnitSpend
from patronage.forecast.tweedie import TweedieForecast
from patronage.forecast.zero_inflated import ZeroInflatedForecast
from patronage.horizon import Horizon
from patronage.models.btyd.compacted_counts import CompactedCounts
from patronage.models.btyd.counts_beta_geometric import BetaGeometricCounts
from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts

HORIZON = Horizon(2, "week")
WHO = (np.arange(3), date(2024, 1, 1), HORIZON)
EVEN = np.array([0.5, 0.5])
HISTORY = np.array([0.0, 2.0, 9.0]), np.array([0.0, 50.0, 80.0]), np.array([90.0, 70.0, 90.0])
GAMMA_GAMMA = GammaGammaSpend(6.0, np.array([4.0, 16.0, 58.0]), np.array([15.0, 80.0, 300.0]))

COUNTS = {
    "poisson": PoissonCounts(np.array([0.0, 0.1, 2.0])),
    "pareto_nbd": ParetoNBDCounts(0.5, 70.0, 0.6, 80.0, *HISTORY),
    "bg_nbd": BetaGeometricCounts(0.3, 30.0, 0.8, 2.5, *HISTORY),
    "mbg_nbd": BetaGeometricCounts(0.3, 30.0, 0.8, 2.5, *HISTORY, modified=True),
    "compacted": CompactedCounts(
        ParetoNBDCounts(0.5, 70.0, 0.6, 80.0, *(column[:2] for column in HISTORY)),
        np.array([1, 0, 1]),
    ),
}

FORMS = {
    **{
        f"{name} of {type(spend).__name__}": CompoundForecast(*WHO, counts, spend, ratio)
        for name, counts in COUNTS.items()
        for spend in (GAMMA_GAMMA, GammaSpend(2.0, np.ones(3)), UnitSpend(3))
        for ratio in (0.9,)
    },
    "paid back": CompoundForecast(*WHO, COUNTS["pareto_nbd"], GAMMA_GAMMA, -0.5),
    "nothing": CompoundForecast(*WHO, COUNTS["pareto_nbd"], GAMMA_GAMMA, 0.0),
    "tweedie": TweedieForecast(*WHO, np.array([0.0, 3.0, 90.0]), 4.0, 1.5, EVEN),
    "log_normal": ZeroInflatedForecast(
        *WHO, np.array([0.1, 0.5, 1.0]), np.full(3, 20.0), np.full(3, 0.5), EVEN
    ),
    "gamma": ZeroInflatedForecast(
        *WHO, np.array([0.1, 0.5, 1.0]), np.full(3, 20.0), np.full(3, 0.5), EVEN, "gamma"
    ),
    "empirical": EmpiricalHurdleForecast(
        *WHO,
        np.array([0.1, 0.5, 1.0]),
        np.full(3, 20.0),
        np.tile(EVEN, (3, 1)),
        np.array([0.0, 0.5, 1.0]),
        np.array([[0.1, 1.0, 2.0]]),
        np.zeros(3),
    ),
    "samples": SampleForecast(*WHO, np.array([[[0, 0], [0, 2], [-1, 0]], [[0, 1]] * 3], float)),
    "quantiles": QuantileForecast(
        *WHO,
        np.array([0.0, 0.4, 1.0]),
        np.array([[0.0, 0.0, 9.0], [0.0, 2.0, 3.0], [1.0, 2.0, 3.0]]),
        np.ones(3),
        EVEN,
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_p_zero_is_the_distribution_function_at_zero(form):
    forecast = FORMS[form]

    assert forecast.p_zero() == pytest.approx(forecast.cdf(np.zeros(3))[1], abs=1e-12)


@pytest.mark.parametrize("form", [name for name in FORMS if " of " in name])
def test_draws_of_the_total_have_its_mean_and_its_zeros(form):
    forecast = FORMS[form]
    draws = forecast.sample_total(40_000, np.random.default_rng(1))
    error = draws.std(axis=0) / 200

    assert np.all(np.abs(draws.mean(axis=0) - forecast.mean().sum(axis=1)) <= 5 * error)
    assert (draws == 0).mean(axis=0) == pytest.approx(forecast.p_zero(), abs=0.01)


def test_customers_alike_but_for_the_scale_of_their_spend_share_their_quantiles():
    alike = np.array([0, 1, 0, 0, 1])
    spend = GammaGammaSpend(
        6.0, np.array([4.0, 16.0, 4.0, 5.0, 16.0]), np.array([15.0, 80.0, 30.0, 15.0, 8.0])
    )
    five = np.arange(5), *WHO[1:]
    distinct = PoissonCounts(np.array([0.1, 0.5]))
    shared = CompoundForecast(*five, CompactedCounts(distinct, alike), spend)
    apart = CompoundForecast(*five, distinct.take(alike), spend)

    found = shared.quantile([0.3, 0.9])

    assert found == pytest.approx(apart.quantile([0.3, 0.9]), rel=1e-9)
    assert found[2] == pytest.approx(2 * found[0])
    assert shared.cdf(found[:, 1])[1] == pytest.approx(apart.cdf(found[:, 1])[1], abs=1e-12)
    rows = np.array([4, 0])
    assert shared.take(rows).quantile([0.9]) == pytest.approx(found[rows, 1:], rel=1e-9)
