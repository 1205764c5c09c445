"""Section 2, the forecast over time: tracking, and the table behind the number."""

import math
from dataclasses import dataclass
from typing import Final

import polars as pl

from patronage.reports.charts.tracking import tracking_chart
from patronage.reports.charts.value_by_period import value_by_period_chart
from patronage.reports.figures import Figure, draw
from patronage.reports.formats import Amounts, amounts, day, grouped, money, money_unit, percent
from patronage.reports.inputs import ReportInputs
from patronage.reports.tables import Column, Table, make_table

__all__ = ["Ahead", "ahead_section", "collapse_periods", "collapse_tracking"]

_MOST_PERIODS: Final = 16
_MOST_POINTS: Final = 160
# Steps that people count in: a week, four weeks, a quarter, a year.
_STEPS: Final = {
    "day": (7, 28, 91, 364),
    "week": (4, 13, 52),
    "month": (3, 12),
    "quarter": (4,),
    "year": (5, 10),
}


@dataclass(frozen=True)
class Ahead:
    """What section 2 shows."""

    tracking: Figure | None
    value: Figure
    note: str


def ahead_section(inputs: ReportInputs) -> Ahead:
    """Gather section 2."""
    periods = collapse_periods(inputs.value_table, inputs.horizon.period)
    return Ahead(
        tracking=_tracking(inputs),
        value=_value(inputs, periods),
        note=_joined(periods, inputs.horizon.period),
    )


def _joined(periods: pl.DataFrame, period: str) -> str:
    """Say how many periods a row joins, and that a short last one is no drop."""
    step, last = int(periods["n"][0]), int(periods["n"][-1])
    if step == 1:
        return ""
    short = "" if last == step else f"; the last row has {last}"
    return f"Each row joins {step} {period}s{short}."


