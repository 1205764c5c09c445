"""`patronage validate` from end to end."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from patronage.evaluate.validation import VALIDATION_COLUMNS


@pytest.fixture
def known(shop: Path, tmp_path: Path) -> Path:
    """The customers of the shop, with one attribute."""
    people = pl.read_csv(shop / "events.csv", infer_schema_length=None)["customer_id"].unique()
    side = pl.Series("side", ["left", "right"] * len(people))[: len(people)]
    path = tmp_path / "people.csv"
    pl.DataFrame({"customer_id": people.sort(), "side": side}).write_csv(path)
    return path


@pytest.mark.slow
def test_validate_writes_a_page_a_table_and_a_tree(
    patronage: Any, events: Path, known: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    said = patronage(
        *("validate", events, "--model", "pareto_nbd", "--horizon", "8 weeks", "--out", out),
        *("--customers", known, "--group", "side", "--origins", "2025-09-01,2025-10-01"),
        *("--threshold", "25", "--cost", "2", "--margin", "0.4", "--retraining-cost", "5"),
        *("--limit", "normalized_gini=0.99:0.98"),
    )

    assert said.code == 0, said.err
    assert "pareto_nbd: fail" in said.out
    assert str(out / "validation.html") in said.out
    table = pl.read_csv(out / "validation.csv", infer_schema_length=None)
    assert table.columns == list(VALIDATION_COLUMNS)
    assert {"side=left", "side=right"} <= set(table["group"])
    told = json.loads((out / "validation.json").read_text())
    assert told["verdict"] == "fail"
    assert told["decision"] == {"threshold": 25.0, "margin": 0.4, "cost": 2.0}
    assert told["limits"]["normalized_gini"]["attention"] == 0.99
    assert told["retraining"]["in_money"]
    html = (out / "validation.html").read_text()
    assert "pareto_nbd fails" in html
    for heading in ("Conceptual soundness", "Benchmarks", "Ageing", "Stability", "Fairness"):
        assert heading in html
    assert not re.search(r'(src|href)="(?!#)', html)
    assert "<script" not in html
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


@pytest.mark.slow
def test_a_saved_model_is_judged_on_days_that_it_had_not_seen(
    patronage: Any, events: Path, tmp_path: Path
) -> None:
    run = patronage(
        *("--log", "off", "run", events, "--out", tmp_path, "--models", "same_again"),
        *("--as-of", "2025-09-01", "--horizon", "8 weeks"),
    )
    assert run.code == 0, run.err
    saved = tmp_path / "models" / "same_again"

    said = patronage(
        "--log", "off", "validate", events, "--model", saved, "--json", "--out", tmp_path / "v"
    )
    early = patronage("validate", events, "--model", saved, "--origins", "2025-07-01")

    told = json.loads(said.out)
    assert min(told["origins"]) == "2025-09-01"
    assert told["version"]
    assert early.code == 2
    assert "is no forecast" in early.err


def test_a_log_that_is_too_short_says_so(patronage: Any, events: Path, tmp_path: Path) -> None:
    table = pl.read_csv(events, infer_schema_length=None)
    time = next(name for name in table.columns if "time" in name or "date" in name)
    short = tmp_path / "short.csv"
    table.filter(pl.col(time) < "2025-02-01").write_csv(short)

    said = patronage("validate", short, "--model", "pareto_nbd", "--out", tmp_path / "out")

    assert said.code == 2
    assert "this history cannot validate a model" in said.err
    assert "To mend: give a longer history" in said.err
    assert not (tmp_path / "out" / "validation.html").exists()


@pytest.mark.slow
def test_what_is_asked_wrongly_is_told_before_the_work(
    patronage: Any, events: Path, tmp_path: Path
) -> None:
    asked = ("validate", events, "--out", tmp_path, "--horizon", "8 weeks", "--model")

    for words, why in (
        (("pareto_nbt",), "there is no model"),
        (("pareto_nbd", "--group", "shoe_size"), "there is no attribute"),
        (("pareto_nbd", "--limit", "shoe_size=1:2"), "there is no limit"),
        (("pareto_nbd", "--margin", "0"), "a margin above 0"),
    ):
        said = patronage(*asked, *words)
        assert said.code == 2
        assert why in said.err
