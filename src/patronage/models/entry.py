"""Entry: what the catalogue says of a model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Entry"]


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue.

    Attributes
    ----------
    target : "module:Class" of the settings
    family : where it lives under `models`
    kind : what it forecasts by itself: cash, purchases, or the spend of a purchase
    setting : the business it is made for
    when_to_use : one sentence
    complexity : 0 baseline, 1 textbook formula, 2 buy-till-you-die, 3 an average of several, 4
        learned from a table, alone; ties go to the lower
    needs : packages to install
    learner : "module:Class" of what learns its table, where it is not the form's own
    members : models it is made of, by the name of the setting that takes each; "members" takes
        several as a mapping
    by_default : competes in a run that names no models; the others with --models all
    """

    target: str
    family: Literal["baseline", "btyd", "tabular", "ensemble"]
    kind: Literal["forecast", "purchases", "spend"]
    setting: str
    when_to_use: str
    complexity: int
    needs: tuple[str, ...] = ()
    members: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    learner: str | None = None
    by_default: bool = True
