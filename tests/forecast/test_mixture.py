"""Several forecasts as one: by chance (a mixture), or each for its own customers (joined)."""

from datetime import date

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from patronage.forecast import JoinedForecast, MixtureForecast, ZeroInflatedForecast
from patronage.forecast.samples import SampleForecast
from patronage.horizon import Horizon

AS_OF, HORIZON = date(2024, 1, 1), Horizon(1, "week")


def zero_inflated(p: list[float], mean: list[float], ids: list[int]) -> ZeroInflatedForecast:
    return ZeroInflatedForecast(
        np.array(ids),
        AS_OF,
        HORIZON,
        np.array(p),
        np.array(mean),
        np.full(len(p), 0.5),
        np.array([1.0]),
        n_purchases=np.array(p)[:, None],
    )


def point(cash: float) -> SampleForecast:
    return SampleForecast(np.array([1]), AS_OF, HORIZON, np.array([[[cash]]]))


def test_a_mixture_of_two_points_by_hand():
    """2 with chance 1/4, 10 with chance 3/4: mean 8, spread sqrt(12), median 10."""
    mixture = MixtureForecast.of([point(2.0), point(10.0)], np.array([0.25, 0.75]))

    assert mixture.mean().tolist() == [[8.0]]
    assert mixture.model_spread == pytest.approx([np.sqrt(12.0)])
    assert mixture.quantile([0.2, 0.25, 0.5]) == pytest.approx(np.array([[2.0, 2.0, 10.0]]))
    assert mixture.cdf(np.array([2.0])) == (pytest.approx([0.0]), pytest.approx([0.25]))


@given(
    st.lists(st.floats(0.05, 0.95), min_size=2, max_size=2),
    st.lists(st.floats(1.0, 1e4), min_size=2, max_size=2),
    st.floats(0.0, 1.0),
    st.floats(0.02, 0.98),
)
@example([0.5, 0.5], [1.0, 2377.0], 0.0, 0.875)  # short of the level at its upper end
def test_a_quantile_of_a_mixture_reaches_its_level(
    p: list[float], mean: list[float], weight: float, level: float
):
    members = [zero_inflated([p[k]], [mean[k]], [1]) for k in range(2)]
    mixture = MixtureForecast.of(members, np.array([weight, 1.0 - weight]))

    at = mixture.quantile([level])[:, 0]

    assert mixture.cdf(at * (1 + 1e-9) + 1e-9)[1] >= level - 1e-9
    assert mixture.cdf(at * (1 - 1e-6) - 1e-9)[0] <= level + 1e-9


def test_draws_of_a_mixture_come_from_the_members_as_often_as_weighted():
    members = [
        zero_inflated([0.9, 0.9], [5.0, 5.0], [1, 2]),
        zero_inflated([0.1] * 2, [50.0] * 2, [1, 2]),
    ]
    mixture = MixtureForecast.of(members, np.array([0.3, 0.7]))

    draws = mixture.sample_total(40_000, np.random.default_rng(1))

    assert draws.mean(axis=0) == pytest.approx([0.3 * 4.5 + 0.7 * 5.0] * 2, rel=0.05)
    assert (draws == 0).mean(axis=0) == pytest.approx(mixture.p_zero(), abs=0.01)


def test_what_one_member_knows_of_purchases_is_the_mixtures():
    mixture = MixtureForecast.of(
        [point(3.0), zero_inflated([0.4], [5.0], [1])], np.array([1.0, 0.0])
    )

    assert mixture.n_purchases == pytest.approx(np.array([[0.4]]))


def test_joined_groups_answer_in_the_order_of_the_whole():
    odd, even = zero_inflated([0.5, 0.5], [2.0, 6.0], [1, 3]), zero_inflated([1.0], [4.0], [2])
    whole = JoinedForecast.of([odd, even], [np.array([0, 2]), np.array([1])])

    assert whole.customer_id.tolist() == [1, 2, 3]
    assert whole.mean()[:, 0].tolist() == [1.0, 4.0, 3.0]
    assert whole.p_zero().tolist() == [0.5, 0.0, 0.5]
    assert whole.take(np.array([2, 1])).mean()[:, 0].tolist() == [3.0, 4.0]
    assert whole.sample(7, np.random.default_rng(1)).shape == (7, 3, 1)
    np.testing.assert_allclose(whole.quantile([0.9])[[0, 2]], odd.quantile([0.9]))


def bisected(mixture: MixtureForecast, level: float) -> np.ndarray:
    """The quantile the slow way."""
    of_members = np.stack([member.quantile([level])[:, 0] for member in mixture.members])
    low, high = of_members.min(axis=0), of_members.max(axis=0)
    for _ in range(80):
        middle = (low + high) / 2
        reached = mixture.cdf(middle)[1] >= level
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return high


def test_quantiles_are_those_of_bisection():
    """Of smooth members, of points that leap, and of both, with weights of each customer's own."""
    rng = np.random.default_rng(4)
    ids, n = list(range(40)), 40
    smooth = [
        zero_inflated(rng.uniform(0.05, 0.95, n).tolist(), rng.lognormal(3, 1.5, n).tolist(), ids)
        for _ in range(2)
    ]
    leaping = SampleForecast(np.array(ids), AS_OF, HORIZON, rng.lognormal(3, 1, (7, n, 1)))
    weights = rng.dirichlet(np.ones(2), n)

    for members in (smooth, [smooth[0], leaping], [leaping, smooth[1]]):
        mixture = MixtureForecast.of(members, weights)
        levels = [0.02, 0.5, 0.8, 0.99]
        found = mixture.quantile(levels)
        slow = np.stack([bisected(mixture, level) for level in levels], axis=1)
        np.testing.assert_allclose(found, slow, rtol=1e-11, atol=1e-15)
