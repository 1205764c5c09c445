"""Every purchase process of the catalogue: what it simulates is what its likelihood describes."""

from typing import Any

import numpy as np
import pytest

from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.process import Process
from patronage.models.catalog import MODELS, make_model
from patronage.models.fitting.compaction import compact

TRUTH = {
    "bg_nbd": (0.6, 20.0, 0.8, 2.5),
    "mbg_nbd": (0.6, 20.0, 0.8, 2.5),
    "pareto_nbd": (0.6, 20.0, 0.7, 90.0),
}
NAMES = sorted(
    name
    for name, entry in MODELS.items()
    if entry.family == "btyd" and entry.kind in ("forecast", "purchases")
)


def simulated(name: str, n: int, seed: int) -> tuple[Process[Any], Any]:
    process = make_model(name).process  # type: ignore[attr-defined]
    rng = np.random.default_rng(seed)
    return process, process.simulate(TRUTH[name], np.rint(rng.uniform(100, 300, n)), rng)


@pytest.mark.parametrize("name", NAMES)
def test_the_expected_score_at_the_truth_is_zero(name: str) -> None:
    process, table = simulated(name, 20_000, seed=1)
    theta = np.log(TRUTH[name])

    found = process.likelihood.moments(theta, compact(table).table)

    # The score of n customers has covariance -E[Hessian]; it is standardised by its root.
    root = np.linalg.cholesky(-found.hessian)
    standard = np.linalg.solve(root, found.gradient)
    assert np.abs(standard).max() < 4.5


@pytest.mark.parametrize("name", NAMES)
def test_rows_sum_to_the_value_and_own_parameters_are_obeyed(name: str) -> None:
    process, table = simulated(name, 300, seed=2)
    likelihood, theta = process.likelihood, np.log(TRUTH[name])
    rng = np.random.default_rng(3)
    own = theta + 0.3 * rng.standard_normal((len(table), len(theta)))

    rows = likelihood.log_likelihood(theta, table)
    assert table.weight @ rows == pytest.approx(float(likelihood.moments(theta, table).value))
    moments = likelihood.row_moments(own, table)
    assert likelihood.log_likelihood(own, table) == pytest.approx(moments.value, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_effects_act_on_what_they_name(name: str) -> None:
    """A rise by ln 2 doubles the purchase rate: half the time shows the same purchases."""
    process, _ = simulated(name, 1, seed=4)
    likelihood, theta = process.likelihood, np.log(TRUTH[name])
    rng = np.random.default_rng(5)
    faster = theta + np.log(2.0) * np.array(likelihood.effects["purchases"])

    T = np.full(4_000, 2.0)
    slow, fast = (
        process.simulate(np.exp(at).tolist(), span, rng)
        for at, span in ((theta, 2 * T), (faster, T))
    )
    if "dropout" in likelihood.effects:
        assert len(likelihood.effects["dropout"]) == len(theta)
    assert fast.x.mean() == pytest.approx(slow.x.mean(), rel=0.25)


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_are_those_of_the_family(name: str) -> None:
    assert isinstance(make_model(name), AbstractBTYD)
