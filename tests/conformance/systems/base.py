"""System: what a check may ask. Plain numbers and arrays; time in the unit of the parameters."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

__all__ = ["Inputs", "NotPut", "SumsOverCustomers", "System", "Unsupported"]

Numbers = Sequence[float]
Spans = Sequence[tuple[float, float]]
# Arrays by data set and column, such as inputs["cdnow39"]["x"]; times in weeks (years for donors).
Inputs = dict[str, dict[str, np.ndarray]]


class Unsupported(Exception):
    """The system has no such model or no such question."""


class NotPut(Exception):
    """The system may well answer, but the question would take it too long to be put here."""


class SumsOverCustomers:
    """What follows from a system's other answers."""

    _inputs: Inputs

    def expected_by_frequency(self: Any, model: str, data: str, t: float) -> Any:
        """Mean of `expected` at the own fit, of those with 0, 1, … 6, and 7 or more repeats."""
        x, expected = self._inputs[data]["x"], self.expected_each(model, data, t)
        return [expected[np.minimum(x, 7) == n].mean() for n in range(8)]

    def expected_total(self: Any, model: str, data: str, t: float) -> Any:
        """Sum of `expected` at the own fit."""
        return self.expected_each(model, data, t).sum()

    def expected_each(self: Any, model: str, data: str, t: float) -> Any:
        """`expected` at the own fit, of each customer of the data."""
        x, t_x, T = (self._inputs[data][name] for name in ("x", "t_x", "T"))
        return np.asarray(self.expected(model, data, x, t_x, T, t))

    def expected_in_spans(self: Any, model: str, data: str, spans: Spans) -> Any:
        """Repeat purchases of the whole cohort in spans of time since its first customer came."""
        T = self._inputs[data]["T"]
        born, weight = np.unique(T.max() - T, return_counts=True)
        ages = np.maximum(np.asarray(spans, dtype=float)[..., None] - born, 0.0)
        asked, place = np.unique(ages, return_inverse=True)
        found = np.asarray(self.expected_new(model, data, asked[asked > 0].tolist()))
        found = np.append(np.zeros(int(asked[0] == 0)), found)
        return np.diff(found[place].reshape(ages.shape) @ weight, axis=1)[:, 0]


class System(Protocol):
    """Parameters are a sequence in the model's order, or the name of a data set: at its own fit."""

    name: str

    def parameters(self, model: str, data: str) -> Any:
        """Maximum-likelihood estimates."""
        ...

    def standard_errors(self, model: str, data: str) -> Any:
        """Of the same."""
        ...

    def log_likelihood(self, model: str, data: str) -> Any:
        """At the estimates."""
        ...

    def log_likelihood_at(self, model: str, parameters: Numbers, data: str) -> Any:
        """Of a data set at given parameters."""
        ...

    def log_probability(
        self, model: str, parameters: Numbers, x: Numbers, t_x: Numbers, T: Numbers
    ) -> Any:
        """Of each history."""
        ...

    def p_alive(self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers) -> Any:
        """P(alive at T | history)."""
        ...

    def expected(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers, t: float
    ) -> Any:
        """Expected purchases in (T, T + t] given the history."""
        ...

    def p_alive_next(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers
    ) -> Any:
        """P(alive at the opportunity after T | history), of discrete models."""
        ...

    def p_active(
        self, model: str, parameters: Any, x: Numbers, t_x: Numbers, T: Numbers, t: float
    ) -> Any:
        """P(a purchase in (T, T + t] | history)."""
        ...

    def expected_new(self, model: str, parameters: Any, t: Numbers) -> Any:
        """Expected repeat purchases of a just-acquired customer by each t."""
        ...

    def pmf_new(self, model: str, parameters: Any, n: Sequence[int], t: float) -> Any:
        """P(X(t) = n) of a just-acquired customer."""
        ...

    def dert(
        self,
        model: str,
        parameters: Any,
        x: Numbers,
        t_x: Numbers,
        T: Numbers,
        delta: float,
    ) -> Any:
        """Discounted expected residual transactions; delta: continuous rate per unit of time, of
        discrete models the rate per opportunity.
        """
        ...

    def det(self, model: str, parameters: Any, delta: float) -> Any:
        """Discounted expected transactions of a just-acquired customer, its first not included."""
        ...

    def mean_spend(self, model: str, parameters: Any, x: Numbers, mean: Numbers) -> Any:
        """Expected money per purchase, given x repeat purchases of that mean."""
        ...

    def rank_p(self, model: str, *, n_sets: int, n_customers: int, seed: int) -> Any:
        """The smallest p of uniform ranks of the truth in the posterior (`calibration`)."""
        ...

    def coverage(self, model: str, *, of: str, level: float, n_customers: int, seed: int) -> Any:
        """Share of customers inside the predictive interval of their purchases or cash."""
        ...
