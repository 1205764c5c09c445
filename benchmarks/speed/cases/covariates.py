"""Static covariates: what a fit with them costs, as a multiple of the plain fit.

Both are fitted in one process, in turn, and CPU seconds are compared. Two binary covariates leave
few patterns, so that rows still tie; with a continuous one every customer is a row of their own,
and the plain fit that it is held against is that of customers in continuous time, whose rows do not
tie either.
"""

from typing import Any

from case import Case, Side, Target
from clock import Clock
from places import data_file

__all__ = ["CASES"]

WARM_UP = 5_000


def _fits(model: str, file: str, kind: str, times: int, clock: Clock) -> dict[str, Any]:
    import numpy as np
    import polars as pl

    from patronage.models.btyd.bg_nbd import BGNBD
    from patronage.models.btyd.pareto_nbd import ParetoNBD
    from patronage.models.encoders.covariates import Covariates
    from patronage.snapshots import RFM

    table = pl.read_parquet(data_file(file))
    n, rng = len(table), np.random.default_rng(1)
    covariates = pl.DataFrame(
        {
            "member": rng.random(n) < 0.4,
            "web": (rng.random(n) < 0.3).astype(float),
            "age": rng.normal(40.0, 12.0, n),
        }
    )
    names = ("customer_id", "frequency", "recency", "T")
    rfm = RFM(*(table[name].to_numpy() for name in names), covariates=covariates)
    formula = "member + web" if kind == "binary" else "age"
    maker = BGNBD if model == "bg_nbd" else ParetoNBD
    plain, with_covariates = maker(None), maker(None, Covariates(formula, formula))
    for settings in (plain, with_covariates):
        settings.fit_rfm(rfm.take(slice(0, WARM_UP)))
    bare = clock.repeat("plain", times, lambda: plain.fit_rfm(rfm)).report
    report = clock.repeat("covariates", times, lambda: with_covariates.fit_rfm(rfm)).report
    # Drawn beside the purchases, none has an effect.
    standard = [report.effects[e] / report.effect_errors[e] for e in report.effects]
    return {
        "log-likelihood gained": report.log_likelihood - bare.log_likelihood,
        "effects in standard errors": standard,
        "rows": [bare.n_rows_compacted, report.n_rows_compacted],
        "iterations": [bare.n_iterations, report.n_iterations],
    }


def _agree(sides: Any) -> list[str]:
    answer = sides["patronage"].answer
    said = []
    if answer["log-likelihood gained"] < -0.01:
        said.append("the fit with covariates is less likely than the plain one")
    if max(map(abs, answer["effects in standard errors"])) > 4:
        said.append("an effect is far from the truth, which is zero")
    return said


def _ratio(sides: Any) -> float:
    cpu = sides["patronage"].cpu
    return float(cpu["covariates"] / cpu["plain"])


def _case(model: str, file: str, kind: str, about: str, times: int) -> Case:
    name = {"bg_nbd": "BG/NBD", "pareto_nbd": "Pareto/NBD"}[model]
    what = "two binary covariates" if kind == "binary" else "one continuous covariate"
    work = Side(lambda clock: _fits(model, file, kind, times, clock), parts=("plain", "covariates"))
    return Case(
        title=f"fit {name} with {what}, {about}",
        needs=(file,),
        sides={"patronage": work},
        targets=(Target("× the CPU seconds of the plain fit", _ratio, at_most=3.0),),
        agree=_agree,
    )


_CDNOW, _DAYS, _TIME = "CDNOW", "1 M customers, whole days", "1 M customers, continuous time"

CASES = {
    "covariates-cdnow-pareto": _case("pareto_nbd", "cdnow_rfm.parquet", "binary", _CDNOW, 9),
    "covariates-cdnow-bg": _case("bg_nbd", "cdnow_rfm.parquet", "binary", _CDNOW, 9),
    "covariates-1m-pareto": _case("pareto_nbd", "pn_days.parquet", "binary", _DAYS, 3),
    "covariates-1m-bg": _case("bg_nbd", "bg_days.parquet", "binary", _DAYS, 3),
    "covariate-1m-pareto": _case("pareto_nbd", "pn_time.parquet", "continuous", _TIME, 1),
    "covariate-1m-bg": _case("bg_nbd", "bg_time.parquet", "continuous", _TIME, 1),
}
