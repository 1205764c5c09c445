"""What the amounts of public sets say, in their calibration periods alone."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from patronage.datasets.public import open_dataset
from patronage.horizon import Horizon
from patronage.models.btyd.best_spend import choose_spend
from patronage.models.btyd.bg_nbd import BGNBD
from patronage.models.btyd.correlated import Correlated
from patronage.models.btyd.estimates import estimates
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.pareto_nbd import ParetoNBD
from patronage.models.likelihoods.amounts import Amounts
from patronage.models.likelihoods.gamma_gamma_amounts import GammaGammaAmountsLikelihood
from patronage.snapshots import Snapshot, take_snapshot


@pytest.fixture(scope="module")
def cdnow(data_dir: Path) -> Snapshot:
    """All 23,570 customers at the end of the papers' calibration period."""
    log = open_dataset("cdnow", folder=data_dir)
    return take_snapshot(log, as_of=date(1997, 10, 1), features=("amounts", "nets"))


def test_on_cdnow_log_normal_spend_is_likelier(cdnow: Snapshot) -> None:
    choice = choose_spend(cdnow.rfm())

    assert choice.model == "log_normal_spend"
    gap = choice.aic["gamma_gamma"] - choice.aic["log_normal_spend"]
    assert gap == pytest.approx(448, abs=3)
    assert choice.vuong == pytest.approx(5.7, abs=0.1)


@pytest.mark.slow
def test_on_online_retail_gamma_gamma_is_likelier(data_dir: Path) -> None:
    log = open_dataset("online_retail_ii", folder=data_dir)
    snapshot = take_snapshot(log, as_of=date(2011, 6, 1), features=("amounts", "nets"))
    choice = choose_spend(snapshot.rfm())

    assert choice.model == "gamma_gamma"
    assert choice.vuong == pytest.approx(-8.3, abs=0.2)
    assert any("given back" in remark for remark in choice.remarks)


def test_on_cdnow_frequent_buyers_spend_more_per_purchase(cdnow: Snapshot) -> None:
    found = GammaGamma().fit_rfm(cdnow.rfm())

    assert found.independence.elasticity == pytest.approx(0.157, abs=0.002)
    assert found.independence.material
    sarmanov = Correlated(BGNBD()).fit(cdnow, Horizon(39, "week")).sarmanov
    assert sarmanov.likelihood_ratio == pytest.approx(427, abs=3)
    assert sarmanov.of_means == pytest.approx(0.123, abs=0.005)
    assert not sarmanov.warnings
    bounded = Correlated(ParetoNBD()).fit(cdnow, Horizon(39, "week"))
    assert bounded.sarmanov.at_bound
    assert "make" in estimates(bounded, unit="week")["warnings"][-1]


def test_single_amounts_are_what_their_mean_is_of(cdnow: Snapshot) -> None:
    """A customer with one purchase has the same density of it as of the mean."""
    rfm = cdnow.rfm()
    one = rfm.take(rfm.frequency == 1)
    ones = np.ones(len(one))
    table = Amounts(
        ones, np.log(one.monetary_value), 0 * ones, 0 * ones, one.monetary_value, ones, True
    )
    fitted = GammaGamma(use_first=False).fit_rfm(rfm).report
    from patronage.models.likelihoods.gamma_gamma import Spends, log_likelihood

    by_amount = GammaGammaAmountsLikelihood().log_likelihood(fitted.theta, table)
    by_mean = log_likelihood(
        *fitted.parameters.values(), Spends.of_means(ones, one.monetary_value, ones)
    )
    assert by_amount == pytest.approx(by_mean, rel=1e-10)
