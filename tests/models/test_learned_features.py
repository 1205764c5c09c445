"""Learned features: worked by hand, blind to the future, learned anew at every origin."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.datasets import SimulationSettings, simulate
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.learned import ProcessExpectations, TargetEncodings, TermWeights
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.tabular.hurdle import Hurdle
from patronage.models.tabular.lesson import LessonSettings
from patronage.registry.codec import decode, encode
from patronage.snapshots import Snapshot, take_snapshot

DAY, WEEK = date(2024, 1, 1), Horizon(1, "week")
AS_OF, HORIZON = date(2026, 1, 1), Horizon(8, "week")
ALL = (ProcessExpectations(ParetoNBD()), TargetEncodings(), TermWeights(n_terms=5))


@pytest.fixture(scope="module")
def shop() -> EventLog:
    settings = SimulationSettings(n_customers=400, start=date(2025, 1, 1), end=date(2026, 3, 1))
    made = simulate(settings, seed=4)
    log = EventLog.from_frame(made.events, currency="EUR", customers=made.tables.customers)
    return log.compact()


@pytest.fixture(scope="module")
def snapshot(shop: EventLog) -> Snapshot:
    return take_snapshot(shop, as_of=AS_OF)


def towns() -> Snapshot:
    """60 customers a town; in the last week those of A pay 7, those of B nothing."""
    ids = list(range(120))
    first = [{"customer_id": k, "event_time": DAY, "amount": 1.0} for k in ids]
    later = [
        {"customer_id": k, "event_time": DAY + timedelta(days=60), "amount": 7.0} for k in ids[:60]
    ]
    profiles = pl.DataFrame({"customer_id": ids, "town": ["A"] * 60 + ["B"] * 60})
    log = EventLog.from_frame(pl.DataFrame(first + later), customers=profiles)
    return take_snapshot(log, as_of=DAY + timedelta(days=63))


def test_a_words_value_is_its_mean_drawn_to_everybodys():
    """Per day: A 1, B 0, all 1/2. With a prior of 20: A (60 + 10) / 80, B 10 / 80."""
    known = towns()

    taught = TargetEncodings(prior=20.0).learn(known, WEEK, seed=0)

    assert taught.columns == ("outcome by customers.town",)
    assert taught.everybody == pytest.approx(0.5)
    table = taught.table(known)[:, 0]
    assert table[:60] == pytest.approx(np.full(60, 70 / 80))
    assert table[60:] == pytest.approx(np.full(60, 10 / 80))


def test_where_no_outcome_is_known_a_word_says_nothing():
    young = towns().rewind(DAY + timedelta(days=5))

    assert np.isnan(TargetEncodings().learn(young, WEEK, seed=0).table(young)).all()


def test_term_weights_by_hand():
    """Three customers wrote; "late" by one of them: idf log 3; it is half of what she wrote."""
    rows = [(1, "late parcel"), (2, "parcel"), (3, "Parcel, fine!"), (4, None)]
    log = EventLog.from_frame(
        pl.DataFrame(
            {
                "customer_id": [r[0] for r in rows],
                "event_time": [DAY] * 4,
                "amount": [1.0] * 4,
                "text": [r[1] for r in rows],
            }
        )
    )
    known = take_snapshot(log, as_of=DAY + timedelta(days=1))

    taught = TermWeights(n_terms=3, most=1.0).learn(known, WEEK, seed=0)

    assert taught.terms == ("parcel", "fine", "late")
    table = taught.table(known)
    assert table[0] == pytest.approx([0.0, 0.0, np.log(3) / 2], rel=1e-6)
    assert table[3].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("kind", ALL, ids=lambda one: type(one).__name__)
def test_what_comes_later_changes_nothing_that_is_learned(kind, shop: EventLog):
    """Every event from AS_OF on is dropped; the columns stay as they were."""
    whole = take_snapshot(shop, as_of=AS_OF)
    cut = EventLog.from_frame(
        simulate(
            SimulationSettings(n_customers=400, start=date(2025, 1, 1), end=date(2026, 3, 1)),
            seed=4,
        ).events.filter((pl.col("event_time") < AS_OF) & (pl.col("known_time") < AS_OF)),
        currency="EUR",
        customers=shop.tables.customers,
    )
    alone = take_snapshot(cut, as_of=AS_OF)

    np.testing.assert_allclose(
        kind.learn(whole, HORIZON, seed=1).table(whole),
        kind.learn(alone, HORIZON, seed=1).table(alone),
        rtol=1e-5,
    )


@pytest.mark.slow
def test_a_model_learns_with_them_and_survives_the_disk(snapshot: Snapshot):
    lesson = LessonSettings(learned=ALL)
    model = Hurdle(lesson=lesson, learner=LightGBM(max_rounds=20, num_leaves=6))

    fitted = model.fit(snapshot, HORIZON, seed=1)

    arrays: dict[str, np.ndarray] = {}
    again = decode(encode(fitted, arrays), arrays)
    forecast = fitted.predict(snapshot, HORIZON)
    assert {"p_alive", "text term 1"} <= set(fitted.design.columns)
    assert np.isfinite(forecast.mean()).all()
    np.testing.assert_array_equal(again.predict(snapshot, HORIZON).mean(), forecast.mean())
