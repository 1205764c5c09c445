"""Explanations in money: parts of a customer's CLV that add up to it, and what changed them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from patronage.errors import SettingsError
from patronage.models.explaining import account_of
from patronage.scoring.score import Scoring
from patronage.snapshots import Snapshot
from patronage.value import residual_clv, unit_value

__all__ = ["EXPLANATION_COLUMNS", "Explanation", "explain", "importance", "what_changed"]

EXPLANATION_COLUMNS: Final = ("customer_id", "reason", "told", "contribution")

# Customers that a customer is compared with, or that tell the importance of reasons.
_REFERENCE: Final = 1_000

# Money below it would be shown as 0.00.
_SHOWN: Final = 0.005

# Reason → the column that tells what is known of the customer, where they are not the same word.
_TOLD_BY: Final = {
    "number of purchases": "frequency",
    "time since the last purchase": "days_since_last",
    "time since the first purchase": "T",
    "amounts spent": "monetary_value",
}


@dataclass(frozen=True)
class Explanation:
    """Why each customer is worth what the model says.

    Attributes
    ----------
    totals : customer_id, base (CLV before anything is known of the customer) and clv
    parts : EXPLANATION_COLUMNS, the largest part of each customer first; a customer's
        contributions and its base add up to its clv. `told` is what is known, as text
    currency : of all money
    compared_with : customers of whom the base is the mean, where the model is no tree that knows
        of itself what those it learned from were worth; then 0
    """

    totals: pl.DataFrame
    parts: pl.DataFrame
    currency: str
    compared_with: int = 0

    def sentences(self, customer_id: Any, *, top: int = 5) -> list[str]:
        """The largest parts in words; all others as one, so that the sum still holds."""
        mine = self.parts.filter(pl.col("customer_id") == customer_id)
        if mine.is_empty():
            raise SettingsError(
                f"customer {customer_id!r} was not explained.\nTo mend: name it when explaining."
            )
        told = mine.filter(pl.col("contribution").abs() >= _SHOWN)
        if told.is_empty():
            return ["nothing that is known of the customer moves it"]
        largest = told.head(top)
        lines = [
            f"{_money(part, self.currency)} "
            + (f"because {reason} is {known}" if known else f"from {reason}")
            for _, reason, known, part in largest.iter_rows()
        ]
        n_left = len(mine) - len(largest)
        left = float(mine["contribution"].sum()) - float(largest["contribution"].sum())
        if n_left and abs(left) >= _SHOWN:
            lines.append(f"{_money(left, self.currency)} from {n_left} smaller reasons")
        return lines


def explain(
    snapshot: Snapshot,
    scoring: Scoring,
    *,
    customer_id: Sequence[Any] | None = None,
    reference: Snapshot | None = None,
) -> Explanation:
    """The parts of CLV of some customers, or of all.

    Boosted trees are told exactly by feature (TreeSHAP, carried through every link and product);
    other models by exact Shapley values of the few things that they read.

    Parameters
    ----------
    customer_id : who is explained; None: everybody
    reference : customers of the same day that they are compared with; None: some of the snapshot

    Raises
    ------
    SettingsError : a customer that the snapshot does not know
    """
    known = snapshot.with_features(scoring.fitted.features)
    compared = (known if reference is None else reference).spread(_REFERENCE)
    rows = np.arange(len(known.customers))
    if customer_id is not None:
        rows = _rows(known, customer_id)
        known = known.take(rows)
    forecast, cash = account_of(scoring.fitted, known, scoring.horizon, compared)
    economics = scoring.economics.take(rows)
    parts = cash.scaled(unit_value(forecast, economics))
    ids = known.customers["customer_id"]
    totals = pl.DataFrame({"customer_id": ids, "base": parts.base}).with_columns(
        clv=pl.Series(residual_clv(forecast, economics))
    )
    long = pl.DataFrame(
        {
            "customer_id": ids.gather(np.repeat(np.arange(len(ids)), len(parts.reasons))),
            "reason": list(parts.reasons) * len(ids),
            "told": [text for row in _told(known, parts.reasons) for text in row],
            "contribution": parts.values.ravel(),
        },
        schema_overrides={"told": pl.String},
    )
    ordered = (
        long.with_row_index("place")
        .with_columns(who=pl.col("place") // len(parts.reasons))
        .sort("who", pl.col("contribution").abs(), descending=[False, True], maintain_order=True)
        .select(EXPLANATION_COLUMNS)
    )
    return Explanation(totals, ordered, snapshot.events.currency, parts.compared_with)


def importance(snapshot: Snapshot, scoring: Scoring) -> pl.DataFrame:
    """Reasons by how much money they move: mean absolute contribution over the customers.

    Returns
    -------
    reason, importance (currency per customer), contribution (mean, signed); largest first; over
    at most a thousand customers, spread evenly
    """
    found = explain(snapshot.with_features(scoring.fitted.features).spread(_REFERENCE), scoring)
    return (
        found.parts.group_by("reason", maintain_order=True)
        .agg(
            importance=pl.col("contribution").abs().mean(),
            contribution=pl.col("contribution").mean(),
        )
        .sort("importance", descending=True, maintain_order=True)
    )


def what_changed(before: Explanation, after: Explanation) -> pl.DataFrame:
    """What moved each customer's CLV between two explanations of it.

    Returns
    -------
    customer_id, reason, before, after (what was told of it then and now), change; the largest
    change of a customer first. A customer's changes add up to the change of its clv; the reason
    "level of all customers" is the change of the base. Only customers that both explain.
    """
    if before.currency != after.currency:
        raise SettingsError(f"{before.currency} and {after.currency} cannot be compared.")
    old, new = (_with_base(one) for one in (before, after))
    both = before.totals.join(after.totals, on="customer_id").select("customer_id")
    joined = old.join(new, on=["customer_id", "reason"], how="full", coalesce=True)
    return (
        joined.join(both, on="customer_id", how="semi")
        .select(
            "customer_id",
            "reason",
            before="told",
            after="told_right",
            change=pl.col("contribution_right").fill_null(0.0)
            - pl.col("contribution").fill_null(0.0),
        )
        .sort("customer_id", pl.col("change").abs(), "reason", descending=[False, True, False])
    )


def _with_base(explanation: Explanation) -> pl.DataFrame:
    base = explanation.totals.select(
        "customer_id",
        reason=pl.lit("level of all customers"),
        told=pl.lit(None, dtype=pl.String),
        contribution="base",
    )
    return pl.concat([explanation.parts, base])


def _rows(snapshot: Snapshot, customer_id: Sequence[Any]) -> np.ndarray:
    ids = snapshot.customers["customer_id"]
    wanted = pl.Series("customer_id", list(customer_id)).cast(ids.dtype, strict=False)
    place = pl.DataFrame({"customer_id": ids}).with_row_index("row")
    found = pl.DataFrame({"customer_id": wanted}).join(
        place, on="customer_id", how="left", maintain_order="left"
    )
    missing = found["row"].is_null()
    if missing.any():
        named = [str(one) for one, gone in zip(customer_id, missing, strict=True) if gone]
        raise SettingsError(
            f"no such customers at {snapshot.as_of}: {', '.join(named[:5])}.\n"
            "To mend: write the ids as they are in the log, and choose an as_of after their first "
            "event."
        )
    return found["row"].to_numpy().astype(np.int64)


def _told(snapshot: Snapshot, reasons: Sequence[str]) -> list[list[str | None]]:
    """What is known of each customer for each reason; None where no single number tells it."""
    customers = snapshot.customers
    if "days_since_last" not in customers.columns:
        customers = customers.with_columns(days_since_last=pl.col("T") - pl.col("recency"))
    there = set(customers.columns)
    columns: list[list[str | None]] = []
    for reason in reasons:
        name = _TOLD_BY.get(reason, reason)
        if name not in there:
            name = f"customers.{name}"
        values = customers[name].to_list() if name in there else [None] * len(customers)
        columns.append([_text(value) for value in values])
    return [list(row) for row in zip(*columns, strict=True)]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


def _money(amount: float, currency: str) -> str:
    sign = "−" if amount < 0 else "+"
    return f"{sign}{abs(amount):,.2f} {currency}"
