"""The judgement of a run: every candidate at earlier days, and the one to trust."""

from dataclasses import dataclass

from patronage.errors import NotEnoughDataError
from patronage.evaluate import Choice, Scorecard, backtest, choose
from patronage.horizon import Horizon
from patronage.jobs.candidates import Candidates
from patronage.jobs.progress import Progress
from patronage.models.training_pairs import RewoundOrigins, rewound_origins
from patronage.snapshots import Snapshot

__all__ = ["Judgement", "judge"]


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
    except NotEnoughDataError as error:
        return _unjudged(candidates, metric, str(error).split("\n")[0])
    scorecard = backtest(
        snapshot,
        candidates.models,
        origins=rewound.origins,
        horizon=rewound.horizon,
        seed=seed,
        progress=lambda done: progress("judging models", done),
    )
    choice = choose(scorecard, metric=metric, complexity=candidates.complexity)
    return Judgement(
        choice.model, choice.reasons, rewound.reason, metric, scorecard, choice, rewound
    )


def _unjudged(candidates: Candidates, metric: str, why: str) -> Judgement:
    usual = ("pareto_nbd", "bg_nbd", "mbg_nbd")
    model = next((name for name in usual if name in candidates.models), None)
    if model is None:
        model = list(candidates.models)[-1]
    return Judgement(
        model,
        (
            f"No model could be judged on this history, so {model} is taken as the usual first "
            "choice for irregular purchases without a contract; trust it less.",
        ),
        why,
        metric,
    )
