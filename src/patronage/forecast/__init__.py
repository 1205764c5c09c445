"""What every model returns: the distribution of undiscounted cash per customer and period."""

from patronage.forecast.base import AbstractForecast
from patronage.forecast.calibrated import CalibratedForecast
from patronage.forecast.compound import CompoundForecast
from patronage.forecast.counts import AbstractCounts
from patronage.forecast.empirical_hurdle import EmpiricalHurdleForecast
from patronage.forecast.joined import JoinedForecast
from patronage.forecast.log_normal_spend import LogNormalSpend
from patronage.forecast.mixture import MixtureForecast
from patronage.forecast.normal_spend import NormalSpend
from patronage.forecast.quantiles import QuantileForecast
from patronage.forecast.samples import SampleForecast
from patronage.forecast.scaled import ScaledForecast
from patronage.forecast.spend import AbstractSpend, GammaGammaSpend, UnitSpend
from patronage.forecast.totals import total_draws
from patronage.forecast.tweedie import TweedieForecast
from patronage.forecast.zero_inflated import ZeroInflatedForecast
from patronage.forecast.zero_inflated_spend import ZeroInflatedSpend

__all__ = [
    "AbstractCounts",
    "AbstractForecast",
    "AbstractSpend",
    "CalibratedForecast",
    "CompoundForecast",
    "EmpiricalHurdleForecast",
    "GammaGammaSpend",
    "JoinedForecast",
    "LogNormalSpend",
    "MixtureForecast",
    "NormalSpend",
    "QuantileForecast",
    "SampleForecast",
    "ScaledForecast",
    "TweedieForecast",
    "UnitSpend",
    "ZeroInflatedForecast",
    "ZeroInflatedSpend",
    "total_draws",
]
