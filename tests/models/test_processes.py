"""Every purchase process of the catalogue: what it simulates is what its likelihood describes."""

from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest

from patronage.models.btyd.model import AbstractBTYD
from patronage.models.btyd.process import Process
from patronage.models.catalog import DISCRETE, MODELS, make_model
from patronage.models.encoders.covariates import Covariates
from patronage.models.encoders.designed import Designed
from patronage.models.encoders.linear import LinearEncoder
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.with_covariates import fit_with_covariates

TRUTH = {
    "bg_bb": (1.2, 0.8, 0.7, 2.8),
    "bg_cnbd_k": (0.6, 10.0, 0.8, 2.5),
    "bg_nbd": (0.6, 20.0, 0.8, 2.5),
    "ggompertz_nbd": (0.6, 20.0, 0.02, 0.8, 4.0),
    "mbg_cnbd_k": (0.6, 10.0, 0.8, 2.5),
    "mbg_nbd": (0.6, 20.0, 0.8, 2.5),
    "nbd": (0.6, 20.0),
    "pareto_ggg": (2.0, 1.0, 0.6, 20.0, 0.7, 90.0),
    "pareto_nbd": (0.6, 20.0, 0.7, 90.0),
}
NAMES = sorted(
    name
    for name, entry in MODELS.items()
    if entry.family == "btyd" and entry.kind in ("forecast", "purchases")
)
names = pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n == "pareto_ggg" else n for n in NAMES]
)


def simulated(name: str, n: int, seed: int) -> tuple[Process[Any], Any]:
    process = make_model(name).process  # type: ignore[attr-defined]
    rng = np.random.default_rng(seed)
    return process, process.simulate(TRUTH[name], np.rint(rng.uniform(100, 300, n)), rng)


@names
def test_the_expected_score_at_the_truth_is_zero(name: str) -> None:
    process, table = simulated(name, 20_000, seed=1)
    theta = np.log(TRUTH[name])

    found = process.likelihood.moments(theta, compact(table).table)

    # The score of n customers has covariance -E[Hessian]; it is standardised by its root.
    root = np.linalg.cholesky(-found.hessian)
    standard = np.linalg.solve(root, found.gradient)
    assert np.abs(standard).max() < 4.5


@names
def test_rows_sum_to_the_value_and_own_parameters_are_obeyed(name: str) -> None:
    process, table = simulated(name, 300, seed=2)
    likelihood, theta = process.likelihood, np.log(TRUTH[name])
    rng = np.random.default_rng(3)
    own = theta + 0.3 * rng.standard_normal((len(table), len(theta)))

    rows = likelihood.log_likelihood(theta, table)
    assert table.weight @ rows == pytest.approx(float(likelihood.moments(theta, table).value))
    moments = likelihood.row_moments(own, table)
    assert likelihood.log_likelihood(own, table) == pytest.approx(moments.value, rel=1e-9)


@names
@pytest.mark.parametrize("things", [("purchases",), ("purchases", "dropout")])
def test_sums_with_covariates_are_those_of_rows_by_the_chain_rule(
    name: str, things: tuple[str, ...]
) -> None:
    """Whether covariates make every parameter a row's own, or leave some to all rows."""
    process, table = simulated(name, 300, seed=6)
    likelihood, theta = process.likelihood, np.log(TRUTH[name])
    acting = tuple(thing for thing in things if thing in likelihood.effects)
    design = np.random.default_rng(7).standard_normal((len(table), 2))
    maps = np.zeros((len(acting), 2, 2 * len(acting)))
    for at in range(len(acting)):
        maps[at, :, 2 * at : 2 * at + 2] = np.eye(2)
    names = tuple(f"{thing}.{column}" for thing in acting for column in "ab")
    encoder = LinearEncoder(names, acting, maps, np.zeros((len(acting), 2)))
    coefficients = np.concatenate([theta, 0.1 * np.arange(1.0, len(names) + 1)])

    found = encoder.moments(likelihood, coefficients, Designed.of(table, design))

    # ∂θ/∂c of each row
    k, slope = len(theta), np.zeros((len(table), len(theta), len(coefficients)))
    slope[:, :, :k] = np.eye(k)
    for at, thing in enumerate(acting):
        one = np.array(likelihood.effects[thing])[None, :, None] * design[:, None, :]
        slope[:, :, k + 2 * at : k + 2 * at + 2] = one
    rows = likelihood.row_moments(slope @ coefficients, table)
    weight = table.weight
    assert found.value == pytest.approx(weight @ rows.value, rel=1e-10)
    gradient = np.einsum("r,ri,ric->c", weight, rows.gradient, slope)
    assert found.gradient == pytest.approx(gradient, rel=1e-7, abs=1e-7)
    hessian = np.einsum("r,ric,rij,rjd->cd", weight, slope, rows.hessian, slope, optimize=True)
    assert found.hessian == pytest.approx(hessian, rel=1e-7, abs=1e-6)


