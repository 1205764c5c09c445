"""The gate: every request gets an id, is let in or refused, answered, counted and logged."""

import re
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Final, final

from prometheus_client import Counter

from patronage.errors import StoreError
from patronage.service.exchange import JSON, App, Asked, Message, Receive, Send, read_body
from patronage.service.hot import NDJSON, Hot, send_stream
from patronage.service.keys import ApiKey
from patronage.service.limits import Buckets
from patronage.service.parts import Parts
from patronage.service.problems import PROBLEM_TYPE, Problem, problem_of
from patronage.service.routes import ROUTES, Route, RouteTable
from patronage.service.together import Together

__all__ = ["Gate"]

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9_.-]{1,64}")
_STREAM: Final = "/v1/stream"
# As many as may be at work: one key that is verified again must send nobody away.
_MOST_UNVERIFIED: Final = 2_000
_GONE: Final = 499


@final
class _Sending:
    """The answer on its way: what stands in every head, and whether it has begun."""

    __slots__ = ("_head", "_send", "request_id", "status")

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self.request_id, self.status = send, request_id, 0
        self._head = (
            (b"x-request-id", request_id.encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        )

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._head]
        await self._send(message)

    async def whole(
        self, status: int, body: bytes, content_type: str, headers: Mapping[str, str]
    ) -> None:
        """Send all of an answer."""
        head = [(b"content-type", content_type.encode()), (b"content-length", b"%d" % len(body))]
        head += [(name.encode(), value.encode()) for name, value in headers.items()]
        await self({"type": "http.response.start", "status": status, "headers": head})
        await self({"type": "http.response.body", "body": body})


