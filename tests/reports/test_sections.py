from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.reports.sections.ahead import collapse_periods, collapse_tracking
from patronage.reports.sections.cohorts import all_cohorts
from patronage.reports.sections.concentration import concentration, segment_table, top_tenth
from patronage.reports.sections.slipping import slipping_customers
from patronage.reports.sections.standings import standings

AS_OF = date(2024, 1, 1)


def scored(clv, **columns):
    n = len(clv)
    return pl.DataFrame(
        {
            "customer_id": list(range(n)),
            "clv": [float(v) for v in clv],
            "p_alive": columns.get("p_alive", [None] * n),
            "segment": columns.get("segment", ["low"] * n),
            "expected_purchases": [1.0] * n,
            "first_day": columns.get("first_day", [AS_OF - timedelta(days=101)] * n),
            "frequency": columns.get("frequency", [0] * n),
            "days_since_last": columns.get("days_since_last", [1.0] * n),
        },
        schema_overrides={"p_alive": pl.Float64, "days_since_last": pl.Float64},
    )


def test_the_top_tenth_by_hand():
    curve = concentration(scored([91] + [1] * 9))

    assert top_tenth(curve) == pytest.approx(0.91)


@given(st.lists(st.floats(0, 1e9), min_size=10, max_size=60).filter(lambda v: sum(v) > 1e-3))
def test_a_concentration_curve_rises_from_nought_to_one_and_is_concave(values):
    share = concentration(scored(values))["share_of_value"].to_numpy()
    customers = concentration(scored(values))["share_of_customers"].to_numpy()

    assert (share[0], share[-1]) == (0.0, pytest.approx(1.0))
    assert (np.diff(share) >= -1e-12).all()
    assert (np.diff(np.diff(share) / np.diff(customers)) <= 1e-6).all()


def test_few_customers_or_no_value_have_no_curve():
    assert concentration(scored([5.0] * 9)) is None
    assert concentration(scored([0.0] * 20)) is None
    assert concentration(scored([-1.0] * 20)) is None


def test_segments_stand_best_first_and_add_up():
    names = ["low", "high", "odd", "medium", "low"]
    table = segment_table(scored([1, 10, 2, 5, 2], segment=names))

    assert table["segment"].to_list() == ["high", "medium", "low", "odd"]
    assert table["share_value"].sum() == pytest.approx(1.0)
    assert table["customers"].sum() == 5


def test_who_slips_by_hand():
    # First seen 101 days before: one bought at days 0, 10 … 50, so usually every 10 days,
    # and has been silent for 51; another is silent for less than two of its gaps.
    scores = scored(
        [100, 80, 60],
        p_alive=[0.4, 0.9, 0.5],
        frequency=[5, 5, 0],
        days_since_last=[51.0, 16.0, 101.0],
    )

    found = slipping_customers(scores, AS_OF)

    assert found.rows["customer_id"].to_list() == [0]
    assert found.rows["usual_gap"].to_list() == [10.0]
    assert found.at_stake == pytest.approx(60.0)
    assert found.clv == pytest.approx(100.0)


def test_without_p_alive_the_whole_value_is_at_stake():
    found = slipping_customers(scored([100], frequency=[5], days_since_last=[51.0]), AS_OF)

    assert not found.knows_alive
    assert found.at_stake == pytest.approx(100.0)


def periods(n):
    cash = np.linspace(100, 50, n)
    factor = 0.99 ** np.arange(n)
    start = [AS_OF + timedelta(days=7 * i) for i in range(n)]
    return pl.DataFrame(
        {
            "period": range(1, n + 1),
            "start": start,
            "end": [s + timedelta(days=7) for s in start],
            "expected_purchases": cash / 20,
            "expected_cash": cash,
            "margin": 0.4,
            "discount_factor": factor,
            "present_value": cash * 0.4 * factor,
        }
    )


@pytest.mark.parametrize(("n", "rows"), [(12, 12), (16, 16), (17, 5), (39, 10), (52, 13), (104, 8)])
def test_periods_are_joined_by_usual_steps(n, rows):
    assert collapse_periods(periods(n), "week").height == rows


@given(st.integers(1, 300), st.sampled_from(["day", "week", "month", "quarter", "year"]))
def test_joining_periods_keeps_sums_and_the_product(n, period):
    table, joined = periods(n), collapse_periods(periods(n), period)

    for name in ("expected_purchases", "expected_cash", "present_value"):
        assert joined[name].sum() == pytest.approx(table[name].sum())
    product = joined["expected_cash"] * joined["margin"] * joined["discount_factor"]
    assert product.to_list() == pytest.approx(joined["present_value"].to_list())
    assert joined.height <= 16


