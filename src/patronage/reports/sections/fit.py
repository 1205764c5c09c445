"""The figures of one fitted purchase model, each with its numbers in a table."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from patronage.reports.charts.alive_history import alive_history_chart
from patronage.reports.charts.cumulative import cumulative_chart
from patronage.reports.charts.frequency_recency import frequency_recency_chart
from patronage.reports.charts.holdout_by_frequency import holdout_by_frequency_chart
from patronage.reports.charts.repeat_counts import repeat_counts_chart
from patronage.reports.charts.tracking import tracking_chart
from patronage.reports.figures import Figure, draw
from patronage.reports.fit_inputs import FitInputs
from patronage.reports.formats import count, day, grouped, percent, significant, split_words
from patronage.reports.tables import Column, Table, make_table

__all__ = [
    "checks_table",
    "history_figure",
    "holdout_figure",
    "matrix_figures",
    "needed_table",
    "parameters_table",
    "repeats_figure",
    "tracking_figures",
]

Write = Callable[[Mapping[str, Any]], str]


def parameters_table(inputs: FitInputs) -> Table:
    """Estimates with their standard errors."""
    return make_table(
        f"Parameters, times in {inputs.unit}s",
        [
            Column("Parameter", lambda r: str(r["parameter"]), numeric=False),
            Column("Estimate", lambda r: significant(r["estimate"], 5)),
            Column("Standard error", lambda r: significant(r["standard_error"])),
        ],
        rows=inputs.parameters.iter_rows(named=True),
    )


def tracking_figures(inputs: FitInputs) -> tuple[Figure, Figure]:
    """Period by period, and since the beginning."""
    table, period = inputs.tracking, inputs.period
    after = table.filter(pl.col("start") >= inputs.as_of)
    part, when = (after, "not seen in the fit") if after.height else (table, "of the fit")
    actual, expected = float(part["actual"].sum()), float(part["expected"].sum())
    inside = table.filter(pl.col("actual").is_between("low", "high")).height
    weekly = f"{inside} of {table.height} {period}s lie within the 90 % band of what was expected"
    missed = percent(expected / actual - 1, 1) if actual else percent(None)
    whole = (
        f"{count(expected)} purchases expected in the {part.height} {period}s {when}, "
        f"{count(actual)} made ({missed})"
    )
    numbers = make_table(
        f"Repeat purchases by {period}",
        [
            Column("From", lambda r: r["start"].isoformat(), numeric=False),
            Column("Actual", _number("actual")),
            Column("Expected", _number("expected", 1)),
            Column("90 % band", lambda r: f"{grouped(r['low'], 1)} – {grouped(r['high'], 1)}"),
        ],
        rows=table.iter_rows(named=True),
    )
    sums = make_table(
        "Repeat purchases since the beginning",
        [
            Column("From", lambda r: r["start"].isoformat(), numeric=False),
            Column("Actual", _number("cumulative_actual")),
            Column("Expected", _number("cumulative_expected", 1)),
        ],
        rows=table.iter_rows(named=True),
    )
    drawn = table.rename({"start": "period_start", "expected": "forecast"})
    as_of = inputs.as_of.isoformat()
    chart = tracking_chart(
        drawn,
        as_of=as_of,
        unit=f"Repeat purchases a {period}",
        finding=weekly,
        subtitle=f"Grey: made. Teal: expected by {inputs.model} of customers who join when these "
        "did, with what chance alone makes of it.",
    )
    below = cumulative_chart(table, as_of=as_of, finding=whole)
    return (
        draw(chart, "weekly", about=f"Lines by {period}: {weekly}.", table=numbers),
        draw(below, "cumulative", about=f"Two rising lines: {whole}.", table=sums),
    )


def repeats_figure(inputs: FitInputs) -> Figure:
    """Customers by repeat purchases."""
    verdict = "agree with" if inputs.repeats_p_value >= 0.05 else "differ from"
    finding = f"The counts {verdict} the model's: p = {inputs.repeats_p_value:.2g}"
    last = int(inputs.repeats["frequency"].max() or 0)  # type: ignore[arg-type]
    table = make_table(
        f"Customers by repeat purchases; χ² {inputs.chi_square:.2f}, {inputs.degrees} degrees",
        [
            Column("Repeat purchases", _bin(last), numeric=False),
            Column("Actual", _number("actual")),
            Column("Expected", _number("expected", 1)),
        ],
        rows=inputs.repeats.iter_rows(named=True),
    )
    subtitle = f"Grey: counted. Teal: expected. χ² = {inputs.chi_square:.2f}."
    chart = repeat_counts_chart(inputs.repeats, finding=finding, subtitle=subtitle)
    return draw(chart, "repeats", about=f"Bars and dots: {finding}.", table=table)


def checks_table(inputs: FitInputs) -> Table:
    """One row per check: how far off, as a p-value."""
    rows = inputs.checks.group_by("check", maintain_order=True).agg(
        pl.col("p_value").first(),
        (~pl.col("observed").is_between("low", "high")).sum().alias("outside"),
        pl.len().alias("bins"),
    )
    return make_table(
        "Customers drawn from the fitted process, beside those observed",
        [
            Column("Check", lambda r: split_words(r["check"]), numeric=False),
            Column("Outside the 90 % interval", lambda r: f"{r['outside']} of {r['bins']}"),
            Column("p-value", lambda r: f"{r['p_value']:.2g}"),
        ],
        rows=rows.iter_rows(named=True),
    )


def holdout_figure(inputs: FitInputs) -> Figure | None:
    """Purchases after as_of by the frequency before it."""
    if inputs.holdout is None:
        return None
    held = inputs.holdout
    weight = held["n_customers"]
    expected, actual = (float((held[name] * weight).sum()) for name in ("expected", "actual"))
    finding = f"Over {inputs.horizon}: {count(expected)} expected, {count(actual)} made"
    last = int(held["frequency"].max() or 0)  # type: ignore[arg-type]
    table = make_table(
        f"Purchases per customer in the {inputs.horizon} after {day(inputs.as_of)}",
        [
            Column("Frequency before", _bin(last), numeric=False),
            Column("Customers", _number("n_customers")),
            Column("Actual", _number("actual", 3)),
            Column("Expected", _number("expected", 3)),
        ],
        rows=held.iter_rows(named=True),
    )
    chart = holdout_by_frequency_chart(
        held, finding=finding, subtitle="Grey: made, with its 95 % interval. Teal: expected."
    )
    return draw(chart, "holdout", about=f"Bars and dots: {finding}.", table=table)


def matrix_figures(inputs: FitInputs) -> tuple[Figure, ...]:
    """P(alive) and expected purchases of every frequency and recency."""
    if inputs.matrix is None:
        return ()
    weeks = grouped(inputs.matrix_T / 7)
    some = inputs.matrix.filter(pl.col("frequency").is_in([1, 2, 5, 10, 20]))
    alive = "The more often, the sooner silence tells that a customer has left"
    ahead = f"Purchases expected over the next {inputs.horizon}"
    found = []
    values: tuple[tuple[Any, str, int], ...] = (
        ("p_alive", alive, 3),
        ("expected_purchases", ahead, 2),
    )
    for value, finding, decimals in values:
        table = make_table(
            f"{finding}: some cells, first purchase {weeks} weeks ago",
            [
                Column("Repeat purchases", lambda r: str(r["frequency"]), numeric=False),
                Column("Weeks from first to last", lambda r: grouped(r["recency"] / 7, 1)),
                Column("Value", _number(value, decimals)),
            ],
            rows=some.gather_every(4).iter_rows(named=True),
        )
        chart = frequency_recency_chart(
            inputs.matrix,
            value=value,
            finding=finding,
            subtitle=f"Customers whose first purchase was {weeks} weeks ago.",
        )
        found.append(draw(chart, value.replace("_", "-"), about=f"Tiles: {finding}.", table=table))
    return tuple(found)


def history_figure(inputs: FitInputs) -> Figure | None:
    """P(alive) of one customer, day by day."""
    if inputs.history is None:
        return None
    now = float(inputs.history["p_alive"][-1])
    finding = f"Customer {inputs.customer_id} is alive with {percent(now)} by the end"
    bought = inputs.history.filter(pl.col("purchased"))
    table = make_table(
        f"P(alive) at the end of each day with a purchase of customer {inputs.customer_id}",
        [
            Column("Day", lambda r: r["day"].isoformat(), numeric=False),
            Column("P(alive)", lambda r: percent(r["p_alive"], 1)),
        ],
        rows=bought.iter_rows(named=True),
    )
    chart = alive_history_chart(
        inputs.history, finding=finding, subtitle="Dots: purchases. One of the busier customers."
    )
    return draw(chart, "alive-history", about=f"A line with dots: {finding}.", table=table)


def needed_table(inputs: FitInputs) -> Table | None:
    """What it takes to know each parameter to 20 percent."""
    if inputs.needed is None:
        return None
    return make_table(
        "Customers needed to know a parameter to 20 %, were this fit the truth",
        [
            Column("Weeks observed", lambda r: grouped(r["weeks"]), numeric=False),
            Column("Parameter", lambda r: str(r["parameter"]), numeric=False),
            Column("Customers", _number("customers")),
            Column("Repeat purchases", _number("repeat_purchases")),
        ],
        rows=inputs.needed.filter(pl.col("slowest")).iter_rows(named=True),
    )


def _number(name: str, decimals: int = 0) -> Write:
    return lambda row: grouped(row[name], decimals)


def _bin(last: int) -> Write:
    return lambda row: f"{row['frequency']}{'+' if row['frequency'] == last else ''}"
