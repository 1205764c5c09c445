"""Discounted expected purchases, DERT: ∫ e^(−δu) × (purchases expected a day at u) du.

Discounting is continuous, δ = ln(1 + annual rate) / 365.25 a day: a purchase counts from its own
instant, and no convention of begin, middle or end of a period enters. Of a just-acquired customer
the same number is called DET (Fader, Hardie & Lee 2005, "RFM and CLV").

`bracketed` needs nothing but a model's expected purchases between edges, and says how far it can
be off; `by_parts` is faster and exact to rounding where a model's expectation is a smooth formula.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from patronage.errors import SettingsError
from patronage.horizon import DAYS_PER

__all__ = ["bracketed", "by_parts", "discount_per_day", "no_finite_sum"]

# e^-45 of a purchase is none to a float64.
_FAR: Final = 45.0
_ROWS: Final = 1024
# Edges are even below this many days and geometric beyond: rates change on the scale of their age.
_EVEN: Final = 7.0
_COARSEST: Final = 128
_FINEST: Final = 16_384

Rows = Float[np.ndarray, " rows"]


@runtime_checkable
class Expecting(Protocol):
    """What `bracketed` asks of counts."""

    @property
    def n_customers(self) -> int: ...

    def mean(
        self, edges: Float[np.ndarray, " edges"]
    ) -> Float[np.ndarray, "customers periods"]: ...

    def take(self, rows: Any) -> "Expecting": ...


def discount_per_day(annual_discount_rate: float) -> float:
    """δ of an effective annual rate; SettingsError below 0, where later would be worth more."""
    if not (np.isfinite(annual_discount_rate) and annual_discount_rate >= 0.0):
        raise SettingsError(
            f"annual_discount_rate is {annual_discount_rate}; it is an effective rate, 0 or more.\n"
            "To mend: write 10 percent a year as 0.10."
        )
    return float(np.log1p(annual_discount_rate) / DAYS_PER["year"])


def no_finite_sum(why: str) -> SettingsError:
    """The refusal of an undiscounted sum without an end."""
    return SettingsError(
        f"the undiscounted purchases of a whole lifetime have no finite expectation: {why}.\n"
        "To mend: give an annual_discount_rate above 0, or a finite number of days."
    )


def bracketed(counts: Expecting, delta: float, days: float, tolerance: float) -> Rows:
    """DERT from expected purchases alone, each row within `tolerance` of itself.

    In a panel between two edges the purchases fall as early or as late as the rates of the
    neighbouring panels allow, where the rate moves one way over the three; elsewhere all at its
    begin or all at its end. The answer is the middle of these bounds. Edges are doubled for the
    rows whose bounds are too far apart. Assumed is that a rate does not turn twice unseen between
    two edges, and that far out, where a purchase is worth a hundredth of the tolerance, no rate
    exceeds those of the last three panels.

    Parameters
    ----------
    delta : per day, above 0
    days : until when; may be infinite
    tolerance : largest half-width of the bounds, as a share of the middle

    Raises
    ------
    SettingsError : the tolerance is out of reach
    """
    found = np.empty(counts.n_customers)
    # Why no farther: a model without a formula may have to count every purchase on the way.
    end = min(days, (5.0 - float(np.log(tolerance))) / delta)
    for start in range(0, len(found), _ROWS):
        rows = np.arange(start, min(start + _ROWS, len(found)))
        n_panels = _COARSEST
        while len(rows):
            edges = _edges(end, n_panels)
            low, high = _bounds(counts.take(rows).mean(edges), edges, delta, cut=end < days)
            found[rows] = (low + high) / 2
            rows = rows[high - low > 2 * tolerance * found[rows] + 1e-300]
            n_panels *= 2
            if len(rows) and n_panels > _FINEST:
                raise SettingsError(
                    f"a discounted sum is not known to a share of {tolerance:g} with {_FINEST} "
                    f"periods; the bounds of row {rows[0]} are {low[-1]:g} and {high[-1]:g}.\n"
                    "To mend: ask for a larger tolerance."
                )
    return found


def _edges(until: float, n_panels: int) -> Float[np.ndarray, " edges"]:
    even = min(_EVEN, until)
    edges = even * np.expm1(np.linspace(0.0, np.log1p(until / even), n_panels + 1))
    edges[-1] = until
    return edges


def _bounds(
    expected: Float[np.ndarray, "rows panels"],
    edges: Float[np.ndarray, " edges"],
    delta: float,
    *,
    cut: bool,
) -> tuple[Rows, Rows]:
    """Of each row, whether all purchases fall as late or as early as they can."""
    begin, length = edges[:-1], np.diff(edges)
    rate = expected / length
    before, after = np.empty_like(rate), np.empty_like(rate)
    before[:, 1:], after[:, :-1] = rate[:, :-1], rate[:, 1:]
    before[:, 0], after[:, -1] = np.nan, np.nan
    lowest = np.minimum(np.minimum(before, after), rate)
    highest = np.maximum(np.maximum(before, after), rate)
    # Why the slack: a rate that stays the same turns by its rounding errors. A NaN compares as
    # false: the first and the last panel have no two neighbours.
    a, b = before - rate, rate - after
    slack = 1e-9 * highest
    one_way = ((a >= -slack) & (b >= -slack)) | ((a <= slack) & (b <= slack))
    slow = np.where(one_way, lowest, 0.0)
    fast = np.where(one_way, highest, np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (expected - slow * length) / (fast - slow)
    busy = np.where(one_way & (fast > slow), np.clip(share, 0.0, length), 0.0)
    # What is not spread at the slow rate: over `busy` days at the fast one, or at an instant.
    extra = expected - slow * length
    spread = slow * length * _mean_discount(delta * length)
    packed = extra * _mean_discount(delta * busy)
    first = np.exp(-delta * begin)
    high = (first * (spread + packed)).sum(axis=1)
    low = (first * (spread + packed * np.exp(-delta * (length - busy)))).sum(axis=1)
    beyond = rate[:, -3:].max(axis=1) * np.exp(-delta * edges[-1]) / delta
    return low, high + (beyond if cut else 0.0)


def _mean_discount(z: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """(1 − e^−z) / z, and 1 at z = 0."""
    safe = np.where(z == 0.0, 1.0, z)
    return np.where(z == 0.0, 1.0, -np.expm1(-safe) / safe)


def by_parts(
    until_each: Callable[[Float[np.ndarray, "rows times"]], Float[np.ndarray, "rows times"]],
    scale: Rows,
    *,
    delta: float,
    days: float,
) -> Rows:
    """e^(−δH) M(H) + δ ∫_0^H e^(−δu) M(u) du, M the purchases expected until u.

    Gauss-Legendre in log(1 + u / scale): M of a process whose purchase rates are gamma with rate
    `scale` has its singularities at u <= −scale, a distance of π away.

    Parameters
    ----------
    until_each : M at times of each row's own, rising along it
    """
    end = min(days, _FAR / delta)
    width = np.log1p(end / scale)
    nodes, weights = np.polynomial.legendre.leggauss(24 + 4 * int(width.max(initial=0.0)))
    v = width[:, None] * np.append((nodes + 1.0) / 2.0, 1.0)
    u = scale[:, None] * np.expm1(v)
    expected = until_each(u)
    inner = expected[:, :-1] * np.exp(-delta * u[:, :-1]) * (scale[:, None] + u[:, :-1])
    whole = delta * width * (inner @ (weights / 2.0))
    return np.asarray(whole + np.exp(-delta * end) * expected[:, -1])
