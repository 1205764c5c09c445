"""A shop that sells twice as much before Christmas: whose level is believed for the year after."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.learners.elastic_net import ElasticNet
from patronage.models.learners.linear_scores import LinearScores
from patronage.models.tabular.hurdle import Hurdle
from patronage.models.tabular.tweedie import Tweedie
from patronage.models.tabular.ziln import ZILN
from patronage.snapshots import take_snapshot

YEAR = Horizon(52, "week")
pytestmark = pytest.mark.slow
MODELS = {
    "hurdle": Hurdle(carry=ParetoNBD(), learner=ElasticNet()),
    "tweedie": Tweedie(carry=ParetoNBD(), learner=ElasticNet()),
    "ziln": ZILN(carry=ParetoNBD(), learner=LinearScores()),
}


@pytest.fixture(scope="module")
def shop() -> EventLog:
    """Customers who come in 2023 and buy once a month, from October to December twice."""
    rng = np.random.default_rng(1)
    first = np.maximum(rng.integers(-50, 200, 600), 0)
    days = np.arange(2 * 365)
    december = ((days % 365) >= 273)[None, :]
    buys = rng.random((600, len(days))) < np.where(december, 2.0, 1.0) / 30.0
    buys &= days[None, :] > first[:, None]
    buys[np.arange(600), first] = True
    who, day = np.nonzero(buys)
    start = np.datetime64("2023-01-01")
    frame = pl.DataFrame(
        {"customer_id": who, "date": start + day, "amount": np.round(rng.gamma(4, 5, len(who)), 2)}
    )
    return EventLog.from_frame(frame, currency="EUR")


@pytest.mark.parametrize("name", MODELS)
def test_after_a_whole_year_it_is_that_of_the_process_model(name: str, shop: EventLog) -> None:
    known = take_snapshot(shop, as_of=date(2024, 1, 1))

    fitted = MODELS[name].fit(known, YEAR)
    forecast = fitted.predict(known, YEAR)
    process = ParetoNBD().fit(known, YEAR).predict(known, YEAR)

    assert fitted.learned.days < 26 * 7
    assert fitted.level < 0.95
    assert forecast.mean().sum() == pytest.approx(process.mean().sum(), rel=1e-6)
    came = shop.compact()
    later = take_snapshot(came, as_of=date(2024, 12, 31)).customers["spend"].sum()
    earlier = known.customers["spend"].sum()
    assert forecast.mean().sum() == pytest.approx(later - earlier, rel=0.1)


def test_of_less_than_a_year_nobody_has_the_level(shop: EventLog) -> None:
    known = take_snapshot(shop, as_of=date(2024, 1, 1) - timedelta(days=20))

    assert MODELS["tweedie"].fit(known, YEAR).level == 1.0


def test_what_was_learned_as_asked_stays_as_it_was_learned(shop: EventLog) -> None:
    known = take_snapshot(shop, as_of=date(2024, 1, 1))

    fitted = MODELS["tweedie"].fit(known, Horizon(8, "week"))
    assert (fitted.learned, fitted.level) == (Horizon(8, "week"), 1.0)
