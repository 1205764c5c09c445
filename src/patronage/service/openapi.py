"""One OpenAPI 3.1 document of all routes, those before FastAPI too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from patronage.live.arrivals import Arrival
from patronage.service.answers import BatchTaken, ScoreAnswer, ScoresAnswer, Taken
from patronage.service.customers import EventsAnswer, ExplanationAnswer, HistoryAnswer
from patronage.service.health import Alive, Ready
from patronage.service.hot import Customer, Customers
from patronage.service.letters import Decided, LettersAnswer, ReviewsAnswer
from patronage.service.models import ModelsAnswer
from patronage.service.portfolio import ForecastAnswer, SegmentsAnswer
from patronage.service.problems import PROBLEM_TYPE, ProblemDetails
from patronage.service.routes import ROUTES, Route

__all__ = ["openapi_of"]

_TYPES: Final = (
    *(Arrival, Customer, Customers, ScoreAnswer, ScoresAnswer, Taken, BatchTaken, ProblemDetails),
    *(EventsAnswer, ExplanationAnswer, HistoryAnswer, Alive, Ready, Decided, LettersAnswer),
    *(ReviewsAnswer, ModelsAnswer, ForecastAnswer, SegmentsAnswer),
)
_COMPONENTS: Final = "#/components/schemas/"
_JSON: Final = "application/json"


@dataclass(frozen=True)
class _Hot:
    """What the document says of a route before FastAPI."""

    tag: str
    summary: str
    answers: Mapping[int, Any]
    body: Any = None
    query: Mapping[str, Any] | None = None


_DAY: Final = {"type": "string", "format": "date"}
_HOT: Final = {
    "/v1/customers/{customer_id}/score": _Hot(
        "customers",
        "What a customer is worth now, or was worth by what was known before a day",
        {200: ScoreAnswer},
        query={"as_of": _DAY},
    ),
    "/v1/predict_clv": _Hot(
        "customers", "What a customer is worth now", {200: ScoreAnswer}, body=Customer
    ),
    "/v1/score:batch": _Hot(
        "customers",
        "What customers are worth now, all by one model",
        {200: ScoresAnswer},
        body=Customers,
    ),
    "/v1/events": _Hot(
        "events",
        "Take an event in, exactly once; answered after it is on the disk",
        {201: Taken, 200: Taken},
        body=Arrival,
        query={"wait": {"type": "boolean", "default": False}},
    ),
    "/v1/events:batch": _Hot(
        "events",
        "Take many events in, a JSON array or one a line; answered after they are on the disk",
        {200: BatchTaken},
        body=list[Arrival],
        query={
            "source": {"type": "string", "minLength": 1, "maxLength": 200},
            "offset": {"type": "integer", "minimum": 0, "maximum": 10**18 - 1},
        },
    ),
    "/v1/stream": _Hot(
        "events", "Changes of scores as server-sent events (ChangeAnswer in data)", {200: None}
    ),
    "/openapi.json": _Hot("watching", "This document", {200: dict[str, Any]}),
}
_REFUSALS: Final = {
    404: "There is no such thing.",
    408: "The body came too slowly.",
    409: "The id was used for another event.",
    413: "Too large.",
    415: "The body is in another form.",
    422: "Not understood; `detail` says what to mend.",
    503: "Not now; come again after Retry-After seconds.",
}
_FOR_KEYS: Final = {
    401: "No key, or none that holds.",
    403: "The key has not the scope.",
    429: "The key asks too often.",
}


def openapi_of(api: FastAPI) -> dict[str, Any]:
    """The document; `ROUTES` says which routes there are, and who may call them."""
    document = get_openapi(
        title=api.title,
        version=api.version,
        description=api.description,
        routes=api.routes,
    )
    _, components = msgspec.json.schema_components(_TYPES, ref_template=_COMPONENTS + "{name}")
    there = document.setdefault("components", {}).setdefault("schemas", {})
    there |= {name: _with_numbers(schema) for name, schema in components.items()}
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    for route in ROUTES:
        methods = document["paths"].setdefault(route.path, {})
        if route.path in _HOT:
            methods[route.method.lower()] = _operation(route, _HOT[route.path])
        _finish(methods[route.method.lower()], route)
    for unused in ("HTTPValidationError", "ValidationError"):
        there.pop(unused, None)
    return document


def _operation(route: Route, told: _Hot) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "tags": [told.tag],
        "summary": told.summary,
        "operationId": f"{route.method.lower()} {route.path}".replace(" ", "_"),
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in (told.query or {}).items()
        ],
        "responses": {
            str(status): {
                "description": "As asked.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}}
                if what is None
                else {_JSON: {"schema": _schema(what)}},
            }
            for status, what in told.answers.items()
        },
    }
    if "{customer_id}" in route.path:
        operation["parameters"].insert(
            0,
            {
                "name": "customer_id",
                "in": "path",
                "required": True,
                "description": "The customer's id, as in the log.",
                "schema": {"type": "string", "minLength": 1},
            },
        )
    if told.body is not None:
        content = {_JSON: {"schema": _schema(told.body)}}
        if route.body == "many":
            content["application/x-ndjson"] = {"schema": {"type": "string"}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _finish(operation: dict[str, Any], route: Route) -> None:
    """Add who may call it, and how it refuses."""
    refusals = {413: "", 415: "", 408: ""} if route.body != "none" else {}
    named = {404, 409, 422, 503, *refusals}
    told = {status: text for status, text in _REFUSALS.items() if status in named}
    if route.access != "open":
        operation["security"] = [{"bearer": []}, {"header": []}]
        operation["x-scope"] = route.access
        told |= _FOR_KEYS
    for status, text in told.items():
        operation["responses"][str(status)] = {
            "description": text,
            "content": {PROBLEM_TYPE: {"schema": {"$ref": _COMPONENTS + "ProblemDetails"}}},
        }


def _schema(what: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([what], ref_template=_COMPONENTS + "{name}")
    return schema


def _with_numbers(schema: Any) -> Any:
    """Money is told as text, and taken as text or number."""
    if isinstance(schema, dict):
        if schema.get("format") == "decimal":
            return {"anyOf": [schema, {"type": "number"}]}
        return {name: _with_numbers(value) for name, value in schema.items()}
    return [_with_numbers(one) for one in schema] if isinstance(schema, list) else schema
