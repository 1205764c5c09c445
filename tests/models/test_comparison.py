"""Comparisons of fits, the test against a nested model, and how much data a fit needs."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2

from patronage.errors import SettingsError
from patronage.models.btyd.comparison import compare_fits
from patronage.models.btyd.data_needed import data_needed
from patronage.models.catalog import MODELS, make_model
from patronage.models.fitting.likelihood_ratio import against_nested, likelihood_ratio
from patronage.models.fitting.maximum_likelihood import maximum_likelihood


@pytest.fixture(scope="module")
def fits(cdnow_sample):
    names = [n for n in ("pareto_nbd", "bg_nbd", "mbg_nbd", "nbd") if n in MODELS]
    return {name: make_model(name).fit_rfm(cdnow_sample) for name in names}


def smaller(report):
    """A report of two parameters, as of a model without dropout, that fits worse by 5."""
    first = list(report.parameters)[:2]
    return replace(
        report,
        parameters={name: report.parameters[name] for name in first},
        log_likelihood=report.log_likelihood - 5.0,
    )


def test_fits_are_ranked_by_aic(fits):
    table = compare_fits({name: fits[name] for name in ("pareto_nbd", "bg_nbd", "mbg_nbd")})

    assert table["model"].to_list() == ["mbg_nbd", "bg_nbd", "pareto_nbd"]
    # Published log-likelihoods differ by 12.5469 between the last two, whatever the unit.
    assert table["delta_aic"].to_list() == pytest.approx(
        [0.0, 2 * (9582.42921 - 9582.13572), 2 * (9594.97618 - 9582.13572)], abs=2e-3
    )
    row = table.row(0, named=True)
    assert row["aic"] == pytest.approx(8 - 2 * row["log_likelihood"])
    assert row["bic"] == pytest.approx(4 * np.log(2357) - 2 * row["log_likelihood"])
    assert table["lr"].null_count() == 3


def test_a_model_without_dropout_is_tested_within_those_with(fits):
    if "nbd" not in fits:
        pytest.skip("nbd is not in the catalogue")
    table = compare_fits(fits).filter(pl.col("model") == "pareto_nbd")

    row = table.row(0, named=True)
    assert row["nested"] == "nbd"
    assert row["lr_degrees"] == 2
    gain = fits["pareto_nbd"].report.log_likelihood - fits["nbd"].report.log_likelihood
    assert row["lr"] == pytest.approx(2 * gain)
    assert row["lr_p_value"] < 1e-6


def test_fits_to_different_customers_are_not_compared(fits, cdnow_sample):
    other = make_model("bg_nbd").fit_rfm(cdnow_sample.take(slice(0, 500)))

    with pytest.raises(SettingsError, match="different customers"):
        compare_fits({"pareto_nbd": fits["pareto_nbd"], "bg_nbd": other})


def test_a_likelihood_ratio_is_twice_the_gain(fits):
    report = fits["bg_nbd"].report
    found = likelihood_ratio(report, smaller(report))

    assert (found.statistic, found.degrees) == (pytest.approx(10.0), 2)
    assert found.p_value == pytest.approx(chi2.sf(10.0, 2))
    with pytest.raises(SettingsError, match="larger model first"):
        likelihood_ratio(smaller(report), report)


def test_a_fit_that_points_to_a_simpler_model_is_tested_against_it(fits):
    report = replace(fits["bg_nbd"].report, nested="nbd + Poisson purchasing")
    asked = []

    def fit_nested(name):
        asked.append(name)
        return smaller(report) if name == "nbd" else None

    found = against_nested(report, fit_nested)
    assert asked == ["nbd"]
    assert found.nested_lr == pytest.approx(10.0)
    assert found.nested_p_value == pytest.approx(chi2.sf(10.0, 2))
    assert "likelihood ratio 10, p = 0.0067" in found.warnings[-1]
    assert against_nested(report, lambda _: None) == report


def test_a_fit_to_drawn_customers_is_as_sure_as_was_said(fits):
    """20,000 customers watched for 104 weeks, drawn from the fit and fitted again."""
    fitted, T = fits["pareto_nbd"], np.full(20_000, 104.0 * 7)
    parameters = list(fitted.report.parameters.values())
    drawn = fitted.process.simulate(parameters, T, np.random.default_rng(8))
    report = maximum_likelihood(fitted.process.likelihood, drawn)

    needed = data_needed(fitted, weeks=[104.0]).filter(parameter="beta")
    relative = report.standard_errors["beta"] / report.parameters["beta"]
    assert needed["customers"][0] == pytest.approx(20_000 * (relative / 0.2) ** 2, rel=0.2)
    assert needed["slowest"][0]
    finer = data_needed(fitted, weeks=[104.0], precision=0.1).filter(parameter="beta")
    assert finer["customers"][0] == pytest.approx(4 * needed["customers"][0], rel=1e-3)


def test_longer_observation_needs_fewer_customers(fits):
    for fitted in fits.values():
        table = data_needed(fitted, weeks=[26.0, 104.0], n_simulated=5000)
        most = table.group_by("weeks").agg(pl.col("customers").max()).sort("weeks")["customers"]
        assert most[1] < most[0]


def test_a_precision_is_a_share(fits):
    with pytest.raises(SettingsError, match="write 20 percent"):
        data_needed(fits["bg_nbd"], precision=20.0)
