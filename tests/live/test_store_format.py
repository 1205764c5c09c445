"""A store that another version filled is refused when it is opened, over every database."""

import pytest

pytest.importorskip("msgspec", reason="for want of msgspec, of the extra live")

from live.arriving import NOW, event, folded, ledger_of
from patronage.errors import StoreError
from patronage.live.store_format import FORMAT


def change(store, sql, *parameters):
    with store.database.writing() as tx:
        tx.run(sql, parameters)


def note(store):
    with store.database.reading() as tx:
        return tx.rows("SELECT text FROM notes WHERE name = 'tables'")


@pytest.mark.parametrize("told", ["DELETE FROM notes", "UPDATE notes SET text = '1'"])
def test_one_that_was_filled_before_there_were_numbers_is_refused(opened, told):
    store = opened()
    store.take_in([event("1")], now=NOW)
    change(store, told)
    before = note(store)

    for _ in range(2):
        with pytest.raises(StoreError, match=r"of format 1, .*\nTo mend: .*`patronage export`"):
            opened()
    assert note(store) == before


def test_one_of_a_later_format_is_refused(opened):
    store = opened()
    later = str(int(FORMAT) + 1)
    change(store, "UPDATE notes SET text = ? WHERE name = 'tables'", later)

    with pytest.raises(StoreError, match=f"of format {later}, this version of Patronage reads"):
        opened()


@pytest.mark.parametrize("told", ["DELETE FROM notes", "UPDATE notes SET text = '1'"])
def test_one_without_a_number_goes_on_where_it_is_empty(opened, told):
    store = opened()
    change(store, told)

    again = opened()

    assert note(again) == [(FORMAT,)]
    again.take_in([event("2")], now=NOW)
    assert ledger_of(again) == folded([event("2")])
