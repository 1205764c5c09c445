"""BG/BB: the fit to the donations, and the laws of its forecasts."""

from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import roots_jacobi

from patronage.datasets import open_dataset
from patronage.errors import EventSchemaError, HorizonError, NotEnoughDataError, SettingsError
from patronage.horizon import Horizon
from patronage.models.btyd.bg_bb import BGBB
from patronage.models.btyd.counts_bg_bb import BGBBCounts
from patronage.models.btyd.counts_pareto_nbd import ParetoNBDCounts
from patronage.models.btyd.model import FittedBTYD
from patronage.models.likelihoods.bg_bb import BGBBLikelihood, log_likelihood
from patronage.models.likelihoods.opportunities import Opportunities
from patronage.snapshots import RFM, take_snapshot

PUBLISHED = (1.2035208, 0.7497142, 0.6567122, 2.7834080)
# The 22 patterns of six opportunities, in the order of the published tables.
X = np.array([6, 5, 4, 3, 2, 1, 5, 4, 3, 2, 1, 4, 3, 2, 1, 3, 2, 1, 2, 1, 1, 0], dtype=float)
T_X = np.array([6] * 6 + [5] * 5 + [4] * 4 + [3] * 3 + [2] * 2 + [1, 0], dtype=float)
YEAR = 365.25


def counts(x: Any, t_x: Any, n: Any, parameters: Any = PUBLISHED) -> BGBBCounts:
    x, t_x, n = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, t_x, n)))
    return BGBBCounts(*parameters, x, t_x, n, YEAR)


@pytest.fixture(scope="module")
def donors(data_dir: Path) -> RFM:
    """The published summary: 11,104 donors of 1995, six years on."""
    table = pl.read_parquet(data_dir / "donations_bgbb" / "bgbb_donations_rfm.parquet")
    return RFM.from_frame(table, unit="day")


@pytest.fixture(scope="module")
def fitted(donors: RFM) -> FittedBTYD:
    return BGBB(spend=None, period="year").fit_rfm(donors)


def test_estimates_of_the_paper(fitted) -> None:
    report = fitted.report

    assert list(report.parameters.values()) == pytest.approx(PUBLISHED, rel=3e-5)
    assert report.log_likelihood == pytest.approx(-33225.58127, abs=1e-4)
    assert report.n_rows_compacted == 22
    assert report.n_customers == 11_104
    assert report.warnings == ()
    assert report.in_unit(7.0).parameters == report.parameters


def test_opportunities_of_the_log_are_those_of_the_published_table(fitted) -> None:
    """From one event a year to frequency, recency and T, and to the same estimates."""
    log = open_dataset("donations_bgbb")
    snapshot = take_snapshot(log, as_of=date(2001, 7, 8))
    horizon = Horizon(5, "year")
    whole = BGBB(period="year").fit(snapshot, horizon)

    assert whole.report.parameters == pytest.approx(fitted.report.parameters, rel=1e-9)
    assert whole.predict(snapshot, horizon).mean().sum() == pytest.approx(12_884.2, abs=0.1)


def last_of(bought: tuple[int, ...]) -> int:
    return max((k + 1 for k, b in enumerate(bought) if b), default=0)


