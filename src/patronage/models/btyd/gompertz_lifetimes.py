"""What is left of a gamma-mixed Gompertz lifetime, given that it has lasted until T.

S(T+u) / S(T) with S(y) = (β / (β + e^{by} - 1))^s: its integral over a period, its density at the
nodes of a quadrature, and draws. The substitution is that of `likelihoods.gompertz_exposure`.
"""

from typing import Final

import numpy as np
from jaxtyping import Float
from numpy.polynomial.legendre import leggauss

from patronage.models.likelihoods.gompertz_exposure import ageing, dying, quadrature, rule_of

__all__ = ["death_nodes", "expected_life", "life_left", "log_survival"]

Parameter = float | Float[np.ndarray, "rows 1"]
# A survival of e^-40 adds nothing to a float64.
_CUT: Final = 40.0


def log_survival(
    b: Parameter,
    s: Parameter,
    beta: Parameter,
    T: Float[np.ndarray, "rows 1"],
    days: Float[np.ndarray, "..."],
) -> Float[np.ndarray, "rows times"]:
    """ln S(T+days)/S(T); days the same for all rows, or each its own."""
    later, now = (dying(b, beta, y).decline for y in (T + days, T))
    return np.asarray(np.minimum(-s * (later - now), 0.0))


def expected_life(
    b: Parameter,
    s: Parameter,
    beta: Parameter,
    T: Float[np.ndarray, "rows 1"],
    edges: Float[np.ndarray, " edges"],
) -> Float[np.ndarray, "rows periods"]:
    """∫ S(T+u)/S(T) du between neighbouring edges, in the unit of T."""
    shift, _, rest, level = ageing(np.inf, b, beta)
    aged = b * (T + edges)
    early = np.minimum(aged, level)
    start = np.expm1(shift + early)
    width = np.log1p(np.expm1(np.diff(early)) / -np.expm1(-(shift + early[:, :-1])))
    fallen = np.expm1(np.minimum(_CUT / s, 600.0))
    width = np.minimum(width, np.log1p((1.0 + rest / start[:, :-1]) * fallen))
    reached = np.log(start + rest)
    total = np.zeros_like(width)
    needed = rule_of(width, s * np.diff(reached)).max(axis=1, keepdims=True)
    for n_nodes in np.unique(needed):
        nodes, log_weights = quadrature(width, width, int(n_nodes))
        mine = np.where(needed == n_nodes, width, 0.0)
        for node, log_weight in zip(nodes, log_weights, strict=True):
            E = start[:, :-1] * np.exp(node * mine)
            lost = np.log(E + rest) - reached[:, :1]
            total += mine / b * np.exp(log_weight - s * lost) * E / (1.0 + E)
    if np.all(aged <= level):
        return np.asarray(total)
    # From `level` on, the lifetime is exponential at rate s b.
    late = np.maximum(aged - level, 0.0)
    first = np.maximum(aged[:, :1] - level, 0.0)
    at_level = np.log(np.expm1(shift + level) + rest) - reached[:, :1]
    left = np.exp(-s * (at_level + late[:, :-1] - first))
    ahead = s * np.diff(late)
    shrink = np.where(ahead > 0, -np.expm1(-ahead) / np.where(ahead > 0, ahead, 1.0), 1.0)
    return np.asarray(total + left * np.diff(late) / b * shrink)


def death_nodes(
    alpha: Parameter,
    b: Parameter,
    s: Parameter,
    beta: Parameter,
    T: Float[np.ndarray, "rows 1"],
    days: float,
    n_nodes: int,
) -> tuple[Float[np.ndarray, "rows nodes"], Float[np.ndarray, "rows nodes"]]:
    """Times active within `days`, and their masses: nodes of the density, then `days` itself.

    Parameters
    ----------
    alpha : of factors (alpha + T + u)^-n that the nodes have to serve too
    """
    shift, _, rest, level = ageing(alpha, b, beta)
    aged, end = np.minimum(b * T, level), np.minimum(b * (T + days), level)
    start = np.expm1(shift + aged)
    width = np.log1p(np.expm1(end - aged) / -np.expm1(-(shift + aged)))
    fallen = np.expm1(np.minimum(_CUT / s, 600.0))
    width = np.minimum(width, np.log1p((1.0 + rest / start) * fallen))
    nodes, weights = _legendre(n_nodes + int(3.0 * width.max(initial=0.0)))
    gained = start * np.expm1(nodes * width)
    active = [np.log1p(gained / (1.0 + start)) / b]
    lost = np.log1p(gained / (start + rest))
    density = s * (start + gained) / (start + gained + rest)
    mass = [weights * width * density * np.exp(-s * lost)]
    # The hazard is b from `level` on, to the last digit; nearly always beyond every horizon.
    if np.any(b * (T + days) > level):
        before = np.maximum(level / b - T, 0.0)
        length = np.clip(days - before, 0.0, _CUT / (s * b))
        late = before + nodes * length
        active.append(late)
        mass.append(weights * length * s * b * np.exp(log_survival(b, s, beta, T, late)))
    whole = np.exp(log_survival(b, s, beta, T, np.full((1, 1), days)))
    return (
        np.concatenate([*active, np.full_like(whole, days)], axis=1),
        np.concatenate([*mass, whole], axis=1),
    )


def life_left(
    b: float | Float[np.ndarray, " rows"],
    s: float | Float[np.ndarray, " rows"],
    beta: float | Float[np.ndarray, " rows"],
    T: Float[np.ndarray, " rows"],
    shape: tuple[int, ...],
    rng: np.random.Generator,
) -> Float[np.ndarray, "*draws rows"]:
    """Draws of u with P(u > v) = S(T+v)/S(T), in the unit of T."""
    decline = dying(b, beta, T).decline + rng.standard_exponential(shape) / s
    near = np.log1p(beta * np.expm1(np.minimum(decline, 30.0)))
    far = decline + np.log(beta) + np.log1p((1.0 / beta - 1.0) * np.exp(-np.maximum(decline, 30.0)))
    return np.asarray(np.maximum(np.where(decline <= 30.0, near, far) / b - T, 0.0))


def _legendre(n: int) -> tuple[Float[np.ndarray, " nodes"], Float[np.ndarray, " nodes"]]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    nodes, weights = leggauss(n)
    return (nodes + 1.0) / 2.0, weights / 2.0
