"""The source as it came: Parquet files with its own columns, and one reading of a column."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from patronage.engines import EngineError, default_engine, identifier, parquet
from patronage.errors import EventSourceError

__all__ = ["MISSING", "SPACES", "RawTable", "Reading", "blank", "text_of"]

# What exports write where there is nothing.
MISSING = ("", "nan", "null", "none", "na", "n/a", "#n/a", "<na>", "nat", "nil")

# Stripped from around every text.
SPACES = " \t\r\n\u00a0\ufeff"


@dataclass(frozen=True)
class RawTable:
    """One table in Parquet files; rows are known by file and row number.

    Attributes
    ----------
    paths : the files
    columns : name → DuckDB type
    in_place : the files are the user's own, not copies made here
    notes : how the source was read, in sentences
    broken : name of a column that says why a line could not be split into columns; None: none
    """

    paths: tuple[Path, ...]
    columns: Mapping[str, str]
    in_place: bool
    notes: tuple[str, ...] = ()
    broken: str | None = None

    @classmethod
    def of(
        cls,
        paths: tuple[Path, ...],
        *,
        in_place: bool,
        notes: tuple[str, ...] = (),
        broken: str | None = None,
    ) -> "RawTable":
        """Look at the Parquet files."""
        try:
            described = default_engine().rows(f"DESCRIBE SELECT * FROM {parquet(paths)}")
        except EngineError as error:
            raise EventSourceError(
                f"cannot read {paths[0]}{' and others' if len(paths) > 1 else ''} as Parquet: "
                f"{str(error).splitlines()[0]}\n"
                "To mend: check that the file is whole and of the kind that its name says."
            ) from error
        columns = {str(row[0]): str(row[1]) for row in described}
        return cls(paths, columns, in_place, notes, broken)

    def sql(self) -> str:
        """Table expression over the files; file_index and file_row_number may be selected."""
        return parquet(self.paths)


@dataclass(frozen=True)
class Reading:
    """How one column of the log is computed from the source.

    Attributes
    ----------
    sql : expression over the raw columns; NULL where it cannot be read
    notes : what was decided, in sentences
    cheap : it costs next to nothing to evaluate again in every query
    """

    sql: str
    notes: tuple[str, ...] = ()
    cheap: bool = True


def text_of(column: str) -> str:
    """SQL of a raw column as text without surrounding spaces."""
    return f"trim({identifier(column)}::VARCHAR, '{SPACES}')"


def blank(text: str) -> str:
    """SQL condition: the text is one of the ways to write nothing."""
    listed = ", ".join(f"'{word}'" for word in MISSING)
    return f"({text} IS NULL OR lower({text}) IN ({listed}))"
