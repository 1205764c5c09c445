"""The exposure integral: a death at an unknown time between the last purchase and now.

    I = ∫_{t_x}^{T} (α+y)^-(r+x) (β+y)^-(s+1) dy

by Gauss-Legendre quadrature in u = ln((c+y)/(c+t_x)), c = min(α, β). With the smaller of the two
as the base, the integrand decays ever faster in u and its nearest singularity lies π off the real
axis, so the error falls geometrically: 32 nodes give 1e-13 relative for 0.1 <= r, s <= 5, any x
from 0 to 10,000 and T up to 600 times α or β. (With α always as the base, x = 0 needs 64 nodes for
1e-4 where α is large beside β.) What lies beyond a decay of e^-40 is cut off.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

__all__ = ["N_NODES", "exposure_nodes"]

N_NODES: Final = 32
_CUT: Final = 40.0
_RULES: Final = {n: np.polynomial.legendre.leggauss(n) for n in range(8, N_NODES + 2, 2)}

Parameter = float | Float[np.ndarray, " rows"]


def exposure_nodes(
    alpha: Parameter,
    beta: Parameter,
    purchases: Float[np.ndarray, " rows"],
    deaths: Parameter,
    t_x: Float[np.ndarray, " rows"],
    T: Float[np.ndarray, " rows"],
) -> tuple[
    Float[np.ndarray, "nodes rows"], Float[np.ndarray, "nodes rows"], Float[np.ndarray, " rows"]
]:
    """Times y of the nodes, and what they weigh: weight = exp(log_weight + log_width).

    Parameters
    ----------
    alpha, purchases : of the factor (alpha + y)^-purchases, purchases = r + x
    beta, deaths : of the factor (beta + y)^-deaths, deaths = s + 1

    Returns
    -------
    y, log_weight, and log_width: -inf where t_x = T (nothing to integrate over)
    """
    swap = np.greater(alpha, beta)
    base, other = np.where(swap, beta, alpha), np.where(swap, alpha, beta)
    base_power = np.where(swap, deaths, purchases)
    other_power = np.where(swap, purchases, deaths)
    first, last = base + t_x, base + T
    # The slowest decay of the integrand per unit of u is at the beginning, as c is the smaller.
    decay = base_power - 1 + other_power * first / (other + t_x)
    width = np.log(last / first)
    width = np.where(decay * width > _CUT, _CUT / np.maximum(decay, 1e-300), width)
    nodes, log_weights = _rule(width, decay)
    u = nodes * width
    y = np.exp(u)
    y -= 1
    y *= first
    y += t_x
    u += log_weights
    with np.errstate(divide="ignore"):
        log_width = np.log(first * width)
    return y, u, log_width


def _rule(
    width: Float[np.ndarray, " rows"], decay: Float[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, "nodes 1"], Float[np.ndarray, "nodes 1"]]:
    needed = 7.0 + float(np.max(width * (2.2 + 0.36 * np.maximum(decay, 0.0)), initial=0.0))
    abscissae, weights = _RULES[next((n for n in _RULES if n >= needed), N_NODES)]
    return (abscissae[:, None] + 1) / 2, np.log(weights / 2)[:, None]
