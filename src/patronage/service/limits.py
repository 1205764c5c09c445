"""Limits: how often a key may ask."""

import time
from typing import final

from patronage.service.problems import Problem

__all__ = ["Buckets"]


@final
class Buckets:
    """A token bucket for each key: `burst` tokens at most, `per_second` of them anew."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, who: str) -> None:
        """Take one token.

        Raises
        ------
        Problem : there is none (429), with the seconds until there is
        """
        now = time.monotonic()
        left, then = self._left.get(who, (self._burst, now))
        left = min(self._burst, left + (now - then) * self._per_second)
        if left < 1.0:
            self._left[who] = left, now
            wait = max(1, round((1.0 - left) / self._per_second + 0.5))
            raise Problem(
                429,
                f"This key may ask {self._per_second:g} times a second. Wait, and ask again.",
                headers={"retry-after": str(wait)},
            )
        self._left[who] = left - 1.0, now
