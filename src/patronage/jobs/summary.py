"""summary.json: the answer of a run for programs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from patronage.jobs.judge import Judgement
from patronage.jobs.settings import RunSettings
from patronage.models.reasons import reasons_of
from patronage.scoring import Scoring, TotalValue
from patronage.snapshots import Snapshot

__all__ = ["assumptions", "share_of_top", "summarise_run"]


def assumptions(
    settings: RunSettings, currency: str, table_notes: Sequence[str]
) -> tuple[str, ...]:
    """What the money means, in sentences."""
    told = []
    if currency == "purchases":
        told.append("The events have no amounts: every purchase counts 1, and value is purchases.")
    elif isinstance(settings.margin, float | int) and settings.margin != 1.0:
        told.append(f"Margin {settings.margin:g} of every amount, the same for all customers.")
    told.append(f"Discounted at {settings.annual_discount_rate:.1%} effective a year.")
    if isinstance(settings.cac, float | int) and settings.cac == 0:
        told.append("No acquisition cost was given; existing customers' cost is spent in any case.")
    else:
        told.append(
            "Acquisition cost is spent already and does not lower the value of existing customers; "
            "it stands beside it."
        )
    return (*told, *table_notes)


def summarise_run(
    snapshot: Snapshot,
    judgement: Judgement,
    scoring: Scoring,
    scores: pl.DataFrame,
    total: TotalValue,
    *,
    assumptions: Sequence[str],
    notes: Sequence[str],
    run_id: str,
) -> dict[str, Any]:
    """The answer, who gave it, and what it rests on."""
    quality = snapshot.events.quality
    segments = scores.group_by("segment").agg(pl.len(), pl.col("clv").sum())
    rewound = judgement.rewound
    return {
        "run_id": run_id,
        "as_of": snapshot.as_of.isoformat(),
        "horizon": str(scoring.horizon),
        "horizon_days": scoring.horizon.days,
        "currency": snapshot.events.currency,
        "n_customers": total.n_customers,
        "clv_total": total.expected,
        "clv_total_low": total.low,
        "clv_total_high": total.high,
        "interval_level": total.level,
        "clv_share_of_top_10_percent": share_of_top(scores["clv"].to_numpy()),
        "segments": {
            name: {"n_customers": count, "clv": clv} for name, count, clv in segments.rows()
        },
        "acquisition_cost": float(scoring.economics.per_customer_cac(total.n_customers).sum()),
        "model": scoring.model,
        "version": scoring.version,
        "chosen_by": judgement.metric,
        "reasons": list(judgement.reasons),
        "learned": list(reasons_of(scoring.fitted)),
        "judged": judgement.judged,
        "judged_horizon_days": None if rewound is None else rewound.horizon.days,
        "origins": [] if rewound is None else [day.isoformat() for day in rewound.origins],
        "assumptions": list(assumptions),
        "rows_read": quality.n_rows_read,
        "rows_used": quality.n_rows_used,
        "rows_quarantined": quality.n_rows_quarantined,
        "quarantine_reasons": dict(quality.quarantined),
        "notes": [*quality.notes, *notes],
        "warnings": [*quality.warnings, *filter(None, [judgement.caution(scoring.horizon)])],
    }


def share_of_top(clv: Float[np.ndarray, " customers"], share: float = 0.1) -> float:
    """Part of the positive value that the best `share` of the customers carry."""
    value = np.sort(np.maximum(clv, 0.0))[::-1]
    total = value.sum()
    return float(value[: max(1, round(share * len(value)))].sum() / total) if total > 0 else 0.0
