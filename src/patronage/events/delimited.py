"""Delimited text of any dialect, landed as Parquet of text, line by line in order."""

import csv
import gzip
import io
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from patronage.engines import EngineError, literal, ordered_engine
from patronage.errors import EventSchemaError

__all__ = ["BROKEN", "land_text"]

# Column that says why a line could not be split; only where a line could not.
BROKEN: Final = "__broken_line"

_DELIMITERS: Final = (",", ";", "\t", "|", "~", "^")
_BATCH_ROWS: Final = 50_000
# A quoted comment may have line breaks, but not without end.
_ROW_LINES: Final = 1_000
_HEAD_BYTES: Final = 1 << 18


@dataclass(frozen=True)
class _Dialect:
    encoding: str
    delimiter: str  # "" is a run of white space
    names: tuple[str, ...]
    notes: tuple[str, ...]
    blank_start: bool  # blank lines stand before the header


def land_text(path: Path, target: Path) -> tuple[tuple[str, ...], bool]:
    """Write the table in `path` to `target`; return notes, and whether lines were broken.

    Every column is text and empty fields are null. A line with more or fewer fields than the
    header is kept, with a reason in the column BROKEN.

    Raises
    ------
    EventSchemaError : no header, or a header and nothing else
    """
    dialect = _dialect(path)
    if dialect.delimiter and dialect.encoding in ("utf-8", "latin-1") and not dialect.blank_start:
        try:
            ordered_engine().write(_read_csv(path, dialect), target, compression="snappy")
        except EngineError:
            # Why: one bad line or byte must cost that line only; the slow reader isolates it.
            pass
        else:
            return dialect.notes, False
    return _land_slowly(path, target, dialect)


def _read_csv(path: Path, dialect: _Dialect) -> str:
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in dialect.names)
    return f"""
        SELECT * FROM read_csv({literal(path)}, auto_detect = false, header = true,
            delim = {literal(dialect.delimiter)}, quote = '"', escape = '"',
            encoding = {literal(dialect.encoding)}, columns = {{{columns}}},
            max_line_size = 16777216, compression = {literal(_compression(path))})"""


def _compression(path: Path) -> str:
    with path.open("rb") as stream:
        return "gzip" if stream.read(2) == b"\x1f\x8b" else "none"


def _open(path: Path, encoding: str) -> io.TextIOWrapper:
    # Why: a byte that is not text in this encoding spoils one field, not the file.
    return io.TextIOWrapper(_bytes(path), encoding=encoding, errors="replace", newline="")


def _bytes(path: Path) -> gzip.GzipFile | io.BufferedReader:
    return gzip.GzipFile(path) if _compression(path) == "gzip" else path.open("rb")


def _dialect(path: Path) -> _Dialect:
    try:
        with _bytes(path) as raw:
            head = raw.read(_HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise EventSchemaError(f"cannot unpack {path}: {error}.") from error
    notes: list[str] = []
    encoding = _encoding(head)
    if encoding == "latin-1":
        notes.append(f"{path.name} is not UTF-8 and was read as Latin-1.")
    text = head.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="ignore")
    lines = [line for line in text.splitlines()[:200] if line.strip()]
    if not lines:
        raise EventSchemaError(f"{path} is empty.\nTo mend: export the table of events again.")
    delimiter = _delimiter(lines)
    if delimiter:
        rows = csv.reader(io.StringIO(text), delimiter=delimiter)
        fields = next((row for row in rows if any(field.strip() for field in row)), lines[:1])
    else:
        fields = lines[0].split()
    names, renamed = _unique(fields)
    if renamed:
        notes.append(f"{path.name} has columns without a name of their own; they became {renamed}.")
    return _Dialect(encoding, delimiter, names, tuple(notes), not text.split("\n", 1)[0].strip())


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        # Why: the head may end within a character.
        head[: -4 if len(head) == _HEAD_BYTES else None].decode("utf-8")
    except UnicodeDecodeError as error:
        return "utf-8" if len(head) == _HEAD_BYTES and error.start > len(head) - 8 else "latin-1"
    return "utf-8"


