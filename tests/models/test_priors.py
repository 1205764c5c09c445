"""One prior for all methods, whatever the unit of time."""

from typing import Any

import numpy as np
import pytest

from patronage.errors import PatronageError
from patronage.models.btyd.bg_nbd import BGNBD
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.fitting.estimation import draw_posterior
from patronage.models.fitting.maximum_likelihood import climb, maximum_likelihood, report
from patronage.models.fitting.priors import FLAT, Belief, NormalPrior, Prior, Together
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.pareto_nbd import ParetoNBDLikelihood

PARETO = ParetoNBDLikelihood()


def histories(seed: int, n: int = 300) -> Histories:
    T = np.random.default_rng(seed).uniform(100, 400, n)
    process = ParetoNBD().process
    return process.simulate((0.6, 70.0, 0.6, 80.0), T, np.random.default_rng(seed))


@pytest.mark.parametrize("uncertainty", ["psis", "laplace", "bootstrap"])
@pytest.mark.parametrize("unit", [1 / 86400, 7.0])
def test_rescaling_time_changes_alpha_and_beta_and_nothing_else(uncertainty: Any, unit: float):
    table = histories(1)
    in_days = climb(PARETO, table, prior=Prior())
    in_unit = climb(PARETO, table.rescaled(unit), prior=Prior())
    days, other = report(in_days), report(in_unit)
    drawn, drawn_in_unit = (
        draw_posterior(summit, uncertainty, n_draws=100) for summit in (in_days, in_unit)
    )

    shift = np.log(unit) * np.array([0, 1, 0, 1])
    assert other.theta == pytest.approx(days.theta - shift, abs=1e-6)
    assert other.covariance == pytest.approx(days.covariance, rel=1e-4)
    assert drawn_in_unit.draws == pytest.approx(drawn.draws - shift, abs=1e-4)
    assert drawn_in_unit.weights == pytest.approx(drawn.weights, rel=1e-3)


def test_a_flat_prior_is_maximum_likelihood():
    table = histories(2)

    flat, plain = maximum_likelihood(PARETO, table, prior=FLAT), maximum_likelihood(PARETO, table)

    assert flat.theta == pytest.approx(plain.theta, abs=1e-6)
    assert flat.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-9)


def test_a_firm_belief_in_weeks_holds_a_parameter_there():
    prior = Prior(parameters={"alpha": Belief(5.0, 1e-4, unit="week")})

    report = maximum_likelihood(PARETO, histories(3), prior=prior).in_unit(7.0)

    assert report.parameters["alpha"] == pytest.approx(5.0, rel=1e-3)


def test_the_default_moves_a_thousand_customers_little_and_ten_much():
    for n, least, most in ((1000, 0.0, 0.25), (10, 0.25, np.inf)):
        table = histories(4, n)
        plain = maximum_likelihood(PARETO, table)
        held = maximum_likelihood(PARETO, table, prior=Prior())
        moved = np.abs(held.theta - plain.theta) / np.sqrt(np.diag(held.covariance))
        assert least <= moved.max() <= most
        assert (np.abs(held.theta) < 8).all()


def test_a_prior_makes_a_maximum_where_there_is_none():
    # Nobody leaves: the likelihood climbs for ever.
    T = np.full(200, 300.0)
    rng = np.random.default_rng(5)
    x = rng.poisson(rng.gamma(1.0, 0.02, 200) * T).astype(float)
    table = Histories(x, np.where(x > 0, T - 1, 0.0), T, np.ones(200))

    assert maximum_likelihood(PARETO, table).penalised
    assert not maximum_likelihood(PARETO, table, prior=Prior()).penalised


def test_densities_add_and_their_derivatives_are_right():
    one = NormalPrior(np.array([1.0, 2.0]), np.array([4.0, 0.0]))
    both = Together((one, NormalPrior(np.zeros(2), np.ones(2))))
    here, step = np.array([0.3, -0.4]), 1e-6

    found = both.moments(here)
    slope = [
        (both.moments(here + d).value - both.moments(here - d).value) / (2 * step)
        for d in step * np.eye(2)
    ]
    assert found.value == pytest.approx(-2 * 0.49 - 0.5 * (0.09 + 0.16))
    assert found.gradient == pytest.approx(slope, abs=1e-6)
    assert found.hessian == pytest.approx(-np.diag([5.0, 1.0]))


def test_spend_takes_the_same_prior_whatever_the_currency(cdnow_sample):
    from dataclasses import replace

    assert cdnow_sample.monetary_value is not None
    settings = GammaGamma(use_first=False, prior=Prior())
    dollars = settings.fit_rfm(cdnow_sample).report
    cents = settings.fit_rfm(
        replace(cdnow_sample, monetary_value=100 * cdnow_sample.monetary_value)
    ).report

    assert dollars is not None
    assert cents is not None
    assert cents.theta - dollars.theta == pytest.approx([0, 0, np.log(100)], abs=1e-6)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Belief(-1.0, 1.0), "median above 0"),
        (lambda: Belief(1.0, 0.0), "log_sd above 0"),
        (lambda: Belief(1.0, 1.0, unit="fortnight"), "fortnight"),
        (lambda: Prior(log_sd=0.0), "above 0"),
        (lambda: Prior(effects={"dropout.web": float("nan")}), "above 0"),
        (
            lambda: BGNBD(spend=None, prior=Prior(parameters={"beta": Belief(1.0, 1.0)})).fit_rfm(
                RFM5
            ),
            "beta",
        ),
    ],
)
def test_beliefs_that_cannot_be_are_refused(make, says):
    with pytest.raises(PatronageError, match=says):
        make()


def _rfm5():
    from patronage.snapshots import RFM

    x = np.array([0.0, 1.0, 2.0, 0.0, 3.0])
    return RFM(np.arange(5), x, 10 * x, np.full(5, 50.0))


RFM5 = _rfm5()
