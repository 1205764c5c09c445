"""What learns a table: the same numbers as scikit-learn without its code, and sound means."""

import json
from functools import cache

import numpy as np
import pytest
from scipy.special import expit

from patronage.errors import SettingsError
from patronage.models.learners.array_trees import TreeTable, join_trees
from patronage.models.learners.base import Grown, Head, Learner
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import deviance
from patronage.models.learners.elastic_net import ElasticNet, fit_elastic_net
from patronage.models.learners.gradient_boosting import GradientBoosting, boosted_of
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.learners.mlp import MLP, perceptron_of
from patronage.models.learners.random_forest import RandomForest, forest_of
from patronage.models.learners.standardised import learn_columns
from patronage.models.learners.xgboost import XGBoost
from patronage.registry.codec import decode, encode

for package in ("lightgbm", "xgboost", "sklearn"):
    pytest.importorskip(package, reason=f"for want of {package}, of the extra boost")

ensemble = pytest.importorskip("sklearn.ensemble")
linear_model = pytest.importorskip("sklearn.linear_model")
neural_network = pytest.importorskip("sklearn.neural_network")

N = 1500
LEARNERS: dict[str, Learner] = {
    "lightgbm": LightGBM(max_rounds=80),
    "xgboost": XGBoost(max_rounds=80),
    "gradient_boosting": GradientBoosting(max_rounds=60),
    "random_forest": RandomForest(n_trees=12),
    "elastic_net": ElasticNet(),
    "mlp": MLP(batch=64, most_epochs=12, learning_rate=5e-3),
}
WITH_QUANTILES = {"lightgbm", "xgboost", "gradient_boosting"}
every = pytest.mark.parametrize("name", sorted(LEARNERS))


@cache
def table() -> np.ndarray:
    """Skewed features, a fifth of them missing."""
    rng = np.random.default_rng(0)
    matrix = rng.lognormal(0.0, 1.0, (N, 5)).astype(np.float32)
    matrix[rng.random((N, 5)) < 0.2] = np.nan
    return matrix


@cache
def score() -> np.ndarray:
    logs = np.log1p(np.nan_to_num(table()))
    return np.asarray(logs[:, 0] - 0.7 * logs[:, 1], dtype=np.float64)


def fold() -> np.ndarray:
    return np.arange(N) % 3


@cache
def heads() -> dict[str, tuple[Head, np.ndarray]]:
    """Each loss with a target whose expectation, or quantile, is known."""
    rng, mean = np.random.default_rng(1), np.exp(score())
    paid = rng.random(N) < 0.5
    return {
        "binary": (Head((rng.random(N) < expit(score())).astype(float), "binary"), expit(score())),
        "poisson": (Head(rng.poisson(mean).astype(float), "poisson"), mean),
        "gamma": (Head(mean * rng.gamma(2.0, 0.5, N), "gamma"), mean),
        "tweedie": (Head(np.where(paid, 2 * mean * rng.gamma(2.0, 0.5, N), 0.0), "tweedie"), mean),
        "squared": (Head(score() + rng.normal(0, 0.5, N), "squared"), score()),
    }


@cache
def grown(name: str) -> dict[str, Grown]:
    asked = [head for head, _ in heads().values()]
    found = LEARNERS[name].grow(BinnedTable(table(), 1), fold(), asked, seed=2)
    return dict(zip(heads(), found, strict=True))


@every
def test_every_loss_finds_the_mean_that_the_rows_have(name: str):
    for loss, (head, truth) in heads().items():
        found = grown(name)[loss]
        assert np.corrcoef(found.unseen, truth)[0, 1] > 0.6, loss
        better = deviance(head, head.target, found.unseen)
        assert better < deviance(head, head.target, np.full(N, head.target.mean())), loss


@every
def test_the_total_over_customers_unseen_is_right(name: str):
    for loss, (head, _) in heads().items():
        if loss != "squared":
            assert grown(name)[loss].unseen.sum() == pytest.approx(head.target.sum()), loss


@every
def test_a_head_of_some_rows_is_learned_from_these_alone(name: str):
    some = np.arange(N) < 1000
    target = np.exp(score())
    wild = np.where(some, target, 1e6)
    first, second = (
        LEARNERS[name].grow(
            BinnedTable(table(), 1), fold(), [Head(one[some], "gamma", rows=some)], seed=2
        )[0]
        for one in (target, wild)
    )

    assert len(first.unseen) == N
    np.testing.assert_array_equal(first.unseen, second.unseen)


def test_a_row_never_teaches_the_member_that_tells_its_own_block():
    """A forest, which nothing stops: new outcomes of a block move its rows by the scale alone."""
    head, _ = heads()["poisson"]
    other = np.where(fold() == 1, head.target[::-1], head.target)
    (changed,) = LEARNERS["random_forest"].grow(
        BinnedTable(table(), 1), fold(), [Head(other, "poisson")], seed=2
    )

    before, after = (g.unseen[fold() == 1] for g in (grown("random_forest")["poisson"], changed))
    assert np.ptp(after / before) < 1e-9


@every
def test_what_was_learned_survives_the_disk(name: str):
    arrays: dict[str, np.ndarray] = {}
    for loss, one in grown(name).items():
        text = json.dumps(encode(one.predictor, arrays))
        read = decode(json.loads(text), arrays)
        np.testing.assert_array_equal(
            read.predict(table()), one.predictor.predict(table()), err_msg=loss
        )


