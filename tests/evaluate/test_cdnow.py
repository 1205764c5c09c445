"""The judgement on real data."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from patronage.evaluate import backtest
from patronage.events import EventLog, QualityReport
from patronage.horizon import Horizon
from patronage.models.baselines import Nothing, SameAgain
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import take_snapshot

AS_OF = date(1997, 10, 1)


@pytest.fixture(scope="module")
def cdnow(data_dir: Path) -> EventLog:
    path = data_dir / "cdnow" / "cdnow_sample_1in10.parquet"
    relation = f"""
        SELECT customer_id::BIGINT AS customer_id, date::TIMESTAMP AS event_time,
               date::TIMESTAMP AS known_time, 'purchase' AS kind, amount::DECIMAL(18,4) AS amount
        FROM read_parquet('{path}')"""
    columns = ("customer_id", "event_time", "known_time", "kind", "amount")
    return EventLog(relation, columns, "USD", False, False, QualityReport(1, 1)).compact()


def test_thirty_nine_weeks_known_judge_fifteen(cdnow: EventLog):
    judged = rewound_origins(take_snapshot(cdnow, as_of=AS_OF), Horizon(39, "week"))

    assert judged.horizon == Horizon(15, "week")
    assert judged.origins == tuple(AS_OF - timedelta(weeks=weeks) for weeks in (23, 19, 15))


def test_a_customer_who_repeats_is_found_by_his_past(cdnow: EventLog):
    card = backtest(
        cdnow,
        {"nothing": Nothing(), "same_again": SameAgain()},
        origins=[AS_OF],
        horizon=Horizon(39, "week"),
    )
    outcomes = card.predictions.filter(pl.col("model") == "nothing")

    assert len(outcomes) == 2357
    assert card.value("nothing", "aggregate_bias") == pytest.approx(-1.0)
    assert card.value("same_again", "normalized_gini") > 0.6
    assert card.difference("same_again", "nothing", "normalized_gini").low > 0.5
