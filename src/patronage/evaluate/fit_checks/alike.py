"""What the checks need that compare all customers with a new one, day by day."""

import numpy as np

from patronage.errors import SettingsError
from patronage.models.btyd.model import FittedBTYD

__all__ = ["require_alike"]


def require_alike(fitted: FittedBTYD) -> None:
    """SettingsError where no one new customer stands for all, or where time is not in days."""
    if fitted.report.effects:
        raise SettingsError(
            f"the model has effects of {', '.join(fitted.report.effects)}: no one new customer "
            "stands for all.\nTo mend: check the model without covariates, or by its holdout."
        )
    parameters = list(fitted.report.parameters.values())
    drawn = fitted.process.simulate(parameters, np.zeros(1), np.random.default_rng(0))
    if not hasattr(drawn, "T"):
        raise SettingsError(
            "the model counts opportunities, and this check counts days.\n"
            "To mend: check it by its holdout, or by `backtest`."
        )
