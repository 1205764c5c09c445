"""Two-part calibration recovers what was wrong with a forecast, and nothing else."""

from dataclasses import replace

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
    truth, _, _ = _pairs(1)

    learned = learn_two_part(truth, level_trust=1.0)

    assert learned.cash_factor == pytest.approx(1.0, rel=0.03)
    assert learned.purchases_factor == pytest.approx(1.0, rel=0.03)
    assert learned.p_positive(truth.p_positive) == pytest.approx(truth.p_positive, abs=0.02)
    assert learned.total_sd < 0.05


def test_a_forecast_too_low_is_raised_as_far_as_it_is_trusted() -> None:
    truth, rate, _ = _pairs(2)
    low = FoldPairs(
        0.5 * truth.cash,
        0.5 * truth.purchases,
        -np.expm1(-0.5 * rate),
        truth.actual_cash,
        truth.actual_purchases,
        truth.fold,
    )

    whole, half, none = (learn_two_part(low, level_trust=trust) for trust in (1.0, 0.5, 0.0))

    assert whole.cash_factor == pytest.approx(2.0, rel=0.05)
    assert half.cash_factor == pytest.approx(2.0**0.5, rel=0.05)
    assert none.cash_factor == 1.0
    assert whole.p_positive(low.p_positive) == pytest.approx(truth.p_positive, abs=0.03)
    assert whole.total_sd < half.total_sd < none.total_sd


def test_the_order_of_zeros_is_kept() -> None:
    truth, _, _ = _pairs(3)

    calibrated = learn_two_part(truth, level_trust=0.5).p_positive(truth.p_positive)

    assert (np.argsort(calibrated) == np.argsort(truth.p_positive)).all()


def test_folds_that_disagree_widen_the_total() -> None:
    truth, _, _ = _pairs(4)
    uneven = truth.actual_cash * np.array([0.7, 1.0, 1.4])[truth.fold]

    learned = learn_two_part(replace(truth, actual_cash=uneven), level_trust=1.0)

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

    learned = learn_two_part(nothing, level_trust=1.0)

    assert learned.cash_factor == 1.0
    for values in (learned.p_positive(truth.p_positive), learned.ratios):
        assert np.isfinite(values).all()
