"""Whether a run calibrates the outcomes of the chosen model, and what it says about that."""

import logging
from typing import Final

from patronage.errors import NotEnoughDataError
from patronage.horizon import Horizon
from patronage.jobs.judge import Judgement
from patronage.models.base import FittedModel, Model
from patronage.snapshots import Snapshot
from patronage.uncertainty import Conformal

__all__ = ["CALIBRATIONS", "fit_calibrated"]

_log = logging.getLogger(__name__)

CALIBRATIONS: Final = ("none", "conformal", "auto")
_LEVELS: Final = (0.5, 0.8, 0.9, 0.95)
# With auto, intervals whose randomised coverage was further off than this are calibrated.
_TOLERATED: Final = 0.05


def fit_calibrated(
    model: Model,
    how: str,
    judgement: Judgement,
    snapshot: Snapshot,
    horizon: Horizon,
    *,
    seed: int,
) -> tuple[FittedModel, str]:
    """The fitted model, conformal where asked for, and a sentence about it ('' for none).

    Parameters
    ----------
    how : none, conformal, or auto: conformal where the 80 % intervals of the judged forecasts
        held less than 75 % or more than 85 % of the outcomes, zeros placed by lot
    """
    why = "asked for"
    if how == "auto":
        held = float("nan")
        if judgement.scorecard is not None:
            held = judgement.scorecard.value(judgement.model, "pit_coverage_80")
        # With nothing judged the share is NaN, and nothing says that calibration is needed.
        how = "conformal" if abs(held - 0.8) > _TOLERATED else "none"
        why = f"the 80 % intervals of the judged forecasts held {held:.0%}"
    if how == "none":
        return model.fit(snapshot, horizon, seed=seed), ""
    try:
        fitted = Conformal(model, levels=_LEVELS).fit(snapshot, horizon, seed=seed)
    except NotEnoughDataError as error:
        reason = str(error).split("\nTo mend")[0]
        _log.info("outcomes are not calibrated: %s", reason)
        return (
            model.fit(snapshot, horizon, seed=seed),
            f"Intervals of one customer's outcome were not calibrated: {reason}",
        )
    shorter = "" if fitted.exact else ", over a shorter horizon than is forecast"
    return fitted, (
        f"Intervals of one customer's outcome are conformal ({why}): calibrated on what "
        f"{fitted.calibration.buckets.sizes.sum():,} customers did after {fitted.calibrated_at}"
        f"{shorter}."
    )
