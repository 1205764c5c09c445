"""lifetimes 0.11: its fitters with their default settings, at given parameters where asked."""

from functools import cache
from typing import Any

import numpy as np

from conformance.systems.base import Inputs, Numbers, SumsOverCustomers, Unsupported

__all__ = ["LifetimesSystem"]

NAMES = {
    "pareto_nbd": ("ParetoNBDFitter", ("r", "alpha", "s", "beta")),
    "bg_nbd": ("BetaGeoFitter", ("r", "alpha", "a", "b")),
    "mbg_nbd": ("ModifiedBetaGeoFitter", ("r", "alpha", "a", "b")),
    "bg_bb": ("BetaGeoBetaBinomFitter", ("alpha", "beta", "gamma", "delta")),
    "gamma_gamma": ("GammaGammaFitter", ("p", "q", "v")),
}


class LifetimesSystem(SumsOverCustomers):
    """Answers by the public methods; what has none is not supported."""

    name = "lifetimes"

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._fit = cache(self._fitted)

    def parameters(self, model: str, data: str) -> Any:
        return self._fit(model, data).params_.to_numpy()

    def standard_errors(self, model: str, data: str) -> Any:
        fitted = self._fit(model, data)
        if not hasattr(fitted, "standard_errors_"):
            raise Unsupported
        return fitted.standard_errors_.to_numpy()

    def log_likelihood(self, model: str, data: str) -> Any:
        # What a fit reports is of data in a unit of its own; so its parameters are put back.
        return self.log_likelihood_at(model, list(self.parameters(model, data)), data)

    def log_likelihood_at(self, model: str, parameters: Numbers, data: str) -> Any:
        table = self._inputs[data]
        if model == "gamma_gamma":
            fitted, some = self._fit(model, data), table["x"] > 0
            lost = fitted._negative_log_likelihood(
                np.log(parameters), table["x"][some], table["mean"][some], np.ones(1), 0.0
            )
            return -float(lost)
        found = self.log_probability(model, parameters, table["x"], table["t_x"], table["T"])
        return float(np.sum(found))

    def log_probability(
        self, model: str, parameters: Numbers, x: Numbers, t_x: Numbers, T: Numbers
    ) -> Any:
        fitter = self._at(model, parameters)
        x, t_x, T = (np.asarray(value, dtype=float) for value in (x, t_x, T))
        if model == "pareto_nbd":
            return fitter._conditional_log_likelihood(tuple(parameters), x, t_x, T)
        if model == "bg_bb":
            return fitter._loglikelihood(tuple(parameters), x, t_x, T)
        one = np.ones(1)
        return [
            -fitter._negative_log_likelihood(
                np.log(parameters), x[k : k + 1], t_x[k : k + 1], T[k : k + 1], one, 0.0
            )
            for k in range(len(x))
        ]

    def p_alive(self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers) -> Any:
        x, t_x, T = (np.asarray(value, dtype=float) for value in (x, t_x, T))
        fitter = self._at(model, parameters)
        if model == "bg_bb":
            return fitter.conditional_probability_alive(0, x, t_x, T)
        return fitter.conditional_probability_alive(x, t_x, T)

    def expected(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers, t: float
    ) -> Any:
        x, t_x, T = (np.asarray(value, dtype=float) for value in (x, t_x, T))
        fitter = self._at(model, parameters)
        if model == "bg_bb":
            return fitter.conditional_expected_number_of_purchases_up_to_time(t, x, t_x, T)
        return fitter.conditional_expected_number_of_purchases_up_to_time(t, x, t_x, T)

    def expected_new(self, model: str, parameters: Any, t: Numbers) -> Any:
        fitter = self._at(model, parameters)
        if model == "bg_bb":
            raise Unsupported
        return fitter.expected_number_of_purchases_up_to_time(np.asarray(t, dtype=float))

    def p_alive_next(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers
    ) -> Any:
        x, t_x, T = (np.asarray(value, dtype=float) for value in (x, t_x, T))
        if model != "bg_bb":
            raise Unsupported
        return self._at(model, parameters).conditional_probability_alive(1, x, t_x, T)

    def p_active(self, *asked: Any, **given: Any) -> Any:
        raise Unsupported

    def pmf_new(self, model: str, parameters: Any, n: Any, t: float) -> Any:
        fitter = self._at(model, parameters)
        if model == "bg_bb":
            table = fitter.expected_number_of_transactions_in_first_n_periods(int(t))
            expected = table["model"].sort_index().to_numpy()
            return expected[list(n)] / expected.sum()
        if not hasattr(fitter, "probability_of_n_purchases_up_to_time"):
            raise Unsupported
        return [fitter.probability_of_n_purchases_up_to_time(t, k) for k in n]

    def dert(self, *asked: Any, **given: Any) -> Any:
        raise Unsupported

    def det(self, *asked: Any, **given: Any) -> Any:
        raise Unsupported

    def mean_spend(self, model: str, parameters: Any, x: Numbers, mean: Numbers) -> Any:
        import pandas as pd

        return self._at(model, parameters).conditional_expected_average_profit(
            pd.Series(x, dtype=float), pd.Series(mean, dtype=float)
        )

    def rank_p(self, *asked: Any, **given: Any) -> Any:
        raise Unsupported

    def coverage(self, *asked: Any, **given: Any) -> Any:
        raise Unsupported

    def _fitted(self, model: str, data: str) -> Any:
        fitter, table = _made(model), self._inputs[data]
        if model == "gamma_gamma":
            some = table["x"] > 0
            return fitter.fit(table["x"][some], table["mean"][some])
        if model == "bg_bb":
            import pandas as pd

            rows = pd.DataFrame({name: table[name] for name in ("x", "t_x", "T")})
            rows = rows.groupby(["x", "t_x", "T"]).size().reset_index(name="w")
            return fitter.fit(rows["x"], rows["t_x"], rows["T"], rows["w"])
        return fitter.fit(table["x"], table["t_x"], table["T"])

    def _at(self, model: str, parameters: Any) -> Any:
        import pandas as pd

        if isinstance(parameters, str):
            return self._fit(model, parameters)
        fitter = _made(model)
        fitter.params_ = pd.Series(parameters, index=list(NAMES[model][1]))
        fitter.predict = None
        return fitter


def _made(model: str) -> Any:
    import lifetimes

    if model not in NAMES:
        raise Unsupported
    return getattr(lifetimes, NAMES[model][0])()
