"""How a job says how far it is."""

from collections.abc import Callable

__all__ = ["Progress", "silent"]

# Called with the name of a stage and the fraction of it that is done.
Progress = Callable[[str, float], None]


def silent(stage: str, done: float) -> None:
    """Say nothing."""
    del stage, done
