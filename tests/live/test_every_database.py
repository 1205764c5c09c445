"""The contract of an event store, over every database."""

import itertools
from datetime import date, datetime, timedelta

import msgspec
import polars as pl
import pytest

from live.arriving import NOW, SPELLING, body, event, folded, ledger_of
from patronage.live.arrivals import Arrival, Refusal, read_arrivals
from patronage.live.following import Following
from patronage.live.scores import Change, Score


def take_in(store, *events, **more):
    return store.take_in(events, now=NOW, **more)


def score_of(who="ann", clv=7.0):
    return Score(
        customer_id=who,
        clv=clv,
        clv_p10=1.0,
        clv_p90=9.0,
        clv_mean_low=None,
        clv_mean_high=None,
        p_alive=0.5,
        expected_purchases=1.5,
        segment="low",
        as_of=date(2024, 5, 21),
        horizon_days=364.0,
        currency="USD",
        model="same_again",
        version="1",
    )


def scored(task, at=NOW, clv=7.0):
    who = task.held.customer_id
    score = score_of(who, clv)
    held = msgspec.structs.replace(task.held, score=score, scored_at=at, fingerprint="f")
    change = Change(who, at, task.trigger, score, None, clv, 0.0, 0.0, task.event_ids, task.lanes)
    return task, held, change


def test_an_event_is_taken_in_exactly_once(store):
    first = take_in(store, event("1"), event("2", "bob"))
    again = take_in(store, event("1"), event("3"))

    assert first.accepted == ("1", "2")
    assert first.versions == {"ann": 1, "bob": 1}
    assert again.accepted == ("3",)
    assert again.duplicates == ("1",)
    assert again.versions == {"ann": 2}
    assert ledger_of(store) == folded([event("1"), event("3")])
    assert store.counts() == {
        "events": 3,
        "customers": 2,
        "waiting": 3,
        "dead_letters": 0,
        "reviews": 0,
    }


def test_a_retry_that_is_learned_of_later_is_the_same_event(store):
    take_in(store, event("1"))

    later = msgspec.structs.replace(event("1"), known_time=NOW + timedelta(hours=1))

    assert take_in(store, later).duplicates == ("1",)


def test_other_content_under_a_known_id_is_refused_and_kept(store):
    take_in(store, event("1"))

    receipt = take_in(store, event("2"), event("1", amount="99.00"))

    assert receipt.accepted == ("2",)
    assert "taken in before with other content" in receipt.refused[1]
    (letter,) = store.dead_letters()
    assert '"99.0000"' in letter["body"]
    assert ledger_of(store) == folded([event("1"), event("2")])


def test_within_a_batch_an_event_counts_once_and_a_contradiction_not_at_all(store):
    receipt = take_in(store, event("1"), event("1"), event("1", amount="5.00"), event("2"))

    assert receipt.accepted == ("1", "2")
    assert receipt.duplicates == ("1",)
    assert list(receipt.refused) == [2]
    assert receipt.versions == {"ann": 1}
    assert ledger_of(store) == folded([event("1"), event("2")])


def test_an_offset_that_was_passed_takes_nothing_in_again(store):
    bad = Refusal("broken", b"{")

    assert store.offset("queue") is None
    first = take_in(store, event("1"), bad, source="queue", offset=7)
    again = take_in(store, event("1"), bad, source="queue", offset=7)
    before = take_in(store, event("0"), bad, source="queue", offset=3)
    other = take_in(store, event("4"), source="file", offset=3)

    assert first.accepted == ("1",)
    assert (again.accepted, again.duplicates) == ((), ("1",))
    assert (before.accepted, before.duplicates) == ((), ("0",))
    assert other.accepted == ("4",)
    assert (store.offset("queue"), store.offset("file")) == (7, 3)
    assert store.counts()["dead_letters"] == 1


