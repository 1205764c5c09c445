"""From the long leaderboard to a row per model: origins averaged, the best of a metric found."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from patronage.reports.metrics import KNOWN, Direction, metric_words

__all__ = ["Standing", "Standings", "standings"]

_MOST_METRICS: Final = 6
_PREFERRED: Final = tuple(KNOWN)


@dataclass(frozen=True)
class Standing:
    """A model's value of one metric over all customers, averaged over origins, with bounds."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Standings:
    """Models best first by the choosing metric, the metrics shown, and who is best in each."""

    models: tuple[str, ...]
    metrics: tuple[str, ...]
    at: Mapping[tuple[str, str], Standing]
    best: Mapping[str, frozenset[str]]
    n_origins: int


def standings(
    leaderboard: pl.DataFrame, metric: str, higher_is_better: Mapping[str, bool]
) -> Standings:
    """Average over origins; bounds are averaged too, as if origins erred together.

    Origins share customers, so narrower bounds would claim more than is known.
    """
    whole = leaderboard.filter(pl.col("segment") == "all").with_columns(
        pl.col(name).cast(pl.Float64).fill_nan(None) for name in ("value", "low", "high")
    )
    pooled = (
        whole.drop_nulls("value")
        .group_by("model", "metric", maintain_order=True)
        .agg(
            pl.col("value").mean(),
            *(
                pl.when(pl.col(name).is_null().any())
                .then(None)
                .otherwise(pl.col(name).mean())
                .alias(name)
                for name in ("low", "high")
            ),
        )
    )
    at = {
        (row["model"], row["metric"]): Standing(row["value"], row["low"], row["high"])
        for row in pooled.iter_rows(named=True)
    }
    present = pooled["metric"].unique(maintain_order=True).to_list()
    metrics = _shown(present, metric)
    models = tuple(whole["model"].unique(maintain_order=True).to_list())
    directions = {name: metric_words(name, higher_is_better).better for name in metrics}
    return Standings(
        models=_ordered(models, at, metric, metric_words(metric, higher_is_better).better),
        metrics=metrics,
        at=at,
        best={name: _best(models, at, name, directions[name]) for name in metrics},
        n_origins=whole["origin"].n_unique(),
    )


def _shown(present: Sequence[str], metric: str) -> tuple[str, ...]:
    known = [name for name in _PREFERRED if name in present]
    others = [name for name in present if name not in known]
    order = dict.fromkeys([*([metric] if metric in present else []), *known, *others])
    return tuple(order)[:_MOST_METRICS]


def _badness(value: float, better: Direction) -> float:
    if not math.isfinite(value):
        return math.inf
    return {"lower": value, "higher": -value, "zero": abs(value), "none": 0.0}[better]


def _ordered(
    models: Sequence[str],
    at: Mapping[tuple[str, str], Standing],
    metric: str,
    better: Direction,
) -> tuple[str, ...]:
    def place(model: str) -> tuple[float, str]:
        found = at.get((model, metric))
        return (_badness(found.value, better) if found else math.inf, model)

    return tuple(sorted(models, key=place))


def _best(
    models: Sequence[str], at: Mapping[tuple[str, str], Standing], metric: str, better: Direction
) -> frozenset[str]:
    if better == "none":
        return frozenset()
    scored = {m: _badness(at[m, metric].value, better) for m in models if (m, metric) in at}
    finite = [v for v in scored.values() if math.isfinite(v)]
    if len(finite) < 2:
        return frozenset()
    return frozenset(m for m, v in scored.items() if v == min(finite))
