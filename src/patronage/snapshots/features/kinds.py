"""Groups over the ledger itself: extremes, scores and chances by kind of event."""

from collections.abc import Mapping
from typing import Final

from patronage.events.schema import PURCHASE_KINDS
from patronage.snapshots.features.group import Group
from patronage.snapshots.grains.grain import listed

__all__ = ["KINDS_SEEN"]

_BOUGHT: Final = f"FILTER (kind IN ({listed(PURCHASE_KINDS)}))"

_EXTREMES: Final = {
    "largest_purchase": (f"(max(amount_max) {_BOUGHT})::DOUBLE", "money of the largest purchase"),
    "smallest_purchase": (f"(min(amount_min) {_BOUGHT})::DOUBLE", "money of the smallest"),
    "largest_refund": (
        "(-min(amount_min) FILTER (kind = 'refund'))::DOUBLE",
        "money of the largest refund",
    ),
    "n_kinds": ("count(DISTINCT kind)", "kinds of event seen"),
    "fees": ("coalesce(sum(amount) FILTER (kind = 'fee'), 0)::DOUBLE", "money of fees"),
    "usage_money": ("coalesce(sum(amount) FILTER (kind = 'usage'), 0)::DOUBLE", "money of usage"),
}

_SURVEYS: Final = "FILTER (kind = 'survey')"
_PROMOTION: Final = {
    "nps": (
        f"(100 * (sum(promoters) {_SURVEYS} - sum(detractors) {_SURVEYS}))::DOUBLE"
        f" / nullif((sum(scored) {_SURVEYS})::DOUBLE, 0)",
        "share of answers from 9 on less share of those up to 6, in per cent",
    ),
    "lowest_score": (f"(min(score_min) {_SURVEYS})::DOUBLE", "lowest score of a survey answer"),
    "highest_score": (f"(max(score_max) {_SURVEYS})::DOUBLE", "highest score"),
    "lowest_stars": (
        "(min(score_min) FILTER (kind = 'review'))::DOUBLE",
        "lowest score of a review",
    ),
}

_CHANCES: Final = {
    "mean_propensity": (
        "sum(propensity)::DOUBLE / nullif(sum(chances)::DOUBLE, 0)",
        "mean chance that the policy gave to the treatments received",
    ),
    "n_chances": ("coalesce(sum(chances), 0)::BIGINT", "treatments with a known chance"),
}

KINDS_SEEN: Final[Mapping[str, Group]] = {
    "extremes": Group("ledger", _EXTREMES),
    "promotion": Group("ledger", _PROMOTION, ("score",)),
    "chances": Group("ledger", _CHANCES, ("propensity",)),
}
