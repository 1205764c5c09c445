"""What every forecast model of the catalogue owes its callers, the recalibrated ones too."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from polars.testing import assert_frame_equal

from patronage.errors import HorizonError
from patronage.events import EventLog
from patronage.forecast import AbstractForecast
from patronage.horizon import Horizon
from patronage.jobs.candidates import EVERY, candidates
from patronage.models.base import FittedModel, Model
from patronage.models.catalog import MODELS
from patronage.registry import Artifact, load_artifact, save_artifact
from patronage.scoring import Scoring, score
from patronage.snapshots import Snapshot, take_snapshot
from patronage.value import Economics

NAMES = tuple(candidates((EVERY,)).models)
HORIZON = Horizon(8, "week")
ECONOMICS = Economics(0.4, 0.10)
# Whatever learns from outcomes, and what a default run leaves out.
SLOW = {
    name
    for name, entry in MODELS.items()
    if entry.family in ("tabular", "ensemble") or not entry.by_default
}
# These serve any horizon; what learns from outcomes serves the one that it has learned.
PROCESSES = {name for name in NAMES if MODELS[name.split(" ")[0]].family in ("baseline", "btyd")}

Fitted = Callable[[str], FittedModel]


def marked(names: Iterable[str]) -> list[Any]:
    return [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in names]


def assert_same(
    first: AbstractForecast, second: AbstractForecast, tolerance: float = 1e-12
) -> None:
    """Equal in everything that a caller can see."""
    np.testing.assert_array_equal(first.customer_id, second.customer_id)
    np.testing.assert_allclose(first.mean(), second.mean(), rtol=tolerance)
    levels = [0.1, 0.5, 0.9]
    np.testing.assert_allclose(
        first.quantile(levels), second.quantile(levels), rtol=max(tolerance, 1e-9), atol=1e-9
    )
    for column in ("p_alive", "n_purchases", "mean_factors"):
        mine, theirs = getattr(first, column), getattr(second, column)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=1e-12)


@pytest.mark.parametrize("name", marked(NAMES))
def test_means_are_finite_and_of_the_right_shape(
    name: str, fitted: Fitted, snapshot: Snapshot
) -> None:
    forecast = fitted(name).predict(snapshot, HORIZON)
    shape = (len(snapshot.customers), HORIZON.n_periods)

    assert forecast.customer_id.tolist() == snapshot.customers["customer_id"].to_list()
    assert (forecast.as_of, forecast.horizon) == (snapshot.as_of, HORIZON)
    assert forecast.mean().shape == shape
    assert np.isfinite(forecast.mean()).all()
    assert forecast.mean().sum() >= 0
    if forecast.p_alive is not None:
        assert forecast.p_alive.shape == shape[:1]
        assert ((forecast.p_alive >= 0) & (forecast.p_alive <= 1)).all()
    if forecast.n_purchases is not None:
        assert forecast.n_purchases.shape == shape
        assert np.isfinite(forecast.n_purchases).all()
        assert (forecast.n_purchases >= 0).all()
    if forecast.mean_factors is not None:
        assert forecast.mean_factors.shape[0] == shape[0]
        assert np.isfinite(forecast.mean_factors).all()
    survival = forecast.survival()
    if survival is not None:
        assert survival.shape == shape
        assert ((survival >= 0) & (survival <= 1)).all()
        assert (np.diff(survival, axis=1) <= 1e-12).all()


@pytest.mark.parametrize("name", marked(NAMES))
def test_quantiles_rise_and_agree_with_the_distribution(
    name: str, fitted: Fitted, snapshot: Snapshot
) -> None:
    forecast = fitted(name).predict(snapshot.take(slice(0, 150)), HORIZON)
    levels = np.array([0.05, 0.25, 0.5, 0.75, 0.9, 0.99])

    quantiles = forecast.quantile(levels.tolist())

    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= -1e-9).all()
    for level, at in zip(levels, quantiles.T, strict=True):
        below, up_to = forecast.cdf(at)
        assert ((below >= 0) & (below <= up_to + 1e-12) & (up_to <= 1)).all()
        # The level lies in the step at its quantile; 1e-4 is how far the inversion is driven.
        width = 1e-6 + 1e-4 * np.abs(at)
        assert (forecast.cdf(at - width)[0] <= level + 1e-4).all()
        assert (forecast.cdf(at + width)[1] >= level - 1e-4).all()


@pytest.mark.parametrize("name", marked(NAMES))
def test_draws_have_the_mean_of_the_forecast(name: str, fitted: Fitted, snapshot: Snapshot) -> None:
    forecast = fitted(name).predict(snapshot.take(slice(0, 60)), HORIZON)

    draws = forecast.sample(2_000, np.random.default_rng(1))

    assert draws.shape == (2_000, 60, HORIZON.n_periods)
    assert np.isfinite(draws).all()
    # Over customers, where heavy tails of one even out; the tables of recalibrated forecasts
    # answer quantiles, and their draws may miss the mean by a few percent.
    totals = draws.sum(axis=(1, 2))
    expected = forecast.mean().sum()
    noise = 5 * totals.std() / np.sqrt(len(totals))
    assert abs(totals.mean() - expected) <= noise + 0.05 * expected
    total_only = forecast.sample_total(2_000, np.random.default_rng(2)).sum(axis=1)
    assert abs(total_only.mean() - expected) <= noise + 0.05 * expected


@pytest.mark.parametrize("name", marked(NAMES))
def test_a_part_of_a_forecast_is_the_forecast_of_the_part(
    name: str, fitted: Fitted, snapshot: Snapshot
) -> None:
    whole = fitted(name).predict(snapshot, HORIZON)
    rows = np.array([3, 17, 300, 41])

    assert_same(
        whole.take(slice(10, 25)), fitted(name).predict(snapshot.take(slice(10, 25)), HORIZON)
    )
    np.testing.assert_allclose(whole.take(rows).mean(), whole.mean()[rows])
    np.testing.assert_allclose(whole.take(rows).quantile([0.9]), whole.quantile([0.9])[rows])


@pytest.mark.parametrize("name", marked(NAMES))
def test_survives_the_disk(name: str, fitted: Fitted, snapshot: Snapshot, tmp_path: Path) -> None:
    few = snapshot.take(slice(0, 50))
    artifact = Artifact(name, fitted(name), HORIZON, snapshot.as_of, "EUR")

    version = save_artifact(artifact, tmp_path / "model")
    loaded = load_artifact(tmp_path / "model")

    assert (loaded.name, loaded.version) == (name, version)
    assert_same(
        loaded.fitted.predict(few, HORIZON), fitted(name).predict(few, HORIZON), tolerance=0
    )


@pytest.mark.parametrize("name", marked(NAMES))
def test_another_horizon_is_served_or_refused(
    name: str, fitted: Fitted, snapshot: Snapshot
) -> None:
    few, other = snapshot.take(slice(0, 50)), Horizon(5, "month")

    if name not in PROCESSES:
        with pytest.raises(HorizonError, match="To mend"):
            fitted(name).predict(few, other)
        return
    longer = fitted(name).predict(few, other)
    assert longer.mean().shape == (50, 5)
    assert longer.mean().sum() >= fitted(name).predict(few, HORIZON).mean().sum()


# What is slow to fit `test_the_future_changes_nothing` fits twice with one seed too.
@pytest.mark.parametrize("name", [name for name in NAMES if name not in SLOW])
def test_the_same_seed_gives_the_same_answer(name: str, fitted: Fitted, snapshot: Snapshot) -> None:
    # Why a new catalogue: the one of `fitted` remembers its fits.
    again = candidates((EVERY,)).models[name].fit(snapshot, HORIZON, seed=5)

    few = snapshot.take(slice(0, 80))
    assert_same(again.predict(few, HORIZON), fitted(name).predict(few, HORIZON))


@pytest.mark.parametrize("name", marked(NAMES))
def test_the_future_changes_nothing(
    name: str, fitted: Fitted, model: Callable[[str], Model], alone: Snapshot, snapshot: Snapshot
) -> None:
    """A log cut at as_of by hand gives the same model."""
    assert_frame_equal(alone.customers, snapshot.customers)
    few = slice(0, 80)
    forecast = model(name).fit(alone, HORIZON, seed=5).predict(alone.take(few), HORIZON)
    assert_same(forecast, fitted(name).predict(snapshot.take(few), HORIZON), tolerance=1e-9)


@pytest.mark.parametrize("name", marked(NAMES))
def test_the_size_of_chunks_never_changes_a_score(
    name: str, fitted: Fitted, snapshot: Snapshot
) -> None:
    few = snapshot.take(slice(0, 60))
    scoring = Scoring(fitted(name), HORIZON, ECONOMICS, name, "v")

    at_once, in_sevens = (score(few, scoring, chunk_size=n) for n in (10_000, 7))

    assert_frame_equal(at_once, in_sevens, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize("name", marked(sorted(PROCESSES & set(MODELS))))
def test_nor_does_it_on_a_history_shorter_than_the_horizon(
    name: str, model: Callable[[str], Model], log: EventLog
) -> None:
    young = take_snapshot(log, as_of=date(2025, 2, 15))
    scoring = Scoring(model(name).fit(young, HORIZON), HORIZON, ECONOMICS, name, "v")

    at_once, one_by_one = (score(young, scoring, chunk_size=n) for n in (10_000, 1))

    assert_frame_equal(at_once, one_by_one, rel_tol=1e-12, abs_tol=1e-12)


@pytest.mark.parametrize("name", marked(sorted(PROCESSES)))
def test_a_day_later_the_process_models_still_serve(
    name: str, fitted: Fitted, log: EventLog, snapshot: Snapshot
) -> None:
    later = take_snapshot(log, as_of=snapshot.as_of + timedelta(days=20))

    assert np.isfinite(fitted(name).predict(later.take(slice(0, 80)), HORIZON).mean()).all()
