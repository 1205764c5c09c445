"""CLV without an end: the cohort of Fader, Hardie & Lee (2005), and worked by hand."""

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from patronage.forecast.poisson_gamma import PoissonCounts
from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts
from patronage.value import Economics, lifetime_clv, new_customer_lifetime_clv

# 15 % a year of 52 weeks, as the paper discounts.
PAPER = Economics(margin=0.3, annual_discount_rate=1.15 ** (365.25 / 364) - 1)


@pytest.fixture(scope="module")
def cohort(data_dir: Path) -> pl.DataFrame:
    """The 23,560 customers of the paper (without ten who spent above $4,000), after 78 weeks."""
    end = date(1998, 6, 30)
    days = (
        pl.read_parquet(data_dir / "cdnow" / "cdnow_master.parquet")
        .group_by("customer_id", "date")
        .agg(pl.col("amount").sum())
        .sort("customer_id", "date")
    )
    amount, day = pl.col("amount"), pl.col("date")
    table = days.group_by("customer_id", maintain_order=True).agg(
        x=(pl.len() - 1).cast(pl.Float64),
        money=amount.slice(1).sum(),
        t_x=(day.last() - day.first()).dt.total_days().cast(pl.Float64),
        T=(end - day.first()).dt.total_days().cast(pl.Float64),
    )
    table = table.filter(pl.col("money") <= 4000)
    x, money, t_x, T = (table[name].to_numpy() for name in ("x", "money", "t_x", "T"))
    # The parameters that the paper prints, on 78 weeks of the 1/10 sample.
    counts = ParetoNBDCounts(0.5629966, 7 * 12.5590370, 0.4081095, 7 * 10.5148048, x, t_x, T)
    p, q, gamma = 4.6823, 4.1904, 24.4006
    spend = p * (gamma + money) / (q + p * x - 1)
    return table.with_columns(clv=pl.Series(lifetime_clv(counts, PAPER, spend=spend)))


def test_the_cohort_of_the_paper_is_worth_1_1_million(cohort):
    assert cohort.height == 23_560
    assert cohort["clv"].mean() == pytest.approx(47, abs=0.5)
    assert cohort["clv"].sum() == pytest.approx(1.1e6, rel=0.005)


def test_customers_without_a_repeat_are_worth_four_dollars_forty_each(cohort):
    none = cohort.filter(pl.col("x") == 0)["clv"]

    assert len(none) == 12_054
    assert none.sum() == pytest.approx(53_000, rel=0.005)
    assert none.mean() == pytest.approx(4.40, abs=0.01)


@pytest.mark.parametrize(
    ("R", "F", "M", "value"),
    [
        (3, 3, 3, 414_900),
        (3, 3, 2, 203_000),
        (2, 3, 2, 37_200),
        (3, 3, 1, 52_900),
        (2, 3, 1, 12_500),
        (2, 2, 1, 15_300),
        (2, 2, 2, 26_500),
        (2, 2, 3, 45_900),
    ],
)
def test_cells_of_recency_frequency_and_money_are_worth_what_table_2_says(cohort, R, F, M, value):
    """Thirds of the repeat buyers; the paper does not say how it cut ties, hence the 4 %."""
    repeaters = cohort.filter(pl.col("x") > 0).with_columns(
        pl.col("t_x").sub(pl.col("T")).alias("last"), (pl.col("money") / pl.col("x")).alias("mean")
    )

    def third(column: str) -> pl.Expr:
        return (pl.col(column).rank("ordinal") - 1) * 3 // repeaters.height + 1

    cell = repeaters.with_columns(R=third("last"), F=third("x"), M=third("mean")).filter(
        R=R, F=F, M=M
    )
    assert cell["clv"].sum() == pytest.approx(value, rel=0.04)


def test_a_value_is_margin_times_spend_times_discounted_purchases():
    counts = PoissonCounts(np.array([0.01, 0.02]))
    economics = Economics(margin=np.array([0.5, 0.2]), annual_discount_rate=0.1, cac=3.0)

    found = lifetime_clv(counts, economics, spend=np.array([20.0, 30.0]))

    purchases = np.array([0.01, 0.02]) * 365.25 / np.log(1.1)
    assert found == pytest.approx(np.array([10.0, 6.0]) * purchases, rel=1e-4)
    new = new_customer_lifetime_clv(counts, economics, spend=np.array([20.0, 30.0]))
    assert new == pytest.approx(found + np.array([10.0, 6.0]) - 3.0)
    other = new_customer_lifetime_clv(counts, economics, spend=20.0, first_purchase=50.0, days=90.0)
    assert other[0] == pytest.approx(0.5 * 50 + 10 * counts.dert(0.1, days=90.0)[0] - 3.0)