@final
class Gate:
    """ASGI app: hot routes are answered here, all others by the app behind."""

    def __init__(self, parts: Parts, hot: Mapping[tuple[str, str], Hot], behind: App) -> None:
        self.parts = parts
        self._settings, self._hot, self._behind = parts.settings, hot, behind
        self._routes = RouteTable(ROUTES)
        self._buckets = Buckets(self._settings.requests_per_second, self._settings.burst)
        self._verifying = Together(
            self._verify, name="keys", at_once=_MOST_UNVERIFIED, most=_MOST_UNVERIFIED
        )
        self._in_flight = 0
        parts.metrics.in_flight.set_function(lambda: self._in_flight)
        # Why kept: to find a metric by its labels takes as long as to count.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._seconds = {route.path: parts.metrics.seconds.labels(route.path) for route in ROUTES}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._behind(scope, receive, send)
        elif scope["type"] == "http":
            await self._pass(scope, receive, send)
        else:
            # Why: the server would wait for ever for an answer to a WebSocket.
            await send({"type": "websocket.close", "code": 1008})

    async def _pass(self, scope: Message, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        headers = dict(scope["headers"])
        said = headers.get(b"x-request-id", b"")
        request_id = said.decode() if _REQUEST_ID.fullmatch(said) else secrets.token_hex(8)
        sending = _Sending(send, request_id)
        routes, parameter = self._routes.find(scope["path"])
        route = routes.get(scope["method"])
        caller: ApiKey | None = None
        self._in_flight += 1
        try:
            if route is None:
                raise _no_such_route(routes)
            if route.access != "open":
                if self._in_flight > self._settings.max_in_flight:
                    raise Problem(503, "Too many requests are at work. Send it again.")
                caller = await self._let_in(route, headers)
            await self._answer(route, parameter, scope, headers, receive, sending, caller)
        except ConnectionResetError:
            sending.status = sending.status or _GONE
        except Exception as error:
            await self._refuse(error, sending)
        finally:
            self._in_flight -= 1
            self._note(route, scope["method"], sending, caller, time.perf_counter() - began)

    async def _let_in(self, route: Route, headers: Mapping[bytes, bytes]) -> ApiKey | None:
        """The caller's key, which holds the route's scope; None where keys are not required."""
        if not self._settings.require_keys:
            return None
        said = _key_of(headers)
        known, key = self.parts.keys.known(said)
        if not known and said:
            key = await self._verifying(said)
        if key is None:
            raise Problem(
                401,
                "Send a key that holds, as `Authorization: Bearer …` or `X-API-Key: …`.",
                headers={"www-authenticate": "Bearer"},
            )
        self._buckets.take(key.id)
        if route.access not in key.scopes:
            raise Problem(403, f"This needs a key with the scope {route.access}.")
        return key

    async def _answer(
        self,
        route: Route,
        parameter: str,
        scope: Message,
        headers: dict[bytes, bytes],
        receive: Receive,
        sending: _Sending,
        caller: ApiKey | None,
    ) -> None:
        if route.path == _STREAM:
            # Why not counted: it lasts for hours, and has a bound of its own.
            self._in_flight -= 1
            try:
                await send_stream(self.parts, receive, sending)
            finally:
                self._in_flight += 1
            return
        content_type, body = "", b""
        if route.body != "none":
            content_type = _content_type(route, headers)
            many = route.body == "many"
            body = await read_body(
                receive,
                headers,
                most=self._settings.max_batch_body if many else self._settings.max_body,
                seconds=self._settings.body_seconds,
            )
        hot = self._hot.get((route.method, route.path))
        if hot is None:
            await self._pass_on(scope, headers, body, receive, sending, caller)
            return
        query = scope.get("query_string", b"")
        answer = await hot(Asked(parameter, query, content_type, body))
        await sending.whole(answer.status, answer.body, answer.content_type, answer.headers)

    async def _pass_on(
        self,
        scope: Message,
        headers: dict[bytes, bytes],
        body: bytes,
        receive: Receive,
        sending: _Sending,
        caller: ApiKey | None,
    ) -> None:
        """To the app behind, with the body that was read."""
        unread = True

        async def replay() -> Message:
            nonlocal unread
            if unread:
                unread = False
                return {"type": "http.request", "body": body, "more_body": False}
            return await receive()

        state = {**scope.get("state", {}), "caller": caller, "request_id": sending.request_id}
        head = {**headers, b"content-type": JSON.encode()} if body else headers
        await self._behind(
            {**scope, "headers": list(head.items()), "state": state}, replay, sending
        )

    async def _refuse(self, error: Exception, sending: _Sending) -> None:
        problem = problem_of(error)
        if not isinstance(error, Problem) and problem.status == 500:
            self.parts.log.error("failed", request_id=sending.request_id, exc_info=error)
        elif isinstance(error, StoreError):
            self.parts.log.warning("store failed", request_id=sending.request_id, why=str(error))
        if sending.status == 0:
            body = problem.body(sending.request_id)
            await sending.whole(problem.status, body, PROBLEM_TYPE, problem.headers)

    def _note(
        self,
        route: Route | None,
        method: str,
        sending: _Sending,
        caller: ApiKey | None,
        seconds: float,
    ) -> None:
        """Count and log; a path that is unknown is not named, for it may hold anything."""
        path = "unknown" if route is None else route.path
        method = "other" if route is None else method
        labels = (method, path, sending.status)
        counter = self._counters.get(labels)
        if counter is None:
            counter = self._counters[labels] = self.parts.metrics.requests.labels(*labels)
        counter.inc()
        if route is not None:
            self._seconds[path].observe(seconds)
        self.parts.log.info(
            "request",
            request_id=sending.request_id,
            method=method,
            route=path,
            status=sending.status,
            ms=round(seconds * 1e3, 2),
            key=None if caller is None else caller.id,
        )

    def _verify(self, said: Sequence[str]) -> Sequence[ApiKey | None]:
        found = {text: self.parts.keys.verify(text) for text in set(said)}
        return [found[text] for text in said]

    def close(self) -> None:
        """Let the verification at hand end."""
        self._verifying.close()


def _no_such_route(routes: Mapping[str, Route]) -> Problem:
    if not routes:
        return Problem(404, "There is no such path; /openapi.json names all.")
    allowed = ", ".join(routes)
    return Problem(405, f"This path is asked by {allowed}.", headers={"allow": allowed})


def _key_of(headers: Mapping[bytes, bytes]) -> str:
    said = headers.get(b"authorization", b"").decode("latin-1")
    scheme, _, key = said.partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    return headers.get(b"x-api-key", b"").decode("latin-1").strip()


def _content_type(route: Route, headers: Mapping[bytes, bytes]) -> str:
    said = headers.get(b"content-type", b"").decode("latin-1")
    found = said.partition(";")[0].strip().lower()
    taken = ("", JSON, *(NDJSON if route.body == "many" else ()))
    if found not in taken:
        raise Problem(415, f"The body must be one of {', '.join(taken[1:])}.")
    return found
