"""Routes that are asked often: answered by msgspec, without FastAPI."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from datetime import date
from typing import Annotated, Any, Final, TypeVar

import msgspec

from patronage.service.answers import ScoresAnswer
from patronage.service.exchange import Answer, Asked, Receive, Send, json_answer
from patronage.service.parts import Parts
from patronage.service.problems import Problem, refuse_unread
from patronage.service.reading import unknown_customer

__all__ = ["NDJSON", "Customer", "Customers", "Hot", "hot_routes", "send_stream"]

Hot = Callable[[Asked], Awaitable[Answer]]
CustomerId = int | str
NDJSON: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_Body = TypeVar("_Body")


class Customer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose value is asked for."""

    customer_id: CustomerId


class Customers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose values are asked for."""

    customer_ids: Annotated[list[CustomerId], msgspec.Meta(min_length=1)]


def hot_routes(parts: Parts) -> Mapping[tuple[str, str], Hot]:
    """Method and path → what answers it."""
    system, scores, intake = parts.system, parts.scores, parts.intake

    async def score(asked: Asked) -> Answer:
        return json_answer(await _score_of(asked.parameter, _day(asked)))

    async def predict_clv(asked: Asked) -> Answer:
        asked.query_values()
        return json_answer(await _score_of(_read(asked.body, Customer).customer_id, None))

    async def _score_of(said: CustomerId, as_of: date | None) -> Any:
        who = system.spelt(said)
        if who is None:
            raise unknown_customer(said)
        found = await (scores.one(who) if as_of is None else scores.on_day(who, as_of))
        if found is None:
            raise unknown_customer(said)
        return found

    async def score_batch(asked: Asked) -> Answer:
        asked.query_values()
        said = _read(asked.body, Customers).customer_ids
        most = parts.settings.max_batch_customers
        if len(said) > most:
            raise Problem(413, f"{len(said)} customers at once; ask for {most} at most.")
        spelt = {who: one for one in said if (who := system.spelt(one)) is not None}
        found = dict(zip(spelt, await scores.many(list(spelt)), strict=True)) if spelt else {}
        missing = {
            str(one): unknown_customer(one).detail
            for one in said
            if (who := system.spelt(one)) is None or found[who] is None
        }
        return json_answer(ScoresAnswer([one for one in found.values() if one], missing))

    async def event(asked: Asked) -> Answer:
        wait = asked.query_values("wait").get("wait", "false")
        if wait not in ("true", "false"):
            raise Problem(422, "wait is true or false.")
        taken = await intake.take_one(asked.body, wait=wait == "true")
        return json_answer(taken, 201 if taken.status == "accepted" else 200)

    async def events(asked: Asked) -> Answer:
        query = asked.query_values("source", "offset")
        source, offset = query.get("source"), query.get("offset")
        if (source is None) != (offset is None):
            raise Problem(422, "source and offset belong together: give both or none.")
        if source is not None and not (0 < len(source) <= 200 and "\x00" not in source):
            raise Problem(422, "source holds 1 to 200 characters.")
        taken = await intake.take_many(
            asked.body,
            lines=asked.content_type in NDJSON,
            source=source,
            offset=None if offset is None else _whole("offset", offset),
        )
        return json_answer(taken)

    return {
        ("GET", "/v1/customers/{customer_id}/score"): score,
        ("POST", "/v1/predict_clv"): predict_clv,
        ("POST", "/v1/score:batch"): score_batch,
        ("POST", "/v1/events"): event,
        ("POST", "/v1/events:batch"): events,
    }


async def send_stream(parts: Parts, receive: Receive, send: Send) -> None:
    """Changes of scores as server-sent events, until the reader goes, or reads too slowly."""
    stream = parts.changes.open()
    settings = parts.settings

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        stream.end()

    gone = asyncio.create_task(until_gone())
    try:
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", b"text/event-stream; charset=utf-8")],
            }
        )
        async with aclosing(stream.events(settings.heartbeat_seconds)) as events:
            async for event in events:
                # Why: a reader that is half gone takes nothing, and would be waited for for ever.
                async with asyncio.timeout(settings.send_seconds):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        parts.metrics.streams_dropped.inc()
    finally:
        gone.cancel()
        parts.changes.leave(stream)


def _read(body: bytes, what: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(body, type=what)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise refuse_unread(error) from None


def _day(asked: Asked) -> date | None:
    said = asked.query_values("as_of").get("as_of")
    if said is None:
        return None
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise Problem(422, f"as_of {said[:40]!r} is no day: write it as 2026-01-31.") from None


def _whole(name: str, said: str) -> int:
    if not (said.isascii() and said.isdigit() and len(said) <= 18):
        raise Problem(422, f"{name} {said[:40]!r} is not a whole number from 0.")
    return int(said)
