"""Spelling: how the log that a service continues writes its events."""

from dataclasses import dataclass

from patronage.events.rates import Rates

__all__ = ["Spelling"]


@dataclass(frozen=True)
class Spelling:
    """How the log that the service continues spells its events.

    Attributes
    ----------
    whole_ids : customer ids are whole numbers
    has_clock : times of day matter; else only days do
    rates : what events without an amount of their own are worth; None: nothing
    """

    whole_ids: bool
    has_clock: bool
    rates: Rates | None = None

    @property
    def rated_kinds(self) -> tuple[str, ...]:
        """As in `EventLog`."""
        return () if self.rates is None else self.rates.kinds
