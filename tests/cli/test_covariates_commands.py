"""Covariates from the command line: fitted, tested against the plain model, and scored with."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import patronage as pt
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.registry import Artifact


def test_fit_with_covariates_tests_them_against_the_plain_model(
    patronage: Any, data_dir: Path, tmp_path: Path
) -> None:
    folder = data_dir / "apparel_clvtools"
    events = pl.read_parquet(folder / "apparelTrans.parquet")
    events.rename({"Date": "date", "Price": "amount"}).write_csv(tmp_path / "e.csv")
    people = pl.read_parquet(folder / "apparelStaticCov.parquet")
    people.write_csv(tmp_path / "people.csv")
    words = ("fit", tmp_path / "e.csv", "--customers", tmp_path / "people.csv")
    both = ("--purchases", "Gender + Channel", "--dropout", "Gender + Channel")
    rest = ("--model", "pareto_nbd", "--as-of", "2007-01-01", "--columns", "customer_id=Id")

    said = patronage("--log", "off", *words, *both, *rest, "--equal", "Gender", "--json")
    found = json.loads(said.out)

    assert found["log_likelihood"] == pytest.approx(-5826.5342, abs=1e-4)
    assert set(found["effects"]) == {"equal.Gender", "purchases.Channel", "dropout.Channel"}
    assert set(found["effect_errors"]) == set(found["effects"])
    ratio = found["likelihood_ratio"]["purchases"]
    assert ratio["statistic"] == pytest.approx(43.127, abs=1e-2)
    assert ratio["degrees_of_freedom"] == 3
    assert ratio["p_value"] < 1e-6
    shown = patronage(*words, *both, *rest, "--spend-covariates", "C(Channel)").out
    assert "spend.C(Channel)[1]" in shown
    assert "chance alone" in shown


def test_fit_to_an_rfm_table_reads_its_other_columns(
    patronage: Any, shop: Path, tmp_path: Path
) -> None:
    rfm = pt.take_snapshot(pt.read_events(shop / "events.csv")).rfm()
    columns = {"x": rfm.frequency, "t_x": rfm.recency / 7, "T": rfm.T / 7}
    member = [row % 2 == 0 for row in range(len(rfm))]
    pl.DataFrame({**columns, "member": member}).write_csv(tmp_path / "rfm.csv")
    words = ("--log", "off", "fit", tmp_path / "rfm.csv", "--model", "bg_nbd", "--json")

    found = json.loads(patronage(*words, "--purchases", "member").out)

    assert list(found["effects"]) == ["purchases.member[true]"]
    assert found["reference_levels"] == {"member": "false"}
    assert patronage(*words, "--purchases", "colour").code == 2


@pytest.mark.slow
def test_score_reads_the_customers_that_the_model_reads(
    patronage: Any, shop: Path, tmp_path: Path
) -> None:
    log = pt.read_events(shop / "events.csv", customers=shop / "customers.csv")
    horizon = pt.Horizon(8, "week")
    model = ParetoNBD(covariates=pt.Covariates("region", l2=1.0))
    fitted = model.fit(pt.take_snapshot(log), horizon)
    day = pt.take_snapshot(log).as_of
    pt.save_artifact(Artifact("pareto_nbd", fitted, horizon, day, log.currency), tmp_path / "model")
    words = ("score", shop / "events.csv", "--model", tmp_path / "model")
    out = ("--out", tmp_path / "scores.csv")

    told = patronage(*words, "--customers", shop / "customers.csv", *out)
    lacking = patronage(*words, *out)

    assert told.code == 0, told.err
    assert pl.read_csv(tmp_path / "scores.csv")["clv"].is_finite().all()
    assert lacking.code == 2
    assert "customers.region" in lacking.err
