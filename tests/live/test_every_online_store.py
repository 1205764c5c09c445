"""The contract of an online store, in process, on Redis, and on a Redis Cluster."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from live.arriving import NOW, event, ledger_of
from live.servers import own_redis
from patronage.errors import StoreError
from patronage.live.scores import Held


def held(version=1, who="ann", at=NOW, ledger="{}"):
    return Held(who, version, ledger, scored_at=at)


def test_what_was_put_is_got_in_the_order_asked_for(online):
    some = [held(n, f"c{n}", ledger="x" * n) for n in range(1, 450)]

    assert online.put(some) == [True] * 449
    assert online.get(["none", "c7", "c3", "c7"]) == [None, some[6], some[2], some[6]]
    assert online.get([one.customer_id for one in some]) == some
    assert (online.get([]), online.put([])) == ([], [])


@pytest.mark.parametrize(
    ("later", "taken"),
    [
        (held(6), True),
        (held(5, at=NOW + timedelta(microseconds=1)), True),
        (held(5), False),
        (held(5, at=NOW - timedelta(microseconds=1)), False),
        (held(5, at=None), False),
        (held(4, at=NOW + timedelta(days=1)), False),
        (held(10, at=None), True),
    ],
)
def test_only_a_newer_one_replaces_what_is_there(online, later, taken):
    first = held(5)
    online.put([first])

    assert online.put([later]) == [taken]
    assert online.get(["ann"]) == [later if taken else first]


def test_within_one_batch_the_newest_remains(online):
    assert online.put([held(2), held(1), held(3)]) == [True, False, True]
    assert online.get(["ann"]) == [held(3)]


def test_stamps_do_not_pass_through_the_zone_of_the_machine(monkeypatch):
    import time

    # In the night of 31 March 2024 the clocks of Berlin leave an hour out.
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        stamps = [held(at=datetime(2024, 3, 31) + timedelta(minutes=n)).stamp for n in range(240)]
    finally:
        monkeypatch.undo()
        time.tzset()

    assert stamps == sorted(stamps)
    assert stamps[0][1] == datetime(2024, 3, 31, tzinfo=UTC).timestamp() * 1e6


def test_ids_of_every_script_are_held_apart(online):
    names = ["顧客", "a b", "{a}", "a}", "*", "a*", "🙂"]

    online.put([held(n, name) for n, name in enumerate(names)])

    assert [one.version for one in online.get(names)] == list(range(7))


def test_numbers_stay_numbers(online):
    online.put([held(1, 42)])

    assert online.get([42]) == [held(1, 42)]


def test_writers_at_once_end_at_the_newest(online):
    def write(start):
        for version in range(start, 120, 4):
            online.put([held(version), held(120 - version, "bob")])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))

    assert online.get(["ann", "bob"]) == [held(119), held(120, "bob")]


def test_after_clearing_nothing_is_held(online):
    online.put([held(1, f"c{n}") for n in range(300)])

    online.clear()

    assert online.get([f"c{n}" for n in range(300)]) == [None] * 300
    assert online.put([held(1, "c1")]) == [True]


@pytest.mark.service
def test_clearing_leaves_other_prefixes_alone(redis_address):
    from patronage.live.redis_store import RedisStore

    ours = RedisStore(redis_address, prefix=f"{uuid.uuid4().hex}?:", seconds=5.0)
    theirs = RedisStore(redis_address, prefix=ours._prefix.replace("?", "x"), seconds=5.0)
    ours.put([held(1)])
    theirs.put([held(2)])

    ours.clear()

    assert theirs.get(["ann"]) == [held(2)]
    theirs.clear()
    for store in (ours, theirs):
        store.close()


@pytest.mark.service
def test_a_blob_of_another_version_is_as_if_absent(redis_url):
    import redis

    from patronage.live.redis_store import RedisStore

    store = RedisStore(redis_url, prefix=f"{uuid.uuid4().hex}:", seconds=5.0)
    store.put([held(1)])
    with redis.Redis.from_url(redis_url) as client:
        client.setrange(store._key("ann"), 32, b"\xc1")

    assert store.get(["ann"]) == [None]
    store.clear()
    store.close()


@pytest.mark.service
def test_a_redis_that_comes_back_is_filled_again_from_the_events(tmp_path, opened):
    from patronage.live.redis_store import RedisStore

    events = opened()
    events.take_in([event("1"), event("2", "bob"), event("3")], now=NOW)
    everybody = [one for some in events.all_held() for one in some]
    with own_redis(tmp_path / "redis") as server:
        online = RedisStore(server.url, seconds=5.0)
        online.put(everybody)
        assert online.get(["ann", "eve"]) == [everybody[0], None]

        server.stop()
        for customers in (["ann"], [], ["bob"]):
            with pytest.raises(StoreError, match="does not answer") as caught:
                online.get(customers)
        assert "To mend:" in str(caught.value)
        assert online.breaker.is_open

        server.start()
        wait_until_it_answers(online)
        assert online.get(["ann", "bob"]) == [None, None]
        assert [sum(online.put(some)) for some in events.all_held()] == [2]
        assert online.get(["ann", "bob"]) == everybody
        assert everybody[0].ledger == ledger_of(events)
        online.close()


def wait_until_it_answers(online):
    import time

    for _ in range(100):
        try:
            online.get(["ann"])
            return
        except StoreError:
            time.sleep(0.05)
    raise TimeoutError


@pytest.mark.service
def test_an_address_without_a_server_says_so_without_its_password():
    from patronage.live.redis_store import RedisStore

    for scheme in ("redis", "redis+cluster"):
        store = RedisStore(f"{scheme}://:hunter2@127.0.0.1:1")

        with pytest.raises(StoreError, match=r"127\.0\.0\.1:1") as caught:
            store.get(["ann"])

        assert "hunter2" not in str(caught.value)
