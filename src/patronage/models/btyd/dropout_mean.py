"""E[(1 − e^(−lambda p u)) / p]: purchases until u, or until a geometric dropout if it comes first.

lambda ~ Gamma(r, alpha) and p ~ Beta(a, b). With w = u / alpha this is E_p[(1 − (1 + p w)^−r) / p],
an integral of a positive, bounded function: right at a = 1 and for a + b < 1, where the textbook
form (a + b − 1)/(a − 1) × [1 − … 2F1] divides by zero or loses its sign.
"""

from typing import Final

import numpy as np
from jaxtyping import Float, Int
from scipy.special import betaln

__all__ = ["expected_until_dropout"]

# Nodes with which Gauss-Jacobi is right to 1e-11 up to a bound on w × max(1, r / b): the power
# (1 + p w)^-r is nearly a polynomial where r is small, and nearly an exponential where it is not.
_BOUNDS: Final = (0.25, 0.6, 1.2, 2.5, 5.0)
_FEW_PURCHASES: Final = 8.0
_NODES_FEW: Final = (7, 8, 11, 15, 21)
_NODES_MANY: Final = (8, 11, 16, 24, 48)
# With a dropout this well known, p varies too little for the nodes to matter at any w.
_CERTAIN: Final = 25.0
_ROWS: Final = 2048
# A table of nodes pays when at least so many rows share each pair (a, b).
_ROWS_PER_GROUP: Final = 8


