"""A real process, asked by the client over a real socket, and stopped by a signal."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal

import httpx
import pytest

from patronage.errors import ServiceError
from patronage.service.client import Client
from patronage.service.serving import server_of

PROGRAM = """
import sys
from datetime import datetime
from pathlib import Path
from patronage.live.live_model import load_live_model
from patronage.live.online_store import InProcessStore
from patronage.live.scorer import Scorer
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite
from patronage.live.system import LiveSystem
from patronage.live.workspace import Workspace
from patronage.service import ServiceSettings, make_app
from patronage.service.serving import server_of

folder, store, keys, port = sys.argv[1:]
workspace = Workspace.open(Path(folder))
store = SqlEventStore(SQLite(Path(store)), workspace.spelling)
online, clock = InProcessStore(), lambda: datetime(2025, 12, 31, 12)
scorer = Scorer(store, online, load_live_model(workspace), now=clock)
system = LiveSystem(store, online, scorer, workspace, now=clock)
scorer.start()
app = make_app(system, ServiceSettings(keys_file=Path(keys)))
server_of(app, host="127.0.0.1", port=int(port)).run()
scorer.stop()
store.close()
"""


class Running:
    """A process that serves."""

    def __init__(self, workspace, store, keys):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url, self.key = f"http://127.0.0.1:{self.port}", keys[1]["all"]
        told = [str(workspace.folder), str(store), str(keys[0]), str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *told], stderr=subprocess.DEVNULL, env=os.environ.copy()
        )
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/ready").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the service did not start")

    def raw(self, data: bytes) -> bytes:
        """What comes back for these bytes, until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as there:
            found = b""
            # Why suppress: what closes while data is on its way resets the connection.
            with suppress(ConnectionResetError, BrokenPipeError):
                there.sendall(data)
                while part := there.recv(65_536):
                    found += part
            return found


@pytest.fixture(scope="module")
def running(workspace, brought, keys, tmp_path_factory):
    store = tmp_path_factory.mktemp("served") / "live.db"
    store.write_bytes(brought.read_bytes())
    there = Running(workspace, store, keys)
    yield there
    there.process.kill()
    there.process.wait()


def purchase(event_id, who):
    return {
        **{"event_id": event_id, "customer_id": who, "kind": "purchase"},
        **{"event_time": datetime(2025, 12, 31, 9, tzinfo=UTC), "amount": Decimal("12.50")},
    }


def test_the_client_sends_events_and_reads_values(running):
    with Client(running.url, running.key) as client:
        taken = client.send(purchase("s1", "C000001"), wait=True)
        again = client.send(purchase("s1", "C000001"))
        many = client.send_batch(purchase(f"m{k}", f"N{k % 7}") for k in range(1_500))
        told = client.scores([f"N{k}" for k in range(9)])

        assert (taken.status, again.status) == ("accepted", "duplicate")
        assert taken.change.score.clv == client.score("C000001").clv
        assert client.history("C000001")[0].event_ids == ("s1",)
        assert (len(many.accepted), many.duplicates, many.refused) == (1_500, [], {})
        assert [one.customer_id for one in told.scores] == [f"N{k}" for k in range(7)]
        assert set(told.missing) == {"N7", "N8"}
        explained = client.explain("C000001")
        assert explained.base + sum(one.contribution for one in explained.reasons) == pytest.approx(
            client.score("C000001").clv
        )
        assert client.score("C000001", as_of=date(2025, 6, 1)).as_of == date(2025, 6, 1)
        assert client.send_batch([purchase("q", "N1")], source="s", offset=1).accepted == [0]
        assert client.send_batch([purchase("q", "N1")], source="s", offset=1).duplicates == [0]


def test_what_is_refused_is_an_error_with_its_status(running):
    with Client(running.url, running.key) as client:
        with pytest.raises(ServiceError, match="No event") as unknown:
            client.score("nobody/at all")
        with pytest.raises(ServiceError, match="kind") as refused:
            client.send(purchase("bad", "C000001") | {"kind": "dance"})
    with Client(running.url, "pk_x_y") as stranger, pytest.raises(ServiceError) as without:
        stranger.score("C000001")

    assert [one.value.status for one in (unknown, refused, without)] == [404, 422, 401]


def test_nobody_who_answers_is_an_error_after_some_tries():
    with Client("http://127.0.0.1:9", tries=2) as client, pytest.raises(ServiceError) as error:
        client.score("C000001")

    assert error.value.status == 0


def test_the_client_reads_changes_as_they_are_made(running):
    seen = []

    def read():
        with Client(running.url, running.key) as client:
            seen.append(next(iter(client.stream())))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    sent = []
    with Client(running.url, running.key) as client:
        # Why several: the first may be scored before the stream is open.
        while reader.is_alive() and len(sent) < 500:
            sent.append(f"w{len(sent)}")
            client.send(purchase(sent[-1], "S1"), wait=True)
    reader.join(30)

    assert set(seen[0].event_ids) <= set(sent)
    assert seen[0].customer_id == "S1"


def test_a_head_that_never_ends_is_cut_off(running):
    answer = running.raw(b"GET /health HTTP/1.1\r\nhost: x\r\nlong: " + b"x" * 200_000)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert httpx.get(f"{running.url}/health").status_code == 200


@pytest.mark.slow
def test_a_head_that_comes_too_slowly_is_not_waited_for(running):
    assert running.raw(b"GET /health HTTP/1.1\r\nhost: x\r\nslow: ") == b""


def test_what_is_no_http_is_refused(running):
    assert running.raw(b"\x16\x03\x01nonsense\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_large_body_is_refused_before_it_is_sent(running):
    head = (
        f"POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {running.key}\r\n"
        "content-type: application/json\r\ncontent-length: 100000000\r\n\r\n"
    )

    answer = running.raw(head.encode())

    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()


def test_a_connection_that_is_made_while_the_server_stops_is_closed(served):
    async def go():
        with socket.create_server(("127.0.0.1", 0)) as sock:
            server = server_of(served.app, host="127.0.0.1", port=0)
            serving = asyncio.create_task(server.serve(sockets=[sock]))
            reader, writer = await asyncio.open_connection(*sock.getsockname())
            writer.write(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            # Accepted, but not yet made when the others are told.
            late = server.server_state.connections.pop()
            server.stop()
            while server.servers[0].is_serving():
                await asyncio.sleep(0.01)
            server.server_state.connections.add(late)
            await asyncio.wait_for(reader.read(), 10)
            await serving
            writer.close()

    asyncio.run(go())


def test_a_signal_ends_streams_and_the_process_stops_in_order(running):
    """The last of this file: its process is gone afterwards."""
    ended, opened = [], threading.Event()

    def read():
        head = {"authorization": f"Bearer {running.key}"}
        with httpx.stream("GET", f"{running.url}/v1/stream", headers=head, timeout=60) as answer:
            opened.set()
            ended.append("".join(answer.iter_text()))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert opened.wait(30)

    running.process.send_signal(signal.SIGTERM)

    assert running.process.wait(20) == 0
    reader.join(10)
    assert "event: closed" in ended[0]
