"""Generate the data sets, each from its own seed: python make_data.py NAME …

events_1m, events_2m, events_10m, events_100m
                                     transactions of two years in whole days, in random order
bg_days, bg_time, pn_days, pn_time   RFM tables of 1,000,000 customers of a BG/NBD and of a
                                     Pareto/NBD, in whole days and in continuous time (days)
bg_days_10m, pn_days_10m             the same of 10,000,000 customers, in whole days
activity_1m, activity_4m, activity_20m   events of ten kinds in whole days, 20 a customer
cdnow, cdnow_rfm                     the public set as transactions (CSV) and as the RFM table
                                     of its first 39 weeks
"""

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from places import CACHE, PUBLIC, data_file

DAYS = 730


def events(path: Path, *, rows: int, customers: int, seed: int) -> None:
    """Gamma-Poisson purchases; written in chunks that each hold a random share of all rows."""
    draw = np.random.default_rng(seed)
    start = draw.integers(0, DAYS, customers)
    left = DAYS - start
    rate = draw.gamma(0.6, (rows / customers - 1) / 0.6 / (DAYS / 2), customers)
    chunks = max(1, rows // 5_000_000)
    first_in = draw.integers(0, chunks, customers)
    schema = pa.schema(
        [("customer_id", pa.int64()), ("date", pa.timestamp("us")), ("amount", pa.float64())]
    )
    with pq.ParquetWriter(path, schema, compression="snappy") as file:
        for chunk in range(chunks):
            repeats = draw.poisson(rate * left / chunks)
            first = np.flatnonzero(first_in == chunk)
            customer = np.concatenate([first, np.repeat(np.arange(customers), repeats)])
            day = start[customer]
            day[len(first) :] += np.floor(
                draw.random(len(customer) - len(first)) * left[customer[len(first) :]]
            ).astype(np.int64)
            order = draw.permutation(len(customer))
            amount = np.round(draw.gamma(2.0, 18.0, len(customer)) + 0.01, 2)
            when = np.datetime64("2022-01-01", "us") + day[order].astype("timedelta64[D]")
            table = pa.table([customer[order], when, amount], schema=schema)
            file.write_table(table, row_group_size=1_000_000)


def activity(path: Path, *, rows: int, seed: int) -> None:
    """Purchases and what goes with them; each customer has a rate and a first day of its own."""
    draw = np.random.default_rng(seed)
    customers = rows // 20
    start = draw.integers(0, DAYS - 30, customers)
    weight = draw.gamma(0.8, 1.0, customers) * (DAYS - start) + 1e-3
    kinds = np.array(
        [
            "purchase",
            "visit",
            "click",
            "email_response",
            "app_use",
            "refund",
            "support",
            "fee",
            "payment_failure",
            "treatment",
        ]
    )
    chance = [0.45, 0.22, 0.10, 0.06, 0.06, 0.03, 0.03, 0.01, 0.01, 0.03]
    schema = pa.schema(
        [
            ("customer_id", pa.int64()),
            ("date", pa.timestamp("us")),
            ("kind", pa.string()),
            ("amount", pa.float64()),
        ]
    )
    bound = np.cumsum(weight) / weight.sum()
    with pq.ParquetWriter(path, schema, compression="snappy") as file:
        for first in range(0, rows, 2_000_000):
            n = min(2_000_000, rows - first)
            who = np.minimum(np.searchsorted(bound, draw.random(n)), customers - 1)
            born = np.arange(first, first + n) < customers
            who = np.where(born, np.arange(first, first + n) % customers, who)
            day = start[who] + np.floor(draw.random(n) * (DAYS - start[who])).astype(np.int64)
            kind = draw.choice(len(kinds), n, p=chance)
            kind[born], day = 0, np.where(born, start[who], day)
            amount = np.round(draw.gamma(2.0, 18.0, n) + 0.01, 2)
            amount = np.select([kind == 0, kind == 5, kind == 7], [amount, -amount, 2.0], 0.0)
            when = np.datetime64("2022-01-01", "us") + day.astype("timedelta64[D]")
            table = pa.table([who, when, kinds[kind], amount], schema=schema)
            file.write_table(table, row_group_size=1_000_000)


def btyd(path: Path, *, model: str, whole_days: bool, n: int = 1_000_000) -> None:
    """RFM of customers who follow the model; T uniform over 27 to 39 weeks."""
    _rfm(model, n, 0, whole_days=whole_days).write_parquet(path)


def btyd_10m(path: Path, *, model: str) -> None:
    """Ten parts of a million, each from a seed of its own, so that memory stays small."""
    with pq.ParquetWriter(path, _rfm(model, 1, 0, whole_days=True).to_arrow().schema) as file:
        for part in range(10):
            rows = _rfm(model, 1_000_000, 100 * (part + 1), whole_days=True)
            ids = rows["customer_id"] + 1_000_000 * part
            file.write_table(rows.with_columns(ids.alias("customer_id")).to_arrow())


def _rfm(model: str, n: int, seed: int, *, whole_days: bool) -> pl.DataFrame:
    T, customer, when = _bg_nbd(n, 11 + seed) if model == "bg" else _pareto_nbd(n, 12 + seed)
    if whole_days:
        T = np.rint(T)
        when = np.minimum(np.rint(when), T[customer])
        # Why: purchases of one day are one purchase, those of the first day are the first.
        key = np.unique(customer[when > 0] * 512 + when[when > 0].astype(np.int64))
        customer, when = key // 512, (key % 512).astype(float)
    frequency = np.bincount(customer, minlength=n)
    recency = np.zeros(n)
    np.maximum.at(recency, customer, when)
    columns = {"customer_id": np.arange(n), "frequency": frequency, "recency": recency, "T": T}
    return pl.DataFrame(columns).with_columns(pl.col("frequency").cast(pl.Float64))


def _bg_nbd(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Observation times (days), and customer and time of each repeat purchase."""
    draw = np.random.default_rng(seed)
    T = 7 * draw.uniform(27, 39, n)
    rate = draw.gamma(0.243, 1 / 4.414, n) / 7
    leaves = draw.beta(0.793, 2.426, n)
    clock, active = np.zeros(n), np.arange(n)
    customers, times = [], []
    while active.size:
        clock[active] += draw.exponential(1.0, active.size) / np.maximum(rate[active], 1e-300)
        active = active[clock[active] <= T[active]]
        customers.append(active)
        times.append(clock[active])
        active = active[draw.random(active.size) >= leaves[active]]
    return T, np.concatenate(customers), np.concatenate(times)


def _pareto_nbd(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    T = 7 * draw.uniform(27, 39, n)
    rate = draw.gamma(0.553, 1 / 10.578, n) / 7
    dropout = draw.gamma(0.606, 1 / 11.669, n) / 7
    lifetime = np.minimum(draw.exponential(1.0, n) / np.maximum(dropout, 1e-300), T)
    customer = np.repeat(np.arange(n), draw.poisson(rate * lifetime))
    return T, customer, draw.random(len(customer)) * lifetime[customer]


def _cdnow() -> pl.DataFrame:
    source = PUBLIC / "cdnow" / "cdnow_master.parquet"
    if not source.exists():
        sys.exit(f"{source} is not there.\nTo mend: set PATRONAGE_DATA to the folder of the sets.")
    return pl.read_parquet(source).select("customer_id", "date", "amount")


def cdnow(path: Path) -> None:
    """The transactions as people have them: a CSV."""
    _cdnow().write_csv(path)


def cdnow_rfm(path: Path) -> None:
    """RFM in days of the first 39 weeks; purchases of one day are one."""
    end = date(1997, 9, 30)
    days = _cdnow().filter(pl.col("date") <= end).group_by("customer_id", "date")
    day = pl.col("date")
    days.agg(pl.col("amount").sum()).group_by("customer_id").agg(
        frequency=(pl.len() - 1).cast(pl.Float64),
        recency=(day.max() - day.min()).dt.total_days().cast(pl.Float64),
        T=(end - day.min()).dt.total_days().cast(pl.Float64),
    ).sort("customer_id").write_parquet(path)


SETS: dict[str, Callable[[Path], None]] = {
    "events_1m.parquet": lambda path: events(path, rows=1_000_000, customers=300_000, seed=7),
    "events_2m.parquet": lambda path: events(path, rows=2_000_000, customers=400_000, seed=10),
    "events_10m.parquet": lambda path: events(path, rows=10_000_000, customers=3_000_000, seed=8),
    "events_100m.parquet": lambda path: events(
        path, rows=100_000_000, customers=30_000_000, seed=9
    ),
    "bg_days.parquet": lambda path: btyd(path, model="bg", whole_days=True),
    "bg_time.parquet": lambda path: btyd(path, model="bg", whole_days=False),
    "pn_days.parquet": lambda path: btyd(path, model="pn", whole_days=True),
    "pn_time.parquet": lambda path: btyd(path, model="pn", whole_days=False),
    "bg_days_10m.parquet": lambda path: btyd_10m(path, model="bg"),
    "pn_days_10m.parquet": lambda path: btyd_10m(path, model="pn"),
    "activity_1m.parquet": lambda path: activity(path, rows=1_000_000, seed=21),
    "activity_4m.parquet": lambda path: activity(path, rows=4_000_000, seed=22),
    "activity_20m.parquet": lambda path: activity(path, rows=20_000_000, seed=23),
    "cdnow.csv": cdnow,
    "cdnow_rfm.parquet": cdnow_rfm,
}

if __name__ == "__main__":
    CACHE.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:]:
        if not data_file(name).exists():
            part = data_file(name + ".part")
            SETS[name](part)
            part.rename(data_file(name))
            print(f"{name}: {data_file(name).stat().st_size / 2**20:.0f} MiB")
