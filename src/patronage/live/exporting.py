"""The events of the store as a log that `patronage run` reads."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from patronage.live.arrivals import Arrival
from patronage.live.spelling import Spelling

__all__ = ["write_log"]

_TYPES: Final[Mapping[str, Any]] = {
    "event_time": pl.Datetime("us"),
    "known_time": pl.Datetime("us"),
    "amount": pl.Decimal(18, 4),
    "discount": pl.Decimal(18, 4),
    "quantity": pl.Float64,
    "score": pl.Float64,
    "propensity": pl.Float64,
}
_ALWAYS: Final = ("event_id", "customer_id", "event_time", "known_time", "kind", "amount")


def write_log(events: Iterable[Arrival], path: Path, spelling: Spelling) -> int:
    """Write the events to a Parquet file; columns that none of them has are left out."""
    names = [name for name in Arrival.__struct_fields__ if name != "replaces"]
    columns: dict[str, list[object]] = {name: [] for name in names}
    n = 0
    for event in events:
        n += 1
        for name in names:
            columns[name].append(getattr(event, name))
    types = {name: _TYPES.get(name, pl.String) for name in names}
    types["customer_id"] = pl.Int64 if spelling.whole_ids else pl.String
    frame = pl.DataFrame(columns, schema=types)
    kept = [name for name in names if name in _ALWAYS or frame[name].null_count() < n]
    frame.select(kept).sort("customer_id", "event_time", "event_id").write_parquet(path)
    return n
