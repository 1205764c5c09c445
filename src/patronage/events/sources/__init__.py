"""Events from elsewhere: databases, object stores and HTTP, brought into a folder as files."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from patronage.errors import EventSourceError
from patronage.events.sources.addresses import masked, scheme_of
from patronage.events.sources.http import fetch_http
from patronage.events.sources.objects import fetch_objects
from patronage.events.sources.sql import fetch_sql

__all__ = ["SCHEMES", "fetch", "is_address"]

_KINDS: Final = {
    "sql": ("sqlite", "postgresql", "postgres"),
    "objects": ("s3", "gs", "az"),
    "http": ("https", "http"),
}
SCHEMES: Final = tuple(scheme for schemes in _KINDS.values() for scheme in schemes)


def is_address(source: str) -> bool:
    """Whether `source` names a place to fetch from, and not a file, folder or glob.

    >>> is_address("s3://shop/events/*.parquet"), is_address("events.csv")
    (True, False)
    """
    return scheme_of(source) is not None


def fetch(
    source: str, workspace: Path, *, query: str | None = None, resume: Path | None = None
) -> list[Path]:
    """Bring what `source` names into `workspace`, as files that the readers know.

    Parameters
    ----------
    source : an address: `sqlite:///shop.db?query=SELECT …`, `postgresql://…?query=SELECT …`,
        `s3://`, `gs://` or `az://` with a file, a glob or a folder, `https://` with JSON pages
    workspace : folder to write to; made where missing
    query : SQL text, for databases; wins over the one in the address
    resume : folder where a broken HTTP download waits to be continued
    """
    scheme = scheme_of(source)
    if scheme not in SCHEMES:
        raise EventSourceError(
            f"{masked(source)!r} is not an address that events can be read from.\n"
            f"To mend: begin it with {', '.join(f'{s}://' for s in SCHEMES)}, or name a file."
        )
    if query is not None and scheme not in _KINDS["sql"]:
        raise EventSourceError(
            f"a query was given, but {masked(source)!r} is not a database.\n"
            f"To mend: leave the query out, or name a {', '.join(_KINDS['sql'])} address."
        )
    workspace.mkdir(parents=True, exist_ok=True)
    fetchers: dict[str, Callable[[], list[Path]]] = {
        "sql": lambda: fetch_sql(source, workspace, query=query),
        "objects": lambda: fetch_objects(source, workspace),
        "http": lambda: fetch_http(source, workspace, resume=resume),
    }
    (kind,) = (kind for kind, schemes in _KINDS.items() if scheme in schemes)
    return fetchers[kind]()
