"""A process that takes events in until it is killed: `python -m live.taking_in FOLDER FROM`.

It prints the number of a part once that is committed, and nothing before. Between commits it scores
what is due and writes it into an online store of files, as far as it gets.
"""

import sys
from datetime import timedelta
from pathlib import Path

from live.arriving import NOW, SPELLING, event
from patronage.live.sql_event_store import SqlEventStore
from patronage.live.sqlite import SQLite

PART, PARTS = 7, 2_000


def part(number: int) -> list:
    """The events of a part; every fifth is of the part before, sent again."""
    numbers = range(
        number * PART - (PART if number % 5 == 0 and number else 0), number * PART + PART
    )
    return [event(f"e{k}", f"c{k % 13}", day=1 + k % 19, amount=f"{k % 97}.25") for k in numbers]


def main() -> None:
    store = SqlEventStore(SQLite(Path(sys.argv[1]) / "events.db"), SPELLING)
    for number in range(int(sys.argv[2]), PARTS):
        store.take_in(part(number), now=NOW, source="test", offset=number)
        print(number, flush=True)
        if number % 3 == 0:
            store.due(NOW + timedelta(seconds=10 * number), limit=5)


if __name__ == "__main__":
    main()
