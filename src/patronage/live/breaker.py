"""Breaker: stops asking what does not answer, so that its callers lose no time on it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import final

from patronage.errors import StoreError

__all__ = ["Breaker"]


@final
class Breaker:
    """Opens after some failures in a row; then one caller at a time finds out whether it is back.

    Parameters
    ----------
    failed : what an error of the thing guarded becomes
    errors : those that are failures of it, not of its caller
    failures : in a row, before it opens
    seconds : until the next caller may try
    """

    def __init__(
        self,
        failed: Callable[[Exception], StoreError],
        errors: tuple[type[Exception], ...],
        *,
        failures: int = 3,
        seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failed, self._errors, self._clock = failed, errors, clock
        self._most, self._seconds = failures, seconds
        self._lock = threading.Lock()
        self._in_a_row, self._shut_until = 0, 0.0
        self._last: StoreError | None = None

    @property
    def is_open(self) -> bool:
        """Nobody asks at present."""
        return self._last is not None and self._clock() < self._shut_until

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Around one question; may be held across an await.

        Raises
        ------
        StoreError : it failed, or it was not asked because it failed before
        """
        with self._lock:
            if self._last is not None:
                if self._clock() < self._shut_until:
                    raise StoreError(*self._last.args)
                self._shut_until = self._clock() + self._seconds
        try:
            yield
        except self._errors as error:
            failure = self._failed(error)
            with self._lock:
                self._in_a_row += 1
                if self._in_a_row >= self._most:
                    self._last = failure
                    self._shut_until = self._clock() + self._seconds
            raise failure from error
        with self._lock:
            self._in_a_row, self._last = 0, None
