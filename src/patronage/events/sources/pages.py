"""What a page of JSON holds: its rows, and the address of the page after it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from patronage.errors import EventSourceError
from patronage.events.sources.addresses import masked

__all__ = ["Page", "Paging", "next_address", "rows_of"]

_ROWS: Final = ("data", "results", "items", "events", "records", "rows", "value")
_CURSORS: Final = tuple(
    f"{inside}{name}"
    for inside in ("", "meta.", "pagination.", "paging.", "page.", "links.", "_links.")
    for name in (
        *("next", "next.href", "next_url", "next_link", "nextLink", "@odata.nextLink"),
        *("next_cursor", "nextCursor", "cursor", "cursors.after"),
        *("next_page_token", "nextPageToken"),
    )
)
_PARAMETERS: Final = {"next_page_token": "page_token", "nextPageToken": "pageToken"}
_MORE: Final = ("has_more", "hasMore", "meta.has_more", "pagination.has_more", "paging.has_more")


@dataclass(frozen=True)
class Paging:
    """Where a server puts rows and cursor; None is found by the usual names.

    Attributes
    ----------
    records : dotted path in the page to the list of rows
    cursor : dotted path in the page to the next cursor or link
    parameter : of the address, that the cursor goes into
    """

    records: str | None = None
    cursor: str | None = None
    parameter: str | None = None


@dataclass(frozen=True)
class Page:
    """One answer: the address asked, the parsed body, and the Link headers."""

    address: str
    body: Any
    links: Sequence[str] = ()


def rows_of(page: Page, paging: Paging) -> Iterator[dict[str, object]]:
    """The rows, flat: a field within a field becomes `outer.inner`."""
    for row in _records(page, paging):
        if not isinstance(row, dict):
            raise EventSourceError(
                f"{masked(page.address)} holds rows that are not objects: {row!r:.60}.\n"
                "To mend: name the list of events in the page: …#records=PATH."
            )
        yield dict(_flat(row, ""))


def next_address(page: Page, paging: Paging) -> str | None:
    """The address of the next page, on the same host; None after the last."""
    for link in page.links:
        found = re.search(r'<([^>]*)>[^,]*;\s*rel="?next"?', link)
        if found:
            return _beside(page.address, found[1])
    more = [_at(page.body, path) for path in _MORE]
    if False in more:
        return None
    for path in [paging.cursor] if paging.cursor else _CURSORS:
        cursor = _at(page.body, path)
        if isinstance(cursor, str | int) and not isinstance(cursor, bool) and cursor != "":
            if isinstance(cursor, str) and re.match(r"https?://|[/?]", cursor):
                return _beside(page.address, cursor)
            name = path.rpartition(".")[2]
            parameter = paging.parameter or _PARAMETERS.get(name, "cursor")
            return _with_parameter(page.address, parameter, str(cursor))
    if True in more:
        raise EventSourceError(
            f"{masked(page.address)} says that there is more, but not where.\n"
            "To mend: name the cursor and the parameter it goes into: …#cursor=PATH&parameter=NAME."
        )
    return None


def _records(page: Page, paging: Paging) -> list[object]:
    body = _at(page.body, paging.records) if paging.records else _only_list(page.body)
    if isinstance(body, list):
        return body
    fields = sorted(page.body) if isinstance(page.body, dict) else type(page.body).__name__
    raise EventSourceError(
        f"{masked(page.address)} has no list of rows; it has {fields}.\n"
        "To mend: name the list in the page: …#records=PATH (dots between levels)."
    )


def _only_list(body: object) -> object:
    """The page itself, its list of a usual name, or else its only list; None where unclear."""
    if not isinstance(body, dict):
        return body
    lists = {name: value for name, value in body.items() if isinstance(value, list)}
    usual = [lists[name] for name in _ROWS if name in lists]
    return usual[0] if usual else next(iter(lists.values())) if len(lists) == 1 else None


def _at(body: object, path: str) -> Any:
    """The value at a dotted path; names that have dots themselves are tried whole first."""
    if isinstance(body, dict):
        if path in body:
            return body[path]
        head, _, rest = path.partition(".")
        return _at(body.get(head), rest) if rest else None
    return None


def _flat(row: dict[str, object], prefix: str) -> Iterator[tuple[str, object]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _beside(here: str, link: str) -> str:
    """The link as seen from `here`; refused where it leaves the host."""
    mine, theirs = urlsplit(here), urlsplit(urljoin(here, link))
    if theirs.hostname != mine.hostname:
        raise EventSourceError(
            f"{masked(here)} names a next page on another host, {theirs.hostname!r}.\n"
            "To mend: read from that host in the first place, if it is to be trusted."
        )
    # Why: behind a proxy many servers write http:// into the links of an https:// page.
    return urlunsplit((mine.scheme, mine.netloc, theirs.path, theirs.query, ""))


def _with_parameter(address: str, name: str, value: str) -> str:
    parts = urlsplit(address)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
    return urlunsplit(parts._replace(query=urlencode([*kept, (name, value)])))
