"""Ledger: the events of a log added up by customer, kind and days; written when first read."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from uuid import uuid4

from patronage.engines import Engine

__all__ = ["Ledger"]

_WRITING = Lock()


@dataclass(frozen=True)
class Ledger:
    """Where a compacted log has its ledger.

    Attributes
    ----------
    path : Parquet file
    events : SQL text of the rows that are added up, one per event
    sql : SQL text of what they add up to
    """

    path: Path
    events: str = field(repr=False)
    sql: str = field(repr=False)

    @property
    def is_written(self) -> bool:
        """Whether somebody has read it before."""
        return self.path.exists()

    def written(self, engine: Engine) -> Path:
        """The file, written by the engine where it is not there yet."""
        # Why one at a time: threads that ask for the same ledger write it once.
        with _WRITING:
            if not self.is_written:
                part = self.path.with_name(f"part-{uuid4().hex}.parquet")
                engine.write(self.sql, part).rename(self.path)
        return self.path
