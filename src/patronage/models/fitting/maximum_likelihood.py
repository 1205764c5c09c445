"""Maximum likelihood: from a likelihood, an encoder and a table to a FitReport.

Units are chosen so that numbers are around 10 and undone at the end. Large tables are climbed on a
thinned table first. Where the likelihood has no maximum at finite parameters (a ridge or boundary),
a penalty of ½ Σ (θ - start)² / 9, that is a standard deviation of a factor e³ around the moment
estimates, is added, and the report says so and names the simpler model; elsewhere there is none.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
from jaxtyping import Float

from patronage.errors import FitError, NotEnoughDataError
from patronage.models.encoders.base import Encoder
from patronage.models.encoders.constant import ConstantEncoder
from patronage.models.fitting.newton import Optimum, maximise
from patronage.models.fitting.objective import LogPrior, Objective
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.base import Likelihood, Limit, Moments, Table

__all__ = ["FEW_CUSTOMERS", "maximum_likelihood"]

TableT = TypeVar("TableT", bound=Table)
LogDensity = Callable[[Float[np.ndarray, " k"]], Moments]

FEW_CUSTOMERS: Final = 50
_PRECISION: Final = 1 / 9
# A standard error of a logarithm beyond which a parameter counts as unknown: a factor e^4 = 55.
_UNKNOWN: Final = 4.0
_THIN: Final = 20_000
# How far, in log units, a parameter must have been pulled for its limit to be named.
_PULLED: Final = 1.5


def maximum_likelihood(
    likelihood: Likelihood[TableT],
    table: TableT,
    *,
    encoder: Encoder[Any] | None = None,
    prior: LogPrior | None = None,
) -> FitReport:
    """Fit the encoder's coefficients, θ itself by default.

    Parameters
    ----------
    prior : log-density added to the log-likelihood, of the coefficients in the scaled unit
        (`table.unit`); with one, the maximum is that of the posterior (MAP)

    Raises
    ------
    NotEnoughDataError : the table has no rows
    FitError : no start leads to finite numbers
    """
    if len(table) == 0:
        raise NotEnoughDataError(
            "there is no customer to learn from.\n"
            "To mend: give a log with purchases on more than one day, or a later as_of."
        )
    encoder = encoder or ConstantEncoder()
    scaled = table.rescaled(table.unit)
    objective = Objective(likelihood, encoder, scaled, prior)
    starts = likelihood.starts(scaled)
    # Effects of covariates begin at none.
    starts = np.pad(starts, ((0, 0), (0, len(encoder.effect_names))))
    optimum = maximise(objective, _near_start(objective, starts[0]))
    if _suspect(optimum):
        others = [maximise(objective, start) for start in starts]
        sound = [other for other in others if not _suspect(other)]
        optimum = max(sound or [optimum, *others], key=lambda found: float(found.moments.value))
    penalised = _suspect(optimum)
    if penalised:
        optimum = _held(objective, starts)
    return _report(objective, optimum, table.unit, penalised=penalised)


def _near_start(objective: Objective, start: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """The optimum of a thinned table where the table is large: a start a few steps away."""
    every = len(objective.table) // _THIN
    if every < 3:
        return start
    found = maximise(objective.thinned(every), start)
    return start if _suspect(found) else found.theta


def _suspect(optimum: Optimum) -> bool:
    if not optimum.converged:
        return True
    return bool(np.linalg.eigvalsh(-optimum.moments.hessian)[0] < _UNKNOWN**-2)


def _held(objective: LogDensity, starts: Float[np.ndarray, "starts k"]) -> Optimum:
    centre = starts[0]

    def penalised(theta: Float[np.ndarray, " k"]) -> Moments:
        here, away = objective(theta), theta - centre
        return Moments(
            here.value - 0.5 * _PRECISION * (away @ away),
            here.gradient - _PRECISION * away,
            here.hessian - _PRECISION * np.eye(len(centre)),
        )

    # Why: the penalty itself keeps the search from infinity, so that it may look further.
    found = [maximise(penalised, start, box=20.0) for start in starts]
    best = max(found, key=lambda optimum: (optimum.converged, float(optimum.moments.value)))
    if not best.converged or not np.isfinite(best.moments.value):
        raise FitError(
            "no maximum of the likelihood was found from any start; the best point reached was "
            f"log parameters {np.round(best.theta, 3).tolist()} after {best.n_iterations} steps.\n"
            "To mend: look at the data with `patronage doctor`; fit a longer history or more "
            "customers; or use a baseline."
        )
    return best


def _report(objective: Objective, optimum: Optimum, unit: float, *, penalised: bool) -> FitReport:
    """Undo the unit, and say what is to be said."""
    likelihood, table = objective.likelihood, objective.table
    names, effects = likelihood.parameter_names, objective.encoder.effect_names
    k = len(names)
    theta = optimum.theta[:k] + np.log(unit) * np.array(likelihood.unit_bearing)
    covariance = np.linalg.inv(-optimum.moments.hessian)
    covariance = (covariance + covariance.T) / 2
    deviations = np.sqrt(np.diag(covariance))
    parameters = np.exp(theta)
    plain = optimum.moments
    if penalised or objective.prior is not None:
        plain = Objective(likelihood, objective.encoder, table)(optimum.theta)
    value = float(plain.value)
    curvature = np.linalg.eigvalsh(-optimum.moments.hessian)
    n_customers = round(float(table.weight.sum()))
    nested, warnings = None, []
    if penalised:
        nested, sentence = _diagnosis(likelihood, plain)
        warnings.append(sentence)
    if n_customers < FEW_CUSTOMERS:
        warnings.append(
            f"only {n_customers} customers were fitted: the parameters are rough guesses; "
            "trust their standard errors, or pool this group with others"
        )
    return FitReport(
        dict(zip(names, parameters.tolist(), strict=True)),
        dict(zip(names, (parameters * deviations[:k]).tolist(), strict=True)),
        covariance,
        value - table.unit_power * float(np.log(unit)),
        n_customers,
        len(table),
        optimum.n_iterations,
        optimum.converged,
        float(np.abs(optimum.moments.gradient).max()) / max(1.0, abs(value)),
        float(curvature[-1] / curvature[0]),
        tuple(np.array(names)[np.array(likelihood.unit_bearing)].tolist()),
        table.unit_power,
        penalised,
        nested,
        tuple(warnings),
        dict(zip(effects, optimum.theta[k:].tolist(), strict=True)),
        dict(zip(effects, deviations[k:].tolist(), strict=True)),
    )


def _diagnosis(likelihood: Likelihood[Any], here: Moments) -> tuple[str | None, str]:
    """Which simpler models lie uphill: at a penalised optimum the bare gradient points there.

    One about each thing (purchases, dropout, spend), if the likelihood climbs along its direction
    and is nearly straight there.
    """
    best: dict[str, tuple[float, Limit]] = {}
    for limit in likelihood.limits:
        way = np.zeros(len(here.gradient))
        way[: len(limit.direction)] = np.array(limit.direction) / np.linalg.norm(limit.direction)
        climb, curvature = float(way @ here.gradient), float(-way @ here.hessian @ way)
        if climb > _PULLED * _PRECISION and curvature < 1.0:
            known = best.get(limit.about, (0.0, limit))
            best[limit.about] = max(known, (climb, limit), key=lambda pair: pair[0])
    held = "the likelihood has no maximum at finite parameters"
    advice = (
        "a weak penalty holds them finite. Predictions are usable, single parameters are not; "
        "more customers, a longer history or the simpler model would mend it"
    )
    if not best:
        return None, f"{held} that these data can tell; {advice}"
    found = [limit for _, limit in best.values()]
    meanings = " and ".join(dict.fromkeys(limit.meaning for limit in found))
    nested = " + ".join(dict.fromkeys(limit.nested for limit in found))
    return nested, f"{held}: {meanings} (limit: {nested}); {advice}"
