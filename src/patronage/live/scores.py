"""What is known of a customer now, and what moved it: the words of answers and stores."""

from datetime import date, datetime

import msgspec

from patronage.live.rows import micros

__all__ = ["Change", "Held", "Score"]


class Score(msgspec.Struct, frozen=True):
    """One row of `score()`, as it is answered; the same number as in batch.

    Attributes
    ----------
    clv_p10, clv_p90 : bounds of this customer's outcome (80 %)
    clv_mean_low, clv_mean_high : bounds of the expectation (80 %)
    as_of : first day that is not known: the coming midnight
    segment : by the values that parted high, medium and low when the model was made
    model, version : who said it
    """

    customer_id: int | str
    clv: float
    clv_p10: float
    clv_p90: float
    clv_mean_low: float | None
    clv_mean_high: float | None
    p_alive: float | None
    expected_purchases: float | None
    segment: str
    as_of: date
    horizon_days: float
    currency: str
    model: str
    version: str


class Change(msgspec.Struct, frozen=True):
    """From one score to the next, and what moved it.

    Attributes
    ----------
    trigger : event, calendar, model or import
    by_events, by_time, by_model : parts of the change of clv; previous.clv and they add up to
        score.clv. Without a previous score all of it came by the events
    event_ids : the events that count since
    lanes : the lanes that they came by, most urgent first
    """

    customer_id: int | str
    scored_at: datetime
    trigger: str
    score: Score
    previous: Score | None
    by_events: float
    by_time: float
    by_model: float
    event_ids: tuple[str, ...] = ()
    lanes: tuple[str, ...] = ()


class Held(msgspec.Struct, frozen=True):
    """The one blob per customer that the online store holds.

    Attributes
    ----------
    customer_id : as in the log
    version : of the ledger, one more with every change of it
    ledger : text of `CustomerLedger.to_text`
    score : the last one; None: not scored yet
    scored_at : UTC, when it was
    fingerprint : of the model and the features that it was made with
    """

    customer_id: int | str
    version: int
    ledger: str
    score: Score | None = None
    scored_at: datetime | None = None
    fingerprint: str = ""

    def scored(self, score: Score | None, at: datetime, fingerprint: str) -> "Held":
        """The same ledger with another score."""
        return msgspec.structs.replace(self, score=score, scored_at=at, fingerprint=fingerprint)

    @property
    def stamp(self) -> tuple[int, int]:
        """Orders what is held of one customer: a store refuses one that is below its own."""
        return self.version, 0 if self.scored_at is None else micros(self.scored_at)

    def to_bytes(self) -> bytes:
        """The blob."""
        return _ENCODER.encode(self)

    @classmethod
    def from_bytes(cls, blob: bytes | memoryview) -> "Held":
        """What `to_bytes` wrote."""
        return _DECODER.decode(blob)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Held)
