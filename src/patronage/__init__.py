"""Patronage: customer lifetime value, from raw events to honest forecasts.

The names below are the public face for Python; they load when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from patronage.datasets import open_dataset, simulate
    from patronage.evaluate.backtest import backtest
    from patronage.evaluate.choose import choose
    from patronage.evaluate.one_shot import one_shot
    from patronage.events import EventLog, read_events
    from patronage.horizon import Horizon
    from patronage.jobs.run import run
    from patronage.jobs.settings import RunSettings
    from patronage.models.base_tables import BaseTable, base_table, base_table_by_age
    from patronage.models.catalog import make_model
    from patronage.models.encoders.covariates import Covariates
    from patronage.models.selection import select
    from patronage.registry import load_artifact, save_artifact
    from patronage.scoring.score import Scoring, score
    from patronage.snapshots import RFM, Snapshot, observe_outcome, take_snapshot
    from patronage.uncertainty import Recalibrated
    from patronage.value import Economics, residual_clv, value_table

__version__ = "0.1.0"

__all__ = [
    "RFM",
    "BaseTable",
    "Covariates",
    "Economics",
    "EventLog",
    "Horizon",
    "Recalibrated",
    "RunSettings",
    "Scoring",
    "Snapshot",
    "backtest",
    "base_table",
    "base_table_by_age",
    "choose",
    "load_artifact",
    "make_model",
    "observe_outcome",
    "one_shot",
    "open_dataset",
    "read_events",
    "residual_clv",
    "run",
    "save_artifact",
    "score",
    "select",
    "simulate",
    "take_snapshot",
    "value_table",
]

# Name → the room it lives in. Why not plain imports: `import patronage` stays under 100 ms.
_HOMES: Final = {
    "RFM": "snapshots",
    "BaseTable": "models.base_tables",
    "Covariates": "models.encoders.covariates",
    "Economics": "value",
    "EventLog": "events",
    "Horizon": "horizon",
    "Recalibrated": "uncertainty",
    "RunSettings": "jobs",
    "Scoring": "scoring",
    "Snapshot": "snapshots",
    "backtest": "evaluate",
    "base_table": "models.base_tables",
    "base_table_by_age": "models.base_tables",
    "choose": "evaluate",
    "load_artifact": "registry",
    "make_model": "models.catalog",
    "observe_outcome": "snapshots",
    "one_shot": "evaluate",
    "open_dataset": "datasets",
    "read_events": "events",
    "residual_clv": "value",
    "run": "jobs",
    "save_artifact": "registry",
    "score": "scoring",
    "select": "models.selection",
    "simulate": "datasets",
    "take_snapshot": "snapshots",
    "value_table": "value",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'patronage' has no attribute {name!r}")
    return getattr(import_module(f"patronage.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
