"""Draws of purchase histories: what the processes' own `simulate` are made of."""

import numpy as np
from jaxtyping import Float, Int

from patronage.models.likelihoods.histories import Histories
from patronage.models.likelihoods.timed_histories import TimedHistories

__all__ = [
    "erlang_times",
    "first_chances",
    "histories_until",
    "only_first",
    "poisson_times",
    "timed_histories_until",
]

Rows = Float[np.ndarray, " rows"]
Who = Int[np.ndarray, " purchases"]
Times = Float[np.ndarray, " purchases"]


def poisson_times(rate: Rows, until: Rows, rng: np.random.Generator) -> tuple[Who, Times]:
    """Repeat purchases at a constant rate: each one's row and time, sorted by both."""
    who = np.repeat(np.arange(len(rate)), rng.poisson(rate * until))
    when = rng.random(len(who)) * until[who]
    return who, when[np.lexsort((when, who))]


def only_first(
    most: Rows, who: Who, when: Times
) -> tuple[Int[np.ndarray, " kept"], Float[np.ndarray, " kept"]]:
    """The first `most` purchases of each row, of purchases sorted by row and time."""
    n = np.bincount(who, minlength=len(most))
    rank = 1 + np.arange(len(who)) - np.repeat(np.cumsum(n) - n, n)
    kept = rank <= most[who]
    return who[kept], when[kept]


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


def erlang_times(
    shape: Rows, rate: Rows, until: Rows, rng: np.random.Generator, *, most: Rows
) -> tuple[Who, Times]:
    """Repeat purchases with gaps of Gamma(shape, rate): each one's row and time.

    most : purchases of each row at which it stops, whenever that is
    """
    now = np.zeros(len(shape))
    here = np.flatnonzero(most > 0)
    who, when, made = [here[:0]], [now[:0]], 0
    while len(here):
        gap = rng.standard_gamma(shape[here]) / np.maximum(rate[here], 1e-300)
        now[here] += gap
        here = here[now[here] <= until[here]]
        who.append(here)
        when.append(now[here])
        made += 1
        here = here[most[here] > made]
    return np.concatenate(who), np.concatenate(when)


def timed_histories_until(who: Who, when: Times, T: Rows) -> TimedHistories:
    """Histories and their log_gaps, from the times of all repeat purchases."""
    order = np.lexsort((when, who))
    who, when = who[order], when[order]
    plain = histories_until(who, when, T)
    first = np.r_[True, who[1:] != who[:-1]] if len(who) else np.zeros(0, dtype=bool)
    gap = when - np.where(first, 0.0, np.r_[0.0, when[:-1]][: len(when)])
    log_gap = np.log(np.maximum(gap, 1e-300))
    log_gaps = np.bincount(who, weights=log_gap, minlength=len(T)).astype(float)
    return TimedHistories(plain.x, plain.t_x, plain.T, log_gaps, plain.weight)
