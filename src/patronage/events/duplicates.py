"""Rows that say the same twice: repeated event ids, and equal rows."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from patronage.engines import default_engine, identifier
from patronage.events.matching import normal
from patronage.events.plan import Plan

__all__ = ["Duplicates", "drop_equal_rows", "find_duplicates", "set_repeats_aside"]

# Above this many rows equal rows are counted among the customers whose hash is 0 modulo SAMPLED.
_COUNTED_IN_FULL: Final = 2_000_000
_SAMPLED: Final = 16

# A saved row number makes every row different, and says nothing of the event.
_ROW_NUMBERS: Final = ("", "unnamed0", "index", "rownumber", "rowid", "row", "column1")


@dataclass(frozen=True)
class Duplicates:
    """How many usable rows say what another row says.

    Attributes
    ----------
    repeats : rows that equal an earlier row
    in_pairs : rows that have an equal
    rows : rows looked at
    exact : every row was looked at, else one customer in 16
    """

    repeats: int
    in_pairs: int
    rows: int
    exact: bool


def find_duplicates(plan: Plan, n_rows: int, *, clean: bool) -> Duplicates:
    """Count equal rows among the usable ones, by all columns of the source.

    clean : every row is usable, and none need be judged again
    """
    exact = n_rows <= _COUNTED_IN_FULL
    usable = "true" if clean else "__code IS NULL"
    some = "" if exact else f" AND hash(__customer_id) % {_SAMPLED} = 0"
    hashed = default_engine().frame(
        f"SELECT hash({', '.join(_columns(plan))}) AS k FROM ({plan.judged()}) WHERE {usable}{some}"
    )
    # Why: sorting a million numbers costs a third of grouping them in SQL.
    _, times = np.unique(hashed["k"].to_numpy(), return_counts=True)
    rows = len(hashed)
    return Duplicates(rows - len(times), rows - int((times == 1).sum()), rows, exact)


def set_repeats_aside(plan: Plan, workspace: Path) -> tuple[Plan, int]:
    """Keep of each event id the row that was known first; set the others aside.

    Equal known times are settled by what the rows say, so that their order does not matter.
    """
    content = ", ".join(f"__{name}" for name in ("customer_id", "kind", "number", *plan.extras))
    return _set_aside(
        plan, "__event_id", f"__known, __time, {content}", "repeated event id", workspace
    )


def drop_equal_rows(plan: Plan, workspace: Path) -> tuple[Plan, int]:
    """Set aside every row that equals an earlier one in all columns of the source."""
    return _set_aside(plan, f"row({', '.join(_columns(plan))})", "", "duplicate row", workspace)


def _columns(plan: Plan) -> list[str]:
    names = [name for name in plan.raw.columns if normal(name) not in _ROW_NUMBERS]
    return [identifier(name) for name in names or plan.raw.columns]


def _set_aside(plan: Plan, key: str, order: str, reason: str, workspace: Path) -> tuple[Plan, int]:
    usable = f"SELECT *, {key} AS __key FROM ({plan.judged()}) WHERE __code IS NULL"
    usable = f"SELECT * FROM ({usable}) WHERE __key IS NOT NULL"
    repeated = f"SELECT hash(__key) FROM ({usable}) GROUP BY hash(__key) HAVING count(*) > 1"
    order = f"{order}, __file, __row" if order else "__file, __row"
    path = default_engine().write(
        f"""
        SELECT __file AS file, __row AS row, '{reason}' AS reason FROM ({usable})
        WHERE hash(__key) IN ({repeated})
        QUALIFY row_number() OVER (PARTITION BY __key ORDER BY {order}) > 1
        """,
        workspace / f"aside-{reason.replace(' ', '-')}.parquet",
    )
    (found,) = default_engine().row(f"SELECT count(*) FROM '{path}'")
    return (replace(plan, aside=(*plan.aside, path)), found) if found else (plan, 0)
