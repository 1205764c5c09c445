"""Which events count where some were corrected: a function of the set, not of the order."""

from collections.abc import Iterable

from patronage.live.arrivals import Arrival

__all__ = ["those_that_count"]


def those_that_count(events: Iterable[Arrival]) -> list[Arrival]:
    """Of one customer's events those that no other replaces.

    Of several corrections of one event the one known last counts (of equal times the one with the
    greatest id); a correction may itself be corrected. A correction of what never came counts as
    an event.
    """
    events = list(events)
    last: dict[str, Arrival] = {}
    for event in events:
        if event.replaces is not None:
            there = last.get(event.replaces)
            if there is None or _order(there) < _order(event):
                last[event.replaces] = event
    return [
        event
        for event in events
        if event.event_id not in last and (event.replaces is None or last[event.replaces] is event)
    ]


def _order(event: Arrival) -> tuple[object, str]:
    return event.known_time, event.event_id
