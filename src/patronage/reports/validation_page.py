"""The page of a validation, in the order in which model risk is reviewed."""

from pathlib import Path
from typing import Final

from patronage.reports import theme
from patronage.reports.formats import count, day, join, money, percent, significant
from patronage.reports.page import environment
from patronage.reports.sections.validation import (
    ageing_figures,
    calibration_figure,
    daily_table,
    family_table,
    findings_table,
    group_figures,
    limits_table,
    matrix_table,
    meanings,
    origins_table,
    pit_figure,
    stability_table,
)
from patronage.reports.validation_inputs import ValidationInputs

__all__ = ["render_validation_page", "write_validation_page"]

_VERDICTS: Final = {
    "pass": "passes",
    "attention": "passes, with points that need attention",
    "fail": "fails",
}


def render_validation_page(inputs: ValidationInputs) -> str:
    """The page as HTML, which stands alone."""
    found = inputs.validation
    tables = {
        family: family_table(found, family)
        for family in ("statistical", "ranking", "classification", "business", "distribution")
    }
    return (
        environment()
        .get_template("validation.html.jinja")
        .render(
            inputs=inputs,
            found=found,
            theme={
                "accent": theme.ACCENT,
                "wash": theme.WASH,
                "ink": theme.INK,
                "muted": theme.MUTED,
            },
            as_of=day(inputs.as_of),
            customers=count(inputs.n_customers),
            lede=f"{found.model} {_VERDICTS[found.verdict]}",
            counts=_counts(inputs),
            tiles=_tiles(inputs),
            findings=findings_table(found),
            limits=limits_table(found),
            purpose=_purpose(inputs),
            decision=_decision(inputs),
            rows=_rows(inputs),
            tables=tables,
            origins=origins_table(found),
            calibration=calibration_figure(found, inputs.currency),
            pit=pit_figure(found),
            benchmarks=[f for f in found.findings if f.about == "benchmark"],
            ageing=ageing_figures(found, inputs.currency),
            matrix=matrix_table(found),
            stability=stability_table(found) if found.seeds or found.resamples else None,
            daily=daily_table(found),
            groups=group_figures(found, inputs.currency),
            terms=meanings(),
        )
    )


def write_validation_page(inputs: ValidationInputs, path: Path) -> None:
    """Write the page to `path`."""
    path.write_text(render_validation_page(inputs), encoding="utf-8", newline="\n")


def _counts(inputs: ValidationInputs) -> str:
    statuses = [finding.status for finding in inputs.validation.findings]
    parts = [
        f"{statuses.count(status)} {word}"
        for status, word in (("fail", "failed"), ("attention", "need attention"), ("pass", "pass"))
        if status in statuses
    ]
    return f"Of {len(statuses)} findings {join(parts)}."


def _tiles(inputs: ValidationInputs) -> list[tuple[str, str, str]]:
    found = inputs.validation
    bias, gini = found.value("aggregate_bias"), found.value("normalized_gini")
    auc, days = found.value("buys_roc_auc"), found.ageing.days
    return [
        ("Total", percent(1 + bias, 1), "of what came was forecast"),
        ("Ranking", significant(gini), "normalised Gini; 1 is perfect"),
        ("Who buys", significant(auc), "ROC-AUC; 0.5 is chance"),
        (
            "Retrain",
            "–" if days is None else f"{count(days)} days",
            "longest tried" if found.ageing.bounded else "recommended interval",
        ),
    ]


def _purpose(inputs: ValidationInputs) -> str:
    trained = (
        "fitted anew at each origin to what was known then"
        if inputs.trained is None
        else f"version {inputs.version}, as it was saved; it knew everything before "
        f"{day(inputs.trained)} and nothing after"
    )
    return (
        f"{inputs.validation.model} forecasts the net cash of each known customer over "
        f"{inputs.validation.horizon}, as a distribution. Here it is {trained}."
    )


def _decision(inputs: ValidationInputs) -> str:
    decision, currency = inputs.validation.decision, inputs.currency
    cost = (
        f"each contact costs {money(decision.cost, currency)}"
        if decision.cost
        else "contacts cost nothing"
    )
    return (
        "A customer counts as valuable, and is contacted, above "
        f"{money(decision.threshold, currency)} ({inputs.threshold_from}); "
        f"{percent(decision.margin)} of cash is kept and {cost}. A "
        "customer is said to buy where the chance is one half or more. All were set before any "
        "outcome was looked at."
    )


def _rows(inputs: ValidationInputs) -> str:
    aside = inputs.rows_read - inputs.rows_used
    return (
        f"{count(inputs.rows_read)} rows read = {count(inputs.rows_used)} used + {count(aside)} "
        f"set aside; {count(inputs.n_customers)} customers from {day(inputs.first_day)} to "
        f"{day(inputs.last_day)}."
    )
