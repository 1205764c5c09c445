"""One row per customer, made for one range of customers after another, so that memory is bounded.

Grouping a large log by customer and day holds most of it in memory at once; in ranges of customers
the groups are a fraction of that, and the ranges run side by side, one thread each.
Measured with 10 M rows and 3 M customers: 0.6 GiB in four ranges, 1.0 GiB in one.
"""

from collections.abc import Callable
from itertools import pairwise
from math import ceil
from typing import Any, Final

import polars as pl

from patronage.engines import (
    cores,
    default_engine,
    frames,
    literal,
)
from patronage.events import EventLog

__all__ = ["frame_by_customer", "ranges"]

_ROWS_AT_ONCE: Final = 2_500_000
# Every range reads the log again.
_MOST_RANGES: Final = 8
_SAMPLE: Final = 20_000


def frame_by_customer(log: EventLog, query: Callable[[str], str]) -> pl.DataFrame:
    """The rows of a query, sorted by customer_id.

    query : from a SQL condition on customer_id to SQL text of the rows of the customers that meet
        it; an empty condition: of all
    """
    if log.elsewhere is not None:
        return log.elsewhere.frame(query("")).sort("customer_id")
    found = ranges(log, rows_at_once=_ROWS_AT_ONCE)
    if not found:
        return default_engine().frame(f"{query('')} ORDER BY customer_id")
    parts = frames([f"{query(among)} ORDER BY customer_id" for among in found])
    return pl.concat(parts, rechunk=False)


def ranges(log: EventLog, *, rows_at_once: int) -> list[str]:
    """Conditions that part the customers into ranges with about equally many rows, if worth it."""
    n_rows = log.quality.n_rows_used
    lanes = min(cores(), _MOST_RANGES)
    wanted = lanes * ceil(min(n_rows // rows_at_once, _MOST_RANGES) / lanes)
    if wanted < 2:
        return []
    percent = min(100.0, 100 * _SAMPLE / n_rows)
    drawn = default_engine().rows(
        f"SELECT customer_id FROM ({log.relation}) USING SAMPLE {percent:.6f} PERCENT (system, 1)"
    )
    ids: list[Any] = sorted(customer for (customer,) in drawn)
    if not ids:
        return []
    bounds = sorted({ids[len(ids) * k // wanted] for k in range(1, wanted)})
    texts = [literal(bound) if isinstance(bound, str) else str(bound) for bound in bounds]
    inner = [f"customer_id >= {low} AND customer_id < {high}" for low, high in pairwise(texts)]
    return [f"customer_id < {texts[0]}", *inner, f"customer_id >= {texts[-1]}"]
