"""GGompertz/NBD on the CDNOW sample: a flat ridge to Pareto/NBD, so its height is what counts."""

from conformance.check import Check

__all__ = ["CHECKS"]

CHECKS = (
    Check(
        "ggompertz_nbd: log-likelihood of the fit, CDNOW 39 weeks",
        "ggompertz_nbd",
        "log_likelihood",
        {"data": "cdnow39"},
        (-9594.976,),
        "Bemmaor & Glady (2012); CLVTools",
        abs_=0.01,
    ),
)
