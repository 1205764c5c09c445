"""What is added up by day, side by side: which measure of which kinds of event."""

from collections.abc import Mapping
from typing import Final

from patronage.events import EventLog
from patronage.snapshots.grains.entries import Entries

__all__ = ["ADDED", "DAYS_WITH", "MONEY", "kinds_of", "occurring"]

# Column → measure of the ledger, kinds of event that it is summed over. "purchase" and "cash" stand
# for the kinds that count as such; no kinds: every event.
ADDED: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "events": ("n_events", ()),
    "purchases": ("n_events", ("purchase*",)),
    "spent": ("amount", ("purchase*",)),
    "cash": ("amount", ("cash*",)),
    "items": ("quantity", ("purchase*",)),
    "discount": ("discount", ("purchase*",)),
    "refunds": ("n_events", ("refund",)),
    "refunded": ("amount", ("refund",)),
    "visits": ("n_events", ("visit",)),
    "clicks": ("n_events", ("click",)),
    "app_uses": ("n_events", ("app_use",)),
    "responses": ("n_events", ("email_response",)),
    "contacts": ("n_events", ("support",)),
    "failures": ("n_events", ("payment_failure",)),
    "treatments": ("n_events", ("treatment",)),
    "starts": ("n_events", ("subscription_start",)),
    "renewals": ("n_events", ("renewal",)),
    "subscribed": ("amount", ("subscription_start", "renewal")),
    "tier_changes": ("n_events", ("tier_change",)),
    "cancellations": ("n_events", ("cancellation",)),
    "answers": ("scored", ("survey",)),
    "answered": ("score", ("survey",)),
    "ratings": ("scored", ("review",)),
    "rated": ("score", ("review",)),
}
# Number of days on which any of these columns is above 0.
DAYS_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "buying_days": ("spent",),
    "browsing_days": ("visits", "clicks", "app_uses"),
    "active_days": ("events",),
}
MONEY: Final = ("amount", "quantity", "discount", "score")


def occurring(log: EventLog) -> tuple[str, ...]:
    """The columns that are not 0 throughout, for what the log has."""
    seen = set(log.kinds)
    measures = {"n_events", "amount", *log.measures}
    meant = Entries(log.has_clock, log.rated_kinds)
    return tuple(
        name
        for name, (measure, kinds) in ADDED.items()
        if measure in measures and (not kinds or not seen.isdisjoint(kinds_of(kinds, meant)))
    )


def kinds_of(kinds: tuple[str, ...], meant: Entries) -> tuple[str, ...]:
    """The kinds that a column is summed over, by what a log means by purchases and cash."""
    if kinds == ("purchase*",):
        return meant.purchase_kinds
    return meant.cash_kinds if kinds == ("cash*",) else kinds
