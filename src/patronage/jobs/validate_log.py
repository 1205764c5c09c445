"""Validate one model on a log: validation.json, validation.csv and validation.html."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, final

from patronage.errors import NotEnoughDataError, SettingsError
from patronage.evaluate.validation import Decision, Limit, Validation, validate
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.jobs.candidates import RECALIBRATED, candidates
from patronage.jobs.folders import make_folder
from patronage.jobs.progress import Progress, silent
from patronage.models.base import FittedModel, Model
from patronage.models.catalog import MODELS
from patronage.models.training_pairs import RewoundOrigins, rewound_origins
from patronage.registry import Artifact, load_artifact
from patronage.reports.validation_inputs import ValidationInputs
from patronage.reports.validation_page import write_validation_page
from patronage.snapshots import RUN_FEATURES, Snapshot, take_snapshot

__all__ = ["ValidationResult", "validate_log"]

BASELINES: Final = ("nothing", "everyone_average", "same_again")
_MOST_ORIGINS: Final = 5


@final
@dataclass(frozen=True)
class _Saved:
    """A model that was fitted already: it may be asked about days that it had not seen."""

    fitted: FittedModel
    as_of: date

    def fit(self, snapshot: Snapshot, horizon: Horizon, *, seed: int = 0) -> FittedModel:
        del horizon, seed
        if snapshot.as_of < self.as_of:
            raise NotEnoughDataError(
                f"the saved model knew everything before {self.as_of}, so its forecast from "
                f"{snapshot.as_of} is no forecast.\n"
                f"To mend: choose origins from {self.as_of} on, or validate it by its name."
            )
        return self.fitted


@dataclass(frozen=True)
class ValidationResult:
    """A validation, and what it rests on.

    Attributes
    ----------
    validation : every number and finding
    inputs : the same for the page
    """

    validation: Validation
    inputs: ValidationInputs

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the verdict first, then every part; NaN is null."""
        found, inputs = self.validation, self.inputs
        aged = found.ageing
        told: dict[str, Any] = _plain(
            {
                "model": found.model,
                "version": inputs.version,
                "verdict": found.verdict,
                "findings": [asdict(finding) for finding in found.findings],
                "judged": inputs.judged,
                "as_of": inputs.as_of,
                "horizon": str(found.horizon),
                "origins": found.origins,
                "currency": inputs.currency,
                "n_customers": inputs.n_customers,
                "decision": asdict(found.decision),
                "threshold_from": inputs.threshold_from,
                "benchmarks": found.benchmarks,
                "failures": found.failures,
                "limits": {
                    limit.name: {
                        "attention": limit.attention,
                        "fail": limit.fail,
                        "best": limit.best,
                        "reason": limit.reason,
                    }
                    for limit in found.limits.values()
                },
                "retraining": {
                    "days": aged.days,
                    "alpha": aged.alpha,
                    "in_money": aged.in_money,
                    "sentence": aged.sentence,
                    "schedules": aged.schedules.to_dicts(),
                    "by_age": aged.by_age.to_dicts(),
                    "matrix": aged.matrix.to_dicts(),
                },
                "stability": {
                    "seeds": found.seeds,
                    "resamples": found.resamples,
                    "daily": found.daily.to_dicts(),
                },
                "groups": found.groups.to_dicts(),
                "pit": found.pit.to_dicts(),
                "calibration": found.calibration.to_dicts(),
                "metrics": found.frame.filter(found.frame["group"] == "all").to_dicts(),
                "notes": inputs.notes,
            }
        )
        return told

    def write(self, out: Path) -> None:
        """validation.json, validation.csv and validation.html."""
        make_folder(out)
        text = json.dumps(self.as_dict(), indent=1, allow_nan=False, ensure_ascii=False)
        (out / "validation.json").write_text(text, encoding="utf-8")
        self.validation.frame.write_csv(out / "validation.csv")
        write_validation_page(self.inputs, out / "validation.html")


