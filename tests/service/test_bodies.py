"""A body is read within its bounds, or not at all."""

import asyncio
import gzip
import json
import zlib

import pytest

PATHS = ["/v1/events", "/v1/events:batch", "/v1/predict_clv", "/v1/treatments"]


async def sent_slowly(served, path, parts, *, headers=(), pause=0.0):
    """Send parts of a body as a server would hand them on; the answer, and how many were read."""
    read, sent = 0, []
    head = [(b"authorization", f"Bearer {served.keys['all']}".encode()), *headers]
    scope = {
        **{"type": "http", "method": "POST", "path": path, "raw_path": path.encode()},
        **{"query_string": b"", "headers": head, "root_path": "", "scheme": "http"},
        **{"http_version": "1.1", "asgi": {"version": "3.0"}},
    }

    async def receive():
        nonlocal read
        await asyncio.sleep(pause)
        read += 1
        if read > len(parts):
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": parts[read - 1], "more_body": read < len(parts)}

    async def send(message):
        sent.append(message)

    await served.app(scope, receive, send)
    return sent, read


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_is_too_large_is_not_read_to_its_end(serve, path):
    served = serve(max_body=1_000, max_batch_body=1_000)

    sent, read = asyncio.run(sent_slowly(served, path, [b" " * 100] * 1_000))

    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]
    assert read == 11


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_says_that_it_is_too_large_is_not_read_at_all(serve, path):
    served = serve(max_body=1_000, max_batch_body=1_000)

    headers = [(b"content-length", b"1001")]
    sent, read = asyncio.run(sent_slowly(served, path, [b" " * 1_001], headers=headers))

    assert (sent[0]["status"], read) == (413, 0)


def test_batches_may_be_larger_than_single_events(served):
    body = b" " * (1 << 20) + b"[]"

    assert served.ask("POST", "/v1/events:batch", content=body).status_code == 200
    assert served.ask("POST", "/v1/events", content=body).status_code == 413


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_comes_too_slowly_is_not_waited_for(serve, path):
    served = serve(body_seconds=0.05)

    sent, _ = asyncio.run(sent_slowly(served, path, [b" "] * 100, pause=0.02))

    assert sent[0]["status"] == 408


def test_who_hangs_up_within_a_body_is_not_answered(served):
    sent, _ = asyncio.run(sent_slowly(served, "/v1/events", []))

    assert sent == []


def test_a_packed_body_is_read(served):
    body = gzip.compress(json.dumps([served.event("e1"), served.event("e2")]).encode())

    headers = {"content-encoding": "gzip"}
    told = served.ask("POST", "/v1/events:batch", content=body, headers=headers).json()

    assert told["accepted"] == [0, 1]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b" " * 50_000_000, mtime=0), 413),
        (gzip.compress(b"[]", mtime=0)[:-4], 422),
        (gzip.compress(b"[]", mtime=0) + b"more", 422),
        (zlib.compress(b"[]"), 422),
        (b"[]", 422),
    ],
    ids=["bomb", "cut", "more behind it", "zlib", "not packed"],
)
def test_a_bomb_is_not_unpacked_and_damage_is_named(served, body, status):
    headers = {"content-encoding": "gzip"}

    assert (
        served.ask("POST", "/v1/events:batch", content=body, headers=headers).status_code == status
    )


@pytest.mark.parametrize("packed", ["br", "deflate", "gzip, gzip", "zstd"])
def test_other_packings_are_refused(served, packed):
    headers = {"content-encoding": packed}

    assert served.ask("POST", "/v1/events", content=b"{}", headers=headers).status_code == 415


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("said", ["text/plain", "application/x-www-form-urlencoded", "a/b; c"])
def test_other_forms_are_refused(served, path, said):
    answer = served.ask("POST", path, content=b"{}", headers={"content-type": said})

    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_lines_are_for_batches_alone(served):
    headers = {"content-type": "application/x-ndjson; charset=utf-8"}

    assert served.ask("POST", "/v1/events", content=b"{}", headers=headers).status_code == 415
    assert served.ask("POST", "/v1/events:batch", content=b"", headers=headers).status_code == 200


def test_a_batch_of_too_many_events_is_refused(serve):
    served = serve(max_batch_events=2)

    answer = served.ask("POST", "/v1/events:batch", json=[served.event(f"e{k}") for k in range(3)])

    assert answer.status_code == 413


@pytest.mark.parametrize("path", PATHS)
def test_deep_nesting_is_refused(served, path):
    answer = served.ask("POST", path, content=b'{"a":' * 50_000)

    assert answer.status_code == 422


def test_requests_beyond_the_bound_are_sent_away_while_the_others_are_answered(serve):
    served = serve(max_in_flight=5, wait_seconds=0.3)

    async def go(client):
        slow = [client.post("/v1/events?wait=true", json=served.event(f"e{k}")) for k in range(20)]
        answers = await asyncio.gather(*slow)
        return answers, await client.get("/v1/models")

    answers, after = served.run(go)

    codes = [answer.status_code for answer in answers]
    assert sorted(set(codes)) == [201, 503]
    assert codes.count(201) <= 5
    assert all("retry-after" in one.headers for one in answers if one.status_code == 503)
    assert after.status_code == 200
