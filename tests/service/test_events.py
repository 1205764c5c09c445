"""Events are taken in exactly once, and an answer says what is on the disk."""

import asyncio
import threading

import msgspec
import pytest

from patronage.errors import StoreError

NDJSON = {"content-type": "application/x-ndjson"}


def n_events(served) -> int:
    return served.system.store.counts()["events"]


def test_an_event_is_accepted_once(served):
    event, before = served.event("e1"), n_events(served)

    first, again = (served.ask("POST", "/v1/events", json=event) for _ in range(2))

    assert (first.status_code, first.json()["status"]) == (201, "accepted")
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    assert n_events(served) == before + 1


def test_an_id_that_comes_with_other_content_is_in_conflict(served):
    served.ask("POST", "/v1/events", json=served.event("e1"))

    answer = served.ask("POST", "/v1/events", json=served.event("e1", amount="26.00"))

    assert answer.status_code == 409
    assert "replaces" in answer.json()["detail"]


@pytest.mark.parametrize(
    "change",
    [
        {"event_time": "2026-06-01T00:00:00Z"},
        {"kind": "dance"},
        {"amount": "NaN"},
        {"amount": None},
        {"amount": "1e400"},
        {"customer_id": ""},
        {"customer_id": None},
        {"event_id": "  "},
        {"event_id": "\x00"},
        {"surprise": 1},
        {"quantity": 1e300},
    ],
)
def test_what_cannot_be_read_is_refused_and_kept(served, change):
    answer = served.ask("POST", "/v1/events", json=served.event("e1") | change)

    assert answer.status_code == 422
    (letter,) = served.ask("GET", "/v1/dead-letters").json()["letters"]
    assert letter["reason"] == answer.json()["detail"]


def test_the_score_that_an_event_leads_to_is_answered_where_it_is_asked_for(serve):
    served = serve(background=True)
    served.ask("GET", f"/v1/customers/{served.customer}/score")

    told = served.ask("POST", "/v1/events?wait=true", json=served.event("e1")).json()

    change = told["change"]
    assert change["event_ids"] == ["e1"]
    assert change["score"]["clv"] == pytest.approx(
        (change["previous"] or {"clv": 0.0})["clv"] + sum(change["moved"].values())
    )
    now = served.ask("GET", f"/v1/customers/{served.customer}/score").json()
    assert now["clv"] == change["score"]["clv"]
    again = served.ask("POST", "/v1/events?wait=true", json=served.event("e1")).json()
    assert again["status"] == "duplicate"
    assert again["change"] == change


def test_waiting_has_a_bound(serve):
    served = serve(wait_seconds=0.05)

    told = served.ask("POST", "/v1/events?wait=true", json=served.event("e1")).json()

    assert (told["status"], told["change"]) == ("accepted", None)


def test_nobody_waits_for_an_event_that_counts_tomorrow(serve):
    served = serve(wait_seconds=60.0)

    visit = served.event("e1", kind="visit", amount=None)
    told = served.ask("POST", "/v1/events?wait=true", json=visit).json()

    assert (told["status"], told["change"]) == ("accepted", None)


@pytest.mark.parametrize("query", ["wait=perhaps", "wait=true&wait=true", "weight=1"])
def test_a_query_that_is_not_understood_is_refused(served, query):
    assert served.ask("POST", f"/v1/events?{query}", json=served.event("e1")).status_code == 422
    assert served.system.store.counts()["dead_letters"] == 0


@pytest.mark.parametrize("lines", [False, True])
def test_a_batch_is_answered_by_place(served, lines):
    served.ask("POST", "/v1/events", json=served.event("e1"))
    batch = [
        served.event("e0"),
        served.event("e1"),
        {"a": 1},
        served.event("e0"),
        served.event("e4"),
    ]
    body = b"\n".join(map(msgspec.json.encode, batch)) if lines else msgspec.json.encode(batch)

    headers = NDJSON if lines else {"content-type": "application/json"}
    told = served.ask("POST", "/v1/events:batch", content=body, headers=headers).json()

    assert told == {
        "accepted": [0, 4],
        "duplicates": [1, 3],
        "refused": {"2": "Object contains unknown field `a`"},
    }


@pytest.mark.parametrize("body", [b"", b"{}", b"[1,", b"[" * 100_000, b'"\xff"', b"null"])
def test_a_batch_that_is_no_list_is_refused_whole(served, body):
    answer = served.ask("POST", "/v1/events:batch", content=body)

    assert answer.status_code == 422
    assert served.system.store.counts()["dead_letters"] == 0


