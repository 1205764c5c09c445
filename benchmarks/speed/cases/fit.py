"""Fit: from arrays in memory to parameters (with standard errors on our side, compaction counted).

Each process fits a small table to warm up, then is measured. lifetimes needs some 200 CPU seconds
for Pareto/NBD on a million customers, three times what pymc-marketing needs, and is left out there.
"""

import json
import subprocess
from typing import Any

from case import Case, Side, Target, seconds
from clock import Clock
from places import RESULTS, data_file, python_of

__all__ = ["CASES"]

WARM_UP = 5_000
NAMES = {
    "bg_nbd": ("r", "alpha", "a", "b"),
    "pareto_nbd": ("r", "alpha", "s", "beta"),
    "ggompertz_nbd": ("r", "alpha", "b", "s", "beta"),
}
# Of CLVTools and lifetimes on the reference machine, whose other figures lie beside these.
CLVTOOLS_GGOMPERTZ, LIFETIMES_PARETO = 6.44, 5.57


def _patronage(model: str, file: str, times: int, clock: Clock) -> dict[str, Any]:
    import polars as pl

    from patronage.models.catalog import make_model
    from patronage.snapshots import RFM

    settings: Any = make_model(model)
    table = pl.read_parquet(data_file(file))
    names = ("customer_id", "frequency", "recency", "T")
    rfm = RFM(*(table[name].to_numpy() for name in names))
    settings.fit_rfm(rfm.take(slice(0, WARM_UP)))
    fitted = clock.repeat("work", times, lambda: settings.fit_rfm(rfm))
    report = fitted.report.in_unit(7)
    return {
        "parameters": [report.parameters[name] for name in NAMES[model]],
        "standard errors": [report.standard_errors[name] for name in NAMES[model]],
        "log-likelihood": report.log_likelihood,
        "rows": report.n_rows_compacted,
        "iterations": report.n_iterations,
    }


def _weeks(file: str) -> Any:
    import pandas as pd

    table = pd.read_parquet(data_file(file))
    return table.assign(recency=table["recency"] / 7, T=table["T"] / 7)


def _pymc(model: str, file: str, times: int, clock: Clock) -> dict[str, Any]:
    import logging

    logging.disable(logging.WARNING)
    from pymc_marketing import clv

    maker = clv.BetaGeoModel if model == "bg_nbd" else clv.ParetoNBDModel

    def fit(table: Any) -> Any:
        fitting = maker()
        fitting.fit(table, method="map", progressbar=False)
        return fitting

    table = _weeks(file)
    fit(table.head(WARM_UP))
    fitted = clock.repeat("work", times, lambda: fit(table))
    found = fitted.idata.posterior
    return {"parameters": [float(found[name].mean()) for name in NAMES[model]]}


def _lifetimes(model: str, file: str, times: int, clock: Clock) -> dict[str, Any]:
    import numpy as np
    from lifetimes import BetaGeoFitter, ParetoNBDFitter

    maker = BetaGeoFitter if model == "bg_nbd" else ParetoNBDFitter

    def fit(table: Any) -> Any:
        np.random.seed(0)  # noqa: NPY002 (the peer reads the global state)
        return maker().fit(table["frequency"], table["recency"], table["T"])

    table = _weeks(file)
    fit(table.head(WARM_UP))
    fitted = clock.repeat("work", times, lambda: fit(table))
    return {"parameters": [float(fitted.params_[name]) for name in NAMES[model]]}


