"""Pareto/NBD on the CDNOW sample: 2,357 customers, weeks, 39 of calibration."""

import numpy as np

from conformance.check import Check

__all__ = ["CHECKS"]

MODEL = "pareto_nbd"
ROUNDED = (0.55, 10.56, 0.61, 11.64)
MLE = (0.553277, 10.577683, 0.606240, 11.668740)
# As printed, to four digits.
BTYD = (0.5533, 10.5802, 0.6060, 11.6562)
PAPER = (0.553, 10.578, 0.606, 11.669)
FIT_78 = (0.563004, 12.559168, 0.408107, 10.514543)
VIGNETTE = "BTYD vignette"
FADER_HARDIE_LEE_2005 = "Fader, Hardie & Lee (2005), RFM and CLV"
OURS = "recomputed on exact weeks with 40 digits"
LIFETIMES = "tests of lifetimes"

CHECKS = (
    Check(
        "pareto_nbd: estimates, CDNOW 39 weeks",
        MODEL,
        "parameters",
        {"data": "cdnow39"},
        MLE,
        FADER_HARDIE_LEE_2005,
        rel=5e-3,
    ),
    Check(
        "pareto_nbd: log-likelihood of the fit, CDNOW 39 weeks",
        MODEL,
        "log_likelihood",
        {"data": "cdnow39"},
        (-9594.97618,),
        OURS,
        abs_=0.01,
    ),
    Check(
        "pareto_nbd: standard errors, CDNOW 39 weeks",
        MODEL,
        "standard_errors",
        {"data": "cdnow39"},
        (0.0476264, 0.8427222, 0.1872594, 6.2105448),
        "CLVTools vignette",
        rel=0.01,
    ),
    Check(
        "pareto_nbd: estimates, CDNOW 78 weeks",
        MODEL,
        "parameters",
        {"data": "cdnow78"},
        FIT_78,
        FADER_HARDIE_LEE_2005,
        rel=5e-3,
    ),
    Check(
        "pareto_nbd: log-likelihood of the fit, CDNOW 78 weeks",
        MODEL,
        "log_likelihood",
        {"data": "cdnow78"},
        (-17135.8359,),
        OURS,
        abs_=0.01,
    ),
    Check(
        "pareto_nbd: log-likelihood of the 78-week parameters on 39 weeks",
        MODEL,
        "log_likelihood_at",
        {"parameters": FIT_78, "data": "cdnow39"},
        (-9608.2547,),
        OURS,
        abs_=1e-3,
    ),
    Check(
        "pareto_nbd: E[X(52)] of a new customer",
        MODEL,
        "expected_new",
        {"parameters": "cdnow39", "t": (52.0,)},
        (1.473434,),
        VIGNETTE,
        abs_=5e-4,
    ),
    Check(
        "pareto_nbd: E[X(t)] of a new customer, t = 0 to 9",
        MODEL,
        "expected_new",
        {"parameters": ROUNDED, "t": tuple(float(t) for t in range(10))},
        (
            *(0.0, 0.05077821, 0.09916088, 0.14542507, 0.18979930),
            *(0.23247466, 0.27361274, 0.31335159, 0.35181024, 0.38909211),
        ),
        LIFETIMES,
        abs_=1e-6,
    ),
    Check(
        "pareto_nbd: CET(52) of customer 1516",
        MODEL,
        "expected",
        {"parameters": "cdnow39", "x": (26,), "t_x": (30.85714,), "T": (31.0,), "t": 52.0},
        (25.45647,),
        VIGNETTE,
        rel=5e-4,
    ),
    Check(
        "pareto_nbd: P(alive) of customer 1516",
        MODEL,
        "p_alive",
        {"parameters": "cdnow39", "x": (26,), "t_x": (30.85714,), "T": (31.0,)},
        (0.997874,),
        VIGNETTE,
        abs_=1e-5,
    ),
    Check(
        "pareto_nbd: the increasing-frequency paradox, CET(52) at x = 10, 15, 20, 25",
        MODEL,
        "expected",
        {
            "parameters": PAPER,
            "x": (10, 15, 20, 25),
            "t_x": (20.0,) * 4,
            "T": (39.0,) * 4,
            "t": 52.0,
        },
        (0.7063443, 0.1442561, 0.0225074, 0.0030925),
        OURS,
        rel=2e-5,
    ),
    Check(
        "pareto_nbd: CET(52) at x = 10, 15, 20, 25, at the optimum of BTYD",
        MODEL,
        "expected",
        {"parameters": BTYD, "x": (10, 15, 20, 25), "t_x": (20.0,) * 4, "T": (39.0,) * 4}
        | {"t": 52.0},
        (0.7062289, 0.1442396, 0.02250658, 0.00309267),
        VIGNETTE,
        rel=3e-4,
    ),
    Check(
        "pareto_nbd: P(alive) of a one-time buyer, at the own fit",
        MODEL,
        "p_alive",
        {"parameters": "cdnow39", "x": (0,), "t_x": (0.0,), "T": (39.0,)},
        (0.2941633,),
        VIGNETTE,
        abs_=2e-4,
    ),
    Check(
        "pareto_nbd: expected holdout purchases by frequency 0 to 7+, CDNOW",
        MODEL,
        "expected_by_frequency",
        {"data": "cdnow39", "t": 39.0},
        (0.138, 0.600, 1.196, 1.714, 2.399, 2.907, 3.819, 6.403),
        VIGNETTE,
        abs_=2e-3,
    ),
    Check(
        "pareto_nbd: expected repeat purchases of weeks 20 to 25, CDNOW",
        MODEL,
        "expected_in_spans",
        {"data": "cdnow39", "spans": tuple((float(w - 1), float(w)) for w in range(20, 26))},
        (78.308, 76.419, 74.648, 72.983, 71.414, 69.933),
        VIGNETTE,
        rel=1e-3,
    ),
    Check(
        "pareto_nbd: P(alive) of a one-time buyer after 39 weeks",
        MODEL,
        "p_alive",
        {"parameters": PAPER, "x": (0,), "t_x": (0.0,), "T": (39.0,)},
        (0.29447,),
        OURS,
        abs_=1e-5,
    ),
    Check(
        "pareto_nbd: many purchases without underflow, CET(10) at x = 132, 133",
        MODEL,
        "expected",
        {
            "parameters": (0.55, 10.58, 0.61, 11.67),
            "x": (132, 133),
            "t_x": (200.0, 200.0),
            "T": (200.0, 200.0),
            "t": 10.0,
        },
        (6.2060517889632418, 6.2528722475748113),
        LIFETIMES,
        rel=1e-9,
    ),
    Check(
        "pareto_nbd: P(alive) of heavy buyers is a probability",
        MODEL,
        "p_alive",
        {
            "parameters": (0.5143, 2.8845, 0.2856, 14.1087),
            "x": (221, 254, 161, 204),
            "t_x": (103.42857, 97.14286, 94.71429, 98.57143),
            "T": (103.57143, 97.28571, 98.0, 99.42857),
        },
        None,
        LIFETIMES,
        within=(0.0, 1.0),
    ),
    Check(
        "pareto_nbd: log-probabilities of 400 to 500 purchases are finite",
        MODEL,
        "log_probability",
        {
            "parameters": (10.465, 0.00798565181, 3.0516, 2.820),
            "x": (400, 500, 500),
            "t_x": (5.0, 1.0, 4.0),
            "T": (6.0, 37.0, 37.0),
        },
        None,
        LIFETIMES,
    ),
    Check(
        "pareto_nbd: DERT of customer B (x 7, t_x 35) and of x 1, t_x 30, weekly δ = ln 1.15 / 52",
        MODEL,
        "dert",
        {
            "parameters": FIT_78,
            "x": (7, 1),
            "t_x": (35.0, 30.0),
            "T": (77.86, 77.86),
            "delta": float(np.log(1.15) / 52),
        },
        (1.87058, 2.20671),
        OURS,
        rel=1e-4,
    ),
    Check(
        "pareto_nbd: DET of a just-acquired customer at 10 % a year",
        MODEL,
        "det",
        {"parameters": PAPER, "delta": float(np.log(1.10) / 52)},
        (4.81449,),
        OURS,
        rel=1e-4,
    ),
    Check(
        "pareto_nbd: DET of a just-acquired customer at 15 % a year",
        MODEL,
        "det",
        {"parameters": PAPER, "delta": float(np.log(1.15) / 52)},
        (3.96407,),
        OURS,
        rel=1e-4,
    ),
)
