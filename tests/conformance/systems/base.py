"""System: what a check may ask. Plain numbers and arrays; time in the unit of the parameters."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

__all__ = ["Inputs", "System", "Unsupported"]

Numbers = Sequence[float]
# Arrays by data set and column, such as inputs["cdnow39"]["x"]; times in weeks (years for donors).
Inputs = dict[str, dict[str, np.ndarray]]


class Unsupported(Exception):
    """The system has no such model or no such question."""


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
