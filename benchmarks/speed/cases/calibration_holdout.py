"""Calibration and holdout: what was known at a day, and what then happened.

lifetimes takes five times as long as pymc-marketing, and is measured with a million rows only.
"""

from datetime import date
from typing import Any

from case import Case, Side, Target, times_faster
from clock import Clock
from places import data_file

__all__ = ["CASES"]

LAST_KNOWN, END = date(2022, 12, 31), date(2023, 12, 31)


def _patronage(file: str, clock: Clock) -> dict[str, float]:
    from patronage.events import read_events
    from patronage.horizon import Horizon
    from patronage.snapshots import calibration_holdout

    with clock("read"):
        log = read_events(data_file(file), currency="USD")
    with clock("work"):
        horizon = Horizon((END - LAST_KNOWN).days, "day")
        table = calibration_holdout(log, as_of=date(2023, 1, 1), horizon=horizon)
    return {
        "customers": len(table),
        "frequency": float(table["frequency"].sum()),
        "recency": float(table["recency"].sum()),
        "T": float(table["T"].sum()),
        "holdout days": float(table["frequency_holdout"].sum()),
        "holdout money": float(table["cash_holdout"].sum()),
    }


def _pymc(file: str, clock: Clock) -> dict[str, float]:
    from pymc_marketing.clv.utils import rfm_train_test_split

    return _peer(rfm_train_test_split, "test_frequency", "test_monetary_value", file, clock)


def _lifetimes(file: str, clock: Clock) -> dict[str, float]:
    from lifetimes.utils import calibration_and_holdout_data

    names = ("frequency_holdout", "monetary_value_holdout")
    return _peer(calibration_and_holdout_data, *names, file, clock)


def _peer(split: Any, count: str, money: str, file: str, clock: Clock) -> dict[str, float]:
    import pandas as pd

    with clock("load"):
        frame = pd.read_parquet(data_file(file))
    with clock("work"):
        table = split(
            frame, "customer_id", "date", str(LAST_KNOWN), str(END), monetary_value_col="amount"
        )
    suffix = "" if "frequency" in table else "_cal"
    return {
        "customers": len(table),
        "frequency": float(table[f"frequency{suffix}"].sum()),
        "recency": float(table[f"recency{suffix}"].sum()),
        "T": float(table[f"T{suffix}"].sum()),
        "holdout days": float(table[count].sum()),
        # Neither has a column of the money; this is how their documents say to get it.
        "holdout money": float((table[count] * table[money]).sum()),
    }


def _agree(sides: Any) -> list[str]:
    """Where peers differ; the holdout's money is judged against the sum of the events."""
    ours = sides["patronage"].answer
    return [
        f"{name} of {label} sums to {theirs.answer[name]:,.2f}, ours to {ours[name]:,.2f}"
        for label, theirs in sides.items()
        for name in theirs.answer
        if abs(theirs.answer[name] - ours[name]) > 1e-9 * abs(ours[name])
    ]


def _true_money(file: str, clock: Clock) -> dict[str, float]:
    """The money of the holdout, summed over raw events of customers already known."""
    import duckdb

    with clock("work"):
        (money,) = duckdb.sql(
            f"""
            SELECT sum(amount::DECIMAL(18,4))::DOUBLE FROM read_parquet('{data_file(file)}')
            WHERE date > DATE '{LAST_KNOWN}' AND customer_id IN (
                SELECT customer_id FROM read_parquet('{data_file(file)}')
                WHERE date <= DATE '{LAST_KNOWN}')
            """
        ).fetchall()[0]
    return {"holdout money": money}


def _money_error(sides: Any) -> float:
    true = sides["true money"].answer["holdout money"]
    return abs(float(sides["patronage"].answer["holdout money"]) - true) / true


def _case(rows: str, file: str, *, with_lifetimes: bool) -> Case:
    both = ("load", "work")
    bound = None if with_lifetimes else 15
    sides = {
        "patronage": Side(lambda clock: _patronage(file, clock), parts=("read", "work")),
        "true money": Side(lambda clock: _true_money(file, clock), rounds=1),
        "pymc": Side(lambda c: _pymc(file, c), "pymc", both),
    }
    if with_lifetimes:
        sides["lifetimes"] = Side(lambda c: _lifetimes(file, c), "lifetimes", both, rounds=1)
    return Case(
        title=f"calibration + holdout table, {rows} rows, from Parquet",
        needs=(file,),
        sides=sides,
        targets=(
            Target("× as fast as the faster peer, its load counted", times_faster("pymc"), bound),
            Target("× as fast, its load left out", times_faster("pymc", "work"), bound),
            Target("of the money in error", _money_error, at_most=1e-12),
        ),
        agree=_agree,
    )


CASES = {
    "holdout-1m": _case("1 M", "events_1m.parquet", with_lifetimes=True),
    "holdout-10m": _case("10 M", "events_10m.parquet", with_lifetimes=False),
}
