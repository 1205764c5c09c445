"""Features read off timelines: aggregates over all days or nested windows, without a grouping.

A hundred sums over nested windows are differences of as many running sums as there are columns, and
what is said of all days before as_of stands at their last. The texts stay the definition: each
aggregate in them becomes the name of a column that holds it, and DuckDB evaluates what is left, so
that types, NULLs and rounding are its own. A text with any other aggregate in it is left to the
grouping of its grain, as every text is on other engines.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from jaxtyping import Int

from patronage.engines import DuckEngine, decimal_as_double, decimal_column
from patronage.snapshots.features.group import Group, marked
from patronage.snapshots.grains import Asked
from patronage.snapshots.grains.activity import ACTIVITY
from patronage.snapshots.grains.days import DAYS
from patronage.snapshots.grains.lookback import Within, look_back
from patronage.snapshots.grains.spans import SPANS
from patronage.snapshots.grains.timeline import Timeline
from patronage.snapshots.grains.told import TOLD
from patronage.snapshots.grains.written import made_of_timelines

__all__ = ["frame_read_off", "is_read_off"]

# As `windowed` and `history` write them, over spans and over days. Each is 0 over no rows, as the
# difference of running sums is.
_Meant = Callable[[re.Match[str]], Within]
_WINDOWED: Final[Mapping[re.Pattern[str], _Meant]] = {
    re.compile(
        r"coalesce\(sum\((\w+)\) FILTER \(span <= (\d+)(?: AND span > (\d+))?\), 0\)"
    ): lambda found: Within(found[1], int(found[2]), int(found[3] or 0)),
    re.compile(
        r"coalesce\(sum\((cash)\) FILTER \(event_day >= :as_of - (\d+)\), 0\)"
    ): lambda found: Within(found[1], int(found[2])),
    re.compile(r"count\(\*\) FILTER \(spent > 0 AND event_day >= :as_of - (\d+)\)"): lambda found: (
        Within("buying_days", int(found[1]))
    ),
}
# The longest first: some begin like others.
_NAMES: Final = {text: f"told_{k}" for k, text in enumerate(sorted(TOLD, key=len, reverse=True))}
_TOLD: Final = re.compile(f"(?:{'|'.join(map(re.escape, _NAMES))})(?! FILTER)")
_LEFT: Final = frozenset({*DAYS.columns, *ACTIVITY.columns, *SPANS.columns, "count", "FILTER"})
# What needs no engine: a sum, as the type that the text gives it.
_CAST: Final = re.compile(r"(\w+)(?:::(BIGINT|DOUBLE))?")


def is_read_off(group: Group) -> bool:
    """Whether the features of a group are nothing but such aggregates and arithmetic on them."""
    texts = [_Named().text(sql) for sql in group.values()]
    left = {word for text in texts for word in re.findall(r"[A-Za-z_]\w*", text)}
    return group.grain in ("days", "activity", "spans") and left.isdisjoint(_LEFT)


def frame_read_off(
    asked: Asked, lines: Mapping[str, str], query: Callable[[Mapping[str, str]], str]
) -> pl.DataFrame:
    """One row per customer known, sorted by customer_id. On DuckDB alone.

    lines : feature → SQL, of groups that are read off
    query : from the lines that an engine must evaluate to SQL text over `frame`, which has one row
        per customer; the aggregates in it are named as those of the lines
    """
    alone = _Named()
    cast = {
        feature: found
        for feature, sql in lines.items()
        if (found := _CAST.fullmatch(alone.text(sql))) and found[1] in alone.sums
    }
    named = _Named()
    text = named.text(query({name: text for name, text in lines.items() if name not in cast}))
    sql = marked(text, asked.as_of, has_clock=asked.log.has_clock)
    wanted = {**named.sums, **{found[1]: alone.sums[found[1]] for found in cast.values()}}
    windows = {days for one in wanted.values() for days in (one.days, one.after)}

    def read(engine: DuckEngine, timeline: Timeline) -> pl.DataFrame:
        back = look_back(timeline, asked.as_of, windows)
        sums = back.sums(wanted.values())
        columns = {"customer_id": back.customer_id}
        columns |= {_NAMES[text]: TOLD[text](back) for text in sorted(named.told)}
        columns |= {name: _column(one, sums[one]) for name, one in named.sums.items()}
        found = engine.over(pl.DataFrame(columns), sql)
        return found.with_columns(
            _cast(alone.sums[name], sums[alone.sums[name]], kind).alias(feature)
            for feature, (name, kind) in ((f, found.groups()) for f, found in cast.items())
        )

    return made_of_timelines(asked, read)


@dataclass
class _Named:
    """Names for the aggregates in texts, and what stands under them."""

    sums: dict[str, Within] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def text(self, sql: str) -> str:
        """The text with a name for each aggregate."""
        for spelling, meant in _WINDOWED.items():

            def windowed(found: re.Match[str], meant: _Meant = meant) -> str:
                one = meant(found)
                self.sums[one.name] = one
                return one.name

            sql = spelling.sub(windowed, sql)

        def told(found: re.Match[str]) -> str:
            self.told.add(found[0])
            return _NAMES[found[0]]

        return _TOLD.sub(told, sql)


def _is_money(one: Within) -> bool:
    return ACTIVITY.columns.get(one.column, "") == "DECIMAL(18,4)"


def _column(one: Within, sums: Int[np.ndarray, " customers"]) -> pl.Series:
    """With the type that the sum has in SQL."""
    return decimal_column(sums, 38, 4) if _is_money(one) else pl.Series(sums)


def _cast(one: Within, sums: Int[np.ndarray, " customers"], kind: str | None) -> pl.Series:
    if kind != "DOUBLE":
        return pl.Series(sums)
    return pl.Series(decimal_as_double(sums, 4) if _is_money(one) else sums.astype(np.float64))
