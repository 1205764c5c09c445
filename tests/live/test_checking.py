"""A check of the stores finds what is damaged, and nothing where all is well."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from msgspec.structs import replace

from live.arriving import event
from live.test_scorer import model, scorer_of  # noqa: F401  a fixture
from patronage.live.checking import Consistency, check_stores
from patronage.live.live_model import LiveModel
from patronage.live.scorer import Scorer

NOON = datetime(2024, 5, 20, 12)
BAD = ("lost", "twice", "ledgers", "scores", "online")


@pytest.fixture
def scorer(model: LiveModel, tmp_path: Path) -> Iterator[Scorer]:  # noqa: F811
    """Three customers, scored; bob has a correction."""
    made = scorer_of(model, tmp_path, [NOON])
    first = [event(f"{n}", who, day=1 + n) for n, who in enumerate(("ann", "bob", "eve") * 3)]
    made.store.take_in([*first, event("fix", "bob", 3, replaces="1")], now=NOON)
    made.pass_once()
    yield made
    made.store.close()


def check(scorer: Scorer) -> Consistency:
    return check_stores(scorer.store, scorer.model, scorer.online)


def damage(scorer: Scorer, sql: str) -> None:
    with scorer.store.database.writing() as tx:  # type: ignore[attr-defined]
        tx.run(sql)


def test_all_is_well(scorer):
    found = check(scorer)

    assert found.is_well
    told = {name: n for name, n in asdict(found).items() if n}
    assert told == {"events": 10, "customers": 3}


def test_who_waits_is_not_compared(scorer):
    scorer.store.take_in([event("more", "ann")], now=NOON)

    found = check(scorer)

    assert found.is_well
    assert (found.waiting, found.unscored) == (1, 0)


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DELETE FROM events WHERE event_id = '0'", {"lost": 1, "ledgers": 1, "scores": 1}),
        (
            "INSERT INTO events SELECT * FROM events WHERE event_id = '3'",
            {"twice": 1, "ledgers": 1, "scores": 1},
        ),
        (
            "UPDATE ledgers SET ledger = (SELECT ledger FROM ledgers WHERE customer_id = 'bob') "
            "WHERE customer_id = 'ann'",
            {"ledgers": 1, "online": 1},
        ),
        (
            "UPDATE ledgers SET score = (SELECT score FROM ledgers WHERE customer_id = 'bob') "
            "WHERE customer_id = 'eve'",
            {"scores": 1, "online": 1},
        ),
        ("UPDATE ledgers SET version = version + 1 WHERE customer_id = 'eve'", {"online": 1}),
    ],
)
def test_what_is_damaged_is_found(scorer: Scorer, sql: str, what: dict[str, Any]):
    damage(scorer, sql)

    found = check(scorer)

    assert not found.is_well
    assert {name: n for name in BAD if (n := getattr(found, name))} == what


def test_what_the_online_store_lacks_is_counted_and_no_damage(scorer):
    scorer.online.clear()
    damage(scorer, "UPDATE ledgers SET fingerprint = 'of another model' WHERE customer_id = 'eve'")

    found = check(scorer)

    assert found.is_well
    assert (found.absent, found.unscored) == (3, 1)


def test_what_is_newer_online_is_no_damage(scorer):
    (ann,) = scorer.online.get(["ann"])
    scorer.online.put([replace(ann, version=ann.version + 1, ledger="{}")])

    assert check(scorer).is_well
