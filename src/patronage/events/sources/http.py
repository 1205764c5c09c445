"""HTTP: pages of JSON rows into one NDJSON file, continued where a broken download stopped."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, urldefrag

from patronage.errors import EventSourceError
from patronage.events.sources.addresses import masked
from patronage.events.sources.pages import Page, Paging, next_address, rows_of
from patronage.events.sources.transport import PageGoneError, Patience, get_page

__all__ = ["fetch_http"]

_LOG = logging.getLogger(__name__)
_STALE_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class _Progress:
    """Where a download stands: the first `n_bytes` of the rows file are whole pages."""

    source: str
    following: str | None
    n_pages: int = 0
    n_bytes: int = 0


def fetch_http(
    source: str,
    workspace: Path,
    *,
    resume: Path | None = None,
    patience: Patience | None = None,
) -> list[Path]:
    """Read every page that `source` leads to into `workspace/rows.ndjson`.

    A page is a JSON list of rows, or an object that holds one. The next page is named by a Link
    header, by a link in the page, or by a cursor that goes into the address. Where these bear
    names of their own, say so behind a `#`, which no server sees:
    `https://shop.example/api/sales#records=result.sales&cursor=meta.after&parameter=after`.

    The key, if the server wants one, is the environment variable PATRONAGE_HTTP_KEY. It goes to
    that host alone, as `Authorization: Bearer …`.

    Parameters
    ----------
    resume : folder where a broken download waits for a day to be continued; by default one of the
        user's own in the system's folder of temporary files
    """
    address, fragment = urldefrag(source)
    paging = _paging(source, fragment)
    key = os.environ.get("PATRONAGE_HTTP_KEY")
    folder = resume if resume is not None else _private_folder(source)
    folder.mkdir(parents=True, exist_ok=True)
    rows = folder / "rows.ndjson"
    start = _Progress(_fingerprint(source), address)
    progress = _continued(folder, start)
    if progress.n_pages:
        _LOG.info("continuing %s after page %d", masked(address), progress.n_pages)
    try:
        _read_pages(progress, folder, paging, key, patience or Patience())
    except PageGoneError:
        # Why: a cursor lives only so long; what it led to can only be read from the start.
        if not progress.n_pages:
            raise
        _LOG.warning("%s no longer knows its cursor; starting anew", masked(address))
        _read_pages(start, folder, paging, key, patience or Patience())
    path = workspace / "rows.ndjson"
    shutil.move(rows, path)
    (folder / "progress.json").unlink()
    if resume is None:
        folder.rmdir()
    return [path]


def _read_pages(
    progress: _Progress, folder: Path, paging: Paging, key: str | None, patience: Patience
) -> None:
    rows = folder / "rows.ndjson"
    seen = set()
    with rows.open("r+b" if progress.n_bytes else "wb") as sink:
        sink.truncate(progress.n_bytes)
        sink.seek(progress.n_bytes)
        while progress.following is not None:
            here = progress.following
            if here in seen:
                raise EventSourceError(
                    f"page {progress.n_pages} of {masked(here)} leads back to an earlier one.\n"
                    "To mend: name the parameter that the cursor goes into: …#parameter=NAME."
                )
            seen.add(here)
            page = _page(here, key, patience, progress)
            sink.writelines(_line(row) for row in rows_of(page, paging))
            sink.flush()
            os.fsync(sink.fileno())
            progress = replace(
                progress,
                following=next_address(page, paging),
                n_pages=progress.n_pages + 1,
                n_bytes=sink.tell(),
            )
            _remember(folder, progress)


def _page(address: str, key: str | None, patience: Patience, progress: _Progress) -> Page:
    try:
        return get_page(address, key=key, patience=patience)
    except PageGoneError:
        raise
    except EventSourceError as error:
        if not progress.n_pages:
            raise
        raise EventSourceError(
            f"{error}\nThe {progress.n_pages} pages read so far are kept: the same command, "
            "within a day, continues after them."
        ) from error


def _line(row: Mapping[str, object]) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _paging(source: str, fragment: str) -> Paging:
    named = dict(parse_qsl(fragment))
    unknown = sorted(set(named) - set(Paging.__dataclass_fields__))
    if unknown or (fragment and not named):
        raise EventSourceError(
            f"{masked(source)} says {unknown or [fragment]} behind its #.\n"
            f"To mend: only {', '.join(Paging.__dataclass_fields__)} are known there."
        )
    return Paging(**named)


def _fingerprint(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _private_folder(source: str) -> Path:
    """The user's own folder for this download; refused where somebody else has made it."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    folder = Path(tempfile.gettempdir()) / f"patronage-{user}-{_fingerprint(source)[:16]}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and (folder.is_symlink() or folder.stat().st_uid != os.getuid()):
        raise EventSourceError(
            f"the folder {folder} belongs to somebody else.\n"
            "To mend: set TMPDIR to a folder of your own."
        )
    return folder


def _remember(folder: Path, progress: _Progress) -> None:
    # Why two steps: a state file cut short would lose the whole download.
    fresh = folder / "progress.json.new"
    fresh.write_text(json.dumps(asdict(progress)))
    fresh.replace(folder / "progress.json")


def _continued(folder: Path, start: _Progress) -> _Progress:
    """The progress of an earlier, broken download of the same source; else the start."""
    state, rows = folder / "progress.json", folder / "rows.ndjson"
    try:
        if time.time() - state.stat().st_mtime > _STALE_SECONDS:
            return start
        earlier = _Progress(**json.loads(state.read_text()))
        whole = earlier.source == start.source and rows.stat().st_size >= earlier.n_bytes
    except (OSError, ValueError, TypeError):
        return start
    return earlier if whole else start
