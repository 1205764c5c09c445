"""Is spend independent of purchases? A test with the right size, the right size of effect."""

import numpy as np
import pytest
from scipy.stats import kstest

from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.models.btyd.log_normal_spend import LogNormalSpend
from patronage.models.btyd.normal_spend import NormalSpend
from patronage.snapshots import RFM, AmountSums


def customers(n: int, rng: np.random.Generator, *, elasticity: float = 0.0, p: float = 2.0) -> RFM:
    """Purchases at rates that differ, and Gamma-Gamma spend that goes with them by elasticity."""
    x = 1.0 + rng.poisson(rng.gamma(1.0, 3.0, n))
    level = x**elasticity * 20 / rng.gamma(4.0, size=n)
    rows = [rng.gamma(p, size=int(k)) * m for k, m in zip(x, level, strict=True)]
    mean = np.array([row.mean() for row in rows])
    logs, nets = (
        AmountSums(x, *(np.array([(f(r) ** k).sum() for r in rows]) for k in (1, 2)))
        for f in (np.log, lambda row: row)
    )
    return RFM(np.arange(n), x, x, x + 9, mean, logs=logs, nets=nets)


@pytest.mark.slow
@pytest.mark.parametrize("model", [GammaGamma(use_first=False), LogNormalSpend(use_first=False)])
def test_p_values_of_independent_customers_are_uniform(model) -> None:
    """Log-normal too, which is not what these amounts are: only the correlation is tested."""
    rng = np.random.default_rng(1)
    found = [model.fit_rfm(customers(300, rng)).independence.p_value for _ in range(120)]

    assert kstest(found, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) < 0.05) < 0.12


def test_the_mean_of_few_purchases_is_noisy_but_not_lower() -> None:
    """Correlated with x, the logarithm of a noisy mean would speak of dependence; this does not."""
    table = customers(20_000, np.random.default_rng(2), p=0.5)
    naive = np.corrcoef(np.log(table.monetary_value), np.log(table.frequency))[0, 1]
    found = GammaGamma(use_first=False).fit_rfm(table)

    assert naive > 0.15
    assert found.independence.p_value > 0.01
    assert not found.independence.material
    assert "no sign" in found.independence.sentence


@pytest.mark.parametrize("elasticity", [-0.2, 0.2])
@pytest.mark.parametrize("model", [GammaGamma(use_first=False), LogNormalSpend(use_first=False)])
def test_a_dependence_is_found_measured_and_warned_of(model, elasticity: float) -> None:
    fitted = model.fit_rfm(customers(6000, np.random.default_rng(3), elasticity=elasticity))
    found = fitted.independence

    assert found.p_value < 1e-6
    assert found.elasticity == pytest.approx(elasticity, abs=0.06)
    assert found.material
    assert ("more" if elasticity > 0 else "less") in found.sentence
    assert any("not independent" in sentence for sentence in fitted.warnings)
    assert fitted.facts["independence"]["statistic"] == found.statistic


def test_net_money_is_tested_in_shares_of_its_mean() -> None:
    found = NormalSpend().fit_rfm(customers(6000, np.random.default_rng(4), elasticity=0.2))

    assert found.independence.elasticity == pytest.approx(0.2, abs=0.1)
    assert found.independence.p_value < 1e-4


def test_where_all_buy_alike_there_is_nothing_to_test() -> None:
    table = customers(300, np.random.default_rng(5))
    alike = table.take(table.frequency == 2)

    assert GammaGamma(use_first=False).fit_rfm(alike).independence is None


@pytest.mark.slow
def test_a_large_base_is_tested_on_a_part_of_it() -> None:
    fitted = GammaGamma(use_first=False).fit_rfm(customers(120_000, np.random.default_rng(6)))

    assert "60000 customers" in fitted.independence.sentence
    assert fitted.independence.p_value > 0.001
