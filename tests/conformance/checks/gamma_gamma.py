"""Gamma-Gamma on the 946 repeat customers of the CDNOW sample."""

from conformance.check import Check

__all__ = ["CHECKS"]

MODEL = "gamma_gamma"
PAPER = "Fader & Hardie (2013), The gamma-gamma model of monetary value"
MLE = (6.2498, 3.7441, 15.4423)
# Repeat purchases of the sample's first ten customers, and their mean.
X = (2, 1, 0, 0, 0, 7, 1, 0, 2, 0)
MEAN = (22.345, 11.77, 0.0, 0.0, 0.0, 73.7385714, 11.77, 0.0, 25.55, 0.0)

CHECKS = (
    Check(
        "gamma_gamma: estimates, CDNOW 39 weeks",
        MODEL,
        "parameters",
        {"data": "cdnow39"},
        (6.24980, 3.74410, 15.44230),
        PAPER,
        rel=5e-3,
    ),
    Check(
        "gamma_gamma: log-likelihood of the fit, CDNOW 39 weeks",
        MODEL,
        "log_likelihood",
        {"data": "cdnow39"},
        (-4055.92,),
        PAPER,
        abs_=0.02,
    ),
    Check(
        "gamma_gamma: estimates, CDNOW 78 weeks",
        MODEL,
        "parameters",
        {"data": "cdnow78"},
        (4.6823, 4.1904, 24.4006),
        PAPER,
        rel=1e-2,
    ),
    Check(
        "gamma_gamma: log-likelihood of the 78-week parameters on 39 weeks",
        MODEL,
        "log_likelihood_at",
        {"parameters": (4.6823, 4.1904, 24.4006), "data": "cdnow39"},
        (-4058.0383,),
        "recomputed",
        abs_=0.01,
    ),
    Check(
        "gamma_gamma: expected spend of the first ten customers",
        MODEL,
        "mean_spend",
        {"parameters": MLE, "x": X, "mean": MEAN},
        (24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17),
        "tests of lifetimes",
        abs_=6e-3,
    ),
    Check(
        "gamma_gamma: the mean of somebody without a repeat purchase is the population's",
        MODEL,
        "mean_spend",
        {"parameters": MLE, "x": (0,), "mean": (0.0,)},
        (35.17,),
        "tests of lifetimes",
        abs_=5e-3,
    ),
)
