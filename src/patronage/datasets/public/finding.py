"""Where a public file is: a folder named, PATRONAGE_DATA, the cache, or else the network."""

import hashlib
import logging
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

from patronage.datasets.public.info import DatasetInfo, Source
from patronage.errors import DatasetError

__all__ = ["cache_folder", "find_file"]

_TIMEOUT_SECONDS: Final = 60.0
_PIECE: Final = 1 << 20

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where downloads are kept: $XDG_CACHE_HOME/patronage, or ~/.cache/patronage."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "patronage"


def find_file(info: DatasetInfo, folder: Path | None = None) -> Path:
    """A file that holds the set, its bytes checked.

    Looks in `folder`; without one in $PATRONAGE_DATA, then in the cache. What is nowhere is
    downloaded into `folder` or the cache, if an address is known.

    Raises
    ------
    DatasetError : the file is nowhere, cannot be had, or its bytes are not those of the set
    """
    places = [folder] if folder is not None else _places()
    for place in places:
        for source in info.sources:
            for path in (place / source.path, place / Path(source.path).name):
                if path.is_file():
                    return _checked(path, source)
    for source in info.sources:
        if source.url is not None:
            return _download(info, source, source.url, places[-1] / source.path)
    raise DatasetError(_missing(info, places, "no address is known to keep it"))


def _places() -> list[Path]:
    named = os.environ.get("PATRONAGE_DATA")
    return [*([Path(named)] if named else []), cache_folder()]


def _checked(path: Path, source: Source) -> Path:
    seen = _sha256(path)
    if seen != source.sha256:
        raise DatasetError(
            f"{path} is damaged or another edition: its sha256 is {seen}, "
            f"that of the set {source.sha256}.\n"
            "To mend: delete it and ask again, or put the right file in its place."
        )
    return path


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _download(info: DatasetInfo, source: Source, url: str, path: Path) -> Path:
    """Fetch to a file beside the place, check it, and only then put it there."""
    _log.info("downloading %s from %s", info.name, url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as workspace:
            arrived = Path(workspace) / path.name
            with (
                urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer,
                arrived.open("wb") as file,
            ):
                while piece := answer.read(_PIECE):
                    file.write(piece)
            seen = _sha256(arrived)
            if seen != source.sha256:
                raise DatasetError(
                    f"{url} gave other bytes than the set {info.name!r}: sha256 {seen}, "
                    f"not {source.sha256}. Nothing was kept.\n"
                    f"To mend: get {info.get}, and put it at {path}."
                )
            arrived.replace(path)
    except DatasetError:
        raise
    except (OSError, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        places = [path.parents[len(Path(source.path).parts) - 1]]
        reason = f"{url} could not be read ({error})"
        raise DatasetError(_missing(info, places, reason)) from error
    return path


def _missing(info: DatasetInfo, places: list[Path], reason: str) -> str:
    looked = " or ".join(str(place / info.sources[0].path) for place in places)
    accepted = ", ".join(f"{source.path} (sha256 {source.sha256})" for source in info.sources)
    return (
        f"the data set {info.name!r} is not at {looked}, and {reason}.\n"
        f"To mend: get {info.get}. Put it in a folder, and name that folder in PATRONAGE_DATA. "
        f"Accepted below it: {accepted}."
    )
