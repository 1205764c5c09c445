from datetime import date, timedelta

import numpy as np
import pytest

from patronage.events import EventLog, QualityReport
from patronage.horizon import Horizon
from patronage.models.baselines import (
    EveryoneAverage,
    Nothing,
    SameAgain,
    TextbookLifetime,
    TextbookRetention,
)
from patronage.models.baselines.repeat_rate import repeat_rate
from patronage.snapshots import Snapshot, take_snapshot

START = date(2024, 1, 1)
BASELINES = (Nothing, EveryoneAverage, SameAgain, TextbookLifetime, TextbookRetention)


def snapshot_of(rows: list[tuple[int, int, float]], days: int) -> Snapshot:
    """Rows: customer, days after START, amount; refunds below 0. as_of is `days` after START."""
    values = ", ".join(
        f"({who}, TIMESTAMP '{START + timedelta(days=day)}', {amount})" for who, day, amount in rows
    )
    relation = f"""
        SELECT who::BIGINT AS customer_id, instant AS event_time, instant AS known_time,
               CASE WHEN amount < 0 THEN 'refund' ELSE 'purchase' END AS kind,
               amount::DECIMAL(18,4) AS amount FROM (VALUES {values}) AS t(who, instant, amount)"""
    columns = ("customer_id", "event_time", "known_time", "kind", "amount")
    log = EventLog(relation, columns, "USD", False, False, QualityReport(len(rows), len(rows)))
    return take_snapshot(log, as_of=START + timedelta(days=days))


HISTORY = [(1, 0, 10.0), (1, 20, 30.0), (1, 25, -5.0), (2, 10, 4.0), (3, 27, 6.0)]


def predict(baseline: type, snapshot: Snapshot, horizon: Horizon):
    return baseline().fit(snapshot, horizon).predict(snapshot, horizon)


@pytest.mark.parametrize("baseline", BASELINES)
@pytest.mark.parametrize("horizon", [Horizon(3, "day"), Horizon(2, "month"), Horizon(39, "week")])
def test_every_baseline_serves_any_horizon(baseline: type, horizon: Horizon):
    snapshot = snapshot_of(HISTORY, 28)

    found = predict(baseline, snapshot, horizon)

    assert found.customer_id.tolist() == [1, 2, 3]
    assert found.mean().shape == (3, horizon.n_periods)
    assert np.isfinite(found.mean()).all()
    assert found.n_purchases is not None
    assert (found.n_purchases >= 0).all()
    assert baseline.assumption.endswith(".")


@pytest.mark.parametrize("baseline", BASELINES)
def test_every_baseline_serves_one_customer_of_one_day(baseline: type):
    found = predict(baseline, snapshot_of([(1, 0, 10.0)], 1), Horizon(4, "week"))

    assert np.isfinite(found.mean()).all()


@pytest.mark.parametrize("baseline", BASELINES)
def test_one_long_period_and_many_short_ones_sum_to_the_same(baseline: type):
    snapshot = snapshot_of([*HISTORY, (2, 70, 8.0), (1, 100, 3.0)], 120)

    weeks, days = (
        predict(baseline, snapshot, horizon).mean().sum(axis=1)
        for horizon in (Horizon(4, "week"), Horizon(28, "day"))
    )

    assert weeks == pytest.approx(days)


def test_everyone_average_is_cash_over_customer_days():
    """45 in cash over 28 + 18 + 1 days; four purchase days."""
    fitted = EveryoneAverage().fit(snapshot_of(HISTORY, 28), Horizon(1, "week"))

    assert fitted.cash_per_day == pytest.approx(45 / 47)
    assert fitted.purchases_per_day == pytest.approx(4 / 47)


def test_same_again_repeats_the_last_window_period_by_period():
    found = predict(SameAgain, snapshot_of(HISTORY, 28), Horizon(2, "week"))

    assert found.mean().tolist() == [[30.0, -5.0], [0.0, 0.0], [0.0, 6.0]]
    assert found.n_purchases is not None
    assert found.n_purchases.tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]


def test_same_again_scales_a_history_shorter_than_the_horizon():
    found = predict(SameAgain, snapshot_of(HISTORY, 28), Horizon(8, "week"))

    assert found.mean().sum(axis=1) == pytest.approx([70.0, 8.0, 12.0])
    assert found.mean()[0] == pytest.approx(np.full(8, 70 / 8))


def test_the_repeat_rate_counts_who_comes_back_next_period():
    """Weeks back from day 21: buyers {1, 2, 3}, {1, 2}, {1}; of 3 + 2 earlier buyers 3 return."""
    rows = [(1, 0, 1.0), (2, 1, 1.0), (3, 2, 1.0), (1, 7, 2.0), (2, 8, 2.0), (1, 14, 6.0)]

    rate = repeat_rate(snapshot_of(rows, 21), "week")

    assert rate.retention == pytest.approx(3 / (5 + 1))
    assert rate.cash == pytest.approx(13 / 6)
    assert rate.purchases == pytest.approx(1.0)
    assert rate.lifetime_days == pytest.approx(14.0)


def test_textbook_retention_sums_its_powers_up_to_the_horizon():
    """r = 1/2, m = 13/6: m (1/2 + 1/4) over two weeks, and m r / (1 − r) for ever."""
    rows = [(1, 0, 1.0), (2, 1, 1.0), (3, 2, 1.0), (1, 7, 2.0), (2, 8, 2.0), (1, 14, 6.0)]
    snapshot = snapshot_of(rows, 21)
    fitted = TextbookRetention(period="week").fit(snapshot, Horizon(2, "week"))

    assert fitted.predict(snapshot, Horizon(2, "week")).mean() == pytest.approx(
        np.tile([13 / 12, 13 / 24], (3, 1))
    )
    assert fitted.predict(snapshot, Horizon(5, "year")).mean().sum() == pytest.approx(3 * 13 / 6)
    assert fitted.formula_value(0.0) == pytest.approx(13 / 6)
    assert fitted.formula_value(0.10) < 13 / 6


def test_textbook_lifetime_multiplies_value_frequency_and_lifetime():
    """Customer 1: 9 in 21 days, for a lifetime of 14 days: 6. Over two weeks 1 − 1/e of it."""
    rows = [(1, 0, 1.0), (2, 1, 1.0), (3, 2, 1.0), (1, 7, 2.0), (2, 8, 2.0), (1, 14, 6.0)]
    snapshot = snapshot_of(rows, 21)
    fitted = TextbookLifetime(period="week").fit(snapshot, Horizon(2, "week"))

    found = fitted.predict(snapshot, Horizon(2, "week")).mean().sum(axis=1)

    assert fitted.formula_value(snapshot) == pytest.approx([6.0, 3 / 20 * 14, 1 / 19 * 14])
    assert found == pytest.approx(fitted.formula_value(snapshot) * (1 - np.exp(-1)))
