"""A store that another version filled is refused when it is opened, over every database."""

import pytest

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from live.arriving import NOW, event, folded, ledger_of
from patronage.errors import StoreError
from patronage.live.store_format import FORMAT

EARLIER = '{"customer_id":"ann","has_clock":true,"rated_kinds":[],"cells":[]}'


def change(store, sql, *parameters):
    with store.database.writing() as tx:
        tx.run(sql, parameters)


def note(store):
    with store.database.reading() as tx:
        return tx.rows("SELECT text FROM notes WHERE name = 'tables'")


def test_one_with_an_earlier_ledger_is_refused(opened):
    store = opened()
    store.take_in([event("1"), event("2", "bob"), event("3", "cid")], now=NOW)
    change(store, "UPDATE ledgers SET ledger = ? WHERE customer_id = ?", EARLIER, "bob")
    change(store, "DELETE FROM notes")

    for _ in range(2):
        with pytest.raises(StoreError, match=r"an earlier version.*\nTo mend: `patronage export`"):
            opened()
    assert note(store) == []


def test_one_of_a_later_format_is_refused(opened):
    store = opened()
    later = str(int(FORMAT) + 1)
    change(store, "UPDATE notes SET text = ? WHERE name = 'tables'", later)

    with pytest.raises(StoreError, match=f"of format {later}, this version of Patronage reads"):
        opened()


@pytest.mark.parametrize("told", ["DELETE FROM notes", "UPDATE notes SET text = '1'"])
@pytest.mark.parametrize("events", [(), (event("1"),)])
def test_one_without_a_number_goes_on_where_it_holds_nothing_of_before(opened, told, events):
    store = opened()
    store.take_in(events, now=NOW)
    change(store, told)

    again = opened()

    assert note(again) == [(FORMAT,)]
    again.take_in([event("2")], now=NOW)
    assert ledger_of(again) == folded([*events, event("2")])
