"""Reasons: what a fitted model says, in sentences, of how it came to be as it is."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Protocol, runtime_checkable

from patronage.models.base import FittedModel

__all__ = ["Reasoned", "reasons_of"]


@runtime_checkable
class Reasoned(Protocol):
    """A fitted model that says why it is as it is."""

    @property
    def reason(self) -> str:
        """What it was learned of, and what came of that, in a sentence."""
        ...


def reasons_of(fitted: FittedModel) -> tuple[str, ...]:
    """The model's own, and those of the models within it; each sentence once."""
    return tuple(dict.fromkeys(_reasons(fitted)))


def _reasons(fitted: FittedModel) -> Iterator[str]:
    if isinstance(fitted, Reasoned):
        yield fitted.reason
    for part in _parts(fitted):
        yield from _reasons(part)


def _parts(fitted: Any) -> Iterator[FittedModel]:
    if is_dataclass(fitted):
        for one in fields(fitted):
            held = getattr(fitted, one.name)
            inside = held.values() if isinstance(held, Mapping) else (held,)
            yield from (part for part in inside if isinstance(part, FittedModel))