def test_a_batch_of_none_is_fine(served):
    told = served.ask("POST", "/v1/events:batch", json=[]).json()

    assert told == {"accepted": [], "duplicates": [], "refused": {}}


def test_a_source_is_taken_in_up_to_its_offset(served):
    path = "/v1/events:batch?source=shop-0&offset=7"
    batch = [served.event("e0"), served.event("e1")]
    served.ask("POST", path, json=batch)

    again = served.ask("POST", path, json=batch).json()

    assert again["duplicates"] == [0, 1]
    assert served.system.store.offset("shop-0") == 7
    for query in ("source=a", "offset=1", "source=a&offset=-1", "source=&offset=1"):
        assert served.ask("POST", f"/v1/events:batch?{query}", json=batch).status_code == 422


def test_one_event_sent_by_many_at_once_counts_once(served):
    event, before = served.event("e1"), n_events(served)

    async def go(client):
        return await asyncio.gather(*(client.post("/v1/events", json=event) for _ in range(60)))

    told = [answer.json()["status"] for answer in served.run(go)]

    assert sorted(told) == ["accepted"] + ["duplicate"] * 59
    assert n_events(served) == before + 1


def test_a_strangers_mistake_is_not_told_to_the_owner_of_an_id(served):
    right, wrong = served.event("e1"), served.event("e1", amount="1.00")
    served.ask("POST", "/v1/events", json=right)

    async def go(client):
        sent = [wrong, right] * 10
        return await asyncio.gather(*(client.post("/v1/events", json=one) for one in sent))

    assert [answer.status_code for answer in served.run(go)] == [409, 200] * 10


def test_requests_that_wait_together_share_a_transaction(served):
    async def go(client):
        sent = [served.event(f"e{k}") for k in range(100)]
        return await asyncio.gather(*(client.post("/v1/events", json=one) for one in sent))

    assert {answer.status_code for answer in served.run(go)} == {201}
    text = served.ask("GET", "/metrics").text
    (commits,) = (line for line in text.splitlines() if "commit_events_count" in line)
    assert float(commits.split()[1]) < 50


def test_a_full_queue_sends_away_and_recovers(serve):
    served = serve(max_waiting_events=3, commit_events=1)
    before = n_events(served)

    async def go(client):
        sent = [served.event(f"e{k}") for k in range(40)]
        return await asyncio.gather(*(client.post("/v1/events", json=one) for one in sent))

    answers = served.run(go)

    codes = [answer.status_code for answer in answers]
    assert set(codes) == {201, 503}
    assert {one.headers["retry-after"] for one in answers if one.status_code == 503} == {"1"}
    assert n_events(served) == before + codes.count(201)
    assert served.ask("POST", "/v1/events", json=served.event("late")).status_code == 201


@pytest.mark.parametrize(("first_takes", "again"), [(None, 1), (0.5, 2)])
def test_who_would_wait_too_long_is_sent_away_at_once(serve, monkeypatch, first_takes, again):
    """How long to stay away is told by the pace of the last seconds, once it is known."""
    served = serve(commit_events=4, max_waiting_seconds=0.1)
    real, begun, disk_moves = served.system.store.take_in, [], threading.Event()

    def take_in(batch, **more):
        begun.append(len(batch))
        disk_moves.wait(timeout=first_takes)
        return real(batch, **more)

    monkeypatch.setattr(served.system.store, "take_in", take_in)
    if first_takes is not None:
        assert served.ask("POST", "/v1/events", json=served.event("first")).status_code == 201
    first_takes, before = None, n_events(served)
    begun.clear()

    async def go(client):
        def send(name):
            return asyncio.create_task(client.post("/v1/events", json=served.event(name)))

        asked = []
        for k in range(2):
            asked.append(send(f"e{k}"))
            while len(begun) <= k:
                await asyncio.sleep(0.01)
        asked += [send(f"e{k}") for k in range(2, 42)]
        # Two are being committed, four wait for the next commit.
        while sum(one.done() for one in asked) < 36:
            await asyncio.sleep(0.01)
        early = [one.result() for one in asked if one.done()]
        early.append(await client.post("/v1/events:batch", content=b"no event", headers=NDJSON))
        disk_moves.set()
        answers = await asyncio.gather(*asked)
        return early, answers, await asyncio.gather(*(send(f"late{k}") for k in range(4)))

    early, answers, late = served.run(go)

    assert {one.status_code for one in early} == {503}
    assert min(int(one.headers["retry-after"]) for one in early) == again
    assert sorted(one.status_code for one in answers) == [201] * 6 + [503] * 36
    assert {one.status_code for one in late} == {201}
    assert n_events(served) == before + 6 + 4


