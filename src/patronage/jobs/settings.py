"""What a run is asked to do."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from patronage.horizon import Horizon

__all__ = ["RunSettings"]


@dataclass(frozen=True)
class RunSettings:
    """Settings of the main job; the defaults are those of the command line.

    Attributes
    ----------
    as_of : first unknown day; None: the day after the last event
    horizon : how far ahead
    models : candidates by name; None: every forecast model there is
    choose_by : the metric that chooses
    calibrate : conformal intervals of one customer's outcome: none, conformal, or auto, where
        those of the judged forecasts held too little or too much
    margin, cac : a number, or a table (frame or file) by product, channel, segment or customer
    annual_discount_rate : effective
    seed : of everything random
    signing_key : signs the saved model
    """

    as_of: date | None = None
    horizon: Horizon = field(default_factory=lambda: Horizon(52, "week"))
    models: tuple[str, ...] | None = None
    choose_by: str = "deviance"
    calibrate: str = "none"
    margin: float | Path | Any = 1.0
    cac: float | Path | Any = 0.0
    annual_discount_rate: float = 0.10
    seed: int = 0
    signing_key: bytes | None = None
