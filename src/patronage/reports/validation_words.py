"""What the metrics of a validation are called on its page, and which of them rank nobody."""

from collections.abc import Mapping
from typing import Final

__all__ = ["LABELS", "UNRANKED"]

_LEVELS: Final = (50, 80, 90, 95)

LABELS: Final[Mapping[str, str]] = {
    "r_squared": "R²",
    "log_r_squared": "R² of log(1 + cash)",
    "mape_buyers": "MAPE",
    "within_10": "Within 10 %",
    "nmae": "NMAE",
    "nrmse": "NRMSE",
    "decile_mape": "Decile MAPE, equal counts",
    "decile_mape_value": "Decile MAPE, equal value",
    "distribution_gap": "KS, forecasts and outcomes",
    "pit_deviation": "KS of the PIT",
    "normalized_gini_buyers": "Normalised Gini, buyers",
    **{f"capture_{k}": f"Cash in the top {k} %" for k in (1, 5, 20)},
    **{f"whale_recall_{k}": f"Whale recall, top {k} %" for k in (1, 5)},
    **{
        f"{event}_{kind}": f"{label}: {word}"
        for event, label in (("buys", "Buys"), ("above", "Above threshold"))
        for kind, word in (
            ("precision", "precision"),
            ("recall", "recall"),
            ("f1", "F1"),
            ("roc_auc", "ROC-AUC"),
            ("pr_auc", "PR-AUC"),
            ("brier", "Brier score"),
            ("ece", "ECE"),
        )
    },
    "top_decile_precision": "Top-decile precision",
    "top_decile_recall": "Top-decile recall",
    "business_impact": "Business impact score",
    "profit": "Profit per customer",
    "contacted": "Share contacted",
    "zero_gap": "Zeros, less forecast",
    **{
        f"{kind}_{level}": f"{label} {level} %"
        for level in _LEVELS
        for kind, label in (
            ("coverage", "Coverage at"),
            ("pit_coverage", "Randomised coverage at"),
            ("width", "Width at"),
            ("interval_score", "Interval score at"),
        )
    },
}

# Neither end of these is better by itself: all or nobody may be contacted, or said to buy.
UNRANKED: Final = frozenset(
    {
        "contacted",
        "distribution_gap",
        *(f"{kind}_{level}" for level in _LEVELS for kind in ("coverage", "width")),
        *(f"{event}_{kind}" for event in ("buys", "above") for kind in ("precision", "recall")),
    }
)
