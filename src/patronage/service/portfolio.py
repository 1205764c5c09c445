"""Totals over all customers, from the scores that are held; and some to compare one with."""

import random
import threading
import time
from datetime import date, datetime
from typing import Final, final

import msgspec

from patronage.live.ledger_text import read_ledger
from patronage.live.live_model import LiveModel
from patronage.live.scorer import coming_midnight
from patronage.live.system import LiveSystem
from patronage.service.answers import in_utc
from patronage.snapshots import Snapshot

__all__ = ["ForecastAnswer", "Portfolio", "SegmentAnswer", "SegmentsAnswer"]

_COMPARED: Final = 250
# A pass over many customers takes long; it is repeated after ten times as long at the soonest.
_SHARE: Final = 10.0


class SegmentAnswer(msgspec.Struct, frozen=True):
    """The customers of a segment, and what they are worth together."""

    segment: str
    customers: int
    clv: float


class SegmentsAnswer(msgspec.Struct, frozen=True):
    """Segments, most valuable first.

    Attributes
    ----------
    waiting : customers whose score by the model at work is still to be made; not counted
    counted_at : when this was counted
    """

    segments: list[SegmentAnswer]
    currency: str
    model: str
    version: str
    waiting: int
    counted_at: datetime


class ForecastAnswer(msgspec.Struct, frozen=True):
    """What all customers are expected to bring over the horizon.

    Attributes
    ----------
    clv : sum of the customers' expected values, discounted
    expected_purchases : null where the model does not tell them
    waiting, counted_at : as in `SegmentsAnswer`
    """

    customers: int
    clv: float
    expected_purchases: float | None
    horizon_days: float
    currency: str
    model: str
    version: str
    waiting: int
    counted_at: datetime


class _Counted(msgspec.Struct, frozen=True):
    model: LiveModel
    until: float
    segments: SegmentsAnswer
    forecast: ForecastAnswer
    some: list[str]


@final
class Portfolio:
    """Counts everybody now and then; asked in between, it tells the last count."""

    def __init__(self, system: LiveSystem, *, cache_seconds: float) -> None:
        self._system, self._cache_seconds = system, cache_seconds
        self._lock = threading.Lock()
        self._last: _Counted | None = None
        self._compared: tuple[LiveModel, date, Snapshot] | None = None

    def segments(self) -> SegmentsAnswer:
        """By segment; it may wait for a count."""
        return self._counted().segments

    def forecast(self) -> ForecastAnswer:
        """Over all; it may wait for a count."""
        return self._counted().forecast

    def compared(self, model: LiveModel) -> Snapshot:
        """Customers of today, spread over all, that one is compared with in an explanation."""
        today = coming_midnight(self._system.now())
        there = self._compared
        if there is None or there[0] is not model or there[1] != today:
            ledgers = [read_ledger(text) for text in self._counted().some]
            there = self._compared = (model, today, model.snapshot(ledgers, today))
        return there[2]

    def _counted(self) -> _Counted:
        model, last = self._system.scorer.model, self._last
        if last is not None and last.model is model and last.until > time.monotonic():
            return last
        with self._lock:
            last = self._last
            if last is None or last.model is not model or last.until <= time.monotonic():
                last = self._last = self._count(model)
        return last

    def _count(self, model: LiveModel) -> _Counted:
        began, fingerprint = time.monotonic(), model.fingerprint
        drawn = random.Random(0)
        some: list[str] = []
        by_segment: dict[str, tuple[int, float]] = {}
        purchases, waiting, n = 0.0, 0, 0
        tells_purchases = True
        for held in self._system.store.all_held():
            for one in held:
                n += 1
                # Every customer has the same chance to be among those compared with.
                if len(some) < _COMPARED:
                    some.append(one.ledger)
                elif (instead := drawn.randrange(n)) < _COMPARED:
                    some[instead] = one.ledger
                score = one.score
                if score is None or one.fingerprint != fingerprint:
                    waiting += 1
                    continue
                count, clv = by_segment.get(score.segment, (0, 0.0))
                by_segment[score.segment] = count + 1, clv + score.clv
                tells_purchases = tells_purchases and score.expected_purchases is not None
                purchases += score.expected_purchases or 0.0
        segments = [SegmentAnswer(name, *told) for name, told in by_segment.items()]
        segments.sort(key=lambda one: -one.clv)
        currency, at = self._system.workspace.currency, in_utc(self._system.now())
        named = (currency, model.artifact.name, model.version, waiting, at)
        taken = time.monotonic() - began
        return _Counted(
            model,
            time.monotonic() + max(self._cache_seconds, _SHARE * taken),
            SegmentsAnswer(segments, *named),
            ForecastAnswer(
                sum(one.customers for one in segments),
                sum((one.clv for one in segments), 0.0),
                purchases if tells_purchases and segments else None,
                model.artifact.horizon.days,
                *named,
            ),
            some,
        )
