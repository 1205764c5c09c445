"""Clock: what each named part of a side takes. Runs in every environment."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

__all__ = ["Clock"]


class Clock:
    """Wall and CPU seconds of named parts; a part that runs repeatedly counts with its median."""

    def __init__(self) -> None:
        self._wall: dict[str, list[float]] = {}
        self._cpu: dict[str, list[float]] = {}

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), _cpu_seconds()
        yield
        self._wall.setdefault(part, []).append(time.perf_counter() - wall)
        self._cpu.setdefault(part, []).append(_cpu_seconds() - cpu)

    def repeat(self, part: str, times: int, work: Callable[[], Any]) -> Any:
        """Do the work `times` times and return what the last one gave."""
        result = None
        for _ in range(times):
            result = None
            with self(part):
                result = work()
        return result

    def report(self) -> dict[str, dict[str, float]]:
        """Medians: {"wall": {part: seconds}, "cpu": {part: seconds}}."""
        return {
            "wall": {part: median(seconds) for part, seconds in self._wall.items()},
            "cpu": {part: median(seconds) for part, seconds in self._cpu.items()},
        }


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
