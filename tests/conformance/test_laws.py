"""Laws that every purchase process obeys, whatever its numbers, and limits between them.

That ranks of the truth among posterior draws are uniform, and that intervals cover as often as they
say, are checks of their own: `checks/calibration.py`.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from patronage.models.btyd.process import Process
from patronage.models.catalog import DISCRETE, MODELS, make_model
from patronage.snapshots import RFM

# Times in days; of bg_bb a day is an opportunity.
TRUTH: dict[str, tuple[float, ...]] = {
    "bg_bb": (1.2, 2.0, 0.7, 12.0),
    "bg_cnbd_k": (0.9, 20.0, 0.8, 2.5),
    "bg_nbd": (0.6, 20.0, 0.8, 2.5),
    "ggompertz_nbd": (0.6, 20.0, 0.02, 0.8, 4.0),
    "mbg_cnbd_k": (0.9, 20.0, 0.8, 2.5),
    "mbg_nbd": (0.6, 20.0, 0.8, 2.5),
    "nbd": (0.6, 20.0),
    "pareto_ggg": (2.0, 1.0, 0.6, 20.0, 0.7, 90.0),
    "pareto_nbd": (0.6, 20.0, 0.7, 90.0),
}
# Integrals over integrals: near, but not to rounding.
NEAR = {"pareto_ggg": 5e-3}


def each(*slow: str) -> pytest.MarkDecorator:
    marked = [pytest.param(n, marks=pytest.mark.slow) if n in slow else n for n in sorted(TRUTH)]
    return pytest.mark.parametrize("name", marked)


names = each("pareto_ggg")
# Without a formula, a discounted sum is found between bounds.
sums = each("pareto_ggg", "bg_bb", "bg_cnbd_k", "mbg_cnbd_k")


def settings_of(name: str) -> Any:
    made: Any = make_model(name)
    return replace(made, spend=None, **({"period": 1} if _is_discrete(name) else {}))


def _is_discrete(name: str) -> bool:
    return MODELS[name].setting == DISCRETE


def histories(x: Any, t_x: Any, T: Any) -> RFM:
    """Customers who bought at even gaps."""
    x, t_x, T = (np.asarray(a, dtype=float) for a in np.broadcast_arrays(x, t_x, T))
    gaps = np.where(x > 0, x * np.log(np.maximum(t_x, 1e-9) / np.maximum(x, 1)), 0.0)
    return RFM(np.arange(len(x)), x.copy(), t_x.copy(), T.copy(), log_gaps=gaps)


def counts(name: str, rfm: RFM) -> Any:
    process: Process[Any] = settings_of(name).process
    return process.counts(TRUTH[name], process.table(rfm))


def drawn(name: str, n: int, seed: int) -> RFM:
    process = settings_of(name).process
    rng = np.random.default_rng(seed)
    T = np.rint(rng.uniform(20, 40, n) if _is_discrete(name) else rng.uniform(150, 300, n))
    columns = process.simulate(TRUTH[name], T, rng).columns
    return RFM(np.arange(n), *columns[:3], log_gaps=columns[3] if len(columns) > 3 else None)


def test_no_process_of_the_catalogue_is_left_out() -> None:
    known = {n for n, e in MODELS.items() if e.family == "btyd" and e.kind != "spend"}

    assert known == set(TRUTH)


@names
def test_a_later_last_purchase_never_lowers_the_chance_of_being_alive(name: str) -> None:
    t_x = np.arange(3.0, 121.0, 3.0)
    # Even gaps lengthen with t_x, and to a regular customer that is news; one repeat has one gap.
    alive = counts(name, histories(1.0, t_x, 120.0)).p_alive

    if name != "pareto_ggg" and "cnbd" not in name:
        assert np.all(np.diff(alive) >= -1e-12)
    assert np.all((alive >= 0) & (alive <= 1 + 1e-12))


@names
def test_horizons_add_up(name: str) -> None:
    found = counts(name, histories([0, 1, 4], [0, 30, 90], [100, 100, 100]))
    parts = found.mean(np.array([0.0, 10.0, 40.0, 100.0])).sum(axis=1)

    whole = found.mean(np.array([0.0, 100.0]))[:, 0]
    assert parts == pytest.approx(whole, rel=NEAR.get(name, 1e-8))


@names
def test_the_pmf_sums_to_one_and_has_the_mean(name: str) -> None:
    found = counts(name, histories([0, 1, 4], [0, 30, 90], [100, 100, 100]))
    pmf = found.pmf(60.0, 200)

    assert np.all(pmf >= 0)
    assert pmf.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-3)
    mean = found.mean(np.array([0.0, 60.0]))[:, 0]
    assert pmf @ np.arange(201) == pytest.approx(mean, rel=max(NEAR.get(name, 0.0), 2e-3))
    assert pmf[:, 0] == pytest.approx(1 - found.p_active(np.array([60.0]))[:, 0], abs=1e-9)


@sums
def test_a_discounted_sum_is_the_expectation_where_nothing_is_discounted(name: str) -> None:
    found = counts(name, histories([0, 1, 4], [0, 30, 90], [100, 100, 100]))
    mean = found.mean(np.array([0.0, 60.0]))[:, 0]

    assert found.dert(1e-9, days=60.0) == pytest.approx(mean, rel=max(NEAR.get(name, 0.0), 2e-4))
    dearer = [found.dert(rate, days=60.0) for rate in (0.05, 0.5, 5.0)]
    assert np.all(np.diff(dearer, axis=0) < 0)
    assert np.all(dearer[-1] > mean * 6 ** (-60 / 365.25))


@sums
def test_a_discounted_sum_without_an_end_is_the_limit_of_those_with_one(name: str) -> None:
    """At 1,000 times a year, 99 % of what counts lies within 244 days."""
    found = counts(name, histories([0, 1, 4], [0, 30, 90], [100, 100, 100]))
    ends = [found.dert(1000.0, days=days) for days in (60.0, 244.0, 1500.0)]

    endless = found.dert(1000.0)
    assert np.all(np.diff([*ends, endless], axis=0) >= -1e-4 * endless)
    assert ends[-1] == pytest.approx(endless, rel=3e-4)
    # After 244 days a purchase counts a hundredth, and no more of them come than before.
    assert np.all(endless - ends[1] <= 0.02 * endless)


@names
def test_neither_order_nor_duplication_changes_a_fit(name: str) -> None:
    rfm = drawn(name, 1_500, seed=1)
    plain = settings_of(name).fit_rfm(rfm).report

    order = np.random.default_rng(2).permutation(len(rfm))
    twice = np.concatenate([order, order])
    halves = replace(rfm.take(twice), weight=np.full(len(twice), 0.5))
    found = settings_of(name).fit_rfm(halves).report
    assert found.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-9)
    assert found.theta == pytest.approx(plain.theta, abs=2e-3)


@pytest.mark.parametrize("name", [n for n in sorted(TRUTH) if not _is_discrete(n)])
@pytest.mark.slow
def test_a_unit_of_time_changes_units_alone(name: str) -> None:
    rfm = drawn(name, 1_500, seed=3)
    plain = settings_of(name).fit_rfm(rfm).report

    longer = None if rfm.log_gaps is None else rfm.log_gaps + rfm.frequency * np.log(7.0)
    weeks = replace(rfm, recency=7 * rfm.recency, T=7 * rfm.T, log_gaps=longer)
    found = settings_of(name).fit_rfm(weeks).report.in_unit(7)
    assert found.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-7)
    assert found.theta == pytest.approx(plain.theta, abs=5e-3)


RARE = (0.6, 20.0)
# Each at the edge of its parameters, and the simpler model that it is there.
LIMITS: dict[str, tuple[str, tuple[float, ...], str, tuple[float, ...]]] = {
    "bg_cnbd_1 is bg_nbd": ("bg_cnbd_k", (0.6, 20.0, 0.8, 2.5), "bg_nbd", (0.6, 20.0, 0.8, 2.5)),
    "mbg_cnbd_1 is mbg_nbd": (
        "mbg_cnbd_k",
        (0.6, 20.0, 0.8, 2.5),
        "mbg_nbd",
        (0.6, 20.0, 0.8, 2.5),
    ),
    "hazards that never rise": (
        *("ggompertz_nbd", (*RARE, 1e-9, 0.7, 90e-9)),
        *("pareto_nbd", (*RARE, 0.7, 90.0)),
    ),
    "everybody as regular as chance": (
        *("pareto_ggg", (1e7, 1e7, *RARE, 0.7, 90.0)),
        *("pareto_nbd", (*RARE, 0.7, 90.0)),
    ),
    "nobody dies": ("pareto_nbd", (*RARE, 1e-9, 1e9), "nbd", RARE),
    "nobody leaves after a purchase": ("bg_nbd", (*RARE, 1e-9, 1.0), "nbd", RARE),
    "nobody leaves after any purchase": ("mbg_nbd", (*RARE, 1e-9, 1.0), "nbd", RARE),
}


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(n, marks=[pytest.mark.slow] if "pareto_ggg" in LIMITS[n] else [])
        for n in sorted(LIMITS)
    ],
)
def test_at_its_limit_a_model_is_the_simpler_one(limit: str) -> None:
    general, at, simple, parameters = LIMITS[limit]
    rfm = histories([0, 1, 4, 9], [0, 30, 90, 90], [100, 100, 100, 95])
    made: Any = settings_of(general)
    process: Process[Any] = replace(made, k=1).process if "cnbd" in general else made.process
    found = process.counts(at, process.table(rfm))
    plain: Process[Any] = settings_of(simple).process
    expected = plain.counts(parameters, plain.table(rfm))

    near = 1e-4 if general == "pareto_ggg" else 1e-6
    edges = np.array([0.0, 20.0, 80.0])
    assert found.p_alive == pytest.approx(expected.p_alive, rel=near)
    assert found.mean(edges) == pytest.approx(expected.mean(edges), rel=near)
    assert found.pmf(60.0, 8) == pytest.approx(expected.pmf(60.0, 8), abs=near)
    assert found.dert(0.2, days=200.0) == pytest.approx(
        expected.dert(0.2, days=200.0), rel=max(near, 2e-4)
    )


def test_opportunities_of_donors_who_never_leave_are_those_of_the_beta_binomial() -> None:
    process: Process[Any] = settings_of("bg_bb").process
    x, n = np.array([0.0, 2.0, 6.0]), 8.0
    found = process.counts((1.2, 2.0, 1e-9, 1.0), process.table(histories(x, x, n)))

    expected = 5 * (1.2 + x) / (1.2 + 2.0 + n)
    assert found.mean(np.array([0.0, 5.0]))[:, 0] == pytest.approx(expected, rel=1e-6)
    assert found.p_alive == pytest.approx(np.ones(3), abs=1e-6)