def test_a_batch_that_fails_leaves_nothing(store):
    def fail_midway():
        with store.database.writing() as tx:
            tx.insert_ids([("1", b"x")])
            tx.run("INSERT INTO offsets VALUES (?, ?)", ("queue", 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_midway()

    assert store.offset("queue") is None
    assert take_in(store, event("1")).accepted == ("1",)


def test_dead_letters_are_replayed_once(store):
    read = read_arrivals([body("1"), b"\xff{", body("2", kind="gizmo")], SPELLING, now=NOW)

    receipt = take_in(store, *read)

    assert list(receipt.refused) == [1, 2]
    latest, first = store.dead_letters()
    assert first["body"] == "\ufffd{"
    assert (latest["received"], latest["tries"]) == (NOW, 1)
    assert "there is no kind 'gizmo'" in latest["reason"]
    assert [store.dead_letter(one["id"]) for one in (latest, first)] == [latest, first]
    replayed = store.replay({latest["id"]: event("2")}, now=NOW)
    again = store.replay({latest["id"]: event("2")}, now=NOW)
    assert replayed.accepted == ("2",)
    assert (again.accepted, again.duplicates) == ((), ())
    assert [letter["id"] for letter in store.dead_letters()] == [first["id"]]
    assert store.dead_letter(latest["id"]) is None
    assert store.dead_letter(latest["id"] + 1) is None


def test_ids_of_every_script_come_back_as_they_were(store):
    names = ["Ångström", "顧客", "a'b\"c?%s", "🙂", " ".join("x" * 50), "ZZ", "aa"]

    take_in(store, *(event(f"{name}-1", name, text="50 % off?") for name in names))

    assert {one.customer_id for some in store.all_held(batch=2) for one in some} == set(names)
    assert [one.customer_id for some in store.all_held() for one in some] == sorted(names)
    for name in names:
        assert store.events(name) == [event(f"{name}-1", name, text="50 % off?")]


def test_a_correction_counts_in_place_of_what_it_corrects_in_any_order(store):
    events = [
        event("1", "ann", 1, amount="10.00"),
        event("2", "ann", 2, amount="500.00"),
        event("fix", "ann", 2, amount="50.00", replaces="2"),
        event("fixed", "ann", 2, amount="51.00", replaces="fix"),
    ]

    for number, order in enumerate(itertools.permutations(events)):
        who = f"ann{number}"
        own = [
            msgspec.structs.replace(
                one,
                customer_id=who,
                event_id=f"{one.event_id}/{number}",
                replaces=one.replaces and f"{one.replaces}/{number}",
            )
            for one in order
        ]
        for one in own:
            take_in(store, one)

        assert ledger_of(store, who) == folded(own, who)
        counted = {one.event_id.partition("/")[0] for one in store.events(who)}
        assert counted == {"1", "fixed"}


def test_the_order_of_arrival_does_not_matter(opened):
    events = [
        event("buy", day=3, amount="30.00", order_id="A", channel="web", quantity=2),
        event("refund", day=5, kind="refund", amount="30.00", order_id="A"),
        event("late", day=1, amount="12.50", known_time="2024-05-18T00:00:00"),
        event("again", day=3, amount="0.1", channel="shop"),
        event("visit", day=9, kind="visit", amount=None, device="phone"),
        event("rated", day=9, kind="review", amount=None, score=9.0),
    ]
    batches = [
        [
            msgspec.structs.replace(one, customer_id=f"c{n}", event_id=f"{one.event_id}/{n}")
            for one in order
        ]
        for n, order in enumerate(itertools.permutations(events))
    ]

    # Half of each order by another process, so that every ledger is read again and gone on with.
    take_in(opened(), *(one for batch in batches for one in batch[:3]))
    store = opened()
    take_in(store, *(one for batch in batches for one in batch[3:]))

    plain = folded(events).replace('"ann"', '"c"')
    for some in store.all_held():
        for held in some:
            assert held.version == 2
            assert held.ledger.replace(f'"{held.customer_id}"', '"c"') == plain
    assert store.counts()["customers"] == 720


def test_a_process_that_starts_anew_goes_on_where_the_last_one_ended(opened):
    first, second = opened(), opened()

    take_in(first, event("1"))
    take_in(second, event("2"))
    receipt = take_in(first, event("3"), event("2"))

    assert receipt.versions == {"ann": 3}
    assert receipt.duplicates == ("2",)
    assert ledger_of(opened()) == folded([event("1"), event("2"), event("3")])


def test_history_is_brought_once_and_tells_nobody(store):
    history = [event(f"log:{n}", f"c{n % 700}", 1 + n % 19) for n in range(1_400)]

    assert store.bring(history, offset=0) == 1_400
    assert store.bring(history, offset=0) == 0
    assert store.bring([event("more")], offset=1) == 1

    assert store.counts()["waiting"] == 0
    assert ledger_of(store, "c0") == folded(history, "c0")
    assert take_in(store, history[0]).duplicates == ("log:0",)


def test_who_is_due_is_lent_scored_and_taken_out(store):
    take_in(store, event("1"), event("2", "bob", kind="cancellation"), event("3"))

    urgent, other = store.due(NOW, limit=10)

    assert (urgent.held.customer_id, urgent.lanes) == ("bob", ("cancellation",))
    assert (other.event_ids, other.trigger) == (("1", "3"), "event")
    assert store.due(NOW, limit=10) == []
    take_in(store, event("4"))
    store.finish([scored(other), scored(urgent)])
    (left,) = store.due(NOW, limit=10)
    assert left.event_ids == ("4",)
    assert left.held.score == score_of()
    assert left.held.scored_at == NOW
    assert left.held.version == 2
    assert [change.event_ids for change in store.history("ann")] == [("1", "3")]


def test_what_another_process_changed_is_told_once(opened):
    here, there = opened(), opened()
    take_in(there, event("1"))
    there.finish([scored(task) for task in there.due(NOW, limit=10)])
    following = Following(here)
    assert following.new() == []
    take_in(there, event("2"), event("3", "bob"))
    there.finish([scored(task) for task in there.due(NOW, limit=10)])

    told = here.changes(following.new())

    assert sorted(change.event_ids for change in told) == [("2",), ("3",)]
    assert following.new() == []


def test_who_was_lent_and_not_finished_is_due_again(store):
    take_in(store, event("1"))
    (lent,) = store.due(NOW, limit=1)

    (again,) = store.due(NOW + timedelta(seconds=6), limit=1)

    assert again == lent


def test_a_new_day_makes_everybody_due(store):
    take_in(store, event("1"), event("2", "bob"))
    store.finish([scored(task) for task in store.due(NOW, limit=10)])

    marked = store.mark("calendar", now=NOW)

    assert marked == 2
    tasks = store.due(NOW, limit=10)
    assert {task.trigger for task in tasks} == {"calendar"}
    assert {task.event_ids for task in tasks} == {()}


def test_an_older_score_does_not_replace_a_newer_one(store):
    take_in(store, event("1"))
    (task,) = store.due(NOW, limit=1)

    store.finish([scored(task, NOW, clv=2.0)])
    store.finish([scored(task, NOW - timedelta(seconds=1), clv=1.0)])

    (held,) = store.held(["ann"])
    assert held.score.clv == 2.0
    assert [change.score.clv for change in store.history("ann")] == [2.0, 1.0]


def test_old_changes_are_forgotten_some_at_a_time_and_the_score_stays(store):
    take_in(store, event("1"))
    (task,) = store.due(NOW, limit=1)
    store.finish([scored(task, NOW + timedelta(days=day), clv=day) for day in range(5)])
    third = date(2024, 5, 23)

    assert [store.clear_before(third, limit=2) for _ in range(3)] == [2, 1, 0]
    assert [change.score.clv for change in store.history("ann")] == [4.0, 3.0]
    (held,) = store.held(["ann"])
    assert held.score.clv == 4.0


def test_first_purchases_are_those_of_the_first_instant_as_known_then(store):
    def known(event_id, who="ann", *, on, day, **more):
        return event(event_id, who, day=day, known_time=f"2024-05-{on:02}T12:00:00", **more)

    take_in(store, known("visit", on=1, day=1, kind="visit"))
    take_in(store, known("b", on=3, day=3), known("a", on=3, day=3), known("late", on=20, day=1))
    take_in(store, known("next", on=4, day=4), known("wrong", "bob", on=2, day=2))
    take_in(store, known("right", "bob", on=5, day=5, replaces="wrong"))

    def first(before, *kinds):
        found = store.first_purchases(
            ["ann", "bob", "eve"], kinds=kinds or ("purchase",), before=before
        )
        return sorted(one.event_id for one in found)

    assert first(NOW.date()) == ["a", "b", "right"]
    assert first(NOW.date() + timedelta(days=1)) == ["late", "right"]
    assert first(date(2024, 5, 3)) == []
    assert first(date(2024, 5, 4), "purchase", "visit") == ["visit"]


def test_what_people_must_decide_is_decided_once(store):
    take_in(store, event("1", kind="cancellation"), event("2", "bob"))

    (review,) = store.reviews()

    assert (review["customer_id"], review["lane"]) == ("ann", "cancellation")
    assert store.decide(review["id"], decision="call", by="eve", now=NOW)
    assert not store.decide(review["id"], decision="drop", by="bob", now=NOW)
    assert store.reviews() == []


def test_who_is_not_known_is_not_held(store):
    take_in(store, event("1"))

    assert [one and one.customer_id for one in store.held(["bob", "ann", "eve"])] == [
        None,
        "ann",
        None,
    ]
    assert len(store.held([f"c{n}" for n in range(1_200)])) == 1_200


def test_the_events_of_a_store_are_a_log(store, tmp_path):
    old = replace_time(event("old"), datetime(1999, 12, 31, 23, 59, 59, 999_999))
    take_in(store, old, event("1", day=2), event("fix", day=2, amount="4.00", replaces="1"))

    assert store.export(tmp_path / "log.parquet") == 2

    frame = pl.read_parquet(tmp_path / "log.parquet")
    assert frame["event_id"].to_list() == ["old", "fix"]
    assert frame["event_time"].to_list() == [old.event_time, datetime(2024, 5, 2, 9)]


def replace_time(one: Arrival, time: datetime) -> Arrival:
    return msgspec.structs.replace(one, event_time=time, known_time=NOW)
