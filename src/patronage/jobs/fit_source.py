"""Fit one model to events or to an RFM table, and say what was estimated."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

import polars as pl

from patronage.engines import check_engine, spark_engine
from patronage.errors import EventSchemaError, SettingsError
from patronage.events import read_events
from patronage.horizon import Horizon, days_per
from patronage.jobs.covariates import likelihood_ratios, with_covariates
from patronage.models.base import Model
from patronage.models.btyd.estimates import estimates
from patronage.models.btyd.model import FittedBTYD
from patronage.models.catalog import DISCRETE, MODELS, make_model
from patronage.models.encoders.covariates import Covariates
from patronage.models.fitting.posterior import Uncertainty
from patronage.models.fitting.priors import FLAT, Prior
from patronage.snapshots import RFM, take_snapshot

__all__ = ["fit_source"]


def fit_source(
    source: str,
    model: str,
    *,
    as_of: date | None = None,
    unit: str = "week",
    horizon: Horizon,
    covariates: Covariates | None = None,
    customers: Path | None = None,
    currency: str | None = None,
    columns: Mapping[str, str] | None = None,
    query: str | None = None,
    period: str | None = None,
    prior: str | None = None,
    uncertainty: str | None = None,
    seed: int = 0,
    report: Path | None = None,
    engine: str = "duckdb",
) -> dict[str, Any]:
    """Parameters, standard errors and log-likelihood in the unit of time asked.

    A file with columns frequency, recency and T is an RFM table, its times in `unit`; anything else
    is events. A discrete model counts opportunities: its tables have no unit of time, and neither
    have its parameters; those of a spend model are money, and their unit is None. With covariates
    the model is fitted without them too, and a likelihood-ratio test says whether they tell
    anything.

    Parameters
    ----------
    covariates : what acts on purchases, dropout and spend
    customers : table of customers, beside events
    report : folder for a page of charts about the fit, and their frames; None: none
    period : from one opportunity to the next, of a discrete model; None leaves it to the model
    engine : 'duckdb', or 'spark': it groups the customers, and equal ones are learned from once
    prior : 'default' (weakly informative) or 'flat'; None leaves it to the model
    uncertainty : how a posterior is drawn; None: standard errors alone

    Raises
    ------
    SettingsError : no such model, or one that an RFM table cannot teach, that takes no covariates
        or of which there is no report
    """
    days_per(unit)
    check_engine(engine)
    plain = _believing(_at_period(make_model(model), model, period), model, prior, uncertainty)
    settings: Any = plain if covariates is None else with_covariates(plain, covariates)
    ratios: dict[str, Any] = {}
    if report is not None and MODELS[model].kind not in ("forecast", "purchases"):
        raise _no_report(f"{model} foretells no purchases")
    if report is not None and MODELS[model].family != "btyd":
        raise _no_report(f"{model} is no buy-till-you-die model")
    discrete = MODELS[model].setting == DISCRETE
    table = _rfm_table(source, columns)
    if table is not None:
        if report is not None:
            raise _no_report("an RFM table has no days to follow")
        if MODELS[model].family != "btyd":
            raise SettingsError(
                f"{model} cannot be fitted to an RFM table.\n"
                "To mend: give events, or choose a buy-till-you-die model."
            )
        rfm = RFM.from_frame(table, unit="day" if discrete else unit, columns=columns)
        fitted = settings.fit_rfm(rfm, seed=seed)
        if covariates is not None:
            bare = plain.fit_rfm(rfm, seed=seed)  # type: ignore[attr-defined]
            ratios = {"likelihood_ratio": likelihood_ratios(fitted, bare, unit=unit)}
        if engine == "spark":
            raise SettingsError(
                "an RFM table is small enough for one machine.\nTo mend: --engine duckdb."
            )
        told = {"as_of": None if as_of is None else as_of.isoformat(), "n_rows": table.height}
        n_customers = table.height
    else:
        log = read_events(
            source, currency=currency, columns=columns, query=query, customers=customers
        )
        if engine == "spark":
            if report is not None:
                raise _no_report("on Spark only the distinct histories are at hand")
            # Why here: pyspark is loaded only where it is asked for.
            from patronage.jobs.on_spark import compacted_for

            snapshot = compacted_for(settings, model, log, engine=spark_engine(), as_of=as_of)
        else:
            snapshot = take_snapshot(log, as_of=as_of)
        fitted = settings.fit(snapshot, horizon, seed=seed)
        if covariates is not None:
            bare = plain.fit(snapshot, horizon, seed=seed)
            ratios = {"likelihood_ratio": likelihood_ratios(fitted, bare, unit=unit)}
        if report is not None:
            # Why here: charts are loaded only where they are drawn.
            from patronage.jobs.fit_report import fit_report

            assert isinstance(fitted, FittedBTYD)
            about: dict[str, Any] = {"model": model, "unit": unit, "folder": report, "seed": seed}
            page = fit_report(fitted, log, snapshot, horizon, **about)
        n_customers = round(float(snapshot.rfm().weights.sum()))
        told = {
            "as_of": snapshot.as_of.isoformat(),
            "currency": log.currency,
            "n_rows": log.quality.n_rows_read,
        }
        if report is not None:
            told["report"] = str(page)
    found = _estimates(fitted, unit, n_customers)
    timed = None if MODELS[model].kind == "spend" else unit
    shown = "opportunity" if discrete else timed
    return {"model": model, **found, **ratios, "unit": shown, **told}


def _no_report(why: str) -> SettingsError:
    return SettingsError(
        f"there is no report of this fit: {why}.\n"
        "To mend: give events and a buy-till-you-die model, or leave --report out."
    )


def _at_period(settings: Model, name: str, period: str | None) -> Model:
    """The same settings with opportunities that far apart."""
    if period is None:
        return settings
    if MODELS[name].setting != DISCRETE:
        raise SettingsError(
            f"{name} knows no opportunities, and so no period between them.\n"
            "To mend: leave out --period, or choose bg_bb."
        )
    made: Model = replace(settings, period=period)  # type: ignore[type-var]
    return made


def _believing(settings: Model, name: str, prior: str | None, uncertainty: str | None) -> Model:
    """The same settings with a prior and a way to draw a posterior; of its spend model too."""
    if prior is None and uncertainty is None:
        return settings
    known = {None: None, "default": Prior(), "flat": FLAT}
    if prior not in known:
        raise SettingsError(
            f"there is no prior {prior!r} on the command line.\n"
            "To mend: 'default' or 'flat'; beliefs of your own go into the settings in Python."
        )
    if uncertainty not in (None, *get_args(Uncertainty)):
        raise SettingsError(
            f"there is no uncertainty {uncertainty!r}.\n"
            f"To mend: one of {', '.join(get_args(Uncertainty))}."
        )
    beliefs = {"prior": known[prior], "uncertainty": uncertainty}

    def believing(one: Any) -> Any:
        takes = {field.name for field in fields(one)}
        return replace(one, **beliefs) if takes >= beliefs.keys() else one

    found = believing(settings)
    if found is settings:
        raise SettingsError(
            f"{name} has no posterior.\nTo mend: leave out --prior and --uncertainty, or choose a "
            "buy-till-you-die model."
        )
    if getattr(found, "spend", None) is not None:
        found = replace(found, spend=believing(found.spend))
    made: Model = found
    return made


def _estimates(fitted: object, unit: str, n_customers: int) -> dict[str, Any]:
    found = estimates(fitted, unit=unit)
    if found is None:
        found = {
            "parameters": {},
            "standard_errors": {},
            "log_likelihood": None,
            "converged": True,
            "warnings": [f"{type(fitted).__name__} has no parameters to show."],
        }
    return {"n_customers": n_customers, "n_rows_compacted": None, "converged": True, **found}


def _rfm_table(source: str, columns: Mapping[str, str] | None) -> pl.DataFrame | None:
    """The table where the file is one of RFM rows; None where it is not."""
    path = Path(source)
    kind = path.suffix.lower()
    if not path.is_file() or kind not in (".csv", ".parquet", ".pq"):
        return None
    read = pl.read_csv if kind == ".csv" else pl.read_parquet
    try:
        names = read(path, n_rows=0).columns
    except (pl.exceptions.PolarsError, OSError):
        # Why: whoever reads events knows more ways to read a file, and says better what is wrong.
        return None
    if not RFM.named_in(names, columns):
        return None
    try:
        return read(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise EventSchemaError(
            f"cannot read the RFM table {source}: {error}.\n"
            "To mend: write numbers with a point, columns with a comma between them."
        ) from error
