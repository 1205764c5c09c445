import json
import sys
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pytest

from patronage.engines import parquet
from patronage.errors import HorizonError, MissingExtraError, NotEnoughDataError
from patronage.events import EventLog, QualityReport
from patronage.forecast import AbstractForecast
from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.catalog import make_model
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.tabular.hurdle import Hurdle
from patronage.models.tabular.lesson import LessonSettings
from patronage.models.tabular.tweedie import Tweedie
from patronage.registry.codec import decode, encode
from patronage.snapshots import Snapshot, observe_outcome, take_snapshot

lightgbm = pytest.importorskip("lightgbm", reason="for want of lightgbm, of the extra boost")

START = date(2023, 1, 2)
AS_OF = START + timedelta(days=280)
HORIZON = Horizon(8, "week")
QUICK = LightGBM(max_rounds=100, patience=10, learning_rate=0.2, num_leaves=6)


def simulated_log(n_customers: int, folder: Path, *, refunds: bool) -> EventLog:
    """Gamma rates, exponential lifetimes, log-normal amounts about a customer's own level."""
    rng = np.random.default_rng(7 + n_customers)
    rows = []
    for who in range(n_customers):
        start = float(rng.uniform(0, 120))
        rate, level = rng.gamma(0.5, 1 / 15.0), rng.lognormal(3.0, 1.0)
        end = min(start + rng.exponential(150.0), 400.0)
        count = rng.poisson(rate * (end - start))
        for day in (start, *rng.uniform(start, end, count)):
            rows.append((who, int(day), round(float(level * rng.lognormal(0.0, 0.3)), 2)))
            if refunds and rng.random() < 0.2:
                rows.append((who, int(day) + 20, round(-1.5 * rows[-1][2], 2)))
    path = folder / f"{n_customers}-{refunds}.parquet"
    table = pl.DataFrame(rows, schema=["who", "day", "amount"], orient="row")
    table.with_columns(
        instant=pl.lit(datetime.combine(START, time())) + pl.duration(days=pl.col("day"))
    ).write_parquet(path)
    relation = f"""
        SELECT who AS customer_id, instant AS event_time, instant AS known_time,
               CASE WHEN amount < 0 THEN 'refund' ELSE 'purchase' END AS kind,
               amount::DECIMAL(18,4) AS amount FROM {parquet([path])}"""
    columns = ("customer_id", "event_time", "known_time", "kind", "amount")
    quality = QualityReport(len(rows), len(rows))
    return EventLog(relation, columns, "USD", False, False, quality).compact()


_FOLDER = TemporaryDirectory(prefix="patronage-test-")


@cache
def log_of(n_customers: int, *, refunds: bool = False) -> EventLog:
    return simulated_log(n_customers, Path(_FOLDER.name), refunds=refunds)


@cache
def snapshot_of(n_customers: int, *, refunds: bool = False) -> Snapshot:
    return take_snapshot(log_of(n_customers, refunds=refunds), as_of=AS_OF).remembering()


@dataclass(frozen=True)
class FittedSlowing:
    """Everybody expects days ** 0.8 × the rate of the log, paid with certainty: a process."""

    rate: float
    features: tuple[str, ...] = ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        n = len(snapshot.customers)
        purchases = np.tile(self.rate * np.diff(horizon.edges() ** 0.8), (n, 1))
        ids = snapshot.customers["customer_id"].to_numpy()
        return SampleForecast(ids, snapshot.as_of, horizon, purchases[None], n_purchases=purchases)


@dataclass(frozen=True)
class Slowing:
    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedSlowing:
        del horizon, seed
        return FittedSlowing(float(snapshot.customers["frequency"].mean() or 0.0) / 200)


MODELS: dict[str, Model] = {
    "hurdle": Hurdle(learner=QUICK),
    "tweedie": Tweedie(learner=QUICK),
}


@cache
def fitted(name: str) -> FittedModel:
    return MODELS[name].fit(snapshot_of(1500), HORIZON, seed=3)


def forecast(name: str) -> AbstractForecast:
    return fitted(name).predict(snapshot_of(1500), HORIZON)


