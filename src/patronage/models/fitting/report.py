"""FitReport: what was estimated, how surely, and what to think of it."""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

__all__ = ["FitReport"]


@dataclass(frozen=True)
class FitReport:
    """The result of fitting one likelihood by one encoder.

    Attributes
    ----------
    parameters : natural parameters (with covariates: of a customer whose are all zero); times in
        days, money in the currency of the data
    standard_errors : of the same, by the delta method from the observed information
    covariance : of the coefficients: the logarithms of the parameters, then the effects
    log_likelihood : in the same units, without any penalty
    n_customers : customers fitted, weights summed
    n_rows_compacted : distinct rows that were evaluated
    n_iterations : evaluations of the log-likelihood over all of these rows
    converged : a maximum was found: gain left below 1e-13 of |log-likelihood|, Hessian definite
    gradient_norm : largest gain per unit of any log parameter, as a share of |log-likelihood|
    condition_number : of the observed information of the log parameters; high means a ridge
    unit_bearing : parameter → power of the unit of time or money in it (1 a time, -1 a rate), of
        those that have a unit
    unit_power : the log-likelihood is higher by this times ln u in a unit u times as long
    penalised : the maximum lies at infinity, and a weak penalty holds the parameters finite
    nested : the simpler model that the data point to, where they do
    warnings : sentences that say what is doubtful and what to do about it
    effects, effect_errors : effects of covariates by name, and their standard errors; of 1 in the
        logarithm of the purchase rate, of the dropout rate or odds, or of the mean spend
    nested_lr, nested_p_value : likelihood-ratio test of `nested`, where it is in the catalogue
    has_prior : a prior or penalty that was asked for pulled at the coefficients
    """

    parameters: dict[str, float]
    standard_errors: dict[str, float]
    covariance: Float[np.ndarray, "k k"]
    log_likelihood: float
    n_customers: int
    n_rows_compacted: int
    n_iterations: int
    converged: bool
    gradient_norm: float
    condition_number: float
    unit_bearing: dict[str, int]
    unit_power: float
    penalised: bool = False
    nested: str | None = None
    warnings: tuple[str, ...] = ()
    effects: dict[str, float] = field(default_factory=dict)
    effect_errors: dict[str, float] = field(default_factory=dict)
    nested_lr: float | None = None
    nested_p_value: float | None = None
    has_prior: bool = False

    @property
    def theta(self) -> Float[np.ndarray, " k"]:
        """Logarithms of the parameters."""
        return np.asarray(np.log(list(self.parameters.values())))

    @property
    def coefficients(self) -> Float[np.ndarray, " coefficients"]:
        """θ, then the effects: what `covariance` is of."""
        return np.concatenate([self.theta, np.array(list(self.effects.values()))])

    def at(self, coefficients: Float[np.ndarray, " coefficients"]) -> "FitReport":
        """The same fit with other coefficients (times in days), such as one draw of a posterior."""
        k = len(self.parameters)
        return replace(
            self,
            parameters=dict(zip(self.parameters, np.exp(coefficients[:k]).tolist(), strict=True)),
            effects=dict(zip(self.effects, coefficients[k:].tolist(), strict=True)),
        )

    def in_unit(self, size: float | int) -> "FitReport":
        """The same fit with times (or money) in units of `size`: 7 for weeks."""

        def scaled(values: dict[str, float]) -> dict[str, float]:
            return {
                name: value / size ** self.unit_bearing.get(name, 0)
                for name, value in values.items()
            }

        return replace(
            self,
            parameters=scaled(self.parameters),
            standard_errors=scaled(self.standard_errors),
            log_likelihood=self.log_likelihood + self.unit_power * float(np.log(size)),
        )

    def mapped(
        self,
        matrix: Float[np.ndarray, "coefficients coefficients"],
        offset: Float[np.ndarray, " coefficients"],
    ) -> "FitReport":
        """The same fit in other coordinates: coefficients → matrix · coefficients + offset."""
        coefficients = matrix @ self.coefficients + offset
        covariance = matrix @ self.covariance @ matrix.T
        deviations = np.sqrt(np.diag(covariance))
        k = len(self.parameters)
        parameters = np.exp(coefficients[:k])
        return replace(
            self,
            parameters=dict(zip(self.parameters, parameters.tolist(), strict=True)),
            standard_errors=dict(
                zip(self.parameters, (parameters * deviations[:k]).tolist(), strict=True)
            ),
            covariance=covariance,
            effects=dict(zip(self.effects, coefficients[k:].tolist(), strict=True)),
            effect_errors=dict(zip(self.effects, deviations[k:].tolist(), strict=True)),
        )
