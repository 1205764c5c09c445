"""Parts: what the handlers of one app share."""

import asyncio
from dataclasses import dataclass

from patronage.live.system import LiveSystem
from patronage.service.changes import Changes
from patronage.service.intake import Intake
from patronage.service.keys import KeyStore
from patronage.service.logs import Log
from patronage.service.metrics import Metrics
from patronage.service.portfolio import Portfolio
from patronage.service.reading import ScoreReader
from patronage.service.settings import ServiceSettings

__all__ = ["Parts", "put_together"]


@dataclass(frozen=True)
class Parts:
    """Made once for each app."""

    system: LiveSystem
    settings: ServiceSettings
    keys: KeyStore
    metrics: Metrics
    changes: Changes
    scores: ScoreReader
    intake: Intake
    portfolio: Portfolio
    log: Log

    async def close(self) -> None:
        """End streams, and let what is at hand end."""
        self.changes.close()
        await asyncio.to_thread(self.intake.close)
        await asyncio.to_thread(self.scores.close)


def put_together(system: LiveSystem, settings: ServiceSettings, log: Log) -> Parts:
    """The parts of a service over this system; the scorer tells it of changes from now on."""
    metrics = Metrics()
    changes = Changes(
        metrics, most_streams=settings.max_streams, stream_events=settings.stream_events
    )
    system.scorer.listen(changes.listen)
    return Parts(
        system=system,
        settings=settings,
        keys=KeyStore(
            settings.keys_file or system.workspace.folder / "keys.json",
            known_seconds=settings.key_seconds,
        ),
        metrics=metrics,
        changes=changes,
        scores=ScoreReader(system, metrics),
        intake=Intake(system, settings, changes, metrics),
        portfolio=Portfolio(system, cache_seconds=settings.cache_seconds),
        log=log,
    )
