"""Random tables of events through the core of a run: a finite score, or an error that mends.

`benchmarks/robustness/fuzz_run.py` runs the same cases by the thousand.
"""

import string
import tempfile
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patronage.errors import PatronageError
from patronage.events import read_events
from patronage.horizon import Horizon
from patronage.jobs import RunSettings
from patronage.jobs.learn import learn
from patronage.scoring import Scoring, score, total_value

MODELS: Final = (
    *("nothing", "same_again", "everyone_average", "textbook_lifetime", "textbook_retention"),
    *("pareto_nbd", "mbg_nbd", "bg_nbd", "pareto_nbd + recalibration", "bg_nbd + recalibration"),
)
SPELLINGS: Final = {
    "customer_id": ("customer_id", "Customer ID", "CUSTOMERID", "user_id", "client_id", "kunde"),
    "time": ("time", "Order Date", "date", "InvoiceDate", "timestamp", "datum"),
    "amount": ("amount", "Total", "revenue", "SALES", "betrag"),
}
ODD: Final = {"kunde": "customer_id", "datum": "time", "betrag": "amount"}
IDS: Final = ("whole", "negative", "text", "zeros", "float", "huge", "odd", "gaps", "spaces")
TIMES: Final = (
    *("date", "micro", "nano", "zoned", "iso", "iso_z", "day_first", "month_first", "epoch"),
    *("gaps", "garbage", "ancient", "future", "milli"),
)
MONEY: Final = (
    *("plain", "whole", "zero", "some_zero", "negative", "mixed", "huge", "giant", "tiny", "same"),
    *("gaps", "infinite", "text", "comma", "dollars", "garbage", "heavy", "absent", "decimal"),
)


@dataclass
class Case:
    """One table and what is asked of it."""

    table: pl.DataFrame
    options: dict[str, Any]
    asked: dict[str, Any]
    form: str
    told: dict[str, Any] = field(default_factory=dict)


def _ids(kind: str, who: np.ndarray, rng: np.random.Generator) -> pl.Series:
    numbers = who.astype(np.int64)
    match kind:
        case "negative":
            return pl.Series(numbers - 5)
        case "text":
            return pl.Series([f"c-{k}" for k in numbers])
        case "zeros":
            return pl.Series([f"{k:06}" for k in numbers])
        case "float":
            return pl.Series(numbers.astype(float))
        case "huge":
            return pl.Series([str(10**20 + k) for k in numbers.tolist()])
        case "odd":
            marks = ("=1+", "客户", "'; DROP TABLE x; --", "<b>", "a,b\n", '"q"', "é")
            return pl.Series([f"{marks[k % len(marks)]}{k}" for k in numbers.tolist()])
        case "gaps":
            gone = rng.random(len(numbers)) < 0.2
            return pl.Series(
                [None if g else k for k, g in zip(numbers.tolist(), gone, strict=True)]
            )
        case "spaces":
            return pl.Series([f" {k} " if k % 2 else f"{k}" for k in numbers.tolist()])
    return pl.Series(numbers)


def _times(kind: str, start: date, seconds: np.ndarray, rng: np.random.Generator) -> pl.Series:
    base = datetime.combine(start, datetime.min.time())
    exact = [base + timedelta(seconds=float(s)) for s in seconds]
    days = [one.date() for one in exact]
    spoilt = rng.random(len(exact)) < 0.15
    match kind:
        case "micro":
            return pl.Series(exact, dtype=pl.Datetime("us"))
        case "milli":
            return pl.Series(exact, dtype=pl.Datetime("ms"))
        case "nano":
            return pl.Series(exact, dtype=pl.Datetime("us")).cast(pl.Datetime("ns"))
        case "zoned":
            return pl.Series(exact, dtype=pl.Datetime("us")).dt.replace_time_zone("Asia/Kolkata")
        case "iso":
            return pl.Series([one.isoformat(sep=" ", timespec="seconds") for one in exact])
        case "iso_z":
            return pl.Series([one.isoformat(timespec="milliseconds") + "+02:00" for one in exact])
        case "day_first":
            return pl.Series([one.strftime("%d/%m/%Y") for one in days])
        case "month_first":
            return pl.Series([one.strftime("%m/%d/%Y") for one in days])
        case "epoch":
            return pl.Series([int((one - datetime(1970, 1, 1)).total_seconds()) for one in exact])
        case "gaps":
            return pl.Series(
                [None if s else one for s, one in zip(spoilt, days, strict=True)], dtype=pl.Date
            )
        case "garbage":
            return pl.Series(
                ["soon" if s else one.isoformat() for s, one in zip(spoilt, days, strict=True)]
            )
        case "ancient":
            old = (date(1, 1, 1), date(1899, 12, 31), date(1900, 1, 1), date(1955, 5, 5))
            return pl.Series(
                [
                    old[k % 4] if s else one
                    for k, (s, one) in enumerate(zip(spoilt, days, strict=True))
                ]
            )
        case "future":
            far = (date(9999, 12, 31), date(2262, 5, 1), date(2999, 1, 1))
            return pl.Series(
                [
                    far[k % 3] if s else one
                    for k, (s, one) in enumerate(zip(spoilt, days, strict=True))
                ]
            )
    return pl.Series(days, dtype=pl.Date)


