"""Problem details (RFC 9457): the one form of every answer that refuses."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from patronage.errors import (
    ArtifactError,
    FutureEventError,
    HorizonError,
    PatronageError,
    SettingsError,
    StoreError,
)

__all__ = ["PROBLEM_TYPE", "Problem", "ProblemDetails", "problem_of"]

PROBLEM_TYPE: Final = "application/problem+json"

_TITLES: Final = {
    401: "Who are you?",
    403: "Not with this key",
    404: "Not found",
    405: "Not by this method",
    408: "Too slow",
    409: "In conflict with what is known",
    413: "Too large",
    415: "Not in this form",
    422: "Not understood",
    429: "Too many requests",
    500: "Our fault",
    503: "Not now",
}


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is told to the client.

    Attributes
    ----------
    type : a name of the kind of problem
    title : the same for every problem of the type
    detail : what is wrong here, and how to mend it
    request_id : to be named when asking about it; it stands in the logs
    errors : where the request is wrong, each in a sentence
    """

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    request_id: str = ""
    errors: list[str] = []


class Problem(Exception):
    """Refuse the request; whoever catches it sends `details`."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: list[str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, errors or []
        self.headers = dict(headers or {})
        if status == 503:
            self.headers.setdefault("retry-after", "1")

    def body(self, request_id: str) -> bytes:
        """As it is sent."""
        title = _TITLES.get(self.status, "Refused")
        return msgspec.json.encode(
            ProblemDetails(title, self.status, self.detail, "about:blank", request_id, self.errors)
        )


def problem_of(error: BaseException) -> Problem:
    """What a client is told of an error: nothing of our inside but what was raised on purpose."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreError):
        # Why no text of it: it names files and addresses.
        return Problem(503, "The store cannot be reached; nothing was done. Send it again.")
    if isinstance(error, (SettingsError, FutureEventError, HorizonError, ArtifactError)):
        return Problem(422, str(error))
    if isinstance(error, PatronageError):
        return Problem(500, "No number could be made of what is known; it is in the logs.")
    return Problem(500, "It is in the logs, under the request's id.")


def refuse_unread(error: Any) -> Problem:
    """A body that is not what the route takes."""
    return Problem(422, f"The body cannot be read: {error}.")
