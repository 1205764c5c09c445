"""Which feature groups a log has anything to tell of."""

from collections.abc import Mapping
from typing import Final

from patronage.events import EventLog
from patronage.snapshots.features import available_groups

__all__ = ["telling_groups"]

# Group → the kinds of event that it tells of; none: purchases, which every log has. Windows beyond
# those of every design brought nothing, and what touches everybody alike would tell origins apart,
# not customers (docs/decisions/0019).
_TELLS_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "recency": (),
    "gaps": (),
    "extremes": (),
    "baskets": (),
    "items": (),
    "first_basket": (),
    "products": (),
    "categories": (),
    "roles": (),
    "channels": (),
    "payment_methods": (),
    "discounts": (),
    "links": (),
    "returns": ("refund",),
    "browsing": ("visit", "click", "app_use"),
    "first_session": ("visit", "click", "app_use"),
    "devices": ("visit", "click", "app_use"),
    "responses": ("email_response",),
    "treatments": ("treatment",),
    "campaigns": ("treatment", "email_response"),
    "policies": ("treatment",),
    "chances": ("treatment",),
    "service": ("support",),
    "satisfaction": ("survey", "review", "support"),
    "promotion": ("survey", "review"),
    "failures": ("payment_failure",),
    "subscription": ("subscription_start", "renewal", "tier_change", "cancellation"),
    "words": ("support", "survey", "review"),
}


def telling_groups(log: EventLog) -> tuple[str, ...]:
    """The groups whose columns, tables and kinds of event the log has."""
    there = set(log.kinds)
    return tuple(
        name
        for name in available_groups(log)
        if name in _TELLS_OF and (not _TELLS_OF[name] or there.intersection(_TELLS_OF[name]))
    )
