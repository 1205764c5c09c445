"""What every model returns: the distribution of undiscounted cash per customer and period."""

from patronage.forecast.base import AbstractForecast

__all__ = ["AbstractForecast"]
