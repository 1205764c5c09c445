"""One page over HTTP: asked for again while the server is busy, with the key sent to it alone."""

import json
import logging
import os
import time
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from patronage import __version__
from patronage.errors import EventSourceError
from patronage.events.sources.addresses import masked, scrubbed
from patronage.events.sources.pages import Page

__all__ = ["PageGoneError", "Patience", "get_page"]

_LOG = logging.getLogger(__name__)
_WORTH_ANOTHER_TRY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE: Final = frozenset({400, 404, 410, 422})
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class PageGoneError(EventSourceError):
    """The server does not know the page asked for."""


@dataclass(frozen=True)
class Patience:
    """How often a page is asked for, and how long to wait between; each wait is twice the last.

    Attributes
    ----------
    attempts : times that one page is asked for
    first_wait, longest_wait, timeout : seconds
    """

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 60.0
    timeout: float = 60.0

    def wait(self, attempt: int, asked: float | None) -> float:
        """Seconds before the next attempt; what the server asked for wins, within reason."""
        return min(self.first_wait * 2**attempt if asked is None else asked, self.longest_wait)


def get_page(address: str, *, key: str | None, patience: Patience) -> Page:
    """The JSON of one page; EventSourceError once patience ends."""
    request = _request(address, key)
    for attempt in range(patience.attempts):
        asked = None
        try:
            with urlopen(request, timeout=patience.timeout) as response:
                body, links = response.read(), response.headers.get_all("Link") or []
        except HTTPError as error:
            with error:
                problem: Exception = error
                asked = _retry_after(error.headers)
            if error.code not in _WORTH_ANOTHER_TRY:
                raise _refused(address, error) from error
        except (OSError, HTTPException) as error:
            problem = error
        else:
            return Page(address, _parsed(address, body), links)
        if attempt + 1 < patience.attempts:
            seconds = patience.wait(attempt, asked)
            _LOG.info("%s: %s; asking again in %.1f s", masked(address), problem, seconds)
            time.sleep(seconds)
    raise EventSourceError(
        f"{masked(address)} did not answer in {patience.attempts} attempts: "
        f"{scrubbed(problem, address)}.\nTo mend: try again later."
    ) from problem


def _request(address: str, key: str | None) -> Request:
    parts = urlsplit(address)
    if not parts.hostname:
        raise EventSourceError(f"{masked(address)!r} names no host.\nTo mend: https://HOST/PATH")
    request = Request(address)
    request.add_header("Accept", "application/json")
    request.add_header("User-Agent", f"patronage/{__version__}")
    if key:
        if parts.scheme != "https" and parts.hostname not in _HERE:
            raise EventSourceError(
                f"PATRONAGE_HTTP_KEY is set, and {masked(address)} would carry it unencrypted.\n"
                "To mend: use https://, or unset PATRONAGE_HTTP_KEY."
            )
        # Why unredirected: a redirect may lead to another host, which must not learn the key.
        request.add_unredirected_header("Authorization", f"Bearer {key}")
    return request


def _parsed(address: str, body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError as error:
        raise EventSourceError(
            f"{masked(address)} answers with something that is not JSON: {body[:60]!r}….\n"
            "To mend: for a file, download it and name its path."
        ) from error


def _refused(address: str, error: HTTPError) -> EventSourceError:
    message = f"{masked(address)} answers {error.code} {error.reason}."
    if error.code in (401, 403):
        has = "is set" if os.environ.get("PATRONAGE_HTTP_KEY") else "is not set"
        return EventSourceError(
            f"{message}\nTo mend: put the server's key into PATRONAGE_HTTP_KEY, which {has}."
        )
    kind = PageGoneError if error.code in _GONE else EventSourceError
    return kind(f"{message}\nTo mend: try the address in a browser or with curl first.")


def _retry_after(headers: Message) -> float | None:
    """Seconds that the server asks to wait: it says them, or a date."""
    asked = (headers.get("Retry-After") or "").strip()
    if asked.isdigit():
        return float(asked)
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
