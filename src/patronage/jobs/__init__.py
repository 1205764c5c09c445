"""Whole pipelines, named and repeatable: what the command line and schedulers run."""

from patronage.jobs.backtest_log import Board, backtest_log
from patronage.jobs.candidates import EVERY, candidates
from patronage.jobs.demo import demo
from patronage.jobs.examine import examine
from patronage.jobs.explain_log import explain_log
from patronage.jobs.features import FeatureSettings, FeatureTables, make_features
from patronage.jobs.fit_source import fit_source
from patronage.jobs.judge import Judgement, judge
from patronage.jobs.on_spark import score_log_on_spark
from patronage.jobs.run import RunResult, run
from patronage.jobs.score_log import score_log
from patronage.jobs.settings import RunSettings

__all__ = [
    "EVERY",
    "Board",
    "FeatureSettings",
    "FeatureTables",
    "Judgement",
    "RunResult",
    "RunSettings",
    "backtest_log",
    "candidates",
    "demo",
    "examine",
    "explain_log",
    "fit_source",
    "judge",
    "make_features",
    "run",
    "score_log",
    "score_log_on_spark",
]
