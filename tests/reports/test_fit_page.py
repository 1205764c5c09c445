"""The page of one fitted model, from real fits; and its charts from the smallest frames."""

import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from patronage.datasets import simulate_btyd
from patronage.events import read_events
from patronage.horizon import Horizon
from patronage.jobs.fit_report import fit_report
from patronage.models.catalog import make_model
from patronage.reports.charts.alive_history import alive_history_chart
from patronage.reports.charts.cumulative import cumulative_chart
from patronage.reports.charts.frequency_recency import frequency_recency_chart
from patronage.reports.charts.holdout_by_frequency import holdout_by_frequency_chart
from patronage.reports.charts.repeat_counts import repeat_counts_chart
from patronage.reports.render import chart_svg
from patronage.snapshots import take_snapshot

DAY = date(2024, 1, 1)
HORIZON = Horizon(13, "week")


@pytest.fixture(scope="module")
def log():
    drawn = simulate_btyd("mbg_nbd", 600, days=420, acquisition_days=90, whole_days=True, seed=4)
    return read_events(drawn.events, currency="USD")


@pytest.fixture(scope="module")
def folder(log, tmp_path_factory) -> Path:
    """The page of a fit with a holdout."""
    snapshot = take_snapshot(log, as_of=date(2024, 11, 1))
    fitted = make_model("mbg_nbd").fit(snapshot, HORIZON)
    out = tmp_path_factory.mktemp("fit")
    page = fit_report(fitted, log, snapshot, HORIZON, model="mbg_nbd", unit="week", folder=out)
    assert page == out / "fit.html"
    return out


def test_the_page_shows_its_charts_and_loads_nothing(folder):
    html = (folder / "fit.html").read_text()

    assert html.count("<svg") == 7
    assert "Did it foretell?" in html
    assert not re.search(r'(src|href)="(?!#)', html)
    assert "<script" not in html
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


def test_the_frames_lie_beside_the_page(folder):
    frames = {path.stem: pl.read_csv(path) for path in folder.glob("*.csv")}

    assert set(frames) == {
        *("parameters", "tracking", "repeat_counts", "predictive_checks", "frequency_recency"),
        *("alive_history", "data_needed", "holdout_by_frequency"),
    }
    assert frames["repeat_counts"]["actual"].sum() == 600
    assert frames["holdout_by_frequency"]["n_customers"].sum() == 600
    assert frames["parameters"]["parameter"].to_list() == ["r", "alpha", "a", "b"]


@pytest.mark.slow
def test_a_fit_to_all_that_is_known_has_no_holdout(log, tmp_path):
    snapshot = take_snapshot(log)
    fitted = make_model("bg_nbd").fit(snapshot, HORIZON)
    page = fit_report(fitted, log, snapshot, HORIZON, model="bg_nbd", unit="day", folder=tmp_path)

    html = page.read_text()
    assert "Did it foretell?" not in html
    assert "weeks of the fit" in html.replace("\u00a0", " ")
    assert not (tmp_path / "holdout_by_frequency.csv").exists()


def svg(chart) -> str:
    return chart_svg(chart, "c", label="x")


def test_charts_say_what_they_found_of_the_smallest_frames():
    track = pl.DataFrame({"start": [DAY], "cumulative_actual": [1.0], "cumulative_expected": [1.2]})
    matrix = pl.DataFrame(
        {"frequency": [0, 1], "recency": [0.0, 7.0], "p_alive": [0.5, 1.0]}
    ).with_columns(expected_purchases=pl.lit(0.0))
    history = pl.DataFrame({"day": [DAY], "p_alive": [1.0], "purchased": [True]})
    held = pl.DataFrame(
        {"frequency": [0], "actual": [0.5], "expected": [0.4], "low": [None], "high": [None]},
        schema_overrides={"low": pl.Float64, "high": pl.Float64},
    )
    charts = (
        cumulative_chart(track, as_of=DAY.isoformat(), finding="Found it"),
        frequency_recency_chart(matrix, value="p_alive", finding="Found it"),
        frequency_recency_chart(matrix, value="expected_purchases", finding="Found it"),
        alive_history_chart(history, finding="Found it"),
        repeat_counts_chart(held, finding="Found it"),
        holdout_by_frequency_chart(held, finding="Found it"),
    )

    for chart in charts:
        assert "Found it" in svg(chart)


def test_the_last_bin_is_and_more():
    counts = pl.DataFrame(
        {"frequency": [0, 1, 2], "actual": [5, 3, 2], "expected": [4.8, 3.1, 2.1]}
    )

    drawn = svg(repeat_counts_chart(counts, finding="x"))
    assert ">2+<" in drawn
    assert ">1+<" not in drawn


def test_parameters_without_a_maximum_need_no_number_of_customers(tmp_path):
    # Everybody buys alike, so that no finite r is the likeliest.
    days = [DAY + timedelta(days=i % 7 + 10 * k) for i in range(60) for k in range(5)]
    events = pl.DataFrame({"customer_id": [i // 5 for i in range(300)], "event_time": days})
    log = read_events(events)
    snapshot = take_snapshot(log)
    fitted = make_model("mbg_nbd").fit(snapshot, HORIZON)
    assert fitted.report.penalised

    page = fit_report(fitted, log, snapshot, HORIZON, model="mbg_nbd", unit="day", folder=tmp_path)

    html = page.read_text()
    assert "The likelihood has no maximum" in html
    assert "Customers needed" not in html
    assert not (tmp_path / "data_needed.csv").exists()