def beta_nodes(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights that mix polynomials over Beta(a, b) exactly."""
    nodes, weights = roots_jacobi(12, b - 1, a - 1)
    return (nodes + 1) / 2, weights / weights.sum()


def test_likelihood_is_the_sum_over_every_story() -> None:
    """All ways to buy and to leave over five opportunities, mixed over p and θ by quadrature."""
    parameters, n = (1.3, 0.8, 0.7, 2.5), 5
    (p, of_p), (theta, of_theta) = beta_nodes(*parameters[:2]), beta_nodes(*parameters[2:])
    stories = list(product((0, 1), repeat=n))
    expected = []
    for bought in stories:
        total = 0.0
        for stays in range(last_of(bought), n + 1):
            chances = np.prod([p if b else 1 - p for b in bought[:stays]], axis=0)
            leaves = theta if stays < n else 1.0
            total += (of_p @ (chances * np.ones(12))) * (of_theta @ ((1 - theta) ** stays * leaves))
        expected.append(total)

    x = np.array([float(sum(bought)) for bought in stories])
    t_x = np.array([float(last_of(bought)) for bought in stories])
    found = np.exp(log_likelihood(*parameters, x, t_x, np.full(len(stories), float(n))))
    assert found == pytest.approx(expected, rel=1e-11)
    assert found.sum() == pytest.approx(1.0, rel=1e-12)


def test_without_dropout_it_is_the_beta_binomial() -> None:
    x, t_x, n = np.array([0.0, 3, 8]), np.array([0.0, 5, 8]), np.full(3, 8.0)
    found = log_likelihood(0.8, 2.0, 1e-9, 5.0, x, t_x, n)
    expected = log_likelihood(0.8, 2.0, 1e-9, 5e6, x, n * (x > 0), n)

    assert found[1:] == pytest.approx(expected[1:], abs=1e-7)
    assert counts(x, t_x, n, (0.8, 2.0, 1e-9, 5.0)).p_alive == pytest.approx(1.0, abs=1e-8)


positive = st.floats(0.05, 20.0)


@settings(max_examples=60, deadline=None)
@given(positive, positive, positive, positive, st.integers(0, 30), st.floats(0, 1), positive)
def test_probabilities_and_expectation_agree(alpha, beta, gamma, delta, n, share, years) -> None:
    x = np.floor(n * share)
    one = counts(x, x + np.floor((n - x) * share) if x else 0, n, (alpha, beta, gamma, delta))
    days = years * YEAR
    pmf = one.pmf(days, 21)

    assert pmf.min() >= 0
    assert pmf.sum() == pytest.approx(1.0, abs=1e-10)
    mean = one.mean(np.array([0.0, days]))
    assert pmf @ np.arange(22) == pytest.approx(mean[:, 0], rel=1e-9, abs=1e-12)
    parts = one.mean(np.array([0.0, 0.3 * days, 0.31 * days, days])).sum()
    assert parts == pytest.approx(mean[0, 0], rel=1e-10)


@settings(max_examples=40, deadline=None)
@given(positive, positive, positive, positive, st.integers(1, 6))
def test_a_later_last_purchase_makes_life_likelier(alpha, beta, gamma, delta, x) -> None:
    several = counts(x, np.arange(x, 13), 12, (alpha, beta, gamma, delta))

    assert (np.diff(several.p_alive) >= -1e-12).all()
    assert several.p_alive[-1] == pytest.approx(1.0)
    assert (several.p_alive_next <= several.p_alive).all()


def test_draws_follow_the_probabilities_over_parts_of_a_period() -> None:
    """Edges that cut a year: a chance lies before an edge or after it, never both nor neither."""
    some = counts([0, 4, 6, 0], [0, 5, 6, 0], [6, 6, 6, 0])
    edges = np.array([0.0, 100.0, 300.0, 500.0, 1300.0])
    draws = some.sample(edges, 60_000, np.random.default_rng(1))

    noise = 5 * draws.std(axis=0) / np.sqrt(60_000)
    assert (np.abs(draws.mean(axis=0) - some.mean(edges)) < noise + 1e-9).all()
    total = draws.sum(axis=2)
    pmf = some.pmf(1300.0, 4)
    for n in range(5):
        assert (total == n).mean(axis=0) == pytest.approx(pmf[:, n], abs=0.01)
    # Within the first year there is one opportunity.
    assert draws[:, :, :2].sum(axis=2).max() == 1


def test_survival_falls_from_one_convention_to_the_other() -> None:
    some = counts([0, 4], [0, 5], 6)
    found = some.survival(np.array([0.0, YEAR / 2, YEAR]))

    assert found[:, 0] == pytest.approx(some.p_alive)
    assert found[:, 2] == pytest.approx(some.p_alive_next)
    assert found[:, 1] == pytest.approx((some.p_alive + some.p_alive_next) / 2)


def test_a_horizon_of_whole_periods_has_no_parts() -> None:
    """Twelve months are one year, and 52 weeks a little less than one."""
    month = BGBBCounts(*PUBLISHED, np.ones(1), np.ones(1), np.full(1, 3.0), YEAR / 12)

    assert month.pmf(Horizon(12, "month").days, 13)[0, 13] == 0.0
    assert month.pmf(Horizon(52, "week").days, 13)[0, 12] > 0.0


def test_parameters_may_differ_by_customer() -> None:
    other = (0.5, 2.0, 1.5, 9.0)
    columns = [np.array(pair) for pair in zip(PUBLISHED, other, strict=True)]
    both = BGBBCounts(*columns, np.array([2.0, 1]), np.array([4.0, 3]), np.array([6.0, 5]), YEAR)
    second = counts(1, 3, 5, other)
    edges = np.array([0.0, 900.0])

    assert both.p_alive[1:] == pytest.approx(second.p_alive)
    assert both.mean(edges)[1:] == pytest.approx(second.mean(edges))
    assert both.take(slice(1, 2)).pmf(900.0, 4) == pytest.approx(second.pmf(900.0, 4))
    assert both.survival(edges)[1:] == pytest.approx(second.survival(edges))


def table(x: Any, t_x: Any, n: Any) -> RFM:
    x, t_x, n = np.broadcast_arrays(*(np.asarray(c, dtype=float) for c in (x, t_x, n)))
    return RFM(np.arange(len(x)), x.copy(), t_x.copy(), n.copy())


RNG = np.random.default_rng(2)
NASTY = {
    "one with 5,000 purchases": table([*X, 5000], [*T_X, 5200], [*np.full(22, 6), 5300]),
    "300 without an opportunity": table([*X, *np.zeros(300)], [*T_X, *np.zeros(300)], 6),
    "one of 2,000 opportunities": table([*X, 0], [*T_X, 0], [*np.full(22, 6), 2000]),
    "all one-time buyers": table(np.zeros(200), 0, RNG.integers(1, 9, 200)),
    "all buy every time": table(np.full(200, 6), 6, 6),
    "all buy once and leave": table(np.full(200, 1), 1, 9),
    "identical customers": table(np.full(200, 3), 5, 9),
    "20 customers": table(X[:20], T_X[:20], 6),
    "one customer": table([2], [4], [6]),
    "one customer without repeat": table([0], [0], [6]),
}


@pytest.mark.parametrize("case", NASTY)
def test_the_answer_to_nasty_tables_is_finite_and_usable(case) -> None:
    rows = NASTY[case]
    fitted = BGBB(spend=None).fit_rfm(rows)
    report, ahead = fitted.report, fitted.counts(rows)

    numbers = [*report.parameters.values(), *report.standard_errors.values()]
    assert np.isfinite([*numbers, report.log_likelihood, report.condition_number]).all()
    assert report.converged
    assert report.penalised == any("no maximum" in sentence for sentence in report.warnings)
    assert ((ahead.p_alive >= 0) & (ahead.p_alive <= 1)).all()
    expected = ahead.mean(np.array([0.0, 365.25]))[:, 0]
    assert ((expected >= 0) & (expected <= 12)).all()
    if case in ("all one-time buyers", "one customer without repeat"):
        assert "nobody has bought a second time" in report.warnings[0]


def test_all_derivatives_are_finite_at_absurd_parameters() -> None:
    rows = Opportunities(X, T_X, np.full(22, 6.0), np.ones(22))
    for theta in product((-14.0, 0.0, 14.0), repeat=4):
        moments = BGBBLikelihood().moments(np.array(theta), rows)
        assert all(np.isfinite(part).all() for part in moments)


@pytest.mark.parametrize(
    "row", [(1, 0, 6), (2, 1, 6), (0, 3, 6), (3, 7, 6), (1.5, 3, 6), (1, 2.5, 6), (1, 2, np.nan)]
)
def test_rows_that_do_not_count_opportunities_are_refused_by_number(row) -> None:
    x, t_x, n = np.array([(1.0, 2.0, 6.0), row]).T
    with pytest.raises(EventSchemaError, match="row 1"):
        BGBB(spend=None).fit_rfm(table(x, t_x, n))


def test_nobody_with_an_opportunity_is_an_error_that_says_so() -> None:
    with pytest.raises(NotEnoughDataError, match="shorter period"):
        BGBB(spend=None).fit_rfm(table([0, 0], 0, 0))


def test_periods_that_are_none_are_refused_at_once() -> None:
    with pytest.raises(HorizonError, match="no unit of time"):
        BGBB(period="fortnight")
    with pytest.raises(SettingsError, match="a day or more"):
        BGBB(period=0.5)


def test_a_base_without_opportunities_yet_is_warned_of() -> None:
    young = table([1, 0, 0, 0], [1, 0, 0, 0], [2, 0, 0, 0])

    warnings = BGBB(spend=None).fit_rfm(young).report.warnings
    assert any("shorter period" in sentence for sentence in warnings)


def test_with_ever_shorter_periods_it_becomes_pareto_nbd() -> None:
    """p = λ Δ and θ = μ Δ: chances so many and so small that they make a rate."""
    r, alpha, s, beta = 0.6, 12.0, 0.5, 9.0
    x, t_x, T = np.array([0.0, 3, 8]), np.array([0.0, 20, 35]), np.full(3, 39.0)
    limit = ParetoNBDCounts(r, alpha, s, beta, x, t_x, T)
    edges = np.array([0.0, 10.0, 52.0])
    gaps = []
    for per_week in (20, 40):
        parameters = (r, alpha * per_week, s, beta * per_week)
        short = BGBBCounts(*parameters, x, t_x * per_week, T * per_week, 1 / per_week)
        gaps.append(np.abs(short.mean(edges) / limit.mean(edges) - 1).max())

    assert gaps[1] < 0.02
    # The difference is of the first order in the length of a period.
    assert gaps[1] == pytest.approx(gaps[0] / 2, rel=0.1)
