"""Published counts of public data, from the files as they are."""

from datetime import date
from pathlib import Path

import pytest

from patronage.events import EventLog, read_events
from patronage.horizon import Horizon
from patronage.snapshots import calibration_holdout, take_snapshot


@pytest.fixture(scope="module")
def cdnow(data_dir: Path) -> EventLog:
    return read_events(data_dir / "cdnow" / "cdnow_master.parquet", currency="USD")


def test_cdnow_rfm_has_the_published_sums(cdnow: EventLog) -> None:
    rfm = take_snapshot(cdnow, as_of=date(1997, 10, 1)).rfm()

    assert len(rfm) == 23_570
    assert rfm.frequency.sum() == 24_337 - 1  # one repeat day had nothing paid, and is not counted
    assert rfm.T.sum() / 7 == pytest.approx(771_390.9, abs=0.05)


def test_cdnow_holdout_money_is_exact(cdnow: EventLog) -> None:
    table = calibration_holdout(cdnow, as_of=date(1997, 10, 1), horizon=Horizon(39, "week"))

    assert table["cash_holdout"].sum() == pytest.approx(776_961.13, abs=1e-6)
    assert table["frequency_holdout"].sum() == 19_684 - 7  # days on which nothing was paid


@pytest.mark.slow
def test_online_retail_keeps_account_of_rows_without_a_customer(data_dir: Path) -> None:
    log = read_events(data_dir / "online_retail_ii" / "online_retail_ii.parquet", currency="GBP")

    assert log.quality.n_rows_read == 1_067_370
    assert log.quality.quarantined == {"missing customer id": 243_007}
    assert log.has_clock
    assert len(take_snapshot(log).customers) == 5_942