def _agree(model: str, file: str, sides: Any) -> list[str]:
    """Every fit is judged by one function; ours may not lie below the best peer's."""
    parameters = {label: side.answer["parameters"] for label, side in sides.items() if side.answer}
    done = subprocess.run(
        [python_of("patronage"), str(RESULTS / "reference.py")],
        input=json.dumps({"model": model, "file": file, "parameters": parameters}),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    said = []
    for label, side in sides.items():
        if side.answer:
            side.answer["reference log-likelihood"] = found[label]
    ours, best = found["patronage"], max(found.values())
    if ours < best - 0.01:
        said.append(f"our log-likelihood {ours:.4f} lies below the best, {best:.4f}")
    own = sides["patronage"].answer["log-likelihood"]
    if abs(own - ours) > 0.01 + 1e-9 * abs(ours):
        said.append(f"we report {own:.4f}, the reference says {ours:.4f}")
    for label, theirs in parameters.items():
        worst = max(abs(t / o - 1) for t, o in zip(theirs, parameters["patronage"], strict=True))
        if worst > 0.05:
            said.append(f"parameters of {label} lie up to {worst:.1%} from ours")
    return said


def _fastest(sides: Any) -> float:
    """Over the fastest peer whose log-likelihood is within 0.1 of the best."""
    judged = {s: m.answer["reference log-likelihood"] for s, m in sides.items() if m.answer}
    correct = [
        s for s, ll in judged.items() if s != "patronage" and ll > max(judged.values()) - 0.1
    ]
    return float(min(sides[s].wall["work"] for s in correct) / sides["patronage"].wall["work"])


def _case(
    title: str, model: str, file: str, *targets: Target, times: int = 3, slow: bool = False
) -> Case:
    def side(work: Any, environment: str) -> Side:
        runs = 1 if environment != "patronage" else times
        rounds = 1 if slow and environment != "patronage" else None
        return Side(lambda clock: work(model, file, runs, clock), environment, rounds=rounds)

    sides = {"patronage": side(_patronage, "patronage"), "pymc": side(_pymc, "pymc")}
    if not slow:
        sides["lifetimes"] = side(_lifetimes, "lifetimes")
    return Case(
        title=title,
        needs=(file,),
        sides=sides,
        targets=targets,
        agree=lambda sides: _agree(model, file, sides),
    )


def _times(bound: float) -> Target:
    return Target("× as fast as the fastest correct peer", _fastest, bound)


_BG, _PARETO = "fit BG/NBD", "fit Pareto/NBD"

CASES = {
    "fit-cdnow-bg": _case(
        f"{_BG}, CDNOW (23,570 customers), warm process",
        "bg_nbd",
        "cdnow_rfm.parquet",
        Target("s", seconds(), at_most=0.050),
        times=15,
    ),
    "fit-cdnow-pareto": _case(
        f"{_PARETO}, CDNOW (23,570 customers), warm process",
        "pareto_nbd",
        "cdnow_rfm.parquet",
        Target("s", seconds(), at_most=0.150),
        times=15,
    ),
    "fit-1m-bg-days": _case(
        f"{_BG}, 1 M customers, whole days", "bg_nbd", "bg_days.parquet", _times(15)
    ),
    "fit-1m-bg-time": _case(
        f"{_BG}, 1 M customers, continuous time", "bg_nbd", "bg_time.parquet", _times(4)
    ),
    "fit-1m-pareto-days": _case(
        f"{_PARETO}, 1 M customers, whole days",
        "pareto_nbd",
        "pn_days.parquet",
        _times(8),
        slow=True,
    ),
    "fit-1m-pareto-time": _case(
        f"{_PARETO}, 1 M customers, continuous time",
        "pareto_nbd",
        "pn_time.parquet",
        _times(2),
        slow=True,
    ),
    "fit-cdnow-ggompertz": Case(
        title="fit GGompertz/NBD, CDNOW (23,570 customers), beside Pareto/NBD of lifetimes",
        needs=("cdnow_rfm.parquet",),
        sides={
            "patronage": Side(
                lambda clock: _patronage("ggompertz_nbd", "cdnow_rfm.parquet", 5, clock)
            ),
            "lifetimes": Side(
                lambda clock: _lifetimes("pareto_nbd", "cdnow_rfm.parquet", 1, clock),
                "lifetimes",
            ),
        },
        targets=(
            Target(
                "× as fast as CLVTools, whose 6.44 s are scaled by what lifetimes takes here",
                lambda sides: (
                    CLVTOOLS_GGOMPERTZ
                    * sides["lifetimes"].wall["total"]
                    / LIFETIMES_PARETO
                    / sides["patronage"].wall["total"]
                ),
                at_least=20,
            ),
        ),
    ),
}
