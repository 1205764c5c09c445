"""BG/BB on the donations: 11,104 donors, six opportunities, 22 patterns of (x, t_x)."""

from conformance.check import Check

__all__ = ["CHECKS"]

MODEL = "bg_bb"
MLE = (1.2035208, 0.7497142, 0.6567122, 2.7834080)
PAPER = "Fader, Hardie & Shang (2010)"
SPREADSHEET = "spreadsheet of Fader & Hardie"
X = (6, 5, 4, 3, 2, 1, 5, 4, 3, 2, 1, 4, 3, 2, 1, 3, 2, 1, 2, 1, 1, 0)
T_X = (6, 6, 6, 6, 6, 6, 5, 5, 5, 5, 5, 4, 4, 4, 4, 3, 3, 3, 2, 2, 1, 0)
PATTERNS = {"x": X, "t_x": tuple(float(t) for t in T_X), "T": (6.0,) * 22}
LOG_P = (
    -2.18167018824,
    -4.29485034929,
    -5.38473334360,
    -5.80915881601,
    -5.65172964525,
    -4.88370164695,
    -3.71682127437,
    -5.09558227343,
    -5.61576884108,
    -5.50636893346,
    -4.76723821904,
    -3.84829625138,
    -5.05936147828,
    -5.19562191019,
    -4.57070931973,
    -3.52745257839,
    -4.51620272962,
    -4.22465969453,
    -3.01199924784,
    -3.58817880928,
    -2.28882847451,
    -1.16751622367,
)
DERT = (
    5.9097934,
    5.08938555,
    4.2689777,
    3.44856986,
    2.62816201,
    1.80775416,
    2.85511227,
    3.19700762,
    2.84215991,
    2.27258973,
    1.6090093,
    0.91843285,
    1.62929888,
    1.66557241,
    1.32192242,
    0.35212768,
    0.84429816,
    0.93523082,
    0.18760033,
    0.49488373,
    0.13496305,
    0.11475619,
)
NEW = (
    *(0.4985, 0.9233, 1.2969, 1.6323, 1.9381, 2.2202),
    *(2.4826, 2.7285, 2.9603, 3.1798, 3.3887),
)

CHECKS = (
    Check(
        "bg_bb: estimates, donations",
        MODEL,
        "parameters",
        {"data": "donations"},
        MLE,
        PAPER,
        rel=5e-3,
    ),
    Check(
        "bg_bb: log-likelihood of the fit, donations",
        MODEL,
        "log_likelihood",
        {"data": "donations"},
        (-33225.58127,),
        PAPER,
        abs_=0.01,
    ),
    Check(
        "bg_bb: log-probabilities of the 22 patterns",
        MODEL,
        "log_probability",
        {"parameters": MLE, **PATTERNS},
        LOG_P,
        SPREADSHEET,
        abs_=1e-6,
    ),
    Check(
        "bg_bb: E[X(n)] of a new donor, n = 1 to 11",
        MODEL,
        "expected_new",
        {"parameters": MLE, "t": tuple(float(n) for n in range(1, 12))},
        NEW,
        SPREADSHEET,
        abs_=2e-4,
    ),
    Check(
        "bg_bb: CET(10) of (0, 0) and (4, 5)",
        MODEL,
        "expected",
        {"parameters": MLE, "x": (0, 4), "t_x": (0.0, 5.0), "T": (6.0, 6.0), "t": 10.0},
        (0.1302169, 3.627858),
        "BTYD vignette, at an optimum of its own",
        abs_=2e-4,
    ),
    Check(
        "bg_bb: P(alive at n) of (0, 0), (2, 4), (6, 6)",
        MODEL,
        "p_alive",
        {"parameters": MLE, "x": (0, 2, 6), "t_x": (0.0, 4.0, 6.0), "T": (6.0, 6.0, 6.0)},
        (0.1162, 0.6337, 1.0),
        "recomputed; the convention at the last opportunity",
        abs_=1e-4,
    ),
    Check(
        "bg_bb: DERT at 10 % of the 22 patterns",
        MODEL,
        "dert",
        {"parameters": MLE, **PATTERNS, "delta": 0.1},
        DERT,
        "independent replication",
        rel=5e-5,
    ),
)
