"""Why a forecast is what it is: parts of the expected cash that add up to it."""

from patronage.models.explaining.contributions import Account, Contributions, Explains, account_of

__all__ = ["Account", "Contributions", "Explains", "account_of"]