@pytest.fixture
def choking(serve, monkeypatch):
    served = serve()
    real = served.system.store.take_in

    def take_in(batch, **more):
        names = {getattr(one, "event_id", "") for one in batch}
        if "poison" in names:
            raise ArithmeticError("no such number")
        if "full" in names:
            raise StoreError("no room on /secret/disk")
        return real(batch, **more)

    monkeypatch.setattr(served.system.store, "take_in", take_in)
    return served


def test_what_the_store_chokes_on_does_not_keep_the_others_out(choking):
    names = ["e0", "poison", "e2"]

    async def go(client):
        sent = [choking.event(name) for name in names]
        return await asyncio.gather(*(client.post("/v1/events", json=one) for one in sent))

    assert [answer.status_code for answer in choking.run(go)] == [201, 422, 201]
    batch = [choking.event(name) for name in ("e3", "poison", "e5")]
    told = choking.ask("POST", "/v1/events:batch", json=batch).json()
    assert (told["accepted"], list(told["refused"])) == ([0, 2], ["1"])
    assert choking.system.store.counts()["dead_letters"] == 2


def test_a_store_that_fails_takes_nothing_and_tells_no_path(choking):
    answer = choking.ask("POST", "/v1/events", json=choking.event("full"))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "secret" not in answer.text


def test_feedback_becomes_events(served):
    who = served.customer
    about = {"customer_id": who, "event_time": "2025-12-31T09:00:00Z", "campaign": "winter"}
    treatment = {**about, "event_id": "t1", "policy": "v2", "propensity": 0.25, "discount": "5.00"}
    outcome = {**about, "event_id": "o1", "kind": "purchase", "amount": 30.5, "policy": "v2"}

    told = [
        served.ask("POST", "/v1/treatments", json=treatment).json(),
        served.ask("POST", "/v1/outcomes", json=outcome).json(),
    ]

    assert [one["status"] for one in told] == ["accepted", "accepted"]
    events = served.ask("GET", f"/v1/customers/{who}/events?limit=2").json()["events"]
    by_id = {event["event_id"]: event for event in events}
    assert by_id["t1"]["kind"] == "treatment"
    assert (by_id["t1"]["propensity"], by_id["t1"]["discount"]) == (0.25, "5.0000")
    assert (by_id["o1"]["kind"], by_id["o1"]["amount"]) == ("purchase", "30.5000")
    again = served.ask("POST", "/v1/treatments", json=treatment)
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    for wrong in ({"propensity": 0}, {"propensity": 1.5}, {"discount": "NaN"}, {"extra": 1}):
        assert served.ask("POST", "/v1/treatments", json=treatment | wrong).status_code == 422


def test_a_dead_letter_is_replayed_once_it_is_mended(served):
    served.ask("POST", "/v1/events", json=served.event("e1", kind="dance"))
    (letter,) = served.ask("GET", "/v1/dead-letters").json()["letters"]
    path = f"/v1/dead-letters/{letter['id']}:replay"

    assert served.ask("POST", path).status_code == 422
    mended = served.ask("POST", path, json=served.event("e1"))

    assert mended.json()["status"] == "accepted"
    assert served.ask("POST", path, json=served.event("e1")).status_code == 404
    assert served.ask("GET", "/v1/dead-letters").json()["letters"] == []
    for number in ("999", "0", "-1", "x", str(10**30)):
        answer = served.ask("POST", f"/v1/dead-letters/{number}:replay", json={})
        assert answer.status_code in (404, 422)


def test_a_review_is_decided_once_and_says_by_whom(served):
    served.ask("POST", "/v1/events", json=served.event("e1", kind="cancellation", amount=None))
    (review,) = served.ask("GET", "/v1/reviews").json()["reviews"]
    path = f"/v1/reviews/{review['id']}:decide"

    decided = served.ask("POST", path, json={"decision": "call", "by": "Ann"}).json()

    assert decided["by"].startswith("Ann (key ")
    assert served.ask("POST", path, json={"decision": "call"}).status_code == 404
    assert served.ask("GET", "/v1/reviews").json()["reviews"] == []