def _money(kind: str, n: int, rng: np.random.Generator) -> pl.Series | None:
    plain = np.round(rng.lognormal(3, 0.7, n), 2)
    some = rng.random(n) < 0.25
    match kind:
        case "absent":
            return None
        case "whole":
            return pl.Series(plain.astype(np.int64))
        case "zero":
            return pl.Series(np.zeros(n))
        case "some_zero":
            return pl.Series(np.where(some, 0.0, plain))
        case "negative":
            return pl.Series(-plain)
        case "mixed":
            return pl.Series(np.where(some, -2 * plain, plain))
        case "huge":
            return pl.Series(plain * 1e9)
        case "giant":
            return pl.Series(np.where(some, 10.0 ** rng.uniform(10, 300, n), plain))
        case "tiny":
            return pl.Series(plain * 1e-9)
        case "same":
            return pl.Series(np.full(n, 9.99))
        case "gaps":
            return pl.Series([None if s else x for s, x in zip(some, plain.tolist(), strict=True)])
        case "infinite":
            return pl.Series(np.where(some, rng.choice([np.inf, -np.inf, np.nan], n), plain))
        case "text":
            return pl.Series([f"{x:.2f}" for x in plain])
        case "comma":
            return pl.Series([f"{x:.2f}".replace(".", ",") for x in plain])
        case "dollars":
            return pl.Series([f"${x:,.2f}" for x in plain * 100])
        case "garbage":
            return pl.Series(
                ["free" if s else f"{x:.2f}" for s, x in zip(some, plain, strict=True)]
            )
        case "heavy":
            return pl.Series(np.minimum(rng.pareto(0.4, n) + 0.01, 1e11))
        case "decimal":
            return pl.Series(plain).cast(pl.Decimal(18, 4))
    return pl.Series(plain)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A table of up to some hundred events, spelt, typed and spoilt in many ways."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="rng"))
    n_customers = draw(st.sampled_from([1, 2, 7, 40, 90, 160]))
    per_customer = draw(st.sampled_from([1.0, 1.5, 4.0, 12.0]))
    n = draw(st.sampled_from([0, 1, 3])) if n_customers == 1 and per_customer == 1.0 else 0
    n = n or min(int(n_customers * per_customer) + 1, 900)
    days = draw(st.sampled_from([1, 9, 60, 400, 3000, 12_000]))
    start = draw(st.sampled_from([date(2024, 1, 31), date(1990, 2, 28), date(1905, 1, 1)]))
    id_kind, time_kind = draw(st.sampled_from(IDS)), draw(st.sampled_from(TIMES))
    money_kind = draw(st.sampled_from(MONEY))
    today = (date(2026, 1, 1) - start).days
    who = np.concatenate([np.arange(min(n, n_customers)), rng.integers(0, n_customers, n)])[:n]
    # Customers begin at different days, and some leave.
    born = rng.uniform(0, 0.7, n_customers)[who]
    age = rng.beta(0.8, 1.2, n) * (1 - born)
    seconds = np.floor((born + age) * min(days, today) * 86_400)
    columns = {
        "customer_id": _ids(id_kind, who, rng),
        "time": _times(time_kind, start, seconds, rng),
        "amount": _money(money_kind, n, rng),
    }
    told = {name: draw(st.sampled_from(SPELLINGS[name])) for name in columns}
    table = pl.DataFrame(
        {told[name]: column for name, column in columns.items() if column is not None}
    )
    extras = draw(st.sets(st.sampled_from(["kind", "known", "event_id", "quantity", "noise"])))
    table = _with_extras(table, extras, told["time"], rng)
    if draw(st.booleans()) and n:
        table = pl.concat([table, table[rng.integers(0, n, 1 + n // 3)]])
    table = table[rng.permutation(len(table))]
    given_columns = {
        ODD[spelt]: spelt for spelt in told.values() if spelt in ODD and spelt in table.columns
    }
    options: dict[str, Any] = {"columns": given_columns or None}
    if draw(st.booleans()):
        options["drop_duplicates"] = True
    # Why a dict: type checks of the settings look at random members, which Hypothesis forbids here.
    asked = {
        "as_of": draw(
            st.sampled_from([None, None, None, start + timedelta(days=days // 2), date(2026, 6, 1)])
        ),
        "horizon": draw(
            st.sampled_from(
                [Horizon(4, "week"), Horizon(1, "day"), Horizon(12, "month"), Horizon(3, "year")]
            )
        ),
        "models": tuple(
            draw(st.lists(st.sampled_from(MODELS), min_size=1, max_size=4, unique=True))
        ),
        "margin": draw(st.sampled_from([1.0, 0.3, -0.2, 0.0])),
        "seed": int(rng.integers(0, 100)),
    }
    form = draw(st.sampled_from(["polars", "pandas", "csv", "semicolon", "parquet", "arrow"]))
    kinds = {"ids": id_kind, "times": time_kind, "money": money_kind, "days": days, "form": form}
    return Case(table, options, asked, form, kinds | {"customers": n_customers, "rows": n})


def _with_extras(
    table: pl.DataFrame, extras: set[str], time: str, rng: np.random.Generator
) -> pl.DataFrame:
    n = len(table)
    new: list[pl.Series | pl.Expr] = []
    if "kind" in extras:
        words = ["purchase", "refund", "visit", "Sale", "cancellation"]
        new.append(pl.Series("kind", rng.choice(words, n, p=[0.7, 0.1, 0.1, 0.05, 0.05])))
    if "known" in extras and table[time].dtype in (pl.Date, pl.Datetime("us")):
        lag = pl.Series(rng.choice([0, 0, 0, 1, 40, -3], n))
        new.append((pl.col(time) + pl.duration(days=lag)).alias("known_time"))
    if "event_id" in extras:
        new.append(pl.Series("event_id", rng.integers(0, 3 * n + 1, n)))
    if "quantity" in extras:
        new.append(pl.Series("quantity", rng.integers(-1, 5, n)))
    if "noise" in extras:
        letters = rng.choice(list(string.printable), (n, 4))
        new.append(pl.Series("comment ;,", ["".join(row) for row in letters]))
    return table.with_columns(new)


def outcome_of(case: Case) -> str:
    """'scored', or the kind of PatronageError; anything else is a fault and raised."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            log = read_events(_source(case, Path(folder)), currency="USD", **case.options)
            settings = RunSettings(**case.asked)
            learned = learn(log, settings)
            scoring = Scoring(
                learned.fitted,
                settings.horizon,
                learned.economics,
                learned.judgement.model,
                "v",
                learned.judgement.level_sd,
            )
            scores = score(learned.snapshot, scoring)
            total = total_value(learned.snapshot, scoring, n_draws=20)
    except PatronageError as error:
        if "To mend" not in str(error):
            raise AssertionError(f"does not say how to mend: {error}") from error
        return type(error).__name__
    quality = log.quality
    assert quality.n_rows_read == len(case.table), "rows in are rows of the table"
    assert quality.n_rows_read == quality.n_rows_used + quality.n_rows_quarantined
    assert scores["customer_id"].is_unique().all()
    assert scores["customer_id"].null_count() == 0
    for column in scores.select(pl.selectors.float()):
        assert np.isfinite(column.drop_nulls().to_numpy()).all(), f"{column.name} is not finite"
    assert scores["clv"].null_count() == 0
    assert (scores["clv_p10"] <= scores["clv_p90"]).all()
    assert np.isfinite([total.expected, total.low, total.high]).all()
    assert total.low <= total.high
    return "scored" if learned.judgement.scorecard is not None else "scored unjudged"


def _source(case: Case, folder: Path) -> Any:
    table = case.table
    match case.form:
        case "pandas":
            return table.to_pandas()
        case "arrow":
            return table.to_arrow()
        case "parquet":
            table.write_parquet(folder / "events.parquet")
            return str(folder / "events.parquet")
        case "csv" | "semicolon":
            path = folder / "events.csv"
            table.write_csv(path, separator="," if case.form == "csv" else ";")
            return str(path)
    return table


@pytest.mark.slow
@settings(max_examples=30)
@given(cases())
def test_a_random_log_gives_finite_scores_or_an_error_that_mends(case: Case) -> None:
    assert outcome_of(case)
