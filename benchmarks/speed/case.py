"""Case: one thing that is measured, by whom, and what it is held to. Standard library only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from clock import Clock

__all__ = ["Case", "Measured", "Side", "Target", "cpu", "memory", "seconds", "times_faster"]


@dataclass(frozen=True)
class Side:
    """One way to do the work, in an environment of its own.

    Attributes
    ----------
    work : does it, times its parts, and returns the figures by which sides are compared
    environment : 'patronage', or the name of a file in benchmarks/requirements
    parts : the parts of the clock that make up "the time"
    rounds : at most this many (None: as many as asked for)
    variables : further environment variables
    """

    work: Callable[[Clock], dict[str, Any]]
    environment: str = "patronage"
    parts: tuple[str, ...] = ("work",)
    rounds: int | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """What the rounds of one side gave.

    Attributes
    ----------
    wall, cpu : seconds by part, medians over the rounds, and their sum as "total"
    peak_mib : peak resident memory of the process, the largest of the rounds
    load : load average of the machine, mean over the rounds
    answer : figures of the last round
    """

    wall: Mapping[str, float]
    cpu: Mapping[str, float]
    peak_mib: float
    load: float
    rounds: int
    answer: Mapping[str, Any]
    failed: str | None = None

    @classmethod
    def of(cls, rounds: list[Mapping[str, Any]], parts: tuple[str, ...]) -> "Measured":
        def medians(what: str) -> dict[str, float]:
            each = {part: median(r[what][part] for r in rounds) for part in rounds[0][what]}
            total = median(sum(r[what][part] for part in parts) for r in rounds)
            return {**each, "total": total}

        return cls(
            wall=medians("wall"),
            cpu=medians("cpu"),
            peak_mib=max(r["peak_mib"] for r in rounds),
            load=sum(r["load"] for r in rounds) / len(rounds),
            rounds=len(rounds),
            answer=rounds[-1]["answer"],
        )


Sides = Mapping[str, Measured]


@dataclass(frozen=True)
class Target:
    """A number that the sides of a case are held to; without a bound it is only reported."""

    says: str
    value: Callable[[Sides], float]
    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: float) -> bool:
        if self.at_least is not None:
            return value >= self.at_least
        return self.at_most is None or value <= self.at_most


@dataclass(frozen=True)
class Case:
    """One thing that is measured.

    Attributes
    ----------
    agree : sentences that say where the answers of the sides differ; empty where they agree
    needs : generated data files
    asked_only : runs only when it is named (too long or too large for every run)
    """

    title: str
    sides: Mapping[str, Side]
    targets: tuple[Target, ...]
    agree: Callable[[Sides], list[str]] = lambda sides: []  # noqa: ARG005
    needs: tuple[str, ...] = ()
    asked_only: bool = False


def times_faster(peer: str, part: str = "total") -> Callable[[Sides], float]:
    """Wall seconds of the peer's part over the whole of ours."""
    return lambda sides: sides[peer].wall[part] / sides["patronage"].wall["total"]


def seconds(side: str = "patronage", part: str = "total") -> Callable[[Sides], float]:
    return lambda sides: sides[side].wall[part]


def cpu(side: str = "patronage") -> Callable[[Sides], float]:
    return lambda sides: sides[side].cpu["total"]


def memory(peer: str | None = None) -> Callable[[Sides], float]:
    """Our peak memory in MiB, or as a share of a peer's."""
    return lambda sides: sides["patronage"].peak_mib / (sides[peer].peak_mib if peer else 1.0)
