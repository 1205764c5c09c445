"""A table on the page: cells already written out, so that templates hold no arithmetic."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Cell", "Column", "Row", "Table", "make_table"]


@dataclass(frozen=True)
class Cell:
    """What stands in a cell: a text, a smaller note under it, and badges beside it."""

    text: str
    note: str = ""
    badges: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """Cells, and how the row is set: '' | 'total' | 'chosen'."""

    cells: tuple[Cell, ...]
    kind: str = ""


@dataclass(frozen=True)
class Column:
    """A column's header, how its cell is written from a row, and whether it holds numbers."""

    header: str
    write: Callable[[Mapping[str, Any]], Cell | str]
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """A caption, headers, and rows as wide as the headers."""

    caption: str
    headers: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[Row, ...]


def _plain(row: Mapping[str, Any]) -> str:
    del row
    return ""


def _cell(written: Cell | str) -> Cell:
    return written if isinstance(written, Cell) else Cell(written)


def make_table(
    caption: str,
    columns: Sequence[Column],
    *,
    rows: Iterable[Mapping[str, Any]],
    kind: Callable[[Mapping[str, Any]], str] = _plain,
) -> Table:
    """Write every row by the columns' rules; `kind` says how a row is set."""
    return Table(
        caption=caption,
        headers=tuple(column.header for column in columns),
        numeric=tuple(column.numeric for column in columns),
        rows=tuple(
            Row(tuple(_cell(column.write(row)) for column in columns), kind(row)) for row in rows
        ),
    )
