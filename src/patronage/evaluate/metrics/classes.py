"""Who buys at all, and who brings more than a threshold: metrics of probabilities of an event."""

from collections.abc import Callable
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from patronage.evaluate.examined import Examined
from patronage.evaluate.judged import Judged
from patronage.evaluate.metrics.metric import Metric, OfGroups, OfMeans, ratio
from patronage.evaluate.weighing import Weighing

__all__ = ["METRICS"]

Rows = Float[np.ndarray, " rows"]
Draws = Float[np.ndarray, " draws"]
Event = Callable[[Judged], tuple[Rows, Rows]]

CUT: Final = 0.5
"""A probability from here on says that the event comes; set beforehand, never tuned."""
ECE_BINS: Final = 10


def _buys(rows: Judged) -> tuple[Rows, Rows]:
    assert rows.p_zero is not None
    return 1.0 - rows.p_zero, (rows.outcome > 0).astype(float)


def _above(rows: Judged) -> tuple[Rows, Rows]:
    assert isinstance(rows, Examined)
    return rows.p_above, (rows.outcome > rows.decision.threshold).astype(float)


def _counts(event: Event) -> Callable[[Judged], tuple[Rows, ...]]:
    """True positives, said positive, truly positive."""

    def columns(rows: Judged) -> tuple[Rows, ...]:
        chance, came = event(rows)
        said = (chance >= CUT).astype(float)
        return said * came, said, came

    return columns


def _ranked(
    weighing: Weighing, event: Event
) -> tuple[Float[np.ndarray, "groups draws"], Float[np.ndarray, "groups draws"]]:
    """Weight of those for whom it came and did not, by group of equal chance, highest first."""
    chance, came = event(weighing.rows)
    group, n = weighing.groups(chance)
    hits = weighing.sums(group, n, came)
    return hits, weighing.sums(group, n) - hits


def _roc_auc(event: Event) -> OfGroups:
    def compute(weighing: Weighing) -> Draws:
        hits, others = _ranked(weighing, event)
        below = others.sum(axis=0) - others.cumsum(axis=0) + others / 2
        return ratio((hits * below).sum(axis=0), hits.sum(axis=0) * others.sum(axis=0))

    return OfGroups(compute)


def _pr_auc(event: Event) -> OfGroups:
    def compute(weighing: Weighing) -> Draws:
        hits, others = _ranked(weighing, event)
        found, said = hits.cumsum(axis=0), (hits + others).cumsum(axis=0)
        precise = np.divide(found, said, out=np.zeros_like(found), where=said > 0)
        return ratio((hits * precise).sum(axis=0), hits.sum(axis=0))

    return OfGroups(compute)


def _ece(event: Event) -> OfGroups:
    def compute(weighing: Weighing) -> Draws:
        chance, came = event(weighing.rows)
        bins: Int[np.ndarray, " rows"] = np.minimum((chance * ECE_BINS).astype(int), ECE_BINS - 1)
        missed = np.abs(weighing.sums(bins, ECE_BINS, chance - came)).sum(axis=0)
        return ratio(missed, weighing.sums(bins, ECE_BINS).sum(axis=0))

    return OfGroups(compute)


def _brier(event: Event) -> OfMeans:
    def columns(rows: Judged) -> tuple[Rows, ...]:
        chance, came = event(rows)
        return ((chance - came) ** 2,)

    return OfMeans(columns)


def _of(name: str, what: str, event: Event) -> tuple[Metric, ...]:
    cut = f"a probability from {CUT:g} on"
    counts = _counts(event)
    described: tuple[tuple[str, str, bool, OfMeans | OfGroups], ...] = (
        (
            "precision",
            f"Of those with {cut}, the share who {what}.",
            True,
            OfMeans(counts, lambda means: ratio(means[0], means[1])),
        ),
        (
            "recall",
            f"Of those who {what}, the share with {cut}.",
            True,
            OfMeans(counts, lambda means: ratio(means[0], means[2])),
        ),
        (
            "f1",
            "Harmonic mean of that precision and recall.",
            True,
            OfMeans(counts, lambda means: ratio(2 * means[0], means[1] + means[2])),
        ),
        (
            "roc_auc",
            f"Chance that one who will {what} has the higher probability; equals count half.",
            True,
            _roc_auc(event),
        ),
        (
            "pr_auc",
            f"Average precision of ranking who will {what}; its floor is their share.",
            True,
            _pr_auc(event),
        ),
        ("brier", f"Mean squared error of the probability to {what}.", False, _brier(event)),
        (
            "ece",
            f"Mean distance of the probability to {what} from its frequency, over {ECE_BINS} bins.",
            False,
            _ece(event),
        ),
    )
    return tuple(
        Metric(f"{name}_{kind}", meaning, "distribution", higher, formula)
        for kind, meaning, higher, formula in described
    )


METRICS = (
    *_of("buys", "bring any net cash", _buys),
    *_of("above", "bring more than the threshold", _above),
)
