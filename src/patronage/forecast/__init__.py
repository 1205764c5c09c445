"""What every model returns: the distribution of undiscounted cash per customer and period."""

from patronage.forecast.base import AbstractForecast
from patronage.forecast.compound import CompoundForecast
from patronage.forecast.empirical_hurdle import EmpiricalHurdleForecast
from patronage.forecast.quantiles import QuantileForecast
from patronage.forecast.samples import SampleForecast
from patronage.forecast.tweedie import TweedieForecast
from patronage.forecast.zero_inflated import ZeroInflatedForecast

__all__ = [
    "AbstractForecast",
    "CompoundForecast",
    "EmpiricalHurdleForecast",
    "QuantileForecast",
    "SampleForecast",
    "TweedieForecast",
    "ZeroInflatedForecast",
]
