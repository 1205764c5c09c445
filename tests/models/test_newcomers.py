"""The newcomer's blend on a made-up shop whose first baskets tell what few purchases cannot."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.errors import HorizonError, SettingsError
from patronage.evaluate.metrics.errors import tweedie_deviance
from patronage.events import EventLog
from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.models.baselines import EveryoneAverage
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.ensembles.by_cohort import ByCohort, FittedByCohort
from patronage.models.ensembles.newcomer_blend import FittedNewcomerBlend, NewcomerBlend
from patronage.models.explaining import account_of
from patronage.models.memory import Remembered
from patronage.models.reasons import reasons_of
from patronage.models.tabular.newcomer import Newcomer
from patronage.registry.codec import decode, encode
from patronage.snapshots import Snapshot, observe_outcome, take_snapshot

START, DAYS, HORIZON = date(2025, 1, 1), 420, Horizon(8, "week")
AS_OF = START + timedelta(days=DAYS - 56)


@dataclass(frozen=True)
class Judged:
    """The blend fitted at AS_OF, what it and the regular model then said, and what came."""

    snapshot: Snapshot
    fitted: FittedNewcomerBlend
    blend: AbstractForecast
    regular: AbstractForecast
    actual: np.ndarray
    young: np.ndarray


def shop(n: int, *, seed: int) -> EventLog:
    """Who begins with three lines comes back every 15 days, who begins with one hardly ever.

    The first order is of 30 either way, so that neither its money nor its day tells them apart.
    """
    rng = np.random.default_rng(seed)
    arrived = rng.integers(0, DAYS, n)
    lively = rng.random(n) < 0.5
    repeats = rng.poisson(np.where(lively, 1 / 15, 1 / 300) * (DAYS - arrived))
    who = np.repeat(np.arange(n), repeats)
    when = arrived[who] + 1 + np.floor(rng.random(len(who)) * (DAYS - arrived[who])).astype(int)
    lines = np.where(lively, 3, 1)
    first = np.repeat(np.arange(n), lines)
    customer = np.concatenate([first, who])
    return EventLog.from_frame(
        pl.DataFrame(
            {
                "customer_id": customer,
                "event_time": pl.Series(np.concatenate([arrived[first], when])).map_elements(
                    lambda day: START + timedelta(days=day), return_dtype=pl.Date
                ),
                "amount": np.concatenate([30.0 / lines[first], rng.gamma(9.0, 30 / 9, len(who))]),
                "channel": pl.Series(["shop", "web"]).gather(customer % 2),
            }
        ).with_columns(pl.col("amount").round(4)),
        currency="EUR",
    ).compact()


@pytest.fixture(scope="module")
def judged() -> Judged:
    truth = take_snapshot(shop(1500, seed=2), as_of=START + timedelta(days=DAYS))
    known = truth.rewind(AS_OF).remembering()
    fitted = NewcomerBlend(Remembered(ParetoNBD()), n_folds_max=1).fit(known, HORIZON, seed=1)
    return Judged(
        known,
        fitted,
        fitted.predict(known, HORIZON),
        fitted.regular.predict(known, HORIZON),
        observe_outcome(truth, known, HORIZON).total,
        known.customers["T"].to_numpy() < 90,
    )


@pytest.mark.slow
def test_the_blend_beats_the_regular_model_on_new_customers(judged: Judged):
    young = judged.young
    blend, regular = (
        tweedie_deviance(forecast.mean().sum(axis=1)[young], judged.actual[young])
        for forecast in (judged.blend, judged.regular)
    )

    better = regular - blend
    assert young.sum() > 200
    assert better.mean() > 3 * better.std() / np.sqrt(len(better))
    assert better.mean() > 0.05 * regular.mean()


def test_beyond_the_limit_the_forecast_is_the_regular_models(judged: Judged):
    old = np.flatnonzero(~judged.young)
    blend, regular = judged.blend.take(old), judged.regular.take(old)

    np.testing.assert_array_equal(blend.mean(), regular.mean())
    np.testing.assert_array_equal(blend.quantile([0.1, 0.9]), regular.quantile([0.1, 0.9]))
    np.testing.assert_array_equal(blend.p_alive, regular.p_alive)
    np.testing.assert_array_equal(blend.n_purchases, regular.n_purchases)


def test_a_new_customers_forecast_is_the_weighted_mean_of_both(judged: Judged):
    new = np.flatnonzero(judged.young)
    assert judged.fitted.newcomer is not None
    own = judged.fitted.newcomer.predict(judged.snapshot.take(new), HORIZON)
    weight = judged.fitted.weight.at(judged.snapshot.customers["T"].to_numpy()[new])
    regular = judged.regular.take(new)

    assert weight.max() > 0.5
    np.testing.assert_allclose(
        judged.blend.take(new).mean().sum(axis=1),
        weight * own.mean().sum(axis=1) + (1 - weight) * regular.mean().sum(axis=1),
    )
    np.testing.assert_allclose(
        judged.blend.take(new).p_zero(), weight * own.p_zero() + (1 - weight) * regular.p_zero()
    )


def test_the_reason_says_what_the_weight_was_learned_of(judged: Judged):
    assert "younger than 90 days" in judged.fitted.reason
    assert "on the first day" in judged.fitted.reason
    within = FittedByCohort("month", judged.fitted, {"2023-01": judged.fitted})
    assert reasons_of(within) == (judged.fitted.reason,)


def test_it_survives_the_disk(judged: Judged):
    arrays: dict[str, np.ndarray] = {}
    again = decode(encode(judged.fitted, arrays), arrays)
    few = judged.snapshot.take(slice(0, 200))

    np.testing.assert_array_equal(
        again.predict(few, HORIZON).mean(), judged.fitted.predict(few, HORIZON).mean()
    )


@pytest.mark.slow
def test_one_customer_alone_is_answered_as_among_all(judged: Judged):
    for row in (int(np.flatnonzero(judged.young)[0]), int(np.flatnonzero(~judged.young)[0])):
        alone = judged.fitted.predict(judged.snapshot.take(slice(row, row + 1)), HORIZON)
        among = judged.blend.take(slice(row, row + 1))

        np.testing.assert_allclose(alone.mean(), among.mean(), rtol=1e-12)
        np.testing.assert_allclose(alone.quantile([0.9]), among.quantile([0.9]), rtol=1e-9)


def test_the_parts_of_an_explanation_add_up(judged: Judged):
    rows = [np.flatnonzero(judged.young)[:3], np.flatnonzero(~judged.young)[:2]]
    some = np.sort(np.concatenate(rows))
    reference = judged.snapshot.take(slice(0, 300, 10))

    _, parts = account_of(judged.fitted, judged.snapshot.take(some), HORIZON, reference)

    assert "acquisition cohort" in parts.reasons
    assert "first_basket" in parts.reasons
    np.testing.assert_allclose(
        parts.base + parts.values.sum(axis=1), judged.blend.mean().sum(axis=1)[some], rtol=1e-9
    )
    basket = parts.values[:, parts.reasons.index("first_basket")]
    assert np.abs(basket[judged.young[some]]).min() > 0
    assert not basket[~judged.young[some]].any()


def test_what_is_shared_by_all_customers_stays_shared(judged: Judged):
    """The regular model's uncertain parameters move old and new customers together."""
    weight = judged.fitted.weight.at(judged.snapshot.customers["T"].to_numpy())

    assert judged.regular.mean_factors is not None
    np.testing.assert_allclose(
        judged.blend.mean_factors, (1 - weight)[:, None] * judged.regular.mean_factors
    )


