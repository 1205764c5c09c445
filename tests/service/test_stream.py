"""Changes of scores are told as they come; who reads too slowly is cut off, and told so."""

import asyncio
import json

import pytest

from patronage.live.online_store import InProcessStore
from patronage.live.scorer import Scorer
from patronage.service.changes import Changes
from patronage.service.metrics import Metrics


class Reader:
    """One open stream, read as a server does."""

    def __init__(self, served, *, stuck=False):
        self.parts, self.open, self.stuck = [], asyncio.Event(), stuck
        self.gone = asyncio.Event()
        head = [(b"authorization", f"Bearer {served.keys['read']}".encode())]
        scope = {"type": "http", "method": "GET", "path": "/v1/stream", "headers": head}
        self.task = asyncio.create_task(served.app(scope, self.receive, self.send))

    async def receive(self):
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.open.set()
            return
        if self.stuck:
            await asyncio.Event().wait()
        self.parts.append(message.get("body", b""))

    async def until(self, text: bytes) -> bytes:
        async with asyncio.timeout(20):
            while text not in b"".join(self.parts):
                await asyncio.sleep(0.005)
        return b"".join(self.parts)


def told(text: bytes):
    return [json.loads(line[6:]) for line in text.decode().splitlines() if line[:6] == "data: "]


def test_a_change_is_told_to_every_reader(serve):
    served = serve(background=True)

    async def go(client):
        readers = [Reader(served) for _ in range(3)]
        for reader in readers:
            await reader.open.wait()
        await client.post("/v1/events", json=served.event("e1"))
        seen = [told(await reader.until(b"e1")) for reader in readers]
        for reader in readers:
            reader.gone.set()
            await reader.task
        return seen

    seen = served.run(go)

    assert all(len(one) == 1 and one[0]["event_ids"] == ["e1"] for one in seen)
    history = served.ask("GET", f"/v1/customers/{served.customer}/history").json()["changes"]
    assert history == seen[0]


def test_a_change_by_another_process_is_told_too(serve):
    served = serve(shared=True)
    parts = served.app.parts

    async def go(client):
        following = asyncio.create_task(parts.follow_changes())
        reader = Reader(served)
        await reader.open.wait()
        waiting = asyncio.create_task(
            client.post("/v1/events?wait=true", json=served.event("elsewhere"))
        )
        # As another process would: it shares the store, and tells nobody here.
        other = Scorer(served.system.store, InProcessStore(), served.system.scorer.model)
        while not await asyncio.to_thread(other.pass_once):
            await asyncio.sleep(0.01)
        seen = await reader.until(b"elsewhere")
        answer = await waiting
        reader.gone.set()
        await reader.task
        following.cancel()
        return told(seen), answer.json()

    seen, answer = served.run(go)
    (change,) = [one for one in seen if "elsewhere" in one["event_ids"]]
    assert answer["change"]["score"]["clv"] == change["score"]["clv"]


def test_a_change_of_our_own_is_told_once_where_stores_are_shared(serve):
    served = serve(shared=True, background=True)

    async def go(client):
        following = asyncio.create_task(served.app.parts.follow_changes())
        reader = Reader(served)
        await reader.open.wait()
        await client.post("/v1/events", json=served.event("first"))
        await reader.until(b"first")
        # Longer than the store is asked again; then another, to be sure that it was.
        await asyncio.sleep(0.4)
        await client.post("/v1/events", json=served.event("second"))
        seen = await reader.until(b"second")
        reader.gone.set()
        await reader.task
        following.cancel()
        return told(seen)

    changes = served.run(go)
    assert sum("first" in change["event_ids"] for change in changes) == 1


def test_an_idle_stream_shows_that_it_lives(serve):
    served = serve(heartbeat_seconds=0.01)

    async def go(_):
        reader = Reader(served)
        text = await reader.until(b": still here\n\n: still here\n\n")
        reader.gone.set()
        await reader.task
        return text

    assert served.run(go).startswith(b": still here")
    assert served.app.parts.changes._streams == set()


def test_a_reader_that_takes_nothing_is_let_go(serve):
    served = serve(heartbeat_seconds=0.01, send_seconds=0.05)

    async def go(_):
        reader = Reader(served, stuck=True)
        async with asyncio.timeout(20):
            await reader.task

    served.run(go)

    assert "patronage_streams_dropped_total 1.0" in served.ask("GET", "/metrics").text


def test_a_reader_that_lags_is_told_that_it_was_cut_off():
    async def go():
        changes = Changes(Metrics(), most_streams=2, stream_events=3)
        slow = changes.open()
        kept = [slow.put(b"x") for _ in range(4)]
        return kept, [event async for event in slow.events(1.0)]

    kept, events = asyncio.run(go())

    assert kept == [True, True, True, False]
    assert len(events) == 1
    assert events[0].startswith(b"event: dropped\n")


def test_streams_have_a_bound(serve):
    served = serve(max_streams=0)

    assert served.ask("GET", "/v1/stream").status_code == 503


@pytest.mark.parametrize("n", [1, 5])
def test_at_the_end_readers_are_told(serve, n):
    served = serve()

    async def go(_):
        readers = [Reader(served) for _ in range(n)]
        for reader in readers:
            await reader.open.wait()
        served.app.parts.changes.close()
        await asyncio.gather(*(reader.task for reader in readers))
        return [b"".join(reader.parts) for reader in readers]

    assert all(text.startswith(b"event: closed\n") for text in served.run(go))
