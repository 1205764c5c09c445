import struct
from datetime import date

import polars as pl
import pytest

from patronage.reports.charts.leaderboard import leaderboard_chart
from patronage.reports.charts.pit import pit_chart
from patronage.reports.charts.rows import inline
from patronage.reports.charts.tracking import tracking_chart
from patronage.reports.render import chart_png, chart_svg
from patronage.reports.theme import HALF, WIDE


@pytest.fixture
def histogram():
    return pit_chart(
        pl.DataFrame({"bin": [1, 2], "share": [0.6, 0.4]}), finding="Found", subtitle="Below"
    )


def test_a_chart_keeps_its_width_and_says_its_finding(histogram):
    svg = chart_svg(histogram, "pit", label='A "label" & more')

    width = float(svg.split('width="')[1].split('"')[0])
    assert width == pytest.approx(HALF, abs=8)
    assert 'aria-label="A &quot;label&quot; &amp; more"' in svg
    assert ">Found<" in svg


def test_a_chart_drawn_twice_is_the_same(histogram):
    assert chart_svg(histogram, "a", label="x") == chart_svg(histogram, "a", label="x")


def test_a_chart_may_be_looked_at(histogram):
    png = chart_png(histogram, scale=1.0)

    assert png.startswith(b"\x89PNG")
    assert struct.unpack(">I", png[16:20])[0] == pytest.approx(HALF, abs=8)


def test_dates_and_unknowns_go_in_as_json_can_hold_them():
    frame = pl.DataFrame({"day": [date(2024, 1, 2)], "value": [float("nan")]})

    assert inline(frame).values == [{"day": "2024-01-02T00:00:00", "value": None}]


def test_long_titles_break_inside_the_chart():
    track = pl.DataFrame(
        {
            "period_start": [date(2024, 1, 1), date(2024, 1, 8)],
            "actual": [1.0, None],
            "forecast": [None, 2.0],
            "low": [None, 1.0],
            "high": [None, 3.0],
        }
    )
    chart = tracking_chart(track, as_of="2024-01-08", unit="Purchases", finding="word " * 60)

    svg = chart_svg(chart, "t", label="x")

    assert float(svg.split('width="')[1].split('"')[0]) <= WIDE + 8


def test_names_of_models_are_escaped_in_the_drawing():
    models = pl.DataFrame(
        {
            "model": ["<script>"],
            "value": [1.0],
            "low": [0.5],
            "high": [2.0],
            "written": ["1"],
            "chosen": [True],
        }
    )
    chart = leaderboard_chart(models, metric="RMSE", finding="<script>", subtitle="")

    assert "<script" not in chart_svg(chart, "l", label="<script>")