@every
def test_rows_that_miss_everything_are_predicted(name: str):
    nothing = np.full((2, 5), np.nan, dtype=np.float32)

    for loss, one in grown(name).items():
        assert np.isfinite(one.predictor.predict(nothing)).all(), loss


@every
def test_a_feature_that_nobody_has_does_no_harm(name: str):
    matrix = table().copy()
    matrix[:, 4] = np.nan

    (grown,) = LEARNERS[name].grow(
        BinnedTable(matrix, 0), fold(), (Head(np.exp(score()), "poisson"),), seed=1
    )

    assert np.isfinite(grown.unseen).all()
    assert np.isfinite(grown.predictor.predict(table()[:5])).all()


@every
def test_a_quantile_is_learned_or_refused(name: str):
    rng = np.random.default_rng(3)
    head = Head(score() + rng.normal(0, 0.5, N), "quantile", level=0.8)
    if name not in WITH_QUANTILES:
        with pytest.raises(SettingsError, match="quantile heads"):
            LEARNERS[name].grow(BinnedTable(table(), 1), fold(), [head], seed=2)
        return
    (found,) = LEARNERS[name].grow(BinnedTable(table(), 1), fold(), [head], seed=2)

    assert np.mean(head.target <= found.unseen) == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize("criterion", ["squared_error", "poisson"])
def test_the_arrays_of_a_forest_are_the_forest(criterion: str):
    target = np.exp(score())
    forest = ensemble.RandomForestRegressor(8, criterion=criterion, min_samples_leaf=5)
    forest.fit(table()[:1000], target[:1000])

    np.testing.assert_allclose(
        forest_of(forest).predict(table()), forest.predict(table()), rtol=1e-12
    )


@pytest.mark.parametrize("loss", ["squared_error", "gamma", "poisson", "quantile"])
def test_the_arrays_of_boosted_trees_are_the_boosted_trees(loss: str):
    model = ensemble.HistGradientBoostingRegressor(loss=loss, max_iter=30, quantile=0.7)
    model.fit(table()[:1000], np.exp(score())[:1000])

    np.testing.assert_allclose(boosted_of(model).predict(table()), model.predict(table()))


def test_the_arrays_of_boosted_classes_are_their_chances():
    model = ensemble.HistGradientBoostingClassifier(max_iter=30)
    model.fit(table()[:1000], (score() > 0)[:1000])

    np.testing.assert_allclose(
        boosted_of(model).predict(table()), model.predict_proba(table())[:, 1], rtol=1e-10
    )


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_arrays_of_a_network_are_the_network(loss: str):
    prepared = learn_columns(table())
    columns = prepared.columns(table())
    network = neural_network.MLPRegressor(loss, hidden_layer_sizes=(8, 4), max_iter=5)
    network.fit(columns, np.exp(score()))

    np.testing.assert_allclose(
        perceptron_of(network, prepared, 1.0).predict(table()),
        network.predict(columns),
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_a_ridge_of_each_log_link_is_scikit_learns(loss: str):
    head, _ = heads()[loss]
    x = learn_columns(table()).columns(table())
    power = {"poisson": 1.0, "gamma": 2.0, "tweedie": 1.5}[loss]
    model = linear_model.TweedieRegressor(power=power, link="log", alpha=0.1, tol=1e-9)
    model.max_iter = 5000
    model.fit(x, head.target)

    start = float(np.log(head.target.mean())), np.zeros(x.shape[1])
    intercept, weights = fit_elastic_net(
        x, head.target, head, penalty=0.1, share_of_lasso=0.0, start=start
    )

    assert intercept == pytest.approx(model.intercept_, abs=2e-3)
    assert weights == pytest.approx(model.coef_, abs=2e-3)


def test_a_lasso_of_squares_is_scikit_learns():
    head, _ = heads()["squared"]
    x = learn_columns(table()).columns(table())
    model = linear_model.ElasticNet(alpha=0.05, l1_ratio=0.5, tol=1e-9)
    model.fit(x.astype(float), head.target)

    intercept, weights = fit_elastic_net(
        x, head.target, head, penalty=0.05, share_of_lasso=0.5, start=(0.0, np.zeros(x.shape[1]))
    )

    assert intercept == pytest.approx(model.intercept_, abs=1e-4)
    assert weights == pytest.approx(model.coef_, abs=1e-4)
    assert (weights == 0).any()


def test_a_tree_by_hand():
    """At or below 2 of the second feature: 10, else -1; what is missing goes left."""
    own = np.arange(3)
    tree = TreeTable(
        left=np.array([1, *own[1:]]),
        right=np.array([2, *own[1:]]),
        feature=np.array([1, 0, 0]),
        threshold=np.array([2.0, 0.0, 0.0]),
        missing_left=np.array([True, False, False]),
        value=np.array([0.0, 10.0, -1.0]),
    )
    rows = np.array([[9, 2.0], [0, 2.5], [0, np.nan]], dtype=np.float32)

    found = join_trees([tree, tree], n_features=2, start=0.5, link="identity").predict(rows)

    assert found.tolist() == [20.5, -1.5, 20.5]
