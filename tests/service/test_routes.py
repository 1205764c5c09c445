"""Every route is named once, and asked only by who may."""

import pytest
from starlette.routing import Route as Behind

from patronage.service.hot import hot_routes
from patronage.service.routes import ROUTES, SCOPES, Route

HERE = {("GET", "/v1/stream"), ("GET", "/openapi.json")}


def filled(route: Route, customer: object) -> str:
    return (
        route.path.replace("{customer_id}", str(customer))
        .replace("{letter}", "7")
        .replace("{review}", "7")
    )


def routes_of(routes):
    for route in routes:
        if isinstance(route, Behind):
            yield from ((method, route.path.replace(":path}", "}")) for method in route.methods)
        elif inner := getattr(getattr(route, "original_router", None), "routes", None):
            yield from routes_of(inner)


def test_the_table_names_every_route_of_the_app_and_no_other(served):
    behind = set(routes_of(served.app._behind.routes))
    before = set(hot_routes(served.app.parts)) | HERE

    assert not behind & before
    assert behind | before == {(route.method, route.path) for route in ROUTES}


@pytest.mark.parametrize("scope", [*SCOPES, None, "pk_000000000000_wrong", "nonsense"])
def test_every_route_is_answered_for_its_own_scope_alone(served, scope):
    customer, refused = served.customer, {}

    for route in ROUTES:
        if route.path == "/v1/stream" and scope == "read":
            continue  # it would never end; test_stream reads it
        answer = served.ask(route.method, filled(route, customer), key=scope)
        refused[route] = answer.status_code in (401, 403)
        if refused[route]:
            assert answer.status_code == (403 if scope in SCOPES else 401)
            assert answer.headers["content-type"] == "application/problem+json"

    assert refused == {route: route.access not in ("open", scope) for route in refused}


def test_a_key_may_come_in_its_own_header(served):
    answer = served.ask("GET", "/v1/models", key=None, headers={"X-API-Key": served.keys["read"]})

    assert answer.status_code == 200


def test_without_required_keys_everybody_may_ask(serve):
    assert serve(require_keys=False).ask("GET", "/v1/dead-letters", key=None).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/customers//score", "/v1/nothing", "/docs"])
def test_an_unknown_path_is_a_problem(served, path):
    answer = served.ask("GET", path)

    assert answer.status_code == 404
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_wrong_method_names_the_right_ones(served):
    answer = served.ask("DELETE", "/v1/events")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_key_that_asks_too_often_is_told_when_to_come_again(serve):
    served = serve(requests_per_second=0.5, burst=2.0)

    answers = [served.ask("GET", "/v1/models") for _ in range(3)]

    assert [one.status_code for one in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "2"
    assert served.ask("GET", "/v1/models", key="read").status_code == 200


def test_who_asks_names_the_request_or_it_is_named(served):
    named = served.ask("GET", "/health", headers={"X-Request-ID": "mine-1"})
    forged = served.ask("GET", "/health", headers={"X-Request-ID": "mine\n2 " + "x" * 99})

    assert named.headers["x-request-id"] == "mine-1"
    assert len(forged.headers["x-request-id"]) == 16


def test_ready_says_what_is_wanting(served):
    assert served.ask("GET", "/ready", key=None).json()["status"] == "ready"

    with served.system.store.database.writing() as tx:
        tx.run("DELETE FROM offsets")

    answer = served.ask("GET", "/ready", key=None)
    assert answer.status_code == 503
    assert "history" in answer.json()["detail"]