def validate_log(
    log: EventLog,
    model: str,
    *,
    origins: Sequence[date] | None = None,
    horizon: Horizon | None = None,
    groups: Sequence[str] = (),
    threshold: float | None = None,
    margin: float = 1.0,
    cost: float = 0.0,
    retraining_cost: float | None = None,
    limits: Mapping[str, Limit],
    seed: int = 0,
    signing_key: bytes | None = None,
    progress: Progress = silent,
) -> ValidationResult:
    """Validate a model of the catalogue, fitted anew at each origin, or the folder of a saved one.

    Parameters
    ----------
    model : a name, or a folder that `run` or the registry wrote
    horizon : by default 52 weeks, or that of the saved model
    threshold : in money over the horizon; by default the mean purchase known at the first origin

    Raises
    ------
    NotEnoughDataError : the history leaves no origin to judge
    """
    if not (margin > 0 and math.isfinite(margin)) or cost < 0:
        raise SettingsError(
            f"a margin above 0 and a cost from 0 on are needed; {margin:g} and {cost:g} given."
        )
    progress("reading the log", 0.0)
    judge = take_snapshot(log.compact(), features=RUN_FEATURES).remembering()
    progress("reading the log", 1.0)
    artifact = _saved(model, signing_key)
    if artifact is None:
        ahead = horizon or Horizon(52, "week")
        at_hand = candidates((model,)).models[model]
        rewound = _origins(judge, ahead, origins)
        refit: Model | None = at_hand
    else:
        if artifact.currency != log.currency:
            raise SettingsError(
                f"the model forecasts {artifact.currency}, the events are in {log.currency}."
            )
        ahead = horizon or artifact.horizon
        rewound = _since(artifact, judge, ahead, origins)
        at_hand = _Saved(artifact.fitted, artifact.as_of)
        known = artifact.name.removesuffix(RECALIBRATED) in MODELS
        refit = candidates((artifact.name,)).models[artifact.name] if known else None
        judge = judge.with_features(artifact.fitted.features)
    name = model if artifact is None else artifact.name
    process = "bg_nbd" if name.startswith("pareto_nbd") else "pareto_nbd"
    beside = candidates(tuple(b for b in (*BASELINES, process) if b != name))
    entry = MODELS.get(name.removesuffix(RECALIBRATED))
    usual = threshold is None
    if threshold is None:
        threshold = _mean_purchase(judge.rewind(min(rewound.origins)))
    found = validate(
        judge,
        name,
        at_hand,
        beside.models,
        origins=rewound.origins,
        horizon=rewound.horizon,
        decision=Decision(threshold, margin, cost),
        refit=refit,
        simpler=_simpler(name, beside.models),
        groups=groups,
        limits=limits,
        retraining_cost=retraining_cost,
        seed=seed,
        progress=progress,
    )
    quality = log.quality
    inputs = ValidationInputs(
        validation=found,
        version="" if artifact is None else artifact.version,
        trained=None if artifact is None else artifact.as_of,
        judged=rewound.reason,
        as_of=judge.as_of,
        currency=log.currency,
        n_customers=len(judge.customers),
        when_to_use="" if entry is None else entry.when_to_use,
        setting="" if entry is None else entry.setting,
        family="" if entry is None else entry.family,
        assumption=_assumption(at_hand if refit is None else refit),
        threshold_from="the mean purchase known at the first origin" if usual else "as asked for",
        rows_read=quality.n_rows_read,
        rows_used=quality.n_rows_used,
        quarantined=dict(quality.quarantined),
        notes=(*quality.notes, *quality.warnings),
        first_day=log.first_day(),
        last_day=log.last_day(),
    )
    return ValidationResult(found, inputs)


def _saved(model: str, signing_key: bytes | None) -> Artifact | None:
    """The model of a folder; None where the text is a name."""
    if model.removesuffix(RECALIBRATED) in MODELS or not Path(model).is_dir():
        return None
    return load_artifact(Path(model), signing_key=signing_key)


def _origins(judge: Snapshot, horizon: Horizon, origins: Sequence[date] | None) -> RewoundOrigins:
    if origins is None:
        try:
            return rewound_origins(judge, horizon, n_min=3, n_max=_MOST_ORIGINS)
        except NotEnoughDataError as error:
            why = str(error).split("\nTo mend")[0].replace("learn from outcomes", "be judged by")
            raise NotEnoughDataError(
                f"this history cannot validate a model: {why}\n"
                "To mend: give a longer history, or name days with --origins, which are then few "
                "or young, and sign with that in mind."
            ) from error
    listed = ", ".join(day.isoformat() for day in sorted(origins))
    return RewoundOrigins(horizon, tuple(origins), True, f"{horizon} ahead, judged at {listed}.")


def _since(
    artifact: Artifact, judge: Snapshot, horizon: Horizon, origins: Sequence[date] | None
) -> RewoundOrigins:
    """Days from the training of a saved model on, a quarter of the horizon apart."""
    if origins is not None:
        return _origins(judge, horizon, origins)
    days = math.ceil(horizon.days)
    last = judge.as_of - timedelta(days=days)
    if last < artifact.as_of:
        raise NotEnoughDataError(
            f"{artifact.name} was fitted as of {artifact.as_of} and forecasts {horizon}; the log "
            f"ends {judge.as_of}, before these are over.\n"
            "To mend: wait, give a shorter --horizon if the model allows it, or validate it by its "
            "name: --model NAME fits it anew at earlier days."
        )
    step = max(7, 7 * round(days / 28))
    room = (last - artifact.as_of).days // step
    found = tuple(
        artifact.as_of + timedelta(days=step * k) for k in range(min(room + 1, _MOST_ORIGINS))
    )
    listed = ", ".join(day.isoformat() for day in found)
    reason = f"{horizon} ahead, judged at {listed}: days that the saved model had not seen."
    return RewoundOrigins(horizon, found, True, reason)


def _assumption(model: Any) -> str:
    """What the innermost model says of itself."""
    while hasattr(model, "model"):
        model = model.model
    return str(getattr(type(model), "assumption", ""))


def _simpler(name: str, others: Iterable[str]) -> frozenset[str]:
    """Those of a lower complexity than the model; of one that is not known, all."""
    entry = MODELS.get(name.removesuffix(RECALIBRATED))
    return frozenset(
        one for one in others if entry is None or MODELS[one].complexity < entry.complexity
    )


def _mean_purchase(known: Snapshot) -> float:
    """Money of a purchase day so far, of those who bought."""
    customers = known.customers.filter("is_buyer")
    n = float(customers["frequency"].sum()) + len(customers)
    return float(customers["spend"].sum()) / max(n, 1.0)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
