"""What SQLite does of its own."""

import threading
from pathlib import Path

import pytest

from patronage.errors import StoreError
from patronage.live.sqlite import SQLite


def test_it_is_closed_when_those_at_work_are_done(tmp_path: Path) -> None:
    database = SQLite(tmp_path / "events.db")
    closed = threading.Event()

    def close() -> None:
        database.close()
        closed.set()

    with database.writing() as tx:
        closing = threading.Thread(target=close)
        closing.start()
        assert not closed.wait(0.1)
        tx.run("INSERT INTO notes VALUES ('last', 'kept')")
    closing.join()

    with pytest.raises(StoreError, match="closed"), database.writing():
        pass
    again = SQLite(tmp_path / "events.db")
    with again.reading() as tx:
        assert tx.rows("SELECT text FROM notes WHERE name = 'last'") == [("kept",)]
    again.close()