both = pytest.mark.parametrize("name", ["hurdle", pytest.param("tweedie", marks=pytest.mark.slow)])


@pytest.mark.slow
@both
def test_it_beats_everyone_average_on_customers_who_differ(name: str):
    snapshot = snapshot_of(1500)
    judge = take_snapshot(log_of(1500), as_of=AS_OF + timedelta(days=56))
    actual = observe_outcome(judge, snapshot, HORIZON)

    expected = forecast(name).mean().sum(axis=1)

    assert np.corrcoef(expected, actual.total)[0, 1] > 0.4
    squared = np.mean((expected - actual.total) ** 2)
    assert squared < 0.9 * np.mean((actual.total.mean() - actual.total) ** 2)
    assert expected.sum() == pytest.approx(actual.total.sum(), rel=0.25)


@pytest.mark.slow
@both
def test_purchases_are_forecast_beside_cash(name: str):
    snapshot = snapshot_of(1500)
    judge = take_snapshot(log_of(1500), as_of=AS_OF + timedelta(days=56))
    actual = observe_outcome(judge, snapshot, HORIZON).total_purchases

    expected = forecast(name).n_purchases

    assert expected is not None
    assert expected.shape == (1500, 8)
    assert expected.sum() == pytest.approx(actual.sum(), rel=0.25)
    assert np.corrcoef(expected.sum(axis=1), actual)[0, 1] > 0.5


@pytest.mark.slow
@both
def test_the_share_of_customers_who_pay_nothing_is_forecast(name: str):
    snapshot = snapshot_of(1500)
    judge = take_snapshot(log_of(1500), as_of=AS_OF + timedelta(days=56))
    nothing = np.mean(observe_outcome(judge, snapshot, HORIZON).total == 0)

    _, at_zero = forecast(name).cdf(np.zeros(1500))

    assert at_zero.mean() == pytest.approx(nothing, abs=0.05)


@both
def test_another_horizon_than_the_fitted_one_is_refused(name: str):
    with pytest.raises(HorizonError, match="fitted for 8 weeks; 9 weeks are asked"):
        fitted(name).predict(snapshot_of(1500), Horizon(9, "week"))


@both
def test_a_horizon_too_long_to_learn_is_refused_without_a_process_to_carry_it(name: str):
    with pytest.raises(HorizonError, match="at most can be learned"):
        MODELS[name].fit(snapshot_of(200), Horizon(40, "week"))


@pytest.mark.slow
@both
def test_a_process_carries_it_to_the_horizon_asked(name: str):
    long = Horizon(40, "week")
    carried = replace(MODELS[name], carry=Slowing())

    far = carried.fit(snapshot_of(1500), long)

    learned = far.learned
    near = MODELS[name].fit(snapshot_of(1500), learned).predict(snapshot_of(1500), learned)
    found = far.predict(snapshot_of(1500), long)
    # Half of the decline is believed, later purchases have the process's level; and what tells no
    # customers apart has no vote.
    ratio = 1.0 + ((long.days / learned.days) ** 0.9 - 1.0) * far.beyond
    assert 0.5 <= far.beyond < 1.0
    assert far.vote == pytest.approx(0.0, abs=1e-6)
    assert learned.days < long.days
    assert found.mean().sum(axis=1) == pytest.approx(near.mean().sum(axis=1) * ratio)
    assert found.mean().shape == (1500, 40)
    assert found.n_purchases.sum() == pytest.approx(near.n_purchases.sum() * ratio)
    # Money comes sooner rather than later, as the process has it.
    assert np.all(np.diff(found.mean()[0]) < 0)


@dataclass(frozen=True)
class FittedFortuneTeller:
    """Knows what every customer will buy in the days after each day it was told about."""

    judge: Snapshot
    features: tuple[str, ...] = ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        ids = snapshot.customers["customer_id"].to_numpy()
        came = observe_outcome(self.judge, snapshot, horizon)
        return SampleForecast(
            ids, snapshot.as_of, horizon, came.cash[None], n_purchases=came.purchases
        )


