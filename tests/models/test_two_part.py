"""Two-part calibration recovers what was wrong with a forecast, and nothing else."""

import numpy as np
import pytest

from patronage.models.two_part import FoldPairs, learn_two_part


def _pairs(seed: int, n: int = 40_000) -> tuple[FoldPairs, np.ndarray, np.ndarray]:
    """True expectations, and outcomes drawn from them: Poisson purchases, gamma money."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.6, 1.2, n) + 0.01
    purchases = rng.poisson(rate)
    cash = rng.gamma(np.maximum(2.0 * purchases, 1e-9), 15.0) * (purchases > 0)
    fold = np.arange(n) % 3
    truth = FoldPairs(30.0 * rate, rate, -np.expm1(-rate), cash, purchases.astype(float), fold)
    return truth, rate, cash


def test_a_right_forecast_is_left_alone() -> None:
    truth, rate, _ = _pairs(1)

    learned = learn_two_part(truth)

    assert learned.cash(30.0 * rate) == pytest.approx(30.0 * rate, rel=0.08)
    assert learned.p_positive(truth.p_positive) == pytest.approx(truth.p_positive, abs=0.02)
    assert learned.total_sd < 0.05


def test_a_forecast_too_low_and_too_steep_is_corrected() -> None:
    """Halved and squared forecasts: the maps undo both, in the mean and in the zeros."""
    truth, rate, _ = _pairs(2)
    wrong = FoldPairs(
        0.5 * truth.cash**1.3,
        0.5 * truth.purchases**1.3,
        -np.expm1(-0.5 * rate**1.3),
        truth.actual_cash,
        truth.actual_purchases,
        truth.fold,
    )

    learned = learn_two_part(wrong)

    assert learned.cash_map[1] == pytest.approx(1 / 1.3, abs=0.04)
    assert learned.cash(wrong.cash).sum() == pytest.approx(truth.actual_cash.sum(), rel=1e-6)
    assert learned.p_positive(wrong.p_positive) == pytest.approx(truth.p_positive, abs=0.03)
    assert np.corrcoef(learned.purchases(wrong.purchases), rate)[0, 1] > 0.999


def test_the_order_of_customers_is_kept() -> None:
    truth, _, _ = _pairs(3)

    calibrated = learn_two_part(truth).cash(truth.cash)

    assert (np.argsort(calibrated) == np.argsort(truth.cash)).all()


def test_folds_that_disagree_widen_the_total() -> None:
    truth, _, _ = _pairs(4)
    uneven = truth.actual_cash * np.array([0.7, 1.0, 1.4])[truth.fold]

    learned = learn_two_part(
        FoldPairs(
            truth.cash,
            truth.purchases,
            truth.p_positive,
            uneven,
            truth.actual_purchases,
            truth.fold,
        )
    )

    assert 0.25 < learned.total_sd < 0.6


@pytest.mark.parametrize("outcome", [0.0, -5.0])
def test_nobody_buys(outcome: float) -> None:
    """All outcomes zero or refunds: finite numbers, no positive cash invented from nothing."""
    truth, _, _ = _pairs(5, n=500)
    nothing = FoldPairs(
        truth.cash,
        truth.purchases,
        truth.p_positive,
        np.full(500, outcome),
        np.zeros(500),
        truth.fold,
    )

    learned = learn_two_part(nothing)

    for values in (learned.cash(truth.cash), learned.p_positive(truth.p_positive), learned.ratios):
        assert np.isfinite(values).all()
