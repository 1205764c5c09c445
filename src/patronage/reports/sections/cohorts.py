"""Section 3, cohorts: what customers of each vintage brought, age by age."""

from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from patronage.reports.charts.cohort_curves import cohort_curves_chart
from patronage.reports.charts.cohort_heat import cohort_heat_chart
from patronage.reports.figures import Figure, draw
from patronage.reports.formats import ABSENT, Amounts, amounts, count, grouped, money, month
from patronage.reports.inputs import ReportInputs
from patronage.reports.tables import Column, Table, make_table

__all__ = ["Cohorts", "all_cohorts", "cohorts_section"]

_MOST_COHORTS: Final = 24
_MOST_AGES: Final = 18


@dataclass(frozen=True)
class Cohorts:
    """What section 3 shows."""

    figures: tuple[Figure, ...]
    note: str


def all_cohorts(cohorts: pl.DataFrame) -> pl.DataFrame:
    """age, cumulative: the increments of all cohorts that reached an age, weighted and summed.

    Chaining increments keeps the line from jumping where a cohort is too young to go on.
    """
    weight = pl.col("n_customers")
    return (
        cohorts.group_by("age")
        .agg(((pl.col("cash_per_customer") * weight).sum() / weight.sum()).alias("step"))
        .sort("age")
        .select("age", pl.col("step").cum_sum().alias("cumulative"))
    )


def cohorts_section(inputs: ReportInputs) -> Cohorts | None:
    """Gather section 3; None where no cohorts are given."""
    if inputs.cohorts is None:
        return None
    known = inputs.cohorts.drop_nulls("cash_per_customer")
    if known.is_empty():
        return None
    latest = known["cohort"].unique().sort().tail(_MOST_COHORTS)
    shown = known.filter(pl.col("cohort").is_in(latest.implode())).sort("cohort", "age")
    left_out = known["cohort"].n_unique() - len(latest)
    notes = []
    if left_out:
        notes.append(f"The latest {_MOST_COHORTS} cohorts are shown; {left_out} older are not.")
    if int(shown["age"].max()) >= _MOST_AGES:  # type: ignore[arg-type]
        notes.append(f"The heat map ends at age {_MOST_AGES - 1}; the curves go on.")
    notes.append("Age 0 holds the first purchase, so colours are scaled to the ages after it.")
    return Cohorts((_heat(inputs, shown), _curves(inputs, shown)), " ".join(notes))


def _pivot(cells: pl.DataFrame, value: str) -> list[dict[str, Any]]:
    """A row per cohort, oldest first: cohort, n_customers, and a value per age."""
    rows: dict[Any, dict[str, Any]] = {}
    for row in cells.sort("cohort", "age").iter_rows(named=True):
        line = rows.setdefault(
            row["cohort"], {"cohort": row["cohort"], "n_customers": row["n_customers"]}
        )
        line[f"age {row['age']}"] = row[value]
    return list(rows.values())


def _age_table(caption: str, cells: pl.DataFrame, value: str, *, cash: Amounts) -> Table:
    ages = cells["age"].unique().sort().to_list()
    columns = [
        Column("Cohort", lambda r: month(r["cohort"]), numeric=False),
        Column("Customers", lambda r: count(r["n_customers"])),
        *(
            Column(
                str(age),
                lambda r, age=age: (  # type: ignore[misc]
                    cash.write(r[f"age {age}"]) if f"age {age}" in r else ABSENT
                ),
            )
            for age in ages
        ),
    ]
    return make_table(caption, columns, rows=_pivot(cells, value))


def _short(value: float) -> str:
    """A number of at most about four characters for a cell."""
    for size, letter in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return grouped(value / size, 1 if abs(value) < 100 * size else 0) + letter
    return grouped(value, 1 if 0 < abs(value) < 9.95 else 0)


