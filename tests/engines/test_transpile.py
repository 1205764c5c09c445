"""DuckDB's text in other dialects: read back, or refused by name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from patronage.datasets import SimulationSettings, simulate
from patronage.engines import default_engine, parquet
from patronage.engines.transpile import DIALECTS, Source, transpile
from patronage.errors import SettingsError
from patronage.snapshots import FEATURES, RUN_FEATURES, take_snapshot


def events(paths: tuple[str, ...]) -> Source:
    described = default_engine().rows(f"DESCRIBE SELECT * FROM {parquet(paths)}")
    name = "_".join(Path(path).stem.partition("-")[0] for path in paths)
    return Source(f"table_{name}", {row[0]: row[1] for row in described})


class AlsoIn:
    """DuckDB, and every text beside it in another dialect, read back."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self.columns: set[str] = set()

    def frame(self, sql: str, parameters: Mapping[str, object] | None = None) -> pl.DataFrame:
        import sqlglot

        text = transpile(sql, self.dialect, source=events)
        self.columns |= {*sqlglot.parse_one(text, read=self.dialect).named_selects}
        return default_engine().frame(sql, parameters)

    def rows(self, sql: str, parameters: Mapping[str, object] | None = None) -> list[Any]:
        return default_engine().rows(sql, parameters)

    def row(self, sql: str, parameters: Mapping[str, object] | None = None) -> tuple[Any, ...]:
        return default_engine().row(sql, parameters)

    def write(
        self,
        sql: str,
        path: Path,
        parameters: Mapping[str, object] | None = None,
        *,
        compression: str = "snappy",
    ) -> Path:
        return default_engine().write(sql, path, parameters, compression=compression)


def _said_in(dialect: str, groups: Sequence[str]) -> None:
    drawn = SimulationSettings(n_customers=30, start=date(2025, 1, 1), end=date(2025, 6, 1))
    engine = AlsoIn(dialect)
    log = replace(simulate(drawn, seed=1).log(), elsewhere=engine)

    take_snapshot(log, features=groups)

    assert {feature for name in groups for feature in FEATURES[name]} <= engine.columns


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_text_of_a_snapshot_is_text_of_every_dialect(dialect: str) -> None:
    _said_in(dialect, RUN_FEATURES)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_group_of_features_is_text_of_every_dialect(dialect: str) -> None:
    # Redshift cannot part a text into words.
    _said_in(dialect, [name for name in FEATURES if (dialect, name) != ("redshift", "words")])


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("list(amount ORDER BY time)", "loses its order"),
        ("mode(amount)", "equally frequent"),
        ("quantile_cont(amount, 0.5)", "another name"),
        ("epoch(time - time)", "neither a day nor an instant"),
        ("any_value(amount)", "use min"),
        ("arg_max(amount, time, 2)", "several values"),
        ("histogram(amount)", "not among the tested functions"),
        ("max(file_row_number)", "row numbers"),
        ("max(amount::VARCHAR)", "float is written as text"),
    ],
)
def test_what_would_mean_something_else_is_refused(expression: str, why: str) -> None:
    columns = {"amount": "DOUBLE", "time": "TIMESTAMP"}

    with pytest.raises(SettingsError, match=why):
        transpile(
            f"SELECT {expression} AS found FROM read_parquet(['a.parquet'])",
            source=lambda _: Source("events", columns),
        )
