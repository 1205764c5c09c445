"""From the long leaderboard to a row per model: origins pooled, the best of a metric found."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from patronage.reports.metrics import KNOWN, MetricWords, metric_words

__all__ = ["Standing", "Standings", "standings"]

_MOST_METRICS: Final = 6
_POOLED: Final = "all"


@dataclass(frozen=True)
class Standing:
    """A model's value of one metric over all customers and origins, with bounds."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Standings:
    """Models best first by the choosing metric, the metrics shown, and who is best in each.

    Attributes
    ----------
    partial : model → number of origins at which it was judged, where that is not all of them;
        such a model is shown but never best
    averaged : the leaderboard had no rows that pool origins, so values and bounds are averages
    """

    models: tuple[str, ...]
    metrics: tuple[str, ...]
    at: Mapping[tuple[str, str], Standing]
    best: Mapping[str, frozenset[str]]
    n_origins: int
    partial: Mapping[str, int]
    averaged: bool


def standings(
    leaderboard: pl.DataFrame, metric: str, higher_is_better: Mapping[str, bool]
) -> Standings:
    """Rows that pool origins where there are any, else averages over origins.

    Bounds are averaged too, as if origins erred together: they share customers, so narrower bounds
    would claim more than is known.
    """
    whole = leaderboard.filter(pl.col("segment") == "all").with_columns(
        pl.col("origin").cast(pl.String)
    )
    single, pooled = (
        whole.filter(pl.col("origin") != _POOLED),
        whole.filter(pl.col("origin") == _POOLED),
    )
    at = _values(single) | _values(pooled)
    models = tuple(whole["model"].unique(maintain_order=True).to_list())
    metrics = _shown(whole["metric"].unique(maintain_order=True).to_list(), metric)
    n_origins = max(single["origin"].n_unique(), 1)
    judged_at = {
        str(model): int(n)
        for model, n in single.group_by("model").agg(pl.col("origin").n_unique()).iter_rows()
    }
    partial = {model: n for model, n in judged_at.items() if n < n_origins}
    words = {name: metric_words(name, higher_is_better) for name in (*metrics, metric)}
    return Standings(
        models=_ordered(models, at, metric, words=words[metric], partial=partial),
        metrics=metrics,
        at=at,
        best={
            name: _best([m for m in models if m not in partial], at, name, words=words[name])
            for name in metrics
        },
        n_origins=n_origins,
        partial=partial,
        averaged=pooled.is_empty() and n_origins > 1,
    )


def _values(rows: pl.DataFrame) -> dict[tuple[str, str], Standing]:
    means = (
        rows.drop_nulls("value")
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
    return {
        (row["model"], row["metric"]): Standing(row["value"], row["low"], row["high"])
        for row in means.iter_rows(named=True)
    }


def _shown(present: Sequence[str], metric: str) -> tuple[str, ...]:
    known = [name for name in KNOWN if name in present]
    others = [name for name in present if name not in known]
    order = dict.fromkeys([*([metric] if metric in present else []), *known, *others])
    return tuple(order)[:_MOST_METRICS]


def _ordered(
    models: Sequence[str],
    at: Mapping[tuple[str, str], Standing],
    metric: str,
    *,
    words: MetricWords,
    partial: Mapping[str, int],
) -> tuple[str, ...]:
    def place(model: str) -> tuple[bool, float, str]:
        found = at.get((model, metric))
        return (model in partial, words.badness(found.value) if found else math.inf, model)

    return tuple(sorted(models, key=place))


def _best(
    models: Sequence[str],
    at: Mapping[tuple[str, str], Standing],
    metric: str,
    *,
    words: MetricWords,
) -> frozenset[str]:
    scored = {m: words.badness(at[m, metric].value) for m in models if (m, metric) in at}
    finite = [v for v in scored.values() if math.isfinite(v)]
    if len(finite) < 2:
        return frozenset()
    return frozenset(m for m, v in scored.items() if v == min(finite))
