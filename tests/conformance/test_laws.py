"""Laws that every purchase process obeys, whatever its numbers.

That ranks of the truth among posterior draws are uniform, and that intervals cover as often as they
say, is tested in tests/models/test_btyd_posteriors.py.
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
names = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name == "pareto_ggg" else name
        for name in sorted(TRUTH)
    ],
)


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
