"""Static covariates: what a fit with them costs, as a multiple of the plain fit.

All are fitted in one process, in turn, and CPU seconds are compared. Two binary covariates leave
few patterns, so that rows still tie; with a continuous one every customer is a row of their own.
The plain fit of customers in whole days groups them into few rows, and the floor of the ratio to it
is arithmetic: rows. So the same customers are also fitted plainly in continuous time, each purchase
moved within its day, where no rows tie either: how much a customer costs with and without.
"""

from collections.abc import Callable
from typing import Any

from case import Case, Side, Target
from clock import Clock
from places import data_file

__all__ = ["CASES"]

WARM_UP = 5_000
NAMES = {
    "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD",
    "pareto_nbd": "Pareto/NBD",
    "ggompertz_nbd": "GGompertz/NBD",
    "nbd": "NBD",
    "bg_bb": "BG/BB (weeks)",
    "gamma_gamma": "Gamma-Gamma spend",
}
# What has no continuous time, or is in it already.
UNTIMED = ("bg_bb", "gamma_gamma")


def _fits(model: str, file: str, kind: str, times: int, clock: Clock) -> dict[str, Any]:
    import numpy as np
    import polars as pl

    from patronage.models.btyd.gamma_gamma import GammaGamma
    from patronage.models.catalog import make_model
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
    ids, x, t_x, T = (
        table[name].to_numpy() for name in ("customer_id", "frequency", "recency", "T")
    )
    if model == "bg_bb":
        t_x, T = np.floor(t_x / 7), np.floor(T / 7)
        x = np.minimum(x, t_x)
        t_x = np.where(x > 0, t_x, 0.0)
    money = rng.gamma(6.0 * np.maximum(x, 1.0), 1.0) / rng.gamma(4.0, 0.1, n) / np.maximum(x, 1.0)
    money = np.where(x > 0, money, 0.0)
    rfm = RFM(ids, x, t_x, T, monetary_value=money, covariates=covariates)
    within = np.where(x > 0, np.clip(t_x - rng.random(n) / 2, 0.0, None), 0.0)
    in_time = RFM(ids, x, within, T + rng.random(n) / 2, covariates=covariates)

    formula = "member + web" if kind == "binary" else "age"
    plain: Any
    acting: Any
    if model == "gamma_gamma":
        plain, acting = (GammaGamma(use_first=False, covariates=how) for how in ("", formula))
    else:
        maker = type(make_model(model))
        plain = maker(None)
        acting = maker(None, Covariates(formula, "" if model == "nbd" else formula))
    for settings in (plain, acting):
        settings.fit_rfm(rfm.take(slice(0, WARM_UP)))
    bare = report = None
    for _ in range(times):
        with clock("plain"):
            bare = plain.fit_rfm(rfm).report
        with clock("covariates"):
            report = acting.fit_rfm(rfm).report
        if model not in UNTIMED:
            with clock("continuous time"):
                plain.fit_rfm(in_time)
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


def _ratio(part: str) -> Callable[[Any], float]:
    return lambda sides: sides["patronage"].cpu["covariates"] / sides["patronage"].cpu[part]


def _case(model: str, file: str, kind: str, about: str, times: int) -> Case:
    what = "two binary covariates" if kind == "binary" else "one continuous covariate"
    work = Side(lambda clock: _fits(model, file, kind, times, clock), parts=("plain", "covariates"))
    targets = [Target("× the CPU seconds of the plain fit", _ratio("plain"), at_most=3.0)]
    if model not in UNTIMED:
        said = "× those of the plain fit in continuous time"
        targets.append(Target(said, _ratio("continuous time"), at_most=3.0))
    return Case(
        title=f"fit {NAMES[model]} with {what}, {about}",
        needs=(file,),
        sides={"patronage": work},
        targets=tuple(targets),
        agree=_agree,
    )


_CDNOW, _DAYS, _TIME = "CDNOW", "1 M customers, whole days", "1 M customers, continuous time"
_TIMES = {"ggompertz_nbd": 2, "bg_bb": 3, "pareto_nbd": 7}

CASES = {
    **{
        f"covariates-cdnow-{model}-{kind}": _case(
            model, "cdnow_rfm.parquet", kind, _CDNOW, _TIMES.get(model, 15)
        )
        for model in NAMES
        for kind in ("binary", "continuous")
    },
    "covariates-1m-pareto": _case("pareto_nbd", "pn_days.parquet", "binary", _DAYS, 3),
    "covariates-1m-bg": _case("bg_nbd", "bg_days.parquet", "binary", _DAYS, 3),
    "covariate-1m-pareto": _case("pareto_nbd", "pn_time.parquet", "continuous", _TIME, 1),
    "covariate-1m-bg": _case("bg_nbd", "bg_time.parquet", "continuous", _TIME, 1),
}
