"""Models that can be put to work, and the totals by the one that is."""

import re
import threading
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from patronage.errors import PatronageError
from patronage.live.live_model import LiveModel, load_live_model
from patronage.live.scorer import coming_midnight
from patronage.service.parts import Parts
from patronage.service.portfolio import ForecastAnswer, SegmentsAnswer
from patronage.service.problems import Problem
from patronage.service.told import caller_of, tell, told
from patronage.snapshots import CustomerLedger

__all__ = ["ActiveModel", "ModelsAnswer", "model_routes"]

_FOLDER: Final = "models"
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


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
    one_at_a_time = threading.Lock()

    def names() -> list[str]:
        folder = system.workspace.folder / _FOLDER
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted(path.name for path in found if (path / "manifest.json").is_file())

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
        return ModelsAnswer(active, names())

    @router.get("/models", tags=["models"], responses=told(ModelsAnswer))
    def list_models() -> Response:
        """The model at work, and those that can be put to work."""
        return tell(models())

    @router.put("/models/active", tags=["models"], responses=told(ModelsAnswer))
    def put_to_work(choice: Choice, request: Request) -> Response:
        """Load a model, try it on a customer, and put it to work; scores follow behind the scenes.

        A model that cannot be loaded or tried is refused, and the one before stays at work.
        """
        if not _NAME.fullmatch(choice.model) or choice.model not in names():
            raise Problem(404, f"There is no model {choice.model!r}; GET /v1/models names all.")
        with one_at_a_time:
            model = load_live_model(
                system.workspace,
                store=system.store,
                model=f"{_FOLDER}/{choice.model}",
                signing_key=parts.settings.signing_key,
            )
            _try(model, parts)
            system.scorer.swap(model)
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


def _try(model: LiveModel, parts: Parts) -> None:
    """Score somebody with it."""
    for held in parts.system.store.all_held(batch=1):
        ledgers = [CustomerLedger.from_json(one.ledger) for one in held]
        try:
            model.score(ledgers, coming_midnight(parts.system.now()))
        except (PatronageError, ValueError, KeyError) as error:
            raise Problem(422, f"The model cannot score a customer of today: {error}") from error
        return
