"""A whole validation of a small shop, and each of its parts where a person can work it out."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.errors import HorizonError, NotEnoughDataError, SettingsError
from patronage.evaluate.bootstrap import customer_weights
from patronage.evaluate.examined import Decision
from patronage.evaluate.validation import LIMITS, Limit, limits_with, validate
from patronage.evaluate.validation.ageing import ageing
from patronage.evaluate.validation.groups import (
    decile_labels,
    group_labels,
    group_table,
    tenure_labels,
)
from patronage.evaluate.validation.measured import Measured
from patronage.evaluate.validation.stability import agreement, day_over_day
from patronage.evaluate.validation.trials import hold_trials
from patronage.evaluate.validation.validate import Validation
from patronage.evaluate.validation.verdict import (
    Finding,
    against_benchmarks,
    against_limits,
    worst,
)
from patronage.horizon import Horizon
from patronage.models.catalog import make_model
from patronage.snapshots import take_snapshot

HORIZON = Horizon(4, "week")
ORIGINS = [date(2024, 5, 1), date(2024, 6, 1), date(2024, 7, 1)]
DECISION = Decision(20.0, 0.5, 1.0)


@pytest.fixture(scope="module")
def judge(shop):
    return take_snapshot(shop).remembering()


@pytest.fixture(scope="module")
def found(judge) -> Validation:
    model = make_model("mbg_nbd")
    return validate(
        judge,
        "mbg_nbd",
        model,
        {name: make_model(name) for name in ("nothing", "everyone_average", "same_again")},
        origins=ORIGINS,
        horizon=HORIZON,
        decision=DECISION,
        refit=model,
        simpler={"nothing", "everyone_average", "same_again"},
    )


@pytest.mark.slow
def test_every_family_has_numbers_with_intervals(found):
    told = found.frame.filter(pl.col("origin") == "all", pl.col("model") == "mbg_nbd")

    assert set(found.frame["family"]) == {
        *("statistical", "ranking", "classification", "business", "distribution"),
        *("temporal", "fairness", "stability"),
    }
    known = told.filter(pl.col("low").is_not_null())
    assert (known["low"] <= known["high"]).all()
    assert known.filter(pl.col("metric") == "mape_buyers")["n"][0] < 300
    assert set(found.frame["model"]) == {
        *("mbg_nbd", "nothing", "everyone_average", "same_again"),
    }
    assert found.verdict in ("pass", "attention", "fail")


@pytest.mark.slow
def test_a_model_trained_early_is_asked_again_at_every_later_origin(found):
    pairs = found.ageing.matrix.select("trained", "origin").unique()

    assert len(pairs) == 6
    assert (pairs["trained"] <= pairs["origin"]).all()
    assert found.ageing.by_age["loss"][0] == 0.0
    assert found.ageing.by_age["n_pairs"].to_list() == [3, 2, 1]
    assert str(found.ageing.days) in found.ageing.sentence


@pytest.mark.slow
def test_the_model_beats_forecasting_nothing_and_says_so(found):
    sentences = [one.sentence for one in found.findings if one.about == "benchmark"]

    assert any("mbg_nbd beats nothing" in sentence for sentence in sentences)


@pytest.mark.slow
def test_a_simple_model_is_told_to_do_as_well_as_itself(judge):
    """same_again against same_again: no difference on any resampling."""
    model = make_model("same_again")
    found = validate(
        judge,
        "spreadsheet",
        model,
        {"same_again": model},
        origins=ORIGINS[-1:],
        horizon=HORIZON,
        decision=DECISION,
        refit=model,
        simpler={"same_again"},
    )

    told = [one for one in found.findings if one.about == "benchmark"]
    assert [one.status for one in told] == ["attention"]
    assert "does as well as spreadsheet" in told[0].sentence
    assert found.seeds["rank_agreement"] == pytest.approx(1.0)
    assert found.seeds["total_spread"] == 0.0
    assert found.ageing.days is None


def test_an_outcome_that_is_not_over_cannot_be_validated(judge):
    with pytest.raises(HorizonError, match="choose origins up to"):
        hold_trials(
            judge,
            "nothing",
            make_model("nothing"),
            {},
            origins=[judge.as_of],
            horizon=HORIZON,
            decision=DECISION,
        )


def test_a_model_that_cannot_be_fitted_at_an_origin_says_where(judge):
    with pytest.raises(NotEnoughDataError, match="cannot be validated at 2024-01-03"):
        hold_trials(
            judge,
            "hurdle_lightgbm",
            make_model("hurdle_lightgbm"),
            {},
            origins=[date(2024, 1, 3)],
            horizon=HORIZON,
            decision=DECISION,
        )


def aged_table() -> pl.DataFrame:
    """Two origins 30 days apart; the old model forecasts 4 where the fresh says 1, and 1 comes."""
    days = (date(2025, 1, 1), date(2025, 1, 31))
    rows = []
    for trained, origin, forecast in (
        (days[0], days[0], 1.0),
        (days[0], days[1], 4.0),
        (days[1], days[1], 1.0),
    ):
        rows += [
            {
                "trained": trained,
                "origin": origin,
                "customer": customer,
                "mean_cash": forecast,
                "outcome_cash": 2.0 * (customer % 2),
            }
            for customer in range(20)
        ]
    told = pl.DataFrame(rows)
    rest = ("mean_purchases", "q10", "q90", "f_q90", "pit", "crps", "outcome_purchases", "p_zero")
    bounds = [f"{side}_{level}" for side in ("low", "high") for level in (50, 80, 90, 95)]
    return told.with_columns(pl.lit(0.5).alias(name) for name in (*rest, *bounds)).with_columns(
        p_above=pl.lit(0.5)
    )


def test_retraining_is_worth_it_where_age_costs_more_than_a_training():
    """At threshold 3 the old model contacts all twenty, at a loss of 20 × (0.5 × 1 − 1) = −10.

    Over two steps: trained at both 2 α, trained once α + 10.
    """
    table = aged_table()
    weights = customer_weights(20, 30, seed=0)
    decision = Decision(3.0, 0.5, 1.0)

    cheap = ageing(table, weights, decision, retraining_cost=9.0)
    dear = ageing(table, weights, decision, retraining_cost=11.0)

    assert cheap.by_age["loss"].to_list() == pytest.approx([0.0, 10.0])
    assert cheap.schedules["total"].to_list() == pytest.approx([18.0, 19.0])
    assert (cheap.days, cheap.bounded) == (30, False)
    assert (dear.days, dear.bounded) == (60, True)
    assert "profit" in dear.sentence


def test_without_a_price_loss_is_the_share_of_deviance_in_excess():
    aged = ageing(aged_table(), customer_weights(20, 30, seed=0), DECISION)
    cells = aged.matrix.filter(pl.col("metric") == "deviance")["value"].to_list()

    assert aged.by_age["loss"][1] == pytest.approx(cells[1] / cells[2] - 1)
    assert aged.days == 30


def test_groups_worked_by_hand():
    """The first 60 customers are forecast at 2 and bring 1, sixty at 1 that bring 1, ten at 5."""
    table = pl.concat([aged_table()] * 7).filter(pl.col("trained") == pl.col("origin"))[:130]
    label = pl.Series(["a"] * 60 + ["b"] * 60 + ["few"] * 10)
    table = table.with_columns(
        customer=pl.Series(np.arange(130)),
        mean_cash=pl.Series([2.0] * 60 + [1.0] * 60 + [5.0] * 10),
        outcome_cash=pl.lit(1.0),
    )

    found = group_table(table, {"kind": label}, customer_weights(130, 30, seed=0), DECISION)
    at = {(row["group"], row["metric"]): row for row in found.iter_rows(named=True)}

    assert at["a", "predicted_to_actual"]["value"] == pytest.approx(2.0)
    assert at["b", "relative_ratio"]["value"] == pytest.approx(1.0 / (230 / 130))
    assert at["a", "mae"]["value"] == pytest.approx(1.0)
    # Thirteen are the best tenth: the ten few, and 3 of 60 alike.
    assert at["few", "top_decile_share"]["value"] == pytest.approx(1.0)
    assert at["a", "top_decile_share"]["value"] == pytest.approx(3 / 60)
    assert not at["few", "mae"]["judged"]
    assert at["a", "mae"]["judged"]


def test_names_of_groups():
    ages = pl.Series([*range(20, 70), None])
    towns = pl.Series([str(k) for k in range(30) for _ in range(k + 1)])

    assert sorted(set(group_labels(ages))) == [
        *("1: up to 30", "2: over 30 to 40", "3: over 40 to 49", "4: over 49 to 59", "5: over 59"),
        "not known",
    ]
    assert group_labels(towns).n_unique() == 12
    assert group_labels(pl.Series(["f", None, "m"])).to_list() == ["f", "not known", "m"]
    first = pl.Series([date(2024, 12, 1), date(2023, 6, 1)])
    told = tenure_labels(first, pl.Series([date(2025, 1, 1)] * 2)).to_list()
    assert told == ["1: under 3 months", "4: 1–2 years"]
    assert decile_labels(np.array([1.0, 1.0, 3.0, 4.0])).to_list() == ["D04", "D04", "D08", "D10"]


def test_agreement_of_scorings_worked_by_hand():
    """Totals 6 and 8: spread √2 / 7. Ranks 1, 2, 3 and 1, 3, 2 correlate with one half."""
    one, other = np.array([1.0, 2.0, 3.0]), np.array([1.0, 4.0, 3.0])

    told = agreement([one, other])

    assert told["total_spread"] == pytest.approx(np.sqrt(2) / 7)
    assert told["rank_agreement"] == pytest.approx(0.5)
    assert told["top_decile_overlap"] == 0.0
    assert agreement([one, one])["top_decile_overlap"] == pytest.approx(1.0)


def test_a_model_that_says_the_same_of_everybody_does_not_move_from_day_to_day(judge):
    start = ORIGINS[-1]
    fitted = make_model("nothing").fit(judge.rewind(start), HORIZON)

    told = day_over_day(fitted, judge, start, HORIZON, n_days=3)

    assert told["day"].to_list() == [start + timedelta(days=k) for k in (1, 2, 3)]
    assert told["rank_correlation"].to_list() == [1.0, 1.0, 1.0]
    assert told["moved"].to_list() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("value", "low", "high", "status"),
    [
        (0.05, 0.0, 0.1, "pass"),
        (-0.2, -0.3, 0.0, "attention"),
        (0.5, 0.05, 0.9, "attention"),
        (0.5, 0.3, 0.9, "fail"),
        (-0.5, -0.9, 0.2, "attention"),
        (float("nan"), float("nan"), float("nan"), "attention"),
        (0.5, float("nan"), float("nan"), "fail"),
    ],
)
def test_chance_alone_fails_nothing(value, low, high, status):
    assert LIMITS["aggregate_bias"].status(value, low, high) == status


def test_limits_where_higher_is_better_are_turned():
    limit = Limit("gini", "Gini", 0.3, 0.1, "", higher_is_better=True)

    assert limit.status(0.4) == "pass"
    assert limit.status(0.2, 0.1, 0.25) == "attention"
    assert limit.status(0.05, 0.0, 0.35) == "attention"
    assert limit.status(0.05, 0.0, 0.2) == "fail"


def test_who_signs_may_set_the_limits():
    set_ = limits_with(["aggregate_bias=0.01:0.02", "normalized_gini=0.6:0.5"])

    assert (set_["aggregate_bias"].attention, set_["aggregate_bias"].fail) == (0.01, 0.02)
    told = against_limits({"aggregate_bias": (0.05, 0.04, 0.06)}, set_)
    assert [(one.status, one.about) for one in told] == [("fail", "aggregate_bias")]
    assert "Total bias is 5.0 %" in told[0].sentence
    for wrong in ("no=1:2", "aggregate_bias=1", "aggregate_bias=2:1", "normalized_gini=0.1:0.2"):
        with pytest.raises(SettingsError, match="To mend"):
            limits_with([wrong])


def test_benchmarks_are_compared_on_the_same_resamplings():
    """The noise of 10 is shared; the difference of 1 is not noise."""
    noise = np.random.default_rng(0).normal(0, 10, 200)

    def measured(deviance: float) -> dict[str, Measured]:
        gini = Measured(0.5, np.full(200, 0.5), 9)
        return {"deviance": Measured(deviance, deviance + noise, 9), "normalized_gini": gini}

    mine, better = measured(100.0), measured(99.0)
    [simple] = against_benchmarks("m", mine, {"same_again": better}, {"same_again"})
    [worse] = against_benchmarks("m", better, {"same_again": mine}, {"same_again"})
    [tie] = against_benchmarks("m", mine, {"peer": mine}, ())

    assert simple.status == "fail"
    assert "should be preferred" in simple.sentence
    assert (worse.status, tie.status) == ("pass", "pass")
    assert worst([simple, worse]) == "fail"
    assert worst([]) == "pass"
    assert worst([replace(worse), Finding("attention", "x", "y")]) == "attention"


def test_where_age_does_no_harm_it_says_that_retraining_does_not_mend():
    """The forecasts of the old model and the fresh are exchanged: the fresh one is the worse."""
    table = aged_table()
    swapped = pl.when(pl.col("origin") > pl.col("trained")).then(1.0)
    late = pl.col("trained") > date(2025, 1, 1)
    table = table.with_columns(mean_cash=swapped.when(late).then(4.0).otherwise("mean_cash"))

    aged = ageing(table, customer_weights(20, 30, seed=0), DECISION)

    assert aged.by_age["loss"][1] < 0
    assert aged.sentence.startswith("Models trained earlier did better")
