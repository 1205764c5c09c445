"""Maximum likelihood: from a likelihood, an encoder and a table to a FitReport.

Units are chosen so that numbers are around 10 and undone at the end. Large tables are climbed on a
thinned table first. Where the likelihood has no maximum at finite parameters (a ridge or boundary),
a penalty of ½ Σ (θ - start)² / 9, that is a standard deviation of a factor e³ around the moment
estimates, is added, and the report says so and names the simpler model; elsewhere there is none.
On a ridge that is level (`Limit.level`) it is centred where the climb ended, so that it costs no
likelihood.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np
from jaxtyping import Float

from patronage.errors import FitError, NotEnoughDataError
from patronage.models.encoders.base import Encoder
from patronage.models.encoders.constant import ConstantEncoder
from patronage.models.fitting.newton import BOX, Optimum, maximise
from patronage.models.fitting.objective import LogPrior, Objective
from patronage.models.fitting.priors import Along, NormalPrior, Prior, Together
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.base import Likelihood, Limit, Moments, Table

__all__ = ["FEW_CUSTOMERS", "Summit", "climb", "maximum_likelihood", "report"]

TableT = TypeVar("TableT", bound=Table)

FEW_CUSTOMERS: Final = 50
_NO_MAXIMUM: Final = "the likelihood has no maximum at finite parameters"
_PRECISION: Final = 1 / 9
# A standard error of a logarithm beyond which a parameter counts as unknown: a factor e^4 = 55.
_UNKNOWN: Final = 4.0
# Rows of a thinned table that is climbed on the way to a large one, and to look around.
_THIN: Final = 1_500
_SCOUTED: Final = 750
# What may be left to gain there, as a share: far less than what the rows left out will add.
_NEAR: Final = 1e-6
# The same where a likelihood was climbed roughly, whose own error is about as large.
_ROUGH: Final = 1e-10
# What may be left to gain, per log unit of any parameter, at the end of a level ridge.
_LEVEL: Final = 1e-3
# The widest search, for what is held by a penalty or lies at the end of a ridge.
_WIDE: Final = 40.0
# How far, in log units, a parameter must have been pulled for its limit to be named.
_PULLED: Final = 1.5


@dataclass(frozen=True)
class Summit:
    """The top of a log-density: what every approximation of a posterior starts from.

    Attributes
    ----------
    objective : in the scaled unit, with the prior or the penalty that holds it
    optimum : where it is highest
    unit : days (or money) of the scaled unit
    penalised : there is no top at finite parameters without a penalty
    ridge : where only the way along a level ridge is held, the limit at its end
    """

    objective: Objective
    optimum: Optimum
    unit: float
    penalised: bool = False
    ridge: Limit | None = None

    @property
    def covariance(self) -> Float[np.ndarray, "coefficients coefficients"]:
        """Inverse of the observed information."""
        covariance = np.linalg.inv(-self.optimum.moments.hessian)
        return np.asarray((covariance + covariance.T) / 2)

    @property
    def shift(self) -> Float[np.ndarray, " coefficients"]:
        """What is added to scaled coefficients to give those in days (or the data's money)."""
        bears = np.array(self.objective.likelihood.unit_bearing, dtype=float)
        n_effects = len(self.objective.encoder.effect_names)
        return np.asarray(np.log(self.unit) * np.pad(bears, (0, n_effects)))


def maximum_likelihood(
    likelihood: Likelihood[TableT],
    table: TableT,
    *,
    encoder: Encoder[Any] | None = None,
    prior: Prior | LogPrior | None = None,
) -> FitReport:
    """Fit the encoder's coefficients, θ itself by default: `climb`, told in days."""
    return report(climb(likelihood, table, encoder=encoder, prior=prior))


def climb(
    likelihood: Likelihood[TableT],
    table: TableT,
    *,
    encoder: Encoder[Any] | None = None,
    prior: Prior | LogPrior | None = None,
    penalty: LogPrior | None = None,
) -> Summit:
    """Find the maximum of the likelihood, or with a prior that of the posterior (MAP).

    Parameters
    ----------
    prior : beliefs in natural units, or a log-density of the coefficients in the scaled unit
        (`table.unit`)
    penalty : a second such log-density

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
    unit = table.unit
    scaled = table.rescaled(unit)
    if isinstance(prior, Prior):
        prior = prior.on(likelihood, encoder.effect_names, unit)
    objective = Objective(likelihood, encoder, scaled, prior)
    objective = objective if penalty is None else _with(objective, penalty)
    starts = likelihood.starts(encoder.observed(scaled))
    # Effects of covariates begin at none.
    starts = np.pad(starts, ((0, 0), (0, len(encoder.effect_names))))
    optimum = _top(objective, _near_start(objective.rough, starts[0]))
    if _suspect(optimum):
        others = [_top(objective, start) for start in _elsewhere(objective.rough, starts[1:])]
        sound = [other for other in others if not _suspect(other)]
        optimum = max(sound or [optimum, *others], key=lambda found: float(found.moments.value))
    if not _suspect(optimum):
        return Summit(objective, optimum, unit)
    ridge = _level_ridge(objective, optimum, unit)
    if ridge is not None:
        return ridge
    objective, optimum = _held(objective, starts)
    return Summit(objective, optimum, unit, penalised=True)


def _top(objective: Objective, start: Float[np.ndarray, " k"], *, box: float = BOX) -> Optimum:
    """The optimum, most of the way climbed roughly where that is quicker."""
    rough = objective.rough
    if rough is not objective:
        start = maximise(rough, start, box=box, tolerance=_ROUGH).theta
    return maximise(objective, start, box=box)


def _near_start(objective: Objective, start: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """The optimum of a thinned table where the table is large: a start a few steps away."""
    every = len(objective.table) // _THIN
    # Why twice: what a fiftieth tells of a ridge is far from what all do, at many steps of all.
    for step in (every, round(every**0.5)):
        if step < 3:
            break
        found = maximise(objective.thinned(step), start, tolerance=_NEAR)
        # Why not from a ridge of the part: out there the whole is level too, maximum or not.
        if _suspect(found):
            break
        start = found.theta
    return start


def _elsewhere(
    objective: Objective, starts: Float[np.ndarray, "starts k"]
) -> list[Float[np.ndarray, " k"]]:
    """Where else to begin: at all of these, or on a large table, where the best of them leads."""
    every = len(objective.table) // _SCOUTED
    if every < 6:
        return list(starts)
    thin = objective.thinned(every)
    found = [maximise(thin, start) for start in starts]
    best = max(found, key=lambda one: (not _suspect(one), float(one.moments.value)))
    return [best.theta]


def _level_ridge(objective: Objective, optimum: Optimum, unit: float) -> Summit | None:
    """The optimum held where it is on a level ridge; None if it is on none."""
    levels = [limit for limit in objective.likelihood.limits if limit.level]
    if not levels:
        return None
    if np.abs(optimum.moments.gradient).max() > _LEVEL:
        # Why: the climb stops at the box, where the other parameters may not have arrived yet.
        # Far enough is where the end of the ridge lies a millionth of a log-likelihood above.
        optimum = maximise(objective, optimum.theta, box=_WIDE, tolerance=1e-12)
    if np.abs(optimum.moments.gradient).max() > _LEVEL:
        return None
    curvature, basis = np.linalg.eigh(-optimum.moments.hessian)
    if curvature[1] < _UNKNOWN**-2:
        return None
    for limit in levels:
        way = _way(limit, len(curvature))
        if abs(float(way @ basis[:, 0])) > 0.99:
            held = _with(objective, Along(optimum.theta, way, _PRECISION))
            hessian = optimum.moments.hessian - _PRECISION * np.outer(way, way)
            here = optimum.moments._replace(hessian=hessian)
            top = replace(optimum, moments=here, converged=True, escaped=False)
            return Summit(held, top, unit, ridge=limit)
    return None


def _way(limit: Limit, k: int) -> Float[np.ndarray, " k"]:
    """The limit's direction, of length 1."""
    way = np.zeros(k)
    way[: len(limit.direction)] = limit.direction
    return way / float(np.linalg.norm(way))


def _suspect(optimum: Optimum) -> bool:
    if not optimum.converged:
        return True
    return bool(np.linalg.eigvalsh(-optimum.moments.hessian)[0] < _UNKNOWN**-2)


def _held(objective: Objective, starts: Float[np.ndarray, "starts k"]) -> tuple[Objective, Optimum]:
    centre = starts[0]
    penalised = _with(objective, NormalPrior(centre, np.full(len(centre), _PRECISION)))
    # Why: the penalty itself keeps the search from infinity, so that it may look further.
    found = [_top(penalised, start, box=_WIDE) for start in starts]
    best = max(found, key=lambda optimum: (optimum.converged, float(optimum.moments.value)))
    if not best.converged or not np.isfinite(best.moments.value):
        raise FitError(
            "no maximum of the likelihood was found from any start; the best point reached was "
            f"log parameters {np.round(best.theta, 3).tolist()} after {best.n_iterations} steps.\n"
            "To mend: look at the data with `patronage doctor`; fit a longer history or more "
            "customers; or use a baseline."
        )
    return penalised, best


def _with(objective: Objective, penalty: LogPrior) -> Objective:
    prior = penalty if objective.prior is None else Together((objective.prior, penalty))
    return replace(objective, prior=prior)


def report(summit: Summit) -> FitReport:
    """Undo the unit, and say what is to be said."""
    objective, optimum, unit = summit.objective, summit.optimum, summit.unit
    likelihood, table = objective.likelihood, objective.table
    names, effects = likelihood.parameter_names, objective.encoder.effect_names
    k = len(names)
    theta = (optimum.theta + summit.shift)[:k]
    covariance = summit.covariance
    deviations = np.sqrt(np.diag(covariance))
    parameters = np.exp(theta)
    plain = optimum.moments
    if objective.prior is not None:
        plain = Objective(likelihood, objective.encoder, table)(optimum.theta)
    value = float(plain.value)
    curvature = np.linalg.eigvalsh(-optimum.moments.hessian)
    n_customers = round(float(table.weight.sum()))
    nested, warnings = None, []
    if summit.penalised:
        nested, sentence = _diagnosis(likelihood, plain)
        warnings.append(sentence)
    if summit.ridge is not None:
        nested = summit.ridge.nested
        warnings.append(
            f"{_NO_MAXIMUM}: {summit.ridge.meaning}, and the fit is that of {nested}; a weak "
            "penalty along the way holds them finite. Predictions are those of the simpler model"
        )
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
        {name: power for name, power in zip(names, likelihood.unit_bearing, strict=True) if power},
        table.unit_power,
        summit.penalised or summit.ridge is not None,
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
        way = _way(limit, len(here.gradient))
        climb, curvature = float(way @ here.gradient), float(-way @ here.hessian @ way)
        if climb > _PULLED * _PRECISION and curvature < 1.0:
            known = best.get(limit.about, (0.0, limit))
            best[limit.about] = max(known, (climb, limit), key=lambda pair: pair[0])
    advice = (
        "a weak penalty holds them finite. Predictions are usable, single parameters are not; "
        "more customers, a longer history or the simpler model would mend it"
    )
    if not best:
        return None, f"{_NO_MAXIMUM} that these data can tell; {advice}"
    found = [limit for _, limit in best.values()]
    meanings = " and ".join(dict.fromkeys(limit.meaning for limit in found))
    nested = " + ".join(dict.fromkeys(limit.nested for limit in found))
    return nested, f"{_NO_MAXIMUM}: {meanings} (limit: {nested}); {advice}"
