"""Groups over the days of a customer: rhythm, money, windows, and what purchase models read."""

from collections.abc import Mapping
from typing import Final

from patronage.snapshots.features.group import Group

__all__ = ["HISTORY", "SHORTEST_WAIT", "WINDOWS"]

WINDOWS: Final = (7, 28, 56, 91, 182, 365)
# Days. Two purchases some minutes apart, around midnight, are no rhythm: their logarithm would
# outweigh all the others of a customer.
SHORTEST_WAIT: Final = 1 / 24

_COUNTED: Final = "FILTER (spent > 0)"

_RHYTHM: Final = {
    "days_since_last": (
        f":as_of - max(event_day) {_COUNTED}",
        "days from the last purchase day to as_of",
    ),
    "mean_gap": ("avg(gap)", "mean of the gaps between purchase days, in days"),
    "sd_gap": ("stddev_samp(gap)", "their standard deviation"),
    "max_gap": ("max(gap)::DOUBLE", "the longest of them"),
    "last_gap": (f"(arg_max(gap, event_day) {_COUNTED})::DOUBLE", "the last of them"),
}

_MONEY: Final = {
    "mean_spent": (f"(avg(spent) {_COUNTED})::DOUBLE", "mean money of a purchase day"),
    "max_spent": ("max(spent)::DOUBLE", "money of the largest purchase day"),
    "last_spent": (
        f"(arg_max(spent, event_day) {_COUNTED})::DOUBLE",
        "money of the last purchase day",
    ),
    "n_refund_days": ("count(*) FILTER (cash < spent)", "days with more paid back than charged"),
}

_WINDOWS: Final = {
    **{
        f"purchases_{days}": (
            f"count(*) FILTER (spent > 0 AND event_day >= :as_of - {days})",
            f"purchase days among the last {days}",
        )
        for days in WINDOWS
    },
    **{
        f"cash_{days}": (
            f"coalesce(sum(cash) FILTER (event_day >= :as_of - {days}), 0)::DOUBLE",
            f"net cash of the last {days} days",
        )
        for days in WINDOWS
    },
}

# Rounded, so that equal waits in another order are the same number. Why the filter: `greatest`
# passes over NULL, and a first purchase would count as the shortest wait.
_REGULARITY: Final = {
    "log_gaps": (
        f"coalesce(round(sum(ln(greatest(wait, {SHORTEST_WAIT!r})))"
        " FILTER (wait IS NOT NULL), 9), 0)::DOUBLE",
        "sum of the logarithms of the waits between purchases, in days",
    ),
    "n_short_gaps": (
        f"count(*) FILTER (wait < {SHORTEST_WAIT!r})",
        "waits shorter than the shortest that counts as rhythm",
    ),
}

# Exact decimals of logarithms, so that a sum does not depend on its order.
_LOG: Final = "ln(CASE WHEN spent > 0 THEN spent::DOUBLE END)"
_AMOUNTS: Final = {
    "log_spent": (
        f"sum({_LOG}::DECIMAL(18,12))::DOUBLE",
        "sum of the logarithms of the money of purchase days",
    ),
    "log_spent_squared": (
        f"sum(({_LOG} * {_LOG})::DECIMAL(18,12))::DOUBLE",
        "sum of their squares",
    ),
}

# Net money of each counted purchase: its day's cash and all that follows before the next one. Its
# square is what the running sum's square grows by, day by day.
_NETS: Final = {
    "net_spent": (
        "(sum(cash) FILTER (n_counted > 0))::DOUBLE",
        "sum of the net money of purchases: each with the refunds and fees that follow it",
    ),
    "net_spent_squared": (
        "(sum(cash::DECIMAL(38,4) * (net + net - cash)::DECIMAL(38,4))"
        " FILTER (n_counted > 0))::DOUBLE",
        "sum of their squares",
    ),
}

# Purchases that cost nothing are no counted days; here they are.
_FREE: Final = {
    "free_days": (
        "count(*) FILTER (purchases > 0 AND NOT spent > 0)",
        "days with purchases that cost nothing",
    ),
    "days_since_any": (
        "(:end_us - max(instant_us) FILTER (purchases > 0)) / 86400e6",
        "days since the last purchase, free ones with them, as T counts them",
    ),
}

HISTORY: Final[Mapping[str, Group]] = {
    "rhythm": Group("days", _RHYTHM),
    "money": Group("days", _MONEY),
    "windows": Group("days", _WINDOWS),
    "regularity": Group("days", _REGULARITY),
    "amounts": Group("days", _AMOUNTS),
    "nets": Group("days", _NETS),
    "free": Group("days", _FREE),
}
