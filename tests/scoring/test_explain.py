"""Explanations in money: they add up, they are fair, and they say what changed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from patronage.datasets import SimulationSettings, simulate
from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.models.base import FittedModel
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.btyd.timing import timed_histories_of
from patronage.models.ensembles.by_cohort import ByCohort
from patronage.models.ensembles.vote import Vote
from patronage.models.explaining import account_of
from patronage.models.explaining.path import along_path
from patronage.models.explaining.shapley import shapley
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.learners.linear_scores import LinearScores
from patronage.models.tabular.hurdle import Hurdle
from patronage.models.tabular.tweedie import Tweedie
from patronage.models.tabular.ziln import ZILN
from patronage.scoring import Explanation, Scoring, explain, importance, score, what_changed
from patronage.snapshots import Snapshot, take_snapshot
from patronage.uncertainty import Conformal, IsotonicRecalibration, Recalibrated
from patronage.uncertainty.isotonic import FittedIsotonicRecalibration, MonotoneCurve
from patronage.value import Economics

pytest.importorskip("lightgbm", reason="for want of lightgbm, of the extra boost")

AS_OF, HORIZON = date(2026, 1, 1), Horizon(8, "week")
QUICK = LightGBM(max_rounds=40, learning_rate=0.2, num_leaves=6)
MODELS = {
    "process": ParetoNBD(),
    "hurdle": Hurdle(carry=ParetoNBD(), learner=QUICK),
    "hurdle alone": Hurdle(learner=QUICK),
    "tweedie": Tweedie(carry=ParetoNBD(), learner=QUICK),
    "ziln": ZILN(carry=ParetoNBD(), learner=QUICK),
    "linear": ZILN(carry=ParetoNBD(), learner=LinearScores()),
    "vote": Vote({"process": ParetoNBD(), "hurdle": Hurdle(learner=QUICK)}),
    "recalibrated": Recalibrated(ParetoNBD()),
    "conformal": Conformal(ParetoNBD(), min_bucket=60),
    "isotonic": IsotonicRecalibration(ParetoNBD()),
    "cohorts": ByCohort(ParetoNBD(), n_least=100),
}

# A process and its corrections stand for them in the fast tests.
SLOW = {"hurdle", "hurdle alone", "tweedie", "ziln", "linear", "vote", "conformal", "cohorts"}


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    shop = SimulationSettings(n_customers=400, start=date(2025, 1, 1), end=AS_OF)
    log = EventLog.from_frame(simulate(shop, seed=4).events, currency="EUR")
    return take_snapshot(log.compact(), as_of=AS_OF, features=("rhythm", "money", "windows"))


@pytest.fixture(scope="module")
def scoring(snapshot: Snapshot) -> Callable[[str], Scoring]:
    @cache
    def of(name: str) -> Scoring:
        fitted = MODELS[name].fit(snapshot, HORIZON, seed=1)
        return Scoring(fitted, HORIZON, Economics(0.4, 0.10), name)

    return of


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in MODELS],
)
def test_the_parts_add_up_to_the_score(
    name: str, snapshot: Snapshot, scoring: Callable[[str], Scoring]
):
    ids = snapshot.customers["customer_id"].to_list()[5:45:10]
    scored = score(snapshot, scoring(name)).filter(pl.col("customer_id").is_in(ids))

    found = explain(snapshot, scoring(name), customer_id=ids)

    summed = found.parts.group_by("customer_id", maintain_order=True).agg(
        pl.col("contribution").sum()
    )
    assert found.totals["clv"].to_numpy() == pytest.approx(scored["clv"].to_numpy(), rel=1e-9)
    assert (found.totals["base"] + summed["contribution"]).to_numpy() == pytest.approx(
        scored["clv"].to_numpy(), rel=1e-9
    )


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in MODELS],
)
def test_the_forecast_of_an_account_is_that_of_the_model(
    name: str, snapshot: Snapshot, scoring: Callable[[str], Scoring]
):
    fitted: FittedModel = scoring(name).fitted
    some = snapshot.take(slice(5, 45, 10))
    told = fitted.predict(some, HORIZON)

    found, _ = account_of(fitted, some, HORIZON, snapshot.take(slice(0, 100)))

    assert type(found) is type(told)
    assert found.customer_id.tolist() == told.customer_id.tolist()
    np.testing.assert_allclose(found.mean(), told.mean(), rtol=1e-12)
    np.testing.assert_allclose(found.quantile([0.1, 0.9]), told.quantile([0.1, 0.9]), rtol=1e-12)


@dataclass(frozen=True)
class Product:
    """Cash = frequency × amount: two reasons, no others."""

    features: tuple[str, ...] = ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        customers = snapshot.customers
        cash = customers["frequency"].to_numpy() * customers["first_amount"].to_numpy()
        ids = customers["customer_id"].to_numpy()
        return SampleForecast(ids, snapshot.as_of, horizon, cash[None, :, None].astype(float))


def test_shapley_values_of_a_product_by_hand():
    """f = x·a against a customer with x₀ = 0, a₀ = 5: x = 2, a = 9.

    The number alone brings 2·5, after the amount 2·9: its part is their mean, 14. The amount alone
    brings 0·9 − 0, after the number 2·9 − 2·5: its part is 4.
    """
    rows = [(1, 0, 5.0), (2, 0, 9.0), (2, 5, 1.0), (2, 9, 1.0)]
    day = date(2024, 1, 1)
    log = EventLog.from_frame(
        pl.DataFrame(
            {
                "customer_id": [r[0] for r in rows],
                "event_time": [day + timedelta(days=r[1]) for r in rows],
                "amount": [r[2] for r in rows],
            }
        )
    )
    known = take_snapshot(log, as_of=day + timedelta(days=20))

    _, found = shapley(
        Product(), known.take(slice(1, 2)), Horizon(1, "week"), known.take(slice(0, 1))
    )

    parts = dict(zip(found.reasons, found.values[0], strict=True))
    assert found.base.tolist() == [0.0]
    assert parts["number of purchases"] == pytest.approx(14.0)
    assert parts["amounts spent"] == pytest.approx(4.0)
    assert parts["time since the last purchase"] == parts["everything else"] == 0.0


def test_the_base_is_the_mean_of_those_compared_with(
    snapshot: Snapshot, scoring: Callable[[str], Scoring]
):
    fitted: FittedModel = scoring("process").fitted

    others = snapshot.take(slice(0, 100))

    _, found = account_of(fitted, snapshot.take(slice(0, 1)), HORIZON, others)

    assert found.compared_with == 100
    cash = fitted.predict(others, HORIZON).mean().sum(axis=1)
    # A history that is put together anew may be mended a little.
    assert found.base.item() == pytest.approx(cash.mean(), rel=1e-3)


@dataclass(frozen=True)
class Counting:
    """The same forecasts, asked for so often."""

    asked: list[Snapshot] = field(default_factory=list)
    features: tuple[str, ...] = ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        self.asked.append(snapshot)
        return Product().predict(snapshot, horizon)


def test_a_wrapper_asks_its_model_for_no_more_than_the_model_alone(snapshot: Snapshot):
    counting, money = Counting(), Economics(0.4, 0.10)
    curve = MonotoneCurve(np.array([1.0, 1000.0]), np.array([2.0, 1500.0]), "money")
    wrapped = FittedIsotonicRecalibration(FittedIsotonicRecalibration(counting, curve), curve)
    one = snapshot.take(slice(0, 1))

    def asked_by(fitted: FittedModel) -> int:
        counting.asked.clear()
        explain(one, Scoring(fitted, Horizon(1, "week"), money, "counting"), reference=snapshot)
        return len(counting.asked)

    assert asked_by(wrapped) == asked_by(counting) > 0


@dataclass(frozen=True)
class Rhythmic:
    """Cash by the timing of purchases, which must be one that can be."""

    features: tuple[str, ...] = ("regularity",)

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        timed = timed_histories_of(snapshot.rfm())
        ids = snapshot.customers["customer_id"].to_numpy()
        return SampleForecast(ids, snapshot.as_of, horizon, timed.log_gaps[None, :, None])


def test_a_rhythm_is_taken_to_histories_that_it_is_possible_in(snapshot: Snapshot):
    known = snapshot.with_features(("regularity",))
    cash = Rhythmic().predict(known, HORIZON).mean().sum(axis=1)

    _, found = shapley(Rhythmic(), known.take(slice(0, 20)), HORIZON, known)

    assert found.compared_with == 50
    parts = dict(zip(found.reasons, found.values.T, strict=True))
    assert found.base + found.values.sum(axis=1) == pytest.approx(cash[:20])
    assert parts["everything else"] == pytest.approx(np.zeros(20), abs=1e-6)
    assert np.abs(parts["regularity"]).max() > 0.1


def test_the_way_shares_a_product_of_exponentials_by_hand():
    """Money e^(s+t) from (0, 0) to (1, 2): a third of the change is s's, two thirds are t's."""
    parts = np.array([[[1.0, 0.0], [0.0, 2.0]]])
    change = np.array([np.exp(3.0) - 1.0])

    found = along_path(
        lambda at: np.repeat(np.exp(at.sum(axis=1, keepdims=True)), 2, axis=1),
        np.zeros((1, 2)),
        np.array([[1.0, 2.0]]),
        parts,
        change,
    )

    assert found[0] == pytest.approx(change[0] * np.array([1 / 3, 2 / 3]))


def test_what_changed_adds_up_to_the_change_of_the_score(
    snapshot: Snapshot, scoring: Callable[[str], Scoring]
):
    ids = snapshot.customers["customer_id"].to_list()[:3]
    earlier = snapshot.rewind(AS_OF - timedelta(days=28))
    known = [one for one in ids if one in set(earlier.customers["customer_id"])]
    before = explain(earlier, scoring("process"), customer_id=known)
    after = explain(snapshot, scoring("process"), customer_id=known)

    moved = what_changed(before, after).group_by("customer_id").agg(pl.col("change").sum())

    told = moved.join(before.totals, on="customer_id").join(after.totals, on="customer_id")
    assert len(told) == len(known) > 0
    assert told["change"].to_numpy() == pytest.approx(
        (told["clv_right"] - told["clv"]).to_numpy(), abs=1e-9
    )


@pytest.mark.slow
def test_importance_ranks_reasons_and_sentences_keep_the_sum(
    snapshot: Snapshot, scoring: Callable[[str], Scoring]
):
    ranked = importance(snapshot, scoring("hurdle"))
    one = snapshot.customers["customer_id"][0]
    found = explain(snapshot, scoring("hurdle"), customer_id=[one])

    lines = found.sentences(one, top=3)

    assert ranked["importance"].is_sorted(descending=True)
    assert len(lines) == 4
    assert all(" because " in line or " from " in line for line in lines)
    assert "smaller reasons" in lines[-1]


def test_sentences_leave_out_what_moves_nothing_by_hand():
    parts = pl.DataFrame(
        {
            "customer_id": [1, 1, 1, 2],
            "reason": ["frequency", "everything else", "T", "T"],
            "told": ["4", None, "9", "9"],
            "contribution": [12.5, -2.25, 0.001, 0.0],
        }
    )
    found = Explanation(pl.DataFrame(), parts, "EUR")

    assert found.sentences(1) == [
        "+12.50 EUR because frequency is 4",
        "−2.25 EUR from everything else",
    ]
    assert found.sentences(1, top=1)[1] == "−2.25 EUR from 2 smaller reasons"
    assert found.sentences(2) == ["nothing that is known of the customer moves it"]


def test_a_customer_that_nobody_knows_is_named(
    snapshot: Snapshot, scoring: Callable[[str], Scoring]
):
    with pytest.raises(SettingsError, match="no such customers at 2026-01-01: nobody"):
        explain(snapshot, scoring("process"), customer_id=["nobody"])


def test_a_fitted_model_is_unmoved_by_explaining(
    snapshot: Snapshot, scoring: Callable[[str], Scoring]
):
    fitted: FittedModel = scoring("process").fitted
    before = fitted.predict(snapshot, HORIZON).mean()

    importance(snapshot, scoring("process"))

    np.testing.assert_array_equal(fitted.predict(snapshot, HORIZON).mean(), before)
