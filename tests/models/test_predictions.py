"""What every fitted buy-till-you-die model foretells: published numbers, and laws that tie them."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expn

from patronage.datasets import open_dataset
from patronage.errors import SettingsError
from patronage.forecast.counts import AbstractCounts
from patronage.forecast.discounted import bracketed, discount_per_day
from patronage.horizon import Horizon
from patronage.models.btyd.bg_bb import BGBBProcess
from patronage.models.btyd.counts_beta_geometric import BetaGeometricCounts
from patronage.models.btyd.counts_pareto_ggg import ParetoGGGCounts
from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts
from patronage.models.btyd.model import FittedBTYD
from patronage.models.catalog import MODELS, make_model
from patronage.snapshots import Snapshot, take_snapshot

NAMES = sorted(
    name
    for name, entry in MODELS.items()
    if entry.family == "btyd" and entry.kind in ("forecast", "purchases")
)

CDNOW_39 = (0.553, 7 * 10.578, 0.606, 7 * 11.669)
CDNOW_78 = (0.5629966, 7 * 12.5590370, 0.4081095, 7 * 10.5148048)


def pareto(parameters: tuple[float, ...], x: Any, t_x: Any, T: Any) -> ParetoNBDCounts:
    """Times in weeks."""
    rows = (np.atleast_1d(np.asarray(v, float)) for v in (x, t_x, T))
    x, t_x, T = np.broadcast_arrays(*rows)
    return ParetoNBDCounts(*parameters, x.copy(), 7 * t_x, 7 * T)


@pytest.fixture(scope="module")
def cdnow(data_dir: Path) -> Snapshot:
    """300 customers of the papers as events, from which every model reads what it needs."""
    assert data_dir.is_dir()
    whole = take_snapshot(open_dataset("cdnow_sample"), as_of=date(1997, 10, 1))
    return whole.take(slice(0, 300))


SLOW = {"bg_cnbd_k", "mbg_cnbd_k", "pareto_ggg"}


@pytest.fixture(
    scope="module",
    params=[pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in NAMES],
)
def fitted(request: pytest.FixtureRequest, cdnow: Snapshot) -> FittedBTYD:
    """Each model of the catalogue, fitted to CDNOW."""
    return make_model(request.param).fit(cdnow, Horizon(39, "week"))  # type: ignore[return-value]


@pytest.fixture(scope="module")
def counts(fitted: FittedBTYD) -> AbstractCounts:
    """What is ahead of 40 customers whom the fitted process drew."""
    parameters = list(fitted.report.parameters.values())
    rng = np.random.default_rng(7)
    table = fitted.process.simulate(parameters, np.rint(rng.uniform(100, 300, 40)), rng)
    return fitted.process.counts(parameters, table)


def has_formula(counts: AbstractCounts) -> bool:
    """Whether an endless sum is quick: between bounds every purchase on the way is expected."""
    return type(counts)._discounted is not AbstractCounts._discounted


@pytest.mark.parametrize("s", [1, 2, 3])
@pytest.mark.parametrize("B", [1.0, 80.0, 5e3, 1e7])
@pytest.mark.parametrize("annual", [1e-9, 0.01, 0.5])
def test_dert_is_the_scaled_exponential_integral_where_that_is_tabled(s, B, annual):
    counts = ParetoNBDCounts(0.5, 70.0, float(s), B, np.zeros(1), np.zeros(1), np.zeros(1))
    z = discount_per_day(annual) * B

    scaled = (
        np.exp(z) * expn(s, z)
        if z < 100
        else quad(lambda t: np.exp(-t) * (1 + t / z) ** -s, 0, 60, epsrel=1e-12)[0] / z
    )
    assert counts.dert(annual) == pytest.approx([0.5 / 70 * B * scaled], rel=1e-9)


@pytest.mark.parametrize("days", [0.5, 30.0, 3000.0, np.inf])
def test_dert_lies_within_the_bounds_of_its_own_expectations(counts, days):
    many = isinstance(counts, ParetoGGGCounts)
    if days > 1000 and (many or not has_formula(counts)):
        pytest.skip("bounds from purchases one by one: the sum itself, or minutes")
    found = counts.dert(0.15, days=days)

    bounded = bracketed(counts, discount_per_day(0.15), days, 1e-4)
    assert found == pytest.approx(bounded, rel=1e-3 if many else 2e-4)
    edges = np.linspace(0.0, min(days, 9000.0), 200)
    discount = np.exp(-discount_per_day(0.15) * edges)
    # Its expectations are a little less exact than its sums.
    slack = 1e-3 * found if many else 1e-12
    assert np.all(found >= counts.mean(edges) @ discount[1:] - slack)
    if np.isfinite(days):
        assert np.all(found <= counts.mean(edges) @ discount[:-1] + slack)


def test_dert_becomes_the_expectation_as_the_discount_goes(counts):
    expected = counts.mean(np.array([0.0, 273.0]))[:, 0]

    assert counts.dert(1e-7, days=273.0) == pytest.approx(expected, rel=2e-4)
    assert counts.dert(0.0, days=273.0) == pytest.approx(expected, rel=1e-12)
    rates = [counts.dert(rate, days=400.0) for rate in (0.05, 0.10, 0.20, 1.0)]
    assert np.all(np.diff(rates, axis=0) <= 0)


def test_dert_adds_up_over_time(counts):
    ends = [100.0, 1000.0, 10_000.0, np.inf] if has_formula(counts) else [50.0, 100.0, 200.0]

    found = np.array([counts.dert(0.1, days=days) for days in ends])
    assert np.all(np.diff(found, axis=0) >= -1e-9)
    edges = np.array([0.0, 100.0, 250.0])
    months = counts.mean(edges).sum(axis=1)
    assert months == pytest.approx(counts.mean(edges[[0, 2]])[:, 0], rel=1e-9)


def test_lifetimes_that_end_have_a_finite_undiscounted_sum():
    heavy = pareto((0.5, 70.0, 2.5, 80.0), 3, 20, 30)
    geometric = BetaGeometricCounts(
        0.5, 70.0, 2.5, 4.0, *(np.array([v]) for v in (3.0, 140.0, 210.0))
    )

    for counts in (heavy, geometric):
        # The purchases beyond a million days are 1e-5 of them.
        assert counts.dert(0.0) == pytest.approx(counts.dert(0.0, days=1e9), rel=1e-4)
        assert counts.dert(0.0) == pytest.approx(counts.dert(1e-8), rel=1e-3)


def test_sums_that_are_not_finite_are_refused_with_the_reason():
    with pytest.raises(SettingsError, match=r"s is 0\.606"):
        pareto(CDNOW_39, 1, 2, 3).dert(0.0)
    with pytest.raises(SettingsError, match=r"a is 0\.793"):
        BetaGeometricCounts(0.243, 30.0, 0.793, 2.4, *np.ones((3, 1))).dert(0.0)


def test_dert_survives_the_histories_that_broke_others():
    """Underflow and overflow cases of lifetimes, and the longest and largest histories."""
    cases = (
        pareto((0.55, 7 * 10.58, 0.61, 7 * 11.67), [132, 133, 5000, 0], [200, 200, 1e6, 0], 1e6),
        pareto((10.465, 0.0559, 3.0516, 19.74), [400, 500, 500], [5, 1, 4], [6, 7, 8]),
    )
    for counts in cases:
        found = counts.dert(0.1)
        assert np.all(np.isfinite(found) & (found >= 0))
        assert np.all(np.isfinite(counts.p_never) & (counts.p_never >= 0) & (counts.p_never <= 1))


def test_survival_falls_from_p_alive(counts):
    found = counts.survival(np.array([0.0, 10.0, 100.0, 1000.0, 100_000.0]))
    if found is None:
        pytest.skip("this model has no such notion")

    assert found[:, 0] == pytest.approx(counts.p_alive, rel=1e-9)
    assert np.all(np.diff(found, axis=1) <= 1e-12)
    assert np.all(found >= 0)


def test_probabilities_of_a_purchase_rise_to_all_that_ever_come(counts):
    times = np.array([1.0, 30.0, 365.0, 10_000.0])
    found = counts.p_active(times)

    for k, days in enumerate(times):
        assert found[:, k] == pytest.approx(1 - counts.pmf(days, 0)[:, 0], abs=1e-9)
    assert np.all(np.diff(found, axis=1) >= -1e-12)
    # Where it is the probability of a million days, the model's own quadrature is a little off.
    slack = 4e-3 if type(counts).p_never is AbstractCounts.p_never else 1e-9
    assert np.all(found[:, -1] <= 1 - counts.p_never + slack)
    in_a_million_days = AbstractCounts.p_never.fget(counts)  # type: ignore[attr-defined]
    assert np.all(counts.p_never <= in_a_million_days + 1e-9)
    assert np.all(counts.p_never >= 1 - counts.p_alive - slack)


def test_who_never_returns_under_pareto_nbd_is_who_leaves_first():
    """∫ P(density of the next purchase at t) P(alive at t) dt, by brute force over log t."""
    some = pareto(CDNOW_78, [0, 1, 7, 40], [0, 30, 35, 70], [0, 77, 77, 77])
    r, alpha, s, beta = CDNOW_78

    for row in range(4):
        size, a, b = r + some.x[row], alpha + some.T[row], beta + some.T[row]

        def returns(log_t: float, size: float = size, a: float = a, b: float = b) -> float:
            t = np.exp(log_t)
            return float(t * size / a * (1 + t / a) ** -(size + 1) * (1 + t / b) ** -s)

        comes = sum(quad(returns, k, k + 4, epsabs=1e-13)[0] for k in range(-24, 60, 4))
        assert some.p_never[row] == pytest.approx(1 - some.p_alive[row] * comes, abs=1e-9)


def test_waits_are_the_inverse_of_the_probability_of_a_purchase(counts):
    found = counts.next_purchase([0.1, 0.3, 0.6])

    for row, level in ((0, 0.1), (1, 0.3), (2, 0.6), (5, 0.1)):
        days = found[row, [0.1, 0.3, 0.6].index(level)]
        if np.isfinite(days) and days < 1e6:
            reached = counts.p_active(np.array([days]))[row, 0]
            # In discrete time the probability bends where a period ends.
            assert reached == pytest.approx(level, abs=1e-4)
        else:
            assert counts.p_active(np.array([0.99e6]))[row, 0] < level
    assert np.all(np.diff(np.where(np.isinf(found), 1e300, found), axis=1) >= 0)


def test_quantiles_of_purchases_are_the_least_counts_that_reach_them(counts):
    found = counts.quantile(200.0, [0.05, 0.5, 0.95])
    cumulative = np.cumsum(counts.pmf(200.0, 300), axis=1)

    for column, level in enumerate((0.05, 0.5, 0.95)):
        assert found[:, column].tolist() == (cumulative < level).sum(axis=1).tolist()


def test_a_new_customer_is_one_without_a_history(fitted):
    new = fitted.new_customer()

    assert new.n_customers == 1
    assert new.p_alive[0] <= 1.0
    at_once = new.mean(np.array([0.0, 364.0]))[0, 0]
    assert fitted.new_customer_purchases(364.0) == pytest.approx(at_once)
    assert fitted.new_customer_purchases(364.0, with_first=True) == pytest.approx(1 + at_once)
    det = fitted.det(0.1, days=364.0)
    assert 0.8 * at_once < det < at_once
    assert fitted.det(0.1, days=364.0, with_first=True) == pytest.approx(1 + det)
    # The process itself, from the first purchase on, buys what the prediction says.
    days = 365.25 if isinstance(fitted.process, BGBBProcess) else 364.0
    at_once = new.mean(np.array([0.0, days]))[0, 0]
    T = np.full(40_000, days)
    parameters = list(fitted.report.parameters.values())
    drawn = fitted.process.simulate(parameters, T, np.random.default_rng(1))
    error = drawn.x.std() / np.sqrt(len(T))
    assert drawn.x.mean() == pytest.approx(at_once, abs=4.5 * error)
    none = float((drawn.x == 0).mean())
    assert none == pytest.approx(1 - new.p_active(np.array([days]))[0, 0], abs=0.012)


def test_who_may_leave_at_once_is_not_surely_alive(cdnow_sample):
    alive = {
        name: float(make_model(name).fit_rfm(cdnow_sample).new_customer().p_alive[0])  # type: ignore[attr-defined]
        for name in ("pareto_nbd", "bg_nbd", "mbg_nbd")
    }

    b_over_a_and_b = 1.614003 / (1.614003 + 0.891359)
    expected = {"pareto_nbd": 1.0, "bg_nbd": 1.0, "mbg_nbd": b_over_a_and_b}
    assert alive == pytest.approx(expected, abs=1e-4)


def test_the_table_of_predictions_has_the_same_columns_in_every_model(fitted, cdnow):
    horizon = Horizon(39, "week")
    rfm = fitted.process.summary(cdnow.with_features(fitted.features))
    rows = np.r_[0:200, 0:3]
    quick = has_formula(fitted.counts(rfm).compacted()[0])
    rate = 0.15 if quick else None
    table = fitted.predictions(rfm.take(rows), horizon, annual_discount_rate=rate)

    assert table.columns == [
        "customer_id",
        "p_alive",
        "p_alive_at_end",
        "p_active",
        "expected_purchases",
        "purchases_p05",
        "purchases_p95",
        "next_purchase_p50",
        "p_never",
        *(["dert"] if quick else []),
    ]
    assert table[:3].equals(table[-3:])
    one_by_one = fitted.counts(rfm.take(slice(7, 8)))
    if quick:
        assert table["dert"][7] == pytest.approx(one_by_one.dert(0.15)[0], rel=1e-9)
    assert table["expected_purchases"][7] == pytest.approx(
        one_by_one.mean(np.array([0.0, 273.0]))[0, 0], rel=1e-9
    )
    wait, active = table["next_purchase_p50"], table["p_active"]
    told = wait.is_not_null() & (wait < 273)
    assert told.to_list() == (active > 0.5).to_list()


def test_spend_of_a_purchase_is_that_of_gamma_gamma(cdnow_sample):
    rfm = replace(cdnow_sample, first_amount=None)
    fitted = make_model("bg_nbd").fit_rfm(rfm)  # type: ignore[attr-defined]

    expected = [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]
    assert fitted.expected_spend(rfm)[:10] == pytest.approx(expected, abs=0.03)
    assert FittedBTYD(fitted.process, fitted.report).expected_spend(rfm)[:2].tolist() == [1.0, 1.0]


sizes = st.floats(0.05, 20.0)


@given(sizes, sizes, sizes, sizes, st.integers(0, 60), st.floats(0, 1), st.floats(1e-3, 2.0))
def test_formulas_of_dert_lie_within_the_bounds_at_any_parameters(r, a, b, c, x, share, annual):
    T = 300.0
    history = np.array([float(x)]), np.array([share * T if x else 0.0]), np.array([T])
    delta = discount_per_day(annual)

    for some in (
        ParetoNBDCounts(r, 10 * a, b, 10 * c, *history),
        BetaGeometricCounts(r, 10 * a, b, c, *history),
        BetaGeometricCounts(r, 10 * a, b, c, *history, modified=True),
    ):
        for days in (200.0, np.inf):
            found = some.dert(annual, days=days)
            assert found == pytest.approx(
                bracketed(some, delta, days, 1e-4), rel=1.01e-4, abs=1e-12
            )


def test_waits_survive_the_longest_and_the_largest_histories():
    some = pareto(CDNOW_39, [0, 0, 5000, 5000, 3], [0, 0, 1e6, 1.0, 1e6], [0, 1e6, 1e6, 1e6, 1e6])
    geometric = BetaGeometricCounts(0.243, 30.9, 0.793, 2.426, some.x, some.t_x, some.T)

    for counts in (some, geometric):
        found = counts.next_purchase([0.01, 0.5, 0.99])
        assert not np.isnan(found).any()
        assert np.all(found[:, 0] <= found[:, 2])
        for row, level in ((0, 0.01), (2, 0.5)):
            days = found[row, [0.01, 0.5, 0.99].index(level)]
            assert counts.p_active(np.array([days]))[row, 0] == pytest.approx(level, rel=1e-6)
