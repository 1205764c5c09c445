"""Which model to trust: the best by one metric, ties to the safer, and why, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.evaluate.bootstrap import interval
from patronage.evaluate.leaderboard import POOLED
from patronage.evaluate.metrics import METRICS, Metric
from patronage.evaluate.scorecard import Scorecard

__all__ = ["Choice", "choose"]


@dataclass(frozen=True)
class Choice:
    """The model to trust.

    Attributes
    ----------
    model : its name
    metric : what it was chosen by
    reasons : why, in sentences, the main one first
    table : every model, best first: model, complexity, value, low, high, worse_by, worse_low,
        worse_high (how much worse than the best, in the metric's unit, with a paired 90 % interval;
        null where it could not be judged), verdict ('chosen', 'best', 'as good', 'worse',
        'excluded')
    """

    model: str
    metric: str
    reasons: tuple[str, ...]
    table: pl.DataFrame


@dataclass(frozen=True)
class _Standing:
    model: str
    complexity: int
    value: float
    low: float
    high: float
    worse_by: float
    worse_low: float
    worse_high: float

    @property
    def ties(self) -> bool:
        return self.worse_low <= 0.0


def choose(
    scorecard: Scorecard, *, metric: str = "deviance", complexity: Mapping[str, int]
) -> Choice:
    """The safest model that is not worse than the best beyond the noise of the customers.

    Parameters
    ----------
    metric : a key of METRICS, pooled over origins
    complexity : model → how much it could be led astray, 0 the least (see `models.entry`); unknown
        models count as the most

    Raises
    ------
    SettingsError : no such metric
    NotEnoughDataError : no model was judged at every origin
    """
    if metric not in METRICS:
        raise SettingsError(
            f"no metric {metric!r} to choose by.\nTo mend: one of {', '.join(METRICS)}."
        )
    rule = METRICS[metric]
    excluded = _excluded(scorecard, metric)
    fit_for_choice = [model for model in scorecard.models if model not in excluded]
    if not fit_for_choice:
        raise NotEnoughDataError(
            f"no model can be chosen by {metric}:\n"
            + "\n".join(f"{model} {reason}" for model, reason in excluded.items())
        )
    most = max(complexity.values(), default=0)
    standings = _standings(
        scorecard, rule, {model: complexity.get(model, most) for model in fit_for_choice}
    )
    best = standings[0]
    tied = [standing for standing in standings if standing is best or standing.ties]
    chosen = min(tied, key=lambda s: (s.complexity, s.worse_by))
    reasons = _reasons(scorecard, rule, standings, chosen, excluded)
    return Choice(
        chosen.model, metric, reasons, _table(standings, chosen, excluded, complexity, most)
    )


def _excluded(scorecard: Scorecard, metric: str) -> dict[str, str]:
    """Models that cannot be chosen → why."""
    excluded = {
        model: f"failed {reason.splitlines()[0]}" for model, reason in scorecard.failures.items()
    }
    for model in scorecard.models:
        if model in excluded:
            continue
        if (model, POOLED, metric) not in scorecard.draws:
            excluded[model] = f"has no {metric}: it does not forecast {METRICS[metric].needs}"
        elif not np.isfinite(scorecard.value(model, metric)):
            excluded[model] = f"has no finite {metric}"
    return excluded


def _standings(
    scorecard: Scorecard, rule: Metric, complexity: Mapping[str, int]
) -> list[_Standing]:
    """All models, best first."""
    values = {model: scorecard.value(model, rule.name) for model in complexity}
    losses = {model: float(rule.loss(np.array([value]))[0]) for model, value in values.items()}
    drawn = {model: scorecard.draws[model, POOLED, rule.name] for model in complexity}
    best = min(complexity, key=lambda model: (losses[model], complexity[model]))
    found = []
    for model, level in complexity.items():
        worse = rule.loss(drawn[model]) - rule.loss(drawn[best])
        numbers = (losses[model] - losses[best], *interval(worse))
        found.append(_Standing(model, level, values[model], *interval(drawn[model]), *numbers))
    return sorted(found, key=lambda s: (s.worse_by, s.model != best, s.complexity))


def _reasons(
    scorecard: Scorecard,
    rule: Metric,
    standings: list[_Standing],
    chosen: _Standing,
    excluded: Mapping[str, str],
) -> tuple[str, ...]:
    best, n = standings[0], scorecard.predictions["customer_id"].n_unique()
    origins = len(scorecard.origins)
    over = f"over {origins} origin{'s' if origins > 1 else ''} and {n:,} customers"
    scale = abs(float(rule.loss(np.array([best.value]))[0]))
    others = [standing for standing in standings if standing is not chosen]
    said = []
    if not others:
        said.append(f"{chosen.model} is the only model that could be judged {over}.")
    elif chosen is best:
        said.append(
            f"{best.model} has the best {rule.name} ({best.value:.4g}) of {len(standings)} models "
            f"{over}."
        )
        said.append(_against(chosen, others[0], rule, scale))
        safer = [s for s in others[1:] if s.complexity < chosen.complexity]
        if safer:
            said.append(_against(chosen, safer[0], rule, scale, note=", which would be safer,"))
    else:
        said.append(
            f"{chosen.model} is chosen because it is safer than {best.model} and as good by "
            f"{rule.name} {over}: {best.model} is better by {_size(chosen, rule, scale)}, which "
            "the choice of customers alone could bring about."
        )
        worse = [s for s in others if not s.ties and s is not best]
        if worse:
            said.append(_against(best, worse[0], rule, scale))
    plain = [s for s in others if s.complexity == 0]
    if plain and chosen.complexity > 0 and plain[0].model not in " ".join(said):
        said.append(_against(best, plain[0], rule, scale, note=", the best of the plainest,"))
    said += [f"{model} was left out: it {reason}" for model, reason in excluded.items()]
    return tuple(sentence if sentence.endswith(".") else sentence + "." for sentence in said)


def _against(best: _Standing, other: _Standing, rule: Metric, scale: float, note: str = "") -> str:
    size = _size(other, rule, scale)
    if other.ties:
        return (
            f"{other.model}{note} is behind {best.model} by {size}: within noise, but it is no "
            "safer."
            if other.complexity >= best.complexity
            else f"{other.model}{note} is behind {best.model} by {size}: within noise."
        )
    return f"{other.model}{note} is worse than {best.model} by {size}."


def _size(other: _Standing, rule: Metric, scale: float) -> str:
    """How much worse than the best: a share of its value where that has a meaning."""
    numbers = (other.worse_by, other.worse_low, other.worse_high)
    if rule.best is None and scale > 0:
        value, low, high = (100 * number / scale for number in numbers)
        return f"{value:.1f} % of {rule.name} (90 % interval {low:.1f} to {high:.1f} %)"
    value, low, high = numbers
    return f"{value:.3g} of {rule.name} (90 % interval {low:.3g} to {high:.3g})"


def _table(
    standings: list[_Standing],
    chosen: _Standing,
    excluded: Mapping[str, str],
    complexity: Mapping[str, int],
    most: int,
) -> pl.DataFrame:
    names = ("model", "complexity", "value", "low", "high", "worse_by", "worse_low", "worse_high")
    schema = {
        name: {"model": pl.String, "complexity": pl.Int64}.get(name, pl.Float64) for name in names
    } | {"verdict": pl.String}
    rows = []
    for standing in standings:
        verdict = "as good" if standing.ties else "worse"
        if standing is standings[0]:
            verdict = "best"
        if standing is chosen:
            verdict = "chosen"
        rows.append((*(getattr(standing, name) for name in names), verdict))
    rows += [(model, complexity.get(model, most), *(None,) * 6, "excluded") for model in excluded]
    return pl.DataFrame(rows, schema=schema, orient="row")
