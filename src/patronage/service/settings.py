"""What a service is told when it starts; plain values, read from files and flags elsewhere."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ServiceSettings"]


@dataclass(frozen=True)
class ServiceSettings:
    """Bounds of the service. Sizes are in bytes after decompression, times in seconds.

    Attributes
    ----------
    require_keys : without, everybody may do everything; for one's own machine
    keys_file : API keys; None: keys.json in the workspace's folder
    signing_key : models that are put to work must be signed with it
    max_body, max_batch_body : longest body of a request, and of a request of many
    max_batch_events, max_batch_customers : most in a request of many
    body_seconds : how long a sender may take for a body
    requests_per_second, burst : of one key
    max_in_flight : requests at work; those beyond are told to come again
    max_waiting_events : events that wait to be committed; requests beyond are told to come again
    max_waiting_seconds : so long they may have to wait, as fast as events are being committed;
        requests that would wait longer are told to come again, but for what fits into one commit
    commit_events : events that share one transaction
    wait_seconds : how long an event waits for its score, where it is asked for
    max_streams, stream_events : open streams, and events that one may lag behind
    heartbeat_seconds, send_seconds : of streams: silence between signs of life, and how long a
        reader may take for one
    shared : other processes score over the same stores; what they change is told here too
    cache_seconds : age of totals over all customers
    key_seconds : how long a verified key is known by its digest
    log_level : debug, info, warning or error
    """

    require_keys: bool = True
    keys_file: Path | None = None
    signing_key: bytes | None = field(default=None, repr=False)
    max_body: int = 1 << 20
    max_batch_body: int = 16 << 20
    max_batch_events: int = 10_000
    max_batch_customers: int = 1_000
    body_seconds: float = 10.0
    requests_per_second: float = 5_000.0
    burst: float = 10_000.0
    max_in_flight: int = 1_500
    max_waiting_events: int = 20_000
    max_waiting_seconds: float = 2.0
    commit_events: int = 2_000
    wait_seconds: float = 2.0
    max_streams: int = 1_000
    stream_events: int = 256
    heartbeat_seconds: float = 15.0
    send_seconds: float = 10.0
    shared: bool = False
    cache_seconds: float = 10.0
    key_seconds: float = 60.0
    log_level: str = "info"
