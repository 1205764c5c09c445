"""What a run leaves behind, and what a service makes of it."""

from datetime import date

import polars as pl
import pytest
from polars.testing import assert_frame_equal

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from live.running import a_run
from patronage.errors import ArtifactError, SettingsError
from patronage.events import EventLog
from patronage.live.spelling import Spelling
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite
from patronage.live.workspace import Workspace

EVENTS = pl.DataFrame(
    {
        "customer_id": [1, 1, 2, 2, 3],
        "event_time": [date(2025, 1, day) for day in (1, 20, 5, 25, 7)],
        "kind": ["purchase", "purchase", "purchase", "visit", "purchase"],
        "amount": [10.0, 20.0, 5.0, None, 8.0],
    }
)
RATES = pl.DataFrame({"kind": ["visit", "visit"], "sku": [None, "p"], "value": [0.5, 2.0]})
NONE_FIT = pl.DataFrame({"kind": ["click"], "value": [0.5]})


def run(folder, rates) -> Workspace:
    log = EventLog.from_frame(EVENTS, currency="EUR", rates=rates)
    a_run(log, "everyone_average", folder)
    return Workspace.open(folder)


def test_the_rate_table_is_kept_and_read_again(tmp_path):
    log = EventLog.from_frame(EVENTS, currency="EUR", rates=RATES)

    kept = run(tmp_path, RATES).log()

    assert log.rates is not None
    assert kept.rates is not None
    assert_frame_equal(kept.rates.table, log.rates.table)
    assert kept.rated_kinds == log.rated_kinds == ("visit",)


def test_a_run_without_rates_leaves_none_of_an_earlier_one(tmp_path):
    run(tmp_path, RATES)

    again = run(tmp_path, None)

    assert again.spelling == Spelling(whole_ids=True, has_clock=False)
    assert not (again.data / "rates.parquet").exists()


def test_a_folder_that_lost_its_rate_table_is_refused(tmp_path):
    (run(tmp_path, RATES).data / "rates.parquet").unlink()

    with pytest.raises(ArtifactError, match=r"lacks serving/rates\.parquet, by which visit got"):
        Workspace.open(tmp_path)


def test_a_store_does_not_go_on_with_other_kinds_of_cash(tmp_path):
    """The same events: ledgers that were begun would count a click for nothing."""
    plain = run(tmp_path / "plain", None)
    store = SqlEventStore(SQLite(tmp_path / "events.db"), plain.spelling)
    store.continue_from(plain.log_hash())

    rated = run(tmp_path / "rated", NONE_FIT)

    assert (plain.data / "events.parquet").read_bytes() == (
        rated.data / "events.parquet"
    ).read_bytes()
    with pytest.raises(SettingsError, match="the log of another run"):
        store.continue_from(rated.log_hash())
    store.close()
