"""scikit-learn, imported when it is first needed; what it learns is kept as plain arrays."""

from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

from patronage.errors import MissingExtraError

__all__ = ["one_thread", "sklearn"]


def sklearn(part: str) -> Any:
    """A module of the package, such as "ensemble"."""
    try:
        return import_module(f"sklearn.{part}")
    except ImportError as error:
        raise MissingExtraError.of("scikit-learn", "boost") from error


def one_thread() -> AbstractContextManager[Any]:
    """Inside, trees start no threads of their own: members have one each.

    Why not BLAS too: its number of threads is the whole process's, and others are computing.
    """
    limits: Any = import_module("threadpoolctl")
    kept: AbstractContextManager[Any] = limits.threadpool_limits(1, user_api="openmp")
    return kept