def collapse_periods(table: pl.DataFrame, period: str) -> pl.DataFrame:
    """At most 16 rows where the usual steps allow it; sums stay sums.

    Margin and discount factor of a joined row are the effective ones: its cash × margin × factor
    is its present value.
    """
    n = table.height
    steps = _STEPS.get(period, ())
    step = 1
    if n > _MOST_PERIODS:
        fit = [s for s in steps if math.ceil(n / s) <= _MOST_PERIODS]
        step = fit[0] if fit else math.ceil(n / _MOST_PERIODS)
    kept = pl.col("expected_cash") * pl.col("margin")
    rows = (
        table.with_row_index("row")
        .with_columns((pl.col("row") // step).alias("block"), kept.alias("kept"))
        .group_by("block", maintain_order=True)
        .agg(
            pl.len().alias("n"),
            pl.col("row").first().alias("first") + 1,
            pl.col("row").last().alias("last") + 1,
            pl.col("start").first(),
            pl.col("end").last(),
            pl.col("expected_purchases").sum(),
            pl.col("expected_cash").sum(),
            pl.col("kept").sum(),
            pl.col("present_value").sum(),
            pl.col("margin").first().alias("own_margin"),
            pl.col("discount_factor").first().alias("own_factor"),
        )
    )
    # One period keeps its own figures; nothing can be divided by a sum of nought.
    return rows.with_columns(
        pl.when((pl.col("n") > 1) & (pl.col("expected_cash") != 0))
        .then(pl.col("kept") / pl.col("expected_cash"))
        .otherwise(pl.col("own_margin"))
        .alias("margin"),
        pl.when((pl.col("n") > 1) & (pl.col("kept") != 0))
        .then(pl.col("present_value") / pl.col("kept"))
        .otherwise(pl.col("own_factor"))
        .alias("discount_factor"),
        pl.when(pl.col("n") > 1)
        .then(pl.format("{}–{}", "first", "last"))
        .otherwise(pl.col("first").cast(pl.String))
        .alias("label"),
    )


def _table(inputs: ReportInputs, periods: pl.DataFrame) -> Table:
    cash = amounts(periods["expected_cash"], inputs.currency)
    money_columns = ("expected_purchases", "expected_cash", "present_value")
    digits = 1 if float(periods["expected_purchases"].sum()) >= 100 else 2
    sums = {name: float(periods[name].sum()) for name in money_columns}
    total = sums | {
        "label": "Total",
        "start": periods["start"][0],
        "end": periods["end"][-1],
        "margin": None,
        "discount_factor": None,
    }
    word = inputs.horizon.period.capitalize()
    return make_table(
        f"The table behind the number: all customers, money in {cash.label}",
        [
            Column(word, lambda r: str(r["label"]), numeric=False),
            Column("From", lambda r: day(r["start"]), numeric=False),
            Column("Until (exclusive)", lambda r: day(r["end"]), numeric=False),
            Column("Purchases", lambda r: grouped(r["expected_purchases"], digits)),
            Column("Cash", lambda r: cash.write(r["expected_cash"])),
            Column("Margin", lambda r: percent(r["margin"], 1)),
            Column("Discount factor", lambda r: grouped(r["discount_factor"], 4)),
            Column("Present value", lambda r: cash.write(r["present_value"])),
        ],
        rows=[*periods.iter_rows(named=True), total],
        kind=lambda r: "total" if r["label"] == "Total" else "",
    )


def _value(inputs: ReportInputs, periods: pl.DataFrame) -> Figure:
    unit = money_unit(float(periods["present_value"].abs().max() or 0.0), inputs.currency)  # type: ignore[arg-type]
    total = float(periods["present_value"].sum())
    half = periods.head(math.ceil(periods.height / 2))
    if periods.height > 1 and total > 0:
        finding = (
            f"{percent(float(half['present_value'].sum()) / total)} of the "
            f"{money(total, inputs.currency)} comes by {day(half['end'][-1])}"
        )
    else:
        finding = f"{money(total, inputs.currency)} in all"
    shown = periods.select("label", pl.col("present_value") / unit.divisor)
    chart = value_by_period_chart(
        shown,
        period=inputs.horizon.period.capitalize(),
        unit=unit.label,
        finding=finding,
        subtitle=_joined(periods, inputs.horizon.period).replace("row", "bar"),
    )
    return draw(chart, "value-by-period", about=f"Bars: {finding}.", table=_table(inputs, periods))


def collapse_tracking(track: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Join neighbouring periods until at most about 160 points are left; past and future apart."""
    step = math.ceil(track.height / _MOST_POINTS)
    if step <= 1:
        return track, 1
    sums = [
        pl.when(pl.col(name).is_null().any()).then(None).otherwise(pl.col(name).sum()).alias(name)
        for name in ("actual", "forecast", "low", "high")
    ]
    joined = (
        track.with_columns(pl.col("actual").is_null().alias("ahead"))
        .with_columns(
            pl.int_range(pl.len()).over("ahead").alias("at"), pl.len().over("ahead").alias("of")
        )
        # Both parts are counted from the as-of day, so that no block straddles it.
        .with_columns(
            pl.when("ahead").then(pl.col("at")).otherwise(pl.col("of") - 1 - pl.col("at")) // step
        )
        .group_by("ahead", "at", maintain_order=True)
        .agg(pl.col("period_start").first(), *sums, pl.len().alias("n"))
        # The outermost block of each part may be short, which would look like a drop.
        .filter(pl.col("n") == step)
    )
    return joined.select("period_start", "actual", "forecast", "low", "high").sort(
        "period_start"
    ), step


def _tracking(inputs: ReportInputs) -> Figure | None:
    if inputs.tracking is None or inputs.tracking.is_empty():
        return None
    values = ("actual", "forecast", "low", "high")
    track, step = collapse_tracking(inputs.tracking.sort("period_start"))
    cash = inputs.tracking_of == "cash"
    largest = max(float(track[c].abs().max() or 0.0) for c in ("actual", "forecast"))  # type: ignore[arg-type]
    unit = money_unit(largest, inputs.currency) if cash else money_unit(0.0, "")
    shown = track.with_columns(pl.col(name) / unit.divisor for name in values)
    word = _period_word(track)
    heading = f"Cash per {word} ({unit.label})" if cash else f"Purchases per {word}"
    finding = _finding(inputs, track)
    subtitle = "Grey: what happened. Teal: the forecast, with its interval where one is known."
    if step > 1:
        subtitle += f" Each point joins {step} periods; incomplete ones are left out."
    written = amounts([largest], inputs.currency) if cash else Amounts(1.0, 1, "purchases")
    table = make_table(
        f"{written.label.capitalize() if not cash else f'Cash ({written.label})'} by period: what "
        "happened and what is forecast",
        [
            Column("From", lambda r: day(r["period_start"]), numeric=False),
            *(
                Column(word, lambda r, name=name: written.write(r[name]))  # type: ignore[misc]
                for word, name in zip(("Actual", "Forecast", "Low", "High"), values, strict=True)
            ),
        ],
        rows=track.iter_rows(named=True),
    )
    chart = tracking_chart(
        shown,
        as_of=inputs.as_of.isoformat(),
        unit=heading,
        finding=finding,
        subtitle=subtitle,
    )
    return draw(chart, "tracking", about=f"Lines over time: {finding}.", table=table)


def _finding(inputs: ReportInputs, track: pl.DataFrame) -> str:
    ahead = track.filter(pl.col("actual").is_null(), pl.col("forecast").is_not_null())
    past = track.filter(pl.col("actual").is_not_null()).tail(ahead.height)
    if ahead.is_empty() or past.is_empty():
        return "What happened and what is forecast"

    def written(value: float) -> str:
        if inputs.tracking_of == "cash":
            return money(value, inputs.currency)
        return f"{grouped(value, 0 if value >= 100 else 1)} purchases"

    before, after = float(past["actual"].mean()), float(ahead["forecast"].mean())  # type: ignore[arg-type]
    word = _period_word(track)
    return (
        f"Ahead: {written(after)} a {word} on average, from today's customers; "
        f"the last {past.height} {word}s had {written(before)}"
    )


def _period_word(track: pl.DataFrame) -> str:
    """What one point spans, by the usual distance of starts."""
    days = track["period_start"].diff().dt.total_days().median()
    spans = {1: "day", 7: "week", 30: "month", 31: "month", 91: "quarter", 92: "quarter"}
    return spans.get(round(days), "period") if isinstance(days, float | int) else "period"
