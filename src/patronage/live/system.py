"""LiveSystem: the parts that a service puts to work, put together once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from patronage.live.event_store import EventStore
from patronage.live.lanes import LANES, Lane
from patronage.live.online_store import OnlineStore
from patronage.live.scorer import Scorer, utc_now
from patronage.live.spelling import Spelling
from patronage.live.workspace import Workspace

__all__ = ["LiveSystem"]


@dataclass(frozen=True)
class LiveSystem:
    """What answers and what takes in; its parts live as long as the process.

    Attributes
    ----------
    store : durable side
    online : where scores are read first
    scorer : makes scores, and says which model is at work
    workspace : the run that the service continues
    now : the clock; the scorer's
    lanes : rules; the store's
    """

    store: EventStore
    online: OnlineStore
    scorer: Scorer
    workspace: Workspace
    now: Callable[[], datetime] = utc_now
    lanes: Sequence[Lane] = LANES

    @property
    def spelling(self) -> Spelling:
        """How events are to be spelled, and what those without an amount are worth."""
        return self.workspace.spelling

    def spelt(self, customer_id: int | str) -> int | str | None:
        """An id as the log spells it; None where no customer can be called so."""
        text = str(customer_id).strip()
        if not self.workspace.whole_ids:
            return text or None
        try:
            number = int(text)
        except ValueError:
            return None
        return number if str(number) == text and abs(number) < 10**18 else None
