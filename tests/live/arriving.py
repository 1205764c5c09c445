"""Events that arrive, and what a store must have made of them."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from patronage.live.arrivals import Arrival, read_arrival
from patronage.live.corrections import those_that_count
from patronage.live.event_store import EventStore
from patronage.live.ledger_text import written_ledger
from patronage.live.spelling import Spelling
from patronage.snapshots import CustomerLedger
from patronage.snapshots.grains import Entries

NOW = datetime(2024, 5, 20, 12)
SPELLING = Spelling(whole_ids=False, has_clock=True)


def body(event_id: str, customer_id: str = "ann", day: int = 1, **more: Any) -> bytes:
    """As a sender writes it; `day` is of May 2024."""
    told = {
        "event_id": event_id,
        "customer_id": customer_id,
        "event_time": (datetime(2024, 5, 1, 9) + timedelta(days=day - 1)).isoformat(),
        "amount": "10.00",
    }
    return json.dumps({**told, **more}).encode()


def event(event_id: str, customer_id: str = "ann", day: int = 1, **more: Any) -> Arrival:
    read = read_arrival(body(event_id, customer_id, day, **more), SPELLING, now=NOW)
    assert isinstance(read, Arrival), read
    return read


def folded(events: Iterable[Arrival], who: str = "ann") -> str:
    """The text of the ledger of all these events, folded at once, without a store."""
    own = [one for one in events if one.customer_id == who]
    ledger = CustomerLedger(who, Entries(SPELLING.has_clock))
    return written_ledger(ledger.after(*(one.row() for one in those_that_count(own))))


def ledger_of(store: EventStore, who: str = "ann") -> str:
    (held,) = store.held([who])
    assert held is not None
    return held.ledger
