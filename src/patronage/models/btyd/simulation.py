"""Draws of purchase histories: what the processes' own `simulate` are made of."""

import numpy as np
from jaxtyping import Float, Int

from patronage.models.likelihoods.histories import Histories

__all__ = ["first_chances", "histories_until", "poisson_times"]

Rows = Float[np.ndarray, " rows"]
Who = Int[np.ndarray, " purchases"]
Times = Float[np.ndarray, " purchases"]


def poisson_times(rate: Rows, until: Rows, rng: np.random.Generator) -> tuple[Who, Times]:
    """Repeat purchases at a constant rate: each one's row and time, sorted by both."""
    who = np.repeat(np.arange(len(rate)), rng.poisson(rate * until))
    when = rng.random(len(who)) * until[who]
    return who, when[np.lexsort((when, who))]


def first_chances(p_dropout: Rows, rng: np.random.Generator) -> Rows:
    """The chance at which each row drops out: geometric, from 1 on; in logs, as p may be tiny."""
    p = np.clip(p_dropout, 1e-300, 1 - 1e-16)
    return np.asarray(np.maximum(np.ceil(np.log1p(-rng.random(len(p))) / np.log1p(-p)), 1.0))


def histories_until(who: Who, when: Times, T: Rows) -> Histories:
    """x, t_x and T of every row, from the times of its repeat purchases."""
    x = np.bincount(who, minlength=len(T)).astype(float)
    t_x = np.zeros(len(T))
    np.maximum.at(t_x, who, when)
    return Histories(x, t_x, T, np.ones(len(T)))
