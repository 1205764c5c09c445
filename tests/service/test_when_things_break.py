"""A full disk, a Redis that hangs, refuses, is wiped or absent: answers go on, nothing is lost."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from live.servers import OwnRedis, own_redis, small_disk
from patronage.live.checking import check_stores
from patronage.service.opening import catch_up


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A server of the test's own."""
    pytest.importorskip("redis", reason="for want of redis, of the extra live")
    with own_redis(tmp_path / "redis") as server:
        yield server


def online_of(redis: OwnRedis):
    from patronage.live.redis_store import RedisStore

    return RedisStore(redis.url)


def until(true: Callable[[], object]) -> None:
    """Wait for what other threads bring about."""
    for _ in range(400):
        if true():
            return
        time.sleep(0.05)
    raise TimeoutError("it did not come about")


def is_settled(served) -> bool:
    return served.system.store.counts()["waiting"] == 0


def clv_of(served, who: str) -> float:
    return served.ask("GET", f"/v1/customers/{who}/score").json()["clv"]


def test_a_full_disk_takes_nothing_and_forgets_nothing(serve, tmp_path):
    with small_disk(tmp_path / "disk", mebibytes=16) as disk:
        served = serve(background=True, folder=disk.folder)
        who, before = served.customer, served.system.store.counts()["events"]
        assert served.ask("POST", "/v1/events", json=served.event("e0")).status_code == 201
        until(lambda: is_settled(served))
        told = clv_of(served, who)

        disk.fill()
        # Why many: the log of the database may have some room left.
        names = [f"full{k}" for k in range(2_000)]
        acknowledged = ["e0"]
        for start in range(0, len(names), 100):
            batch = [served.event(name, who) for name in names[start : start + 100]]
            answer = served.ask("POST", "/v1/events:batch", json=batch)
            if answer.status_code == 200:
                acknowledged += names[start : start + 100]
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert served.ask("GET", f"/v1/customers/{who}/score").status_code == 200
        assert served.ask("GET", "/ready", key=None).status_code == 200

        disk.free()
        last = served.event("late", who, amount="900.00")
        assert served.ask("POST", "/v1/events", json=last).status_code == 201
        until(lambda: is_settled(served))
        assert served.system.store.counts()["events"] == before + len(acknowledged) + 1
        assert clv_of(served, who) > told
        assert check_stores(served.system.store, served.system.scorer.model).is_well
        served.system.store.close()


@pytest.mark.service
def test_a_redis_that_hangs_is_done_without_and_then_paid(serve, redis):
    served = serve(background=True, online=online_of(redis))
    who = served.customer
    served.ask("POST", "/v1/events?wait=true", json=served.event("e0"))
    path = f"/v1/customers/{who}/score"
    before = served.ask("GET", path).json()

    redis.signal(signal.SIGSTOP)
    taken = served.ask("POST", "/v1/events", json=served.event("e1", amount="900.00"))
    until(lambda: is_settled(served))
    meanwhile = served.ask("GET", path).json()
    redis.signal(signal.SIGCONT)

    assert taken.status_code == 201
    assert (before["degraded"], meanwhile["degraded"]) == (False, True)
    assert meanwhile["clv"] != before["clv"]
    # What it held before it hung is there again, and must not be answered.
    while (told := served.ask("GET", path).json())["degraded"]:
        assert told["clv"] == meanwhile["clv"]
    assert told["clv"] == meanwhile["clv"]
    system = served.system
    assert check_stores(system.store, system.scorer.model, system.online).is_well


@pytest.mark.service
def test_a_redis_that_takes_nothing_is_not_asked_for_old_scores(serve, redis):
    import redis as client_of

    served = serve(background=True, online=online_of(redis))
    who, path = served.customer, f"/v1/customers/{served.customer}/score"
    served.ask("POST", "/v1/events?wait=true", json=served.event("e0"))
    with client_of.Redis.from_url(redis.url) as client:
        client.config_set("maxmemory", 1)
        served.ask("POST", "/v1/events?wait=true", json=served.event("e1", amount="900.00"))
        told = served.ask("GET", path).json()
        assert (told["degraded"], told["clv"]) == (
            True,
            served.system.store.history(who)[0].score.clv,
        )
        assert served.ask("GET", "/ready", key=None).json()["online"] == "degraded"

        client.config_set("maxmemory", 0)
        until(lambda: served.ask("GET", path).json()["degraded"] is False)
    assert clv_of(served, who) == told["clv"]


@pytest.mark.service
def test_a_redis_that_is_wiped_under_load_is_filled_by_who_asks(serve, redis):
    import redis as client_of

    served = serve(background=True, online=online_of(redis))
    ids = [one.customer_id for one in next(served.system.store.all_held())]
    served.system.store.mark("import", now=served.clock[0])
    served.system.scorer.wake()
    until(lambda: is_settled(served))
    ending = threading.Event()

    def wipe():
        with client_of.Redis.from_url(redis.url) as client:
            while not ending.wait(0.05):
                client.flushall()

    async def go(client):
        seen = set()
        for k in range(15):
            batch = [served.event(f"e{k}-{j}", ids[(k + j) % len(ids)]) for j in range(5)]
            answers = await asyncio.gather(
                client.post("/v1/events:batch", json=batch),
                client.post("/v1/score:batch", json={"customer_ids": ids}),
                *(client.get(f"/v1/customers/{one}/score") for one in ids[k : k + 10]),
            )
            seen |= {one.status_code for one in answers}
        return seen

    wiping = threading.Thread(target=wipe)
    wiping.start()
    try:
        assert served.run(go) == {200}
    finally:
        ending.set()
        wiping.join()
    until(lambda: is_settled(served))
    served.ask("POST", "/v1/score:batch", json={"customer_ids": ids})

    def found():
        system = served.system
        return check_stores(system.store, system.scorer.model, system.online)

    until(lambda: found().is_well)
    assert (found().absent, found().unscored) == (0, 0)


@pytest.mark.service
def test_a_redis_that_is_not_there_at_the_start_is_filled_when_it_comes(serve, redis):
    redis.stop()
    served = serve(online=online_of(redis))
    system = served.system
    system.store.mark("import", now=served.clock[0])
    while system.scorer.pass_once():
        pass
    catch_up(system).join()
    told = served.ask("GET", f"/v1/customers/{served.customer}/score").json()
    assert told["degraded"] is True

    redis.start()
    system.scorer.start()
    until(lambda: served.ask("GET", "/ready", key=None).json()["online"] == "ok")

    found = check_stores(system.store, system.scorer.model, system.online)
    assert (found.is_well, found.absent) == (True, 0)
