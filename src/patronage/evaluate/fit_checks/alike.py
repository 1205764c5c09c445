"""Checks that compare all customers with one new customer need customers who begin alike."""

from patronage.errors import SettingsError
from patronage.models.btyd.model import FittedBTYD

__all__ = ["require_alike"]


def require_alike(fitted: FittedBTYD) -> None:
    """SettingsError where covariates make one new customer unlike another."""
    if fitted.report.effects:
        raise SettingsError(
            f"the model has effects of {', '.join(fitted.report.effects)}: no one new customer "
            "stands for all.\nTo mend: check the model without covariates, or by its holdout."
        )
