"""Models of regular timing: BG/CNBD-k, MBG/CNBD-k and Pareto/GGG."""

from conformance.check import Check

__all__ = ["CHECKS"]

CHECKS = (
    Check(
        "bg_cnbd_k: k = 1 is BG/NBD on CDNOW",
        "bg_cnbd_k",
        "log_likelihood",
        {"data": "cdnow39"},
        (-9582.42921,),
        "BTYDplus vignette: k = 1 is selected",
        abs_=0.01,
    ),
    Check(
        "mbg_cnbd_k: k = 1 is MBG/NBD on CDNOW",
        "mbg_cnbd_k",
        "log_likelihood",
        {"data": "cdnow39"},
        (-9582.13572,),
        "BTYDplus vignette: k = 1 is selected",
        abs_=0.01,
    ),
)
