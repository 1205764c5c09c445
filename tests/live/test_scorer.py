"""The scorer goes on, whatever one customer brings."""

import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import pytest

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from msgspec.structs import replace

from live.arriving import event
from live.test_live_is_batch import LATER, START, a_run
from patronage.datasets import SimulationSettings, simulate
from patronage.errors import FitError, StoreError
from patronage.events import EventLog
from patronage.live.checking import check_stores
from patronage.live.live_model import LiveModel, load_live_model
from patronage.live.online_store import InProcessStore
from patronage.live.scorer import Scorer
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite

EVENING = datetime(2024, 5, 20, 23, 58)


@dataclass(frozen=True)
class Choking(LiveModel):
    """A model that cannot say anything of one customer."""

    def score(self, ledgers: Any, as_of: Any) -> Any:
        if any(one.customer_id == "bad" for one in ledgers):
            raise FitError("the forecast of customer bad is not finite.")
        return super().score(ledgers, as_of)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> LiveModel:
    shop = simulate(SimulationSettings(n_customers=120, start=START, end=LATER), seed=7)
    log = EventLog.from_frame(shop.events.filter(kind="purchase"), currency="EUR")
    return load_live_model(a_run(log, "bg_nbd", tmp_path_factory.mktemp("run")))


def scorer_of(
    model: LiveModel, folder: Path, clock: list[datetime], *, history_days: int | None = None
) -> Scorer:
    from live.arriving import SPELLING

    store = SqlEventStore(SQLite(folder / "events.db"), SPELLING)
    return Scorer(store, InProcessStore(), model, now=lambda: clock[0], history_days=history_days)


@final
class Stubborn:
    """An online store that does not answer at times, and forgets nothing meanwhile."""

    def __init__(self) -> None:
        self.inside, self.away = InProcessStore(), False

    def get(self, customer_ids: Any) -> Any:
        self._answer()
        return self.inside.get(customer_ids)

    def put(self, held: Any) -> Any:
        self._answer()
        return self.inside.put(held)

    def clear(self) -> None:
        self.inside.clear()

    def _answer(self) -> None:
        if self.away:
            raise StoreError("away")


def test_what_the_online_store_did_not_take_is_put_there_once_it_is_back(model, tmp_path):
    scorer = scorer_of(model, tmp_path, [EVENING])
    scorer.online = online = Stubborn()
    scorer.store.take_in([event("1", "ann"), event("2", "bob")], now=EVENING)
    scorer.pass_once()
    before = online.get(["ann"])

    online.away = True
    scorer.store.take_in([event("3", "ann")], now=EVENING)
    scorer.pass_once()
    assert scorer.pass_once() == 0
    online.away = False
    assert online.get(["ann"]) == before
    scorer.pass_once()

    assert online.get(["ann"]) == scorer.store.held(["ann"]) != before
    assert check_stores(scorer.store, model, online).is_well
    scorer.store.close()


def test_scores_wait_for_events_but_not_for_ever(model, tmp_path):
    scorer, asked = scorer_of(model, tmp_path, [EVENING]), []

    def flood() -> bool:
        asked.append(time.monotonic())
        return True

    scorer.give_way(flood)
    scorer.store.take_in([event("1", "ann")], now=EVENING)
    told = threading.Event()
    scorer.listen(lambda _changes: told.set())
    scorer.start()

    assert told.wait(60)
    waited = [after - before for before, after in pairwise(asked)]
    assert sum(waited) >= 0.9, "it did not wait"
    scorer.stop()
    scorer.store.close()


def test_what_is_older_than_what_a_wiped_store_had_does_not_stay_there(model, tmp_path):
    scorer = scorer_of(model, tmp_path, [EVENING])
    scorer.store.take_in([event("1", "ann")], now=EVENING)
    scorer.pass_once()
    (read,) = scorer.store.held(["ann"])
    scorer.store.take_in([event("2", "ann")], now=EVENING)
    put, finish = scorer.online.put, scorer.store.finish

    def finish_late(done):
        # The new score was put there, and is lost; who read the old one before puts that.
        scorer.online.clear()
        scorer.offer([read])
        finish(done)

    scorer.store.finish = finish_late
    scorer.pass_once()

    assert put([read]) == [False]
    assert scorer.online.get(["ann"]) == scorer.store.held(["ann"]) != [read]
    assert not scorer.owes
    scorer.store.close()