@dataclass(frozen=True)
class FortuneTeller:
    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedFortuneTeller:
        del snapshot, horizon, seed
        return FittedFortuneTeller(take_snapshot(log_of(1500), as_of=AS_OF + timedelta(days=56)))


@pytest.mark.slow
@both
def test_a_process_that_knows_more_than_the_trees_has_the_vote(name: str):
    told = replace(MODELS[name], carry=FortuneTeller()).fit(snapshot_of(1500), HORIZON)

    assert told.vote == 0.9
    actual = told.process.predict(snapshot_of(1500), HORIZON).mean().sum(axis=1)
    expected = told.predict(snapshot_of(1500), HORIZON).mean().sum(axis=1)
    assert np.corrcoef(expected, actual)[0, 1] > 0.99


@pytest.mark.slow
@both
def test_the_same_seed_gives_the_same_forecast(name: str):
    again = MODELS[name].fit(snapshot_of(1500), HORIZON, seed=3)

    np.testing.assert_array_equal(
        again.predict(snapshot_of(1500), HORIZON).mean(), forecast(name).mean()
    )


@both
def test_it_survives_json(name: str):
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(encode(fitted(name), arrays))

    read = decode(json.loads(text), arrays)

    np.testing.assert_array_equal(
        read.predict(snapshot_of(1500), HORIZON).mean(), forecast(name).mean()
    )


@both
def test_some_of_the_customers_are_forecast_as_all_of_them(name: str):
    whole = forecast(name)
    some = fitted(name).predict(snapshot_of(1500), HORIZON).take(slice(10, 20))

    np.testing.assert_allclose(some.mean(), whole.mean()[10:20], rtol=1e-12)


@both
@pytest.mark.parametrize(
    "n_customers", [50, *(pytest.param(n, marks=pytest.mark.slow) for n in (70, 120))]
)
def test_tiny_logs_give_a_finite_answer_or_a_clear_error(name: str, n_customers: int):
    snapshot = snapshot_of(n_customers)
    try:
        learned = MODELS[name].fit(snapshot, Horizon(4, "week"))
    except NotEnoughDataError as error:
        told = str(error)
        learned = None
    if learned is None:
        assert "To mend" in told
        return
    mean = learned.predict(snapshot, Horizon(4, "week")).mean()

    assert np.all(np.isfinite(mean))
    assert np.all(mean >= 0)


@pytest.mark.slow
@both
def test_refunds_lower_the_expectation_and_never_below_zero(name: str):
    snapshot = snapshot_of(600, refunds=True)
    learned = MODELS[name].fit(snapshot, HORIZON)

    mean = learned.predict(snapshot, HORIZON).mean()

    assert np.all(np.isfinite(mean))
    assert np.all(mean >= 0)
    assert learned.kept < 1


@pytest.mark.slow
@both
def test_a_log_whose_customers_never_return_has_nothing_to_teach(name: str):
    log = log_of(300)
    firsts = f"""SELECT * FROM ({log.relation})
        QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY event_time) = 1"""
    snapshot = take_snapshot(
        replace(log, relation=firsts, ledger=None, workspace=None), as_of=AS_OF
    )

    with pytest.raises(NotEnoughDataError, match="paid"):
        MODELS[name].fit(snapshot, HORIZON)


@both
def test_without_lightgbm_the_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)

    with pytest.raises(MissingExtraError, match=r"patronage\[boost\]"):
        MODELS[name].fit(snapshot_of(600, refunds=True), HORIZON)


def test_the_catalogue_gives_them_a_process_to_be_carried_by():
    for name in ("hurdle_lightgbm", "tweedie_lightgbm"):
        assert isinstance(make_model(name).carry, ParetoNBD)


@pytest.mark.slow
@both
def test_a_sample_of_the_customers_is_learned_from_where_rows_are_many(name: str):
    model = replace(MODELS[name], lesson=LessonSettings(most_rows=2000))

    found = model.fit(snapshot_of(1500), HORIZON).predict(snapshot_of(1500), HORIZON)

    assert found.mean().sum() == pytest.approx(forecast(name).mean().sum(), rel=0.35)
