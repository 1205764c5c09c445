"""Object stores: one object, a glob or a folder of them, brought into a folder as files."""

from pathlib import Path
from typing import Any, Final

from patronage.errors import EventSourceError, MissingExtraError
from patronage.events.sources.addresses import masked, scheme_of, scrubbed

__all__ = ["fetch_objects"]

# Scheme → the package that speaks it; the extra that brings it bears the scheme's name.
_PACKAGES: Final = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
_ENDINGS: Final = (".csv", ".tsv", ".txt", ".parquet", ".json", ".ndjson", ".jsonl")
_PACKED: Final = (".gz", ".zst")


def fetch_objects(source: str, workspace: Path) -> list[Path]:
    """Copy what `source` names into `workspace`, in the order of the objects' names.

    Credentials and the endpoint come from where the provider's own tools look, such as
    AWS_ACCESS_KEY_ID, AWS_PROFILE and AWS_ENDPOINT_URL; a public bucket needs none.
    """
    store = _store(source)
    try:
        names = _matching(store, source)
        paths = []
        for number, name in enumerate(names):
            # Why numbered: objects of different folders may have the same name.
            path = workspace / f"{number:05d}-{name.rpartition('/')[2]}"
            store.get_file(name, str(path))
            paths.append(path)
    except EventSourceError:
        raise
    # Why so wide: each provider's client raises a family of its own.
    except Exception as error:
        raise EventSourceError(
            f"{masked(source)} cannot be read: {type(error).__name__}: {scrubbed(error, source)}.\n"
            "To mend: check the name, the credentials in the environment, and for a store of your "
            "own its endpoint (AWS_ENDPOINT_URL)."
        ) from error
    return paths


def _store(source: str) -> Any:
    scheme = scheme_of(source) or ""
    try:
        import fsspec

        return fsspec.filesystem(scheme, skip_instance_cache=True, use_listings_cache=False)
    except ImportError as error:
        raise MissingExtraError.of(_PACKAGES[scheme], scheme) from error


def _matching(store: Any, source: str) -> list[str]:
    place = source.partition("://")[2]
    if any(mark in place for mark in "*?["):
        names = [name for name in store.glob(place) if not name.endswith("/")]
    elif not place.endswith("/") and store.isfile(place):
        return [place]
    else:
        names = [name for name in store.find(place) if _is_table(name)]
    if not names:
        raise EventSourceError(
            f"{masked(source)} matches no {', '.join(_ENDINGS)} object.\n"
            "To mend: name an object, a folder of them, or a glob such as s3://shop/events/*.csv."
        )
    return sorted(names)


def _is_table(name: str) -> bool:
    for packing in _PACKED:
        name = name.removesuffix(packing)
    return name.endswith(_ENDINGS)
