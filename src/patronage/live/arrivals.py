"""One event as it arrives: read strictly, spelled like the log, or refused with a reason."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from patronage.events.kinds import kind_meant
from patronage.events.schema import CASH_KINDS, KINDS, PURCHASE_KINDS
from patronage.live.spelling import Spelling

__all__ = ["NEEDS_AMOUNT", "Arrival", "Refusal", "read_arrival", "read_arrivals", "valued"]

# Kinds that mean nothing without their money.
NEEDS_AMOUNT: Final = frozenset(CASH_KINDS) - {"tier_change"}

_LONGEST_ID: Final = 200
_LONGEST_TEXT: Final = 10_000
# |amount| below it fits DECIMAL(18,4) with room for the sums of a customer, as at batch intake.
_LARGEST: Final = Decimal(10) ** 13
# Clocks of senders run ahead by seconds; an event from tomorrow is a mistake.
_SKEW: Final = timedelta(minutes=5)
_EARLIEST: Final = datetime(1900, 1, 1)
_CENTS: Final = Decimal("0.0001")
_WHOLE: Final = re.compile(r"(0|-?[1-9][0-9]{0,17})")


class Arrival(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An event that may enter the store; columns as in `schema.EVENT_COLUMNS`.

    Attributes
    ----------
    event_id : the sender's own; the same id is taken in once
    customer_id : a whole number where the log's ids are numbers, else text
    event_time, known_time : UTC, without zone
    amount : signed, in the currency of the log; a refund is below 0; None: the sender said none
    replaces : event_id of an earlier event of the same customer that this one corrects
    """

    event_id: str
    customer_id: int | str
    event_time: datetime
    known_time: datetime | None = None
    kind: str = "purchase"
    amount: Decimal | None = None
    order_id: str | None = None
    product_id: str | None = None
    quantity: float | None = None
    channel: str | None = None
    campaign: str | None = None
    payment_method: str | None = None
    text: str | None = None
    score: float | None = None
    discount: Decimal | None = None
    propensity: float | None = None
    policy: str | None = None
    device: str | None = None
    replaces: str | None = None

    def row(self) -> dict[str, Any]:
        """The columns that are known, as `CustomerLedger.after` takes them."""
        said = msgspec.structs.asdict(self)
        return {name: value for name, value in said.items() if value is not None}

    def to_json(self) -> bytes:
        """The event as it is stored; `msgspec.json.decode(…, type=Arrival)` reads it."""
        return msgspec.json.encode(self)


@dataclass(frozen=True)
class Refusal:
    """What could not be taken in: kept with its reason, and replayed once that is mended.

    Attributes
    ----------
    reason : what is wrong, what was seen, and how to mend it
    body : as it came, cut where it is very long
    """

    reason: str
    body: bytes


def valued(said: Arrival, spelling: Spelling) -> Arrival:
    """The event with the amount of the rate table, where it has none of its own."""
    if spelling.rates is None or said.amount is not None:
        return said
    rate = spelling.rates.value(said.kind, said.product_id, said.event_time)
    if rate is None:
        return said
    kind, amount = _signed(said.kind, rate)
    return msgspec.structs.replace(said, kind=kind, amount=amount)


def read_arrivals(
    bodies: Iterable[bytes], spelling: Spelling, *, now: datetime
) -> list[Arrival | Refusal]:
    """Each body read or refused, in their order."""
    return [read_arrival(body, spelling, now=now) for body in bodies]


def read_arrival(body: bytes, spelling: Spelling, *, now: datetime) -> Arrival | Refusal:
    """Read one JSON object; `now` (UTC, without zone) is when it is learned, unless it says."""
    try:
        return _checked(_DECODER.decode(body), spelling, now)
    except (msgspec.MsgspecError, InvalidOperation, ValueError, OverflowError) as error:
        reason = str(error)
        if "RFC3339" in reason:
            reason += (
                ": write it as 2026-01-31T10:00:00Z, with midnight where only the day is known"
            )
        return Refusal(reason, body[:_LONGEST_TEXT])


_DECODER: Final = msgspec.json.Decoder(Arrival)


def _checked(said: Arrival, spelling: Spelling, now: datetime) -> Arrival:
    time = _utc(said.event_time)
    known = now if said.known_time is None else _utc(said.known_time)
    for name, instant in (("event_time", time), ("known_time", known)):
        if instant > now + _SKEW:
            raise ValueError(
                f"{name} {instant.isoformat()} lies ahead of our clock, {now.isoformat()}: send it "
                "once it has happened, in UTC or with its zone"
            )
        if instant < _EARLIEST:
            raise ValueError(f"{name} {instant.isoformat()} lies before {_EARLIEST.year}")
    kind = kind_meant(said.kind)
    if kind is None:
        raise ValueError(f"there is no kind {said.kind!r}: one of {', '.join(KINDS)}")
    _check_lengths(said)
    amount = _money("amount", said.amount)
    if amount is not None:
        kind, amount = _signed(kind, amount)
    for name in ("quantity", "score", "propensity"):
        number = getattr(said, name)
        if number is not None and not abs(number) < 1e12:
            raise ValueError(f"{name} {number} is not a number that can be counted with")
    read = msgspec.structs.replace(
        said,
        customer_id=_id(said.customer_id, spelling),
        event_time=time
        if spelling.has_clock
        else time.replace(hour=0, minute=0, second=0, microsecond=0),
        known_time=known,
        kind=kind,
        amount=amount,
        discount=_money("discount", said.discount),
    )
    if amount is None:
        _check_worth(read, spelling)
    elif amount == 0 and kind not in NEEDS_AMOUNT:
        # Where no rate fits it is the same event, whichever of the two a retry says.
        bare = msgspec.structs.replace(read, amount=None)
        return bare if valued(bare, spelling) is bare else read
    return read


def _signed(kind: str, amount: Decimal) -> tuple[str, Decimal]:
    """A refund is below 0, and what should be paid and is below 0 is a refund; as at batch."""
    if kind == "refund":
        return kind, -abs(amount)
    return ("refund" if kind in PURCHASE_KINDS and amount < 0 else kind), amount


def _check_worth(read: Arrival, spelling: Spelling) -> None:
    """An event without an amount of its own is worth something, or need not be."""
    if _money("the rate", valued(read, spelling).amount) is None and read.kind in NEEDS_AMOUNT:
        rates = "" if spelling.rates is None else ", and the rate table gives it none at its time"
        raise ValueError(f"a {read.kind} needs an amount{rates}; send 0 where none was paid")


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)


def _money(name: str, amount: Decimal | None) -> Decimal | None:
    if amount is None:
        return None
    if not amount.is_finite() or abs(amount) >= _LARGEST:
        raise ValueError(f"{name} {amount} is no amount of money below {_LARGEST:.0e}")
    return amount.quantize(_CENTS)


def _id(customer_id: int | str, spelling: Spelling) -> int | str:
    text = str(customer_id).strip()
    if not spelling.whole_ids:
        if not text:
            raise ValueError("customer_id is empty")
        return text
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"customer_id {text!r}: the ids of this log are whole numbers")
    return int(text)


def _check_lengths(said: Arrival) -> None:
    if not said.event_id.strip():
        raise ValueError("event_id is empty: give every event an id of its own, kept on retries")
    for name in said.__struct_fields__:
        value = getattr(said, name)
        most = _LONGEST_TEXT if name == "text" else _LONGEST_ID
        if isinstance(value, str) and (len(value) > most or "\x00" in value):
            raise ValueError(f"{name} is longer than {most} characters, or holds a zero byte")
