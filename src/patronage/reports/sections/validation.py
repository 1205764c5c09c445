"""The tables and figures of a validation."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl

from patronage.evaluate.validation import FAMILIES, VALIDATION_METRICS, Limit, Validation
from patronage.reports.charts.ageing import ageing_chart
from patronage.reports.charts.calibration import calibration_chart
from patronage.reports.charts.group_ratio import group_ratio_chart
from patronage.reports.charts.pit import pit_chart
from patronage.reports.charts.retraining import retraining_chart
from patronage.reports.figures import Figure, draw
from patronage.reports.formats import ABSENT, amounts, count, money_unit, percent, significant
from patronage.reports.metrics import metric_words
from patronage.reports.tables import Cell, Column, Table, make_table
from patronage.reports.validation_words import LABELS, UNRANKED

__all__ = [
    "ageing_figures",
    "calibration_figure",
    "daily_table",
    "family_table",
    "findings_table",
    "group_figures",
    "limits_table",
    "matrix_table",
    "meanings",
    "origins_table",
    "pit_figure",
    "stability_table",
]

_WORDS: Final = {
    "seed": "Other seeds, same customers",
    "resample": "Other customers to learn from",
}
_CAPTIONS: Final = {
    "statistical": "How near: expected cash against what came",
    "ranking": "Who comes first",
    "classification": "Who buys at all, and who brings more than the threshold",
    "business": "What it is worth in use",
    "distribution": "Ranges of one customer's outcome",
}
_ORIGIN_METRICS: Final = (
    *("aggregate_bias", "deviance", "normalized_gini", "decile_mape", "calibration_slope"),
    *("buys_roc_auc", "crps"),
)


def findings_table(found: Validation) -> Table:
    """The verdict, line by line, worst first."""
    order = {"fail": 0, "attention": 1, "pass": 2}
    lines = sorted(found.findings, key=lambda finding: order[finding.status])
    return make_table(
        "Findings, worst first",
        [
            Column("", lambda r: Cell("", badges=(r["status"],)), numeric=False),
            Column("Finding", lambda r: r["sentence"], numeric=False),
        ],
        rows=({"status": one.status, "sentence": one.sentence} for one in lines),
    )


def limits_table(found: Validation) -> Table:
    """What the verdict was measured by."""
    return make_table(
        "Limits, and why they stand there",
        [
            Column("Limit", lambda r: r["limit"].label, numeric=False),
            Column("Attention", lambda r: _edge(r["limit"], r["limit"].attention)),
            Column("Fail", lambda r: _edge(r["limit"], r["limit"].fail)),
            Column("Reason", lambda r: r["limit"].reason, numeric=False),
        ],
        rows=({"limit": limit} for limit in found.limits.values()),
    )


def family_table(found: Validation, family: str) -> Table:
    """A row per metric, a column per model, each with its interval; best of each row marked."""
    models = (found.model, *found.benchmarks)
    names = [metric.name for metric in FAMILIES[family]]
    pooled = found.frame.filter(pl.col("origin") == "all", pl.col("family") == family)
    cells = {(row["metric"], row["model"]): row for row in pooled.iter_rows(named=True)}
    best = {name: _best(cells, name, models) for name in names}

    def write(model: str) -> Callable[[Mapping[str, Any]], Cell | str]:
        def cell(row: Mapping[str, Any]) -> Cell | str:
            one = cells.get((row["metric"], model))
            if one is None or one["value"] is None:
                return ABSENT
            badges = ("best",) if model in best[row["metric"]] else ()
            return Cell(significant(one["value"]), _between(one), badges)

        return cell

    def label(row: Mapping[str, Any]) -> Cell:
        words = _label(row["metric"])
        n = cells[row["metric"], found.model]["n"]
        some = VALIDATION_METRICS[row["metric"]].among == "buyers"
        return Cell(words, f"of {count(n)} who brought cash" if some else "")

    return make_table(
        _CAPTIONS[family],
        [
            Column("Metric", label, numeric=False),
            *(Column(model.replace("_", " "), write(model)) for model in models),
        ],
        rows=({"metric": name} for name in names),
    )


def origins_table(found: Validation) -> Table | None:
    """The model at each origin; None where there was one."""
    if len(found.origins) < 2:
        return None
    single = found.frame.filter(pl.col("group") == "all", pl.col("model") == found.model)
    cells = {(row["metric"], row["origin"]): row for row in single.iter_rows(named=True)}

    def write(origin: str) -> Callable[[Mapping[str, Any]], Cell | str]:
        def cell(row: Mapping[str, Any]) -> Cell | str:
            one = cells.get((row["metric"], origin))
            if one is None or one["value"] is None:
                return ABSENT
            return Cell(significant(one["value"]), _between(one))

        return cell

    return make_table(
        f"{found.model} at each origin",
        [
            Column("Metric", lambda r: _label(r["metric"]), numeric=False),
            *(Column(str(day), write(str(day))) for day in found.origins),
        ],
        rows=({"metric": name} for name in _ORIGIN_METRICS),
    )


def calibration_figure(found: Validation, currency: str) -> Figure:
    """Deciles of the forecast."""
    deciles = found.calibration.sort("decile")
    names = ("predicted", "actual", "low", "high")
    largest = max(float(deciles[c].abs().max() or 0.0) for c in names)  # type: ignore[arg-type]
    unit, cash = money_unit(largest, currency), amounts([largest], currency)
    inside = deciles.filter(pl.col("predicted").is_between("low", "high")).height
    finding = f"In {inside} of {deciles.height} deciles the forecast lies within the interval"
    table = make_table(
        f"Cash per customer by decile of the forecast, {cash.label}",
        [
            Column("Decile", lambda r: str(r["decile"]), numeric=False),
            Column("Forecast", lambda r: cash.write(r["predicted"])),
            Column("Actual", lambda r: cash.write(r["actual"])),
            Column("Interval of the actual", lambda r: cash.between(r["low"], r["high"])),
        ],
        rows=deciles.iter_rows(named=True),
    )
    chart = calibration_chart(
        deciles.with_columns(pl.col(name) / unit.divisor for name in names),
        unit=unit.label,
        finding=finding,
        subtitle="Grey: what happened, with its interval. Teal: the forecast.",
    )
    return draw(chart, "calibration", about=f"Bars and dots by decile: {finding}.", table=table)


def pit_figure(found: Validation) -> Figure:
    """Where outcomes fell."""
    low, high = (float(v) for v in (found.pit["share"].min(), found.pit["share"].max()))  # type: ignore[arg-type]
    finding = f"Between {percent(low, 1)} and {percent(high, 1)} of outcomes fall in each place"
    table = make_table(
        "Where outcomes fell within their own forecast distributions",
        [
            Column("Place", lambda r: str(r["bin"]), numeric=False),
            Column("Share of customers", lambda r: percent(r["share"], 2)),
        ],
        rows=found.pit.iter_rows(named=True),
    )
    chart = pit_chart(
        found.pit,
        finding=finding,
        subtitle=f"An honest spread has {percent(1 / found.pit.height, 1)} in each (dashed); zeros "
        "are placed by lot within theirs.",
    )
    return draw(chart, "pit", about=f"Histogram: {finding}.", table=table)


def ageing_figures(found: Validation, currency: str) -> tuple[Figure, ...]:
    """Loss by age, and the cost of each interval; nothing where one origin was judged."""
    aged = found.ageing
    if aged.days is None:
        return ()
    last = aged.by_age.row(-1, named=True)
    unit = f"Profit lost ({currency})" if aged.in_money else "Excess error"
    size = abs(last["loss"])
    worse = last["loss"] >= 0
    said = (
        f"{count(size)} {currency} {'less' if worse else 'more'} profit"
        if aged.in_money
        else f"{percent(size, 1)} {'more' if worse else 'less'} deviance"
    )
    finding = f"After {count(last['age_days'])} days: {said} than a fresh model"
    ages = make_table(
        "Loss by age, against a fresh model on the same outcomes",
        [
            Column("Days since training", lambda r: count(r["age_days"]), numeric=False),
            Column(unit, lambda r: _loss(r["loss"], share=not aged.in_money)),
            Column("90 % interval", lambda r: _losses(r, share=not aged.in_money)),
            Column("Pairs of days", lambda r: count(r["n_pairs"])),
        ],
        rows=aged.by_age.iter_rows(named=True),
    )
    subtitle = "Trained earlier, asked about the same customers. Whiskers: 90 % of resamplings."
    first = ageing_chart(
        aged.by_age, unit=unit, share=not aged.in_money, finding=finding, subtitle=subtitle
    )
    least = f"Least with a training every {aged.days} days"
    costs = make_table(
        "What each interval would have cost over the steps judged",
        [
            Column("Days between trainings", lambda r: count(r["days"]), numeric=False),
            Column("Trainings", lambda r: count(r["retrainings"])),
            Column("Their cost", lambda r: significant(r["retraining_cost"])),
            Column("Loss by age", lambda r: significant(r["loss"])),
            Column("Together", lambda r: significant(r["total"])),
        ],
        rows=aged.schedules.iter_rows(named=True),
    )
    second = retraining_chart(
        aged.schedules,
        unit=currency if aged.in_money else "In errors of a fresh model",
        finding=least,
        subtitle=f"α = {aged.alpha:,.2f} {currency} a training."
        if aged.in_money
        else f"α = {aged.alpha:g}: a training is worth {percent(aged.alpha)} of one step's error.",
    )
    return (
        draw(first, "ageing", about=f"A line by age: {finding}.", table=ages),
        draw(second, "retraining", about=f"Bars by interval: {least}.", table=costs),
    )


def matrix_table(found: Validation) -> Table:
    """Trained at i, judged from j: the deviance."""
    matrix = found.ageing.matrix.filter(pl.col("metric") == "deviance")
    cells = {(row["trained"], row["origin"]): row for row in matrix.iter_rows(named=True)}

    def write(day: Any) -> Callable[[Mapping[str, Any]], Cell | str]:
        def cell(row: Mapping[str, Any]) -> Cell | str:
            one = cells.get((row["trained"], day))
            return ABSENT if one is None else Cell(significant(one["value"], 4), _between(one))

        return cell

    return make_table(
        "Deviance of the model trained at a day (rows) on outcomes from a day (columns)",
        [
            Column("Trained", lambda r: str(r["trained"]), numeric=False),
            *(Column(f"from {day}", write(day)) for day in found.origins),
        ],
        rows=({"trained": day} for day in found.origins),
    )


def stability_table(found: Validation) -> Table:
    """Agreement over seeds and samples."""
    columns = ("rank_agreement", "top_decile_overlap", "total_spread", "score_spread")
    rows = [
        {"what": _WORDS[kind], **numbers}
        for kind, numbers in (("seed", found.seeds), ("resample", found.resamples))
        if numbers
    ]
    return make_table(
        "Five fits each, at the latest origin",
        [
            Column("What changed", lambda r: r["what"], numeric=False),
            Column("Least rank correlation", lambda r: significant(r[columns[0]])),
            Column("Least overlap of top deciles", lambda r: percent(r[columns[1]], 1)),
            Column("Spread of the total", lambda r: percent(r[columns[2]], 2)),
            Column("Mean spread of a score", lambda r: percent(r[columns[3]], 2)),
        ],
        rows=rows,
    )


def daily_table(found: Validation) -> Table:
    """The panel, day by day."""
    return make_table(
        "The same customers, scored on the days after by one fitted model",
        [
            Column("Day", lambda r: str(r["day"]), numeric=False),
            Column("Change of the total", lambda r: percent(r["total_change"], 2)),
            Column("Rank correlation", lambda r: significant(r["rank_correlation"], 4)),
            Column("Scores moved by over a tenth", lambda r: percent(r["moved"], 1)),
        ],
        rows=found.daily.iter_rows(named=True),
    )


def group_figures(found: Validation, currency: str) -> tuple[Figure, ...]:
    """A chart and a table per grouping."""
    limit = found.limits["relative_ratio"]
    figures = []
    for k, ((by,), part) in enumerate(found.groups.group_by("by", maintain_order=True)):
        wide = part.pivot(on="metric", index=["group", "judged"], values="value")
        wide = wide.join(
            part.filter(pl.col("metric") == "relative_ratio").select("group", "low", "high", "n"),
            "group",
            maintain_order="left",
        )
        cash = amounts(wide["mae"].to_list(), currency)
        drawn = wide.rename({"relative_ratio": "value"}).filter(pl.col("value").is_not_nan())
        off = drawn.filter(pl.col("judged"), (pl.col("value") - 1).abs() > limit.attention)[
            "group"
        ].to_list()
        finding = f"By {by}: {', '.join(off[:4])} stand out" if off else f"By {by}: alike"
        table = make_table(
            f"Groups by {by}; errors in {cash.label} per customer",
            [
                Column(by.capitalize(), _group, numeric=False),
                Column("Customers", lambda r: count(r["n"])),
                Column("Predicted / actual", lambda r: significant(r["predicted_to_actual"])),
                Column("Over that of all", lambda r: Cell(significant(r["value"]), _between(r))),
                Column("MAE", lambda r, cash=cash: cash.write(r["mae"])),  # type: ignore[misc]
                Column("NMAE", lambda r: significant(r["nmae"])),
                Column("Normalised Gini", lambda r: significant(r["normalized_gini"])),
                Column("In the top decile", lambda r: percent(r["top_decile_share"], 1)),
            ],
            rows=wide.rename({"relative_ratio": "value"}).iter_rows(named=True),
        )
        some = drawn.filter((pl.col("value") > 0) & (pl.col("low") > 0))
        chart = group_ratio_chart(
            some,
            tolerance=limit.attention,
            finding=finding,
            subtitle="1: valued as right as everybody. Whiskers: 90 % of resamplings. "
            "Grey: under 50 customers, not judged.",
        )
        figures.append(draw(chart, f"group-{k}", about=f"Dots by group: {finding}.", table=table))
    return tuple(figures)


def meanings() -> list[tuple[str, str]]:
    """Every metric and what it means."""
    return [(_label(name), metric.meaning) for name, metric in VALIDATION_METRICS.items()]


def _group(row: Mapping[str, Any]) -> Cell:
    return Cell(str(row["group"]), "" if row["judged"] else "under 50, not judged")


def _label(name: str) -> str:
    return LABELS.get(name) or metric_words(name, {}).label


def _between(row: Mapping[str, Any]) -> str:
    low, high = row["low"], row["high"]
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"{significant(low)} to {significant(high)}"


def _loss(value: float, *, share: bool) -> str:
    return percent(value, 1) if share else significant(value)


def _losses(row: Mapping[str, Any], *, share: bool) -> str:
    return f"{_loss(row['low'], share=share)} to {_loss(row['high'], share=share)}"


def _edge(limit: Limit, edge: float) -> str:
    written = percent(edge) if limit.percent else f"{edge:g}"
    if limit.best is not None:
        return f"±{written}" if not limit.best else f"{limit.best:g} ± {written}"
    return f"{'under' if limit.higher_is_better else 'over'} {written}"


def _best(
    cells: Mapping[tuple[str, str], Mapping[str, Any]], name: str, models: tuple[str, ...]
) -> frozenset[str]:
    """Who is best in a row; nobody where all are alike, or better has no meaning."""
    metric = VALIDATION_METRICS[name]
    if name in UNRANKED:
        return frozenset()
    known = {
        model: cells[name, model]["value"]
        for model in models
        if (name, model) in cells and cells[name, model]["value"] is not None
    }
    loss = {
        model: abs(v - metric.best)
        if metric.best is not None
        else (-v if metric.higher_is_better else v)
        for model, v in known.items()
    }
    least = min(loss.values(), default=0.0)
    winners = frozenset(model for model, v in loss.items() if v == least)
    return winners if len(winners) < len(loss) else frozenset()
