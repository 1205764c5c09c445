"""Metrics for Prometheus: names with units, and no customer in a label."""

import os
import time
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from patronage.live.event_store import EventStore

__all__ = ["Metrics"]

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_COUNTED_EVERY = 5.0


@final
class Metrics:
    """One registry for each app; processes that share PROMETHEUS_MULTIPROC_DIR tell their sums."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter(
            "patronage_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "patronage_http_request_duration_seconds",
            "From the first byte to the last",
            ["route"],
            buckets=_FAST,
            registry=registry,
        )
        self.in_flight = Gauge(
            "patronage_http_requests_in_flight",
            "Requests at work",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.events = Counter(
            "patronage_events", "Events by what became of them", ["outcome"], registry=registry
        )
        self.commit_seconds = Histogram(
            "patronage_event_commit_duration_seconds",
            "One transaction",
            buckets=_FAST,
            registry=registry,
        )
        self.commit_events = Histogram(
            "patronage_event_commit_events",
            "Events that shared a transaction",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000),
            registry=registry,
        )
        self.reads = Counter(
            "patronage_score_reads", "Scores read, by where from", ["source"], registry=registry
        )
        self.changes = Counter(
            "patronage_score_changes", "Scores made anew", ["trigger"], registry=registry
        )
        self.streams = Gauge(
            "patronage_streams", "Open streams", registry=registry, multiprocess_mode="livesum"
        )
        self.streams_dropped = Counter(
            "patronage_streams_dropped",
            "Streams closed, for their readers were slow",
            registry=registry,
        )
        self._stored = Gauge(
            "patronage_store_rows",
            "Rows of the event store",
            ["table"],
            registry=registry,
            multiprocess_mode="livemostrecent",
        )
        self._counted = float("-inf")

    def text(self, store: EventStore) -> bytes:
        """As Prometheus reads it; what the store holds is counted every few seconds at most."""
        if time.monotonic() - self._counted > _COUNTED_EVERY:
            for table, n in store.counts().items():
                self._stored.labels(table).set(n)
            self._counted = time.monotonic()
        registry = self.registry
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
