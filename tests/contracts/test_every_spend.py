"""What every spend model of the catalogue owes: in a forecast, on disk, in JSON, in chunks."""

import json
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from patronage.engines import default_engine
from patronage.errors import EventSchemaError
from patronage.events import EventLog
from patronage.forecast import CompoundForecast
from patronage.horizon import Horizon
from patronage.jobs.fit_source import fit_source
from patronage.models.btyd.model import FittedBTYD
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.btyd.spending import FittedSpend, SpendModel
from patronage.models.catalog import MODELS, make_model
from patronage.registry import Artifact, load_artifact, save_artifact
from patronage.scoring import Scoring, score
from patronage.snapshots import Snapshot, take_snapshot
from patronage.snapshots.features import HISTORY
from patronage.value import Economics

NAMES = sorted(name for name, entry in MODELS.items() if entry.kind == "spend")
HORIZON = Horizon(8, "week")
Composed = Callable[[str], FittedBTYD]


@pytest.fixture(scope="module")
def shop(log: EventLog) -> EventLog:
    """The shop of all contracts, where one purchase in ten is a gift."""
    events = default_engine().frame(log.sql())
    gift = (pl.col("kind") == "purchase") & (pl.int_range(pl.len()) % 10 == 0)
    given = events.with_columns(amount=pl.when(gift).then(0).otherwise("amount"))
    return EventLog.from_frame(given, currency="EUR").compact()


@pytest.fixture(scope="module")
def snapshot(shop: EventLog) -> Snapshot:
    return take_snapshot(shop, as_of=date(2026, 1, 1), features=tuple(HISTORY))


@pytest.fixture(scope="module")
def composed(snapshot: Snapshot) -> Composed:
    """Pareto/NBD with each spend, from a snapshot without the feature groups that it reads."""
    bare = take_snapshot(snapshot.events, as_of=snapshot.as_of)

    @cache
    def fit(name: str) -> FittedBTYD:
        return ParetoNBD(spend=make_model(name)).fit(bare, HORIZON)  # type: ignore[arg-type]

    return fit


def forecast_of(fitted: FittedBTYD, snapshot: Snapshot) -> CompoundForecast:
    return fitted.predict(take_snapshot(snapshot.events, as_of=snapshot.as_of), HORIZON)


@pytest.mark.parametrize("name", NAMES)
def test_settings_and_what_was_learned_obey_their_protocols(name: str, composed: Composed) -> None:
    assert isinstance(make_model(name), SpendModel)
    spend = composed(name).spend
    assert isinstance(spend, FittedSpend)
    assert set(spend.features) <= set(composed(name).features)
    assert json.dumps(spend.facts)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_quantiles_distribution_and_draws_of_cash_agree(
    name: str, composed: Composed, snapshot: Snapshot
) -> None:
    forecast = forecast_of(composed(name), snapshot)
    levels = np.array([0.05, 0.25, 0.5, 0.9, 0.99])
    quantiles = forecast.quantile(levels.tolist())

    assert np.isfinite(forecast.mean()).all()
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= -1e-9).all()
    for level, at in zip(levels, quantiles.T, strict=True):
        width = 1e-6 + 1e-4 * np.abs(at)
        assert (forecast.cdf(at - width)[0] <= level + 1e-4).all()
        assert (forecast.cdf(at + width)[1] >= level - 1e-4).all()
    few = forecast.take(slice(0, 60))
    expected = few.mean().sum()
    draws = few.sample(2_000, np.random.default_rng(1))
    totals = few.sample_total(2_000, np.random.default_rng(2))
    for total in (draws.sum(axis=(1, 2)), totals.sum(axis=1)):
        assert abs(total.mean() - expected) <= 5 * total.std() / np.sqrt(2_000)


