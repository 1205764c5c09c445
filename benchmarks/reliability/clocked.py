"""`patronage serve` whose clock is wrong by the seconds that a file holds.

python clocked.py FILE serve …
"""

import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Self

from patronage.cli import main
from patronage.live import scorer

SHIFT = Path(sys.argv[1])


class Wrong(datetime):
    """The one clock of the service is `patronage.live.scorer.utc_now`, which asks this class."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return datetime.now(tz) + timedelta(seconds=float(SHIFT.read_text()))  # type: ignore[return-value]


if __name__ == "__main__":
    scorer.datetime = Wrong  # type: ignore[misc]
    sys.argv[1:] = sys.argv[2:]
    main()
