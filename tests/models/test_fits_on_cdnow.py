"""Published and replicated estimates on CDNOW, and what units and order may not change."""

from typing import Any

import numpy as np
import pytest

from patronage.models.btyd.process import histories_of
from patronage.models.fitting.compaction import compact
from patronage.models.fitting.maximum_likelihood import maximum_likelihood
from patronage.models.fitting.report import FitReport
from patronage.models.likelihoods.bg_nbd import BGNBDLikelihood
from patronage.models.likelihoods.gamma_gamma import GammaGammaLikelihood, Spends
from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.mbg_nbd import MBGNBDLikelihood
from patronage.models.likelihoods.pareto_nbd import ParetoNBDLikelihood
from patronage.snapshots import RFM

BG, MBG, PARETO = BGNBDLikelihood(), MBGNBDLikelihood(), ParetoNBDLikelihood()


def fitted(likelihood: Any, rfm: RFM) -> FitReport:
    return maximum_likelihood(likelihood, compact(histories_of(rfm)).table)


@pytest.mark.parametrize(
    ("likelihood", "parameters", "log_likelihood"),
    [
        (BG, (0.2425945, 4.4136019, 0.7929199, 2.4258881), -9582.42921),
        (MBG, (0.524843, 6.183085, 0.891359, 1.614003), -9582.13572),
        (PARETO, (0.553277, 10.577683, 0.606240, 11.668740), -9594.97618),
    ],
    ids=["bg_nbd", "mbg_nbd", "pareto_nbd"],
)
def test_estimates_on_the_sample_of_the_papers(
    cdnow_sample, likelihood, parameters, log_likelihood
):
    report = fitted(likelihood, cdnow_sample)

    weeks = report.in_unit(7.0)
    assert list(weeks.parameters.values()) == pytest.approx(parameters, rel=1e-4)
    assert weeks.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)
    assert report.converged
    assert not report.penalised
    assert report.n_customers == 2357
    assert report.n_rows_compacted == 1016
    assert report.n_iterations < 15
    assert report.warnings == ()


@pytest.mark.parametrize(
    ("likelihood", "parameters", "log_likelihood"),
    [
        (BG, (0.251624, 4.788945, 0.723433, 2.161087), -95368.4439),
        (MBG, (0.637140, 7.310290, 0.807474, 1.228394), -95336.9583),
        (PARETO, (0.597432, 11.585867, 0.522188, 8.827380), -95415.1186),
    ],
    ids=["bg_nbd", "mbg_nbd", "pareto_nbd"],
)
def test_estimates_on_the_whole_cohort(cdnow_master, likelihood, parameters, log_likelihood):
    report = fitted(likelihood, cdnow_master)

    weeks = report.in_unit(7.0)
    assert list(weeks.parameters.values()) == pytest.approx(parameters, rel=5e-4)
    assert weeks.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)
    assert report.n_rows_compacted == 8685


@pytest.mark.parametrize("likelihood", [BG, MBG, PARETO], ids=["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_unit_of_time_changes_only_the_rates_and_the_density(cdnow_sample, likelihood):
    rfm = cdnow_sample
    days = fitted(likelihood, rfm)
    unit = 86_400.0
    seconds = maximum_likelihood(
        likelihood, Histories(rfm.frequency, rfm.recency * unit, rfm.T * unit, rfm.weights)
    )

    scale = unit ** np.array(likelihood.unit_bearing)
    found = np.array(list(seconds.parameters.values())) / scale
    assert found == pytest.approx(list(days.parameters.values()), rel=1e-6)
    shift = -float(rfm.frequency.sum()) * np.log(unit)
    assert seconds.log_likelihood == pytest.approx(days.log_likelihood + shift, abs=1e-5)


@pytest.mark.parametrize("likelihood", [BG, MBG, PARETO], ids=["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_order_compaction_and_duplication_do_not_change_the_estimates(cdnow_sample, likelihood):
    plain = histories_of(cdnow_sample)
    shuffled = plain.take(np.random.default_rng(0).permutation(len(plain)))
    doubled = Histories(plain.x, plain.t_x, plain.T, 2 * plain.weight)
    expected = fitted(likelihood, cdnow_sample)

    for table in (plain, shuffled, compact(shuffled).table):
        found = maximum_likelihood(likelihood, table)
        assert found.theta == pytest.approx(expected.theta, abs=1e-6)
        assert found.log_likelihood == pytest.approx(expected.log_likelihood, abs=1e-7)
    twice = maximum_likelihood(likelihood, doubled)
    assert twice.theta == pytest.approx(expected.theta, abs=1e-6)
    assert twice.covariance == pytest.approx(expected.covariance / 2, rel=1e-3)


@pytest.mark.parametrize("likelihood", [BG, MBG, PARETO], ids=["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_a_thinned_start_ends_at_the_same_optimum(cdnow_master, likelihood):
    """Without compaction and with times jittered, 70,000 rows are climbed on a part first."""
    rng = np.random.default_rng(5)
    x, t_x, T = (
        np.tile(c, 3) for c in (cdnow_master.frequency, cdnow_master.recency, cdnow_master.T)
    )
    T = T + 0.5 * rng.random(len(T))
    table = Histories(x, t_x, T, np.ones(len(x)))
    assert compact(table).inverse is None

    found = maximum_likelihood(likelihood, table)
    gradient = likelihood.moments(found.theta, table).gradient
    assert found.converged
    assert gradient @ found.covariance @ gradient < 1e-8
    assert found.n_iterations <= 6


@pytest.mark.parametrize(
    ("name", "parameters", "log_likelihood"),
    [
        ("cdnow_sample", (6.2498, 3.7441, 15.4423), -4055.9177),
        ("cdnow_master", (6.275359, 3.624450, 14.983689), -40763.4763),
    ],
)
def test_gamma_gamma_on_the_means_of_repeat_purchases(request, name, parameters, log_likelihood):
    rfm = request.getfixturevalue(name)
    seen = (rfm.frequency > 0) & (rfm.monetary_value > 0)
    table = Spends.of_means(rfm.frequency[seen], rfm.monetary_value[seen], rfm.weights[seen])
    report = maximum_likelihood(GammaGammaLikelihood(), table)

    assert list(report.parameters.values()) == pytest.approx(parameters, rel=1e-4)
    assert report.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)


def test_gamma_gamma_in_cents_changes_only_gamma_and_the_density(cdnow_sample):
    rfm = cdnow_sample
    seen = rfm.frequency > 0
    n, mean, weight = rfm.frequency[seen], rfm.monetary_value[seen], rfm.weights[seen]
    dollars = maximum_likelihood(GammaGammaLikelihood(), Spends.of_means(n, mean, weight))
    cents = maximum_likelihood(GammaGammaLikelihood(), Spends.of_means(n, 100 * mean, weight))

    assert list(cents.parameters.values()) == pytest.approx(
        np.array([1, 1, 100]) * list(dollars.parameters.values()), rel=1e-6
    )
    shift = -len(n) * np.log(100)
    assert cents.log_likelihood == pytest.approx(dollars.log_likelihood + shift, abs=1e-6)
