"""Score: P(alive) and expected purchases over 39 weeks of a million customers, parameters given."""

from typing import Any

from case import Case, Side, Target
from clock import Clock
from places import data_file

__all__ = ["CASES"]

WEEKS = 39
# In weeks; what the sets were made with, so that no side must fit first.
PARAMETERS = {
    "bg_nbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "pareto_nbd": {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669},
}
REPEATS = 3


def _patronage(model: str, file: str, clock: Clock) -> dict[str, float]:
    import numpy as np
    import polars as pl

    from patronage.models.btyd.model import FittedBTYD
    from patronage.models.catalog import make_model
    from patronage.snapshots import RFM

    table = pl.read_parquet(data_file(file))
    names = ("customer_id", "frequency", "recency", "T")
    rfm = RFM(*(table[name].to_numpy() for name in names))
    settings: Any = make_model(model)
    small = rfm.take(slice(0, 5_000))
    report = settings.fit_rfm(small).report
    weeks = PARAMETERS[model]
    report.parameters.update({n: v * 7 if n in ("alpha", "beta") else v for n, v in weeks.items()})
    fitted = FittedBTYD(settings.process, report)
    fitted.counts(small).mean(np.array([0.0, 7.0 * WEEKS]))

    def score() -> tuple[Any, Any]:
        counts = fitted.counts(rfm)
        return counts.p_alive, counts.mean(np.array([0.0, 7.0 * WEEKS]))

    alive, expected = clock.repeat("work", REPEATS, score)
    return {"p_alive": float(alive.sum()), "expected purchases": float(expected.sum())}


def _pymc(model: str, file: str, clock: Clock) -> dict[str, float]:
    import logging

    logging.disable(logging.WARNING)
    import pandas as pd
    from pymc_marketing import clv

    table = pd.read_parquet(data_file(file))
    table = table.assign(recency=table["recency"] / 7, T=table["T"] / 7)
    fitted = clv.BetaGeoModel() if model == "bg_nbd" else clv.ParetoNBDModel()
    fitted.fit(table.head(2_000), method="map", progressbar=False)
    for name, value in PARAMETERS[model].items():
        fitted.idata.posterior[name].values[...] = value

    def score() -> tuple[Any, Any]:
        return (
            fitted.expected_probability_alive(table).values,
            fitted.expected_purchases(table, future_t=WEEKS).values,
        )

    alive, expected = clock.repeat("work", REPEATS, score)
    return {"p_alive": float(alive.sum()), "expected purchases": float(expected.sum())}


def _lifetimes(model: str, file: str, clock: Clock) -> dict[str, float]:
    import numpy as np
    import pandas as pd
    from lifetimes import BetaGeoFitter, ParetoNBDFitter

    table = pd.read_parquet(data_file(file))
    x, t_x, T = table["frequency"], table["recency"] / 7, table["T"] / 7
    fitted = BetaGeoFitter() if model == "bg_nbd" else ParetoNBDFitter()
    fitted.params_ = pd.Series(PARAMETERS[model])

    def score() -> tuple[Any, Any]:
        return (
            np.asarray(fitted.conditional_probability_alive(x, t_x, T)),
            np.asarray(
                fitted.conditional_expected_number_of_purchases_up_to_time(WEEKS, x, t_x, T)
            ),
        )

    alive, expected = clock.repeat("work", REPEATS, score)
    return {"p_alive": float(alive.sum()), "expected purchases": float(expected.sum())}


def _agree(sides: Any) -> list[str]:
    ours = sides["patronage"].answer
    return [
        f"{name} of {label} sums to {theirs.answer[name]:.6f}, ours to {ours[name]:.6f}"
        for label, theirs in sides.items()
        for name in theirs.answer
        if not abs(theirs.answer[name] / ours[name] - 1) < 1e-7
    ]


def _fastest(sides: Any) -> float:
    times = [sides[peer].wall["work"] for peer in ("pymc", "lifetimes") if not sides[peer].failed]
    return float(min(times) / sides["patronage"].wall["work"])


def _case(title: str, model: str, file: str, bound: float) -> Case:
    return Case(
        title=f"score {title}",
        needs=(file,),
        sides={
            "patronage": Side(lambda clock: _patronage(model, file, clock)),
            "pymc": Side(lambda clock: _pymc(model, file, clock), "pymc"),
            "lifetimes": Side(lambda clock: _lifetimes(model, file, clock), "lifetimes"),
        },
        targets=(Target("× as fast as the fastest peer", _fastest, bound),),
        agree=_agree,
    )


CASES = {
    "score-1m-bg-days": _case("BG/NBD, 1 M customers, whole days", "bg_nbd", "bg_days.parquet", 3),
    "score-1m-bg-time": _case("BG/NBD, 1 M, continuous time", "bg_nbd", "bg_time.parquet", 1),
    "score-1m-pareto-days": _case(
        "Pareto/NBD, 1 M customers, whole days", "pareto_nbd", "pn_days.parquet", 3
    ),
    "score-1m-pareto-time": _case(
        "Pareto/NBD, 1 M, continuous time", "pareto_nbd", "pn_time.parquet", 1
    ),
}
