import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import polars as pl
import pytest

from patronage.errors import SettingsError
from patronage.events.quality import QualityReport
from patronage.reports import TotalValue, render_report, write_report

HOSTILE = '<script>alert("x")</script>&\'"'


class Page(HTMLParser):
    """What a browser would see: tags with their attributes, ids, texts of cells."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.cells, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open and tag == self.open[-1]:
            self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.cells[-1] += data.replace("\u00a0", " ")

    def ids(self):
        return [attrs["id"] for _, attrs in self.tags if "id" in attrs]


@pytest.fixture(scope="module")
def html(make_inputs):
    """The page of the unchanged fake run."""
    return render_report(make_inputs())


def test_the_page_loads_nothing_from_anywhere(html):
    for tag, attrs in Page(html).tags:
        for name in ("src", "href", "xlink:href", "srcset", "action", "poster", "data"):
            assert attrs.get(name, "#").startswith("#"), (tag, attrs)
        assert tag not in ("script", "link", "iframe", "object", "embed", "base")
    assert re.findall(r"url\((?!#)", html) == []
    assert "@import" not in html
    assert "http://" not in html.replace("http://www.w3.org/", "")
    assert "https://" not in html


def test_every_chart_has_its_table_and_its_words(html):
    page = Page(html)

    figures = [attrs for tag, attrs in page.tags if tag == "figure"]
    drawings = [attrs for tag, attrs in page.tags if tag == "svg"]
    ids = page.ids()
    assert len(figures) == len(drawings) == 10
    assert all(attrs["aria-describedby"] in ids for attrs in figures)
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 20 for attrs in drawings)
    described = {attrs["aria-describedby"] for attrs in figures}
    assert described == {a["id"] for t, a in page.tags if t == "details"}


def test_no_two_elements_share_an_id(html):
    ids = Page(html).ids()

    assert len(ids) == len(set(ids))


def test_ids_that_clip_paths_use_exist_in_the_same_page(html):
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(Page(html).ids())


def test_sections_stand_in_order(html):
    page = Page(html)

    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert sections == ["answer", "ahead", "cohorts", "trust", "board", "data", "method"]


def test_user_text_is_escaped(make_inputs):
    inputs = make_inputs(n=30)
    scores = inputs.scores.with_columns(
        pl.lit(HOSTILE).alias("customer_id"), pl.lit(HOSTILE).alias("segment")
    )
    board = inputs.leaderboard.with_columns(pl.lit(HOSTILE).alias("model"))
    html = render_report(
        replace(
            inputs,
            title=HOSTILE,
            model=HOSTILE,
            currency="<b>",
            scores=scores,
            leaderboard=board,
            failures={HOSTILE: HOSTILE},
            quality=QualityReport(1, 0, {HOSTILE: 1}, {"time": HOSTILE}, (HOSTILE,), (HOSTILE,)),
        )
    )

    assert "<script" not in html
    assert "<b>" not in html
    assert not [tag for tag, _ in Page(html).tags if tag in ("script", "b")]


def test_the_same_inputs_give_the_same_page(make_inputs, html):
    assert render_report(make_inputs()) == html


@pytest.mark.slow
def test_another_process_gives_the_same_page(html, tmp_path, request):
    script = (
        "import importlib.util, sys\n"
        "spec = importlib.util.spec_from_file_location('fake', sys.argv[1])\n"
        "fake = importlib.util.module_from_spec(spec); spec.loader.exec_module(fake)\n"
        "from pathlib import Path\n"
        "from patronage.reports import write_report\n"
        "write_report(fake.fake_inputs(), Path(sys.argv[2]))\n"
    )
    conftest = request.path.parent / "conftest.py"
    subprocess.run(
        [sys.executable, "-c", script, str(conftest), str(tmp_path / "r.html")], check=True
    )

    assert (tmp_path / "r.html").read_text("utf-8") == html


def test_numbers_of_the_scores_stand_in_the_tables(make_inputs, html):
    inputs = make_inputs()
    cells = Page(html).cells

    best = inputs.scores.sort("clv", descending=True).head(10)
    for row in best.iter_rows(named=True):
        assert f"{row['clv']:,.0f}" in cells
        assert f"{row['clv_p10']:,.0f} – {row['clv_p90']:,.0f}" in cells
        assert f"{row['clv_mean_low']:,.0f} – {row['clv_mean_high']:,.0f}" in cells


def test_numbers_of_the_judgement_stand_in_the_tables(make_inputs, html):
    inputs = make_inputs()
    cells = Page(html).cells

    for row in inputs.calibration.iter_rows(named=True):
        assert {f"{row['predicted']:,.2f}", f"{row['actual']:,.2f}"} <= set(cells)
    for row in inputs.cohorts.iter_rows(named=True):
        assert f"{row['cash_per_customer']:,.2f}" in cells
    for row in inputs.pit.iter_rows(named=True):
        assert f"{100 * row['share']:.2f} %" in cells
    for value in inputs.tracking["forecast"].drop_nulls():
        assert f"{value:,.1f}" in cells


def test_a_report_is_written_with_its_folder(make_inputs, tmp_path):
    path = tmp_path / "new" / "report.html"

    write_report(make_inputs(n=20), path)

    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_rows_read_are_shown_as_used_plus_set_aside(html):
    assert "69,670 rows read = 69,659 used + 11 set aside" in html


def test_nothing_set_aside_shows_no_table_of_reasons(make_inputs):
    html = render_report(make_inputs(n=20, quality=QualityReport(20, 20)))

    assert "20 rows read = 20 used + 0 set aside." in html
    assert "Rows set aside, by reason" not in html


def test_warnings_are_said_on_the_first_page_and_in_full_below(make_inputs):
    quality = QualityReport(20, 20, warnings=("Nearly all rows occur twice.",))
    html = render_report(make_inputs(n=20, quality=quality))

    assert "The data gave 1 warning:" in html
    assert "Nearly all rows occur twice." in html


def test_sums_that_contradict_the_total_are_said_loudly(make_inputs):
    inputs = make_inputs(n=20)
    html = render_report(replace(inputs, total=TotalValue(1.0, 0.5, 1.5)))

    assert "but the customers&#39; values sum to" in html
    assert "but the periods&#39; present values sum to" in html


def test_one_customer_without_history_to_judge_by(make_inputs):
    inputs = make_inputs(
        n=1,
        tracking=None,
        cohorts=None,
        cohort_accuracy=None,
        calibration=None,
        pit=None,
        coverage="",
    )
    html = render_report(replace(inputs, leaderboard=inputs.leaderboard.head(0)))

    assert "This customer is expected to bring" in html
    assert "were not judged on the past" in html
    assert "too little history to follow cohorts" in html


@pytest.mark.slow
def test_a_model_that_does_not_know_who_is_active(make_inputs):
    inputs = make_inputs(n=200)
    unknown = pl.lit(None, dtype=pl.Float64).alias("p_alive")
    html = render_report(replace(inputs, scores=inputs.scores.with_columns(unknown)))

    assert '<th scope="col" class="n">Active</th>' not in html
    assert "does not say who is still active" in html


@pytest.mark.slow
@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_values_that_are_nought_or_negative(make_inputs, factor):
    inputs = make_inputs(n=50)
    scores = inputs.scores.with_columns(pl.col("clv") * factor)
    total = float(scores["clv"].sum())
    table = inputs.value_table.with_columns(
        pl.col("present_value") * factor, pl.col("expected_cash") * factor
    )
    flat = inputs.cohorts.with_columns(pl.lit(0.0).alias("cash_per_customer"))
    html = render_report(
        replace(
            inputs,
            scores=scores,
            total=TotalValue(total, total, total),
            value_table=table,
            cohorts=flat,
        )
    )

    assert "Shares of the value are not drawn" in html
    assert ("expected to cost" in html) == (factor < 0)
    assert "NaN" not in html


@pytest.mark.slow
def test_huge_amounts_are_written_in_thousands(make_inputs):
    html = render_report(make_inputs(n=100, scale=1e6, currency="IDR"))

    assert "money in IDR thousand" in html


@pytest.mark.slow
def test_thirty_models_and_many_periods(make_inputs):
    inputs = make_inputs(n=50, horizon="120 months")
    first = inputs.leaderboard.filter(pl.col("model") == "mbg_nbd")
    board = pl.concat(
        first.with_columns(pl.lit(f"model_{i}").alias("model"), pl.col("value") * (1 + i / 50))
        for i in range(30)
    )
    page = Page(render_report(replace(inputs, leaderboard=board, model="model_3")))

    assert {f"model_{i}" for i in range(30)} <= {cell.strip() for cell in page.cells}
    assert "109–120" in page.cells


@pytest.mark.slow
def test_twenty_five_thousand_customers_stay_small(make_inputs):
    assert len(render_report(make_inputs(n=25_000)).encode()) < 400_000


def test_a_table_without_its_columns_is_refused(make_inputs):
    with pytest.raises(SettingsError, match=r"'pit' lacks columns \['share'\]"):
        make_inputs(n=20, pit=pl.DataFrame({"bin": [1]}))


def test_dates_are_written_out(make_inputs):
    html = render_report(make_inputs(n=20, as_of=date(1998, 7, 1)))

    assert "As of 1\u00a0July\u00a01998" in html
