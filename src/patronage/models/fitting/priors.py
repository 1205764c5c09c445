"""Priors: what is believed before the data, the same for MAP, importance sampling and NUTS.

A prior is free of units: it speaks of shapes as they are, of times and money as multiples of the
table's own unit (a tenth of the mean time observed; the geometric mean spend), and of effects per 1
of a covariate. Times in seconds, days or weeks give the same fit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

import numpy as np
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.horizon import days_per
from patronage.models.fitting.objective import LogPrior
from patronage.models.likelihoods.base import Likelihood, Moments

__all__ = ["FLAT", "Along", "Belief", "NormalPrior", "Prior", "Together"]


@final
@dataclass(frozen=True)
class NormalPrior:
    """Independent normal beliefs about the coefficients, up to a constant; precision 0 is flat.

    Attributes
    ----------
    centre, precision : of each coefficient, in the scaled unit of the table
    """

    centre: Float[np.ndarray, " coefficients"]
    precision: Float[np.ndarray, " coefficients"]

    def moments(self, coefficients: Float[np.ndarray, " coefficients"]) -> Moments:
        """-½ Σ precision (c - centre)², its gradient and Hessian."""
        away = coefficients - self.centre
        pull = self.precision * away
        return Moments(np.asarray(-0.5 * (pull @ away)), -pull, -np.diag(self.precision))


@final
@dataclass(frozen=True)
class Along:
    """A normal belief about one direction alone, which is of length 1; flat across it."""

    centre: Float[np.ndarray, " coefficients"]
    way: Float[np.ndarray, " coefficients"]
    precision: float

    def moments(self, coefficients: Float[np.ndarray, " coefficients"]) -> Moments:
        """-½ precision (way · (c - centre))², its gradient and Hessian."""
        away = float(self.way @ (coefficients - self.centre))
        pull = -self.precision * away
        hessian = -self.precision * np.outer(self.way, self.way)
        return Moments(np.asarray(0.5 * pull * away), pull * self.way, hessian)


@final
@dataclass(frozen=True)
class Together:
    """Several priors at once: their log-densities add."""

    priors: tuple[LogPrior, ...]

    def moments(self, coefficients: Float[np.ndarray, " coefficients"]) -> Moments:
        """Sums of values, gradients and Hessians."""
        parts = [prior.moments(coefficients) for prior in self.priors]
        return Moments(*(sum(part[1:], part[0]) for part in zip(*parts, strict=True)))


@final
@dataclass(frozen=True)
class Belief:
    """About one natural parameter: its logarithm is normal.

    Attributes
    ----------
    median : as likely to be above as below
    log_sd : standard deviation of the logarithm; 0.7 is a factor of 2 to either side
    unit : of the median, where the parameter is a time or a rate ('day', 'week', …)
    """

    median: float
    log_sd: float
    unit: str = "day"

    def __post_init__(self) -> None:
        if not (0 < self.median < np.inf and self.log_sd > 0):
            raise SettingsError(
                f"a belief needs a finite median above 0 and log_sd above 0; seen {self.median} "
                f"and {self.log_sd}.\nTo mend: Belief(median=10, log_sd=1, unit='week')."
            )
        days_per(self.unit)


@final
@dataclass(frozen=True)
class Prior:
    """Beliefs about the parameters and effects of any model.

    The default is weakly informative: each parameter is about 1 in the table's own unit, within a
    factor of 7 with two thirds of the belief, within 50 with 95 %; each covariate multiplies a rate
    by less than e (or divides it) with two thirds. That rules out r = 1e25, and moves an estimate
    from a thousand customers by about a tenth of its standard error.

    Attributes
    ----------
    log_sd : of parameters that are not named; infinite is flat
    effect_sd : of effects that are not named (their sizes are half-normal); infinite is flat
    parameters : name → belief
    effects : name → standard deviation around no effect
    """

    log_sd: float = 2.0
    effect_sd: float = 1.0
    parameters: Mapping[str, Belief] = field(default_factory=dict)
    effects: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        spreads = {"log_sd": self.log_sd, "effect_sd": self.effect_sd, **self.effects}
        wrong = {name: value for name, value in spreads.items() if not value > 0}
        if wrong:
            raise SettingsError(
                f"the spreads of a prior must be above 0; seen {wrong}.\n"
                "To mend: a large number says little; math.inf says nothing."
            )

    def on(
        self, likelihood: Likelihood[Any], effect_names: tuple[str, ...], unit: float
    ) -> NormalPrior:
        """The log-density of the coefficients in a unit of that many days (or money).

        Raises
        ------
        SettingsError : a belief about a parameter or an effect that the model does not have
        """
        names = likelihood.parameter_names
        self._refuse_strangers(names, effect_names)
        centre = np.zeros(len(names) + len(effect_names))
        spread = np.full(len(centre), self.log_sd)
        for place, name in enumerate(names):
            if name in self.parameters:
                belief, power = self.parameters[name], likelihood.unit_bearing[place]
                in_unit = (days_per(belief.unit) / unit) ** power
                centre[place] = np.log(belief.median * in_unit)
                spread[place] = belief.log_sd
        for place, name in enumerate(effect_names, len(names)):
            spread[place] = self.effects.get(name, self.effect_sd)
        return NormalPrior(centre, spread**-2.0)

    def _refuse_strangers(self, names: tuple[str, ...], effect_names: tuple[str, ...]) -> None:
        for kind, asked, known in (
            ("parameters", self.parameters, names),
            ("effects", self.effects, effect_names),
        ):
            strangers = [name for name in asked if name not in known]
            if strangers:
                raise SettingsError(
                    f"the prior speaks of {kind} {strangers}; the model has {list(known)}.\n"
                    "To mend: give spend and purchases a prior each, with their own names."
                )


FLAT: Final = Prior(np.inf, np.inf)
