"""Section 5, the leaderboard: which model to trust, by how much, and why."""

from dataclasses import dataclass

import polars as pl

from patronage.reports.charts.leaderboard import leaderboard_chart
from patronage.reports.figures import Figure, draw
from patronage.reports.formats import ABSENT, join, percent, significant
from patronage.reports.inputs import ReportInputs
from patronage.reports.metrics import metric_words
from patronage.reports.sections.standings import Standing, Standings, standings
from patronage.reports.tables import Cell, Column, Table, make_table

__all__ = ["Board", "board_section"]


@dataclass(frozen=True)
class Board:
    """What section 5 shows."""

    model: str
    metric: str
    reasons: tuple[str, ...]
    judged: str
    figure: Figure | None
    table: Table | None
    note: str
    failures: tuple[tuple[str, str], ...]
    metrics: tuple[str, ...]


def board_section(inputs: ReportInputs) -> Board:
    """Gather section 5."""
    found = standings(inputs.leaderboard, inputs.metric, inputs.higher_is_better)
    words = metric_words(inputs.metric, inputs.higher_is_better)
    return Board(
        model=inputs.model,
        metric=words.in_sentence,
        reasons=inputs.reasons,
        judged=inputs.judged,
        figure=_figure(inputs, found),
        table=_table(inputs, found) if found.models else None,
        note=_note(inputs, found),
        failures=tuple(sorted(inputs.failures.items())),
        metrics=found.metrics,
    )


def _note(inputs: ReportInputs, found: Standings) -> str:
    if not found.models:
        return "No model could be judged on the past: there is too little history."
    level = percent(inputs.interval_level)
    over = "at one origin" if found.n_origins == 1 else f"over {found.n_origins} origins"
    wide = (
        " They are averaged as if all origins erred together, which is wide on purpose."
        if found.averaged
        else ""
    )
    return f"All customers, {over}. Intervals of {level} in brackets.{wide}"


def _header(inputs: ReportInputs, metric: str) -> str:
    words = metric_words(metric, inputs.higher_is_better)
    return f"{words.label} {words.arrow}"


def _bounds(standing: Standing) -> str:
    if standing.low is None or standing.high is None:
        return ""
    return f"[{significant(standing.low)}, {significant(standing.high)}]"


def _table(inputs: ReportInputs, found: Standings) -> Table:
    def name(model: str) -> Cell:
        fewer = (
            f"Judged at {found.partial[model]} of {found.n_origins} origins."
            if model in found.partial
            else ""
        )
        return Cell(
            model,
            f"{inputs.model_assumptions.get(model, '')} {fewer}".strip(),
            ("chosen",) if model == inputs.model else (),
        )

    def value(model: str, metric: str) -> Cell:
        standing = found.at.get((model, metric))
        if standing is None:
            return Cell(ABSENT)
        best = ("best",) if model in found.best[metric] else ()
        return Cell(significant(standing.value), _bounds(standing), best)

    columns = [
        Column("Model", lambda r: name(r["model"]), numeric=False),
        *(
            Column(
                _header(inputs, metric),
                lambda r, metric=metric: value(r["model"], metric),  # type: ignore[misc]
            )
            for metric in found.metrics
        ),
    ]
    return make_table(
        "Models by metric, best first by the metric that chooses",
        columns,
        rows=[{"model": model} for model in found.models],
        kind=lambda r: "chosen" if r["model"] == inputs.model else "",
    )


def _figure(inputs: ReportInputs, found: Standings) -> Figure | None:
    judged = [m for m in found.models if (m, inputs.metric) in found.at]
    if not judged:
        return None
    words = metric_words(inputs.metric, inputs.higher_is_better)
    at = [found.at[m, inputs.metric] for m in judged]
    frame = pl.DataFrame(
        {
            "model": judged,
            "value": [s.value for s in at],
            "low": [s.low for s in at],
            "high": [s.high for s in at],
            "written": [significant(s.value) for s in at],
            "chosen": [m == inputs.model for m in judged],
        },
        schema_overrides={"low": pl.Float64, "high": pl.Float64},
    )
    table = make_table(
        f"{words.label} by model, with interval",
        [
            Column("Model", lambda r: str(r["model"]), numeric=False),
            Column(words.label, lambda r: significant(r["value"], 4)),
            Column("Low", lambda r: significant(r["low"], 4)),
            Column("High", lambda r: significant(r["high"], 4)),
        ],
        rows=frame.iter_rows(named=True),
        kind=lambda r: "chosen" if r["chosen"] else "",
    )
    finding = _finding(inputs, found, words.in_sentence)
    drawn = _within_scale(frame)
    far = " Arrows: beyond the scale." if drawn["clipped"].any() else ""
    chart = leaderboard_chart(
        drawn,
        metric=words.label,
        finding=finding,
        subtitle=f"{words.which} Bars: interval of {percent(inputs.interval_level)}.{far}",
    )
    return draw(chart, "leaderboard", about=f"Dots with intervals: {finding}.", table=table)


def _within_scale(frame: pl.DataFrame) -> pl.DataFrame:
    """Clip models that are far off, so that a hopeless baseline does not squeeze the others.

    The scale ends six times as far from the best as the median model is (never nearer than the
    chosen model's interval).
    """
    best = float(frame["value"][0])
    median = float(frame["value"].median())  # type: ignore[arg-type]
    chosen = frame.filter("chosen")
    edge = best + 6 * (median - best)
    for bound in ("low", "high"):
        for value in chosen[bound].drop_nulls().to_list():
            edge = max(edge, value) if median > best else min(edge, value)
    if median == best:
        return frame.with_columns(pl.lit(False).alias("clipped"))
    beyond = pl.col("value") > edge if median > best else pl.col("value") < edge
    arrow = " ▸" if median > best else " ◂"
    return frame.with_columns(
        beyond.alias("clipped"),
        *(
            (
                pl.col(name).clip(upper_bound=edge)
                if median > best
                else pl.col(name).clip(lower_bound=edge)
            ).alias(name)
            for name in ("value", "low", "high")
        ),
        pl.when(beyond)
        .then(pl.col("written") + arrow)
        .otherwise(pl.col("written"))
        .alias("written"),
    )


def _finding(inputs: ReportInputs, found: Standings, label: str) -> str:
    best = found.best.get(inputs.metric, frozenset())
    if inputs.model in best:
        return f"{inputs.model} is best by {label} and is chosen"
    if best:
        return f"{inputs.model} is chosen; best by {label} is {join(sorted(best))}"
    return f"The models' {label}"
