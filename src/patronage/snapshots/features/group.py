"""A feature group: aggregates over one grain, by name, with what they mean."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

__all__ = ["Group", "marked"]


@dataclass(frozen=True, eq=False)
class Group(Mapping[str, str]):
    """Feature → SQL aggregate over the rows of a grain.

    Attributes
    ----------
    grain : name of the grain, see `snapshots.grains`
    lines : feature → SQL, and what it says
    needs : event columns and side tables without which it says nothing
    """

    grain: str
    lines: Mapping[str, tuple[str, str]]
    needs: tuple[str, ...] = ()

    def __getitem__(self, feature: str) -> str:
        return self.lines[feature][0]

    def __iter__(self) -> Iterator[str]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)


def marked(sql: str, as_of: date, *, has_clock: bool) -> str:
    """The text with what its marks mean."""
    day = f"DATE '{as_of.isoformat()}'"
    end = f"epoch_us(({day} - {0 if has_clock else 1})::TIMESTAMP)"
    return sql.replace(":end_us", end).replace(":as_of", day)
