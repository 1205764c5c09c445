"""Models that are given another model: who carries whom. Families do not know each other."""

from patronage.models.base import Model

__all__ = ["hurdle_lightgbm", "tweedie_lightgbm"]


def hurdle_lightgbm() -> Model:
    """The hurdle, carried to long horizons by Pareto/NBD's expected purchases."""
    from patronage.models.boosting.hurdle import HurdleLightGBM
    from patronage.models.btyd.pareto_nbd import ParetoNBD

    return HurdleLightGBM(carry=ParetoNBD(spend=None))


def tweedie_lightgbm() -> Model:
    """The Tweedie forest, carried to long horizons by Pareto/NBD's expected purchases."""
    from patronage.models.boosting.tweedie import TweedieLightGBM
    from patronage.models.btyd.pareto_nbd import ParetoNBD

    return TweedieLightGBM(carry=ParetoNBD(spend=None))
