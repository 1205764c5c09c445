"""Parts: what the handlers of one app share."""

import asyncio
from dataclasses import dataclass
from typing import Final

from patronage.errors import StoreError
from patronage.live.following import Following
from patronage.live.system import LiveSystem
from patronage.service.changes import Changes
from patronage.service.intake import Intake
from patronage.service.keys import KeyStore
from patronage.service.logs import Log
from patronage.service.metrics import Metrics
from patronage.service.portfolio import Portfolio
from patronage.service.reading import ScoreReader
from patronage.service.settings import ServiceSettings
from patronage.service.switching import ModelSwitch

__all__ = ["Parts", "put_together"]

_FOLLOW_EVERY: Final = 1.0
_TELL_EVERY: Final = 0.1


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
    switch: ModelSwitch
    log: Log

    async def follow(self) -> None:
        """Put to work, again and again, the model that another process chose."""
        while True:
            try:
                name = await asyncio.to_thread(self.switch.follow)
                if name is not None:
                    self.log.info("model put to work", model=name, by="another process")
            except Exception as error:
                # Why go on: the model before stays at work, and the file may be mended.
                self.log.error("model not followed", exc_info=error)
            await asyncio.sleep(_FOLLOW_EVERY)

    async def follow_changes(self) -> None:
        """Tell, again and again, what any process over the same stores changed."""
        following, store = None, self.system.store
        while True:
            try:
                if following is None:
                    following = await asyncio.to_thread(Following, store)
                new = await asyncio.to_thread(following.new)
                if new and self.changes.is_heard:
                    self.changes.tell(await asyncio.to_thread(store.changes, new))
            except StoreError as error:
                self.log.warning("changes not followed", reason=str(error))
            await asyncio.sleep(_TELL_EVERY)

    async def close(self) -> None:
        """End streams, and let what is at hand end."""
        self.changes.close()
        await asyncio.to_thread(self.intake.close)
        await asyncio.to_thread(self.scores.close)


def put_together(system: LiveSystem, settings: ServiceSettings, log: Log) -> Parts:
    """The parts of a service over this system; the scorer tells it of changes from now on."""
    metrics = Metrics()
    changes = Changes(
        metrics,
        most_streams=settings.max_streams,
        stream_events=settings.stream_events,
        shared=settings.shared,
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
        switch=ModelSwitch(system, signing_key=settings.signing_key),
        log=log,
    )
