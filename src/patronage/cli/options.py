"""Options that several commands share, spelled once."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from patronage.errors import SettingsError

__all__ = [
    "AsOf",
    "Cac",
    "Columns",
    "Currency",
    "DiscountRate",
    "DropDuplicates",
    "Engine",
    "Events",
    "Horizon",
    "Margin",
    "Models",
    "Query",
    "Seed",
    "SideTable",
    "parse_ages",
    "parse_columns",
    "parse_date",
    "parse_dates",
    "parse_names",
]

Events = Annotated[
    str,
    typer.Argument(
        help="Events: a CSV, Parquet, JSON or NDJSON file, a glob, a folder, an s3:// gs:// az:// "
        "or http(s):// address, or a database URL.",
        show_default=False,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(help="Your column names: customer_id=…,time=…,amount=…", show_default=False),
]
Currency = Annotated[
    str | None,
    typer.Option(
        help="ISO 4217 code of the amounts. Default: the source's own, else USD.",
        show_default=False,
    ),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        help="First unknown day, YYYY-MM-DD. Default: the day after the last event.",
        show_default=False,
    ),
]
Engine = Annotated[
    str, typer.Option(help="What runs the SQL: duckdb, or spark (a cluster, or this machine).")
]
Horizon = Annotated[str, typer.Option(help="How far ahead, such as '39 weeks' or '12 months'.")]
Margin = Annotated[
    str,
    typer.Option(
        help="Contribution margin, a fraction of revenue; or a table (CSV or Parquet) by "
        "product_id, channel, segment or customer_id."
    ),
]
Cac = Annotated[
    str,
    typer.Option(help="Acquisition cost per customer; or a table by channel, segment, …"),
]
DiscountRate = Annotated[float, typer.Option(help="Effective discount rate a year.")]
Models = Annotated[
    str | None,
    typer.Option(help="Names from `patronage models`, a,b; or 'all'.", show_default=False),
]
SideTable = Annotated[Path | None, typer.Option(show_default=False)]
DropDuplicates = Annotated[bool, typer.Option(help="Set aside rows that repeat exactly.")]
Query = Annotated[
    str | None, typer.Option(help="SQL to run where EVENTS is a database URL.", show_default=False)
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]


def parse_columns(text: str | None) -> Mapping[str, str] | None:
    """Read 'customer_id=Kunde,time=Datum' as a mapping from our name to the source's."""
    if text is None:
        return None
    pairs = [part.split("=", 1) for part in text.split(",") if part.strip()]
    if not pairs or any(
        len(pair) != 2 or not pair[0].strip() or not pair[1].strip() for pair in pairs
    ):
        raise SettingsError(
            f"cannot read --columns {text!r}.\n"
            "To mend: --columns customer_id=…,time=…,amount=… with your own names on the right."
        )
    return {ours.strip(): theirs.strip() for ours, theirs in pairs}


def parse_date(text: str | None) -> date | None:
    """Read YYYY-MM-DD."""
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(
            f"cannot read the date {text!r}.\nTo mend: write YYYY-MM-DD, for example 2026-01-31."
        ) from error


def parse_dates(text: str | None) -> tuple[date, ...] | None:
    """Read 'D1,D2,…'; None where nothing was given."""
    if text is None:
        return None
    days = (parse_date(day.strip()) for day in text.split(",") if day.strip())
    return tuple(day for day in days if day is not None)


def parse_ages(text: str) -> tuple[int, ...]:
    """Read '1,7,30'."""
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise SettingsError(
            f"cannot read the ages {text!r}.\nTo mend: whole days of life, such as --ages 1,7,30."
        ) from error


def parse_names(
    text: str | None, *, option: str = "--models", example: str = "pareto_nbd,bg_nbd"
) -> tuple[str, ...] | None:
    """Read 'a,b'; None where nothing was given (for models: those of a default run)."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise SettingsError(f"{option} is empty.\nTo mend: {option} {example} or 'all'.")
    return names