def test_long_tracks_are_joined_apart_before_and_after_the_as_of_day():
    n_past, n_ahead = 701, 203
    track = pl.DataFrame(
        {
            "period_start": [date(2020, 1, 1) + timedelta(days=i) for i in range(904)],
            "actual": [1.0] * n_past + [None] * n_ahead,
            "forecast": [2.0] * 904,
            "low": [None] * 904,
            "high": [None] * 904,
        },
        schema_overrides={"low": pl.Float64, "high": pl.Float64},
    )

    joined, step = collapse_tracking(track)

    assert step == 6
    assert joined["actual"].drop_nulls().to_list() == [6.0] * (n_past // 6)
    assert joined["forecast"].unique().to_list() == [12.0]
    ahead = joined.filter(pl.col("actual").is_null())
    assert ahead["period_start"][0] == date(2020, 1, 1) + timedelta(days=n_past)
    assert ahead.height == n_ahead // 6


def test_all_cohorts_chain_weighted_increments():
    cohorts = pl.DataFrame(
        {
            "cohort": [date(2023, 1, 1)] * 2 + [date(2023, 2, 1)],
            "age": [0, 1, 0],
            "cash_per_customer": [10.0, 4.0, 30.0],
            "n_customers": [300, 300, 100],
        }
    )

    assert all_cohorts(cohorts)["cumulative"].to_list() == pytest.approx([15.0, 19.0])


def board(rows):
    return pl.DataFrame(
        [
            {
                "model": model,
                "origin": origin,
                "horizon_days": 91.0,
                "segment": segment,
                "metric": metric,
                "value": value,
                "low": None if value is None else value - 1,
                "high": None if value is None else value + 1,
                "n_customers": 10,
            }
            for model, origin, segment, metric, value in rows
        ]
    )


def test_standings_average_origins_of_all_customers():
    found = standings(
        board(
            [
                ("a", "1", "all", "rmse", 3.0),
                ("a", "2", "all", "rmse", 5.0),
                ("a", "1", "cohort", "rmse", 99.0),
                ("b", "1", "all", "rmse", 2.0),
                ("b", "2", "all", "rmse", 3.0),
            ]
        ),
        "rmse",
        {},
    )

    assert found.models == ("b", "a")
    assert found.at["a", "rmse"].value == pytest.approx(4.0)
    assert (found.at["a", "rmse"].low, found.at["a", "rmse"].high) == pytest.approx((3.0, 5.0))
    assert found.best["rmse"] == {"b"}
    assert found.n_origins == 2


def test_best_follows_the_direction_of_the_metric():
    rows = [
        (model, "1", "all", metric, value)
        for metric, a, b in (("bias", -1.0, 2.0), ("gini", 0.7, 0.6), ("odd", 1.0, 2.0))
        for model, value in (("a", a), ("b", b))
    ]

    found = standings(board(rows), "gini", {"odd": True})

    assert found.metrics[0] == "gini"
    assert found.best == {"gini": {"a"}, "bias": {"a"}, "odd": {"b"}}


def test_rows_that_pool_origins_go_before_averages():
    rows = [("a", "1", "all", "rmse", 3.0), ("a", "2", "all", "rmse", 5.0)]
    found = standings(board([*rows, ("a", "all", "all", "rmse", 4.5)]), "rmse", {})

    assert found.at["a", "rmse"].value == pytest.approx(4.5)
    assert (found.n_origins, found.averaged) == (2, False)


def test_a_model_judged_at_fewer_origins_is_never_best():
    rows = [("a", o, "all", "rmse", 3.0) for o in "12"] + [
        ("c", o, "all", "rmse", 4.0) for o in "12"
    ]
    found = standings(board([*rows, ("b", "1", "all", "rmse", 1.0)]), "rmse", {})

    assert found.models == ("a", "c", "b")
    assert found.partial == {"b": 1}
    assert found.best["rmse"] == {"a"}


def test_coverage_is_best_near_its_level():
    rows = [("a", "1", "all", "coverage_80", 0.99), ("b", "1", "all", "coverage_80", 0.78)]

    assert standings(board(rows), "coverage_80", {}).models == ("b", "a")


def test_a_model_without_the_metric_stands_last():
    rows = [("a", "1", "all", "mae", 1.0), ("b", "1", "all", "rmse", 9.0)]

    assert standings(board(rows), "rmse", {}).models == ("b", "a")