def _heat(inputs: ReportInputs, shown: pl.DataFrame) -> Figure:
    cells = shown.filter(pl.col("age") < _MOST_AGES)
    later = cells.filter(pl.col("age") > 0)
    scaled = (later if later.height else cells)["cash_per_customer"]
    floor, ceiling = float(scaled.min()), float(scaled.max())  # type: ignore[arg-type]
    drawn = cells.with_columns(
        pl.struct("cohort", "n_customers")
        .map_elements(
            lambda r: f"{month(r['cohort'])} ({count(r['n_customers'])})", return_dtype=pl.String
        )
        .alias("cohort"),
        pl.col("cash_per_customer").map_elements(_short, return_dtype=pl.String).alias("written"),
    )
    finding = _heat_finding(cells, inputs)
    cash = amounts(cells["cash_per_customer"], inputs.currency)
    chart = cohort_heat_chart(
        drawn,
        colours=(floor, ceiling) if ceiling > floor else (floor, floor + 1.0),
        age_unit=inputs.cohort_age_unit,
        unit=inputs.currency or "Money",
        finding=finding,
        subtitle="Cash per customer of the cohort; customers in brackets.",
    )
    table = _age_table(
        f"Cash per customer by cohort and age in {inputs.cohort_age_unit}s, {cash.label}",
        cells,
        "cash_per_customer",
        cash=cash,
    )
    return draw(chart, "cohort-heat", about=f"Heat map: {finding}.", table=table)


def _heat_finding(cells: pl.DataFrame, inputs: ReportInputs) -> str:
    steps = all_cohorts(cells)
    n = steps.height
    if n < 2:
        return "Cash per customer by cohort and age"
    first = float(steps["cumulative"][0])
    whole = float(steps["cumulative"][-1])
    return (
        f"A customer brings {money(first, inputs.currency)} in the first "
        f"{inputs.cohort_age_unit} and {money(whole - first, inputs.currency)} in the "
        f"{n - 1} after it"
    )


def _curves(inputs: ReportInputs, shown: pl.DataFrame) -> Figure:
    cumulative = shown.with_columns(
        pl.col("cash_per_customer").cum_sum().over("cohort", order_by="age").alias("cumulative")
    )
    overall = all_cohorts(shown)
    cash = amounts(cumulative["cumulative"], inputs.currency)
    finding = _curve_finding(cumulative, overall, inputs)
    drawn = cumulative.with_columns(
        pl.col("cohort").map_elements(month, return_dtype=pl.String).alias("cohort")
    )
    chart = cohort_curves_chart(
        drawn,
        overall,
        age_unit=inputs.cohort_age_unit,
        unit=inputs.currency or "money",
        finding=finding,
    )
    table = _age_table(
        f"Cumulative cash per customer by cohort and age in {inputs.cohort_age_unit}s, "
        f"{cash.label}",
        cumulative,
        "cumulative",
        cash=cash,
    )
    return draw(chart, "cohort-curves", about=f"Curves: {finding}.", table=table)


def _curve_finding(cumulative: pl.DataFrame, overall: pl.DataFrame, inputs: ReportInputs) -> str:
    """Compare cohorts at the latest age that at least half of them reached."""
    reached = cumulative.group_by("cohort").agg(pl.col("age").max())["age"].sort()
    age = int(reached[(len(reached) - 1) // 2])
    there = cumulative.filter(pl.col("age") == age).sort("cumulative", "cohort")
    whole = float(overall.filter(pl.col("age") <= age)["cumulative"][-1])
    unit = inputs.cohort_age_unit
    start = f"By age {age} ({unit}s) a customer has brought {money(whole, inputs.currency)}"
    if there.height < 2:
        return start
    low, high = there.row(0, named=True), there.row(-1, named=True)
    return (
        f"{start}: from {money(low['cumulative'], inputs.currency)} ({month(low['cohort'])}) "
        f"to {money(high['cumulative'], inputs.currency)} ({month(high['cohort'])})"
    )