# In discrete time an effect is on odds, not on a rate.
@pytest.mark.parametrize("name", [name for name in NAMES if MODELS[name].setting != DISCRETE])
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


@names
def test_the_settings_are_those_of_the_family(name: str) -> None:
    assert isinstance(make_model(name), AbstractBTYD)


def joined(tables: list[Any]) -> Any:
    """The rows of several tables of one kind."""
    columns = {
        field.name: [getattr(table, field.name) for table in tables] for field in fields(tables[0])
    }
    return type(tables[0])(
        **{
            name: np.concatenate(values) if isinstance(values[0], np.ndarray) else values[0]
            for name, values in columns.items()
        }
    )


@cache
def shifted(name: str, n: int) -> tuple[Process[Any], Any, pl.DataFrame, Covariates]:
    """A process under four kinds of customers, and the effects that made them different."""
    process, rng = make_model(name).process, np.random.default_rng(6)  # type: ignore[attr-defined]
    effects = {"purchases": {"member": 0.5, "size": 0.4}, "dropout": {"member": -0.7}}
    effects = {k: v for k, v in effects.items() if k in process.likelihood.effects}
    tables, kinds = [], []
    for member in (0, 1):
        for size in (1.0, 2.0):
            theta = np.log(TRUTH[name])
            for thing, of in effects.items():
                shift = of["member"] * member + of.get("size", 0.0) * (size - 1)
                theta = theta + shift * np.array(process.likelihood.effects[thing])
            T = np.rint(rng.uniform(100, 300, n))
            tables.append(process.simulate(np.exp(theta).tolist(), T, rng))
            kinds.append(pl.DataFrame({"member": [bool(member)] * n, "size": [size] * n}))
    formulas = {thing: " + ".join(of) for thing, of in effects.items()}
    return process, joined(tables), pl.concat(kinds), Covariates(**formulas)


@names
def test_effects_of_covariates_are_recovered(name: str) -> None:
    process, table, kinds, covariates = shifted(name, 4_000)

    report, _, _ = fit_with_covariates(process.likelihood, table, kinds, covariates)

    truth = {"purchases.member[true]": 0.5, "purchases.size": 0.4, "dropout.member[true]": -0.7}
    assert report.converged
    assert not report.penalised
    assert set(report.effects) <= set(truth)
    for effect, found in report.effects.items():
        error = report.effect_errors[effect]
        assert 0 < error < 0.3
        assert abs(found - truth[effect]) < 4 * error, effect


@names
def test_derivatives_by_effects_are_those_of_differences(name: str) -> None:
    process, table, kinds, covariates = shifted(name, 40)
    _, fitted, _ = fit_with_covariates(process.likelihood, table, kinds, covariates)
    designed = fitted.beside(table, kinds)
    encoder, likelihood = fitted.encoder, process.likelihood
    n_effects = len(encoder.effect_names)
    at = np.concatenate([np.log(TRUTH[name]), np.linspace(-0.3, 0.4, n_effects)])

    # Every row has its own θ in the one, and the groups of equal covariates in the other.
    assert designed.groups is None
    together = Designed(joined([table] * 10), np.tile(designed.pattern, 10), designed.patterns)
    assert together.groups is not None
    rows, groups = (encoder.moments(likelihood, at, one) for one in (designed, together))

    for summed, ten in zip(rows, groups, strict=True):
        np.testing.assert_allclose(10 * summed, ten, rtol=1e-9, atol=1e-8)
    step = 1e-5 * np.eye(len(at))
    for place, up in enumerate(step):
        ends = [encoder.moments(likelihood, at + sign * up, designed) for sign in (1, -1)]
        scale = 1e-6 * np.abs(rows.hessian).max()
        slope = (ends[0].value - ends[1].value) / 2e-5
        assert rows.gradient[place] == pytest.approx(slope, abs=scale)
        bend = (ends[0].gradient - ends[1].gradient) / 2e-5
        assert rows.hessian[place] == pytest.approx(bend, abs=scale)
