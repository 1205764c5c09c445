"""Where the source lies: a file, a glob, a folder, or an address fetched into files."""

import glob
import gzip
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from patronage.errors import EventSchemaError, EventSourceError

__all__ = ["Kind", "Place", "find_place"]

Kind = Literal["parquet", "json", "text"]

_SUFFIXES: Final[dict[str, Kind]] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".parq": "parquet",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
    ".csv": "text",
    ".tsv": "text",
    ".tab": "text",
    ".psv": "text",
    ".txt": "text",
    ".dat": "text",
}

_FOREIGN: Final = {
    b"PK\x03\x04": "an Excel workbook or a zip archive: save the table as CSV first",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the table as CSV first",
    b"SQLite format 3": "a SQLite database: write sqlite:///PATH?query=SELECT…",
    b"ORC": "an ORC file: save the table as Parquet first",
    b"Obj\x01": "an Avro file: save the table as Parquet first",
    b"%PDF": "a PDF: save the table as CSV first",
    b"BZh": "a bzip2 archive: unpack it first",
    b"\x28\xb5\x2f\xfd": "a zstd archive: unpack it first",
    b"\xfd7zXZ": "an xz archive: unpack it first",
}


@dataclass(frozen=True)
class Place:
    """Files of one kind."""

    paths: tuple[Path, ...]
    kind: Kind


def find_place(source: str | Path, workspace: Path, *, query: str | None = None) -> Place:
    """The files behind `source`; what is not on this machine is fetched into `workspace`.

    query : SQL text, where the source is a database

    Raises
    ------
    EventSourceError : nothing there, or files of several kinds
    """
    text = str(source)
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", text) and not text.startswith("file://"):
        from patronage.events.sources import fetch

        # Why: an address may hold a password, and is never repeated in a message.
        label = f"what came from {text.partition('://')[0]}://"
        return _of_one_kind(label, tuple(fetch(text, workspace, query=query)))
    if query is not None:
        raise EventSourceError(
            f"a query was given, but {text!r} is not the address of a database.\n"
            "To mend: leave the query out, or name one as sqlite:///shop.db or postgresql://…"
        )
    text = text.removeprefix("file://")
    path = Path(text).expanduser()
    if path.is_dir():
        return _of_one_kind(text, _files_in(path))
    if path.is_file():
        return _of_one_kind(text, (path,))
    if glob.has_magic(text):
        found = sorted(Path(name) for name in glob.glob(str(path), recursive=True))  # noqa: PTH207
        return _of_one_kind(text, tuple(file for file in found if file.is_file()))
    raise EventSourceError(
        f"there is no file or folder {text!r}.{_near(path)}\n"
        "To mend: give a file (CSV, Parquet, JSON), a folder, a glob in quotes, or an address."
    )


def _near(path: Path) -> str:
    from difflib import get_close_matches

    if not path.parent.is_dir():
        return f" Nor is there a folder {str(path.parent)!r}."
    close = get_close_matches(path.name, [other.name for other in path.parent.iterdir()], 2, 0.6)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""


def _files_in(folder: Path) -> tuple[Path, ...]:
    def visible(file: Path) -> bool:
        inside = file.relative_to(folder).parts
        return file.is_file() and not any(part.startswith((".", "_")) for part in inside)

    top = sorted(file for file in folder.iterdir() if visible(file))
    return tuple(top or sorted(file for file in folder.rglob("*") if visible(file)))


def _of_one_kind(text: str, files: tuple[Path, ...]) -> Place:
    if not files:
        raise EventSourceError(
            f"{text!r} holds no files.\nTo mend: check the folder or the glob (in quotes)."
        )
    if len(files) > 1:
        files = tuple(file for file in files if file.stat().st_size > 0) or files
    kinds = {file: _kind_of(file) for file in files}
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{file.name} ({kind})" for file, kind in list(kinds.items())[:6])
        raise EventSourceError(
            f"{text!r} holds files of several kinds: {listed}.\n"
            "To mend: name one kind with a glob, for example 'folder/*.parquet'."
        )
    return Place(files, next(iter(kinds.values())))


def _kind_of(file: Path) -> Kind:
    try:
        with file.open("rb") as stream:
            head = stream.read(4096)
        if head.startswith(b"\x1f\x8b"):
            with gzip.open(file, "rb") as unpacked:
                head = unpacked.read(4096)
    except (OSError, EOFError) as error:
        raise EventSourceError(f"cannot read {file}: {error}.") from error
    if not head.strip(b"\xef\xbb\xbf \t\r\n"):
        raise EventSchemaError(f"{file} is empty.\nTo mend: export the table of events again.")
    if head.startswith(b"PAR1"):
        return "parquet"
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise EventSourceError(f"{file} is {what}.")
    suffixes = [suffix.lower() for suffix in file.suffixes if suffix.lower() != ".gz"]
    named = _SUFFIXES.get(suffixes[-1]) if suffixes else None
    if named == "parquet":
        raise EventSourceError(
            f"{file} is no Parquet file, though its name says so.\n"
            "To mend: export it again, or give it the suffix of what it is."
        )
    # Why: UTF-16 text holds NUL bytes, but it says so in its first two.
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise EventSourceError(
            f"{file} is binary data, not a table.\nTo mend: save the table as CSV or Parquet."
        )
    if named is not None:
        return named
    return "json" if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") else "text"
