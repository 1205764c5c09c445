"""Section 4, can I trust it: calibration, cohorts, and the spread of the forecasts."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from patronage.reports.charts.calibration import calibration_chart
from patronage.reports.charts.cohort_accuracy import cohort_accuracy_chart
from patronage.reports.charts.pit import pit_chart
from patronage.reports.figures import Figure, draw
from patronage.reports.formats import (
    amounts,
    count,
    money_unit,
    month,
    percent,
)
from patronage.reports.inputs import ReportInputs
from patronage.reports.tables import Column, make_table

__all__ = ["Trust", "trust_section"]

_MOST_COHORTS: Final = 24
_LEGEND: Final = "Grey: what happened. Teal: the forecast."


@dataclass(frozen=True)
class Trust:
    """What section 4 shows."""

    calibration: Figure | None
    pair: tuple[Figure, ...]
    coverage: str
    judged: str


def trust_section(inputs: ReportInputs) -> Trust | None:
    """Gather section 4; None where nothing was judged."""
    calibration = _calibration(inputs)
    pair = tuple(f for f in (_cohort_accuracy(inputs), _pit(inputs)) if f is not None)
    if calibration is None and not pair and not inputs.coverage:
        return None
    return Trust(calibration, pair, inputs.coverage, inputs.judged)


def _calibration(inputs: ReportInputs) -> Figure | None:
    if inputs.calibration is None or inputs.calibration.is_empty():
        return None
    names = ("predicted", "actual", "low", "high")
    deciles = inputs.calibration.sort("decile")
    largest = max(float(deciles[c].abs().max() or 0.0) for c in names)  # type: ignore[arg-type]
    unit = money_unit(largest, inputs.currency)
    inside = deciles.filter(
        pl.col("predicted") >= pl.col("low"), pl.col("predicted") <= pl.col("high")
    ).height
    finding = (
        f"In {inside} of {deciles.height} deciles the forecast lies within the interval of what "
        "happened"
    )
    cash = amounts([largest], inputs.currency)
    table = make_table(
        f"Cash per customer by decile of the forecast, {cash.label}",
        [
            Column("Decile", lambda r: str(r["decile"]), numeric=False),
            Column("Forecast", lambda r: cash.write(r["predicted"])),
            Column("Actual", lambda r: cash.write(r["actual"])),
            Column("Interval of the actual", lambda r: cash.between(r["low"], r["high"])),
            Column("Forecast − actual", lambda r: _miss(r["predicted"], r["actual"])),
            Column("Customers", lambda r: count(r["n_customers"])),
        ],
        rows=deciles.iter_rows(named=True),
    )
    chart = calibration_chart(
        deciles.with_columns(pl.col(name) / unit.divisor for name in names),
        unit=unit.label,
        finding=finding,
        subtitle=f"{_LEGEND} Whiskers: interval of the actual mean. Model: {inputs.model}.",
    )
    return draw(chart, "calibration", about=f"Bars and dots by decile: {finding}.", table=table)


def _miss(predicted: float | None, actual: float | None) -> str:
    if predicted is None or actual is None or not actual > 0:
        return percent(None)
    share = predicted / actual - 1
    return ("+" if share > 0 else "") + percent(share, 1)


def _cohort_accuracy(inputs: ReportInputs) -> Figure | None:
    if inputs.cohort_accuracy is None or inputs.cohort_accuracy.is_empty():
        return None
    names = ("predicted", "actual")
    cohorts = inputs.cohort_accuracy.sort("cohort").tail(_MOST_COHORTS)
    largest = max(float(cohorts[c].abs().max() or 0.0) for c in names)  # type: ignore[arg-type]
    unit = money_unit(largest, inputs.currency)
    sums = float(cohorts["predicted"].sum()), float(cohorts["actual"].sum())
    miss = _miss(*sums)
    finding = f"All cohorts together: forecast {miss} against what happened"
    cash = amounts([largest], inputs.currency)
    table = make_table(
        f"Cash per acquisition cohort in the judged period, {cash.label}",
        [
            Column("Cohort", lambda r: month(r["cohort"]), numeric=False),
            Column("Forecast", lambda r: cash.write(r["predicted"])),
            Column("Actual", lambda r: cash.write(r["actual"])),
            Column("Forecast − actual", lambda r: _miss(r["predicted"], r["actual"])),
        ],
        rows=cohorts.iter_rows(named=True),
    )
    drawn = cohorts.with_columns(
        pl.col("cohort").map_elements(month, return_dtype=pl.String),
        *(pl.col(name) / unit.divisor for name in names),
    )
    chart = cohort_accuracy_chart(drawn, unit=unit.label, finding=finding, subtitle=_LEGEND)
    return draw(chart, "cohort-accuracy", about=f"Bars and dots: {finding}.", table=table)


def _pit(inputs: ReportInputs) -> Figure | None:
    if inputs.pit is None or inputs.pit.is_empty():
        return None
    histogram = inputs.pit.sort("bin")
    low, high = histogram["share"].min(), histogram["share"].max()
    even = 1 / histogram.height
    finding = (
        f"Between {percent(low, 1)} and {percent(high, 1)} of outcomes fall in each "  # type: ignore[arg-type]
        f"of {histogram.height} places"
    )
    table = make_table(
        "Where outcomes fell within their own forecast distributions",
        [
            Column("Place", lambda r: str(r["bin"]), numeric=False),
            Column("Share of customers", lambda r: percent(r["share"], 2)),
        ],
        rows=histogram.iter_rows(named=True),
    )
    chart = pit_chart(
        histogram,
        finding=finding,
        subtitle=f"An honest spread has {percent(even, 1)} in each (dashed).",
    )
    return draw(chart, "pit", about=f"Histogram: {finding}.", table=table)
