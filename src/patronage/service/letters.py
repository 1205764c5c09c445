"""What people must see to: events that were refused, and reviews."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from patronage.live.arrivals import Arrival, Refusal
from patronage.service.answers import Taken, in_utc
from patronage.service.parts import Parts
from patronage.service.problems import Problem
from patronage.service.told import Limit, caller_of, tell, told

__all__ = ["Decided", "Letter", "LettersAnswer", "Review", "ReviewsAnswer", "letter_routes"]

Number = Annotated[int, Path(ge=1, lt=1 << 63)]


class Letter(msgspec.Struct, frozen=True):
    """An event that was refused.

    Attributes
    ----------
    body : as it came, cut where it is very long
    """

    id: int
    received: datetime
    reason: str
    body: str
    tries: int


class LettersAnswer(msgspec.Struct, frozen=True):
    """Refused events that wait to be replayed, latest first."""

    letters: list[Letter]


class Review(msgspec.Struct, frozen=True):
    """An event that people must decide about.

    Attributes
    ----------
    weight : of its lane, 0 to 1
    """

    id: int
    customer_id: int | str
    event_id: str
    lane: str
    weight: float
    created: datetime


class ReviewsAnswer(msgspec.Struct, frozen=True):
    """Open reviews, weightiest first."""

    reviews: list[Review]


class Decided(msgspec.Struct, frozen=True):
    """A review that was closed."""

    id: int
    decision: str
    by: str


class Decision(BaseModel):
    """What was decided, and by whom; the key that sent it is kept beside the name."""

    model_config = ConfigDict(extra="forbid")
    decision: Annotated[str, Field(min_length=1, max_length=200)]
    by: Annotated[str, Field(min_length=1, max_length=100)] | None = None


def letter_routes(parts: Parts) -> APIRouter:
    """Routes of dead letters and reviews."""
    router = APIRouter(prefix="/v1", tags=["to see to"])
    store = parts.system.store

    @router.get("/dead-letters", responses=told(LettersAnswer))
    def dead_letters(limit: Limit = 100) -> Response:
        """Refused events with their reasons."""
        found = store.dead_letters(limit=limit)
        return tell(LettersAnswer([_letter(told) for told in found]))

    @router.post(
        "/dead-letters/{letter}:replay",
        responses=told(Taken, "Taken in."),
        openapi_extra={
            "requestBody": {
                "description": "The mended event; none: the one that was refused, as it is.",
                "required": False,
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Arrival"}}
                },
            }
        },
    )
    async def replay(letter: Number, request: Request) -> Response:
        """Take a refused event in, mended or as it is once what refused it is mended."""
        body = await request.body()
        return await run_in_threadpool(_replay, parts, letter, body)

    @router.get("/reviews", responses=told(ReviewsAnswer))
    def reviews(limit: Limit = 100) -> Response:
        """What waits for a decision."""
        found = store.reviews(limit=limit)
        return tell(
            ReviewsAnswer([Review(**{**one, "created": in_utc(one["created"])}) for one in found])
        )

    @router.post("/reviews/{review}:decide", responses=told(Decided))
    def decide(review: Number, said: Decision, request: Request) -> Response:
        """Close a review."""
        caller = caller_of(request)
        by = caller if said.by is None else f"{said.by} ({caller})"
        if not store.decide(review, decision=said.decision, by=by, now=parts.system.now()):
            raise Problem(404, f"There is no open review {review}.")
        return tell(Decided(review, said.decision, by))

    return router


def _replay(parts: Parts, number: int, body: bytes) -> Response:
    store = parts.system.store
    letter = store.dead_letter(number)
    if letter is None:
        raise Problem(404, f"There is no dead letter {number} that waits.")
    event = parts.intake.read(body or letter["body"].encode())
    if isinstance(event, Refusal):
        raise Problem(422, event.reason)
    receipt = store.replay({number: event}, now=parts.system.now())
    if receipt.refused:
        raise Problem(409, receipt.refused[0])
    if not receipt.accepted and not receipt.duplicates:
        raise Problem(404, f"There is no dead letter {number} that waits.")
    parts.system.scorer.wake()
    return tell(_taken(event, new=bool(receipt.accepted), versions=receipt.versions))


def _taken(event: Arrival, *, new: bool, versions: Mapping[Any, int]) -> Taken:
    who = event.customer_id
    status = "accepted" if new else "duplicate"
    return Taken(event.event_id, who, status, versions.get(who) if new else None)


def _letter(told: Mapping[str, Any]) -> Letter:
    return Letter(**{**told, "received": in_utc(told["received"])})
