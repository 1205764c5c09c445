"""CLV worked by hand, and the laws of money: additive, discounted, summed by the table."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.errors import SettingsError
from patronage.forecast.compound import CompoundForecast
from patronage.forecast.poisson_gamma import PoissonCounts
from patronage.forecast.samples import SampleForecast
from patronage.forecast.spend import GammaGammaSpend
from patronage.horizon import Horizon
from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts
from patronage.value import (
    Economics,
    clv_quantiles,
    discount_factors,
    geometric_value,
    new_customer_clv,
    residual_clv,
    sum_value_tables,
    unit_value,
    value_table,
)

AS_OF = date(2024, 1, 1)


def sure(cash, horizon):
    cash = np.atleast_2d(np.asarray(cash, float))
    return SampleForecast(np.arange(len(cash)), AS_OF, horizon, cash[None])


def uncertain(n=5):
    rng = np.random.default_rng(0)
    T = rng.uniform(50, 400, n)
    x = rng.integers(0, 9, n).astype(float)
    counts = ParetoNBDCounts(0.55, 74.0, 0.6, 82.0, x, np.where(x > 0, T * 0.8, 0.0), T)
    spend = GammaGammaSpend(6.25, 3.74 + 6.25 * x, 15.44 + x * 30.0)
    return CompoundForecast(np.arange(n), AS_OF, Horizon(52, "week"), counts, spend, 0.95)


def test_a_sure_hundred_in_one_year_at_ten_percent():
    one = sure([[100.0]], Horizon(1, "year"))

    assert residual_clv(one, Economics(0.35, 0.10)) == pytest.approx([0.35 * 100 / 1.1**0.5])


@pytest.mark.parametrize(("timing", "years"), [("begin", 0.0), ("mid", 0.5), ("end", 1.0)])
def test_cash_falls_where_the_timing_says(timing, years):
    one = sure([[0.0, 100.0]], Horizon(2, "year"))

    found = residual_clv(one, Economics(1.0, 0.10, timing=timing))
    assert found == pytest.approx([100 / 1.1 ** (1 + years)])


def test_a_new_customer_buys_now_and_costs_to_win():
    one = sure([[100.0]], Horizon(1, "year"))

    found = new_customer_clv(one, Economics(0.5, 0.21, 30.0), first_purchase=40.0)
    assert found == pytest.approx([0.5 * 40 + 0.5 * 100 / 1.1 - 30])


def test_a_residual_value_does_not_take_off_what_is_spent():
    one = sure([[100.0]], Horizon(1, "year"))

    assert residual_clv(one, Economics(cac=50.0)) == pytest.approx(residual_clv(one, Economics()))


def test_the_three_textbook_conventions_of_one_formula():
    """100 a period, retention 0.8, discount rate 0.12."""
    value = {
        name: geometric_value(100.0, 0.8, 0.12, convention=name)
        for name in ("first_now", "after_renewal", "in_arrears")
    }

    assert value == pytest.approx({"first_now": 350.0, "after_renewal": 250.0, "in_arrears": 312.5})
    assert value["first_now"] == pytest.approx(100 + value["after_renewal"])


def test_a_customer_kept_for_ever_without_discount_has_no_value():
    with pytest.raises(SettingsError, match="no finite value"):
        geometric_value(100.0, 1.0, 0.0, convention="first_now")


@given(st.floats(-0.5, 2.0), st.floats(-0.99, 1.0), st.floats(0.0, 1e6))
def test_a_value_is_the_sum_of_its_periods(rate, margin, cash):
    horizon = Horizon(12, "month")
    economics = Economics(margin, rate)
    whole = residual_clv(sure([np.full(12, cash)], horizon), economics)

    months = [
        residual_clv(sure([np.eye(12)[month] * cash], horizon), economics)[0] for month in range(12)
    ]
    assert whole[0] == pytest.approx(sum(months), rel=1e-9, abs=1e-9)


@given(st.floats(0.0, 3.0), st.sampled_from(["day", "week", "month", "quarter", "year"]))
def test_discounting_falls_and_starts_at_one(rate, period):
    factors = discount_factors(Horizon(9, period), rate, timing="begin")

    assert factors[0] == 1.0
    assert np.all(np.diff(factors) <= 0)
    assert discount_factors(Horizon(365, "day"), rate)[-1] == pytest.approx(
        (1 + rate) ** (-364.5 / 365.25)
    )


@pytest.mark.parametrize("rows", [None, slice(1, 4), np.array([4, 0]), np.array([2])])
def test_the_table_sums_to_the_value(rows):
    forecast = uncertain()
    economics = Economics(np.array([0.3, 0.5, -0.1, 1.0, 0.4]), 0.12)
    table = value_table(forecast, economics, rows)

    clv = residual_clv(forecast, economics)
    expected = clv.sum() if rows is None else clv[rows].sum()
    assert table["present_value"].sum() == pytest.approx(expected, rel=1e-9, abs=1e-9)
    product = table["expected_cash"] * table["margin"] * table["discount_factor"]
    assert product.to_numpy() == pytest.approx(table["present_value"].to_numpy(), rel=1e-9)
    assert table["start"][0] == AS_OF
    assert table["end"][:-1].to_list() == table["start"][1:].to_list()
    assert np.all(np.diff(table["p_alive"].to_numpy()) < 0)


def test_tables_of_chunks_sum_to_the_table_of_all():
    forecast = uncertain()
    economics = Economics(np.array([0.3, 0.5, -0.1, 1.0, 0.4]), 0.12)
    parts = [value_table(forecast, economics, slice(i, i + 2)) for i in (0, 2, 4)]

    whole, summed = value_table(forecast, economics), sum_value_tables(parts)
    assert summed.columns == whole.columns
    for name in whole.columns[3:]:
        assert summed[name].to_numpy() == pytest.approx(whole[name].to_numpy(), rel=1e-9)


def test_a_model_without_a_notion_of_life_leaves_it_empty():
    table = value_table(sure([[3.0, 4.0]], Horizon(2, "month")), Economics())

    assert table["p_alive"].null_count() == 2
    assert table["expected_purchases"].null_count() == 2
    assert sum_value_tables([table, table])["expected_cash"].to_list() == [6.0, 8.0]


def test_quantiles_of_value_are_those_of_cash_at_its_unit_value():
    forecast = uncertain()
    economics = Economics(0.4, 0.10)
    found = clv_quantiles(forecast, economics, [0.5, 0.9])

    expected = forecast.quantile([0.5, 0.9]) * unit_value(forecast, economics)[:, None]
    assert found == pytest.approx(expected)
    unit = unit_value(forecast, economics)
    assert np.all((unit > 0.4 / 1.1) & (unit < 0.4))


def test_a_loss_on_every_sale_turns_the_quantiles_round():
    counts = PoissonCounts(np.array([0.1]))
    spend = GammaGammaSpend(6.25, np.array([3.74]), np.array([15.44]))
    forecast = CompoundForecast(np.arange(1), AS_OF, Horizon(52, "week"), counts, spend)
    found = clv_quantiles(forecast, Economics(-0.2), [0.1, 0.9])

    assert found[0, 0] < found[0, 1] < 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"margin": 35.0}, "35 percent as 0.35"),
        ({"margin": -1.0}, "above -1"),
        ({"margin": float("nan")}, "nan"),
        ({"margin": np.array([0.2, 7.0, 9.0])}, "2 customers"),
        ({"annual_discount_rate": -1.0}, "above -1"),
        ({"cac": -5.0}, "0 or more"),
    ],
)
def test_impossible_economics_are_refused(wrong, words):
    with pytest.raises(SettingsError, match=words):
        Economics(**wrong)
