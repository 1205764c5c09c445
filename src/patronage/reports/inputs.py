"""What a report is drawn from: plain numbers and tables, gathered by whoever ran the models."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from patronage.errors import SettingsError
from patronage.events.quality import QualityReport
from patronage.horizon import Horizon

__all__ = ["ReportInputs", "TotalValue"]

_COLUMNS = {
    "scores": (
        "customer_id p_alive expected_purchases clv clv_p10 clv_p90 clv_mean_low clv_mean_high "
        "segment first_day frequency days_since_last spend"
    ),
    "leaderboard": "model origin horizon_days segment metric value low high n_customers",
    "calibration": "decile predicted actual low high n_customers",
    "pit": "bin share",
    "tracking": "period_start actual forecast low high",
    "cohorts": "cohort age cash_per_customer n_customers",
    "cohort_accuracy": "cohort predicted actual",
    "value_table": (
        "period start end expected_purchases expected_cash margin discount_factor present_value"
    ),
}

_DAYS = {"first_day", "period_start", "cohort", "start", "end"}
_WORDS = {"customer_id", "segment", "model", "origin", "metric", "period"}
_WHOLE = {"decile", "bin", "age", "n_customers", "frequency"}


@dataclass(frozen=True)
class TotalValue:
    """What all customers together are expected to bring, after margin and discounting.

    Attributes
    ----------
    expected, low, high : money; the total lies between low and high with probability `level`
    drawn_from : how the interval was made, in words ("1,000 joint draws of all customers")
    """

    expected: float
    low: float
    high: float
    level: float = 0.8
    drawn_from: str = ""


@dataclass(frozen=True, kw_only=True)
class ReportInputs:
    """Everything that the report shows; money is in `currency` throughout.

    Attributes
    ----------
    scores : a row per customer: customer_id, p_alive (nullable), expected_purchases, clv, clv_p10,
        clv_p90, clv_mean_low, clv_mean_high, segment, first_day (date), frequency,
        days_since_last (nullable), spend (historic money)
    leaderboard : long: model, origin (a day, or "all" for rows that pool them), horizon_days,
        segment, metric, value, low, high, n_customers
    metric, reasons : the metric that chose `model`, and why, in sentences
    judged : a sentence that names the horizon judged and the origins
    caution : what no judgement says of the answer, in a sentence; '' where there is nothing
    interval_level : of the leaderboard's intervals
    higher_is_better : metric → direction, for metrics that the report does not know by name
    model_assumptions : model → what it assumes, shown beside its error (the baselines' above all)
    failures : model → why it is not on the board
    calibration : decile (1 lowest forecast), predicted and actual money per customer, low and high
        of the actual mean, n_customers; the chosen model pooled over origins
    pit : bin (1 … n) and share of customers
    coverage : a sentence
    tracking : period_start (date), actual (null ahead), forecast (nullable), low, high
    tracking_of : "purchases" or "cash"
    cohorts : cohort (first day of its month or quarter), age (period index from 0),
        cash_per_customer, n_customers
    cohort_age_unit : the length of one age ("month")
    cohort_accuracy : cohort, predicted, actual (sums of money)
    value_table : the table behind the number, for all customers: period, start, end (dates),
        expected_purchases, expected_cash, margin (fraction), discount_factor, present_value
    assumptions : sentences ("Margin 1: CLV is revenue.")
    method : (title, paragraphs) of each section
    """

    title: str
    currency: str
    as_of: date
    horizon: Horizon
    run_id: str
    model: str
    version: str

    scores: pl.DataFrame
    total: TotalValue
    value_table: pl.DataFrame
    assumptions: tuple[str, ...] = ()

    leaderboard: pl.DataFrame
    metric: str
    reasons: tuple[str, ...] = ()
    judged: str = ""
    caution: str = ""
    interval_level: float = 0.9
    higher_is_better: Mapping[str, bool] = field(default_factory=dict)
    model_assumptions: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)

    calibration: pl.DataFrame | None = None
    pit: pl.DataFrame | None = None
    coverage: str = ""
    tracking: pl.DataFrame | None = None
    tracking_of: str = "purchases"
    cohorts: pl.DataFrame | None = None
    cohort_age_unit: str = "month"
    cohort_accuracy: pl.DataFrame | None = None

    quality: QualityReport
    n_events: int
    n_customers: int
    first_day: date | None = None
    last_day: date | None = None
    method: tuple[tuple[str, tuple[str, ...]], ...] = ()
    seconds: float | None = None
    peak_mib: float | None = None

    def __post_init__(self) -> None:
        for name, text in _COLUMNS.items():
            frame = getattr(self, name)
            if frame is None:
                continue
            missing = [column for column in text.split() if column not in frame.columns]
            if missing:
                raise SettingsError(
                    f"the report's table {name!r} lacks columns {missing}; it has {frame.columns}."
                    f"\nTo mend: give {text.replace(' ', ', ')}."
                )
        if self.scores.is_empty():
            raise SettingsError(
                "the report's table 'scores' has no customer.\nTo mend: score at least one."
            )
        if self.tracking_of not in ("purchases", "cash"):
            raise SettingsError(
                f"tracking_of is {self.tracking_of!r}.\nTo mend: say 'purchases' or 'cash'."
            )

    def normal(self) -> "ReportInputs":
        """The same with one type a column: days as dates, money as floats, unknown as null."""
        frames = {name: getattr(self, name) for name in _COLUMNS}
        return replace(
            self,
            **{
                name: frame.select(_typed(column) for column in _COLUMNS[name].split())
                for name, frame in frames.items()
                if frame is not None
            },
        )


def _typed(column: str) -> pl.Expr:
    if column in _DAYS:
        return pl.col(column).cast(pl.Date)
    if column in _WORDS:
        return pl.col(column)
    if column in _WHOLE:
        return pl.col(column).cast(pl.Int64)
    return pl.col(column).cast(pl.Float64).fill_nan(None)
