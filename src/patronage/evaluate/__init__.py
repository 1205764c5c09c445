"""Is it true? Forecasts against what happened, and the model to trust."""

from patronage.evaluate.backtest import backtest
from patronage.evaluate.choose import Choice, choose
from patronage.evaluate.intervals import interval_table
from patronage.evaluate.leaderboard import LEADERBOARD_COLUMNS
from patronage.evaluate.metrics import METRICS, Metric
from patronage.evaluate.one_shot import OneShot, one_shot
from patronage.evaluate.scorecard import Difference, Scorecard

__all__ = [
    "LEADERBOARD_COLUMNS",
    "METRICS",
    "Choice",
    "Difference",
    "Metric",
    "OneShot",
    "Scorecard",
    "backtest",
    "choose",
    "interval_table",
    "one_shot",
]
