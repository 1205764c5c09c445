"""Connections: a bounded number of connections to one PostgreSQL, that heals by itself."""

import selectors
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, final

import psycopg
from psycopg.pq import TransactionStatus

__all__ = ["Connections"]

_Connection = psycopg.Connection[tuple[Any, ...]]


@final
class Connections:
    """Made when they are needed, kept when they are well.

    Why not the pool of psycopg: it connects behind the caller's back and waits between attempts,
    so that a caller learns late that the server is gone, without the reason, and late that it is
    there again.

    Parameters
    ----------
    connect : makes one
    most : lent at a time; who comes then waits
    seconds : how long
    """

    def __init__(self, connect: Callable[[], _Connection], *, most: int, seconds: float) -> None:
        self._connect, self._most, self._seconds = connect, most, seconds
        self._places = threading.BoundedSemaphore(most)
        self._idle: deque[_Connection] = deque()

    @contextmanager
    def one(self) -> Iterator[_Connection]:
        """A connection of the caller's own for a while.

        Raises
        ------
        psycopg.Error : all are lent, or none can be made
        """
        if not self._places.acquire(timeout=self._seconds):
            raise psycopg.OperationalError(
                f"all {self._most} connections were busy for {self._seconds:g} seconds"
            )
        try:
            connection = self._well() or self._connect()
            try:
                yield connection
            finally:
                if (
                    connection.closed
                    or connection.info.transaction_status != TransactionStatus.IDLE
                ):
                    connection.close()
                else:
                    self._idle.append(connection)
        finally:
            self._places.release()

    def _well(self) -> _Connection | None:
        """An idle one that the server has not left; the last used, so that the others may rest."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if not _was_told(connection):
                return connection
            connection.close()

    def close(self) -> None:
        """Close the idle ones; those that are lent end with their work."""
        while self._idle:
            self._idle.pop().close()


def _was_told(connection: _Connection) -> bool:
    """Whether something lies there to be read: who was not asked speaks to say farewell.

    Why not a query: it would double the way of every read.
    """
    try:
        with selectors.DefaultSelector() as watching:
            watching.register(connection.fileno(), selectors.EVENT_READ)
            return bool(watching.select(0))
    except psycopg.Error:
        return True
