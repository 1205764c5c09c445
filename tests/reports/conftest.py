"""A run that never was: a simulated base of customers, shaped as `patronage run` shapes it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from patronage.events.quality import QualityReport
from patronage.horizon import Horizon
from patronage.reports import ReportInputs, TotalValue

AS_OF = date(1997, 10, 1)
MODELS = {
    "mbg_nbd": 1.000,
    "stack": 0.996,
    "pareto_nbd": 1.003,
    "bg_nbd": 1.012,
    "hurdle_lightgbm": 1.018,
    "tweedie_lightgbm": 1.045,
    "textbook_retention": 1.21,
    "textbook_lifetime": 1.34,
    "everyone_average": 1.30,
    "same_again": 1.62,
    "nothing": 2.4,
}
ASSUMPTIONS = {
    "nothing": "Assumes that nobody ever buys again.",
    "same_again": "Assumes that the next period repeats the last one.",
    "everyone_average": "Assumes that all customers spend alike.",
    "textbook_lifetime": "Assumes order value × frequency × lifetime × margin, alike for all.",
    "textbook_retention": "Assumes a constant margin and retention rate: m·r / (1 + d − r).",
}


def make_scores(n: int, rng: np.random.Generator, *, scale: float = 1.0) -> pl.DataFrame:
    """Customers of a gamma-gamma, half-heavy-tailed kind; clv sums are concentrated."""
    rate = rng.gamma(0.55, 0.19, n)
    age = rng.integers(180, 273, n)
    frequency = rng.poisson(rate * age / 7)
    silent = np.where(frequency > 0, rng.integers(0, age), age)
    p_alive = np.exp(-silent / 150) * 0.9 + 0.05
    spend = np.round(rng.gamma(6, 6, n) * (1 + frequency), 2) * scale
    purchases = p_alive * (0.55 + frequency) / (4.6 + age / 7) * 39
    clv = purchases * spend / (1 + frequency) * 0.97
    order = np.argsort(-clv)
    share = np.empty(n)
    share[order] = np.cumsum(clv[order]) / max(clv.sum(), 1e-12)
    return pl.DataFrame(
        {
            "customer_id": np.arange(1, n + 1),
            "p_alive": p_alive,
            "expected_purchases": purchases,
            "clv": clv,
            "clv_p10": np.where(purchases > 2, clv * 0.35, 0.0),
            "clv_p90": clv * 2.4,
            "clv_mean_low": clv * 0.93,
            "clv_mean_high": clv * 1.08,
            "segment": np.where(share <= 0.5, "high", np.where(share <= 0.8, "medium", "low")),
            "first_day": [AS_OF - timedelta(days=int(a) + 1) for a in age],
            "frequency": frequency,
            "days_since_last": silent,
            "spend": spend,
        }
    )


def make_value_table(total: float, purchases: float, horizon: Horizon) -> pl.DataFrame:
    """Falling cash by period that sums to `total` at a margin of 1 and 10 % a year."""
    edges = horizon.edges()
    middle = (edges[1:] + edges[:-1]) / 2
    factor = 1.1 ** (-middle / 365.25)
    shape = np.exp(-middle / 600)
    present = total * shape * factor / (shape * factor).sum()
    return pl.DataFrame(
        {
            "period": np.arange(1, horizon.n_periods + 1),
            "start": [AS_OF + timedelta(days=round(float(e))) for e in edges[:-1]],
            "end": [AS_OF + timedelta(days=round(float(e))) for e in edges[1:]],
            "expected_purchases": purchases * shape / shape.sum(),
            "expected_cash": present / factor,
            "margin": 1.0,
            "discount_factor": factor,
            "present_value": present,
        }
    )


def make_leaderboard(models: dict[str, float], rng: np.random.Generator) -> pl.DataFrame:
    """Five origins, six metrics, all customers and one cohort."""
    metrics = {
        "deviance": (21.3, 1),
        "normalized_gini": (0.712, -0.25),
        "rmse": (61.2, 0.3),
        "mae": (19.4, 0.3),
        "decile_mape": (0.11, 2.5),
        "aggregate_bias": (0.02, 8.0),
        "rmse_purchases": (1.62, 0.2),
    }
    rows: list[dict[str, Any]] = []
    for model, factor in models.items():
        for month in range(4, 9):
            for metric, (base, power) in metrics.items():
                value = base * factor**power * float(rng.normal(1, 0.02))
                rows += [
                    {
                        "model": model,
                        "origin": date(1997, month, 1),
                        "horizon_days": 91.0,
                        "segment": segment,
                        "metric": metric,
                        "value": value,
                        "low": value * 0.96,
                        "high": value * 1.05,
                        "n_customers": 20_000,
                    }
                    for segment in ("all", "cohort 1997-01")
                ]
    return pl.DataFrame(rows)


def make_cohorts(rng: np.random.Generator, *, n: int = 9) -> pl.DataFrame:
    """`n` monthly cohorts, the last of them one month old."""
    rows = []
    for cohort in range(n):
        size, first = int(rng.integers(1800, 8000)), rng.gamma(40, 0.9)
        for age in range(n - cohort):
            cash = first if age == 0 else first * 0.28 * 0.9**age * rng.normal(1, 0.08)
            rows.append(
                {
                    "cohort": date(1997 + cohort // 12, 1 + cohort % 12, 1),
                    "age": age,
                    "cash_per_customer": float(cash),
                    "n_customers": size,
                }
            )
    return pl.DataFrame(rows)


def make_tracking(rng: np.random.Generator) -> pl.DataFrame:
    """39 weeks of history, 39 of forecast."""
    start = AS_OF - timedelta(weeks=39)
    weeks = np.arange(78)
    happened = 1800 * np.exp(-weeks / 60) * rng.normal(1, 0.09, 78) + 300
    expected = 1800 * np.exp(-weeks / 60) * 0.98 + 290
    ahead = weeks >= 39
    return pl.DataFrame(
        {
            "period_start": [start + timedelta(weeks=int(w)) for w in weeks],
            "actual": [None if a else float(v) for a, v in zip(ahead, happened, strict=True)],
            "forecast": expected,
            "low": [float(v) * 0.88 if a else None for a, v in zip(ahead, expected, strict=True)],
            "high": [float(v) * 1.13 if a else None for a, v in zip(ahead, expected, strict=True)],
        }
    )


def fake_inputs(
    *, n: int = 2000, seed: int = 7, scale: float = 1.0, horizon: str = "39 weeks", **changes: Any
) -> ReportInputs:
    """Inputs of a run over `n` customers; `changes` replace fields."""
    rng = np.random.default_rng(seed)
    scores = make_scores(n, rng, scale=scale)
    total = float(scores["clv"].sum())
    spread = np.array([1.1, 1.9, 2.8, 4.1, 6.0, 9.2, 14.0, 22.5, 41.0, 138.0]) * scale
    actual = spread * rng.normal(1, 0.06, 10)
    ahead = Horizon.parse(horizon)
    inputs = ReportInputs(
        title="Customer value: CDNOW",
        currency="USD",
        as_of=AS_OF,
        horizon=ahead,
        run_id="2026-01-31-7f3a",
        model="mbg_nbd",
        version="1",
        scores=scores,
        total=TotalValue(
            total, total * 0.96, total * 1.045, 0.8, "1,000 joint draws of all customers"
        ),
        value_table=make_value_table(total, float(scores["expected_purchases"].sum()), ahead),
        assumptions=(
            "Margin 1: CLV is revenue.",
            "Discounted at 10 % effective a year, at the middle of each week.",
            "Customers go on buying as they did: no change of prices, range or competition.",
        ),
        leaderboard=make_leaderboard(MODELS, rng),
        metric="deviance",
        reasons=(
            "stack has the lowest deviance, but mbg_nbd is not worse beyond chance "
            "(difference 0.08, 95 % interval −0.02 to 0.19, paired over customers).",
            "Between equals the safer model is taken: mbg_nbd has four parameters.",
        ),
        judged="Judged at 5 origins (1 April to 1 August 1997) over 13 weeks each, as 39 weeks "
        "of history leave no room for 39 weeks of outcome; carried to 39 weeks by mbg_nbd's "
        "expected purchases.",
        model_assumptions=ASSUMPTIONS,
        failures={"gamma_gamma": "forecasts spend per purchase only; it needs a purchases model."},
        calibration=pl.DataFrame(
            {
                "decile": np.arange(1, 11),
                "predicted": spread,
                "actual": actual,
                "low": actual * 0.85,
                "high": actual * 1.16,
                "n_customers": np.full(10, 11_785),
            }
        ),
        pit=pl.DataFrame({"bin": np.arange(1, 21), "share": rng.dirichlet(np.full(20, 900.0))}),
        coverage="80.7 % of outcomes fell at or below their 80 % range's upper end where 81.2 % "
        "was implied.",
        tracking=make_tracking(rng),
        cohorts=make_cohorts(rng),
        cohort_accuracy=pl.DataFrame(
            {
                "cohort": [date(1997, m, 1) for m in (1, 2, 3)],
                "predicted": [182_000.0 * scale, 190_500.0 * scale, 155_200.0 * scale],
                "actual": [176_300.0 * scale, 201_100.0 * scale, 149_900.0 * scale],
            }
        ),
        quality=QualityReport(
            n_rows_read=69_670,
            n_rows_used=69_659,
            quarantined={"unparsable time": 8, "missing customer id": 3},
            matched={"customer_id": "cust no.", "time": "date", "amount": "dollars"},
            notes=(
                "Times without a zone were read as UTC.",
                "80 purchases of zero value start a customer but count as no repeat.",
            ),
            warnings=(),
        ),
        n_events=69_659,
        n_customers=n,
        first_day=date(1997, 1, 1),
        last_day=date(1997, 9, 30),
        method=(
            (
                "How the forecast is made",
                (
                    "Each customer buys at a rate of their own and drops out with a probability "
                    "of their own after any purchase (MBG/NBD). Spend per purchase follows a "
                    "Gamma-Gamma model. The two are composed into one cash forecast.",
                ),
            ),
            ("How models are judged", ("By rewinding to past days and looking ahead.",)),
        ),
        seconds=41.7,
        peak_mib=1312.0,
    )
    return replace(inputs, **changes)


@pytest.fixture(scope="session")
def make_inputs() -> Callable[..., ReportInputs]:
    """`fake_inputs`, for tests that need their own."""
    return fake_inputs
