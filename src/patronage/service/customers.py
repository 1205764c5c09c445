"""One customer: why it is worth what it is, how that moved, and its events."""

import msgspec
from fastapi import APIRouter, Response

from patronage.live.arrivals import Arrival
from patronage.live.ledger_text import read_ledger
from patronage.live.scorer import coming_midnight
from patronage.live.scores import Held
from patronage.scoring import explain
from patronage.service.answers import ChangeAnswer, change_answer, shown
from patronage.service.parts import Parts
from patronage.service.reading import unknown_customer
from patronage.service.told import CustomerPath, Limit, tell, told

__all__ = ["EventsAnswer", "ExplanationAnswer", "HistoryAnswer", "Reason", "customer_routes"]


class Reason(msgspec.Struct, frozen=True):
    """A part of a customer's value.

    Attributes
    ----------
    told : what is known of the customer, as text; null where no single number tells it
    contribution : in the currency of the value
    """

    reason: str
    told: str | None
    contribution: float


class ExplanationAnswer(msgspec.Struct, frozen=True):
    """Why a customer is worth what the model says: base and contributions add up to clv.

    Attributes
    ----------
    base : what a customer is worth before anything is known of it
    compared_with : customers, drawn from all, of whom the base is the mean; 0: the model knows of
        itself what those that it learned from were worth
    sentences : the largest reasons in words
    """

    customer_id: int | str
    clv: float
    base: float
    compared_with: int
    currency: str
    as_of: str
    model: str
    version: str
    reasons: list[Reason]
    sentences: list[str]


class HistoryAnswer(msgspec.Struct, frozen=True):
    """How a customer's value moved, latest first."""

    customer_id: int | str
    changes: list[ChangeAnswer]


class EventsAnswer(msgspec.Struct, frozen=True):
    """A customer's events that count, latest first."""

    customer_id: int | str
    events: list[Arrival]


def customer_routes(parts: Parts) -> APIRouter:
    """Routes below /v1/customers."""
    router = APIRouter(prefix="/v1/customers", tags=["customers"])
    system = parts.system

    def held_of(said: str) -> Held:
        who = system.spelt(said)
        found = None if who is None else parts.scores.held([who])[0]
        if found is None:
            raise unknown_customer(said)
        return found.held

    @router.get("/{customer_id:path}/explanation", responses=told(ExplanationAnswer))
    def explanation(customer_id: CustomerPath) -> Response:
        """Parts of the customer's value by reason, in money; they add up to it."""
        held, model = held_of(customer_id), system.scorer.model
        today = coming_midnight(system.now())
        snapshot = model.snapshot([read_ledger(held.ledger)], today)
        if snapshot.customers.is_empty():
            raise unknown_customer(customer_id)
        found = explain(
            snapshot, model.scoring(snapshot), reference=parts.portfolio.compared(model)
        )
        ((_, base, clv),) = found.totals.iter_rows()
        return tell(
            ExplanationAnswer(
                held.customer_id,
                clv,
                base,
                found.compared_with,
                found.currency,
                today.isoformat(),
                model.artifact.name,
                model.version,
                [Reason(*row[1:]) for row in found.parts.iter_rows()],
                found.sentences(held.customer_id),
            )
        )

    @router.get("/{customer_id:path}/history", responses=told(HistoryAnswer))
    def history(customer_id: CustomerPath, limit: Limit = 100) -> Response:
        """Changes of the customer's value, and what moved it each time."""
        who = held_of(customer_id).customer_id
        changes = system.store.history(who, limit=limit)
        return tell(HistoryAnswer(who, [change_answer(change) for change in changes]))

    @router.get("/{customer_id:path}/events", responses=told(EventsAnswer))
    def events(customer_id: CustomerPath, limit: Limit = 100) -> Response:
        """Events of the customer; those that were corrected are left out."""
        who = held_of(customer_id).customer_id
        found = system.store.events(who, limit=limit)
        return tell(EventsAnswer(who, [shown(event) for event in found]))

    return router
