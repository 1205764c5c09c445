"""Score ten million customers: p_alive, expected purchases, DERT, and a 90 % interval of purchases.

And cash: a million forecasts composed with a spend of each customer's own, with 80 % intervals.
"""

from typing import Any

from case import Case, Side, Target, cpu, memory, seconds
from cases.score import PARAMETERS
from clock import Clock
from places import data_file

__all__ = ["CASES"]

WEEKS = 39


def _fitted(model: str) -> Any:
    """The model at the parameters that the sets were drawn with."""
    import numpy as np

    from patronage.models.btyd.model import FittedBTYD
    from patronage.models.catalog import make_model
    from patronage.snapshots import RFM

    settings: Any = make_model(model)
    rows = np.random.default_rng(0).integers(1, 200, (3, 400)).astype(float)
    x, t_x, T = np.minimum(rows[0], 9.0), np.minimum(rows[1], rows[2]), rows[2]
    report = settings.fit_rfm(RFM(np.arange(400), x, t_x, T)).report
    weeks = PARAMETERS[model]
    report.parameters.update({n: v * 7 if n in ("alpha", "beta") else v for n, v in weeks.items()})
    return FittedBTYD(settings.process, report)


def _rfm(file: str) -> Any:
    import polars as pl

    from patronage.snapshots import RFM

    table = pl.read_parquet(data_file(file))
    return RFM(*(table[name].to_numpy() for name in ("customer_id", "frequency", "recency", "T")))


def _score(model: str, file: str, clock: Clock) -> dict[str, float]:
    import numpy as np

    fitted, days = _fitted(model), np.array([0.0, 7.0 * WEEKS])
    with clock("read"):
        rfm = _rfm(file)
    with clock("work"):
        counts = fitted.counts(rfm)
        alive = counts.p_alive
        expected = counts.mean(days)
        dert = counts.dert(0.10)
        bounds = counts.quantile(days[1], [0.05, 0.95])
    inside = float((bounds[:, 1] - bounds[:, 0]).mean())
    return {
        "distinct histories": len(counts.compacted()[0].p_alive),
        "p_alive": float(alive.sum()),
        "expected purchases": float(expected.sum()),
        "dert": float(dert.sum()),
        "mean width of the interval": inside,
    }


def _cash(model: str, file: str, clock: Clock) -> dict[str, float]:
    """Mean spends of 0.01 steps, so that nearly every customer has a history of the own."""
    from datetime import date

    import numpy as np

    from patronage.forecast import CompoundForecast, GammaGammaSpend
    from patronage.horizon import Horizon

    rfm = _rfm(file)
    money = np.round(np.random.default_rng(1).gamma(2.0, 18.0, len(rfm)) + 0.01, 2)
    x = rfm.frequency
    spend = GammaGammaSpend(6.25, 3.74 + 6.25 * x, 15.44 + x * money)
    fitted = _fitted(model)
    with clock("work"):
        counts = fitted.counts(rfm)
        forecast = CompoundForecast(
            rfm.customer_id, date(2024, 1, 1), Horizon(WEEKS, "week"), counts, spend
        )
        cash = forecast.mean().sum(axis=1)
        bounds = forecast.quantile([0.1, 0.9])
    return {"cash": float(cash.sum()), "upper bounds": float(bounds[:, 1].sum())}


def _ten_million(title: str, model: str, file: str) -> Case:
    return Case(
        title=f"score {title}, 10 M customers in whole days, with DERT and a 90 % interval",
        needs=(file,),
        sides={"patronage": Side(lambda clock: _score(model, file, clock), parts=("read", "work"))},
        targets=(
            Target("seconds", seconds(), at_most=60),
            Target("CPU seconds", cpu()),
            Target("MiB at the peak", memory(), at_most=4096),
        ),
        asked_only=True,
    )


def _million(title: str, model: str, file: str) -> Case:
    return Case(
        title=f"cash of 1 M customers with 80 % intervals, {title}",
        needs=(file,),
        sides={"patronage": Side(lambda clock: _cash(model, file, clock))},
        targets=(
            Target("seconds", seconds()),
            Target("CPU seconds", cpu()),
            Target("MiB at the peak", memory()),
        ),
        asked_only=True,
    )


CASES = {
    "score-10m-bg": _ten_million("BG/NBD", "bg_nbd", "bg_days_10m.parquet"),
    "score-10m-pareto": _ten_million("Pareto/NBD", "pareto_nbd", "pn_days_10m.parquet"),
    "cash-1m-bg": _million("BG/NBD", "bg_nbd", "bg_days.parquet"),
    "cash-1m-pareto": _million("Pareto/NBD", "pareto_nbd", "pn_days.parquet"),
}
