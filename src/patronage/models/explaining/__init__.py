"""Why a forecast is what it is: parts of the expected cash that add up to it."""

from patronage.models.explaining.contributions import Contributions, Explains, contributions_of

__all__ = ["Contributions", "Explains", "contributions_of"]
