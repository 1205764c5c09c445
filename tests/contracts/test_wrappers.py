"""What every wrapper owes its callers, whatever it is wrapped around."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.models.baselines.everyone_average import EveryoneAverage
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.registry import Artifact, load_artifact, save_artifact
from patronage.scoring import Scoring, score
from patronage.snapshots import Snapshot, take_snapshot
from patronage.uncertainty import (
    Bootstrap,
    Conformal,
    IsotonicRecalibration,
    Recalibrated,
    SegmentRecalibration,
)
from patronage.value import Economics

HORIZON = Horizon(8, "week")
FEW = slice(0, 60)
MEAN = IsotonicRecalibration(ParetoNBD(), min_bin=40)
WRAPPED: dict[str, Model] = {
    "conformal": Conformal(ParetoNBD(), min_bucket=60),
    "split": Conformal(Recalibrated(ParetoNBD()), levels=(0.5, 0.9), method="split", min_bucket=60),
    "isotonic": MEAN,
    "segments": SegmentRecalibration(EveryoneAverage(), by="tenure"),
    "bootstrap of the fit": Bootstrap(ParetoNBD()),
    "bootstrap of errors": Bootstrap(EveryoneAverage(), n=200),
    "all of them": Conformal(Bootstrap(SegmentRecalibration(MEAN)), min_bucket=60),
}
FAST = {"conformal", "isotonic", "bootstrap of the fit"}
NAMES = pytest.mark.parametrize(
    "name",
    # One of each road stands for the others in the fast tests.
    [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in WRAPPED],
)


@pytest.fixture(scope="module")
def fit(snapshot: Snapshot) -> Callable[[str], FittedModel]:
    """Every wrapper is fitted once."""
    plain = take_snapshot(snapshot.events, as_of=snapshot.as_of)
    return cache(lambda name: WRAPPED[name].fit(plain, HORIZON, seed=5))


@NAMES
def test_quantiles_rise_and_agree_with_the_distribution(name, fit, snapshot):
    forecast = fit(name).predict(snapshot, HORIZON)
    levels = np.array([0.05, 0.1, 0.25, 0.5, 0.9, 0.95, 0.99])

    quantiles = forecast.quantile(levels.tolist())

    assert np.isfinite(quantiles).all()
    assert np.isfinite(forecast.mean()).all()
    assert (np.diff(quantiles, axis=1) >= -1e-9).all()
    for level, at in zip(levels, quantiles.T, strict=True):
        width = 1e-6 + 1e-4 * np.abs(at)
        assert (forecast.cdf(at - width)[0] <= level + 1e-4).all()
        assert (forecast.cdf(at + width)[1] >= level - 1e-4).all()


@NAMES
def test_survives_the_disk(name, fit, snapshot, tmp_path: Path):
    save_artifact(Artifact(name, fit(name), HORIZON, snapshot.as_of, "EUR"), tmp_path / "model")

    loaded = load_artifact(tmp_path / "model").fitted.predict(snapshot.take(FEW), HORIZON)

    ours = fit(name).predict(snapshot.take(FEW), HORIZON)
    np.testing.assert_array_equal(loaded.mean(), ours.mean())
    np.testing.assert_array_equal(loaded.quantile([0.1, 0.9]), ours.quantile([0.1, 0.9]))


@NAMES
def test_the_size_of_chunks_never_changes_a_score(name, fit, snapshot):
    few = snapshot.take(FEW)
    scoring = Scoring(fit(name), HORIZON, Economics(0.4, 0.10), name, "v", level_sd=0.1)

    at_once, in_sevens = (score(few, scoring, chunk_size=n) for n in (10_000, 7))

    assert_frame_equal(at_once, in_sevens, rel_tol=1e-9, abs_tol=1e-9)
    assert (at_once["clv_p10"] <= at_once["clv_p90"]).all()
    assert (at_once["clv_mean_low"] <= at_once["clv"]).all()


@NAMES
def test_a_part_of_a_forecast_is_the_forecast_of_the_part(name, fit, snapshot):
    rows = np.array([3, 17, 300, 41])
    whole = fit(name).predict(snapshot, HORIZON)

    part = whole.take(rows)

    np.testing.assert_allclose(part.mean(), whole.mean()[rows])
    np.testing.assert_allclose(part.quantile([0.9]), whole.quantile([0.9])[rows])
    assert part.sample(7, np.random.default_rng(0)).shape == (7, 4, HORIZON.n_periods)


@NAMES
def test_the_same_seed_gives_the_same_answer(name, fit, snapshot):
    plain = take_snapshot(snapshot.events, as_of=snapshot.as_of)
    again = WRAPPED[name].fit(plain, HORIZON, seed=5).predict(plain.take(FEW), HORIZON)

    ours = fit(name).predict(plain.take(FEW), HORIZON)
    np.testing.assert_array_equal(again.quantile([0.5, 0.9]), ours.quantile([0.5, 0.9]))
