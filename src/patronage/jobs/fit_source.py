"""Fit one model to events or to an RFM table, and say what was estimated."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from patronage.errors import EventSchemaError, SettingsError
from patronage.events import read_events
from patronage.horizon import Horizon, days_per
from patronage.models.base import FittedModel
from patronage.models.btyd.estimates import estimates
from patronage.models.catalog import MODELS, make_model
from patronage.snapshots import RFM, take_snapshot

__all__ = ["fit_source"]


def fit_source(
    source: str,
    model: str,
    *,
    as_of: date | None = None,
    unit: str = "week",
    horizon: Horizon,
    currency: str | None = None,
    columns: Mapping[str, str] | None = None,
    query: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Parameters, standard errors and log-likelihood in the unit of time asked.

    A file with columns frequency, recency and T is an RFM table, its times in `unit`; anything
    else is events.

    Raises
    ------
    SettingsError : no such model, or one that an RFM table cannot teach
    """
    days_per(unit)
    settings = make_model(model)
    table = _rfm_table(source, columns)
    if table is not None:
        if MODELS[model].family != "btyd":
            raise SettingsError(
                f"{model} cannot be fitted to an RFM table.\n"
                "To mend: give events, or choose a buy-till-you-die model."
            )
        fitted = settings.fit_rfm(RFM.from_frame(table, unit=unit, columns=columns))  # type: ignore[attr-defined]
        told = {"as_of": None if as_of is None else as_of.isoformat()}
    else:
        log = read_events(source, currency=currency, columns=columns, query=query)
        snapshot = take_snapshot(log, as_of=as_of)
        fitted = settings.fit(snapshot, horizon, seed=seed)
        told = {"as_of": snapshot.as_of.isoformat(), "currency": log.currency}
    return {"model": model, **_estimates(fitted, unit), "unit": unit, **told}


def _estimates(fitted: FittedModel, unit: str) -> dict[str, Any]:
    found = estimates(fitted, unit=unit)
    if found is None:
        return {
            "parameters": {},
            "standard_errors": {},
            "log_likelihood": None,
            "converged": True,
            "warnings": [f"{type(fitted).__name__} has no parameters to show."],
        }
    return found


def _rfm_table(source: str, columns: Mapping[str, str] | None) -> pl.DataFrame | None:
    """The table where the file is one of RFM rows; None where it is not."""
    path = Path(source)
    if not path.is_file() or path.suffix.lower() not in (".csv", ".parquet", ".pq"):
        return None
    wanted = {(columns or {}).get(name, name).lower() for name in ("frequency", "recency", "T")}
    try:
        if path.suffix.lower() == ".csv":
            names = pl.read_csv(path, n_rows=0).columns
        else:
            names = list(pl.read_parquet_schema(path))
        if not wanted <= {name.lower() for name in names}:
            return None
        return pl.read_csv(path) if path.suffix.lower() == ".csv" else pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise EventSchemaError(f"cannot read {source}: {error}.") from error