def test_another_horizon_is_refused(judged: Judged):
    with pytest.raises(HorizonError, match="To mend"):
        judged.fitted.predict(judged.snapshot, Horizon(9, "week"))


def test_it_reads_the_start_of_a_life_and_nothing_else(judged: Judged):
    assert judged.fitted.newcomer is not None
    columns = judged.fitted.newcomer.hurdle.design.columns

    assert {"first_lines", "first_amount", "T", "first_channel = web"} <= set(columns)
    assert not {"frequency", "recency", "spend", "purchases_28", "last_channel"} & set(columns)
    assert judged.fitted.newcomer.features == ("first_basket", "channels")


def test_a_young_shop_is_answered_by_the_regular_model_alone():
    young = take_snapshot(shop(1500, seed=2), as_of=START + timedelta(days=40))

    fitted = NewcomerBlend(ParetoNBD()).fit(young, HORIZON)

    assert fitted.newcomer is None
    assert fitted.reason.startswith("the regular model answers alone")
    alone = fitted.regular.predict(young, HORIZON)
    np.testing.assert_array_equal(fitted.predict(young, HORIZON).mean(), alone.mean())


@pytest.mark.slow
def test_cohorts_may_be_the_channel_of_the_first_purchase(judged: Judged):
    """It tells nothing here, so both channels keep nearly everybody's level."""
    fitted = Newcomer(ParetoNBD(), cohort="first_channel").fit(judged.snapshot, HORIZON)

    assert fitted.credibility.names == ("shop", "web")
    assert fitted.credibility.levels == pytest.approx([1.0, 1.0], abs=0.1)
    assert "channels" in fitted.features
    parted = ByCohort(EveryoneAverage(), cohort="first_channel", n_least=100)
    assert set(parted.fit(judged.snapshot, HORIZON).cohorts) == {"shop", "web"}


def test_settings_that_mean_nothing_are_refused(judged: Judged):
    with pytest.raises(SettingsError, match="tenure_limit"):
        NewcomerBlend(ParetoNBD(), tenure_limit=0.0).fit(judged.snapshot, HORIZON)
    blend = NewcomerBlend(ParetoNBD(), Newcomer(ParetoNBD(), cohort="mood"))
    with pytest.raises(SettingsError, match="no cohorts by 'mood'"):
        replace(blend, n_folds_max=1).fit(judged.snapshot, HORIZON)
