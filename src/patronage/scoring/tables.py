"""Scores as files: Parquet for programs, CSV that is safe to open in a spreadsheet."""

from pathlib import Path

import polars as pl

__all__ = ["write_predictions_csv", "write_scores"]


def write_scores(scores: pl.DataFrame, path: Path) -> None:
    """Parquet, or CSV where the name ends in .csv."""
    if path.suffix.lower() == ".csv":
        write_predictions_csv(scores, path)
    else:
        scores.write_parquet(path, compression="zstd")


def write_predictions_csv(scores: pl.DataFrame, path: Path) -> None:
    """The same rows for a spreadsheet.

    A text that a spreadsheet would read as a formula (it begins with = + - @, a tab or a carriage
    return) gets an apostrophe in front.
    """
    text = [name for name, kind in scores.schema.items() if kind == pl.String]
    scores.with_columns(
        pl.when(pl.col(name).str.contains(r"^[=+\-@\t\r]"))
        .then(pl.concat_str(pl.lit("'"), pl.col(name)))
        .otherwise(pl.col(name))
        .alias(name)
        for name in text
    ).write_csv(path)
