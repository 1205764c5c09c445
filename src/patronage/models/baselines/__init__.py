"""Forecasts that need no model; they stay on the board for ever."""

from patronage.models.baselines.everyone_average import EveryoneAverage
from patronage.models.baselines.nothing import Nothing
from patronage.models.baselines.same_again import SameAgain
from patronage.models.baselines.textbook_lifetime import TextbookLifetime
from patronage.models.baselines.textbook_retention import TextbookRetention

__all__ = ["EveryoneAverage", "Nothing", "SameAgain", "TextbookLifetime", "TextbookRetention"]
