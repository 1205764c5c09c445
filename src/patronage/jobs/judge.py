"""The judgement of a run: every candidate at earlier days, and the one to trust."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from patronage.errors import NotEnoughDataError
from patronage.evaluate import Choice, Scorecard, backtest, choose
from patronage.horizon import Horizon
from patronage.jobs.candidates import Candidates
from patronage.jobs.progress import Progress
from patronage.models.catalog import MODELS
from patronage.models.training_pairs import RewoundOrigins, rewound_origins
from patronage.snapshots import Snapshot

__all__ = ["Judgement", "judge"]

# Why: a model that missed by a factor of e is not to be trusted with any interval.
_LEVEL_MOST: Final = 1.0


@dataclass(frozen=True)
class Judgement:
    """Who forecasts, and how that was decided.

    Attributes
    ----------
    model : the chosen candidate
    reasons : why, in sentences
    judged : what was judged, in a sentence
    metric : what was chosen by
    scorecard, choice, rewound : the evidence; None where the history is too short to judge
    """

    model: str
    reasons: tuple[str, ...]
    judged: str
    metric: str
    scorecard: Scorecard | None = None
    choice: Choice | None = None
    rewound: RewoundOrigins | None = None

    def caution(self, asked: Horizon) -> str:
        """What no judgement says of a forecast so far ahead; '' where it was judged as asked."""
        if self.rewound is None:
            return (
                "No forecast could be judged on this history, so that no interval knows how far "
                "off the level may be."
            )
        if self.rewound.exact:
            return ""
        return (
            f"{asked} are asked; on this history forecasts could be judged over "
            f"{self.rewound.horizon} only. The intervals assume that errors are no larger beyond, "
            "which may not hold, for instance in a season that the history has not shown."
        )

    @property
    def level_sd(self) -> float:
        """How far the chosen model's totals were from the truth: root mean square of the log.

        With k origins the next one differs from an estimated spread by 1 + 1/k.
        """
        if self.scorecard is None:
            return 0.0
        told = self.scorecard.predictions.filter(pl.col("model") == self.model)
        # Why ordered: the mean over origins in another order may differ in its last bit.
        sums = told.group_by("origin", maintain_order=True).agg(
            pl.col("mean_cash", "outcome_cash").sum()
        )
        forecast, actual = sums["mean_cash"].to_numpy(), sums["outcome_cash"].to_numpy()
        sound = (forecast > 0) & (actual > 0)
        if not sound.any():
            return 0.0
        missed = np.log(actual[sound] / forecast[sound])
        spread = float(np.sqrt((missed**2).mean() * (1.0 + 1.0 / len(missed))))
        return min(spread, _LEVEL_MOST)


def judge(
    snapshot: Snapshot,
    horizon: Horizon,
    candidates: Candidates,
    *,
    metric: str,
    seed: int,
    progress: Progress,
) -> Judgement:
    """Backtest the candidates on what the snapshot knows, and choose.

    Where the history is too short to rewind, a process model is taken unjudged, and says so.
    """
    try:
        rewound = rewound_origins(snapshot, horizon, n_min=3)
        scorecard = backtest(
            snapshot,
            candidates.models,
            origins=rewound.origins,
            horizon=rewound.horizon,
            seed=seed,
            progress=lambda done: progress("judging models", done),
        )
        choice = choose(scorecard, metric=metric, complexity=candidates.complexity)
    except NotEnoughDataError as error:
        return _unjudged(candidates, metric, str(error).split("\nTo mend")[0])
    return Judgement(
        choice.model, choice.reasons, rewound.reason, metric, scorecard, choice, rewound
    )


def _unjudged(candidates: Candidates, metric: str, why: str) -> Judgement:
    """A process model where there is one, else the best-founded that needs no outcomes to learn."""
    usual = [name for name in ("pareto_nbd", "bg_nbd", "mbg_nbd") if name in candidates.models]
    plain = [name for name in candidates.models if _learns_from_histories(name)]
    model = (usual or plain[::-1] or list(candidates.models)[::-1])[0]
    why_this = (
        "is taken as the usual first choice for irregular purchases without a contract"
        if usual
        else "is taken as the most telling of the models asked for that need no judgement to learn"
        if plain
        else "is taken, the last of the models asked for"
    )
    return Judgement(
        model,
        (f"No model could be judged on this history, so {model} {why_this}; trust it less.",),
        why,
        metric,
    )


def _learns_from_histories(name: str) -> bool:
    return name in MODELS and MODELS[name].family in ("baseline", "btyd")
