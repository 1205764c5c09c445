"""Backtest a log: the board, as a table, as JSON and as files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from patronage.errors import SettingsError
from patronage.evaluate import METRICS, Choice, Scorecard, backtest, choose
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs.candidates import candidates
from patronage.jobs.folders import make_folder
from patronage.jobs.progress import Progress, silent
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import RUN_FEATURES, take_snapshot

__all__ = ["Board", "backtest_log"]

_SHOWN = ("deviance", "normalized_gini", "rmse_purchases", "decile_mape", "aggregate_bias", "crps")


@dataclass(frozen=True)
class Board:
    """The result of a backtest.

    Attributes
    ----------
    scorecard : every number
    choice : the model to trust, and why
    judged : what was judged, in a sentence
    """

    scorecard: Scorecard
    choice: Choice
    judged: str

    def as_text(self) -> str:
        """The board for a terminal: models by the metric that chooses, best first."""
        shown = list(dict.fromkeys((self.choice.metric, *_SHOWN)))
        lines = [self.judged, "", f"{'model':<32}" + "".join(f"{name:>17}" for name in shown)]
        judged = self.choice.table.filter(pl.col("verdict") != "excluded")
        for model in judged["model"]:
            values = (self.scorecard.value(model, name) for name in shown)
            lines.append(f"{model:<32}" + "".join(f"{value:>17.4f}" for value in values))
        failed = [f"{model}: {why}" for model, why in self.scorecard.failures.items()]
        return "\n".join([*lines, "", *self.choice.reasons, *failed])

    def as_json(self) -> str:
        """The leaderboard's rows, the choice and its reasons."""
        return json.dumps(
            {
                "judged": self.judged,
                "model": self.choice.model,
                "metric": self.choice.metric,
                "reasons": list(self.choice.reasons),
                "failures": dict(self.scorecard.failures),
                "leaderboard": self.scorecard.frame.to_dicts(),
            },
            indent=2,
            default=str,
        )

    def write(self, out: Path) -> None:
        """leaderboard.csv and predictions.parquet."""
        make_folder(out)
        self.scorecard.to_csv(out / "leaderboard.csv")
        self.scorecard.predictions.write_parquet(out / "predictions.parquet")


def backtest_log(
    log: EventLog,
    models: Sequence[str] | None,
    *,
    origins: Sequence[date | None] | None,
    horizon: Horizon,
    choose_by: str = "deviance",
    seed: int = 0,
    progress: Progress = silent,
) -> Board:
    """Judge the models at the origins, or at three that the history allows."""
    if choose_by not in METRICS:
        raise SettingsError(
            f"no metric {choose_by!r} to choose by.\nTo mend: one of {', '.join(METRICS)}."
        )
    competing = candidates(models)
    snapshot = take_snapshot(log.compact(), features=RUN_FEATURES).remembering()
    if origins is None:
        rewound = rewound_origins(snapshot, horizon)
        days, judged_on, told = rewound.origins, rewound.horizon, rewound.reason
    else:
        days = tuple(day for day in origins if day is not None)
        judged_on = horizon
        told = f"{horizon} ahead, judged at {', '.join(day.isoformat() for day in days)}."
    card: Scorecard = backtest(
        snapshot,
        competing.models,
        origins=days,
        horizon=judged_on,
        seed=seed,
        progress=lambda done: progress("judging models", done),
    )
    return Board(card, choose(card, metric=choose_by, complexity=competing.complexity), told)
