"""What `doctor` says of a log, before anything is fitted."""

from typing import Any

from patronage.errors import NotEnoughDataError
from patronage.events import EventLog
from patronage.horizon import Horizon
from patronage.models.training_pairs import rewound_origins
from patronage.snapshots import take_snapshot

__all__ = ["examine"]

_FEW_CUSTOMERS = 500
_FEW_REPEATERS = 0.05
_SHORT_DAYS = 180


def examine(log: EventLog) -> dict[str, Any]:
    """Rows, columns, facts and advice, ready for JSON."""
    quality = log.quality
    snapshot = take_snapshot(log)
    customers = snapshot.customers
    first, last = log.first_day(), log.last_day()
    n, days = customers.height, (last - first).days + 1
    repeaters = float((customers["frequency"] > 0).mean())  # type: ignore[arg-type]
    spend, cash = (float(customers[name].sum()) for name in ("spend", "cash"))
    advice = []
    if n < _FEW_CUSTOMERS:
        advice.append(
            f"{n} customers are few: expect wide intervals; the simplest models will be safest."
        )
    if days < _SHORT_DAYS:
        advice.append(
            f"{days} days of history are short: forecasts further ahead than that rest on the "
            "model's form, not on evidence."
        )
    if repeaters < _FEW_REPEATERS:
        advice.append(
            f"only {repeaters:.1%} of the customers bought again; is customer_id the customer, "
            "and not the order?"
        )
    try:
        judged = rewound_origins(snapshot, Horizon(52, "week")).reason
    except NotEnoughDataError as error:
        judged = str(error).split("\n")[0]
    return {
        "rows_read": quality.n_rows_read,
        "rows_used": quality.n_rows_used,
        "rows_quarantined": quality.n_rows_quarantined,
        "quarantine_reasons": dict(quality.quarantined),
        "matched": dict(quality.matched),
        "notes": list(quality.notes),
        "warnings": list(quality.warnings),
        "facts": {
            "customers": n,
            "customers who bought again": f"{repeaters:.1%}",
            "first day": first.isoformat(),
            "last day": last.isoformat(),
            "days": days,
            "times of day": "yes" if log.has_clock else "no, dates only",
            "time learned": "yes" if log.has_known_time else "no, taken as the event's time",
            "money of purchases": f"{spend:,.2f} {log.currency}",
            "refunds and fees": f"{cash - spend:,.2f} {log.currency}",
            "judging 52 weeks ahead": judged,
        },
        "advice": advice,
    }
