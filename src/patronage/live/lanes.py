"""Lanes: how soon an event moves its customer's score, and who must look at it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from patronage.live.arrivals import Arrival

__all__ = ["LANES", "Lane", "lane_of"]

_ALWAYS: Final = datetime(1970, 1, 1)

Pace = Literal["at once", "hourly", "daily"]


@dataclass(frozen=True)
class Lane:
    """A rule: which events it takes, and how soon they count.

    Attributes
    ----------
    name : as in answers, metrics and reviews
    kinds : kinds of event; empty: any
    pace : at once, or with the full hour or the coming midnight (UTC), coalesced meanwhile
    weight : 0 to 1; orders lanes and reviews. How far a value moves is the model's to say
    at_least : smallest amount
    review : into the queue for people to decide
    alert : told to who watches
    """

    name: str
    kinds: tuple[str, ...]
    pace: Pace
    weight: float
    at_least: Decimal | None = None
    review: bool = False
    alert: bool = False

    def takes(self, event: Arrival) -> bool:
        """Whether the event goes into this lane."""
        if self.kinds and event.kind not in self.kinds:
            return False
        return self.at_least is None or (event.amount or 0) >= self.at_least

    def due(self, now: datetime) -> datetime:
        """When its customer is scored anew at the latest; what is due at once is always due."""
        if self.pace == "at once":
            # Why not now: where the clock is set back it would have to wait until then.
            return _ALWAYS
        hour = now.replace(minute=0, second=0, microsecond=0)
        if self.pace == "hourly":
            return hour + timedelta(hours=1)
        return hour.replace(hour=0) + timedelta(days=1)


# The first that takes an event has it.
LANES: Final = (
    Lane("cancellation", ("cancellation",), "at once", 1.0, review=True),
    Lane("high-value purchase", ("purchase",), "at once", 0.8, at_least=Decimal(500)),
    Lane("payment failure", ("payment_failure",), "at once", 0.7, alert=True),
    Lane("support contact", ("support",), "hourly", 0.4),
    Lane("browsing", ("visit", "click", "app_use"), "daily", 0.1),
    Lane("other", (), "at once", 0.5),
)


def lane_of(event: Arrival, lanes: Sequence[Lane] = LANES) -> Lane:
    """The first lane that takes the event."""
    return next((lane for lane in lanes if lane.takes(event)), LANES[-1])
