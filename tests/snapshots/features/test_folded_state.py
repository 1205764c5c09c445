"""The law of the ledger: a snapshot's row is the folded state's row, for every line of FEATURES."""

import math
import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.errors import EventSchemaError
from patronage.snapshots import FEATURES, CustomerLedger, take_snapshot
from patronage.snapshots.grains import Entries
from snapshots.features.worlds import DAYS, START, World, worlds


def ledgers_of(world: World, chance: random.Random) -> dict[int, CustomerLedger]:
    """Folded in any order."""
    events = list(world.events)
    chance.shuffle(events)
    found: dict[int, CustomerLedger] = {}
    for event in events:
        who = event["customer_id"]
        there = found.get(who, CustomerLedger(who, Entries(world.clock)))
        found[who] = there.after(event)
    return found


def assert_same(name: str, ours: Any, theirs: Any) -> None:
    if ours is None or theirs is None:
        assert ours is theirs, (name, ours, theirs)
    elif isinstance(ours, float) or isinstance(theirs, float):
        assert math.isclose(float(ours), float(theirs), rel_tol=1e-9, abs_tol=2e-9), (
            name,
            ours,
            theirs,
        )
    else:
        assert type(ours) is type(theirs) or isinstance(ours, int | Decimal), (name, ours, theirs)
        assert ours == theirs, (name, ours, theirs)


@pytest.mark.slow
@given(worlds(), st.integers(1, DAYS + 60), st.randoms(use_true_random=False), st.booleans())
def test_a_snapshot_row_is_the_row_of_the_folded_state(
    world: World, day: int, chance: random.Random, compacted: bool
) -> None:
    as_of = (START + timedelta(days=day)).date()
    groups = tuple(FEATURES)
    log = world.log()
    try:
        snapshot = take_snapshot(log.compact() if compacted else log, as_of=as_of, features=groups)
    except EventSchemaError:
        snapshot = None
    ledgers = ledgers_of(world, chance)

    folded = {
        who: ledger.features(as_of, groups, tables=log.tables, neighbours=ledgers)
        for who, ledger in ledgers.items()
    }

    rows = [] if snapshot is None else snapshot.customers.to_dicts()
    assert [row["customer_id"] for row in rows] == sorted(who for who in folded if folded[who])
    for row in rows:
        mine = folded[row["customer_id"]]
        assert list(row) == list(mine)
        for name, value in row.items():
            assert_same(name, value, mine[name])


def test_what_is_not_known_of_a_customer_is_no_row() -> None:
    later = {"event_time": START + timedelta(days=9), "amount": 5, "kind": "purchase"}

    ledger = CustomerLedger("a").after(later)

    assert ledger.features(date(2022, 1, 10), tuple(FEATURES)) == {}
    assert ledger.features(date(2022, 1, 11))["spend"] == 5.0
