from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.errors import (
    FitError,
    HorizonError,
    NotEnoughDataError,
    PatronageError,
    SettingsError,
)
from patronage.evaluate import LEADERBOARD_COLUMNS, METRICS, Scorecard, backtest
from patronage.events import EventLog
from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.models.baselines import EveryoneAverage, Nothing, SameAgain
from patronage.snapshots import Snapshot, take_snapshot

START = date(2024, 1, 1)
ORIGINS = [START + timedelta(days=day) for day in (120, 148, 176)]
HORIZON = Horizon(8, "week")


@dataclass(frozen=True)
class Tampering:
    """Fits and predicts as SameAgain, after doing something to the snapshot or the forecast."""

    before: Callable[[Snapshot], Snapshot] = lambda snapshot: snapshot
    after: Callable[[SampleForecast], SampleForecast] = lambda forecast: forecast

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> "Tampering":
        del horizon, seed
        self.before(snapshot)
        return self

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        fitted = SameAgain().fit(snapshot, horizon)
        return self.after(fitted.predict(snapshot, horizon))


@pytest.fixture(scope="module")
def card(shop: EventLog) -> Scorecard:
    models = {"nothing": Nothing(), "same_again": SameAgain(), "average": EveryoneAverage()}
    return backtest(shop, models, origins=ORIGINS, horizon=HORIZON)


def test_outcomes_lie_after_the_origin_and_within_the_horizon(make_log):
    log = make_log(
        [(1, 0, 10.0), (1, 5, 1.0), (1, 9, 2.0), (1, 16, 4.0), (1, 17, 8.0), (2, 9, 3.0)]
    )
    origin = START + timedelta(days=9)

    card = backtest(log, {"nothing": Nothing()}, origins=[origin], horizon=Horizon(1, "week"))

    assert card.predictions.select("customer_id", "outcome_cash", "outcome_purchases").rows() == [
        (1, 2.0, 1.0)
    ]


@pytest.mark.parametrize(
    "peek",
    [
        lambda snapshot: snapshot.rewind(snapshot.as_of + timedelta(days=1)),
        lambda snapshot: take_snapshot(snapshot.events, as_of=snapshot.as_of + timedelta(days=1)),
    ],
    ids=["by rewinding forwards", "by a new snapshot"],
)
def test_a_model_that_asks_for_the_future_fails_and_is_named(shop: EventLog, peek):
    card = backtest(
        shop,
        {"peeking": Tampering(before=peek), "same_again": SameAgain()},
        origins=ORIGINS,
        horizon=HORIZON,
    )

    assert "peeking" not in card.models
    assert card.failures["peeking"].count("\nat ") + 1 == len(ORIGINS)


def test_the_log_of_a_snapshot_holds_nothing_of_the_future(shop: EventLog):
    seen: list[tuple[date, date]] = []

    def look(snapshot: Snapshot) -> Snapshot:
        later = snapshot.events.before(snapshot.as_of + timedelta(days=30))
        seen.append((snapshot.as_of, later.last_day()))
        return snapshot

    backtest(shop, {"looking": Tampering(before=look)}, origins=ORIGINS, horizon=HORIZON)

    assert sorted(origin for origin, _ in seen) == ORIGINS
    assert all(last < origin for origin, last in seen)


def test_what_happens_after_the_outcome_changes_nothing(make_log):
    rows = [(k, (7 * k) % 60, 5.0 + k) for k in range(40)] + [(k, 70 + k, 9.0) for k in range(20)]
    later = [*rows, *((k, 200, 1000.0) for k in range(40))]
    at = {"origins": [START + timedelta(days=62)], "horizon": Horizon(4, "week")}

    short, long = (
        backtest(make_log(table), {"same_again": SameAgain()}, **at) for table in (rows, later)
    )

    assert short.frame.equals(long.frame)


def test_a_forecast_that_is_not_finite_is_a_failure(shop: EventLog):
    def spoil(forecast: SampleForecast) -> SampleForecast:
        draws = forecast.draws.copy()
        draws[0, 3, 0] = np.nan
        return replace(forecast, draws=draws)

    card = backtest(
        shop,
        {"spoilt": Tampering(after=spoil), "nothing": Nothing()},
        origins=ORIGINS[:1],
        horizon=HORIZON,
    )

    assert "1 of" in card.failures["spoilt"]
    assert "not finite" in card.failures["spoilt"]


def test_a_forecast_of_other_customers_is_a_failure(shop: EventLog):
    card = backtest(
        shop,
        {"short": Tampering(after=lambda f: f.take(slice(1, None))), "nothing": Nothing()},
        origins=ORIGINS[:1],
        horizon=HORIZON,
    )

    assert "customers" in card.failures["short"]


def test_a_model_that_fails_at_one_origin_has_no_pooled_row(shop: EventLog):
    def refuse_the_first(snapshot: Snapshot) -> Snapshot:
        if snapshot.as_of == ORIGINS[0]:
            raise FitError("no optimum.")
        return snapshot

    card = backtest(
        shop,
        {"moody": Tampering(before=refuse_the_first), "nothing": Nothing()},
        origins=ORIGINS,
        horizon=HORIZON,
    )

    mine = card.frame.filter(pl.col("model") == "moody")
    assert set(mine["origin"]) == {str(origin) for origin in ORIGINS[1:]}
    assert card.failures["moody"] == f"at {ORIGINS[0]}: no optimum."


