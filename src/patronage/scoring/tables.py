"""Scores as files: Parquet for programs, CSV that is safe to open in a spreadsheet."""

from pathlib import Path
from typing import Final

import polars as pl

from patronage.errors import SettingsError

__all__ = ["write_predictions_csv", "write_scores"]

_FORMULA: Final = r"^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"


def write_scores(scores: pl.DataFrame, path: Path) -> None:
    """Parquet, or CSV where the name ends in .csv.

    Raises
    ------
    SettingsError : the file cannot be written
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(scores, path)
    except OSError as error:
        raise SettingsError(
            f"cannot write {path}: {error.strerror or error}.\n"
            "To mend: name a file in a folder where you may write."
        ) from error


def _write(scores: pl.DataFrame, path: Path) -> None:
    if path.suffix.lower() == ".csv":
        write_predictions_csv(scores, path)
    else:
        scores.write_parquet(path, compression="zstd")


def write_predictions_csv(scores: pl.DataFrame, path: Path) -> None:
    """The same rows for a spreadsheet.

    A text that a spreadsheet would read as a formula (it begins with = + - @ or one of their wide
    forms, a tab or a line's end) gets an apostrophe in front.
    """
    text = [name for name, kind in scores.schema.items() if kind == pl.String]
    scores.with_columns(
        pl.when(pl.col(name).str.contains(_FORMULA))
        .then(pl.concat_str(pl.lit("'"), pl.col(name)))
        .otherwise(pl.col(name))
        .alias(name)
        for name in text
    ).write_csv(path)
