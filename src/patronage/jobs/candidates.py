"""Which models compete in a run, and which of two is the safer."""

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patronage.errors import SettingsError
from patronage.models.base import Model
from patronage.models.catalog import MODELS, make_model
from patronage.models.memory import Remembered
from patronage.uncertainty import Recalibrated

__all__ = ["EVERY", "RECALIBRATED", "Candidates", "candidates"]

# Asks for every forecast model of the catalogue, those too that a run by default leaves out.
EVERY = "all"

# Behind the name of a model that is corrected on rewound folds.
RECALIBRATED = " + recalibration"


@dataclass(frozen=True)
class Candidates:
    """The models of a run.

    Attributes
    ----------
    models : name → model, safest first
    complexity : name → as `choose` takes it; of two that forecast alike the lower is chosen
    notes : what was left out, and why
    """

    models: Mapping[str, Model]
    complexity: Mapping[str, int]
    notes: tuple[str, ...] = ()


def candidates(names: Sequence[str] | None = None) -> Candidates:
    """The models asked for; with None those of a default run, and with (EVERY,) all there are.

    The buy-till-you-die models of a default run compete twice where they are not asked for by name,
    as published and recalibrated on rewound folds. A name that ends in " + recalibration" asks for
    the second alone.
    What needs a package that is not installed is left out, with a note.
    """
    notes: list[str] = []
    if names is None or tuple(names) == (EVERY,):
        names = [
            name
            for name, entry in MODELS.items()
            if entry.kind in ("forecast", "purchases") and (entry.by_default or names is not None)
        ]
        absent = {
            package
            for name in names
            for package in MODELS[name].needs
            if importlib.util.find_spec(package) is None
        }
        if absent:
            left_out = [name for name in names if absent & set(MODELS[name].needs)]
            names = [name for name in names if name not in left_out]
            notes.append(
                f"{', '.join(left_out)} left out: {', '.join(sorted(absent))} not installed "
                "(pip install 'patronage[boost]' brings it)."
            )
        names = [
            one
            for name in names
            for one in ([name, name + RECALIBRATED] if _twice(name) else [name])
        ]
    made: dict[str, Model] = {}

    def member(name: str) -> Model:
        if name not in made:
            made[name] = Remembered(make_model(name, member=member))
        return made[name]

    models: dict[str, Model] = {}
    complexity: dict[str, int] = {}
    for name in dict.fromkeys(names):
        plain = name.removesuffix(RECALIBRATED)
        model = member(plain)
        if MODELS[plain].kind not in ("forecast", "purchases"):
            raise SettingsError(
                f"{plain} is a {MODELS[plain].kind} model and forecasts no cash by itself.\n"
                "To mend: choose a forecast model; `patronage models` lists them."
            )
        corrected = name != plain
        models[name] = Recalibrated(model) if corrected else model
        # A model with its correction is less simple than the model, simpler than the next family.
        complexity[name] = 2 * MODELS[plain].complexity + corrected
    ordered = sorted(models, key=lambda name: complexity[name])
    return Candidates({name: models[name] for name in ordered}, complexity, tuple(notes))


def _twice(name: str) -> bool:
    return MODELS[name].family == "btyd" and MODELS[name].by_default
