"""The learner that chooses among learners keeps, for each head, what tells unseen rows best."""

import numpy as np
import pytest

pytest.importorskip("lightgbm", reason="for want of lightgbm, of the extra boost")

from patronage.errors import SettingsError
from patronage.models.learners.base import Head
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.crossing import deviance
from patronage.models.learners.elastic_net import ElasticNet
from patronage.models.learners.lightgbm import LightGBM
from patronage.models.learners.tuned import Tuned

N = 900
FOLD = np.arange(N) % 3


def lesson():
    """A head that noise all but hides, and one that follows steps, which a line cannot."""
    rng = np.random.default_rng(3)
    x = rng.uniform(0.0, 10.0, (N, 2)).astype(np.float32)
    noise = rng.normal(0.0, 1.0, N)
    line = np.log1p(x[:, 0].astype(float)) + 3.0 * noise
    steps = 20.0 * (np.floor(x[:, 1]) % 2).astype(float) + noise
    rows = np.arange(N) % 5 > 0
    return BinnedTable(x, seed=0), (Head(line, "squared"), Head(steps[rows], "squared", rows=rows))


def test_each_head_has_the_learner_that_tells_it_best():
    table, heads = lesson()
    line, trees = ElasticNet(), LightGBM(random_cuts=False, max_rounds=60)

    grown = Tuned((line, trees)).grow(table, FOLD, heads, seed=0)

    for k, learner in enumerate((line, trees)):
        (alone,) = learner.grow(table, FOLD, (heads[k],), seed=0)
        assert np.array_equal(grown[k].unseen, alone.unseen)
        other = (trees, line)[k].grow(table, FOLD, (heads[k],), seed=0)[0]
        rows = slice(None) if heads[k].rows is None else heads[k].rows
        told, untold = (
            deviance(heads[k], heads[k].target, one.unseen[rows]) for one in (alone, other)
        )
        assert told < untold


def test_the_earlier_of_two_that_tell_alike_is_kept():
    table, heads = lesson()
    same = LightGBM(max_rounds=5), LightGBM(max_rounds=5)

    (found, _) = Tuned(same).grow(table, FOLD, heads, seed=0)

    assert np.array_equal(found.unseen, same[0].grow(table, FOLD, heads, seed=0)[0].unseen)


@pytest.mark.parametrize("among", [(), (LightGBM(n_folds=3), LightGBM(n_folds=5))])
def test_learners_of_other_folds_are_refused(among):
    with pytest.raises(SettingsError, match="all with the same n_folds"):
        Tuned(among)
