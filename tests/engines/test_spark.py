"""The same text on Spark: the same snapshots, scores and fits, to the last digit of money.

One file, so that one session serves all of it.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from patronage.cli.main import app
from patronage.datasets import SimulationSettings, simulate
from patronage.datasets.btyd import simulate_btyd
from patronage.engines import SparkEngine, default_engine, parquet, spark_engine
from patronage.errors import MissingExtraError, SettingsError
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs import fit_source
from patronage.models.catalog import make_model
from patronage.registry import Artifact, save_artifact
from patronage.snapshots import FEATURES, Snapshot, observe_outcome, take_snapshot

HISTORY = ("rhythm", "money", "windows", "regularity", "amounts", "nets", "free")
START = date(2023, 1, 1)
KINDS = ("purchase", "renewal", "refund", "fee", "visit", "tier_change")


@pytest.fixture(scope="module")
def spark(java: None) -> Iterator[SparkEngine]:  # noqa: ARG001
    engine = spark_engine()
    yield engine
    engine.close()


def _log(seed: int, *, clock: bool, late: bool, kinds: bool, texts: bool, fine: bool) -> EventLog:
    """Some hundred customers.

    late : some rows are learned up to 200 days after they happened
    fine : amounts with more digits than money has, some of them halfway between two
    """
    rng = np.random.default_rng(seed)
    n = 3_000
    who = np.sort(rng.integers(0, 400, n))
    second = rng.integers(0, 500 * 86_400, n)
    when = [
        datetime.combine(START, datetime.min.time()) + timedelta(seconds=int(s)) for s in second
    ]
    amount = np.where(rng.random(n) < 0.1, 0.0, rng.gamma(2.0, 20.0, n))
    table: dict[str, Any] = {
        "customer_id": [f"c–{k % 90}/{k}" for k in who.tolist()] if texts else who,
        "time": when if clock else [one.date() for one in when],
        "amount": np.round(amount / 0.00005) * 0.00005 if fine else np.round(amount, 2),
    }
    if kinds:
        table["kind"] = rng.choice(KINDS, n, p=[0.6, 0.05, 0.1, 0.05, 0.15, 0.05])
    if texts:
        table["channel"] = rng.choice(["web", "", "shop "], n)
    if late:
        days = rng.choice([0, 0, 0, 2, 200], n).tolist()
        table["known_time"] = [t + timedelta(days=k) for t, k in zip(when, days, strict=True)]
    return EventLog.from_frame(pl.DataFrame(table), currency="USD", has_clock=clock)


def _same(mine: pl.DataFrame, other: pl.DataFrame) -> None:
    """Whole numbers, days and texts exactly; floats to 1e-9 (and 1e-9 where they are rounded)."""
    assert_frame_equal(mine, other, rel_tol=1e-9, abs_tol=1e-9)
    money = [name for name in ("spend", "cash", "first_amount") if name in mine.columns]
    assert mine.select(money).equals(other.select(money))


@pytest.mark.slow
@settings(max_examples=2)
@given(
    seed=st.integers(0, 2**31),
    day=st.integers(60, 800),
    groups=st.lists(st.sampled_from([*FEATURES]), min_size=5, max_size=5, unique=True),
    told=st.fixed_dictionaries(
        {name: st.booleans() for name in ("clock", "late", "kinds", "texts", "fine")}
    ),
)
def test_a_snapshot_on_spark_is_the_snapshot_on_duckdb(
    spark: SparkEngine, seed: int, day: int, groups: list[str], told: dict[str, bool]
) -> None:
    log, as_of = _log(seed, **told), START + timedelta(days=day)
    features = (
        *dict.fromkeys((*HISTORY, *groups)),
        *(("first_purchase.channel",) if told["texts"] else ()),
    )

    there = take_snapshot(log.on(spark), as_of=as_of, features=features)

    here = take_snapshot(log, as_of=as_of, features=features)
    _same(here.customers, there.customers)


@pytest.mark.slow
def test_every_group_of_features_is_the_same_on_spark(spark: SparkEngine) -> None:
    drawn = SimulationSettings(n_customers=150, start=date(2025, 1, 1), end=date(2026, 1, 1))
    log, as_of = simulate(drawn, seed=1).log(), date(2025, 10, 1)

    there = take_snapshot(log.on(spark), as_of=as_of, features=tuple(FEATURES))

    here = take_snapshot(log, as_of=as_of, features=tuple(FEATURES))
    _same(here.customers, there.customers)


@pytest.mark.slow
def test_an_outcome_and_a_ledger_on_spark_are_those_on_duckdb(spark: SparkEngine) -> None:
    log = _log(5, clock=False, late=True, kinds=True, texts=False, fine=False)
    as_of = START + timedelta(days=300)

    def seen(one: EventLog) -> tuple[Snapshot, Any]:
        known = take_snapshot(one.compact(), as_of=as_of, features=HISTORY)
        judge = take_snapshot(one, as_of=START + timedelta(days=500))
        return known, observe_outcome(judge, known, Horizon(8, "week"))

    (here, outcome), (there, outcome_there) = seen(log), seen(log.on(spark))
    _same(here.customers, there.customers)
    assert np.array_equal(outcome.cash, outcome_there.cash)
    assert np.array_equal(outcome.purchases, outcome_there.purchases)


@pytest.mark.slow
def test_where_the_dialects_part_spark_answers_as_duckdb_does(
    spark: SparkEngine, tmp_path: Path
) -> None:
    table = pl.DataFrame(
        {
            "k": [1, 1, 1, 2],
            "x": [2.5, -3.5, 1.00005, 0.15],
            "n": [7, -7, 2, 4],
            "money": pl.Series(["1.1000", "2.5000", "3.0005", None]).cast(pl.Decimal(18, 4)),
            "on_day": [date(2024, 2, 28), date(2024, 3, 1), date(1969, 12, 30), None],
            "instant": [datetime(2024, 1, 1, 0, 0, 0, 7), datetime(1969, 1, 1), None, None],
            "none": pl.Series([None, 1.0, 2.0, None], dtype=pl.Float64),
        }
    )
    path = tmp_path / "table.parquet"
    table.write_parquet(path)
    rows = {
        "rounded": "x::BIGINT",
        "decimal": "x::DECIMAL(18,4)",
        "whole": "money::INT",
        "half": "n / 2",
        "share": "money / n",
        "days": "on_day - DATE '2024-01-01'",
        "before": "on_day - 7",
        "weeks": "floor((DATE '2024-01-01' - 1 - on_day) / 7)::BIGINT",
        "micros": "epoch_us(instant)",
        "seconds": "epoch(on_day)",
        "finite": "isfinite(x)",
        "month": "date_trunc('month', on_day)::DATE",
        "most": "greatest(x, none)",
    }
    groups = {
        "mean": "avg(money) FILTER (n > 0)",
        "first": "arg_min(none, on_day)",
        "last": "arg_max(none, on_day) FILTER (n < 3)",
        "spread": "stddev_samp(x)",
        "square": "sum(money::DECIMAL(38,4) * money::DECIMAL(38,4))::DOUBLE",
        "middle": "median(x)",
    }
    source = parquet([path])
    listed = ", ".join(f"{sql} AS {name}" for name, sql in rows.items())
    grouped = ", ".join(f"{sql} AS {name}" for name, sql in groups.items())
    texts = [
        f"SELECT x, {listed} FROM {source} ORDER BY x",
        f"SELECT k, {grouped} FROM {source} GROUP BY k ORDER BY k",
        f"SELECT * EXCLUDE (money) REPLACE (n + 1 AS n) FROM {source} "
        "QUALIFY row_number() OVER (PARTITION BY k ORDER BY on_day) = 1 ORDER BY k, n",
        f"SELECT x, lag(x) OVER w AS past, sum(n) FILTER (x > 0) OVER w AS so_far FROM {source} "
        "WINDOW w AS (PARTITION BY k ORDER BY on_day) ORDER BY x",
    ]

    for text in texts:
        here, there = default_engine().frame(text), spark.frame(text)
        floats = [name for name, kind in here.schema.items() if kind.is_numeric()]
        cast = pl.col(floats).cast(pl.Float64)
        assert_frame_equal(here.with_columns(cast), there.with_columns(cast), rel_tol=1e-14)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Purchases of two thousand customers of a Pareto/NBD, with money."""
    path = tmp_path_factory.mktemp("simulated") / "events.parquet"
    drawn = simulate_btyd("pareto_nbd", 2_000, whole_days=True, seed=3)
    drawn.events.write_parquet(path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("model", ["pareto_nbd", "mbg_cnbd_k", "zero_inflated_spend"])
def test_a_fit_to_histories_grouped_on_spark_is_the_fit_to_all(
    spark: SparkEngine, simulated: Path, model: str
) -> None:
    del spark
    asked: dict[str, Any] = {"horizon": Horizon(26, "week")}

    there = fit_source(str(simulated), model, engine="spark", **asked)

    here = fit_source(str(simulated), model, **asked)
    assert dict(_numbers(there)) == pytest.approx(dict(_numbers(here)), rel=1e-9, nan_ok=True)


def _numbers(told: dict[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """All numbers of a fit but how the search for it went."""
    for name, value in told.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{before}{name}.")
        elif isinstance(value, int | float) and name not in ("gradient_norm", "n_rows_compacted"):
            yield before + name, value


@pytest.mark.slow
@pytest.mark.parametrize("model", ["pareto_nbd", "mbg_cnbd_k", "hurdle_lightgbm"])
def test_scores_made_by_the_workers_are_those_of_one_machine(
    spark: SparkEngine, simulated: Path, tmp_path: Path, model: str
) -> None:
    del spark
    _save(model, simulated, tmp_path / "model")

    def scored(engine: str) -> pl.DataFrame:
        out = tmp_path / f"{engine}.parquet"
        words = ["score", simulated, "--model", tmp_path / "model", "--margin", "0.4"]
        _patronage(*words, "--engine", engine, "--out", out)
        return pl.read_parquet(out)

    assert_frame_equal(scored("duckdb"), scored("spark"), rel_tol=1e-9)


@pytest.mark.slow
def test_a_model_that_reads_events_says_so_from_the_worker(
    spark: SparkEngine, simulated: Path, tmp_path: Path
) -> None:
    del spark
    _save("bg_bb", simulated, tmp_path / "model")

    with pytest.raises(SettingsError, match="reads events beside the columns") as said:
        _patronage("score", simulated, "--model", tmp_path / "model", "--engine", "spark")

    assert "To mend: --engine duckdb" in str(said.value)


def _save(model: str, events: Path, folder: Path) -> None:
    log, horizon = EventLog.from_frame(pl.read_parquet(events), currency="USD"), Horizon(8, "week")
    snapshot = take_snapshot(log)
    fitted = make_model(model).fit(snapshot, horizon)
    save_artifact(Artifact(model, fitted, horizon, snapshot.as_of, "USD"), folder)


def test_without_java_spark_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)

    with pytest.raises(SettingsError, match="openjdk-17-jre-headless"):
        SparkEngine().rows("SELECT 1 AS one")


def test_without_pyspark_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyspark", None)

    with pytest.raises(MissingExtraError, match=r"patronage\[spark\]"):
        SparkEngine().rows("SELECT 1 AS one")


def test_an_engine_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsError, match="duckdb, spark"):
        _patronage("fit", "e.csv", "--model", "bg_nbd", "--engine", "sparc")


def _patronage(*words: object) -> None:
    """The command, its errors as they are raised."""
    app(["--log", "off", *map(str, words)], standalone_mode=False)
