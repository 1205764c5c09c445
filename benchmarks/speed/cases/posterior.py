"""Posterior: from arrays in memory to draws of the parameters of BG/NBD and Pareto/NBD on CDNOW.

Both sides take log-normal priors too wide to matter. Ours are timed twice: importance sampling
around the maximum (the fit counted), and chains as many and as long as the peer's. JAX's import and
compilation count. The peer's Pareto/NBD is stopped after ten minutes, and then it is the bound.
"""

from typing import Any

from case import Case, Side, Target
from clock import Clock
from places import data_file

__all__ = ["CASES"]

FILE = "cdnow_rfm.parquet"
NAMES = {"bg_nbd": ("r", "alpha", "a", "b"), "pareto_nbd": ("r", "alpha", "s", "beta")}
CHAINS, DRAWS, WARM_UP = 2, 1000, 1000
LOG_SD = 5.0
CAP = 600


def _patronage(model: str, clock: Clock) -> dict[str, Any]:
    import polars as pl

    from patronage.models.btyd.bg_nbd import BGNBD
    from patronage.models.btyd.pareto_nbd import ParetoNBD
    from patronage.models.fitting.compaction import compact
    from patronage.models.fitting.estimation import draw_posterior
    from patronage.models.fitting.maximum_likelihood import climb
    from patronage.models.fitting.priors import Prior
    from patronage.snapshots import RFM

    process = (BGNBD() if model == "bg_nbd" else ParetoNBD()).process
    table = pl.read_parquet(data_file(FILE))
    rfm = RFM(*(table[name].to_numpy() for name in ("customer_id", "frequency", "recency", "T")))

    def summit() -> Any:
        rows = compact(process.table(rfm)).table
        return climb(process.likelihood, rows, prior=Prior(log_sd=LOG_SD))

    with clock("psis"):
        psis = draw_posterior(summit(), "psis")
    with clock("nuts"):
        chains = draw_posterior(summit(), "nuts", n_draws=CHAINS * DRAWS)
    return {"psis": _told(psis.summary(7.0)), "nuts": _told(chains.summary(7.0))}


def _told(summary: dict[str, Any]) -> dict[str, Any]:
    kept = ("mean", "sd", "interval", "k_hat", "ess", "r_hat", "n_divergent")
    return {name: summary[name] for name in kept}


def _pymc(model: str, clock: Clock) -> dict[str, Any]:
    import logging
    import signal

    import numpy as np
    import pandas as pd

    logging.disable(logging.WARNING)
    from pymc_extras.prior import Prior
    from pymc_marketing import clv

    names = NAMES[model]
    maker = clv.BetaGeoModel if model == "bg_nbd" else clv.ParetoNBDModel
    beliefs = {name: Prior("LogNormal", mu=0.0, sigma=LOG_SD) for name in names}
    table = pd.read_parquet(data_file(FILE))
    table = table.assign(recency=table["recency"] / 7, T=table["T"] / 7)
    fitting = maker(model_config=beliefs)

    def stop(*_: Any) -> None:
        raise TimeoutError

    def chains() -> bool:
        signal.signal(signal.SIGALRM, stop)
        signal.alarm(CAP)
        try:
            fitting.fit(
                table,
                method="mcmc",
                draws=DRAWS,
                tune=WARM_UP,
                chains=CHAINS,
                random_seed=1,
                progressbar=False,
            )
        except TimeoutError:
            return False
        signal.alarm(0)
        return True

    if not clock.repeat("nuts", 1, chains):
        return {"stopped after s": CAP}
    found = {name: np.asarray(fitting.idata.posterior[name]).ravel() for name in names}
    return {
        "nuts": {
            "mean": {name: float(values.mean()) for name, values in found.items()},
            "sd": {name: float(values.std()) for name, values in found.items()},
            "interval": {
                name: np.quantile(values, [0.025, 0.975]).tolist() for name, values in found.items()
            },
        }
    }


def _agree(sides: Any) -> list[str]:
    """Means within a tenth of a standard deviation, bounds within a quarter."""
    theirs = sides["pymc"].answer.get("nuts")
    said = []
    for method in ("psis", "nuts") if theirs else ():
        ours = sides["patronage"].answer[method]
        for name, sd in theirs["sd"].items():
            apart = abs(ours["mean"][name] - theirs["mean"][name]) / sd
            if apart > 0.1:
                said.append(f"{method}: the mean of {name} lies {apart:.2f} sd from the peer's")
            ends = zip(ours["interval"][name], theirs["interval"][name], strict=True)
            worst = max(abs(one - other) for one, other in ends) / sd
            if worst > 0.25:
                said.append(f"{method}: a bound of {name} lies {worst:.2f} sd from the peer's")
    return said


def _faster(method: str) -> Any:
    return lambda sides: sides["pymc"].wall["nuts"] / sides["patronage"].wall[method]


def _case(title: str, model: str, *, asked_only: bool = False) -> Case:
    return Case(
        title=title,
        needs=(FILE,),
        sides={
            "patronage": Side(lambda clock: _patronage(model, clock), parts=("psis", "nuts")),
            "pymc": Side(lambda clock: _pymc(model, clock), "pymc", parts=("nuts",), rounds=1),
        },
        targets=(
            Target("× as fast as the peer's NUTS: importance sampling", _faster("psis"), 100),
            Target("× as fast as the peer's NUTS: NUTS", _faster("nuts"), 10),
        ),
        agree=_agree,
        asked_only=asked_only,
    )


CASES = {
    "posterior-cdnow-bg": _case("posterior of BG/NBD, CDNOW (23,570 customers)", "bg_nbd"),
    "posterior-cdnow-pareto": _case(
        "posterior of Pareto/NBD, CDNOW (23,570 customers), peer stopped at 10 min",
        "pareto_nbd",
        asked_only=True,
    ),
}
