"""patronage features: base tables, the training tables to take away."""

from pathlib import Path
from typing import Annotated

import typer

from patronage.cli import options
from patronage.cli.options import parse_ages, parse_columns, parse_date, parse_dates, parse_names

__all__ = ["features"]


def features(
    events: options.Events,
    customers: options.SideTable = None,
    products: options.SideTable = None,
    links: options.SideTable = None,
    calendar: options.SideTable = None,
    rates: options.SideTable = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="First unknown days: D1,D2,… Default: those that the history allows.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the files.")] = Path("base-table"),
    horizon: options.Horizon = "52 weeks",
    groups: Annotated[
        str,
        typer.Option(help="Feature groups and attributes: a,b,customers.region; 'all': every one."),
    ] = "rhythm,money,windows",
    form: Annotated[str, typer.Option("--format", help="'parquet' or 'csv'.")] = "parquet",
    targets: Annotated[
        str, typer.Option(help="Of the 'horizon' after each date, by 'age' of life, or 'none'.")
    ] = "horizon",
    ages: Annotated[
        str, typer.Option(help="With targets by age: days of life after which to look.")
    ] = "1,7,30,90",
    age_end: Annotated[
        int, typer.Option(help="With targets by age: the day of life that the target ends at.")
    ] = 365,
    split: Annotated[
        str | None,
        typer.Option(
            help="One split 70/15/15: 'time', 'time+customers', 'customers' (sets with one date) "
            "or 'random'. Default: none, for `fold` and `time_block` serve better.",
            show_default=False,
        ),
    ] = None,
    selected: Annotated[
        bool, typer.Option("--select", help="Leave out features that tell nothing; say why.")
    ] = False,
    max_psi: Annotated[
        float | None,
        typer.Option(
            help="Select, and leave out also features that drift more between dates (PSI).",
            show_default=False,
        ),
    ] = None,
    components: Annotated[
        float | None,
        typer.Option(
            help="Select, and add principal components with this share of the variance.",
            show_default=False,
        ),
    ] = None,
    known_until: Annotated[
        str | None,
        typer.Option(
            help="First day of which the events tell nothing. Default: the day after the last.",
            show_default=False,
        ),
    ] = None,
    gap: Annotated[
        int,
        typer.Option(min=0, help="Days between the end of a target and dates that it may teach."),
    ] = 0,
    currency: options.Currency = None,
    columns: options.Columns = None,
    query: options.Query = None,
    drop_duplicates: options.DropDuplicates = False,
    seed: options.Seed = 0,
) -> None:
    """Write what was known of each customer at some dates, and what followed, as one table.

    Example: patronage features orders.csv --as-of 2024-01-01,2025-01-01 --out base --select
    """
    import patronage.jobs as jobs
    from patronage.cli.journal import timed
    from patronage.cli.printing import print_features
    from patronage.cli.progress import bars
    from patronage.cli.sources import open_log
    from patronage.horizon import Horizon
    from patronage.jobs.features import checked_form
    from patronage.jobs.folders import make_folder
    from patronage.models.selection import SelectionSettings

    selected = selected or max_psi is not None or components is not None
    settings = jobs.FeatureSettings(
        as_of=parse_dates(as_of),
        horizon=Horizon.parse(horizon),
        groups=parse_names(groups, option="--groups", example="rhythm,money") or (),
        targets=targets,
        ages=parse_ages(ages),
        age_end=age_end,
        split=split,
        selection=SelectionSettings(max_psi=max_psi, components=components) if selected else None,
        known_until=parse_date(known_until),
        gap=gap,
        seed=seed,
    )
    checked_form(form)
    make_folder(out)
    with timed("features") as facts, bars() as progress:
        tables = {
            "customers": customers,
            "products": products,
            "links": links,
            "calendar": calendar,
            "rates": rates,
        }
        log = open_log(
            events,
            currency=currency,
            columns=parse_columns(columns),
            query=query,
            drop_duplicates=drop_duplicates,
            tables=tables,
        )
        made = jobs.make_features(log, settings, progress=progress)
        path = made.write(out, form=form)
        facts |= {"rows": log.quality.n_rows_read, "customers": made.summary["customers"]}
    print_features(log.quality, made, path)