def _delimiter(lines: list[str]) -> str:
    """The delimiter that splits the header, and the lines most evenly; '' is white space."""
    best, best_score = "", 0.0
    for delimiter in _DELIMITERS:
        widths = [len(fields) for fields in csv.reader(lines, delimiter=delimiter) if fields]
        width = widths[0] if widths else 1
        if width < 2:
            continue
        evenness = sum(other == width for other in widths) / len(widths)
        score = evenness + min(width, 50) / 1000
        if score > best_score:
            best, best_score = delimiter, score
    if best:
        return best
    words = Counter(len(line.split()) for line in lines)
    width, times = words.most_common(1)[0]
    even = width > 1 and times >= 0.9 * len(lines) and len(lines[0].split()) == width
    return "" if even else ","


def _unique(fields: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Column names that differ without regard to case, as SQL asks; and those that were made."""
    names: list[str] = []
    made: list[str] = []
    taken: set[str] = set()
    for position, field in enumerate(fields, 1):
        name = field.strip().strip("\ufeff") or f"column_{position}"
        unique, copy = name, 1
        while unique.lower() in taken:
            copy += 1
            unique = f"{name}_{copy}"
        if unique != field.strip().strip("\ufeff"):
            made.append(unique)
        taken.add(unique.lower())
        names.append(unique)
    return tuple(names), made


def _land_slowly(path: Path, target: Path, dialect: _Dialect) -> tuple[tuple[str, ...], bool]:
    width = len(dialect.names)
    encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
    schema = pa.schema([(name, pa.string()) for name in (*dialect.names, BROKEN)])
    broken = 0
    with _open(path, encoding) as stream, pq.ParquetWriter(target, schema) as writer:
        batch: list[list[str | None]] = []
        for fields, trouble in _rows(stream, dialect.delimiter, width):
            row: list[str | None] = [field or None for field in fields[:width]]
            row += [None] * (width - len(row))
            reason = trouble
            if reason is None and len(fields) != width:
                reason = f"line has {len(fields)} fields instead of {width}"
            broken += reason is not None
            batch.append([*row, reason])
            if len(batch) == _BATCH_ROWS:
                writer.write_table(_arrow(batch, schema))
                batch = []
        writer.write_table(_arrow(batch, schema))
    return dialect.notes, broken > 0


def _arrow(batch: list[list[str | None]], schema: pa.Schema) -> pa.Table:
    columns = zip(*batch, strict=True) if batch else [[] for _ in schema]
    arrays = [pa.array(list(column), pa.string()) for column in columns]
    return pa.Table.from_arrays(arrays, schema=schema)


def _rows(
    stream: io.TextIOWrapper, delimiter: str, width: int
) -> Iterator[tuple[list[str], str | None]]:
    """The rows after the header, blank ones left out, each with what is wrong with it."""
    csv.field_size_limit(1 << 24)
    lines = (line.replace("\x00", "") for line in stream)
    rows = (
        _quoted_rows(lines, delimiter, width)
        if delimiter
        else ((line.split(), None) for line in lines)
    )
    filled = (row for row in rows if any(field.strip() for field in row[0]))
    next(filled, None)
    yield from filled


def _quoted_rows(
    lines: Iterator[str], delimiter: str, width: int
) -> Iterator[tuple[list[str], str | None]]:
    """Rows of one line, or of several where a quoted field holds line breaks.

    A quote that opens and does not close costs its own line: those after it are read again.
    """
    again: deque[str] = deque()
    while (line := again.popleft() if again else next(lines, None)) is not None:
        if '"' not in line:
            yield line.rstrip("\r\n").split(delimiter), None
            continue
        again.appendleft(line)
        taken: list[str] = []
        reader = csv.reader(_noted(again, lines, taken), delimiter=delimiter)
        try:
            fields, trouble = next(reader), None
        except csv.Error as error:
            fields, trouble = [taken[0]], f"unreadable line: {error}"
        if len(taken) > 1 and not _is_row(taken, delimiter, width):
            again.extendleft(reversed(taken[1:]))
            fields = taken[0].rstrip("\r\n").split(delimiter)
            trouble = "a quote opens and does not close"
        yield fields, trouble


def _noted(again: deque[str], lines: Iterator[str], taken: list[str]) -> Iterator[str]:
    """As many lines as one row may have, each noted in `taken` as it is read."""
    while len(taken) < _ROW_LINES:
        line = again.popleft() if again else next(lines, None)
        if line is None:
            return
        taken.append(line)
        yield line


def _is_row(lines: list[str], delimiter: str, width: int) -> bool:
    """Whether the lines are one row, by the letter of the format."""
    try:
        return len(next(csv.reader(lines, delimiter=delimiter, strict=True))) == width
    except csv.Error:
        return False
