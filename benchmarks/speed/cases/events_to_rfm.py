"""Events to RFM: a Parquet file of purchases becomes one row per customer."""

from typing import Any

from case import Case, Side, Target, memory, seconds, times_faster
from clock import Clock
from places import data_file

__all__ = ["CASES"]

SQL = """
    WITH days AS (
        SELECT customer_id, date::DATE AS day, sum(amount::DECIMAL(18,4)) AS spent
        FROM read_parquet('{file}') GROUP BY ALL
    ), customers AS (
        SELECT customer_id, count(*) - 1 AS frequency, max(day) - min(day) AS recency,
               DATE '2023-12-31' - min(day) AS T, sum(spent) - arg_min(spent, day) AS repeat_spend
        FROM days GROUP BY customer_id
    )
    SELECT customer_id, frequency, recency::DOUBLE AS recency, T::DOUBLE AS T,
           CASE WHEN frequency > 0 THEN repeat_spend::DOUBLE / frequency END AS monetary_value
    FROM customers ORDER BY customer_id"""


def _sums(frame: Any) -> dict[str, float]:
    """Sums of the columns, of a pandas or a Polars frame."""
    columns = ("frequency", "recency", "T", "monetary_value")
    return {"customers": len(frame), **{name: float(frame[name].sum()) for name in columns}}


def _patronage(file: str, clock: Clock) -> dict[str, float]:
    from patronage.events import read_events
    from patronage.snapshots import take_snapshot

    with clock("read"):
        log = read_events(data_file(file), currency="USD")
    with clock("work"):
        snapshot = take_snapshot(log)
    return _sums(snapshot.customers)


def _duckdb(file: str, clock: Clock) -> dict[str, float]:
    import duckdb
    import polars  # noqa: F401

    with clock("work"):
        frame = duckdb.sql(SQL.format(file=data_file(file))).pl()
    return _sums(frame)


def _pandas(file: str, clock: Clock) -> Any:
    import pandas as pd

    with clock("load"):
        return pd.read_parquet(data_file(file))


def _pymc(file: str, clock: Clock) -> dict[str, float]:
    from pymc_marketing.clv.utils import rfm_summary

    frame = _pandas(file, clock)
    with clock("work"):
        table = rfm_summary(
            frame, "customer_id", "date", "amount", observation_period_end="2023-12-31"
        )
    return _sums(table)


def _lifetimes(file: str, clock: Clock) -> dict[str, float]:
    from lifetimes.utils import summary_data_from_transaction_data

    frame = _pandas(file, clock)
    with clock("work"):
        table = summary_data_from_transaction_data(
            frame, "customer_id", "date", "amount", observation_period_end="2023-12-31"
        )
    return _sums(table)


def _agree(sides: Any) -> list[str]:
    ours = sides["patronage"].answer
    return [
        f"{name} of {label} sums to {theirs.answer[name]!r}, ours to {ours[name]!r}"
        for label, theirs in sides.items()
        for name in theirs.answer
        if abs(theirs.answer[name] - ours[name]) > 1e-9 * abs(ours[name])
    ]


def _case(rows: str, file: str, *, held: bool) -> Case:
    """held : the targets bind; else they are only reported."""
    both = ("load", "work")

    def bound(value: float) -> float | None:
        return value if held else None

    return Case(
        title=f"events to RFM, {rows} rows, from Parquet",
        needs=(file,),
        sides={
            "patronage": Side(lambda clock: _patronage(file, clock), parts=("read", "work")),
            "duckdb by hand": Side(lambda clock: _duckdb(file, clock)),
            "pymc": Side(lambda c: _pymc(file, c), "pymc", both),
            "lifetimes": Side(lambda c: _lifetimes(file, c), "lifetimes", both),
        },
        targets=(
            Target(
                "× as fast as pymc rfm_summary, its load counted", times_faster("pymc"), bound(6)
            ),
            Target("× as fast, its load left out", times_faster("pymc", "work"), bound(6)),
            Target("× as fast as lifetimes, its load counted", times_faster("lifetimes"), bound(9)),
            Target("× as fast, its load left out", times_faster("lifetimes", "work"), bound(9)),
            Target("of pymc's peak memory", memory("pymc"), at_most=bound(0.5)),
            Target("of lifetimes' peak memory", memory("lifetimes"), at_most=bound(0.5)),
            Target(
                "of the time of hand-written DuckDB SQL",
                lambda sides: 1 / times_faster("duckdb by hand")(sides),
                at_most=bound(1.5),
            ),
        ),
        agree=_agree,
    )


_HUGE = "events_100m.parquet"

CASES = {
    "rfm-1m": _case("1 M", "events_1m.parquet", held=False),
    "rfm-10m": _case("10 M", "events_10m.parquet", held=True),
    "rfm-100m": Case(
        title="events to RFM, 100 M rows of 30 M customers (PATRONAGE_MEMORY_LIMIT=5GiB)",
        needs=(_HUGE,),
        sides={
            "patronage": Side(
                lambda clock: _patronage(_HUGE, clock),
                parts=("read", "work"),
                rounds=1,
                variables={"PATRONAGE_MEMORY_LIMIT": "5GiB"},
            )
        },
        targets=(
            Target("MiB at the peak", memory(), at_most=8192),
            Target("s", seconds()),
        ),
        asked_only=True,
    ),
}
