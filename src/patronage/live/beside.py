"""The side tables as one customer's features need them: few rows, so that a score takes no scan."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from patronage.events.tables import SideTables

__all__ = ["Beside"]


@dataclass(frozen=True)
class Beside:
    """Side tables, with the links of each customer at hand.

    Attributes
    ----------
    tables : of the run
    """

    tables: SideTables
    _link_rows: Mapping[Any, list[int]] = field(repr=False, default_factory=dict)
    _profile_rows: Mapping[Any, list[int]] = field(repr=False, default_factory=dict)

    @classmethod
    def of(cls, tables: SideTables) -> "Beside":
        """Index the profiles, and the links both ways."""
        rows: dict[Any, list[int]] = defaultdict(list)
        people: dict[Any, list[int]] = defaultdict(list)
        if tables.customers is not None:
            for place, who in enumerate(tables.customers["customer_id"].to_list()):
                people[who].append(place)
        if tables.links is not None:
            pairs = tables.links.select("customer_id", "other_id").rows()
            for place, pair in enumerate(pairs):
                for one in set(pair):
                    rows[one].append(place)
        return cls(tables, dict(rows), dict(people))

    def linked(self, customer_id: Any) -> set[Any]:
        """Customers whose events move what is known of this one, and whom its events move."""
        mine = self._links(customer_id)
        if mine is None or mine.is_empty():
            return set()
        return {*mine["customer_id"], *mine["other_id"]} - {customer_id}

    def of_customer(self, customer_id: Any) -> SideTables:
        """All but the profiles, which are joined as columns, and other people's links."""
        return replace(self.tables, customers=None, links=self._links(customer_id))

    def profiles(self, customer_ids: Sequence[Any]) -> SideTables:
        """The profiles of some customers, and no other table."""
        people = self.tables.customers
        if people is None:
            return SideTables()
        rows = [row for who in customer_ids for row in self._profile_rows.get(who, [])]
        return SideTables(customers=people[rows])

    def _links(self, customer_id: Any) -> pl.DataFrame | None:
        links = self.tables.links
        return None if links is None else links[self._link_rows.get(customer_id, [])]
