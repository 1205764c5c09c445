"""LiveModel: ledgers in, scores out, by the one `score` that batch calls."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl

from patronage.engines import NO_ENGINE
from patronage.errors import SettingsError
from patronage.events import EventLog
from patronage.events.quality import QualityReport
from patronage.events.schema import PURCHASE_KINDS
from patronage.live.beside import Beside
from patronage.live.event_store import EventStore
from patronage.live.ledger_text import read_ledger
from patronage.live.scores import Score
from patronage.live.workspace import Workspace
from patronage.registry import Artifact, load_artifact
from patronage.scoring import Scoring, score, scoring_of
from patronage.snapshots import FEATURES, CustomerLedger, Snapshot, is_attribute, take_snapshot
from patronage.snapshots.attributes import with_attributes
from patronage.value import Economics

__all__ = ["LiveModel", "load_live_model"]

# Attributes that no ledger holds; they are read from the events themselves.
_READ_FROM_EVENTS: Final = "first_purchase."


@dataclass(frozen=True)
class LiveModel:
    """A saved model at work on ledgers; immutable, so that a request uses one from end to end.

    Attributes
    ----------
    artifact : the model
    workspace : where its economics and segments come from
    groups : the feature groups that it reads
    schema : columns of a snapshot's customers and their types
    beside : side tables of the run
    own : customer → margin and acquisition cost, where it has its own
    store : where the ledgers of linked customers and first purchases are read
    """

    artifact: Artifact
    workspace: Workspace
    groups: tuple[str, ...]
    schema: Mapping[str, Any]
    beside: Beside = field(repr=False)
    own: Mapping[Any, tuple[float, float]] = field(repr=False)
    store: EventStore | None = field(default=None, repr=False)

    @cached_property
    def fingerprint(self) -> str:
        """Of the model and the columns that it reads; scores of another are not answered."""
        told = "\n".join([self.artifact.version, *(f"{k} {v}" for k, v in self.schema.items())])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def reads_links(self) -> bool:
        """Whether what linked customers do counts."""
        return any(FEATURES[name].grain == "links" for name in self.groups)

    @property
    def version(self) -> str:
        """Of the model."""
        return self.artifact.version

    @property
    def of_first_purchase(self) -> tuple[str, ...]:
        """Attributes of the first purchase that it reads."""
        return _of_first_purchase(self.artifact.fitted.features)

    def linked(self, customer_id: Any) -> set[Any]:
        """Customers whose ledgers the features of this one need too, where a group reads links."""
        return self.beside.linked(customer_id) if self.reads_links else set()

    def snapshot(self, ledgers: Sequence[CustomerLedger], as_of: date) -> Snapshot:
        """What was known of these customers before as_of; those of whom nothing was are left out.

        It holds rows alone, no events.
        """
        near = self._neighbours(ledgers)
        found = [
            one.features(
                as_of,
                self.groups,
                tables=self.beside.of_customer(one.customer_id),
                neighbours={who: near[who] for who in self.linked(one.customer_id) if who in near},
            )
            for one in ledgers
        ]
        rows = [row for row in found if row]
        if self.of_first_purchase:
            rows = self._with_first_purchases(rows, as_of)
        events = EventLog(
            relation="",
            columns=self.workspace.columns,
            currency=self.workspace.currency,
            has_clock=self.workspace.has_clock,
            has_known_time=True,
            quality=QualityReport(0, 0),
            tables=self.beside.profiles([one.customer_id for one in ledgers]).before(as_of),
            kinds=self.workspace.kinds,
            rated_kinds=self.workspace.rated_kinds,
            cut=as_of,
            elsewhere=NO_ENGINE,
        )
        features = self.artifact.fitted.features
        customers = pl.DataFrame(rows, schema=self.schema, orient="row", strict=False)
        if any(is_attribute(name) for name in features):
            customers = with_attributes(customers, events, features)
        return Snapshot(events, customers, as_of, features)

    def _neighbours(self, ledgers: Sequence[CustomerLedger]) -> dict[Any, CustomerLedger]:
        wanted = {who for one in ledgers for who in self.linked(one.customer_id)}
        if not wanted:
            return {}
        assert self.store is not None
        found = {one.customer_id: one for one in ledgers if one.customer_id in wanted}
        for held in self.store.held([who for who in wanted if who not in found]):
            if held is not None:
                found[held.customer_id] = read_ledger(held.ledger)
        return found

    def _with_first_purchases(
        self, rows: Sequence[dict[str, Any]], as_of: date
    ) -> list[dict[str, Any]]:
        """As `with_attributes` does it: of several purchases of one instant the least value."""
        assert self.store is not None
        first = defaultdict[Any, list[Any]](list)
        for one in self.store.first_purchases(
            [row["customer_id"] for row in rows],
            kinds=(*PURCHASE_KINDS, *self.workspace.rated_kinds),
            before=as_of,
        ):
            first[one.customer_id].append(one)

        def least(who: Any, column: str) -> Any:
            told = (getattr(one, column) for one in first[who])
            return min((value for value in told if value is not None), default=None)

        columns = {name: name.removeprefix(_READ_FROM_EVENTS) for name in self.of_first_purchase}
        return [
            row | {name: least(row["customer_id"], column) for name, column in columns.items()}
            for row in rows
        ]

    def score(self, ledgers: Sequence[CustomerLedger], as_of: date) -> dict[Any, Score]:
        """The score of each customer of whom something was known before as_of."""
        return self.score_snapshot(self.snapshot(ledgers, as_of)) if ledgers else {}

    def score_snapshot(self, snapshot: Snapshot) -> dict[Any, Score]:
        """The same from a snapshot of this model's."""
        if snapshot.customers.is_empty():
            return {}
        rows = score(snapshot, self.scoring(snapshot)).iter_rows(named=True)
        return {row["customer_id"]: self._told(row) for row in rows}

    def scoring(self, snapshot: Snapshot) -> Scoring:
        """The economics of the snapshot's customers with the model."""
        place = self.workspace
        usual = (place.margin, place.cac)
        margin: Any = place.margin
        cac: Any = place.cac
        if self.own:
            ids = snapshot.customers["customer_id"].to_list()
            margin, cac = np.array([self.own.get(one, usual) for one in ids]).T
        economics = Economics(margin, place.annual_discount_rate, cac)
        return scoring_of(self.artifact, economics)

    def _told(self, row: Mapping[str, Any]) -> Score:
        clv, place = row["clv"], self.workspace
        # Why: who brings nothing is low, whatever parted the others.
        # Why a little more: who was at the edge at the run may differ from it in the last bit.
        told = clv * (1 + 1e-9)
        worth = "high" if told >= place.high else "medium" if told >= place.medium else "low"
        segment = worth if clv > 0 else "low"
        named = {name: row[name] for name in Score.__struct_fields__}
        return Score(**{**named, "segment": segment})


