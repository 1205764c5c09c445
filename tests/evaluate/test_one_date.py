"""Sets where everybody was observed on one day: split by customer, never rewound further."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.evaluate import backtest
from patronage.events import EventLog
from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.models.baselines import Nothing
from patronage.models.training_pairs import rewound_origins, training_pairs
from patronage.snapshots import Snapshot, take_snapshot

OBSERVED = date(2024, 6, 1)
HORIZON = Horizon(4, "week")
IDS = range(1, 51)


@pytest.fixture(scope="module")
def mailing() -> EventLog:
    """Customer k joined before the day, has the attribute k, and paid k within the horizon."""
    joined = [{"customer_id": k, "event_time": date(2024, 5, 1), "amount": 1.0} for k in IDS]
    paid = [{"customer_id": k, "event_time": date(2024, 6, 9), "amount": float(k)} for k in IDS]
    profiles = pl.DataFrame({"customer_id": list(IDS), "size": [float(k) for k in IDS]})
    return EventLog.from_frame(
        pl.DataFrame(joined + paid), customers=profiles, observation_date=OBSERVED
    )


@dataclass(frozen=True)
class MeanOutcome:
    """Forecasts the mean of the outcomes that it was shown, and remembers of whom."""

    shown: list[set[int]]
    mean: float = 0.0

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> "MeanOutcome":
        origins = rewound_origins(snapshot, horizon).origins
        pairs = training_pairs(snapshot, origins, horizon)
        self.shown.append(set(pairs.customers["customer_id"]))
        return MeanOutcome(self.shown, float(pairs.total.mean()))

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        n = len(snapshot.customers)
        cash = np.full((1, n, horizon.n_periods), self.mean / horizon.n_periods)
        return SampleForecast(
            snapshot.customers["customer_id"].to_numpy(), snapshot.as_of, horizon, cash
        )


def test_whoever_is_judged_was_not_learned_from(mailing: EventLog) -> None:
    model = MeanOutcome([])

    card = backtest(mailing, {"mean": model}, horizon=HORIZON, split="customers", seed=3)

    judged = set(card.predictions["customer_id"])
    assert len(judged) == 20
    assert model.shown == [set(IDS) - judged]
    assert (card.predictions["outcome_cash"] == card.predictions["customer_id"]).all()
    expected = np.mean([k for k in IDS if k not in judged])
    assert card.predictions["mean_cash"].to_numpy() == pytest.approx(np.full(20, expected))


def test_the_judged_may_be_named(mailing: EventLog) -> None:
    card = backtest(
        mailing, {"no": Nothing()}, horizon=HORIZON, split="customers", judged=pl.Series([7, 9])
    )

    assert card.predictions["customer_id"].to_list() == [7, 9]
    assert card.origins == (OBSERVED,)


@pytest.mark.parametrize("judged", [[], list(IDS)])
def test_a_split_that_leaves_nobody_is_refused(mailing: EventLog, judged: list[int]) -> None:
    with pytest.raises(SettingsError, match="would be judged"):
        backtest(
            mailing,
            {"no": Nothing()},
            horizon=HORIZON,
            split="customers",
            judged=pl.Series(judged, dtype=pl.Int64),
        )


def test_another_day_than_that_of_observation_is_refused(mailing: EventLog) -> None:
    with pytest.raises(SettingsError, match="no other origin"):
        backtest(
            mailing,
            {"no": Nothing()},
            origins=[OBSERVED - timedelta(days=7)],
            horizon=HORIZON,
            split="customers",
        )


def test_an_outcome_that_is_not_over_cannot_be_learned_from(mailing: EventLog) -> None:
    early = take_snapshot(mailing, as_of=OBSERVED + timedelta(days=20))

    with pytest.raises(NotEnoughDataError, match="not over"):
        rewound_origins(early, HORIZON)


def test_a_log_of_some_customers_has_their_rows_alone(mailing: EventLog) -> None:
    some = take_snapshot(mailing.compact().among(pl.Series([3, 4])), features=("customers.size",))

    assert some.customers["customer_id"].to_list() == [3, 4]
    assert some.customers["customers.size"].to_list() == [3.0, 4.0]
    assert some.customers["spend"].to_list() == [4.0, 5.0]
