"""Spend: shrinkage towards the population, money that is missing or odd, and what is unsure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.errors import NotEnoughDataError
from patronage.models.btyd.gamma_gamma import GammaGamma
from patronage.snapshots import RFM


def rfm(x, mean, first=None) -> RFM:
    x, mean = np.asarray(x, dtype=float), np.asarray(mean, dtype=float)
    first = None if first is None else np.asarray(first, dtype=float)
    return RFM(np.arange(len(x)), x, np.where(x > 0, 5.0, 0.0), np.full(len(x), 9.0), mean, first)


def shoppers(n: int = 2000, seed: int = 1) -> RFM:
    rng = np.random.default_rng(seed)
    x = rng.poisson(1.5, n).astype(float)
    level = rng.gamma(4.0, 1 / 30, n)
    mean = np.where(x > 0, rng.gamma(4 * np.maximum(x, 1)) / np.maximum(x, 1) / level, np.nan)
    return rfm(x, mean, rng.gamma(4.0, size=n) / level)


def test_on_cdnow_first_amounts_tell_about_repeat_amounts(cdnow_master):
    fitted = GammaGamma().fit_rfm(cdnow_master)

    assert fitted.use_first
    gain, error = fitted.first_gain
    assert gain == pytest.approx(810, abs=5)
    assert error == pytest.approx(78, abs=2)


def test_means_lie_between_the_own_mean_and_the_population():
    table = shoppers()
    fitted = GammaGamma(use_first=False).fit_rfm(table)
    p, q, gamma = fitted.report.parameters.values()
    population = p * gamma / (q - 1)

    found, seen = fitted.spend(table).mean(), table.frequency > 0
    own = np.where(seen, table.monetary_value, population)
    assert (found >= np.minimum(own, population) - 1e-9).all()
    assert (found <= np.maximum(own, population) + 1e-9).all()
    assert found[~seen] == pytest.approx(population)


def test_gradient_of_the_mean_is_that_of_finite_differences():
    table = shoppers(50)
    fitted = GammaGamma(use_first=True).fit_rfm(table)
    gradient = fitted.mean_gradient(table)

    step = 1e-5
    for column, name in enumerate(fitted.report.parameters):
        ends = []
        for sign in (1, -1):
            parameters = dict(fitted.report.parameters)
            parameters[name] *= np.exp(sign * step)
            p, q, gamma = parameters.values()
            n = table.frequency + 1
            money = table.frequency * np.nan_to_num(table.monetary_value) + table.first_amount
            ends.append(p * (gamma + money) / (p * n + q - 1))
        difference = (ends[0] - ends[1]) / (2 * step)
        assert gradient[:, column] == pytest.approx(difference, rel=1e-5, abs=1e-7)


def test_zero_and_negative_means_are_left_out_and_counted():
    table = shoppers()
    mean = table.monetary_value.copy()
    repeat = np.flatnonzero(table.frequency > 0)
    mean[repeat[:3]] = [0.0, -5.0, -1e6]
    without = np.ones(len(table), dtype=bool)
    without[repeat[:3]] = False
    odd = rfm(table.frequency, mean)
    fitted = GammaGamma(use_first=False).fit_rfm(odd)
    expected = GammaGamma(use_first=False).fit_rfm(odd.take(without))

    assert fitted.n_excluded == 3
    assert any("3 customers" in sentence for sentence in fitted.warnings)
    assert fitted.report.parameters == expected.report.parameters
    assert (fitted.spend(odd).mean() > 0).all()


@pytest.mark.parametrize("use_first", [False, True, None])
def test_equal_amounts_are_that_amount(use_first):
    x = np.arange(200) % 4
    fitted = GammaGamma(use_first=use_first).fit_rfm(rfm(x, np.full(200, 25.0), np.full(200, 25.0)))

    assert fitted.report is None
    assert fitted.spend(rfm(x, np.full(200, 25.0))).mean() == pytest.approx(np.full(200, 25.0))
    assert "the same" in fitted.warnings[0]


def test_infinite_expected_spend_falls_back_to_the_mean_amount():
    rng = np.random.default_rng(2)
    n = 4000
    mean = rng.gamma(3.0, size=n) / rng.gamma(0.7, 1 / 10, n)
    table = rfm(np.ones(n), mean)
    fitted = GammaGamma().fit_rfm(table)

    assert fitted.report is None
    assert fitted.spend(table).mean() == pytest.approx(np.full(n, mean.mean()))
    assert "infinite" in fitted.warnings[0]
    assert fitted.mean_gradient(table).shape == (n, 0)


def test_one_enormous_amount_is_survived():
    table = shoppers()
    mean = table.monetary_value.copy()
    mean[np.flatnonzero(table.frequency > 0)[0]] = 1e7
    fitted = GammaGamma(use_first=False).fit_rfm(rfm(table.frequency, mean))

    assert np.isfinite(fitted.spend(table).mean()).all()
    assert np.median(fitted.spend(table).mean()) < 60


def test_only_first_purchases_stand_in_for_repeats():
    table = rfm(np.zeros(50), np.full(50, np.nan), np.linspace(5, 15, 50))
    fitted = GammaGamma().fit_rfm(table)

    assert fitted.spend(table).mean() == pytest.approx(np.full(50, 10.0))
    assert "first purchases" in fitted.warnings[0]


@pytest.mark.parametrize(
    ("mean", "words"),
    [(None, "monetary_value"), (np.zeros(3), "above zero"), (np.full(3, -2.0), "above zero")],
)
def test_no_money_is_said(mean, words):
    x = np.ones(3)
    table = RFM(np.arange(3), x, x, 9 * x, mean)
    with pytest.raises(NotEnoughDataError, match=words):
        GammaGamma().fit_rfm(table)


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.floats(0.01, 1e6), st.floats(0, 1e6)),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([False, True, None]),
)
def test_any_money_gives_a_finite_spend_or_a_clear_error(rows, use_first):
    x, mean, first = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    table = rfm(x, np.where(x > 0, mean, np.nan), first)
    try:
        fitted = GammaGamma(use_first=use_first).fit_rfm(table)
    except NotEnoughDataError:
        assert (x == 0).all()
        assert (first == 0).all()
        return
    found = fitted.spend(table).mean()
    assert np.isfinite(found).all()
    assert (found > 0).all()
