"""The core of a run: from a log to the model to trust, fitted to all that is known."""

import logging
from dataclasses import dataclass

from patronage.errors import SettingsError
from patronage.evaluate import METRICS
from patronage.events import EventLog
from patronage.jobs.calibrate import CALIBRATIONS, fit_calibrated
from patronage.jobs.candidates import candidates
from patronage.jobs.judge import Judgement, judge
from patronage.jobs.progress import Progress, silent
from patronage.jobs.settings import RunSettings
from patronage.models.base import FittedModel
from patronage.snapshots import RUN_FEATURES, Snapshot, take_snapshot
from patronage.value import Economics, economics_of

__all__ = ["Learned", "learn"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Learned:
    """Who forecasts, what it learned, and what a unit of cash is worth.

    Attributes
    ----------
    snapshot : what was known
    economics : margin, discounting, acquisition cost of its customers
    judgement : who forecasts, and why
    fitted : that model, fitted to the snapshot
    economics_notes : how tables of margins and costs were read
    notes : which models were left out and why, and how outcomes were calibrated
    calibration : how the intervals of outcomes were calibrated, in a sentence; '' where not
    """

    snapshot: Snapshot
    economics: Economics
    judgement: Judgement
    fitted: FittedModel
    economics_notes: tuple[str, ...]
    notes: tuple[str, ...]
    calibration: str = ""


def learn(log: EventLog, settings: RunSettings, *, progress: Progress = silent) -> Learned:
    """Judge the models on the past, and fit the best.

    Raises
    ------
    PatronageError : the log, the settings or the data do not allow it; the message says how to mend
    """
    if settings.choose_by not in METRICS:
        raise SettingsError(
            f"no metric {settings.choose_by!r} to choose by.\nTo mend: one of {', '.join(METRICS)}."
        )
    if settings.calibrate not in CALIBRATIONS:
        raise SettingsError(
            f"no calibration {settings.calibrate!r}.\nTo mend: one of {', '.join(CALIBRATIONS)}."
        )
    competing = candidates(settings.models)
    progress("reading the log", 0.0)
    snapshot = take_snapshot(
        log.compact(), as_of=settings.as_of, features=RUN_FEATURES
    ).remembering()
    economics, economics_notes = economics_of(
        snapshot,
        margin=settings.margin,
        annual_discount_rate=settings.annual_discount_rate,
        cac=settings.cac,
    )
    progress("reading the log", 1.0)
    judgement = judge(
        snapshot,
        settings.horizon,
        competing,
        metric=settings.choose_by,
        seed=settings.seed,
        progress=progress,
    )
    _log.info("%s forecasts: %s", judgement.model, judgement.reasons[0])
    progress("fitting the best", 0.0)
    fitted, calibration = fit_calibrated(
        competing.models[judgement.model],
        settings.calibrate,
        judgement,
        snapshot,
        settings.horizon,
        seed=settings.seed,
    )
    progress("fitting the best", 1.0)
    return Learned(
        snapshot,
        economics,
        judgement,
        fitted,
        tuple(economics_notes),
        tuple(note for note in (*competing.notes, calibration) if note),
        calibration,
    )
