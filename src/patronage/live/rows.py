"""Rows of the store's tables: how values are written, and read again."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from patronage.live.arrivals import Arrival
from patronage.live.spelling import Spelling

__all__ = [
    "arrival",
    "digest_of",
    "event_row",
    "instant",
    "micros",
    "spelt",
    "text_of",
]

_EPOCH: Final = datetime(1970, 1, 1)


def digest_of(event: Arrival) -> bytes:
    """Of what the sender said; when we learned it may differ on a retry."""
    said = msgspec.structs.replace(event, known_time=None).to_json()
    return hashlib.blake2b(said, digest_size=16).digest()


def event_row(event: Arrival) -> dict[str, Any]:
    """A row of `events`, which counts until a correction says otherwise."""
    assert event.known_time is not None
    return {
        "event_id": event.event_id,
        "customer_id": str(event.customer_id),
        "event_time": micros(event.event_time),
        "known_time": micros(event.known_time),
        "kind": event.kind,
        "counts": 1,
        "replaces": event.replaces,
        "body": event.to_json().decode(),
    }


def arrival(body: str) -> Arrival:
    """The event of a row."""
    return msgspec.json.decode(body, type=Arrival)


def text_of(told: Any) -> str | None:
    """A struct as it is stored; None stays None."""
    return None if told is None else msgspec.json.encode(told).decode()


def spelt(customer: str, spelling: Spelling) -> int | str:
    """The id as the log spells it."""
    return int(customer) if spelling.whole_ids else customer


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def instant(microseconds: int) -> datetime:
    """The instant of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)
