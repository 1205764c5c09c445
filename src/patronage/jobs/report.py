"""Gather what the report draws from the results of a run."""

import importlib
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from patronage.evaluate import METRICS
from patronage.jobs.candidates import RECALIBRATED
from patronage.models.catalog import MODELS
from patronage.models.reasons import reasons_of
from patronage.reports import ReportInputs, TotalValue
from patronage.scoring import forecast_chunks
from patronage.snapshots import Snapshot, cohort_history, period_history
from patronage.value import sum_value_tables, value_table

if TYPE_CHECKING:
    from patronage.jobs.run import RunResult

__all__ = ["assumption_of", "gather_report"]


def gather_report(
    result: "RunResult", *, title: str, run_id: str, peak_mib: float | None = None
) -> ReportInputs:
    """Everything that the report shows of a run."""
    snapshot, scoring, judgement = result.snapshot, result.scoring, result.judgement
    card = judgement.scorecard
    periods = _by_period(result)
    past = snapshot.customers.select(
        "customer_id", "first_day", "frequency", "days_since_last", "spend"
    )
    customers = snapshot.customers.height
    return ReportInputs(
        title=title,
        currency=snapshot.events.currency,
        as_of=snapshot.as_of,
        horizon=scoring.horizon,
        run_id=run_id,
        model=scoring.model,
        version=scoring.version,
        scores=result.scores.join(past, on="customer_id", maintain_order="left"),
        total=TotalValue(
            result.total.expected,
            result.total.low,
            result.total.high,
            result.total.level,
            f"{len(result.total.draws):,} joint draws of all {customers:,} customers",
        ),
        value_table=periods,
        assumptions=tuple(result.summary["assumptions"]),
        leaderboard=result.leaderboard,
        metric=judgement.metric,
        reasons=judgement.reasons,
        judged=judgement.judged,
        caution=judgement.caution(scoring.horizon),
        higher_is_better={name: rule.higher_is_better for name, rule in METRICS.items()},
        model_assumptions={
            name: assumption_of(name) for name in result.leaderboard["model"].unique()
        },
        failures={} if card is None else dict(card.failures),
        calibration=None if card is None else card.calibration(scoring.model),
        pit=None if card is None else card.pit(scoring.model),
        coverage="" if card is None else card.coverage(scoring.model),
        tracking=_tracking(snapshot, periods, result),
        tracking_of="purchases",
        cohorts=_cohorts(snapshot),
        cohort_age_unit="month",
        cohort_accuracy=None if card is None else card.cohorts(scoring.model),
        quality=snapshot.events.quality,
        n_events=snapshot.events.quality.n_rows_used,
        n_customers=customers,
        first_day=snapshot.events.first_day(),
        last_day=snapshot.events.last_day(),
        method=_method(result),
        seconds=result.summary.get("seconds"),
        peak_mib=peak_mib,
    )


def assumption_of(name: str) -> str:
    """What a model assumes, in a sentence; its use where it has none of its own."""
    plain = name.removesuffix(RECALIBRATED)
    entry = MODELS.get(plain)
    if entry is None:
        return ""
    module, _, kind = entry.target.partition(":")
    told = getattr(getattr(importlib.import_module(module), kind), "assumption", "")
    text = told or entry.when_to_use
    return f"{text} Level, zeros and shape corrected on rewound folds." if plain != name else text


def _by_period(result: "RunResult") -> pl.DataFrame:
    """The table behind the number for the whole base, summed over chunks."""
    return sum_value_tables(
        value_table(forecast, result.scoring.economics.take(rows))
        for rows, forecast in forecast_chunks(result.snapshot, result.scoring)
    )


def _tracking(
    snapshot: Snapshot, periods: pl.DataFrame, result: "RunResult"
) -> pl.DataFrame | None:
    """Purchases of known customers per period: repeats of the past, and those expected.

    The band ahead is the interval of the total, as a share of what is expected of each period.
    """
    if periods["expected_purchases"].null_count() or result.total.expected <= 0:
        return None
    horizon = result.scoring.horizon
    period = "week" if horizon.period == "day" else horizon.period
    past = period_history(snapshot, period, n_periods=2 * max(horizon.n_periods, 8))
    low, high = (bound / result.total.expected for bound in (result.total.low, result.total.high))
    ahead = periods.select(
        pl.col("start").alias("period_start"),
        pl.lit(None, dtype=pl.Float64).alias("actual"),
        pl.col("expected_purchases").alias("forecast"),
    )
    if horizon.period == "day":
        weeks = (pl.col("period_start") - snapshot.as_of).dt.total_days() // 7
        ahead = (
            ahead.group_by(weeks.alias("week"), maintain_order=True)
            .agg(pl.col("period_start").first(), pl.col("forecast").sum(), pl.len())
            .filter(pl.col("len") == 7)
            .select("period_start", pl.lit(None, dtype=pl.Float64).alias("actual"), "forecast")
        )
    behind = past.select(
        "period_start",
        (pl.col("purchases") - pl.col("first_purchases")).alias("actual"),
        pl.lit(None, dtype=pl.Float64).alias("forecast"),
    )
    return pl.concat([behind, ahead]).with_columns(
        (pl.col("forecast") * low).alias("low"), (pl.col("forecast") * high).alias("high")
    )


def _cohorts(snapshot: Snapshot) -> pl.DataFrame | None:
    first, last = snapshot.events.first_day(), snapshot.as_of
    cohort = "month" if (last - first) <= timedelta(days=2 * 366) else "quarter"
    history = cohort_history(snapshot, cohort=cohort, age="month")
    return None if history.is_empty() else history


def _method(result: "RunResult") -> tuple[tuple[str, tuple[str, ...]], ...]:
    judgement, scoring = result.judgement, result.scoring
    return (
        (
            "How the model was chosen",
            (
                judgement.judged,
                "Every model was fitted at each of these days with only what was known then, and "
                "its forecasts were compared with what followed. Customers were resampled to tell "
                "a real difference from luck; of models that forecast alike the safer is taken: a "
                "simple one before an average of several, that before one learned from a table.",
            ),
        ),
        (
            "The chosen model",
            (
                f"{scoring.model}: {assumption_of(scoring.model)}",
                *(f"How it came about: {reason}" for reason in reasons_of(scoring.fitted)),
            ),
        ),
        (
            "From cash to value",
            (
                *result.summary["assumptions"],
                "Money is discounted from the middle of each period to the day of the forecast.",
            ),
        ),
        (
            "Intervals",
            (
                "clv_p10 to clv_p90 bound what one customer will bring (80 %). clv_mean_low to "
                "clv_mean_high bound the expectation (80 %): what the model does not know about "
                "its own parameters, and how far totals missed at earlier days.",
                "The total's interval comes from joint draws of all customers.",
            ),
        ),
    )
