"""Logs that break other systems: finite files, or an error that says how to mend."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from patronage.errors import PatronageError
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs import RunResult, RunSettings, run

START = date(2025, 1, 1)
CHEAP = ("nothing", "everyone_average", "pareto_nbd")


def shop(n: int, *, seed: int = 0, days: int = 200) -> pl.DataFrame:
    """Customers who buy every few weeks, in whole days."""
    rng = np.random.default_rng(seed)
    rows = []
    for who in range(n):
        day, end = float(rng.integers(0, days // 2)), days * rng.uniform(0.3, 1)
        gap = rng.gamma(1.5, 20) + 1
        while True:
            rows.append((who, START + timedelta(days=int(day)), round(rng.lognormal(3, 0.5), 2)))
            day += rng.exponential(gap)
            if day > end:
                break
    return pl.DataFrame(rows, schema=["customer_id", "date", "amount"], orient="row")


def changed(table: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    return table.with_columns(**columns)


def one_day() -> pl.DataFrame:
    return shop(40).with_columns(date=pl.lit(START))


def with_heavy_buyer() -> pl.DataFrame:
    days = [START + timedelta(days=k % 199) for k in range(5000)]
    times = [datetime.combine(day, datetime.min.time()) for day in days]
    heavy = pl.DataFrame({"customer_id": [999] * 5000, "date": times, "amount": [10.0] * 5000})
    return pl.concat([shop(60).with_columns(pl.col("date").cast(pl.Datetime("us"))), heavy])


def clocked() -> pl.DataFrame:
    rng = np.random.default_rng(2)
    table = shop(60)
    seconds = pl.Series(rng.integers(0, 86_400, len(table)))
    times = pl.col("date").cast(pl.Datetime("us")) + pl.duration(seconds=seconds)
    return table.with_columns(
        date=times.dt.replace_time_zone(
            "America/New_York", ambiguous="earliest", non_existent="null"
        )
    )


def late_refunds() -> pl.DataFrame:
    table = shop(80).with_columns(known_time=pl.col("date"), kind=pl.lit("purchase"))
    late = (
        table.gather_every(5)
        .with_columns(
            amount=-pl.col("amount"), kind=pl.lit("refund"), date=pl.col("date").dt.offset_by("2d")
        )
        .with_columns(known_time=pl.col("date").dt.offset_by("30d"))
    )
    return pl.concat([table, late])


LOGS: dict[str, Callable[[], pl.DataFrame]] = {
    "20 customers": lambda: shop(20),
    "one customer": lambda: shop(1, seed=5),
    "one event": lambda: shop(1).head(1),
    "everybody once": lambda: shop(90).unique("customer_id", keep="first", maintain_order=True),
    "identical customers": lambda: pl.concat(
        shop(1, seed=5).with_columns(customer_id=pl.lit(k)) for k in range(80)
    ),
    "zero amounts": lambda: changed(shop(80), amount=pl.lit(0.0)),
    "some zero amounts": lambda: changed(
        shop(80), amount=pl.when(pl.int_range(pl.len()) % 3 == 0).then(0.0).otherwise("amount")
    ),
    "only refunds": lambda: changed(shop(80), amount=-pl.col("amount")),
    "all events on one day": one_day,
    "no amounts": lambda: shop(80).drop("amount"),
    "clock times in a zone": clocked,
    "late refunds": late_refunds,
    "more refunded than bought": lambda: pl.concat(
        [shop(80), changed(shop(80), amount=-3 * pl.col("amount"))]
    ),
    "amounts of a billion": lambda: changed(shop(80), amount=pl.col("amount") * 1e9),
    "amounts of a hundredth": lambda: changed(shop(80), amount=pl.lit(0.01)),
    "one amount of a trillion": lambda: changed(
        shop(80), amount=pl.when(pl.int_range(pl.len()) == 7).then(1e12).otherwise("amount")
    ),
    "5,000 purchases of one customer": with_heavy_buyer,
    "ids in other scripts": lambda: changed(
        shop(60), customer_id=pl.lit("客户-Ωмё-😀 ") + pl.col("customer_id").cast(pl.String)
    ),
    "ids that are formulas": lambda: changed(
        shop(60), customer_id=pl.lit("=cmd()|") + pl.col("customer_id").cast(pl.String)
    ),
    "ids that are markup": lambda: changed(
        shop(60), customer_id=pl.lit("<script>x()</script>") + pl.col("customer_id").cast(pl.String)
    ),
    "every row twice": lambda: pl.concat([shop(60), shop(60)]),
    "unsorted": lambda: shop(60).sample(fraction=1, shuffle=True, seed=1),
    "a purchase of 1901": lambda: pl.concat(
        [shop(60), shop(1).head(1).with_columns(date=pl.lit(date(1901, 1, 1)))]
    ),
    "numbers missing": lambda: changed(
        shop(60),
        amount=pl.when(pl.int_range(pl.len()) % 4 == 0).then(float("nan")).otherwise("amount"),
        customer_id=pl.when(pl.int_range(pl.len()) % 7 == 0).then(None).otherwise("customer_id"),
    ),
}
# No model of theirs can be learned; the error must say what to do.
REFUSED = {"all events on one day", "one event"}


def checked(found: RunResult) -> None:
    """Finite everywhere, files there, rows accounted for."""
    told = json.loads((found.out / "summary.json").read_text(), parse_constant=pytest.fail)
    scores = pl.read_parquet(found.out / "scores.parquet")
    assert (found.out / "report.html").stat().st_size > 10_000
    assert told["rows_read"] == told["rows_used"] + told["rows_quarantined"]
    assert np.isfinite([told["clv_total"], told["clv_total_low"], told["clv_total_high"]]).all()
    for name, column in scores.to_dict().items():
        if column.dtype == pl.Float64:
            assert np.isfinite(column.drop_nulls().to_numpy()).all(), name
    assert scores["clv"].null_count() == 0
    alive = scores["p_alive"].drop_nulls()
    assert ((alive >= 0) & (alive <= 1)).all()
    assert (scores["clv_p10"] <= scores["clv_p90"]).all()


@pytest.mark.parametrize(
    "case",
    # Every sixteenth stands for the others in the fast tests.
    [pytest.param(case, marks=[pytest.mark.slow] if k % 16 else []) for k, case in enumerate(LOGS)],
)
def test_a_nasty_log_gives_finite_files_or_an_error_that_mends(case: str, tmp_path: Path) -> None:
    settings = RunSettings(horizon=Horizon(4, "week"), models=CHEAP)
    log = EventLog.from_frame(LOGS[case](), currency="USD")

    if case in REFUSED:
        with pytest.raises(PatronageError, match="To mend"):
            run(log, tmp_path, settings)
    else:
        checked(run(log, tmp_path, settings))


@pytest.mark.parametrize("case", ["zero amounts", "only refunds"])
def test_without_a_sale_nobody_is_worth_anything(case: str, tmp_path: Path) -> None:
    log = EventLog.from_frame(LOGS[case](), currency="USD")

    found = run(log, tmp_path, RunSettings(horizon=Horizon(4, "week"), models=CHEAP))

    assert found.judgement.model == "nothing"
    assert found.total.expected == 0


@pytest.mark.parametrize("case", sorted(REFUSED))
def test_what_no_process_model_can_learn_from_a_baseline_still_scores(
    case: str, tmp_path: Path
) -> None:
    log = EventLog.from_frame(LOGS[case](), currency="USD")

    checked(run(log, tmp_path, RunSettings(models=("nothing", "same_again", "everyone_average"))))


def test_ids_that_are_formulas_are_harmless_in_a_spreadsheet(tmp_path: Path) -> None:
    log = EventLog.from_frame(LOGS["ids that are formulas"](), currency="USD")

    found = run(log, tmp_path, RunSettings(models=("nothing",)))

    assert found.scores["customer_id"][0].startswith("=cmd()")
    assert pl.read_csv(tmp_path / "predictions.csv")["customer_id"][0].startswith("'=cmd()")


@pytest.mark.slow
def test_ids_that_are_markup_are_text_in_the_report(tmp_path: Path) -> None:
    log = EventLog.from_frame(LOGS["ids that are markup"](), currency="USD")

    run(log, tmp_path, RunSettings(models=("nothing", "pareto_nbd")))

    report = (tmp_path / "report.html").read_text()
    assert "<script>x()" not in report
    assert "&lt;script&gt;x()" in report
