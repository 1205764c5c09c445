"""MODELS: every model by name, as strings, so that naming one loads nothing heavy."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Final, Literal

from patronage.errors import SettingsError
from patronage.models.base import Model

__all__ = ["MODELS", "Entry", "make_model"]


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue.

    Attributes
    ----------
    target : "module:Class" of the settings; it needs no arguments
    family : where it lives under `models`
    kind : what it forecasts by itself: cash, purchases, or the spend of a purchase
    setting : the business it is made for
    when_to_use : one sentence
    complexity : 0 baseline, 1 textbook formula, 2 buy-till-you-die, 3 boosting, 4 ensemble; ties
        go to the lower
    needs : extras to install
    """

    target: str
    family: Literal["baseline", "btyd", "boosting", "ensemble"]
    kind: Literal["forecast", "purchases", "spend"]
    setting: str
    when_to_use: str
    complexity: int
    needs: tuple[str, ...] = ()


_CONTINUOUS: Final = "noncontractual continuous"

MODELS: Final[Mapping[str, Entry]] = {
    "bg_nbd": Entry(
        "patronage.models.btyd.bg_nbd:BGNBD",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "Repeat buyers who leave unseen after some purchase; few one-time buyers.",
        2,
    ),
    "gamma_gamma": Entry(
        "patronage.models.btyd.gamma_gamma:GammaGamma",
        "btyd",
        "spend",
        _CONTINUOUS,
        "The money of a purchase, where it does not depend on how often a customer buys.",
        2,
    ),
    "hurdle_lightgbm": Entry(
        "patronage.models.wiring:hurdle_lightgbm",
        "boosting",
        "forecast",
        _CONTINUOUS,
        "Thousands of customers and history for several horizons; many will pay nothing.",
        3,
        ("boost",),
    ),
    "mbg_nbd": Entry(
        "patronage.models.btyd.mbg_nbd:MBGNBD",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "As BG/NBD, where many customers leave after the first purchase.",
        2,
    ),
    "pareto_nbd": Entry(
        "patronage.models.btyd.pareto_nbd:ParetoNBD",
        "btyd",
        "forecast",
        _CONTINUOUS,
        "Customers who leave unseen at any time; the reference for irregular repeat purchases.",
        2,
    ),
    "tweedie_lightgbm": Entry(
        "patronage.models.wiring:tweedie_lightgbm",
        "boosting",
        "forecast",
        _CONTINUOUS,
        "Thousands of customers and history for several horizons; most will pay something.",
        3,
        ("boost",),
    ),
}


def make_model(name: str) -> Model:
    """The model of that name with its default settings.

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
    module, _, settings = MODELS[name].target.partition(":")
    made: Model = getattr(import_module(module), settings)()
    return made
