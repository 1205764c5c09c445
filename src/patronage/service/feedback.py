"""What agents did and what came of it: both are events of the customer."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from patronage.service.answers import Taken
from patronage.service.parts import Parts
from patronage.service.told import tell, told

__all__ = ["Outcome", "Treatment", "feedback_routes"]

Word = Annotated[str, Field(min_length=1, max_length=200)]
Money = Annotated[Decimal, Field(gt=-(10**13), lt=10**13, allow_inf_nan=False)]


class _About(BaseModel):
    """Of both: an id and a time of its own, kept on retries; and whose it is."""

    model_config = ConfigDict(extra="forbid")
    event_id: Word
    customer_id: int | Word
    event_time: AwareDatetime
    channel: Word | None = None
    campaign: Word | None = None
    product_id: Word | None = None


class Treatment(_About):
    """Something was done to a customer: why, and with which probability it was chosen."""

    policy: Word
    propensity: Annotated[float, Field(gt=0.0, le=1.0)]
    discount: Money | None = None


class Outcome(_About):
    """What a customer did; `kind` names the event, as in the log."""

    kind: Literal[
        "purchase",
        "refund",
        "visit",
        "click",
        "app_use",
        "email_response",
        "support",
        "survey",
        "review",
        "subscription_start",
        "renewal",
        "cancellation",
    ]
    amount: Money | None = None
    order_id: Word | None = None
    policy: Word | None = None
    score: Annotated[float, Field(gt=-1e12, lt=1e12)] | None = None
    text: Annotated[str, Field(max_length=10_000)] | None = None


def feedback_routes(parts: Parts) -> APIRouter:
    """Routes of treatments and outcomes."""
    router = APIRouter(prefix="/v1", tags=["feedback"])

    async def take(said: dict[str, Any]) -> Response:
        taken = await parts.intake.take_one(msgspec.json.encode(said))
        return tell(taken, 201 if taken.status == "accepted" else 200)

    answers = told(Taken, "Taken in.", status=201) | told(Taken, "It was taken in before.")

    @router.post("/treatments", status_code=201, responses=answers)
    async def treatment(said: Treatment) -> Response:
        """A treatment with its policy and propensity, for off-policy evaluation."""
        return await take({**said.model_dump(exclude_none=True), "kind": "treatment"})

    @router.post("/outcomes", status_code=201, responses=answers)
    async def outcome(said: Outcome) -> Response:
        """An outcome, which moves the customer's value as any event of its kind does."""
        return await take(said.model_dump(exclude_none=True))

    return router
