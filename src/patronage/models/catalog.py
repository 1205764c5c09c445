"""Models by name: made with their default settings."""

import difflib
from collections.abc import Callable
from importlib import import_module
from typing import Any

from patronage.errors import SettingsError
from patronage.models.base import Model
from patronage.models.entries import DISCRETE, MODELS
from patronage.models.entry import Entry

__all__ = ["DISCRETE", "MODELS", "Entry", "make_model"]


def make_model(name: str, *, member: Callable[[str], Model] | None = None) -> Model:
    """The model of that name with its default settings.

    Parameters
    ----------
    member : makes the models that it is made of; by default this function

    Raises
    ------
    SettingsError : no such model
    """
    if name not in MODELS:
        close = difflib.get_close_matches(name, MODELS, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        raise SettingsError(
            f"there is no model {name!r}.\nTo mend: {hint}Known models: {', '.join(MODELS)}."
        )
    entry = MODELS[name]
    make = member or make_model
    given: dict[str, Any] = {
        setting: make(one) if isinstance(one, str) else {part: make(part) for part in one}
        for setting, one in entry.members.items()
    }
    if entry.learner is not None:
        given["learner"] = _named(entry.learner)()
    made: Model = _named(entry.target)(**given)
    return made


def _named(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
