"""Would it say the same again: other seeds, other customers to learn from, the next day."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.stats import rankdata

from patronage.evaluate.side_by_side import side_by_side
from patronage.horizon import Horizon
from patronage.models.base import FittedModel, Model
from patronage.snapshots import Snapshot, take_snapshot

__all__ = ["agreement", "day_over_day", "of_resamples", "of_seeds"]

Scores = Float[np.ndarray, " customers"]

# A score that moves further than this share of itself within a day has moved.
_MOVED: Final = 0.1


def agreement(scores: Sequence[Scores]) -> dict[str, float]:
    """How far several scorings of the same customers agree.

    total_spread : standard deviation of the totals over their mean
    score_spread : mean over customers of the standard deviation of a score, over the mean score
    rank_agreement : the least rank correlation of two scorings; 1 where nothing differs
    top_decile_overlap : the least share of one's best tenth that is in another's
    """
    stacked = np.stack(scores)
    totals, mean = stacked.sum(axis=1), float(stacked.mean())
    pairs = list(itertools.combinations(scores, 2))
    return {
        "total_spread": _over(float(totals.std(ddof=1)), abs(float(totals.mean()))),
        "score_spread": _over(float(stacked.std(axis=0, ddof=1).mean()), abs(mean)),
        "rank_agreement": min(_correlation(a, b) for a, b in pairs),
        "top_decile_overlap": min(_overlap(a, b) for a, b in pairs),
    }


def of_seeds(
    model: Model, known: Snapshot, horizon: Horizon, seeds: Sequence[int]
) -> dict[str, float]:
    """The same data, other seeds."""
    return agreement(
        side_by_side(
            lambda seed: _scores(model.fit(known, horizon, seed=seed), known, horizon), list(seeds)
        )
    )


def of_resamples(
    model: Model, known: Snapshot, horizon: Horizon, *, n: int, seed: int
) -> dict[str, float]:
    """Learned from the customers that a bootstrap draws (about 63 %, each once), asked for all."""
    everyone = known.customers["customer_id"]

    def scored(k: int) -> Scores:
        rng = np.random.default_rng([seed, k])
        drawn = np.unique(rng.integers(len(everyone), size=len(everyone)))
        some = take_snapshot(
            known.events.among(everyone[drawn]), as_of=known.as_of, features=known.features
        )
        return _scores(model.fit(some, horizon, seed=seed), known, horizon)

    return agreement(side_by_side(scored, list(range(n))))


def day_over_day(
    fitted: FittedModel, judge: Snapshot, start: date, horizon: Horizon, *, n_days: int
) -> pl.DataFrame:
    """One model asked on each day from `start` about the customers known on the first of them.

    Columns day, total, total_change (share of the day before), rank_correlation (with the day
    before), moved (share of scores that changed by over a tenth).
    """
    panel = judge.rewind(start).customers.select("customer_id")

    def asked(k: int) -> Scores:
        at = judge.rewind(start + timedelta(days=k))
        where = at.customers.with_row_index("row").join(
            panel, on="customer_id", how="inner", maintain_order="right"
        )
        return np.asarray(_scores(fitted, at, horizon)[where["row"].to_numpy()])

    scores = side_by_side(asked, list(range(n_days + 1)))
    rows: list[Mapping[str, object]] = []
    for k in range(1, n_days + 1):
        before, now = scores[k - 1], scores[k]
        rows.append(
            {
                "day": start + timedelta(days=k),
                "total": float(now.sum()),
                "total_change": _over(float(now.sum() - before.sum()), abs(float(before.sum()))),
                "rank_correlation": _correlation(before, now),
                "moved": float((np.abs(now - before) > _MOVED * np.abs(before)).mean()),
            }
        )
    return pl.DataFrame(rows)


def _scores(fitted: FittedModel, at: Snapshot, horizon: Horizon) -> Scores:
    return np.asarray(fitted.predict(at, horizon).mean().sum(axis=1))


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _correlation(a: Scores, b: Scores) -> float:
    """Of mean ranks; 1 where both give everybody the same, 0 where one alone does."""
    ranks = rankdata(a), rankdata(b)
    flat = [float(np.ptp(rank)) == 0.0 for rank in ranks]
    if any(flat):
        return 1.0 if all(flat) else 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def _overlap(a: Scores, b: Scores) -> float:
    """Share of the best tenth that both name, equals at the border sharing."""
    inside = []
    for scores in (a, b):
        _, group, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
        before = sizes.cumsum() - sizes
        inside.append(np.clip((0.1 * len(scores) - before) / sizes, 0.0, 1.0)[group])
    # Why the lesser: equals that both cut at the same border are named alike by both.
    return float(np.minimum(*inside).sum() / (0.1 * len(a)))
