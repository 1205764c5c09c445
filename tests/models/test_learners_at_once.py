"""Learners in several threads of one process, as a leaderboard runs them."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("lightgbm", reason="for want of lightgbm, of the extra boost")

# More rows than are predicted by one thread.
GROWING_WHILE_TELLING = """
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from patronage.models.learners.base import Head
from patronage.models.learners.binned import BinnedTable
from patronage.models.learners.lightgbm import LightGBM

rng = np.random.default_rng(0)
x = rng.normal(size=(30_000, 20)).astype(np.float32)
y = rng.poisson(np.exp(x[:, 0])).astype(float)
fold = np.arange(len(y)) % 3
heads = (
    Head(y, "poisson"),
    Head((y > 0).astype(float), "binary"),
    Head(y[y > 0], "gamma", rows=y > 0),
)
learner = LightGBM(max_rounds=20)
(grown,) = learner.grow(BinnedTable(x, 0), fold, heads[:1], seed=1)


def grow(k):
    for j in range(3):
        learner.grow(BinnedTable(x, 10 * k + j), fold, heads, seed=k)


def tell(k):
    for _ in range(40):
        grown.predictor.predict(x)


with ThreadPoolExecutor(4) as pool:
    for done in [pool.submit(grow if k % 2 else tell, k) for k in range(8)]:
        done.result()
"""


@pytest.mark.slow
def test_a_forest_may_grow_while_others_tell():
    """A process of its own: what this guards against ends it without an exception."""
    free = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}

    done = subprocess.run(
        [sys.executable, "-c", GROWING_WHILE_TELLING], env=free, check=False, capture_output=True
    )

    assert done.returncode == 0, done.stderr.decode()[-2000:]
