"""The dictionary of features, and what is done where a log lacks the columns."""

from datetime import datetime

import polars as pl
import pytest

from patronage.engines.expressions import check_expression
from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.snapshots import FEATURES, take_snapshot
from patronage.snapshots.features import available_groups, describe
from patronage.snapshots.grains import GRAINS

PLAIN = pl.DataFrame(
    {
        "customer_id": [1, 1, 2],
        "date": [datetime(2024, 1, 1), datetime(2024, 1, 8), datetime(2024, 1, 3)],
        "amount": [10.0, 20.0, 5.0],
    }
)


def test_every_feature_is_described_with_its_type() -> None:
    found = describe()

    assert found["feature"].to_list() == [name for lines in FEATURES.values() for name in lines]
    assert found["description"].str.len_chars().min() > 2
    types = dict(found.select("feature", "type").rows())
    assert types["spent_28"] == "Float64"
    assert types["last_channel"] == "String"
    assert types["n_refunds"] == "Int64"


def test_a_plain_log_has_the_groups_that_need_no_more_and_nothing_of_the_others() -> None:
    log = EventLog.from_frame(PLAIN, currency="USD")

    there = available_groups(log)
    customers = take_snapshot(log, features=tuple(FEATURES)).customers

    assert set(there) == {name for name, group in FEATURES.items() if not group.needs}
    for name in set(FEATURES) - set(there):
        for feature in FEATURES[name]:
            assert customers[feature].drop_nulls().eq(0).all() or feature == "month"
    assert customers["spent_7"].to_list() == [20.0, 5.0]


@pytest.mark.parametrize(
    "sql",
    ["median(gap)", "sum(gap) / count(*)", "sum(gap) + wait", "mode(gap)", "sum(what)", "gap"],
)
def test_a_text_that_another_path_would_read_otherwise_is_refused(sql: str) -> None:
    with pytest.raises(SettingsError, match="cannot be computed alike"):
        check_expression(sql, GRAINS["days"].columns)


@pytest.mark.parametrize("group", FEATURES)
def test_every_line_is_on_the_tested_list(group: str) -> None:
    for sql in FEATURES[group].values():
        check_expression(sql, GRAINS[FEATURES[group].grain].columns)
