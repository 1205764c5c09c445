"""Which format an event store is of: a number in its notes, looked at when it is opened."""

from typing import Final

from patronage.errors import StoreError
from patronage.live.database import Database

__all__ = ["FORMAT", "settle_format"]

# One more for every change of what the tables or the ledgers' texts hold.
FORMAT: Final = "3"
# What stores of the time before there were numbers say, if anything.
_UNNUMBERED: Final = (None, "1")
_NOTE: Final = "SELECT text FROM notes WHERE name = 'tables'"


def settle_format(database: Database) -> None:
    """Refuse a store of another format; one that is new is marked as of this one.

    Raises
    ------
    StoreError : another version of Patronage filled it
    """
    with database.reading() as tx:
        if tx.rows(_NOTE) == [(FORMAT,)]:
            return
    with database.writing() as tx:
        tx.alone("tables")
        noted = next((text for (text,) in tx.rows(_NOTE)), None)
        if noted == FORMAT:
            return
        # Why look: who made the tables may have stopped before the number was written.
        filled = tx.rows("SELECT 1 FROM ledgers WHERE version > 0 LIMIT 1")
        if noted not in _UNNUMBERED or filled:
            raise StoreError(
                f"the event store is of format {noted or 1}, this version of Patronage reads "
                f"{FORMAT}.\n"
                "To mend: serve it with the version that filled it, or `patronage export` its "
                "events with that one and begin a new store."
            )
        tx.run(
            "INSERT INTO notes VALUES ('tables', ?) "
            "ON CONFLICT (name) DO UPDATE SET text = excluded.text",
            (FORMAT,),
        )
