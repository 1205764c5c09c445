"""RFM tables and transactions on which other libraries answer NaN, nonsense or nothing."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from patronage.errors import EventSchemaError, NotEnoughDataError, PatronageError
from patronage.events import EventLog
from patronage.models.btyd.bg_nbd import BGNBD
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.mbg_nbd import MBGNBD
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.snapshots import RFM, take_snapshot

MODELS = (BGNBD, MBGNBD, ParetoNBD)
WEEKS_39 = np.array([0.0, 273.0])


def buyers(n: int = 500) -> pd.DataFrame:
    """Buyers like those of CDNOW, in weeks, with their money."""
    rng = np.random.default_rng(7)
    T = rng.integers(189, 273, n) / 7.0
    rate, leave = rng.gamma(0.55, 7 / 74, n), rng.gamma(0.6, 7 / 82, n)
    alive = np.minimum(rng.exponential(1 / np.maximum(leave, 1e-9)), T)
    x = rng.poisson(rate * alive).astype(float)
    t_x = np.where(x > 0, alive * rng.beta(np.maximum(x, 1), 1), 0.0)
    z = np.where(x > 0, rng.gamma(6.0, 1 / 6, n) * rng.gamma(4, 9, n), 0.0)
    return pd.DataFrame({"frequency": x, "recency": t_x, "T": T, "monetary_value": np.round(z, 2)})


def changed(rows: int | slice, **columns: float) -> pd.DataFrame:
    table = buyers()
    for name, value in columns.items():
        table.loc[rows if isinstance(rows, slice) else slice(rows, rows), name] = value
    return table


def without_dropout() -> pd.DataFrame:
    table = buyers()
    x = np.random.default_rng(3).poisson(5, len(table)) + 1.0
    return table.assign(frequency=x, recency=table["T"], monetary_value=20.0)


ANSWERED: dict[str, Callable[[], pd.DataFrame]] = {
    "clean": buyers,
    "one customer with 5,000 purchases": lambda: changed(
        0, frequency=5000, recency=38.5, T=38.86, monetary_value=20
    ),
    "100 customers with T = 0": lambda: changed(
        slice(0, 99), frequency=0, recency=0, T=0, monetary_value=0
    ),
    "T of 1e7": lambda: changed(0, frequency=0, recency=0, T=1e7, monetary_value=0),
    "all one-time buyers": lambda: changed(slice(None), frequency=0, recency=0, monetary_value=0),
    "identical customers": lambda: changed(
        slice(None), frequency=3, recency=20, T=35, monetary_value=30
    ),
    "nobody drops out": without_dropout,
    "100 customers": lambda: buyers(100),
    "20 customers": lambda: buyers(20),
    "one customer": lambda: buyers(60).query("frequency > 1").head(1),
    "all money equal": lambda: changed(slice(None), monetary_value=25.0),
    "one amount of 1e7": lambda: changed(slice(0, 3), frequency=1, recency=1, monetary_value=1e7),
    "zero money of some buyers": lambda: changed(
        slice(0, 40), frequency=2, recency=9, monetary_value=0.0
    ),
    "negative money of one": lambda: changed(3, frequency=2, recency=9, monetary_value=-5.0),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", ANSWERED)
def test_a_nasty_table_gives_a_finite_answer(case: str, model: type) -> None:
    rfm = RFM.from_frame(ANSWERED[case](), unit="week")

    # Why without spend there: nobody has spent on a repeat purchase, and that is an error.
    spend = None if case == "all one-time buyers" else GammaGamma()
    fitted = model(spend=spend).fit_rfm(rfm)

    expected, alive = fitted.counts(rfm).mean(WEEKS_39)[:, 0], fitted.counts(rfm).p_alive
    assert np.isfinite(expected).all()
    assert (expected >= 0).all()
    assert ((alive >= 0) & (alive <= 1)).all()
    assert np.isfinite([*fitted.report.parameters.values()]).all()
    if spend is not None:
        money = fitted.spend.spend(rfm).mean()
        assert np.isfinite(money).all()
        assert (money > 0).all()


REFUSED: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "a recency that is not known": (lambda: changed(5, recency=np.nan), "row 5"),
    "a T that is not known": (lambda: changed(5, T=np.nan), "row 5"),
    "a frequency that is not known": (lambda: changed(5, frequency=np.nan), "row 5"),
    "an infinite T": (lambda: changed(5, T=np.inf), "row 5"),
    "recency above T": (lambda: changed(5, frequency=1, recency=99.0), "at most T"),
    "half a purchase": (lambda: changed(5, frequency=1.5, recency=1), "whole number"),
    "a negative frequency": (lambda: changed(5, frequency=-1.0), "whole number, 0 or more"),
    "an empty table": (lambda: buyers().head(0), "empty"),
    "money that is not known": (
        lambda: changed(5, frequency=1, recency=1, monetary_value=np.nan),
        "row 5",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_history_is_refused_with_its_row(case: str) -> None:
    table, words = REFUSED[case]

    with pytest.raises(EventSchemaError, match=words) as refused:
        RFM.from_frame(table(), unit="week")

    assert "To mend" in str(refused.value)


def test_money_nobody_has_spent_is_an_error_that_mends() -> None:
    rfm = RFM.from_frame(changed(slice(None), monetary_value=0.0))

    with pytest.raises(NotEnoughDataError, match="To mend"):
        GammaGamma().fit_rfm(rfm)


def test_time_in_seconds_is_the_same_shop() -> None:
    """A prior on the scale of time sends one peer 1,250 nats away here."""
    weeks = buyers()
    seconds = weeks.assign(recency=weeks["recency"] * 604_800, T=weeks["T"] * 604_800)
    columns = ("frequency", "recency", "T")

    for model in MODELS:
        slow = model(spend=None).fit_rfm(RFM.from_frame(weeks[[*columns]], unit="week"))
        fast = model(spend=None).fit_rfm(RFM.from_frame(seconds[[*columns]], unit="day"))
        scale = {
            name: 86_400.0 if name in ("alpha", "beta") else 1.0
            for name in ["r", "alpha", "s", "beta", "a", "b"]
        }
        for name, value in slow.report.parameters.items():
            assert fast.report.parameters[name] == pytest.approx(value * scale[name], rel=1e-3), (
                name
            )


def sales() -> pl.DataFrame:
    rng = np.random.default_rng(9)
    start = date(2025, 1, 1)
    days = [start + timedelta(days=int(day)) for day in rng.integers(0, 200, 900)]
    return pl.DataFrame(
        {"customer_id": rng.integers(0, 150, 900), "date": days, "amount": rng.integers(1, 99, 900)}
    ).unique(["customer_id", "date"], maintain_order=True)


def facts(table: pl.DataFrame, **options: object) -> tuple[float, ...]:
    """Customers, repeats, days and money of a log."""
    frame = take_snapshot(EventLog.from_frame(table, currency="USD", **options)).customers
    sums = frame.select(pl.col("frequency", "recency", "T", "spend").sum()).row(0)
    return (len(frame), *(float(one) for one in sums))


@pytest.mark.parametrize(
    "same",
    [
        lambda table: table.sample(fraction=1, shuffle=True, seed=3),
        lambda table: table.with_columns(
            pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        ),
        lambda table: table.with_columns(pl.col("date").dt.strftime("%d/%m/%Y")),
        lambda table: table.to_pandas().set_index("customer_id").reset_index(),
    ],
    ids=["unsorted", "in a zone", "31/12/2025", "pandas"],
)
def test_the_same_sales_written_otherwise_are_the_same_log(
    same: Callable[[pl.DataFrame], pl.DataFrame],
) -> None:
    assert facts(same(sales())) == facts(sales())


def test_nothing_is_dropped_without_a_word() -> None:
    """Peers drop rows without an id or a date, and count sales without an amount as nothing."""
    table = sales()
    blank = pl.int_range(pl.len()) % 50 == 0
    for column in table.columns:
        spoilt = table.with_columns(pl.when(~blank).then(column).alias(column))
        quality = EventLog.from_frame(spoilt, currency="USD").quality
        assert quality.n_rows_quarantined == table.select(blank.sum()).item(), column
        assert len(quality.quarantined) == 1


def test_rows_that_all_occur_twice_are_warned_of() -> None:
    quality = EventLog.from_frame(pl.concat([sales(), sales()]), currency="USD").quality

    assert any("twice" in warning or "double" in warning for warning in quality.warnings)


def test_refunds_lower_the_cash_and_never_the_purchases() -> None:
    table = sales().with_columns(
        amount=pl.when(pl.int_range(pl.len()) % 10 == 0).then(-pl.col("amount")).otherwise("amount")
    )

    customers = take_snapshot(EventLog.from_frame(table, currency="USD")).customers

    assert (customers["monetary_value"].drop_nulls() > 0).all()
    assert customers["cash"].sum() == table["amount"].sum()
    assert customers["spend"].sum() == table.filter(pl.col("amount") > 0)["amount"].sum()


@pytest.mark.parametrize("as_of", [date(1990, 1, 1), date(2024, 12, 31)])
def test_a_day_before_all_sales_is_refused(as_of: date) -> None:
    with pytest.raises(PatronageError, match="To mend"):
        take_snapshot(EventLog.from_frame(sales(), currency="USD"), as_of=as_of)


def test_sales_after_as_of_are_not_known() -> None:
    late = sales().head(5).with_columns(date=pl.lit(date(2026, 1, 5)))
    log = EventLog.from_frame(pl.concat([sales(), late]), currency="USD")

    known = take_snapshot(log, as_of=date(2025, 7, 20)).customers

    assert known["spend"].sum() == sales()["amount"].sum()


def test_no_sales_at_all_are_refused() -> None:
    with pytest.raises(EventSchemaError, match="To mend"):
        EventLog.from_frame(sales().head(0), currency="USD")
