"""Work that does not depend on other work, a thread per core."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

__all__ = ["side_by_side"]

N_THREADS: Final = min(4, os.cpu_count() or 1)

Task = TypeVar("Task")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """work(task) of each task, in the order of the tasks; the last tasks are begun first.

    NumPy, DuckDB and LightGBM work outside the interpreter's lock. No result may depend on
    another's: then the order of work, and the number of threads, changes no number.
    """
    with ThreadPoolExecutor(N_THREADS) as pool:
        return list(pool.map(work, reversed(tasks)))[::-1]
