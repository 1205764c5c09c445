"""What SQL's aggregates make of the values of a few rows; NULLs are passed over before."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

__all__ = ["AGGREGATES", "KEYED"]

Value = Any


def _sum(values: Sequence[Value]) -> Value:
    if not values:
        return None
    return math.fsum(values) if isinstance(values[0], float) else sum(values)


def _mean(values: Sequence[Value]) -> float | None:
    total = _sum(values)
    return None if total is None else float(total) / len(values)


def _sd(values: Sequence[Value]) -> float | None:
    """Of a sample: with n − 1."""
    if len(values) < 2:
        return None
    if min(values) == max(values):
        return 0.0  # as engines say that update mean by mean; a rounded mean would leave 1e-15
    numbers = [float(value) for value in values]
    mean = math.fsum(numbers) / len(numbers)
    return math.sqrt(math.fsum((x - mean) ** 2 for x in numbers) / (len(numbers) - 1))


def _at(choose: Callable[..., Any]) -> Callable[[Sequence[tuple[Value, Value]]], Value]:
    """The value beside the extreme key; keys do not tie."""

    def at(pairs: Sequence[tuple[Value, Value]]) -> Value:
        return choose(pairs, key=lambda pair: pair[1])[0] if pairs else None

    return at


def _count_if(values: Sequence[Value]) -> int:
    return sum(1 for value in values if value)


AGGREGATES: Final[Mapping[str, Callable[[Sequence[Value]], Value]]] = {
    "Count": len,
    "CountIf": _count_if,
    "Sum": _sum,
    "Avg": _mean,
    "StddevSamp": _sd,
    "Min": lambda values: min(values, default=None),
    "Max": lambda values: max(values, default=None),
}

# Aggregates of a value at the extreme of another.
KEYED: Final[Mapping[str, Callable[[Sequence[tuple[Value, Value]]], Value]]] = {
    "ArgMax": _at(max),
    "ArgMin": _at(min),
}
