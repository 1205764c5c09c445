"""What the stores must hold at the end of a study, and whether they do."""

import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from shop import Service, Shop

from live.servers import OwnPostgres, OwnRedis, own_postgres, own_redis
from patronage.config import serve_settings
from patronage.events import read_events
from patronage.live.checking import check_stores
from patronage.live.live_model import load_live_model
from patronage.live.redis_store import RedisStore
from patronage.live.scorer import coming_midnight, utc_now
from patronage.registry import load_artifact
from patronage.scoring import score, scoring_of
from patronage.service.opening import open_store
from patronage.service.switching import chosen_model
from patronage.snapshots import take_snapshot
from patronage.value import Economics

__all__ = ["BAD", "arguments", "named", "stores_asked", "verdict"]

BAD = (
    "acknowledged events that are lost",
    "events that are there twice",
    "ledgers that are not those of their events",
    "scores that are not those of batch",
    "customers of whom the online store holds something else",
)


def arguments(postgres: OwnPostgres | None, redis: OwnRedis | None) -> list[str]:
    """Of `patronage serve`."""
    return [
        *(["--events", postgres.url] if postgres else []),
        *(["--online", redis.url] if redis else []),
    ]


def stores_asked(
    stack: ExitStack, folder: Path, stores: str
) -> tuple[OwnPostgres | None, OwnRedis | None]:
    """Servers of the study's own, closed with the stack; none where SQLite is asked for."""
    if stores != "postgres":
        return None, None
    # Why durable: what is asked is whether a commit is one.
    return (
        stack.enter_context(own_postgres(settings="")),
        stack.enter_context(own_redis(folder / "redis")),
    )


def named(postgres: object, redis: object) -> str:
    """The stores, in words."""
    return f"{'PostgreSQL' if postgres else 'SQLite'}{' + Redis' if redis else ''}"


def verdict(
    service: Service,
    acknowledged: Iterable[str],
    *,
    events: str = "",
    redis: OwnRedis | None = None,
) -> list[str]:
    """Rows of a table; the service is to be stopped, and nobody to wait for a score.

    The scores are compared twice: with the customers' events folded anew, and with `patronage
    export` read and scored as a batch.
    """
    shop, acknowledged = service.shop, set(acknowledged)
    settings = serve_settings({"workspace": shop.folder, "events": events or None})
    store = open_store(settings, shop.workspace)
    online = RedisStore(redis.url, seconds=5.0) if redis else None
    model = load_live_model(shop.workspace, store=store, model=chosen_model(shop.workspace))
    found = check_stores(store, model, online)
    names = {one.event_id for some in store.records() for row in some for one in row.events}
    counts = {
        BAD[0]: len(acknowledged - names) + found.lost,
        BAD[1]: found.twice,
        BAD[2]: found.ledgers,
        BAD[3]: found.scores + found.waiting + found.unscored + _other_than_batch(shop, store),
        BAD[4]: found.online if redis else "–",
    }
    store.close()
    return [
        f"| events acknowledged | {len(acknowledged):,} |",
        *(f"| {what} | {n} |" for what, n in counts.items()),
    ]


def _other_than_batch(shop: Shop, store) -> int:
    as_of = coming_midnight(utc_now())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        store.export(path)
        log = replace(read_events(str(path), currency="EUR"), has_clock=shop.workspace.has_clock)
        artifact = load_artifact(shop.folder / chosen_model(shop.workspace))
        snapshot = take_snapshot(log, as_of=as_of, features=artifact.fitted.features)
        batch = score(snapshot, scoring_of(artifact, Economics()))
    expected = dict(zip(batch["customer_id"].to_list(), batch["clv"].to_list(), strict=True))
    told = {
        held.customer_id: None if held.score is None else held.score.clv
        for some in store.all_held()
        for held in some
    }
    return sum(
        told.get(who) is None or abs(told[who] - clv) > 1e-9 * max(1.0, abs(clv))
        for who, clv in expected.items()
    ) + len(told.keys() - expected.keys())
