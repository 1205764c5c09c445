"""Linear scores on one likelihood: the truth is found, and nothing explodes."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.special import expit

from patronage.errors import SettingsError
from patronage.models.learners.base import Head, Loss
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import deviance
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.learners.linear_scores import LinearScores
from patronage.models.learners.links import LINKS, LinkedLoss
from patronage.models.tabular.ziln import ZILNLoss
from patronage.registry.codec import decode, encode


def simulated(n: int) -> tuple[BinnedTable, np.ndarray, np.ndarray, np.ndarray]:
    """Two features that matter and two that do not; logit and log-mean are linear in them."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    # The learner looks at signed logarithms in units of the median size.
    seen = np.sign(x) * np.log1p(np.abs(x) / np.median(np.abs(x), axis=0))
    chance, mu = expit(-0.5 + 1.5 * seen[:, 0]), 3.0 + 0.8 * seen[:, 1]
    cash = np.where(rng.random(n) < chance, np.exp(mu + 0.5 * rng.normal(size=n)), 0.0)
    return BinnedTable(x, 0), cash, chance, mu


def test_the_parameters_of_each_row_are_found():
    table, cash, chance, mu = simulated(6_000)
    fold = np.arange(len(cash)) % 3

    grown = LinearScores().grow_jointly(table, fold, cash, ZILNLoss(), seed=0)

    assert np.abs(expit(grown.unseen[:, 0]) - chance).mean() < 0.02
    assert np.abs(grown.unseen[:, 1] - mu).mean() < 0.05
    assert ZILNLoss().sigma(grown.unseen[:, 2]).mean() == pytest.approx(0.5, abs=0.03)


def test_a_row_far_out_has_finite_scores_and_the_disk_keeps_them():
    table, cash, _, _ = simulated(900)
    fold = np.arange(len(cash)) % 3
    grown = LinearScores().grow_jointly(table, fold, cash, ZILNLoss(), seed=0)
    odd = np.array([[1e30, -1e30, np.nan, 0.0]], dtype=np.float32)
    arrays: dict[str, np.ndarray] = {}

    again = decode(encode(grown.predictor, arrays), arrays)

    assert np.isfinite(grown.predictor.predict(odd)).all()
    np.testing.assert_array_equal(again.predict(odd), grown.predictor.predict(odd))


def test_a_row_has_the_scores_that_it_has_beside_others():
    table, cash, _, _ = simulated(900)
    fold = np.arange(len(cash)) % 3
    predictor = LinearScores().grow_jointly(table, fold, cash, ZILNLoss(), seed=0).predictor

    together = predictor.predict(table.matrix)

    alone = [predictor.predict(table.matrix[k : k + 1])[0] for k in range(50)]
    np.testing.assert_allclose(alone, together[:50], rtol=1e-12, atol=1e-12)


def test_the_loss_is_least_where_fitting_stops():
    table, cash, _, _ = simulated(3_000)
    fold = np.arange(len(cash)) % 3
    learner = LinearScores(penalties=(1e-2,))
    predictor = learner.grow_jointly(table, fold, cash, ZILNLoss(), seed=0).predictor
    member = 0
    seen = table.matrix[fold != member]
    x = np.column_stack([np.ones(len(seen)), predictor.columns.columns(seen)])
    start = predictor.starts[member]

    def loss(weights: np.ndarray) -> float:
        mean = float(ZILNLoss().value(cash[fold != member], start + x @ weights).mean())
        return mean + 0.5e-2 * float((weights[1:] ** 2).sum())

    least = loss(predictor.weights[member])

    rng = np.random.default_rng(0)
    for size in (1e-2, 1e-1):
        moved = predictor.weights[member] + size * rng.normal(size=(20, *x.shape[1:], 3))
        assert min(loss(one) for one in moved) > least


def a_head(loss: Loss, mean: np.ndarray) -> Head:
    rng = np.random.default_rng(8)
    if loss == "binary":
        return Head((rng.random(len(mean)) < mean).astype(float), "binary")
    spread = mean * rng.gamma(2.0, 0.5, len(mean))
    targets = {
        "poisson": rng.poisson(mean).astype(float),
        "gamma": spread,
        "tweedie": np.where(rng.random(len(mean)) < 0.5, 2.0 * spread, 0.0),
    }
    return Head(targets[loss], loss)


@pytest.mark.parametrize("loss", ["binary", "poisson", "gamma", "tweedie"])
def test_a_head_is_a_score_through_its_link(loss: Loss):
    table, _, chance, mu = simulated(3_000)
    truth = chance if loss == "binary" else np.exp(mu - 2.0)
    head = a_head(loss, truth)
    fold = np.arange(len(truth)) % 3
    arrays: dict[str, np.ndarray] = {}

    (grown,) = LinearScores().grow(table, fold, [head], seed=0)

    assert grown.unseen.sum() == pytest.approx(head.target.sum())
    assert np.corrcoef(grown.unseen, truth)[0, 1] > 0.95
    nearly = deviance(head, head.target, truth) - deviance(head, head.target, grown.unseen)
    assert abs(nearly) < 0.02
    again = decode(encode(grown.predictor, arrays), arrays)
    np.testing.assert_array_equal(
        again.predict(table.matrix), grown.predictor.predict(table.matrix)
    )


def test_a_head_of_some_rows_learns_from_these_alone():
    table, _, _, mu = simulated(900)
    some, fold = np.arange(900) < 600, np.arange(900) % 3

    heads = [Head(np.exp(mu)[some], "gamma", rows=some)]
    (grown,) = LinearScores().grow(table, fold, heads, seed=0)

    assert grown.unseen[some].sum() == pytest.approx(np.exp(mu)[some].sum())
    assert len(grown.unseen) == 900


@pytest.mark.parametrize("loss", ["squared", "quantile"])
def test_a_head_without_a_bounded_score_is_refused(loss: Loss):
    table, cash, _, _ = simulated(300)

    with pytest.raises(SettingsError, match=f"no {loss} heads"):
        LinearScores().grow(table, np.arange(300) % 3, [Head(cash, loss)], seed=0)


@pytest.mark.parametrize("loss", sorted(set(LINKS) - {"quantile"}))
def test_the_gradient_of_a_linked_loss_is_the_slope_of_its_value(loss: Loss):
    target = np.array([0.0, 1.0, 1.0]) if loss == "binary" else np.array([0.5, 2.0, 7.0])
    one = LinkedLoss(Head(target, loss))

    away = check_grad(
        lambda scores: float(one.value(target, scores[:, None]).sum()),
        lambda scores: one.gradient(target, scores[:, None])[0][:, 0],
        np.array([-0.5, 0.3, 1.1]),
    )

    assert away < 1e-5


def test_the_parts_of_scores_add_up_even_where_a_score_is_held():
    table, cash, _, _ = simulated(900)
    table.matrix[::7, 2] = np.nan
    fold = np.arange(len(cash)) % 3
    for learner in (LinearScores(), LightGBM(max_rounds=20)):
        predictor = learner.grow_jointly(table, fold, cash, ZILNLoss(), seed=0).predictor
        odd = np.array([[1e30, -1e30, np.nan, 0.0]], dtype=np.float32)
        rows = np.concatenate([table.matrix[:50], odd])

        start, parts = predictor.score_parts(rows)

        np.testing.assert_allclose(
            start + parts.sum(axis=2), predictor.predict(rows), rtol=1e-9, atol=1e-9
        )
