from datetime import date

import numpy as np
import polars as pl
import pytest

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.evaluate import Scorecard, choose
from patronage.evaluate.leaderboard import leaderboard
from patronage.horizon import Horizon

ORIGIN = date(2024, 6, 1)
COMPLEXITY = {"plain": 0, "btyd": 2, "boost": 3, "stack": 4}


def board(noise: dict[str, float], *, failures: dict[str, str] | None = None) -> Scorecard:
    """Models that know each customer's mean up to a log-normal error of the size given."""
    rng = np.random.default_rng(0)
    n = 800
    mean = rng.gamma(0.7, 40, n)
    outcome = rng.gamma(1.0, mean)
    tables = []
    for model, size in noise.items():
        own = np.random.default_rng([len(model), int(1e6 * size)])
        forecast = mean * own.lognormal(-(size**2) / 2, size, n)
        unknown = pl.lit(None, pl.Float64)
        tables.append(
            pl.DataFrame({"mean_cash": forecast, "outcome_cash": outcome}).select(
                pl.lit(model).alias("model"),
                pl.lit(ORIGIN).alias("origin"),
                pl.int_range(n).alias("customer_id"),
                pl.lit(date(2024, 1, 1)).alias("first_day"),
                "mean_cash",
                *(unknown.alias(name) for name in ("mean_purchases", "q10", "q90", "f_q90")),
                *(unknown.alias(name) for name in ("pit", "crps", "p_zero")),
                "outcome_cash",
                pl.lit(1.0).alias("outcome_purchases"),
            )
        )
    predictions = pl.concat(tables)
    horizon = Horizon(8, "week")
    frame, draws = leaderboard(predictions, horizon, n_draws=200, seed=0)
    return Scorecard(frame, predictions, failures or {}, horizon, (ORIGIN,), pl.DataFrame(), draws)


def test_a_clear_winner_is_chosen_whatever_it_costs():
    choice = choose(board({"stack": 0.0, "btyd": 0.8, "plain": 1.5}), complexity=COMPLEXITY)

    assert choice.model == "stack"
    assert choice.table["verdict"].to_list() == ["chosen", "worse", "worse"]
    assert choice.reasons[0].startswith("stack has the best deviance")
    assert "btyd is worse than stack by" in choice.reasons[1]
    assert "90 % interval" in choice.reasons[1]


def test_a_tie_goes_to_the_simplest():
    scorecard = board({"stack": 0.0, "boost": 0.02, "btyd": 0.03, "plain": 1.5})

    choice = choose(scorecard, complexity=COMPLEXITY)

    assert choice.model == "btyd"
    assert dict(choice.table.select("model", "verdict").iter_rows())["plain"] == "worse"
    assert "safer than" in choice.reasons[0]


def test_equal_models_of_one_complexity_leave_the_better():
    choice = choose(board({"a": 0.0, "b": 0.02}), complexity={"a": 2, "b": 2})

    assert choice.model == "a"


def test_a_model_that_failed_is_left_out_with_its_reason():
    scorecard = board({"stack": 0.0, "btyd": 0.5}, failures={"stack": "at 2024-06-01: no optimum."})

    choice = choose(scorecard, complexity=COMPLEXITY)

    assert choice.model == "btyd"
    assert "stack was left out: it failed at 2024-06-01: no optimum." in choice.reasons
    assert choice.table.row(by_predicate=pl.col("model") == "stack", named=True)["verdict"] == (
        "excluded"
    )


def test_a_bias_is_best_nearest_to_nothing():
    """Sums too high by half lose to sums that are right, though 0.5 is the higher number."""
    scorecard = board({"btyd": 0.1, "plain": 2.5})

    assert choose(scorecard, metric="aggregate_bias", complexity=COMPLEXITY).model in COMPLEXITY
    table = choose(scorecard, metric="aggregate_bias", complexity=COMPLEXITY).table
    assert (table["worse_by"] >= 0).all()


def test_a_metric_that_no_model_serves_cannot_choose():
    with pytest.raises(NotEnoughDataError, match="does not forecast distribution"):
        choose(board({"btyd": 0.1}), metric="crps", complexity=COMPLEXITY)


def test_an_unknown_metric_lists_the_known():
    with pytest.raises(SettingsError, match="normalized_gini"):
        choose(board({"btyd": 0.1}), metric="luck", complexity=COMPLEXITY)


def test_a_single_model_says_that_it_is_alone():
    assert "only model" in choose(board({"btyd": 0.1}), complexity=COMPLEXITY).reasons[0]
