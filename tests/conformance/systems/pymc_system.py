"""PyMC-Marketing 0.19: MAP with flat priors, which is maximum likelihood; else by its methods.

Its default priors pull these small samples away from the published estimates, rightly so by its own
lights; a check of published estimates must leave them out.
"""

import logging
from functools import cache
from typing import Any

import numpy as np

from conformance.systems.base import Inputs, NotPut, Numbers, SumsOverCustomers, Unsupported

__all__ = ["PymcSystem"]

NAMES = {
    "pareto_nbd": ("ParetoNBDModel", ("r", "alpha", "s", "beta")),
    "bg_nbd": ("BetaGeoModel", ("r", "alpha", "a", "b")),
    "mbg_nbd": ("ModifiedBetaGeoModel", ("r", "alpha", "a", "b")),
    "bg_bb": ("BetaGeoBetaBinomModel", ("alpha", "beta", "gamma", "delta")),
    "gamma_gamma": ("GammaGammaModel", ("p", "q", "v")),
}


class PymcSystem(SumsOverCustomers):
    """Answers by the public methods; what has none is not supported."""

    name = "pymc-marketing"

    def __init__(self, inputs: Inputs) -> None:
        logging.disable(logging.WARNING)
        self._inputs = inputs
        self._fit = cache(self._fitted)
        self._at = cache(self._put)

    def parameters(self, model: str, data: str) -> Any:
        posterior = self._fit(model, data).idata.posterior
        return [float(posterior[name].mean()) for name in NAMES[model][1]]

    def standard_errors(self, model: str, data: str) -> Any:
        # A maximum a posteriori has none; sampling would give posterior deviations.
        raise Unsupported

    def log_likelihood(self, model: str, data: str) -> Any:
        parameters = self.parameters(model, data)
        return self.log_likelihood_at(model, parameters, data)

    def log_likelihood_at(self, model: str, parameters: Numbers, data: str) -> Any:
        table = self._inputs[data]
        found = self.log_probability(model, parameters, table["x"], table["t_x"], table["T"])
        return float(np.sum(found))

    def log_probability(
        self, model: str, parameters: Numbers, x: Numbers, t_x: Numbers, T: Numbers
    ) -> Any:
        import pymc as pm
        from pymc_marketing.clv import distributions

        T = np.asarray(T, dtype=float)
        value = np.column_stack([np.asarray(t_x, dtype=float), np.asarray(x, dtype=float)])
        if model == "pareto_nbd":
            made = distributions.ParetoNBD.dist(*parameters, T=T)
        elif model in ("bg_nbd", "mbg_nbd"):
            kind = "BetaGeoNBD" if model == "bg_nbd" else "ModifiedBetaGeoNBD"
            r, alpha, a, b = parameters
            made = getattr(distributions, kind).dist(a=a, b=b, r=r, alpha=alpha, T=T)
        elif model == "bg_bb":
            made = distributions.BetaGeoBetaBinom.dist(*parameters, T=T)
        else:
            raise Unsupported
        return pm.logp(made, value).eval()

    def p_alive(self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers) -> Any:
        fitted = self._at(model, parameters)
        rows = _rows(x, t_x, T)
        if model == "pareto_nbd":
            return _mean(fitted.expected_probability_alive(rows, future_t=0))
        if model == "bg_bb":
            return _mean(fitted.expected_probability_alive(rows.astype(int), future_t=0))
        return _mean(fitted.expected_probability_alive(rows))

    def expected(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers, t: float
    ) -> Any:
        rows = _rows(x, t_x, T)
        if model == "bg_bb":
            rows, t = rows.astype(int), int(t)
        return _mean(self._at(model, parameters).expected_purchases(rows, future_t=t))

    def expected_new(self, model: str, parameters: Any, t: Numbers) -> Any:
        fitted = self._at(model, parameters)
        rows = _rows([0], [0.0], [1.0])
        return [float(_mean(fitted.expected_purchases_new_customer(rows, t=end))[0]) for end in t]

    def p_alive_next(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers
    ) -> Any:
        if model != "bg_bb":
            raise Unsupported
        rows = _rows(x, t_x, T).astype(int)
        return _mean(self._at(model, parameters).expected_probability_alive(rows, future_t=1))

    def p_active(self, *asked: Any, **given: Any) -> Any:
        raise Unsupported

    def pmf_new(self, model: str, parameters: Any, n: Any, t: float) -> Any:
        raise Unsupported

    def dert(self, *asked: Any, **given: Any) -> Any:
        raise Unsupported

    def det(self, *asked: Any, **given: Any) -> Any:
        raise Unsupported

    def mean_spend(self, model: str, parameters: Any, x: Numbers, mean: Numbers) -> Any:
        import pandas as pd

        rows = pd.DataFrame({"customer_id": range(len(x)), "frequency": x, "monetary_value": mean})
        return _mean(self._at(model, parameters).expected_customer_spend(rows))

    def rank_p(self, model: str, *asked: Any, **given: Any) -> Any:
        if model not in NAMES:
            raise Unsupported
        # Its posterior is that of chains: sixty fits would take hours.
        raise NotPut

    def coverage(self, *asked: Any, **given: Any) -> Any:
        # Of customers with a history it gives expectations under the posterior, not what is bought.
        raise Unsupported

    def _fitted(self, model: str, data: str) -> Any:
        table = self._inputs[data]
        if model == "gamma_gamma":
            some = table["x"] > 0
            import pandas as pd

            rows = pd.DataFrame(
                {
                    "customer_id": np.flatnonzero(some),
                    "frequency": table["x"][some],
                    "monetary_value": table["mean"][some],
                }
            )
        else:
            rows = _rows(table["x"], table["t_x"], table["T"])
        fitted = _made(model)
        fitted.fit(rows, method="map", progressbar=False)
        return fitted

    def _put(self, model: str, parameters: Any) -> Any:
        if isinstance(parameters, str):
            return self._fit(model, parameters)
        sample = {"gamma_gamma": "cdnow39", "bg_bb": "donations"}.get(model, "cdnow39")
        small = {name: values[:400] for name, values in self._inputs[sample].items()}
        fitted = PymcSystem({"small": small})._fitted(model, "small")
        for name, value in zip(NAMES[model][1], parameters, strict=True):
            fitted.idata.posterior[name].values[...] = value
        return fitted


def _made(model: str) -> Any:
    from pymc_extras.prior import Prior
    from pymc_marketing import clv

    if model not in NAMES:
        raise Unsupported
    kind, names = NAMES[model]
    return getattr(clv, kind)(model_config={name: Prior("HalfFlat") for name in names})


def _rows(x: Any, t_x: Any, T: Any) -> Any:
    import pandas as pd

    return pd.DataFrame(
        {
            "customer_id": range(len(x)),
            "frequency": np.asarray(x, dtype=float),
            "recency": np.asarray(t_x, dtype=float),
            "T": np.asarray(T, dtype=float),
        }
    )


def _mean(found: Any) -> Any:
    return found.mean(("chain", "draw")).to_numpy()
