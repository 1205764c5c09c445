"""DuckDB's text in other dialects: read back, or refused by name."""

from datetime import date

import pytest

from patronage.engines import default_engine, parquet
from patronage.engines.transpile import DIALECTS, Source, transpile
from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.snapshots import FEATURES, customers_query


def events(paths: tuple[str, ...]) -> Source:
    described = default_engine().rows(f"DESCRIBE SELECT * FROM {parquet(paths)}")
    return Source("events", {row[0]: row[1] for row in described})


@pytest.fixture(scope="module")
def log() -> EventLog:
    table = {
        "customer_id": [1, 1, 2],
        "time": ["2024-01-01 10:00", "2024-02-01 11:00", "2024-02-03 12:00"],
        "kind": ["purchase", "refund", "purchase"],
        "amount": [10.0, -4.0, 2.5],
        "known_time": ["2024-01-02", "2024-02-09", "2024-02-03 12:00"],
    }
    return EventLog.from_frame(table, currency="USD").before(date(2024, 3, 1))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("group", FEATURES)
def test_every_group_of_features_is_text_of_every_dialect(
    log: EventLog, group: str, dialect: str
) -> None:
    import sqlglot

    query = customers_query(log, date(2024, 3, 1), [group])("")

    text = transpile(query, dialect, source=events)

    read_back = sqlglot.parse_one(text, read=dialect)
    assert {*FEATURES[group]} < {*read_back.named_selects}


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