def test_what_is_read_as_it_stays_is_owed_to_nobody(model, tmp_path):
    scorer = scorer_of(model, tmp_path, [EVENING])
    scorer.store.take_in([event("1", "ann")], now=EVENING)
    scorer.pass_once()
    scorer.online.clear()

    scorer.offer(scorer.store.held(["ann"]))

    assert scorer.pass_once() == 0
    assert scorer.online.get(["ann"]) == scorer.store.held(["ann"])
    scorer.store.close()


def test_a_clock_that_is_set_back_holds_no_score_up(model, tmp_path):
    clock = [EVENING]
    scorer = scorer_of(model, tmp_path, clock)
    scorer.store.take_in([event("1", "ann"), event("2", "bob")], now=EVENING)
    scorer.pass_once()
    scorer.store.take_in([event("3", "ann")], now=EVENING)

    clock[0] = EVENING - timedelta(hours=3)
    scorer.store.take_in([event("4", "bob")], now=clock[0])
    scorer.pass_once()

    assert scorer.store.counts()["waiting"] == 0
    for who, last in (("ann", "3"), ("bob", "4")):
        assert scorer.store.history(who)[0].event_ids == (last,)
        assert scorer.online.get([who]) == scorer.store.held([who])
    assert check_stores(scorer.store, model, scorer.online).is_well
    scorer.store.close()


def test_a_clock_that_ran_a_day_ahead_leaves_no_score_of_that_day(model, tmp_path):
    clock = [EVENING]
    scorer = scorer_of(model, tmp_path, clock)
    scorer.store.take_in([event("1", "ann"), event("2", "bob")], now=EVENING)

    for jump in (timedelta(days=1), timedelta(0)):
        clock[0] = EVENING + jump
        scorer.pass_once()

    held = scorer.store.held(["ann", "bob"])
    assert {one.score.as_of.isoformat() for one in held} == {"2024-05-21"}
    assert scorer.online.get(["ann", "bob"]) == held
    scorer.store.close()


def test_a_customer_that_cannot_be_scored_holds_up_nobody(model, tmp_path):
    choking = Choking(**{name: getattr(model, name) for name in model.__dataclass_fields__})
    scorer = scorer_of(choking, tmp_path, [EVENING])
    scorer.store.take_in([event("1", "ann"), event("2", "bad"), event("3", "bob")], now=EVENING)

    scorer.pass_once()

    ann, bad, bob = scorer.online.get(["ann", "bad", "bob"])
    assert ann.score.clv > 0
    assert bob.score.clv > 0
    assert bad is None
    assert scorer.store.counts()["waiting"] == 1
    scorer.store.close()


def test_who_is_first_known_after_midnight_waits_for_it(model, tmp_path):
    clock = [EVENING]
    scorer = scorer_of(model, tmp_path, clock)
    ahead = replace(event("1", "ann"), event_time=datetime(2024, 5, 21, 0, 1))
    scorer.store.take_in([ahead, event("2", "bob")], now=EVENING)

    scorer.pass_once()
    assert [one and one.customer_id for one in scorer.online.get(["ann", "bob"])] == [None, "bob"]

    clock[0] = datetime(2024, 5, 21, 0, 2)
    scorer.pass_once()
    assert scorer.online.get(["ann"])[0].score.as_of.isoformat() == "2024-05-22"
    scorer.store.close()


@pytest.mark.parametrize(("history_days", "kept"), [(2, 3), (None, 6)])
def test_changes_beyond_the_days_of_history_are_forgotten(model, tmp_path, history_days, kept):
    clock = [EVENING]
    scorer = scorer_of(model, tmp_path, clock, history_days=history_days)
    scorer.store.take_in([event("1", "ann"), event("2", "bob")], now=EVENING)

    for day in range(6):
        clock[0] = EVENING + timedelta(days=day)
        while scorer.pass_once():
            pass

    for who in ("ann", "bob"):
        days = [(clock[0] - change.scored_at).days for change in scorer.store.history(who)]
        assert days == list(range(kept))
    assert scorer.store.held(["ann"]) == scorer.online.get(["ann"])
    scorer.store.close()
