"""Posteriors and intervals, judged by simulation: no published number, but what they must give."""

from conformance.check import Check

__all__ = ["CHECKS"]

RANKS = "Talts et al. (2018); χ² of 60 ranks in 5 bins, Bonferroni over the parameters"
COVER = "by definition; two binomial standard errors of 4,000 customers are 0.01"

CHECKS = (
    *(
        Check(
            f"{model}: ranks of the truth among draws of the posterior are uniform",
            model,
            "rank_p",
            {"n_sets": 60, "n_customers": 250, "seed": 11},
            None,
            RANKS,
            within=(1e-3, 1.0),
            slow=True,
        )
        for model in ("nbd", "bg_nbd", "mbg_nbd", "pareto_nbd", "gamma_gamma")
    ),
    *(
        Check(
            f"{model}: 90 % intervals of the {of} of a year ahead cover 90 %",
            model,
            "coverage",
            {"of": of, "level": 0.9, "n_customers": 4_000, "seed": 5},
            (0.9,),
            COVER,
            abs_=0.02,
            slow=True,
        )
        for model in ("bg_nbd", "mbg_nbd", "pareto_nbd")
        for of in ("purchases", "cash")
    ),
)
