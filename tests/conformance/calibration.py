"""Calibration by simulation: are ranks of the truth uniform, and do intervals cover as they say?

Talts et al. (2018), Validating Bayesian inference algorithms with simulation-based calibration: of
parameters drawn from the prior and data drawn from them, the rank of the truth among draws of the
posterior is uniform. What a forecast says of one customer is judged likewise, by the place of the
truth in its distribution. Whole purchases, and cash that is often none, lie on jumps: there a place
between both ends is drawn, or else too wide an interval could not be told from an honest one.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from scipy.stats import chi2

from conformance.lives import PERIOD, draw_lives
from patronage.forecast.compound import CompoundForecast
from patronage.horizon import Horizon
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.catalog import make_model
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.estimation import draw_posterior
from patronage.models.fitting.maximum_likelihood import climb
from patronage.models.fitting.priors import Belief, Prior
from patronage.models.likelihoods.gamma_gamma import GammaGammaLikelihood, Spends

__all__ = ["covered", "smallest_p_of_ranks"]

_BINS = 5
_SPREAD = 0.3
_MEDIANS = {
    "nbd": (0.6, 60.0),
    "bg_nbd": (0.6, 60.0, 0.7, 2.0),
    "mbg_nbd": (0.6, 60.0, 0.7, 2.0),
    "bg_cnbd_k": (0.9, 30.0, 0.7, 2.0),
    "mbg_cnbd_k": (0.9, 30.0, 0.7, 2.0),
    "pareto_nbd": (0.6, 60.0, 0.7, 80.0),
    "ggompertz_nbd": (0.6, 60.0, 0.01, 0.7, 2.0),
    "pareto_ggg": (3.0, 1.5, 0.6, 60.0, 0.7, 80.0),
    "bg_bb": (1.2, 2.0, 0.7, 12.0),
    "gamma_gamma": (6.0, 4.0, 15.0),
}
# Near the estimates on CDNOW; alpha and beta in days.
_USUAL = {
    "nbd": (0.38, 85.0),
    "bg_nbd": (0.24, 31.0, 0.79, 2.43),
    "mbg_nbd": (0.52, 43.0, 0.89, 1.61),
    "bg_cnbd_k": (0.6, 20.0, 0.8, 2.5),
    "mbg_cnbd_k": (0.6, 20.0, 0.8, 2.5),
    "pareto_nbd": (0.55, 74.0, 0.61, 82.0),
    "ggompertz_nbd": (0.55, 74.0, 0.004, 0.6, 2.0),
    "pareto_ggg": (3.0, 1.5, 0.55, 74.0, 0.61, 82.0),
    "bg_bb": (1.2, 2.0, 0.7, 12.0),
}
_SPEND = (6.25, 3.74, 15.44)


def smallest_p_of_ranks(model: str, *, n_sets: int, n_customers: int, seed: int) -> float:
    """Over the parameters, the smallest p of χ² for uniform ranks, times their number."""
    medians, rng = _MEDIANS[model], np.random.default_rng(seed)
    likelihood, simulate = _generator(model)
    names = likelihood.parameter_names
    beliefs = {n: Belief(m, _SPREAD) for n, m in zip(names, medians, strict=True)}
    ranks = []
    for _ in range(n_sets):
        truth = np.log(medians) + _SPREAD * rng.standard_normal(len(medians))
        table = compact(simulate(np.exp(truth), n_customers, rng)).table
        summit = climb(likelihood, table, prior=Prior(parameters=beliefs))
        posterior = draw_posterior(summit, "psis", n_draws=150, seed=int(rng.integers(1 << 30)))
        ranks.append((posterior.resampled(99).draws < truth).mean(axis=0))
    expected = n_sets / _BINS
    counts = np.stack([np.histogram(r, bins=_BINS, range=(0, 1))[0] for r in np.array(ranks).T])
    statistic = ((counts - expected) ** 2 / expected).sum(axis=1)
    return float(min(1.0, len(names) * chi2.sf(statistic, _BINS - 1).min()))


def _generator(model: str) -> tuple[Any, Callable[..., Any]]:
    """The likelihood, and what draws its table from natural parameters."""
    if model == "gamma_gamma":
        return GammaGammaLikelihood(), _spends
    process = _settings(model).process

    def histories(truth: np.ndarray, n: int, rng: np.random.Generator) -> Any:
        return process.simulate(truth.tolist(), rng.uniform(100, 300, n), rng)

    likelihood = process.likelihood
    # Why: Pareto/GGG is slow, and a millionth of a log-likelihood is nothing to a posterior.
    return getattr(likelihood, "rough", likelihood), histories


def _settings(model: str) -> Any:
    settings: Any = make_model(model)
    return replace(settings, period=PERIOD) if model == "bg_bb" else settings


def _spends(truth: np.ndarray, n: int, rng: np.random.Generator) -> Spends:
    p, q, gamma = truth
    x = 1.0 + rng.poisson(1.5, n)
    mean = rng.gamma(p * x) / x / rng.gamma(q, 1 / gamma, n)
    return Spends.of_means(x, mean, np.ones(n))


def covered(model: str, of: str, *, level: float, n_customers: int, seed: int) -> float:
    """Share of customers whose purchases or cash of a year ahead lie in the central interval.

    Fitted to what is seen of the lives of the same customers; the rest of each life is the truth.
    """
    rng, horizon = np.random.default_rng(seed), Horizon(52, "week")
    T = rng.uniform(462.0, 546.0, n_customers)
    lives = draw_lives(model, _USUAL[model], T, horizon.days, rng)
    rfm, cash = lives.rfm(rng, _SPEND)
    fitted = replace(_settings(model), spend=GammaGamma(use_first=False)).fit_rfm(rfm)
    counts = fitted.counts(rfm)
    if of == "purchases":
        draws = counts.sample(np.array([0.0, horizon.days]), 400, rng)[:, :, 0]
        return _inside(draws, lives.ahead, level, rng)
    as_of = date(2025, 7, 1)
    forecast = CompoundForecast(rfm.customer_id, as_of, horizon, counts, fitted.spend.spend(rfm))
    return _inside(forecast.sample_total(400, rng), cash, level, rng)


def _inside(draws: np.ndarray, truth: np.ndarray, level: float, rng: np.random.Generator) -> float:
    below, equal = (draws < truth).sum(axis=0), (draws == truth).sum(axis=0)
    place = (below + rng.random(len(truth)) * (equal + 1)) / (len(draws) + 1)
    return float(np.mean(np.abs(place - 0.5) <= level / 2))
