"""A client of the service: typed answers, and retries that cannot count an event twice."""

import gzip
import random
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, Final, TypeVar, final
from urllib.parse import quote

import httpx
import msgspec

from patronage.errors import ServiceError
from patronage.service.answers import BatchTaken, ChangeAnswer, ScoreAnswer, ScoresAnswer, Taken
from patronage.service.customers import ExplanationAnswer, HistoryAnswer

__all__ = ["Client"]

_AGAIN: Final = (408, 429, 500, 502, 503, 504)
_LONG: Final = 10_000
_EVENTS: Final = 1_000
_CUSTOMERS: Final = 1_000
_LONGEST_PAUSE: Final = 10.0
_Told = TypeVar("_Told")


@final
class Client:
    """Asks one service; may be shared by threads, and is closed by `with`.

    Parameters
    ----------
    url : such as http://127.0.0.1:8000
    key : with the scopes that are needed; None where the service wants none
    seconds : for one try
    tries : of a request that was not answered, or was told to come again. Events keep their ids,
        so that none counts twice
    transport : another way to the service
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        seconds: float = 10.0,
        tries: int = 5,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=seconds, transport=transport
        )
        self._tries = tries

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def send(self, event: Mapping[str, Any], *, wait: bool = False) -> Taken:
        """One event; with `wait` also the score that it led to.

        Raises
        ------
        ServiceError : it was refused
        """
        query = {"wait": "true"} if wait else {}
        return self._ask("POST", "/v1/events", Taken, body=event, query=query)

    def send_batch(
        self,
        events: Iterable[Mapping[str, Any]],
        *,
        source: str | None = None,
        offset: int | None = None,
    ) -> BatchTaken:
        """Many events, some at a time; refused ones are named by their place.

        source, offset : where they come from, and how far this batch goes; then all go at once
        """
        if source is not None:
            query = {"source": source, "offset": str(offset)}
            return self._ask("POST", "/v1/events:batch", BatchTaken, body=list(events), query=query)
        accepted: list[int] = []
        duplicates: list[int] = []
        refused: dict[int, str] = {}
        sent = 0
        for some in _parts(events, _EVENTS):
            taken = self._ask("POST", "/v1/events:batch", BatchTaken, body=some)
            accepted += [sent + place for place in taken.accepted]
            duplicates += [sent + place for place in taken.duplicates]
            refused |= {sent + place: why for place, why in taken.refused.items()}
            sent += len(some)
        return BatchTaken(accepted, duplicates, refused)

    def score(self, customer_id: int | str, *, as_of: date | None = None) -> ScoreAnswer:
        """What a customer is worth now, or was by what was known before a day.

        Raises
        ------
        ServiceError : nothing is known of it (status 404)
        """
        query = {} if as_of is None else {"as_of": as_of.isoformat()}
        return self._ask("GET", _path(customer_id, "score"), ScoreAnswer, query=query)

    def scores(self, customer_ids: Sequence[int | str]) -> ScoresAnswer:
        """What customers are worth now; those of a thousand are by one model."""
        scores: list[ScoreAnswer] = []
        missing: dict[str, str] = {}
        for some in _parts(customer_ids, _CUSTOMERS):
            told = self._ask("POST", "/v1/score:batch", ScoresAnswer, body={"customer_ids": some})
            scores += told.scores
            missing |= told.missing
        return ScoresAnswer(scores, missing)

    def explain(self, customer_id: int | str) -> ExplanationAnswer:
        """Why a customer is worth what it is."""
        return self._ask("GET", _path(customer_id, "explanation"), ExplanationAnswer)

    def history(self, customer_id: int | str, *, limit: int = 100) -> list[ChangeAnswer]:
        """How a customer's value moved, latest first."""
        query = {"limit": str(limit)}
        return self._ask("GET", _path(customer_id, "history"), HistoryAnswer, query=query).changes

    def stream(self) -> Iterator[ChangeAnswer]:
        """Changes of scores as they are made, until the service ends.

        Raises
        ------
        ServiceError : changes were lost, for they were read too slowly
        """
        with self._http.stream("GET", "/v1/stream", timeout=httpx.Timeout(60.0)) as answer:
            if answer.status_code != 200:
                answer.read()
                raise _refused(answer)
            name = ""
            for line in answer.iter_lines():
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data" and name == "score":
                    yield msgspec.json.decode(value, type=ChangeAnswer)
                elif field == "data" and name == "dropped":
                    raise ServiceError("the stream was read too slowly, and changes were lost.", 0)

    def _ask(
        self,
        method: str,
        path: str,
        what: type[_Told],
        *,
        body: Any = None,
        query: Mapping[str, str] | None = None,
    ) -> _Told:
        content, headers = None, {}
        if body is not None:
            content, headers = msgspec.json.encode(body), {"content-type": "application/json"}
            if len(content) > _LONG:
                content, headers["content-encoding"] = gzip.compress(content, 1), "gzip"
        for left in reversed(range(self._tries)):
            wait = None
            try:
                answer = self._http.request(
                    method, path, content=content, headers=headers, params=dict(query or {})
                )
            except httpx.TransportError as error:
                if not left:
                    raise ServiceError(f"the service does not answer: {error!r}.", 0) from error
            else:
                if answer.is_success:
                    return msgspec.json.decode(answer.content, type=what)
                if answer.status_code not in _AGAIN or not left:
                    raise _refused(answer)
                wait = answer.headers.get("retry-after")
            time.sleep(_pause(self._tries - left, wait))
        raise ServiceError("the client was told to try no times.", 0)


def _pause(tried: int, asked: str | None) -> float:
    """Longer each time, and not the same for all who were sent away together."""
    if asked is not None and asked.isdigit():
        return min(float(asked), _LONGEST_PAUSE)
    return min(0.1 * 2.0**tried, _LONGEST_PAUSE) * random.uniform(0.5, 1.0)


def _parts(items: Iterable[Any], most: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while some := list(islice(rest, most)):
        yield some


def _path(customer_id: int | str, what: str) -> str:
    return f"/v1/customers/{quote(str(customer_id), safe='')}/{what}"


def _refused(answer: httpx.Response) -> ServiceError:
    try:
        told = answer.json()
        detail = f"{told['detail']} (request {told['request_id']})"
    except (ValueError, KeyError, TypeError):
        detail = answer.text[:200]
    return ServiceError(f"the service answered {answer.status_code}: {detail}", answer.status_code)
