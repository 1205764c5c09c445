"""MBG/NBD on the CDNOW sample."""

from conformance.check import Check

__all__ = ["CHECKS"]

MODEL = "mbg_nbd"

CHECKS = (
    Check(
        "mbg_nbd: estimates, CDNOW 39 weeks",
        MODEL,
        "parameters",
        {"data": "cdnow39"},
        (0.524843, 6.183085, 0.891359, 1.614003),
        "BTYDplus vignette",
        rel=5e-3,
    ),
    Check(
        "mbg_nbd: log-likelihood of the fit, CDNOW 39 weeks",
        MODEL,
        "log_likelihood",
        {"data": "cdnow39"},
        (-9582.13572,),
        "recomputed on exact weeks; no published value is known",
        abs_=0.01,
    ),
    Check(
        "mbg_nbd: log-probability of x 0, t_x 0 and x 200, t_x 38 at T 40",
        MODEL,
        "log_probability",
        {
            "parameters": (0.25, 4.0, 0.8, 2.5),
            "x": (0, 200),
            "t_x": (0.0, 38.0),
            "T": (40.0, 40.0),
        },
        (-0.41792826, 100.7869),
        "tests of pymc-marketing",
        rel=1e-6,
    ),
)
