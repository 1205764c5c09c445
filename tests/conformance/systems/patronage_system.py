"""Patronage itself. Its formulas know no unit, so times go in as they are, in the inputs' own."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from conformance.calibration import covered, smallest_p_of_ranks
from conformance.systems.base import Inputs, Numbers, SumsOverCustomers, Unsupported
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.process import Process
from patronage.models.catalog import DISCRETE, MODELS, make_model
from patronage.models.likelihoods.gamma_gamma import GammaGammaLikelihood, Spends
from patronage.snapshots import RFM

__all__ = ["PatronageSystem"]


def _array(values: Any) -> np.ndarray:
    return np.asarray(values, dtype=float)


class PatronageSystem(SumsOverCustomers):
    """Answers from the likelihood, the counts and the fit of each catalogue entry."""

    name = "patronage"

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._fit = cache(self._fitted)

    def parameters(self, model: str, data: str) -> Any:
        return list(self._fit(model, data).report.parameters.values())

    def standard_errors(self, model: str, data: str) -> Any:
        return list(self._fit(model, data).report.standard_errors.values())

    def log_likelihood(self, model: str, data: str) -> Any:
        return self._fit(model, data).report.log_likelihood

    def log_likelihood_at(self, model: str, parameters: Numbers, data: str) -> Any:
        if model == "gamma_gamma":
            arrays = self._inputs[data]
            x, mean = (arrays[name][arrays["x"] > 0] for name in ("x", "mean"))
            spends = Spends.of_means(x, mean, np.ones(len(x)))
            found = GammaGammaLikelihood().log_likelihood(np.log(_array(parameters)), spends)
            return float(found.sum())
        process = _process(model)
        table = process.table(self._rfm(data))
        theta = np.log(_array(parameters))
        return float(table.weight @ process.likelihood.log_likelihood(theta, table))

    def log_probability(
        self, model: str, parameters: Numbers, x: Numbers, t_x: Numbers, T: Numbers
    ) -> Any:
        process = _process(model)
        table = process.table(_rfm(x, t_x, T))
        return process.likelihood.log_likelihood(np.log(_array(parameters)), table)

    def p_alive(self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers) -> Any:
        return self._counts(model, parameters, x, t_x, T).p_alive

    def p_alive_next(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers
    ) -> Any:
        return self._counts(model, parameters, x, t_x, T).p_alive_next

    def p_active(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers, t: float
    ) -> Any:
        return 1.0 - self._counts(model, parameters, x, t_x, T).pmf(t, 0)[:, 0]

    def expected_each(self, model: str, data: str, t: float) -> Any:
        # By the data's own rows: some models read more of a history than x, t_x and T.
        fitted = self._fit(model, data)
        return fitted.counts(self._rfm(data)).mean(np.array([0.0, t]))[:, 0]

    def expected(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers, t: float
    ) -> Any:
        return self._counts(model, parameters, x, t_x, T).mean(np.array([0.0, t]))[:, 0]

    def expected_new(self, model: str, parameters: Any, t: Numbers) -> Any:
        counts = self._counts(model, parameters, [0], [0.0], [0.0])
        return [0.0 if end == 0 else counts.mean(np.array([0.0, end]))[0, 0] for end in t]

    def pmf_new(self, model: str, parameters: Any, n: Any, t: float) -> Any:
        counts = self._counts(model, parameters, [0], [0.0], [0.0])
        return counts.pmf(t, max(n))[0, list(n)]

    def dert(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers, delta: float
    ) -> Any:
        counts = self._counts(model, parameters, x, t_x, T)
        if MODELS[model].setting == DISCRETE:
            # By opportunity, the coming one a whole period away.
            ahead = counts.mean(np.arange(1001.0))
            return ahead @ (1 + delta) ** -np.arange(1.0, 1001.0)
        return counts.dert(_annual(delta))

    def det(self, model: str, parameters: Any, delta: float) -> Any:
        return self._counts(model, parameters, [0], [0.0], [0.0]).dert(_annual(delta))[0]

    def mean_spend(self, model: str, parameters: Any, x: Numbers, mean: Numbers) -> Any:
        if model != "gamma_gamma":
            raise Unsupported
        p, q, gamma = parameters
        seen = _array(x) * _array(mean)
        return p * (gamma + seen) / (q + p * _array(x) - 1)

    def rank_p(self, model: str, *, n_sets: int, n_customers: int, seed: int) -> Any:
        return smallest_p_of_ranks(model, n_sets=n_sets, n_customers=n_customers, seed=seed)

    def coverage(self, model: str, *, of: str, level: float, n_customers: int, seed: int) -> Any:
        return covered(model, of, level=level, n_customers=n_customers, seed=seed)

    def _counts(self, model: str, parameters: Any, x: Any, t_x: Any, T: Any) -> Any:
        process = _process(model)
        if isinstance(parameters, str):
            parameters = self.parameters(model, parameters)
        return process.counts([float(p) for p in parameters], process.table(_rfm(x, t_x, T)))

    def _rfm(self, data: str) -> RFM:
        arrays = self._inputs[data]
        mean = arrays.get("mean")
        known = mean is not None and bool(mean.any())
        rfm = _rfm(arrays["x"], arrays["t_x"], arrays["T"], mean if known else None)
        return replace(rfm, log_gaps=arrays.get("log_gaps"))

    def _fitted(self, model: str, data: str) -> Any:
        rfm = self._rfm(data)
        if model == "gamma_gamma":
            return GammaGamma(use_first=False).fit_rfm(rfm)
        return _settings(model).fit_rfm(rfm)


def _annual(delta: float) -> float:
    """The effective rate a year of a continuous one per unit, which stands in for a day."""
    return float(np.expm1(365.25 * delta))


def _settings(model: str) -> Any:
    """With opportunities one unit apart."""
    if model not in MODELS:
        raise Unsupported
    settings: Any = make_model(model)
    return replace(settings, period=1) if MODELS[model].setting == DISCRETE else settings


def _process(model: str) -> Process[Any]:
    settings = _settings(model)
    process: Process[Any] = settings.process
    return process


def _rfm(x: Any, t_x: Any, T: Any, mean: Any = None) -> RFM:
    x = _array(x)
    money = None if mean is None else np.where(x > 0, mean, np.nan)
    return RFM(np.arange(len(x)), x, _array(t_x), _array(T), money)
