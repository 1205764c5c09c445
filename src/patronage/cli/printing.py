"""What a person reads in the terminal after a command."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table

from patronage.errors import PatronageError

if TYPE_CHECKING:
    from pathlib import Path

    from patronage.events import EventLog, QualityReport
    from patronage.jobs import FeatureTables, RunResult

__all__ = [
    "accounting_for",
    "print_features",
    "print_fit",
    "print_log",
    "print_quality",
    "print_result",
    "print_table",
]


def print_result(result: "RunResult", *, as_json: bool) -> None:
    """The answer of a run in a few lines, or its summary as JSON."""
    if as_json:
        typer.echo(json.dumps(result.summary, indent=2, default=str))
        return
    quality = result.snapshot.events.quality
    print_quality(quality)
    total, scoring = result.total, result.scoring
    currency = result.snapshot.events.currency
    typer.echo(
        f"\n{total.n_customers:,} customers are worth {total.expected:,.0f} {currency} over the "
        f"next {scoring.horizon} from {result.snapshot.as_of} "
        f"(80 % interval {total.low:,.0f} to {total.high:,.0f})."
    )
    typer.echo(f"Model: {scoring.model}. {result.judgement.reasons[0]}")
    for note in quality.notes:
        typer.echo(f"Assumed: {note}")
    _print_warnings(result.summary["warnings"])
    typer.echo(f"Report: {result.out / 'report.html'}")


@contextmanager
def accounting_for(log: "EventLog") -> Iterator[None]:
    """Tell what was set aside where the work fails: often that is why."""
    try:
        yield
    except PatronageError:
        if log.quality.n_rows_quarantined:
            print_quality(log.quality, to_stderr=True)
        raise


def print_quality(quality: "QualityReport", *, to_stderr: bool = False) -> None:
    """Rows in = rows used + rows set aside, with the reasons."""
    typer.echo(
        f"{quality.n_rows_read:,} rows read = {quality.n_rows_used:,} used + "
        f"{quality.n_rows_quarantined:,} set aside.",
        err=to_stderr,
    )
    for reason, count in quality.quarantined.items():
        typer.echo(f"  {count:,} set aside: {reason}", err=to_stderr)


def print_log(log: "EventLog") -> None:
    """What was matched, quarantined and assumed."""
    quality = log.quality
    print_quality(quality)
    print_table("Columns", ["here", "in the source"], list(quality.matched.items()))
    for note in quality.notes:
        typer.echo(f"Assumed: {note}")
    _print_warnings(quality.warnings)


def print_table(title: str, head: list[str], rows: list[Any]) -> None:
    """A table; plain text where the output is no terminal."""
    table = Table(title=title, title_justify="left")
    for column in head:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(width=None).print(table)


def print_features(quality: "QualityReport", made: "FeatureTables", path: "Path") -> None:
    """The account of a base table, and where it lies."""
    print_quality(quality)
    told = made.summary
    for note in told["notes"]:
        typer.echo(f"Note: {note}")
    seen = (
        "" if "rows_observed" not in told else f", {told['rows_observed']:,} with a known outcome"
    )
    typer.echo(
        f"{told['rows']:,} rows of {told['customers']:,} customers{seen}; "
        f"{len(made.table.features)} features."
    )
    for reason, n in told["set_aside"].items():
        typer.echo(f"  {n:,} rows not made: {reason}")
    if "split" in told:
        counts = ", ".join(f"{name} {n:,}" for name, n in told["split"]["rows"].items())
        typer.echo(f"Parts: {counts}; {told['split']['label']}")
    if "selection" in told:
        chosen = told["selection"]
        typer.echo(
            f"Selection: {chosen['kept']} features kept, {chosen['dropped']} dropped, learned on "
            f"{chosen['learned_on']:,} rows ({chosen['of']}); why: selection.csv"
        )
    _print_warnings(told["warnings"])
    typer.echo(f"Table: {path}")


def print_fit(found: dict[str, Any]) -> None:
    """Parameters with their standard errors, and what to think of them."""
    # A spend model knows no unit of time: its parameters are in money and bare numbers.
    unit = "" if found["unit"] is None else f", unit {found['unit']}"
    parts = [("", unit, found), (" (spend)", "", found.get("spend") or {})]
    for title, unit, part in parts:
        errors = part.get("standard_errors", {}) | part.get("effect_errors", {})
        estimates = part.get("parameters", {}) | part.get("effects", {})
        rows = [
            (name, f"{value:.6g}", f"{errors.get(name, float('nan')):.3g}")
            for name, value in estimates.items()
        ]
        if rows:
            print_table(f"{found['model']}{title}", ["parameter", "estimate", "std. error"], rows)
            typer.echo(f"log-likelihood {part['log_likelihood']:.4f}{unit}")
        if part.get("settings"):
            typer.echo(", ".join(f"{name} {value}" for name, value in part["settings"].items()))
        if "posterior" in part:
            _print_posterior(f"{found['model']}{title}", part["posterior"])
    for name, test in found.get("likelihood_ratio", {}).items():
        chance = test["p_value"]
        typer.echo(
            f"Covariates of {name}: twice the gain in log-likelihood is {test['statistic']:.3f}, "
            f"{test['degrees_of_freedom']} effects"
            + ("" if chance is None else f"; chance alone gives as much with p = {chance:.3g}")
            + "."
        )
    if "report" in found:
        typer.echo(f"Report: {found['report']}")
    _print_warnings(found.get("warnings", []))


def _print_warnings(warnings: Iterable[str]) -> None:
    # Why not to standard error: they are of the answer, and the log stands there, maybe as JSON.
    for warning in warnings:
        typer.echo(f"Warning: {warning}")


def _print_posterior(title: str, drawn: dict[str, Any]) -> None:
    rows = [
        (name, f"{mean:.6g}", f"{drawn['sd'][name]:.3g}", f"{low:.6g} to {high:.6g}")
        for (name, mean), (low, high) in zip(
            drawn["mean"].items(), drawn["interval"].values(), strict=True
        )
    ]
    head = ["parameter", "mean", "sd", f"{drawn['level']:.0%} interval"]
    print_table(f"{title}: posterior by {drawn['method']}", head, rows)
    trust = [f"{drawn['ess']:.0f} effective draws"]
    trust += [
        f"{mark} {drawn[key]:.2f}"
        for mark, key in (("k̂", "k_hat"), ("R-hat", "r_hat"))
        if drawn[key] is not None
    ]
    typer.echo(", ".join(trust))
