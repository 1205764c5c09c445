"""One OpenAPI document tells every route, what it takes, and how it refuses."""

import json

import pytest

from patronage.service.routes import ROUTES

schemathesis = pytest.importorskip("schemathesis", reason="for want of schemathesis")


@pytest.fixture
def document(served):
    return served.ask("GET", "/openapi.json").json()


def test_every_route_is_described_with_its_scope(document):
    assert document["openapi"].startswith("3.1")
    told = {
        (method.upper(), path): operation.get("x-scope", "open")
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }

    assert told == {(route.method, route.path): route.access for route in ROUTES}


def test_every_name_that_is_referred_to_is_there(document):
    text = json.dumps(document)
    named = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}

    assert named <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in text


def test_every_operation_has_a_name_of_its_own(document):
    names = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]

    assert len(set(names)) == len(names)


def test_every_refusal_is_a_problem(document):
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"]


@pytest.mark.slow
def test_nothing_that_the_document_allows_or_forbids_is_our_fault(serve):
    from hypothesis import HealthCheck, Phase, given, settings

    served = serve(wait_seconds=0.01, requests_per_second=1e9, burst=1e9)
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", served.app, headers={"Authorization": f"Bearer {served.keys['all']}"}
    )
    seen = {}

    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path == "/v1/stream":
            continue

        @settings(
            max_examples=25,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers(case):
            answer = case.call(headers={"Authorization": f"Bearer {served.keys['all']}"})
            seen.setdefault(case.operation.label, set()).add(answer.status_code)
            assert answer.status_code < 500, case.as_curl_command()
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == ["application/problem+json"]

        answers()

    labels = {f"{route.method} {route.path}" for route in ROUTES}
    assert set(seen) == labels - {"GET /v1/stream", "GET /openapi.json"}
    assert served.ask("GET", "/health").status_code == 200


def test_an_unexpected_error_tells_nothing_of_our_inside(served, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("the secret name of a table")

    monkeypatch.setattr(served.system.store, "history", fail)
    who = served.customer

    answer = served.ask("GET", f"/v1/customers/{who}/history")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    lines = [json.loads(line) for line in served.logs.getvalue().splitlines()]
    (failed,) = [line for line in lines if line["event"] == "failed"]
    assert failed["request_id"] == answer.json()["request_id"]
    assert "the secret name" in failed["exception"]


def test_neither_logs_nor_metrics_hold_bodies_keys_or_customers(served):
    canary = "canary-7f3a"
    event = served.event(f"id-{canary}", f"who-{canary}", text=f"text-{canary}", amount="1.00")

    async def go(client):
        await client.post("/v1/events", json=event)
        await client.post("/v1/events", json=event | {"kind": canary})
        await client.post("/v1/events:batch", json=[event, {canary: canary}])
        await client.post("/v1/events:batch", content=canary)
        await client.post("/v1/score:batch", json={"customer_ids": [f"who-{canary}", canary]})
        await client.post("/v1/predict_clv", json={"customer_id": canary})
        await client.put("/v1/models/active", json={"model": canary})
        for what in ("score", "history", "events", "explanation"):
            await client.get(f"/v1/customers/who-{canary}/{what}")
        await client.get(f"/{canary}?{canary}={canary}")
        await client.request(canary.upper(), "/v1/events")
        await client.get("/v1/models", headers={"Authorization": f"Bearer pk_{canary}_x"})
        return (await client.get("/metrics")).text

    metrics = served.run(go)

    logs = served.logs.getvalue()
    assert canary not in logs.lower()
    assert canary not in metrics.lower()
    assert not any(key in logs for key in served.keys.values())
    lines = [json.loads(line) for line in logs.splitlines()]
    assert len(lines) == 15
    assert all(line["request_id"] for line in lines)


def test_metrics_count_what_was_done(served):
    served.ask("POST", "/v1/events", json=served.event("e1"))
    served.ask("POST", "/v1/events", json=served.event("e1"))
    served.ask("POST", "/v1/events", content=b"{")

    text = served.ask("GET", "/metrics").text

    for fate in ("accepted", "duplicate", "refused"):
        assert f'patronage_events_total{{outcome="{fate}"}} 1.0' in text
    assert 'route="/v1/events",status="201"} 1.0' in text
    assert 'patronage_store_rows{table="dead_letters"} 1.0' in text
