"""Redis, one server or a cluster: the online store that many processes read."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, final

import msgspec

from patronage.errors import MissingExtraError, StoreError
from patronage.events.sources.addresses import masked, scrubbed
from patronage.live.breaker import Breaker
from patronage.live.scores import Held

try:
    import redis
    from redis.backoff import NoBackoff
except ImportError as error:
    raise MissingExtraError.of("redis", "live") from error

__all__ = ["RedisStore"]

# Of each number of a stamp before a blob; both are below 2⁵³.
_DIGITS: Final = 16
# One key, so that every server of a cluster can run it.
_PUT: Final = f"""
local there = redis.call('GETRANGE', KEYS[1], 0, {2 * _DIGITS - 1})
if #there == {2 * _DIGITS} then
    local version, scored_at = tonumber(ARGV[1]), tonumber(ARGV[2])
    local old_version = tonumber(string.sub(there, 1, {_DIGITS}))
    local old_scored_at = tonumber(string.sub(there, {_DIGITS + 1}))
    if version < old_version or (version == old_version and scored_at <= old_scored_at) then
        return 0
    end
end
redis.call('SET', KEYS[1], ARGV[1] .. ARGV[2] .. ARGV[3])
return 1
"""
_AT_ONCE: Final = 200
_FAILURES: Final = (redis.RedisError, redis.exceptions.RedisClusterException, OSError)
_CLUSTER: Final = re.compile(r"^(rediss?)\+cluster://")


@final
class RedisStore:
    """A text per customer: the stamp that an older one is refused by, and the blob.

    Parameters
    ----------
    address : `redis://…` or `rediss://…` of one server, `redis+cluster://…` of one of a cluster's
    prefix : of its keys; stores with another prefix do not see them
    seconds : how long an answer is waited for
    connections : to one server at most so many at a time; who comes then waits
    """

    def __init__(
        self,
        address: str,
        *,
        prefix: str = "patronage:",
        seconds: float = 0.25,
        connections: int = 16,
    ) -> None:
        self._address, self._prefix, self._connections = address, prefix, connections
        self._url, n = _CLUSTER.subn(r"\1://", address)
        self._is_cluster = n > 0
        self._seconds = seconds
        self._client: Any = None
        self.breaker = Breaker(self._failed, _FAILURES)

    def get(self, customer_ids: Sequence[Any]) -> list[Held | None]:
        """See `OnlineStore`; to ask for nobody asks whether the store is there."""
        found: list[Held | None] = []
        with self._asked() as client:
            if not customer_ids:
                client.ping()
            for start in range(0, len(customer_ids), _AT_ONCE):
                keys = [self._key(one) for one in customer_ids[start : start + _AT_ONCE]]
                found += [_held(text) for text in self._texts(client, keys)]
        return found

    def put(self, held: Sequence[Held]) -> list[bool]:
        done: list[bool] = []
        if not held:
            return done
        with self._asked() as client:
            for start in range(0, len(held), _AT_ONCE):
                with client.pipeline(transaction=False) as pipeline:
                    for one in held[start : start + _AT_ONCE]:
                        # Why the text each time: a server that was started anew has forgotten it.
                        stamp = [f"{part:0{_DIGITS}}" for part in one.stamp]
                        pipeline.execute_command(
                            "EVAL", _PUT, 1, self._key(one.customer_id), *stamp, one.to_bytes()
                        )
                    done += [bool(newer) for newer in pipeline.execute()]
        return done

    def clear(self) -> None:
        ours = re.sub(r"([\[\]*?\\])", r"\\\1", self._prefix) + "{*"
        with self._asked() as client:
            keys = list(client.scan_iter(match=ours, count=1_000))
            for start in range(0, len(keys), _AT_ONCE):
                with client.pipeline(transaction=False) as pipeline:
                    for key in keys[start : start + _AT_ONCE]:
                        pipeline.unlink(key)
                    pipeline.execute()

    def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _texts(self, client: Any, keys: Sequence[str]) -> list[bytes | None]:
        if not self._is_cluster:
            # Why not always: the keys of a cluster lie on several servers.
            return list(client.mget(keys))
        with client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.get(key)
            return list(pipeline.execute())

    @contextmanager
    def _asked(self) -> Iterator[Any]:
        with self.breaker.guard():
            if self._client is None:
                self._client = self._connected()
            yield self._client

    def _connected(self) -> Any:
        settings = {
            "socket_timeout": self._seconds,
            "socket_connect_timeout": self._seconds,
            # Why no second try: the breaker decides, and readers have another way.
            "retry": redis.retry.Retry(NoBackoff(), 0),
        }
        if self._is_cluster:
            # Why so many: its callers do not wait for a free one, they fail.
            return redis.RedisCluster.from_url(self._url, **settings, max_connections=1_000)
        pool = redis.BlockingConnectionPool.from_url(
            self._url, **settings, max_connections=self._connections, timeout=self._seconds
        )
        return redis.Redis.from_pool(pool)

    def _key(self, customer_id: Any) -> str:
        return f"{self._prefix}{{{customer_id}}}"

    def _failed(self, error: Exception) -> StoreError:
        return StoreError(
            f"the online store {masked(self._address)} does not answer: "
            f"{scrubbed(error, self._address)}.\n"
            "To mend: see that Redis runs and the address is right; meanwhile the event store "
            "answers, and fills it again."
        )


def _held(text: bytes | None) -> Held | None:
    try:
        return None if text is None else Held.from_bytes(memoryview(text)[2 * _DIGITS :])
    except msgspec.MsgspecError:
        # Why not an error: another version of ours wrote it, and the event store knows better.
        return None
