from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from patronage.errors import HorizonError
from patronage.events import EventLog
from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon
from patronage.models.tabular.carrying import (
    carry,
    carry_ratio,
    period_shares,
    silence_exponent,
)
from patronage.models.tabular.design import Design, feature_names
from patronage.models.tabular.lesson import blocks_of_customers
from patronage.models.tabular.spread import (
    learn_amount_spread,
    learn_tweedie_spread,
    log_density,
)
from patronage.snapshots import Snapshot, take_snapshot

DAY = date(2024, 1, 1)
TWO_CUSTOMERS = take_snapshot(
    EventLog.from_frame(
        pl.DataFrame({"customer_id": [1, 2], "event_time": [DAY, DAY], "amount": [5.0, 6.0]})
    ),
    as_of=date(2024, 3, 1),
)


def process(purchases: np.ndarray, horizon: Horizon) -> SampleForecast:
    """A process that expects these purchases (customers, periods), each worth 1."""
    ids = np.arange(len(purchases))
    return SampleForecast(ids, DAY, horizon, purchases[None], n_purchases=purchases)


def test_the_ratio_is_of_each_customers_own_expectations():
    short = process(np.array([[1.0], [2.0]]), Horizon(1, "week"))
    long = process(np.array([[1.0, 0.5], [2.0, 1.8]]), Horizon(2, "week"))

    assert carry_ratio(short, long) == pytest.approx([1.5, 1.9])


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=5),
    st.lists(st.floats(0, 1e6), min_size=5, max_size=5),
)
def test_the_ratio_lies_between_one_and_proportion(short: list[float], long: list[float]):
    a = process(np.array([short]).T, Horizon(2, "week"))
    b = process(np.array([long[: len(short)]]).T, Horizon(6, "week"))

    ratio = carry_ratio(a, b)

    assert np.all((ratio >= 1) & (ratio <= 3))


def test_a_process_that_does_not_count_purchases_cannot_carry():
    silent = SampleForecast(np.arange(2), DAY, Horizon(1, "week"), np.ones((1, 2, 1)))

    with pytest.raises(HorizonError, match="cannot carry"):
        carry_ratio(silent, silent)


@dataclass(frozen=True)
class Fading:
    """Each week each customer expects `kept` of the purchases of the week before."""

    kept: float
    features: tuple[str, ...] = ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        expected = self.kept ** np.arange(horizon.n_periods)
        return process(np.tile(expected, (len(snapshot.customers), 1)), horizon)


@pytest.mark.parametrize("kept", [0.5, 0.8, 1.0])
def test_half_of_a_decline_is_believed(kept: float):
    learned, asked = Horizon(2, "week"), Horizon(8, "week")
    declining = (kept ** np.arange(8)).sum() / (1 + kept)

    way = carry(Fading(kept), TWO_CUSTOMERS, learned=learned, asked=asked)

    assert way.ratio == pytest.approx(np.full(2, np.sqrt(4 * declining)))
    assert np.all((way.exponent >= 1) & (way.exponent <= 4))
    assert way.shares.sum(axis=1) == pytest.approx(1.0)
    assert way.shares[:, 1] / way.shares[:, 0] == pytest.approx(np.sqrt(kept))
    assert way.told is not None
    assert way.told.purchases == pytest.approx(1 + kept)


@pytest.mark.parametrize("beyond", [0.5, 1.0, 2.0])
def test_only_what_comes_after_the_learned_horizon_has_another_level(beyond: float):
    learned, asked = Horizon(2, "week"), Horizon(8, "week")

    longer = carry(Fading(1.0), TWO_CUSTOMERS, learned=learned, asked=asked, beyond=beyond)
    equal = carry(Fading(1.0), TWO_CUSTOMERS, learned=asked, asked=asked, beyond=beyond)

    assert longer.ratio == pytest.approx(np.full(2, 1.0 + 3.0 * beyond))
    assert np.all(equal.ratio == 1.0)
    assert np.all(equal.exponent == 1.0)


@dataclass(frozen=True)
class Terse:
    """The same process, which tells what it expects and nothing of its own uncertainty."""

    of: Fading
    features: tuple[str, ...] = ()

    def predict(self, snapshot: Snapshot, horizon: Horizon) -> SampleForecast:
        raise AssertionError("a carrier is asked for expectations alone")

    def expectations(self, snapshot: Snapshot, horizons: Sequence[Horizon]) -> list[SampleForecast]:
        return [self.of.predict(snapshot, horizon) for horizon in horizons]


@pytest.mark.parametrize("learned", [Horizon(2, "week"), Horizon(8, "week")])
def test_a_process_carries_by_its_expectations_where_it_tells_them(learned: Horizon):
    asked = Horizon(8, "week")
    whole = carry(Fading(0.8), TWO_CUSTOMERS, learned=learned, asked=asked)

    way = carry(Terse(Fading(0.8)), TWO_CUSTOMERS, learned=learned, asked=asked)

    for told in ("ratio", "exponent", "shares"):
        np.testing.assert_array_equal(getattr(way, told), getattr(whole, told))
    assert way.told is not None
    assert whole.told is not None
    np.testing.assert_array_equal(way.told.purchases, whole.told.purchases)


