"""Models that can be put to work, and the totals by the one that is."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from patronage.service.parts import Parts
from patronage.service.portfolio import ForecastAnswer, SegmentsAnswer
from patronage.service.told import caller_of, tell, told

__all__ = ["ActiveModel", "ModelsAnswer", "model_routes"]


class ActiveModel(msgspec.Struct, frozen=True):
    """The model at work.

    Attributes
    ----------
    as_of : first day that it did not learn from
    fingerprint : of the model and the features that it reads
    """

    model: str
    version: str
    as_of: str
    horizon_days: float
    fingerprint: str


class ModelsAnswer(msgspec.Struct, frozen=True):
    """Names of all models of the workspace."""

    active: ActiveModel
    available: list[str]


class Choice(BaseModel):
    """Which model is to be put to work."""

    model_config = ConfigDict(extra="forbid")
    model: Annotated[str, Field(min_length=1, max_length=100)]


def model_routes(parts: Parts) -> APIRouter:
    """Routes of models, segments and forecasts."""
    router = APIRouter(prefix="/v1")
    system = parts.system

    def models() -> ModelsAnswer:
        at_work = system.scorer.model
        artifact = at_work.artifact
        active = ActiveModel(
            artifact.name,
            artifact.version,
            artifact.as_of.isoformat(),
            artifact.horizon.days,
            at_work.fingerprint,
        )
        return ModelsAnswer(active, parts.switch.names())

    @router.get("/models", tags=["models"], responses=told(ModelsAnswer))
    def list_models() -> Response:
        """The model at work, and those that can be put to work."""
        return tell(models())

    @router.put("/models/active", tags=["models"], responses=told(ModelsAnswer))
    def put_to_work(choice: Choice, request: Request) -> Response:
        """Load a model, try it on a customer, and put it to work; scores follow behind the scenes.

        A model that cannot be loaded or tried is refused, and the one before stays at work.
        """
        parts.switch.put_to_work(choice.model)
        parts.log.info("model put to work", model=choice.model, by=caller_of(request))
        return tell(models())

    @router.get("/segments", tags=["portfolio"], responses=told(SegmentsAnswer))
    def segments() -> Response:
        """Customers and value by segment; counted now and then."""
        return tell(parts.portfolio.segments())

    @router.get("/forecasts", tags=["portfolio"], responses=told(ForecastAnswer))
    def forecasts() -> Response:
        """What all customers are expected to bring; counted now and then."""
        return tell(parts.portfolio.forecast())

    return router
