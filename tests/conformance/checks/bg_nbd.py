"""BG/NBD on the CDNOW sample."""

from conformance.check import Check

__all__ = ["CHECKS"]

MODEL = "bg_nbd"
ROUNDED = (0.243, 4.414, 0.793, 2.426)
MLE = (0.2425945, 4.4136019, 0.7929199, 2.4258881)
PAPER = "Fader, Hardie & Lee (2005), Counting your customers the easy way"
VIGNETTE = "BTYD vignette"
SPREADSHEET = "spreadsheet of Fader, Hardie & Lee"
TESTS = "tests of lifetimes and pymc-marketing"

CHECKS = (
    Check(
        "bg_nbd: estimates, CDNOW 39 weeks",
        MODEL,
        "parameters",
        {"data": "cdnow39"},
        MLE,
        PAPER,
        rel=5e-3,
    ),
    Check(
        "bg_nbd: log-likelihood of the fit, CDNOW 39 weeks",
        MODEL,
        "log_likelihood",
        {"data": "cdnow39"},
        (-9582.42921,),
        "recomputed on exact weeks",
        abs_=0.01,
    ),
    Check(
        "bg_nbd: log-probability of x 0, t_x 0 and x 200, t_x 38 at T 40",
        MODEL,
        "log_probability",
        {
            "parameters": (0.25, 4.0, 0.8, 2.5),
            "x": (0, 200),
            "t_x": (0.0, 38.0),
            "T": (40.0, 40.0),
        },
        (-0.59947382, 100.7957),
        TESTS,
        rel=1e-6,
    ),
    Check(
        "bg_nbd: E[X(52)] of a new customer",
        MODEL,
        "expected_new",
        {"parameters": MLE, "t": (52.0,)},
        (1.4440106,),
        VIGNETTE,
        rel=1e-5,
    ),
    Check(
        "bg_nbd: E[X(t)] of a new customer",
        MODEL,
        "expected_new",
        {"parameters": MLE, "t": (0.1429, 1.0, 3.0, 31.8571, 32.0, 78.0)},
        (0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576),
        # Why so wide: the spreadsheet breaks the series of its 2F1 off.
        SPREADSHEET,
        abs_=5e-4,
    ),
    Check(
        "bg_nbd: CET(52) of customer 1516",
        MODEL,
        "expected",
        {"parameters": MLE, "x": (26,), "t_x": (30.85714,), "T": (31.0,), "t": 52.0},
        (25.75736,),
        VIGNETTE,
        rel=1e-5,
    ),
    Check(
        "bg_nbd: P(alive) of customer 1516",
        MODEL,
        "p_alive",
        {"parameters": MLE, "x": (26,), "t_x": (30.85714,), "T": (31.0,)},
        (0.9688545,),
        VIGNETTE,
        rel=1e-5,
    ),
    Check(
        "bg_nbd: CET(52) at x = 10, 15, 20, 25",
        MODEL,
        "expected",
        {
            "parameters": MLE,
            "x": (10, 15, 20, 25),
            "t_x": (20.0,) * 4,
            "T": (39.0,) * 4,
            "t": 52.0,
        },
        (0.3474606, 0.04283391, 0.004158973, 0.0003583685),
        VIGNETTE,
        rel=1e-3,
    ),
    Check(
        "bg_nbd: CET(39) at x 2, t_x 30.43, T 38.86",
        MODEL,
        "expected",
        {"parameters": ROUNDED, "x": (2,), "t_x": (30.43,), "T": (38.86,), "t": 39.0},
        (1.2259,),
        PAPER,
        abs_=3e-4,
    ),
    Check(
        "bg_nbd: estimates with times in four weeks",
        MODEL,
        "parameters",
        {"data": "cdnow39_months"},
        (0.2425945, 1.1034, 0.7929199, 2.4258881),
        "tests of lifetimes",
        rel=5e-3,
    ),
    Check(
        "bg_nbd: log-likelihood of the fit with times in four weeks",
        MODEL,
        "log_likelihood",
        {"data": "cdnow39_months"},
        (-6176.3040,),
        "tests of lifetimes",
        abs_=0.01,
    ),
    Check(
        "bg_nbd: expected holdout purchases by frequency 0 to 7+, CDNOW",
        MODEL,
        "expected_by_frequency",
        {"data": "cdnow39", "t": 39.0},
        (0.2250893, 0.5231364, 1.044126, 1.520256, 2.163824, 2.653789, 3.503957, 6.157036),
        VIGNETTE,
        rel=1e-3,
    ),
    Check(
        "bg_nbd: P(X(39) = 0) of a new customer",
        MODEL,
        "pmf_new",
        {"parameters": ROUNDED, "n": (0,), "t": 39.0},
        (0.5737863521,),
        TESTS,
        rel=1e-8,
    ),
    Check(
        "bg_nbd: P(X(2) = 10) of a new customer",
        MODEL,
        "pmf_new",
        {"parameters": ROUNDED, "n": (10,), "t": 2.0},
        (1.07869e-07,),
        TESTS,
        rel=1e-4,
    ),
    Check(
        "bg_nbd: P(X(30) = 11 to 20) of a new customer",
        MODEL,
        "pmf_new",
        {"parameters": ROUNDED, "n": tuple(range(11, 21)), "t": 30.0},
        (
            *(0.0019995214, 0.0015170236, 0.0011633150, 0.0009003148, 0.0007023638),
            *(0.0005517902, 0.0004361913, 0.0003467171, 0.0002769613, 0.0002222260),
        ),
        TESTS,
        abs_=1e-8,
    ),
)