def test_silence_of_a_poisson_process_has_the_exponent_of_its_expectation():
    rng = np.random.default_rng(0)
    short = SampleForecast(
        np.arange(1), DAY, Horizon(1, "week"), rng.poisson(0.2, (40_000, 1, 1)).astype(float)
    )
    long = SampleForecast(
        np.arange(1), DAY, Horizon(3, "week"), rng.poisson(0.2, (40_000, 1, 3)).astype(float)
    )

    assert silence_exponent(short, long) == pytest.approx([3.0], rel=0.03)


def test_shares_sum_to_one_and_are_even_where_nothing_is_expected():
    shares = period_shares(process(np.array([[3.0, 1.0], [0.0, 0.0]]), Horizon(2, "week")))

    assert shares == pytest.approx(np.array([[0.75, 0.25], [0.5, 0.5]]))


def test_a_customer_is_in_one_block_at_every_origin():
    ids = np.array(["b", "a", "c", "a", "b", "d"])

    block, _ = blocks_of_customers(ids, n_folds=2, rng=np.random.default_rng(1))

    assert block[0] == block[4]
    assert block[1] == block[3]
    assert sorted(np.bincount(block[[0, 1, 2, 5]])) == [2, 2]


def test_ratios_without_a_divisor_are_missing_not_infinite():
    names = feature_names()
    customers = pl.DataFrame(
        {name: [0.0, 5.0] for name in names} | {"mean_gap": [0.0, None], "max_gap": [0.0, 2.0]}
    )

    matrix = Design(names).fixed(customers)

    assert matrix.dtype == np.float32
    assert not np.isinf(matrix).any()
    assert np.isnan(matrix[:, names.index("silence_of_mean_gap")]).all()
    assert matrix[1, names.index("silence_of_max_gap")] == 2.5


def test_windows_longer_than_the_first_history_are_left_out():
    assert "cash_91" in feature_names(longest_window=100.0)
    assert "cash_182" not in feature_names(longest_window=100.0)


@pytest.mark.parametrize("power", [1.2, 1.5, 1.8])
def test_the_density_and_the_chance_of_nothing_make_one(power: float):
    mean, dispersion = 30.0, 40.0 ** (2 - power)
    nothing = np.exp(-(mean ** (2 - power)) / (dispersion * (2 - power)))

    def density(cash: float) -> float:
        found = log_density(np.array([cash]), np.array([mean]), power=power, dispersion=dispersion)
        return float(np.exp(found[0]))

    # In the logarithm: the density has a pole at 0 where amounts have a gamma shape below 1.
    total, _ = integrate.quad(lambda u: density(np.exp(u)) * np.exp(u), -40, 9, limit=400)
    first, _ = integrate.quad(lambda u: density(np.exp(u)) * np.exp(2 * u), -40, 9, limit=400)

    assert total + nothing == pytest.approx(1.0, abs=1e-6)
    assert first == pytest.approx(mean, rel=1e-6)


def test_power_and_dispersion_of_tweedie_cash_are_recovered():
    rng = np.random.default_rng(4)
    mean, power, dispersion = rng.lognormal(2.0, 1.0, 8000), 1.6, 6.0
    count = rng.poisson(mean ** (2 - power) / (dispersion * (2 - power)))
    shape, scale = (2 - power) / (power - 1), dispersion * (power - 1) * mean ** (power - 1)
    cash = np.where(count > 0, rng.gamma(np.maximum(count, 1) * shape, scale), 0.0)

    found = learn_tweedie_spread(cash, mean, rng=rng)

    assert found.power == pytest.approx(power, abs=0.03)
    assert found.dispersion == pytest.approx(dispersion, rel=0.06)


def test_a_log_normal_spread_is_recognised_and_measured():
    rng = np.random.default_rng(5)
    mean = rng.lognormal(3.0, 1.0, 6000)
    cash = mean * rng.lognormal(-0.32, 0.8, 6000)

    found = learn_amount_spread(cash, mean)

    assert found.family == "log_normal"
    assert found.at(np.array([20.0])) == pytest.approx([np.expm1(0.64)], rel=0.15)


def test_a_gamma_spread_is_recognised_and_measured():
    rng = np.random.default_rng(6)
    mean = rng.lognormal(3.0, 1.0, 6000)
    cash = mean * rng.gamma(2.0, 0.5, 6000)

    found = learn_amount_spread(cash, mean)

    assert found.family == "gamma"
    assert found.at(np.array([20.0])) == pytest.approx([0.5], rel=0.15)


def test_equal_amounts_leave_a_small_but_finite_spread():
    found = learn_amount_spread(np.full(50, 10.0), np.full(50, 10.0))

    assert np.all(np.isfinite(found.squared_cv))
    assert np.all(found.squared_cv > 0)
    assert np.all(found.at(np.array([1.0, 1e6])) < 0.01)
