"""Every way to a posterior, held to one that is known exactly, and to each other.

The toy: x ~ Poisson(rate), θ = ln rate with a flat prior, so that rate | x ~ Gamma(Σ x, n). It is
skewed: the normal approximation is visibly wrong where Σ x is small.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import gamma, nbinom

from patronage.errors import SettingsError
from patronage.models.btyd.process import histories_of
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.estimation import draw_posterior
from patronage.models.fitting.laplace import rng_of
from patronage.models.fitting.loo import compare, leave_one_out
from patronage.models.fitting.maximum_likelihood import climb, report
from patronage.models.fitting.newton import maximise
from patronage.models.fitting.posterior import Posterior
from patronage.models.fitting.priors import FLAT, Prior
from patronage.models.likelihoods.base import Moments
from patronage.models.likelihoods.bg_nbd import BGNBDLikelihood
from patronage.models.likelihoods.mbg_nbd import MBGNBDLikelihood
from patronage.models.likelihoods.pareto_nbd import ParetoNBDLikelihood


@dataclass(frozen=True)
class Counts:
    x: Any
    weight: Any
    unit: float = 1.0
    unit_power: float = 0.0

    def __len__(self):
        return len(self.x)

    @property
    def columns(self):
        return (self.x,)

    def grouped(self, first, weight):
        return Counts(self.x[first], weight)

    def take(self, rows):
        return Counts(self.x[rows], self.weight[rows])

    def rescaled(self, unit):
        assert unit == 1.0
        return self

    def thinned(self, every):
        return self.take(slice(None, None, every))


class Poisson:
    parameter_names = ("rate",)
    unit_bearing = (False,)
    limits = ()
    effects: Any = {}  # noqa: RUF012

    def starts(self, table):
        return np.log([[1.3 * float(table.weight @ table.x / table.weight.sum())]])

    def log_likelihood(self, theta, table):
        theta = theta[..., 0]
        return table.x * theta - np.exp(theta) - gammaln(table.x + 1)

    def row_moments(self, theta, table):
        rate = np.exp(theta)
        value = self.log_likelihood(theta, table)
        return Moments(value, table.x[:, None] - rate, -rate[:, :, None])

    def moments(self, theta, table):
        rows = self.row_moments(np.broadcast_to(theta, (len(table), 1)), table)
        w = table.weight
        total = np.einsum("r,rij->ij", w, rows.hessian)
        return Moments(np.asarray(w @ rows.value), w @ rows.gradient, total)


SKEWED = Counts(np.array([0.0, 1.0, 2.0]), np.array([4.0, 1.0, 1.0]))  # Σ x = 3, n = 6
EXACT = gamma(3, scale=1 / 6)


def drawn(uncertainty: Any, n_draws: int, seed: int = 0) -> Posterior:
    summit = climb(Poisson(), SKEWED, prior=FLAT)
    return draw_posterior(summit, uncertainty, n_draws=n_draws, seed=seed)


@pytest.mark.parametrize("uncertainty", ["psis", pytest.param("nuts", marks=pytest.mark.slow)])
def test_the_known_posterior_is_found(uncertainty):
    told = drawn(uncertainty, 4000).summary()

    # Some 1,300 chain draws are effective: a standard error of 0.03 sd.
    assert told["mean"]["rate"] == pytest.approx(EXACT.mean(), abs=0.1 * EXACT.std())
    assert told["sd"]["rate"] == pytest.approx(EXACT.std(), rel=0.08)
    assert told["interval"]["rate"] == pytest.approx(EXACT.ppf([0.025, 0.975]), rel=0.12)
    if uncertainty == "psis":
        assert told["k_hat"] < 0.5
        assert 2000 < told["ess"] <= 4000
    else:
        assert told["r_hat"] < 1.01
        assert told["n_divergent"] == 0


def test_the_normal_approximation_alone_is_visibly_wrong_here():
    told = drawn("laplace", 20_000).summary()

    # ln rate ~ N(ln 1/2, 1/3), so the mean is ½ e^(1/6) and no Gamma's.
    assert told["mean"]["rate"] == pytest.approx(0.5 * np.exp(1 / 6), rel=0.02)
    assert told["mean"]["rate"] > EXACT.mean() + 0.2 * EXACT.std()


def test_bootstrap_spread_is_that_of_resampled_customers():
    # Over-dispersed: the model's own standard error is too small, the sandwich is right.
    x = np.random.default_rng(1).negative_binomial(0.5, 0.1, 2000).astype(float)
    table = Counts(x, np.ones(2000))

    found = np.sqrt(draw_posterior(climb(Poisson(), table), "bootstrap").covariance[0, 0])

    assert found == pytest.approx(x.std() / x.mean() / np.sqrt(2000), rel=0.07)
    assert found > 2 / np.sqrt(x.sum())


def test_a_row_of_many_customers_is_resampled_as_many():
    x = np.repeat([0.0, 1.0, 5.0], [600, 300, 100])
    many = draw_posterior(climb(Poisson(), Counts(x, np.ones(1000))), "bootstrap", n_draws=4000)
    table = Counts(np.array([0.0, 1.0, 5.0]), np.array([600.0, 300.0, 100.0]))
    few = draw_posterior(climb(Poisson(), table), "bootstrap", n_draws=4000)

    assert few.covariance == pytest.approx(many.covariance, rel=0.1)


def test_one_newton_step_is_nearly_a_refit(cdnow_master):
    summit = climb(BGNBDLikelihood(), compact(histories_of(cdnow_master)).table)
    steps = draw_posterior(summit, "bootstrap", n_draws=12)
    weight = summit.objective.table.weight
    rng = rng_of(summit, 0)
    drawn_weight = rng.standard_gamma(weight, size=(12, len(weight)))
    drawn_weight *= weight.sum() / drawn_weight.sum(axis=1, keepdims=True)

    refits = np.stack(
        [
            maximise(summit.objective.reweighted(one), summit.optimum.theta).theta + summit.shift
            for one in drawn_weight
        ]
    )
    sd = np.sqrt(np.diag(summit.covariance))
    # The step's error is quadratic: a tenth of a sd at two of them, and little on average.
    assert np.abs((steps.draws - refits) / sd).max() < 0.2
    assert np.abs((steps.draws - refits) / sd).mean() < 0.03


@pytest.mark.slow
@pytest.mark.parametrize(
    "likelihood", [BGNBDLikelihood(), MBGNBDLikelihood(), ParetoNBDLikelihood()]
)
def test_methods_agree_where_the_posterior_is_nearly_normal(likelihood, cdnow_master):
    summit = climb(likelihood, compact(histories_of(cdnow_master)).table, prior=Prior())
    laplace = draw_posterior(summit, "laplace", n_draws=4000)
    psis = draw_posterior(summit, "psis", n_draws=400)

    assert psis.k_hat is not None
    assert psis.k_hat < 0.62
    assert psis.ess > 300
    sd = np.sqrt(np.diag(laplace.covariance))
    apart = np.abs(psis.weights @ psis.draws - laplace.weights @ laplace.draws) / sd
    assert apart.max() < 0.3
    assert np.sqrt(np.diag(psis.covariance)) == pytest.approx(sd, rel=0.2)


@pytest.mark.slow
def test_chains_agree_with_importance_sampling_on_cdnow(cdnow_sample):
    summit = climb(BGNBDLikelihood(), compact(histories_of(cdnow_sample)).table, prior=Prior())
    psis = draw_posterior(summit, "psis", n_draws=2000)
    chains = draw_posterior(summit, "nuts", n_draws=1200)

    assert chains.r_hat is not None
    assert chains.r_hat < 1.01
    assert chains.n_divergent == 0
    assert chains.ess > 500
    sd = np.sqrt(np.diag(psis.covariance))
    assert np.abs(psis.weights @ psis.draws - chains.draws.mean(axis=0)) / sd == pytest.approx(
        np.zeros(4), abs=0.12
    )


@pytest.mark.slow
def test_where_weights_cannot_be_trusted_chains_are_run():
    # Twenty draws have no tail to speak of.
    psis, auto, again = (drawn(method, 20) for method in ("psis", "auto", "auto"))

    assert psis.k_hat == np.inf
    assert "cannot be trusted" in psis.warnings[0]
    assert auto.method == "nuts"
    assert len(auto.draws) == 20
    assert any("effective draws" in sentence for sentence in auto.warnings)
    assert np.array_equal(auto.draws, again.draws)


@pytest.mark.parametrize("uncertainty", ["laplace", "psis", "bootstrap"])
def test_the_seed_decides_the_draws(uncertainty):
    first, again, other = (drawn(uncertainty, 100, seed) for seed in (7, 7, 8))

    assert np.array_equal(first.draws, again.draws)
    assert not np.array_equal(first.draws, other.draws)


def test_resampled_draws_have_equal_weights_and_the_same_moments():
    weighted = drawn("psis", 4000)
    equal = weighted.resampled(4000, seed=3)

    assert equal.weights == pytest.approx(np.full(4000, 1 / 4000))
    mean = float(weighted.weights @ weighted.draws[:, 0])
    assert equal.draws.mean() == pytest.approx(mean, abs=0.02)
    assert equal.draws.std() == pytest.approx(float(np.sqrt(weighted.covariance[0, 0])), rel=0.03)


def test_leaving_one_out_is_exact_where_it_is_known():
    rng = np.random.default_rng(5)
    x = rng.poisson(1.2, 60).astype(float)
    table = compact(Counts(x, np.ones(60))).table
    posterior = draw_posterior(climb(Poisson(), table, prior=FLAT), "psis", n_draws=2000)

    loo = leave_one_out(Poisson(), table, posterior)

    # x_i | the others is negative binomial: Gamma(Σ x - x_i, n - 1) mixed over Poisson.
    size = x.sum() - table.x
    exact = nbinom.logpmf(table.x, size, 59 / 60)
    assert loo.pointwise == pytest.approx(exact, abs=0.01)
    assert loo.elpd == pytest.approx(float(table.weight @ exact), abs=0.2)
    assert loo.p_loo == pytest.approx(1.0, abs=0.4)
    assert loo.k_hat.max() < 0.6
    assert loo.n_doubtful == 0


@pytest.mark.slow
def test_leaving_one_out_tells_models_apart_as_the_likelihood_does(cdnow_sample):
    table = compact(histories_of(cdnow_sample)).table
    told = {}
    for likelihood in (BGNBDLikelihood(), ParetoNBDLikelihood()):
        summit = climb(likelihood, table, prior=Prior())
        posterior = draw_posterior(summit, "psis", n_draws=300)
        loo = leave_one_out(likelihood, table, posterior)
        told[type(likelihood)] = loo
        # Four parameters, well known: the price of each is about 1.
        assert loo.p_loo == pytest.approx(4, abs=1.5)
        assert report(summit).log_likelihood - loo.elpd == pytest.approx(4, abs=2)
    bg, pareto = told[BGNBDLikelihood], told[ParetoNBDLikelihood]
    gain, error = compare(bg, pareto)

    assert gain == pytest.approx(bg.elpd - pareto.elpd)
    assert 0 < error < bg.standard_error
    assert compare(bg, bg) == (0.0, 0.0)
    with pytest.raises(SettingsError, match="one table"):
        compare(bg, leave_one_out(Poisson(), SKEWED, drawn("laplace", 50)))
