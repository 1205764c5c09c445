"""How routes behind the gate answer, and how their answers are described."""

from typing import Annotated, Any

import msgspec
from fastapi import Path, Query, Request, Response

from patronage.service.keys import ApiKey

__all__ = ["CustomerPath", "Limit", "caller_of", "tell", "told"]

CustomerPath = Annotated[str, Path(description="The customer's id, as in the log.")]
Limit = Annotated[int, Query(ge=1, le=1_000, description="The most to be told.")]
_encode = msgspec.json.Encoder().encode


def tell(what: Any, status: int = 200) -> Response:
    """A struct as JSON."""
    return Response(_encode(what), status, media_type="application/json")


def told(
    what: type, description: str = "As asked.", *, status: int = 200
) -> dict[int | str, dict[str, Any]]:
    """The answer of a route, for the OpenAPI; `openapi.py` adds the type itself."""
    return {
        status: {
            "description": description,
            "content": {
                "application/json": {"schema": {"$ref": f"#/components/schemas/{what.__name__}"}}
            },
        }
    }


def caller_of(request: Request) -> str:
    """Who asks, for the record."""
    key: ApiKey | None = request.scope["state"]["caller"]
    return "without a key" if key is None else f"key {key.id}"
