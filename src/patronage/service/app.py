"""make_app: one ASGI app over a live system."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

import patronage
from patronage.errors import PatronageError
from patronage.live.system import LiveSystem
from patronage.service.customers import customer_routes
from patronage.service.exchange import Answer, Asked, json_answer
from patronage.service.feedback import feedback_routes
from patronage.service.gate import Gate
from patronage.service.health import Alive, health_routes
from patronage.service.hot import hot_routes
from patronage.service.letters import letter_routes
from patronage.service.logs import Log, json_log
from patronage.service.models import model_routes
from patronage.service.openapi import openapi_of
from patronage.service.parts import Parts, put_together
from patronage.service.problems import PROBLEM_TYPE, Problem, problem_of
from patronage.service.settings import ServiceSettings

__all__ = ["make_app"]


def make_app(
    system: LiveSystem, settings: ServiceSettings | None = None, *, log: Log | None = None
) -> Gate:
    """The service as an ASGI app; who calls it starts the scorer, and stops it afterwards.

    Parameters
    ----------
    system : the parts at work; its history is brought
    settings : bounds; None: the usual ones
    log : None: lines of JSON on standard error
    """
    settings = settings or ServiceSettings()
    parts = put_together(system, settings, log or json_log(settings.log_level))
    api = _api(parts)
    hot = dict(hot_routes(parts))

    @cache
    def document() -> bytes:
        return msgspec.json.encode(openapi_of(api))

    async def openapi(asked: Asked) -> Answer:
        asked.query_values()
        return Answer(200, document())

    async def health(asked: Asked) -> Answer:
        del asked
        return json_answer(Alive())

    hot["GET", "/openapi.json"] = openapi
    # Why here: who watches asks often, and it is the route that others are measured by.
    hot["GET", "/health"] = health
    gate = Gate(parts, hot, api)

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        del app
        following = [asyncio.create_task(parts.follow())]
        if parts.settings.shared:
            following.append(asyncio.create_task(parts.follow_changes()))
        yield
        for one in following:
            one.cancel()
        await parts.close()
        gate.close()

    api.router.lifespan_context = lifespan
    return gate


def _api(parts: Parts) -> FastAPI:
    api = FastAPI(
        title="Patronage",
        version=patronage.__version__,
        description="Events in, exactly once; customer lifetime values out, as batch scores them.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for routes in (customer_routes, feedback_routes, model_routes, letter_routes, health_routes):
        api.include_router(routes(parts))

    async def refuse(request: Request, error: Exception) -> Response:
        if isinstance(error, RequestValidationError):
            error = Problem(422, "The request is not understood.", errors=_where(error))
        elif isinstance(error, HTTPException):
            # Why: FastAPI tells a body that is no JSON apart from one that is not understood.
            status = 422 if error.status_code == 400 else error.status_code
            error = Problem(status, str(error.detail), headers=error.headers)
        problem = problem_of(error)
        body = problem.body(request.scope["state"]["request_id"])
        return Response(body, problem.status, problem.headers, PROBLEM_TYPE)

    for kind in (Problem, PatronageError, RequestValidationError, HTTPException, Exception):
        api.add_exception_handler(kind, refuse)
    return api


def _where(error: RequestValidationError) -> list[str]:
    """Each mistake in a sentence; what was sent is not repeated."""
    return [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
