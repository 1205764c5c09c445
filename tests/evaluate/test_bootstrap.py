import numpy as np
import pytest

from patronage.evaluate import METRICS
from patronage.evaluate.bootstrap import (
    RANK_GROUPS,
    customer_weights,
    interval,
    measure,
    metric_draws,
)
from patronage.evaluate.judged import Judged
from patronage.evaluate.weighing import Weighing


def rows_of(n: int, seed: int, *, customer=None) -> Judged:
    rng = np.random.default_rng(seed)
    mean = rng.gamma(0.5, 60, n)
    outcome = np.where(rng.random(n) < 0.4, rng.gamma(1.0, mean / 0.4), 0.0)
    return Judged(
        mean * rng.lognormal(0, 0.3, n),
        outcome,
        mean / 30,
        rng.poisson(mean / 30).astype(float),
        0.1 * mean,
        2 * mean,
        np.full(n, 0.9),
        rng.random(n),
        np.abs(mean - outcome),
        np.full(n, 0.6),
        np.arange(n) if customer is None else customer,
        np.zeros(n, np.int64),
    )


def repeated(rows: Judged, times: np.ndarray) -> Judged:
    """The slow way: every row written out as often as it was drawn."""
    kept = np.repeat(np.arange(len(times)), times.astype(int))
    columns = {name: column[kept] for name, column in vars(rows).items()}
    return Judged(**{**columns, "customer": np.arange(len(kept))})


def test_weighted_formulas_equal_rows_written_out():
    rows = rows_of(150, 1)
    weights = customer_weights(150, 5, seed=2).astype(np.float64)

    draws = metric_draws(Weighing(rows, weights, RANK_GROUPS), measure(rows))

    for k in range(5):
        written = measure(repeated(rows, weights[:, k]))
        # The rank correlation is binned into 64 x 64, and the deviance's floor is that of the
        # rows as they are.
        slack = {"spearman": 5e-3, "deviance": 5e-3}
        for name, value in written.items():
            assert draws[name][k] == pytest.approx(value, rel=1e-9, abs=slack.get(name, 1e-9))


def test_bins_of_ranks_do_not_move_the_intervals():
    rows = rows_of(5000, 3)
    weights = customer_weights(5000, 60, seed=4)
    values = measure(rows)

    binned = metric_draws(Weighing(rows, weights, RANK_GROUPS), values)
    exact = metric_draws(Weighing(rows, weights), values)

    for name in values:
        assert (binned[name] - exact[name]).std() < 0.2 * exact[name].std() + 1e-12, name


def test_a_customer_brings_all_origins_along():
    """Two origins of the same rows: the pooled interval is no narrower than that of one."""
    one = rows_of(400, 5)
    both = Judged(**{name: np.concatenate([v, v]) for name, v in vars(one).items()})
    weights = customer_weights(400, 100, seed=6)

    alone = metric_draws(Weighing(one, weights, RANK_GROUPS), measure(one))
    pooled = metric_draws(Weighing(both, weights, RANK_GROUPS), measure(both))

    assert pooled["mae"] == pytest.approx(alone["mae"])


@pytest.mark.slow
def test_nine_in_ten_intervals_hold_the_truth():
    """Mean absolute error of exponential outcomes against 0: the truth is 1."""
    rng = np.random.default_rng(8)
    hits = 0
    for trial in range(100):
        rows = Judged.of_means(np.zeros(120), rng.exponential(1.0, 120))
        weights = customer_weights(120, 200, seed=trial)
        low, high = interval(metric_draws(Weighing(rows, weights), measure(rows))["mae"])
        hits += low <= 1.0 <= high

    assert 0.8 <= hits / 100 <= 0.97


def test_every_resampling_draws_as_many_customers_as_there_are():
    weights = customer_weights(17, 30, seed=0)

    assert weights.shape == (17, 31)
    assert (weights.sum(axis=0) == 17).all()
    assert (weights[:, -1] == 1).all()


def test_every_metric_is_measured():
    assert list(measure(rows_of(50, 9))) == list(METRICS)
