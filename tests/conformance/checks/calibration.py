"""Posteriors and intervals, judged by simulation: no published number, but what they must give."""

from conformance.check import Check

__all__ = ["CHECKS"]

COVER = "by definition; two binomial standard errors of 4,000 customers are 0.01"
PROCESSES = (
    "nbd",
    "bg_nbd",
    "mbg_nbd",
    "bg_cnbd_k",
    "mbg_cnbd_k",
    "pareto_nbd",
    "ggompertz_nbd",
    "bg_bb",
    "pareto_ggg",
)
# What takes seconds a set is put to fewer and smaller ones.
SETS = {"pareto_ggg": (60, 100)}


def _ranks(model: str) -> Check:
    n_sets, n_customers = SETS.get(model, (100, 250))
    return Check(
        f"{model}: ranks of the truth among draws of the posterior are uniform",
        model,
        "rank_p",
        {"n_sets": n_sets, "n_customers": n_customers, "seed": 11},
        None,
        f"Talts et al. (2018); χ² of {n_sets} ranks in 5 bins, Bonferroni over the parameters",
        within=(1e-3, 1.0),
        slow=True,
    )


def _coverage(model: str, of: str) -> Check:
    return Check(
        f"{model}: 90 % intervals of the {of} of a year ahead cover 90 %",
        model,
        "coverage",
        {"of": of, "level": 0.9, "n_customers": 4_000, "seed": 5},
        (0.9,),
        COVER,
        abs_=0.02,
        slow=True,
    )


CHECKS = (
    *(_ranks(model) for model in (*PROCESSES, "gamma_gamma")),
    *(_coverage(model, of) for model in PROCESSES for of in ("purchases", "cash")),
)