def test_errors_that_are_ours_are_not_swallowed(shop: EventLog):
    def break_down(snapshot: Snapshot) -> Snapshot:
        raise ZeroDivisionError(snapshot.as_of)

    with pytest.raises(ZeroDivisionError):
        backtest(shop, {"broken": Tampering(before=break_down)}, origins=ORIGINS, horizon=HORIZON)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"origins": []}, SettingsError, "0 origins"),
        ({"models": {}}, SettingsError, "0 models"),
        ({"split": "customers"}, SettingsError, "one observation date"),
        ({"horizon": Horizon(3, "year")}, HorizonError, "choose origins up to"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    shop: EventLog, change: dict[str, object], error: type[PatronageError], words: str
):
    asked = {"models": {"nothing": Nothing()}, "origins": ORIGINS, "horizon": HORIZON} | change

    with pytest.raises(error, match=words):
        backtest(shop, asked.pop("models"), **asked)


def test_nothing_to_show_is_an_error_with_all_reasons(shop: EventLog):
    def refuse(snapshot: Snapshot) -> Snapshot:
        raise FitError(f"no optimum at {snapshot.as_of}.")

    with pytest.raises(NotEnoughDataError, match="no optimum"):
        backtest(shop, {"never": Tampering(before=refuse)}, origins=ORIGINS, horizon=HORIZON)


def test_the_board_has_every_metric_with_an_interval(card: Scorecard, tmp_path):
    whole = card.frame.filter((pl.col("segment") == "all") & (pl.col("origin") == "all"))

    assert tuple(card.frame.columns) == LEADERBOARD_COLUMNS
    assert set(whole["metric"]) == set(METRICS)
    assert (whole["low"] <= whole["high"]).all()
    assert set(whole["n_customers"]) == {card.predictions["customer_id"].n_unique()}
    header = card.to_csv(tmp_path / "leaderboard.csv").read_text().splitlines()[0]
    assert header == "model,origin,horizon_days,segment,metric,value,low,high,n_customers"


def test_sums_of_segments_add_up_to_the_whole(card: Scorecard):
    for kind in ("cohort ", "value "):
        parts = card.frame.filter(
            (pl.col("model") == "same_again")
            & (pl.col("origin") == str(ORIGINS[0]))
            & pl.col("segment").str.starts_with(kind)
        )
        mine = card.predictions.filter(
            (pl.col("model") == "same_again") & (pl.col("origin") == ORIGINS[0])
        )
        for metric, column in (("predicted_sum", "mean_cash"), ("actual_sum", "outcome_cash")):
            found = parts.filter(pl.col("metric") == metric)["value"].sum()
            assert found == pytest.approx(mine[column].sum())


@pytest.mark.slow
def test_a_backtest_can_be_repeated(shop: EventLog, card: Scorecard):
    again = backtest(
        shop,
        {"nothing": Nothing(), "same_again": SameAgain(), "average": EveryoneAverage()},
        origins=ORIGINS,
        horizon=HORIZON,
    )

    assert again.frame.equals(card.frame)


def test_progress_runs_to_the_end(shop: EventLog):
    seen: list[float] = []

    backtest(shop, {"nothing": Nothing()}, origins=ORIGINS, horizon=HORIZON, progress=seen.append)

    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_calibration_has_ten_deciles_that_average_to_the_whole(card: Scorecard):
    table = card.calibration("same_again")
    mine = card.predictions.filter(pl.col("model") == "same_again")

    assert table["decile"].to_list() == list(range(1, 11))
    assert table["predicted"].mean() == pytest.approx(mine["mean_cash"].mean())
    assert table["actual"].mean() == pytest.approx(mine["outcome_cash"].mean())
    assert table["predicted"].is_sorted()
    assert table["n_customers"].sum() == len(mine)
    assert (table["low"] <= table["high"]).all()


def test_cohorts_are_dated_by_their_first_day(card: Scorecard):
    table = card.cohorts("same_again")

    assert table["cohort"].to_list() == [date(2024, month, 1) for month in (1, 2, 3)]
    assert table["n_customers"].sum() == 300


def test_pit_and_coverage_describe_the_spread(card: Scorecard):
    assert card.pit("nothing")["share"].sum() == pytest.approx(1.0)
    assert "90 % quantile" in card.coverage("nothing")


def test_the_difference_of_two_models_is_paired(card: Scorecard):
    forth = card.difference("same_again", "nothing", "mae")
    back = card.difference("nothing", "same_again", "mae")

    assert forth.value == pytest.approx(-back.value)
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))
    assert card.difference("nothing", "nothing", "mae").high == 0.0


def test_questions_that_have_no_answer_name_what_there_is(card: Scorecard):
    with pytest.raises(SettingsError, match="known metrics"):
        card.difference("nothing", "same_again", "luck")
    with pytest.raises(SettingsError, match="models on the board"):
        card.difference("nothing", "oracle", "mae")
    with pytest.raises(SettingsError, match="models on the board"):
        card.calibration("oracle")
