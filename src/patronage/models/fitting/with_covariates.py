"""Fit a likelihood whose θ covariates shift: learn the design, fit scaled, report as given.

Columns are centred and scaled for the fit, so that the search is well conditioned and a penalty
means the same in whatever unit a column comes; θ of a customer whose columns are all zero, and
effects per unit, follow by a linear map of the coefficients, and their covariance with them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.errors import FitError, SettingsError
from patronage.models.encoders.covariates import (
    Covariates,
    FittedCovariates,
    named_columns,
    sources_in,
)
from patronage.models.encoders.design import Design, learn_design
from patronage.models.encoders.designed import Designed
from patronage.models.encoders.linear import LinearEncoder
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.estimation import estimate
from patronage.models.fitting.posterior import Posterior, Uncertainty
from patronage.models.fitting.priors import NormalPrior, Prior
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.base import Likelihood, Table

__all__ = ["fit_with_covariates"]

# Share of a column's variance that others must leave, for its effect to be told apart.
_OWN: Final = 1e-9
# Variance, in steps or standard deviations, of a column that only rounding makes vary.
_NONE: Final = 1e-18
# Standard error of an effect per step or standard deviation beyond which it is called unknown.
_VAGUE: Final = 1.2
# Beyond it a parameter of the customer whose covariates are zero is no number.
_FAR: Final = 300.0

TableT = TypeVar("TableT", bound=Table)


def fit_with_covariates(
    likelihood: Likelihood[Any],
    table: TableT,
    covariates: pl.DataFrame | None,
    settings: Covariates,
    *,
    prior: Prior | None = None,
    uncertainty: Uncertainty | None = None,
    seed: int = 0,
) -> tuple[FitReport, FittedCovariates, Posterior | None]:
    """Fit θ and effects to the rows of a table; a posterior too, where it is asked for.

    Parameters
    ----------
    covariates : a row for each row of the table
    prior : beliefs about parameters at the mean of the covariates, and about effects per standard
        deviation (or per step); None: none but the penalty of the settings
    uncertainty : as in `estimate`

    Raises
    ------
    SettingsError : a covariate is not there or cannot be read, or a setting does not suit
    """
    formulas = settings.formulas
    unknown = [thing for thing in formulas if thing not in likelihood.effects]
    if unknown:
        raise SettingsError(
            f"there is no {' or '.join(unknown)} here for covariates to act on, only "
            f"{' and '.join(likelihood.effects)}.\n"
            "To mend: leave that formula out; covariates of spend belong to the spend model."
        )
    sources = sources_in(covariates, settings.reads)
    named = named_columns(covariates, sources, len(table))
    design, by_process = learn_design(formulas, named, table.weight)
    matrix, remarks = design.read(named)
    designed = Designed.of(table, matrix)
    mean, scale = _centre_and_scale(designed)
    by_process, dropped = _told_apart(design, by_process, designed, mean, scale)
    encoder = _tied(design, by_process, settings)
    inside = LinearEncoder(
        encoder.effect_names, encoder.processes, encoder.maps, encoder.held * scale
    )
    scaled = Designed(table, designed.pattern, (designed.patterns - mean) / scale)
    penalty = _ridge(encoder, settings, len(likelihood.parameter_names))
    report, posterior = estimate(
        likelihood,
        scaled if len(scaled.patterns) == len(scaled) else compact(scaled).table,
        encoder=inside,
        prior=prior,
        penalty=penalty,
        uncertainty=uncertainty,
        seed=seed,
    )
    warnings = (*report.warnings, *_vague(report), *remarks, *dropped)
    matrix, offset = _to_given(report, likelihood, encoder, mean, scale)
    pulled = penalty is not None or prior is not None
    report = replace(report.mapped(matrix, offset), warnings=warnings, has_prior=pulled)
    drawn = None if posterior is None else posterior.mapped(matrix, offset)
    return report, FittedCovariates(design, encoder, sources), drawn


def _ridge(encoder: LinearEncoder, settings: Covariates, k: int) -> NormalPrior | None:
    """The penalty; an effect that is tied is pulled by that of each thing it acts on."""
    precision = np.zeros(k + len(encoder.effect_names))
    for process, tied in zip(encoder.processes, encoder.maps, strict=True):
        precision[k:] += settings.penalty(process) * tied.sum(axis=0)
    return NormalPrior(np.zeros_like(precision), precision) if precision.any() else None


def _vague(report: FitReport) -> tuple[str, ...]:
    """Which effects are to blame where a fit had to be held; the report in scaled columns."""
    names = [name for name, error in report.effect_errors.items() if error > _VAGUE]
    if not report.penalised or not names:
        return ()
    return (
        f"these customers hardly tell {', '.join(names)}: too few have it, or none of these bought "
        "again; group its levels, or leave it out",
    )


def _centre_and_scale(
    table: Designed[Any],
) -> tuple[Float[np.ndarray, " columns"], Float[np.ndarray, " columns"]]:
    """Weighted mean of each column, and its standard deviation, or its step if it has two values.

    1 where it is the same for all. Why the step: an effect on three of a million customers would
    else be counted in thousandths, too fine for a penalty and for the bounds of the search.
    """
    weight = np.bincount(table.pattern, weights=table.weight, minlength=len(table.patterns))
    weight = weight / weight.sum()
    mean = weight @ table.patterns
    scale = np.sqrt(weight @ (table.patterns - mean) ** 2)
    low, high = table.patterns.min(axis=0), table.patterns.max(axis=0)
    two_valued = ((table.patterns == low) | (table.patterns == high)).all(axis=0)
    same = high - low <= 1e-12 * np.maximum(np.abs(low), np.abs(high))
    return mean, np.where(same, 1.0, np.where(two_valued, high - low, scale))


def _told_apart(
    design: Design,
    by_process: Mapping[str, tuple[int, ...]],
    table: Designed[Any],
    mean: Float[np.ndarray, " columns"],
    scale: Float[np.ndarray, " columns"],
) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    """Columns without those that are constant or a sum of columns before them, and remarks."""
    weight = np.bincount(table.pattern, weights=table.weight, minlength=len(table.patterns))
    standard = (table.patterns - mean) / scale
    spread = weight @ standard**2 / weight.sum()
    standard /= np.sqrt(np.where(spread > _NONE, spread, 1.0))
    products = standard.T @ (standard * (weight / weight.sum())[:, None])
    kept, remarks = {}, []
    for process, places in by_process.items():
        basis: list[int] = []
        for place in places:
            rest = products[place, place]
            if basis:
                across = products[np.ix_(basis, [place])][:, 0]
                rest -= across @ np.linalg.solve(products[np.ix_(basis, basis)], across)
            if rest > _OWN:
                basis.append(place)
            else:
                remarks.append(
                    f"{process}: {design.columns[place].name} is the same for all customers, or "
                    "follows from the covariates before it; it was left out"
                )
        kept[process] = tuple(basis)
    return kept, tuple(remarks)


def _tied(
    design: Design, by_process: Mapping[str, tuple[int, ...]], settings: Covariates
) -> LinearEncoder:
    """Which effects are free, which one and the same, and which held at a number."""
    processes, columns = tuple(by_process), design.columns
    held = np.zeros((len(processes), len(columns)))
    free: dict[str, list[tuple[int, int]]] = {}
    unused = {*settings.fixed, *settings.equal}
    for at, process in enumerate(processes):
        for place in by_process[process]:
            column = columns[place]
            names = {column.name, column.term}
            fixed = {f"{process}.{name}" for name in names} & settings.fixed.keys()
            tied = names & set(settings.equal)
            unused -= fixed | tied
            if fixed:
                held[at, place] = settings.fixed[min(fixed)]
            else:
                name = f"{'equal' if tied else process}.{column.name}"
                free.setdefault(name, []).append((at, place))
    alone = [name for name, places in free.items() if name[:6] == "equal." and len(places) == 1]
    if unused or alone:
        raise SettingsError(
            f"these constraints fit no effect, or only one: {', '.join(sorted((*unused, *alone)))}."
            "\nTo mend: `equal` takes terms that stand in two formulas, `fixed` takes names such "
            f"as {f'{processes[0]}.{columns[0].name}' if columns else 'dropout.gender'!r}."
        )
    maps = np.zeros((len(processes), len(columns), len(free)))
    for effect, places in enumerate(free.values()):
        for at, place in places:
            maps[at, place, effect] = 1.0
    return LinearEncoder(tuple(free), processes, maps, held)


def _to_given(
    report: FitReport,
    likelihood: Likelihood[Any],
    encoder: LinearEncoder,
    mean: Float[np.ndarray, " columns"],
    scale: Float[np.ndarray, " columns"],
) -> tuple[Float[np.ndarray, "coefficients coefficients"], Float[np.ndarray, " coefficients"]]:
    """From effects per standard deviation around the mean to effects per unit, from zero.

    θ + Σ_process ((z - mean) / scale · γ) direction is the same for every z.
    """
    k, n = len(likelihood.parameter_names), len(encoder.effect_names)
    matrix, offset = np.eye(k + n), np.zeros(k + n)
    for process, tied, held in zip(encoder.processes, encoder.maps, encoder.held, strict=True):
        direction = np.array(likelihood.effects[process])
        matrix[:k, k:] -= np.outer(direction, (mean / scale) @ tied)
        offset[:k] -= direction * (mean @ held)
    # Each effect stands on one column, if in several processes.
    stands_on = encoder.maps.max(axis=0, initial=0.0)
    matrix[k:, k:] = np.diag((1 / scale) @ stands_on)
    if np.abs(matrix @ report.coefficients + offset)[:k].max() > _FAR:
        raise FitError(
            "of a customer whose covariates are all zero the parameters would be beyond e^300: the "
            "covariates lie too far from zero for their effects.\n"
            "To mend: subtract a usual value, such as 2020 from a year."
        )
    return matrix, offset