def _of_first_purchase(features: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in features if name.startswith(_READ_FROM_EVENTS))


def load_live_model(
    workspace: Workspace,
    *,
    store: EventStore | None = None,
    model: str | None = None,
    signing_key: bytes | None = None,
) -> LiveModel:
    """The workspace's model, or another one below its folder, made ready to score ledgers.

    store : needed where the model reads what linked customers did, or first purchases

    Raises
    ------
    ArtifactError : there is no such model
    SettingsError : it reads what a ledger does not hold, or forecasts other money
    """
    artifact = load_artifact(workspace.folder / (model or workspace.model), signing_key=signing_key)
    if artifact.currency != workspace.currency:
        raise SettingsError(
            f"the model forecasts {artifact.currency}, the events are in {workspace.currency}."
        )
    features = artifact.fitted.features
    groups = tuple(name for name in features if not is_attribute(name))
    first = _of_first_purchase(features)
    if store is None and (first or any(FEATURES[name].grain == "links" for name in groups)):
        raise SettingsError(
            "the model reads first purchases, or what linked customers did; give the event store "
            "that has them."
        )
    log = workspace.log()
    (anyone,) = log.engine.row(f"SELECT min(customer_id) FROM ({log.sql()})")
    one = pl.Series("customer_id", [anyone], pl.Int64 if workspace.whole_ids else pl.String)
    sample = take_snapshot(log.among(one), as_of=workspace.as_of, features=(*groups, *first))
    return LiveModel(
        artifact,
        workspace,
        groups,
        dict(sample.customers.schema),
        Beside.of(workspace.tables()),
        workspace.own_economics(),
        store,
    )
