"""Groups over what surrounds a customer: linked customers, holidays, promotions, indices."""

from collections.abc import Mapping
from typing import Final

from patronage.snapshots.features.group import Group

__all__ = ["AROUND"]

Lines = dict[str, tuple[str, str]]

_LINKS: Final = {
    "n_links": ("count(*)", "customers linked to this one"),
    "n_linked_buyers": ("count(*) FILTER (other_days > 0)", "those of them who have bought"),
    "linked_purchases": (
        "coalesce(sum(other_days), 0)::BIGINT",
        "purchase days of linked customers",
    ),
    "linked_spent": ("coalesce(sum(other_spent), 0)::DOUBLE", "gross money of linked customers"),
    "max_linked_spent": ("max(other_spent)::DOUBLE", "of the one who spent most"),
    "days_since_linked_purchase": (
        ":as_of - max(other_last_day)",
        "days since a linked customer bought",
    ),
    "linked_joined_182": (
        "count(*) FILTER (other_first_day >= :as_of - 182)",
        "linked customers who first bought in the last 182 days",
    ),
}


def _occasion(kind: str, says: str) -> Lines:
    this = f"kind = '{kind}'"
    on = f"{this} AND start_day <= :as_of AND end_day >= :as_of"
    return {
        f"{kind}_on": (f"count(*) FILTER ({on})", f"{says}s on at as_of"),
        f"days_to_{kind}": (
            f"min(start_day) FILTER ({this} AND start_day >= :as_of) - :as_of",
            f"days from as_of to the next {says} known",
        ),
        f"days_since_{kind}": (
            f":as_of - max(end_day) FILTER ({this} AND end_day < :as_of)",
            f"days since the last {says} ended",
        ),
    }


def _series(kind: str, says: str) -> Lines:
    then = f"kind = '{kind}' AND start_day <= :as_of - 365 AND end_day >= :as_of - 365"
    return {
        kind: (f"max(value) FILTER (kind = '{kind}' AND latest = 1)", f"{says}, last known"),
        f"{kind}_change": (
            f"max(value) FILTER (kind = '{kind}' AND latest = 1)"
            f" / nullif(max(value) FILTER ({then}), 0)",
            f"{says} over that of a year before",
        ),
    }


_SEASON: Final = {
    **_occasion("holiday", "holiday"),
    "holidays_28": (
        "count(*) FILTER (kind = 'holiday' AND start_day >= :as_of AND start_day < :as_of + 28)",
        "holidays that begin in the 28 days from as_of on",
    ),
    "month": ("month(:as_of)", "month of as_of"),
}
_PROMOTIONS: Final = {
    **_occasion("promotion", "promotion"),
    "promotion_value": (
        "max(value) FILTER (kind = 'promotion' AND start_day <= :as_of AND end_day >= :as_of)",
        "value of the promotion on at as_of",
    ),
    "promotions_28": (
        "count(*) FILTER (kind = 'promotion' AND start_day >= :as_of AND start_day < :as_of + 28)",
        "promotions known to begin in the 28 days from as_of on",
    ),
}

AROUND: Final[Mapping[str, Group]] = {
    "links": Group("links", _LINKS, ("links",)),
    "season": Group("market", _SEASON, ("calendar",)),
    "promotions": Group("market", _PROMOTIONS, ("calendar",)),
    "market": Group(
        "market",
        _series("price_index", "price index")
        | _series("market_index", "market index")
        | {
            name: line
            for name, line in _occasion("market_event", "market event").items()
            if not name.startswith("days_to")
        },
        ("calendar",),
    ),
}