@pytest.mark.parametrize("name", NAMES)
def test_the_forecast_survives_the_disk(
    name: str, composed: Composed, snapshot: Snapshot, tmp_path: Path
) -> None:
    artifact = Artifact("any", composed(name), HORIZON, snapshot.as_of, "EUR")
    save_artifact(artifact, tmp_path / "model")
    loaded = load_artifact(tmp_path / "model").fitted
    before = forecast_of(composed(name), snapshot)
    after = loaded.predict(take_snapshot(snapshot.events, as_of=snapshot.as_of), HORIZON)

    assert np.array_equal(after.mean(), before.mean())
    assert np.array_equal(after.quantile([0.9]), before.quantile([0.9]))
    assert np.array_equal(after.mean_factors, before.mean_factors)


@pytest.mark.parametrize("name", NAMES)
def test_the_size_of_chunks_never_changes_a_score(
    name: str, composed: Composed, snapshot: Snapshot
) -> None:
    few = snapshot.take(slice(0, 60))
    scoring = Scoring(composed(name), HORIZON, Economics(0.4, 0.10), name, "v")

    at_once, in_sevens = (score(few, scoring, chunk_size=n) for n in (10_000, 7))

    assert_frame_equal(at_once, in_sevens, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_the_expected_cash_of_the_base_is_near_that_of_gamma_gamma(
    name: str, composed: Composed, snapshot: Snapshot
) -> None:
    found = forecast_of(composed(name), snapshot).mean().sum()

    usual = forecast_of(composed("gamma_gamma"), snapshot).mean().sum()
    assert found == pytest.approx(usual, rel=0.15)


@pytest.fixture(scope="module")
def events(shop: EventLog, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("events") / "events.csv"
    default_engine().frame(shop.sql()).write_csv(path)
    return str(path)


@pytest.mark.parametrize("name", NAMES)
def test_fit_tells_parameters_and_independence_as_json(name: str, events: str) -> None:
    told = json.loads(json.dumps(fit_source(events, name, horizon=HORIZON, currency="EUR")))

    assert told["parameters"]
    assert set(told["standard_errors"]) == set(told["parameters"])
    assert np.isfinite(told["log_likelihood"])
    assert set(told["independence"]) >= {"statistic", "p_value", "sentence"}
    if name == "best_spend":
        assert told["choice"]["model"] in ("gamma_gamma", "log_normal_spend")


def test_a_purchase_model_tells_whether_spend_is_independent(events: str) -> None:
    told = fit_source(events, "bg_nbd", horizon=HORIZON, currency="EUR")

    assert 0 <= told["spend"]["independence"]["p_value"] <= 1
    assert told["spend"]["independence"]["sentence"]


@pytest.mark.parametrize("name", NAMES)
def test_an_rfm_table_teaches_it_or_is_refused_with_the_columns(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = 1 + rng.poisson(2.0, 200)
    rows = [np.exp(3 + rng.normal() + 0.4 * rng.standard_normal(n)) for n in x]
    table = pl.DataFrame(
        {
            "frequency": x,
            "recency": np.full(200, 20.0),
            "T": np.full(200, 30.0),
            "monetary_value": [row.mean() for row in rows],
        }
    )
    more = table.with_columns(
        log_sum=pl.Series([np.log(row).sum() for row in rows]),
        log_square_sum=pl.Series([(np.log(row) ** 2).sum() for row in rows]),
        square_sum=pl.Series([(row**2).sum() for row in rows]),
        free=pl.Series(rng.poisson(0.5, 200)),
        recency_of_any=pl.Series(np.full(200, 21.0)),
    )
    more.write_csv(tmp_path / "more.csv")
    table.write_csv(tmp_path / "bare.csv")

    assert fit_source(str(tmp_path / "more.csv"), name, horizon=HORIZON)["parameters"]
    if name in ("gamma_gamma", "normal_spend"):
        assert fit_source(str(tmp_path / "bare.csv"), name, horizon=HORIZON)["parameters"]
    else:
        with pytest.raises(EventSchemaError, match="To mend"):
            fit_source(str(tmp_path / "bare.csv"), name, horizon=HORIZON)