def expected_until_dropout(
    r: Float[np.ndarray, " rows"],
    w: Float[np.ndarray, "rows edges"],
    *,
    a: float | Float[np.ndarray, " rows"],
    b: Float[np.ndarray, " rows"],
    group: Int[np.ndarray, " rows"] | None = None,
) -> Float[np.ndarray, "rows edges"]:
    """Expected purchases of a living customer until each w = u / alpha.

    Parameters
    ----------
    r : shape of the purchase rate given the history
    w : horizons over the rate's scale, rising; 0 gives 0
    a, b : dropout probability given the history and that the customer is alive
    group : small numbers, equal only where a and b are; found from a and b where absent
    """
    found = np.zeros_like(w)
    a = np.broadcast_to(a, r.shape)
    group = _group(a, b) if group is None else group
    # Why: the function bends at p = 1 / (r w), and p is spread over about 1 / b.
    reach = w[:, -1] * np.maximum(1.0, r / b)
    rule = np.searchsorted(_BOUNDS, reach)
    rule[(rule == len(_BOUNDS)) & (a > _CERTAIN)] -= 1
    many = r > _FEW_PURCHASES
    n_groups = int(group.max(initial=0)) + 1
    if n_groups * _ROWS_PER_GROUP > len(r) and n_groups > 64:
        rule[:] = len(_BOUNDS)
    for table, chosen in ((_NODES_FEW, ~many), (_NODES_MANY, many)):
        for at, n_nodes in enumerate(table):
            rows = np.flatnonzero(chosen & (rule == at))
            if len(rows):
                found[rows] = _by_nodes(r[rows], w[rows], a[rows], b[rows], group[rows], n_nodes)
    rest = np.flatnonzero((rule == len(_BOUNDS)) & (reach > 0.0))
    for start in range(0, len(rest), _ROWS // 4):
        rows = rest[start : start + _ROWS // 4]
        found[rows] = _by_trapezoid(r[rows], w[rows], a[rows], b[rows])
    return found


def _group(
    a: Float[np.ndarray, " rows"], b: Float[np.ndarray, " rows"]
) -> Int[np.ndarray, " rows"]:
    key = b if len(a) == 0 or np.all(a == a[0]) else a + 1j * b
    return np.asarray(np.unique(key, return_inverse=True)[1])


def _by_nodes(
    r: Float[np.ndarray, " rows"],
    w: Float[np.ndarray, "rows edges"],
    a: Float[np.ndarray, " rows"],
    b: Float[np.ndarray, " rows"],
    group: Int[np.ndarray, " rows"],
    n_nodes: int,
) -> Float[np.ndarray, "rows edges"]:
    size = np.bincount(group)
    order = np.argsort(group.astype(np.uint16) if len(size) < 65536 else group, kind="stable")
    ends = np.cumsum(size[size > 0])
    starts = np.concatenate([[0], ends[:-1]])
    nodes, weights = _gauss_beta(a[order[starts]], b[order[starts]], n_nodes)
    weights /= nodes
    found = np.empty_like(w)
    large = ends - starts >= 128
    for p, share, start, end in zip(nodes, weights, starts, ends, strict=True):
        if end - start < 128:
            continue
        # Why: a few thousand rows at a time stay in the processor's cache, and with one table of
        # nodes for all of them every step runs along contiguous memory.
        for cut in range(start, end, _ROWS):
            rows = order[cut : min(cut + _ROWS, end)]
            found[rows] = _power_sum(r[rows], w[rows], p, share)
    small = np.repeat(~large, ends - starts)
    all_rows, all_at = order[small], np.repeat(np.arange(len(ends)), ends - starts)[small]
    for cut in range(0, len(all_rows), _ROWS):
        rows, at = all_rows[cut : cut + _ROWS], all_at[cut : cut + _ROWS]
        until, minus_r = w[rows], -r[rows, None]
        total = np.zeros_like(until)
        for k in range(n_nodes):
            p, share = nodes[at, k, None], weights[at, k, None]
            total -= share * np.expm1(minus_r * np.log1p(p * until))
        found[rows] = total
    return found


def _power_sum(
    r: Float[np.ndarray, " rows"],
    w: Float[np.ndarray, "rows edges"],
    p: Float[np.ndarray, " nodes"],
    share: Float[np.ndarray, " nodes"],
) -> Float[np.ndarray, "rows edges"]:
    """Σ_k share_k (1 − (1 + p_k w)^−r)."""
    found = np.empty_like(w)
    minus_r, power = -r, np.empty(len(r))
    for edge in range(w.shape[1]):
        until, total = np.ascontiguousarray(w[:, edge]), np.zeros(len(r))
        if not until.any():
            found[:, edge] = 0.0
            continue
        for node, weight in zip(p, share, strict=True):
            np.multiply(until, node, out=power)
            np.log1p(power, out=power)
            power *= minus_r
            np.expm1(power, out=power)
            power *= -weight
            total += power
        found[:, edge] = total
    return found


def _gauss_beta(
    a: Float[np.ndarray, " pairs"], b: Float[np.ndarray, " pairs"], n: int
) -> tuple[Float[np.ndarray, "pairs nodes"], Float[np.ndarray, "pairs nodes"]]:
    """Gauss rules of Beta(a, b) on [0, 1], by the eigenvectors of the Jacobi matrix.

    Weights sum to 1, so that no moment is ever formed that overflows at b = 5,000.
    """
    # Jacobi polynomials with weight (1 − t)^g (1 + t)^h on [−1, 1], p = (1 + t) / 2.
    g, h = b[:, None] - 1.0, a[:, None] - 1.0
    k = np.arange(n)[None, :]
    total = 2.0 * k + g + h
    middle = np.empty((len(a), n))
    middle[:, 0] = ((h - g) / (g + h + 2.0))[:, 0]
    middle[:, 1:] = ((h - g) * (h + g) / (total * (total + 2.0)))[:, 1:]
    k, total = k[:, 1:], total[:, 1:]
    # Why: at k = 1 the factor (k + g + h) cancels with (total − 1), and both are 0 at a + b = 1.
    ratio = np.where(k == 1, 1.0, (k + g + h) / np.where(k == 1, 1.0, total - 1.0))
    side = 2.0 / total * np.sqrt(k * (k + g) * (k + h) * ratio / (total + 1.0))
    matrix = np.zeros((len(a), n, n))
    on = np.arange(n)
    matrix[:, on, on] = (1.0 + middle) / 2.0
    matrix[:, on[1:], on[:-1]] = side / 2.0
    nodes, vectors = np.linalg.eigh(matrix)
    # Why: a node may round to 0 or below where b is huge; the function is finite there.
    return np.maximum(nodes, 1e-300), vectors[:, 0, :] ** 2


def _by_trapezoid(
    r: Float[np.ndarray, " rows"],
    w: Float[np.ndarray, "rows edges"],
    a: Float[np.ndarray, " rows"],
    b: Float[np.ndarray, " rows"],
) -> Float[np.ndarray, "rows edges"]:
    """Trapezoid in v = logit(p), its far ends summed as geometric series: any w, any a below 25.

    The step is an eighth of the width of a strip in which the integrand is analytic (pi / 2 for a
    large b), or a share of its own width where that is less: the error is then below 1e-12.
    """
    step = np.minimum(0.25, 0.6 * np.sqrt(1.0 / a + 1.0 / b))
    most = np.log((r + 1.0) * w[:, -1] + 1.0)
    # Left of `low` the function is its value at p = 0, right of `high` its value at p = 1.
    low = -(most + np.log1p(b) + 28.0)
    high = np.full_like(low, 30.0)
    n_steps = np.ceil((high - low) / step).max(initial=1.0)
    v = low[:, None] + step[:, None] * np.arange(int(n_steps) + 1)
    e = np.exp(-np.abs(v))
    log_p = np.where(v < 0, v, 0.0) - np.log1p(e)
    log_q = log_p - v
    p = np.exp(log_p)
    log_density = a[:, None] * log_p + b[:, None] * log_q - betaln(a, b)[:, None]
    density = np.exp(log_density) * step[:, None]
    # Σ_j e^(−a j step) over the nodes beyond the end; nothing is left of it where it overflows.
    ends = tuple(
        density[:, at] * np.exp(-rate * step) / -np.expm1(-rate * step)
        for at, rate in ((0, a), (-1, b))
    )
    found = np.empty_like(w)
    for edge in range(w.shape[1]):
        until = w[:, edge : edge + 1]
        value = -np.expm1(-r[:, None] * np.log1p(p * until)) / p
        inner = np.einsum("rk,rk->r", density, value)
        found[:, edge] = inner + ends[0] * value[:, 0] + ends[1] * value[:, -1]
    return found
