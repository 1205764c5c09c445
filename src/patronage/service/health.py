"""Whether the service is alive, ready, and how it does."""

import asyncio
from typing import Final

import msgspec
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from patronage.errors import StoreError
from patronage.service.parts import Parts
from patronage.service.problems import Problem
from patronage.service.told import tell, told

__all__ = ["Alive", "Ready", "health_routes"]

_SECONDS: Final = 2.0


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: str = "alive"


class Ready(msgspec.Struct, frozen=True):
    """It may be asked: the store is reached, history is brought, a model is at work.

    Attributes
    ----------
    online : ok, or degraded where the online store fails, or is behind, and the event store answers
    """

    status: str
    online: str
    model: str
    version: str


def health_routes(parts: Parts) -> APIRouter:
    """Routes for those who watch the service."""
    router = APIRouter(tags=["watching"])
    system = parts.system

    @router.get("/health", responses=told(Alive))
    async def health() -> Response:
        """Alive; it asks nobody."""
        return tell(Alive())

    @router.get("/ready", responses=told(Ready))
    async def ready() -> Response:
        """Ready to be asked; else a problem that says what is wanting."""
        try:
            async with asyncio.timeout(_SECONDS):
                brought = await asyncio.to_thread(system.store.offset, "history")
        except (StoreError, TimeoutError):
            raise Problem(503, "The event store cannot be reached.") from None
        if brought is None and system.workspace.n_events:
            raise Problem(503, "The history of the run is still to be brought.")
        try:
            async with asyncio.timeout(_SECONDS):
                await asyncio.to_thread(system.online.get, [])
            online = "degraded" if system.scorer.owes else "ok"
        except (StoreError, TimeoutError):
            online = "degraded"
        artifact = system.scorer.model.artifact
        return tell(Ready("ready", online, artifact.name, artifact.version))

    @router.get(
        "/metrics",
        responses={200: {"description": "Metrics.", "content": {"text/plain": {}}}},
        response_class=Response,
    )
    def metrics() -> Response:
        """Metrics as Prometheus reads them."""
        return Response(parts.metrics.text(system.store), media_type=CONTENT_TYPE_LATEST)

    return router
